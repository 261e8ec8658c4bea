package expression

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/record"
)

// testNames are the names of the rows in these tests; testRow gives them
// values in the same order.
var testNames = []Name{
	{Name: "gross", Kind: Money}, {Name: "net", Kind: Money}, {Name: "euro", Kind: Money}, {Name: "nomoney", Kind: Money},
	{Name: "n", Kind: Number}, {Name: "rate", Kind: Number}, {Name: "nonumber", Kind: Number},
	{Name: "type", Kind: Text}, {Name: "ref", Kind: Text}, {Name: "blank", Kind: Text},
	{Name: "at", Kind: Time}, {Name: "later", Kind: Time}, {Name: "notime", Kind: Time},
	{Name: "ok", Kind: Bool}, {Name: "nobool", Kind: Bool}, {Name: "zone", Kind: Text}, {Name: "is", Kind: Text}, {Name: "gross_dr", Kind: Money},
}

func usd(s string) Value  { return moneyOf(decimal.MustParse(s), "usd") }
func num(s string) Value  { return NumberOf(decimal.MustParse(s)) }
func yes(b bool) Value    { return BoolOf(b) }
func text(s string) Value { return TextOf(s) }

func testRow(t testing.TB) []Value {
	t.Helper()
	la, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	return []Value{
		usd("10.00"), usd("9.76"), moneyOf(decimal.MustParse("5"), "eur"), EmptyOf(Money),
		num("12"), num("0.029"), EmptyOf(Number),
		text("Settled"), text("INV-2026/0042/x"), text(""),
		TimeOf(time.Date(2026, 2, 18, 16, 10, 51, 0, la)), TimeOf(time.Date(2026, 3, 9, 0, 30, 0, 0, la)), EmptyOf(Time),
		yes(true), EmptyOf(Bool), text("Asia/Tokyo"), text("payment"), usd("0"),
	}
}

func testScope() *Scope {
	return NewScope(testNames,
		map[string]*Lookup{
			"methods": NewLookup(map[string]string{"visa": "Visa", "mc": "Mastercard"}, MissingError),
			"passing": NewLookup(map[string]string{"a": "A"}, MissingPass),
			"lenient": NewLookup(map[string]string{"a": "A"}, MissingEmpty),
		},
		map[string]map[string]Value{"params": {"method": text("cpmt_1"), "fee": num("0.30"), "unset": EmptyOf(Number), "none": text("")}})
}

func testFrame(t testing.TB, s *Scope) *Frame {
	f := s.NewFrame()
	for i, v := range testRow(t) {
		f.Set(i, v)
	}
	return f
}

// show is a value as the tables of these tests write it: money 10.00 USD.
func show(v Value) string { return v.Kind().String() + " " + v.quoted() }

