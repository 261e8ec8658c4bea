package importer

import (
	"bytes"
	"context"
	"testing"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
)

// settlementData is a generated file of so many rows.
func settlementData(rows int) []byte {
	data := []byte(settlementHeader)
	for i := range rows {
		data = settlementRow(data, i)
	}
	return data
}

// BenchmarkDryRun is a whole dry run, as many rows at once as there are cores.
// BenchmarkDryRun/serial is the same row by row.
func BenchmarkDryRun(b *testing.B) {
	const rows = 100_000
	m, data := settlementMapping(b), settlementData(rows)
	run := func(b *testing.B, workers int) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			notes, err := NewNotes()
			if err != nil {
				b.Fatal(err)
			}
			draft := NewDraft("run", scope)
			p := &Planner{Mapping: m, Files: []File{settlementFile("bench.csv", data, m)}, Book: draft, Scope: scope, Notes: notes, workers: workers, parcel: parcelRows}
			report, err := p.planAll(context.Background())
			if err != nil || report.Dropped != nil || report.Rows.Total != rows {
				b.Fatalf("%v %v %+v", err, report.Dropped, report.Rows)
			}
			draft.Close()
			notes.Close()
		}
		b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
	}
	b.Run("parallel", func(b *testing.B) { run(b, 2) })
	b.Run("serial", func(b *testing.B) { run(b, 0) })
}

// BenchmarkRead is the reading alone: what mapping rows side by side cannot
// go below.
func BenchmarkRead(b *testing.B) {
	const rows = 100_000
	m, data := settlementMapping(b), settlementData(rows)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := table.NewReader("bench.csv", bytes.NewReader(data), m.Dialect())
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
		r.Close()
	}
}

// BenchmarkOperation makes the call of one payment, as a journal keeps it.
func BenchmarkOperation(b *testing.B) {
	maker, event := settlementCall(b)
	var c made
	b.ReportAllocs()
	for b.Loop() {
		if maker.make(&c, event); c.err != nil {
			b.Fatal(c.err)
		}
	}
}

// settlementCall is a maker of calls, and the call of one payment.
func settlementCall(t testing.TB) (*maker, *mapping.Event) {
	m := settlementMapping(t)
	r, err := table.NewReader("a.csv", bytes.NewReader(settlementData(1)), m.Dialect())
	if err != nil {
		t.Fatal(err)
	}
	s := m.NewSession()
	t.Cleanup(func() { s.Close() })
	for {
		row, err := r.Next()
		if err != nil {
			t.Fatal("no call came of the row")
		}
		result, err := s.Row(row)
		if err != nil {
			t.Fatal(err)
		}
		if result != nil {
			return newMaker(&Planner{Mapping: m, Scope: scope}), &result.Events[0]
		}
	}
}
