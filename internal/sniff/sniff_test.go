package sniff_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/payrec/payrec/internal/sniff"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// find writes data to a file and looks at it.
func find(t testing.TB, name string, data []byte) *sniff.Finding {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := sniff.File(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func encode(t testing.TB, enc encoding.Encoding, s string) []byte {
	t.Helper()
	b, err := enc.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const payments = "id,created,amount,currency\nA-1001,2026-01-06 08:00:30,10.50,EUR\nA-1002,2026-01-07 09:10:00,7.00,USD\n"

func TestForms(t *testing.T) {
	semicolons := "Kunde;Datum;Betrag\nMüller;06.01.2026;1.653,75\nGröße;07.01.2026;12,50\nÄrger;13.01.2026;0,05\n"
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"plain", []byte(payments), "utf-8 comma LF, header 1, rows 2, decimal ."},
		{"CRLF", []byte(strings.ReplaceAll(payments, "\n", "\r\n")), "utf-8 comma CRLF, header 1, rows 2, decimal ."},
		{"CR", []byte(strings.ReplaceAll(payments, "\n", "\r")), "utf-8 comma CR, header 1, rows 2, decimal ."},
		{"mixed line ends", []byte(strings.Replace(payments, "\n", "\r\n", 1)), "utf-8 comma mixed, header 1, rows 2, decimal ."},
		{"pipes", []byte(strings.ReplaceAll(payments, ",", "|")), "utf-8 pipe LF, header 1, rows 2, decimal ."},
		{"tabs", []byte(strings.ReplaceAll(payments, ",", "\t")), "utf-8 tab LF, header 1, rows 2, decimal ."},
		{"byte order mark", []byte("\ufeff" + payments), "utf-8 comma LF, header 1, rows 2, decimal ."},
		{"semicolons and decimal commas", []byte(semicolons), "utf-8 semicolon LF, header 1, rows 3, decimal ,"},
		{"windows-1252", encode(t, charmap.Windows1252, semicolons), "windows-1252 semicolon LF, header 1, rows 3, decimal ,"},
		{"gbk", encode(t, simplifiedchinese.GBK, "交易时间,商户订单号,金额\n2026-01-06 08:00:30,订单一,10.50\n2026-01-07 08:00:30,退款成功,2.50\n"), "gbk comma LF, header 1, rows 2, decimal ."},
		{"shift_jis", encode(t, japanese.ShiftJIS, "取引日,お名前,金額\n2026/01/06,ヤマダ太郎,1000.5\n2026/01/07,すずき花子,250.5\n"), "shift_jis comma LF, header 1, rows 2, decimal ."},
		{"utf-16le", encode(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), payments), "utf-16le comma LF, header 1, rows 2, decimal ."},
		{"utf-16be", encode(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM), payments), "utf-16be comma LF, header 1, rows 2, decimal ."},
		{"utf-16le without a mark", encode(t, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), payments), "utf-16le comma LF, header 1, rows 2, decimal ."},
		{"utf-16be without a mark", encode(t, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), payments), "utf-16be comma LF, header 1, rows 2, decimal ."},
		{"no newline at the end", []byte(strings.TrimSuffix(payments, "\n")), "utf-8 comma LF, header 1, rows 2, decimal ."},
		{"blank lines", []byte("\n\n" + strings.ReplaceAll(payments, "\n", "\n\n")), "utf-8 comma LF, header 3, rows 2, decimal ."},
		{"no header", []byte("A-1,2026-01-06,10.50\nA-2,2026-01-07,7.00\n"), "utf-8 comma LF, header 0, rows 2, decimal ."},
		{"one column", []byte("reference\nA-1001\nA-1002\n"), "utf-8 comma LF, header 1, rows 2"},
		{"text alone", []byte("name,city\nAda,London\nAlan,Wilmslow\n"), "utf-8 comma LF, header 1, rows 2"},
		{"a preamble", []byte("Report,March\nAll amounts in USD\n\n" + payments), "utf-8 comma LF, header 4, rows 2, decimal ."},
		{"a padded preamble", []byte("Report,,,\nSeller,X1,,\n" + payments), "utf-8 comma LF, header 3, rows 2, decimal ."},
		{"a total", []byte(payments + "Total,,17.50\n"), "utf-8 comma LF, header 1, rows 2, decimal ."},
		{"joined files", []byte(payments + payments), "utf-8 comma LF, header 1, rows 4, decimal ."},
		{"longer rows", []byte("a,b\nx1,5.5,\nx2,6.5,\n"), "utf-8 comma LF, header 1, rows 2, decimal ."},
		{"gzip", packed(t, "gzip", payments), "utf-8 comma LF, header 1, rows 2, decimal ., in gzip"},
		{"zstd", packed(t, "zstd", payments), "utf-8 comma LF, header 1, rows 2, decimal ., in zstd"},
		{"zip", packed(t, "zip", payments), "utf-8 comma LF, header 1, rows 2, decimal ., in zip"},
		{"a few codes", []byte("Type,Amount\nPayment,5.50\nRefund,-1.50\nPayment,2.50\nTotal\n"), "utf-8 comma LF, header 1, rows 3, decimal ."},
		{"a preamble above types", []byte("Report\nSeller,X1\nType,Reference,Amount\nSettled,A1,5.50\nSettled,A2,6.50\nFee,A3,7.50\n"), "utf-8 comma LF, header 3, rows 3, decimal ."},
		{"framed, one payment", []byte("SH,2026-01-06\nCH,Reference,Amount\nSB,A1,500\nSF,1,500,0\n"), "utf-8 comma LF, header 2, rows 1, framed"},
		{"framed", []byte("HD,2026-01-06\nCH,Reference,Amount\nTX,A1,500\nTX,A2,700\nTR,2,1200,EUR\n"), "utf-8 comma LF, header 2, rows 2, framed"},
		{"empty", nil, "utf-8 comma , header 0, rows 0"},
		{"blank", []byte("\n \n\t\n"), "utf-8 comma LF, header 0, rows 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "march.csv")
			if err := os.WriteFile(path, tt.data, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := sniff.File(path)
			if err != nil {
				t.Fatal(err)
			}
			readsBack(t, path, f)
			if got := short(f); got != tt.want {
				t.Errorf("found %q, want %q; %q", got, tt.want, f.Notes)
			}
			if !f.Complete {
				t.Errorf("not read to its end: %q", f.Notes)
			}
		})
	}
}

