package journal

import (
	"errors"
	"testing"
	"time"
)

// waiting is how many answers wait to be written.
func waiting(j *Journal) int {
	j.w.answers.mu.Lock()
	defer j.w.answers.mu.Unlock()
	return len(j.w.answers.list)
}

// inFlight plans so many payments, and begins them under claims.
func inFlight(t *testing.T, n int) (j *Journal, ops []Op) {
	t.Helper()
	j = newJournal(t)
	ops = payments(n)
	plan(t, j, "r", ops...)
	if _, err := j.Lanes(t.Context(), "r", 0, n); err != nil {
		t.Fatal(err)
	}
	for _, o := range ops {
		beginAhead(t, j, o, 64)
	}
	return j, ops
}

// TestAnswersWait: answers wait for each other for some milliseconds, and are
// written then without anybody asking; a claim is not kept waiting by a few of
// them, and takes many with it.
func TestAnswersWait(t *testing.T) {
	t.Run("by themselves", func(t *testing.T) {
		j, ops := inFlight(t, 3)
		for _, o := range ops {
			finished(t, j, o, Confirmed)
		}
		for end := time.Now().Add(20 * time.Second); waiting(j) > 0; time.Sleep(answersWait) {
			if time.Now().After(end) {
				t.Fatal("nobody writes them")
			}
		}
	})
	t.Run("a claim passes few and takes many", func(t *testing.T) {
		j, ops := inFlight(t, answersAtOnce+1)
		for _, tt := range []struct {
			ops  []Op
			left int
		}{{ops[:1], 1}, {ops[1:], 0}} {
			held, hold := make(chan struct{}), make(chan struct{})
			left := make(chan int, 1)
			for _, run := range []func(*writer) error{
				func(*writer) error { close(held); <-hold; return nil },
				func(*writer) error { left <- waiting(j); return nil },
			} {
				if err := j.w.queue(&job{run: run, part: true, ahead: true}); err != nil {
					t.Fatal(err)
				}
			}
			<-held // whatever is queued by and by comes behind the second
			for _, o := range tt.ops {
				finished(t, j, o, Confirmed)
			}
			close(hold)
			if n := <-left; n != tt.left {
				t.Errorf("of %d answers %d wait after a claim was written, want %d", len(tt.ops), n, tt.left)
			}
			if err := j.settle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestAnswersLast: closing writes the answers that wait, and takes no further ones.
func TestAnswersLast(t *testing.T) {
	j, ops := inFlight(t, 4)
	for _, o := range ops[:3] {
		finished(t, j, o, Confirmed)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Finish(t.Context(), ops[3].ID, 0, Outcome{State: Confirmed, RecordID: "pr_1"}); !errors.Is(err, ErrClosed) {
		t.Errorf("an answer after the end: %v", err)
	}
	again := open(t, j.path)
	tallies, err := again.Tallies(t.Context(), "r")
	if err != nil || len(tallies) != 2 || tallies[0].N+tallies[1].N != 4 {
		t.Fatalf("%+v, %v", tallies, err)
	}
	for _, tally := range tallies {
		if tally.State == Confirmed && tally.N != 3 {
			t.Errorf("%d are confirmed, want 3", tally.N)
		}
	}
}
