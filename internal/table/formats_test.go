package table_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	. "github.com/payrec/payrec/internal/table"
	"pgregory.net/rapid"
)

// One grid of texts, written as CSV and as a workbook, reads as the same rows:
// roles, cells, headers and errors. What differs between the formats is left
// out: a sheet has no ragged rows and its last cells may be missing.
func TestFormatsAgree(t *testing.T) {
	cell := rapid.SampledFrom([]string{"", " ", "id", "Type", "0012", "4814769000000001", "1.10", "2026-02-18", "=1", "'x", "日本", "a,b", "x\"y", "total"})
	dialects := []Dialect{
		{}, {Header: Header{None: true}}, {Header: Header{Row: 2}}, {Header: Header{Find: []string{"ID", "type"}}},
		{Footer: Footer{Rows: 1}}, {Footer: Footer{From: "tot*"}}, {Footer: Footer{Blank: true}},
		{Records: &Records{Header: "id", Body: []string{"0012", "x*"}, Totals: []string{"total"}, Context: []string{"日本"}}},
	}
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 4).Draw(t, "width")
		grid := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 0, 7).Draw(t, "grid")
		d := rapid.SampledFrom(dialects).Draw(t, "dialect")
		var text bytes.Buffer
		w := NewWriter(&text, d)
		var rows strings.Builder
		for i, row := range grid {
			if err := w.Write(row); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&rows, `<row r="%d">`, i+1)
			for j, c := range row {
				fmt.Fprintf(&rows, `<c r="%c%d" t="inlineStr"><is><t>`, 'A'+j, i+1)
				xml.EscapeText(&rows, []byte(c))
				rows.WriteString("</t></is></c>")
			}
			rows.WriteString("</row>")
		}
		w.Flush()
		// A sheet has no delimiter that could be wrong.
		csv := strings.ReplaceAll(rowsOf(t, &text, d), ", one cell, so the delimiter may be another", "")
		d.Format = XLSX
		sheet := rowsOf(t, bytes.NewReader(book{rows: rows.String()}.bytes(t)), d)
		csv = strings.ReplaceAll(csv, "the file is empty, so it has no header; export it again, or see to what was to write it", "the sheet is empty, so it has no header; say sheet: NAME if another one is meant")
		if csv != strings.ReplaceAll(sheet, "f:Sheet1", "f") {
			t.Fatalf("as CSV:\n%s\nas a workbook:\n%s", csv, sheet)
		}
	})
}

func rowsOf(t *rapid.T, src interface{ Read([]byte) (int, error) }, d Dialect) string {
	r, err := NewReader("f", src, d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return show(collect(r))
}
