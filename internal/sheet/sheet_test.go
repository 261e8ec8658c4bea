package sheet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/sheet"
	"github.com/payrec/payrec/internal/table"
)

type fataler interface {
	Helper()
	Fatal(...any)
}

// written is a workbook of one sheet, "Sheet1", with the rows that write writes.
func written(t fataler, write func(r *sheet.Rows) error) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	var b bytes.Buffer
	p, err := sheet.Begin(&b, f)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Rows("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(r), r.End(), p.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// byExcelize reads the raw cells of Sheet1.
func byExcelize(t fataler, book []byte) [][]string {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(book))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("Sheet1", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// byTable reads them as payrec reads an input.
func byTable(t fataler, book []byte) [][]string {
	t.Helper()
	r, err := table.NewReader("book.xlsx", bytes.NewReader(book), table.Dialect{Format: table.XLSX})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rows [][]string
	for {
		row, err := r.Next()
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, slices.Clone(row.Cells))
	}
}

func TestEveryKindOfCell(t *testing.T) {
	at := time.Date(2026, 6, 30, 23, 59, 59, 0, time.UTC)
	book := written(t, func(r *sheet.Rows) error {
		if err := r.NextOf(32); err != nil {
			return err
		}
		for _, s := range []string{"text", "", " blanks ", "two\nlines", "tab\there", "a\r\nb", "=1+1", "<b>&amp;", "_x0041_", "_x_", "nul\x00", "bad\xff", "\uffff", "ä€😀", "007"} {
			r.Text(0, s)
		}
		if err := r.Next(); err != nil {
			return err
		}
		r.Int(0, -42)
		r.Decimal(0, true, 153350, 2)
		r.Decimal(0, false, 5, 3)
		r.Decimal(0, true, 0, 2)
		r.Decimal(0, false, 999_999_999_999_999, 2)
		r.Empty()
		r.Moment(0, at.Unix())
		r.Moment(0, sheet.FirstSecond-1)
		r.NumberFormula(0, `SUM(A2:B2)&"<"`, "-1575.5")
		r.TextFormula(0, `IF(1<2,"a","b")`, "a")
		r.Blank(0)
		r.Skip(2)
		if err := r.Next(); err != nil {
			return err
		}
		r.Text(0, "row 5")
		return nil
	})
	want := [][]string{
		{"text", "", " blanks ", "two\nlines", "tab\there", "a\r\nb", "=1+1", "<b>&amp;", "_x0041_", "_x_", "nul\ufffd", "bad\ufffd", "\ufffd", "ä€😀", "007"},
		{"-42", "-1533.5", "0.005", "0", "9999999999999.99", "", "46203.9999884259", "1900-12-31 23:59:59", "-1575.5", "a"},
		nil, nil, {"row 5"},
	}
	if diff := cmp.Diff(want, byExcelize(t, book)); diff != "" {
		t.Error(diff)
	}
	got := byTable(t, book)
	for i, row := range got {
		for len(row) > 0 && row[len(row)-1] == "" { // each is as wide as the widest
			row = row[:len(row)-1]
		}
		got[i] = row
	}
	if diff := cmp.Diff([][]string{want[0], want[1], want[4]}, got); diff != "" {
		t.Error(diff)
	}
}

// Whatever text there is, every reader gives it back, and none takes it for
// anything else.
func TestTextsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringOfN(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("_x0041_<>&\"'=\r\n\t 0")), rapid.Just(rune(0xFFFE))), 1, 40, -1), 1, 20).Draw(t, "texts")
		texts = append([]string{"text"}, texts...) // a row of nothing but blanks is none to a reader of tables
		book := written(t, func(r *sheet.Rows) error {
			err := r.Next()
			for _, s := range texts {
				r.Text(0, s)
			}
			return err
		})
		var want []string
		for _, s := range texts {
			want = append(want, strings.Map(func(r rune) rune {
				if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF || r >= 0xD800 && r < 0xE000 {
					return utf8.RuneError
				}
				return r
			}, strings.ToValidUTF8(s, "\ufffd")))
		}
		if diff := cmp.Diff([][]string{want}, byExcelize(t, book)); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff([][]string{want}, byTable(t, book)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestDecimalsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		coef, scale, negative := rapid.Uint64().Draw(t, "coef"), rapid.IntRange(0, 19).Draw(t, "scale"), rapid.Bool().Draw(t, "negative")
		got := string(sheet.AppendDecimal(nil, negative, coef, scale))
		digits := strconv.FormatUint(coef, 10)
		digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
		want := digits[:len(digits)-scale]
		if frac := strings.TrimRight(digits[len(digits)-scale:], "0"); frac != "" {
			want += "." + frac
		}
		if negative && coef != 0 {
			want = "-" + want
		}
		if got != want {
			t.Fatalf("%d, scale %d: %s, want %s", coef, scale, got, want)
		}
	})
}

