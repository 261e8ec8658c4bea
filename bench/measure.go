package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A contender is one program that does the work of a comparison.
type contender struct {
	name    string
	command []string
	dir     string // working directory; "" is this one
	env     []string
	before  func() error // undone work of an earlier run is removed here; not measured
}

// A sample is one run: wall time, CPU time of user and system, and the largest
// resident set.
type sample struct {
	wall, cpu time.Duration
	rss       int64 // bytes
}

// run runs the contender once. What it prints is shown only when it fails.
func (c *contender) run() (sample, error) {
	if c.before != nil {
		if err := c.before(); err != nil {
			return sample{}, err
		}
	}
	cmd := exec.Command(c.command[0], c.command[1:]...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	wall := time.Since(began)
	if err != nil && cmd.ProcessState.ExitCode() != 3 { // payrec: done, and some rows wait for a person
		return sample{}, fmt.Errorf("%s: %w\n%s", strings.Join(c.command, " "), err, out.String())
	}
	s := sample{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.rss = usage.Maxrss << 10 // kibibytes on Linux: getrusage(2)
	}
	return s, nil
}

// compare runs the contenders in turn, so many rounds, so that what disturbs
// the machine disturbs all alike. The first is the one all are compared with.
func compare(title string, work work, rounds int, contenders []*contender) error {
	fmt.Printf("\n### %s\n\n", title)
	samples := make([][]sample, len(contenders))
	for round := range rounds {
		for i := range contenders {
			i = (i + round) % len(contenders) // nobody is always first
			s, err := contenders[i].run()
			if err != nil {
				return err
			}
			samples[i] = append(samples[i], s)
			fmt.Fprintf(os.Stderr, "%s: round %d of %d: %s %.2f s\n", title, round+1, rounds, contenders[i].name, s.wall.Seconds())
		}
	}
	fmt.Printf("| | wall s (median of %d) | %s | CPU s per 1,000 rows | peak MiB | payrec is |\n|---|--:|--:|--:|--:|--:|\n", rounds, work.unit())
	for i, c := range contenders {
		wall := median(samples[i], func(s sample) float64 { return s.wall.Seconds() })
		cpu := median(samples[i], func(s sample) float64 { return s.cpu.Seconds() })
		rss := median(samples[i], func(s sample) float64 { return float64(s.rss) / (1 << 20) })
		fmt.Printf("| %s | %.2f | %s | %.4f | %.0f | %s |\n", c.name, wall, work.per(wall), cpu*1000/float64(work.rows), rss, ratios(samples[0], samples[i], i == 0))
	}
	return nil
}

// ratios is how many times faster the first contender was, by the median of
// the rounds' own ratios: two runs side by side share the machine's mood.
func ratios(first, other []sample, same bool) string {
	if same {
		return ""
	}
	var all []float64
	for i := range first {
		all = append(all, other[i].wall.Seconds()/first[i].wall.Seconds())
	}
	slices.Sort(all)
	return fmt.Sprintf("%.2f × (%.2f to %.2f)", middle(all), all[0], all[len(all)-1])
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

// A work is what every contender of a comparison does.
type work struct {
	rows  int
	bytes int64 // of the file that is read; 0 when rows are what counts
}

func (w work) unit() string {
	if w.bytes > 0 {
		return "MB/s"
	}
	return "rows/s"
}

func (w work) per(seconds float64) string {
	if w.bytes > 0 {
		return fmt.Sprintf("%.1f", float64(w.bytes)/1e6/seconds)
	}
	return fmt.Sprintf("%.0f", float64(w.rows)/seconds)
}
