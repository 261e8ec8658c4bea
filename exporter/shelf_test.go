package exporter

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestShelf: whatever is put there is there, in order from anywhere, and by number.
func TestShelf(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s, err := newShelf()
		if err != nil {
			r.Fatal(err)
		}
		defer s.close()
		var want []string
		for i := range rapid.IntRange(0, 3*lotSize).Draw(r, "n") {
			want = append(want, fmt.Sprint(i, strings.Repeat("x", i*7%300)))
			if err := s.add([]byte(want[i])); err != nil {
				r.Fatal(err)
			}
		}
		if err := s.flush(); err != nil {
			r.Fatal(err)
		}
		from := rapid.IntRange(0, len(want)).Draw(r, "from")
		to := rapid.IntRange(from, len(want)+1).Draw(r, "to")
		no := from
		for b, err := range s.encoded(from, to) {
			if err != nil || string(b) != want[no] {
				r.Fatalf("%d: %q, %v", no, b, err)
			}
			no++
		}
		if no != min(to, len(want)) {
			r.Fatalf("from %d to %d: up to %d", from, to, no)
		}
		for range 5 {
			if len(want) == 0 {
				break
			}
			no := rapid.IntRange(0, len(want)-1).Draw(r, "no")
			if b, err := s.at(no); err != nil || string(b) != want[no] {
				r.Fatalf("%d: %q, %v", no, b, err)
			}
		}
	})
}

// TestShelfIsCut: a file that was cut is an error wherever it is read, also of
// those who read ahead, and never the end.
func TestShelfIsCut(t *testing.T) {
	for _, left := range []int64{0, 1, 5000, -1} {
		d := collectAll(t, generate(200, 3), Options{})
		if left < 0 {
			left += d.shelf.size
		}
		if err := d.shelf.file.Truncate(left); err != nil {
			t.Fatal(err)
		}
		for name, write := range map[string]func(io.Writer) error{"csv": d.WriteCSV, "jsonl": d.WriteJSONL, "xlsx": d.WriteWorkbook} {
			if err := write(io.Discard); err == nil || !strings.Contains(err.Error(), "cannot be read again") {
				t.Errorf("%s, %d bytes left: %v", name, left, err)
			}
		}
		if _, err := d.Payment(d.Len() - 1); err == nil {
			t.Errorf("%d bytes left: the last payment is there", left)
		}
	}
}

// TestAheadEnds: whoever stops early leaves no goroutine behind, and gets what is
// borrowed once.
func TestAheadEnds(t *testing.T) {
	d := collectAll(t, generate(5*lotSize, 4), Options{})
	for _, stop := range []int{0, 1, lotSize, lotSize + 1, 5 * lotSize} {
		n, last := 0, ""
		for p, err := range d.ahead(0, d.shelf.n) {
			if err != nil {
				t.Fatal(err)
			}
			if p.ID == last {
				t.Fatalf("%s comes twice", last)
			}
			if last = p.ID; n == stop {
				break
			}
			n++
		}
		if n != stop {
			t.Errorf("%d payments, not %d", n, stop)
		}
	}
}
