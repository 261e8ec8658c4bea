package report

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// open makes a report's workbook and reads it back.
func open(t *testing.T, b *Built) *excelize.File {
	t.Helper()
	files, err := b.Files("x.xlsx", TextOptions{})
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	var whole bytes.Buffer
	if err := files[0].Write(&whole); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&whole)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// sheetLines are a sheet's rows as they stand in the file, unformatted.
func sheetLines(t *testing.T, f *excelize.File, sheet string) (out []string) {
	t.Helper()
	rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		out = append(out, strings.TrimRight(strings.Join(row, "|"), "|"))
	}
	return out
}

// TestWorkbook: sheets, real dates and figures, text that stays text, totals
// per currency, and what has no line.
func TestWorkbook(t *testing.T) {
	b, err := build(t, `
payrec: report/v1
name: x
split: {rows: 8}
sheets:
  - name: Money
    each: movement
    columns:
      - {title: Day, value: =moved_at, format: date}
      - {title: Moved, value: =moved, total: sum}
      - {title: Order, value: '=metadata["order"]'}
      - {title: Live, value: =livemode}
      - {title: No, value: =number, format: integer}
      - {title: Plain, value: =amount(moved)}
  - {name: Pivot, each: movement, pivot: {rows: [currency, movement], values: [count, moved]}}
`, june(), Options{Period: inJune})
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, b)
	if diff := cmp.Diff([]string{"Money", "Money (2)", "Pivot", "Exceptions"}, f.GetSheetList()); diff != "" {
		t.Error(diff)
	}
	for sheet, want := range map[string][]string{
		"Money": {"Day|Moved|Order|Live|No|Plain",
			"46174|0.02||yes|1|0.02", "46175|19.9|=1+1|yes|2|19.9", `46177|50|-12; "x"|yes|3|50`, "46177|1500|日本\nline|yes|4|1500",
			"46177|12.34||yes|5|12.34", "46180|9||yes|6|9", "46181|12.34||yes|7|12.34", "46182|4||yes|8|4"},
		"Money (2)": {"Day|Moved|Order|Live|No|Plain",
			"46182|-4||yes|9|-4", "46183|-25||yes|10|-25", "", "Total EUR|3.92", "Total JPY|1500", "Total KWD|12.34", "Total USD|62.34"},
		"Pivot": {"Currency|Movement|Count|Moved", "EUR|payment|4|32.92", "EUR|refund|2|-29", "JPY|payment|1|1500", "KWD|payment|1|12.34", "USD|payment|2|62.34",
			"", "Total||10", "Total EUR|||3.92", "Total JPY|||1500", "Total KWD|||12.34", "Total USD|||62.34"},
		"Exceptions": {"Payment record|Has no line, because", "pr_undated|the date that the period goes by is not known",
			"pr_silent|1.00 EUR of it was refunded without a stamp, so nobody knows when"},
	} {
		got := sheetLines(t, f, sheet)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", sheet, diff)
		}
	}
	if formula, _ := f.GetCellFormula("Money", "C3"); formula != "" {
		t.Errorf("text became the formula %s", formula)
	}
}

// TestLiveTotals: with one currency on one sheet the total follows the filter.
func TestLiveTotals(t *testing.T) {
	b, err := build(t, `{payrec: report/v1, name: x, where: 'currency == "EUR"', sheets: [{name: S, columns: [{title: Id, value: =id}, {title: Amount, value: =amount, total: sum}]}]}`,
		june(), Options{Period: inJune})
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, b)
	row := ""
	for i, line := range sheetLines(t, f, "S") {
		if strings.HasPrefix(line, "Total EUR") {
			row = string(rune('0' + i + 1))
		}
	}
	if formula, _ := f.GetCellFormula("S", "B"+row); !strings.HasPrefix(formula, "SUBTOTAL(109,B2:B") {
		t.Errorf("row %s: %q", row, formula)
	}
}

// TestSheetNames: what a split makes of names stays within 31 characters, and
// apart.
func TestSheetNames(t *testing.T) {
	used := map[string]bool{}
	for _, test := range [][2]string{
		{"Payments", "Payments"}, {"payments", "payments ~2"},
		{strings.Repeat("x", 40), strings.Repeat("x", 31)}, {strings.Repeat("x", 41), strings.Repeat("x", 28) + " ~2"},
	} {
		if got := unused(test[0], used); got != test[1] {
			t.Errorf("%q became %q, want %q", test[0], got, test[1])
		}
	}
}

// TestOneFileForStandardOutput: what would be two files is refused before
// anything is written.
func TestOneFileForStandardOutput(t *testing.T) {
	src := `{payrec: report/v1, name: x, split: {rows: 2}, sheets: [{name: S, columns: [{title: Id, value: =id}]}]}`
	b, err := build(t, src, june(), Options{Period: inJune})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Files("-", TextOptions{}); err == nil || !strings.Contains(err.Error(), "makes 5 files") {
		t.Error(err)
	}
	b, err = build(t, strings.Replace(src, "rows: 2", "rows: 20", 1), june(), Options{Period: inJune})
	if err != nil {
		t.Fatal(err)
	}
	files, err := b.Files("-", TextOptions{})
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := files[0].Write(io.Discard); err != nil {
		t.Error(err)
	}
}
