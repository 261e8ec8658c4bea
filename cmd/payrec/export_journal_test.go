package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// TestExportTellsOfExceptions: what did not reach the account, or not as the
// file has it now, stands on the Exceptions sheet until a later import settles it.
func TestExportTellsOfExceptions(t *testing.T) {
	t.Chdir(t.TempDir())
	const head = "date,amount,currency,reference,type,payment_reference,fee\n"
	const payment, refund = "2026-06-01,10.00,EUR,P-1,payment,,0\n", "2026-06-03,5.00,EUR,R-9,refund,P-9,0\n"
	for i, step := range []struct {
		file   string
		status int
		want   []string
	}{
		{payment + refund, exitPartial, []string{"held R-9"}},
		{"2026-06-01,11.00,EUR,P-1,payment,,0\n" + refund, exitPartial, []string{"changed P-1", "held R-9"}},
		{payment + refund, exitPartial, []string{"held R-9"}},
		{payment + "2026-06-02,9.00,EUR,P-9,payment,,0\n" + refund, exitOK, nil},
	} {
		if err := os.WriteFile("june.csv", []byte(head+step.file), 0o600); err != nil {
			t.Fatal(err)
		}
		payrec(t, step.status, "import", "june.csv", "-m", "generic-csv", "--sandbox")
		payrec(t, exitOK, "export", "-o", "june.xlsx", "--month", "2026-06", "--sandbox", "--force")
		f, err := excelize.OpenFile("june.xlsx")
		if err != nil {
			t.Fatal(err)
		}
		rows, err := f.GetRows("Exceptions")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range rows[1:] {
			if len(row) > 3 {
				got = append(got, row[0]+" "+row[3])
			}
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("import %d: %s", i+1, diff)
		}
		f.Close()
	}
}
