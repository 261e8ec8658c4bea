package mapping

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// A realFact is what must come out of a genuine file. Everything that is not
// said must be empty: no problems, no failing checks.
type realFact struct {
	file    string
	mapping string // preset, or a file in testdata/real
	params  map[string]string
	classes map[string]int
	sums    string
	warns   []string // checks that fail and only warn, ascending
}

// The sums and counts were worked out from the files by hand.
var g4Facts = []realFact{
	{file: "vipps/settlement_settlement-report.csv", mapping: "vipps", // the whole block stands there twice
		classes: map[string]int{"": 4, "settlement": 2, "payment": 2}, sums: "map[report_payment nok:200]"},
	{file: "vipps/downloads_settlements_xlsx_vipps-settlement-example.xlsx", mapping: "vipps-xlsx",
		classes: map[string]int{"settlement": 4, "payment": 70}, sums: "map[report_payment nok:2987800]"},
	{file: "swedbankpay/R1234-0001-Redovisningsservice.xlsx", mapping: "swedbank-pay", // 125,840 - 890 = 124,950
		classes: map[string]int{"payment": 133, "refund": 1}, sums: "map[report_payment sek:12584000 report_refund sek:89000]"},
	{file: "trustly/smashpig_P11KREC-3618-20260201120000-20260202120000-0001of0001.csv", mapping: "trustly",
		classes: map[string]int{"payment": 2}, sums: "map[report_payment usd:775]",
		warns: []string{"the number of transactions agrees with the last line", "the sum of transactions agrees with the last line"}},
	{file: "dlocal/smashpig_Wikimedia_Settlement_Reports_20260110.csv", mapping: "dlocal",
		classes: map[string]int{"adjustment": 1, "payment": 4, "settlement fee": 1}, sums: "map[report_payment brl:19875 report_payment mxn:7000]",
		warns: []string{"net amounts agree with the settlement's total", "the number of rows agrees with the settlement's"}},
	{file: "dlocal/smashpig_donation.csv", mapping: "dlocal-transactions",
		classes: map[string]int{"payment": 1}, sums: "map[report_payment brl:500]"},
	{file: "gravy/smashpig_all_transactions_report.csv", mapping: "gr4vy", // 1000 and 5000 minor units: 10.00 dollars, 5000 yen
		classes: map[string]int{"payment": 2, "failed": 2}, sums: "map[report_payment jpy:5000 report_payment usd:3000]"},
	{file: "wechatpay/embedded_wechat_merchant_tradebill.csv", mapping: "wechat-merchant-bill",
		classes: map[string]int{"payment": 3}, sums: "map[report_payment cny:3]"},
	{file: "ebay/embedded_transaction_report_synthetic_rows_real_schema.csv", mapping: "ebay",
		classes: map[string]int{"payment": 1, "item": 1, "payout": 1, "hold": 1, "refund": 1}, sums: "map[report_payment usd:2326 report_refund usd:10200]"},
	{file: "alipay/deg_alipay_personal_gbk.csv", mapping: "alipay-personal.yaml",
		classes: map[string]int{"payment": 1, "money out": 5, "money back": 2, "not counted": 2}, sums: "map[report_payment cny:22222850]"},
	{file: "generic_bank/oca_debit_credit.csv", mapping: "bank-statement", // D/C overrules the sign: 10 - 33.50 + 1,533.50 = 1,510
		params:  map[string]string{"date_format": "%m/%d/%Y", "thousands": ",", "currency": "USD"},
		classes: map[string]int{"money out": 1, "payment": 1}, sums: "map[report_payment usd:153350]"},
	{file: "generic_bank/oca_meta_data_separated_credit_debit.xlsx", mapping: "bank-meta.yaml",
		classes: map[string]int{"money out": 3, "payment": 1}, sums: "map[report_payment eur:130000]"},
	{file: "generic_bank/oca_original_currency_no_header.csv", mapping: "bank-no-header.yaml",
		classes: map[string]int{"payment": 1}, sums: "map[report_payment usd:152500]"},
	{file: "generic_bank/reckon_bom_utf8_file.csv", mapping: "bank-statement", // a mark, a header, no rows
		classes: map[string]int{}, sums: "map[]"},
	{file: "generic_bank/reckon_multi-line-field.csv", mapping: "venmo.yaml",
		classes: map[string]int{"money out": 1, "totals": 1}, sums: "map[]"},
}

