package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const mapping = "settlement.yaml"

// dryRun reads, types and checks a whole file: exact decimals, times in a
// zone, ids seen twice, sums.
func (b *bench) dryRun() error {
	rows := b.size(1_000_000)
	file, size, err := generate(b.work, rows, false)
	if err != nil {
		return err
	}
	return compare(fmt.Sprintf("Checking a file of %d rows (%.0f MB) before anything is sent", rows, float64(size)/1e6), work{rows, size}, b.rounds, b.present(
		&contender{name: "payrec import --dry-run", command: []string{b.payrec, "import", file, "-m", mapping, "--dry-run", "--out", b.work}},
		&contender{name: "careful Python script", command: []string{"python3", "python/check.py", file}},
		&contender{name: "Miller, the same checks", command: []string{"mlr", "--icsv", "--ojson", "--records-per-batch", "500", "put", "-q", "-f", "miller/check.mlr", file}},
		&contender{name: "DuckDB, typed copy", command: []string{"node", "node/duckdb.mjs", "copy", file, filepath.Join(b.work, "copy.parquet")}},
		&contender{name: "DuckDB, typed aggregate", command: []string{"node", "node/duckdb.mjs", "aggregate", file}},
	))
}

// plan writes the plan of a file into a journal, and once more into the
// journal in which everything stands already.
func (b *bench) plan() error {
	rows := b.size(1_000_000)
	file, size, err := generate(b.work, rows, true)
	if err != nil {
		return err
	}
	journal := filepath.Join(b.work, "plan.db")
	command := []string{b.payrec, "plan", file, "-m", mapping, "--journal", journal, "--out", filepath.Join(b.work, "out"),
		"--sandbox=" + filepath.Join(b.work, "plan-sandbox.json"), "--new-journal"}
	return compare(fmt.Sprintf("Planning %d rows (%.0f MB) into the journal", rows, float64(size)/1e6), work{rows: rows}, b.rounds, []*contender{
		{name: "payrec plan", command: command, before: b.fresh("plan.db*", "plan-sandbox*", "out")},
		{name: "payrec plan, read only (dry run)", command: []string{b.payrec, "import", file, "-m", mapping, "--dry-run", "--out", b.work}},
	})
}

// server starts the fixed-answer server in a process of its own.
func (b *bench) server(latency time.Duration) (base string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(self, "-latency", latency.String(), "serve")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cmd.Process.Kill()
		return "", nil, err
	}
	return strings.TrimSpace(line), func() { cmd.Process.Kill(); cmd.Wait() }, nil
}

// senders are payrec and the programs that send the same file.
func (b *bench) senders(base, file string, inFlight int) ([]*contender, error) {
	gocsv, err := b.build("peer-gocsv")
	if err != nil {
		return nil, err
	}
	tuned, err := b.build("peer-tuned")
	if err != nil {
		return nil, err
	}
	n := strconv.Itoa(inFlight)
	env := []string{"STRIPE_API_KEY=sk_test_bench"}
	return b.present(
		&contender{name: "payrec import", env: env, before: b.fresh("import.db*", "out"), command: []string{b.payrec, "import", file, "-m", mapping,
			"--api-base", base, "--concurrency", n, "--journal", filepath.Join(b.work, "import.db"), "--out", filepath.Join(b.work, "out")}},
		&contender{name: "hand-tuned sender, no journal", command: []string{tuned, base, file, n}},
		&contender{name: "gocsv + stripe-go, typed", command: []string{gocsv, base, file, n}},
		&contender{name: "official Node SDK + csv-parse", command: []string{"node", "node/send.mjs", base, file, n}},
		&contender{name: "Python, urllib", command: []string{"python3", "python/send.py", base, file, n}},
	), nil
}

// imports sends a file to a server that answers at once.
func (b *bench) imports() error {
	rows := b.size(100_000)
	file, _, err := generate(b.work, rows, true)
	if err != nil {
		return err
	}
	base, stop, err := b.server(0)
	if err != nil {
		return err
	}
	defer stop()
	all, err := b.senders(base, file, 32)
	if err != nil {
		return err
	}
	return compare(fmt.Sprintf("Sending %d rows to a server that answers at once, 32 in flight", rows), work{rows: rows}, b.rounds, all)
}

// latency sends to a server that takes 20 ms for each answer: 32 in flight
// cannot do more than 1,600 a second.
func (b *bench) latency() error {
	rows := b.size(20_000)
	file, _, err := generate(b.work, rows, true)
	if err != nil {
		return err
	}
	base, stop, err := b.server(20 * time.Millisecond)
	if err != nil {
		return err
	}
	defer stop()
	all, err := b.senders(base, file, 32)
	if err != nil {
		return err
	}
	fmt.Printf("\nAt 20 ms an answer and 32 in flight, the ceiling is 1,600 rows/s.\n")
	return compare(fmt.Sprintf("Sending %d rows, 20 ms an answer, 32 in flight", rows), work{rows: rows}, b.rounds, all)
}

// growth shows how time and memory grow with the file.
func (b *bench) growth() error {
	largest := b.size(10_000_000)
	fmt.Printf("\n### Time and memory against the length of the file\n\n| rows | step | wall s | rows/s | CPU µs per row | peak MiB |\n|--:|---|--:|--:|--:|--:|\n")
	for rows := 10_000; rows <= largest; rows *= 10 {
		file, _, err := generate(b.work, rows, true)
		if err != nil {
			return err
		}
		journal := filepath.Join(b.work, "growth.db")
		planning := []string{b.payrec, "plan", file, "-m", mapping, "--journal", journal, "--out", filepath.Join(b.work, "out"),
			"--sandbox=" + filepath.Join(b.work, "growth-sandbox.json"), "--new-journal"}
		for _, c := range []*contender{
			{name: "dry run", command: []string{b.payrec, "import", file, "-m", mapping, "--dry-run", "--out", b.work}},
			{name: "plan", command: planning, before: b.fresh("growth.db*", "growth-sandbox*", "out")},
		} {
			s, err := c.run()
			if err != nil {
				return err
			}
			fmt.Printf("| %d | %s | %.2f | %.0f | %.2f | %d |\n", rows, c.name, s.wall.Seconds(), float64(rows)/s.wall.Seconds(),
				float64(s.cpu.Microseconds())/float64(rows), s.rss>>20)
		}
	}
	return nil
}
