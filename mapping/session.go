package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// A Session is one import of one or several files. It is used by one
// goroutine: all rows of all files to [Session.Gather] when the mapping
// gathers, then all rows again to [Session.Row], then [Session.Finish].
type Session struct {
	m      *Mapping
	values *values
	checks []*checkRun
	totals *totals

	payments *groups          // states of payment.let; nil when there are none
	spoiled  map[string]error // payments of which a row could not be read
	prepared bool

	bound  bool
	header *table.Columns // that the columns are bound to
	file   string
	line   int

	result  Result
	found   states // of the current row's payment, once looked up
	foundOK bool
}

// NewSession begins an import. It must be closed.
func (m *Mapping) NewSession() *Session {
	s := &Session{m: m, values: newValues(m), totals: newTotals(m), spoiled: map[string]error{}}
	for _, c := range m.checks {
		s.checks = append(s.checks, &checkRun{check: c, groups: newGroups(maxGroups, c.that)})
	}
	if m.Gathers() {
		var list []*aggregate
		for _, l := range m.payLets {
			list = append(list, l.aggregate)
		}
		s.payments = newGroups(maxGroups, list...)
		s.values.payment = s.paymentValue
	}
	return s
}

// Date1904 says that the workbook read next counts its days from 1904 instead
// of 1900. It holds until it is called again.
func (s *Session) Date1904(yes bool) { s.values.date1904 = yes }

// Close removes what the session keeps on disk.
func (s *Session) Close() error {
	var errs []error
	for _, c := range s.checks {
		errs = append(errs, c.groups.Close())
	}
	if s.payments != nil {
		errs = append(errs, s.payments.Close())
	}
	return errors.Join(errs...)
}

// enter follows the file: its header, its context. It says whether the row is
// to be mapped.
func (s *Session) enter(row *table.Row) (bool, error) {
	if row.Pos.File != s.file || row.Pos.Line <= s.line {
		s.bound, s.file = false, row.Pos.File
		clear(s.values.context)
	}
	s.line = row.Pos.Line
	if row.Err != nil {
		return true, nil
	}
	switch row.Role {
	case table.HeaderRow, table.Body:
		if row.Role == table.HeaderRow && row.Header == nil || s.bound && row.Header == s.header {
			break
		}
		if err := s.values.bind(row.Header, row.Pos); err != nil {
			return false, err
		}
		s.bound, s.header = true, row.Header
	case table.Context:
		s.values.context[row.Kind] = append([]string(nil), row.Cells...)
	}
	return row.Role == table.Body, nil
}

// Gather takes a row in the first pass, for values over a payment's rows. What
// is wrong with a row shows in the second pass; the error is final.
func (s *Session) Gather(row *table.Row) error {
	body, err := s.enter(row)
	if err != nil || !body || row.Err != nil || s.payments == nil {
		return err
	}
	v := s.values
	v.begin(row)
	r, problem := s.classify()
	if r == nil || problem != nil {
		return nil
	}
	v.give(s.m.isIndex, expression.TextOf(r.class), nil)
	key, problem := s.key()
	if problem != nil || key == "" {
		return nil
	}
	st, err := s.payments.of(key)
	if err != nil {
		return err
	}
	for i, l := range s.m.payLets {
		if problem := v.needAll(l.aggregate.refs); problem != nil {
			s.spoil(key, fmt.Errorf("%s: %w", row.Pos, problem))
		} else if err := st[i].Add(v.frame); err != nil {
			s.spoil(key, fmt.Errorf("%s: %w", row.Pos, err))
		}
	}
	return nil
}

// mostSpoiled bounds the memory for payments that cannot be summed up.
const mostSpoiled = 10_000

func (s *Session) spoil(key string, err error) {
	if len(s.spoiled) >= mostSpoiled {
		key, err = "", errors.New("too many rows cannot be read") // spoils all
	}
	if s.spoiled[key] == nil {
		s.spoiled[strings.Clone(key)] = err
	}
}

// paymentValue is a value of payment.let for the current row.
func (s *Session) paymentValue(index int) (expression.Value, *RowProblem) {
	for i, l := range s.m.payLets {
		if l.index != index {
			continue
		}
		value, err := s.paymentLet(i)
		if err != nil {
			return value, &RowProblem{Code: "expression", Msg: fmt.Sprintf("payment.let %q: %v", l.name, err)}
		}
		return value, nil
	}
	return expression.Value{}, nil
}

