package journal

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"modernc.org/sqlite/lib"
)

// many are the payments of a session's largest run.
const many = 20

// A session is a script of everything a journal writes. It goes on after
// errors, as a caller who does not look would, and remembers what was promised.
type session struct {
	path    string
	errs    []error
	may     map[string][]State // by operation, as "unknown" for sending: what the journal may say of it
	runs    map[string]bool    // true: it must be there
	snapped snapshot           // the files before the journal was closed
	mayThen map[string][]State
}

func (s *session) failed(err error) bool {
	if err != nil && len(s.errs) < 2 {
		s.errs = append(s.errs, err)
	}
	return err != nil
}

func (s *session) plan(j *Journal, run string, ops ...Op) {
	ctx := context.Background()
	s.runs[run] = false
	p, err := j.NewRun(ctx, RunInfo{ID: run, Source: "shop"})
	if s.failed(err) {
		return
	}
	for _, o := range ops {
		s.failed(p.Add(ctx, o))
	}
	_, err = p.Seal(ctx)
	sealed := !s.failed(err)
	if !sealed {
		s.failed(p.Discard(ctx))
	}
	s.runs[run] = sealed
	for _, o := range ops {
		if s.may[o.ID] == nil {
			s.may[o.ID] = []State{Planned}
		}
	}
}

func (s *session) send(j *Journal, o Op, to State) {
	ctx := context.Background()
	if err := j.Begin(ctx, o.ID, 0, "pr_"+o.Payment); s.failed(err) {
		s.may[o.ID] = append(s.may[o.ID], Unknown)
		return
	}
	s.may[o.ID] = []State{Unknown}
	if err := j.Finish(ctx, o.ID, 0, Outcome{State: to, RecordID: "pr_" + o.Payment}); s.failed(err) {
		return
	}
	s.may[o.ID] = []State{Unknown, to}
}

// sendAhead sends a run of payments under claims, which cover some of them before
// their turn.
func (s *session) sendAhead(j *Journal, run string) {
	ctx := context.Background()
	lanes, err := j.Lanes(ctx, run, -1, 100)
	s.failed(err)
	for _, l := range lanes {
		s.may[l.Steps[0].ID] = []State{Unknown, Planned}
	}
	for i, l := range lanes {
		id := l.Steps[0].ID
		if s.failed(j.BeginAhead(ctx, id, 0, 16)) {
			s.may[id] = []State{Planned, Unknown}
			continue
		}
		to := Confirmed
		if i%7 == 3 {
			to = Unknown
		}
		s.may[id] = []State{Unknown}
		if !s.failed(j.Finish(ctx, id, 0, Outcome{State: to, RecordID: "pr_" + l.Payment})) {
			s.may[id] = []State{Unknown, to}
		}
	}
}

func (s *session) flush(j *Journal) {
	if s.failed(j.Flush(context.Background())) {
		return
	}
	for id, states := range s.may {
		s.may[id] = states[len(states)-1:]
	}
}

// run plays the script.
func (s *session) run(t *testing.T, o Options) {
	ctx := context.Background()
	s.may, s.runs = make(map[string][]State), make(map[string]bool)
	j, err := Open(ctx, s.path, me, o)
	if s.failed(err) {
		return
	}
	a := []Op{pay("A", "x"), refund("A", "1", "x"), pay("B", "x"), pay("C", "x")}
	s.plan(j, "r1", a...)
	s.send(j, a[0], Confirmed)
	s.send(j, a[2], Unknown)
	s.flush(j)
	s.send(j, a[3], Rejected)
	s.failed(j.SetRunState(ctx, "r1", RunApplying))
	s.flush(j)
	b := []Op{pay("A", "x"), refund("A", "2", "x"), pay("D", "x")}
	s.plan(j, "r2", b...)
	s.send(j, a[1], Confirmed)
	s.send(j, b[2], Confirmed)
	s.failed(j.SetRunState(ctx, "r1", RunDone))
	s.plan(j, "r3", payments(many)...) // so many batches that the WAL is moved while it goes on
	s.sendAhead(j, "r3")
	s.snapped = takeSnapshot(t, s.path)
	s.mayThen = maps.Clone(s.may)
	if !s.failed(j.Close()) {
		for id, states := range s.may {
			s.may[id] = states[len(states)-1:]
		}
	}
}

