package sniff_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/sniff"
	"github.com/payrec/payrec/internal/table"
)

// A made column has a name, values and the type that they should be taken for.
type made struct {
	name, kind string
	value      func(t *rapid.T) string
}

func madeColumns(comma bool) []made {
	number := func(low, high int) func(*rapid.T) int {
		return func(t *rapid.T) int { return rapid.IntRange(low, high).Draw(t, "n") }
	}
	n := number(0, 999_999)
	return []made{
		{"Psp Reference", "id", func(t *rapid.T) string { return fmt.Sprintf("88%014d", n(t)) }},
		{"Order ID", "id", func(t *rapid.T) string { return fmt.Sprintf("ORD-%06d", n(t)) }},
		{"Creation Date", "datetime", func(t *rapid.T) string {
			return fmt.Sprintf("2026-%02d-%02d %02d:10:30", number(1, 12)(t), number(1, 28)(t), number(0, 23)(t))
		}},
		{"Gross Amount", "money", func(t *rapid.T) string {
			s := fmt.Sprintf("%d.%02d", n(t)-500_000, number(0, 99)(t))
			if comma {
				s = strings.ReplaceAll(s, ".", ",")
			}
			return s
		}},
		{"Settlement Currency", "currency", func(t *rapid.T) string { return rapid.SampledFrom([]string{"EUR", "USD", "JPY"}).Draw(t, "c") }},
		{"Type", "text", func(t *rapid.T) string {
			return rapid.SampledFrom([]string{"Settled", "Refunded", "Fee"}).Draw(t, "type")
		}},
		{"Beschreibung", "text", func(t *rapid.T) string {
			return rapid.SampledFrom([]string{"Schuhe, rot", "Größe \"M\"", "zwei\nZeilen", "a;b|c", "schlicht"}).Draw(t, "text")
		}},
	}
}

// TestMadeFiles makes tables in every form that the writer knows, with and
// without a preamble, and finds form, header, rows and types again.
func TestMadeFiles(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		d := table.Dialect{
			Delimiter: rapid.SampledFrom([]rune{',', ';', '\t', '|'}).Draw(rt, "delimiter"),
			BOM:       rapid.Bool().Draw(rt, "bom"),
			Encoding:  rapid.SampledFrom([]string{"utf-8", "utf-16le"}).Draw(rt, "encoding"),
		}
		columns := rapid.Permutation(madeColumns(d.Delimiter != ',')).Draw(rt, "columns")[:rapid.IntRange(4, 7).Draw(rt, "width")]
		if !slices.ContainsFunc(columns, func(c made) bool { return c.kind == "datetime" || c.kind == "money" }) {
			rt.Skip("text alone has no header that could be told")
		}
		var b bytes.Buffer
		w := table.NewWriter(&b, d)
		write := func(cells []string) {
			if err := w.Write(cells); err != nil {
				rt.Fatal(err)
			}
		}
		preamble := rapid.IntRange(0, 3).Draw(rt, "preamble")
		for i := range preamble {
			write([]string{fmt.Sprintf("Report part %d", i), "March"}[:1+i%2])
		}
		var names []string
		for _, c := range columns {
			names = append(names, c.name)
		}
		write(names)
		rows := rapid.IntRange(3, 30).Draw(rt, "rows")
		for range rows {
			var cells []string
			for _, c := range columns {
				cells = append(cells, c.value(rt))
			}
			write(cells)
		}
		if err := w.Flush(); err != nil {
			rt.Fatal(err)
		}
		path := filepath.Join(dir, "made.csv")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			rt.Fatal(err)
		}
		f, err := sniff.File(path)
		if err != nil {
			rt.Fatal(err)
		}
		if f.Encoding != d.Encoding || f.Delimiter != string(d.Delimiter) || f.Header.Line != preamble+1 || f.Rows != int64(rows) || f.Kinds != nil {
			rt.Fatalf("found %q, want %s %q, header %d, rows %d; %q\n%s", short(f), d.Encoding, d.Delimiter, preamble+1, rows, f.Notes, b.Bytes())
		}
		for i, c := range f.Columns {
			if c.Type != columns[i].kind || len(c.Warnings) > 0 {
				rt.Fatalf("%+v, want %s\n%s", c, columns[i].kind, b.Bytes())
			}
		}
		sound(t, f)
	})
}