func TestEval(t *testing.T) {
	tests := []struct{ src, want string }{
		// literals and names
		{`"a"`, `text "a"`}, {`'it\'s'`, `text "it's"`}, {"`a\"b`", `text "a\"b"`},
		{`12`, `number 12`}, {`1.19`, `number 1.19`}, {`1_000`, `number 1000`}, {`true`, `yes/no true`},
		{`9007199254740993.01`, `number 9007199254740993.01`}, // no float64 on the way
		{`gross`, `money 10.00 USD`}, {`nomoney`, `money nothing`}, {`notime`, `time nothing`},
		{`params.method`, `text "cpmt_1"`}, {`params["method"]`, `text "cpmt_1"`}, {`params.unset`, `number nothing`},
		{"gross // the amount\n", `money 10.00 USD`}, {`/* c */ n`, `number 12`},

		// arithmetic
		{`0.1 + 0.2 == 0.3`, `yes/no true`}, {`1 + 2 * 3`, `number 7`}, {`(1 + 2) * 3`, `number 9`}, {`n - 12`, `number 0`},
		{`-n`, `number -12`}, {`+n`, `number 12`}, {`-1.5`, `number -1.5`}, {`n * n`, `number 144`}, {`params.fee * 2`, `number 0.60`},
		{`gross - net`, `money 0.24 USD`}, {`gross + net + gross - net`, `money 20.00 USD`}, {`-gross`, `money -10.00 USD`},
		{`gross * rate`, `money 0.29 USD`}, {`2 * gross`, `money 20.00 USD`}, {`gross + 0`, `money 10.00 USD`}, {`0 - gross`, `money -10.00 USD`},
		{`"Adyen " + type`, `text "Adyen Settled"`},

		// comparison
		{`gross > 0`, `yes/no true`}, {`0 < gross`, `yes/no true`}, {`gross == 10`, `yes/no true`}, {`gross >= net`, `yes/no true`}, {`gross != gross`, `yes/no false`},
		{`n <= 12.00`, `yes/no true`}, {`0 < n < 13`, `yes/no true`}, {`0 < n < 12`, `yes/no false`}, {`at < later`, `yes/no true`}, {`at == at`, `yes/no true`},
		{`type == "Settled"`, `yes/no true`}, {`type == "settled"`, `yes/no false`}, {`type != ""`, `yes/no true`}, {`blank == ""`, `yes/no true`}, {`type < "T"`, `yes/no true`},
		{`ok == true`, `yes/no true`}, {`ok != true`, `yes/no false`},

		// in, logic, choice
		{`type in ["Fee", "Settled"]`, `yes/no true`}, {`type not in ["Fee"]`, `yes/no true`}, {`type in []`, `yes/no false`}, {`n in [1, 12.0]`, `yes/no true`}, {`gross in [0, 10]`, `yes/no true`},
		{`type in [ref, params.method, type]`, `yes/no true`}, {`"0042" in split(ref, "/")`, `yes/no true`}, {`"042" in split(ref, "/")`, `yes/no false`}, {`"" in split(blank, "/")`, `yes/no true`},
		{`ok && n > 1`, `yes/no true`}, {`ok and not ok`, `yes/no false`}, {`not ok or ok`, `yes/no true`}, {`!ok || n == 1`, `yes/no false`},
		{`false && nomoney > 0`, `yes/no false`}, {`ok || nobool`, `yes/no true`}, {`not (type == "x")`, `yes/no true`},
		{`ok ? gross : -gross`, `money 10.00 USD`}, {`if n > 12 { "a" } else if n == 12 { "b" } else { "c" }`, `text "b"`}, {`ok ? 0 : gross`, `money 0`}, {`!ok ? 0 : gross`, `money 10.00 USD`},
		{`nomoney ?? gross`, `money 10.00 USD`}, {`nomoney ?? 0`, `money 0`}, {`blank ?? type`, `text "Settled"`}, {`(notime ?? at) == at`, `yes/no true`},

		// texts
		{`ref startsWith "INV"`, `yes/no true`}, {`ref endsWith "x"`, `yes/no true`}, {`ref contains "2026"`, `yes/no true`}, {`ref not contains "2027"`, `yes/no true`},
		{`ref matches "^INV-[0-9]{4}/"`, `yes/no true`}, {`ref not matches params.method`, `yes/no true`},
		{`upper(type)`, `text "SETTLED"`}, {`lower(type)`, `text "settled"`}, {`trim("\u00a0 a\ufeff")`, `text "a"`}, {`replace(ref, "/", "-")`, `text "INV-2026-0042-x"`},
		{`part(ref, "/", 2)`, `text "0042"`}, {`part(ref, "/", -1)`, `text "x"`}, {`part(ref, "/", -3)`, `text "INV-2026"`}, {`part(ref, "/", -4)`, `text ""`}, {`part(ref, "/", 4)`, `text ""`}, {`part("ab", "ab", -1)`, `text ""`},
		{`split(ref, "/")[0]`, `text "INV-2026"`}, {`split(ref, "/")[-1]`, `text "x"`}, {`split(ref, "/")[9]`, `text ""`},
		{`before(ref, "/")`, `text "INV-2026"`}, {`after(ref, "/")`, `text "0042/x"`}, {`before(ref, "#")`, `text ""`}, {`after(ref, "#")`, `text ""`},
		{`regex(ref, "-([0-9]+)/([0-9]+)", 2)`, `text "0042"`}, {`regex(ref, "-(?P<year>[0-9]+)", "year")`, `text "2026"`}, {`regex(ref, "([a-z])$")`, `text "x"`}, {`regex(ref, "[0-9]+")`, `text "2026"`}, {`regex(ref, "z")`, `text ""`}, {`regex("b", "(a)?b", 1)`, `text ""`},
		{`pad("42", 5, "0")`, `text "00042"`}, {`pad("123456", 5, "0")`, `text "123456"`}, {`pad("ä", 3, "·")`, `text "··ä"`}, {`length("äö")`, `number 2`},
		{`sha256("abc")`, `text "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`},
		{`lookup("methods", "visa")`, `text "Visa"`}, {`lookup("passing", type)`, `text "Settled"`}, {`lookup("lenient", type)`, `text ""`},
		{`coalesce(blank, blank, ref)`, `text "INV-2026/0042/x"`}, {`coalesce(nomoney, 0)`, `money 0`}, {`coalesce(0, gross)`, `money 0`}, {`coalesce(nomoney, nomoney)`, `money nothing`}, {`empty(nomoney)`, `yes/no true`}, {`empty(blank)`, `yes/no true`}, {`empty(n)`, `yes/no false`},
		{`text(gross)`, `text "10.00"`}, {`text(n)`, `text "12"`}, {`text(nomoney)`, `text ""`}, {`text(at)`, `text "2026-02-18T16:10:51-08:00"`}, {`text(ok)`, `text "true"`}, {`text(money(1050, "jpy"))`, `text "1050"`},

		// numbers and money
		{`abs(-1.5)`, `number 1.5`}, {`abs(net - gross)`, `money 0.24 USD`}, {`min(n, 3, 5)`, `number 3`}, {`max(gross, net)`, `money 10.00 USD`}, {`max(-gross, 0)`, `money 0`}, {`max(0, gross)`, `money 10.00 USD`}, {`min("b", "a")`, `text "a"`}, {`max(at, later) == later`, `yes/no true`},
		{`round(2.345, 2)`, `number 2.35`}, {`round(-2.345, 2)`, `number -2.35`}, {`round(2.345, 2, "half_even")`, `number 2.34`}, {`round(2.355, 2, "half_even")`, `number 2.36`}, {`round(2.349, 2, "down")`, `number 2.34`}, {`round(2.341, 2, "up")`, `number 2.35`}, {`round(2.340, 2, "up")`, `number 2.34`}, {`round(2.3, 2)`, `number 2.3`}, {`round(2.5, 0)`, `number 3`},
		{`round(gross * rate, 1)`, `money 0.30 USD`}, {`round(-0.004, 2)`, `number 0.00`},
		{`div(10, 3, 2)`, `number 3.33`}, {`div(-10, 3, 2, "up")`, `number -3.34`}, {`div(gross, 4, 2)`, `money 2.50 USD`}, {`div(gross - net, gross, 4)`, `number 0.0240`}, {`div(1, 3, 18)`, `number 0.333333333333333333`},
		{`number(" -12.50 ")`, `number -12.50`}, {`number(blank)`, `number nothing`}, {`number(part(ref, "/", 2))`, `number 42`}, {`number(blank) ?? 0`, `number 0`},
		{`money(n, "EUR")`, `money 12.00 EUR`}, {`currency(gross)`, `text "USD"`}, {`amount(gross) + 1`, `number 11.00`}, {`money(n, currency(euro)) == euro * 2.4`, `yes/no true`},

		// times
		{`date(at, "America/Los_Angeles")`, `text "2026-02-18"`}, {`date(at, "UTC")`, `text "2026-02-19"`}, {`month(later, zone)`, `text "2026-03"`}, {`date(at, zone)`, `text "2026-02-19"`},
		{`format_time(at, "%d.%m.%Y %H:%M", "Europe/Berlin")`, `text "19.02.2026 01:10"`}, {`days_between(at, later)`, `number 19`}, {`days_between(later, at)`, `number -19`}, {`days_between(at, later, "UTC")`, `number 18`}, {`days_between(at, at)`, `number 0`},
	}
	s := testScope()
	f := testFrame(t, s)
	for _, tt := range tests {
		p, err := s.Compile(tt.src)
		if err != nil {
			t.Errorf("Compile(%s): %v", tt.src, err)
			continue
		}
		v, err := p.Eval(f)
		if err != nil {
			t.Errorf("%s: %v", tt.src, err)
			continue
		}
		if got := show(v); got != tt.want {
			t.Errorf("%s is %s, want %s", tt.src, got, tt.want)
		}
		if v.Kind() != p.Kind() {
			t.Errorf("%s is %s, but was compiled as %s", tt.src, v.Kind(), p.Kind())
		}
	}
}

