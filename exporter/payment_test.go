package exporter

import (
	"strings"
	"testing"
	"time"

	"github.com/payrec/payrec/record"
)

func TestPaidDate(t *testing.T) {
	for _, tt := range []struct {
		stamps       []string
		want, from   string
		wantsDamaged string
	}{
		{nil, "2026-07-03T00:00:00Z", "created", ""},
		{[]string{record.StampInitiatedAt, "2026-06-01T02:00:00+02:00"}, "2026-06-01T00:00:00Z", "initiated_at", ""},
		{[]string{record.StampInitiatedAt, "2026-06-01T00:00:00Z", record.StampGuaranteedAt, "2026-06-02T00:00:00Z"}, "2026-06-02T00:00:00Z", "guaranteed_at", ""},
		{[]string{record.StampInitiatedAt, "2026-06-01T00:00:00Z", record.StampGuaranteedAt, "soon"}, "2026-06-01T00:00:00Z", "initiated_at", record.StampGuaranteedAt},
		{[]string{record.StampGuaranteedAt, ""}, "2026-07-03T00:00:00Z", "created", ""},
		{[]string{record.StampFailedAt, "2026-06-01T00:00:00Z"}, "2026-07-03T00:00:00Z", "created", ""},
	} {
		p := newPayment(simple("pr_1", time.Date(2026, 7, 3, 0, 0, 0, 0, time.UTC).Unix(), tt.stamps...))
		if got := p.at.Format(time.RFC3339); got != tt.want || p.from != tt.from || strings.Join(p.damaged, " ") != tt.wantsDamaged {
			t.Errorf("%v: %s from %s, damaged %v", tt.stamps, got, p.from, p.damaged)
		}
	}
}

func TestSettlement(t *testing.T) {
	for _, tt := range []struct{ fee, net, currency, want, damaged string }{
		{"0.35", "9.65", "eur", "0.35 EUR/9.65 EUR", ""},
		{"0.4", "10.60", "usd", "0.40 USD/10.60 USD", ""},
		{"0.035", "", "eur", "0.035 EUR/", ""}, // finer than a cent, kept
		{"-0.20", "10.20", "", "-0.20 EUR/10.20 EUR", ""},
		{"50", "1500", "jpy", "50 JPY/1500 JPY", ""},
		{"", "", "eur", "", ""},
		{"0,35", "9.65", "eur", "/9.65 EUR", record.StampFee},
		{"0.35", "9.65", "EUR", "", record.StampNetCurrency},
		{"1e999999999", "NaN", "eur", "", record.StampFee + " " + record.StampNet},
	} {
		p := newPayment(simple("pr_1", 1, record.StampFee, tt.fee, record.StampNet, tt.net, record.StampNetCurrency, tt.currency))
		got := ""
		if s := p.settled; s != nil {
			fee, net := "", ""
			if s.has.fee {
				fee = s.fee.String()
			}
			if s.has.net {
				net = s.net.String()
			}
			got = fee + "/" + net
		}
		if got != tt.want || strings.Join(p.damaged, " ") != tt.damaged {
			t.Errorf("%+v: got %s, damaged %v", tt, got, p.damaged)
		}
	}
}

func TestRefundStamps(t *testing.T) {
	r := simple("pr_1", 1, record.StampFee, "0.10", record.StampNet, "9.00", record.StampNetCurrency, "usd")
	for _, s := range []record.RefundStamp{
		{Op: "b", Value: 200, Currency: "eur", At: "2026-06-03T00:00:00Z", Reference: "R2"},
		{Op: "a", Value: 100, Currency: "eur", At: "2026-06-02T00:00:00+02:00", Reference: "R1", Fee: "0.05", Row: "june.csv:7"},
		{Op: "c", Value: 100, Currency: "usd", Reference: "R3"},            // not the payment's currency
		{Op: "d", Value: 50, Currency: "eur", At: "June", Reference: "R4"}, // counted, undated
	} {
		k, v := s.Pair()
		r.Metadata[k] = v
	}
	r.Metadata[record.StampRefundPrefix+"x"] = "{"
	p := newPayment(r)
	if len(p.refunds) != 3 || p.refunds[1].Reference != "R1" || p.refunds[1].at.Format(time.RFC3339) != "2026-06-01T22:00:00Z" || p.refunds[1].fee.String() != "0.05 USD" {
		t.Errorf("refunds %+v", p.refunds)
	}
	if sum, err := p.refundLines(); sum != 350 || err != nil {
		t.Errorf("sum %d, %v", sum, err)
	}
	if got := strings.Join(p.damaged, " "); got != "payrec_refund_c payrec_refund_d payrec_refund_x" {
		t.Errorf("damaged %s", got)
	}
}

func TestProcessorNames(t *testing.T) {
	custom := func(name string) *record.MethodDetails {
		return &record.MethodDetails{Type: "custom", Custom: &record.CustomMethod{DisplayName: name}}
	}
	for _, tt := range []struct {
		by, source string
		method     *record.MethodDetails
		want       string
	}{
		{"stripe", "", &record.MethodDetails{Type: "card"}, "Stripe"},
		{"stripe", "", nil, "Stripe"},
		{"self", "adyen", custom("Adyen iDEAL"), "Adyen iDEAL"},
		{"self", "adyen", custom(""), "adyen"},
		{"self", "", &record.MethodDetails{Type: "paypal"}, "paypal"},
		{"self", "", &record.MethodDetails{Type: "custom"}, "(not named)"},
		{"self", "", nil, "(not named)"},
	} {
		r := simple("pr_1", 1, record.StampSource, tt.source)
		r.ReportedBy, r.PaymentMethodDetails = tt.by, tt.method
		if got := processor(r); got != tt.want {
			t.Errorf("%+v: got %s", tt, got)
		}
	}
}

// An amount in a currency of its own is shown, named, and in no sum.
func TestForeignAmount(t *testing.T) {
	r := simple("pr_1", 1)
	r.AmountRefunded = record.Amount{Currency: "usd", Value: 300}
	d := collectAll(t, &fake{records: []*record.PaymentRecord{r}}, Options{})
	s := d.Summary()
	if s.Damaged != 1 || s.Lines[0].Refunded != 0 || len(s.Lines) != 1 {
		t.Errorf("got %+v", s)
	}
	if got := readCSV(t, d.WriteCSV)[0]["refunded"]; got != "3.00 USD" {
		t.Errorf("refunded reads %q", got)
	}
}

func FuzzStamps(f *testing.F) {
	f.Add(record.StampFee, "0.35", record.StampNetCurrency, "eur")
	f.Add(record.StampGuaranteedAt, "2026-06-01T00:00:00Z", "payrec_refund_a", `{"op":"a","value":1,"currency":"eur","at":"9999-12-31T23:59:59Z"}`)
	f.Add(record.StampGuaranteedAt, "0000-01-01T00:00:00+23:59", "k", "=1+1")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string) {
		d := collectAll(t, &fake{records: []*record.PaymentRecord{simple("pr_1", 1, k1, v1, k2, v2)}}, Options{})
		if rows := readCSV(t, d.WriteCSV); len(rows) != 1 || rows[0]["amount"] != "10.00" {
			t.Errorf("got %v", rows)
		}
		for row, err := range d.paymentsGrid(nil).rows { // a whole workbook takes too long here
			if err != nil {
				t.Fatal(err)
			}
			var clock clock
			for _, c := range row {
				switch c.kind {
				case kindMoney:
					_ = isNumber(c.money)
				case kindMoment:
					clock.wall(c.at, time.UTC)
				}
			}
		}
	})
}
