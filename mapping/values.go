package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// values are the typed values of one row, each made when it is first needed.
type values struct {
	m           *Mapping
	frame       *expression.Frame
	row         *table.Row
	cells       []int                    // by column: cell index, -1 absent
	bound       map[*table.Columns][]int // cells by header, so that records of several kinds bind once
	stated      []statement              // by column: what the file states for all rows
	underHeader bool                     // the next body row is the first below its header
	wild        map[*wildcard]wildBinding
	part        bool              // the rows are left over from another file
	given       map[string]string // context that a test states for its rows
	zones       map[string]*time.Location
	span        zoneSpan
	times       []knownTime // by column: the last that was read
	currencies  knownCurrencies

	rowNo uint64 // of the row in work: what was made for another is not known
	slots []slot // by scope index

	ordinal  int64                                           // of the row, over all files
	date1904 bool                                            // the workbook counts its days from 1904
	gathered func(index int) (expression.Value, *RowProblem) // values over several rows
}

// A slot is what is known of a name in the row in work, besides its value, which
// the frame has.
type slot struct {
	row    uint64      // that the value was made for
	failed *RowProblem // why there is none
	column *column     // or:
	let    *let        // nil as well: neither
}

func newValues(m *Mapping) *values {
	n := len(m.scope.Names())
	v := &values{m: m, frame: m.scope.NewFrame(), cells: make([]int, len(m.columns)), bound: map[*table.Columns][]int{}, stated: make([]statement, len(m.columns)), times: make([]knownTime, len(m.columns)),
		zones: map[string]*time.Location{}, slots: make([]slot, n)}
	for _, c := range m.columns {
		if c.index >= 0 {
			v.slots[c.index].column = c
		}
	}
	for _, l := range m.lets {
		v.slots[l.index].let = l
	}
	return v
}

// begin takes a new row; nothing is read of it yet.
func (v *values) begin(row *table.Row) {
	v.row = row
	v.rowNo++
}

// bind finds the cells of the columns under a header. All that are missing are
// named at once.
func (v *values) bind(header *table.Columns, pos table.Pos) error {
	if cells, ok := v.bound[header]; ok {
		v.cells = cells
		return nil
	}
	if len(v.bound) > 100 { // a hostile file changes its header with every row
		clear(v.bound)
	}
	v.cells = make([]int, len(v.m.columns))
	v.bound[header] = v.cells
	var missing, hints, twice []string
	for i, c := range v.m.columns {
		v.cells[i] = -1
		switch {
		case c.context != nil && !c.context.ofBody():
			continue
		case len(c.headers) == 0:
			v.cells[i] = c.cell - 1
			continue
		case header == nil:
		default:
			for _, name := range c.headers {
				if at := header.Index(name, c.occurrence); at >= 0 {
					v.cells[i] = at
					if !c.chosen && header.Index(name, 2) >= 0 {
						twice = append(twice, strconv.Quote(name))
					}
					break
				}
			}
		}
		if v.cells[i] < 0 && !c.optional {
			name := strconv.Quote(c.headers[0])
			if c.occurrence > 1 {
				name += fmt.Sprintf(" (number %d of that name)", c.occurrence)
			}
			missing = append(missing, name)
			if header != nil {
				if near := header.Suggest(c.headers[0]); near != "" {
					hints = append(hints, fmt.Sprintf("did you mean %q for %q?", near, c.headers[0]))
				}
			}
		}
	}
	if len(missing) == 0 && len(twice) > 0 {
		return &table.Error{Pos: pos, Msg: "the header has more than one column " + strings.Join(twice, ", "),
			Hint: "say under columns which one is meant, with occurrence: 1 or 2"}
	}
	if len(missing) == 0 {
		return nil
	}
	e := &table.Error{Pos: pos, Msg: "the file has no column " + strings.Join(missing, ", ")}
	if len(hints) > 0 {
		e.Hint = strings.Join(hints, " ") + " "
	}
	e.Hint += fmt.Sprintf("the mapping %q needs it; if the file is right, name the header under columns", v.m.name)
	if len(missing) > 1 {
		e.Hint = strings.Replace(e.Hint, "needs it;", "needs them;", 1)
	}
	return e
}

// raw is a column's text in this row, without blanks around it.
func (v *values) raw(c *column) (text string, cell int) {
	at := v.cells[c.ordinal]
	if c.context != nil {
		return v.m.input.stripped(v.stated[c.ordinal].text), -1
	}
	s, _ := v.row.Cell(at)
	if s = trimBlanks(s); len(v.m.input.strip) > 0 {
		s = v.m.input.stripped(s)
	}
	return s, at
}

// text is what match compares: the raw text of a column, or its default's when
// the cell is empty, or a let's.
func (v *values) text(m *match) (string, *RowProblem) {
	if m.column != nil {
		s, _ := v.raw(m.column)
		if m.column.hasDefault && (s == "" || slices.Contains(v.m.input.empty, s)) {
			s = m.column.standIn
		}
		return s, nil
	}
	if p := v.need(m.let.index); p != nil {
		return "", p
	}
	return v.frame.Get(m.let.index).Text(), nil
}

