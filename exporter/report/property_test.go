package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// drawAccount is an account of a few weeks around June.
func drawAccount(t *rapid.T) fakeAccount {
	var all fakeAccount
	moment := func(label string) string {
		day := rapid.IntRange(0, 45).Draw(t, label)
		return time.Date(2026, 5, 25, 0, 0, 0, 0, time.UTC).Add(time.Duration(day)*24*time.Hour + time.Duration(rapid.IntRange(0, 86399).Draw(t, label))*time.Second).Format(time.RFC3339)
	}
	for i := range rapid.IntRange(0, 25).Draw(t, "payments") {
		c := rapid.SampledFrom([]record.Currency{"eur", "jpy", "kwd"}).Draw(t, "currency")
		r := paid(fmt.Sprintf("pr_%02d", i), moment("paid"), 10*rapid.Int64Range(1, 100_000).Draw(t, "value"), c)
		for n := range rapid.IntRange(0, 2).Draw(t, "refunds") {
			refund(r, fmt.Sprintf("F%d-%d", i, n), moment("refunded"), r.AmountRequested.Value/20*10)
		}
		all = append(all, r)
	}
	return all
}

// TestMovementsProperty recounts, from the records alone, what a bank file of
// movements holds: each movement of the month once, in order, in files of its
// currency that are never longer than the split allows.
func TestMovementsProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		account := drawAccount(rt)
		limit := rapid.IntRange(1, 7).Draw(rt, "rows")
		b, err := build(t, fmt.Sprintf(`{payrec: report/v1, name: x, split: {rows: %d, by: =currency}, sheets: [{name: S, each: movement, columns: [
			{title: At, value: =moved_at, format: datetime, zone: UTC}, {title: Moved, value: =moved, total: sum}, {title: Id, value: =moved_reference}]}]}`, limit), account, Options{Period: inJune})
		if err != nil {
			rt.Fatal(err)
		}
		want, sums := map[string][]string{}, map[record.Currency]int64{}
		from, to := time.Date(2026, 5, 31, 22, 0, 0, 0, time.UTC), time.Date(2026, 6, 30, 22, 0, 0, 0, time.UTC)
		take := func(c record.Currency, at, reference string, value int64) {
			moment := must(time.Parse(time.RFC3339, at))
			if moment.Before(from) || !moment.Before(to) {
				return
			}
			sums[c] += value
			want[c.Upper()] = append(want[c.Upper()], moment.Format(time.DateTime)+"|"+record.Amount{Currency: c, Value: value}.Money().Text()+"|"+reference)
		}
		for _, r := range account {
			take(r.AmountRequested.Currency, r.Metadata[record.StampGuaranteedAt], "R-"+r.ID, r.AmountRequested.Value)
			for key, value := range r.Metadata {
				if s, ok, err := record.ParseRefundStamp(key, value); ok && err == nil {
					take(s.Currency, s.At, s.Reference, -s.Value)
				}
			}
		}
		files, err := b.Files("out.csv", TextOptions{})
		if err != nil {
			rt.Fatal(err)
		}
		got := map[string][]string{}
		for _, f := range files {
			var text bytes.Buffer
			if err := f.Write(&text); err != nil {
				rt.Fatal(err)
			}
			rows, err := csv.NewReader(&text).ReadAll()
			if err != nil || len(rows)-1 > limit || len(rows)-1 != f.Lines || len(rows) == 1 && len(want) > 0 {
				rt.Fatalf("%s: %d lines, said %d, %v", f.Path, len(rows)-1, f.Lines, err)
			}
			currency := strings.SplitN(strings.TrimSuffix(f.Path, ".csv"), "-", 3)
			for i, row := range rows[1:] {
				if i > 0 && rows[i][0] > row[0] {
					rt.Errorf("%s: %s stands before %s", f.Path, rows[i][0], row[0])
				}
				got[currency[1]] = append(got[currency[1]], strings.Join(row, "|"))
			}
		}
		for c := range want {
			slices.Sort(want[c])
			slices.Sort(got[c])
			if !slices.Equal(want[c], got[c]) {
				rt.Errorf("%s:\n%q, want\n%q", c, got[c], want[c])
			}
		}
		if len(got) != len(want) {
			rt.Errorf("files of %d currencies, want %d", len(got), len(want))
		}
		for _, total := range b.Totals() {
			if m, err := total.Sum.Minor(); err != nil || m.Value != sums[m.Currency] {
				rt.Errorf("the total of %s is %s, want %d", m.Currency, total.Sum, sums[m.Currency])
			}
		}
	})
}