func TestRunErrors(t *testing.T) {
	tests := []struct{ src, want string }{
		{`nomoney + gross`, `nomoney is empty; write nomoney ?? … for what to take then`},
		{`gross > 0 && nomoney > 0`, `nomoney is empty`},
		{`-nonumber`, `nonumber is empty`}, {`abs(nomoney * 2)`, `nomoney is empty`}, {`date(notime, "UTC")`, `notime is empty`}, {`not nobool`, `nobool is empty`}, {`nobool ? 1 : 2`, `nobool is empty`},
		{`ok && nobool`, `nobool is empty`}, {`nonumber in [1]`, `nonumber is empty`}, {`n in [nonumber]`, `nonumber is empty`}, {`number(blank) * 2`, `number(blank) is empty`}, {`money(nonumber, "USD")`, `nonumber is empty`}, {`params.unset > n`, `params.unset is empty`},
		{`gross + euro`, `10.00 USD and 5.00 EUR are of two currencies`}, {`gross - euro`, `10.00 USD and 5.00 EUR are of two currencies`}, {`gross == euro`, `are of two currencies`}, {`gross in [euro]`, `are of two currencies`}, {`max(gross, euro)`, `are of two currencies`}, {`div(gross, euro, 2)`, `are of two currencies`},
		{`lookup("methods", type)`, `lookup table "methods" has no entry for "Settled"; add one, or say missing: pass or empty`},
		{`div(gross, n - 12, 2)`, `division by zero: n - 12 is 0`}, {`number(type)`, `"Settled" is not a plain decimal`}, {`money(n, type)`, `"Settled" is not a currency code`},
		{`date(at, type)`, `"Settled" is not a time zone`}, {`date(at, blank)`, `"" is not a time zone`}, {`n * 9223372036854775807`, `more than 19 digits`}, {`9223372036854775807 + (9223372036854775807 - n)`, `more than 19 digits`},
		{`rate * 0.0000000000000000001`, `more than 19 digits`}, {`replace(type, blank, "x")`, `replace cannot look for ""`}, {`n > 0 ? money(n, params.none) : gross`, `"" is not a currency code`},
	}
	s := testScope()
	f := testFrame(t, s)
	for _, tt := range tests {
		p, err := s.Compile(tt.src)
		if err != nil {
			t.Errorf("Compile(%s): %v", tt.src, err)
			continue
		}
		v, err := p.Eval(f)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %s and error %v, want error %q", tt.src, show(v), err, tt.want)
		}
	}
}

