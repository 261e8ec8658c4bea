package journal

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/payrec/payrec/record"
)

// doubts lists the calls of a run that are in doubt.
func doubts(t testing.TB, j *Journal, run string) []record.Doubt {
	t.Helper()
	var list []record.Doubt
	for d, err := range j.Doubts(context.Background(), run) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}

// TestSettle tries everything that looking up can come to from every state.
func TestSettle(t *testing.T) {
	ctx := context.Background()
	for _, from := range []State{Planned, Sending, Unknown, Reconciling, Confirmed, Adopted, Rejected, Conflict} {
		for _, to := range []State{Adopted, Conflict, Reconciling, Planned, Confirmed, Rejected, Unknown} {
			j := newJournal(t)
			o := pay("A", "x")
			plan(t, j, "r", o)
			drive(t, j, o, 0, from)
			err := j.Settle(ctx, o.ID, 0, Outcome{State: to, RecordID: "pr_found", Message: "why"})
			allowed := (from == Unknown || from == Reconciling) && (to == Adopted || to == Conflict || to == Reconciling || to == Planned)
			var refused *TransitionError
			if got := err == nil; got != allowed || !got && !errors.As(err, &refused) {
				t.Errorf("%s is settled as %s: %v", from, to, err)
			}
			want, epoch := from, 0
			if allowed {
				want = to
			}
			if allowed && to == Planned {
				epoch = 1
			}
			if e := entries(t, j, "r")[0]; e.State != want || e.Epoch != epoch {
				t.Errorf("%s settled as %s: is %s in epoch %d", from, to, e.State, e.Epoch)
			}
			j.Close()
		}
	}
}

// TestAbsent: what the account does not have is sent again with its own body
// under a new key, by the same run, and the old key never again.
func TestAbsent(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	o := pay("A", "x")
	plan(t, j, "r", o)
	drive(t, j, o, 0, Unknown)
	if err := j.Settle(ctx, o.ID, 0, Outcome{State: Planned}); err != nil {
		t.Fatal(err)
	}
	steps := lanes(t, j, "r")[0].Steps
	if len(steps) != 1 || steps[0].Epoch != 1 || steps[0].State != Planned || string(steps[0].Body) != string(o.Body) || !steps[0].FirstSent.IsZero() {
		t.Fatalf("%+v", steps)
	}
	if err := j.Begin(ctx, o.ID, 0, ""); err == nil {
		t.Error("the old key can be used again")
	}
	drive(t, j, o, 1, Unknown)
	d := doubts(t, j, "r")
	if len(d) != 1 || d[0].Epoch != 1 || !d[0].Since.Equal(start) || d[0].Run != "r" {
		t.Errorf("%+v", d)
	}
	list, err := j.Decisions(ctx, o.ID)
	want := []record.Decision{{Op: o.ID, At: start, Who: "payrec", What: "absent", From: Unknown}}
	if diff := cmp.Diff(want, list); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	// Found absent after its row was edited, it is not sent as it read before.
	plan(t, j, "edited", pay("A", "edited"))
	if l := lanes(t, j, "edited"); len(l) != 1 || string(l[0].Steps[0].Body) != string(o.Body) {
		t.Errorf("in doubt: %+v", l)
	}
	// An edited row takes the place of what was never sent under the new epoch.
	if err := j.Settle(ctx, o.ID, 1, Outcome{State: Planned}); err != nil {
		t.Fatal(err)
	}
	if l := lanes(t, j, "edited"); len(l) != 0 {
		t.Errorf("absent: %+v", l)
	}
	edited := pay("A", "edited")
	plan(t, j, "r2", edited)
	if steps := lanes(t, j, "r2")[0].Steps; len(steps) != 1 || steps[0].Epoch != 2 || string(steps[0].Body) != string(edited.Body) {
		t.Errorf("%+v", steps)
	}
}

// TestDecide: each decision from each state that leaves something to decide.
func TestDecide(t *testing.T) {
	ctx := context.Background()
	for _, from := range []State{Unknown, Reconciling, Conflict} {
		for _, tt := range []struct {
			what  string
			state State
			epoch int
			again Disposition // of the same row, imported once more
		}{
			{DecideAdopt, Adopted, 0, Same},
			{DecideResend, Planned, 1, New},
			{DecideSkip, Rejected, 0, Parked},
		} {
			j := newJournal(t)
			o := pay("A", "x")
			plan(t, j, "r", o)
			drive(t, j, o, 0, from)
			d := record.Decision{Op: o.ID, Who: "ada", What: tt.what, Reason: "seen in the dashboard", RecordID: "pr_seen"}
			if err := j.Decide(ctx, d); err != nil {
				t.Fatal(err)
			}
			if e := entries(t, j, "r")[0]; e.State != tt.state || e.Epoch != tt.epoch {
				t.Errorf("%s from %s: %s in epoch %d", tt.what, from, e.State, e.Epoch)
			}
			plan(t, j, "again", o)
			e := entries(t, j, "again")[0]
			if e.Disposition != tt.again {
				t.Errorf("%s from %s: imported again it is %s", tt.what, from, e.Disposition)
			}
			list, err := j.Decisions(ctx, o.ID)
			d.At, d.From = start, from
			if diff := cmp.Diff([]record.Decision{d}, list); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			j.Close()
		}
	}
}

