package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/govalues/decimal"
	"pgregory.net/rapid"
)

func TestNumbers(t *testing.T) {
	point := numberFormat{decimal: '.'}
	english := numberFormat{'.', ','}
	german := numberFormat{',', '.'}
	french := numberFormat{',', ' '}
	swiss := numberFormat{'.', '\''}
	for _, tt := range []struct {
		f    numberFormat
		text string
		want string // or a part of the error, after "!"
	}{
		{point, "12", "12"}, {point, ".5", "0.5"}, {point, "-.5", "-0.5"}, {point, "0012", "12"}, {point, "1653.75", "1653.75"},
		{point, "\u00a012.5\t", "12.5"}, {point, "-12", "-12"}, {point, "12-", "-12"}, {point, "+ 12", "12"}, {point, "- 12.01", "-12.01"},
		{point, "−5", "-5"}, {point, "(25.99)", "-25.99"}, {point, "( 25.99 )", "-25.99"}, {point, "0.000000001", "0.000000001"},
		{point, "1234567890123456789", "1234567890123456789"},
		{english, "1,653.75", "1653.75"}, {english, "1,234,567", "1234567"}, {english, "999", "999"}, {english, "1653.75", "1653.75"},
		{german, "1.653,75", "1653.75"}, {german, "-33,50", "-33.50"}, {german, "4.626,81", "4626.81"},
		{french, "1 653,75", "1653.75"}, {french, "1\u202f653,75", "1653.75"}, {swiss, "1'653.75", "1653.75"}, {swiss, "1’653.75", "1653.75"},

		{point, "", "!not a number"}, {point, "-", "!not a number"}, {point, "abc", "!not a number"}, {point, "1.", "!not a number"}, {point, ".", "!not a number"},
		{point, "--1", "!not a number"}, {point, "-1-", "!two signs"}, {point, "(-1)", "!parenthesis"}, {point, "(1", "!parenthesis"},
		{point, "1.2.3", "!decimal mark '.' twice"}, {point, "1,653.75", "!no thousands mark"}, {point, "1e5", "!exponent"}, {point, "8.81618E+15", "!exponent"},
		{point, "12345678901234567890", "!more than 19 digits"}, {point, "0.12345678901234567890", "!more than 19 digits"}, {point, "$12", "!currency sign"}, {point, "12 EUR", "!decimal: '.'"},
		{english, "1,23", "!three digits"}, {english, "12,34,567", "!three digits"}, {english, "1234,567", "!three digits"}, {english, ",123", "!three digits"},
		{english, "1,234.567,8", "!among its decimals"}, {english, "1.234,56", "!among its decimals"}, {english, "1,,234", "!three digits"}, {german, "1,653.75", "!among its decimals"},
		{german, "12.5", "!three digits"}, {point, "１２", "!not a number"}, {point, "NaN", "!not a number"}, {point, "0x10", "!not a number"},
	} {
		got, err := tt.f.parse(tt.text)
		if want, bad := strings.CutPrefix(tt.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: got %v, %v, want an error with %q", tt.text, got, err, want)
			}
		} else if err != nil || got.String() != tt.want {
			t.Errorf("%q: got %v, %v, want %s", tt.text, got, err, tt.want)
		}
	}
}

// However a number is written, it reads as what it is.
func TestNumberFormats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, err := decimal.New(rapid.Int64().Draw(t, "coefficient"), rapid.IntRange(0, 9).Draw(t, "scale"))
		if err != nil {
			t.Fatal(err)
		}
		f := rapid.SampledFrom([]numberFormat{{'.', ','}, {',', '.'}, {',', ' '}, {'.', '\''}, {'.', 0}}).Draw(t, "format")
		whole, fraction, _ := strings.Cut(d.Abs().String(), ".")
		if f.group != 0 && rapid.Bool().Draw(t, "grouped") {
			for i := len(whole) - 3; i > 0; i -= 3 {
				whole = whole[:i] + string(f.group) + whole[i:]
			}
		}
		text := whole
		if fraction != "" {
			text += string(f.decimal) + fraction
		}
		if d.IsNeg() {
			text = fmt.Sprintf(rapid.SampledFrom([]string{"-%s", "%s-", "(%s)", "- %s", "−%s"}).Draw(t, "sign"), text)
		}
		got, err := f.parse(text)
		if err != nil || got.Cmp(d) != 0 {
			t.Fatalf("%q in %+v: got %v, %v, want %v", text, f, got, err, d)
		}
	})
}

func TestGlobs(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"Settled", "SETTLED", true}, {"Settled", "Settled ", false}, {"T00*", "t0006", true}, {"T00*", "T0106", false}, {"*", "", true}, {"", "", true}, {"", "x", false},
		{"*ed", "Refunded", true}, {"a*b*c", "aXXbYYc", true}, {"a*b*c", "aXXc", false}, {"ÄB*", "äbc", true}, {"a?c", "abc", false}, {"**", "abc", true},
	} {
		if got := newGlob(tt.pattern).match(tt.text); got != tt.want {
			t.Errorf("%q matches %q: %v", tt.pattern, tt.text, got)
		}
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{{"*", "x*", true}, {"T00*", "T0006", true}, {"T00*", "T0*", false}, {"a", "A", true}, {"a", "b", false}} {
		if got := newGlob(tt.a).covers(newGlob(tt.b)); got != tt.want {
			t.Errorf("%q covers %q: %v", tt.a, tt.b, got)
		}
	}
}
