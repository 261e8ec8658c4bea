package importer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/table"
)

// workbookOf saves a workbook whose sheet holds the rows from row 1 on.
func workbookOf(t *testing.T, sheet string, rows [][]any, change ...func(*excelize.File)) (path string) {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if err := f.SetSheetRow(sheet, ref(0, i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range change {
		c(f)
	}
	path = filepath.Join(t.TempDir(), "m.xlsx")
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// leftoversOf rejects the given rows of a workbook and returns the rejects file.
func leftoversOf(t *testing.T, path string, d table.Dialect, notes ...Note) string {
	t.Helper()
	for i := range notes {
		notes[i].File = filepath.Base(path)
	}
	w := &LeftoverWriter{Run: "r", Dir: t.TempDir(), Dialect: d, Notes: each(notes...),
		Files: []File{{filepath.Base(path), func() (*table.Reader, error) { return table.Open(path, d) }}}}
	files, err := w.Write(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(files.Rejects) != 1 || filepath.Ext(files.Rejects[0]) != ".xlsx" || files.RejectsWorkbooks != nil {
		t.Fatalf("files: %+v", files)
	}
	return files.Rejects[0]
}

// A shown cell is "n" or "t" for number or text, and its text.
func shownRows(t *testing.T, path string, d table.Dialect) (rows [][]string) {
	t.Helper()
	r, err := table.Open(path, d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		row, err := r.Next()
		if err != nil {
			return rows
		}
		if row.Err != nil {
			t.Errorf("%v", row.Err)
		}
		if row.Role == table.Blank {
			continue
		}
		cells := []string{row.Role.String(), row.Pos.Sheet}
		for i, c := range row.Cells {
			kind := "t "
			if row.IsNumber(i) {
				kind = "n "
			}
			cells = append(cells, kind+c)
		}
		rows = append(rows, cells)
	}
}

// A workbook's rejects file is a workbook: same sheet, same rows above the
// header, numbers as numbers and text as text, whatever it looks like.
func TestLeftoversOfAWorkbook(t *testing.T) {
	path := workbookOf(t, "März data", [][]any{
		{nil, "Settlement", 46082.5},
		nil,
		{nil, "id", "amount", "when", "note"},
		{nil, "0017", 10.5, 46082.5, "=HYPERLINK(1)"},
		{nil, "0018", 277.60000000000002, 46083, " two\nlines "},
		{nil, 8816178914079738, -3, 46083, "'quoted & <b>\r"},
		{nil, "0019", 1, 1, "fine"},
	})
	for _, sheet := range []string{"", "März data", "1", "/^M.rz/"} {
		d := table.Dialect{Format: table.XLSX, Sheet: sheet, Header: table.Header{Row: 3}}
		rejects := leftoversOf(t, path, d,
			Note{Line: 4, Code: "bad_value", Column: "Amount", Message: "no", Hint: "=mend()"},
			Note{Line: 5, Column: "amount_requested[value]"}, Note{Line: 6, Column: "column 5"})
		const s = "März data"
		want := [][]string{
			{"preamble", s, "t ", "t Settlement", "n 46082.5"},
			{"header", s, "t ", "t id", "t amount", "t when", "t note", "t payrec_line", "t payrec_code", "t payrec_column", "t payrec_message", "t payrec_hint"},
			{"body", s, "t ", "t 0017", "n 10.5", "n 46082.5", "t =HYPERLINK(1)", "t m.xlsx:4", "t bad_value", "t Amount", "t no", "t =mend()"},
			{"body", s, "t ", "t 0018", "n 277.6", "n 46083", "t  two\nlines ", "t m.xlsx:5", "t ", "t amount_requested[value]", "t ", "t "},
			{"body", s, "t ", "n 8816178914079738", "n -3", "n 46083", "t 'quoted & <b>\r", "t m.xlsx:6", "t ", "t column 5", "t ", "t "},
		}
		if diff := cmp.Diff(want, shownRows(t, rejects, d)); diff != "" {
			t.Errorf("sheet %q: read back (-want +got):\n%s", sheet, diff)
		}
		looks(t, rejects, s, map[string]bool{"C4": true, "E4": false, "I4": false, "C5": false, "I5": true, "E6": true, "B6": false})
	}
}

// looks holds a rejects file against what a person should see: the blamed cells
// in colour, the header frozen and with a filter.
func looks(t *testing.T, path, sheet string, blamed map[string]bool) {
	t.Helper()
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for cell, want := range blamed {
		id, err := f.GetCellStyle(sheet, cell)
		if err != nil {
			t.Fatal(err)
		}
		style, err := f.GetStyle(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(style.Fill.Color) > 0 && style.Fill.Color[0] == "FFC7CE"; got != want {
			t.Errorf("%s is in colour: %v, want %v", cell, got, want)
		}
	}
	panes, err := f.GetPanes(sheet)
	if err != nil || !panes.Freeze || panes.YSplit != 3 {
		t.Errorf("panes %+v, %v", panes, err)
	}
	names := f.GetDefinedName()
	if len(names) != 1 || !strings.HasSuffix(names[0].RefersTo, "!$A$3:$J$6") {
		t.Errorf("filter: %+v", names)
	}
	if f.GetSheetName(f.GetActiveSheetIndex()) != sheet {
		t.Errorf("the sheet in front is %q", f.GetSheetName(f.GetActiveSheetIndex()))
	}
}

// Days count from where the source counts them, and the sheet stands where the
// mapping looks for it.
func TestLeftoversKeepEpochAndPlace(t *testing.T) {
	path := workbookOf(t, "first", [][]any{{"nothing"}}, func(f *excelize.File) {
		f.NewSheet("second")
		f.SetSheetRow("second", "A1", &[]any{"id", "at"})
		f.SetSheetRow("second", "A2", &[]any{"A", 44620})
		f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: new(true)})
	})
	d := table.Dialect{Format: table.XLSX, Sheet: "2"}
	rejects := leftoversOf(t, path, d, Note{Line: 2})
	r, err := table.Open(rejects, d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !r.Date1904() {
		t.Error("the workbook counts its days from 1900")
	}
	if rows := shownRows(t, rejects, d); len(rows) != 2 || rows[1][1] != "second" || rows[1][3] != "n 44620" {
		t.Errorf("%q", rows)
	}
}

// A text source has both: the text to import again, the workbook to look at.
func TestLeftoversOfTextAsWorkbook(t *testing.T) {
	d := table.Dialect{Delimiter: ';'}
	w := &LeftoverWriter{Run: "r", Dir: t.TempDir(), Dialect: d, Sensitive: []string{"iban"},
		Files: []File{fileOf(t, "m.csv", "report;march\n\nid;iban;amount\nA;SECRET;12\nB;;=1\n", d)},
		Notes: each(Note{File: "m.csv", Line: 4, Column: "amount", Message: "no"}, Note{File: "m.csv", Line: 5, Held: true})}
	w.Dialect.Header.Find = []string{"id", "amount"}
	w.Files[0].Open = reopened(t, w.Files[0], w.Dialect)
	files, err := w.Write(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(files.Rejects) != 1 || len(files.Held) != 1 || len(files.RejectsWorkbooks) != 1 || len(files.HeldWorkbooks) != 1 {
		t.Fatalf("%+v", files)
	}
	text, err := os.ReadFile(files.Rejects[0])
	want := "report;march\n\nid;iban;amount;payrec_line;payrec_code;payrec_column;payrec_message;payrec_hint\nA;(hidden);12;m.csv:4;;amount;no;\n"
	if err != nil || string(text) != want {
		t.Errorf("%v\n%s", err, text)
	}
	d = table.Dialect{Format: table.XLSX, Header: w.Dialect.Header}
	if rows := shownRows(t, files.RejectsWorkbooks[0], d); len(rows) != 3 || cmp.Diff(rows[2][:5], []string{"body", "Rejects", "t A", "t (hidden)", "t 12"}) != "" {
		t.Errorf("rejects: %q", rows)
	}
	if rows := shownRows(t, files.HeldWorkbooks[0], d); len(rows) != 3 || rows[2][1] != "Held" || rows[2][4] != "t =1" {
		t.Errorf("held: %q", rows)
	}
}

// reopened opens the same bytes in another dialect.
func reopened(t *testing.T, f File, d table.Dialect) func() (*table.Reader, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), f.Name)
	text := "report;march\n\nid;iban;amount\nA;SECRET;12\nB;;=1\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() (*table.Reader, error) { return table.Open(path, d) }
}

// A rejects file that is imported and rejected again has its columns once.
func TestLeftoversOfLeftovers(t *testing.T) {
	d := table.Dialect{Format: table.XLSX}
	first := leftoversOf(t, workbookOf(t, "s", [][]any{{"id", "n"}, {"A", 1}, {"B", 2}}), d, Note{Line: 3, Message: "first"})
	again := leftoversOf(t, first, d, Note{Line: 2, Message: "second"})
	want := []string{"body", "s", "t B", "n 2", "t r-rejects.xlsx:2", "t ", "t ", "t second", "t "}
	if rows := shownRows(t, again, d); len(rows) != 2 || cmp.Diff(want, rows[1]) != "" {
		t.Errorf("%q", rows)
	}
}

// More rows than a sheet has go on in another file.
func TestLeftoverBookIsFull(t *testing.T) {
	p := &leftoverPart{source: leftoverSource{head: []string{"id"}, headLine: 1, sheet: "s"}}
	b, err := newLeftoverBook(p, table.Dialect{Format: table.XLSX})
	if err != nil {
		t.Fatal(err)
	}
	defer b.f.Close()
	for b.last = 150; !b.full(); {
		if err := b.add(leftoverRow{cells: []string{"a", "", "", "", "", ""}}, ""); err != nil {
			t.Fatal(err)
		}
	}
	if b.row > b.last || b.row < b.last-2 {
		t.Errorf("full at row %d of %d", b.row, b.last)
	}
}

// Whatever a cell holds comes back as it was, but for control characters, which
// XML has no room for, and text that no cell of a workbook can hold.
func TestLeftoverCellsComeBack(t *testing.T) {
	d := table.Dialect{Format: table.XLSX}
	p := &leftoverPart{source: leftoverSource{head: []string{"x"}, headLine: 1, sheet: "s"}}
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"_x000D_", "_x005F_x0041_", " =1", "'=1", "\x00@", "'\x00=", "\r\n", "1e5", "TRUE"}), rapid.StringMatching(`[=+@'_x0-9A-F\t\n -]{1,12}`)), 1, 20).Draw(t, "texts")
		b, err := newLeftoverBook(p, d)
		if err != nil {
			t.Fatal(err)
		}
		defer b.f.Close()
		for _, s := range texts {
			if err := b.add(leftoverRow{cells: []string{table.Guard(s), "l", "", "", "", ""}}, ""); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, "x.xlsx")
		if err := table.WriteFile(path, b.writeTo); err != nil {
			t.Fatal(err)
		}
		r, err := table.Open(path, d)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		r.Next()
		for _, s := range texts {
			row, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := row.Cells[0], printable(s); got != want {
				t.Fatalf("%q came back as %q, want %q", s, got, want)
			}
		}
	})
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