// TestSkippedStaysOut: what a person left out is never sent by an import, until
// a person says so.
func TestSkippedStaysOut(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	o := pay("A", "x")
	plan(t, j, "r", o, refund("A", "1", "x"))
	drive(t, j, o, 0, Unknown)
	if err := j.Decide(ctx, record.Decision{Op: o.ID, What: DecideSkip, Reason: "a test payment"}); err != nil {
		t.Fatal(err)
	}
	plan(t, j, "r2", o, refund("A", "1", "x"))
	e := entries(t, j, "r2")
	if e[0].Disposition != Parked || e[0].Reason != "a person decided to leave it out: a test payment" || e[1].Disposition != Held {
		t.Errorf("%+v", e)
	}
	if got := lanes(t, j, "r2"); len(got) != 0 {
		t.Errorf("to be sent: %+v", got)
	}
	if err := j.Decide(ctx, record.Decision{Op: o.ID, What: DecideResend}); err != nil {
		t.Fatal(err)
	}
	plan(t, j, "r3", o)
	if steps := lanes(t, j, "r3")[0].Steps; len(steps) != 1 || steps[0].Epoch != 1 || len(steps[0].Body) == 0 {
		t.Errorf("%+v", steps)
	}
}

// TestNothingPassesAnOpenStep: later steps of a payment see the earlier one
// that was refused, is in conflict or is being looked up.
func TestNothingPassesAnOpenStep(t *testing.T) {
	for _, state := range []State{Rejected, Conflict, Reconciling, Unknown} {
		j := newJournal(t)
		p, g, r := pay("A", "x"), op("A", record.ReportPaymentAttemptGuaranteed, "", "x"), refund("A", "1", "x")
		plan(t, j, "r", p, g, r)
		drive(t, j, p, 0, Confirmed)
		drive(t, j, g, 0, state)
		steps := lanes(t, j, "r")[0].Steps
		if len(steps) != 2 || steps[0].ID != g.ID || steps[0].State != state || steps[1].ID != r.ID {
			t.Errorf("%s: %+v", state, steps)
		}
		j.Close()
	}
}

