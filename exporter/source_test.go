package exporter

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/payrec/payrec/record"
)

// A fake is a Source in memory.
type fake struct {
	records  []*record.PaymentRecord
	attempts map[string][]*record.PaymentAttemptRecord
	fail     int    // Records fails after so many
	failOn   string // Attempts fails for this record
	err      error

	mu            sync.Mutex // guards what follows
	after, before int64      // as last asked for
}

func (f *fake) Records(_ context.Context, after, before int64) iter.Seq2[*record.PaymentRecord, error] {
	f.mu.Lock()
	f.after, f.before = after, before
	f.mu.Unlock()
	return func(yield func(*record.PaymentRecord, error) bool) {
		for i, r := range f.records {
			if f.err != nil && f.failOn == "" && i == f.fail {
				yield(nil, f.err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (f *fake) Attempts(_ context.Context, id string) iter.Seq2[*record.PaymentAttemptRecord, error] {
	return func(yield func(*record.PaymentAttemptRecord, error) bool) {
		if f.err != nil && f.failOn == id {
			yield(nil, f.err)
			return
		}
		for _, a := range f.attempts[id] {
			if !yield(a, nil) {
				return
			}
		}
	}
}

func collectAll(t *testing.T, src Source, o Options) *Dataset {
	t.Helper()
	d, err := Collect(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// simple is a guaranteed payment of 10.00 EUR with the given stamps.
func simple(id string, created int64, stamps ...string) *record.PaymentRecord {
	amount, none := record.Amount{Currency: "eur", Value: 1000}, record.Amount{Currency: "eur"}
	r := &record.PaymentRecord{ID: id, Object: "payment_record", Created: created, Amount: amount, AmountRequested: amount, AmountGuaranteed: amount,
		AmountAuthorized: none, AmountCanceled: none, AmountFailed: none, AmountRefunded: none, ReportedBy: "self", Metadata: map[string]string{}}
	for i := 0; i+1 < len(stamps); i += 2 {
		r.Metadata[stamps[i]] = stamps[i+1]
	}
	return r
}

var (
	testCurrencies = []record.Currency{"eur", "usd", "jpy", "kwd", "isk"}
	testProcessors = []string{"Adyen", "PayPal", "Bar \"Kasse\", Süd", "=HYPERLINK(\"http://x\")"}
	hostileTexts   = []string{"", "Order 1", "=1+1", "@SUM(A1)", "+49 30 1", "-1+2", "\t=x", "＝cmd", "00012345678901234567", "1e5", "TRUE", "2026-06-01", "line\nbreak", "a,b;c\"d", "<b>&amp;", "_x0041_", " blank ", "\u202eevil", "😀"}
)

// generate makes n payments of June 2026 with all that may be strange about
// them, always the same for a seed, newest first as the API lists them.
func generate(n int, seed uint64) *fake {
	rng := rand.New(rand.NewPCG(seed, 1))
	f := &fake{attempts: map[string][]*record.PaymentAttemptRecord{}}
	june := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		r := generateRecord(rng, i, june.Add(time.Duration(rng.IntN(30*86400))*time.Second))
		f.records = append(f.records, r)
		f.attempts[r.ID] = generateAttempts(rng, r)
	}
	slices.Reverse(f.records)
	return f
}

func generateRecord(rng *rand.Rand, i int, paid time.Time) *record.PaymentRecord {
	currency := testCurrencies[rng.IntN(len(testCurrencies))]
	step := map[record.Currency]int64{"kwd": 10, "isk": 100}[currency]
	requested := (1 + rng.Int64N(999_999_9)) * max(step, 1)
	if rng.IntN(50) == 0 {
		requested = 999_999_999_999 / max(step, 1) * max(step, 1)
	}
	money := func(v int64) record.Amount { return record.Amount{Currency: currency, Value: v} }
	r := &record.PaymentRecord{ID: fmt.Sprintf("pr_%06d", i), Object: "payment_record", Created: time.Date(2026, 7, 3, 9, 0, i%60, 0, time.UTC).Unix(), ReportedBy: "self",
		Amount: money(requested), AmountRequested: money(requested), AmountAuthorized: money(0), AmountGuaranteed: money(0), AmountFailed: money(0), AmountCanceled: money(0), AmountRefunded: money(0),
		LatestPaymentAttemptRecord: new(fmt.Sprintf("par_%06d_2", i)), Metadata: map[string]string{}}
	switch rng.IntN(10) {
	case 0:
		r.AmountFailed = money(requested)
	case 1:
		r.AmountCanceled = money(requested)
	case 2: // initiated
	default:
		r.AmountGuaranteed = money(requested)
	}
	if rng.IntN(8) == 0 { // on Stripe: hardly anything is there
		r.ReportedBy, r.Created = "stripe", paid.Unix()
		r.PaymentMethodDetails = &record.MethodDetails{Type: "card", Card: []byte(`{"last4":"4242"}`)}
		return r
	}
	r.Description = new(hostileTexts[rng.IntN(len(hostileTexts))])
	r.CustomerDetails = &record.CustomerDetails{Name: new(hostileTexts[rng.IntN(len(hostileTexts))]), Email: new("a@b.example")}
	r.ProcessorDetails = record.ProcessorDetails{Type: "custom", Custom: &record.CustomProcessor{PaymentReference: new(fmt.Sprintf("%016d", rng.Int64N(1e16)))}}
	r.PaymentMethodDetails = &record.MethodDetails{Type: "custom", Custom: &record.CustomMethod{DisplayName: testProcessors[rng.IntN(len(testProcessors))]}}
	stampRecord(rng, r, paid, i)
	return r
}

func stampRecord(rng *rand.Rand, r *record.PaymentRecord, paid time.Time, i int) {
	m, c := r.Metadata, r.AmountRequested.Currency
	m[record.StampInitiatedAt] = paid.Add(-time.Hour).Format(time.RFC3339)
	m[record.StampFile], m[record.StampLine] = "june.csv", strconv.Itoa(i+2)
	m["order"] = hostileTexts[rng.IntN(len(hostileTexts))]
	if r.AmountGuaranteed.Value == 0 {
		return
	}
	m[record.StampGuaranteedAt] = paid.Format(time.RFC3339)
	fee := record.Amount{Currency: c, Value: r.AmountRequested.Value / 50}.Money()
	net, _ := r.AmountRequested.Money().Sub(fee)
	m[record.StampFee], m[record.StampNet], m[record.StampNetCurrency] = fee.Text(), net.Text(), string(c)
	if rng.IntN(5) > 0 {
		return
	}
	for n := range 1 + rng.IntN(2) {
		s := record.RefundStamp{Op: fmt.Sprintf("op%06d%016d%d", i, i, n), Value: r.AmountRequested.Value / 2, Currency: c, At: paid.AddDate(0, 0, 3).Format(time.RFC3339), Reference: fmt.Sprintf("R%d-%d", i, n), Row: "june.csv:9"}
		if s.Value == 0 {
			continue
		}
		key, value := s.Pair()
		m[key] = value
		r.AmountRefunded.Value += s.Value
	}
}

func generateAttempts(rng *rand.Rand, r *record.PaymentRecord) []*record.PaymentAttemptRecord {
	attempt := func(no int) *record.PaymentAttemptRecord {
		return &record.PaymentAttemptRecord{ID: fmt.Sprintf("par_%s_%d", r.ID[3:], no), Object: "payment_attempt_record", PaymentRecord: &r.ID, Created: r.Created + int64(no), ReportedBy: r.ReportedBy,
			Amount: r.Amount, AmountRequested: r.AmountRequested, AmountGuaranteed: r.AmountGuaranteed, AmountFailed: r.AmountFailed, AmountCanceled: r.AmountCanceled, AmountRefunded: r.AmountRefunded,
			AmountAuthorized: r.AmountAuthorized, ProcessorDetails: r.ProcessorDetails, PaymentMethodDetails: r.PaymentMethodDetails}
	}
	last := attempt(2)
	if rng.IntN(4) > 0 {
		return []*record.PaymentAttemptRecord{last}
	}
	first := attempt(1)
	first.AmountGuaranteed, first.AmountRefunded, first.AmountFailed = record.Amount{Currency: r.Amount.Currency}, record.Amount{Currency: r.Amount.Currency}, r.AmountRequested
	return []*record.PaymentAttemptRecord{last, first} // newest first
}
