package report

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/payrec/payrec/exporter"
)

// A Built report is everything that its files will hold, on disk. It is not
// safe for concurrent use, and holds temporary files until it is closed.
type Built struct {
	r          *Report
	d          *exporter.Dataset
	tables     []*content // one for each sheet, a builtin's without parts
	exceptions []Exception
	more       int // exceptions beyond those
	replaced   int // letters that the encoding lacks, once written
	changed    int // texts that were cut, or lost characters, to fit their columns
}

// An Exception is money that the report has no line for, although it may
// belong to the period.
type Exception struct {
	Payment string `json:"payment"`
	Reason  string `json:"reason"`
}

// maxExceptions bounds those that are kept; all are counted.
const maxExceptions = 10_000

// A builder makes a report from a dataset.
type builder struct {
	*Built
	makers []*maker
	base   *evaluator // of what is said of all payments
	faults Faults
}

// errEnough ends a report with too many faults.
var errEnough = errors.New("too many faults")

// Build computes everything the report holds; the dataset must be of
// [Report.Period]. Nothing is written but temporary files. The error is
// *[Faults] when items are to blame: no file can be had then.
func (r *Report) Build(ctx context.Context, d *exporter.Dataset) (*Built, error) {
	b := &builder{Built: &Built{r: r, d: d}, base: newEvaluator(r.base, r.period.Zone)}
	for _, s := range r.sheets {
		t := &content{sheet: s}
		b.tables = append(b.tables, t)
		if s.builtin == "" {
			b.makers = append(b.makers, newMaker(b, t))
		}
	}
	err := b.build(ctx)
	if errors.Is(err, errEnough) || err == nil && b.faults.Total > 0 {
		err = &b.faults
	}
	for _, m := range b.makers {
		err = errors.Join(err, m.keys.Close())
	}
	if err != nil {
		if closing := b.Close(); closing != nil {
			err = errors.Join(err, closing)
		}
		return nil, err
	}
	return b.Built, nil
}

func (b *builder) build(ctx context.Context) error {
	for _, id := range b.d.Unplaced() {
		b.except(id, "the date that the period goes by is not known")
	}
	if len(b.makers) == 0 {
		return nil
	}
	for _, list := range []iter.Seq2[*exporter.Payment, error]{b.d.Payments(), b.d.LockedPayments()} {
		n := 0
		for p, err := range list {
			if err == nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				return err
			}
			if err := b.payment(p, n); err != nil {
				return err
			}
			n++
		}
	}
	for _, m := range b.makers {
		if err := m.finish(ctx); err != nil {
			return err
		}
	}
	return nil
}

// payment takes one payment: the nth of the dataset, or of its locked ones.
func (b *builder) payment(p *exporter.Payment, n int) error {
	if b.concerns(p) {
		b.locked(p)
		b.unstamped(p)
	}
	for _, m := range b.makers {
		if err := m.payment(p, n); err != nil {
			return err
		}
	}
	return nil
}

// concerns says whether the report is about a payment at all. What is wrong
// with a condition is said by the sheets.
func (b *builder) concerns(p *exporter.Payment) bool {
	b.base.take(&item{Payment: p, zone: b.r.period.Zone})
	for _, where := range b.r.base.where {
		if ok, err := b.base.holds(where); !ok || err != nil {
			return false
		}
	}
	return true
}

// locked notes what has no line because the books are closed.
func (b *builder) locked(p *exporter.Payment) {
	if p.Locked && b.r.within(p.PaidAt) {
		b.except(p.ID, "it was paid on %s, when the books are closed", p.PaidAt.In(b.r.period.Zone).Format(time.DateOnly))
	}
	for _, r := range p.LockedRefunds {
		if b.r.within(r.At) {
			b.except(p.ID, "its refund %q of %s was on %s, when the books are closed", r.Reference, r.Amount, r.At.In(b.r.period.Zone).Format(time.DateOnly))
		}
	}
}

// Close removes the temporary files.
func (b *Built) Close() (err error) {
	for _, t := range b.tables {
		for _, p := range t.parts {
			err = errors.Join(err, p.spool.close())
		}
	}
	return err
}

// Exceptions are what the report has no line for; more is how many there are
// beyond those.
func (b *Built) Exceptions() (all []Exception, more int) { return b.exceptions, b.more }

// Replaced is how many letters that the encoding lacks were written as "?".
func (b *Built) Replaced() int { return b.replaced }

// Changed is how many texts were cut, or lost characters that their column does
// not allow.
func (b *Built) Changed() int { return b.changed }

// Lines is how many lines the report has, over all its own sheets.
func (b *Built) Lines() (n int) {
	for _, t := range b.tables {
		for _, p := range t.parts {
			n += p.n
		}
	}
	return n
}

func (b *Built) except(payment, format string, args ...any) {
	if len(b.exceptions) == maxExceptions {
		b.more++
		return
	}
	b.exceptions = append(b.exceptions, Exception{payment, fmt.Sprintf(format, args...)})
}

// unstamped notes refunds that have no line because nobody knows when they
// were, where refunds make lines.
func (b *builder) unstamped(p *exporter.Payment) {
	lines, dated := false, b.r.period.By == exporter.ByRefunded
	for _, m := range b.makers {
		lines = lines || m.t.sheet.each == "refund" || m.t.sheet.moves()
		dated = dated || m.t.sheet.moves()
	}
	if !lines || p.AmountRefunded.Value == 0 {
		return
	}
	left := p.AmountRefunded.Money()
	for _, r := range slices.Concat(p.Refunds, p.LockedRefunds) {
		if dated && r.At.IsZero() {
			b.except(p.ID, "its refund %q of %s is stamped without a date", r.Reference, r.Amount)
		}
		next, err := left.Sub(r.Amount)
		if err != nil {
			return // of another currency: package exporter calls it damaged
		}
		left = next
	}
	if left.Amount.IsPos() {
		b.except(p.ID, "%s of it was refunded without a stamp, so nobody knows when", left)
	}
}

// within says whether a moment is in the period that was asked for.
func (r *Report) within(t time.Time) bool {
	p := r.period
	return (p.From.IsZero() || !t.Before(p.From)) && (p.To.IsZero() || t.Before(p.To))
}

// moved says whether what moved at a moment is in the period. What is posted
// later, because the books are closed, is of the period of its own date.
func (r *Report) moved(at, original time.Time) bool {
	if !original.IsZero() {
		at = original
	}
	return !at.IsZero() && r.within(at)
}
