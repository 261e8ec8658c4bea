package table_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/payrec/payrec/internal/table"
	"github.com/xuri/excelize/v2"
)

// A book is a workbook in the making, by the XML that matters.
type book struct {
	rows    string            // of the first sheet
	strings string            // si elements
	sheets  string            // sheet elements of the workbook; default one, "Sheet1"
	pr      string            // attributes of workbookPr
	parts   map[string]string // further parts
}

func (b book) bytes(t interface{ Fatal(...any) }) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	add := func(name, content string) {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if b.sheets == "" {
		b.sheets = `<sheet name="Sheet1" sheetId="1" r:id="rId1"/>`
	}
	add("[Content_Types].xml", `<Types/>`)
	add("xl/workbook.xml", `<workbook xmlns:r="x"><workbookPr `+b.pr+`/><sheets>`+b.sheets+`</sheets></workbook>`)
	add("xl/_rels/workbook.xml.rels", `<Relationships>
		<Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>
		<Relationship Id="rId2" Type="http://x/worksheet" Target="/xl/worksheets/sheet2.xml"/>
		<Relationship Id="rId9" Type="http://x/sharedStrings" Target="sharedStrings.xml"/></Relationships>`)
	add("xl/sharedStrings.xml", `<sst>`+b.strings+`</sst>`)
	add("xl/worksheets/sheet1.xml", `<worksheet><sheetData>`+b.rows+`</sheetData></worksheet>`)
	for name, content := range b.parts {
		add(name, content)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read reads a book as t.xlsx.
func (b book) read(t *testing.T, d Dialect) ([]kept, error) {
	t.Helper()
	d.Format = XLSX
	r, err := NewReader("t.xlsx", bytes.NewReader(b.bytes(t)), d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return collect(r)
}

func TestCells(t *testing.T) {
	shared := `<si><t>plain</t></si><si><r><t>rich </t></r><r><t>text</t></r><rPh><t>reading</t></rPh></si><si/><si><t xml:space="preserve"> a_x000D_b_x005F_x000D_ </t></si>`
	for _, tt := range []struct {
		name, cells, want string
	}{
		{"shared", `<c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="s"><v>2</v></c><c t="s"><v>3</v></c>`, `plain|rich text|| a\rb_x000D_ `},
		{"inline", `<c t="inlineStr"><is><t>a</t></is></c><c t="inlineStr"><is><r><t>b</t></r><r><t>c</t></r></is></c>`, "a|bc"},
		{"boolean and error", `<c t="b"><v>1</v></c><c t="b"><v>0</v></c><c t="e"><v>#N/A</v></c>`, "TRUE|FALSE|#N/A"},
		{"numbers are marked", `<c><v>277.60000000000002</v></c><c t="n"><v>-1.5E-2</v></c><c t="inlineStr"><is><t>5</t></is></c>`, "#277.6|#-0.015|5"},
		{"sixteen digits", `<c><v>4814769000000000</v></c><c><v>4.814769E15</v></c>`, "#4814769000000000|#4814769000000000"},
		{"cached result", `<c><f>1+1</f><v>2</v></c><c t="str"><f>"x"</f><v>x</v></c><c t="str"><f>""</f><v></v></c>`, "#2|x|"},
		{"no cached result", `<c r="A1"><v>1</v></c><c r="B1"><f>1+1</f></c>`, `#1| !t.xlsx:Sheet1:1: column 2: is a formula whose result is not in the file; open the workbook in a spreadsheet program and save it`},
		{"ISO date", `<c t="d"><v>2026-02-18T00:00:00</v></c>`, "2026-02-18T00:00:00"},
		{"sparse", `<c r="B1"><v>1</v></c><c r="D1" s="3"/><c r="E1"><v>2</v></c>`, "|#1|||#2"},
		{"twice", `<c r="A1"><v>1</v></c><c r="A1"><v>2</v></c>`, `#1|#2 !t.xlsx:Sheet1:1: column 1: "A1": the row has this cell twice, or its cells out of order; save the workbook again in a spreadsheet program`},
		{"no such text", `<c t="s"><v>99</v></c>`, ` !t.xlsx:Sheet1:1: column 1: "99": refers to a text that the workbook does not have; the file may be damaged; export it again`},
		{"not a number", `<c><v>12,5</v></c>`, `12,5 !t.xlsx:Sheet1:1: column 1: "12,5": is not a number, though its cell is numeric; the file may be damaged; export it again`},
		{"only formats", `<c r="A1" s="1"/><c r="B1"/>`, "|"},
		{"prefixed names", `<x:c xmlns:x="y"><x:v>1</x:v></x:c>`, "#1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows, err := book{rows: `<row r="1">` + tt.cells + `</row>`, strings: shared}.read(t, Dialect{Header: Header{None: true}})
			if err != nil || len(rows) != 1 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			var cells []string
			for i, c := range rows[0].Cells {
				if rows[0].number[i] {
					c = "#" + c
				}
				cells = append(cells, c)
			}
			got := strings.ReplaceAll(strings.Join(cells, "|"), "\r", `\r`)
			if rows[0].Err != nil {
				got += " !" + rows[0].Err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestSheetRows(t *testing.T) {
	text := func(ref, s string) string { return `<c r="` + ref + `" t="inlineStr"><is><t>` + s + `</t></is></c>` }
	b := book{rows: `<row r="2">` + text("B2", "note") + `</row><row r="4">` + text("B4", "id") + text("C4", "sum") + `</row>` +
		`<row r="5">` + text("B5", "p1") + `</row><row>` + text("B6", "p2") + text("C6", "2") + `<c r="D6" s="1"/></row><row r="9"><c r="C9" s="1"/></row>` +
		`<row r="10">` + text("B10", "p3") + text("D10", "over") + `</row>`}
	rows, err := b.read(t, Dialect{Header: Header{Find: []string{"id", "sum"}}})
	want := lines("2 preamble |note", "4 header |id|sum", "5 body |p1|", "6 body |p2|2", "9 blank ||",
		"10 body |p3||over !t.xlsx:Sheet1:10: row has 4 cells where its header has 3; cells stand to the right of the header's last name; name their columns, or say ragged: allow")
	if diff := cmp.Diff(want, show(rows, err)); diff != "" {
		t.Error(diff)
	}
}

func TestBrokenSheets(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    book
		want string
	}{
		{"rows go back", book{rows: `<row r="5"/><row r="3"/>`}, `t.xlsx:Sheet1:5: cannot be read: xl/worksheets/sheet1.xml: row "3" after row 5`},
		{"row past the last", book{rows: `<row r="1048577"/>`}, "row 1048577 is past a sheet's last"},
		{"strange reference", book{rows: `<row r="1"><c r="1A"/></row>`}, `cell reference "1A"`},
		{"column past the last", book{rows: `<row r="1"><c r="XFE1"/></row>`}, "has cells past column 16384"},
		{"cut short", book{rows: `<row r="1"><c r="A1">`}, "cannot be read"},
		{"no part", book{sheets: `<sheet name="S" r:id="rId2"/>`}, `lacks its part "xl/worksheets/sheet2.xml"`},
		{"no sheet", book{sheets: ` `}, "no sheet with rows"},
		{"macros", book{parts: map[string]string{"xl/vbaProject.bin": "x"}}, "a workbook with macros"},
		{"binary", book{parts: map[string]string{"xl/workbook.bin": "x"}}, "a binary workbook (.xlsb)"},
		{"entities are not expanded", book{rows: `<row r="1"><c t="inlineStr"><is><t>&lol;</t></is></c></row>`}, "invalid character entity"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.b.read(t, Dialect{Header: Header{None: true}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSheetChoice(t *testing.T) {
	two := book{pr: `date1904="1"`, sheets: `<sheet name="Secret" state="hidden" r:id="rId1"/><sheet name="March 2026" r:id="rId1"/><sheet name="2" r:id="rId2"/>`,
		parts: map[string]string{"xl/worksheets/sheet2.xml": "<worksheet><sheetData/></worksheet>"}}
	for _, tt := range []struct{ sheet, want string }{
		{"", "March 2026"}, {"1", "March 2026"}, {"2", "2"}, {"march 2026", "March 2026"}, {"secret", "Secret"}, {"/^Mar/", "March 2026"},
		{"3", `t.xlsx: no sheet "3"; the workbook has "Secret", "March 2026", "2"`},
		{"/2/", `t.xlsx: /2/ fits several sheets ("March 2026", "2"); name one of them`},
		{"/Sec/", `t.xlsx: no sheet "/Sec/"; the workbook has "Secret", "March 2026", "2"`},
		{"/(/", "t.xlsx: sheet \"/(/\": error parsing regexp: missing closing ): `(`"},
	} {
		r, err := NewReader("t.xlsx", bytes.NewReader(two.bytes(t)), Dialect{Format: XLSX, Sheet: tt.sheet, Header: Header{None: true}})
		if err != nil {
			if err.Error() != tt.want {
				t.Errorf("%q: %v", tt.sheet, err)
			}
			continue
		}
		if r.Sheet() != tt.want || !r.Date1904() {
			t.Errorf("%q: sheet %q, 1904 %v", tt.sheet, r.Sheet(), r.Date1904())
		}
		r.Close()
	}
}

// Small files that unpack to much are refused before they are unpacked, and
// one endless text is not gathered to find out.
func TestBombs(t *testing.T) {
	// A part of one text without end, which packs at about a thousand to one.
	bomb := func(t *testing.T, name string, size int, fill byte) []byte {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for n, c := range map[string]string{"[Content_Types].xml": "<Types/>",
			"xl/workbook.xml":            `<workbook><sheets><sheet name="S" id="a"/></sheets></workbook>`,
			"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="a" Type="x/worksheet" Target="worksheets/s.xml"/><Relationship Id="b" Type="x/sharedStrings" Target="s.xml"/></Relationships>`} {
			w, _ := z.Create(n)
			io.WriteString(w, c)
		}
		w, _ := z.Create(name)
		if name == "xl/s.xml" {
			io.WriteString(w, "<sst><si><t>")
		} else {
			io.WriteString(w, `<worksheet><sheetData><row r="1"><c t="inlineStr"><is><t>`)
		}
		chunk := bytes.Repeat([]byte{fill}, 1<<20)
		for ; size > 0; size -= len(chunk) {
			w.Write(chunk)
		}
		z.Close()
		return out.Bytes()
	}
	for _, tt := range []struct {
		name, part string
		size       int
		limits     Limits
		want       string
	}{
		{"too much", "xl/worksheets/s.xml", 20 << 20, Limits{Unzipped: 16 << 20, Ratio: 5000}, "larger than 16 MiB (20 MiB)"},
		{"too dense", "xl/worksheets/s.xml", 20 << 20, Limits{}, "zip bomb"},
		{"one endless text", "xl/worksheets/s.xml", 40 << 20, Limits{Ratio: 5000}, "a text longer than 1048576 bytes"},
		{"one endless shared text", "xl/s.xml", 40 << 20, Limits{Ratio: 5000}, "a text longer than 1048576 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := bomb(t, tt.part, tt.size, 'x')
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := NewReader("bomb.xlsx", bytes.NewReader(data), Dialect{Format: XLSX, Header: Header{None: true}, Limits: tt.limits})
			if err == nil {
				_, err = r.Next()
				r.Close()
			}
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 16 {
				t.Errorf("took %d MiB", took)
			}
		})
	}
	if _, err := (book{}).read(t, Dialect{Limits: Limits{File: 100}}); err == nil || !strings.Contains(err.Error(), "is larger than") {
		t.Errorf("a file over the limit: %v", err)
	}
	many := book{parts: map[string]string{}}
	for i := range 1001 {
		many.parts[fmt.Sprintf("x/%d", i)] = ""
	}
	if _, err := many.read(t, Dialect{}); err == nil || !strings.Contains(err.Error(), "more than 1000 parts") {
		t.Errorf("a thousand parts: %v", err)
	}
}

// Excelize, which was written by others, must see the same cells.
func TestAgreesWithExcelize(t *testing.T) {
	for _, name := range []string{
		"adyen/oca_adyen_test.xlsx", "adyen/oca_adyen_test_invalid.xls", "generic_bank/oca_meta_data_separated_credit_debit.xlsx",
		"swedbankpay/R1234-0001-Redovisningsservice.xlsx", "vipps/downloads_settlements_xlsx_vipps-settlement-example.xlsx",
	} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			r := real(t, name, Dialect{Format: XLSX, Header: Header{None: true}})
			f, err := os.Open(filepath.Join("..", "..", "..", "shared", "real", name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			x, err := excelize.OpenReader(f)
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := x.GetRows(r.Sheet(), excelize.Options{RawCellValue: true})
			if err != nil {
				t.Fatal(err)
			}
			texts, numbers := 0, 0
			for _, row := range all(t, r) {
				if row.Err != nil {
					t.Error(row.Err)
				}
				for i, c := range row.Cells {
					want := ""
					if line := theirs[min(row.Pos.Line, len(theirs))-1]; i < len(line) && row.Pos.Line <= len(theirs) {
						want = line[i]
					}
					if row.number[i] {
						numbers++
						if want != c && !sameNumber(want, c) {
							t.Errorf("%v cell %d is %s, excelize has %s", row.Pos, i, c, want)
						}
						continue
					}
					texts++
					if c != want && !(want == "1" && c == "TRUE" || want == "0" && c == "FALSE") {
						t.Errorf("%v cell %d is %q, excelize has %q", row.Pos, i, c, want)
					}
				}
			}
			t.Logf("%d texts, %d numbers", texts, numbers)
		})
	}
}

// sameNumber compares at the 15 digits that a spreadsheet shows.
func sameNumber(a, b string) bool {
	var x, y float64
	fmt.Sscan(a, &x)
	fmt.Sscan(b, &y)
	return fmt.Sprintf("%.14e", x) == fmt.Sprintf("%.14e", y)
}
