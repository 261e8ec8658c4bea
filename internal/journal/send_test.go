package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/payrec/payrec/record"
)

// TestBeginIsDurable: when Begin has returned, another process sees the intent.
func TestBeginIsDurable(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	o := pay("A", "x")
	plan(t, j, "r", o)
	if err := j.Begin(ctx, o.ID, 0, ""); err != nil {
		t.Fatal(err)
	}
	other, err := OpenReadOnly(ctx, j.path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	e := entries(t, other, "r")[0]
	if e.State != Sending || e.Attempts != 1 || !e.FirstSent.Equal(start) {
		t.Errorf("another process sees %+v", e)
	}
	var mode string
	var sync int
	if err := j.w.conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal_mode %q, %v", mode, err)
	}
	if err := j.w.conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&sync); err != nil || sync != 2 {
		t.Errorf("synchronous %d, %v; want 2, FULL", sync, err)
	}
}

// TestTransitions tries every outcome from every state.
func TestTransitions(t *testing.T) {
	ctx := context.Background()
	outcomes := []State{Planned, Confirmed, Rejected, Unknown, Conflict, Sending, Adopted, Reconciling, "nonsense"}
	for _, tt := range []struct {
		from  State
		begin bool    // may Begin again
		to    []State // after that
	}{
		{Planned, true, []State{Planned, Confirmed, Adopted, Rejected, Unknown, Reconciling, Conflict}},
		{Sending, true, []State{Planned, Confirmed, Adopted, Rejected, Unknown, Reconciling, Conflict}},
		{Unknown, true, []State{Confirmed, Adopted, Rejected, Unknown, Reconciling, Conflict}},
		{Reconciling, false, nil},
		{Confirmed, false, nil},
		{Adopted, false, nil},
		{Rejected, false, nil},
		{Conflict, false, nil},
	} {
		for _, to := range outcomes {
			j := newJournal(t)
			o := pay("A", "x")
			plan(t, j, "r", o)
			drive(t, j, o, 0, tt.from)
			err := j.Begin(ctx, o.ID, 0, "")
			if got := err == nil; got != tt.begin {
				t.Fatalf("Begin from %s: %v", tt.from, err)
			}
			err = j.Finish(ctx, o.ID, 0, Outcome{State: to, RecordID: "pr_A"})
			allowed := tt.begin && bytes.Contains([]byte(fmt.Sprint(tt.to)), []byte(to))
			var refused *TransitionError
			if got := err == nil; got != allowed || !got && !errors.As(err, &refused) {
				t.Errorf("%s → sending → %s: %v", tt.from, to, err)
			}
			want := tt.from
			switch {
			case allowed:
				want = to
			case tt.begin:
				want = Sending
			}
			if e := entries(t, j, "r")[0]; e.State != want {
				t.Errorf("%s → %s: is %s, want %s", tt.from, to, e.State, want)
			}
			j.Close()
		}
	}
}

// TestRefusals of Begin and Finish that are not about states.
func TestRefusals(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	p, r := pay("A", "x"), refund("A", "1", "r")
	plan(t, j, "r", p, r)
	drive(t, j, p, 0, Confirmed)
	begin := func(id string, epoch int, recordID string) error { return j.Begin(ctx, id, epoch, recordID) }
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"unplanned", begin("nothing", 0, ""), "not planned"},
		{"another epoch", begin(r.ID, 1, "pr_A"), "not planned"},
		{"no record", begin(r.ID, 0, ""), "needs the record"},
		{"first try", begin(r.ID, 0, "pr_A"), ""},
		{"the same again", begin(r.ID, 0, "pr_A"), ""},
		{"another path", begin(r.ID, 0, "pr_B"), `"pr_B"`},
		{"not begun", j.Finish(ctx, p.ID, 0, Outcome{State: Confirmed, RecordID: "pr_A"}), "not being sent"},
		{"epoch not begun", j.Finish(ctx, r.ID, 1, Outcome{State: Confirmed}), "not being sent"},
		{"in doubt", j.Finish(ctx, r.ID, 0, Outcome{State: Unknown}), ""},
		{"another path later", begin(r.ID, 0, "pr_B"), `"pr_B"`},
		{"again", begin(r.ID, 0, "pr_A"), ""},
		{"never in doubt", j.Finish(ctx, r.ID, 0, Outcome{State: Planned}), "stays unknown"},
		{"done", j.Finish(ctx, r.ID, 0, Outcome{State: Confirmed}), ""},
		{"done twice", j.Finish(ctx, r.ID, 0, Outcome{State: Rejected}), "not being sent"},
		{"after the end", begin(r.ID, 0, "pr_A"), "confirmed already"},
	} {
		if got := fmt.Sprint(tt.err); tt.err == nil != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, tt.err, tt.want)
		}
	}
	e := entries(t, j, "r")[1]
	if e.State != Confirmed || e.Attempts != 3 || e.RecordID != "pr_A" {
		t.Errorf("%+v", e)
	}
	made := pay("B", "x")
	plan(t, j, "r2", made)
	drive(t, j, made, 0, Sending)
	if err := j.Finish(ctx, made.ID, 0, Outcome{State: Confirmed}); err == nil {
		t.Error("a payment was confirmed without its record")
	}
}

