package main

import (
	"fmt"
	"io"
	"os"
	"slices"
)

// growth shows how time and memory grow with the file: 10,000 rows, ten times as
// many, and so on. From 1,000,000 rows on each step is run once.
func (b *bench) growth() error {
	s, err := startServer(0, 0)
	if err != nil {
		return err
	}
	defer s.stop()
	defer b.fresh("growth*.db*", "out")()
	fmt.Fprintf(&b.out, "### Time and memory against the length of the file\n\n")
	fmt.Fprintf(&b.out, "| rows | step | wall s | rows/s | CPU µs per row | server's CPU µs per row | peak MiB | a row's wall time ÷ in a tenth of the rows | its CPU time ÷ |\n|--:|---%s|\n", "|--:|--:|--:|--:|--:|--:|--:")
	t := growing{w: &b.out, last: map[string]sample{}}
	for rows := 10_000; rows <= max(b.size(1_000_000), b.sent); rows *= 10 {
		file, _, err := generate(b.work, rows, true)
		if err != nil {
			return err
		}
		for _, c := range b.steps(s.base, file, rows) {
			runs := b.rounds
			if rows >= 1_000_000 || c.name == "import again" { // of a journal into which the file was imported once
				runs = 1
			}
			taken, err := c.typical(s, runs)
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "growth: %s of %d rows %.2f s\n", c.name, rows, taken.seconds())
			t.print(rows, c.name, taken)
		}
	}
	if t.worst != "" {
		fmt.Fprintf(&b.out, "\nThe CPU time of a row grew most in %s: to %.2f times that of a row in a tenth as many.\n", t.worst, t.most)
	}
	warn(&b.out, t.all)
	return nil
}

// steps are what payrec does with a file of so many rows.
func (b *bench) steps(base, file string, rows int) []*contender {
	var steps []*contender
	if rows <= b.size(1_000_000) {
		steps = append(steps,
			&contender{name: "dry run", command: b.dry(file, "settlement.yaml")},
			&contender{name: "plan", env: key, command: b.planned(base, file, b.path("growth-plan.db")), before: b.fresh("growth-plan.db*", "out")})
	}
	if rows <= b.sent {
		command := b.imported(base, file, b.path("growth.db"))
		steps = append(steps,
			&contender{name: "import", env: key, command: command, before: b.fresh("growth*.db*", "out")},
			&contender{name: "import again", env: key, command: command, before: b.fresh("out")})
	}
	return steps
}

// typical runs the contender so many times, and gives the run whose CPU time is
// the median.
func (c *contender) typical(s *serving, runs int) (sample, error) {
	var all []sample
	for range runs {
		taken, err := c.run(s)
		if err != nil {
			return sample{}, err
		}
		all = append(all, taken)
	}
	slices.SortFunc(all, func(x, y sample) int { return int(x.cpu - y.cpu) })
	return all[len(all)/2], nil
}

// growing is the table of what grows, as far as it is printed.
type growing struct {
	w     io.Writer
	last  map[string]sample // by step, of a tenth of the rows
	all   []sample
	worst string // step and rows
	most  float64
}

func (t *growing) print(rows int, step string, s sample) {
	n := float64(rows)
	wall, cpu := "", ""
	if tenth, ok := t.last[step]; ok {
		ratio := s.cpuSeconds() / tenth.cpuSeconds() / 10
		wall, cpu = fmt.Sprintf("%.2f", s.seconds()/tenth.seconds()/10), fmt.Sprintf("%.2f", ratio)
		if ratio > t.most {
			t.worst, t.most = fmt.Sprintf("%s of %d rows", step, rows), ratio
		}
	}
	t.last[step], t.all = s, append(t.all, s)
	fmt.Fprintf(t.w, "| %d | %s | %.2f | %.0f | %.2f | %.2f | %d | %s | %s |\n",
		rows, step, s.seconds(), n/s.seconds(), s.cpuSeconds()*1e6/n, s.server.CPU.Seconds()*1e6/n, s.rss>>20, wall, cpu)
}