// TestDoubtsKnowTheirPayment: what the looking up of a later call needs.
func TestDoubtsKnowTheirPayment(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	p, a, r1, r2, r3 := pay("A", "x"), op("A", record.ReportPaymentAttempt, "2", "x"), refund("A", "1", "x"), refund("A", "2", "x"), refund("A", "3", "x")
	plan(t, j, "r", p, a, r1, r2, r3)
	finish := func(o Op, out Outcome) {
		t.Helper()
		if err := j.Begin(ctx, o.ID, 0, "pr_A"); err != nil {
			t.Fatal(err)
		}
		if err := j.Finish(ctx, o.ID, 0, out); err != nil {
			t.Fatal(err)
		}
	}
	finish(p, Outcome{State: Confirmed, RecordID: "pr_A", ObjectID: "par_1"})
	finish(a, Outcome{State: Unknown})
	if d := doubts(t, j, "r"); len(d) != 1 || d[0].Before != "par_1" || d[0].Target != "pr_A" || d[0].Others != 0 || string(d[0].Body) != string(a.Body) {
		t.Fatalf("%+v", d)
	}
	if err := j.Settle(ctx, a.ID, 0, Outcome{State: Adopted, RecordID: "pr_A", ObjectID: "par_2"}); err != nil {
		t.Fatal(err)
	}
	finish(r1, Outcome{State: Confirmed, ObjectID: "par_2"})
	finish(r2, Outcome{State: Unknown})
	finish(r3, Outcome{State: Reconciling})
	for _, d := range doubts(t, j, "r") {
		if d.Before != "par_2" || d.Refunded != 1000 || d.Others != 1 {
			t.Errorf("%+v", d)
		}
	}
	n := 0
	for d, err := range j.Unsettled(ctx) {
		if err != nil || d.Call != record.ReportRefund {
			t.Errorf("%+v, %v", d, err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d calls are unsettled", n)
	}
}

func TestCallByPrefix(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	o := pay("A", "x")
	plan(t, j, "r", o, pay("B", "x"))
	drive(t, j, o, 0, Conflict)
	for _, name := range []string{o.ID, o.ID[:6]} {
		if d, err := j.Call(ctx, name); err != nil || d.ID != o.ID || d.State != Conflict {
			t.Errorf("%q: %+v, %v", name, d, err)
		}
	}
	for _, name := range []string{"", "ab", "zzzzzzz", o.ID + "a", "%%%%"} {
		if d, err := j.Call(ctx, name); err == nil {
			t.Errorf("%q is %+v", name, d)
		}
	}
}

// TestAdopt: what was found in the account counts as reported, and an unknown
// content, or the beginning of one, as the same.
func TestAdopt(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	found := func(o Op, content string) record.Found {
		o.Content, o.Body = content, nil
		return record.Found{Op: o, RecordID: "pr_" + o.Payment}
	}
	adopt := func(run string, list ...record.Found) int {
		t.Helper()
		p, err := j.NewRun(ctx, RunInfo{ID: run})
		if err != nil {
			t.Fatal(err)
		}
		n, err := p.Adopt(ctx, list)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		return n
	}
	a, b, r := pay("A", "0123456789abcdef"), pay("B", "fedcba98"), refund("A", "1", "77777777")
	if n := adopt("rebuilt", found(a, "0123456789ab"), found(b, ""), found(r, "7777")); n != 3 {
		t.Errorf("%d were adopted", n)
	}
	if n := adopt("rebuilt twice", found(a, "0123456789ab"), found(b, "")); n != 0 {
		t.Errorf("%d were adopted twice", n)
	}
	edited := pay("A", "edited")
	plan(t, j, "again", a, b, r, refund("B", "1", "x"))
	plan(t, j, "edited", edited)
	var got []Disposition
	for _, e := range append(entries(t, j, "again"), entries(t, j, "edited")...) {
		got = append(got, e.Disposition)
	}
	if diff := cmp.Diff([]Disposition{Same, Same, Same, New, Changed}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if l := lanes(t, j, "again"); len(l) != 1 || l[0].RecordID != "pr_B" {
		t.Errorf("%+v", l)
	}
	if got := lanes(t, j, "edited"); len(got) != 0 {
		t.Errorf("to be sent: %+v", got)
	}
}

// TestAdoptWhatThePlanHas: a call that the plan has from a row and the account
// has too is there already, and counts once.
func TestAdoptWhatThePlanHas(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	p, err := j.NewRun(ctx, RunInfo{ID: "r"})
	if err != nil {
		t.Fatal(err)
	}
	same, edited := refund("A", "1", "0123456789abcdef"), refund("A", "2", "0123456789abcdef")
	for _, o := range []Op{same, edited, refund("A", "3", "x")} {
		if err := p.Add(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	a := pay("A", "")
	same.Content, edited.Content = "0123456789ab", "ffffffffffff"
	if n, err := p.Adopt(ctx, []record.Found{{Op: a, RecordID: "pr_A"}, {Op: same, RecordID: "pr_A"}, {Op: edited, RecordID: "pr_A"}}); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := p.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries(t, j, "r") {
		got = append(got, string(e.Call)+" "+string(e.Disposition)+" "+string(e.State))
	}
	want := []string{"report_refund same adopted", "report_refund changed adopted", "report_refund new planned", "report_payment same adopted"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOrphans: the payments that a plan needs and nobody knows; once adopted,
// their calls are not held. A plan that is dropped adopts nothing.
func TestOrphans(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	plan(t, j, "before", pay("K", "x"))
	drive(t, j, pay("K", "x"), 0, Confirmed)
	for _, keep := range []bool{false, true} {
		p, err := j.NewRun(ctx, RunInfo{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []Op{refund("A", "1", "x"), refund("A", "2", "x"), refund("B", "1", "x"), pay("C", "x"), refund("C", "1", "x"), refund("K", "1", "x")} {
			if err := p.Add(ctx, o); err != nil {
				t.Fatal(err)
			}
		}
		orphans, err := p.Orphans(ctx)
		if diff := cmp.Diff([]string{"A", "B"}, orphans); err != nil || diff != "" {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		o := pay("A", "")
		o.Body = nil
		if n, err := p.Adopt(ctx, []record.Found{{Op: o, RecordID: "pr_A"}}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if !keep {
			if err := p.Discard(ctx); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := j.RecordOf(ctx, "shop", "A"); ok || err != nil {
				t.Errorf("a dropped plan left its payment behind: %v", err)
			}
			continue
		}
		if _, err := p.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		var got []Disposition
		for _, e := range entries(t, j, p.Run()) {
			got = append(got, e.Disposition)
		}
		if diff := cmp.Diff([]Disposition{New, New, Held, New, New, New, Same}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestMigration: a journal of format 1 is brought up to date, with all it knows.
func TestMigration(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "payrec.journal")
	j := open(t, path)
	o := pay("A", "x")
	plan(t, j, "r", o)
	drive(t, j, o, 0, Unknown)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	older(t, path, `DROP TABLE claim; DROP TABLE shape; DROP TABLE decision; DROP INDEX op_child; DROP INDEX item_again;
		DROP TABLE run_rows; DROP TABLE run_class; DROP TABLE run_called; DROP TABLE note; `+opDoubt+`; PRAGMA user_version = 1`)
	if _, err := OpenReadOnly(ctx, path); err == nil {
		t.Error("a journal of an older format was read as one of this")
	}
	for range 2 {
		j = open(t, path)
		if e := entries(t, j, "r"); len(e) != 1 || e[0].State != Unknown {
			t.Errorf("%+v", e)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	j = open(t, path)
	if err := j.Settle(ctx, o.ID, 0, Outcome{State: Planned}); err != nil {
		t.Error(err)
	}
}