// TestTimesOfSending: the first time is kept, the last one moves.
func TestTimesOfSending(t *testing.T) {
	ctx := context.Background()
	now := start
	j, err := Open(ctx, filepath.Join(t.TempDir(), "j"), me, Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	o := pay("A", "x")
	plan(t, j, "r", o)
	drive(t, j, o, 0, Unknown)
	now = start.Add(time.Hour)
	drive(t, j, o, 0, Unknown)
	s := lanes(t, j, "r")[0].Steps[0]
	e := entries(t, j, "r")[0]
	if !s.FirstSent.Equal(start) || !e.FirstSent.Equal(start) || !e.LastSent.Equal(now) || s.Attempts != 2 || s.State != Unknown {
		t.Errorf("step %+v, entry %+v", s, e)
	}
	if want := "payrec-" + o.ID + "-0"; s.Key() != want {
		t.Errorf("key %q, want %q", s.Key(), want)
	}
}

// TestDeadSender: what a dead process left in sending is unknown, and its plan
// is gone.
func TestDeadSender(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	o := pay("A", "x")
	plan(t, j, "r", o, pay("B", "x"))
	before := lanes(t, j, "r")
	drive(t, j, o, 0, Sending)
	p, err := j.NewRun(ctx, RunInfo{ID: "half"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Add(ctx, pay("C", "x")); err != nil {
		t.Fatal(err)
	}
	if err := p.flush(ctx, false); err != nil {
		t.Fatal(err)
	}
	j.Close()
	j = open(t, j.path)
	after := lanes(t, j, "r")
	before[0].Steps[0].State, before[0].Steps[0].FirstSent, before[0].Steps[0].Attempts = Unknown, start, 1
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("steps after the restart: %s", diff)
	}
	if err := j.Begin(ctx, o.ID, 0, ""); err != nil {
		t.Fatal(err)
	}
	if err := j.Finish(ctx, o.ID, 0, Outcome{State: Planned}); err == nil {
		t.Error("a call of a dead process was taken as not executed")
	}
	runs, err := j.Runs(ctx)
	if err != nil || len(runs) != 1 {
		t.Errorf("runs %+v, %v", runs, err)
	}
	if n := count(t, j, "SELECT count(*) FROM entry"); n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
}

// TestBodiesGo: once nothing is left to send, no byte of a body is in any file.
func TestBodiesGo(t *testing.T) {
	j := newJournal(t)
	secret := []byte("anna%40example.com")
	var ops []Op
	for i := range 200 {
		o := pay(fmt.Sprint("p", i), "x")
		o.Body = append(append([]byte("email="), secret...), bytes.Repeat([]byte("z"), 40*i)...)
		ops = append(ops, o)
	}
	held := refund("nobody", "1", "x")
	held.Body = secret
	plan(t, j, "r", append(ops, held, ops[0])...)
	for i, o := range ops {
		drive(t, j, o, 0, []State{Confirmed, Rejected}[i%2])
	}
	if err := j.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, j, "SELECT count(*) FROM body"); n != 0 {
		t.Errorf("%d bodies are left", n)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(j.path + "*")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, secret) {
			t.Errorf("%s still holds a body", filepath.Base(f))
		}
	}
}

