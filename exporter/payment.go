package exporter

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/record"
)

// A dating is a business date and what it is taken from.
type dating struct {
	at   time.Time // UTC
	from string    // "guaranteed_at", "initiated_at" or "created"
}

// A payment is a record with everything that its stamps tell.
type payment struct {
	*record.PaymentRecord
	dating
	original  time.Time // the paid date of one that is posted later, zero else; see lock.go
	locked    bool      // paid before the books were closed, and not to be posted later
	processor string
	settled   *settlement // nil when neither fee nor net was stamped, else own
	own       settlement
	refunds   []refund // by date, then reference
	damaged   []string // stamps and amounts that cannot be used
	attempts  []*record.PaymentAttemptRecord
	encoded   []byte // as it stands on the shelf, of one that [Dataset.ahead] gave
}

// A settlement is what the processor took and paid out, in its own currency.
type settlement struct {
	currency record.Currency
	fee, net record.Money // the neutral zero when not stamped
	has      struct{ fee, net bool }
}

// A refund is one refund stamp, read.
type refund struct {
	record.RefundStamp
	at       time.Time // zero when not stamped
	fee      record.Money
	original time.Time // its date when it is posted later, zero else; see lock.go
	locked   bool      // of a closed period, and not to be posted later
}

func newPayment(r *record.PaymentRecord) *payment {
	p := &payment{}
	p.read(r)
	return p
}

// read reads the stamps. A stamp that cannot be read is noted, never guessed:
// the export goes on and its Control sheet says so.
func (p *payment) read(r *record.PaymentRecord) {
	*p = payment{PaymentRecord: r, processor: processor(r), refunds: p.refunds[:0]}
	p.dating, p.damaged = dateOf(r.Created, r.Metadata)
	p.readSettlement()
	p.readRefunds()
	for _, x := range []struct {
		name string
		record.Amount
	}{{"amount_guaranteed", r.AmountGuaranteed}, {"amount_refunded", r.AmountRefunded}, {"amount_failed", r.AmountFailed}, {"amount_canceled", r.AmountCanceled}} {
		if x.Value != p.valueIn(x.Amount) {
			p.damaged = append(p.damaged, x.name)
		}
	}
	slices.Sort(p.damaged)
}

// dateOf is when a payment was paid as far as its stamps tell.
func dateOf(created int64, metadata map[string]string) (dating, []string) {
	var damaged []string
	for _, stamp := range []string{record.StampGuaranteedAt, record.StampInitiatedAt} {
		text, ok := metadata[stamp]
		if !ok || text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			damaged = append(damaged, stamp)
			continue
		}
		return dating{t.UTC(), strings.TrimPrefix(stamp, record.StampPrefix)}, damaged
	}
	return dating{time.Unix(created, 0).UTC(), "created"}, damaged
}

func (p *payment) readSettlement() {
	fee, hasFee := p.Metadata[record.StampFee]
	net, hasNet := p.Metadata[record.StampNet]
	if !hasFee && !hasNet {
		return
	}
	s := &p.own
	s.currency = record.Currency(p.Metadata[record.StampNetCurrency])
	if s.currency == "" {
		s.currency = p.AmountRequested.Currency
	}
	if !s.currency.Known() {
		p.damaged = append(p.damaged, record.StampNetCurrency)
		return
	}
	s.fee, s.has.fee = p.decimal(record.StampFee, fee, hasFee, s.currency)
	s.net, s.has.net = p.decimal(record.StampNet, net, hasNet, s.currency)
	if s.has.fee || s.has.net {
		p.settled = s
	}
}

// decimal reads a stamped figure in major units.
func (p *payment) decimal(stamp, text string, given bool, c record.Currency) (record.Money, bool) {
	if !given || text == "" {
		return record.Money{}, false
	}
	d, err := decimal.Parse(text)
	if err != nil {
		p.damaged = append(p.damaged, stamp)
		return record.Money{}, false
	}
	return record.Money{Amount: d, Currency: c}, true
}

