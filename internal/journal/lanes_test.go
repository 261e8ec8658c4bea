package journal

import (
	"context"
	"strings"
	"testing"
)

// TestQueriesSeek: what is asked page by page, or batch by batch, is found by
// numbers and indexes; nothing is sorted, and no table is read through.
func TestQueriesSeek(t *testing.T) {
	j := newJournal(t)
	plan(t, j, "r", pay("A", "x"), refund("A", "1", "x"))
	err := j.w.do(context.Background(), func(w *writer) error {
		for _, query := range []string{lanesQuery, aheadItems, aheadBack} {
			steps := 0
			err := w.jobsOn.each("EXPLAIN QUERY PLAN "+query, nil, func(r *pageRow) (bool, error) {
				r.i = 3 // behind id, parent and a column that is not used
				step := string(r.borrow())
				if steps++; strings.Contains(step, "TEMP B-TREE") || strings.HasPrefix(step, "SCAN") && step != "SCAN CONSTANT ROW" {
					t.Errorf("%s in%s", step, query)
				}
				return true, nil
			})
			if err != nil || steps == 0 {
				t.Errorf("%d steps, %v", steps, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