// TestManySenders: lanes worked by many goroutines, every call once.
func TestManySenders(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	var ops []Op
	for i := range 300 {
		ops = append(ops, pay(fmt.Sprint(i), "x"), refund(fmt.Sprint(i), "1", "r"))
	}
	plan(t, j, "r", ops...)
	work := make(chan Lane)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for l := range work {
				for _, s := range l.Steps {
					recordID := "pr_" + s.Payment
					if err := j.Begin(ctx, s.ID, s.Epoch, recordID); err != nil {
						t.Error(err)
					}
					if err := j.Finish(ctx, s.ID, s.Epoch, Outcome{State: Confirmed, RecordID: recordID}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for after := int64(0); ; {
		page, err := j.Lanes(ctx, "r", after, 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			work <- l
			after = l.No
		}
	}
	close(work)
	wg.Wait()
	got, err := j.Tallies(ctx, "r")
	if err != nil {
		t.Fatal(err)
	}
	want := []Tally{tally(record.ReportPayment, "payment", "eur", New, Confirmed, 300, 300_000), tally(record.ReportRefund, "payment", "eur", New, Confirmed, 300, 300_000)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if id, ok, err := j.RecordOf(ctx, "shop", "17"); id != "pr_17" || !ok || err != nil {
		t.Errorf("RecordOf: %q %v %v", id, ok, err)
	}
	if _, ok, err := j.RecordOf(ctx, "shop", "none"); ok || err != nil {
		t.Errorf("RecordOf nothing: %v %v", ok, err)
	}
}

// TestCanceledBegin has no effect, or its whole effect.
func TestCanceledBegin(t *testing.T) {
	j := newJournal(t)
	o := pay("A", "x")
	plan(t, j, "r", o)
	hold, held := make(chan struct{}), make(chan struct{})
	if err := j.w.queue(&job{run: func(*writer) error { close(held); <-hold; return nil }}); err != nil {
		t.Fatal(err)
	}
	<-held
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error)
	go func() { result <- j.Begin(ctx, o.ID, 0, "") }()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Begin: %v", err)
	}
	close(hold)
	if e := entries(t, j, "r")[0]; e.State != Planned {
		t.Errorf("a canceled Begin left %s", e.State)
	}
}

// TestFullDisk: the first write that fails is the last; nothing is sent after
// it, and what was durable before is still there.
func TestFullDisk(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	var ops []Op
	for i := range 400 {
		ops = append(ops, pay(fmt.Sprint(i), "x"))
	}
	plan(t, j, "r", ops...)
	drive(t, j, ops[0], 0, Sending)
	if err := j.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := j.w.jobsOn.exec("PRAGMA max_page_count = 1"); err != nil { // the loop is idle
		t.Fatal(err)
	}
	begun := 1
	var failed *WriteError
	for _, o := range ops[1:] {
		err := j.Begin(ctx, o.ID, 0, "")
		if err == nil {
			// A long answer needs a page more, soon.
			err = j.Finish(ctx, o.ID, 0, Outcome{State: Rejected, Message: strings.Repeat("no ", 2000)})
			begun++
		}
		if err != nil {
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), "full") {
				t.Fatalf("%v", err)
			}
			break
		}
	}
	if failed == nil {
		t.Fatal("the full disk was not noticed")
	}
	if err := j.Begin(ctx, ops[399].ID, 0, ""); !errors.As(err, &failed) {
		t.Errorf("Begin after the failure: %v", err)
	}
	if err := j.Flush(ctx); !errors.As(err, &failed) {
		t.Errorf("Flush after the failure: %v", err)
	}
	if _, err := j.NewRun(ctx, RunInfo{}); !errors.As(err, &failed) {
		t.Errorf("NewRun after the failure: %v", err)
	}
	if n := len(entries(t, j, "r", Planned)); n < 400-begun {
		t.Errorf("%d calls are planned, want at least %d", n, 400-begun)
	}
	if err := j.Close(); !errors.As(err, &failed) {
		t.Errorf("Close after the failure: %v", err)
	}
	j = open(t, j.path)
	list := entries(t, j, "r")
	if list[0].State != Unknown {
		t.Errorf("the first call is %s, want unknown", list[0].State)
	}
	for i, e := range list[:begun] {
		if e.State == Planned {
			t.Errorf("call %d was begun and is planned", i)
		}
	}
}

