package importer

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// A planned is what goes into a book: a call, or a block of a payment.
type planned struct {
	op    record.Op
	block string // the reason; "" for a call
}

// fill puts a plan into a book and seals it.
func fill(t interface {
	Fatal(...any)
	Helper()
}, book Book, plan []planned) ([]record.Tally, []record.Entry) {
	t.Helper()
	ctx := context.Background()
	for _, p := range plan {
		var err error
		if p.block != "" {
			err = book.Block(ctx, p.op.Source, p.op.Payment, p.block)
		} else {
			err = book.Add(ctx, p.op)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tallies, err := book.Seal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return tallies, listed(t, book)
}

func listed(t interface {
	Fatal(...any)
	Helper()
}, book Book, of ...record.Disposition) (list []record.Entry) {
	t.Helper()
	for e, err := range book.Entries(context.Background(), of...) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

// TestDraftIsAJournal: a draft and a journal that knows nothing say the same of
// every plan, however little of it the draft may keep in memory.
func TestDraftIsAJournal(t *testing.T) {
	ctx := context.Background()
	j, err := journal.Open(ctx, filepath.Join(t.TempDir(), "j"), journal.Identity{Account: "default"}, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		plan := drawPlan(t, fmt.Sprintf("source-%d", runs)) // of which the journal knows nothing
		book, err := j.NewRun(ctx, journal.RunInfo{ID: fmt.Sprintf("run-%d", runs)})
		if err != nil {
			t.Fatal(err)
		}
		draft := newDraft(book.Run(), scope, rapid.SampledFrom([]int{1, 2, 7, 1000}).Draw(t, "limit"))
		defer draft.Close()
		wantTallies, want := fill(t, book, plan)
		gotTallies, got := fill(t, draft, plan)
		if diff := gocmp.Diff(wantTallies, gotTallies, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("tallies (-journal +draft):\n%s", diff)
		}
		for i := range want { // a draft keeps no contents
			want[i].Content, want[i].PreviousContent = "", ""
		}
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("entries (-journal +draft):\n%s", diff)
		}
		some := []record.Disposition{record.Held, record.Conflicting}
		if diff := gocmp.Diff(len(listed(t, book, some...)), len(listed(t, draft, some...))); diff != "" {
			t.Errorf("entries of some dispositions (-journal +draft):\n%s", diff)
		}
	})
}

// drawPlan is a plan of few payments, so that much of it repeats, contradicts or
// waits.
func drawPlan(t *rapid.T, source string) []planned {
	payments := rapid.IntRange(1, 20).Draw(t, "payments")
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) planned {
		op := record.Op{
			Source:  source + rapid.SampledFrom([]string{"", "", "", "-b"}).Draw(t, "other source"),
			Payment: fmt.Sprint("P", rapid.IntRange(1, payments).Draw(t, "payment")),
			Call: rapid.SampledFrom([]record.CallName{record.ReportPayment, record.ReportPayment, record.ReportRefund,
				record.ReportPaymentAttemptGuaranteed, record.AttachPayment}).Draw(t, "call"),
			Content: rapid.SampledFrom([]string{"aaaa", "aaaa", "aaaa", "bbbb"}).Draw(t, "content"),
			Order:   rapid.SampledFrom([]string{"", "1", "10", "2"}).Draw(t, "order"),
			Class:   rapid.SampledFrom([]string{"x", "y"}).Draw(t, "class"),
			File:    rapid.SampledFrom([]string{"a.csv", "b.csv"}).Draw(t, "file"),
			Line:    rapid.IntRange(1, 1000).Draw(t, "line"),
			Body:    []byte("body"),
		}
		if rapid.IntRange(0, 9).Draw(t, "block") == 0 {
			return planned{op, fmt.Sprintf("%s:%d was rejected", op.File, op.Line)}
		}
		op.Natural = op.Payment + cmp.Or(rapid.SampledFrom([]string{"", "", "-1", "-2"}).Draw(t, "id"), "")
		if rapid.Bool().Draw(t, "has an amount") {
			op.Amount = record.Amount{Currency: rapid.SampledFrom([]record.Currency{"eur", "usd"}).Draw(t, "currency"), Value: rapid.Int64Range(-5, 500).Draw(t, "value")}
		}
		op.ID = record.OpID(scope, op.Source, op.Call, op.Natural)
		return planned{op: op}
	}), 0, 150).Draw(t, "plan")
}

