package exporter

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	stream "github.com/payrec/payrec/internal/sheet"
	"github.com/payrec/payrec/record"
)

// open writes the workbook and reads it back.
func open(t *testing.T, d *Dataset, rows int) (*excelize.File, []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := d.writeWorkbook(&b, rows); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, b.Bytes()
}

// rawRows are a sheet's cells as they stand in the file, unformatted.
func rawRows(t *testing.T, f *excelize.File, sheet string) [][]string {
	t.Helper()
	rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func header(rows [][]string) map[string]int {
	at := map[string]int{}
	for i, title := range rows[0] {
		at[title] = i
	}
	return at
}

func cellAt(row []string, i int) string {
	if i < len(row) {
		return row[i]
	}
	return ""
}

var titles = map[string]string{"amount": "Amount", "guaranteed": "Guaranteed", "refunded": "Refunded", "failed": "Failed", "canceled": "Canceled", "fee": "Fee", "net": "Net"}

func TestWorkbookTotals(t *testing.T) {
	src := generate(2000, 11)
	d := collectAll(t, src, Options{})
	for _, perSheet := range []int{maxSheetRows - 300, 700} {
		f, _ := open(t, d, perSheet)
		got, totals, allSheets := map[string]int64{}, map[string]int64{}, map[string]int64{}
		for _, sheet := range f.GetSheetList() {
			if !strings.HasPrefix(sheet, "Payments") {
				continue
			}
			rows := rawRows(t, f, sheet)
			at := header(rows)
			for _, row := range rows[1:] {
				into := got
				c := cellAt(row, at["Currency"])
				if label, ok := strings.CutPrefix(cellAt(row, 0), "Total "); ok {
					into, c = totals, label
					if code, ok := strings.CutSuffix(label, ", all sheets"); ok {
						into, c = allSheets, code
					}
					c = strings.TrimSuffix(c, ", this sheet")
				} else if strings.HasPrefix(cellAt(row, 0), "Shown, if of one currency") {
					continue
				} else if c == "" {
					continue // the empty line above the totals
				} else {
					got[c+"/count"]++
				}
				for name, title := range titles {
					if text := cellAt(row, at[title]); text != "" {
						into[c+"/"+name] += minor(t, c, text)
					}
				}
			}
		}
		want := recount(src.records)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d rows per sheet: %s", perSheet, diff)
		}
		for c := range want {
			if strings.HasSuffix(c, "/count") {
				delete(want, c)
			}
		}
		if diff := cmp.Diff(want, totals); diff != "" {
			t.Errorf("%d rows per sheet, totals: %s", perSheet, diff)
		}
		if perSheet < 2000 {
			if diff := cmp.Diff(want, allSheets); diff != "" {
				t.Errorf("%d rows per sheet, totals of all sheets: %s", perSheet, diff)
			}
		}
	}
}

// Each amount up to the API's 12 digits is, as written in a number cell,
// exactly its minor units.
func TestNumbersAreExact(t *testing.T) {
	number := func(m record.Money) any { // as a sheet has it
		if !isNumber(m) {
			return m.Text()
		}
		d := m.Amount
		f, err := strconv.ParseFloat(string(stream.AppendDecimal(nil, d.IsNeg(), d.Coef(), d.Scale())), 64)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom([]record.Currency{"eur", "jpy", "kwd", "isk"}).Draw(t, "currency")
		v := rapid.Int64Range(-999_999_999_999, 999_999_999_999).Draw(t, "value")
		m := record.Amount{Currency: c, Value: v}.Money()
		f, ok := number(m).(float64)
		if !ok {
			t.Fatalf("%s became text", m)
		}
		written := strconv.FormatFloat(f, 'f', -1, 64)
		whole, frac, _ := strings.Cut(written, ".")
		digits := whole + frac + strings.Repeat("0", c.Exponent()-len(frac))
		if n, err := strconv.ParseInt(digits, 10, 64); err != nil || n != v {
			t.Fatalf("%s is written as %s", m, written)
		}
		// And back from the double that a spreadsheet makes of it.
		if n := int64(math.Round(f * math.Pow10(c.Exponent()))); n != v {
			t.Fatalf("%s reads as %d", m, n)
		}
	})
	for v, want := range map[int64]any{
		999_999_999_999_999:        9999999999999.99,
		1_000_000_000_000_000:      "10000000000000.00",
		-9_223_372_036_854_775_808: "-92233720368547758.08",
	} {
		if got := number(record.Amount{Currency: "eur", Value: v}.Money()); got != want {
			t.Errorf("%d became %v, want %v", v, got, want)
		}
	}
}

