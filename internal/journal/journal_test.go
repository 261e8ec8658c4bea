package journal

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/payrec/payrec/record"
)

// me is the account of the tests.
var me = Identity{Account: "acct_1", Endpoint: "loopback"}

// start is when the tests' clocks begin.
var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return start }

func open(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := Open(context.Background(), path, me, Options{Clock: clock, Command: "payrec test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() }) // most tests close it themselves
	return j
}

func newJournal(t testing.TB) *Journal {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "payrec.journal"))
}

// op makes a call of a payment. natural tells calls of one kind apart.
func op(payment string, call record.CallName, natural, content string) Op {
	o := Op{
		ID:     record.OpID(me.Scope(), "shop", call, payment+"/"+natural),
		Source: "shop", Payment: payment, Natural: payment + "/" + natural, Call: call, Content: content, Order: "2026-01-01",
		Body:   fmt.Appendf(nil, "call=%s&payment=%s&natural=%s&content=%s", call, payment, natural, content),
		Amount: record.Amount{Currency: "eur", Value: 1000}, Class: "payment", File: "a.csv", Line: 7,
	}
	if !call.Creates() && call != record.ReportRefund {
		o.Amount = record.Amount{}
	}
	return o
}

func pay(payment, content string) Op { return op(payment, record.ReportPayment, "", content) }

func refund(payment, natural, content string) Op {
	return op(payment, record.ReportRefund, natural, content)
}

// plan plans and seals a run of the calls.
func plan(t testing.TB, j *Journal, id string, ops ...Op) []Tally {
	t.Helper()
	ctx := context.Background()
	p, err := j.NewRun(ctx, RunInfo{ID: id, Source: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range ops {
		o.Line = i + 2
		if err := p.Add(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	s, err := p.Seal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drive brings the current epoch of an operation to a state.
func drive(t testing.TB, j *Journal, o Op, epoch int, to State) {
	t.Helper()
	ctx := context.Background()
	recordID := "pr_" + o.Payment
	if to == Planned {
		return
	}
	if err := j.Begin(ctx, o.ID, epoch, recordID); err != nil {
		t.Fatal(err)
	}
	if to == Sending {
		return
	}
	if err := j.Finish(ctx, o.ID, epoch, Outcome{State: to, RecordID: recordID, RequestID: "req_1", HTTPStatus: 200}); err != nil {
		t.Fatal(err)
	}
}

func tally(call record.CallName, class string, currency record.Currency, d Disposition, state State, n, value int64) Tally {
	return Tally{Call: call, Class: class, Currency: currency, Disposition: d, State: state, N: n, Value: value}
}

// entries lists a run's entries: those in the given states, or all.
func entries(t testing.TB, j *Journal, run string, in ...State) []Entry {
	t.Helper()
	var list []Entry
	for e, err := range j.Entries(context.Background(), run) {
		if err != nil {
			t.Fatal(err)
		}
		if len(in) == 0 || slices.Contains(in, e.State) {
			list = append(list, e)
		}
	}
	return list
}

func lanes(t testing.TB, j *Journal, run string) []Lane {
	t.Helper()
	list, err := j.Lanes(context.Background(), run, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