// check opens the journal on a sound disk and holds it against what was promised.
func (s *session) check(path string, may map[string][]State) error {
	ctx := context.Background()
	j, err := Open(ctx, path, me, Options{Clock: clock, Unsynced: true})
	if err != nil {
		return fmt.Errorf("it does not open: %w", err)
	}
	defer j.Close()
	got := make(map[string]State)
	for run, must := range s.runs {
		n := 0
		for e, err := range j.Entries(ctx, run) {
			if err != nil {
				if must || !strings.Contains(err.Error(), "has no run") {
					return err
				}
				break
			}
			n++
			got[e.ID] = e.State
		}
		if want := map[string]int{"r1": 4, "r2": 3, "r3": many}[run]; n != want && (must || n > 0) {
			return fmt.Errorf("%d of %d calls of %s are there", n, want, run)
		}
	}
	for id, states := range may {
		if state, ok := got[id]; ok && !slices.Contains(states, state) {
			return fmt.Errorf("%s is %s and may be %s", id, state, states)
		}
	}
	return nil
}

// A failing disk fails the k-th step, and the later ones as well if it is gone.
type failing struct {
	mu   sync.Mutex // guards the fields below
	n, k int        // steps taken, step to fail from 1; 0 counts only
	gone bool
	kind string // EIO, ENOSPC or short
	hit  string // the step that failed
}

// step says whether the next step fails.
func (f *failing) step(step, path string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.n != f.k && !(f.gone && f.k > 0 && f.n > f.k) {
		return false
	}
	if f.hit == "" {
		f.hit = step + " " + filepath.Base(path)
	}
	return true
}

func (f *failing) own(step, path string) error {
	if step == "open" || !f.step(step, path) {
		return nil
	}
	switch {
	case f.kind == "short" && step == "write":
		return io.ErrShortWrite
	case f.kind == "EIO":
		return syscall.EIO
	}
	return syscall.ENOSPC
}

func (f *failing) sqlite(step, path string, size int32) fault {
	if !f.step(step, path) {
		return fault{}
	}
	switch step {
	case "write":
		switch f.kind {
		case "EIO":
			return fault{code: sqlite3.SQLITE_IOERR_WRITE}
		case "short":
			return fault{code: sqlite3.SQLITE_FULL, written: size / 2}
		}
		return fault{code: sqlite3.SQLITE_FULL}
	case "sync":
		return fault{code: sqlite3.SQLITE_IOERR_FSYNC}
	case "map":
		return fault{code: sqlite3.SQLITE_IOERR_SHMSIZE}
	}
	return fault{code: sqlite3.SQLITE_IOERR_TRUNCATE}
}

var everyFault = flag.Bool("every-fault", false, "fail every step in every way, instead of each in one way in turn")

// TestFaults fails each write, sync and truncation of a session in turn: by an
// I/O error, a full disk or half a write, once or for good. Somebody is told, and
// what was promised is there, for a process that closed the journal and for one
// that died before it did.
func TestFaults(t *testing.T) {
	play := func(f *failing) *session {
		s := &session{path: filepath.Join(t.TempDir(), "j")}
		useFaultyVFS(t, f.sqlite)
		s.run(t, Options{Clock: clock, vfs: faultyVFS, walFrames: 12, batchRows: 1, disk: disk{fault: f.own, unsynced: true}})
		vfsSteps.Store(nil)
		return s
	}
	count := &failing{}
	s := play(count)
	if err := errors.Join(s.errs...); err != nil {
		t.Fatal(err)
	}
	if err := s.check(s.path, s.may); err != nil {
		t.Fatal(err)
	}
	type way struct {
		kind string
		gone bool
	}
	ways := []way{{"EIO", false}, {"ENOSPC", true}, {"short", false}, {"EIO", true}, {"ENOSPC", false}, {"short", true}}
	stride := 1
	if testing.Short() {
		stride = 5 // which meets all the ways
	}
	n, missed := 0, 0
	for k := 1; k <= count.n; k += stride {
		for i, w := range ways {
			if !*everyFault && i != k%len(ways) {
				continue
			}
			n++
			f := &failing{k: k, kind: w.kind, gone: w.gone}
			s := play(f)
			what := fmt.Sprintf("%s at step %d, %s (for good: %t)", w.kind, k, f.hit, w.gone)
			if f.n < k { // what goes on side by side took fewer steps this time
				missed++
				continue
			}
			if f.hit == "" || len(s.errs) == 0 {
				t.Errorf("%s: nobody was told", what)
			}
			if err := s.check(s.path, s.may); err != nil {
				t.Errorf("%s: %v; told: %v", what, err, s.errs)
			}
			if s.snapped != nil {
				copied := filepath.Join(t.TempDir(), "k")
				s.snapped.put(t, copied)
				if err := s.check(copied, s.mayThen); err != nil {
					t.Errorf("%s, killed: %v; told: %v", what, err, s.errs)
				}
			}
		}
	}
	t.Logf("a session of %d steps, failed in %d ways, of which %d were never reached", count.n, n, missed)
	if missed > n/10 {
		t.Errorf("%d of %d steps were never reached", missed, n)
	}
}
