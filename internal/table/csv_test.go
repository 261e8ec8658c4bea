package table_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/payrec/payrec/internal/table"
)

// show writes rows as "line role cell|cell !error", one a line.
func show(rows []kept, err error) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%d %s", r.Pos.Line, r.Role)
		if r.Kind != "" {
			fmt.Fprintf(&b, "(%s)", r.Kind)
		}
		for i, c := range r.Cells {
			q := fmt.Sprintf("%q", c)
			b.WriteString([]string{" ", "|"}[min(i, 1)] + q[1:len(q)-1])
		}
		if r.Err != nil {
			fmt.Fprintf(&b, " !%v", r.Err)
		}
		b.WriteByte('\n')
	}
	if err != nil {
		fmt.Fprintf(&b, "%v\n", err)
	}
	return b.String()
}

func readString(t *testing.T, text string, d Dialect) string {
	t.Helper()
	r, err := NewReader("t.csv", strings.NewReader(text), d)
	if err != nil {
		return err.Error() + "\n"
	}
	defer r.Close()
	return show(collect(r))
}

func lines(s ...string) string { return strings.Join(s, "\n") + "\n" }

// Each trap is one that encoding/csv, or a table seen in practice, falls into.
func TestTraps(t *testing.T) {
	none := Dialect{Header: Header{None: true}}
	with := func(d Dialect, f func(*Dialect)) Dialect { f(&d); return d }
	for _, tt := range []struct {
		name, text string
		d          Dialect
		want       string
	}{
		{"nothing", "", none, ""},
		{"nothing, and a header wanted", "", Dialect{}, lines("t.csv: the file is empty, so it has no header; export it again, or see to what was to write it")},
		{"nothing, and a header sought", "", Dialect{Header: Header{Find: []string{"a"}}}, lines("t.csv: the file is empty, so it has no header; export it again, or see to what was to write it")},
		{"a mark alone", "\ufeff", Dialect{Header: Header{Find: []string{"a"}}}, lines("t.csv: the file is empty, so it has no header; export it again, or see to what was to write it")},
		{"only blank lines", "\n \n", Dialect{}, lines("1 blank", "2 blank  ", "t.csv: the file has no header: it has no row with any text")},
		{"no line end at the end", "a,b\n1,2", Dialect{}, lines("1 header a|b", "2 body 1|2")},
		{"blank lines are rows", "a\n\n1\n\n", Dialect{}, lines("1 header a", "2 blank", "3 body 1", "4 blank")},
		{"a row of commas is blank", "a,b\n,\n", Dialect{}, lines("1 header a|b", "2 blank |")},
		{"CRLF", "a,b\r\n1,2\r\n", Dialect{}, lines("1 header a|b", "2 body 1|2")},
		{"CR only", "a,b\r1,2\r3,4", Dialect{}, lines("1 header a|b", "2 body 1|2", "3 body 3|4")},
		{"CR only, quoted", "\"a\rx\",b\r\"1\",2\r", Dialect{}, lines(`1 header a\rx|b`, "3 body 1|2")},
		{"CR, then LF: nothing is merged", "a\r1\n2\r\n3", Dialect{}, lines("1 header a", "2 body 1", "3 body 2", "4 body 3")},
		{"lone CR in an LF file is text", "a,b\n1\r,2\n", Dialect{}, lines("1 header a|b", `2 body 1\r|2`)},
		{"CRLF in quotes is kept", "a,b\r\n\"1\r\n2\",3\r\n4,5\r\n", Dialect{}, lines("1 header a|b", `2 body 1\r\n2|3`, "4 body 4|5")},
		{"cut between CR and LF", "a\r\n1\r", Dialect{}, lines("1 header a", "2 body 1")},
		{"BOM", "\ufeffa,b\n", Dialect{}, lines("1 header a|b")},
		{"BOM and quote", "\ufeff\"a\",b\n", Dialect{}, lines("1 header a|b")},
		{"BOM alone", "\ufeff", none, ""},
		{"quoted quote", "a\n\"x \"\"y\"\" z\"\n", Dialect{}, lines("1 header a", `2 body x \"y\" z`)},
		{"bare quote is text", "a,b\n5\" disk,\"x\"\n", Dialect{}, lines("1 header a|b", `2 body 5\" disk|x`)},
		{"quote after a blank is text", "a,b\n \"x\",y\n", Dialect{}, lines("1 header a|b", `2 body  \"x\"|y`)},
		{"TAB after the closing quote swallows nothing", "a,b,c\n\"398\"\t,\"x\" ,y\n", Dialect{}, lines("1 header a|b|c", "2 body 398|x|y")},
		{"TAB after the closing quote, at the end", "a\n\"398\"\t\n\"7\"\t", Dialect{}, lines("1 header a", "2 body 398", "3 body 7")},
		{"TAB as delimiter", "a\tb\n\"1\"\t2\n", with(Dialect{}, func(d *Dialect) { d.Delimiter = '\t' }), lines("1 header a|b", "2 body 1|2")},
		{"text after a closing quote", "a,b\n\"5\" tall,x\n\"6\",y\n", Dialect{},
			lines("1 header a|b", `2 body 5 tall|x !t.csv:2: column "a": "tall,x": text after a closing quote; double a quote that belongs to the text`, "3 body 6|y")},
		{"a missing closing quote shows at the next one", "a,b\n\"1,2\n\"3\",4\n5,6\n", Dialect{},
			lines("1 header a|b", `2 body 1,2\n3\"|4 !t.csv:3: column "a": "3\",4": text after a closing quote (the quote opens on line 2); double a quote that belongs to the text`, "4 body 5|6")},
		{"a quote that never closes", "a,b\n1,2\n3,\"4\n5,6\n", Dialect{},
			lines("1 header a|b", "2 body 1|2", `t.csv:3: column "b": "4\n5,6\n": the quote that opens here is never closed; close it, or double it if it belongs to the text`)},
		{"no quote in the dialect", "a,b\n\"1,2\n", with(Dialect{}, func(d *Dialect) { d.Quote = NoQuote }), lines("1 header a|b", `2 body \"1|2`)},
		{"another quote", "a,b\n'1,''2',\"3\n", with(Dialect{}, func(d *Dialect) { d.Quote = '\'' }), lines("1 header a|b", `2 body 1,'2|\"3`)},
		{"delimiter beyond ASCII", "a¦b\n1¦\"2¦3\"\n", with(Dialect{}, func(d *Dialect) { d.Delimiter = '¦' }), lines("1 header a|b", "2 body 1|2¦3")},
		{"NUL", "a,b\n1,2\x00\n3,4\n", Dialect{}, lines("1 header a|b", `2 body 1|2\x00 !t.csv:2: column "b": "2\x00": has a NUL byte; the file may be in another encoding, or damaged`, "3 body 3|4")},
		{"invalid UTF-8", "a,b\n1,caf\xe9\n3,4\n", Dialect{}, lines("1 header a|b", `2 body 1|caf\xe9 !t.csv:2: column "b": "caf\xe9": is not valid utf-8; say which encoding the file is in`, "3 body 3|4")},
		{"windows-1252", "a,b\n1,caf\xe9\x80\n", with(Dialect{}, func(d *Dialect) { d.Encoding = "Windows-1252" }), lines("1 header a|b", "2 body 1|café€")},
		{"iso-8859-1", "a\ncaf\xe9\n", with(Dialect{}, func(d *Dialect) { d.Encoding = "iso-8859-1" }), lines("1 header a", "2 body café")},
		{"shift_jis", "a\n\x93\xfa\x96\x7b\n", with(Dialect{}, func(d *Dialect) { d.Encoding = "shift_jis" }), lines("1 header a", "2 body 日本")},
		{"bytes that are not in GBK", "a,b\n1,\xff\xff\n2,3\n", with(Dialect{}, func(d *Dialect) { d.Encoding = "gbk" }),
			lines("1 header a|b", `2 body 1|�� !t.csv:2: column "b": "��": is not valid gbk; say which encoding the file is in`, "3 body 2|3")},
		{"UTF-16 by its mark", "\xff\xfea\x00,\x00b\x00\n\x001\x00,\x00\xac\x20", Dialect{}, lines("1 header a|b", "2 body 1|€")},
		{"UTF-16 big end first", "\xfe\xff\x00a\x00\n\x20\xac", with(Dialect{}, func(d *Dialect) { d.Encoding = "utf-16" }), lines("1 header a", "2 body €")},
		{"UTF-16 without a mark", "a\x00\n\x00\xac\x20", with(Dialect{}, func(d *Dialect) { d.Encoding = "utf-16le" }), lines("1 header a", "2 body €")},
		{"mark against the encoding", "\xff\xfea\x00", with(Dialect{}, func(d *Dialect) { d.Encoding = "utf-8" }), lines("t.csv: the file is utf-16le by its byte order mark, not utf-8; say encoding: utf-16le")},
		{"unknown encoding", "a", with(Dialect{}, func(d *Dialect) { d.Encoding = "klingon" }), lines(`t.csv: encoding "klingon" is not known; use a label such as utf-8, utf-16, windows-1252, gbk or shift_jis`)},
		{"too few cells", "a,b\n1\n2,3\n", Dialect{}, lines("1 header a|b", "2 body 1 !t.csv:2: row has 1 cell where its header has 2; a delimiter or a quote in a text may be the cause; say ragged: pad or allow if rows may differ", "3 body 2|3")},
		{"too few cells, padded", "a,b\n1\n", with(Dialect{}, func(d *Dialect) { d.Ragged = RaggedPad }), lines("1 header a|b", "2 body 1|")},
		{"too many cells, padded", "a\n1,2\n", with(Dialect{}, func(d *Dialect) { d.Ragged = RaggedPad }), lines("1 header a", "2 body 1|2 !t.csv:2: row has 2 cells where its header has 1; a delimiter or a quote in a text may be the cause; say ragged: pad or allow if rows may differ")},
		{"ragged allowed", "a\n1,2\n", with(Dialect{}, func(d *Dialect) { d.Ragged = RaggedAllow }), lines("1 header a", "2 body 1|2")},
		{"unnamed cells at the header's end", "a,b,,\n1,2\n1,2,3,4\n", Dialect{}, lines("1 header a|b||", "2 body 1|2", "3 body 1|2|3|4")},
		{"sep= line", "sep=;\na;b\n", with(Dialect{}, func(d *Dialect) { d.Delimiter = ';' }), lines("1 preamble sep=|", "2 header a|b")},
		{"joined files", "a,b\n1,2\na,b\n3,4\n", Dialect{}, lines("1 header a|b", "2 body 1|2", "3 header a|b", "4 body 3|4")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readString(t, tt.text, tt.d)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	find := func(names ...string) Dialect { return Dialect{Header: Header{Find: names}} }
	for _, tt := range []struct {
		name, text string
		d          Dialect
		want       string
	}{
		{"by row", "x\n\na,b\n1,2\n", Dialect{Header: Header{Row: 3}}, lines("1 preamble x", "2 blank", "3 header a|b", "4 body 1|2")},
		{"by row, inside a cell", "\"x\ny\"\na\n", Dialect{Header: Header{Row: 2}}, lines("t.csv: no row with text starts at line 2, where the header is said to be; blank lines count; or find the header by its names")},
		{"by row, past the end", "x\n", Dialect{Header: Header{Row: 2}}, lines("1 preamble x", "t.csv: no row with text starts at line 2, where the header is said to be; blank lines count; or find the header by its names")},
		{"by row, which is blank", "x\n\na\n", Dialect{Header: Header{Row: 2}}, lines("1 preamble x", "t.csv: no row with text starts at line 2, where the header is said to be; blank lines count; or find the header by its names")},
		{"by names, in any cell, case and blanks", "x\n,\u00a0PSP  Reference\t,Type\n,1,2\n", find("psp reference", "type"), lines("1 preamble x", `2 header |\u00a0PSP  Reference\t|Type`, "3 body |1|2")},
		{"by names, again with other columns", "a,b\n1,2\nb,a\n3,4\n", find("a", "b"), lines("1 header a|b", "2 body 1|2", "3 header b|a", "4 body 3|4")},
		{"by names, near miss", "junk\nPsp Referense,Type\n", find("Psp Reference", "Type"), lines("1 preamble junk", "2 preamble Psp Referense|Type",
			`t.csv: no header: none of the first 2 rows has all the columns "Psp Reference", "Type"; row 2 has them but for "Psp Reference" (did you mean "Psp Referense"?)`)},
		{"by names, another delimiter", "junk\n\"a\";b\n", find("a", "b"), lines("1 preamble junk", "2 preamble a;b !t.csv:2: column 1: \";b\": text after a closing quote; double a quote that belongs to the text",
			`t.csv:2: the header is cut at ';', not at ','; say delimiter: ';'`)},
		{"by names, within", "1\n2\n3\na\n", Dialect{Header: Header{Find: []string{"a"}, Within: 3}}, lines("1 preamble 1", "2 preamble 2", `t.csv: no header: none of the first 3 rows has all the columns "a"; row 1 is "1", one cell, so the delimiter may be another; payrec inspect shows what the file is`)},
		{"by names, all in one quoted cell", "\"a,b\"\n\"1,2\"\n", find("a", "b"), lines("1 preamble a,b", "2 preamble 1,2", `t.csv: no header: none of the first 2 rows has all the columns "a", "b"; row 1 has them all in one quoted cell: export the file again, or take the quotes around whole lines away`)},
		{"by names, in other quotes", "'a','b'\n", find("a", "b"), lines("1 preamble 'a'|'b'", `t.csv: no header: none of the first 1 rows has all the columns "a", "b"; row 1 has them in marks that are no quotes here, as in "'a'"; say which quote the file has`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readString(t, tt.text, tt.d)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFooter(t *testing.T) {
	text := "a,b\n1,2\n3,4\n\nTotal,6,7\nend\n\n"
	for _, tt := range []struct {
		name string
		f    Footer
		want string
	}{
		{"last rows", Footer{Rows: 2}, lines("1 header a|b", "2 body 1|2", "3 body 3|4", "4 blank", "5 footer Total|6|7", "6 footer end", "7 blank")},
		{"more than there are", Footer{Rows: 9}, lines("1 header a|b", "2 footer 1|2", "3 footer 3|4", "4 blank", "5 footer Total|6|7", "6 footer end", "7 blank")},
		{"from a text", Footer{From: "tot*"}, lines("1 header a|b", "2 body 1|2", "3 body 3|4", "4 blank", "5 footer Total|6|7", "6 footer end", "7 blank")},
		{"from a blank row", Footer{Blank: true}, lines("1 header a|b", "2 body 1|2", "3 body 3|4", "4 blank", "5 footer Total|6|7", "6 footer end", "7 blank")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readString(t, text, Dialect{Footer: tt.f})); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := readString(t, "a\n"+strings.Repeat("\n", 70000)+"1\n", Dialect{Footer: Footer{Rows: 1}}); !strings.Contains(got, "too many blank rows before the footer") {
		t.Errorf("an endless look-ahead is not refused: %.200q", got)
	}
}

func TestFramed(t *testing.T) {
	rec := &Records{Column: 2, Header: "CH", Body: []string{"SB"}, Totals: []string{"SF"}, Context: []string{"SH"}, Ignore: []string{"X*"}}
	got := readString(t, "1,SB,p0\n1,SH,x\n1,CH,id\n1, SB ,p1\n1,SB\n1,ZZ,?\n7\n1,XY,-\n1,CH,id,sum\n1,SB,p2,3\n1,SF,3\n", Dialect{Records: rec})
	want := lines(
		`1 body(SB) 1|SB|p0 !t.csv:1: row comes before any header row, whose kind is "CH"; the file may be cut; fetch it again`,
		"2 context(SH) 1|SH|x",
		"3 header(CH) 1|CH|id",
		"4 body(SB) 1| SB |p1",
		"5 body(SB) 1|SB !t.csv:5: row has 2 cells where its header has 3; a delimiter or a quote in a text may be the cause; say ragged: pad or allow if rows may differ",
		`6 body(ZZ) 1|ZZ|? !t.csv:6: column "CH": "ZZ": is no kind of record that is known here; known are "CH", "SB", "SF", "SH", "X*"; add it to body, totals, context or ignore`,
		"7 body 7 !t.csv:7: row has 1 cell, and the kind of record stands in column 2",
		"8 ignored(XY) 1|XY|-",
		"9 header(CH) 1|CH|id|sum",
		"10 body(SB) 1|SB|p2|3",
		"11 total(SF) 1|SF|3",
	)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHeaderIdentity(t *testing.T) {
	r, err := NewReader("t.csv", strings.NewReader("x\na,b\n1,2\na,b\n3,4\nb,a\n5,6\n"), Dialect{Header: Header{Find: []string{"a", "b"}}})
	if err != nil {
		t.Fatal(err)
	}
	rows := all(t, r)
	if rows[0].Header != nil {
		t.Error("a preamble has a header")
	}
	if rows[1].Header == nil || rows[1].Header != rows[2].Header || rows[2].Header != rows[4].Header {
		t.Error("the same names again are not the same header")
	}
	if rows[5].Header == rows[4].Header || rows[5].Header != rows[6].Header {
		t.Error("other names are not another header")
	}
	if got := rows[6].Header.Index("B", 1); got != 0 {
		t.Errorf("b is at %d in the later header", got)
	}
}

func TestLimitsOfText(t *testing.T) {
	small := Limits{Cell: 10, Row: 40, Columns: 5}
	for _, tt := range []struct{ name, text, want string }{
		{"cell", "a\n" + strings.Repeat("x", 11) + "\n", "t.csv:2: cell is longer than 10 bytes"},
		{"quoted cell", "a\n\"" + strings.Repeat("x\n", 11), "t.csv:2: cell is longer than 10 bytes"},
		{"row", "a\n" + strings.Repeat("xxxxxxxxx,", 4) + "xxxxx\n", "t.csv:2: row is longer than 40 bytes"},
		{"columns", "a\n1,2,3,4,5,6\n", "t.csv:2: row has more than 5 cells"},
		{"quoted columns", "a\n\"1\",2,3,4,5,6\n", "t.csv:2: row has more than 5 cells"},
	} {
		if got := readString(t, tt.text, Dialect{Limits: small}); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	// A line without end must not be buffered to find that out.
	endless := io.MultiReader(strings.NewReader("a\n"), endlessly('x'))
	r, err := NewReader("t.csv", endless, Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := collect(r); err == nil || !strings.Contains(err.Error(), "t.csv:2: row is longer") {
		t.Errorf("an endless line ends with %v", err)
	}
	r, err = NewReader("t.csv", io.MultiReader(strings.NewReader("a\n1\n\""), endlessly('\n')), Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := collect(r); err == nil || !strings.Contains(err.Error(), "t.csv:3: cell is longer") {
		t.Errorf("an endless cell ends with %v", err)
	}
}

type endlessly byte

func (e endlessly) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(e)
	}
	return len(b), nil
}

// A stream that hands out a byte at a time must read like the whole.
func TestSmallReads(t *testing.T) {
	text := "\ufeffa,b\r\n\"1\r\n\"\"x\"\t,2\r\n3,\"4\"\r\n\r\n5,6"
	whole := readString(t, text, Dialect{})
	r, err := NewReader("t.csv", &oneByOne{text}, Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole, show(collect(r))); diff != "" {
		t.Error(diff)
	}
}

type oneByOne struct{ s string }

func (o *oneByOne) Read(b []byte) (int, error) {
	if o.s == "" {
		return 0, io.EOF
	}
	b[0] = o.s[0]
	o.s = o.s[1:]
	return 1, nil
}

func TestErrorsAreFinal(t *testing.T) {
	broken := errors.New("the line went dead")
	r, err := NewReader("t.csv", io.MultiReader(strings.NewReader("a\n1\n2\n"), &failing{broken}), Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := collect(r)
	var e *Error
	if len(rows) != 3 || !errors.As(err, &e) || !errors.Is(err, broken) || e.Pos.Line != 4 {
		t.Errorf("%d rows, then %v", len(rows), err)
	}
	if _, again := r.Next(); again != err {
		t.Errorf("then %v", again)
	}
	r, _ = NewReader("t.csv", strings.NewReader("a\n"), Dialect{})
	r.Close()
	if _, err := r.Next(); err == nil || err == io.EOF {
		t.Errorf("a closed reader gives %v", err)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestBadDialects(t *testing.T) {
	for _, tt := range []struct {
		d    Dialect
		want string
	}{
		{Dialect{Format: "ods"}, `format "ods" is not known`},
		{Dialect{Delimiter: '\n'}, `delimiter '\n' cannot be used`},
		{Dialect{Quote: '«'}, `quote '«' cannot be used`},
		{Dialect{Quote: ','}, "both ','"},
		{Dialect{Header: Header{Row: -1}}, "negative"},
		{Dialect{Header: Header{Row: 1, None: true}}, "more than one way"},
		{Dialect{Footer: Footer{Rows: 1 << 20}}, "more than 65536"},
		{Dialect{Records: &Records{Header: "CH"}, Header: Header{Row: 2}}, "by its kind"},
	} {
		_, err := NewReader("t.csv", strings.NewReader("a"), tt.d)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.d, err, tt.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	long := strings.Repeat("é", 100)
	got := readString(t, "a\n\"x\"y"+long+"\n1,"+long+"\xff\n", Dialect{Ragged: RaggedAllow})
	for _, line := range strings.Split(got, "\n") {
		if _, msg, ok := strings.Cut(line, "!"); ok && (!strings.Contains(msg, "é") || strings.Count(msg, "é") > 80) {
			t.Errorf("the value is not cut: %s", msg)
		}
	}
	for want, e := range map[string]Error{
		"f: m":                    {Pos: Pos{File: "f"}, Msg: "m"},
		"f:S:3: column 7: m":      {Pos: Pos{"f", "S", 3}, Column: "column 7", Msg: "m"},
		`f:3: column "n": m; h`:   {Pos: Pos{"f", "", 3}, Column: "n", Msg: "m", Hint: "h"},
		`f: column "n": "v": m`:   {Pos: Pos{File: "f"}, Column: "n", Value: "v", Msg: "m"},
		`f: column "column x": m`: {Pos: Pos{File: "f"}, Column: "column x", Msg: "m"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	// The open quote is the place, also when the row's limit is met first.
	got = readString(t, "a\n1\n2,\""+strings.Repeat("x\n", 1<<20), Dialect{Limits: Limits{Row: 1 << 10, Cell: 1 << 30}})
	if !strings.Contains(got, "t.csv:3: row is longer than 1024 bytes") {
		t.Errorf("got %.300s", got)
	}
}
