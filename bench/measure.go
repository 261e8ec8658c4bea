package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A contender is one program that does the work of a comparison.
type contender struct {
	name    string
	command []string
	env     []string
	before  func() error // undoes what an earlier run left; not measured
}

// A sample is one run: wall time, CPU time of user and system, the largest
// resident set, and what went on meanwhile in the server and in the machine.
type sample struct {
	began     time.Time
	wall, cpu time.Duration
	rss       int64         // bytes
	server    tally         // its CPU is of this run; zero without a server
	others    time.Duration // CPU time of whatever else ran
}

func (s sample) seconds() float64    { return s.wall.Seconds() }
func (s sample) cpuSeconds() float64 { return s.cpu.Seconds() }

// run runs the contender once. What it prints is shown only when it fails.
func (c *contender) run(s *serving) (sample, error) {
	if c.before != nil {
		if err := c.before(); err != nil {
			return sample{}, err
		}
	}
	cmd := exec.Command(c.command[0], c.command[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	server, err := s.tally()
	if err != nil {
		return sample{}, err
	}
	busy, began := busyTime(), time.Now()
	err = cmd.Run()
	wall := time.Since(began)
	busy = busyTime() - busy
	if err != nil && cmd.ProcessState.ExitCode() != 3 { // payrec: done, and some rows wait for a person
		return sample{}, fmt.Errorf("%s: %w\n%s", strings.Join(c.command, " "), err, out.String())
	}
	result := sample{began: began, wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		result.rss = usage.Maxrss << 10 // kibibytes on Linux: getrusage(2)
	}
	if result.server, err = s.tally(); err != nil {
		return sample{}, err
	}
	result.server.CPU -= server.CPU
	result.others = max(0, busy-result.cpu-result.server.CPU)
	return result, nil
}

// A comparison is a table: what is done, by whom, and what is told of it.
type comparison struct {
	title   string
	rows    int
	bytes   int64    // of the file that is read; 0 when rows are what counts
	server  *serving // nil without one
	columns []column // beside those that every table has
}

// A column is a figure of one contender's runs.
type column struct {
	title string
	of    func([]sample) string
}

// compare runs the contenders in turn, in each round, so that what disturbs the
// machine disturbs all alike. The first is the one all are compared with.
func (b *bench) compare(c comparison, contenders ...*contender) error {
	contenders = b.present(contenders)
	samples := make([][]sample, len(contenders))
	for round := range b.rounds {
		for i := range contenders {
			i = (i + round) % len(contenders) // nobody is always first
			s, err := contenders[i].run(c.server)
			if err != nil {
				return err
			}
			samples[i] = append(samples[i], s)
			fmt.Fprintf(os.Stderr, "%s: round %d of %d: %s %.2f s\n", c.title, round+1, b.rounds, contenders[i].name, s.wall.Seconds())
		}
	}
	fmt.Fprintf(&b.out, "### %s\n\n", c.title)
	c.print(&b.out, contenders, samples)
	warn(&b.out, slices.Concat(samples...))
	return nil
}

func (c comparison) print(w io.Writer, contenders []*contender, samples [][]sample) {
	rows := float64(c.rows)
	titles := []string{"", fmt.Sprintf("wall s (median of %d)", len(samples[0])), "rows/s", "CPU s per 1,000 rows", "peak MiB", "× the wall time of the first", "× its CPU"}
	if c.bytes > 0 {
		titles[2] = "MB/s"
	}
	if c.server != nil {
		titles = append(titles, "server's CPU s per 1,000 rows")
	}
	for _, column := range c.columns {
		titles = append(titles, column.title)
	}
	fmt.Fprintf(w, "| %s |\n|---%s|\n", strings.Join(titles, " | "), strings.Repeat("|--:", len(titles)-1))
	for i, contender := range contenders {
		all := samples[i]
		wall, cpu := median(all, sample.seconds), median(all, sample.cpuSeconds)
		speed := fmt.Sprintf("%.0f", rows/wall)
		if c.bytes > 0 {
			speed = fmt.Sprintf("%.1f", float64(c.bytes)/1e6/wall)
		}
		cells := []string{contender.name, fmt.Sprintf("%.2f", wall), speed, fmt.Sprintf("%.4f", cpu*1000/rows),
			fmt.Sprintf("%.0f", median(all, func(s sample) float64 { return float64(s.rss) / (1 << 20) })), "", ""}
		if i > 0 {
			times, least, most := ratios(samples[0], all, sample.seconds)
			cells[5] = fmt.Sprintf("%.2f (%.2f to %.2f)", times, least, most)
			times, _, _ = ratios(samples[0], all, sample.cpuSeconds)
			cells[6] = fmt.Sprintf("%.2f", times)
		}
		if c.server != nil {
			cells = append(cells, fmt.Sprintf("%.4f", median(all, func(s sample) float64 { return s.server.CPU.Seconds() })*1000/rows))
		}
		for _, column := range c.columns {
			cells = append(cells, column.of(all))
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
	commands(w, contenders)
}

// commands prints what was run, as it can be repeated from this folder.
func commands(w io.Writer, contenders []*contender) {
	here, err := os.Getwd()
	if err != nil {
		return
	}
	relative := strings.NewReplacer(here+"/", "", filepath.Dir(here)+"/", "../")
	for _, contender := range contenders {
		fmt.Fprintf(w, "\n    %s", relative.Replace(strings.Join(contender.command, " ")))
	}
	fmt.Fprintln(w)
}

// ratios is how many times what the first contender took the other took: the
// median of the rounds' own ratios, since two runs side by side share the
// machine's mood, and the least and the most of them.
func ratios(first, other []sample, of func(sample) float64) (middling, least, most float64) {
	var all []float64
	for i := range first {
		all = append(all, of(other[i])/of(first[i]))
	}
	slices.Sort(all)
	return middle(all), all[0], all[len(all)-1]
}

func median(samples []sample, of func(sample) float64) float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return middle(all)
}

// middle is the median of sorted numbers.
func middle(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
