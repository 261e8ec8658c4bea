package mapping

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// target puts a field's value into a call's parameters, converted to what the
// API takes. An empty value leaves the field out.
func (v *values) target(p *record.Params, t *target, note func(*RowProblem)) {
	if t.program == nil {
		if t.literal != "" || t.field.Unset && t.path == t.field.Path {
			p.Set(t.path, t.literal)
		}
		return
	}
	value, problem := v.eval(t.program, t.path)
	if problem != nil {
		note(problem)
		return
	}
	if value.IsEmpty() {
		return
	}
	fail := func(code, format string, args ...any) {
		problem := &RowProblem{Code: code, Msg: t.path + ": " + fmt.Sprintf(format, args...)}
		problem.blame(v, t.program.refs)
		note(problem)
	}
	switch t.field.Type {
	case record.TypeMoney, record.TypeInteger:
		amount, err := value.Money().Minor()
		if err != nil {
			code := "too_fine"
			if value.Money().Currency == "" {
				code = "bad_currency"
			}
			fail(code, "%v", err)
			return
		}
		parent := t.path
		if t.field.Type == record.TypeInteger {
			parent = strings.TrimSuffix(t.path, ".value")
			// The currency beside it must be the money's own.
			if beside, ok := p.Get(parent + ".currency"); ok && beside != string(amount.Currency) {
				fail("bad_currency", "%s stands beside the currency %q", value.Money(), beside)
				return
			}
			p.Set(t.path, strconv.FormatInt(amount.Value, 10))
			return
		}
		p.Set(parent+".currency", string(amount.Currency))
		p.Set(parent+".value", strconv.FormatInt(amount.Value, 10))
	case record.TypeTimestamp:
		p.Set(t.path, strconv.FormatInt(value.Time().Unix(), 10))
	case record.TypeCurrency:
		if value.Kind() == expression.Money {
			p.Set(t.path, string(value.Money().Currency))
			return
		}
		p.Set(t.path, strings.ToLower(value.Text()))
	default:
		p.Set(t.path, plainText(value))
	}
}

// plainText is a value as text of a call: money with all the decimals of its
// currency, times as RFC 3339 in UTC.
func plainText(value expression.Value) string {
	switch value.Kind() {
	case expression.Money:
		return value.Money().Text()
	case expression.Time:
		return value.Time().UTC().Format(time.RFC3339)
	case expression.Number:
		return value.Number().String()
	}
	return value.String()
}

// fault words what the call's spec says about its parameters.
func (e *emit) fault(v *values, fault *record.FieldError) *RowProblem {
	p := &RowProblem{Code: "invalid_field", Msg: fault.Error()}
	if fault.Kind == record.Missing {
		p.Code = "missing_field"
		p.Msg = fmt.Sprintf("%s needs %s, which has no value in this row", e.call, fault.Path)
	}
	for _, t := range e.targets {
		if t.program != nil && (t.path == fault.Path || strings.HasPrefix(fault.Path, t.path+".") || strings.HasPrefix(t.path, fault.Path+".")) {
			p.blame(v, t.program.refs)
			break
		}
	}
	return p
}
