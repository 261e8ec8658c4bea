package journal

import (
	"math"
	"strings"
	"testing"
)

// TestTalliesRefuseToOverflow: sums that do not fit are an error, not a wrong sum.
func TestTalliesRefuseToOverflow(t *testing.T) {
	for _, value := range []int64{math.MaxInt64, math.MinInt64} {
		j := newJournal(t)
		ops := payments(3)
		ops[0].Amount.Value, ops[1].Amount.Value, ops[2].Amount.Value = value, 0, value
		plan(t, j, "r", ops...)
		if list, err := j.Tallies(t.Context(), "r"); err == nil || !strings.Contains(err.Error(), "more than can be counted") {
			t.Errorf("%+v, %v", list, err)
		}
	}
}
