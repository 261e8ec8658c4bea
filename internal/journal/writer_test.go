package journal

import (
	"errors"
	"testing"
	"time"
)

// TestWorthIt: few calls are never kept waiting; in a crowd a third of them is
// written together.
func TestWorthIt(t *testing.T) {
	for _, tt := range []struct {
		flying, waiting int
		want            bool
	}{
		{0, 0, false}, // answers wait for the next call
		{128, 0, false},
		{1, 1, true},
		{crowd - 1, 1, true},
		{crowd, 1, false},
		{128, 42, false},
		{128, 43, true},
		{200, 67, true},
	} {
		w := &writer{flying: tt.flying}
		if got := w.worthIt(tt.waiting); got != tt.want {
			t.Errorf("%d wait of %d in flight: %t", tt.waiting, tt.flying, got)
		}
	}
}

// TestFlying: the writer knows how many calls are begun and not finished, also
// when one is begun twice.
func TestFlying(t *testing.T) {
	j := newJournal(t)
	ops := payments(4)
	plan(t, j, "r", ops...)
	lanes(t, j, "r")
	flying := func(want int) {
		t.Helper()
		var got int
		if err := j.w.do(t.Context(), func(w *writer) error { got = w.flying; return nil }); err != nil || got != want {
			t.Errorf("%d in flight, want %d; %v", got, want, err)
		}
	}
	for _, o := range append(ops, ops[0]) {
		if err := j.Begin(t.Context(), o.ID, 0, ""); err != nil {
			t.Fatal(err)
		}
	}
	flying(4)
	for i, to := range []State{Planned, Unknown, Rejected} {
		if err := j.Finish(t.Context(), ops[i].ID, 0, Outcome{State: to}); err != nil {
			t.Fatal(err)
		}
	}
	flying(1)
	drive(t, j, ops[1], 0, Rejected)
	flying(1)
}

// TestWrittenWhileMoved: what is committed when the WAL is in the database already,
// and its checksums are not on disk yet, does not begin the WAL anew, and a journal
// whose writer dies then is known again. After that the WAL begins anew.
func TestWrittenWhileMoved(t *testing.T) {
	j := newJournal(t)
	plan(t, j, "before", payments(30)...)
	var kept, anew uint32
	var path string
	inLoop := func(w *writer) error {
		write := func(value string) error {
			_, err := w.exec("INSERT OR REPLACE INTO meta (name, value) VALUES ('test', ?)", value)
			return err
		}
		w.commit()
		before := w.sums.note.Frames
		w.move()
		for len(w.moving) == 0 {
			time.Sleep(time.Millisecond)
		}
		if err := errors.Join(w.begin(), write("while")); err != nil {
			return err
		}
		w.commit()
		kept = w.sums.note.Frames - before
		path = crashed(t, j)
		w.endMove(<-w.moving)
		if err := errors.Join(w.begin(), write("after")); err != nil {
			return err
		}
		w.commit()
		anew = w.sums.note.Frames
		return w.begin()
	}
	if err := j.w.do(t.Context(), inLoop); err != nil {
		t.Fatal(err)
	}
	if kept == 0 || anew > kept {
		t.Errorf("%d frames were added to the WAL that is being moved, and then it had %d", kept, anew)
	}
	for _, path := range []string{path, crashed(t, j)} {
		if got := len(lanes(t, open(t, path), "before")); got != 30 {
			t.Errorf("%d of 30 payments are left", got)
		}
	}
}
