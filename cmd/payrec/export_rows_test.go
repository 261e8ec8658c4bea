package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// holding is a mapping that holds disputes and ignores fees.
const holding = `payrec: mapping/v1
extends: preset:generic-csv
rows:
  - {is: fee, match: {type: fee}, ignore: a fee of the account}
  - {is: dispute, match: {type: dispute}, hold: a person must decide}
  - {is: payment, match: {type: [payment, '']}}
  - {is: refund, match: {type: refund}}
`

const rowsHead = "date,amount,currency,reference,type,payment_reference\n"

// sheetLines are the cells of a sheet's rows, joined; titles picks columns.
func sheetLines(t *testing.T, sheet string, columns ...int) (lines []string) {
	t.Helper()
	payrec(t, exitOK, "export", "-o", "out.xlsx", "--sandbox", "--force", "--no-log")
	f, err := excelize.OpenFile("out.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		var cells []string
		for _, c := range columns {
			if c < len(row) {
				cells = append(cells, row[c])
			}
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return lines
}

// written is when a file was.
func written(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// TestExportTellsOfRows: a row that was held or rejected before it became a call
// stands on the Exceptions sheet until a later import has the last word on it.
func TestExportTellsOfRows(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, rows string) {
		if err := os.WriteFile(name, []byte(rowsHead+rows), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("shop.yaml", []byte(holding), 0o600); err != nil {
		t.Fatal(err)
	}
	write("december.csv", "2025-12-01,30.00,EUR,P-0,payment,\n")
	write("january.csv", "2026-01-01,10.00,EUR,J-1,payment,\n2026-01-02,\"1,2,3\",EUR,J-2,payment,\n2026-01-03,4.00,EUR,D-1,dispute,\n2026-01-04,x,EUR,R-1,refund,P-0\n")
	write("february.csv", "2026-02-01,7.00,EUR,F-1,payment,\n2026-02-02,1.00,EUR,R-2,refund,P-0\n")
	write("fixed.csv", "2026-01-02,20.00,EUR,J-2,payment,\n")
	write("edited.csv", "2026-01-04,y,EUR,R-1,refund,P-0\n")
	j2, d1, r1 := "rejected|J-2|january.csv|3", "held|D-1|january.csv|4", "rejected|P-0|january.csv|5"
	for i, step := range []struct {
		file   string
		status int
		want   []string
	}{
		{"december.csv", exitOK, nil},
		{"january.csv", exitPartial, []string{j2, d1, r1}},
		{"january.csv", exitPartial, []string{j2, d1, r1}},                           // once, as the last run has it
		{"february.csv", exitOK, []string{j2, d1, r1}},                               // another refund of the payment
		{"fixed.csv", exitOK, []string{d1, r1}},                                      // the call of the row
		{"edited.csv", exitPartial, []string{d1, "rejected|P-0|edited.csv|2"}},       // noted anew
		{"rejects", exitPartial, []string{d1, "rejected|P-0|rejects|2"}},             // of the run before
		{"held", exitPartial, []string{"rejected|P-0|rejects|2", "held|D-1|held|2"}}, // held again
	} {
		file := step.file
		if file == "rejects" || file == "held" {
			found, err := filepath.Glob("payrec-out/*-" + file + ".csv")
			if err != nil || len(found) == 0 {
				t.Fatalf("no %s file: %v", file, err)
			}
			// By time: the names of runs within one second are in no order.
			file = slices.MaxFunc(found, func(a, b string) int { return written(t, a).Compare(written(t, b)) })
		}
		payrec(t, step.status, "import", file, "-m", "shop.yaml", "--sandbox")
		var got []string
		for _, line := range sheetLines(t, "Exceptions", 0, 3, 9, 10) {
			if parts := strings.Split(line, "|"); len(parts) == 4 {
				if strings.HasPrefix(parts[2], "run_") { // run_20261122-044310-fyru-held.csv
					parts[2] = strings.TrimSuffix(parts[2][strings.LastIndex(parts[2], "-")+1:], ".csv")
				}
				got = append(got, strings.Join(parts, "|"))
			}
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("import %d: %s", i+1, diff)
		}
	}
}