// g4Mapping loads a preset, or a mapping of testdata/real.
func g4Mapping(t *testing.T, ref string, params map[string]string) *Mapping {
	if strings.HasSuffix(ref, ".yaml") {
		ref = filepath.Join("testdata", "real", ref)
	}
	return mustLoad(t, ref, params)
}

func TestRealG4(t *testing.T) {
	for _, f := range g4Facts {
		t.Run(f.file, func(t *testing.T) {
			got := importFile(t, g4Mapping(t, f.mapping, f.params), realFile(t, f.file))
			if fmt.Sprint(got.classes) != fmt.Sprint(f.classes) {
				t.Errorf("classes %v, want %v", got.classes, f.classes)
			}
			if fmt.Sprint(got.sums) != f.sums {
				t.Errorf("sums %v, want %s", got.sums, f.sums)
			}
			if len(got.problems) > 0 {
				t.Errorf("problems %v", got.problems)
			}
			var warns []string
			for _, c := range got.failed() {
				if c.Severity == "stop" {
					t.Errorf("check %q stops: %s", c.Name, c.Msg)
				}
				warns = append(warns, c.Name)
			}
			if fmt.Sprint(warns) != fmt.Sprint(f.warns) {
				t.Errorf("warnings %q, want %q", warns, f.warns)
			}
		})
	}
}

// The mappings of testdata/real lint without a word and pass their own tests.
func TestRealMappingsG4(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "real", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no mappings: %v", err)
	}
	for _, path := range paths {
		problems, err := Lint(path, Options{})
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v\n%v", path, err, problems)
			continue
		}
		for _, r := range mustLoad(t, path, nil).Test() {
			for _, f := range r.Failures {
				t.Errorf("%s:%d: %s: %s", path, r.Line, r.Name, f)
			}
		}
	}
}

