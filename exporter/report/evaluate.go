package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// An evaluator computes a sheet's values for one item after the other.
type evaluator struct {
	s     *sheet
	zone  *time.Location
	frame *expression.Frame
	done  []int64 // by name: the turn in which a let was computed
	turn  int64

	changed int // texts that were cut, or lost characters
}

func newEvaluator(s *sheet, zone *time.Location) *evaluator {
	return &evaluator{s: s, zone: zone, frame: s.scope.NewFrame(), done: make([]int64, len(s.names.list))}
}

// take makes an item the current one.
func (e *evaluator) take(i *item) {
	e.turn++
	for _, index := range e.s.needed {
		e.frame.Set(index, e.s.names.gets[index](i))
	}
}

// eval computes a program, and first the lets that it needs.
func (e *evaluator) eval(p *program) (expression.Value, error) {
	for _, index := range p.refs {
		let := e.s.names.lets[index]
		if let == nil || e.done[index] == e.turn {
			continue
		}
		v, err := e.eval(let)
		if err != nil {
			return v, fmt.Errorf("let %s: %w", e.s.names.list[index].Name, err)
		}
		e.frame.Set(index, v)
		e.done[index] = e.turn
	}
	return p.Eval(e.frame)
}

// holds computes a condition; what is empty does not hold.
func (e *evaluator) holds(p *program) (bool, error) {
	if p == nil {
		return true, nil
	}
	v, err := e.eval(p)
	return v.Bool(), err
}

// text computes a text; "" without a program.
func (e *evaluator) text(p *program) (string, error) {
	if p == nil {
		return "", nil
	}
	v, err := e.eval(p)
	return v.Text(), err
}

// cell computes a column's value and makes of it what the column holds.
func (e *evaluator) cell(col *column, v *value) (expression.Value, error) {
	var x expression.Value
	switch {
	case v == nil:
	case v.program == nil:
		x = expression.TextOf(v.literal)
	default:
		var err error
		if x, err = e.eval(v.program); err != nil {
			return x, err
		}
	}
	if x.IsEmpty() {
		if col.required {
			return x, fmt.Errorf("it is empty, but required")
		}
		return expression.Value{}, nil
	}
	switch col.format {
	case formatText:
		return e.fitted(col, plain(x))
	case formatDigits:
		if s := plain(x); strings.Trim(s, "0123456789") != "" {
			return x, fmt.Errorf("%q is not made of digits alone", shortened(s))
		}
	case formatInteger:
		if !x.Number().IsInt() {
			return x, fmt.Errorf("%s is no whole number", x)
		}
	case formatMoney, formatDecimal:
		return col.figure(x)
	}
	return x, nil
}

// fitted makes a text one that the column takes, and counts those that it
// changed.
func (e *evaluator) fitted(col *column, s string) (expression.Value, error) {
	s, changed, err := col.fit.apply(s)
	if changed {
		e.changed++
	}
	return expression.TextOf(s), err
}

// figure gives a figure the column's decimals, if it says how many.
func (col *column) figure(x expression.Value) (expression.Value, error) {
	if col.decimals < 0 {
		return x, nil
	}
	d := x.Number()
	if x.Kind() == expression.Money {
		d = x.Money().Amount
	}
	if d.MinScale() > col.decimals {
		return x, fmt.Errorf("%s has more than %d decimals", x, col.decimals)
	}
	d = d.Rescale(col.decimals)
	if d.Scale() != col.decimals {
		return x, fmt.Errorf("%s is too large for %d decimals", x, col.decimals)
	}
	if x.Kind() == expression.Money {
		return expression.MoneyOf(record.Money{Amount: d, Currency: x.Money().Currency}), nil
	}
	return expression.NumberOf(d), nil
}

// plain is a value as text: money as a decimal, a time as RFC 3339.
func plain(v expression.Value) string {
	switch v.Kind() {
	case expression.Text:
		return v.Text()
	case expression.Money:
		return v.Money().Text()
	}
	return v.String()
}

func shortened(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