// Each second of a date is the nearest second to its serial number.
func TestMomentsKeepTheirSecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Int64Range(sheet.FirstSecond, sheet.LastSecond).Draw(t, "seconds")
		book := written(t, func(r *sheet.Rows) error {
			err := r.Next()
			r.Moment(0, at)
			return err
		})
		days, err := strconv.ParseFloat(byExcelize(t, book)[0][0], 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := math.Round((days - 25569) * 86400); got != float64(at) {
			t.Fatalf("%d became %v, which is %v", at, days, got)
		}
	})
}

func TestLetters(t *testing.T) {
	for i := range sheet.MaxColumns {
		want, err := excelize.ColumnNumberToName(i + 1)
		if got := sheet.Letters(i); err != nil || got != want {
			t.Fatalf("%d: %s, want %s", i, got, want)
		}
	}
	if got := sheet.Ref(27, 3); got != "AB3" {
		t.Error(got)
	}
}

// Several sheets, streamed out of order beside one that excelize fills: each
// has its rows, its layout and its dimension, and the bytes are always the same.
func TestSheetsAndFrame(t *testing.T) {
	make := func() []byte {
		f := excelize.NewFile()
		defer f.Close()
		for _, name := range []string{"Long", "<&>"} {
			if _, err := f.NewSheet(name); err != nil {
				t.Fatal(err)
			}
		}
		chart := &excelize.Chart{Type: excelize.Col, Series: []excelize.ChartSeries{{Name: "Long!$A$1", Values: "Long!$A$2:$A$9"}}}
		err := errors.Join(f.SetDocProps(&excelize.DocProperties{Creator: "payrec", LastModifiedBy: "payrec"}), f.SetCellStr("Sheet1", "A1", "by excelize"), f.AddChart("Sheet1", "C3", chart), f.SetColWidth("Long", "A", "B", 33), f.SetSheetDimension("Long", "A1:A50000"),
			f.SetPanes("Long", &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}), f.AutoFilter("Long", "A1:A50000", nil))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		p, err := sheet.Begin(&b, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"<&>", "Long"} {
			r, err := p.Rows(name)
			if err != nil {
				t.Fatal(err)
			}
			bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}}) // while rows are written
			if err != nil {
				t.Fatal(err)
			}
			for i := range 50_000 {
				if err := r.Next(); err != nil {
					t.Fatal(err)
				}
				r.Int(bold, int64(i))
			}
			if err := r.End(); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	book := make()
	if !bytes.Equal(book, make()) {
		t.Error("the same calls gave other bytes")
	}
	f, err := excelize.OpenReader(bytes.NewReader(book))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if props, err := f.GetDocProps(); err != nil || props.Creator != "payrec" || props.LastModifiedBy != "payrec" {
		t.Errorf("properties %+v, %v", props, err)
	}
	if diff := cmp.Diff([]string{"Sheet1", "Long", "<&>"}, f.GetSheetList()); diff != "" {
		t.Error(diff)
	}
	for cell, want := range map[string]string{"Sheet1!A1": "by excelize", "Long!A1": "0", "Long!A50000": "49999", "<&>!A50000": "49999"} {
		name, at, _ := strings.Cut(cell, "!")
		if got, err := f.GetCellValue(name, at); got != want || err != nil {
			t.Errorf("%s: %q, %v", cell, got, err)
		}
	}
	width, _ := f.GetColWidth("Long", "B")
	dimension, _ := f.GetSheetDimension("Long")
	panes, _ := f.GetPanes("Long")
	id, _ := f.GetCellStyle("Long", "A7")
	style, err := f.GetStyle(id)
	if err != nil || width != 33 || dimension != "A1:A50000" || !panes.Freeze || !style.Font.Bold {
		t.Errorf("width %v, dimension %s, panes %+v, style %+v, %v", width, dimension, panes, style, err)
	}
	if !bytes.Contains(book, []byte("xl/charts/chart1.xml")) {
		t.Error("the chart is gone")
	}
}

