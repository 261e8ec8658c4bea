package exporter

import (
	"testing"

	"pgregory.net/rapid"
)

// TestArrivals: of each id all but the last to come are superseded.
func TestArrivals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		came := rapid.SliceOfN(rapid.StringMatching(`pr_[a-d]{1,3}`), 0, 300).Draw(t, "ids")
		a := newArrivals()
		a.ids.Limit = rapid.SampledFrom([]int{2, 10, arrivalsLimit}).Draw(t, "limit")
		defer a.close()
		last := map[string]uint64{}
		for i, id := range came {
			no, err := a.add(id)
			if err != nil || no != uint64(i) {
				t.Fatalf("%d: %d, %v", i, no, err)
			}
			last[id] = no
		}
		again, ids, err := a.superseded()
		if err != nil || ids != len(last) {
			t.Fatalf("%d ids, not %d: %v", ids, len(last), err)
		}
		for i, id := range came {
			if again.has(uint64(i)) == (last[id] == uint64(i)) {
				t.Fatalf("%d, %s: superseded is %t", i, id, again.has(uint64(i)))
			}
		}
	})
}
