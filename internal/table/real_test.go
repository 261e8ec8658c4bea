package table_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/payrec/payrec/internal/table"
)

// real opens a genuine settlement file, or skips the test where they are not at hand.
func real(t *testing.T, name string, d Dialect) *Reader {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "real", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the genuine files are not beside the repository: %v", err)
	}
	r, err := Open(path, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// kept is a row that outlives the next.
type kept struct {
	Row
	number []bool
}

// all reads to the end and checks what holds for every file: places grow, and
// in text every line belongs to one row.
func all(t *testing.T, r *Reader) []kept {
	t.Helper()
	rows, err := collect(r)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func collect(r *Reader) ([]kept, error) {
	var rows []kept
	next := 1
	for {
		row, err := r.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		if r.Sheet() == "" && row.Pos.Line != next || row.Pos.Line < next {
			return rows, fmt.Errorf("row at line %d, want line %d", row.Pos.Line, next)
		}
		next = row.Pos.Line + row.Lines
		k := kept{Row: *row}
		k.Cells = append([]string(nil), row.Cells...)
		for i := range k.Cells {
			k.number = append(k.number, row.IsNumber(i))
		}
		rows = append(rows, k)
	}
}

// roles sums a file up: "header 1, body 228", in the order of the roles.
func roles(rows []kept) string {
	var parts []string
	for role := Preamble; role <= Blank; role++ {
		n, bad := 0, 0
		for _, r := range rows {
			if r.Role == role {
				n++
				if r.Err != nil {
					bad++
				}
			}
		}
		if n > 0 {
			s := fmt.Sprintf("%s %d", role, n)
			if bad > 0 {
				s += fmt.Sprintf(" (%d wrong)", bad)
			}
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

func TestReal(t *testing.T) {
	stl := &Records{Header: "CH", Body: []string{"SB"}, Totals: []string{"SF", "RF"}, Context: []string{"SH"}}
	trr := &Records{Header: "CH", Body: []string{"SB"}, Totals: []string{"SF", "RF", "SC", "RC"}, Context: []string{"RH", "FH", "SH"}, Ignore: []string{"FF"}}
	vipps := &Records{Body: []string{"TransactionInfo"}, Totals: []string{"SettlementInfo"}, Context: []string{"FeeInfo"}, Ignore: []string{"*"}}
	for _, tt := range []struct {
		file string
		d    Dialect
		want string
	}{
		{"adyen/oca_settlement_detail_report_batch_380.csv", Dialect{}, "header 1, body 228"},
		{"adyen/oca_settlement_detail_report_batch_380.csv", Dialect{Header: Header{Find: []string{"psp reference", "TYPE"}}}, "header 1, body 228"},
		{"adyen/smashpig_payments_accounting_report_nyce.csv", Dialect{}, "header 1, body 4"},
		{"adyen/smashpig_settlement_detail_report_emptynetcredit.csv", Dialect{}, "header 1, body 1"},
		{"adyen/smashpig_settlement_detail_report_refund.csv", Dialect{}, "header 1, body 3"},
		{"adyen/oca_adyen_test.xlsx", Dialect{Format: XLSX, Header: Header{Find: []string{"Psp Reference", "Type"}}}, "header 1, body 21, blank 1"},
		{"adyen/oca_adyen_test.xlsx", Dialect{Format: XLSX, Header: Header{Row: 4}}, "header 1, body 21, blank 1"},
		{"adyen/oca_adyen_test_invalid.xls", Dialect{Format: XLSX, Header: Header{Row: 4}}, "header 1, body 21, blank 1"},
		{"alipay/deg_alipay_personal_gbk.csv", Dialect{Encoding: "gbk", Header: Header{Find: []string{"交易时间", "金额"}}}, "preamble 22, header 1, body 10, blank 2"},
		{"amazon_marketplace/xieyi_settlement_v2_synthetic.txt", Dialect{Delimiter: '\t'}, "header 1, body 24"},
		{"amazon_pay/smashpig_2015-10-01-SETTLEMENT_DATA_371273040777777.csv", Dialect{Header: Header{Find: []string{"TransactionType", "AmazonTransactionId"}}}, "preamble 5, header 1, body 2"},
		{"amazon_pay/smashpig_2015-10-06-REFUND_DATA_414749300022222.csv", Dialect{}, "header 1, body 2"},
		{"braintree/oca_pull_report.csv", Dialect{}, "header 1, body 2"},
		{"dlocal/smashpig_Wikimedia_Settlement_Reports_20260110.csv", Dialect{Records: &Records{Header: "ROW_TYPE", Body: []string{"PAYMENT", "CAPTURE", "ADJUSTMENT", "SETTLEMENT_FEE"}, Context: []string{"HEADER"}}}, "header 2, body 6, context 1"},
		{"dlocal/smashpig_donation.csv", Dialect{Delimiter: ';'}, "header 1, body 1"},
		{"ebay/embedded_transaction_report_synthetic_rows_real_schema.csv", Dialect{Header: Header{Find: []string{"Type", "Order number"}}}, "preamble 10, header 1, body 5"},
		{"generic_bank/oca_debit_credit.csv", Dialect{}, "header 1, body 2"},
		{"generic_bank/oca_original_currency_no_header.csv", Dialect{Header: Header{None: true}}, "body 1"},
		{"generic_bank/reckon_bom_utf8_file.csv", Dialect{}, "header 1"},
		{"generic_bank/reckon_multi-line-field.csv", Dialect{Header: Header{None: true}}, "body 2"},
		{"generic_bank/oca_meta_data_separated_credit_debit.xlsx", Dialect{Format: XLSX, Header: Header{Find: []string{"Debit", "Credit"}}}, "preamble 3, header 1, body 5"},
		{"gravy/smashpig_all_transactions_report.csv", Dialect{}, "header 1, body 4"},
		{"paypal/ledger-autosync_paypal.csv", Dialect{}, "header 1, body 2"},
		{"paypal/oca_activity_en.csv", Dialect{}, "header 1, body 76"},
		{"paypal/oca_statement_es.csv", Dialect{}, "header 1, body 4"},
		{"paypal/smashpig_stl.csv", Dialect{Records: stl}, "header 1, body 5, total 4, context 1"},
		{"paypal/smashpig_stl_currency_convert.csv", Dialect{Records: stl}, "header 1, body 3, context 1"},
		{"paypal/smashpig_trr_express_checkout_donation.csv", Dialect{Records: trr}, "header 1, body 1"},
		{"paypal/smashpig_trr_express_checkout_donation_denied.csv", Dialect{Records: trr}, "header 1, body 1"},
		{"stripe/hledger_stripe.csv", Dialect{}, "header 1, body 2"},
		{"stripe/smashpig_settlement_report.csv", Dialect{}, "header 1, body 7"},
		{"swedbankpay/R1234-0001-Redovisningsservice.xlsx", Dialect{Format: XLSX, Header: Header{Find: []string{"PayexTransactionNo", "OrderIdentity"}}}, "preamble 7, header 1, body 134"},
		{"trustly/smashpig_P11KREC-3618-20260201120000-20260202120000-0001of0001.csv", Dialect{Records: &Records{Body: []string{"I", "T"}, Totals: []string{"F", "L"}, Context: []string{"H"}}}, "body 2, total 1, context 1"},
		{"vipps/settlement_settlement-report.csv", Dialect{Records: vipps, Header: Header{Find: []string{"SalesDate", "TransactionId"}}}, "header 2, body 4, total 6, context 2, ignored 4"},
		{"vipps/downloads_settlements_xlsx_vipps-settlement-example.xlsx", Dialect{Format: XLSX, Header: Header{Row: 8}}, "preamble 5, header 1, body 74, blank 1"},
		{"wechatpay/embedded_wechat_merchant_tradebill.csv", Dialect{Footer: Footer{From: "总交易单数"}}, "header 1, body 3, footer 2"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			rows := all(t, real(t, tt.file, tt.d))
			if got := roles(rows); got != tt.want {
				t.Errorf("rows are %q, want %q", got, tt.want)
			}
			for _, r := range rows {
				if r.Err != nil {
					t.Log(r.Err)
				}
			}
		})
	}
}

// What the genuine files hold where the traps are.
func TestRealCells(t *testing.T) {
	cell := func(r kept, name string) string {
		i := r.Header.Index(name, 1)
		if i < 0 || i >= len(r.Cells) {
			t.Fatalf("%v: no column %q", r.Pos, name)
		}
		return r.Cells[i]
	}
	body := func(rows []kept) []kept {
		var b []kept
		for _, r := range rows {
			if r.Role == Body {
				b = append(b, r)
			}
		}
		return b
	}
	t.Run("ids spoiled by numeric cells", func(t *testing.T) {
		rows := body(all(t, real(t, "adyen/oca_adyen_test.xlsx", Dialect{Format: XLSX, Header: Header{Row: 4}})))
		ids := map[string]int{}
		for _, r := range rows {
			if cell(r, "Type") == "Settled" {
				i := r.Header.Index("psp reference", 1)
				if !r.number[i] {
					t.Errorf("%v: the id is no number", r.Pos)
				}
				ids[r.Cells[i]]++
			}
		}
		if len(ids) != 3 || ids["4814769000000000"]+ids["4814769000000010"]+ids["4814769000000020"] != 19 {
			t.Errorf("ids are %v", ids)
		}
		if got := rows[0].Pos.String(); got != "oca_adyen_test.xlsx:Sheet1:5" {
			t.Errorf("first place is %s", got)
		}
	})
	t.Run("float noise", func(t *testing.T) {
		for _, r := range body(all(t, real(t, "swedbankpay/R1234-0001-Redovisningsservice.xlsx", Dialect{Format: XLSX, Header: Header{Find: []string{"PayexTransactionNo", "OrderIdentity"}}}))) {
			for i, c := range r.Cells {
				if r.number[i] && strings.Contains(c, ".") && len(c) > 17 {
					t.Errorf("%v: cell %d is %s", r.Pos, i, c)
				}
			}
		}
	})
	t.Run("ids followed by TAB", func(t *testing.T) {
		rows := body(all(t, real(t, "alipay/deg_alipay_personal_gbk.csv", Dialect{Encoding: "gbk", Header: Header{Find: []string{"交易时间", "金额"}}})))
		last := rows[len(rows)-1]
		if got := last.Pos.String(); got != "deg_alipay_personal_gbk.csv:35" {
			t.Errorf("last place is %s", got)
		}
		if got := cell(last, "交易订单号"); got != "xxxx\t" {
			t.Errorf("the id is %q", got)
		}
	})
	t.Run("a cell of several lines", func(t *testing.T) {
		rows := all(t, real(t, "generic_bank/reckon_multi-line-field.csv", Dialect{Header: Header{None: true}}))
		if rows[1].Pos.Line != 2 || rows[1].Lines != 4 {
			t.Errorf("row at %v spans %d lines", rows[1].Pos, rows[1].Lines)
		}
	})
	t.Run("places to the last line", func(t *testing.T) {
		rows := body(all(t, real(t, "adyen/oca_settlement_detail_report_batch_380.csv", Dialect{})))
		if got := rows[227].Pos.String(); got != "oca_settlement_detail_report_batch_380.csv:229" {
			t.Errorf("last place is %s", got)
		}
	})
	t.Run("a duplicate name", func(t *testing.T) {
		rows := all(t, real(t, "adyen/smashpig_payments_accounting_report_nyce.csv", Dialect{}))
		if len(rows[0].Header.Names()) != len(rows[1].Cells) {
			t.Errorf("%d names, %d cells", len(rows[0].Header.Names()), len(rows[1].Cells))
		}
	})
}
