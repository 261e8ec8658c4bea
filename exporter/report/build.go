package report

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/extsort"
	"github.com/payrec/payrec/record"
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

// A Fault is an item that the report cannot be made with.
type Fault struct {
	Sheet, Column string // Column is "" when it is about the item as a whole
	Item          string // the payment, and the line that it is from
	Err           error
}

func (f *Fault) Error() string {
	where := fmt.Sprintf("sheet %q", f.Sheet)
	if f.Column != "" {
		where += fmt.Sprintf(", column %q", f.Column)
	}
	return fmt.Sprintf("%s, %s: %v", where, f.Item, f.Err)
}

// Unwrap is what is wrong with it.
func (f *Fault) Unwrap() error { return f.Err }

// Faults are those that a report was stopped by: the first ten, and how many
// there are.
type Faults struct {
	First []*Fault
	Total int
}

func (f *Faults) Error() string {
	var lines []string
	for _, one := range f.First {
		lines = append(lines, one.Error())
	}
	if more := f.Total - len(f.First); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.As find what is wrong with each.
func (f *Faults) Unwrap() []error {
	var out []error
	for _, one := range f.First {
		out = append(out, one)
	}
	return out
}

const (
	shownFaults = 10
	maxFaults   = 1000 // after so many nobody learns anything by going on
)

// add takes a fault in; it says whether to go on.
func (f *Faults) add(one *Fault) bool {
	if f.Total++; len(f.First) < shownFaults {
		f.First = append(f.First, one)
	}
	return f.Total < maxFaults
}

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

// A maker makes the lines of one sheet.
type maker struct {
	b      *builder
	t      *content
	e      *evaluator
	keys   extsort.Sorter // of a sorted sheet: its items
	number int64
	split  split
	pivot  *pivoting
}

func newMaker(b *builder, t *content) *maker {
	m := &maker{b: b, t: t, e: newEvaluator(t.sheet, b.r.period.Zone)}
	m.keys.Limit = extsort.DefaultLimit
	m.split = b.r.split
	m.split.head = b.r.text.head(t.sheet.columns)
	if t.sheet.pivot != nil {
		m.pivot = &pivoting{sums: map[string]*pivotLine{}}
	}
	return m
}

// payment takes the items of one payment, the dataset's nth.
func (m *maker) payment(p *exporter.Payment, n int) error {
	return m.items(p, func(sub int, i *item) error {
		m.number++
		i.number = m.number
		m.e.take(i)
		if ok, err := m.wanted(i); !ok || err != nil {
			m.number--
			return err
		}
		switch {
		case m.pivot != nil:
			return m.fault(i, "", m.pivot.add(m))
		case m.t.sheet.sort != nil:
			return m.remember(i, n, sub)
		}
		return m.lines(i)
	})
}

// items are those that a payment has for the sheet; sub tells them apart.
func (m *maker) items(p *exporter.Payment, yield func(sub int, i *item) error) error {
	r := m.b.r
	in := r.moved
	one := item{Payment: p, zone: r.period.Zone}
	each := m.t.sheet.each
	// A dataset that was collected for movements has other payments as well.
	if r.Period().By == exporter.ByMoved && !m.t.sheet.moves() && !m.placed(p) {
		return nil
	}
	switch {
	case p.Locked && (each == "payment" || each == "attempt"):
		return nil
	case each == "payment":
		return yield(0, &one)
	case each == "posting":
		return postings(p, in, &one, yield)
	case each == "attempt":
		for k := range p.Attempts {
			i := one
			i.attempt, i.rank = &p.Attempts[k], int64(k+1)
			if err := yield(k, &i); err != nil {
				return err
			}
		}
		return nil
	}
	moves := each == "movement"
	if moves && !p.Locked && p.Collected.Amount.IsPos() && in(p.PaidAt, p.OriginalAt) {
		if err := yield(0, &one); err != nil {
			return err
		}
	}
	for k := range p.Refunds {
		if (moves || r.period.By == exporter.ByRefunded) && !in(p.Refunds[k].At, p.Refunds[k].Original) {
			continue
		}
		i := one
		i.refund = &p.Refunds[k]
		if err := yield(k+1, &i); err != nil {
			return err
		}
	}
	return nil
}

// placed says whether a payment itself is in the period.
func (m *maker) placed(p *exporter.Payment) bool {
	if m.b.r.period.By != exporter.ByRefunded {
		return m.b.r.moved(p.PaidAt, p.OriginalAt)
	}
	return slices.ContainsFunc(p.Refunds, func(r exporter.Refund) bool { return m.b.r.moved(r.At, r.Original) })
}

// wanted says whether the current item is in the sheet, and refuses the report
// for one that must not be.
func (m *maker) wanted(i *item) (bool, error) {
	for _, p := range m.t.sheet.where {
		ok, err := m.e.holds(p)
		if err != nil {
			return false, m.fault(i, "", fmt.Errorf("where: %w", err))
		}
		if !ok {
			return false, nil
		}
	}
	for _, r := range m.t.sheet.refuse {
		no, err := m.e.holds(r.when)
		if err == nil && no {
			err = errors.New(r.because)
		}
		if err != nil {
			return false, m.fault(i, "", err)
		}
	}
	return true, nil
}

// fault notes what is wrong with an item; nil goes through.
func (m *maker) fault(i *item, column string, err error) error {
	if err == nil {
		return nil
	}
	if !m.b.faults.add(&Fault{m.t.sheet.name, column, i.label(), err}) {
		return errEnough
	}
	return nil
}

// label is what messages call an item: its payment, and the line that it is from.
func (i *item) label() string {
	if file := i.Metadata[record.StampFile]; file != "" {
		return fmt.Sprintf("%s (%s:%s)", i.ID, file, i.Metadata[record.StampLine])
	}
	return i.ID
}

// remember keeps the current item's place under its sort key.
func (m *maker) remember(i *item, n, sub int) error {
	var key []byte
	for _, k := range m.t.sheet.sort {
		v, err := m.e.eval(k.program)
		if err != nil {
			return m.fault(i, "", fmt.Errorf("sort: %w", err))
		}
		key = appendKey(key, v, k.down)
	}
	place := uint64(2 * n)
	if i.Locked {
		place++
	}
	return m.keys.Add(string(key), binary.AppendUvarint(binary.AppendUvarint(nil, place), uint64(sub)))
}

// finish makes what could not be made before all items were seen.
func (m *maker) finish(ctx context.Context) error {
	switch {
	case m.pivot != nil:
		if err := m.pivot.write(m); err != nil {
			return err
		}
	case m.t.sheet.sort != nil:
		if err := m.sorted(ctx); err != nil {
			return err
		}
	}
	for _, p := range m.t.parts {
		if f := p.endEntry(); f != nil && !m.b.faults.add(f) {
			return errEnough
		}
	}
	m.b.changed += m.e.changed
	return nil
}

// sorted makes the lines of a sorted sheet.
func (m *maker) sorted(ctx context.Context) error {
	m.number = 0
	last, p := -1, (*exporter.Payment)(nil)
	for e, err := range m.keys.Entries() {
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		place, width := binary.Uvarint(e.Value)
		sub, _ := binary.Uvarint(e.Value[width:])
		if int(place) != last {
			read := m.b.d.Payment
			if place%2 == 1 {
				read = m.b.d.LockedPayment
			}
			if p, err = read(int(place / 2)); err != nil {
				return err
			}
			last = int(place)
		}
		m.number++
		i := &item{Payment: p, zone: m.b.r.period.Zone, number: m.number}
		switch each := m.t.sheet.each; {
		case each == "posting":
			i.post(int(sub))
		case each == "attempt":
			i.attempt, i.rank = &p.Attempts[sub], int64(sub)+1
		case each != "payment" && sub > 0:
			i.refund = &p.Refunds[sub-1]
		}
		m.e.take(i)
		if err := m.lines(i); err != nil {
			return err
		}
	}
	return nil
}

// lines makes the current item's lines.
func (m *maker) lines(i *item) error {
	s := m.t.sheet
	key, err := m.e.text(s.splitBy)
	if err != nil {
		return m.fault(i, "", fmt.Errorf("split: %w", err))
	}
	group, err := m.e.text(s.group)
	if err != nil {
		return m.fault(i, "", fmt.Errorf("group: %w", err))
	}
	part, err := m.t.part(key, m.split)
	if err != nil {
		return err
	}
	if len(s.lines) == 0 {
		_, err := m.line(i, part, nil, group)
		return err
	}
	for _, l := range s.lines {
		ok, err := m.e.holds(l.when)
		if err != nil {
			return m.fault(i, "", fmt.Errorf("lines: %w", err))
		}
		if !ok {
			continue
		}
		if made, err := m.line(i, part, l, group); !made || err != nil {
			return err
		}
	}
	return nil
}

// line makes one line; made is whether nothing was wrong with it.
func (m *maker) line(i *item, part *part, l *line, group string) (made bool, err error) {
	row := make([]expression.Value, len(m.t.sheet.columns))
	for k, col := range m.t.sheet.columns {
		v := col.value
		if l != nil && l.set[k] != nil {
			v = l.set[k]
		}
		if row[k], err = m.e.cell(col, v); err != nil {
			part.spoil(i.number)
			return false, m.fault(i, col.title, err)
		}
	}
	wrong, err := part.add(row, i.number, i.label(), group)
	for _, f := range wrong {
		if !m.b.faults.add(f) {
			return false, errEnough
		}
	}
	return true, err
}
