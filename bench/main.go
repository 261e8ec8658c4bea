// Command bench runs payrec beside the programs that people use for the same
// work today, on the same generated input, in the same run, and prints ratios
// of medians.
//
//	go run . [-rows N] [-rounds N] [-only NAMES] [-work DIR] [-into FILE.md] SCENARIO…
//
// Terms: a scenario is one kind of work (dry-run, plan, again, import, latency,
// csv-out, xlsx-out, xlsx-in, growth); a contender is a program that does it; a
// round runs every contender of a scenario once, in turn. Ratios are taken within
// a round, because a machine is often busier in one minute than in the next; what
// else ran on it is printed beneath each table.
//
// Peers do what a careful person would have them do for this file: the amounts
// exact, with the decimals that the currency has; times in the zone, and those
// that the clock shows twice or never refused; ids trimmed, and seen twice
// refused; every call with the same parameters and an idempotency key. What each
// leaves out is said where it is started, or in its own comment. None was slowed
// down.
//
// bench is a module of its own, so that the peers never become dependencies of
// payrec. It needs Go; a peer whose tool is not installed (node, mlr, python3)
// is left out, and the scenario says so.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

type bench struct {
	work   string // where input and output lie
	rows   int    // 0: the scenario's own number
	sent   int    // most rows that growth imports
	rounds int
	payrec string
	only   string // part of the contenders' names; payrec always runs
	into   string // a file in which the tables are replaced; see replace
	out    strings.Builder
}

func main() {
	var b bench
	flag.StringVar(&b.work, "work", "work", "folder for generated files")
	flag.IntVar(&b.rows, "rows", 0, "rows of the input (default: each scenario's own)")
	flag.IntVar(&b.sent, "sent", 1_000_000, "rows up to which growth imports; 10,000,000 take a quarter of an hour")
	flag.IntVar(&b.rounds, "rounds", 5, "rounds of every scenario")
	flag.StringVar(&b.payrec, "payrec", "../bin/payrec", "the payrec to measure")
	flag.StringVar(&b.only, "only", "", "only contenders with this in their names")
	flag.StringVar(&b.into, "into", "", "put each table between the lines <!-- SCENARIO --> and <!-- end --> of this `file`, too")
	latency := flag.Duration("latency", 0, "of each answer, for the scenario serve")
	listed := flag.Int("listed", 0, "records in the list, for the scenario serve")
	flag.Parse()
	var err error
	if flag.Arg(0) == "serve" {
		err = serve(*latency, *listed)
	} else {
		err = b.main(flag.Args())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) main(args []string) error {
	scenarios := map[string]func() error{
		"dry-run": b.dryRun, "plan": b.plan, "again": b.again, "import": b.imports, "latency": b.latency,
		"csv-out": b.csvOut, "xlsx-out": b.xlsxOut, "xlsx-in": b.xlsxIn, "growth": b.growth,
	}
	if len(args) == 0 {
		args = []string{"dry-run", "plan", "again", "import", "latency", "csv-out", "xlsx-out", "xlsx-in", "growth"}
	}
	for _, name := range args {
		if scenarios[name] == nil {
			return fmt.Errorf("no scenario %q", name)
		}
	}
	var err error
	if b.work, err = filepath.Abs(b.work); err != nil {
		return err
	}
	if b.payrec, err = filepath.Abs(b.payrec); err != nil {
		return err
	}
	if err := os.MkdirAll(b.work, 0o755); err != nil {
		return err
	}
	scenarios["versions"] = b.versions
	for _, name := range append([]string{"versions"}, args...) {
		b.out.Reset()
		if err := scenarios[name](); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Println(b.out.String())
		if b.into == "" {
			continue
		}
		if err := replace(b.into, name, b.out.String()); err != nil {
			return err
		}
	}
	return nil
}

// replace puts a text where the one of the same name stands in a file.
func replace(file, name, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	const end = "<!-- end -->"
	mark := "<!-- " + name + " -->\n"
	before, rest, found := strings.Cut(string(old), mark)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("%s has no place for %s, from %q to %q", file, name, mark, end)
	}
	return os.WriteFile(file, []byte(before+mark+text+end+after), 0o644)
}

func (b *bench) path(name string) string { return filepath.Join(b.work, name) }

// versions tells what is compared, and on what.
func (b *bench) versions() error {
	fmt.Fprintf(&b.out, "%s, %s/%s, %d cores; %s\n", time.Now().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	for _, command := range [][]string{
		{b.payrec, "version"}, {"git", "log", "-1", "--format=commit %h of %cs"}, {"mlr", "--version"}, {"python3", "--version"},
		{"node", "-p", "'Node ' + process.version + ' ' + JSON.stringify(require('./node/package.json').dependencies)"},
		{"go", "list", "-m", "github.com/gocarina/gocsv", "github.com/stripe/stripe-go/v85", "github.com/xuri/excelize/v2"},
	} {
		out, err := exec.Command(command[0], command[1:]...).Output()
		if err != nil {
			fmt.Fprintf(&b.out, "- %s: not here; left out\n", command[0])
			continue
		}
		fmt.Fprintf(&b.out, "- %s\n", strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", ", "))
	}
	return nil
}

// present leaves out the contenders whose tools are not installed, and those
// that were not asked for.
func (b *bench) present(all []*contender) []*contender {
	var out []*contender
	for i, c := range all {
		if _, err := exec.LookPath(c.command[0]); err != nil {
			fmt.Fprintf(os.Stderr, "%s is left out: %v\n", c.name, err)
			continue
		}
		if c.command[0] == "node" && !exists(filepath.Join("node", "node_modules")) {
			fmt.Fprintf(os.Stderr, "%s is left out: run `npm install --no-package-lock` in bench/node first\n", c.name)
			continue
		}
		if i > 0 && !strings.Contains(c.name, b.only) {
			continue
		}
		out = append(out, c)
	}
	return out
}

func (b *bench) size(own int) int {
	if b.rows > 0 {
		return b.rows
	}
	return own
}

// fresh removes what an earlier run left in the work folder.
func (b *bench) fresh(names ...string) func() error {
	return func() error { return remove(b.work, names...) }
}

func remove(dir string, names ...string) error {
	var errs []error
	for _, name := range names {
		all, err := filepath.Glob(filepath.Join(dir, name))
		errs = append(errs, err)
		for _, path := range all {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	return errors.Join(errs...)
}

// build compiles one of the Go peers into the work folder.
func (b *bench) build(peer string) (string, error) {
	path := filepath.Join(b.work, peer)
	out, err := exec.Command("go", "build", "-o", path, "./"+peer).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", peer, err, out)
	}
	return path, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
