package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/payrec/payrec/record"
)

func sealed(t testing.TB, src Source, o Options) (*Dataset, *Seal) {
	t.Helper()
	d, err := Collect(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Seal()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), d.Close()); err != nil {
			t.Error(err)
		}
	})
	return d, s
}

func changesSince(t testing.TB, now, earlier *Seal) (*Delta, []string) {
	t.Helper()
	delta, err := now.Since(Since{Number: 3, At: time.Date(2026, 7, 2, 9, 0, 0, 0, time.UTC)}, earlier.Figures())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { delta.Close() })
	var list []string
	for c, err := range delta.Changes() {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %s %s", c.Kind, c.Payment, strings.Join(c.What, "; ")))
	}
	return delta, list
}

func TestDeltaNamesWhatChanged(t *testing.T) {
	zone := berlin(t)
	june := Options{Period: Period{From: time.Date(2026, 6, 1, 0, 0, 0, 0, zone), To: time.Date(2026, 7, 1, 0, 0, 0, 0, zone), Zone: zone}}
	payment := func(id string, more ...string) *record.PaymentRecord {
		return simple(id, 1, append([]string{record.StampGuaranteedAt, "2026-06-10T10:00:00Z", record.StampFee, "0.25", record.StampNet, "9.75", record.StampNetCurrency, "eur"}, more...)...)
	}
	before := []*record.PaymentRecord{payment("pr_same"), payment("pr_refunded"), payment("pr_gone"), payment("pr_fee"), payment("pr_moved"), payment("pr_note")}
	_, first := sealed(t, &fake{records: before}, june)

	refunded := payment("pr_refunded")
	refunded.AmountRefunded.Value = 400
	now := []*record.PaymentRecord{payment("pr_note", "order", "7"), payment("pr_new"), payment("pr_same"), refunded,
		payment("pr_fee", record.StampFee, "0.30"), payment("pr_moved", record.StampGuaranteedAt, "2026-06-11T10:00:00Z")}
	d, second := sealed(t, &fake{records: now}, june)
	delta, got := changesSince(t, second, first)
	want := []string{
		"changed pr_fee fee: 0.25 EUR → 0.30 EUR",
		"gone pr_gone 10.00 EUR guaranteed",
		"changed pr_moved paid at: 2026-06-10 12:00:00 → 2026-06-11 12:00:00",
		"added pr_new 10.00 EUR guaranteed",
		"changed pr_note something that is no figure: metadata, customer, description or method",
		"changed pr_refunded refunded: 0.00 EUR → 4.00 EUR; status: guaranteed → partially_refunded",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if delta.Added != 1 || delta.Gone != 1 || delta.Changed != 4 || len(delta.Sums) != 1 || delta.Sums[0] != (DeltaSum{"eur", 0, 400}) || d.Delta() != delta {
		t.Errorf("%+v", delta)
	}
	var csv bytes.Buffer
	if err := delta.WriteCSV(&csv); err != nil {
		t.Fatal(err)
	}
	rows := readCSV(t, delta.WriteCSV)
	if len(rows) != 6 || rows[5]["refunded_before"] != "0.00" || rows[5]["refunded_now"] != "4.00" || rows[1]["amount_now"] != "" || rows[3]["amount_before"] != "" || rows[0]["fee_now"] != "0.30 EUR" {
		t.Errorf("as CSV:\n%s", csv.String())
	}
	if got := delta.Since.String(); got != "export 3 of 2026-07-02" {
		t.Error(got)
	}
	// The same data again, in another order, is the same.
	slices.Reverse(now)
	again, third := sealed(t, &fake{records: now}, june)
	if delta, list := changesSince(t, third, second); !delta.Empty() || len(list) != 0 || !bytes.Equal(third.Digest, second.Digest) || again.Delta() != nil {
		t.Errorf("the same: %v", list)
	}
	if bytes.Equal(first.Digest, second.Digest) || first.Payments != 6 {
		t.Error("a different dataset has the same digest")
	}
	// A digest of another form is not compared; figures are.
	older := func(yield func(Figures, error) bool) {
		for f, err := range second.Figures() {
			if f.Digest = []byte{0, 1, 2}; !yield(f, err) {
				return
			}
		}
	}
	if delta, err := third.Since(Since{}, older); err != nil || !delta.Empty() {
		t.Errorf("across versions: %+v, %v", delta, err)
	}
}

// TestDeltaIsComplete: applied to what was, a delta gives what is.
func TestDeltaIsComplete(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		side := func(name string) map[string]Figures {
			m := map[string]Figures{}
			for range rapid.IntRange(0, 12).Draw(rt, name) {
				f := Figures{Payment: fmt.Sprintf("pr_%d", rapid.IntRange(0, 15).Draw(rt, "id")), Currency: rapid.SampledFrom([]record.Currency{"eur", "jpy"}).Draw(rt, "currency"),
					Amount: rapid.Int64Range(0, 3).Draw(rt, "amount"), Refunded: rapid.Int64Range(0, 1).Draw(rt, "refunded"), Digest: []byte{1, rapid.Byte().Draw(rt, "digest") % 2}}
				m[f.Payment] = f
			}
			return m
		}
		ordered := func(m map[string]Figures) iter.Seq2[Figures, error] {
			return func(yield func(Figures, error) bool) {
				keys := make([]string, 0, len(m))
				for k := range m {
					keys = append(keys, k)
				}
				slices.Sort(keys)
				for _, k := range keys {
					if !yield(m[k], nil) {
						return
					}
				}
			}
		}
		was, is := side("was"), side("is")
		spool, err := newSpool()
		if err != nil {
			rt.Fatal(err)
		}
		d := &Delta{zone: time.UTC, spool: spool, sums: map[record.Currency]*DeltaSum{}}
		defer d.Close()
		if err := errors.Join(d.compare(ordered(was), ordered(is)), spool.flush()); err != nil {
			rt.Fatal(err)
		}
		got := map[string]Figures{}
		for k, f := range was {
			got[k] = f
		}
		for c, err := range d.Changes() {
			if err != nil {
				rt.Fatal(err)
			}
			if fmt.Sprint(c.Was) != fmt.Sprint(was[c.Payment]) || len(c.What) == 0 {
				rt.Fatalf("%s was %v, not %v; %v", c.Payment, was[c.Payment], c.Was, c.What)
			}
			if got[c.Payment] = c.Is; c.Kind == Gone {
				delete(got, c.Payment)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(is) {
			rt.Fatalf("%v and the delta give %v, not %v", was, got, is)
		}
		for c, sum := range d.sums {
			total := int64(0)
			for _, f := range is {
				if f.Currency == c {
					total += f.Amount
				}
			}
			for _, f := range was {
				if f.Currency == c {
					total -= f.Amount
				}
			}
			if total != sum.Amount {
				rt.Fatalf("%s differs by %d, the delta says %d", c, total, sum.Amount)
			}
		}
	})
}

func TestDeltaFails(t *testing.T) {
	broken := errors.New("broken")
	_, s := sealed(t, generate(20, 5), Options{})
	_, err := s.Since(Since{}, func(yield func(Figures, error) bool) { yield(Figures{}, broken) })
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestScope(t *testing.T) {
	zone := berlin(t)
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, zone)
	for want, o := range map[string]Options{
		"paid * *":                                             {},
		"reported 2026-05-31T22:00:00Z *":                      {Period: Period{By: ByReported, From: at, Zone: zone}},
		"paid * * lock=2026-05-31T22:00:00Z post=*":            {Lock: Lock{Before: at}},
		"settled * 2026-05-31T22:00:00Z settled=" + SettledKey: {Period: Period{By: BySettled, To: at}},
	} {
		if got := collectAll(t, &fake{}, o).Scope(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
