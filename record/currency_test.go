package record

import (
	"slices"
	"strings"
	"testing"
)

// The lists of docs.stripe.com/currencies, written out once more: a table that
// is only compared with itself proves nothing.
const (
	noDecimals    = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
	threeDecimals = "bhd jod kwd omr tnd"
	wholeUnits    = "isk ugx"
)

func TestExponents(t *testing.T) {
	zero, three, whole := strings.Fields(noDecimals), strings.Fields(threeDecimals), strings.Fields(wholeUnits)
	for _, code := range strings.Fields(currencies) {
		wantExp, wantStep := 2, int64(1)
		switch {
		case slices.Contains(zero, code):
			wantExp = 0
		case slices.Contains(three, code):
			wantExp, wantStep = 3, 10
		case slices.Contains(whole, code):
			wantStep = 100
		}
		c := Currency(code)
		if got := c.Exponent(); got != wantExp {
			t.Errorf("%s: exponent %d, want %d", code, got, wantExp)
		}
		if got := c.step(); got != wantStep {
			t.Errorf("%s: step %d, want %d", code, got, wantStep)
		}
	}
	for _, code := range slices.Concat(zero, three, whole, []string{"huf", "twd", "usd", "eur"}) {
		if !Currency(code).Known() {
			t.Errorf("%s is not known", code)
		}
	}
}

// TestExponentIsNotISO pins where the API's table and ISO 4217's part ways.
func TestExponentIsNotISO(t *testing.T) {
	for code, want := range map[Currency]int{"isk": 2, "ugx": 2, "huf": 2, "twd": 2, "mga": 0, "iqd": 2, "lyd": 2} {
		if got := code.Exponent(); got != want {
			t.Errorf("%s: exponent %d, want %d", code, got, want)
		}
	}
}

func TestCurrenciesAreSortedAndUnique(t *testing.T) {
	codes := strings.Fields(currencies)
	if strings.Join(codes, " ") != currencies {
		t.Fatal("codes must be parted by exactly one blank: the search counts on it")
	}
	for i, code := range codes {
		if len(code) != 3 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("%q is no three letters in lower case", code)
		}
		if i > 0 && codes[i-1] >= code {
			t.Errorf("%q stands before %q", codes[i-1], code)
		}
		if !Currency(code).Known() {
			t.Errorf("%q is in the table and not found", code)
		}
	}
}

func TestParseCurrency(t *testing.T) {
	for in, want := range map[string]Currency{
		"usd": "usd", "USD": "usd", "Usd": "usd", " eur\t": "eur", "\u00a0JPY": "jpy", "aed": "aed", "ZWG": "zwg",
		"": "", "us": "", "usdd": "", "us ": "", "d a": "", "$": "", "€": "", "xxx": "", "zzz": "", "aaa": "",
		"\u212arw":               "", // the Kelvin sign, whose lower case is k
		"aed afn":                "",
		"\xff\xff\xff":           "",
		strings.Repeat("u", 1e4): "",
	} {
		got, err := ParseCurrency(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("ParseCurrency(%q) = %q, %v; want %q", in, got, err, want)
		}
		if err != nil && len(err.Error()) > 400 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	}
	for _, c := range []Currency{"", "USD", "us", "usd ", "ed "} {
		if c.Known() {
			t.Errorf("%q is known", c)
		}
	}
	if got := Currency("chf").Upper(); got != "CHF" {
		t.Errorf("Upper = %q", got)
	}
}

func TestCurrencyDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		_, _ = ParseCurrency(" USD ")
		_ = Currency("zwg").Known()
		_ = Currency("qqq").Known()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
