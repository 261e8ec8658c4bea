package report

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/extsort"
	"github.com/payrec/payrec/record"
)

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