// A caller must be able to tell the two causes it words differently.
func TestRunErrorTypes(t *testing.T) {
	s := testScope()
	f := testFrame(t, s)
	var currency *record.CurrencyError
	var missing *EmptyError
	if p, err := s.Compile("gross - euro"); err != nil {
		t.Fatal(err)
	} else if _, err := p.Eval(f); !errors.As(err, &currency) {
		t.Errorf("gross - euro: %v is not a CurrencyError", err)
	}
	if p, err := s.Compile("1 + nonumber"); err != nil {
		t.Fatal(err)
	} else if _, err := p.Eval(f); !errors.As(err, &missing) || missing.What != "nonumber" {
		t.Errorf("1 + nonumber: %v is not an EmptyError of nonumber", err)
	}
}

func TestRefs(t *testing.T) {
	s := testScope()
	for src, want := range map[string][]string{
		`gross`: {"gross"}, `1 + 2`: nil, `type == "x" ? net - gross : -net`: {"gross", "net", "type"}, `0 < n < 5 && n in [n]`: {"n"}, `"a" in split(ref, type)`: {"type", "ref"},
	} {
		p, err := s.Compile(src)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range p.Refs() {
			got = append(got, s.Names()[i].Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s refers to %v, want %v", src, got, want)
		}
	}
}

func TestFrame(t *testing.T) {
	s := NewScope([]Name{{Name: "a", Kind: Text}, {Name: "m", Kind: Money}}, nil, nil)
	f := s.NewFrame()
	f.Set(0, text("x"))
	f.Set(1, usd("1"))
	f.Set(1, Value{})
	if v := f.Get(1); !v.IsEmpty() || v.Kind() != Money {
		t.Errorf("a zero Value set %v", show(v))
	}
	f.Reset()
	if v := f.Get(0); v.Kind() != Text || v.Text() != "" {
		t.Errorf("after Reset a is %v", show(v))
	}
	defer func() {
		if p := fmt.Sprint(recover()); !strings.Contains(p, `"m" is set to text, but was declared money`) {
			t.Errorf("a wrong kind made %q", p)
		}
	}()
	f.Set(1, text("x"))
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "net_eur", "_x", "größe", "sum", "a1"} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
		s := NewScope([]Name{{Name: name, Kind: Text}}, nil, nil)
		if _, err := s.Compile(name); err != nil {
			t.Errorf("%q passes CheckName, but: %v", name, err)
		}
	}
	for _, name := range []string{"", "1a", "a b", "a.b", "in", "not", "let", "true", "nil", "a-b", "#x", "if"} {
		if CheckName(name) == nil {
			t.Errorf("%q passes", name)
		}
	}
}

// Programs are shared by goroutines, frames are not; run with -race.
func TestConcurrentEval(t *testing.T) {
	s := testScope()
	p, err := s.Compile(`date(at, zone) + lookup("methods", "visa") + regex(ref, "[0-9]+") + text(gross + net)`)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		f := testFrame(t, s)
		wg.Go(func() {
			for range 100 {
				if v, err := p.Eval(f); err != nil || v.Text() != "2026-02-19Visa202619.76" {
					t.Errorf("got %s, %v", v, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
