package journal

import "testing"

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
