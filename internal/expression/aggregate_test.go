package expression

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/record"
)

// groupNames are the names of a group's rows in these tests.
var groupNames = []Name{{Name: "net", Kind: Money}, {Name: "n", Kind: Number}, {Name: "side", Kind: Text}, {Name: "at", Kind: Time}, {Name: "ok", Kind: Bool}}

func groupScope() *Scope { return NewScope(groupNames, nil, nil) }

// groupRows is a small batch: two payments, a refund, a payout.
var groupRows = [][]Value{
	{usd("9.76"), num("1"), text(""), EmptyOf(Time), yes(true)},
	{usd("19.50"), num("2"), text("CR"), EmptyOf(Time), yes(true)},
	{usd("-4.26"), num("3"), text("DR"), EmptyOf(Time), yes(false)},
	{usd("-25.00"), num("4"), text("PO"), EmptyOf(Time), yes(true)},
}

func run(t testing.TB, s *Scope, a *Aggregate, rows [][]Value) *State {
	t.Helper()
	st, f := a.NewState(), s.NewFrame()
	for _, row := range rows {
		for _, i := range a.Refs() {
			f.Set(i, row[i])
		}
		if err := st.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

func noTotals(string, string, string) (Value, bool) { return Value{}, false }

func TestAggregate(t *testing.T) {
	totals := func(kind, key, field string) (Value, bool) {
		switch kind + "/" + key + "/" + field {
		case "SF/batch 2/credits":
			return usd("19.50"), true
		case "SF/batch 2/rows":
			return num("4"), true
		case "SF/batch 2/plain":
			return num("19.5"), true
		}
		return Value{}, false
	}
	tests := []struct{ src, want, none string }{ // over groupRows, and over no rows
		{`sum(net) == 0`, `yes/no true`, `yes/no true`},
		{`sum(net)`, `money 0.00 USD`, `money 0`},
		{`sum(n)`, `number 10`, `number 0`},
		{`sum(net, side == "CR")`, `money 19.50 USD`, `money 0`},
		{`sum(side == "CR" ? net : 0)`, `money 19.50 USD`, `money 0`},
		{`sum(net, side in ["CR", "DR"]) >= 0`, `yes/no true`, `yes/no true`},
		{`sum(-net, side == "PO") == 25`, `yes/no true`, `yes/no false`},
		{`count()`, `number 4`, `number 0`},
		{`count(net > 0)`, `number 2`, `number 0`},
		{`min(net)`, `money -25.00 USD`, `money nothing`},
		{`max(n)`, `number 4`, `number nothing`},
		{`max(n, ok)`, `number 4`, `number nothing`},
		{`max(n, net > 0)`, `number 2`, `number nothing`},
		{`min(side)`, `text ""`, `text ""`},
		{`first(side)`, `text "CR"`, `text ""`},
		{`last(side, net < 0)`, `text "PO"`, `text ""`},
		{`first(at)`, `time nothing`, `time nothing`},
		{`last(ok)`, `yes/no true`, `yes/no nothing`},
		{`any(side == "DR")`, `yes/no true`, `yes/no false`},
		{`any(side == "XX")`, `yes/no false`, `yes/no false`},
		{`all(ok)`, `yes/no false`, `yes/no true`},
		{`all(n > 0)`, `yes/no true`, `yes/no true`},
		{`abs(sum(net)) <= 0.01`, `yes/no true`, `yes/no true`},
		{`max(sum(n), count())`, `number 10`, `number 0`},
		{`max(sum(net), 0)`, `money 0.00 USD`, `money 0`},
		{`min(min(n), min(max(n), 3))`, `number 1`, `number nothing`}, // over no rows: see below
		{`div(sum(net, net > 0), 2, 2)`, `money 14.63 USD`, `money 0.00`},
		{`coalesce(first(side), "none")`, `text "CR"`, `text "none"`},
		{`if count() > 3 { key } else { "few" }`, `text "batch 2"`, `text "few"`},
		{`sum(net, side == "CR") == total("SF", "credits")`, `yes/no true`, `yes/no false`},
		{`sum(net, side == "CR") == total("SF", "plain")`, `yes/no true`, `yes/no false`},
		{`count() == total("SF", "rows")`, `yes/no true`, `yes/no false`},
		{`total("SF", "rows")`, `money 4`, `money 4`},
		{`key + "/" + text(count())`, `text "batch 2/4"`, `text "batch 2/0"`},
	}
	s := groupScope()
	for _, tt := range tests {
		a, err := s.CompileAggregate(tt.src, Text)
		if err != nil {
			t.Errorf("%s: %v", tt.src, err)
			continue
		}
		for i, rows := range [][][]Value{groupRows, nil} {
			want := []string{tt.want, tt.none}[i]
			v, err := a.Eval(run(t, s, a, rows), text("batch 2"), totals)
			var missing *EmptyError
			if want == "number nothing" && errors.As(err, &missing) {
				continue
			}
			if err != nil {
				t.Errorf("%s over %d rows: %v", tt.src, len(rows), err)
			} else if got := show(v); got != want {
				t.Errorf("%s over %d rows is %s, want %s", tt.src, len(rows), got, want)
			}
		}
	}
}

func TestAggregateErrors(t *testing.T) {
	tests := []struct{ src, want string }{
		{`net == 0`, `1:1: "net" is a value of one row, but here are many; write sum(net), first(net) or another aggregate`},
		{`sum(net) > n`, `1:12: "n" is a value of one row, but here are many; write sum(n), first(n) or another aggregate`},
		{`sum(sum(net))`, `1:5: sum(x[, where]) runs over rows and cannot stand inside sum(…)`},
		{`sum(net, total("a", "b") == 0)`, `1:10: total(kind, field) runs over rows and cannot stand inside sum(…)`},
		{`sum(net, key == side)`, `1:10: key is the group's, and unknown inside sum(…); compare with key outside of it`},
		{`sum(side)`, `1:5: argument 1 of sum(x[, where]) is text, but number or money is wanted; number(x) reads a number from text`},
		{`sum(net, side)`, `1:10: argument 2 of sum(x[, where]) is text, but yes/no is wanted; compare it: x != ""`},
		{`sum()`, `1:1: sum(x[, where]) lacks argument 1`},
		{`sum(net, ok, ok)`, `1:14: sum(x[, where]) takes no argument 3`},
		{`count(ok, ok)`, `1:11: count([where]) takes no argument 2`},
		{`any()`, `1:1: any(where) lacks argument 1`},
		{`min(ok)`, `1:5: argument 1 of min(x[, where]) is yes/no, but text or number or money or time is wanted; text(x) makes text of anything`},
		{`max(n, 1)`, `1:5: "n" is a value of one row, but here are many; write sum(n), first(n) or another aggregate`},
		{`sum(nte)`, `1:5: unknown name "nte"; did you mean "net"?`},
		{`coutn() == 1`, `1:1: unknown function "coutn"; did you mean "count"?`},
		{`total("SF") == 0`, `1:1: total(kind, field) takes two arguments; write total("SF", "credits")`},
		{`total(first(side), "x") == 0`, `1:7: argument 1 of total(kind, field) must be a constant, not computed from the row`},
		{`total("SF", 1) == 0`, `1:13: argument 2 of total(kind, field) is number, but text is wanted`},
	}
	s := groupScope()
	for _, tt := range tests {
		if _, err := s.CompileAggregate(tt.src, Text, Bool, Money, Number); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got\n\t%v, want\n\t%s", tt.src, err, tt.want)
		}
	}
	if _, err := s.CompileAggregate(`key == ""`, Unknown); err == nil || err.Error() != "1:1: there is no key: the rows are not grouped" {
		t.Errorf("key without groups: %v", err)
	}
}

func TestNoTotal(t *testing.T) {
	s := groupScope()
	a, err := s.CompileAggregate(`sum(net) == total("SF", "credits")`, Money)
	if err != nil {
		t.Fatal(err)
	}
	for _, totals := range []func(string, string, string) (Value, bool){nil, noTotals} {
		_, err = a.Eval(a.NewState(), usd("1.5"), totals)
		if !errors.Is(err, ErrNoTotal) || err.Error() != `there is no such total: total("SF", "credits") for "1.50"` {
			t.Errorf("got %v", err)
		}
	}
	for v, want := range map[Value]string{text("x"): `total("SF", "credits") is text, but money or a number is wanted`, EmptyOf(Money): `total("SF", "credits") is empty; write total("SF", "credits") ?? … for what to take then`} {
		_, err = a.Eval(a.NewState(), usd("1"), func(string, string, string) (Value, bool) { return v, true })
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := a.Eval(a.NewState(), text("x"), nil); err == nil {
		t.Error("a key of another kind passes")
	}
}

func TestExplain(t *testing.T) {
	s := groupScope()
	a, err := s.CompileAggregate("sum(net,\n  side  == \"a)  b\") == 0 && sum(net) == 0 && first( side ) == key && count() > 1 && sum(net) < 1 && max(n, n > 99) == 1 && sum(net, side == \"a) b\") == 0", Text)
	if err != nil {
		t.Fatal(err)
	}
	want := `sum(net, side == "a) b") = 0, sum(net) = 0.00 USD, first( side ) = "CR", count() = 4, max(n, n > 99) = nothing, sum(net, side == "a) b") = 0`
	if got := a.Explain(run(t, s, a, groupRows)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A row that fails must not be half counted, and says which aggregate failed.
func TestAddFailureLeavesState(t *testing.T) {
	s := groupScope()
	a, err := s.CompileAggregate(`count() + sum(n) > 0 && sum(net) == 0`, Unknown)
	if err != nil {
		t.Fatal(err)
	}
	st := run(t, s, a, groupRows)
	f := s.NewFrame()
	f.Set(1, num("5"))
	f.Set(0, moneyOf(decimal.MustParse("1"), "eur"))
	f2 := s.NewFrame()
	for i, v := range groupRows[0] {
		f2.Set(i, v)
	}
	if err := st.Add(f2); err != nil {
		t.Fatal(err)
	}
	before := a.Explain(st)
	err = st.Add(f)
	var currency *record.CurrencyError
	if !errors.As(err, &currency) || err.Error() != "sum(net): 9.76 USD and 1.00 EUR are of two currencies and cannot be added or compared" {
		t.Errorf("adding euro to dollars: %v", err)
	}
	if after := a.Explain(st); after != before {
		t.Errorf("a failed row changed %s to %s", before, after)
	}
	f.Set(0, EmptyOf(Money))
	var missing *EmptyError
	if err := st.Add(f); !errors.As(err, &missing) || missing.What != "net" {
		t.Errorf("adding nothing: %v", err)
	}
	other := a.NewState()
	f.Set(0, moneyOf(decimal.MustParse("1"), "eur"))
	if err := other.Add(f); err != nil {
		t.Fatal(err)
	}
	if err := st.Merge(other); !errors.As(err, &currency) {
		t.Errorf("merging euro into dollars: %v", err)
	}
	if after := a.Explain(st); after != before {
		t.Errorf("a failed merge changed %s to %s", before, after)
	}
}

func drawRows(t *rapid.T) [][]Value {
	row := rapid.Custom(func(t *rapid.T) []Value {
		v := genRow(t)
		return v
	})
	return rapid.SliceOfN(row, 0, 20).Draw(t, "rows")
}

func genRow(t *rapid.T) []Value {
	d := func(name string) decimal.Decimal {
		x, err := decimal.New(rapid.Int64Range(-1e9, 1e9).Draw(t, name), rapid.IntRange(0, 4).Draw(t, name+"scale"))
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	return []Value{
		moneyOf(d("net"), "usd"), NumberOf(d("n")),
		text(rapid.SampledFrom([]string{"", "CR", "DR", "ä\"\x00"}).Draw(t, "side")),
		genTime(t), yes(rapid.Bool().Draw(t, "ok")),
	}
}

// Groups are computed in pieces, which go to disk in between: the pieces must
// come to what one pass comes to.
func TestMergeAndMarshal(t *testing.T) {
	s := groupScope()
	a, err := s.CompileAggregate(`sum(net) == 0 && sum(n, ok) + count() + count(ok) + min(n) + max(n, n < 3) > 0 && first(side) + last(side, ok) + min(side) != max(side) && (first(at) ?? max(at)) <= last(at) && any(ok) && all(ok) && first(ok) == last(ok)`, Unknown)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		add := func(rows [][]Value) *State {
			st, f := a.NewState(), s.NewFrame()
			for _, row := range rows {
				for i, v := range row {
					f.Set(i, v)
				}
				if err := st.Add(f); err != nil {
					t.Fatal(err)
				}
			}
			return st
		}
		whole, merged := add(rows), a.NewState()
		for len(rows) > 0 {
			n := rapid.IntRange(1, len(rows)).Draw(t, "piece")
			piece, err := add(rows[:n]).MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			st, err := a.UnmarshalState(piece)
			if err != nil {
				t.Fatal(err)
			}
			if err := merged.Merge(st); err != nil {
				t.Fatal(err)
			}
			rows = rows[n:]
		}
		if got, want := a.Explain(merged), a.Explain(whole); got != want {
			t.Fatalf("in pieces %s\nat once   %s", got, want)
		}
		for i := range whole.accums {
			if x, y := whole.accums[i], merged.accums[i]; x.n != y.n || !x.v.Equal(y.v) {
				t.Fatalf("%s: %v %v", a.terms[i].text, x, y)
			}
		}
		v, err := a.Eval(whole, Value{}, nil)
		w, errW := a.Eval(merged, Value{}, nil)
		if !v.Equal(w) || fmt.Sprint(err) != fmt.Sprint(errW) {
			t.Fatalf("got %v %v and %v %v", v, err, w, errW)
		}
	})
}

func TestForeignStates(t *testing.T) {
	s := groupScope()
	a, err := s.CompileAggregate(`sum(net) == 0`, Unknown)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.CompileAggregate(`sum(n) == 0`, Unknown)
	if err != nil {
		t.Fatal(err)
	}
	data, err := run(t, s, a, groupRows).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.UnmarshalState(data); err != errForeign {
		t.Errorf("b reads a's state: %v", err)
	}
	if err := b.NewState().Merge(a.NewState()); err != errForeign {
		t.Errorf("b merges a's state: %v", err)
	}
	for i := range data {
		if _, err := a.UnmarshalState(data[:i]); err == nil {
			t.Errorf("%d of %d bytes pass", i, len(data))
		}
	}
	if _, err := a.UnmarshalState(append(data, 0)); err == nil {
		t.Error("a byte too many passes")
	}
	if st, err := a.UnmarshalState(data); err != nil || !reflect.DeepEqual(st.accums[0].n, int64(4)) {
		t.Errorf("the whole: %v", err)
	}
}
