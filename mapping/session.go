package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
)

// A Session is one import of one or several files. It is used by one
// goroutine: all rows of all files to [Session.Gather] when the mapping
// gathers, then all rows again to [Session.Row], then [Session.Finish].
type Session struct {
	m      *Mapping
	values *values
	checks []*checkRun
	totals *totals

	gathered  []*gathered // by gathering of the mapping
	gathering bool        // in the first pass
	ordinal   int64       // of the body row, in this pass
	copies    copies      // in the first pass

	bound  bool
	header *table.Columns // that the columns are bound to
	file   string
	line   int
	part   bool // the file is one of payrec's own, of rows that were left over

	judge   CardJudge      // or nil
	secrets []secretCell   // under the header that the columns are bound to
	unread  *unreadColumns // of such data, shared by the sessions that read side by side
	final   error          // what ends the reading

	result  *Result    // of the row in work
	single  Result     // what Row returns
	said    []checkRow // what the row in work says to the checks, by check
	scratch *scratch   // what results are made of

	problems []*RowProblem     // of the row's calls
	noted    func(*RowProblem) // is note
	filling  filling           // the call in work
	ruleOf   map[string]int    // by text of the dispatch
	passed   [][]uint64        // by emit: sets of fields with which a call passed its spec
}

// NewSession begins an import. It must be closed.
func (m *Mapping) NewSession() *Session { return m.newSession(maxGroups) }

// newSession keeps so many groups of each kind in memory.
func (m *Mapping) newSession(limit int) *Session {
	s := &Session{m: m, values: newValues(m), totals: newTotals(m), unread: &unreadColumns{}}
	for _, c := range m.checks {
		s.checks = append(s.checks, &checkRun{check: c, groups: newGroups(limit, c.that)})
	}
	for _, g := range m.gatherings {
		s.gathered = append(s.gathered, newGathered(g, limit))
	}
	s.values.gathered = s.gatheredValue
	s.result, s.said, s.scratch = &s.single, make([]checkRow, len(m.checks)), &scratch{}
	s.noted = s.note
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
	for _, g := range s.gathered {
		errs = append(errs, g.groups.Close())
	}
	return errors.Join(errs...)
}

// enter follows the file: its header, its context. It says whether the row is
// to be mapped.
func (s *Session) enter(row *table.Row) (bool, error) {
	if row.Pos.File != s.file || row.Pos.Line <= s.line {
		s.bound, s.file, s.part, s.values.part = false, row.Pos.File, false, false
		clear(s.values.bound)
		s.values.newFile(row.Pos)
		if s.gathering {
			if err := s.copies.begin(row.Pos.File); err != nil {
				return false, err
			}
		}
	}
	s.line = row.Pos.Line
	if row.Err != nil {
		return true, nil
	}
	if row.Header != nil && row.Header.FromRejects() && !s.part {
		if err := s.leftOver(row); err != nil {
			return false, err
		}
	}
	if row.Role == table.Body || row.Role == table.HeaderRow && row.Header != nil && s.m.isBody(row) {
		if !s.bound || row.Header != s.header {
			if err := s.values.bind(row.Header, row.Pos); err != nil {
				return false, err
			}
			s.bound, s.header = true, row.Header
			s.secrets = s.values.secretCells(row.Header)
		}
		if len(s.secrets) > 0 && row.Role == table.Body {
			if err := s.keepOutSecrets(row); err != nil {
				return false, err
			}
		}
	}
	if err := s.values.observe(row); err != nil {
		return false, err
	}
	return row.Role == table.Body, nil
}

// leftOver begins a rejects file: some rows of a file that was imported before.
// Control totals of the whole do not hold for it, and are not asked for. What
// adds up over the rows of a payment would be wrong, so it is refused.
func (s *Session) leftOver(row *table.Row) error {
	s.part, s.values.part = true, true
	if s.m.sums() {
		return &table.Error{Pos: row.Pos, Msg: "this is a file of left-over rows, but the mapping needs all rows of a payment",
			Hint: "mend the original file, or say the params that decide, and import it whole; what was sent before is not sent again"}
	}
	return nil
}

// Row takes a row of any role, in order, and says what became of it. For rows
// that are not body rows, and can be read, the result is nil. The result is
// valid until the next call. An error is about the file as a whole and final:
// a missing column, an unreadable total.
func (s *Session) Row(row *table.Row) (*Result, error) {
	if s.gathering { // the second pass begins
		if err := s.copies.begin(""); err != nil {
			return nil, err
		}
		s.gathering, s.ordinal, s.line = false, 0, row.Pos.Line
	}
	body, err := s.work(row, &s.single, s.said)
	if err != nil {
		return nil, err
	}
	return s.take(row, body, &s.single, s.said)
}