func TestWallClock(t *testing.T) {
	zone := berlin(t)
	var c clock // one for all: what it remembers must not outlive its offset
	for _, tt := range []struct {
		at   string
		zone *time.Location
		want string
	}{
		{"1970-01-01T00:00:00Z", time.UTC, "1970-01-01 00:00:00"},
		{"2026-06-01T22:30:15Z", zone, "2026-06-02 00:30:15"},
		{"2026-03-29T00:59:59Z", zone, "2026-03-29 01:59:59"},
		{"2026-03-29T01:00:00Z", zone, "2026-03-29 03:00:00"},
		{"2026-10-25T00:30:00Z", zone, "2026-10-25 02:30:00"},
		{"2026-10-25T01:30:00Z", zone, "2026-10-25 02:30:00"}, // the same again: the UTC twin tells them apart
		{"2026-10-25T00:59:59Z", zone, "2026-10-25 02:59:59"},
		{"2026-10-25T00:59:59Z", time.UTC, "2026-10-25 00:59:59"},
		{"2126-07-01T00:00:00Z", zone, "2126-07-01 02:00:00"},
		{"1850-07-01T00:00:00Z", zone, "1850-07-01 00:53:28"},
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := unix(c.wall(at, tt.zone)).Format(momentLayout); got != tt.want || got != at.In(tt.zone).Format(momentLayout) {
			t.Errorf("%s became %s, want %s", tt.at, got, tt.want)
		}
	}
}

// Formulas stand in totals and checks only, and what they would come to is
// what the cell already shows.
func TestFormulas(t *testing.T) {
	for _, currencies := range []int{1, len(testCurrencies)} {
		src := generate(60, 29)
		if currencies == 1 {
			var eur []*record.PaymentRecord
			for _, r := range src.records {
				if r.AmountRequested.Currency == "eur" {
					eur = append(eur, r)
				}
			}
			src.records = eur
		}
		d := collectAll(t, src, Options{Attempts: AllAttempts})
		f, _ := open(t, d, 25)
		formulas := map[string]int{}
		for _, sheet := range f.GetSheetList() {
			for y, row := range rawRows(t, f, sheet) {
				for x := range row {
					name := ref(x, y+1)
					formula, err := f.GetCellFormula(sheet, name)
					if err != nil {
						t.Fatal(err)
					}
					if formula == "" {
						continue
					}
					formulas[sheet]++
					total := strings.HasPrefix(row[0], "Total ") || strings.HasPrefix(row[0], "Shown, if of one currency") || cellAt(row, 1) == "Open at the end of the period"
					if sheet != "Control" && !total {
						t.Errorf("%s!%s holds a formula: %s", sheet, name, formula)
					}
					sameAsCalculated(t, f, sheet, name, row[x], formula)
				}
			}
		}
		if formulas["Control"] == 0 || formulas["Payments"] == 0 || formulas["Summary"] == 0 || formulas["Refunds"] == 0 {
			t.Errorf("formulas: %v", formulas)
		}
	}
}

