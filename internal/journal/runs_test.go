package journal

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/payrec/payrec/record"
)

func TestRuns(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	if _, err := j.Run(ctx, Latest); err == nil || !strings.Contains(err.Error(), `"latest"`) {
		t.Errorf("latest of none: %v", err)
	}
	info := RunInfo{ID: "run_a1", Source: "shop", Mapping: "adyen.yaml", MappingHash: "m", Params: map[string]string{"x": "march"},
		Files: []FileInfo{{"b.csv", "", "22", 2}, {"a.csv", "", "11", 1}}, Created: start}
	unread := info
	unread.Files = nil
	p, err := j.NewRun(ctx, unread)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Add(ctx, pay("A", "x")); err != nil {
		t.Fatal(err)
	}
	p.Files(info.Files)
	if runs, err := j.Runs(ctx); err != nil || len(runs) != 0 {
		t.Errorf("a run being planned shows: %+v, %v", runs, err)
	}
	if _, err := p.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	plan(t, j, "run_a2")
	plan(t, j, "other", pay("B", "x"), refund("C", "1", "r"))

	want := RunStatus{RunInfo: info, State: RunPlanned, Changed: start, Tallies: []Tally{tally(record.ReportPayment, "payment", "eur", New, Planned, 1, 1000)}}
	got, err := j.Run(ctx, "run_a1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(RunStatus{})); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{"run_a1": "run_a1", "a1": "run_a1", "o": "other", Latest: "other", "run_a2": "run_a2"} {
		if got, err := j.Run(ctx, name); err != nil || got.ID != want {
			t.Errorf("Run(%q): %q, %v", name, got.ID, err)
		}
	}
	for name, want := range map[string]string{"run_a": "2 runs", "a": "2 runs", "": "no run", "x": "no run", "run_%": "no run"} {
		if _, err := j.Run(ctx, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run(%q): %v", name, err)
		}
	}
	runs, err := j.Runs(ctx)
	if err != nil || len(runs) != 3 || runs[2].ID != "other" || len(runs[2].Tallies) != 2 {
		t.Errorf("runs %+v, %v", runs, err)
	}
	if ids, err := j.RunIDs(ctx); err != nil || !slices.Equal(ids, []string{"run_a1", "run_a2", "other"}) {
		t.Errorf("ids %q, %v", ids, err)
	}
	if got := runs[2].Tallies[1]; got != (tally(record.ReportRefund, "payment", "eur", Held, "", 1, 1000)) {
		t.Errorf("held: %+v", got)
	}
}

func TestRunStates(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	plan(t, j, "r")
	for _, step := range []struct {
		to string
		ok bool
	}{
		{RunDone, false}, {RunStopped, false}, {"nonsense", false}, {RunPlanned, false}, {RunApplying, true}, {RunApplying, true}, {RunPlanned, false},
		{RunStopped, true}, {RunDone, false}, {RunApplying, true}, {RunDone, true}, {RunDone, true}, {RunStopped, false}, {RunApplying, true},
	} {
		before, _ := j.Run(ctx, "r")
		err := j.SetRunState(ctx, "r", step.to)
		if got := err == nil; got != step.ok {
			t.Errorf("%s → %s: %v", before.State, step.to, err)
		}
	}
	if err := j.SetRunState(ctx, "none", RunApplying); err == nil {
		t.Error("a run that is not there was moved on")
	}
	if err := j.Flush(ctx); err != nil {
		t.Errorf("refusals made the journal fail: %v", err)
	}
}

// TestHasHistory: a journal has one once something of it was, or may have been, sent.
func TestHasHistory(t *testing.T) {
	ctx := context.Background()
	j, ops, _ := claimable6(t)
	has := func(j *Journal) bool {
		t.Helper()
		has, err := j.HasHistory(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return has
	}
	if has(j) {
		t.Error("a plan is no history")
	}
	beginAhead(t, j, ops[0], 4)
	if !has(j) {
		t.Error("what is on its way is")
	}
	finished(t, j, ops[0], Confirmed)
	if err := j.Flush(ctx); err != nil || !has(j) {
		t.Errorf("what was answered is; %v", err)
	}
}
