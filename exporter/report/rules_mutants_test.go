package report_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
)

// TestRulesCatch: each rule finds the file that breaks it, and none finds
// fault with a good one. Otherwise the checks of the layouts would prove little.
func TestRulesCatch(t *testing.T) {
	good := map[string]string{
		"xero-bank":       "*Date,*Amount,Payee,Description,Reference,Check Number\n2026-06-01,10.50,Ann,Order,R1,\n2026-06-02,-1,Bob,Refund,R2,\n",
		"quickbooks-bank": "Date,Description,Amount\n06/01/2026,Payment R1,10.50\n06/13/2026,Refund R1,-1\n",
		"quickbooks-journal": "*JournalNo,*JournalDate,*AccountName,*Debits,*Credits,Description,Name,Currency,Location,Class\n" +
			"P1,06/01/2026,Bank:PSP,10.50,,Order,,EUR,,\nP1,06/01/2026,Sales,,10.50,Order,,EUR,,\n",
		"netsuite-journal": "External ID,Date,Currency,Subsidiary,Memo,Account,Debit,Credit,Line Memo\n" +
			"P1,06/01/2026,EUR,,m,1000 Bank,10.50,,l\nP1,06/01/2026,EUR,,m,4000 Sales,,10.50,l\n",
		"stripe-itemized": strings.Join([]string{"balance_transaction_id", "created_utc", "created", "available_on_utc", "available_on", "currency", "gross", "fee", "net",
			"reporting_category", "source_id", "description", "customer_facing_amount", "customer_facing_currency", "customer_email", "customer_name", "payment_method_type"}, ",") +
			"\n,2026-06-01 00:00:00,2026-06-01 02:00:00,,,eur,10.00,1.00,9.00,charge,pr_1,d,10.00,eur,a@b.example,Ann,Adyen\n",
	}
	for name, p := range products {
		if broken := applyRules(commaFile(t, name, []byte(good[name])), p.rules); len(broken) > 0 {
			t.Errorf("the good file of %s breaks %v", name, broken)
		}
	}
	for _, r := range products["netsuite-journal"].rules {
		if found := false; r.id == "N5" {
			r.check(&layoutFile{raw: make([]byte, 50_000_001)}, func(int, string, ...any) { found = true })
			if !found {
				t.Error("N5 does not find a file too large")
			}
		}
	}
	for _, m := range []struct{ product, rule, old, new string }{
		{"xero-bank", "X1", "*Date", "Date"},
		{"xero-bank", "X2", "2026-06-02,-1,Bob,Refund,R2,\n", strings.Repeat("2026-06-02,-1,Bob,Refund,R2,\n", 1000)},
		{"xero-bank", "X3", "2026-06-02", "02/06/2026"},
		{"xero-bank", "X3", "2026-06-02", "2026-06-31"},
		{"xero-bank", "X4", "10.50", "\"1,010.50\""},
		{"xero-bank", "X4", "-1", "€1"},
		{"xero-bank", "X5", "R1,\n2026-06-02,-1,Bob,Refund,R2", ",\n2026-06-02,-1,Bob,Refund,"},
		{"xero-bank", "X6", "2026-06-02,-1,Bob,Refund,R2,", ",,,,,"},
		{"xero-bank", "X7", "*Date", "\ufeff*Date"},
		{"xero-bank", "X7", "Bob", "B\xffb"},
		{"xero-bank", "X8", "Refund", "\"a\nb\""},
		{"xero-bank", "X9", "-1", "0.00"},
		{"xero-bank", "X10", "R2", ""},
		{"xero-bank", "X10", "R2", " \u202e"},
		{"quickbooks-bank", "QB1", "Amount", "Net Amount"},
		{"quickbooks-bank", "QB2", "06/13/2026,Refund R1,-1\n", strings.Repeat("06/13/2026,Refund R1,-1\n", 999)},
		{"quickbooks-bank", "QB3", "Refund", strings.Repeat("Refund", 60000)},
		{"quickbooks-bank", "QB4", "06/01/2026", "30/06/2026"},
		{"quickbooks-bank", "QB4", "06/01/2026", "06/01/2026 MON"},
		{"quickbooks-bank", "QB5", "-1", "(1)"},
		{"quickbooks-bank", "QB6", "-1", "0"},
		{"quickbooks-bank", "QB7", "Payment R1", "12345"},
		{"quickbooks-bank", "QB8", "Payment R1", "Payment = R1"},
		{"quickbooks-journal", "QJ1", "*Debits", "Debits"},
		{"quickbooks-journal", "QJ2", "P1,06/01/2026,Sales,,10.50,Order,,EUR,,\n", strings.Repeat("P1,06/01/2026,Sales,,10.50,Order,,EUR,,\n", 999)},
		{"quickbooks-journal", "QJ3", ",,10.50", ",,10.51"},
		{"quickbooks-journal", "QJ3", ",,10.50", ",0,10.50"},
		{"quickbooks-journal", "QJ3", "P1,06/01/2026,Sales", "P2,06/01/2026,Sales"},
		{"quickbooks-journal", "QJ4", "P1", "P1234567890123456789012"},
		{"quickbooks-journal", "QJ5", "P1,06/01/2026,Sales", "P1,06/02/2026,Sales"},
		{"quickbooks-journal", "QJ6", "Bank:PSP", "Bank : PSP"},
		{"quickbooks-journal", "QJ7", "Order", "\"Or\nder\""},
		{"quickbooks-journal", "QJ8", "Order,,EUR", "Order," + strings.Repeat("n", 101) + ",EUR"},
		{"quickbooks-journal", "QJ9", "10.50", "\"1,010.50\""},
		{"quickbooks-journal", "QJ10", "EUR,,\nP1", "USD,,\nP1"},
		{"netsuite-journal", "N1", "Account", "Konto"},
		{"netsuite-journal", "N2", "Sales,,10.50", "Sales,,10.49"},
		{"netsuite-journal", "N3", "10.50", "10.505"},
		{"netsuite-journal", "N3", "10.50", "12345678901.00"},
		{"netsuite-journal", "N4", "P1,06/01/2026,EUR,,m,4000 Sales,,10.50,l\n", strings.Repeat("P1,06/01/2026,EUR,,m,4000 Sales,,10.50,l\n", 25000)},
		{"netsuite-journal", "N6", "P1,06/01/2026,EUR,,m,4000 Sales,,10.50,l\n", strings.Repeat("P1,06/01/2026,EUR,,m,4000 Sales,,10.50,l\n", 10000)},
		{"netsuite-journal", "N7", "EUR,,m,4000", "USD,,m,4000"},
		{"netsuite-journal", "N8", "1000 Bank", " 1000 Bank"},
		{"netsuite-journal", "N9", "m,1000", strings.Repeat("m", 1000) + ",1000"},
		{"stripe-itemized", "S1", "created_utc", "created_at"},
		{"stripe-itemized", "S2", "2026-06-01 02:00:00", "2026-06-01"},
		{"stripe-itemized", "S3", ",eur,10.00,1.00", ",EUR,10.00,1.00"},
		{"stripe-itemized", "S4", "10.00,1.00", "10.00,1 EUR"},
		{"stripe-itemized", "S5", "charge", "payment"},
		{"stripe-itemized", "S6", "9.00", "9.01"},
		{"stripe-itemized", "S6", ",10.00,1.00,9.00", ",-10.00,1.00,-11.00"},
	} {
		text := strings.Replace(good[m.product], m.old, m.new, 1)
		if text == good[m.product] {
			t.Errorf("%s %s: %q is not in the good file", m.product, m.rule, m.old)
		}
		broken := applyRules(commaFile(t, m.product, []byte(text)), products[m.product].rules)
		if !slices.ContainsFunc(broken, func(s string) bool { return strings.HasPrefix(s, m.rule+":") }) {
			t.Errorf("%s: %.40q for %q is not caught by %s, only %.300q", m.product, m.new, m.old, m.rule, fmt.Sprint(broken))
		}
	}
}