func TestMisuseIsAnError(t *testing.T) {
	full := errors.New("disk full")
	for name, tt := range map[string]struct {
		want string
		use  func(p *sheet.Package, r *sheet.Rows) error
	}{
		"no such sheet":    {`sheet "Nowhere": the workbook has no such sheet left to write`, func(p *sheet.Package, r *sheet.Rows) error { r.End(); _, err := p.Rows("Nowhere"); return err }},
		"a sheet again":    {`sheet "Sheet1": the workbook has no such sheet left to write`, func(p *sheet.Package, r *sheet.Rows) error { r.End(); _, err := p.Rows("Sheet1"); return err }},
		"two at once":      {`sheet "Other": sheet "Sheet1" must be ended first`, func(p *sheet.Package, r *sheet.Rows) error { _, err := p.Rows("Other"); return err }},
		"not ended":        {`sheet "Sheet1" has not ended`, func(p *sheet.Package, r *sheet.Rows) error { return p.Close() }},
		"rows in frame":    {`sheet "Other": it has rows in the frame already; only an empty sheet can be streamed`, func(p *sheet.Package, r *sheet.Rows) error { r.End(); _, err := p.Rows("Other"); return err }},
		"cell without row": {`sheet "Sheet1": row 0, column 1: no cell can be written there`, func(p *sheet.Package, r *sheet.Rows) error { r.Int(0, 1); return r.End() }},
		"long text": {`sheet "Sheet1": row 1, column 1: a text of more than 32767 characters`, func(p *sheet.Package, r *sheet.Rows) error {
			r.Next()
			r.Text(0, strings.Repeat("x", 32768))
			return r.Next()
		}},
		"too many rows": {`sheet "Sheet1": more than 1048576 rows`, func(p *sheet.Package, r *sheet.Rows) error { r.Skip(1048576); return errors.Join(r.Next(), r.End()) }},
		"too many columns": {`sheet "Sheet1": row 1, column 16385: no cell can be written there`, func(p *sheet.Package, r *sheet.Rows) error {
			r.Next()
			for range 16385 {
				r.Int(0, 1)
			}
			return r.End()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := excelize.NewFile()
			defer f.Close()
			if _, err := f.NewSheet("Other"); err != nil {
				t.Fatal(err)
			}
			if name == "rows in frame" {
				f.SetCellInt("Other", "A1", 1)
			}
			p, err := sheet.Begin(io.Discard, f)
			if err != nil {
				t.Fatal(err)
			}
			r, err := p.Rows("Sheet1")
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.use(p, r); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
			r.End()
		})
	}
	// A disk that fills up is noticed while rows are written, not at their end.
	for limit := range 3 {
		f := excelize.NewFile()
		defer f.Close()
		p, err := sheet.Begin(&failing{left: 20_000 + limit<<17, err: full}, f)
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.Rows("Sheet1")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for ; err == nil && n < 10_000_000; n++ {
			err = r.Next()
			r.Text(0, fmt.Sprintf("%x", uint64(n)*0x9E3779B97F4A7C15))
		}
		if !errors.Is(err, full) || n == 10_000_000 || !errors.Is(r.End(), full) {
			t.Errorf("after %d rows: %v", n, err)
		}
	}
}

type failing struct {
	left int
	err  error
}

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, f.err
	}
	return len(b), nil
}

// TestNoAllocationPerRow: however many rows, what is allocated is the frame.
func TestNoAllocationPerRow(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector allocates by itself") // make race says -short
	}
	f := excelize.NewFile()
	defer f.Close()
	p, err := sheet.Begin(io.Discard, f)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Rows("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	row := func() {
		if err := r.Next(); err != nil {
			t.Fatal(err)
		}
		r.Text(1, "plain")
		r.Text(1, `<markup> & "ä€😀" _x0041_`)
		r.Int(2, 42)
		r.Decimal(3, true, 123456, 2)
		r.Moment(4, 1_780_000_000)
		r.Empty()
		r.Blank(5)
	}
	row() // names of columns and styles
	if n := testing.AllocsPerRun(5_000, row); n > 0.01 {
		t.Errorf("%v allocations per row", n)
	}
	if err := errors.Join(r.End(), p.Close()); err != nil {
		t.Fatal(err)
	}
}