// TestKeysSortAsValues: the bytes of a key are in the order of the values,
// either way, and what is empty is last.
func TestKeysSortAsValues(t *testing.T) {
	values := func(t *rapid.T, label string) expression.Value {
		return expression.NumberOf(must(decimal.New(rapid.Int64().Draw(t, label), rapid.IntRange(0, 18).Draw(t, label))))
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := values(t, "a"), values(t, "b")
		check(t, a, b, a.Number().Cmp(b.Number()))
		x, y := rapid.String().Draw(t, "x"), rapid.String().Draw(t, "y")
		check(t, expression.TextOf("-"+x), expression.TextOf("-"+y), strings.Compare(x, y))
		p, q := rapid.Int64Range(-1e11, 1e11).Draw(t, "p"), rapid.Int64Range(-1e11, 1e11).Draw(t, "q")
		check(t, expression.TimeOf(time.Unix(p, 0)), expression.TimeOf(time.Unix(q, 5)), time.Unix(p, 0).Compare(time.Unix(q, 5)))
	})
}

func check(t *rapid.T, a, b expression.Value, want int) {
	for _, down := range []bool{false, true} {
		x, y := appendKey(nil, a, down), appendKey(nil, b, down)
		expected := want
		if down {
			expected = -want
		}
		if got := bytes.Compare(append(x, "tail"...), append(y, "tail"...)); got != expected {
			t.Errorf("%s and %s compare as %d, want %d (down: %t)", a, b, got, expected, down)
		}
		if bytes.Compare(x, appendKey(nil, expression.Value{}, down)) >= 0 {
			t.Errorf("%s is behind nothing", a)
		}
	}
}

// TestSpool: what is put in comes out, also when it is more than waits in
// memory, and a second time.
func TestSpool(t *testing.T) {
	s := &spool{width: 3}
	defer s.close()
	row := func(i int) []expression.Value {
		d := must(decimal.New(int64(i), 3))
		return []expression.Value{expression.TextOf(strings.Repeat(strconv.Itoa(i), 30)), expression.MoneyOf(record.Money{Amount: d, Currency: "kwd"}), expression.TimeOf(time.Unix(int64(-i), 7))}
	}
	const n = 20_000
	for i := range n {
		if err := s.add(row(i)); err != nil {
			t.Fatal(err)
		}
	}
	if s.file == nil {
		t.Fatal("nothing was written to a file")
	}
	for range 2 {
		i := 0
		for got, err := range s.rows(0) {
			if err != nil {
				t.Fatal(err)
			}
			for k, want := range row(i) {
				if !want.Equal(got[k]) {
					t.Fatalf("row %d: %s, want %s", i, got[k], want)
				}
			}
			i++
		}
		if i != n {
			t.Fatalf("%d rows, want %d", i, n)
		}
	}
	if err := s.file.Truncate(s.size - 1); err != nil {
		t.Fatal(err)
	}
	s.live, s.size = nil, s.size-1
	var last error
	for _, err := range s.rows(0) {
		last = err
	}
	if last == nil {
		t.Error("a file that is cut passes for a whole one")
	}
	full := &spool{width: 1}
	t.Setenv("TMPDIR", "/nowhere/at/all")
	if err := full.add([]expression.Value{expression.TextOf(strings.Repeat("x", spoolLimit))}); err == nil {
		t.Error("no room is no error")
	}
}

// TestManyFaults: a report with more faults than anybody reads stops, and says
// how many there are.
func TestManyFaults(t *testing.T) {
	var account fakeAccount
	for i := range 1500 {
		account = append(account, paid(fmt.Sprintf("pr_%04d", i), "2026-06-10T10:00:00Z", 100, "eur"))
	}
	_, err := build(t, `{payrec: report/v1, name: x, sheets: [{name: S, columns: [{title: Fee, value: =fee + amount}]}]}`, account, Options{Period: inJune})
	if err == nil || strings.Count(err.Error(), "\n") != 10 || !strings.Contains(err.Error(), "and 990 more") {
		t.Error(err)
	}
}