// goodDATEV is a posting batch as the sample file of the format has it.
func goodDATEV() string {
	var headings, posting []string
	for i, c := range datevColumns {
		headings = append(headings, c[0])
		v := map[int]string{0: "10,50", 1: `"S"`, 2: `"EUR"`, 6: "1360", 7: "8400", 9: "0106", 10: `"R-1"`, 13: `"Zahlung ""Müller"""`, 20: `"Referenz"`, 21: `"R 1"`, 113: "0"}[i]
		if v == "" && strings.HasPrefix(c[1], `"`) {
			v = `""`
		}
		posting = append(posting, v)
	}
	return `"EXTF";700;21;"Buchungsstapel";13;20260630235959999;;"PR";"payrec";"";29098;55003;20260101;4;20260601;20260630;"June";"";1;0;0;"EUR";;"";;;"03";;;"";""` + "\r\n" +
		strings.Join(headings, ";") + "\r\n" + strings.Join(posting, ";") + "\r\n"
}

// TestDATEVRulesCatch is TestRulesCatch for the posting batch.
func TestDATEVRulesCatch(t *testing.T) {
	check := func(name, text string) []string {
		t.Helper()
		raw, err := charmap.Windows1252.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return checkDATEV(splitDATEV(t, name, []byte(raw)))
	}
	if broken := check("EXTF_good.csv", goodDATEV()); len(broken) > 0 {
		t.Errorf("the good file breaks %v", broken)
	}
	tooMany := 0
	datevRules["D5"](&datevFile{postings: make([][]string, 100_000)}, func(int, string, ...any) { tooMany++ })
	datevRules["D5"](&datevFile{postings: make([][]string, 99_999)}, func(int, string, ...any) { tooMany++ })
	if tooMany != 1 {
		t.Errorf("D5 found %d of two files too long", tooMany)
	}
	for _, m := range []struct{ rule, old, new string }{
		{"D1", `"EXTF"`, `"DTVF"`}, {"D1", ";13;", ";14;"}, {"D1", "29098", "999"}, {"D1", `"June"`, `"June 2026: all of it, and a lot more"`}, {"D1", `;"03";`, ";03;"},
		{"D2", "Basis-Umsatz", "Basisumsatz"},
		{"D3", "10,50", "10.50"}, {"D3", "10,50", "10,5"}, {"D3", `"S"`, "S"}, {"D3", `"R-1"`, `"R 1"`}, {"D3", `"R-1"`, `"Ü1"`}, {"D3", ";0106;", ";3206;"}, {"D3", ";1360;", ";13A0;"}, {"D3", `"Zahlung`, `"` + strings.Repeat("x", 60)}, {"D3", `"Referenz"`, `"Referenz der Zahlung ganz"`},
		{"D4", "10,50", "0,00"}, {"D4", ";1360;", ";8400;"}, {"D4", ";1360;", ";0000;"},
		{"D6", ";0106;", ";0107;"}, {"D6", "20260101", "20260615"}, {"D6", ";20260630;", ";20270101;"}, {"D6", ";0106;", ";3006;"},
		{"D7", "Zahlung", "Zah\tlung"},
		{"D8", `"R 1"`, `""`},
		{"D9", `"S";"EUR"`, `"S";"USD"`},
		{"D10", ";1360;", ";136000;"},
		{"D11", "", ""},
		{"D12", `;;;"";""` + "\r\n", `;;;"";""` + "\r\n"},
	} {
		text, name := strings.Replace(goodDATEV(), m.old, m.new, 1), "EXTF_june.csv"
		switch {
		case m.rule == "D11":
			name = "june.csv"
		case m.rule == "D12":
			text = strings.Replace(text, `;1;0;0;"EUR"`, `;1;0;1;"EUR"`, 1)
		case m.rule == "D6" && m.new == ";3006;": // within: not to be caught
			if broken := check(name, text); len(broken) > 0 {
				t.Errorf("the last day is caught: %v", broken)
			}
			continue
		case text == goodDATEV():
			t.Errorf("%s: %q is not in the good file", m.rule, m.old)
		}
		broken := check(name, text)
		if !slices.ContainsFunc(broken, func(s string) bool { return strings.HasPrefix(s, m.rule+":") }) {
			t.Errorf("%.40q for %q is not caught by %s, only %.300q", m.new, m.old, m.rule, fmt.Sprint(broken))
		}
	}
}
