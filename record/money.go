package record

import (
	"fmt"
	"math"

	"github.com/govalues/decimal"
)

// An Amount is money as the API takes and returns it: an integer in the
// currency's minor units.
type Amount struct {
	Currency Currency `json:"currency"`
	Value    int64    `json:"value"`
}

// Money gives the amount in major units: 1050 usd is 10.50, 1050 jpy is 1050.
// [Money.Minor] is its inverse for every amount that the API takes.
func (a Amount) Money() Money {
	d, err := decimal.New(a.Value, a.Currency.Exponent())
	if err != nil { // unreachable: every int64 fits at these scales
		panic(fmt.Sprintf("record: %d at scale %d: %v", a.Value, a.Currency.Exponent(), err))
	}
	return Money{d, a.Currency}
}

// Money is an exact decimal in major units. The zero value is zero of no
// currency, which adds to any: the neutral element of sums. Money of two
// currencies never adds up.
type Money struct {
	Amount   decimal.Decimal
	Currency Currency
}

// Add returns m + o, exactly. Two different currencies are a [CurrencyError];
// a sum of more than 19 digits is an error too, never rounded.
func (m Money) Add(o Money) (Money, error) {
	c, err := m.common(o)
	if err != nil {
		return Money{}, err
	}
	const small = 1 << 60 // the sum of two such numbers fits as it is
	if a, b := m.Amount, o.Amount; a.Scale() == b.Scale() && a.Coef() < small && b.Coef() < small {
		d, err := decimal.New(signed(a)+signed(b), a.Scale())
		return Money{d, c}, err
	}
	// Without the scale, the library would round the sum to 19 digits.
	scale := max(m.Amount.MinScale(), o.Amount.MinScale())
	d, err := m.Amount.AddExact(o.Amount, scale)
	if err != nil {
		return Money{}, fmt.Errorf("%s and %s do not add up within 19 digits: %w", m, o, err)
	}
	return Money{d, c}, nil
}

// signed is the digits of a small number as a whole one.
func signed(d decimal.Decimal) int64 {
	if d.IsNeg() {
		return -int64(d.Coef())
	}
	return int64(d.Coef())
}

// Sub returns m - o under the rules of [Money.Add].
func (m Money) Sub(o Money) (Money, error) { return m.Add(o.Neg()) }

// common is the currency both share. A zero of no currency goes with any.
func (m Money) common(o Money) (Currency, error) {
	switch {
	case m.Currency == o.Currency, o.Currency == "" && o.Amount.IsZero():
		return m.Currency, nil
	case m.Currency == "" && m.Amount.IsZero():
		return o.Currency, nil
	}
	return "", &CurrencyError{m, o}
}

// Cmp is -1, 0 or +1; two different currencies are a [CurrencyError].
func (m Money) Cmp(o Money) (int, error) {
	if _, err := m.common(o); err != nil {
		return 0, err
	}
	return m.Amount.Cmp(o.Amount), nil
}

// Neg is -m.
func (m Money) Neg() Money { return Money{m.Amount.Neg(), m.Currency} }

// Minor converts to the API's minor units and is exact: more decimals than
// the currency has, or an amount between two that the currency can express
// (ISK 10.50, KWD 1.005), is an error, never rounded.
func (m Money) Minor() (Amount, error) {
	if m.Currency == "" {
		return Amount{}, fmt.Errorf("%s has no currency", m.Amount)
	}
	exp := m.Currency.Exponent()
	scaled := m.Amount
	if scaled.Scale() != exp { // few amounts are written with other decimals than their currency has
		scaled = scaled.Trim(0)
		if scaled.Scale() > exp {
			return Amount{}, fmt.Errorf("%s %s has more than %d decimals; round it in the mapping if that is meant", m.Amount, m.Currency.Upper(), exp)
		}
		scaled = scaled.Pad(exp)
	}
	if scaled.Scale() != exp || scaled.Coef() > math.MaxInt64 {
		return Amount{}, fmt.Errorf("%s %s is too large", m.Amount, m.Currency.Upper())
	}
	v := int64(scaled.Coef())
	if scaled.IsNeg() {
		v = -v
	}
	if step := m.Currency.step(); v%step != 0 {
		return Amount{}, fmt.Errorf("%s %s is finer than the API takes: the value in minor units, %d, must be a multiple of %d", m.Amount, m.Currency.Upper(), v, step)
	}
	return Amount{m.Currency, v}, nil
}

// Text writes the amount with all the decimals its currency has: 10.50, 1050.
// Without a currency it is the plain decimal.
func (m Money) Text() string { return string(m.AppendText(nil)) }

// AppendText appends what [Money.Text] is.
func (m Money) AppendText(b []byte) []byte {
	d, exp := m.Amount, 0
	if m.Currency != "" {
		exp = m.Currency.Exponent()
		d = d.Trim(exp).Pad(exp)
	}
	b, _ = d.AppendText(b)                       // it has no errors
	if missing := exp - d.Scale(); missing > 0 { // 19 digits are as many as a decimal has
		if d.Scale() == 0 {
			b = append(b, '.')
		}
		for range missing {
			b = append(b, '0')
		}
	}
	return b
}

// String is the amount with its currency: 10.50 USD.
func (m Money) String() string {
	if m.Currency == "" {
		return m.Text()
	}
	return m.Text() + " " + m.Currency.Upper()
}

// A CurrencyError is an attempt to add or compare money of two currencies.
type CurrencyError struct{ A, B Money }

func (e *CurrencyError) Error() string {
	return fmt.Sprintf("%s and %s are of two currencies and cannot be added or compared", e.A, e.B)
}