// TestWriteFails: no commit, no effect, and every waiting caller hears of it.
func TestWriteFails(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	a, b := pay("A", "x"), pay("B", "x")
	plan(t, j, "r", a, b)
	hold := make(chan struct{})
	if err := j.w.queue(&job{run: func(w *writer) error { <-hold; return nil }}); err != nil {
		t.Fatal(err)
	}
	result := make(chan error)
	go func() { result <- j.Begin(ctx, a.ID, 0, "") }()
	go func() {
		result <- j.w.do(ctx, func(w *writer) error { _, err := w.exec("INSERT INTO nowhere VALUES (1)"); return err })
	}()
	close(hold)
	failures := 0
	for range 2 {
		var failed *WriteError
		if errors.As(<-result, &failed) {
			failures++
		}
	}
	// Begin may have been committed in the group before.
	begun := 0
	if entries(t, j, "r", Sending) != nil {
		begun = 1
	}
	if failures != 2-begun {
		t.Errorf("%d failures, %d begun", failures, begun)
	}
	var failed *WriteError
	if err := j.Begin(ctx, b.ID, 0, ""); !errors.As(err, &failed) {
		t.Errorf("Begin after a failed write: %v", err)
	}
}

func TestReadOnlyAndClosed(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	plan(t, j, "r", pay("A", "x"))
	ro, err := OpenReadOnly(ctx, j.path)
	if err != nil {
		t.Fatal(err)
	}
	if ro.Identity() != me || j.Identity() != me {
		t.Errorf("identity %+v", ro.Identity())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(j *Journal) error{
		"Begin": func(j *Journal) error { return j.Begin(ctx, pay("A", "x").ID, 0, "") },
		"Finish": func(j *Journal) error {
			return j.Finish(ctx, pay("A", "x").ID, 0, Outcome{State: Confirmed, RecordID: "pr"})
		},
		"Flush":       func(j *Journal) error { return j.Flush(ctx) },
		"NewRun":      func(j *Journal) error { _, err := j.NewRun(ctx, RunInfo{}); return err },
		"SetRunState": func(j *Journal) error { return j.SetRunState(ctx, "r", RunApplying) },
	} {
		if err := f(ro); err != ErrReadOnly {
			t.Errorf("%s, read only: %v", name, err)
		}
		if err := f(j); err == nil || name != "Finish" && err != ErrClosed {
			t.Errorf("%s, closed: %v", name, err)
		}
	}
	if len(lanes(t, ro, "r")) != 1 {
		t.Error("the reader sees no lane")
	}
	if err := j.Close(); err != ErrClosed {
		t.Errorf("Close twice: %v", err)
	}
	if err := ro.Close(); err != nil {
		t.Error(err)
	}
}

// TestBeginAsRead: what was read of a step when its lane was handed out spares a
// look, and proves nothing: a step that does not stand as it did is looked up.
func TestBeginAsRead(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		name    string
		since   func(j *Journal, o Op) error // what happened since the lane was read
		refused string
	}{
		{"as it was", func(*Journal, Op) error { return nil }, ""},
		{"sent and answered", func(j *Journal, o Op) error { return sendOnce(j, o, Outcome{State: Confirmed, RecordID: "pr_1"}) }, "is confirmed already"},
		{"refused", func(j *Journal, o Op) error { return sendOnce(j, o, Outcome{State: Rejected, Code: "x"}) }, "is rejected already"},
		{"in doubt", func(j *Journal, o Op) error { return sendOnce(j, o, Outcome{State: Unknown}) }, ""},
		{"not executed", func(j *Journal, o Op) error { return sendOnce(j, o, Outcome{State: Planned}) }, ""},
		{"without its body", func(j *Journal, o Op) error {
			return j.w.do(ctx, func(w *writer) error { _, err := w.exec("DELETE FROM body"); return err })
		}, "has no body"},
		{"another epoch", func(j *Journal, o Op) error {
			return j.w.do(ctx, func(w *writer) error { _, err := w.exec("UPDATE op SET current = 0"); return err })
		}, "a later epoch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := newJournal(t)
			o := pay("A", "x")
			plan(t, j, "r", o)
			lanes(t, j, "r")
			read, _ := j.awaited(o.ID, 0, "", 0, 0)
			if read.no == 0 {
				t.Fatal("reading the lane remembered nothing")
			}
			if err := tt.since(j, o); err != nil {
				t.Fatal(err)
			}
			j.expect(1, 0, []flight{read}, nil)
			err := j.Begin(ctx, o.ID, 0, "")
			if tt.refused == "" && err != nil || tt.refused != "" && (err == nil || !strings.Contains(err.Error(), tt.refused)) {
				t.Fatalf("%v, want %q", err, tt.refused)
			}
			if tt.refused != "" {
				return
			}
			// What was in doubt is still: it cannot be taken as not executed.
			err = j.Finish(ctx, o.ID, 0, Outcome{State: Planned})
			if doubt := tt.name == "in doubt"; (err != nil) != doubt {
				t.Errorf("%v", err)
			}
		})
	}
}

