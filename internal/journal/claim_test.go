package journal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/payrec/payrec/record"
)

// crashed is a journal as a process leaves it that dies now.
func crashed(t *testing.T, j *Journal) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "payrec.journal")
	copyJournal(t, j, path, "", ".lock", ".sums", "-wal")
	return path
}

// copyJournal copies the files of a journal that have these suffixes.
func copyJournal(t *testing.T, j *Journal, path string, suffixes ...string) {
	t.Helper()
	for _, suffix := range suffixes {
		b, err := os.ReadFile(j.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// statesOf are the states of a run's calls, in order, with a mark where they were
// sent at least once.
func statesOf(t *testing.T, j *Journal) (states []string) {
	t.Helper()
	for e, err := range j.Entries(context.Background(), "r") {
		if err != nil {
			t.Fatal(err)
		}
		s := string(e.State)
		if e.Attempts > 0 {
			s += fmt.Sprint(" ", e.Attempts, " ", e.FirstSent.Format(time.TimeOnly), " ", e.LastSent.Format(time.TimeOnly))
		}
		states = append(states, s)
	}
	return states
}

func sameStates(t *testing.T, j *Journal, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, statesOf(t, j)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func claims(t *testing.T, j *Journal) (n int64) {
	t.Helper()
	if err := j.read.QueryRow("SELECT count(*) FROM claim").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// claimable6 opens a journal whose clock can be set, with a run of six payments
// whose lanes were handed out.
func claimable6(t *testing.T) (j *Journal, ops []Op, now *time.Time) {
	t.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now = &at
	var mu sync.Mutex
	j, err := Open(context.Background(), filepath.Join(t.TempDir(), "payrec.journal"), me, Options{Clock: func() time.Time { mu.Lock(); defer mu.Unlock(); return *now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	ops = payments(6)
	plan(t, j, "r", ops...)
	lanes(t, j, "r")
	return j, ops, now
}

func beginAhead(t *testing.T, j *Journal, o Op, ahead int) {
	t.Helper()
	if err := j.BeginAhead(context.Background(), o.ID, 0, ahead); err != nil {
		t.Fatal(err)
	}
}

func finished(t *testing.T, j *Journal, o Op, s State) {
	t.Helper()
	if err := j.Finish(context.Background(), o.ID, 0, Outcome{State: s, RecordID: "pr_1"}); err != nil {
		t.Fatal(err)
	}
}

// TestClaim: a claim covers calls that have not come to their turn; whoever reads
// sees them under way, and after a crash they are in doubt since it was made.
func TestClaim(t *testing.T) {
	ctx := context.Background()
	j, ops, now := claimable6(t)
	beginAhead(t, j, ops[0], 8) // claims half of that
	*now = now.Add(3 * time.Second)
	beginAhead(t, j, ops[1], 0)
	sameStates(t, j, "sending", "sending", "sending", "sending", "planned", "planned")

	path := crashed(t, j)
	beside, err := OpenReadOnly(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	sameStates(t, beside, "sending", "sending", "sending", "sending", "planned", "planned")
	n := 0
	for d, err := range beside.Unsettled(ctx) {
		if n++; err != nil || d.State != Sending || d.FirstSent.Format(time.TimeOnly) != "12:00:00" || d.LastSent != d.FirstSent || d.Since != d.FirstSent {
			t.Errorf("%+v, %v", d, err)
		}
	}
	totals, err := beside.Totals(ctx)
	if n != 4 || err != nil || len(totals) != 2 || totals[1].State != Sending || totals[1].N != 4 {
		t.Errorf("%d, %+v, %v", n, totals, err)
	}
	beside.Close()

	again := open(t, path)
	sameStates(t, again, "unknown 1 12:00:00 12:00:00", "unknown 1 12:00:00 12:00:00", "unknown 1 12:00:00 12:00:00", "unknown 1 12:00:00 12:00:00", "planned", "planned")
	if n := claims(t, again); n != 0 {
		t.Errorf("%d claims after a crash was taken up", n)
	}
	for d, err := range again.Unsettled(ctx) {
		if err != nil || d.State != Unknown {
			t.Errorf("%+v, %v", d, err)
		}
	}
}

// TestClaimEnds: it ends with its last answer, and before anything but sending is
// written; then calls under way have the state, and the time, that they were begun.
func TestClaimEnds(t *testing.T) {
	ctx := context.Background()
	t.Run("answered", func(t *testing.T) {
		j, ops, now := claimable6(t)
		beginAhead(t, j, ops[0], 4)
		beginAhead(t, j, ops[1], 0)
		*now = now.Add(time.Second)
		finished(t, j, ops[1], Confirmed)
		finished(t, j, ops[0], Planned)
		if err := j.settle(ctx); err != nil {
			t.Fatal(err)
		}
		if n := claims(t, j); n != 0 {
			t.Errorf("%d claims", n)
		}
		sameStates(t, j, "planned 1 12:00:00 12:00:00", "confirmed 1 12:00:00 12:00:00", "planned", "planned", "planned", "planned")
	})
	t.Run("overtaken", func(t *testing.T) {
		j, ops, now := claimable6(t)
		beginAhead(t, j, ops[0], 8)
		*now = now.Add(time.Second)
		beginAhead(t, j, ops[1], 0)
		*now = now.Add(time.Second)
		if err := j.SetRunState(ctx, "r", RunApplying); err != nil {
			t.Fatal(err)
		}
		if n := claims(t, j); n != 0 {
			t.Errorf("%d claims", n)
		}
		beginAhead(t, j, ops[2], 8) // nothing proves any more that its lane stands as it was read
		sameStates(t, j, "sending 1 12:00:00 12:00:00", "sending 1 12:00:01 12:00:01", "sending 1 12:00:02 12:00:02", "planned", "planned", "planned")
		finished(t, j, ops[1], Confirmed)
		finished(t, j, ops[0], Unknown)
		if err := j.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		sameStates(t, j, "unknown 1 12:00:00 12:00:00", "confirmed 1 12:00:01 12:00:01", "sending 1 12:00:02 12:00:02", "planned", "planned", "planned")
	})
	t.Run("overtaken while an answer waits to be written", func(t *testing.T) {
		j, ops, _ := claimable6(t)
		beginAhead(t, j, ops[0], 8)
		beginAhead(t, j, ops[1], 0)
		finished(t, j, ops[0], Confirmed)
		var states []State
		if err := j.w.do(ctx, func(w *writer) error {
			for no := 1; no <= 3; no++ {
				var s State
				if err := w.row("SELECT state FROM op WHERE no = ?", []any{no}, &s); err != nil {
					return err
				}
				states = append(states, s)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]State{Confirmed, Sending, Planned}, states); diff != "" {
			t.Errorf("what the next job finds (-want +got):\n%s", diff)
		}
		sameStates(t, j, "confirmed 1 12:00:00 12:00:00", "sending 1 12:00:00 12:00:00", "planned", "planned", "planned", "planned")
	})
	t.Run("old", func(t *testing.T) {
		j, ops, now := claimable6(t)
		beginAhead(t, j, ops[0], 8)
		*now = now.Add(claimLife + time.Millisecond)
		beginAhead(t, j, ops[1], 0)
		path := crashed(t, j)
		again := open(t, path)
		sameStates(t, again, "unknown 1 12:00:00 12:00:00", "unknown 1 12:01:00 12:01:00", "unknown 1 12:00:00 12:00:00", "unknown 1 12:00:00 12:00:00", "planned", "planned")
	})
	t.Run("begun again", func(t *testing.T) {
		j, ops, _ := claimable6(t)
		beginAhead(t, j, ops[0], 8)
		if err := j.Begin(ctx, ops[0].ID, 0, ""); err != nil {
			t.Fatal(err)
		}
		sameStates(t, j, "sending 2 12:00:00 12:00:00", "planned", "planned", "planned", "planned", "planned")
	})
	t.Run("lanes handed out again", func(t *testing.T) {
		j, ops, _ := claimable6(t)
		beginAhead(t, j, ops[0], 4)
		lanes(t, j, "r")
		beginAhead(t, j, ops[0], 4)
		sameStates(t, j, "sending 2 12:00:00 12:00:00", "planned", "planned", "planned", "planned", "planned")
	})
}

// TestNoClaim: calls that a claim must not cover are begun by themselves.
func TestNoClaim(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	refund := op("A", record.ReportRefund, "1", "x")
	plan(t, j, "r", refund, pay("A", "x"), pay("B", "x"), pay("C", "x"), pay("D", "x"))
	lanes(t, j, "r")
	for _, o := range []Op{pay("A", "x"), pay("B", "x")} { // the first of them stands behind its refund
		beginAhead(t, j, o, 4)
		if n, want := claims(t, j), int64(len(o.Payment)); o.Payment == "A" && n != 0 || o.Payment == "B" && n != want {
			t.Errorf("%s: %d claims", o.Payment, n)
		}
	}
	if err := j.Begin(ctx, refund.ID, 0, "pr_1"); err != nil {
		t.Error(err)
	}
	var s []string
	for _, state := range statesOf(t, j) {
		s = append(s, state[:7])
	}
	if diff := cmp.Diff([]string{"sending", "sending", "sending", "sending", "planned"}, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestClaimsTogether: many lanes at once, with answers of all kinds and other jobs
// between, leave every call with its answer and no claim.
func TestClaimsTogether(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	ops := payments(3000)
	plan(t, j, "r", ops...)
	work := make(chan Step)
	var lanesUnderWay sync.WaitGroup
	for range 16 {
		lanesUnderWay.Go(func() {
			for s := range work {
				if err := j.BeginAhead(ctx, s.ID, s.Epoch, 64); err != nil {
					t.Error(err)
				}
				if s.Line%7 == 0 {
					finished(t, j, s.Op, Unknown)
					if err := j.BeginAhead(ctx, s.ID, s.Epoch, 64); err != nil {
						t.Error(err)
					}
				}
				if s.Line%501 == 0 {
					if err := j.Flush(ctx); err != nil {
						t.Error(err)
					}
				}
				finished(t, j, s.Op, Confirmed)
			}
		})
	}
	for after := int64(0); ; {
		page, err := j.Lanes(ctx, "r", after, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			work <- l.Steps[0]
			after = l.No
		}
	}
	close(work)
	lanesUnderWay.Wait()
	if err := j.settle(ctx); err != nil {
		t.Fatal(err)
	}
	tallies, err := j.Tallies(ctx, "r")
	if err != nil || len(tallies) != 1 || tallies[0].State != Confirmed || tallies[0].N != 3000 {
		t.Errorf("%+v, %v", tallies, err)
	}
	if err := j.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if n := claims(t, j); n != 0 {
		t.Errorf("%d claims", n)
	}
}

// TestClaimSizes: claims grow where calls follow each other closely, and shrink
// where they do not, so that few are in doubt after a crash.
func TestClaimSizes(t *testing.T) {
	at := start
	j, err := Open(context.Background(), filepath.Join(t.TempDir(), "payrec.journal"), me, Options{Clock: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	ops := payments(6000)
	plan(t, j, "r", ops...)
	if _, err := j.Lanes(context.Background(), "r", 0, len(ops)); err != nil {
		t.Fatal(err)
	}
	next := 0
	begin := func(n int, pace time.Duration) {
		for range n {
			at = at.Add(pace)
			beginAhead(t, j, ops[next], 400)
			<-j.claimable.latest.done // or the disk is what claims grow for
			next++
		}
	}
	for _, tt := range []struct {
		pace  time.Duration
		calls int
		size  int
	}{{0, 1, 16}, {0, 2000, 200}, {50 * time.Millisecond, 1000, leastClaim}, {20 * time.Millisecond, 100, leastClaim}, {time.Millisecond / 20, 2000, 200}} {
		if begin(tt.calls, tt.pace); j.claimable.size != tt.size {
			t.Errorf("claims of %d after %d calls %s apart, want %d", j.claimable.size, tt.calls, tt.pace, tt.size)
		}
	}
}