func sameAsCalculated(t *testing.T, f *excelize.File, sheet, name, shown, formula string) {
	t.Helper()
	calculated, err := f.CalcCellValue(sheet, name, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Errorf("%s!%s: %s: %v", sheet, name, formula, err)
		return
	}
	a, errA := strconv.ParseFloat(shown, 64)
	b, errB := strconv.ParseFloat(calculated, 64)
	if shown != calculated && (errA != nil || errB != nil || math.Abs(a-b) > 0.0005) {
		t.Errorf("%s!%s shows %s, but %s is %s", sheet, name, shown, formula, calculated)
	}
}

func TestHostileTextInWorkbook(t *testing.T) {
	src := &fake{}
	for i, text := range append(hostileTexts, strings.Repeat("x", 5000), "nul\x00bell\x07", "bad \xff utf-8") {
		r := simple(fmt.Sprintf("pr_%03d", i), int64(i))
		r.Description, r.Metadata["order"] = &text, text
		r.PaymentMethodDetails = &record.MethodDetails{Custom: &record.CustomMethod{DisplayName: text}}
		src.records = append(src.records, r)
	}
	d := collectAll(t, src, Options{Control: []Fact{{"=1", "=2", "=3"}}, Generator: "=cmd"})
	f, _ := open(t, d, 1000)
	rows := rawRows(t, f, "Payments")
	at := header(rows)
	for i, r := range src.records {
		want := strings.ToValidUTF8(*r.Description, "\ufffd")
		want = strings.NewReplacer("\x00", "\ufffd", "\x07", "\ufffd").Replace(want) // XML has no way to say these
		for _, column := range []string{"Description", "metadata[order]"} {
			if got := cellAt(rows[i+1], at[column]); got != want {
				t.Errorf("%q became %q", want, got)
			}
			if kind, err := f.GetCellType("Payments", ref(at[column], i+2)); want != "" && (err != nil || kind != excelize.CellTypeInlineString) {
				t.Errorf("%q is a cell of type %v, %v", want, kind, err)
			}
		}
	}
	if kind, err := f.GetCellType("Payments", "A2"); err != nil || kind != excelize.CellTypeInlineString {
		t.Errorf("an id is a cell of type %v, %v", kind, err)
	}
}

func TestWorkbookLook(t *testing.T) {
	zone := berlin(t)
	src := generate(60, 31)
	d := collectAll(t, src, Options{Attempts: LatestAttempts, Period: Period{Zone: zone}})
	f, raw := open(t, d, 40)
	want := []string{"Summary", "Payments", "Payments (2)", "Attempts", "Attempts (2)", "Refunds", "Exceptions", "Control"}
	if diff := cmp.Diff(want, f.GetSheetList()); diff != "" {
		t.Fatal(diff)
	}
	for i, sheet := range want {
		rows := rawRows(t, f, sheet)
		if got, err := f.GetSheetDimension(sheet); err != nil || !strings.HasSuffix(got, strconv.Itoa(len(rows))) {
			t.Errorf("%s: dimension %s, %d rows, %v", sheet, got, len(rows), err)
		}
		x := sheetXML(t, raw, i+1)
		if x.Pages.Fit != "true" || x.Setup.Orientation != "landscape" || x.Setup.Height != "0" {
			t.Errorf("%s: print setup %+v", sheet, x)
		}
		for j, c := range x.Columns {
			if j > 0 && c.Min != x.Columns[j-1].Max+1 || c.Max < c.Min || c.Width < 5 {
				t.Errorf("%s: column %d of the widths is %+v", sheet, j, c)
			}
		}
		if grid := i >= 1 && i <= 6; grid && (x.Pane.State != "frozen" || x.Pane.Top != "A2" || x.Filter.Ref == "") {
			t.Errorf("%s: pane %+v, filter %q", sheet, x.Pane, x.Filter.Ref)
		}
	}
	rows := rawRows(t, f, "Payments")
	at := header(rows)
	formats := map[string]string{"EUR": "#,##0.00", "USD": "#,##0.00", "JPY": "#,##0", "KWD": "#,##0.000", "ISK": "#,##0.00"}
	for y, row := range rows[1:41] {
		checkFormat(t, f, ref(at["Amount"], y+2), formats[row[at["Currency"]]])
		checkFormat(t, f, ref(at["Paid at (Europe/Berlin)"], y+2), "yyyy-mm-dd hh:mm:ss")
		local, _ := strconv.ParseFloat(row[at["Paid at (Europe/Berlin)"]], 64)
		utc, _ := strconv.ParseFloat(row[at["Paid at (UTC)"]], 64)
		if math.Abs(local-utc-2.0/24) > 1e-9 {
			t.Errorf("row %d: %v in Berlin, %v UTC", y+2, local, utc)
		}
	}
}

