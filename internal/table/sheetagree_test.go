package table

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
)

// told writes down a source's rows and how it ended.
func told(src source) string {
	var b strings.Builder
	for {
		var l line
		err := src.next(&l)
		if err != nil {
			f := &fault{}
			errors.As(err, &f)
			fmt.Fprintf(&b, "end: %v at %d, cell %d\n", err, f.at, f.cell)
			return b.String()
		}
		fmt.Fprintf(&b, "%d %d %q %v", l.at, l.span, l.cells, l.numeric)
		if l.err != nil {
			fmt.Fprintf(&b, " %+v", *l.err)
		}
		b.WriteByte('\n')
	}
}

// sameRows holds the sheet against the plain reading of the same XML.
func sameRows(t *testing.T, name string, data []byte, texts *sharedStrings, limits Limits) {
	t.Helper()
	plain := told(&plainSheet{dec: xml.NewDecoder(bytes.NewReader(data)), part: &part{name: "sheet", cell: limits.Cell}, shared: texts, limits: limits})
	for _, size := range []int{100, partBuffer} {
		src := bytes.NewReader(data)
		p := &part{name: "sheet", cell: limits.Cell, file: io.NopCloser(src), xml: tokenizer{src: src, buf: make([]byte, size), limit: 1 << 40}}
		if got := told(&sheet{part: p, shared: texts, limits: limits}); got != plain {
			t.Fatalf("%s, buffer of %d:\n%.3000s\nread plainly:\n%.3000s\nof %.3000q", name, size, got, plain, data)
		}
	}
}

// someTexts are shared strings.
func someTexts(t testing.TB, texts ...string) *sharedStrings {
	w := &stringWriter{sharedStrings: &sharedStrings{}}
	for _, s := range texts {
		if err := w.add([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	return w.sharedStrings
}

// cellPieces are what a sheet's rows consist of, right and wrong.
var cellPieces = []string{
	`<row r="%d">`, `<row r="%d" spans="1:3" ht="12">`, "<row>", "</row>", "<row/>", "</row><row>", "</sheetData>", "<sheetData>", "<c>", "</c>", "<v>", "</v>", "<is>", "</is>",
	`<c r="A%d"><v>1.5</v></c>`, `<c r="B%d" t="s"><v>0</v></c>`, `<c r="C%d" t="s"><v> 2 </v></c>`, `<c r="C%d" t="s"><v>9</v></c>`, `<c t='n' r='D%d'><v>277.60000000000002</v></c>`, `<c><v>-0.50</v></c>`, `<c><v>1E3</v></c>`, `<c><v>12,5</v></c>`, `<c><v>007</v></c>`, `<c><v>-0</v></c>`,
	`<c r="E%d" t="inlineStr"><is><t>some text</t></is></c>`, `<c t="inlineStr"><is><r><rPr/><t>a</t></r><r><t xml:space="preserve"> b </t></r><rPh><t>c</t></rPh></is></c>`, `<c t="inlineStr"><is><t>_x000D_&amp;_x005F_x000D_</t></is></c>`, `<c t="inlineStr"><is/></c>`, `<c t="inlineStr"><v>odd</v><is><t>x</t></is></c>`,
	`<c t="str"><f>"a"</f><v>a_x000a_b</v></c>`, `<c t="str"><f>""</f><v></v></c>`, `<c><f t="shared" si="0"/><v>3</v></c>`, `<c r="F%d"><f>A1&gt;2</f></c>`, `<c t="b"><v>1</v></c>`, `<c t="b"><v>x</v></c>`, `<c t="e"><v>#N/A</v></c>`, `<c t="d"><v>2026-02-18</v></c>`, `<c t="n"><v><![CDATA[5]]></v></c>`, `<c><v>5<!-- c -->6</v></c>`,
	`<c r="A1" r="B1"/>`, `<c x:r="G%d" x:t="s"><v>1</v></c>`, `<x:c r="H%d"><x:v>1</x:v></x:c>`, `<c r="XFE1"/>`, `<c r="1A"/>`, `<c r="ABCDE1"/>`, `<c r="a%d" s="3"/>`, `<c r="Z%d"/>`, "\n  ", "\r\n", "&lol;", "<v>5</v>", "</worksheet>", `<c t="inlineStr"><is><t>` + strings.Repeat("long ", 20) + `</t></is></c>`, `<c t="str"><v>` + strings.Repeat("too long ", 15) + `</v></c>`,
}

// TestSheetAgrees: sheets of such pieces in any order give the same rows, numbers, faults and errors.
func TestSheetAgrees(t *testing.T) {
	texts := someTexts(t, "first", "", "third & last")
	random := rand.New(rand.NewPCG(3, 4))
	limits := Limits{Cell: 120, Row: 300, Columns: 30}.withDefaults()
	for n := range 5000 {
		var s strings.Builder
		s.WriteString("<worksheet><sheetData>")
		for i := range 1 + random.IntN(5) {
			fmt.Fprintf(&s, `<row r="%d">`, i+1)
			for range random.IntN(8) {
				from := 14 // whole cells
				if random.IntN(10) == 0 {
					from = 0
				}
				s.WriteString(strings.ReplaceAll(cellPieces[from+random.IntN(len(cellPieces)-from)], "%d", fmt.Sprint(i+1)))
			}
			s.WriteString("</row>")
		}
		if n%5 > 0 {
			s.WriteString("</sheetData></worksheet>")
		}
		sameRows(t, "random", []byte(s.String()), texts, limits)
	}
}

// FuzzSheet: whatever the sheet, it reads as it reads plainly.
func FuzzSheet(f *testing.F) {
	for _, p := range append(cellPieces[14:], xmlPieces...) {
		f.Add([]byte(`<worksheet><sheetData><row r="1">` + strings.ReplaceAll(p, "%d", "1") + `<c><v>1</v></c></row></sheetData></worksheet>`))
	}
	texts := someTexts(f, "first", "", "third & last")
	limits := Limits{Cell: 120, Row: 300, Columns: 30}.withDefaults()
	f.Fuzz(func(t *testing.T, data []byte) { sameRows(t, "fuzz", data, texts, limits) })
}

// TestRealSheetsAgree: every sheet of every workbook among the genuine files and
// the samples reads as it reads plainly.
func TestRealSheetsAgree(t *testing.T) {
	sheets := 0
	for _, dir := range []string{filepath.Join("..", "..", "..", "shared", "real"), filepath.Join("..", "..", "samples")} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			z, err := zip.OpenReader(path)
			if err != nil {
				return nil // no workbook
			}
			defer z.Close()
			book, err := newWorkbook(&z.Reader, Limits{}.withDefaults())
			if err != nil {
				return nil
			}
			texts, err := book.readStrings()
			if err != nil {
				t.Fatal(path, err)
			}
			defer texts.Close()
			for name, f := range book.parts {
				if !strings.HasSuffix(name, ".xml") {
					continue
				}
				r, err := f.Open()
				if err != nil {
					t.Fatal(path, name, err)
				}
				data, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(path, name, err)
				}
				sameTokens(t, data)
				if strings.Contains(name, "worksheets/") {
					sheets++
					sameRows(t, path+" "+name, data, texts, book.limits)
				}
			}
			return nil
		})
		if err != nil && len(dir) > 13 {
			t.Logf("the genuine files are not beside the repository: %v", err)
		}
	}
	t.Logf("%d sheets", sheets)
	if sheets == 0 {
		t.Skip("no workbooks here")
	}
}
