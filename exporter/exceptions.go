package exporter

import (
	"slices"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

// The kinds of exceptions.
const (
	ExceptionHeld     = "held"           // waits for its payment, or for a person
	ExceptionRejected = "rejected"       // the API refused it, or its row cannot be read
	ExceptionDoubt    = "in doubt"       // it may have been reported
	ExceptionConflict = "conflict"       // the account contradicts it; a person decides
	ExceptionUnsent   = "not sent"       // planned, and never sent
	ExceptionChanged  = "changed"        // the file says now something else than what was reported
	ExceptionVariance = "variance"       // Stripe's figures and the stamps do not come to the same
	ExceptionDamaged  = "cannot be used" // a stamp or an amount
	ExceptionClosed   = "closed books"   // of a period that is closed; see [Lock]
	ExceptionLeftOut  = "left out"       // without the date that the period goes by
)

// An Exception is something that an accountant must know before believing the
// other sheets: a call that did not reach the account, a row that became no call,
// a figure that does not add up, a line that was left out.
type Exception struct {
	Kind      string          // one of the above
	Reason    string          // what is open, and what to do
	Payment   string          // the record's id, "" when there is none
	Reference string          // of the payment, the refund or the row
	Call      record.CallName // of a call
	Amount    record.Amount   // without a currency when it is about none
	At        time.Time       // UTC; zero when not known
	Run       string          // of a call or a row
	File      string
	Line      int
	Operation string
}

// exceptionsOf are those that a payment itself tells of.
func exceptionsOf(p *payment) (all []Exception) {
	base := Exception{Payment: p.ID, Reference: p.ProcessorDetails.Reference(), At: p.at, File: p.Metadata[record.StampFile]}
	if len(p.damaged) > 0 {
		e := base
		e.Kind, e.Amount = ExceptionDamaged, p.AmountRequested
		e.Reason = "cannot be read, or is in another currency than the payment: " + strings.Join(p.damaged, ", ")
		all = append(all, e)
	}
	unexplained := p.valueIn(p.AmountRefunded)
	for _, r := range p.refunds {
		unexplained -= r.Value // both are amounts of one payment: far from the ends of an int64
	}
	// Of a payment that payrec did not report, nobody expects stamps.
	if _, ours := p.Metadata[record.StampOp]; unexplained != 0 && (ours || len(p.refunds) > 0) {
		e := base
		e.Kind, e.Amount = ExceptionVariance, record.Amount{Currency: p.AmountRequested.Currency, Value: unexplained}
		e.Reason = "Stripe has refunded this much more than the stamps tell of: somebody else reported it, or it has no line in Refunds for another reason"
		if unexplained < 0 {
			e.Reason = "the stamps tell of more refunds than Stripe has, by this much; payrec reconcile says which"
		}
		all = append(all, e)
	}
	if p.locked {
		e := base
		e.Kind, e.Amount, e.At, e.Reason = ExceptionClosed, p.AmountRequested, p.original, "paid before the books were closed: it has no line in Payments"
		all = append(all, e)
	}
	for _, r := range p.refunds {
		if r.locked {
			all = append(all, Exception{Kind: ExceptionClosed, Reason: "refunded before the books were closed: it has no line in Refunds", Payment: p.ID, Reference: r.Reference,
				Call: record.ReportRefund, Amount: record.Amount{Currency: r.Currency, Value: r.Value}, At: r.original, Operation: r.Op})
		}
	}
	return all
}

// exceptionsGrid has one line per exception: the journal's, then those that the
// payments tell of, then those that were left out.
func (d *Dataset) exceptionsGrid() grid {
	zone := d.options.Period.Zone
	g := grid{name: "Exceptions", n: len(d.journal.exceptions) + d.own + len(d.unplaced), empty: "Nothing is open, as far as the payments tell."}
	if d.journal.known {
		g.empty = "Nothing is open."
	}
	g.columns = slices.Concat([]column{
		{name: "kind", title: "Kind", width: 15},
		{name: "reason", title: "What is open", width: 70},
		{name: "payment_record", title: "Payment record", width: 32},
		{name: "reference", title: "Reference", width: 26},
		{name: "call", title: "Call", width: 24},
		{name: "currency", title: "Currency", width: 10},
		{name: "amount", title: "Amount", width: 17, totalIn: "currency"},
	}, moments("at", "Date", zone), []column{
		{name: "run", title: "Run", width: 28},
		{name: "source_file", title: "Source file", width: 32},
		{name: "source_line", title: "Source line", width: 10},
		{name: "operation", title: "Operation", width: 30},
	})
	g.rows = func(yield func([]cell, error) bool) {
		var row []cell
		put := func(e Exception, err error) bool {
			row = e.cells(row[:0], zone)
			return yield(row, err) && err == nil
		}
		for e, err := range d.noted() {
			if !put(e, err) {
				return
			}
		}
		if d.own > 0 {
			for p, err := range d.ahead(0, d.shelf.n) {
				if err != nil {
					put(Exception{}, err)
					return
				}
				for _, e := range exceptionsOf(p) {
					if !put(e, nil) {
						return
					}
				}
			}
		}
		for _, id := range d.unplaced {
			if !put(Exception{Kind: ExceptionLeftOut, Payment: id, Reason: "the date that the period goes by is not known of it: it may belong here"}, nil) {
				return
			}
		}
	}
	return g
}

func (e *Exception) cells(row []cell, zone *time.Location) []cell {
	amount, line := cell{}, cell{}
	if e.Amount.Currency != "" {
		amount = amountCell(e.Amount)
	}
	if e.Line > 0 {
		line = numberCell(int64(e.Line))
	}
	row = append(row, textCell(e.Kind), textCell(e.Reason), textCell(e.Payment), textCell(e.Reference), textCell(string(e.Call)), currencyCell(e.Amount.Currency), amount)
	row = appendMoments(row, e.At, zone)
	return append(row, textCell(e.Run), textCell(e.File), line, textCell(e.Operation))
}
