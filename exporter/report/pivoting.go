package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// A pivoting is a pivot being added up.
type pivoting struct {
	sums map[string]*pivotLine // by everything that its rows say
}

// A pivotLine is one line of a pivot.
type pivotLine struct {
	part string
	rows []string
	sums []record.Money // a number has no currency
	any  []bool         // which of them something was added to
}

// maxPivot bounds the lines of a pivot, which are kept in memory.
const maxPivot = 100_000

// add adds the current item: each figure to the line of its currency.
func (v *pivoting) add(m *maker) error {
	p := m.t.sheet.pivot
	part, err := m.e.text(m.t.sheet.splitBy)
	if err != nil {
		return fmt.Errorf("split: %w", err)
	}
	own, err := m.e.text(p.own)
	if err != nil {
		return err
	}
	rows := make([]string, len(p.rows))
	for i, r := range p.rows {
		if r.program == nil {
			continue
		}
		x, err := m.e.eval(r.program)
		if err != nil {
			return fmt.Errorf("%s: %w", r.title, err)
		}
		rows[i] = plain(x)
	}
	for i, t := range p.values {
		amount := record.Money{Amount: integer(1).Number()}
		if t.program != nil {
			x, err := m.e.eval(t.program)
			if err != nil {
				return fmt.Errorf("%s: %w", t.title, err)
			}
			if x.IsEmpty() {
				continue
			}
			if amount = x.Money(); x.Kind() == expression.Number {
				amount = record.Money{Amount: x.Number()}
			}
		}
		rows[p.currency] = own
		if amount.Currency != "" {
			rows[p.currency] = amount.Currency.Upper()
		}
		line, err := v.line(part, rows, len(p.values))
		if err != nil {
			return err
		}
		if line.sums[i], err = line.sums[i].Add(amount); err != nil {
			return fmt.Errorf("%s: %w", t.title, err)
		}
		line.any[i] = true
	}
	return nil
}

func (v *pivoting) line(part string, rows []string, values int) (*pivotLine, error) {
	key := part + "\x00" + strings.Join(rows, "\x00")
	if l := v.sums[key]; l != nil {
		return l, nil
	}
	if len(v.sums) == maxPivot {
		return nil, fmt.Errorf("the pivot has more than %d lines; leave out what tells single payments apart", maxPivot)
	}
	l := &pivotLine{part, slices.Clone(rows), make([]record.Money, values), make([]bool, values)}
	v.sums[key] = l
	return l, nil
}

// write makes the sheet's lines, in the order of what the rows say.
func (v *pivoting) write(m *maker) error {
	p := m.t.sheet.pivot
	for n, key := range slices.Sorted(maps.Keys(v.sums)) {
		l := v.sums[key]
		var row []expression.Value
		for _, text := range l.rows {
			row = append(row, expression.TextOf(text))
		}
		for i, t := range p.values {
			switch {
			case !l.any[i]:
				row = append(row, expression.Value{})
			case t.kind == expression.Number:
				row = append(row, expression.NumberOf(l.sums[i].Amount))
			default:
				row = append(row, expression.MoneyOf(l.sums[i]))
			}
		}
		part, err := m.t.part(l.part, m.split)
		if err != nil {
			return err
		}
		wrong, err := part.add(row, int64(n)+1, strings.Join(l.rows, ", "), "")
		for _, f := range wrong {
			if !m.b.faults.add(f) {
				return errEnough
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
