package table

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSplit: a line is cut eight bytes at a time as it is cut byte by byte.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		delim := rapid.SampledFrom([]byte{',', ';', '\t', '|', 0x01, 0x7f}).Draw(t, "delim")
		piece := rapid.SampledFrom([]string{"", "a", "-", string(delim), string(delim), string(delim + 1), string(delim - 1), "\x00", "\x80", "\xac", "\xff", "é", "12345678"})
		text := strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(t, "text"), "")
		s := &scanner{delim: []byte{delim}, limits: Limits{Columns: 30}.withDefaults()}
		ascii, err := s.split([]byte(text))
		want := strings.Split(text, string([]byte{delim}))
		if text == "" {
			want = nil
		}
		if err != nil || len(want) > 30 {
			if (err != nil) != (len(want) > 30) {
				t.Fatalf("%q: %v for %d cells", text, err, len(want))
			}
			return
		}
		if !slices.Equal(s.cells, want) {
			t.Fatalf("%q is cut into %q, want %q", text, s.cells, want)
		}
		if plain := strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0; ascii != plain {
			t.Fatalf("%q: ASCII %v, want %v", text, ascii, plain)
		}
	})
}
