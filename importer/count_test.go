package importer

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"testing"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// TestMappingAllocates counts what reading and mapping a row allocates: a text
// that the mapping builds of three.
func TestMappingAllocates(t *testing.T) {
	const rows, most = 10_000, 1.1
	m, data := settlementMapping(t), settlementData(rows)
	perRun := testing.AllocsPerRun(2, func() {
		r, err := table.NewReader("a.csv", bytes.NewReader(data), m.Dialect())
		if err != nil {
			t.Fatal(err)
		}
		s := m.NewSession()
		defer s.Close()
		for {
			row, err := r.Next()
			if err != nil {
				break
			}
			if _, err := s.Row(row); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Logf("%.2f allocations for a row", perRun/rows)
	if perRun/rows > most {
		t.Errorf("%.2f allocations for a row, more than %.1f", perRun/rows, most)
	}
}

// TestDryRunAllocates: the calls and the draft add nothing to that for each row,
// only what many rows share.
func TestDryRunAllocates(t *testing.T) {
	const rows, most = 50_000, 1.5
	m := settlementMapping(t)
	data := settlementData(rows)
	plan := func() {
		notes, err := NewNotes()
		if err != nil {
			t.Fatal(err)
		}
		defer notes.Close()
		draft := NewDraft("run", scope)
		defer draft.Close()
		p := &Planner{Mapping: m, Files: []File{settlementFile("a.csv", data, m)}, Book: draft, Scope: scope, Notes: notes, workers: 2, parcel: parcelRows}
		if report, err := p.planAll(context.Background()); err != nil || report.Dropped != nil {
			t.Fatal(report.Dropped, err)
		}
	}
	plan()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	plan()
	runtime.ReadMemStats(&after)
	perRow := float64(after.Mallocs-before.Mallocs) / rows
	t.Logf("%.2f allocations and %d bytes for a row", perRow, (after.TotalAlloc-before.TotalAlloc)/rows)
	if perRow > most {
		t.Errorf("%.2f allocations for a row, more than %.1f", perRow, most)
	}
}

// TestOperationAllocates: a call as a journal keeps it is made of pieces of blocks
// that many calls share.
func TestOperationAllocates(t *testing.T) {
	const calls, most = 1000, 0.1
	maker, event := settlementCall(t)
	var c made
	perRun := testing.AllocsPerRun(5, func() {
		for range calls {
			if maker.make(&c, event); c.err != nil {
				t.Fatal(c.err)
			}
		}
	})
	t.Logf("%.3f allocations for a call", perRun/calls)
	if perRun/calls > most {
		t.Errorf("%.3f allocations for a call, more than %.1f", perRun/calls, most)
	}
}

// TestReceiptsAllocate counts what the line of a receipt takes, besides its entry:
// the line, its key and amount, and a number as text.
func TestReceiptsAllocate(t *testing.T) {
	const lines, most = 5_000, 7
	e := entry("settlement.csv", 12_345, record.New, record.Confirmed)
	e.Amount, e.RecordID = record.Amount{Currency: "eur", Value: 123_456}, "pr_123456789012345678901234"
	perRun := testing.AllocsPerRun(3, func() {
		n, err := WriteReceipts(io.Discard, func(yield func(record.Entry, error) bool) {
			for range lines {
				if !yield(e, nil) {
					return
				}
			}
		})
		if n != lines || err != nil {
			t.Fatal(n, err)
		}
	})
	t.Logf("%.2f allocations for a line", perRun/lines)
	if perRun/lines > most {
		t.Errorf("%.2f allocations for a line, more than %d", perRun/lines, most)
	}
}
