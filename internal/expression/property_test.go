package expression

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/govalues/decimal"
	"pgregory.net/rapid"
)

func genTime(t *rapid.T) Value {
	at := time.Unix(rapid.Int64Range(-1e9, 4e9).Draw(t, "sec"), rapid.Int64Range(0, 999_999_999).Draw(t, "nsec"))
	return TimeOf(at.In(time.FixedZone("", rapid.IntRange(-14*60, 14*60).Draw(t, "offset")*60)))
}

func genDecimal(t *rapid.T, name string) decimal.Decimal {
	d, err := decimal.New(rapid.Int64().Draw(t, name), rapid.IntRange(0, 19).Draw(t, name+" scale"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func rat(t *rapid.T, d decimal.Decimal) *big.Rat {
	r, ok := new(big.Rat).SetString(d.String())
	if !ok {
		t.Fatalf("%s is no number", d)
	}
	return r
}

// fits says whether 19 digits can hold r.
func fits(r *big.Rat) bool {
	for scale := 0; scale <= 19; scale++ {
		x := new(big.Rat).Mul(r, new(big.Rat).SetInt(pow10(scale)))
		if x.IsInt() {
			return len(new(big.Int).Abs(x.Num()).String()) <= 19
		}
	}
	return false
}

// Arithmetic is exact, or an error; and an error only if it cannot be exact.
func TestArithmeticIsExact(t *testing.T) {
	ops := map[string]struct {
		f func(a, b decimal.Decimal) (decimal.Decimal, error)
		r func(z, a, b *big.Rat) *big.Rat
	}{
		"+": {add, (*big.Rat).Add},
		"*": {mul, (*big.Rat).Mul},
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := genDecimal(t, "a"), genDecimal(t, "b")
		for name, op := range ops {
			want := op.r(new(big.Rat), rat(t, a), rat(t, b))
			got, err := op.f(a, b)
			switch {
			case err != nil && fits(want):
				t.Fatalf("%s %s %s: %v, but it is %s", a, name, b, err, want.FloatString(25))
			case err == nil && rat(t, got).Cmp(want) != 0:
				t.Fatalf("%s %s %s = %s, want %s", a, name, b, got, want.FloatString(25))
			}
		}
	})
}

// A rounded figure is the nearest of its decimals, on the side its mode says.
func TestRounding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genDecimal(t, "a"), genDecimal(t, "b")
		places := rapid.IntRange(0, maxPlaces).Draw(t, "places")
		m := mode(rapid.IntRange(0, 3).Draw(t, "mode"))
		if b.IsZero() {
			return
		}
		got, err := div(a, b, places, m)
		if err != nil {
			return // too long; the sizes are in TestDivTooLong
		}
		exact := new(big.Rat).Quo(rat(t, a), rat(t, b))
		diff := new(big.Rat).Sub(rat(t, got), exact)
		if exact.Sign() < 0 {
			diff.Neg(diff) // positive: away from zero
		}
		ulp := new(big.Rat).SetFrac(big.NewInt(1), pow10(places))
		half := new(big.Rat).Mul(ulp, big.NewRat(1, 2))
		size := new(big.Rat).Abs(diff)
		bad := size.Cmp(ulp) >= 0
		switch m {
		case down:
			bad = bad || diff.Sign() > 0
		case up:
			bad = bad || diff.Sign() < 0
		case halfUp:
			bad = size.Cmp(half) > 0 || size.Cmp(half) == 0 && diff.Sign() < 0
		case halfEven:
			last := new(big.Rat).Mul(rat(t, got), new(big.Rat).SetInt(pow10(places))).Num()
			bad = size.Cmp(half) > 0 || size.Cmp(half) == 0 && last.Bit(0) == 1
		}
		if bad || got.Scale() > places {
			t.Fatalf("%s ÷ %s to %d %s is %s, exactly %s", a, b, places, modeNames[m], got, exact.FloatString(25))
		}
		same, err := round(got, places, m)
		if err != nil || same.Cmp(got) != 0 {
			t.Fatalf("rounding %s again gives %s, %v", got, same, err)
		}
	})
}

func TestDivTooLong(t *testing.T) {
	for _, tt := range []struct {
		a, b   string
		places int
		ok     bool
	}{{"1", "3", 18, true}, {"1", "0.03", 18, false}, {"9999999999999999999", "1", 0, true}, {"9999999999999999999", "0.1", 0, false}, {"1000000000000000000", "1", 18, true}} {
		if _, err := div(decimal.MustParse(tt.a), decimal.MustParse(tt.b), tt.places, halfUp); (err == nil) != tt.ok {
			t.Errorf("div(%s, %s, %d): %v", tt.a, tt.b, tt.places, err)
		}
	}
}

