package table

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// rendered is number on a text, which it overwrites.
func rendered(s string) (string, bool) {
	b := []byte(s)
	n, ok := number(b[:0], b)
	return string(n), ok
}

func TestNumber(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "0.00": "0", "1": "1", "007": "7", "-12.340": "-12.34", "+5": "5", ".5": "0.5", "5.": "5",
		"277.60000000000002": "277.6", "0.30000000000000004": "0.3", "1.1005658780012": "1.1005658780012",
		"9.9999999999999999": "10", "999999999999999.9": "1000000000000000", "-0.99999999999999999": "-1",
		"4814769000000000": "4814769000000000", "9007199254740991": "9007199254740991", "12345678901234567890": "12345678901234567890",
		"1E3": "1000", "1.5e-2": "0.015", "1.2302025304E+022": "12302025304000000000000", "4.9E-324": "0." + strings.Repeat("0", 323) + "49",
		"42663.624166666697": "42663.6241666667",
	} {
		if got, ok := rendered(in); !ok || got != want {
			t.Errorf("number(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "-", ".", "e5", "1e", "1e999999999", "1e-401", "1,5", "0x10", "NaN", "Inf", "1 000", "--1", "1.2.3", "1_000", "²", strings.Repeat("1", 500)} {
		if got, ok := rendered(in); ok {
			t.Errorf("number(%q) = %q, want none", in, got)
		}
	}
}

// Rounding on text agrees with math/big on every double a workbook can hold.
func TestNumberAgreesWithBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-1e6, 1e6), rapid.Map(rapid.IntRange(-1e9, 1e9), func(n int) float64 { return float64(n) / 100 })).Draw(t, "value")
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return
		}
		text := strconv.FormatFloat(f, 'g', 17, 64)
		got, ok := rendered(text)
		if !ok {
			t.Fatalf("%s is no number", text)
		}
		exact, _ := new(big.Rat).SetString(text)
		have, ok := new(big.Rat).SetString(got)
		if !ok || strings.ContainsAny(got, "eE") {
			t.Fatalf("number(%s) = %s", text, got)
		}
		// Half a unit in the fifteenth digit, at most.
		diff := new(big.Rat).Abs(new(big.Rat).Sub(exact, have))
		if limit := new(big.Rat).Mul(new(big.Rat).Abs(exact), big.NewRat(5, 1e15)); diff.Cmp(limit) > 0 {
			t.Fatalf("number(%s) = %s", text, got)
		}
		digits := strings.Trim(strings.ReplaceAll(strings.TrimLeft(got, "-0."), ".", ""), "0")
		if strings.Contains(got, ".") && len(digits) > shown {
			t.Fatalf("number(%s) = %s has %d digits", text, got, len(digits))
		}
	})
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", "_x000D_": "\r", "a_x000a_b": "a\nb", "_x005F_x000D_": "_x000D_", "_x00": "_x00", "_xZZZZ_": "_xZZZZ_", "_x_x0041_": "_xA", "_xD800_": "_xD800_", "x_x0041": "x_x0041",
	} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"total*", "Total: 5", true}, {"*sum*", "the SUM is", true}, {"a?c", "abc", true}, {"a?c", "ac", false}, {"", "", true}, {"", "a", false},
		{"*", "", true}, {"合计*", "合计：3", true}, {"a*b*c", "aXbYbc", true}, {"a*b", "abc", false}, {"[x]", "x", false},
	} {
		if got := glob(tt.pattern, tt.text); got != tt.want {
			t.Errorf("glob(%q, %q) = %v", tt.pattern, tt.text, got)
		}
	}
	glob(strings.Repeat("*a", 50), strings.Repeat("a", 5000)+"b") // must not take for ever
}