func (s *Session) paymentLet(i int) (expression.Value, error) {
	key := s.result.Payment
	if err := errors.Join(s.spoiled[key], s.spoiled[""]); err != nil {
		return expression.Value{}, err
	}
	if !s.prepared {
		if err := s.payments.prepare(); err != nil {
			return expression.Value{}, err
		}
		s.prepared = true
	}
	if !s.foundOK {
		st, err := s.payments.find(key)
		if err != nil {
			return expression.Value{}, err
		}
		s.found, s.foundOK = st, true
	}
	if s.found == nil {
		return expression.Value{}, errors.New("the row was not there when the file was read first; did the file change?")
	}
	return s.m.payLets[i].aggregate.Eval(s.found[i], expression.TextOf(key), nil)
}

// Row takes a row of any role, in order, and says what became of it. For rows
// that are not body rows, and can be read, the result is nil. The result is
// valid until the next call. An error is about the file as a whole and final:
// a missing column, an unreadable total.
func (s *Session) Row(row *table.Row) (*Result, error) {
	body, err := s.enter(row)
	if err != nil {
		return nil, err
	}
	if !body {
		if row.Role == table.Total {
			return nil, s.totals.add(row)
		}
		return nil, nil
	}
	s.result = Result{Pos: row.Pos, Events: s.result.Events[:0], Problems: s.result.Problems[:0]}
	s.found, s.foundOK = nil, false
	res, v := &s.result, s.values
	v.begin(row)
	if row.Err != nil {
		s.reject(damage(row.Err))
		return res, s.feed(nil)
	}
	r, problem := s.classify()
	if problem != nil {
		s.reject(problem)
		return res, s.feed(nil)
	}
	res.Class, res.Disposition, res.Reason = r.class, r.fate, r.reason
	v.give(s.m.isIndex, expression.TextOf(r.class), nil)
	s.dispose(r)
	if s.m.total != nil {
		if value, problem := v.eval(s.m.total, "total"); problem == nil && !value.IsEmpty() {
			m := value.Money()
			res.Total = &m
		}
	}
	return res, s.feed(r)
}

// damage is a row that the table reader calls wrong.
func damage(err error) *RowProblem {
	p := &RowProblem{Code: "ragged", Msg: err.Error(), Fatal: true}
	var e *table.Error
	if errors.As(err, &e) {
		p.Column, p.Value, p.Msg, p.Hint = e.Column, e.Value, e.Msg, e.Hint
	}
	return p
}

func (s *Session) reject(problems ...*RowProblem) {
	s.result.Disposition = Rejected
	s.result.Events = s.result.Events[:0]
	for _, p := range problems {
		s.result.Problems = append(s.result.Problems, *p)
	}
}

// dispose does with a classified row what its rule says.
func (s *Session) dispose(r *rule) {
	res := &s.result
	key, problem := s.key()
	res.Payment = key
	switch {
	case r.isError:
		s.reject(&RowProblem{Code: "error_class", Msg: r.reason})
	case r.fate == Emitted, r.fate == Attached:
		if problem == nil && key == "" {
			problem = &RowProblem{Code: "empty_value", Msg: fmt.Sprintf("the payment's key (=%s) is empty, so nobody knows which payment the row belongs to", s.m.key.source)}
			problem.blame(s.values, s.m.key.refs)
		}
		if problem != nil {
			s.reject(problem)
		} else if r.fate == Emitted {
			s.emit(r)
		}
	}
	if problem != nil && problem.Fatal && res.Disposition != Rejected {
		s.reject(problem) // a spoiled identifier is the whole file's, whatever the row
	}
}

// feed gives the row to the checks; r is nil for a row without class.
func (s *Session) feed(r *rule) error {
	for _, c := range s.checks {
		if r == nil {
			c.unread(s.result.Pos, &s.result.Problems[0])
			continue
		}
		if !c.takes(r.class) {
			continue
		}
		if err := c.add(s.values); err != nil {
			return err
		}
	}
	return nil
}

// key is the row's payment.
func (s *Session) key() (string, *RowProblem) {
	value, problem := s.values.eval(s.m.key, "the payment's key")
	if problem != nil {
		return "", problem
	}
	return encodeKey(value), nil
}

// classify finds the first rule that matches.
func (s *Session) classify() (*rule, *RowProblem) {
	for _, r := range s.m.rules {
		ok, problem := s.values.matches(r)
		if problem != nil {
			return nil, problem
		}
		if ok {
			return r, nil
		}
	}
	return nil, s.unclassified()
}

