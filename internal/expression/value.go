package expression

import (
	"strconv"
	"time"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/record"
)

// A Kind is what a value can be.
type Kind uint8

// The kinds. Unknown is no kind at all.
const (
	Unknown Kind = iota
	Text
	Number // exact decimal, up to 19 digits
	Money  // exact decimal with a currency
	Time   // an instant, with the zone it was read in
	Bool   // yes/no
)

// String names the kind as messages do: text, number, money, time, yes/no.
func (k Kind) String() string {
	switch k {
	case Text:
		return "text"
	case Number:
		return "number"
	case Money:
		return "money"
	case Time:
		return "time"
	case Bool:
		return "yes/no"
	}
	return "unknown"
}

// A Value is a value of one kind, or the absence of one. Copy it freely;
// compare it with Equal.
type Value struct {
	kind   Kind
	filled bool // always true for text, whose empty value is ""
	yes    bool
	num    decimal.Decimal // number; money's amount
	str    string          // text; money's currency
	at     time.Time
}

// TextOf makes a text. "" is the empty text.
func TextOf(s string) Value { return Value{kind: Text, filled: true, str: s} }

// NumberOf makes a number.
func NumberOf(d decimal.Decimal) Value { return Value{kind: Number, filled: true, num: d} }

// MoneyOf makes money.
func MoneyOf(m record.Money) Value { return moneyOf(m.Amount, string(m.Currency)) }

func moneyOf(d decimal.Decimal, currency string) Value {
	return Value{kind: Money, filled: true, num: d, str: currency}
}

// TimeOf makes a time. A time in the machine's own zone (time.Local, which
// time.Unix returns) is turned to UTC, so that no result depends on the machine.
func TimeOf(t time.Time) Value {
	if t.Location() == time.Local {
		t = t.UTC()
	}
	return Value{kind: Time, filled: true, at: t.Round(0)}
}

// BoolOf makes a yes/no.
func BoolOf(b bool) Value { return Value{kind: Bool, filled: true, yes: b} }

// EmptyOf is a value that is not there, such as an empty cell without default.
func EmptyOf(k Kind) Value { return Value{kind: k, filled: k == Text} }

// Kind is the value's kind, also when it is empty.
func (v Value) Kind() Kind { return v.kind }

// IsEmpty says whether there is no value; text is empty when it is "".
func (v Value) IsEmpty() bool { return !v.filled || v.kind == Text && v.str == "" }

// Text is a text's content, and "" for any other kind: see String.
func (v Value) Text() string {
	if v.kind != Text {
		return ""
	}
	return v.str
}

// Number is a number, and zero for any other kind or an empty value.
func (v Value) Number() decimal.Decimal {
	if v.kind != Number {
		return decimal.Decimal{}
	}
	return v.num
}

// Money is an amount of money, and zero of no currency for any other kind or
// an empty value.
func (v Value) Money() record.Money {
	if v.kind != Money {
		return record.Money{}
	}
	return record.Money{Amount: v.num, Currency: record.Currency(v.str)}
}

// Time is an instant, and the zero time for any other kind or an empty value.
func (v Value) Time() time.Time { return v.at }

// Bool is a yes (true) or no, and false for any other kind or an empty value.
func (v Value) Bool() bool { return v.yes }

// Equal says whether two values are of one kind and the same: numbers by
// value (1.0 is 1), money by amount and currency, times by instant.
func (v Value) Equal(o Value) bool {
	if v.kind != o.kind || v.filled != o.filled {
		return false
	}
	switch v.kind {
	case Number, Money:
		return v.num.Cmp(o.num) == 0 && v.str == o.str
	case Time:
		return v.at.Equal(o.at)
	}
	return v.str == o.str && v.yes == o.yes
}

// String is the value for people: money with its currency (10.50 USD), a time
// as RFC 3339 in the zone it was read in, yes/no as true or false.
func (v Value) String() string {
	if v.kind == Money && v.filled {
		return v.Money().String()
	}
	return v.plain()
}

// plain is what text(x) makes of a value: as String, but money without its
// currency (10.50). An empty value is "".
func (v Value) plain() string {
	if !v.filled {
		return ""
	}
	switch v.kind {
	case Text:
		return v.str
	case Number:
		return v.num.String()
	case Money:
		return v.Money().Text()
	case Time:
		return v.at.Format(time.RFC3339Nano)
	case Bool:
		return strconv.FormatBool(v.yes)
	}
	return ""
}

// quoted is the value inside a message: texts in quotes, nothing as such.
func (v Value) quoted() string {
	switch {
	case v.kind == Text:
		return strconv.Quote(v.str)
	case !v.filled:
		return "nothing"
	}
	return v.String()
}
