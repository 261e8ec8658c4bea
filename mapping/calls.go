package mapping

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// emit makes the calls of the row. Everything that is wrong with them is
// reported at once.
func (s *Session) emit(r *rule) {
	s.problems = s.problems[:0]
	note := s.noted
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
		s.result.Events = append(s.result.Events, Event{Call: e.call, Payment: s.result.Payment, Order: order, Class: r.class, Pos: s.result.Pos})
		event := &s.result.Events[len(s.result.Events)-1]
		s.fill(event, e, note)
		s.keepOutCards(event, note)
	}
	switch {
	case len(s.problems) > 0:
		s.reject(s.problems...)
		s.failLed(r)
	case len(s.result.Events) == 0 && attached:
		s.result.Disposition, s.result.Reason = Attached, "its call is made once, with the first of the rows that it stands for"
	case len(s.result.Events) == 0:
		s.result.Disposition, s.result.Reason = Ignored, `no emit of the class applies: its "when" does not hold`
	}
}

// note adds what is wrong with the row's calls, once.
func (s *Session) note(p *RowProblem) {
	if p == nil {
		return
	}
	for _, other := range s.problems {
		if *other == *p {
			return
		}
	}
	s.problems = append(s.problems, p)
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
	return s.scratch.text(appendInstant(s.scratch.number[:0], value.Instant())), nil
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
	f := &s.filling
	*f = filling{values: v, scratch: s.scratch, note: note, emit: e, event: event, known: f.known, sure: e.wildcard == nil && len(e.targets) <= 64}
	event.Params = s.scratch.room(len(e.targets) + 4)
	for i, t := range e.targets {
		f.target(i, t)
	}
	if e.wildcard != nil {
		v.wildcard(&event.Params, e.wildcard, func(p *RowProblem) { f.problem(p) })
	}
	s.scratch.used(event.Params)
	if f.problems == 0 { // else missing fields would only repeat what is known
		s.check(f)
	}
	if e.amount < 0 {
		event.Amount = amountOf(event.Params)
	}
	event.Fee = v.optionalMoney(e.fee, "fee", note, s.scratch.keep)
	event.Net = v.optionalMoney(e.net, "net", note, s.scratch.keep)
}

// check holds the call against its spec. Where every value is sure to pass, and
// a call with the same fields passed before, it passes as well: the rest of the
// spec is about which fields there are.
func (s *Session) check(f *filling) {
	e := f.emit
	if s.passed == nil {
		s.passed = make([][]uint64, s.m.emitted)
	}
	if f.sure && slices.Contains(s.passed[e.number], f.set) {
		return
	}
	faults := e.spec.Check(f.event.Params)
	for _, fault := range faults {
		f.note(e.fault(s.values, fault))
	}
	if f.sure && len(faults) == 0 && len(s.passed[e.number]) < mostPassed {
		s.passed[e.number] = append(s.passed[e.number], f.set)
	}
}

// mostPassed is how many sets of fields of one emit are remembered.
const mostPassed = 16

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
