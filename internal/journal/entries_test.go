package journal

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// TestSumsRefuseToOverflow: sums that do not fit are an error, not a wrong sum:
// of one plan before it is sealed, of the whole journal when they are asked for.
func TestSumsRefuseToOverflow(t *testing.T) {
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "more than can be counted") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, value := range []int64{math.MaxInt64, math.MinInt64} {
		j := newJournal(t)
		ops := payments(3)
		ops[0].Amount.Value, ops[1].Amount.Value, ops[2].Amount.Value = value, 0, value
		p, err := j.NewRun(t.Context(), RunInfo{ID: "both", Source: "shop"})
		for _, op := range ops {
			err = errors.Join(err, p.Add(t.Context(), op))
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Seal(t.Context())
		refused("one plan", err)
		if err := p.Discard(t.Context()); err != nil {
			t.Fatal(err)
		}
		plan(t, j, "one", ops[:2]...)
		plan(t, j, "other", ops[2])
		_, err = j.Totals(t.Context())
		refused("the journal", err)
	}
}
