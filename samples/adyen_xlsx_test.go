package samples

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// adyenWorkbook is one of the CSV sample's batches as Adyen writes workbooks: a
// title, the table from B4 on, references as text, amounts as numbers, and
// dates as days since 1900.
func adyenWorkbook() ([]byte, error) {
	records, err := csv.NewReader(bytes.NewReader(adyen())).ReadAll()
	if err != nil {
		return nil, err
	}
	header := records[0]
	batch := slices.Index(header, "Batch Number")
	f := excelize.NewFile()
	defer f.Close()
	const sheet = "data"
	fixed := "2026-04-01T00:00:00Z" // the file must not depend on when it is made
	if err := f.SetDocProps(&excelize.DocProperties{Creator: "payrec", Created: fixed, Modified: fixed}); err != nil {
		return nil, err
	}
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		return nil, err
	}
	if err := f.SetCellStr(sheet, "B2", "Settlement detail report (invented)"); err != nil {
		return nil, err
	}
	line := 4
	for i, r := range records {
		if i > 0 && r[batch] != "202" {
			continue
		}
		cells := make([]any, len(r))
		for k, text := range r {
			if cells[k], err = workbookCell(header[k], text, i == 0); err != nil {
				return nil, err
			}
		}
		if err := f.SetSheetRow(sheet, fmt.Sprintf("B%d", line), &cells); err != nil {
			return nil, err
		}
		line++
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// workbookCell is a cell of the CSV as a workbook holds it.
func workbookCell(header, text string, heading bool) (any, error) {
	switch {
	case text == "":
		return nil, nil
	case heading:
	case header == "Creation Date":
		at, err := time.Parse("2006-01-02 15:04:05", text)
		if err != nil {
			return nil, err
		}
		// Days since 1900 as a fraction, which is what a workbook knows of times.
		return at.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours() / 24, nil
	case strings.HasSuffix(header, "C)") || header == "Batch Number" || header == "Exchange Rate":
		return strconv.ParseFloat(text, 64) // a workbook knows no other numbers
	}
	return text, nil
}

// The workbook says what the maker says, cell by cell: its bytes vary with the
// library that writes it.
func TestAdyenWorkbookSample(t *testing.T) {
	path := filepath.Join("adyen-settlement-detail-xlsx", "settlement_detail_report_batch_202.xlsx")
	want, err := adyenWorkbook()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a, b := workbookRows(t, want), workbookRows(t, committed)
	if !slices.EqualFunc(a, b, slices.Equal) {
		t.Errorf("%s is not what the maker makes; run go test ./samples -update", path)
	}
	if len(a) < 10 || len(a[3]) < 5 || a[3][0] != "" || a[3][1] != "Company Account" {
		t.Errorf("the table must begin at B4: %q", a[:min(4, len(a))])
	}
}

func workbookRows(t *testing.T, data []byte) [][]string {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("data", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
