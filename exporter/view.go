package exporter

import (
	"iter"
	"time"

	"github.com/payrec/payrec/record"
)

// A Payment is a record with everything that its stamps tell, for whoever
// writes files of their own from a [Dataset]. Money without a currency is not
// there: nobody stamped it.
type Payment struct {
	*record.PaymentRecord
	PaidAt     time.Time // UTC
	PaidAtFrom string    // the stamp that it is from: guaranteed_at, initiated_at; or created
	OriginalAt time.Time // UTC; the paid date of a payment that is posted later because of a [Lock], zero else
	SettledAt  time.Time // UTC; zero when not known: see [Period].SettledKey
	Processor  string
	Method     string // what the customer paid with
	Customer   string
	Email      string
	Collected  record.Money // what came in, before refunds; see the package comment
	Fee, Net   record.Money // as the processor stated them, in its own currency
	Refunds    []Refund     // those with a stamp of their own, by date, then reference
	Attempts   []Attempt    // when they were read; by when they were reported
	// Locked says that the payment itself has no line because the books are
	// closed, LockedRefunds are the refunds of which that is so; see [Lock].
	Locked        bool
	LockedRefunds []Refund
	Damaged       []string // stamps and amounts that cannot be used
}

// A Refund is one refund that payrec stamped on its payment.
type Refund struct {
	At        time.Time // UTC; zero when not stamped
	Original  time.Time // UTC; the date of a refund that is posted later because of a [Lock], zero else
	Amount    record.Money
	Fee       record.Money // without a currency when not stamped
	Reference string
	Row       string // file:line
	Op        string // payrec's operation
}

// An Attempt is one try to collect a payment.
type Attempt struct {
	*record.PaymentAttemptRecord
	At     time.Time // its business date, UTC
	Method string
}

// Payments iterates over the payments by paid date, then id.
func (d *Dataset) Payments() iter.Seq2[*Payment, error] {
	return func(yield func(*Payment, error) bool) {
		for p, err := range d.payments() {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(d.view(p), nil) {
				return
			}
		}
	}
}

// Payment is the payment at i in the order of [Dataset.Payments]; i is from 0
// to Len.
func (d *Dataset) Payment(i int) (*Payment, error) { return d.viewAt(d.locked + i) }

func (d *Dataset) viewAt(no int) (*Payment, error) {
	b, err := d.shelf.at(no)
	p := &parsed{}
	if err == nil {
		err = d.parse(p, no, string(b))
	}
	if err != nil {
		return nil, err
	}
	return d.view(&p.payment), nil
}

func (d *Dataset) view(p *payment) *Payment {
	v := &Payment{PaymentRecord: p.PaymentRecord, PaidAt: p.at, PaidAtFrom: p.from, OriginalAt: p.original, Locked: p.locked, Processor: p.processor, Damaged: p.damaged,
		Method:    methodName(p.PaymentMethodDetails),
		Collected: record.Amount{Currency: p.AmountRequested.Currency, Value: collected(p.Status(), p.AmountRequested)}.Money()}
	v.SettledAt, _ = p.settledAt(d.options.Period.SettledKey, d.options.Period.Zone)
	v.Customer, v.Email = customer(p.CustomerDetails, p.PaymentMethodDetails)
	if p.settled != nil {
		if p.settled.has.fee {
			v.Fee = p.settled.fee
		}
		if p.settled.has.net {
			v.Net = p.settled.net
		}
	}
	for _, r := range p.refunds {
		refund := Refund{At: r.at, Original: r.original, Fee: r.fee, Reference: r.Reference, Row: r.Row, Op: r.Op,
			Amount: record.Amount{Currency: r.Currency, Value: r.Value}.Money()}
		if r.locked {
			v.LockedRefunds = append(v.LockedRefunds, refund)
			continue
		}
		v.Refunds = append(v.Refunds, refund)
	}
	for _, a := range p.attempts {
		v.Attempts = append(v.Attempts, Attempt{a, attemptDate(p, a).at, methodName(a.PaymentMethodDetails)})
	}
	return v
}

// LockedPayments iterates over the payments that have no line of their own
// because the books are closed, by paid date, then id. Their refunds of open
// days are there, and do have lines.
func (d *Dataset) LockedPayments() iter.Seq2[*Payment, error] {
	return func(yield func(*Payment, error) bool) {
		for p, err := range d.between(0, d.locked) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(d.view(p), nil) {
				return
			}
		}
	}
}

// LockedPayment is the payment at i in the order of [Dataset.LockedPayments].
func (d *Dataset) LockedPayment(i int) (*Payment, error) { return d.viewAt(i) }

// Period is what the dataset holds.
func (d *Dataset) Period() Period { return d.options.Period }

// Unplaced are the ids of the payments that were left out because the date
// that the period goes by is not known of them, ascending.
func (d *Dataset) Unplaced() []string { return d.unplaced }

// Habits are what the locale's spreadsheets take: the delimiter, the decimal
// mark, and whether they need a byte order mark.
func (l Locale) Habits() (delimiter, decimal string, bom bool) {
	delimiter, decimal = ",", "."
	if l.delimiter != 0 {
		delimiter = string(l.delimiter)
	}
	if l.comma {
		decimal = ","
	}
	return delimiter, decimal, l.bom
}
