package record

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/govalues/decimal"
	"pgregory.net/rapid"
)

func money(t testing.TB, amount string, c Currency) Money {
	t.Helper()
	d, err := decimal.Parse(amount)
	if err != nil {
		t.Fatal(err)
	}
	return Money{d, c}
}

func TestMinor(t *testing.T) {
	for _, tt := range []struct {
		amount string
		c      Currency
		want   int64
		err    string // a part of it; "" for none
	}{
		{"10.50", "usd", 1050, ""},
		{"10.5", "usd", 1050, ""},
		{"10", "usd", 1000, ""},
		{"10.500000", "usd", 1050, ""},
		{"0", "usd", 0, ""},
		{"-33.50", "eur", -3350, ""},
		{"-0.00", "eur", 0, ""},
		{"10.505", "usd", 0, "more than 2 decimals"},
		{"0.001", "usd", 0, "more than 2 decimals"},
		{"1050", "jpy", 1050, ""},
		{"1050.00", "jpy", 1050, ""},
		{"1050.5", "jpy", 0, "more than 0 decimals"},
		{"1.23", "huf", 123, ""},
		{"1.23", "twd", 123, ""},
		{"1.23", "kwd", 1230, ""},
		{"1.230", "kwd", 1230, ""},
		{"1.005", "kwd", 0, "multiple of 10"},
		{"-1.005", "bhd", 0, "multiple of 10"},
		{"1.0050", "kwd", 0, "multiple of 10"},
		{"1.0005", "kwd", 0, "more than 3 decimals"},
		{"1050", "isk", 105000, ""},
		{"1050.50", "isk", 0, "multiple of 100"},
		{"-3", "ugx", -300, ""},
		{"0.01", "ugx", 0, "multiple of 100"},
		{"9999999999.99", "usd", 999999999999, ""},
		{"123456789012.34", "usd", 12345678901234, ""}, // sums are larger than one payment may be
		{"92233720368547758.07", "usd", math.MaxInt64, ""},
		{"92233720368547758.08", "usd", 0, "too large"},
		{"-92233720368547758.07", "usd", -math.MaxInt64, ""},
		{"9999999999999999999", "jpy", 0, "too large"},
		{"9999999999999999999", "usd", 0, "too large"},
		{"999999999999999999", "kwd", 0, "too large"},
		{"5", "", 0, "no currency"},
	} {
		got, err := money(t, tt.amount, tt.c).Minor()
		switch {
		case tt.err == "" && (err != nil || got != Amount{tt.c, tt.want}):
			t.Errorf("%s %s: %v, %v; want %d", tt.amount, tt.c, got, err, tt.want)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s %s: %v, %v; want an error with %q", tt.amount, tt.c, got, err, tt.err)
		}
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		amount       string
		c            Currency
		text, string string
	}{
		{"10.5", "usd", "10.50", "10.50 USD"},
		{"10.5000", "usd", "10.50", "10.50 USD"},
		{"10.505", "usd", "10.505", "10.505 USD"}, // what is there is shown, not rounded
		{"1050", "jpy", "1050", "1050 JPY"},
		{"1050.0", "jpy", "1050", "1050 JPY"},
		{"1.2", "kwd", "1.200", "1.200 KWD"},
		{"5", "isk", "5.00", "5.00 ISK"},
		{"-0.5", "eur", "-0.50", "-0.50 EUR"},
		{"-0", "eur", "0.00", "0.00 EUR"},
		{"3.10", "", "3.10", "3.10"},
		{"0", "", "0", "0"},
	} {
		m := money(t, tt.amount, tt.c)
		if m.Text() != tt.text || m.String() != tt.string {
			t.Errorf("%s %s: %q, %q; want %q, %q", tt.amount, tt.c, m.Text(), m.String(), tt.text, tt.string)
		}
	}
}

func TestMoneyOfTwoCurrencies(t *testing.T) {
	usd, eur, none, nothing := money(t, "1", "usd"), money(t, "0", "eur"), money(t, "1", ""), Money{}
	for _, tt := range []struct {
		a, b Money
		want string // "" is a CurrencyError
	}{
		{usd, usd, "2.00 USD"}, {usd, nothing, "1.00 USD"}, {nothing, usd, "1.00 USD"}, {nothing, nothing, "0"},
		{none, none, "2"}, {none, nothing, "1"},
		{usd, eur, ""}, {eur, usd, ""}, {usd, none, ""}, {none, usd, ""},
		{eur, none, ""}, // zero euro is of a currency all the same
	} {
		got, err := tt.a.Add(tt.b)
		var ce *CurrencyError
		if tt.want == "" {
			if !errors.As(err, &ce) || ce.A != tt.a || ce.B != tt.b {
				t.Errorf("%s + %s = %s, %v; want a CurrencyError", tt.a, tt.b, got, err)
			}
			if _, err := tt.a.Cmp(tt.b); !errors.As(err, &ce) {
				t.Errorf("%s cmp %s: %v", tt.a, tt.b, err)
			}
			if _, err := tt.a.Sub(tt.b); !errors.As(err, &ce) {
				t.Errorf("%s - %s: %v", tt.a, tt.b, err)
			}
			continue
		}
		if err != nil || got.String() != tt.want {
			t.Errorf("%s + %s = %s, %v; want %s", tt.a, tt.b, got, err, tt.want)
		}
	}
	if n, err := usd.Cmp(money(t, "1.00", "usd")); n != 0 || err != nil {
		t.Errorf("1 and 1.00 compare as %d, %v", n, err)
	}
	if got := usd.Neg().String(); got != "-1.00 USD" {
		t.Errorf("Neg: %s", got)
	}
}

