package mapping

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/payrec/payrec/internal/table"
)

// An Explanation follows one row through a mapping: what every step made of it
// and why. Values of sensitive columns are hidden in it.
type Explanation struct {
	Place    string             `json:"place"` // march.csv:118
	Role     string             `json:"role"`  // body, header, blank, …: only body rows are mapped
	Kind     string             `json:"kind,omitempty"`
	Cells    []ExplainedCell    `json:"cells"`
	Values   []ExplainedValue   `json:"values,omitempty"` // columns, lets, values over several rows, in the order of the mapping
	Rules    []ExplainedRule    `json:"rules,omitempty"`  // those that were tried
	Class    string             `json:"class,omitempty"`
	Fate     string             `json:"disposition,omitempty"`
	Reason   string             `json:"reason,omitempty"`
	Payment  string             `json:"payment,omitempty"` // the payment's key
	Key      string             `json:"key,omitempty"`     // the expression that the key comes from
	Calls    []ExplainedCall    `json:"calls,omitempty"`
	Problems []ExplainedProblem `json:"problems,omitempty"`
}

// An ExplainedCell is a cell as it stands in the file.
type ExplainedCell struct {
	Cell   int    `json:"cell"` // from 1
	Header string `json:"header,omitempty"`
	Text   string `json:"text"`
}

// An ExplainedValue is a name of the mapping, and what this row gives it.
type ExplainedValue struct {
	Name    string            `json:"name"`
	From    string            `json:"from,omitempty"` // the header; or:
	Formula string            `json:"formula,omitempty"`
	Kind    string            `json:"type"`
	Text    string            `json:"text,omitempty"` // of a column: the cell
	Value   string            `json:"value"`          // "" when it is empty
	Needed  bool              `json:"needed"`         // something in the mapping asked for it
	Problem *ExplainedProblem `json:"problem,omitempty"`
}

// An ExplainedRule is a rule that was tried on the row.
type ExplainedRule struct {
	Line    int    `json:"line"` // in the mapping
	Class   string `json:"class"`
	Matched bool   `json:"matched"`
	Why     string `json:"why"` // the first condition that failed, or those that held
}

// An ExplainedCall is a call that the row leads to.
type ExplainedCall struct {
	Call    string           `json:"call"`
	ID      string           `json:"id"`
	Payment string           `json:"payment"`
	Fee     string           `json:"fee,omitempty"`
	Net     string           `json:"net,omitempty"`
	Params  []ExplainedParam `json:"params"`
}

