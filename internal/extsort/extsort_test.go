package extsort

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSorter: whatever the limit, keys ascend, what has one key stays in its
// order, nothing is lost and the second reading is the first.
func TestSorter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Sorter{Limit: rapid.SampledFrom([]int{1, 200, 1000, 1 << 17, 1 << 20}).Draw(t, "limit")}
		defer s.Close()
		type entry struct{ key, value string }
		var want []entry
		for range rapid.IntRange(0, 60).Draw(t, "n") {
			e := entry{rapid.StringN(0, 3, -1).Draw(t, "key"), rapid.String().Draw(t, "value")}
			if rapid.IntRange(0, 20).Draw(t, "large") == 0 { // more than a block
				e.value += strings.Repeat("x", rapid.IntRange(blockSize-100, 3*blockSize).Draw(t, "size"))
			}
			if rapid.Bool().Draw(t, "alike") { // beyond what is told apart by number
				e.key = "the same beginning " + e.key
			}
			want = append(want, e)
			if err := s.Add(e.key, []byte(e.value)); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortStableFunc(want, func(a, b entry) int { return bytes.Compare([]byte(a.key), []byte(b.key)) })
		for range 2 {
			var got []entry
			last := ""
			for g, err := range s.Groups() {
				if err != nil {
					t.Fatal(err)
				}
				if len(got) > 0 && string(g.Key) <= last {
					t.Fatalf("%q comes after %q", g.Key, last)
				}
				last = string(g.Key)
				for _, v := range g.Values {
					got = append(got, entry{last, string(v)})
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d entries, want %d:\n%q\n%q", len(got), len(want), got, want)
			}
		}
	})
}

// TestSorterSaysWhenItsFileIsCut: a short file must not pass for the end.
func TestSorterSaysWhenItsFileIsCut(t *testing.T) {
	for _, cut := range []int64{1, 3, 4} {
		s := Sorter{Limit: 1}
		for _, key := range []string{"b", "a"} {
			if err := s.Add(key, []byte("1")); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.file.Truncate(s.size - cut); err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range s.Groups() {
			last = err
		}
		if cut < 4 && !errors.Is(last, io.ErrUnexpectedEOF) || last == nil {
			t.Errorf("cut by %d: %v", cut, last)
		}
		s.Close()
	}
	s := Sorter{Limit: 1}
	t.Setenv("TMPDIR", "/nowhere/at/all")
	if err := s.Add("a", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a folder for temporary files: %v", err)
	}
}

// TestSorterAllocates: what is sorted takes blocks from memory, not entries.
func TestSorterAllocates(t *testing.T) {
	const n = 20_000
	value := make([]byte, 300)
	keys := make([]string, n)
	for i := range keys {
		keys[i] = strconv.Itoa(i * 7919 % n)
	}
	each := testing.AllocsPerRun(3, func() {
		s := Sorter{Limit: 1 << 20}
		defer s.Close()
		for _, key := range keys {
			if err := s.Add(key, value); err != nil {
				t.Fatal(err)
			}
		}
		for range s.Entries() {
		}
	}) / n
	if each > 0.02 {
		t.Errorf("%.3f allocations an entry", each)
	}
}