// A sum that the decimal library would round to 19 digits is refused: books
// that are wrong in the last cent are wrong.
func TestAddNeverRounds(t *testing.T) {
	big := money(t, "99999999999999999.99", "usd")
	for _, small := range []string{"0.001", "0.01", "0.0000000000000000001"} {
		if got, err := big.Add(money(t, small, "usd")); err == nil {
			t.Errorf("%s + %s = %s without an error", big, small, got)
		}
	}
	// Zeros behind the point are no digits that could be lost.
	got, err := big.Add(money(t, "0.0000000000000000000", "usd"))
	if err != nil || got.String() != "99999999999999999.99 USD" {
		t.Errorf("%s, %v", got, err)
	}
	got, err = money(t, "10", "usd").Add(money(t, "1.0000000000000000000", "usd"))
	if err != nil || got.String() != "11.00 USD" {
		t.Errorf("%s, %v", got, err)
	}
}

func genCurrency() *rapid.Generator[Currency] {
	return rapid.Custom(func(t *rapid.T) Currency {
		i := rapid.IntRange(0, len(currencies)/4).Draw(t, "currency")
		return Currency(currencies[4*i : 4*i+3])
	})
}

func genDecimal() *rapid.Generator[decimal.Decimal] {
	return rapid.Custom(func(t *rapid.T) decimal.Decimal {
		v := rapid.Int64().Draw(t, "coefficient")
		return decimal.MustNew(v, rapid.SampledFrom([]int{0, 1, 2, 2, 3, 4, 7, 18, 19}).Draw(t, "scale"))
	})
}

func rat(t *rapid.T, d decimal.Decimal) *big.Rat {
	r, ok := new(big.Rat).SetString(d.String())
	if !ok {
		t.Fatalf("%s is no number", d)
	}
	return r
}

// TestArithmeticIsExact holds Add, Sub, Cmp and Neg against big.Rat.
func TestArithmeticIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := genCurrency().Draw(t, "c")
		a, b := Money{genDecimal().Draw(t, "a"), c}, Money{genDecimal().Draw(t, "b"), c}
		x, y := rat(t, a.Amount), rat(t, b.Amount)
		if sum, err := a.Add(b); err == nil && rat(t, sum.Amount).Cmp(new(big.Rat).Add(x, y)) != 0 {
			t.Fatalf("%s + %s = %s", a, b, sum)
		}
		if diff, err := a.Sub(b); err == nil && rat(t, diff.Amount).Cmp(new(big.Rat).Sub(x, y)) != 0 {
			t.Fatalf("%s - %s = %s", a, b, diff)
		}
		if n, err := a.Cmp(b); err != nil || n != x.Cmp(y) {
			t.Fatalf("%s cmp %s = %d, %v", a, b, n, err)
		}
		if rat(t, a.Neg().Amount).Cmp(new(big.Rat).Neg(x)) != 0 {
			t.Fatalf("-(%s) = %s", a, a.Neg())
		}
	})
}

// TestMinorIsExact: Minor gives the amount times the power of ten, an integer
// of the right step, or an error; and an error only where there is no such one.
func TestMinorIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Money{genDecimal().Draw(t, "amount"), genCurrency().Draw(t, "c")}
		want := rat(t, m.Amount)
		for range m.Currency.Exponent() {
			want.Mul(want, big.NewRat(10, 1))
		}
		possible := want.IsInt() && new(big.Int).Abs(want.Num()).IsInt64() &&
			new(big.Int).Rem(want.Num(), big.NewInt(m.Currency.step())).Sign() == 0
		got, err := m.Minor()
		if (err == nil) != possible {
			t.Fatalf("%s: %v, %v; exactly %s", m, got, err, want.RatString())
		}
		if err == nil && (got.Currency != m.Currency || got.Value != want.Num().Int64()) {
			t.Fatalf("%s: %v; want %s", m, got, want.RatString())
		}
	})
}

func TestMinorAndMoneyAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := genCurrency().Draw(t, "c")
		n := rapid.Int64Range(-math.MaxInt64/100, math.MaxInt64/100).Draw(t, "n")
		a := Amount{c, n * c.step()}
		back, err := a.Money().Minor()
		if err != nil || back != a {
			t.Fatalf("%v is %s is %v, %v", a, a.Money(), back, err)
		}
	})
	for _, v := range []int64{math.MinInt64, math.MaxInt64} {
		if got := (Amount{"usd", v}).Money().String(); !strings.HasSuffix(got, "USD") {
			t.Errorf("%d is %s", v, got)
		}
	}
}

// Where a decimal has no room for them, the zeros of a currency are written all
// the same.
func TestTextOfManyDigits(t *testing.T) {
	for text, want := range map[string]string{
		"1234567890123456789": "1234567890123456789.00",
		"123456789012345678":  "123456789012345678.00",
		"12345678901234567":   "12345678901234567.00",
	} {
		if got := (Money{Amount: decimal.MustParse(text), Currency: "eur"}).Text(); got != want {
			t.Errorf("%s reads %s", text, got)
		}
	}
}
