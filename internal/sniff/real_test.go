package sniff_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/sniff"
	"github.com/payrec/payrec/internal/table"
)

// genuine gives the folder of genuine settlement files, or skips.
func genuine(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "real")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the genuine files are not beside the repository: %v", err)
	}
	return dir
}

func column(t *testing.T, f *sniff.Finding, name string) sniff.Column {
	t.Helper()
	for _, c := range f.Columns {
		if strings.TrimSpace(c.Name) == name {
			return c
		}
	}
	t.Fatalf("%s: no column %q", f.File, name)
	return sniff.Column{}
}

// short is a finding in one line: format, encoding, cut, header, rows.
func short(f *sniff.Finding) string {
	s := string(f.Format)
	if f.Format == table.CSV {
		s = fmt.Sprintf("%s %s %s", f.Encoding, map[string]string{",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}[f.Delimiter], f.LineEnd)
	}
	s += fmt.Sprintf(", header %d, rows %d", f.Header.Line, f.Rows)
	if f.Decimal != "" {
		s += ", decimal " + f.Decimal
	}
	if f.Container != "" {
		s += ", in " + f.Container
	}
	if f.Kinds != nil {
		s += ", framed"
	}
	return s
}

// TestGenuineFiles asserts what is known of each file about its form, its
// header, and the number of its rows.
func TestGenuineFiles(t *testing.T) {
	dir := genuine(t)
	want := map[string]string{
		"adyen/oca_adyen_test.xlsx":                                                  "xlsx, header 4, rows 21, decimal .",
		"adyen/oca_adyen_test_invalid.xls":                                           "xlsx, header 4, rows 21, decimal .",
		"adyen/oca_settlement_detail_report_batch_380.csv":                           "utf-8 comma LF, header 1, rows 228, decimal .",
		"adyen/smashpig_payments_accounting_report_nyce.csv":                         "utf-8 comma LF, header 1, rows 4, decimal .",
		"adyen/smashpig_settlement_detail_report_emptynetcredit.csv":                 "utf-8 comma LF, header 1, rows 1, decimal .",
		"adyen/smashpig_settlement_detail_report_refund.csv":                         "utf-8 comma LF, header 1, rows 3, decimal .",
		"alipay/deg_alipay_personal_gbk.csv":                                         "gbk comma LF, header 25, rows 10, decimal .",
		"amazon_marketplace/xieyi_settlement_v2_synthetic.txt":                       "utf-8 tab LF, header 1, rows 24, decimal .",
		"amazon_pay/smashpig_2015-10-01-SETTLEMENT_DATA_371273040777777.csv":         "utf-8 comma LF, header 6, rows 2, decimal .",
		"amazon_pay/smashpig_2015-10-06-REFUND_DATA_414749300022222.csv":             "utf-8 comma LF, header 1, rows 2, decimal .",
		"braintree/oca_pull_report.csv":                                              "utf-8 comma LF, header 1, rows 2, decimal .",
		"dlocal/smashpig_Wikimedia_Settlement_Reports_20260110.csv":                  "utf-8 comma LF, header 3, rows 6, decimal ., framed",
		"dlocal/smashpig_donation.csv":                                               "utf-8 semicolon LF, header 1, rows 1, decimal .",
		"ebay/embedded_transaction_report_synthetic_rows_real_schema.csv":            "utf-8 comma LF, header 11, rows 5, decimal .",
		"generic_bank/oca_debit_credit.csv":                                          "utf-8 comma LF, header 1, rows 2, decimal .",
		"generic_bank/oca_meta_data_separated_credit_debit.xlsx":                     "xlsx, header 5, rows 5, decimal ,",
		"generic_bank/oca_original_currency_no_header.csv":                           "utf-8 comma LF, header 0, rows 1, decimal .",
		"generic_bank/reckon_bom_utf8_file.csv":                                      "utf-8 comma LF, header 1, rows 0",
		"generic_bank/reckon_multi-line-field.csv":                                   "utf-8 comma CRLF, header 0, rows 2, decimal .",
		"gravy/smashpig_all_transactions_report.csv":                                 "utf-8 comma CRLF, header 1, rows 4",
		"paypal/ledger-autosync_paypal.csv":                                          "utf-8 comma LF, header 1, rows 2, decimal .",
		"paypal/oca_activity_en.csv":                                                 "utf-8 comma LF, header 1, rows 76, decimal .",
		"paypal/oca_statement_es.csv":                                                "utf-8 comma LF, header 1, rows 4, decimal ,",
		"paypal/smashpig_stl.csv":                                                    "utf-8 comma LF, header 2, rows 5, framed",
		"paypal/smashpig_stl_currency_convert.csv":                                   "utf-8 comma LF, header 2, rows 3, framed",
		"paypal/smashpig_trr_express_checkout_donation.csv":                          "utf-8 comma LF, header 1, rows 1",
		"paypal/smashpig_trr_express_checkout_donation_denied.csv":                   "utf-8 comma LF, header 1, rows 1",
		"stripe/hledger_stripe.csv":                                                  "utf-8 comma LF, header 1, rows 2, decimal .",
		"stripe/smashpig_settlement_report.csv":                                      "utf-8 comma LF, header 1, rows 7, decimal .",
		"swedbankpay/R1234-0001-Redovisningsservice.xlsx":                            "xlsx, header 11, rows 134, decimal .",
		"trustly/smashpig_P11KREC-3618-20260201120000-20260202120000-0001of0001.csv": "utf-8 comma LF, header 0, rows 2, decimal ., framed",
		"vipps/downloads_settlements_xlsx_vipps-settlement-example.xlsx":             "xlsx, header 8, rows 74, decimal .",
		"vipps/settlement_settlement-report.csv":                                     "utf-8 comma LF, header 9, rows 4, decimal ., framed",
		"wechatpay/embedded_wechat_merchant_tradebill.csv":                           "utf-8 comma LF, header 1, rows 3, decimal .",
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		name, _ := filepath.Rel(dir, path)
		t.Run(name, func(t *testing.T) {
			f, err := sniff.File(path)
			if err != nil {
				t.Fatal(err)
			}
			if !f.Complete {
				t.Errorf("not read to its end: %q", f.Notes)
			}
			if got := short(f); got != want[filepath.ToSlash(name)] {
				t.Errorf("found %q, want %q", got, want[filepath.ToSlash(name)])
			}
			readsBack(t, path, f)
		})
	}
}

// readsBack reads the file with the dialect that was found: as many rows of
// the body, all of them without an error.
func readsBack(t *testing.T, path string, f *sniff.Finding) {
	t.Helper()
	r, err := table.Open(path, f.Dialect())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows := int64(0)
	for {
		row, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the dialect that was found does not read the file: %v", err)
		}
		if row.Role == table.Body && row.Err == nil {
			rows++
		}
		if f.Header.Line > 0 && row.Pos.Line == f.Header.Line && row.Role != table.HeaderRow {
			t.Errorf("line %d is %s, not the header", row.Pos.Line, row.Role)
		}
	}
	if rows != f.Rows {
		t.Errorf("%d rows with the dialect that was found, %d were counted", rows, f.Rows)
	}
}

// TestGenuineColumns asserts the traps that the files are known for.
func TestGenuineColumns(t *testing.T) {
	dir := genuine(t)
	for _, tt := range []struct {
		file, column, kind, format string
		warning                    string // "" for none at all
		filled, distinct           int64
	}{
		{"adyen/oca_adyen_test.xlsx", "Psp Reference", "id", "", "16 digits or more in numeric cells", 19, 3},
		{"adyen/oca_adyen_test.xlsx", "Creation Date", "datetime", "excel", "", 21, 20},
		{"adyen/smashpig_settlement_detail_report_emptynetcredit.csv", "ARN", "id", "", "spoiled by a spreadsheet: 1.2302025304E+022", 1, 1},
		{"adyen/oca_settlement_detail_report_batch_380.csv", "Psp Reference", "id", "", "", 226, 226},
		{"adyen/oca_settlement_detail_report_batch_380.csv", "Gross Credit (GC)", "money", "", "", 220, 128},
		{"adyen/oca_settlement_detail_report_batch_380.csv", "Exchange Rate", "number", "", "", 226, 1},
		{"adyen/oca_settlement_detail_report_batch_380.csv", "Creation Date", "datetime", "%Y-%m-%d %H:%M:%S", "", 228, 219},
		{"paypal/oca_activity_en.csv", "Date", "date", "%d/%m/%Y", "", 76, 33},
		{"paypal/oca_activity_en.csv", "Gross", "money", "", "", 76, 75},
		{"paypal/oca_statement_es.csv", "Fecha", "date", "%d/%m/%Y", "ambiguous dates: %d/%m/%Y or %m/%d/%Y", 4, 2},
		{"paypal/oca_statement_es.csv", "Saldo", "money", "", "", 4, 4},
		{"paypal/smashpig_stl.csv", "Transaction Initiation Date", "datetime", "%Y/%m/%d %H:%M:%S %z", "", 5, 3},
		{"paypal/smashpig_stl.csv", "Gross Transaction Amount", "money", "", "whole numbers only: perhaps minor units, such as cents", 5, 5},
		{"paypal/smashpig_stl.csv", "Gross Transaction Currency", "currency", "", "", 5, 2},
		{"gravy/smashpig_all_transactions_report.csv", "created_at", "datetime", "iso8601", "", 4, 4},
		{"wechatpay/embedded_wechat_merchant_tradebill.csv", "交易时间", "datetime", "%Y-%m-%d %H:%M:%S", "", 3, 3},
		{"wechatpay/embedded_wechat_merchant_tradebill.csv", "费率", "number", "", "", 3, 1},
		{"wechatpay/embedded_wechat_merchant_tradebill.csv", "退款类型", "empty", "", "", 3, 1},
		{"ebay/embedded_transaction_report_synthetic_rows_real_schema.csv", "Transaction creation date", "date", "%b %d, %Y", "", 5, 4},
		{"ebay/embedded_transaction_report_synthetic_rows_real_schema.csv", "Net amount", "money", "", "", 5, 5},
		{"vipps/downloads_settlements_xlsx_vipps-settlement-example.xlsx", "Salgsdato", "date", "%d.%m.%Y", "", 74, 15},
		{"swedbankpay/R1234-0001-Redovisningsservice.xlsx", "PayexTransactionNo", "id", "", "", 134, 134},
		{"alipay/deg_alipay_personal_gbk.csv", "金额", "money", "", "", 10, 8},
		{"amazon_pay/smashpig_2015-10-01-SETTLEMENT_DATA_371273040777777.csv", "TransactionPostedDate", "datetime", "%Y-%m-%dT%H:%M:%S %z", "", 2, 2},
	} {
		f, err := sniff.File(filepath.Join(dir, filepath.FromSlash(tt.file)))
		if err != nil {
			t.Error(err)
			continue
		}
		c := column(t, f, tt.column)
		if c.Type != tt.kind || c.Format != tt.format || c.Filled != tt.filled || c.Distinct != tt.distinct {
			t.Errorf("%s %s: %+v", tt.file, tt.column, c)
		}
		if got := strings.Join(c.Warnings, "; "); got != tt.warning {
			t.Errorf("%s %s: warnings %q, want %q", tt.file, tt.column, got, tt.warning)
		}
	}
}

// TestGenuineFrames asserts how the kinds of framed files are laid out.
func TestGenuineFrames(t *testing.T) {
	dir := genuine(t)
	for _, tt := range []struct{ file, kinds, header, body, totals, context, find string }{
		{"paypal/smashpig_stl.csv", "CH:1 RF:2 SB:5 SF:2 SH:1", "CH", "SB", "RF SF", "SH", ""},
		{"trustly/smashpig_P11KREC-3618-20260201120000-20260202120000-0001of0001.csv", "H:1 L:1 T:2", "", "T", "L", "H", ""},
		{"dlocal/smashpig_Wikimedia_Settlement_Reports_20260110.csv", "ADJUSTMENT:1 CAPTURE:1 HEADER:1 PAYMENT:3 ROW_TYPE:2 SETTLEMENT_FEE:1",
			"ROW_TYPE", "ADJUSTMENT CAPTURE PAYMENT SETTLEMENT_FEE", "", "HEADER", ""},
		{"vipps/settlement_settlement-report.csv", "918713867:1 FeeInfo:2 Name:1 OrganizationNumber:1 SettlementInfo:6 TransactionInfo:6 Vipps AS:1",
			"", "TransactionInfo", "FeeInfo SettlementInfo", "Name OrganizationNumber", "TransactionInfo SalesDate SaleUnitName SaleUnitNumber"},
	} {
		f, err := sniff.File(filepath.Join(dir, filepath.FromSlash(tt.file)))
		if err != nil {
			t.Error(err)
			continue
		}
		var kinds []string
		for kind, n := range f.Kinds {
			kinds = append(kinds, fmt.Sprintf("%s:%d", kind, n))
		}
		slices.Sort(kinds)
		if got := strings.Join(kinds, " "); got != tt.kinds {
			t.Errorf("%s: kinds %q", tt.file, got)
		}
		d := f.Dialect()
		got := []string{d.Records.Header, strings.Join(d.Records.Body, " "), strings.Join(d.Records.Totals, " "),
			strings.Join(d.Records.Context, " "), strings.Join(d.Header.Find, " ")}
		if want := []string{tt.header, tt.body, tt.totals, tt.context, tt.find}; !slices.Equal(got, want) {
			t.Errorf("%s: records %q, want %q", tt.file, got, want)
		}
	}
}
