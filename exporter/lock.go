package exporter

import (
	"fmt"
	"iter"
	"time"

	"github.com/payrec/payrec/record"
)

// # Closed books
//
// Books that are closed before a day take no line of an earlier date: the
// accounting program refuses it, or it changes a period that was reported. So
// with a [Lock], a payment paid before that day has no line among the payments;
// it is an exception ([Dataset.Locked]), unless the lock says where to post
// it: then it stands under that day, and its own date in a column beside. The
// same goes for each refund by its own date. This follows from the data and the
// lock alone, so that two exports of the same data stay the same bytes.

// A Lock says that the books are closed before a moment; the zero value closes
// nothing.
type Lock struct {
	Before time.Time // the first moment of the first open day
	PostOn time.Time // where lines of closed periods are posted; zero: nowhere
}

func (l Lock) check() error {
	switch {
	case l.Before.IsZero() && !l.PostOn.IsZero():
		return fmt.Errorf("a day to post on goes with a day before which the books are closed")
	case !l.PostOn.IsZero() && l.PostOn.Before(l.Before):
		return fmt.Errorf("lines of closed periods cannot be posted on %s: the books are closed before %s", l.PostOn.Format(time.DateOnly), l.Before.Format(time.DateOnly))
	}
	return nil
}

// closes says whether a date is of a closed period.
func (l Lock) closes(t time.Time) bool { return !l.Before.IsZero() && t.Before(l.Before) }

// posts says whether lines of closed periods are posted later.
func (l Lock) posts() bool { return !l.PostOn.IsZero() }

// apply dates a payment by the lock.
func (l Lock) apply(p *payment) {
	for i := range p.refunds {
		x := &p.refunds[i]
		if x.at.IsZero() || !l.closes(x.at) {
			continue
		}
		if x.original, x.locked = x.at, true; l.posts() {
			x.at, x.locked = l.PostOn.UTC(), false
		}
	}
	if l.closes(p.at) {
		if p.original, p.locked = p.at, true; l.posts() {
			p.at, p.locked = l.PostOn.UTC(), false
		}
	}
}

// A LockedLine is a payment or a refund that has no line because the books are
// closed.
type LockedLine struct {
	Payment   string        // the record's id
	Reference string        // of the payment or the refund
	Refund    bool          // the amount was paid back
	Amount    record.Amount // minor units
	At        time.Time     // paid or refunded, UTC
}

// Locked iterates over what has no line because the books are closed: payments
// in the order of their dates, each before its refunds.
func (d *Dataset) Locked() iter.Seq2[LockedLine, error] {
	return func(yield func(LockedLine, error) bool) {
		if d.options.Lock.Before.IsZero() || d.options.Lock.posts() {
			return
		}
		for p, err := range d.between(0, d.shelf.n) {
			if err != nil {
				yield(LockedLine{}, err)
				return
			}
			line := LockedLine{Payment: p.ID, Reference: p.ProcessorDetails.Reference(), Amount: p.AmountRequested, At: p.original}
			if p.locked && !yield(line, nil) {
				return
			}
			for _, r := range p.refunds {
				line := LockedLine{p.ID, r.Reference, true, record.Amount{Currency: r.Currency, Value: r.Value}, r.original}
				if r.locked && !yield(line, nil) {
					return
				}
			}
		}
	}
}
