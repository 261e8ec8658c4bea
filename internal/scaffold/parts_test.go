package scaffold

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"
)

// A quoted text is read back as itself, alone, in a list and as a value in a
// map.
func TestQuote(t *testing.T) {
	check := func(t interface {
		Fatalf(string, ...any)
	}, s string) {
		var got struct{ A []string }
		src := "a: [" + quote(s) + ", " + quote(s) + "]\n"
		if err := yaml.Unmarshal([]byte(src), &got); err != nil || !slices.Equal(got.A, []string{s, s}) {
			t.Fatalf("%q is written %s and read %q: %v", s, quote(s), got.A, err)
		}
	}
	for _, s := range []string{"", " ", "a", "a b", "Gross Credit (GC)", "null", "Yes", "12", "1e3", "- x", "a: b", "a #b", "it's", "#1", "D/C", "a -b", "[x]", "{", "é", "日付", "\n", "\t", "\u2028", "\u0085", "a\x00b", "😀"} {
		check(t, s)
	}
	rapid.Check(t, func(rt *rapid.T) {
		check(rt, rapid.String().Draw(rt, "text"))
	})
}

func TestCommentIsOneLine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		if got := comment(rapid.String().Draw(rt, "text")); strings.ContainsAny(got, "\n\r\u2028\u2029\u0085\x00\x1b") || len([]rune(got)) > 300 {
			rt.Fatalf("%q", got)
		}
	})
}

// What the trial of a preset complains of says where to look.
func TestTrialNamesTheColumn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "payments.csv")
	if err := os.WriteFile(path, []byte("date,amount,currency,reference\n2026-03-01,ten,EUR,A1\n2026-03-01,10,EUR,A2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	matches, err := Identify(path)
	if err != nil || len(matches) == 0 {
		t.Fatalf("%v, %v", matches, err)
	}
	want := `payments.csv:2: column "amount": is not a number`
	if m := matches[0]; m.Rejected != 1 || !strings.HasPrefix(m.Problem, want) {
		t.Errorf("%d rejected: %q, want %q", m.Rejected, m.Problem, want)
	}
}

func TestWords(t *testing.T) {
	for name, want := range map[string]string{
		"TransactionPostedDate": "transaction posted date", "DLOCAL_TRANSACTION_ID": "dlocal transaction id", "Gross Credit (GC)": "gross credit gc",
		"PayPalID": "pay pal id", "payments.id": "payment id", "merchant_reference1": "merchant reference 1", "D/C": "d c", "Trx No": "transaction number",
		"VATAmount": "vat amount", " Währung ": "währung", "商户订单号": "商户订单号", "": "", "status": "status", "Fees": "fee",
	} {
		got := strings.Join(words(name), " ")
		if want == "status" {
			want = singular(want) // aliases are cut the same way
		}
		if got != want {
			t.Errorf("%q is cut to %q, want %q", name, got, want)
		}
	}
}

func TestKinds(t *testing.T) {
	for value, want := range map[string]kind{
		"Settled": paymentKind, "SALE": paymentKind, "charge": paymentKind, "Website Payment": paymentKind, "AUTH_CAPTURE": paymentKind, "支付": paymentKind,
		"Refunded": refundKind, "Payment Refund": refundKind, "RETURN": refundKind, "退款成功": refundKind, "Rückzahlung": refundKind,
		"Chargeback": disputeKind, "Payment Reversal": disputeKind, "Fee": feeKind, "InvoiceDeduction": feeKind, "MerchantPayout": payoutKind, "Transfer": payoutKind,
		"Hold": unknownKind, "Refund of a fee": unknownKind, "Payment transfer": unknownKind, "": unknownKind, "T0006": unknownKind, "Saleem": unknownKind,
	} {
		if got := kindOf(value); got != want {
			t.Errorf("%q is %d, want %d", value, got, want)
		}
	}
	for value, want := range map[string]state{
		"Completed": finalState, "capture_succeeded": finalState, "SUCCESS": finalState, "交易成功": finalState, "authorization_failed": failedState,
		"Denied": failedState, "Pending": openState, "not paid, canceled": failedState, "Frozen": unknownState, "": unknownState,
	} {
		if got := stateOf(value); got != want {
			t.Errorf("%q is %d, want %d", value, got, want)
		}
	}
	for value, want := range map[string]int{"C": 1, "cr": 1, "Credit": 1, "+": 1, "D": -1, "DR": -1, "Soll": -1, "credit card": 0, "": 0, "10": 0} {
		if got := sideOf(value); got != want {
			t.Errorf("%q is %d, want %d", value, got, want)
		}
	}
}

func TestNameScores(t *testing.T) {
	for _, c := range []struct {
		header string
		role   Role
		least  float64
		most   float64
	}{
		{"Psp Reference", Reference, 1, 1},
		{"Transacton ID", Reference, 0.75, 0.95}, // spelled wrong
		{"PayPal Transaction ID", Reference, 0.75, 0.9},
		{"Merchant Account ID", Reference, 0, 0.3},
		{"Id. de transacción", Reference, 1, 1},
		{"Fee Amount", Amount, 0, 0.45},
		{"Betrag", Amount, 1, 1},
		{"Refund Amount", Refunded, 1, 1},
		{"Company Name", Customer, 0, 0},
		{"Colour", Amount, 0, 0},
	} {
		if got := nameScore(c.header, c.role, phrases(c.role)); got < c.least || got > c.most {
			t.Errorf("%q as %s scores %.2f, want %.2f to %.2f", c.header, c.role, got, c.least, c.most)
		}
	}
}

func TestGrouped(t *testing.T) {
	for s, want := range map[string]bool{"1,234.50": true, "1,234,567": true, "-1,533.50": true, "1,234": false, "12,5": false, "1.234,50": false, "": false} {
		if got := grouped(s, ","); got != want {
			t.Errorf("%q: %t, want %t", s, got, want)
		}
	}
	if !grouped("1 234,50", " ") || !grouped("1'234", "'") || grouped("10 EUR", " ") {
		t.Error("blanks and apostrophes between thousands are told wrong")
	}
}

func TestMappingName(t *testing.T) {
	for file, want := range map[string]string{"March 2026.csv": "march-2026", "2026-03.csv": "my-mapping", "日付.csv": "my-mapping", "Übersicht.xlsx": "uebersicht", "STL-20260310.01.009.CSV": "stl-20260310-01-009"} {
		if got := mappingName(file); got != want {
			t.Errorf("%q makes %q, want %q", file, got, want)
		}
	}
}
