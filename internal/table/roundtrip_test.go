package table_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	. "github.com/payrec/payrec/internal/table"
	"pgregory.net/rapid"
)

// What a Writer writes, a Reader of the same dialect reads back cell for cell.
func TestRoundTrip(t *testing.T) {
	delims := []rune{',', ';', '\t', '|', ' ', 'x', '¦', '，'}
	quotes := []rune{'"', '\'', '~'}
	hard := rapid.SampledFrom([]string{"", " ", "\"", "\"\"", "'", "\n", "\r", "\r\n", "a,b", ";", "\t", "x", "\ufeff", "=1", "日本", "<html", "PK\x03\x04", "\xff", "--", "sep=", "é¦，"})
	cell := rapid.OneOf(hard, rapid.String(), rapid.Map(rapid.SliceOfN(hard, 1, 4), func(s []string) string { return strings.Join(s, "") }))
	rapid.Check(t, func(t *rapid.T) {
		d := Dialect{
			Delimiter: rapid.SampledFrom(delims).Draw(t, "delimiter"),
			Quote:     rapid.SampledFrom(quotes).Draw(t, "quote"),
			BOM:       rapid.Bool().Draw(t, "bom"),
			Header:    Header{None: true},
			Encoding:  rapid.SampledFrom([]string{"", "utf-8", "utf-16le", "utf-16be", "utf-16"}).Draw(t, "encoding"),
		}
		if strings.HasPrefix(d.Encoding, "utf-16") {
			d.BOM = true // without one, text may begin like an archive
		}
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, 0, 5), 0, 6).Draw(t, "rows")
		var b bytes.Buffer
		w := NewWriter(&b, d)
		var want [][]string
		for _, row := range rows {
			err := w.Write(row)
			if strings.HasPrefix(d.Encoding, "utf-16") && !utf8.ValidString(strings.Join(row, ",")) {
				if err == nil {
					t.Fatalf("%q is written in %s", row, d.Encoding)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, append([]string{}, row...))
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader("t.csv", &b, d)
		if err != nil && strings.Contains(err.Error(), "export it again") {
			t.Skip("the cells begin like a file of another kind")
		}
		if err != nil {
			t.Fatal(err)
		}
		kept, err := collect(r)
		if err != nil {
			t.Fatal(err)
		}
		var got [][]string
		for _, row := range kept {
			got = append(got, append([]string{}, row.Cells...))
			text := strings.Join(row.Cells, "")
			strange := strings.ContainsRune(text, 0) || !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError)
			if row.Err != nil && !strange {
				t.Fatal(row.Err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if len(want) > 0 && r.Dialect().BOM != d.BOM {
			t.Fatalf("byte order mark is %v, want %v", r.Dialect().BOM, d.BOM)
		}
	})
}

func TestWriterEncodings(t *testing.T) {
	for _, tt := range []struct{ encoding, cell, want string }{
		{"windows-1252", "café €", "caf\xe9 \x80\n"},
		{"gbk", "交易", "\xbd\xbb\xd2\xd7\n"},
		{"shift_jis", "日本", "\x93\xfa\x96\x7b\n"},
	} {
		var b strings.Builder
		w := NewWriter(&b, Dialect{Encoding: tt.encoding})
		if err := w.Write([]string{tt.cell}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		if b.String() != tt.want {
			t.Errorf("%s: wrote %q, want %q", tt.encoding, b.String(), tt.want)
		}
	}
	w := NewWriter(&strings.Builder{}, Dialect{Encoding: "windows-1252"})
	err := w.Write([]string{"ok", "日本"})
	if want := `output:1: column 2: "日本": cannot be written in windows-1252; choose encoding: utf-8`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := w.Write([]string{"ok"}); err != nil {
		t.Errorf("a refused row spoils the next: %v", err)
	}
}

func TestWriterRefuses(t *testing.T) {
	w := NewWriter(&strings.Builder{}, Dialect{Quote: NoQuote})
	for _, c := range []string{"a,b", "a\nb", "a\rb", ""} {
		if err := w.Write([]string{c}); err == nil {
			t.Errorf("%q is written without quotes", c)
		}
	}
	if err := w.Write([]string{`a"b`, ""}); err != nil {
		t.Error(err)
	}
	for _, d := range []Dialect{{Format: XLSX}, {Encoding: "klingon"}, {Delimiter: '"'}} {
		if err := NewWriter(&strings.Builder{}, d).Write([]string{"a"}); err == nil {
			t.Errorf("%+v is written", d)
		}
	}
}

// A rejects file goes through Guard and comes back exactly.
func TestRejectsRoundTrip(t *testing.T) {
	cells := []string{"=1+1", "'=1", "-12.34", "--", "\t8816", "'quoted'", "+49 170", "＝x", " @x", ""}
	head := []string{"a", "b", "c", "d", "=e", "f", "g", "h", "i", "j", "payrec_line", "payrec_message"}
	var b strings.Builder
	w := NewWriter(&b, Dialect{Delimiter: ';'})
	for _, row := range [][]string{head, append(append([]string{}, cells...), "7", "wrong")} {
		guarded := make([]string, len(row))
		for i, c := range row {
			guarded[i] = Guard(c)
		}
		if err := w.Write(guarded); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	r, err := NewReader("rejects.csv", strings.NewReader(b.String()), Dialect{Delimiter: ';'})
	if err != nil {
		t.Fatal(err)
	}
	rows := all(t, r)
	h := rows[1].Header
	if !h.FromRejects() || h.Index("=e", 1) != 4 {
		t.Errorf("header is %q", h.Names())
	}
	if diff := cmp.Diff(cells, rows[1].Cells[:len(cells)]); diff != "" {
		t.Error(diff)
	}
}

func TestGuard(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "abc": "abc", "-12.34": "-12.34", "+5": "+5", "-1,533.50": "-1,533.50", "-33,50": "-33,50", "-5 ": "-5 ",
		"--": "--", "-": "-", "'": "'", "'abc": "'abc", "a=b": "a=b", "12-3": "12-3",
		"=1": "'=1", "@x": "'@x", "+": "'+", "-1+1": "'-1+1", "- $21.59": "'- $21.59", "-2+3|cmd": "'-2+3|cmd", "-1e5": "'-1e5",
		"\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx", " =1": "' =1", "\x00=1": "'\x00=1", "\u00a0=1": "'\u00a0=1",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x", "'=1": "''=1", "''=1": "'''=1",
	} {
		if got := Guard(in); got != want {
			t.Errorf("Guard(%q) = %q, want %q", in, got, want)
		}
		if got := Unguard(Guard(in)); got != in {
			t.Errorf("Unguard(Guard(%q)) = %q", in, got)
		}
	}
}

func FuzzGuard(f *testing.F) {
	for _, s := range []string{"=cmd|' /C calc'!A0", "'=", "-1", "\xff=", "\x00\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g := Guard(s)
		if got := Unguard(g); got != s {
			t.Fatalf("Unguard(Guard(%q)) = %q", s, got)
		}
		if h := strings.TrimLeft(g, " \x00"); h != "" && strings.ContainsRune("=@\t\r\n", rune(h[0])) {
			t.Fatalf("Guard(%q) = %q still runs", s, g)
		}
	})
}
