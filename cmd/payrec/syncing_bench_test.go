package main

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
)

// BenchmarkSyncing imports the same file in turns into a journal that is synced
// and into one that is not: mapping, planning, 32 calls in flight against a
// server on the loopback device, closing. It reports the median over the rounds of
// what is left of the throughput when it is synced, of the whole import and of
// its sending alone. Ask for rounds: -benchtime 7x.
func BenchmarkSyncing(b *testing.B) {
	const rows = 20_000
	s := newFixedServer(b)
	data := manyPayments(rows)
	m, err := mapping.Load("generic-csv", mapping.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var whole, sending []float64
	for n := range b.N {
		var all, sent [2]time.Duration // synced and not
		for k := range all {
			k = (k + n) % 2 // each goes first every other time
			o := journal.Options{Unsynced: k == 1}
			at := time.Now()
			sent[k] = syncedImport(b, s, m, data, filepath.Join(b.TempDir(), "journal"), o)
			all[k] = time.Since(at)
		}
		whole = append(whole, 100*all[1].Seconds()/all[0].Seconds())
		sending = append(sending, 100*sent[1].Seconds()/sent[0].Seconds())
	}
	if s.writes.Load() != int64(2*rows*b.N) {
		b.Errorf("%d calls, want %d", s.writes.Load(), 2*rows*b.N)
	}
	b.ReportMetric(median(whole), "%-of-unsynced")
	b.ReportMetric(median(sending), "%-of-unsynced-sending")
	b.ReportMetric(float64(2*rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// syncedImport imports one file and returns how long sending took.
func syncedImport(b *testing.B, s *fixedServer, m *mapping.Mapping, data []byte, path string, o journal.Options) time.Duration {
	ctx := context.Background()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	id := journal.Identity{Account: "bench", Endpoint: "loopback"}
	j, err := journal.Open(ctx, path, id, o)
	must(err)
	plan, err := j.NewRun(ctx, journal.RunInfo{Source: m.Source()})
	must(err)
	notes, err := importer.NewNotes()
	must(err)
	defer notes.Close()
	file := importer.File{Name: "payments.csv", Open: func() (*table.Reader, error) {
		return table.NewReader("payments.csv", bytes.NewReader(data), m.Dialect())
	}}
	planner := &importer.Planner{Mapping: m, Files: []importer.File{file}, Book: plan, Scope: id.Scope(), Notes: notes}
	report, err := planner.Plan(ctx)
	must(err)
	if report.Dropped != nil {
		b.Fatal(report.Dropped)
	}
	client := benchClient(b, s)
	defer client.Close()
	at := time.Now()
	applier := &importer.Applier{Run: plan.Run(), Ledger: j, Sender: sender{client}, Limiter: importer.NewThrottle(0), Concurrency: benchLanes}
	n, err := applier.Apply(ctx)
	must(err)
	took := time.Since(at)
	tallies, err := j.Tallies(ctx, plan.Run())
	must(err)
	if len(tallies) != 1 || tallies[0].State != journal.Confirmed || tallies[0].N != n {
		b.Fatalf("%d requests, %+v", n, tallies)
	}
	must(j.Close())
	return took
}