// settledAt is the day on which a payment was settled, where somebody stamped
// it under the key.
func (p *payment) settledAt(key string, zone *time.Location) (time.Time, bool) {
	text := p.Metadata[key]
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), true
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	return t.UTC(), err == nil
}

func (p *payment) readRefunds() {
	for key, value := range p.Metadata {
		stamp, ok, err := record.ParseRefundStamp(key, value)
		if !ok {
			continue
		}
		if err != nil || stamp.Currency != p.AmountRequested.Currency {
			p.damaged = append(p.damaged, key)
			continue
		}
		r := refund{RefundStamp: stamp}
		if stamp.At != "" {
			if r.at, err = time.Parse(time.RFC3339, stamp.At); err != nil {
				p.damaged = append(p.damaged, key)
			}
			r.at = r.at.UTC()
		}
		currency := stamp.Currency
		if p.settled != nil {
			currency = p.settled.currency
		}
		r.fee, _ = p.decimal(key, stamp.Fee, stamp.Fee != "", currency)
		p.refunds = append(p.refunds, r)
	}
	if len(p.refunds) < 2 {
		return
	}
	slices.SortFunc(p.refunds, func(a, b refund) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.Reference, b.Reference), cmp.Compare(a.Op, b.Op))
	})
}

// valueIn is an amount's value where it is in the payment's own currency, as
// all of a payment's amounts should be, and 0 where it must not be summed.
func (p *payment) valueIn(a record.Amount) int64 {
	if a.Currency != p.AmountRequested.Currency {
		return 0
	}
	return a.Value
}

// refundCount is how many refunds have a line of their own.
func (p *payment) refundCount() (n int) {
	for _, r := range p.refunds {
		if !r.locked {
			n++
		}
	}
	return n
}

// refundLines is the sum of the refunds that have a line of their own.
func (p *payment) refundLines() (sum int64, err error) {
	for _, r := range p.refunds {
		if r.locked {
			continue
		}
		if sum, err = add(sum, r.Value); err != nil {
			return 0, fmt.Errorf("%s: %w", p.ID, err)
		}
	}
	return sum, nil
}

// collected is what came in before refunds, in minor units; see the package comment.
func collected(s record.Status, requested record.Amount) int64 {
	switch s {
	case record.Guaranteed, record.PartiallyRefunded, record.Refunded:
		return requested.Value
	}
	return 0
}

// processor names who handled the payment.
func processor(r *record.PaymentRecord) string {
	if r.ReportedBy == "stripe" {
		return "Stripe"
	}
	if name := methodName(r.PaymentMethodDetails); name != "" {
		return name
	}
	if source := r.Metadata[record.StampSource]; source != "" {
		return source
	}
	return "(not named)"
}

// methodName is the method's display name, or for a method that is not custom
// its type.
func methodName(m *record.MethodDetails) string {
	switch {
	case m == nil:
		return ""
	case m.Custom != nil:
		return m.Custom.DisplayName
	case m.Type != "custom":
		return m.Type
	}
	return ""
}

// customer gives name and email: the customer's own, else those of the bill.
func customer(c *record.CustomerDetails, m *record.MethodDetails) (name, email string) {
	if c != nil {
		name, email = deref(c.Name), deref(c.Email)
	}
	if m != nil && m.BillingDetails != nil {
		name, email = cmp.Or(name, deref(m.BillingDetails.Name)), cmp.Or(email, deref(m.BillingDetails.Email))
	}
	return name, email
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// otherMetadata is the metadata that is not in keys and no stamp, as a JSON
// object, or "".
func otherMetadata(metadata map[string]string, keys []string) string {
	rest := map[string]string{}
	for k, v := range metadata {
		if _, shown := slices.BinarySearch(keys, k); !shown && !strings.HasPrefix(k, record.StampPrefix) {
			rest[k] = v
		}
	}
	if len(rest) == 0 {
		return ""
	}
	b, err := json.Marshal(rest)
	if err != nil { // unreachable: strings
		return ""
	}
	return string(b)
}
