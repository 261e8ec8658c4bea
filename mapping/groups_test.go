package mapping

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"testing"

	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

func money(minor int64, currency string) expression.Value {
	d, _ := decimal.New(minor, 2)
	return expression.MoneyOf(record.Money{Amount: d, Currency: record.Currency(currency)})
}

func testAggregates(t testing.TB, sources ...string) (*expression.Frame, []*aggregate) {
	t.Helper()
	scope := expression.NewScope([]expression.Name{{Name: "net", Kind: expression.Money}, {Name: "line", Kind: expression.Number}}, nil, nil)
	var list []*aggregate
	for _, src := range sources {
		a, err := scope.CompileAggregate(src, expression.Text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &aggregate{a, a.Refs(), src})
	}
	return scope.NewFrame(), list
}

// 300,000 groups of two rows each, far apart, with room for 10,000 in
// memory: every group has its own two rows, and no more than 10,000 live.
func TestGroupsSpill(t *testing.T) {
	const limit = 10_000
	n := 300_000
	if testing.Short() {
		n = 60_000
	}
	frame, aggregates := testAggregates(t, "sum(net)", "first(line)", "last(line)", "count()")
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	g := newGroups(limit, aggregates...)
	for row := range 2 * n {
		key := row * 7919 % n // every key once per n rows
		frame.Set(0, money(int64(key), "eur"))
		line, _ := decimal.New(int64(row), 0)
		frame.Set(1, expression.NumberOf(line))
		s, err := g.of(fmt.Sprintf("key %06d", key))
		if err != nil {
			t.Fatal(err)
		}
		for _, state := range s {
			if err := state.Add(frame); err != nil {
				t.Fatal(err)
			}
		}
	}
	if g.most > limit {
		t.Errorf("%d groups in memory at once, want at most %d", g.most, limit)
	}
	check := func(key string, s states) {
		var i int
		fmt.Sscanf(key, "key %d", &i)
		value := func(n int) expression.Value {
			v, err := aggregates[n].Eval(s[n], expression.TextOf(key), nil)
			if err != nil {
				t.Fatal(key, err)
			}
			return v
		}
		first, _, _ := value(1).Number().Int64(0)
		last, _, _ := value(2).Number().Int64(0)
		if !value(0).Equal(money(int64(2*i), "eur")) || value(3).String() != "2" || first*7919%int64(n) != int64(i) || last != first+int64(n) {
			t.Fatalf("%s: sum %s, count %s, first %d, last %d", key, value(0), value(3), first, last)
		}
	}
	if err := g.prepare(); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < n; i += 997 { // at random places, as a second pass asks
		key := fmt.Sprintf("key %06d", i)
		s, err := g.find(key)
		if err != nil || s == nil {
			t.Fatal(key, err)
		}
		check(key, s)
	}
	for _, absent := range []string{"", "key", "key 000000x", "key 999999", "zzz"} {
		if s, err := g.find(absent); s != nil || err != nil {
			t.Errorf("%q was found: %v", absent, err)
		}
	}
	seen, before := 0, ""
	err := g.each(func(key string, s states, bad error) error {
		if key <= before || bad != nil {
			t.Fatalf("%q after %q: %v", key, before, bad)
		}
		check(key, s)
		seen, before = seen+1, key
		return nil
	})
	if err != nil || seen != n {
		t.Errorf("%d groups, want %d: %v", seen, n, err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Two currencies in one group, on both sides of a spill, show at the end.
func TestGroupsMergeFailure(t *testing.T) {
	frame, aggregates := testAggregates(t, "sum(net)")
	g := newGroups(1, aggregates...)
	defer g.Close()
	for _, row := range []struct{ key, currency string }{{"a", "eur"}, {"b", "eur"}, {"a", "usd"}, {"b", "eur"}} {
		s, err := g.of(row.key)
		if err != nil {
			t.Fatal(err)
		}
		frame.Set(0, money(100, row.currency))
		if err := s[0].Add(frame); err != nil {
			t.Fatal(err)
		}
	}
	got := ""
	if err := g.each(func(key string, s states, bad error) error {
		got += fmt.Sprintf("%s %v;", key, bad != nil)
		return nil
	}); err != nil || got != "a true;b false;" {
		t.Errorf("got %s, %v", got, err)
	}
	if err := g.prepare(); err != nil {
		t.Fatal(err)
	}
	if _, err := g.find("a"); err == nil {
		t.Error("the group of two currencies was found whole")
	}
	if s, err := g.find("b"); err != nil || s == nil {
		t.Errorf("b: %v", err)
	}
}

// However rows of few groups follow each other, and however few groups fit in
// memory, each group has its own rows.
func TestGroupsInAnyOrder(t *testing.T) {
	frame, aggregates := testAggregates(t, "sum(net)", "count()")
	rapid.Check(t, func(t *rapid.T) {
		g := newGroups(rapid.IntRange(1, 4).Draw(t, "limit"), aggregates...)
		defer g.Close()
		want, got := map[string]int64{}, map[string]int64{}
		for i, key := range rapid.SliceOf(rapid.SampledFrom([]string{"", "a", "b", "c", "d"})).Draw(t, "keys") {
			s, err := g.of(key)
			if err != nil {
				t.Fatal(err)
			}
			want[key] += int64(i)
			frame.Set(0, money(int64(i), "eur"))
			for _, state := range s {
				if err := state.Add(frame); err != nil {
					t.Fatal(err)
				}
			}
		}
		err := g.each(func(key string, s states, bad error) error {
			sum, err := aggregates[0].Eval(s[0], expression.TextOf(key), nil)
			amount, _ := sum.Money().Minor()
			got[key] = amount.Value
			return errors.Join(bad, err)
		})
		if err != nil || !maps.Equal(got, want) {
			t.Fatalf("%v, want %v: %v", got, want, err)
		}
	})
}

func TestGroupsNoDisk(t *testing.T) {
	_, aggregates := testAggregates(t, "count()")
	g := newGroups(1, aggregates...)
	t.Setenv("TMPDIR", t.TempDir()+"/missing")
	if _, err := g.of("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.of("b"); err == nil {
		t.Error("no room in memory and no disk, but no error")
	}
}