// TestDraftErrors: what a journal refuses, a draft does, and nothing goes on
// after the end.
func TestDraftErrors(t *testing.T) {
	ctx := context.Background()
	d := NewDraft("run", scope)
	for _, op := range []record.Op{{Call: "pay", ID: "1", Content: "x"}, {Call: record.ReportPayment}} {
		if err := d.Add(ctx, op); err == nil {
			t.Errorf("%+v was taken", op)
		}
	}
	for _, err := range d.Entries(ctx) {
		if err == nil {
			t.Error("an entry before the plan was sealed")
		}
	}
	if _, err := d.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.Add(ctx, record.Op{Call: record.ReportPayment, ID: "1", Content: "x", Natural: "1", Payment: "1"}); err == nil {
		t.Error("a call was added to a sealed plan")
	}
	if _, err := d.Seal(ctx); err == nil {
		t.Error("sealed twice")
	}
	for range 2 {
		if err := d.Discard(ctx); err != nil {
			t.Error(err)
		}
	}
}

// TestDraftOfOnePayment: a wrong mapping gives a whole file to one payment, or
// one identity to all rows, and memory must not hold them.
func TestDraftOfOnePayment(t *testing.T) {
	const n = 500
	var plan []planned
	for i := range n {
		op := record.Op{Source: "s", Payment: "P", Natural: fmt.Sprint(i % (n - 100)), Call: record.ReportRefund, Content: "aaaa", File: "a.csv", Line: i + 2, Order: fmt.Sprint(i % 3), Class: "c"}
		switch {
		case i%97 == 3:
			op.Natural, op.Content = "same", fmt.Sprint(i)
		case i > n/2:
			op.Natural = "also"
		}
		op.ID = record.OpID(scope, op.Source, op.Call, op.Natural)
		plan = append(plan, planned{op: op})
	}
	large, small := newDraft("run", scope, 10*n), newDraft("run", scope, 3)
	defer large.Close()
	defer small.Close()
	wantTallies, want := fill(t, large, plan)
	gotTallies, got := fill(t, small, plan)
	if diff := gocmp.Diff(wantTallies, gotTallies); diff != "" {
		t.Errorf("tallies (-all in memory +three in memory):\n%s", diff)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-all in memory +three in memory):\n%s", diff)
	}
	if len(wantTallies) < 3 {
		t.Errorf("too little happens here: %+v", wantTallies)
	}
}

// TestContentIsForEver: journals hold hashes of contents. The parts that are no
// parameters of the API's come in the place that their order gives them.
func TestContentIsForEver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := &mapping.Event{Payment: rapid.String().Draw(t, "payment")}
		for range rapid.IntRange(0, 8).Draw(t, "n") {
			e.Params.Set(rapid.StringMatching(`[a-z_]{1,8}(\.[a-z]{1,3})?`).Draw(t, "path"), rapid.String().Draw(t, "value"))
		}
		for _, m := range []**record.Money{&e.Fee, &e.Net} {
			if rapid.Bool().Draw(t, "has it") {
				money := record.Amount{Currency: rapid.SampledFrom([]record.Currency{"eur", "jpy", "kwd"}).Draw(t, "currency"), Value: rapid.Int64Range(-1e6, 1e6).Draw(t, "value")}.Money()
				*m = &money
			}
		}
		want := append(record.Params{}, e.Params...)
		want.Set(" payment", e.Payment)
		if e.Fee != nil {
			want.Set(" fee", e.Fee.String())
		}
		if e.Net != nil {
			want.Set(" net", e.Net.String())
		}
		if diff := gocmp.Diff(want, plainRead(*e)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestContentOfDrafts: a draft tells two contents apart when a journal does.
func TestContentOfDrafts(t *testing.T) {
	amount := rapid.Custom(func(t *rapid.T) *record.Money {
		d, err := decimal.New(rapid.Int64Range(-20, 20).Draw(t, "coefficient")*rapid.SampledFrom([]int64{1, 10, 100}).Draw(t, "times"), rapid.IntRange(0, 4).Draw(t, "scale"))
		if err != nil {
			t.Fatal(err)
		}
		return &record.Money{Amount: d, Currency: rapid.SampledFrom([]record.Currency{"eur", "jpy", ""}).Draw(t, "currency")}
	})
	event := rapid.Custom(func(t *rapid.T) *mapping.Event {
		return &mapping.Event{Payment: rapid.SampledFrom([]string{"A", "B"}).Draw(t, "payment"), Fee: amount.Draw(t, "fee"),
			Params: record.Params{{Path: "a", Value: rapid.SampledFrom([]string{"1", "2", "11"}).Draw(t, "a")}}}
	})
	contents := contents{hasher: newHasher()}
	rapid.Check(t, func(t *rapid.T) {
		a, b := event.Draw(t, "one"), event.Draw(t, "other")
		same := plainRead(*a).Hash() == plainRead(*b).Hash()
		if got := string(contents.append(nil, a)) == string(contents.append(nil, b)); got != same {
			t.Fatalf("%v %v and %v %v: the same to a draft: %v, to a journal: %v", a.Params, a.Fee, b.Params, b.Fee, got, same)
		}
	})
}