func (v *values) matches(r *rule) (bool, *RowProblem) {
	for i := range r.matches {
		text, problem := v.text(&r.matches[i])
		if problem != nil {
			return false, problem
		}
		if !r.matches[i].accepts(text) {
			return false, nil
		}
	}
	if r.when == nil {
		return true, nil
	}
	value, problem := v.eval(r.when, fmt.Sprintf("the rule for %q", r.class))
	return problem == nil && value.Bool(), problem
}

// unclassified is a row that no rule knows, with what the rules looked at.
func (s *Session) unclassified() *RowProblem {
	p := &RowProblem{Code: "no_class", Fatal: true, Hint: "add a rule that says what such rows are"}
	var looked []string
	var columns []*column
	for _, r := range s.m.rules {
		for i := range r.matches {
			m := &r.matches[i]
			text, _ := s.values.text(m)
			shown := fmt.Sprintf("%s %q", m.name, cutText(text, 60))
			if m.column != nil && m.column.sensitive || m.let != nil && s.m.isSensitive([]int{m.let.index}) {
				shown = m.name + " (hidden)"
			}
			if contains(looked, shown) {
				continue
			}
			looked = append(looked, shown)
			if m.column != nil {
				columns = append(columns, m.column)
			}
		}
		if r.when != nil {
			for _, i := range r.when.refs {
				if s.values.need(i) == nil {
					shown := fmt.Sprintf("%s %s", s.m.scope.Names()[i].Name, cutText(s.values.frame.Get(i).String(), 60))
					if !contains(looked, shown) && s.values.columns[i] == nil && !s.m.isSensitive([]int{i}) {
						looked = append(looked, shown)
					}
				}
			}
		}
	}
	p.Msg = "no rule matches this row: " + strings.Join(looked, ", ")
	if len(columns) == 1 {
		p.Column = s.values.header(columns[0])
		p.Value, _ = s.values.raw(columns[0])
		p.hide(columns[0])
	}
	return p
}

// Finish judges the checks after the last row: those that fail, one entry per
// group, and one entry for each that holds. The error is final.
func (s *Session) Finish() ([]CheckResult, error) {
	var out []CheckResult
	for _, c := range s.checks {
		results, err := c.results(s.totals)
		if err != nil {
			return nil, fmt.Errorf("check %q: %w", c.name, err)
		}
		out = append(out, results...)
	}
	return out, nil
}

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
	for _, e := range s.m.emits[r.class] {
		if e.when != nil {
			value, problem := s.values.eval(e.when, "the emit's when")
			note(problem)
			if problem != nil || !value.Bool() {
				continue
			}
		}
		event := Event{Call: e.call, Payment: s.result.Payment, Order: order, Class: r.class, Pos: s.result.Pos}
		s.fill(&event, e, note)
		s.result.Events = append(s.result.Events, event)
	}
	switch {
	case len(problems) > 0:
		s.reject(problems...)
	case len(s.result.Events) == 0:
		s.result.Disposition, s.result.Reason = Ignored, `no emit of the class applies: its "when" does not hold`
	}
}

// order is the place of the row in its payment's life: text that compares as
// bytes.
func (s *Session) order() (string, *RowProblem) {
	if s.m.order == nil {
		return "", nil
	}
	value, problem := s.values.eval(s.m.order, "payment.order")
	if problem != nil {
		return "", problem
	}
	switch value.Kind() {
	case expression.Number:
		d := value.Number()
		if whole, frac, ok := d.Int64(9); ok && whole >= 0 && frac >= 0 {
			return fmt.Sprintf("%019d.%09d", whole, frac), nil
		}
		return "", &RowProblem{Code: "expression", Msg: fmt.Sprintf("payment.order must be a number from 0 on, not %s", d)}
	case expression.Text:
		return value.Text(), nil
	}
	if value.IsEmpty() {
		p := &RowProblem{Code: "empty_value", Msg: fmt.Sprintf("payment.order (=%s) is empty", s.m.order.source)}
		p.blame(s.values, s.m.order.refs)
		return "", p
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
	if before == 0 { // else missing fields would only repeat what is known
		for _, fault := range e.spec.Check(event.Params) {
			note(e.fault(v, fault))
		}
	}
	event.Amount = amountOf(event.Params)
	event.Fee = v.optionalMoney(e.fee, "fee", note)
	event.Net = v.optionalMoney(e.net, "net", note)
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
func (v *values) optionalMoney(p *program, what string, note func(*RowProblem)) *record.Money {
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
	m := value.Money()
	return &m
}