// eval computes an expression over the row. what says for a message what is
// being computed: `let "gross"`.
func (v *values) eval(p *program, what string) (expression.Value, *RowProblem) {
	if p.bare >= 0 {
		if problem := v.need(p.bare); problem != nil {
			return expression.Value{}, problem
		}
		return v.frame.Get(p.bare), nil
	}
	if problem := v.needAll(p.refs); problem != nil {
		return expression.Value{}, problem
	}
	value, err := p.Eval(v.frame)
	if err != nil {
		return value, v.problem(p, what, err)
	}
	return value, nil
}

func (v *values) needAll(refs []int) *RowProblem {
	for _, i := range refs {
		if problem := v.need(i); problem != nil {
			return problem
		}
	}
	return nil
}

func (v *values) need(i int) *RowProblem {
	s := &v.slots[i]
	if s.row != v.rowNo {
		v.make(i, s)
	}
	return s.failed
}

// give sets a value that is not computed here: the class, the payment's.
func (v *values) give(i int, value expression.Value, problem *RowProblem) {
	s := &v.slots[i]
	s.row, s.failed = v.rowNo, problem
	if problem == nil {
		v.frame.Set(i, value)
	}
}

func (v *values) make(i int, s *slot) {
	s.row = v.rowNo
	var value expression.Value
	var problem *RowProblem
	switch {
	case s.column != nil:
		value, problem = v.convert(s.column)
	case s.let != nil:
		value, problem = v.eval(s.let.program, s.let.what)
	case i > v.m.isIndex:
		value, problem = v.gathered(i)
	default:
		value = v.fixed(i)
	}
	if problem == nil {
		v.frame.Set(i, value)
	}
	s.failed = problem
}

func (v *values) fixed(i int) expression.Value {
	switch i {
	case lineIndex:
		d, _ := decimal.New(int64(v.row.Pos.Line), 0)
		return expression.NumberOf(d)
	case fileIndex:
		return expression.TextOf(v.row.Pos.File)
	case sheetIndex:
		return expression.TextOf(v.row.Pos.Sheet)
	case kindIndex:
		return expression.TextOf(v.row.Kind)
	case ordinalIndex:
		d, _ := decimal.New(v.ordinal, 0)
		return expression.NumberOf(d)
	}
	return expression.EmptyOf(v.m.scope.Names()[i].Kind)
}

// problem words an error of an expression.
func (v *values) problem(p *program, what string, err error) *RowProblem {
	out := &RowProblem{Code: "expression", Msg: fmt.Sprintf("%s (=%s): %v", what, cutText(p.source, 60), err)}
	if v.m.isSensitive(p.refs) { // the error may quote what it was given
		out.Msg = fmt.Sprintf("%s (=%s) cannot be computed", what, cutText(p.source, 60))
	}
	var empty *expression.EmptyError
	var currencies *record.CurrencyError
	switch {
	case errors.As(err, &empty):
		out.Code = "empty_value"
		out.Msg = fmt.Sprintf("%s (=%s) needs %s, which is empty", what, cutText(p.source, 60), empty.What)
		out.Hint = fmt.Sprintf("give the column a default, or write %s ?? …", empty.What)
		for i := range v.slots {
			if c := v.slots[i].column; c != nil && c.name == empty.What {
				out.Column = v.header(c)
			}
		}
	case errors.As(err, &currencies):
		out.Code = "bad_currency"
	}
	if out.Column == "" {
		out.blame(v, p.refs)
	}
	return out
}

// blame names the column when only one is concerned.
func (p *RowProblem) blame(v *values, refs []int) {
	columns := v.m.columnsOf(refs)
	if len(columns) == 1 {
		p.Column = v.header(columns[0])
		p.Value, _ = v.raw(columns[0])
		p.hide(columns[0])
	}
}

func (p *RowProblem) hide(c *column) {
	p.Value = cutText(p.Value, 80)
	if c.sensitive && p.Value != "" {
		p.Value = "(hidden)"
	}
}

// header is a column's header as in the file.
func (v *values) header(c *column) string {
	if c.context != nil {
		return c.name
	}
	at := v.cells[c.ordinal]
	if v.row.Header != nil && at >= 0 {
		if names := v.row.Header.Names(); at < len(names) && trimBlanks(names[at]) != "" {
			return trimBlanks(names[at])
		}
	}
	if len(c.headers) > 0 {
		return c.headers[0]
	}
	return columnNumber(c.cell)
}

// columnNumber names a cell that has no header.
func columnNumber(n int) string { return fmt.Sprintf("column %d", n) }

func quote(s string) string { return strconv.Quote(s) }

// stripped is a cell's text without what is no part of any.
func (in *input) stripped(s string) string {
	for _, x := range in.strip {
		if x != "" && strings.Contains(s, x) {
			s = trimBlanks(strings.ReplaceAll(s, x, ""))
		}
	}
	return s
}

// cutText shortens a text for a message: whole characters, at most n.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