// sendOnce begins and finishes a call.
func sendOnce(j *Journal, o Op, outcome Outcome) error {
	if err := j.Begin(context.Background(), o.ID, 0, ""); err != nil {
		return err
	}
	return errors.Join(j.Finish(context.Background(), o.ID, 0, outcome), j.Flush(context.Background()))
}

// TestSpentBodies: a decision that comes together with an answer finds the body
// that the answer spent gone.
func TestSpentBodies(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	ops := payments(5)
	plan(t, j, "r", ops...)
	for _, o := range ops {
		if err := j.Begin(ctx, o.ID, 0, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{3, 0, 1, 4} {
		if err := j.Finish(ctx, ops[i].ID, 0, Outcome{State: Confirmed, RecordID: "pr_1"}); err != nil {
			t.Fatal(err)
		}
	}
	var left, no int64
	if err := j.w.do(ctx, func(w *writer) error { return w.row("SELECT count(*), min(no) FROM body", nil, &left, &no) }); err != nil {
		t.Fatal(err)
	}
	if left != 1 || no != 3 {
		t.Errorf("%d bodies are left, the first is %d; want that of 3 only", left, no)
	}
}

// TestSpentBodiesWait: bodies that answers spent are gathered, and go when they
// are many, when everything is to be on disk, when the journal is closed, and
// when it is opened after its process died; what may still be sent keeps its own.
func TestSpentBodiesWait(t *testing.T) {
	const bodies = "SELECT count(*) FROM body"
	for _, tt := range []struct {
		name  string
		calls int
		end   func(t *testing.T, j *Journal) *Journal
	}{
		{"many", spentAtOnce, func(t *testing.T, j *Journal) *Journal { return j }},
		{"flush", 8, func(t *testing.T, j *Journal) *Journal {
			if err := j.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			return j
		}},
		{"close", 8, func(t *testing.T, j *Journal) *Journal {
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, j.path)
		}},
		{"death", 8, func(t *testing.T, j *Journal) *Journal {
			path := filepath.Join(t.TempDir(), "copy")
			takeSnapshot(t, j.path).put(t, path)
			return open(t, path)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := newJournal(t)
			ops := payments(tt.calls + 4)
			plan(t, j, "r", ops...)
			ops[0].Content = "y" // is taken over by the next run, with another body
			plan(t, j, "s", ops[0])
			lanes(t, j, "r")
			lanes(t, j, "s")
			for i, o := range ops[:tt.calls] {
				if err := j.Begin(t.Context(), o.ID, 0, ""); err != nil {
					t.Fatal(err)
				}
				if err := j.Finish(t.Context(), o.ID, 0, Outcome{State: []State{Confirmed, Rejected}[i%2], RecordID: "pr_1"}); err != nil {
					t.Fatal(err)
				}
			}
			if n, all := count(t, j, bodies), len(ops); tt.name != "many" && n != all {
				t.Errorf("%d bodies, want all %d still", n, all)
			}
			for i, to := range []State{Unknown, Conflict, Planned} {
				if err := j.Begin(t.Context(), ops[tt.calls+i].ID, 0, ""); err != nil {
					t.Fatal(err)
				}
				if err := j.Finish(t.Context(), ops[tt.calls+i].ID, 0, Outcome{State: to}); err != nil {
					t.Fatal(err)
				}
			}
			j = tt.end(t, j)
			if n := count(t, j, bodies); n != 4 {
				t.Errorf("%d bodies, want those of the 4 calls that may be sent", n)
			}
			for _, o := range ops[tt.calls:] {
				d, err := j.Call(t.Context(), o.ID)
				if err != nil || string(d.Body) != string(o.Body) {
					t.Errorf("%s has body %q, %v", o.ID, d.Body, err)
				}
			}
		})
	}
}
