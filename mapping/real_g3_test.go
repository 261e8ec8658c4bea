package mapping

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Samples of formats of which there is no genuine file: what their presets make
// of them. Sums are in minor units.
var g3Samples = []struct {
	preset, file string
	params       map[string]string
	rows         int
	classes      string
	sums         string
	fails        []string // names of checks
}{
	{"checkout-com", "settlement-breakdown_ent_example_20260704_0000000000G3_1.csv", nil, 20,
		"chargeback held: 1, fee: 2, payment: 10, payout: 1, refund: 3, service fee: 2, void: 1",
		"report_payment eur: 87830, report_payment usd: 26317, report_refund eur: 475, report_refund usd: 200", nil},
	{"checkout-com", "settlement-breakdown_ent_example_20260704_0000000000G3_1.csv", map[string]string{"chargebacks": "refund"}, 20,
		"chargeback: 1, fee: 2, payment: 10, payout: 1, refund: 3, service fee: 2, void: 1",
		"report_payment eur: 87830, report_payment usd: 26317, report_refund eur: 17908, report_refund usd: 200", nil},
	{"worldpay", "statement-2026-06.csv", nil, 33,
		"canceled: 1, chargeback held: 1, dispute: 1, failed: 2, payment: 8, refund: 3, refund step: 3, step: 14",
		"report_payment eur: 41310, report_payment gbp: 76686, report_payment_attempt_canceled : 0, report_refund eur: 500, report_refund gbp: 400", nil},
	// Three of the orders are not settled yet: they are none, until a later statement.
	{"worldpay", "statement-2026-06.csv", map[string]string{"paid": "settled"}, 33,
		"canceled: 1, chargeback held: 1, dispute: 1, failed: 2, payment: 5, refund: 3, refund step: 3, step: 17",
		"report_payment eur: 17996, report_payment gbp: 64419, report_payment_attempt_canceled : 0, report_refund eur: 500, report_refund gbp: 400", nil},
	{"authorize-net", "download-standard.txt", nil, 19,
		"authorization: 1, failed: 3, payment: 11, refund not made: 1, refund without payment: 1, review: 1, voided: 1",
		"report_payment usd: 90278, report_payment_attempt_canceled : 0", nil},
	{"authorize-net-expanded", "download-expanded.csv", nil, 20,
		"authorization: 2, failed: 2, payment: 9, pending: 2, refund: 2, returned: 1, review: 1, voided: 1",
		"report_payment usd: 101110, report_payment_attempt_canceled : 0, report_refund usd: 6538", nil},
	{"mollie", "settlement-1000001.2610.01.csv", nil, 16,
		"chargeback held: 1, credit: 1, fee: 2, payment: 10, refund held: 2",
		"report_payment eur: 76768, report_payment usd: 5850", nil},
	{"mollie", "settlement-1000001.2610.01.csv", map[string]string{"key": "description", "chargebacks": "refund"}, 16,
		"chargeback: 1, credit: 1, fee: 2, payment: 10, refund: 2",
		"report_payment eur: 76768, report_payment usd: 5850, report_refund eur: 3050", nil},
	{"gocardless", "payout-PO000G3-transactions.csv", nil, 14,
		"chargeback held: 1, failed late: 1, payment: 10, refund: 2",
		"report_payment gbp: 260899, report_refund gbp: 1750", nil},
	{"klarna", "settlement-KLPAY0001.csv", nil, 23,
		"correction: 1, fee: 9, payment: 9, refund: 2, reserve: 1, reversal: 1",
		"report_payment sek: 1031410, report_refund sek: 13000", nil},
	{"mercado-pago", "release-report-2026-04.csv", nil, 24,
		"balance: 1, balance note: 1, balance total: 1, chargeback held: 1, payment: 8, payout: 1, refund: 3, reserve: 4, tax or fee: 3, yield: 1",
		"report_payment ars: 11796435, report_refund ars: 40000", nil},
	{"mercado-pago-settlement", "settlement-report-2026-04.csv", nil, 16,
		"cashback: 1, chargeback held: 2, payment: 9, payout: 1, refund held: 2, shipping: 1",
		"report_payment brl: 530639", nil},
	{"mercado-pago-settlement", "settlement-report-2026-04.csv", map[string]string{"refunds": "report"}, 16,
		"cashback: 1, chargeback held: 2, payment: 9, payout: 1, refund: 2, shipping: 1",
		"report_payment brl: 530639, report_refund brl: 84085", nil},
	{"razorpay", "settlement-recon-2026-03.csv", nil, 16,
		"adjustment: 1, dispute: 1, payment: 10, refund: 3, transfer: 1",
		"report_payment inr: 3183689, report_refund inr: 22050", nil},
}