// An ExplainedParam is one field of a call.
type ExplainedParam struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// An ExplainedProblem is what is wrong with a row or a value.
type ExplainedProblem struct {
	Code    string `json:"code"`
	Column  string `json:"column,omitempty"`
	Value   string `json:"value,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// A NoRowError says that the file has no such line.
type NoRowError struct{ Line, Last int }

func (e *NoRowError) Error() string {
	return fmt.Sprintf("there is no line %d; the last row begins on line %d", e.Line, e.Last)
}

// Explain imports the rows up to the one that stands on the line, and says how
// the mapping came to its result. Rows are those of one file, all of them and
// from the start; they are ranged over again when the mapping gathers, or when
// a number looks like a card's. A line within a row that spans several counts
// as that row. The error is a [NoRowError], or of the file as a whole.
func (m *Mapping) Explain(rows iter.Seq2[*table.Row, error], line int) (*Explanation, error) {
	return m.explain(rows, line, false)
}

// Explain1904 is [Mapping.Explain] for a workbook that counts its days from
// 1904.
func (m *Mapping) Explain1904(rows iter.Seq2[*table.Row, error], line int) (*Explanation, error) {
	return m.explain(rows, line, true)
}

func (m *Mapping) explain(rows iter.Seq2[*table.Row, error], line int, date1904 bool) (e *Explanation, err error) {
	s := m.NewSession()
	defer func() { err = errors.Join(err, s.Close()) }()
	s.Date1904(date1904)
	s.JudgeCards(NewCensus(context.Background(), rows).Judge)
	if m.Gathers() {
		for row, err := range rows {
			if err == nil {
				err = s.Gather(row)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	last := 0
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		last = row.Pos.Line
		if last > line {
			break
		}
		// The rows before count as well: headers, context, numbers of rows.
		res, err := s.Row(row)
		if err != nil {
			return nil, err
		}
		if line < row.Pos.Line+max(row.Lines, 1) {
			e := s.explainRow(row, res)
			e.maskCards()
			return e, nil
		}
	}
	return nil, &NoRowError{line, last}
}

// explainRow tells what Row has just made of the row; res is nil for a row
// that is not mapped.
func (s *Session) explainRow(row *table.Row, res *Result) *Explanation {
	e := &Explanation{Place: row.Pos.String(), Role: row.Role.String(), Kind: row.Kind}
	s.explainCells(e, row)
	if res == nil {
		return e
	}
	e.Class, e.Fate, e.Reason, e.Payment = res.Class, res.Disposition.String(), res.Reason, res.Payment
	if s.m.key != nil {
		e.Key = "=" + s.m.key.source
	}
	for i := range res.Problems {
		e.Problems = append(e.Problems, *explained(&res.Problems[i]))
	}
	for i := range res.Events {
		e.Calls = append(e.Calls, explainedCall(&res.Events[i]))
	}
	if row.Err == nil {
		s.explainValues(e)
		s.explainRules(e)
	}
	return e
}

const hidden = "(hidden)"

func (s *Session) explainCells(e *Explanation, row *table.Row) {
	secret := map[int]bool{}
	for _, c := range s.m.columns {
		if at := s.values.cells[c.ordinal]; c.sensitive && c.context == nil && at >= 0 {
			secret[at] = true
		}
	}
	var names []string
	if row.Header != nil && row.Role != table.HeaderRow {
		names = row.Header.Names()
	}
	for i, text := range row.Cells {
		c := ExplainedCell{Cell: i + 1, Text: strings.Clone(text)}
		if i < len(names) {
			c.Header = trimBlanks(names[i])
		}
		if secret[i] && row.Role == table.Body && text != "" {
			c.Text = hidden
		}
		e.Cells = append(e.Cells, c)
	}
}

// explainValues shows every name with its value. What nothing asked for is
// read now, so that its fault, if it has one, is seen but marked as harmless.
func (s *Session) explainValues(e *Explanation) {
	v := s.values
	for i, name := range s.m.scope.Names() {
		x := ExplainedValue{Name: name.Name, Kind: name.Kind.String(), Needed: v.slots[i].row == v.rowNo}
		switch {
		case name.Name == "" || i == s.m.isIndex:
			continue
		case v.slots[i].column != nil:
			c := v.slots[i].column
			x.From, x.Kind = v.header(c), columnTypes[c.kind]
			x.Text, _ = v.raw(c)
		case v.slots[i].let != nil:
			x.Formula = "=" + v.slots[i].let.program.source
		case i < s.m.isIndex:
			continue // line, file and the like
		}
		if problem := v.need(i); problem != nil {
			x.Problem = explained(problem)
		} else if value := v.frame.Get(i); !value.IsEmpty() {
			x.Value = value.String()
		}
		if s.m.isSensitive([]int{i}) {
			x.Text, x.Value = hide(x.Text), hide(x.Value)
		}
		e.Values = append(e.Values, x)
	}
}

func hide(s string) string {
	if s == "" {
		return ""
	}
	return hidden
}

// explainRules tries the rules once more, and says of each what decided.
func (s *Session) explainRules(e *Explanation) {
	for _, r := range s.m.rules {
		x := ExplainedRule{Line: r.node.Line, Class: r.class}
		x.Matched, x.Why = s.explainRule(r)
		e.Rules = append(e.Rules, x)
		if x.Matched {
			return
		}
	}
}

func (s *Session) explainRule(r *rule) (matched bool, why string) {
	v := s.values
	var held []string
	for i := range r.matches {
		m := &r.matches[i]
		text, problem := v.text(m)
		if problem != nil {
			return false, problem.Error()
		}
		shown := fmt.Sprintf("%s is %q", m.name, cutText(text, 60))
		if m.column != nil && m.column.sensitive || m.let != nil && s.m.isSensitive([]int{m.let.index}) {
			shown = m.name + " is " + hidden
		}
		if !m.accepts(text) {
			return false, shown + ", not " + m.wanted()
		}
		held = append(held, shown)
	}
	if r.when == nil {
		if held == nil {
			return true, "the rule has no conditions"
		}
		return true, strings.Join(held, ", ")
	}
	value, problem := v.eval(r.when, fmt.Sprintf("the rule for %q", r.class))
	if problem != nil {
		return false, problem.Error()
	}
	if with := s.with(r.when); with != "" {
		return value.Bool(), strings.Join(append(held, fmt.Sprintf("%s is %t, with %s", r.when.source, value.Bool(), with)), ", ")
	}
	return value.Bool(), strings.Join(append(held, fmt.Sprintf("%s is %t", r.when.source, value.Bool())), ", ")
}

// wanted lists the texts that a match takes.
func (m *match) wanted() string {
	var list []string
	for i, g := range m.globs {
		if i == 6 && len(m.globs) > 7 {
			return fmt.Sprintf("%s or %d others", strings.Join(list, ", "), len(m.globs)-i)
		}
		list = append(list, fmt.Sprintf("%q", g.exact))
	}
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " or " + list[n-1]
	}
	return strings.Join(list, "")
}

// with lists the values that an expression refers to.
func (s *Session) with(p *program) string {
	var list []string
	for _, i := range p.refs {
		name := s.m.scope.Names()[i].Name
		if s.values.need(i) != nil || name == "" {
			continue
		}
		text := s.values.frame.Get(i).String()
		if s.m.isSensitive([]int{i}) {
			text = hidden
		}
		list = append(list, fmt.Sprintf("%s = %s", name, cutText(text, 60)))
	}
	return strings.Join(list, ", ")
}

func explained(p *RowProblem) *ExplainedProblem {
	return &ExplainedProblem{Code: p.Code, Column: p.Column, Value: p.Value, Message: p.Msg, Hint: p.Hint}
}

func explainedCall(event *Event) ExplainedCall {
	x := ExplainedCall{Call: string(event.Call), ID: event.ID, Payment: event.Payment, Fee: eventText(event, "fee"), Net: eventText(event, "net")}
	for _, p := range event.Params {
		x.Params = append(x.Params, ExplainedParam{p.Path, p.Value})
	}
	return x
}
