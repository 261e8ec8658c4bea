package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/internal/cardnumber"
	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// convert reads a column's cell as its type.
func (v *values) convert(c *column) (expression.Value, *RowProblem) {
	s, cell := v.raw(c)
	if x := c.context; x != nil && x.strict && !c.optional && !c.hasDefault && !v.stated[c.ordinal].known {
		value, p := v.bad(c, "empty_value", "is what the file should state before this row, and does not")
		p.Hint, p.Fatal = "see input: context in the mapping; or give it optional: true or a default", true
		if v.part {
			p.Hint = "a file of left-over rows lacks it: mend the original file and import it whole; what was sent before is not sent again"
		}
		return value, p
	}
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
		if strings.Contains(s, "\uFFFD") {
			return v.bad(c, "spoiled_id", "has a character that was lost before (U+FFFD), so others may look like it; export the file again, as UTF-8")
		}
		return expression.TextOf(s), nil
	case currencyColumn:
		code, err := v.currencies.parse(s)
		if err != nil {
			return v.bad(c, "bad_currency", "is not a currency that the API takes")
		}
		return expression.TextOf(code.upper), nil
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
	if c.kind == moneyColumn && cardnumber.Contains(s) { // a sum would carry its digits on
		return v.bad(c, "card_number", "looks like a card number where an amount should be; look at what the file has in this column")
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
		parsed, err := v.currencies.parse(text)
		if err != nil {
			return v.bad(c, "bad_currency", "is in %q, which is not a currency that the API takes", text)
		}
		code = parsed.code
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

// time is a cell's time.
func (v *values) time(c *column, s string, numeric bool) (expression.Value, *RowProblem) {
	known := &v.times[c.ordinal]
	if known.text == s && known.numeric == numeric && known.date1904 == v.date1904 {
		return known.value, nil
	}
	value, problem := v.readTime(c, s, numeric)
	if problem == nil && c.alone() {
		*known = knownTime{s, numeric, v.date1904, value}
	}
	return value, problem
}

// readTime reads a cell by the column's formats, the first that fits.
func (v *values) readTime(c *column, s string, numeric bool) (expression.Value, *RowProblem) {
	var first error
	for _, f := range c.formats {
		w, at, err := f.parse(s, numeric, v.date1904)
		if err != nil {
			if first == nil || f.pattern == nil {
				first = err
			}
			continue
		}
		if !at.IsZero() {
			return expression.TimeOf(at), nil
		}
		if c.kind == dateColumn {
			w.hour, w.min, w.sec, w.nano = 0, 0, 0, 0
		}
		if problem := v.clock(c, &w); problem != nil {
			return expression.Value{}, problem
		}
		return v.placed(c, &w)
	}
	if c.formats[0].pattern == nil && len(c.formats) == 1 {
		return v.bad(c, "bad_time", "%v", first)
	}
	return v.bad(c, "bad_time", "%v; the mapping says times look like %s", first, c.looks())
}

// placed is a column's wall clock in its zone.
func (v *values) placed(c *column, w *wall) (expression.Value, *RowProblem) {
	loc := time.UTC
	if !w.zoned {
		var problem *RowProblem
		if loc, problem = v.location(c); problem != nil {
			return expression.Value{}, problem
		}
	}
	if value, ok := v.span.of(w, loc); ok {
		return value, nil
	}
	policy := dstError
	if c.zone != nil {
		policy = c.zone.policy
	}
	at, err := w.in(loc, policy)
	if err != nil {
		_, problem := v.bad(c, "bad_time", "%v", err)
		v.showClock(c, problem)
		return expression.Value{}, problem
	}
	if !w.zoned {
		v.span = spanAt(at)
	}
	return expression.TimeOf(at), nil
}

// looks are the column's formats as a message lists them.
func (c *column) looks() string {
	var list []string
	for i, f := range c.formats {
		if i == 5 {
			list = append(list, "…")
			break
		}
		name := f.named
		if f.pattern != nil {
			name = strconv.Quote(f.pattern.source)
		}
		list = append(list, name)
	}
	return strings.Join(list, " or ")
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

// knownCurrencies remembers the last texts that were currencies: a file has few.
type knownCurrencies struct {
	last [4]knownCurrency
	next int
}

type knownCurrency struct {
	text  string // as in the file
	code  record.Currency
	upper string
}

func (k *knownCurrencies) parse(text string) (*knownCurrency, error) {
	for i := range k.last {
		if c := &k.last[i]; c.text == text && text != "" {
			return c, nil
		}
	}
	code, err := record.ParseCurrency(text)
	if err != nil {
		return nil, err
	}
	c := &k.last[k.next%len(k.last)]
	k.next++
	*c = knownCurrency{strings.Clone(text), code, code.Upper()}
	return c, nil
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