// Each pair is a figure of a genuine file and what a hand slipped on it; the
// import must stop at the check that is named.
func TestRealG4Tampered(t *testing.T) {
	for _, x := range []struct{ file, preset, old, new, check string }{
		{"vipps/settlement_settlement-report.csv", "vipps", "13.04.2018,1.00,NOK,-0.02,0.00,0.98", "13.04.2018,1.00,NOK,-0.02,0.00,0.99", "net amounts of each settlement agree with its payout"},
		{"vipps/settlement_settlement-report.csv", "vipps", "12.04.2018,1.00,NOK,-0.02,0.00,0.98\n", "12.04.2018,2.00,NOK,-0.02,0.00,0.98\n", "sales of each settlement agree with its sum"},
		{"dlocal/smashpig_Wikimedia_Settlement_Reports_20260110.csv", "dlocal", ",3.772121,", ",3.752121,", "gross amounts agree with the settlement's total"},
		{"dlocal/smashpig_Wikimedia_Settlement_Reports_20260110.csv", "dlocal", ",-0.075442,", ",-0.175442,", "fees agree with the settlement's total"},
		{"wechatpay/embedded_wechat_merchant_tradebill.csv", "wechat-merchant-bill", "`CNY,`0.01,", "`CNY,`0.02,", "payments agree with the bill's total"},
		{"gravy/smashpig_all_transactions_report.csv", "gr4vy", ",USD,1000,0,card,", ",USD,1000,1001,card,", "no more is refunded than was captured"},
	} {
		data, err := os.ReadFile(realFile(t, x.file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(data, []byte(x.old)) {
			t.Fatalf("%q is not in %s", x.old, x.file)
		}
		stopped := false
		for _, c := range importText(t, mustLoad(t, x.preset, nil), strings.Replace(string(data), x.old, x.new, 1)).failed() {
			stopped = stopped || c.Severity == "stop" && c.Name == x.check
		}
		if !stopped {
			t.Errorf("%s with %q: the check %q does not stop it", x.file, x.new, x.check)
		}
	}
}

func TestVippsWorkbookSettlements(t *testing.T) {
	got := importFile(t, mustLoad(t, "vipps-xlsx", nil), realFile(t, "vipps/downloads_settlements_xlsx_vipps-settlement-example.xlsx"))
	net := map[string]record.Money{}
	for _, e := range got.events {
		settlement, _ := e.Params.Get("metadata.vipps_settlement")
		sum, err := net[settlement].Add(*e.Net)
		if err != nil {
			t.Fatal(err)
		}
		net[settlement] = sum
	}
	want := "map[2000010:9712.10 NOK 2000011:8569.50 NOK 2000461:5486.45 NOK 2000462:5661.77 NOK]"
	if fmt.Sprint(net) != want {
		t.Errorf("settlements %v, want %s", net, want)
	}
}

// A row that spans four lines is one row, and the mark before the header is no
// part of its first name.
func TestRealG4Lines(t *testing.T) {
	r, err := table.Open(realFile(t, "generic_bank/reckon_multi-line-field.csv"), g4Mapping(t, "venmo.yaml", nil).Dialect())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var spans []int
	for {
		row, err := r.Next()
		if err != nil {
			break
		}
		spans = append(spans, row.Lines)
	}
	if fmt.Sprint(spans) != "[1 4]" {
		t.Errorf("rows of %v lines, want [1 4]", spans)
	}
}

// Presets recognise the genuine files that they are for.
func TestRealG4Identified(t *testing.T) {
	for _, f := range g4Facts {
		if strings.HasSuffix(f.mapping, ".yaml") || f.mapping == "bank-statement" {
			continue
		}
		m, path := mustLoad(t, f.mapping, nil), realFile(t, f.file)
		r, err := table.Open(path, m.Dialect())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var header []string
		for header == nil {
			row, err := r.Next()
			if err != nil {
				break
			}
			if row.Role == table.HeaderRow {
				header = row.Header.Names()
			}
		}
		name := strings.TrimPrefix(filepath.Base(path), "smashpig_")
		if !m.Identify(name, header) {
			t.Errorf("%s does not recognise %s by %q", f.mapping, f.file, header)
		}
	}
}

// A sample that lost one transaction does not pass: each of the formats with
// totals notices.
func TestSamplesCutShortG4(t *testing.T) {
	for _, x := range []struct{ preset, file, lines string }{
		{"vipps", "settlement-report.csv", ",2000903,"}, // the others stand there twice
		{"dlocal", "Example_Settlement_Reports_20260510.csv", "PAYMENT,"},
		{"wechat-merchant-bill", "tradebill_20260314.csv", "`2026"},
		{"trustly", "P11KREC-1000-20260203120000-20260204120000-0001of0001.csv", "Capture,"},
		{"bank-statement", "statement_2026-03.csv", "2026-03-13"}, // nothing is noticed of the last line
	} {
		data, err := os.ReadFile(filepath.Join("..", "samples", x.preset, x.file))
		if err != nil {
			t.Fatal(err)
		}
		m := mustLoad(t, x.preset, nil)
		lines := strings.SplitAfter(string(data), "\n")
		whole := importText(t, m, string(data))
		if f := whole.failed(); len(f) > 0 {
			t.Fatalf("%s: the whole file fails %v", x.preset, f)
		}
		for i, line := range lines {
			if !strings.Contains(line, x.lines) {
				continue
			}
			cut := strings.Join(append(append([]string{}, lines[:i]...), lines[i+1:]...), "")
			if len(importText(t, m, cut).failed()) == 0 {
				t.Errorf("%s: without line %d nothing is noticed: %s", x.preset, i+1, line)
			}
		}
	}
}

// What the workbooks hold, as text, so that a figure can be changed.
const (
	swedbankTables = `ContractingParty,AccountingNo,TotalNoOfTransactions,AccountingDate
Example AB,R9999-0001,2,2026-12-02

Subsite,SubsiteDescription,Currency,ServiceType,ServiceName,NoOfDebit,NoOfCredit,Amount,FromDate,ToDate
,,SEK,Direct debit,Swish,1,1,604.5,2026-11-24,2026-11-30


PayExAccountNo,OrderIdentity,TransactionIdentity,Amount,Currency,DateCreated,DateModified,ServiceName,PayexTransactionNo,ReferencedTransaction
12345,,x1,1495,SEK,2026-11-24 14:18:45,2026-11-24 23:59:59,Swish,14220000001,
12345,,x2,-890.5,SEK,2026-11-25 11:24:17,2026-11-25 11:24:18,Swish,14220000002,14220000001
`
	vippsTable = `Oppgjørsrapport
Bedriften,,Eksempel AS

Salgsdato,Salgssted,Vippsnummer,Transaksjons-ID,Ordre-ID,Brutto,Gebyr,Netto,Transaksjonstype,Oppgjørs-ID,Oppgjørssum
25.11.2026,Butikk,2142,5690000001,,500,-7.5,492.5,Salg,2000461,
26.11.2026,Butikk,2142,5690000002,B-7,100,-1.5,98.5,Salg,2000461,
Til utbetaling netto,Butikk,2142,,,,,,,2000461,591

27.11.2026,Butikk,2142,5690000003,,200,-3,197,Salg,2000462,
Til utbetaling netto,Butikk,2142,,,,,,,2000462,197
`
)

func TestWorkbookTotalsG4(t *testing.T) {
	for _, x := range []struct{ preset, text, old, new, fails string }{
		{"swedbank-pay", swedbankTables, "", "", "[]"},
		{"swedbank-pay", swedbankTables, "-890.5", "890.5", "[the amounts come to the sums by service the numbers of payments and refunds are those by service]"},
		{"swedbank-pay", swedbankTables, "1,1,604.5", "1,1,604.4", "[the amounts come to the sums by service]"},
		{"swedbank-pay", swedbankTables, "R9999-0001,2", "R9999-0001,3", "[the number of transactions is the stated one]"},
		{"swedbank-pay", swedbankTables, "1,1,604.5", "2,0,604.5", "[the numbers of payments and refunds are those by service]"},
		// Some reports begin with the number alone; there is then nothing to hold the count against.
		{"swedbank-pay", swedbankTables, "ContractingParty,AccountingNo,TotalNoOfTransactions,AccountingDate\nExample AB,R9999-0001,2,2026-12-02\n", "Example AB,R9999-0001,2\n", "[]"},
		{"vipps-xlsx", vippsTable, "", "", "[]"},
		{"vipps-xlsx", vippsTable, "98.5", "98.4", "[net amounts of each settlement agree with its payout each sale is its net amount and its fee]"},
		{"vipps-xlsx", vippsTable, "2000462,197", "2000461,197", "[net amounts of each settlement agree with its payout]"},
	} {
		if !strings.Contains(x.text, x.old) {
			t.Fatalf("%q is not in the text of %s", x.old, x.preset)
		}
		m := mustParse(t, "extends: preset:"+x.preset+"\nname: as-text\ninput: {format: csv}\n", Options{})
		got := importText(t, m, strings.Replace(x.text, x.old, x.new, 1))
		names := []string{}
		for _, c := range got.failed() {
			if len(names) == 0 || names[len(names)-1] != c.Name {
				names = append(names, c.Name)
			}
		}
		if fmt.Sprint(names) != x.fails {
			t.Errorf("%s with %q: failing checks %v, want %s; problems %v", x.preset, x.new, names, x.fails, got.problems)
		}
	}
}

// What a param changes: which class takes the rows, and what is reported.
func TestParamsG4(t *testing.T) {
	for _, x := range []struct {
		preset, file string
		params       map[string]string
		class        string
		rows         int
		refunds      int // calls of report_refund in the whole file
	}{
		{"dlocal", "Example_Settlement_Reports_20260510.csv", nil, "chargeback held", 1, 2},
		{"dlocal", "Example_Settlement_Reports_20260510.csv", map[string]string{"chargebacks": "refund"}, "chargeback", 1, 3},
		{"dlocal-transactions", "transactions_20260601.csv", nil, "chargeback held", 1, 2},
		{"dlocal-transactions", "transactions_20260601.csv", map[string]string{"chargebacks": "refund"}, "chargeback", 1, 3},
		{"ebay", "Transaction_report_2026-08.csv", map[string]string{"chargebacks": "refund"}, "chargeback", 1, 3},
		{"trustly", "P11KFUN-1000-20260201120000-20260202120000-0001of0001.csv", nil, "returned half", 2, 2},
		{"trustly", "P11KFUN-1000-20260201120000-20260202120000-0001of0001.csv", map[string]string{"returns": "hold"}, "return held", 2, 2},
		{"trustly", "P11KFUN-1000-20260201120000-20260202120000-0001of0001.csv", map[string]string{"returns": "refund", "chargebacks": "refund"}, "return", 2, 5},
		{"bank-statement", "statement_2026-03.csv", map[string]string{"only": "nvoice 2026"}, "other money in", 1, 0},
	} {
		got := importFile(t, mustLoad(t, x.preset, x.params), filepath.Join("..", "samples", x.preset, x.file))
		if got.classes[x.class] != x.rows || got.calls[record.ReportRefund] != x.refunds || len(got.problems) > 0 {
			t.Errorf("%s %v: classes %v, calls %v, problems %v; want %d of %q and %d refunds", x.preset, x.params, got.classes, got.calls, got.problems, x.rows, x.class, x.refunds)
		}
	}
}
