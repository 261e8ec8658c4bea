package report

import (
	"time"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/record"
)

// A move is money that came or went.
type move struct {
	what, reference, row string
	id                   string
	at, original         time.Time
	amount, fee          record.Money
}

// movement is the move that an item stands for.
func movement(i *item) move {
	m := move{what: "payment", reference: i.ProcessorDetails.Reference(), row: i.Metadata[record.StampFile], id: i.ID,
		at: i.PaidAt, original: i.OriginalAt, amount: i.Collected, fee: i.Fee}
	if line := i.Metadata[record.StampLine]; line != "" {
		m.row += ":" + line
	}
	if r := i.refund; r != nil {
		m = move{"refund", r.Reference, r.Row, i.ID + " " + r.Op, r.At, r.Original, r.Amount.Neg(), r.Fee}
	}
	if i.fee {
		m.what, m.id, m.amount, m.fee = "fee", "fee "+m.id, m.fee.Neg(), record.Money{}
	}
	return m
}

// postings gives the postings of a payment that are in the period: it came in,
// its fee, and each refund and the refund's fee. sub is even for what moved and
// odd for its fee; see [item.post]. A fee is posted for a payment that failed
// as well, since it was taken.
func postings(p *exporter.Payment, in func(at, original time.Time) bool, one *item, yield func(sub int, i *item) error) error {
	give := func(at, original time.Time, amount, fee record.Money, sub int) error {
		for n, m := range []record.Money{amount, fee} {
			if m.Currency == "" || m.Amount.IsZero() || !in(at, original) {
				continue
			}
			i := *one
			i.post(sub + n)
			if err := yield(sub+n, &i); err != nil {
				return err
			}
		}
		return nil
	}
	if !p.Locked {
		if err := give(p.PaidAt, p.OriginalAt, p.Collected, p.Fee, 0); err != nil {
			return err
		}
	}
	for k, r := range p.Refunds {
		if err := give(r.At, r.Original, r.Amount, r.Fee, 2*k+2); err != nil {
			return err
		}
	}
	return nil
}

// post makes an item the posting of a number that [postings] gave.
func (i *item) post(sub int) {
	if i.fee = sub%2 == 1; sub >= 2 {
		i.refund = &i.Payment.Refunds[sub/2-1]
	}
}
