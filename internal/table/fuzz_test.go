package table_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	. "github.com/payrec/payrec/internal/table"
)

// FuzzReader: whatever the bytes, the reader ends, never panics, gives every
// physical line to exactly one row, and gives the same rows however the bytes arrive.
func FuzzReader(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a\r\nb\r", "a\rb\r\nc\n", "\"a\n\r\"\r\"\"\"\" \t,x\n", "\xff\xfea\x00\n\x00", "\"a", "\"a\"b\"c,d\n\n", "\ufeff\n", "PK\x03\x04", "\x1f\x8b\x08"} {
		for mode := byte(0); mode < 8; mode++ {
			f.Add([]byte(s), mode)
		}
		f.Add([]byte(s), byte(64))
		f.Add([]byte(s+"\na,b\n1,2\n\nc\na\n1"), byte(64+128))
	}
	f.Fuzz(func(t *testing.T, data []byte, mode byte) {
		d := Dialect{Limits: Limits{Cell: 1 << 12, Row: 1 << 14}}
		if mode&1 != 0 {
			d.Quote = NoQuote
		}
		if mode&2 != 0 {
			d.Header.None = true
		}
		if mode&4 != 0 {
			d.Delimiter = '¦'
		}
		if mode&8 != 0 {
			d.Footer.Rows = 2
		}
		if mode&16 != 0 {
			d.Records = &Records{Header: "a", Body: []string{"1"}, Ignore: []string{"b*"}}
		}
		if mode&32 != 0 {
			d.Format = XLSX
		}
		if mode&64 != 0 {
			d.Tables = []Table{{Name: "t", Find: []string{"a"}}, {Name: "u", Find: []string{"a", "b"}, Role: Total, Blank: true}}
		}
		if mode&128 != 0 {
			d.Headings = []string{"1*"}
		}
		r, err := NewReader("f", bytes.NewReader(data), d)
		if err != nil {
			return
		}
		defer r.Close()
		rows, err := collect(r)
		small, err2 := NewReader("f", &oneByOne{string(data)}, d)
		if err2 != nil {
			t.Fatal(err2)
		}
		defer small.Close()
		if got, want := show(collect(small)), show(rows, err); got != want {
			t.Fatalf("byte by byte:\n%s\nat once:\n%s", got, want)
		}
		if err != nil || r.Dialect().Encoding != "utf-8" || isArchive(data) {
			return
		}
		n := 0
		for _, row := range rows {
			n += row.Lines
		}
		text := strings.TrimPrefix(string(data), "\ufeff")
		if lf, cr := countLines(text, false), countLines(text, true); n != lf && n != cr {
			t.Fatalf("%d lines in rows; the file has %d (or %d with lone CRs)\n%s", n, lf, cr, show(rows, err))
		}
	})
}

func isArchive(data []byte) bool {
	return bytes.HasPrefix(data, []byte("PK")) || bytes.HasPrefix(data, []byte{0x1f, 0x8b}) || bytes.HasPrefix(data, []byte{0x28, 0xb5})
}

// countLines counts physical lines, the last one also without its line end.
func countLines(s string, loneCR bool) int {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if loneCR {
		s = strings.ReplaceAll(s, "\r", "\n")
	}
	n := strings.Count(s, "\n")
	if s != "" && !strings.HasSuffix(s, "\n") {
		n++
	}
	return n
}

// FuzzWorkbook: no sheet, however broken, makes the reader panic or go on for ever.
func FuzzWorkbook(f *testing.F) {
	f.Add([]byte(`<row r="1"><c r="A1" t="s"><v>0</v></c><c t="inlineStr"><is><t>x</t></is></c></row>`), []byte(`<si><t>a</t></si>`))
	f.Add([]byte(`<row><c r="XFD1"><v>1e5</v></c></row><row r="3"/>`), []byte(`<si><r><t>a</t></r><rPh><t>b</t></rPh></si>`))
	f.Add([]byte(`<row r="2"><c r="B2"><f>A1</f></c><c r="A2"><v>.</v></c></row><row r="1"/>`), []byte(`<si/>`))
	f.Fuzz(func(t *testing.T, rows, strs []byte) {
		data := book{rows: string(rows), strings: string(strs)}.bytes(t)
		r, err := NewReader("f", bytes.NewReader(data), Dialect{Format: XLSX, Header: Header{None: true}, Limits: Limits{Cell: 1 << 12}})
		if err != nil {
			return
		}
		defer r.Close()
		last := 0
		for {
			row, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				if err == io.ErrUnexpectedEOF {
					t.Fatal("an error without its place")
				}
				return
			}
			if row.Pos.Line <= last {
				t.Fatalf("row %d after row %d", row.Pos.Line, last)
			}
			last = row.Pos.Line
		}
	})
}