func TestFitting(t *testing.T) {
	for _, s := range []string{"", "a", strings.Repeat("é", maxCell)} {
		if fitting(s) != s {
			t.Errorf("%d characters were cut", utf8.RuneCountInString(s))
		}
	}
	for _, s := range []string{strings.Repeat("a", maxCell+1), strings.Repeat("💶", maxCell)} {
		got := fitting(s)
		units := 0
		for _, r := range got {
			units += utf16Len(r)
		}
		if units > maxCell || !strings.HasSuffix(got, "(cut by payrec)") || !utf8.ValidString(got) {
			t.Errorf("%d units: …%s", units, got[len(got)-30:])
		}
	}
}

// Memory does not grow with the file: what was written is in a temporary file.
func TestLeftoverBookIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 20,000 rows")
	}
	p := &leftoverPart{source: leftoverSource{head: []string{"id", "amount"}, headLine: 1, sheet: "s"}}
	b, err := newLeftoverBook(p, table.Dialect{Format: table.XLSX})
	if err != nil {
		t.Fatal(err)
	}
	defer b.f.Close()
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range 20_000 {
		row := leftoverRow{cells: []string{fmt.Sprintf("P-%07d", i), "12.50", "m.csv:1", "refused", "", strings.Repeat("why ", 30), ""}, numbers: []bool{false, true}}
		if err := b.add(row, "amount"); err != nil {
			t.Fatal(err)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 24<<20 {
		t.Errorf("the heap grew by %d MiB over 20,000 rows", grown>>20)
	}
}