func TestG3Samples(t *testing.T) {
	for _, s := range g3Samples {
		t.Run(s.preset+" "+fmt.Sprint(s.params), func(t *testing.T) {
			m := mustLoad(t, s.preset, s.params)
			got := importFile(t, m, g3Sample(s.preset, s.file))
			if got.rows != s.rows || g3Counts(got.classes) != s.classes {
				t.Errorf("%d rows, %s\nwant %d, %s", got.rows, g3Counts(got.classes), s.rows, s.classes)
			}
			if g3Counts(got.sums) != s.sums {
				t.Errorf("sums %s\nwant %s", g3Counts(got.sums), s.sums)
			}
			if len(got.problems) > 0 {
				t.Errorf("problems:\n%s", strings.Join(got.problems, "\n"))
			}
			var fails []string
			for _, c := range got.failed() {
				fails = append(fails, c.Name+": "+c.Msg)
			}
			if !slices.Equal(fails, s.fails) {
				t.Errorf("failing checks %q, want %q", fails, s.fails)
			}
		})
	}
}

func g3Sample(preset, file string) string { return filepath.Join("..", "samples", preset, file) }

// g3Counts is a map in one line, by ascending key.
func g3Counts[V int | int64](m map[string]V) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s: %d", k, m[k]))
	}
	return strings.Join(parts, ", ")
}

// Two refunds of one payment, one amount and one second are two calls, because
// the balance after each stands in the file; without that column they stop.
func TestG3MercadoPagoEqualRefunds(t *testing.T) {
	const file = "release-report-2026-04.csv"
	m := mustLoad(t, "mercado-pago", nil)
	text := g3Text(t, "mercado-pago", file)
	ids := map[string]int{}
	for _, e := range importText(t, m, text).events {
		if e.Call == "report_refund" {
			ids[e.ID]++
		}
	}
	if len(ids) != 3 {
		t.Errorf("refunds %v, want three", ids)
	}
	// The same report in another time zone names the same refunds.
	for _, e := range importText(t, m, strings.ReplaceAll(g3Shift(t, text), "-04:00", "-03:00")).events {
		if e.Call == "report_refund" && ids[e.ID] != 1 {
			t.Errorf("%s is another refund in another zone", e.ID)
		}
	}
	failed := importText(t, m, strings.Replace(text, "BALANCE_AMOUNT", "SOMETHING_ELSE", 1)).failed()
	if len(failed) != 1 || failed[0].Severity != "stop" || !strings.Contains(failed[0].Name, "equal refunds") {
		t.Errorf("failing checks %+v", failed)
	}
}

// The account money report has nothing that tells equal refunds apart.
func TestG3MercadoPagoSettlementEqualRefunds(t *testing.T) {
	const refund = "8003,REFUND,2026-04-05T10:00:00.000-04:00,-2.00,BRL,-2.00,BRL\n"
	text := "SOURCE_ID,TRANSACTION_TYPE,TRANSACTION_DATE,TRANSACTION_AMOUNT,TRANSACTION_CURRENCY,SETTLEMENT_NET_AMOUNT,SETTLEMENT_CURRENCY\n" + refund + refund
	failed := importText(t, mustLoad(t, "mercado-pago-settlement", map[string]string{"refunds": "report"}), text).failed()
	if len(failed) != 1 || failed[0].Severity != "stop" || failed[0].Name != "equal refunds can be told apart" {
		t.Errorf("failing checks %+v", failed)
	}
}

// A report that lost a row does not come to its total.
func TestG3MercadoPagoRowMissing(t *testing.T) {
	lines := strings.SplitAfter(g3Text(t, "mercado-pago", "release-report-2026-04.csv"), "\n")
	text := strings.Join(slices.Delete(lines, 4, 5), "")
	failed := importText(t, mustLoad(t, "mercado-pago", nil), text).failed()
	if len(failed) != 1 || failed[0].Severity != "warn" || failed[0].Name != "the movements come to the total" {
		t.Errorf("failing checks %+v", failed)
	}
}

// Klarna's summary stands above the rows; a report that lost a sale does not
// come to it, and one without a summary has nothing to come to.
func TestG3KlarnaSummary(t *testing.T) {
	lines := strings.SplitAfter(g3Text(t, "klarna", "settlement-KLPAY0001.csv"), "\n")
	m := mustLoad(t, "klarna", nil)
	failed := importText(t, m, strings.Join(slices.Delete(slices.Clone(lines), 3, 4), "")).failed()
	if len(failed) != 1 || failed[0].Severity != "warn" || !strings.HasPrefix(failed[0].Name, "the sales") {
		t.Errorf("failing checks %+v", failed)
	}
	if failed := importText(t, m, strings.Join(lines[2:], "")).failed(); len(failed) > 0 {
		t.Errorf("failing checks without a summary: %+v", failed)
	}
}

