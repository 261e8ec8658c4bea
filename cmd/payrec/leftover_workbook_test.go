package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// importJSON runs an import and returns what it says.
func importJSON(t *testing.T, want int, args ...string) (r result) {
	t.Helper()
	out := payrec(t, want, append([]string{"import", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return r
}

// edit changes cells of a workbook and saves it elsewhere, as a person would.
func edit(t *testing.T, from, to, sheet string, cells map[string]any) {
	t.Helper()
	f, err := excelize.OpenFile(from)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for cell, value := range cells {
		if err := f.SetCellValue(sheet, cell, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SaveAs(to); err != nil {
		t.Fatal(err)
	}
}

// Rows of a workbook that were rejected come as a workbook; corrected there,
// they are imported with the same mapping, and are part of the same books.
func TestRejectedWorkbookIsImportedAgain(t *testing.T) {
	for _, tt := range []struct {
		preset, sample, sheet string
		more                  []string
		spoil, mend           map[string]any // in the source; in the rejects file
		rejected              int64
	}{
		{"generic-xlsx", "payments.xlsx", "", nil, map[string]any{"B5": "12,3,4"}, map[string]any{"B4": 161.05}, 1},
		{"generic-xlsx", "payments.xlsx", "", []string{"--param", "sheet=SHEET"}, map[string]any{"B5": "12,3,4"}, map[string]any{"B4": 161.05}, 1},
		{"generic-xlsx", "payments.xlsx", "", []string{"--param", "sheet=1"}, map[string]any{"B5": "12,3,4"}, map[string]any{"B4": 161.05}, 1},
		{"adyen-settlement-detail-xlsx", "settlement_detail_report_batch_202.xlsx", "data", []string{"--param", "payment_method_type=cpmt_1"},
			map[string]any{"G5": "soon"}, map[string]any{"G5": 46086.427407407406}, 1},
	} {
		t.Run(strings.Join(append([]string{tt.preset}, tt.more...), " "), func(t *testing.T) {
			dir := t.TempDir()
			sample := filepath.Join("..", "..", "samples", tt.preset, tt.sample)
			sheet := tt.sheet
			if f, err := excelize.OpenFile(sample); err != nil {
				t.Fatal(err)
			} else if f.Close(); sheet == "" {
				sheet = f.GetSheetName(0)
			}
			for i, p := range tt.more {
				tt.more[i] = strings.Replace(p, "SHEET", sheet, 1)
			}
			common := append([]string{"-m", tt.preset, "--sandbox=" + filepath.Join(dir, "state"), "--out", dir}, tt.more...)

			whole := importJSON(t, 0, append([]string{sample, "--sandbox=" + filepath.Join(dir, "other"), "-m", tt.preset, "--out", dir}, tt.more...)...)
			source := filepath.Join(dir, "source.xlsx")
			edit(t, sample, source, sheet, tt.spoil)
			first := importJSON(t, exitPartial, append([]string{source}, common...)...)
			if first.Rows.Rejected != tt.rejected || filepath.Ext(first.Files.Rejects) != ".xlsx" || first.Files.RejectsWorkbook != "" {
				t.Fatalf("%+v, files %+v", first.Rows, first.Files)
			}
			mended := filepath.Join(dir, "mended.xlsx")
			edit(t, first.Files.Rejects, mended, sheet, tt.mend)
			again := importJSON(t, exitOK, append([]string{mended}, common...)...)
			if got, want := again.Calls.Confirmed+first.Calls.Confirmed, whole.Calls.Confirmed; got != want {
				t.Errorf("%d and then %d calls confirmed, want %d together", first.Calls.Confirmed, again.Calls.Confirmed, want)
			}
			if again := importJSON(t, exitOK, append([]string{mended}, common...)...); again.RequestsSent != 0 {
				t.Errorf("once more: %d requests", again.RequestsSent)
			}
		})
	}
}

// The rejects and held rows of a text file come as text, which is what is
// imported again, and as workbooks.
func TestRejectsOfTextAsWorkbook(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "m.csv")
	text := "date,amount,currency,reference,type,payment_reference\n2026-03-01,1,EUR,A,payment,\n2026-03-01,x,EUR,B,payment,\n2026-03-01,1,EUR,R,refund,Z\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := importJSON(t, exitPartial, file, "-m", "generic-csv", "--sandbox="+filepath.Join(dir, "state"), "--out", dir)
	for kind, paths := range map[string][2]string{"rejects": {r.Files.Rejects, r.Files.RejectsWorkbook}, "held": {r.Files.Held, r.Files.HeldWorkbook}} {
		want := filepath.Join(dir, fmt.Sprintf("%s-%s", r.Run, kind))
		if paths != [2]string{want + ".csv", want + ".xlsx"} {
			t.Errorf("%s: %q", kind, paths)
		}
	}
	f, err := excelize.OpenFile(r.Files.RejectsWorkbook)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows, err := f.GetRows("Rejects"); err != nil || len(rows) != 2 || rows[1][1] != "x" || rows[1][6] != "m.csv:3" {
		t.Errorf("%q, %v", rows, err)
	}
}
