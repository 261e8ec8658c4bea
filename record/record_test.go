package record

import (
	"encoding/json"
	"testing"
)

func TestStatus(t *testing.T) {
	for _, tt := range []struct {
		name                                              string
		requested, guaranteed, failed, canceled, refunded int64
		want                                              Status
	}{
		{"reported", 100, 0, 0, 0, 0, Initiated},
		{"guaranteed", 100, 100, 0, 0, 0, Guaranteed},
		{"failed", 100, 0, 100, 0, 0, Failed},
		{"canceled", 100, 0, 0, 100, 0, Canceled},
		{"a retry after a failure", 100, 100, 100, 0, 0, Guaranteed},
		{"nothing known", 0, 0, 0, 0, 0, Initiated},
		// A refund may leave amount_guaranteed as it is …
		{"part refunded", 100, 100, 0, 0, 40, PartiallyRefunded},
		{"half refunded", 100, 100, 0, 0, 50, PartiallyRefunded},
		{"more than half refunded", 100, 100, 0, 0, 60, PartiallyRefunded},
		{"all refunded", 100, 100, 0, 0, 100, Refunded},
		// … or lower it: which of the two is not publicly known.
		{"part refunded, lowered", 100, 60, 0, 0, 40, PartiallyRefunded},
		{"half refunded, lowered", 100, 50, 0, 0, 50, PartiallyRefunded},
		{"more than half refunded, lowered", 100, 40, 0, 0, 60, PartiallyRefunded},
		{"all refunded, lowered", 100, 0, 0, 0, 100, Refunded},
		// On-Stripe payments can be captured in part.
		{"part captured", 100, 60, 0, 40, 0, Guaranteed},
		{"part captured, all refunded", 100, 60, 0, 40, 60, Refunded},
		{"half captured, all refunded", 100, 50, 0, 50, 50, Refunded},
		{"part captured, part refunded", 100, 60, 0, 40, 10, PartiallyRefunded},
		{"part captured, part refunded, lowered", 100, 20, 0, 40, 40, PartiallyRefunded},
	} {
		usd := func(v int64) Amount { return Amount{"usd", v} }
		r := PaymentRecord{AmountRequested: usd(tt.requested), AmountGuaranteed: usd(tt.guaranteed), AmountFailed: usd(tt.failed),
			AmountCanceled: usd(tt.canceled), AmountRefunded: usd(tt.refunded)}
		a := PaymentAttemptRecord{AmountRequested: usd(tt.requested), AmountGuaranteed: usd(tt.guaranteed), AmountFailed: usd(tt.failed),
			AmountCanceled: usd(tt.canceled), AmountRefunded: usd(tt.refunded)}
		if r.Status() != tt.want || a.Status() != tt.want {
			t.Errorf("%s: record %s, attempt %s; want %s", tt.name, r.Status(), a.Status(), tt.want)
		}
	}
}

func TestReference(t *testing.T) {
	ref := "INV-1"
	for _, tt := range []struct {
		p    ProcessorDetails
		want string
	}{
		{ProcessorDetails{}, ""},
		{ProcessorDetails{Custom: &CustomProcessor{}}, ""},
		{ProcessorDetails{Custom: &CustomProcessor{&ref}}, ref},
	} {
		if got := tt.p.Reference(); got != tt.want {
			t.Errorf("%v: %q", tt.p, got)
		}
	}
}

// TestRecordJSON reads a record as the API writes it: null stays apart from
// the empty text, and what belongs to cards is kept as it came.
func TestRecordJSON(t *testing.T) {
	const in = `{"id":"pr_1","object":"payment_record","amount":{"currency":"usd","value":1050},
		"amount_requested":{"currency":"usd","value":1050},"amount_guaranteed":{"currency":"usd","value":1050},
		"created":1767686430,"customer_details":null,"description":"","latest_payment_attempt_record":"par_1","livemode":true,
		"metadata":{"payrec_op":"x"},"payment_method_details":{"type":"card","card":{"last4":"4242","new":[1]}},
		"processor_details":{"type":"custom","custom":{"payment_reference":"INV-1"}},"reported_by":"stripe","field_of_tomorrow":{}}`
	var r PaymentRecord
	if err := json.Unmarshal([]byte(in), &r); err != nil {
		t.Fatal(err)
	}
	switch {
	case r.ID != "pr_1", r.Created != 1767686430, !r.Livemode, r.Metadata["payrec_op"] != "x", r.ReportedBy != "stripe":
		t.Errorf("read as %+v", r)
	case r.CustomerDetails != nil, r.Description == nil || *r.Description != "":
		t.Error("null and empty text were confused")
	case r.ProcessorDetails.Reference() != "INV-1", *r.LatestPaymentAttemptRecord != "par_1":
		t.Errorf("read as %+v", r)
	case string(r.PaymentMethodDetails.Card) != `{"last4":"4242","new":[1]}`:
		t.Errorf("the card is %s", r.PaymentMethodDetails.Card)
	case r.Status() != Guaranteed:
		t.Error(r.Status())
	}
}
