package journal

import (
	"hash/maphash"
	"strconv"
	"testing"
)

// TestSieve: what was met is known again, and little else is.
func TestSieve(t *testing.T) {
	var s sieve
	seed := maphash.MakeSeed()
	const n = 300_000
	wrong := 0
	for i := range n {
		if s.met(maphash.String(seed, strconv.Itoa(i))) {
			wrong++
		}
	}
	for i := range n {
		if !s.met(maphash.String(seed, strconv.Itoa(i))) {
			t.Fatalf("%d was forgotten", i)
		}
	}
	if wrong > n/400 {
		t.Errorf("%d of %d keys were taken for known", wrong, n)
	}
	t.Logf("%d of %d keys were taken for known; %d layers", wrong, n, len(s.layers))
}
