package mapping

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// A filling is one call being filled.
type filling struct {
	*values
	scratch  *scratch
	note     func(*RowProblem)
	emit     *emit
	event    *Event
	problems int             // with the call's fields
	set      uint64          // which targets gave the call something
	sure     bool            // every value is known to be what its field takes
	known    record.Currency // one that the API takes
}

func (f *filling) problem(p *RowProblem) {
	f.problems++
	f.note(p)
}

// put sets a parameter of target i. sure says that its value passes.
func (f *filling) put(i int, path, value string, sure bool) {
	f.set |= 1 << (i & 63)
	f.sure = f.sure && sure
	if f.emit.ascending {
		f.event.Params = append(f.event.Params, record.Param{Path: path, Value: value})
		return
	}
	f.event.Params.Set(path, value)
}

// target puts a field's value into the call's parameters, converted to what the
// API takes. An empty value leaves the field out.
func (f *filling) target(i int, t *target) {
	if t.program == nil {
		if t.literal != "" || t.field.Unset && t.path == t.field.Path {
			f.put(i, t.path, t.literal, true) // the mapping was refused otherwise
		}
		return
	}
	value, problem := f.eval(t.program, t.path)
	if problem != nil {
		f.problem(problem)
		return
	}
	if value.IsEmpty() {
		return
	}
	switch t.field.Type {
	case record.TypeMoney, record.TypeInteger:
		f.money(i, t, value.Money())
	case record.TypeTimestamp:
		seconds := value.Instant().Unix()
		f.put(i, t.path, f.scratch.whole(seconds), t.field.SureNumber(seconds))
	case record.TypeCurrency:
		text := strings.ToLower(value.Text())
		if value.Kind() == expression.Money {
			text = string(value.Money().Currency)
		}
		f.put(i, t.path, text, record.Currency(text).Known())
	default:
		text := plainText(value)
		// What an outcome says binds other fields.
		f.put(i, t.path, text, t.field.Sure(text) && t.path != "outcome")
	}
}

func (f *filling) money(i int, t *target, m record.Money) {
	fail := func(code, format string, args ...any) {
		problem := &RowProblem{Code: code, Msg: t.path + ": " + fmt.Sprintf(format, args...)}
		problem.blame(f.values, t.program.refs)
		f.problem(problem)
	}
	amount, err := m.Minor()
	if err != nil {
		code := "too_fine"
		if m.Currency == "" {
			code = "bad_currency"
		}
		fail(code, "%v", err)
		return
	}
	if t.field.Type == record.TypeInteger {
		// The currency beside it must be the money's own.
		if beside, ok := f.event.Params.Get(strings.TrimSuffix(t.path, ".value") + ".currency"); ok && beside != string(amount.Currency) {
			fail("bad_currency", "%s stands beside the currency %q", m, beside)
			return
		}
		f.put(i, t.path, strconv.FormatInt(amount.Value, 10), false)
		return
	}
	if i == f.emit.amount {
		f.event.Amount = amount
	}
	if amount.Currency != f.known && amount.Currency.Known() {
		f.known = amount.Currency
	}
	f.put(i, t.currencyPath, string(amount.Currency), amount.Currency == f.known)
	f.put(i, t.valuePath, f.scratch.whole(amount.Value), t.field.SureNumber(amount.Value))
}

// plainText is a value as text of a call: money with all the decimals of its
// currency, times as RFC 3339 in UTC.
func plainText(value expression.Value) string {
	switch value.Kind() {
	case expression.Money:
		return value.Money().Text()
	case expression.Time:
		return value.Instant().Format(time.RFC3339)
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
