package table_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	. "github.com/payrec/payrec/internal/table"
)

// TestReadingAllocates counts what a row costs until it is read: a piece of a
// block, and nothing that a long file has more of.
func TestReadingAllocates(t *testing.T) {
	const rows = 5000
	var x strings.Builder
	for i := range rows {
		fmt.Fprintf(&x, `<row r="%d">`, i+1)
		for c := range 8 {
			fmt.Fprintf(&x, `<c r="%c%d" t="s"><v>%d</v></c><c r="%c%d"><v>%d.%02d</v></c>`, 'A'+2*c, i+1, c, 'B'+2*c, i+1, i, c)
		}
		x.WriteString("</row>")
	}
	for _, tt := range []struct {
		name    string
		data    []byte
		dialect Dialect
		most    float64
	}{
		{"csv", settlement(rows, false), Dialect{}, 0.1},
		{"csv, quoted", settlement(rows, true), Dialect{}, 0.1},
		{"xlsx", book{rows: x.String(), strings: strings.Repeat("<si><t>some text</t></si>", 10)}.bytes(t), Dialect{Format: XLSX, Ragged: RaggedAllow}, 1.2},
	} {
		allocs := testing.AllocsPerRun(3, func() {
			r, err := NewReader("a", bytes.NewReader(tt.data), tt.dialect)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			for err == nil {
				_, err = r.Next()
			}
			if err != io.EOF {
				t.Fatal(err)
			}
		}) / rows
		t.Logf("%s: %.2f allocations a row", tt.name, allocs)
		if allocs > tt.most {
			t.Errorf("%s: %.2f allocations a row, more than %.1f", tt.name, allocs, tt.most)
		}
	}
}