func checkFormat(t *testing.T, f *excelize.File, cell, want string) {
	t.Helper()
	id, err := f.GetCellStyle("Payments", cell)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.GetStyle(id)
	if err != nil || s.CustomNumFmt == nil || *s.CustomNumFmt != want {
		t.Errorf("%s: style %+v, want format %s", cell, s, want)
	}
}

// sheetParts are what a spreadsheet reads of a sheet before its rows.
type sheetParts struct {
	Pages struct {
		Fit string `xml:"fitToPage,attr"`
	} `xml:"sheetPr>pageSetUpPr"`
	Pane struct {
		State string `xml:"state,attr"`
		Top   string `xml:"topLeftCell,attr"`
	} `xml:"sheetViews>sheetView>pane"`
	Columns []struct {
		Min   int     `xml:"min,attr"`
		Max   int     `xml:"max,attr"`
		Width float64 `xml:"width,attr"`
	} `xml:"cols>col"`
	Filter struct {
		Ref string `xml:"ref,attr"`
	} `xml:"autoFilter"`
	Setup struct {
		Orientation string `xml:"orientation,attr"`
		Height      string `xml:"fitToHeight,attr"`
	} `xml:"pageSetup"`
}

func sheetXML(t *testing.T, raw []byte, no int) (x sheetParts) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := z.Open(fmt.Sprintf("xl/worksheets/sheet%d.xml", no))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(b, &x); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestWorkbookIsReproducible(t *testing.T) {
	src := generate(300, 47)
	var books [2][]byte
	for i := range books {
		d := collectAll(t, src, Options{Attempts: AllAttempts, Period: Period{Zone: berlin(t)}, Journal: told{}})
		_, books[i] = open(t, d, 100)
		slices.Reverse(src.records) // what is listed first makes no difference
	}
	if !bytes.Equal(books[0], books[1]) {
		t.Error("the same records gave other bytes")
	}
}

func TestEmptyWorkbook(t *testing.T) {
	d := collectAll(t, &fake{}, Options{Attempts: AllAttempts})
	f, _ := open(t, d, 1000)
	for _, sheet := range []string{"Payments", "Attempts", "Refunds"} {
		if rows := rawRows(t, f, sheet); len(rows) != 1 || len(rows[0]) < 10 {
			t.Errorf("%s: %v", sheet, rows)
		}
	}
	for _, sheet := range []string{"Summary", "Control"} {
		rows := rawRows(t, f, sheet)
		if got, err := f.GetSheetDimension(sheet); err != nil || !strings.HasSuffix(got, strconv.Itoa(len(rows))) {
			t.Errorf("%s: dimension %s of %d rows", sheet, got, len(rows))
		}
	}
}

// control gives the results of the Control sheet: "name currency" to result.
func control(t *testing.T, f *excelize.File) map[string]string {
	t.Helper()
	results := map[string]string{}
	for _, row := range rawRows(t, f, "Control") {
		if r := cellAt(row, 6); r != "" && r != "Result" {
			results[row[0]+" "+row[2]] = r
		}
	}
	return results
}

func TestControlAgrees(t *testing.T) {
	d := collectAll(t, generate(300, 37), Options{})
	f, _ := open(t, d, 100)
	results := control(t, f)
	for name, result := range results {
		if result != "agrees" {
			t.Errorf("%s: %s", name, result)
		}
	}
	if len(results) != 8*len(testCurrencies) {
		t.Errorf("%d results", len(results))
	}
}

