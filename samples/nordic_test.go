package samples

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/payrec/payrec/internal/table"
)

// A sheetMaker fills the first sheet of a workbook, row by row.
type sheetMaker struct {
	*maker
	f    *excelize.File
	next int
	err  error
}

const onlySheet = "Sheet1"

// row writes cells from column A on; nil leaves one out. Without cells it
// leaves a blank row.
func (s *sheetMaker) row(cells ...any) {
	s.next++
	if err := s.f.SetSheetRow(onlySheet, fmt.Sprintf("A%d", s.next), &cells); err != nil && s.err == nil {
		s.err = err
	}
}

// workbook makes a workbook of one sheet that does not depend on the day.
func workbook(seed uint64, fill func(*sheetMaker)) ([]byte, error) {
	f := excelize.NewFile()
	defer f.Close()
	const fixed = "2026-04-01T00:00:00Z"
	if err := f.SetDocProps(&excelize.DocProperties{Creator: "payrec", Created: fixed, Modified: fixed}); err != nil {
		return nil, err
	}
	s := &sheetMaker{maker: newMaker(seed), f: f}
	if fill(s); s.err != nil {
		return nil, s.err
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// kroner is minor units as a workbook has them: a number with float noise.
func kroner(minor int64) float64 { return float64(minor) / 100 }

// vippsXLSX is two settlements of two sales units, each with its payout below,
// under a title and some lines about the period.
func vippsXLSX() ([]byte, error) {
	return workbook(20261201, func(s *sheetMaker) {
		s.row("Oppgjørsrapport")
		s.row("Bedriften", nil, "Eksempel AS")
		s.row("Organisasjonsnummer", nil, "999999999")
		s.row("Fra dato", nil, "01.12.2026")
		s.row("Til dato", nil, "31.12.2026")
		s.row()
		s.row()
		s.row("Salgsdato", "Salgssted", "Vippsnummer", "Produkt", "Transaksjons-ID", "Ordre-ID", "Brutto", "Gebyr", "Netto", "Transaksjonstype",
			"Oppgjørs-ID", "Oppgjørsdato", "Oppgjørssum", "Oppgjørskonto", "Fornavn", "Etternavn", "Melding")
		txn := int64(5_690_000_000)
		settle := func(unit, product, settlement string, day time.Time, sales int, orders bool) {
			var payout int64
			for i := range sales {
				txn += int64(1000 + s.IntN(90_000))
				gross := int64(20+s.IntN(900)) * 100
				fee, order := gross*15/1000, ""
				if orders {
					order = fmt.Sprintf("9%d-%06d", s.IntN(9000), 141+i)
				}
				payout += gross - fee
				s.row(day.AddDate(0, 0, i/3-6).Format("02.01.2006"), "Eksempelbutikken", unit, product, fmt.Sprint(txn), order, kroner(gross), kroner(-fee), kroner(gross-fee), "Salg",
					settlement, day.Format("02.01.2006"), nil, nil, "Kari", "Eksempel", "Vipps")
			}
			s.row("Til utbetaling netto", "Eksempelbutikken", unit, nil, nil, nil, nil, nil, nil, nil, settlement, day.Format("02.01.2006"), kroner(payout), int64(99_999_999_999))
			s.row()
		}
		settle("2142", "Vipps Bedrift", "2000461", time.Date(2026, 12, 6, 0, 0, 0, 0, time.UTC), 9, false)
		settle("575598", "Vipps Netthandel", "2000010", time.Date(2026, 12, 6, 0, 0, 0, 0, time.UTC), 7, true)
		settle("2142", "Vipps Bedrift", "2000462", time.Date(2026, 12, 13, 0, 0, 0, 0, time.UTC), 5, false)
	})
}

// swedbank is a transaction list: the report, sums by service, the
// transactions, one of them a refund of a payment above it.
func swedbank() ([]byte, error) {
	type service struct {
		kind, name, provider  string
		debit, credit, amount int64
	}
	services := []*service{{kind: "Creditcard", name: "Consumer Credit Card EU", provider: "Swedbank Pay"},
		{kind: "Direct debit", name: "Swish", provider: "Swish"}, {kind: "Factoring", name: "Faktura SE", provider: "PayEx"}}
	return workbook(20261202, func(s *sheetMaker) {
		var rows [][]any
		at := time.Date(2026, 11, 24, 14, 18, 45, 0, time.UTC)
		add := func(v *service, no, of, amount int64) {
			at = at.Add(time.Duration(10+s.IntN(400)) * time.Minute)
			v.amount += amount
			if amount > 0 {
				v.debit++
			} else {
				v.credit++
			}
			var ref any
			if of > 0 {
				ref = of
			}
			rows = append(rows, []any{int64(12345), nil, s.reference(16), kroner(amount), "SEK", kroner(amount / 5), nil, at.Format(time.DateTime), at.Add(9 * time.Hour).Format(time.DateTime),
				v.name, v.provider, no, int64(738_482), nil, nil, ref, s.reference(12), nil, "EXAMPLE", "EXAMPLE", "Transaction via Web"})
		}
		no := int64(10_728_000_000)
		for i := range 14 {
			no += int64(3 + s.IntN(900))
			v := services[s.IntN(len(services))]
			var of int64
			if v.kind == "Creditcard" {
				of = no - 1_000_000 // its authorisation
			}
			add(v, no, of, int64(100+s.IntN(1500))*100+int64(s.IntN(2)*60))
			if i == 9 {
				no++
				add(v, no, no-1, -8950)
			}
		}
		s.row("ContractingParty", "AccountingNo", "TotalNoOfTransactions", "AccountingDate", "ExternalMerchantId", "Version")
		s.row("Example AB", "R9999-0001", int64(len(rows)), "2026-12-02", nil, "2.0")
		s.row()
		s.row("Subsite", "SubsiteDescription", "Currency", "ServiceType", "ServiceName", "NoOfDebit", "NoOfCredit", "Amount", "FromDate", "ToDate")
		for _, v := range services {
			s.row(nil, nil, "SEK", v.kind, v.name, v.debit, v.credit, kroner(v.amount), "2026-11-24", "2026-11-30")
		}
		s.row()
		s.row()
		s.row("PayExAccountNo", "OrderIdentity", "TransactionIdentity", "Amount", "Currency", "VATAmount", "VatPercentage", "DateCreated", "DateModified", "ServiceName", "Provider",
			"PayexTransactionNo", "PayexBatchNo", "Subsite", "SubsiteDescription", "ReferencedTransaction", "ExternalTransactionReference", "CreditCardBatchNo", "Description",
			"ProductCategory", "SalesChannel", "Brand", "PointOfSale")
		for _, r := range rows {
			s.row(r...)
		}
	})
}

// The workbooks are what their makers make, cell by cell: their bytes vary
// with the writer.
func TestNordicWorkbooks(t *testing.T) {
	for path, build := range map[string]func() ([]byte, error){
		"vipps-xlsx/settlement-report.xlsx": vippsXLSX,
		"swedbank-pay/R9999-0001.xlsx":      swedbank,
	} {
		want, err := build()
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
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(sheetCells(t, want), sheetCells(t, got), slices.Equal) {
			t.Errorf("%s is not what the maker makes; run go test ./samples -run TestNordicWorkbooks -update", path)
		}
	}
}

// sheetCells are the cells of a workbook's first sheet.
func sheetCells(t *testing.T, workbook []byte) [][]string {
	r, err := table.NewReader("test.xlsx", bytes.NewReader(workbook), table.Dialect{Format: table.XLSX, Header: table.Header{None: true}})
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
