package expression

import (
	"math/big"
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
	Time   // an instant, with the offset from UTC that it was read with
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
//
// Rows are typed, computed and summed in values, a hundred to a row, so a value
// is four words, which the compiler keeps in registers: a larger one, with a
// decimal and a time side by side, is copied through memory at every step.
type Value struct {
	head head
	n    uint64 // digits of a number or an amount, as a whole number; seconds of a time since 1970
	str  string // text; money's currency
}

// A head is what a value is besides its digits or its text. From its low bits:
//
//	 8  the kind
//	 1  filled: it is there; always set for text, whose empty value is ""
//	 1  yes
//	 1  minus, of a number that is not 0
//	 5  –
//	48  a number's scale; or 30 bits of a time's nanoseconds, and above them its
//	    offset from UTC in seconds, signed
type head uint64

const (
	filledBit head = 1 << 8
	yesBit    head = 1 << 9
	negBit    head = 1 << 10

	detailAt = 16
	offsetAt = detailAt + 30
)

func (v Value) kind() Kind   { return Kind(v.head) }
func (v Value) filled() bool { return v.head&filledBit != 0 }
func (v Value) yes() bool    { return v.head&yesBit != 0 }
func (v Value) neg() bool    { return v.head&negBit != 0 }

// scale is a number's or an amount's.
func (v Value) scale() int { return int(v.head >> detailAt) }

// num is the decimal of a number or an amount.
func (v Value) num() decimal.Decimal {
	value := int64(v.n)
	if v.neg() {
		value = -value
	}
	d, err := decimal.New(value, v.scale())
	if value < 0 != v.neg() || err != nil { // 19 digits can be more than an int64 holds
		d, _ = fromBig(v.neg(), new(big.Int).SetUint64(v.n), v.scale()) // it was made of a decimal
	}
	return d
}

// numericOf is a number, or an amount of a currency.
func numericOf(k Kind, d decimal.Decimal, currency string) Value {
	h := head(k) | filledBit | head(d.Scale())<<detailAt
	if d.IsNeg() {
		h |= negBit
	}
	return Value{head: h, n: d.Coef(), str: currency}
}

// wholeOf is n ÷ 10^scale, of no more than 19 digits.
func wholeOf(k Kind, n int64, scale int, currency string) Value {
	h := head(k) | filledBit | head(scale)<<detailAt
	if n < 0 {
		return Value{head: h | negBit, n: -uint64(n), str: currency}
	}
	return Value{head: h, n: uint64(n), str: currency}
}

// abs and opposite are a number, or an amount, with another sign.
func (v Value) abs() Value {
	v.head &^= negBit
	return v
}

func (v Value) opposite() Value {
	if v.n != 0 {
		v.head ^= negBit
	}
	return v
}

// TextOf makes a text. "" is the empty text.
func TextOf(s string) Value { return Value{head: head(Text) | filledBit, str: s} }

// NumberOf makes a number.
func NumberOf(d decimal.Decimal) Value { return numericOf(Number, d, "") }

// MoneyOf makes money.
func MoneyOf(m record.Money) Value { return moneyOf(m.Amount, string(m.Currency)) }

func moneyOf(d decimal.Decimal, currency string) Value { return numericOf(Money, d, currency) }

// TimeOf makes a time. A time in the machine's own zone (time.Local, which
// time.Unix returns) is turned to UTC, so that no result depends on the machine.
func TimeOf(t time.Time) Value {
	offset := 0
	if t.Location() != time.Local {
		_, offset = t.Zone()
	}
	return TimeAt(t.Unix(), t.Nanosecond(), offset)
}

// TimeAt makes a time of seconds and nanoseconds since 1970 and of the offset
// from UTC, in seconds, with which it was read: less than a day, as all are.
func TimeAt(seconds int64, nanoseconds, offset int) Value {
	return Value{head: head(Time) | filledBit | head(nanoseconds)<<detailAt | head(offset)<<offsetAt, n: uint64(seconds)}
}

// BoolOf makes a yes/no.
func BoolOf(b bool) Value {
	if b {
		return Value{head: head(Bool) | filledBit | yesBit}
	}
	return Value{head: head(Bool) | filledBit}
}

// EmptyOf is a value that is not there, such as an empty cell without default.
func EmptyOf(k Kind) Value {
	if k == Text {
		return TextOf("")
	}
	return Value{head: head(k)}
}

// Kind is the value's kind, also when it is empty.
func (v Value) Kind() Kind { return v.kind() }

// IsEmpty says whether there is no value; text is empty when it is "".
func (v Value) IsEmpty() bool { return !v.filled() || v.kind() == Text && v.str == "" }

// Text is a text's content, and "" for any other kind: see String.
func (v Value) Text() string {
	if v.kind() != Text {
		return ""
	}
	return v.str
}

// Number is a number, and zero for any other kind or an empty value.
func (v Value) Number() decimal.Decimal {
	if v.kind() != Number {
		return decimal.Decimal{}
	}
	return v.num()
}

// Money is an amount of money, and zero of no currency for any other kind or
// an empty value.
func (v Value) Money() record.Money {
	if v.kind() != Money {
		return record.Money{}
	}
	return record.Money{Amount: v.num(), Currency: record.Currency(v.str)}
}

// Time is an instant, on a clock with the offset from UTC with which it was
// read, and the zero time for any other kind or an empty value.
func (v Value) Time() time.Time {
	t := v.Instant()
	if offset := v.offset(); offset != 0 && v.kind() == Time {
		t = t.In(time.FixedZone("", offset))
	}
	return t
}

// Instant is [Value.Time] in UTC.
func (v Value) Instant() time.Time {
	if v.kind() != Time || !v.filled() {
		return time.Time{}
	}
	return time.Unix(int64(v.n), int64(v.nanoseconds())).UTC()
}

// nanoseconds and offset are a time's.
func (v Value) nanoseconds() int { return int(v.head >> detailAt & (1<<(offsetAt-detailAt) - 1)) }
func (v Value) offset() int      { return int(int64(v.head) >> offsetAt) }

// Bool is a yes (true) or no, and false for any other kind or an empty value.
func (v Value) Bool() bool { return v.yes() }

// Equal says whether two values are of one kind and the same: numbers by
// value (1.0 is 1), money by amount and currency, times by instant.
func (v Value) Equal(o Value) bool {
	if v.kind() != o.kind() || v.filled() != o.filled() {
		return false
	}
	switch v.kind() {
	case Number, Money:
		return v.num().Cmp(o.num()) == 0 && v.str == o.str
	case Time:
		return v.n == o.n && v.nanoseconds() == o.nanoseconds()
	}
	return v.str == o.str && v.yes() == o.yes()
}

// String is the value for people: money with its currency (10.50 USD), a time
// as RFC 3339 with the offset it was read with, yes/no as true or false.
func (v Value) String() string {
	if v.kind() == Money && v.filled() {
		return v.Money().String()
	}
	return v.plain()
}

// plain is what text(x) makes of a value: as String, but money without its
// currency (10.50). An empty value is "".
func (v Value) plain() string {
	if !v.filled() {
		return ""
	}
	switch v.kind() {
	case Text:
		return v.str
	case Number:
		return v.num().String()
	case Money:
		return v.Money().Text()
	case Time:
		return v.Time().Format(time.RFC3339Nano)
	case Bool:
		return strconv.FormatBool(v.yes())
	}
	return ""
}

// quoted is the value inside a message: texts in quotes, nothing as such.
func (v Value) quoted() string {
	switch {
	case v.kind() == Text:
		return strconv.Quote(v.str)
	case !v.filled():
		return "nothing"
	}
	return v.String()
}
