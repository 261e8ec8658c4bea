package mapping

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/table"
)

// farApart is a file of n rows in which the two rows of each payment stand n/2
// rows apart, without being one: the rows are made when they are asked for.
func farApart(n int, do func(*table.Row) error) error {
	header := table.NewColumns([]string{"Ref", "Of", "Sum", "At", "Type"})
	row := &table.Row{Pos: table.Pos{File: "far.csv", Line: 1}, Role: table.HeaderRow, Header: header, Cells: header.Names()}
	if err := do(row); err != nil {
		return err
	}
	for i := range n {
		order := fmt.Sprintf("order-%09d", (i%(n/2))*7919%(n/2))
		*row = table.Row{Pos: table.Pos{File: "far.csv", Line: i + 2}, Role: table.Body, Header: header, Cells: []string{fmt.Sprintf("L%d", i), order, "1.25", "2026-01-01", ""}}
		if err := do(row); err != nil {
			return err
		}
	}
	return nil
}

// live runs an import of n rows whose payments lie far apart, with a value over
// each payment's rows, a shared call and a check per payment, and is the most
// memory in use at any time, looked at every step rows.
func live(t testing.TB, m *Mapping, limit, n, step int) (most uint64, calls int) {
	t.Helper()
	s := m.newSession(limit)
	defer s.Close()
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	rows := 0
	look := func() {
		if rows++; step > 0 && rows%step == 0 {
			var now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
		}
	}
	if err := farApart(n, func(row *table.Row) error { look(); return s.Gather(row) }); err != nil {
		t.Fatal(err)
	}
	err := farApart(n, func(row *table.Row) error {
		look()
		res, err := s.Row(row)
		if err != nil || res == nil {
			return err
		}
		if res.Disposition == Rejected {
			return &res.Problems[0]
		}
		for _, e := range res.Events {
			if calls++; e.Amount.Value != 250 {
				return fmt.Errorf("%s: %d", e.ID, e.Amount.Value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	checks, err := s.Finish()
	if err != nil || len(checks) != 1 || !checks[0].OK || checks[0].Msg != fmt.Sprintf("%d groups", n/2) {
		t.Fatalf("%+v %v", checks, err)
	}
	look()
	return most, calls
}

func farMapping(t testing.TB) *Mapping {
	return mustParse(t, strings.Replace(orders(""), "emit:", "checks: [{name: two, per: =of, that: count() == 2}]\nemit:", 1), Options{})
}

// Ten times the groups that are kept in memory cost no more of it.
func TestMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const n, limit = 200_000, 5_000
	most, calls := live(t, farMapping(t), limit, n, 10_000)
	if calls != n/2 {
		t.Errorf("%d calls of %d payments", calls, n/2)
	}
	t.Logf("%d rows, %d payments far apart: %.1f MiB at most", n, n/2, float64(most)/(1<<20))
	if most > 12<<20 {
		t.Errorf("%d MiB in use for %d payments of which %d are kept at once", most>>20, n/2, limit)
	}
}

// Every payment's rows far apart, in two passes, with checks.
func BenchmarkFarApart(b *testing.B) {
	m := farMapping(b)
	for _, n := range []int{200_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var most uint64
			for b.Loop() {
				most, _ = live(b, m, maxGroups, n, n/10)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(most)/(1<<20), "MiB-live")
		})
	}
}