// A literal is the number that its digits say, and comes back as written.
func TestLiteralsAreExact(t *testing.T) {
	s := NewScope(nil, nil, nil)
	rapid.Check(t, func(t *rapid.T) {
		d := genDecimal(t, "d").Abs()
		if d.Scale() == 0 {
			return
		}
		p, err := s.Compile(d.String())
		if err != nil {
			t.Fatal(err)
		}
		if v, err := p.Eval(nil); err != nil || v.Number().String() != d.String() {
			t.Fatalf("%s is %s, %v", d, v, err)
		}
		if back, err := parseDecimal(d.Neg().String()); err != nil || back.Cmp(d.Neg()) != 0 {
			t.Fatalf("%s reads as %s, %v", d.Neg(), back, err)
		}
	})
}

// part agrees with the list that it never makes.
func TestPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching(`[a-z]{0,2}`), 1, 6).Draw(t, "parts")
		s := ""
		for i, p := range parts {
			if i > 0 {
				s += "--"
			}
			s += p
		}
		for n := 1; n <= len(parts)+1; n++ {
			front, back := "", ""
			if n <= len(parts) {
				front, back = parts[n-1], parts[len(parts)-n]
			}
			if got := nthPart(s, "--", n); got != front {
				t.Fatalf("part %d of %q is %q, want %q", n, s, got, front)
			}
			if got := nthPart(s, "--", -n); got != back {
				t.Fatalf("part %d of %q is %q, want %q", -n, s, got, back)
			}
		}
	})
}

func TestTimeOfKnowsNoMachine(t *testing.T) {
	at := time.Unix(1771459851, 5)
	if got := TimeOf(at).Time().Location(); got != time.UTC {
		t.Errorf("a time in the machine's zone is kept in %s", got)
	}
	if !TimeOf(at).Time().Equal(at) {
		t.Error("it is another instant")
	}
}

func TestValues(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	for _, tt := range []struct {
		v     Value
		str   string
		empty bool
	}{
		{text("x"), "x", false}, {text(""), "", true}, {EmptyOf(Text), "", true}, {num("1.50"), "1.50", false}, {EmptyOf(Number), "", true},
		{usd("1.5"), "1.50 USD", false}, {EmptyOf(Money), "", true}, {TimeOf(at), "2026-01-02T03:04:05+01:00", false}, {yes(false), "false", false}, {Value{}, "", true},
	} {
		if got := tt.v.String(); got != tt.str || tt.v.IsEmpty() != tt.empty {
			t.Errorf("%#v: %q, empty %v", tt.v, got, tt.v.IsEmpty())
		}
		if !tt.v.Equal(tt.v) {
			t.Errorf("%q does not equal itself", tt.str)
		}
	}
	for _, pair := range [][2]Value{{num("1"), usd("1")}, {usd("1"), moneyOf(decimal.MustParse("1"), "eur")}, {num("0"), EmptyOf(Number)}, {yes(false), EmptyOf(Bool)}, {text("a"), text("b")}, {TimeOf(at), TimeOf(at.Add(1))}} {
		if pair[0].Equal(pair[1]) {
			t.Errorf("%v equals %v", show(pair[0]), show(pair[1]))
		}
	}
	if !num("1.0").Equal(num("1")) || !TimeOf(at).Equal(TimeOf(at.UTC())) || !EmptyOf(Text).Equal(text("")) {
		t.Error("equal values differ")
	}
	if m := usd("2").Money(); m.String() != "2.00 USD" || num("3").Money().String() != "0" || fmt.Sprint(usd("3").Number()) != "0" || usd("3").Text() != "" {
		t.Error("accessors mix kinds")
	}
}

// round has a way of its own, which must agree with dividing by 1.
func TestRoundIsDivisionByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, places, m := genDecimal(t, "d"), rapid.IntRange(0, maxPlaces).Draw(t, "places"), mode(rapid.IntRange(0, 3).Draw(t, "mode"))
		if rapid.Bool().Draw(t, "half") { // halves are where modes differ
			d = decimal.MustNew(10*rapid.Int64Range(-1e12, 1e12).Draw(t, "tens")+5, places+1)
		}
		want, err := div(d, decimal.MustNew(1, 0), min(places, d.Scale()), m)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := round(d, places, m); err != nil || got.Cmp(want) != 0 {
			t.Fatalf("%s to %d %s is %s, want %s, %v", d, places, modeNames[m], got, want, err)
		}
	})
}
