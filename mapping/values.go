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
	m       *Mapping
	frame   *expression.Frame
	row     *table.Row
	cells   []int               // by column: cell index, -1 absent
	context map[string][]string // last row of each context kind
	zones   map[string]*time.Location

	known   []bool        // by scope index
	failed  []*RowProblem // by scope index
	columns []*column     // by scope index; nil: no column
	lets    []*let        // by scope index

	date1904 bool                                            // the workbook counts its days from 1904
	payment  func(index int) (expression.Value, *RowProblem) // values of payment.let; nil: none
}

func newValues(m *Mapping) *values {
	n := len(m.scope.Names())
	v := &values{m: m, frame: m.scope.NewFrame(), cells: make([]int, len(m.columns)), context: map[string][]string{},
		zones: map[string]*time.Location{}, known: make([]bool, n), failed: make([]*RowProblem, n), columns: make([]*column, n), lets: make([]*let, n)}
	for _, c := range m.columns {
		if c.index >= 0 {
			v.columns[c.index] = c
		}
	}
	for _, l := range m.lets {
		v.lets[l.index] = l
	}
	return v
}

// begin takes a new row; nothing is read of it yet.
func (v *values) begin(row *table.Row) {
	v.row = row
	clear(v.known)
	clear(v.failed)
}

