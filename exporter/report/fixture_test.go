package report

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/record"
)

// A fakeAccount is a Source in memory.
type fakeAccount []*record.PaymentRecord

func (f fakeAccount) Records(context.Context, int64, int64) iter.Seq2[*record.PaymentRecord, error] {
	return func(yield func(*record.PaymentRecord, error) bool) {
		for _, r := range f {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (f fakeAccount) Attempts(_ context.Context, id string) iter.Seq2[*record.PaymentAttemptRecord, error] {
	return func(yield func(*record.PaymentAttemptRecord, error) bool) {
		for n := range 2 {
			a := &record.PaymentAttemptRecord{ID: fmt.Sprintf("par_%s_%d", id, n), Created: int64(1000 + n), AmountRequested: record.Amount{Currency: "eur", Value: 5}}
			if !yield(a, nil) {
				return
			}
		}
	}
}

// paid is a guaranteed payment with pairs of metadata.
func paid(id, at string, value int64, c record.Currency, pairs ...string) *record.PaymentRecord {
	amount, none := record.Amount{Currency: c, Value: value}, record.Amount{Currency: c}
	r := &record.PaymentRecord{ID: id, Object: "payment_record", Created: 1_780_000_000, ReportedBy: "self", Livemode: true,
		Amount: amount, AmountRequested: amount, AmountGuaranteed: amount, AmountAuthorized: none, AmountCanceled: none, AmountFailed: none, AmountRefunded: none,
		ProcessorDetails:     record.ProcessorDetails{Type: "custom", Custom: &record.CustomProcessor{PaymentReference: new("R-" + id)}},
		PaymentMethodDetails: &record.MethodDetails{Type: "custom", Custom: &record.CustomMethod{DisplayName: "Adyen"}},
		Metadata:             map[string]string{record.StampGuaranteedAt: at}}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Metadata[pairs[i]] = pairs[i+1]
	}
	return r
}

// refund stamps a refund.
func refund(r *record.PaymentRecord, reference, at string, value int64) *record.PaymentRecord {
	key, stamp := record.RefundStamp{Op: "op" + reference, Value: value, Currency: r.AmountRequested.Currency, At: at, Reference: reference, Row: "june.csv:9"}.Pair()
	r.Metadata[key] = stamp
	r.AmountRefunded.Value += value
	return r
}

// june is an account with everything that a report may meet.
func june() fakeAccount {
	failed := paid("pr_failed", "2026-06-05T10:00:00Z", 700, "eur")
	failed.AmountGuaranteed.Value, failed.AmountFailed.Value = 0, 700
	silent := paid("pr_silent", "2026-06-07T10:00:00Z", 900, "eur")
	silent.AmountRefunded.Value = 100
	stripe := paid("pr_stripe", "2026-06-08T10:00:00Z", 1234, "usd")
	stripe.ReportedBy, stripe.ProcessorDetails.Custom = "stripe", nil
	stripe.PaymentMethodDetails = &record.MethodDetails{Type: "card"}
	return fakeAccount{
		paid("pr_fee", "2026-06-02T21:59:59Z", 1990, "eur", record.StampFee, "0.59", record.StampNet, "19.31", record.StampNetCurrency, "eur",
			record.StampFile, "june.csv", record.StampLine, "2", "order", "=1+1", "settled_at", "2026-06-04"),
		paid("pr_usd", "2026-06-03T22:00:00Z", 5000, "usd", record.StampFee, "1.5", record.StampNet, "43.2", record.StampNetCurrency, "eur", "order", "-12; \"x\""),
		paid("pr_jpy", "2026-06-04T10:00:00Z", 1500, "jpy", "order", "日本\nline"),
		paid("pr_kwd", "2026-06-04T11:00:00Z", 12340, "kwd"),
		failed,
		refund(refund(paid("pr_twice", "2026-05-20T10:00:00Z", 10000, "eur"), "F1", "2026-06-10T10:00:00Z", 2500), "F2", "2026-07-01T10:00:00Z", 1000),
		refund(paid("pr_undated", "2026-05-21T10:00:00Z", 800, "eur"), "F3", "", 100),
		silent, stripe,
		refund(paid("pr_back", "2026-06-09T10:00:00Z", 400, "eur"), "F4", "2026-06-09T12:00:00Z", 400),
		paid("pr_may", "2026-05-31T21:59:59Z", 1, "eur"),
		paid("pr_june", "2026-05-31T22:00:00Z", 2, "eur"), // in Berlin
	}
}

var berlin = must(time.LoadLocation("Europe/Berlin"))

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// inJune asks for June, in the report's zone or in Berlin.
func inJune(p exporter.Period) (exporter.Period, error) {
	if p.Zone == nil {
		p.Zone = berlin
	}
	p.From = time.Date(2026, 6, 1, 0, 0, 0, 0, p.Zone)
	p.To = p.From.AddDate(0, 1, 0)
	return p, nil
}

// build makes a report from an account.
func build(t *testing.T, src string, account exporter.Source, o Options, lock ...exporter.Lock) (*Built, error) {
	t.Helper()
	r, err := Parse("report.yaml", []byte(src), o)
	if err != nil {
		t.Fatal(err)
	}
	attempts := exporter.NoAttempts
	if r.Attempts() {
		attempts = exporter.AllAttempts
	}
	collect := exporter.Options{Period: r.Period(), Attempts: attempts}
	if lock != nil {
		collect.Lock = lock[0]
	}
	d, err := exporter.Collect(t.Context(), account, collect)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	b, err := r.Build(t.Context(), d)
	if err == nil {
		t.Cleanup(func() { b.Close() })
	}
	return b, err
}
