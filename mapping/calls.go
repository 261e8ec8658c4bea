package mapping

import (
	"fmt"
	"strconv"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// emit makes the calls of the row. Everything that is wrong with them is
// reported at once.
func (s *Session) emit(r *rule) {
	var problems []*RowProblem
	note := func(p *RowProblem) {
		if p == nil {
			return
		}
		for _, other := range problems {
			if *other == *p {
				return
			}
		}
		problems = append(problems, p)
	}
	order, problem := s.order()
	note(problem)
	attached := false
	for _, e := range s.m.emits[r.class] {
		if e.per != nil {
			made, elsewhere := s.leads(e, note)
			attached = attached || elsewhere
			if !made {
				continue
			}
		} else if e.when != nil {
			value, problem := s.values.eval(e.when, "the emit's when")
			note(problem)
			if problem != nil || !value.Bool() {
				continue
			}
		}
		event := Event{Call: e.call, Payment: s.result.Payment, Order: order, Class: r.class, Pos: s.result.Pos}
		s.fill(&event, e, note)
		s.keepOutCards(&event, note)
		s.result.Events = append(s.result.Events, event)
	}
	switch {
	case len(problems) > 0:
		s.reject(problems...)
		s.failLed(r)
	case len(s.result.Events) == 0 && attached:
		s.result.Disposition, s.result.Reason = Attached, "its call is made once, with the first of the rows that it stands for"
	case len(s.result.Events) == 0:
		s.result.Disposition, s.result.Reason = Ignored, `no emit of the class applies: its "when" does not hold`
	}
}

// order is the place of the row in its payment's life: text that compares as
// bytes.
func (s *Session) order() (string, *RowProblem) {
	return s.orderText(s.m.order, "payment.order")
}

// orderText is a value as text that compares as bytes.
func (s *Session) orderText(p *program, what string) (string, *RowProblem) {
	if p == nil {
		return "", nil
	}
	value, problem := s.values.eval(p, what)
	if problem != nil {
		return "", problem
	}
	switch value.Kind() {
	case expression.Number:
		d := value.Number()
		if whole, frac, ok := d.Int64(9); ok && whole >= 0 && frac >= 0 {
			return fmt.Sprintf("%019d.%09d", whole, frac), nil
		}
		return "", &RowProblem{Code: "expression", Msg: fmt.Sprintf("%s must be a number from 0 on, not %s", what, d)}
	case expression.Text:
		return value.Text(), nil
	}
	if value.IsEmpty() {
		problem := &RowProblem{Code: "empty_value", Msg: fmt.Sprintf("%s (=%s) is empty", what, p.source)}
		problem.blame(s.values, p.refs)
		return "", problem
	}
	return value.Time().UTC().Format(timeLayout), nil
}

// fill computes the parts of one call.
func (s *Session) fill(event *Event, e *emit, note func(*RowProblem)) {
	v := s.values
	if id, problem := v.eval(e.id, "the call's id"); problem != nil {
		note(problem)
	} else if event.ID = encodeKey(id); event.ID == "" {
		p := &RowProblem{Code: "empty_value", Msg: fmt.Sprintf("the call's id (=%s) is empty", e.id.source)}
		p.blame(v, e.id.refs)
		note(p)
	}
	event.Params = make(record.Params, 0, len(e.targets)+2)
	before := 0
	count := func(p *RowProblem) { before++; note(p) }
	for _, t := range e.targets {
		v.target(&event.Params, t, count)
	}
	v.wildcard(&event.Params, e.wildcard, count)
	if before == 0 { // else missing fields would only repeat what is known
		for _, fault := range e.spec.Check(event.Params) {
			note(e.fault(v, fault))
		}
	}
	event.Amount = amountOf(event.Params)
	event.Fee = v.optionalMoney(e.fee, "fee", note, s.scratch.keep)
	event.Net = v.optionalMoney(e.net, "net", note, s.scratch.keep)
}

func amountOf(p record.Params) record.Amount {
	for _, field := range []string{"amount_requested", "amount"} {
		value, ok := p.Get(field + ".value")
		currency, _ := p.Get(field + ".currency")
		if n, err := strconv.ParseInt(value, 10, 64); ok && err == nil {
			return record.Amount{Currency: record.Currency(currency), Value: n}
		}
	}
	return record.Amount{}
}

// optionalMoney is a fee or a net amount: nil when the mapping or the row has
// none.
func (v *values) optionalMoney(p *program, what string, note func(*RowProblem), keep func(record.Money) *record.Money) *record.Money {
	if p == nil {
		return nil
	}
	value, problem := v.eval(p, what)
	if problem != nil {
		note(problem)
		return nil
	}
	if value.IsEmpty() {
		return nil
	}
	return keep(value.Money())
}
