package extsort

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// However few fit in memory, the order is the same, and may be read twice.
func TestTuples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Tuples[[3]uint64]{Limit: rapid.IntRange(1, 2000).Draw(t, "limit")}
		defer s.Close()
		word := rapid.Uint64Range(0, 1<<rapid.IntRange(1, 63).Draw(t, "bits"))
		n := rapid.SampledFrom([]int{0, 1, 5, 300, 3000}).Draw(t, "n")
		first := rapid.SliceOfN(word, 1, 7).Draw(t, "first words")
		step := word.Draw(t, "step")
		var want [][3]uint64
		for i := range n {
			w := [3]uint64{first[i%len(first)] * uint64(i%5), step * uint64(i), uint64(i)}
			want = append(want, w)
			if err := s.Add(w); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortFunc(want, compare[[3]uint64])
		if s.Len() != int64(n) {
			t.Fatalf("%d were added, Len is %d", n, s.Len())
		}
		for range 2 {
			c, err := s.Read()
			if err != nil {
				t.Fatal(err)
			}
			var got [][3]uint64
			for {
				w, ok, err := c.Next()
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				got = append(got, w)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d tuples came out of %d, or in another order", len(got), len(want))
			}
		}
	})
}

func BenchmarkTuples(b *testing.B) {
	const n = 1 << 19
	for b.Loop() {
		s := &Tuples[[5]uint64]{}
		x := uint64(1)
		for i := range n {
			x = x*6364136223846793005 + 1442695040888963407
			s.Add([5]uint64{x, x * 31, uint64(i)})
		}
		if _, err := s.Read(); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/tuple")
}
