package report_test

import (
	"fmt"
	"time"

	"github.com/payrec/payrec/record"
)

// A pay is a payment of the golden files, as short as it can be said.
type pay struct {
	id, ref, payer, processor string
	currency                  record.Currency
	value                     int64
	paid                      string // RFC 3339; "" was not paid
	fee, feeIn                string
	refunds                   []refunded
	onStripe                  bool
}

type refunded struct {
	ref   string
	value int64
	at    string
	fee   string
}

// books are what the golden files are made of: June 2026 in Berlin, with what
// lies just over its borders.
var books = []pay{
	{id: "pr_1QaFirst", ref: "8515131751004933", payer: "Ann Lee", processor: "Adyen", currency: "eur", value: 10000, paid: "2026-05-31T22:30:00Z", fee: "2.50"},
	{id: "pr_1QaBefore", ref: "8515131751004000", payer: "Too Early", processor: "Adyen", currency: "eur", value: 777, paid: "2026-05-31T21:59:59Z", fee: "0.10",
		refunds: []refunded{{"RF-100", 777, "2026-06-02T10:00:00Z", ""}}},
	{id: "pr_1QaPartly", ref: "8515131751004934", payer: "Bärbel Müller", processor: "Adyen", currency: "eur", value: 5999, paid: "2026-06-03T08:15:00Z", fee: "1.50",
		refunds: []refunded{{"RF-101", 2000, "2026-06-05T09:00:00Z", "0.10"}, {"RF-102", 999, "2026-07-01T09:00:00Z", ""}}},
	{id: "pr_1QaDollar", ref: "9ZZ99999ZZ999999Z", payer: "Joe Doe", processor: "PayPal", currency: "usd", value: 123456, paid: "2026-06-12T23:59:59Z", fee: "36.10"},
	{id: "pr_1QaYen", ref: "JP-0001", payer: "山田太郎", processor: "Adyen", currency: "jpy", value: 15000, paid: "2026-06-13T01:00:00Z"},
	{id: "pr_1QaFailed", ref: "8515131751004935", payer: "No Money", processor: "Adyen", currency: "eur", value: 1, onStripe: false},
	{id: "pr_1QaOnStripe", payer: "Card Holder", currency: "eur", value: 4242, paid: "2026-06-14T00:00:00Z", onStripe: true},
	{id: "pr_1QaFeeBack", ref: "8515131751004936", payer: "Credited", processor: "Adyen", currency: "eur", value: 2500, paid: "2026-06-20T12:00:00Z", fee: "-0.30"},
	{id: "pr_1QaFormula", ref: "=1+1", payer: "=HYPERLINK(\"http://x\";\"y\")", processor: "Bar; \"Kasse\"", currency: "eur", value: 1999, paid: "2026-06-21T12:00:00Z", fee: "0.05"},
	{id: "pr_1QaLines", ref: "A.B C,D;E:F", payer: "Zwei\r\nZeilen 😀 Łódź", processor: "Adyen", currency: "eur", value: 31, paid: "2026-06-30T21:59:59Z"},
	{id: "pr_1QaAfter", ref: "8515131751004999", payer: "Too Late", processor: "Adyen", currency: "eur", value: 888, paid: "2026-06-30T22:00:00Z"},
}

func (p pay) record(i int) *record.PaymentRecord {
	money := func(v int64) record.Amount { return record.Amount{Currency: p.currency, Value: v} }
	r := &record.PaymentRecord{ID: p.id, Object: "payment_record", Created: time.Date(2026, 7, 2, 9, 0, i, 0, time.UTC).Unix(), ReportedBy: "self", Livemode: true,
		Amount: money(p.value), AmountRequested: money(p.value), AmountAuthorized: money(0), AmountGuaranteed: money(0), AmountFailed: money(0), AmountCanceled: money(0), AmountRefunded: money(0),
		Metadata: map[string]string{}}
	r.CustomerDetails = &record.CustomerDetails{Name: new(p.payer), Email: new("payer@example.com")}
	if p.paid == "" {
		r.AmountFailed = money(p.value)
	} else {
		r.AmountGuaranteed = money(p.value)
	}
	if p.onStripe {
		paid, _ := time.Parse(time.RFC3339, p.paid)
		r.ReportedBy, r.Created = "stripe", paid.Unix()
		r.PaymentMethodDetails = &record.MethodDetails{Type: "card"}
		return r
	}
	r.Description = new(fmt.Sprintf("Order %d", 1000+i))
	r.ProcessorDetails = record.ProcessorDetails{Type: "custom", Custom: &record.CustomProcessor{PaymentReference: new(p.ref)}}
	r.PaymentMethodDetails = &record.MethodDetails{Type: "custom", Custom: &record.CustomMethod{DisplayName: p.processor}}
	if p.paid != "" {
		r.Metadata[record.StampGuaranteedAt] = p.paid
	}
	if p.fee != "" {
		r.Metadata[record.StampFee] = p.fee
		r.Metadata[record.StampNetCurrency] = string(p.currency)
		if p.feeIn != "" {
			r.Metadata[record.StampNetCurrency] = p.feeIn
		}
	}
	for n, x := range p.refunds {
		key, stamp := record.RefundStamp{Op: fmt.Sprintf("op%d%d", i, n), Value: x.value, Currency: p.currency, At: x.at, Reference: x.ref, Fee: x.fee}.Pair()
		r.Metadata[key] = stamp
		r.AmountRefunded.Value += x.value
	}
	return r
}