func packed(t testing.TB, how, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch how {
	case "gzip":
		w := gzip.NewWriter(&b)
		_, err = w.Write([]byte(text))
		w.Close()
	case "zstd":
		w, e := zstd.NewWriter(&b)
		if e != nil {
			t.Fatal(e)
		}
		_, err = w.Write([]byte(text))
		w.Close()
	case "zip":
		w := zip.NewWriter(&b)
		e, _ := w.Create("march.csv")
		_, err = e.Write([]byte(text))
		w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestQuotes(t *testing.T) {
	for _, tt := range []struct{ name, data, quote, samples string }{
		{"none needed", payments, `"`, "A-1001 · A-1002"},
		{"double", "id,note\n\"A,1\",\"say \"\"hi\"\"\"\n\"A,2\",\"x\ny\"\n", `"`, "A,1 · A,2"},
		{"single", "id,note,amount\n'A,1','x','5.50'\n'A,2','y','6.50'\n'A,3','z','7.50'\n", "'", "A,1 · A,2 · A,3"},
		{"inch marks", "id,size,amount\nA1,\"5 pipe,5.50\nA2,\"6 pipe,6.50\nA3,\"7 pipe,7.50\n", "none", "A1 · A2 · A3"},
		{"apostrophes", "id,name,amount\nA1,O'Hara,5.50\nA2,D'Arcy,6.50\n", `"`, "A1 · A2"},
	} {
		f := find(t, "march.csv", []byte(tt.data))
		if f.Quote != tt.quote || strings.Join(f.Columns[0].Samples, " · ") != tt.samples {
			t.Errorf("%s: quote %s, samples %q, want %s, %q; %q", tt.name, f.Quote, f.Columns[0].Samples, tt.quote, tt.samples, f.Notes)
		}
	}
}

// TestTypes looks at one column at a time: its name, its values, the guess.
func TestTypes(t *testing.T) {
	for _, tt := range []struct{ name, values, kind, format, warnings string }{
		{"Psp Reference", "8816178914079738 8816178914079739", "id", "", ""},
		{"reference", "8.81618E+15 8.81619E+15", "id", "", "spoiled by a spreadsheet: 8.81618E+15"},
		{"order", "A1B2C3 D4E5F6", "id", "", ""},
		{"uuid", "8177b746-e22c-48cb-a058-11bcae1dcee3 9999b746-e22c-48cb-a058-11bcae1dcee3", "id", "", ""},
		{"invoice number", "00123 00124", "id", "", "leading zeros"},
		{"x", "0012 0013", "id", "", "leading zeros"},
		{"quantity", "1 2", "number", "", ""},
		{"x", "1 2", "int", "", ""},
		{"amount", "10.50 -7.00", "money", "", ""},
		{"amount", "1050 700 300", "money", "", "whole numbers only: perhaps minor units, such as cents"},
		{"amount", "(25.99) 3.10", "money", "", ""},
		{"amount", "12,50 13.50 1.1", "money", "", "mixed decimal marks"},
		{"amount", "1,234 5,678", "money", "", "unclear marks: decimals or thousands"},
		{"x", "$22.50 -$0.95", "money", "", ""},
		{"x", "`0.01 `0.02", "money", "", ""},
		{"x", "0.123456 0.234567", "number", "", ""},
		{"exchange rate", "1.10 0.90", "number", "", ""},
		{"fee rate", "1.00% 2.00%", "number", "", ""},
		{"refund reference", "77.1 77.2", "id", "", ""},
		{"Currency", "EUR usd", "currency", "", ""},
		{"name", "Ann Bob", "text", "", ""},
		{"x", "all all", "text", "", ""}, // the lek's code is a word as well
		{"is live", "Yes No", "bool", "", ""},
		{"x", "true FALSE", "bool", "", ""},
		{"date", "2026-01-06 2026-01-07", "date", "%Y-%m-%d", ""},
		{"date", "29/12/2025 01/02/2026", "date", "%d/%m/%Y", ""},
		{"date", "12/29/2025 01/02/2026", "date", "%m/%d/%Y", ""},
		{"date", "02/03/2026 04/05/2026", "date", "%d/%m/%Y", "ambiguous dates: %d/%m/%Y or %m/%d/%Y"},
		{"date", "01/04/20 02/04/20", "date", "%d/%m/%y", "ambiguous dates: %d/%m/%y or %m/%d/%y"},
		{"date", "08.04.2021 09.04.2021", "date", "%d.%m.%Y", ""},
		{"date", "2020年05月07日 2020年05月08日", "date", "%Y年%m月%d日", ""},
		{"date", "2026-01-06T08:00:30Z 2026-01-06T08:00:30.5+01:00", "datetime", "iso8601", ""},
		{"date", "2021-01-05_00:21:32 2021-01-05_00:29:21", "datetime", "%Y-%m-%d %H:%M:%S", ""},
		{"date", "2026/01/06_00:00:30_-0800 2026/01/06_00:06:02_-0800", "datetime", "%Y/%m/%d %H:%M:%S %z", ""},
		{"date", "Aug_31,_2026 Jun_30,_2026", "date", "%b %d, %Y", ""},
		{"date", "Dec_1,_2017_12:31:07_AM_PST Dec_2,_2017_12:31:07_PM_PST", "datetime", "%b %d, %Y %I:%M:%S %p %Z", ""},
		{"date", "21-Aug-2006_03:26:23_PM_MDT 22-Aug-2006_03:26:23_PM_MDT", "datetime", "%d-%b-%Y %I:%M:%S %p %Z", ""},
		{"created", "1767686430 1767686431", "datetime", "unix", ""},
		{"created_at", "1767686430000 1767686431000", "datetime", "unix_ms", ""},
		{"x", "2026-13-45 2026-14-46", "id", "", ""}, // no dates
		{"time", "11:05:56 13:06:07", "text", "", ""},
		{"e-mail", "a1@example.org b2@example.org", "text", "", ""},
		{"x", "-- --", "empty", "", ""},
		{"note", "a_b_c d_e", "text", "", ""},
		{"card", "4242424242424242 5555555555554444", "id", "", "looks like card numbers"},
	} {
		var data strings.Builder
		fmt.Fprintf(&data, "key\t%s\n", tt.name)
		for i, v := range strings.Fields(tt.values) {
			fmt.Fprintf(&data, "k%d\t%s\n", i, strings.ReplaceAll(v, "_", " "))
		}
		f := find(t, "one.tsv", []byte(data.String()))
		if len(f.Columns) != 2 {
			t.Errorf("%s %q: %d columns", tt.name, tt.values, len(f.Columns))
			continue
		}
		c := f.Columns[1]
		if c.Type != tt.kind || c.Format != tt.format || strings.Join(c.Warnings, "; ") != tt.warnings {
			t.Errorf("%s %q: %s %q %q, want %s %q %q", tt.name, tt.values, c.Type, c.Format, c.Warnings, tt.kind, tt.format, tt.warnings)
		}
		if c.Confidence <= 0 || c.Confidence > 1 {
			t.Errorf("%s %q: confidence %v", tt.name, tt.values, c.Confidence)
		}
	}
}

func TestCounts(t *testing.T) {
	f := find(t, "march.csv", []byte("id,note,amount\nA1,x,1.50\nA2,,2.50\nA2, ,2.50\nA3,\u00a0,\n"))
	for i, want := range []sniff.Column{{Filled: 4, Empty: 0, Distinct: 3}, {Filled: 1, Empty: 3, Distinct: 1}, {Filled: 3, Empty: 1, Distinct: 2}} {
		c := f.Columns[i]
		if c.Filled != want.Filled || c.Empty != want.Empty || c.Distinct != want.Distinct || c.DistinctAtLeast {
			t.Errorf("%s: %+v, want %+v", c.Name, c, want)
		}
	}
}

// TestBehindTheSample: guesses rest on the sample, counts on the whole file.
func TestBehindTheSample(t *testing.T) {
	const n = 25_000
	var b strings.Builder
	b.WriteString("id,amount,note\n")
	for i := range n {
		fmt.Fprintf(&b, "P%07d,%d.%02d,%s\n", i, i, i%100, map[bool]string{true: "x"}[i%5 == 0])
	}
	f := find(t, "march.csv", []byte(b.String()))
	if f.Rows != n || !f.Complete {
		t.Errorf("%d rows, complete %v", f.Rows, f.Complete)
	}
	id, note := f.Columns[0], f.Columns[2]
	if !id.DistinctAtLeast || id.Distinct < 9_000 || id.Filled != n || note.Filled != n/5 || note.Empty != n-n/5 {
		t.Errorf("%+v, %+v", id, note)
	}
}

func TestWorkbook(t *testing.T) {
	book := excelize.NewFile()
	defer book.Close()
	set := func(sheet, cell string, v any) {
		if err := book.SetCellValue(sheet, cell, v); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Payments", "Notes", "Secret"} {
		if _, err := book.NewSheet(name); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{"Psp Reference", "Creation Date", "Amount", "Currency"} {
		cell, _ := excelize.CoordinatesToCellName(i+2, 4)
		set("Payments", cell, name)
	}
	set("Payments", "B2", "Settlement")
	for row := 5; row < 9; row++ {
		set("Payments", fmt.Sprintf("B%d", row), int64(4814769000000000+row))
		set("Payments", fmt.Sprintf("C%d", row), 42663.625+float64(row))
		set("Payments", fmt.Sprintf("D%d", row), 10.5*float64(row))
		set("Payments", fmt.Sprintf("E%d", row), "GBP")
	}
	if err := book.DeleteSheet("Sheet1"); err != nil {
		t.Fatal(err)
	}
	if err := book.SetSheetVisible("Secret", false); err != nil {
		t.Fatal(err)
	}
	data, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	f := find(t, "march.csv", data.Bytes())
	if got := short(f); got != "xlsx, header 4, rows 4, decimal ." {
		t.Errorf("found %q; %q", got, f.Notes)
	}
	if got := strings.Join(f.Sheets, ", "); got != "Payments, Notes, Secret (hidden)" {
		t.Errorf("sheets %s", got)
	}
	var types []string
	for _, c := range f.Columns {
		types = append(types, strings.TrimSpace(c.Type+" "+c.Format))
	}
	if got := strings.Join(types, ", "); got != "id, datetime excel, money, currency" {
		t.Errorf("types %s", got)
	}
	if w := f.Columns[0].Warnings; len(w) != 1 || w[0] != "16 digits or more in numeric cells" {
		t.Errorf("warnings %q", w)
	}
	if got := strings.Join(f.Notes, "\n"); !strings.Contains(got, "in spite of its name") {
		t.Errorf("notes %q", got)
	}
}

// TestWrite pins what people see.
func TestWrite(t *testing.T) {
	data := "\ufeffReport,March\n\nPsp Reference,Date,Amount,Currency,Card,Note\n" +
		"8816178914079738,02/03/2026,\"1,653.75\",EUR,4242424242424242,\x1b[31mred\x1b[0m\n" +
		"8.81618E+15,03/04/2026,-7.00,USD,5555 5555 5555 4444,--\n" +
		"8816178914079740,04/05/2026,12.30,USD,,\u202etxt.exe\n" +
		"Total,,1659.05\n"
	f := find(t, "march.csv", []byte(data))
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	j, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"inspect.txt": b.Bytes(), "inspect.json": append(j, '\n')} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs:\n%s", name, got)
		}
	}
	shown := b.String() + string(j)
	for _, secret := range []string{"4242424242424242", "5555 5555 5555 4444", "\x1b", "\u202e"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}