// take takes a row that was worked on, once all rows before it were taken.
func (s *Session) take(row *table.Row, body bool, res *Result, said []checkRow) (*Result, error) {
	switch {
	case body:
		return res, s.feed(res.Pos, said)
	case row.Role == table.Total:
		return nil, s.totals.add(row)
	}
	return nil, nil
}

// work says what becomes of a row, and what it says to the checks. It is false
// for a row that is none of the body.
func (s *Session) work(row *table.Row, res *Result, said []checkRow) (bool, error) {
	body, err := s.enter(row)
	if err != nil || !body {
		return false, err
	}
	*res = Result{Pos: row.Pos, Events: res.Events[:0], Problems: res.Problems[:0]}
	s.result = res
	for i := range said {
		said[i].as = notSaid
	}
	s.begin(row)
	return true, s.decide(row, said)
}

// decide fills the row's result.
func (s *Session) decide(row *table.Row, said []checkRow) error {
	res, v := s.result, s.values
	if row.Err != nil {
		s.reject(damage(row.Err))
		s.say(nil, said)
		return nil
	}
	if s.repeated() {
		return nil
	}
	r, problem := s.classify()
	if problem != nil {
		s.reject(problem)
		s.say(nil, said)
		return nil
	}
	res.Class, res.Disposition, res.Reason = r.class, r.fate, r.reason
	v.give(s.m.isIndex, expression.TextOf(r.class), nil)
	if s.outdated(r) {
		return nil
	}
	s.dispose(r)
	s.keepOutKey()
	if s.final != nil {
		return s.final
	}
	if s.m.total != nil {
		if value, problem := v.eval(s.m.total, "total"); problem == nil && !value.IsEmpty() {
			res.Total = s.scratch.keep(value.Money())
		}
	}
	s.say(r, said)
	return nil
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
	if len(s.result.Events) > 0 {
		s.result.Call, s.result.CallID = s.result.Events[0].Call, s.result.Events[0].ID
	}
	s.result.Events = s.result.Events[:0]
	for _, p := range problems {
		s.result.Problems = append(s.result.Problems, p.masked())
	}
}

// dispose does with a classified row what its rule says.
func (s *Session) dispose(r *rule) {
	res := s.result
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

// say computes what the row says to the checks; r is nil for a row without class.
func (s *Session) say(r *rule, said []checkRow) {
	for i, c := range s.checks {
		switch x := &said[i]; {
		case s.part:
			x.as = saidOfPart
		case r == nil:
			x.as, x.problem = saidUnclassed, &s.result.Problems[0]
		case c.takes(r.class):
			c.say(s.values, x)
		}
	}
}

// feed gives the checks what a row says to them.
func (s *Session) feed(pos table.Pos, said []checkRow) error {
	for i, c := range s.checks {
		if err := c.hear(pos, &said[i]); err != nil {
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
	first := 0
	if d := s.m.dispatch; d != nil {
		text, problem := s.values.text(d.by)
		if problem != nil {
			return nil, problem
		}
		if first = s.rulesFor(d, text); first < d.rules {
			return s.m.rules[first], nil
		}
	}
	for _, r := range s.m.rules[first:] {
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

// A dispatch is by what the first rules tell rows apart, when that is one text
// alone: which of them takes a row then follows from the text.
type dispatch struct {
	by    *match // of the first rule; all the others look at the same
	rules int    // how many rules these are
}

// newDispatch finds out how many of the rules look at one text.
func newDispatch(rules []*rule) *dispatch {
	var d *dispatch
	for _, r := range rules {
		if r.when != nil || len(r.matches) != 1 || r.broken {
			break
		}
		by := &r.matches[0]
		if d == nil {
			d = &dispatch{by: by}
		}
		if by.column != d.by.column || by.let != d.by.let {
			break
		}
		d.rules++
	}
	if d == nil || d.rules < 2 {
		return nil
	}
	return d
}

// mostTexts is how many texts of a dispatch are remembered.
const mostTexts = 256

// rulesFor is the first of the dispatch's rules that accepts the text, or how
// many there are. Texts are few, and remembered.
func (s *Session) rulesFor(d *dispatch, text string) int {
	if i, ok := s.ruleOf[text]; ok {
		return i
	}
	i := 0
	for i < d.rules && !s.m.rules[i].matches[0].accepts(text) {
		i++
	}
	if s.ruleOf == nil {
		s.ruleOf = map[string]int{}
	}
	if len(s.ruleOf) < mostTexts {
		s.ruleOf[strings.Clone(text)] = i
	}
	return i
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
	value, problem := v.eval(r.when, r.what)
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
			if slices.Contains(looked, shown) {
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
					if !slices.Contains(looked, shown) && s.values.slots[i].column == nil && !s.m.isSensitive([]int{i}) {
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
	return append(out, s.unread.warnings()...), nil
}
