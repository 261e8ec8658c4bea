package journal

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/payrec/payrec/record"
)

// TestDispositions holds every rule of sealing: what the journal knew before,
// what the run plans, and what the run then does about it.
func TestDispositions(t *testing.T) {
	attempt := func(content string) Op { return op("A", record.ReportPaymentAttemptGuaranteed, "", content) }
	type known struct {
		op Op
		at State
	}
	for _, tt := range []struct {
		name   string
		before []known
		block  string // payment to block
		plan   []Op
		want   string // dispositions in file order
		epochs string // of the steps to make, as payment/call:epoch
	}{
		{name: "not known before", plan: []Op{pay("A", "x")}, want: "new", epochs: "A/report_payment:0"},
		{name: "planned and never sent", before: []known{{pay("A", "x"), Planned}}, plan: []Op{pay("A", "y")}, want: "new", epochs: "A/report_payment:0"},
		{name: "rejected, edited", before: []known{{pay("A", "x"), Rejected}}, plan: []Op{pay("A", "y")}, want: "new", epochs: "A/report_payment:1"},
		{name: "rejected, as it was", before: []known{{pay("A", "x"), Rejected}}, plan: []Op{pay("A", "x")}, want: "new", epochs: "A/report_payment:1"},
		{name: "sending", before: []known{{pay("A", "x"), Sending}}, plan: []Op{pay("A", "x")}, want: "retry", epochs: "A/report_payment:0"},
		{name: "unknown", before: []known{{pay("A", "x"), Unknown}}, plan: []Op{pay("A", "x")}, want: "retry", epochs: "A/report_payment:0"},
		{name: "unknown, edited: the old bytes are retried", before: []known{{pay("A", "x"), Unknown}}, plan: []Op{pay("A", "y")}, want: "changed", epochs: "A/report_payment:0"},
		{name: "confirmed", before: []known{{pay("A", "x"), Confirmed}}, plan: []Op{pay("A", "x")}, want: "same"},
		{name: "confirmed, edited", before: []known{{pay("A", "x"), Confirmed}}, plan: []Op{pay("A", "y")}, want: "changed"},
		{name: "in conflict", before: []known{{pay("A", "x"), Conflict}}, plan: []Op{pay("A", "x")}, want: "conflict"},
		{name: "twice in the run", plan: []Op{pay("A", "x"), pay("A", "x"), pay("A", "x")}, want: "new duplicate duplicate", epochs: "A/report_payment:0"},
		{name: "twice in the run, confirmed before", before: []known{{pay("A", "x"), Confirmed}}, plan: []Op{pay("A", "x"), pay("A", "x")}, want: "same duplicate"},
		{name: "twice with other content", plan: []Op{pay("A", "x"), pay("A", "y"), pay("A", "x")}, want: "conflict conflict conflict"},
		{name: "its steps are parked", plan: []Op{pay("A", "x"), refund("A", "1", "r"), pay("A", "y")}, want: "conflict parked conflict"},
		{name: "only later steps are parked", plan: []Op{refund("A", "1", "r"), refund("A", "1", "s"), pay("A", "x"), attempt("g"), op("A", record.ReportRefund, "2", "z")},
			want: "conflict conflict new new parked", epochs: "A/report_payment:0 A/report_payment_attempt_guaranteed:0"},
		{name: "another payment goes on", plan: []Op{pay("A", "x"), pay("A", "y"), pay("B", "x")}, want: "conflict conflict new", epochs: "B/report_payment:0"},
		{name: "refund of an unknown payment", plan: []Op{refund("A", "1", "r")}, want: "held"},
		{name: "refund before its payment in the file", plan: []Op{refund("A", "1", "r"), pay("A", "x")}, want: "new new", epochs: "A/report_payment:0 A/report_refund:0"},
		{name: "refund of a payment of last month", before: []known{{pay("A", "x"), Confirmed}}, plan: []Op{refund("A", "1", "r")}, want: "new", epochs: "A/report_refund:0"},
		{name: "refund of a payment that is planned elsewhere", before: []known{{pay("A", "x"), Planned}}, plan: []Op{refund("A", "1", "r")}, want: "held"},
		{name: "refund of a payment that was rejected", before: []known{{pay("A", "x"), Rejected}}, plan: []Op{refund("A", "1", "r")}, want: "held"},
		{name: "refund of a payment in doubt elsewhere", before: []known{{pay("A", "x"), Unknown}}, plan: []Op{refund("A", "1", "r")}, want: "held"},
		{name: "refund of a payment in doubt here", before: []known{{pay("A", "x"), Unknown}}, plan: []Op{pay("A", "x"), refund("A", "1", "r")}, want: "retry new", epochs: "A/report_payment:0 A/report_refund:0"},
		{name: "refund of a changed payment", before: []known{{pay("A", "x"), Confirmed}}, plan: []Op{pay("A", "y"), refund("A", "1", "r")}, want: "changed new", epochs: "A/report_refund:0"},
		{name: "refund of the same name at another source", before: []known{{pay("A", "x"), Confirmed}}, plan: []Op{func() Op { o := refund("A", "1", "r"); o.Source = "other"; return o }()}, want: "held"},
		{name: "blocked payment", block: "A", plan: []Op{pay("A", "x"), refund("A", "1", "r"), pay("B", "x")}, want: "parked parked new", epochs: "B/report_payment:0"},
		{name: "blocked payment that is there", block: "A", before: []known{{pay("A", "x"), Confirmed}}, plan: []Op{pay("A", "x"), refund("A", "1", "r")}, want: "same parked"},
		{name: "blocked payment in doubt", block: "A", before: []known{{pay("A", "x"), Unknown}}, plan: []Op{pay("A", "x")}, want: "parked"},
	} {
		for _, batch := range []int{0, 1, 2} { // whose plain calls are sealed with it, when it fills up
			t.Run(fmt.Sprintf("%s/batch=%d", tt.name, batch), func(t *testing.T) {
				ctx := context.Background()
				j, err := Open(ctx, filepath.Join(t.TempDir(), "j"), me, Options{Clock: clock, Unsynced: true, batchRows: batch})
				if err != nil {
					t.Fatal(err)
				}
				defer j.Close()
				for i, k := range tt.before {
					plan(t, j, fmt.Sprintf("before-%d", i), k.op)
					drive(t, j, k.op, 0, k.at)
				}
				p, err := j.NewRun(ctx, RunInfo{ID: "it"})
				if err != nil {
					t.Fatal(err)
				}
				if tt.block != "" {
					if err := p.Block(ctx, "shop", tt.block, "line 9 has no date"); err != nil {
						t.Fatal(err)
					}
				}
				for _, o := range tt.plan {
					if err := p.Add(ctx, o); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := p.Seal(ctx); err != nil {
					t.Fatal(err)
				}
				var got, epochs []string
				for _, e := range entries(t, j, "it") {
					got = append(got, string(e.Disposition))
				}
				for _, l := range lanes(t, j, "it") {
					for _, s := range l.Steps {
						epochs = append(epochs, fmt.Sprintf("%s/%s:%d", s.Payment, s.Call, s.Epoch))
						if len(s.Body) == 0 {
							t.Errorf("%s has no body", s.Call)
						}
					}
				}
				if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
					t.Errorf("dispositions (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.epochs, strings.Join(epochs, " ")); diff != "" {
					t.Errorf("steps (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestSealTallies sums by call, class, currency and disposition.
func TestSealTallies(t *testing.T) {
	j := newJournal(t)
	jpy := pay("C", "x")
	jpy.Amount = record.Amount{Currency: "jpy", Value: 500}
	got := plan(t, j, "r", pay("A", "x"), pay("B", "x"), pay("B", "x"), jpy, refund("A", "1", "r"), refund("Z", "1", "r"))
	want := []Tally{
		tally(record.ReportPayment, "payment", "eur", Duplicate, Planned, 1, 1000),
		tally(record.ReportPayment, "payment", "eur", New, Planned, 2, 2000),
		tally(record.ReportPayment, "payment", "jpy", New, Planned, 1, 500),
		tally(record.ReportRefund, "payment", "eur", Held, "", 1, 1000),
		tally(record.ReportRefund, "payment", "eur", New, Planned, 1, 1000),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestLaneOrder: report_payment first, then by order, call and place; payments
// by their first appearance.
func TestLaneOrder(t *testing.T) {
	at := func(o Op, order string) Op { o.Order = order; return o }
	j := newJournal(t)
	plan(t, j, "r",
		at(refund("B", "2", "r"), "3"),
		at(pay("A", "x"), "9"),
		at(op("B", record.ReportPaymentAttempt, "2", "a"), "2"),
		at(op("B", record.ReportPaymentAttemptFailed, "1", "f"), "1"),
		at(op("B", record.ReportPaymentAttemptInformational, "1", "i"), "1"),
		at(pay("B", "x"), "9"),
		at(refund("B", "1", "r"), "3"),
		at(op("B", record.ReportPaymentAttemptGuaranteed, "2", "g"), "2"),
	)
	var got []string
	for _, l := range lanes(t, j, "r") {
		for _, s := range l.Steps {
			call, _, _ := strings.Cut(strings.TrimPrefix(string(s.Body), "call="), "&content=")
			got = append(got, s.Order+" "+call)
		}
	}
	want := []string{
		"9 report_payment&payment=B&natural=",
		"1 report_payment_attempt_informational&payment=B&natural=1",
		"1 report_payment_attempt_failed&payment=B&natural=1",
		"2 report_payment_attempt&payment=B&natural=2",
		"2 report_payment_attempt_guaranteed&payment=B&natural=2",
		"3 report_refund&payment=B&natural=2",
		"3 report_refund&payment=B&natural=1",
		"9 report_payment&payment=A&natural=",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestLanesPages: pages of any size come to the same lanes.
func TestLanesPages(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	var ops []Op
	for i := range 50 {
		ops = append(ops, pay(fmt.Sprint(i%20), fmt.Sprint(i%20)), refund(fmt.Sprint(i%20), fmt.Sprint(i), "r"))
	}
	plan(t, j, "r", ops...)
	want := lanes(t, j, "r")
	if len(want) != 20 {
		t.Fatalf("%d lanes, want 20", len(want))
	}
	for _, size := range []int{1, 3, 20, 21} {
		var got []Lane
		for after := int64(0); ; {
			page, err := j.Lanes(ctx, "r", after, size)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			after = page[len(page)-1].No
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d: %s", size, diff)
		}
	}
}

// TestSuperseded: applying an older run skips what a later one has taken over
// with other content, and goes on with what reads the same.
func TestSuperseded(t *testing.T) {
	j := newJournal(t)
	moved := pay("B", "x")
	moved.Body = []byte("the same content from another file")
	plan(t, j, "old", pay("A", "x"), pay("B", "x"))
	plan(t, j, "new", pay("A", "y"), moved)
	old, newer := lanes(t, j, "old"), lanes(t, j, "new")
	if len(old) != 1 || old[0].Payment != "B" || string(old[0].Steps[0].Body) != string(moved.Body) {
		t.Errorf("the old run still has %+v", old)
	}
	if len(newer) != 2 {
		t.Errorf("the new run has %d lanes, want 2", len(newer))
	}
	if e := entries(t, j, "old")[0]; e.State != Planned || e.Reason == "" {
		t.Errorf("the old entry is %s, reason %q", e.State, e.Reason)
	}
	if n := count(t, j, "SELECT count(*) FROM body"); n != 2 {
		t.Errorf("%d bodies, want 2", n)
	}
}

// TestRejectedHistory: a call that was refused, then planned anew, shows each
// run what came of its own epoch.
func TestRejectedHistory(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	o := pay("A", "x")
	plan(t, j, "first", o)
	if err := j.Begin(ctx, o.ID, 0, ""); err != nil {
		t.Fatal(err)
	}
	if err := j.Finish(ctx, o.ID, 0, Outcome{State: Rejected, Code: "amount_too_small", HTTPStatus: 400, Message: "no", Param: "amount"}); err != nil {
		t.Fatal(err)
	}
	plan(t, j, "second", pay("A", "y"))
	drive(t, j, o, 1, Confirmed)
	first, second := entries(t, j, "first")[0], entries(t, j, "second")[0]
	if first.State != Rejected || first.Code != "amount_too_small" || first.Epoch != 0 {
		t.Errorf("first run: %+v", first)
	}
	if second.State != Confirmed || second.RecordID != "pr_A" || second.Epoch != 1 {
		t.Errorf("second run: %+v", second)
	}
	totals, err := j.Totals(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Tally{tally(record.ReportPayment, "", "eur", "", Confirmed, 1, 1000)}, totals); diff != "" {
		t.Error(diff)
	}
}

// TestNeverExecuted: a key that went out and was not executed keeps its body;
// other content gets another key.
func TestNeverExecuted(t *testing.T) {
	for _, tt := range []struct {
		content string
		epoch   int
		body    string
	}{{"x", 0, "x"}, {"y", 1, "y"}} {
		j := newJournal(t)
		o := pay("A", "x")
		plan(t, j, "first", o)
		sent := string(lanes(t, j, "first")[0].Steps[0].Body)
		drive(t, j, o, 0, Sending)
		if err := j.Finish(context.Background(), o.ID, 0, Outcome{State: Planned, HTTPStatus: 429}); err != nil {
			t.Fatal(err)
		}
		again := pay("A", tt.content)
		again.Body = append(again.Body, "&line=12"...)
		plan(t, j, "second", again)
		s := lanes(t, j, "second")[0].Steps[0]
		if s.Epoch != tt.epoch {
			t.Errorf("content %q: epoch %d, want %d", tt.content, s.Epoch, tt.epoch)
		}
		if same := string(s.Body) == sent; same != (tt.epoch == 0) {
			t.Errorf("content %q: body %q under epoch %d, sent before %q", tt.content, s.Body, s.Epoch, sent)
		}
		if old := lanes(t, j, "first"); len(old) != 1-tt.epoch {
			t.Errorf("content %q: the first run has %d steps", tt.content, len(old))
		}
	}
}

// TestEntriesFields: an entry says where it stood, what it is held against and
// what came of it; filters choose, pages do not show.
func TestEntriesFields(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	plan(t, j, "r1", pay("A", "x"), pay("B", "x"))
	drive(t, j, pay("A", "x"), 0, Confirmed)
	plan(t, j, "r2", pay("Z", "x"), pay("A", "edited"))
	e := slices.DeleteFunc(entries(t, j, "r2"), func(e Entry) bool { return e.Disposition != Changed })
	if len(e) != 1 {
		t.Fatalf("%d entries, want 1", len(e))
	}
	got := e[0]
	want := Entry{Op: pay("A", "edited"), Disposition: Changed, Outcome: Outcome{State: Confirmed, RecordID: "pr_A", RequestID: "req_1", HTTPStatus: 200},
		FirstSent: start, LastSent: start, Attempts: 1, PreviousFile: "a.csv", PreviousLine: 2, PreviousContent: "x"}
	want.Body, want.Line = nil, 3
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if e := entries(t, j, "r1", Planned); len(e) != 1 || e[0].Payment != "B" {
		t.Errorf("planned entries: %+v", e)
	}

	var many []Op
	for i := range 2*entryPage + 1 {
		many = append(many, pay(fmt.Sprint("m", i), "x"))
	}
	plan(t, j, "many", many...)
	n := 0
	for e, err := range j.Entries(ctx, "many", New) {
		if err != nil || e.Payment != fmt.Sprint("m", n) || e.Line != n+2 {
			t.Fatalf("entry %d: %+v, %v", n, e, err)
		}
		n++
	}
	if n != len(many) {
		t.Errorf("%d entries, want %d", n, len(many))
	}
	for range j.Entries(ctx, "many") {
		break // a caller may stop
	}
}

// TestPlanRefuses what cannot be planned, and one plan at a time.
func TestPlanRefuses(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	p, err := j.NewRun(ctx, RunInfo{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(p.Run(), "run_20261101-120000-") {
		t.Errorf("made-up id %q", p.Run())
	}
	if _, err := j.NewRun(ctx, RunInfo{}); err == nil || !strings.Contains(err.Error(), "discard") {
		t.Errorf("second plan: %v", err)
	}
	for _, o := range []Op{{ID: "x", Content: "c", Call: "report_nothing", File: "a.csv", Line: 3}, {Call: record.ReportPayment, Content: "c", File: "a.csv", Line: 3}, {Call: record.ReportPayment, ID: "x", File: "a.csv", Line: 3}} {
		if err := p.Add(ctx, o); err == nil || !strings.HasPrefix(err.Error(), "a.csv:3: ") {
			t.Errorf("Add(%+v): %v", o, err)
		}
	}
	if err := p.Add(ctx, pay("A", "x")); err != nil {
		t.Fatal(err)
	}
	if err := p.Discard(ctx); err != nil {
		t.Fatal(err)
	}
	if err := p.Add(ctx, pay("A", "x")); err == nil {
		t.Error("a discarded plan takes calls")
	}
	if _, err := p.Seal(ctx); err == nil {
		t.Error("a discarded plan can be sealed")
	}
	if err := p.Discard(ctx); err != nil {
		t.Error("a second Discard:", err)
	}
	plan(t, j, "r")
	if _, err := j.NewRun(ctx, RunInfo{ID: "r"}); err == nil || !strings.Contains(err.Error(), `"r"`) {
		t.Errorf("a run's name again: %v", err)
	}
	if n := count(t, j, "SELECT count(*) FROM entry"); n != 0 {
		t.Errorf("%d entries of a discarded plan", n)
	}
}

// TestScope: an account in test mode is another than in live mode, and the way
// to it does not matter.
func TestScope(t *testing.T) {
	live, other, elsewhere := me, me, me
	live.Livemode, other.Account, elsewhere.Endpoint = true, "acct_2", "api.stripe.com"
	if elsewhere.Scope() != me.Scope() {
		t.Error("the endpoint changes the scope")
	}
	if live.Scope() == me.Scope() || other.Scope() == me.Scope() {
		t.Errorf("scopes are not distinct: %s %s %s", me.Scope(), live.Scope(), other.Scope())
	}
}

func count(t testing.TB, j *Journal, query string) (n int) {
	t.Helper()
	if err := j.settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := j.read.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
