package main

import (
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

// inFlight is how many calls every sender has under way.
const inFlight = 32

// command is one of payrec's on a file; what it writes beside the journal
// goes to the work folder.
func (b *bench) command(verb, file, mapping string, flags ...string) []string {
	return append([]string{b.payrec, verb, file, "-m", mapping, "--out", b.path("out")}, flags...)
}

func (b *bench) dry(file, mapping string) []string {
	return b.command("import", file, mapping, "--dry-run")
}

// planned and imported are plan and import with a journal, against the server.
func (b *bench) planned(base, file, journal string) []string {
	return b.command("plan", file, "settlement.yaml", "--api-base", base, "--journal", journal)
}

func (b *bench) imported(base, file, journal string) []string {
	return b.command("import", file, "settlement.yaml", "--api-base", base, "--concurrency", strconv.Itoa(inFlight), "--journal", journal)
}

// key is a test key, which a server on this machine takes.
var key = []string{"STRIPE_API_KEY=sk_test_bench"}

// dryRun reads, types and checks a whole file: exact decimals, times in a
// zone, ids seen twice, sums.
func (b *bench) dryRun() error {
	rows := b.size(500_000)
	file, size, err := generate(b.work, rows, false)
	if err != nil {
		return err
	}
	c := comparison{title: fmt.Sprintf("Checking a file of %d rows (%.0f MB) before anything is sent", rows, float64(size)/1e6), rows: rows, bytes: size}
	return b.compare(c,
		&contender{name: "payrec import --dry-run", command: b.dry(file, "settlement.yaml")},
		&contender{name: "careful Python script", command: []string{"python3", "python/check.py", "usual", file}},
		&contender{name: "the same, made for speed", command: []string{"python3", "python/check.py", "fast", file}},
		&contender{name: "Miller, the same checks", command: []string{"mlr", "--icsv", "--ojson", "--records-per-batch", "500", "put", "-q", "-f", "miller/check.mlr", file}},
		&contender{name: "DuckDB, typed copy", command: []string{"node", "node/duckdb.mjs", "copy", file, b.path("copy.parquet")}},
		&contender{name: "DuckDB, typed aggregate", command: []string{"node", "node/duckdb.mjs", "aggregate", file}},
	)
}

// plan writes the plan of a file into a new journal.
func (b *bench) plan() error {
	rows := b.size(1_000_000)
	file, size, err := generate(b.work, rows, true)
	if err != nil {
		return err
	}
	s, err := startServer(0, 0)
	if err != nil {
		return err
	}
	defer s.stop()
	c := comparison{title: fmt.Sprintf("Planning %d rows (%.0f MB) into a new journal", rows, float64(size)/1e6), rows: rows}
	return b.compare(c,
		&contender{name: "payrec plan", env: key, command: b.planned(s.base, file, b.path("plan.db")), before: b.fresh("plan.db*", "out")},
		&contender{name: "the same without a journal (dry run)", command: b.dry(file, "settlement.yaml")},
	)
}

// again imports a file of which every call is confirmed in the journal already.
func (b *bench) again() error {
	rows := b.size(1_000_000)
	file, _, err := generate(b.work, rows, true)
	if err != nil {
		return err
	}
	s, err := startServer(0, 0)
	if err != nil {
		return err
	}
	defer s.stop()
	confirmed := b.path("confirmed.db")
	first := &contender{env: key, command: b.imported(s.base, file, confirmed), before: b.fresh("confirmed.db*", "out")}
	if _, err := first.run(nil); err != nil {
		return err
	}
	restore := func() error {
		if err := b.fresh("again.db*", "out")(); err != nil {
			return err
		}
		// With what its last close noted beside it; a copy without that is checked page by page first.
		return exec.Command("sh", "-c", `cp "$0" "$1" && cp "$0.lock" "$1.lock" && sync "$1"`, confirmed, b.path("again.db")).Run()
	}
	c := comparison{title: fmt.Sprintf("Importing %d rows a second time, all of them confirmed", rows), rows: rows, server: s,
		columns: []column{{"calls sent", middling(0, func(s sample) float64 { return float64(s.server.Posts) })}}}
	return b.compare(c,
		&contender{name: "payrec plan, new journal", env: key, command: b.planned(s.base, file, b.path("plan.db")), before: b.fresh("plan.db*", "out")},
		&contender{name: "payrec import, again", env: key, command: b.imported(s.base, file, b.path("again.db")), before: restore},
	)
}

// senders are payrec and the programs that send the same file.
func (b *bench) senders(base, file string) ([]*contender, error) {
	gocsv, err := b.build("peer-gocsv")
	if err != nil {
		return nil, err
	}
	tuned, err := b.build("peer-tuned")
	if err != nil {
		return nil, err
	}
	n := strconv.Itoa(inFlight)
	return []*contender{
		{name: "payrec import", env: key, before: b.fresh("import.db*", "out"), command: b.imported(base, file, b.path("import.db"))},
		{name: "hand-tuned sender, no journal", command: []string{tuned, base, file, n}},
		{name: "gocsv + stripe-go, typed", command: []string{gocsv, base, file, n}},
		{name: "official Node SDK + csv-parse", command: []string{"node", "node/send.mjs", base, file, n}},
		{name: "Python, standard library", command: []string{"python3", "python/send.py", base, file, n}},
	}, nil
}

// imports sends a file to a server that answers at once.
func (b *bench) imports() error {
	rows := b.size(100_000)
	file, _, err := generate(b.work, rows, true)
	if err != nil {
		return err
	}
	s, err := startServer(0, 0)
	if err != nil {
		return err
	}
	defer s.stop()
	all, err := b.senders(s.base, file)
	if err != nil {
		return err
	}
	c := comparison{title: fmt.Sprintf("Sending %d rows to a server that answers at once, %d in flight", rows, inFlight), rows: rows, server: s}
	return b.compare(c, all...)
}

// latency sends to a server that takes 20 ms for each answer. What that allows
// is reckoned from what the server really took.
func (b *bench) latency() error {
	rows := b.size(20_000)
	file, _, err := generate(b.work, rows, true)
	if err != nil {
		return err
	}
	s, err := startServer(20*time.Millisecond, 0)
	if err != nil {
		return err
	}
	defer s.stop()
	all, err := b.senders(s.base, file)
	if err != nil {
		return err
	}
	c := comparison{title: fmt.Sprintf("Sending %d rows, 20 ms an answer, %d in flight", rows, inFlight), rows: rows, server: s, columns: allowed}
	return b.compare(c, all...)
}

// allowed holds a sender against what the server's time for an answer allows
// with so many in flight, and says where the rest went.
var allowed = []column{
	{"ms an answer", middling(3, func(s sample) float64 { return 1000 * s.server.Service.Seconds() / float64(s.server.Posts) })},
	{"% of what that allows", middling(1, func(s sample) float64 { return 100 * s.server.Service.Seconds() / inFlight / s.seconds() })},
	{"% from the first call to the last", middling(1, func(s sample) float64 {
		return 100 * s.server.Service.Seconds() / inFlight / s.server.Last.Sub(s.server.First).Seconds()
	})},
	{"s before the first call", middling(2, func(s sample) float64 { return s.server.First.Sub(s.began).Seconds() })},
	{"s after the last", middling(2, func(s sample) float64 { return s.seconds() - s.server.Last.Sub(s.began).Seconds() })},
}

// middling is the median of a figure, with so many decimals.
func middling(decimals int, of func(sample) float64) func([]sample) string {
	return func(all []sample) string { return strconv.FormatFloat(median(all, of), 'f', decimals, 64) }
}

// csvOut exports an account that the server lists, 100 records a page, as CSV.
func (b *bench) csvOut() error {
	rows := b.size(200_000)
	s, err := startServer(0, rows)
	if err != nil {
		return err
	}
	defer s.stop()
	export := []string{b.payrec, "export", "-o", b.path("export.csv"), "--attempts", "none", "--api-base", s.base, "--journal", b.path("export.db")}
	c := comparison{title: fmt.Sprintf("Exporting %d payment records as CSV", rows), rows: rows, server: s}
	return b.compare(c,
		&contender{name: "payrec export", env: key, before: b.fresh("export.*"), command: export},
		&contender{name: "the same, not kept to be compared with later (--no-log)", env: key, before: b.fresh("export.*"), command: append(export, "--no-log")},
		&contender{name: "official Node SDK + csv-stringify", command: []string{"node", "node/export.mjs", s.base, b.path("node.csv")}},
		&contender{name: "Python, standard library", command: []string{"python3", "python/export.py", s.base, b.path("python.csv")}},
	)
}