// What amounts count is the user's to say: the same file in cents and paise
// makes the same calls.
func TestG3Units(t *testing.T) {
	for preset, text := range map[string][2]string{
		"klarna": {
			"type;order_id;capture_id;merchant_reference1;sale_date;currency_code;amount\nSALE;o;c;R;2026-03-01T10:00:00Z;EUR;25.10\n",
			"type;order_id;capture_id;merchant_reference1;sale_date;currency_code;amount\nSALE;o;c;R;2026-03-01T10:00:00Z;EUR;2510\n"},
		"razorpay": {
			"entity_id,type,debit,credit,amount,currency,created_at,settlement_id\npay_1,payment,0,24.00,25.10,INR,01/03/2026 15:30:00,s\n",
			"entity_id,type,debit,credit,amount,currency,created_at,settlement_id\npay_1,payment,0,2400,2510,INR,1772359200,s\n"},
	} {
		major := importText(t, mustLoad(t, preset, nil), text[0])
		minor := importText(t, mustLoad(t, preset, map[string]string{"unit": "minor"}), text[1])
		if len(major.events) != 1 || len(minor.events) != 1 || major.events[0].Amount.Value != 2510 {
			t.Fatalf("%s: %v, %v; %v %v", preset, major.sums, minor.sums, major.problems, minor.problems)
		}
		if a, b := fmt.Sprint(major.events[0].Params), fmt.Sprint(minor.events[0].Params); a != b {
			t.Errorf("%s: %s\nin minor units: %s", preset, a, b)
		}
	}
}

// Refunds of Worldpay have the sign that the export was told.
func TestG3WorldpayRefundSign(t *testing.T) {
	text := g3Text(t, "worldpay", "statement-2026-06.csv")
	negative := strings.ReplaceAll(text, ",REFUNDED,EUR,", ",REFUNDED,EUR,-")
	negative = strings.ReplaceAll(negative, ",REFUNDED,GBP,", ",REFUNDED,GBP,-")
	right := importText(t, mustLoad(t, "worldpay", map[string]string{"refund_sign": "negative"}), negative)
	if right.sums["report_refund eur"] != 500 || right.sums["report_refund gbp"] != 400 || len(right.problems) > 0 {
		t.Errorf("sums %v, problems %v", right.sums, right.problems)
	}
	wrong := importText(t, mustLoad(t, "worldpay", nil), negative)
	if wrong.calls["report_refund"] != 0 || wrong.by[Rejected] != 3 {
		t.Errorf("calls %v, dispositions %v: a refund of the other sign must be rejected", wrong.calls, wrong.by)
	}
}

// Authorize.Net's hour that an autumn clock shows twice is told apart by its
// label, and cards reach no call.
func TestG3AuthorizeNet(t *testing.T) {
	m := mustLoad(t, "authorize-net", nil)
	head := "Response Code\tTransaction ID\tSubmit Date/Time\tCard Number\tExpiration Date\tAuthorization Code\tInvoice Number\tTotal Amount\tAction Code\n"
	got := importText(t, m, head+
		"1\t1\t01-Nov-2026 01:30:00 AM MDT\tXXXX4242\t1231\tA\t1\t5.00\tAUTH_CAPTURE\n"+
		"1\t2\t01-Nov-2026 01:30:00 AM MST\tXXXX4242\t1231\tA\t2\t5.00\tAUTH_CAPTURE\n")
	if len(got.events) != 2 {
		t.Fatalf("problems %v", got.problems)
	}
	first, _ := got.events[0].Params.Get("initiated_at")
	second, _ := got.events[1].Params.Get("initiated_at")
	if first != "1793518200" || second != "1793521800" {
		t.Errorf("times %s and %s, want an hour between them", first, second)
	}
	for _, e := range got.events {
		if s := fmt.Sprint(e.Params); strings.Contains(s, "4242") || strings.Contains(s, "1231") {
			t.Errorf("a card in %s", s)
		}
	}
	for _, header := range []string{"Card Number", "Expiration Date", "Bank Account Number"} {
		if !slices.Contains(m.Sensitive(), header) {
			t.Errorf("%s is not sensitive", header)
		}
	}
}

func g3Text(t *testing.T, preset, file string) string {
	t.Helper()
	data, err := os.ReadFile(g3Sample(preset, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// g3Shift moves the wall clocks of a report an hour ahead.
func g3Shift(t *testing.T, text string) string {
	t.Helper()
	const layout = "2006-01-02T15:04:05.000"
	return regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000`).ReplaceAllStringFunc(text, func(s string) string {
		at, err := time.Parse(layout, s)
		if err != nil {
			t.Fatal(err)
		}
		return at.Add(time.Hour).Format(layout)
	})
}
