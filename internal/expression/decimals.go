package expression

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/record"
)

// The decimal library holds 19 digits and rounds what does not fit. Here
// nothing is ever rounded unasked: what does not fit is an error.

// errTooLong is a result that 19 digits cannot hold.
var errTooLong = errors.New("the result has more than 19 digits; round the figures it is made of")

// plus is a + b of numbers, or of amounts of one currency, exactly.
func plus(kind Kind, a, b Value) (Value, error) {
	currency, err := common(a, b)
	if err != nil {
		return Value{}, err
	}
	const small = 1 << 60 // of two such numbers the sum fits, and needs no more than 19 digits
	if a.scale() == b.scale() && a.n < small && b.n < small {
		return wholeOf(kind, signed(a)+signed(b), a.scale(), currency), nil
	}
	d, err := add(a.num(), b.num())
	return numericOf(kind, d, currency), err
}

// add is a + b, exactly.
func add(a, b decimal.Decimal) (decimal.Decimal, error) {
	if d, err := a.AddExact(b, max(a.Scale(), b.Scale())); err == nil {
		return d, nil
	}
	a, b = a.Trim(0), b.Trim(0) // trailing zeros may be all that was too much
	d, err := a.AddExact(b, max(a.Scale(), b.Scale()))
	if err != nil {
		return decimal.Decimal{}, errTooLong
	}
	return d, nil
}

// signed is the digits of a small number as a whole one.
func signed(v Value) int64 {
	if v.neg() {
		return -int64(v.n)
	}
	return int64(v.n)
}

// mul is a × b, exactly.
func mul(a, b decimal.Decimal) (decimal.Decimal, error) {
	if scale := a.Scale() + b.Scale(); scale <= decimal.MaxScale {
		if d, err := a.MulExact(b, scale); err == nil {
			return d, nil
		}
	}
	coef := new(big.Int).SetUint64(a.Coef())
	coef.Mul(coef, new(big.Int).SetUint64(b.Coef()))
	return fromBig(a.IsNeg() != b.IsNeg(), coef, a.Scale()+b.Scale())
}

// div is a ÷ b with the given number of decimals. b must not be zero.
func div(a, b decimal.Decimal, places int, m mode) (decimal.Decimal, error) {
	num := new(big.Int).SetUint64(a.Coef())
	den := new(big.Int).SetUint64(b.Coef())
	num.Mul(num, pow10(places+b.Scale()))
	den.Mul(den, pow10(a.Scale()))
	quo, rem := num.QuoRem(num, den, new(big.Int))
	half := rem.Lsh(rem, 1).Cmp(den) // of the remainder, against one half
	if m.away(rem.Sign() == 0, half, quo.Bit(0) == 1) {
		quo.Add(quo, big.NewInt(1))
	}
	return fromBig(a.IsNeg() != b.IsNeg(), quo, places)
}

// round cuts d to the given number of decimals; fewer stay as they are.
func round(d decimal.Decimal, places int, m mode) (decimal.Decimal, error) {
	if d.Scale() <= places {
		return d, nil
	}
	unit := uint64(1) // of the last decimal that stays; 10^19 still fits
	for range d.Scale() - places {
		unit *= 10
	}
	quo, rem := d.Coef()/unit, d.Coef()%unit
	if m.away(rem == 0, cmp.Compare(rem, unit-rem), quo%2 == 1) {
		quo++
	}
	out, err := decimal.New(int64(quo), places) // at least one digit went: it fits
	if err == nil && d.IsNeg() {
		out = out.Neg()
	}
	return out, err
}

// A mode says which way to round.
type mode uint8

const (
	halfUp   mode = iota // to the nearer; a half away from zero, as accountants do
	halfEven             // to the nearer; a half to the even neighbour
	down                 // toward zero
	up                   // away from zero
)

var modeNames = []string{"half_up", "half_even", "down", "up"}

// away says whether to go one up from a quotient cut toward zero: exact when
// nothing was cut, half how what was cut compares to one half, odd whether the
// quotient is.
func (m mode) away(exact bool, half int, odd bool) bool {
	switch {
	case exact, m == down:
		return false
	case m == up:
		return true
	}
	return half > 0 || half == 0 && (m == halfUp || odd)
}

func pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// fromBig makes a decimal of coef ÷ 10^scale, dropping zeros at the end only
// if it would not fit otherwise.
func fromBig(neg bool, coef *big.Int, scale int) (decimal.Decimal, error) {
	coef = new(big.Int).Set(coef)
	ten, rem := big.NewInt(10), new(big.Int)
	for scale > 0 && (scale > decimal.MaxScale || len(coef.String()) > decimal.MaxPrec) {
		if coef.QuoRem(coef, ten, rem); rem.Sign() != 0 {
			return decimal.Decimal{}, errTooLong
		}
		scale--
	}
	digits := coef.String()
	if len(digits) > decimal.MaxPrec {
		return decimal.Decimal{}, errTooLong
	}
	if scale >= len(digits) {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	if scale > 0 {
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if neg {
		digits = "-" + digits
	}
	return decimal.Parse(digits)
}

// parseDecimal reads a plain decimal exactly: a sign, digits, a point, digits.
// No grouping, no exponent: `1e3` in a cell is a spreadsheet's damage.
func parseDecimal(s string) (decimal.Decimal, error) {
	unsigned := strings.TrimLeft(s, "+-")
	whole, frac, point := strings.Cut(unsigned, ".")
	if len(s)-len(unsigned) > 1 || whole == "" || point && frac == "" || !digitsOnly(whole) || !digitsOnly(frac) {
		return decimal.Decimal{}, fmt.Errorf("%q is not a plain decimal such as -1234.50", s)
	}
	if len(strings.TrimLeft(whole+frac, "0")) > decimal.MaxPrec || len(frac) > decimal.MaxScale {
		return decimal.Decimal{}, fmt.Errorf("%q has more than %d digits", s, decimal.MaxPrec)
	}
	return decimal.Parse(strings.TrimPrefix(s, "+"))
}

func digitsOnly(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// common is the currency that both amounts share; "" of plain numbers. A zero of
// no currency goes with any, as in [record.Money].
func common(a, b Value) (string, error) {
	switch {
	case a.str == b.str, b.str == "" && b.n == 0:
		return a.str, nil
	case a.str == "" && a.n == 0:
		return b.str, nil
	}
	return "", &record.CurrencyError{A: a.Money(), B: b.Money()}
}

// compare is -1, 0 or +1 for two values that are there: of equal kinds, or
// money and a number, which compares the amount.
func compare(a, b Value) (int, error) {
	switch {
	case a.kind() == Text:
		return strings.Compare(a.str, b.str), nil
	case a.kind() == Time:
		return cmp.Or(cmp.Compare(int64(a.n), int64(b.n)), cmp.Compare(a.nanoseconds(), b.nanoseconds())), nil
	case a.kind() == Bool && a.yes() != b.yes():
		if b.yes() {
			return -1, nil
		}
		return 1, nil
	case a.kind() == Money && b.kind() == Money:
		if _, err := common(a, b); err != nil {
			return 0, err
		}
	}
	if a.scale() == b.scale() && !a.neg() && !b.neg() {
		return cmp.Compare(a.n, b.n), nil
	}
	return a.num().Cmp(b.num()), nil
}

// count is a whole number.
func count(n int64) Value {
	return wholeOf(Number, n, 0, "")
}
