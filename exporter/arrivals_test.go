package exporter

import (
	"testing"

	"pgregory.net/rapid"
)

// TestArrivals: of each id all but the last to come are superseded, and that one
// is counted under its kind.
func TestArrivals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		came := rapid.SliceOfN(rapid.StringMatching(`pr_[a-d]{1,3}`), 0, 300).Draw(t, "ids")
		a := newArrivals()
		a.ids.Limit = rapid.SampledFrom([]int{2, 10, arrivalsLimit}).Draw(t, "limit")
		defer a.close()
		last, kinds := map[string]uint64{}, map[string]uint8{}
		for i, id := range came {
			kinds[id] = rapid.Uint8Range(0, arrivalKinds-1).Draw(t, "kind")
			no, err := a.add(id, kinds[id])
			if err != nil || no != uint64(i) {
				t.Fatalf("%d: %d, %v", i, no, err)
			}
			last[id] = no
		}
		var want [arrivalKinds]int
		for _, kind := range kinds {
			want[kind]++
		}
		again, ids, err := a.superseded()
		if err != nil || ids != want {
			t.Fatalf("%d ids by kind, not %d: %v", ids, want, err)
		}
		for i, id := range came {
			if again.has(uint64(i)) == (last[id] == uint64(i)) {
				t.Fatalf("%d, %s: superseded is %t", i, id, again.has(uint64(i)))
			}
		}
	})
}
