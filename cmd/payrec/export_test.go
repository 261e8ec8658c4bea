package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"
	"github.com/xuri/excelize/v2"

	"github.com/payrec/payrec/record"
	"github.com/payrec/payrec/sandbox"
)

// payrec runs a command line in this process, in the folder.
func payrec(t *testing.T, want int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), env{args, strings.NewReader(""), &stdout, &stderr, func(string) string { return "" }, time.Now})
	if status != want {
		t.Fatalf("payrec %s: exit status %d, want %d\n%s%s", strings.Join(args, " "), status, want, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// history writes a file of n payments in four currencies, every seventh of them
// refunded in part and every tenth in full.
func history(t *testing.T, path string, n int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("date,amount,currency,reference,type,payment_reference,fee\n")
	for i := range n {
		currency := []string{"EUR", "USD", "JPY", "KWD"}[i%4]
		amount := fmt.Sprintf("%d.%02d", i%977+1, i%100)
		switch currency {
		case "JPY":
			amount = fmt.Sprint(i%97_700 + 1)
		case "KWD":
			amount = fmt.Sprintf("%d.%02d0", i%977+1, i%100)
		}
		fmt.Fprintf(&b, "2026-%02d-%02d,%s,%s,P-%05d,payment,,0\n", i%12+1, i%28+1, amount, currency, i)
		switch {
		case i%10 == 0:
			fmt.Fprintf(&b, "2026-12-29,%s,%s,R-%05d,refund,P-%05d,0\n", amount, currency, i, i)
		case i%7 == 0:
			fmt.Fprintf(&b, "2026-12-29,1,%s,R-%05d,refund,P-%05d,0\n", currency, i, i)
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// minor turns a major-unit text of a currency into minor units.
func minor(t *testing.T, text, currency string) int64 {
	t.Helper()
	d, err := decimal.Parse(text)
	if err != nil {
		t.Fatalf("amount %q: %v", text, err)
	}
	c, err := record.ParseCurrency(currency)
	if err != nil {
		t.Fatal(err)
	}
	a, err := record.Money{Amount: d, Currency: c}.Minor()
	if err != nil {
		t.Fatal(err)
	}
	return a.Value
}

// sums adds up a table's columns by currency, as an accountant would.
func sums(t *testing.T, rows [][]string) map[record.Currency]sandbox.Sums {
	t.Helper()
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	total := map[record.Currency]sandbox.Sums{}
	for _, row := range rows[1:] {
		currency := record.Currency(strings.ToLower(row[at["currency"]]))
		s := total[currency]
		s.Count++
		s.Requested += minor(t, row[at["amount"]], string(currency))
		s.Guaranteed += minor(t, row[at["guaranteed"]], string(currency))
		s.Failed += minor(t, row[at["failed"]], string(currency))
		s.Canceled += minor(t, row[at["canceled"]], string(currency))
		s.Refunded += minor(t, row[at["refunded"]], string(currency))
		total[currency] = s
	}
	return total
}

// TestExportAgrees: 5,000 payments and their attempts, written as CSV and as a
// workbook and read back, come to the account's own totals to the last minor unit.
func TestExportAgrees(t *testing.T) {
	n := 5000
	if testing.Short() {
		n = 700
	}
	t.Chdir(t.TempDir())
	history(t, "history.csv", n)
	payrec(t, exitOK, "import", "history.csv", "-m", "generic-csv", "--sandbox")
	payrec(t, exitOK, "export", "-o", "all.csv", "--attempts", "all", "--sandbox")
	payrec(t, exitOK, "export", "-o", "all.xlsx", "--attempts", "all", "--sandbox")

	server, err := sandbox.New(sandbox.Options{State: defaultSandbox})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	want := server.Totals()
	if want.Records != n || want.Attempts != n || want.Refunds < n/7 {
		t.Fatalf("the sandbox holds %d records, %d attempts and %d refunds", want.Records, want.Attempts, want.Refunds)
	}
	for _, tt := range []struct {
		name string
		rows [][]string
		want map[record.Currency]sandbox.Sums
	}{
		{"payments as CSV", readCSV(t, "all.csv"), want.RecordSums},
		{"attempts as CSV", readCSV(t, "all-attempts.csv"), want.AttemptSums},
		{"payments in the workbook", readSheet(t, "all.xlsx", "Payments"), want.RecordSums},
		{"attempts in the workbook", readSheet(t, "all.xlsx", "Attempts"), want.AttemptSums},
	} {
		if diff := cmp.Diff(tt.want, sums(t, tt.rows)); diff != "" {
			t.Errorf("%s (-account +file):\n%s", tt.name, diff)
		}
	}
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// readSheet reads a sheet's table: the rows from the header, which has a cell
// "currency", to the last with a currency in it. Titles and totals are left out.
func readSheet(t *testing.T, path, sheet string) [][]string {
	t.Helper()
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	var table [][]string
	column := -1
	for _, row := range rows {
		for i, cell := range row {
			if column < 0 && strings.EqualFold(cell, "currency") {
				column = i
				for j := range row {
					row[j] = strings.ToLower(row[j])
				}
			}
		}
		if column >= 0 && len(row) > column && len(row[0]) > 0 && (len(table) == 0 || strings.Contains(row[0], "r_")) {
			table = append(table, row)
		}
	}
	if len(table) == 0 {
		t.Fatalf("sheet %s has no column Currency", sheet)
	}
	return table
}