// bind finds the cells of the columns under a header. All that are missing are
// named at once.
func (v *values) bind(header *table.Columns, pos table.Pos) error {
	var missing, hints []string
	for i, c := range v.m.columns {
		v.cells[i] = -1
		switch {
		case c.context != "" || len(c.headers) == 0:
			v.cells[i] = c.cell - 1
			continue
		case header == nil:
		default:
			for _, name := range c.headers {
				if at := header.Index(name, c.occurrence); at >= 0 {
					v.cells[i] = at
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
	if c.context != "" {
		if last := v.context[c.context]; at < len(last) {
			return trimBlanks(last[at]), -1
		}
		return "", -1
	}
	s, _ := v.row.Cell(at)
	return trimBlanks(s), at
}

// text is what match compares: the raw text of a column, or a let's.
func (v *values) text(m *match) (string, *RowProblem) {
	if m.column != nil {
		s, _ := v.raw(m.column)
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
		if !v.known[i] {
			v.make(i)
		}
		if v.failed[i] != nil {
			return v.failed[i]
		}
	}
	return nil
}

func (v *values) need(i int) *RowProblem {
	if !v.known[i] {
		v.make(i)
	}
	return v.failed[i]
}

// give sets a value that is not computed here: the class, the payment's.
func (v *values) give(i int, value expression.Value, problem *RowProblem) {
	v.known[i], v.failed[i] = true, problem
	if problem == nil {
		v.frame.Set(i, value)
	}
}

func (v *values) make(i int) {
	v.known[i] = true
	var value expression.Value
	var problem *RowProblem
	switch {
	case v.columns[i] != nil:
		value, problem = v.convert(v.columns[i])
	case v.lets[i] != nil:
		l := v.lets[i]
		value, problem = v.eval(l.program, fmt.Sprintf("let %q", l.name))
	case i > v.m.isIndex && v.payment != nil:
		value, problem = v.payment(i)
	default:
		value = v.fixed(i)
	}
	if problem == nil {
		v.frame.Set(i, value)
	}
	v.failed[i] = problem
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
		for _, c := range v.columns {
			if c != nil && c.name == empty.What {
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
	at := v.cells[c.ordinal]
	if c.context == "" && v.row.Header != nil && at >= 0 {
		if names := v.row.Header.Names(); at < len(names) && trimBlanks(names[at]) != "" {
			return trimBlanks(names[at])
		}
	}
	if len(c.headers) > 0 {
		return c.headers[0]
	}
	return fmt.Sprintf("column %d", c.cell)
}

// convert reads a column's cell as its type.
func (v *values) convert(c *column) (expression.Value, *RowProblem) {
	s, cell := v.raw(c)
	for _, token := range v.m.input.empty {
		if s == token {
			s = ""
		}
	}
	for _, x := range c.strip {
		if strings.Contains(s, x) {
			s = trimBlanks(strings.ReplaceAll(s, x, ""))
		}
	}
	if c.extract != nil && s != "" {
		groups := c.extract.FindStringSubmatch(s)
		if groups == nil {
			return v.bad(c, "bad_value", "does not match the pattern %q that its value is taken from", c.extract)
		}
		s = trimBlanks(groups[len(groups)-1])
	}
	if s == "" {
		if c.hasDefault {
			return c.fallback, nil
		}
		return expression.EmptyOf(c.kind.kind()), nil
	}
	if len(c.values) > 0 && !slices.Contains(c.values, s) {
		return v.bad(c, "bad_value", "must be %s", strings.Join(c.values, " or "))
	}
	if c.pattern != nil && !c.pattern.MatchString(s) {
		return v.bad(c, "bad_value", "does not match the pattern %q", strings.TrimSuffix(strings.TrimPrefix(c.pattern.String(), "^(?:"), ")$"))
	}
	return v.typed(c, s, v.row.IsNumber(cell))
}

func (v *values) typed(c *column, s string, numeric bool) (expression.Value, *RowProblem) {
	switch c.kind {
	case idColumn:
		if isExponent(s) {
			return v.spoiled(c, "is an identifier that a spreadsheet has turned into a number")
		}
		if numeric && digitCount(s) > 15 {
			return v.spoiled(c, "is an identifier in a numeric cell, of which only 15 digits can be trusted")
		}
		return expression.TextOf(s), nil
	case currencyColumn:
		code, err := record.ParseCurrency(s)
		if err != nil {
			return v.bad(c, "bad_currency", "is not a currency that the API takes")
		}
		return expression.TextOf(code.Upper()), nil
	case boolColumn:
		switch strings.ToLower(s) {
		case "true", "yes", "y", "1":
			return expression.BoolOf(true), nil
		case "false", "no", "n", "0":
			return expression.BoolOf(false), nil
		}
		return v.bad(c, "bad_value", "must be yes or no, true or false, 1 or 0")
	case dateColumn, datetimeColumn:
		return v.time(c, s, numeric)
	case textColumn:
		return expression.TextOf(s), nil
	}
	format := c.numbers
	if numeric {
		format = plainNumbers
	}
	d, err := format.parse(s)
	switch {
	case errors.Is(err, errExponent):
		return v.bad(c, "bad_value", "%v; export the file again without opening it in a spreadsheet", err)
	case err != nil:
		return v.bad(c, "bad_value", "%v", err)
	case c.kind == intColumn && !d.IsInt():
		return v.bad(c, "bad_value", "is not a whole number")
	case c.kind == intColumn:
		return expression.NumberOf(d.Trim(0)), nil
	case c.kind == numberColumn:
		return expression.NumberOf(d), nil
	}
	return v.money(c, d)
}

// money gives a number its currency and unit.
func (v *values) money(c *column, d decimal.Decimal) (expression.Value, *RowProblem) {
	code := c.inCode
	if c.inColumn != nil {
		text := ""
		if problem := v.need(c.inColumn.index); problem != nil {
			return expression.Value{}, problem
		}
		text = v.frame.Get(c.inColumn.index).Text()
		if text == "" {
			if d.IsZero() {
				return expression.MoneyOf(record.Money{}), nil
			}
			return v.bad(c, "bad_currency", "has no currency: the column %q is empty", v.header(c.inColumn))
		}
		parsed, err := record.ParseCurrency(text)
		if err != nil {
			return v.bad(c, "bad_currency", "is in %q, which is not a currency that the API takes", text)
		}
		code = parsed
	}
	d, err := c.unit.major(d, code)
	if err != nil {
		return v.bad(c, "bad_value", "%v", err)
	}
	return expression.MoneyOf(record.Money{Amount: d, Currency: code}), nil
}

// major converts a cell's number to major units. The minor unit is the one in
// which the currency is counted by ISO 4217 and by the API alike; for the two
// where they differ the mapping must say what the processor does.
func (u unit) major(d decimal.Decimal, code record.Currency) (decimal.Decimal, error) {
	digits := u.digits
	switch {
	case u.minor && (code == "isk" || code == "ugx"):
		return d, fmt.Errorf("is in minor units of %s, which processors count differently; say unit: {fixed: 0} or {fixed: 2}", code.Upper())
	case u.minor:
		digits = code.Exponent()
	case !u.fixed:
		return d, nil
	}
	if !d.IsInt() {
		return d, errors.New("is not a whole number, but the column counts in minor units")
	}
	d = d.Trim(0)
	if d.Coef() > 1<<63-1 {
		return d, errors.New("is too large")
	}
	value := int64(d.Coef())
	if d.IsNeg() {
		value = -value
	}
	return decimal.New(value, digits)
}

// time reads a cell by the column's formats, the first that fits.
func (v *values) time(c *column, s string, numeric bool) (expression.Value, *RowProblem) {
	var first error
	for _, f := range c.formats {
		w, at, err := f.parse(s, numeric, v.date1904)
		if err != nil {
			if first == nil || f.pattern == nil {
				first = err
			}
			continue
		}
		if at.IsZero() {
			if c.kind == dateColumn {
				w.hour, w.min, w.sec, w.nano = 0, 0, 0, 0
			}
			loc := time.UTC
			if !w.zoned {
				var problem *RowProblem
				if loc, problem = v.location(c); problem != nil {
					return expression.Value{}, problem
				}
			}
			policy := dstError
			if c.zone != nil {
				policy = c.zone.policy
			}
			if at, err = w.in(loc, policy); err != nil {
				return v.bad(c, "bad_time", "%v", err)
			}
		}
		return expression.TimeOf(at), nil
	}
	if len(c.formats) == 1 && c.formats[0].pattern != nil {
		return v.bad(c, "bad_time", "%v; the mapping says times look like %q", first, c.formats[0].pattern.source)
	}
	return v.bad(c, "bad_time", "%v", first)
}

// parse gives a wall clock, or an instant for the formats that count seconds.
func (f timeFormat) parse(s string, numeric, date1904 bool) (wall, time.Time, error) {
	switch f.named {
	case "unix", "unix_ms":
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n <= 0 || n > 1e14 {
			return wall{}, time.Time{}, errors.New("is not a number of seconds since 1970")
		}
		if f.named == "unix_ms" {
			return wall{}, time.UnixMilli(n).UTC(), nil
		}
		if n > 1e11 {
			return wall{}, time.Time{}, errors.New("is too large for seconds since 1970; for milliseconds say format: unix_ms")
		}
		return wall{}, time.Unix(n, 0).UTC(), nil
	case "iso8601":
		w, err := iso8601(s)
		return w, time.Time{}, err
	case "excel":
		w, err := excelTime(s, date1904)
		return w, time.Time{}, err
	}
	if numeric {
		return wall{}, time.Time{}, errors.New("is a numeric cell; add the format excel")
	}
	w, err := f.pattern.parse(s)
	return w, time.Time{}, err
}

// location is the zone that a column's times of this row are in.
func (v *values) location(c *column) (*time.Location, *RowProblem) {
	z := c.zone
	if z == nil {
		_, p := v.bad(c, "bad_time", "has no offset from UTC, and the mapping states no zone")
		return nil, p
	}
	if z.column == nil {
		return z.loc, nil
	}
	label, _ := v.raw(z.column)
	if loc := z.names[strings.ToLower(label)]; loc != nil {
		return loc, nil
	}
	if loc := v.zones[label]; loc != nil {
		return loc, nil
	}
	loc, err := loadZone(label)
	if err != nil || label == "" {
		p := &RowProblem{Code: "bad_time", Column: v.header(z.column), Value: cutText(label, 80), Msg: "is a zone's label that the mapping does not know",
			Hint: "add it under timezone: names, with the IANA name that it stands for"}
		if label == "" {
			p.Msg = "is empty, so the row's times are in no zone"
		}
		return nil, p
	}
	if len(v.zones) < 1000 {
		v.zones[strings.Clone(label)] = loc
	}
	return loc, nil
}

func (v *values) bad(c *column, code, format string, args ...any) (expression.Value, *RowProblem) {
	s, _ := v.raw(c)
	p := &RowProblem{Code: code, Column: v.header(c), Value: s, Msg: fmt.Sprintf(format, args...)}
	p.Msg, p.Hint, _ = strings.Cut(p.Msg, "; ")
	p.hide(c)
	return expression.Value{}, p
}

func (v *values) spoiled(c *column, msg string) (expression.Value, *RowProblem) {
	_, p := v.bad(c, "spoiled_id", "%s; export the file again and do not open it in a spreadsheet", msg)
	p.Fatal = true
	return expression.Value{}, p
}

func digitCount(s string) int {
	n := 0
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
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
