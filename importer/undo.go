package importer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// An Undoer plans how the payments that one run reported are taken back, as far
// as the API lets them be: nothing can be deleted there. A payment that is not
// guaranteed yet is canceled; what is guaranteed and not refunded is refunded;
// one that came to nothing anyway is only marked. The plan is an ordinary one,
// to be reviewed and applied.
type Undoer struct {
	Run     string
	Scope   string                         // see [record.OpID]
	Entries iter.Seq2[record.Entry, error] // the run's calls
	Reader  Reader
	Book    Book
	Clock   func() time.Time // nil is time.Now
}

// Undone is what such a plan holds.
type Undone struct {
	Payments int64 `json:"payments"` // that the run reported
	Cancel   int64 `json:"cancel"`   // to be canceled
	Refund   int64 `json:"refund"`   // to be refunded in full
	Mark     int64 `json:"mark"`     // failed, canceled or refunded already: only marked
	Already  int64 `json:"already"`  // undone before
	Left     int64 `json:"left"`     // the run's calls on payments of other runs: they stay
	Open     int64 `json:"open"`     // the run's calls in doubt or in conflict: settle them first
	Requests int64 `json:"requests"` // reads that this took
}

// Plan reads the state of the run's payments and writes the plan. The plan is
// sealed by the caller, who may as well discard it.
func (u *Undoer) Plan(ctx context.Context) (Undone, error) {
	var sum Undone
	payments, since, err := u.payments(&sum)
	if err != nil || len(payments) == 0 {
		return sum, err
	}
	records, err := u.records(ctx, payments, since, &sum)
	if err != nil {
		return sum, err
	}
	now := time.Now()
	if u.Clock != nil {
		now = u.Clock()
	}
	for _, e := range payments {
		event, ok := undoing(u.Run, e, records[e.RecordID], now, &sum)
		if !ok {
			continue
		}
		op, err := operation(u.Scope, e.Source, event)
		if err != nil {
			return sum, err
		}
		if err := u.Book.Add(ctx, op); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// payments lists what the run reported, and since when.
func (u *Undoer) payments(sum *Undone) (list []record.Entry, since time.Time, err error) {
	mine, later := map[string]bool{}, map[string]int64{}
	for e, err := range u.Entries {
		switch {
		case err != nil:
			return nil, since, err
		case e.Disposition == record.Same || e.Disposition == record.Duplicate:
		case inDoubt(e.State):
			sum.Open++
		case !e.State.There():
		case e.Call.Creates():
			mine[e.Payment] = true
			list = append(list, e)
			if since.IsZero() || e.FirstSent.Before(since) {
				since = e.FirstSent
			}
		default:
			later[e.Payment]++
		}
	}
	for payment, n := range later {
		if !mine[payment] {
			sum.Left += n
		}
	}
	sum.Payments = int64(len(list))
	return list, since, nil
}

// records reads the payments' records: in one scan of the list, and those that
// it does not show one by one.
func (u *Undoer) records(ctx context.Context, payments []record.Entry, since time.Time, sum *Undone) (map[string]*record.PaymentRecord, error) {
	records := make(map[string]*record.PaymentRecord, len(payments))
	for _, e := range payments {
		records[e.RecordID] = nil
	}
	from, read := int64(0), int64(0)
	if !since.IsZero() {
		from = since.Add(-lookBack).Unix()
	}
	for r, err := range u.Reader.Records(ctx, from, 0) {
		if err != nil {
			return nil, fmt.Errorf("the account could not be read to the end: %w", err)
		}
		read++
		if _, ok := records[r.ID]; ok {
			records[r.ID] = r
		}
	}
	sum.Requests = read/recordsPerRead + 1
	for _, e := range payments {
		if records[e.RecordID] != nil {
			continue
		}
		sum.Requests++
		r, err := u.Reader.Record(ctx, e.RecordID)
		if err != nil {
			return nil, fmt.Errorf("payment %q: %w", e.Payment, errors.Join(err, ctx.Err()))
		}
		records[e.RecordID] = r
	}
	return records, ctx.Err()
}

// undoing is the call that takes a payment back, if one is needed.
func undoing(run string, e record.Entry, r *record.PaymentRecord, now time.Time, sum *Undone) (mapping.Event, bool) {
	event := mapping.Event{ID: "undo/" + e.ID, Payment: e.Payment, Order: now.UTC().Format(time.RFC3339)}
	event.Class, event.Pos.File, event.Pos.Line = "undo", e.File, e.Line
	if _, done := r.Metadata[record.StampUndo]; done {
		sum.Already++
		return event, false
	}
	at := strconv.FormatInt(now.Unix(), 10)
	set := event.Params.Set
	set("metadata."+record.StampUndo, run)
	switch r.Status() {
	case record.Initiated:
		sum.Cancel++
		event.Call = record.ReportPaymentAttemptCanceled
		set("canceled_at", at)
	case record.Guaranteed, record.PartiallyRefunded:
		sum.Refund++
		event.Call = record.ReportRefund
		event.Amount = record.Amount{Currency: r.AmountRequested.Currency, Value: unrefunded(r)}
		set("amount.value", strconv.FormatInt(event.Amount.Value, 10))
		set("amount.currency", string(event.Amount.Currency))
		set("outcome", "refunded")
		set("refunded.refunded_at", at)
		set("processor_details.type", "custom")
		// The API takes each reference once: a second refund is refused by it.
		set("processor_details.custom.refund_reference", "payrec-undo-"+e.ID)
	default:
		sum.Mark++
		event.Call = record.ReportPaymentAttemptInformational
	}
	return event, true
}

// unrefunded is what is guaranteed and not refunded. Whether a refund lowers
// amount_guaranteed is not publicly known; see [record.PaymentRecord.Status].
func unrefunded(r *record.PaymentRecord) int64 {
	guaranteed, refunded := r.AmountGuaranteed.Value, r.AmountRefunded.Value
	if guaranteed+refunded == r.AmountRequested.Value-r.AmountCanceled.Value {
		return guaranteed // the refunds lowered it, or there was none
	}
	return guaranteed - refunded
}