func TestControlSeesDifferences(t *testing.T) {
	r := simple("pr_1", 1, record.StampFee, "x")
	r.AmountRefunded.Value = 400 // by someone who left no stamp
	d := collectAll(t, &fake{records: []*record.PaymentRecord{r, simple("pr_2", 2)}}, Options{Control: []Fact{{"Run", "File", "june.csv"}}})
	d.read.of("eur")
	d.read["eur"].requested += 1 // as if a line had been lost
	f, _ := open(t, d, 100)
	results := control(t, f)
	want := map[string]string{"Payments EUR": "agrees", "Amount EUR": "DIFFERS", "Guaranteed EUR": "agrees", "Refunded EUR": "agrees", "Failed EUR": "agrees", "Canceled EUR": "agrees", "Refunded, in lines of Refunds EUR": "not all", "In this workbook EUR": "agrees"}
	if diff := cmp.Diff(want, results); diff != "" {
		t.Error(diff)
	}
	var text []string
	for _, row := range rawRows(t, f, "Control") {
		text = append(text, strings.Join(row, "|"))
	}
	for _, line := range []string{"Cannot be used\nPayments with an unreadable stamp or amount|1\npr_1|payrec_fee", "Run\nFile|june.csv", "\nPayments without a stamped date|2"} {
		if !strings.Contains(strings.Join(text, "\n"), line) {
			t.Errorf("%q is not on the sheet:\n%s", line, strings.Join(text, "\n"))
		}
	}
}

// Payments in euro, settled in dollars: fees never join the euro totals.
func TestFeesInAnotherCurrency(t *testing.T) {
	src := &fake{}
	for i, c := range []string{"usd", "eur", "usd"} {
		src.records = append(src.records, simple(fmt.Sprintf("pr_%d", i), int64(i), record.StampFee, "0.30", record.StampNet, "9.70", record.StampNetCurrency, c))
	}
	d := collectAll(t, src, Options{})
	f, _ := open(t, d, 100)
	got := map[string]string{}
	for _, row := range rawRows(t, f, "Summary")[5:] {
		if cellAt(row, 0) == "Currency" {
			break // open payments
		}
		if cellAt(row, sumCount) != "" {
			got[row[0]+" "+cellAt(row, sumSettledIn)] = cellAt(row, sumCount) + " " + cellAt(row, sumRequested) + " " + cellAt(row, sumFee) + " " + cellAt(row, sumNet)
		}
	}
	want := map[string]string{"EUR EUR": "1 10 0.3 9.7", "EUR USD": "2 20 0.6 19.4", "Total EUR ": "3 30  ", "EUR ": "1  0.3 9.7", "USD ": "2  0.6 19.4", "Settled in ": "Payments  Fees Net"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, row := range rawRows(t, f, "Payments")[4:] {
		if row := strings.Join(row, " "); strings.HasPrefix(row, "Total USD") && !strings.Contains(row, "0.6 19.4") || strings.HasPrefix(row, "Total EUR") && !strings.Contains(row, "30 30 0 0 0 0.3 9.7") {
			t.Error(row)
		}
	}
}

func TestTextThatNoCellHolds(t *testing.T) {
	for _, tt := range []struct {
		text string
		cut  bool
	}{
		{strings.Repeat("x", maxCell), false},
		{strings.Repeat("x", maxCell+1), true},
		{strings.Repeat("ä", maxCell), false},
		{strings.Repeat("😀", maxCell/2), false},
		{strings.Repeat("😀", maxCell), true},
	} {
		got := fitting(tt.text)
		units := len(utf16.Encode([]rune(got)))
		if units > maxCell || (got != tt.text) != tt.cut || tt.cut && !strings.HasSuffix(got, "has all of it)") || strings.Contains(got, "\ufffd") {
			t.Errorf("%d bytes became %d units, …%q", len(tt.text), units, got[len(got)-40:])
		}
	}
}
