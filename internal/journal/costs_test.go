package journal

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// A meter counts what reaches the disk.
type meter struct {
	mu    sync.Mutex // guards the fields below
	syncs int
	bytes int64
}

func (m *meter) step(step, path string, size int32) fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	if step == "sync" {
		m.syncs++
	}
	m.bytes += int64(size)
	return fault{}
}

func (m *meter) read() (syncs int, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.syncs, m.bytes
}

// mallocs counts the allocations of do.
func mallocs(do func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs)
}

// TestCosts holds what planning and sending cost in syncs, bytes and allocations
// below ceilings some tenths above what was measured. Counts do not depend on
// how busy the machine is.
func TestCosts(t *testing.T) {
	ctx := context.Background()
	var m meter
	useFaultyVFS(t, m.step)
	j, err := Open(ctx, filepath.Join(t.TempDir(), "j"), me, Options{Clock: clock, vfs: faultyVFS, disk: disk{fault: func(step, path string) error {
		m.step(step, path, 0)
		return nil
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	const calls, atOnce = 9600, 32 // also under -short: only the bodies of a large plan are packed
	ops := realistic(payments(calls))
	ceiling := func(what string, got, most float64) {
		t.Helper()
		t.Logf("%s: %.2f, ceiling %.2f", what, got, most)
		if got > most {
			t.Errorf("%s: %.2f, which is above %.2f", what, got, most)
		}
	}

	p, err := j.NewRun(ctx, RunInfo{ID: "r"})
	if err != nil {
		t.Fatal(err)
	}
	syncs, bytes := m.read()
	allocs := mallocs(func() { planAll(t, p, ops); tidied(t, j) })
	s, b := m.read()
	ceiling("allocations of a planned call", allocs/float64(calls), 2)
	ceiling("bytes written for a planned call with its body", float64(b-bytes)/float64(calls), 450)
	ceiling("syncs of planning 9,600 calls", float64(s-syncs), 4)

	allocs = mallocs(func() { readLanes(t, j, "r", calls) })
	ceiling("allocations of a call that is read to be sent", allocs/float64(calls), 3)

	syncs, bytes = m.read()
	allocs = mallocs(func() {
		for i := 0; i < calls; i += atOnce {
			sendTogether(t, j, ops[i:i+atOnce])
		}
		if err := j.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		tidied(t, j)
	})
	s, b = m.read()
	ceiling("syncs of 1,000 calls that are sent 32 at a time", float64(s-syncs)*1000/float64(calls), 40)
	ceiling("bytes written for a call that is sent", float64(b-bytes)/float64(calls), 2400)
	ceiling("allocations of a call that is sent", allocs/float64(calls), 24)

	ahead := realistic(payments(2 * calls))[calls:]
	if p, err = j.NewRun(ctx, RunInfo{ID: "ahead"}); err != nil {
		t.Fatal(err)
	}
	planAll(t, p, ahead)
	tidied(t, j)
	syncs, bytes = m.read()
	allocs = mallocs(func() { sendAhead(t, j, "ahead", calls); tidied(t, j) })
	s, b = m.read()
	ceiling("syncs of 1,000 calls that are begun by claims", float64(s-syncs)*1000/float64(calls), 15)
	ceiling("bytes written for a call that is begun by a claim", float64(b-bytes)/float64(calls), 1500)
	ceiling("allocations of reading and sending it", allocs/float64(calls), 6)

	if p, err = j.NewRun(ctx, RunInfo{ID: "again"}); err != nil {
		t.Fatal(err)
	}
	syncs, bytes = m.read()
	allocs = mallocs(func() { planAll(t, p, ops); tidied(t, j) })
	s, b = m.read()
	ceiling("allocations of a call that is planned again when it is confirmed", allocs/float64(calls), 2)
	ceiling("bytes written for it", float64(b-bytes)/float64(calls), 200)
	ceiling("syncs of planning 9,600 of them", float64(s-syncs), 4)
}

// tidied waits until a WAL that is being moved is.
func tidied(t *testing.T, j *Journal) {
	t.Helper()
	err := j.w.do(context.Background(), func(w *writer) error {
		for w.moving != nil {
			w.endMove(<-w.moving)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// planAll plans the calls, and seals the plan.
func planAll(t *testing.T, p *Plan, ops []Op) {
	t.Helper()
	for _, o := range ops {
		if err := p.Add(context.Background(), o); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Seal(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// readLanes reads all lanes of a run, of which there are want, a page at a time.
func readLanes(t testing.TB, j *Journal, run string, want int) {
	n, after := 0, int64(-1)
	for {
		page, err := j.Lanes(context.Background(), run, after, 512)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		n += len(page)
		after = page[len(page)-1].No
	}
	if n != want {
		t.Errorf("%d lanes instead of %d", n, want)
	}
}

// sendTogether begins the calls at one time, so that they are committed together,
// and finishes them.
func sendTogether(t *testing.T, j *Journal, ops []Op) {
	ctx := context.Background()
	held, hold := make(chan struct{}), make(chan struct{})
	if err := j.w.queue(&job{run: func(*writer) error { close(held); <-hold; return nil }}); err != nil {
		t.Fatal(err)
	}
	<-held
	var begun sync.WaitGroup
	for _, o := range ops {
		begun.Go(func() {
			if err := j.Begin(ctx, o.ID, 0, ""); err != nil {
				t.Error(err)
			}
		})
	}
	for len(j.w.jobs) < len(ops) {
		runtime.Gosched()
	}
	close(hold)
	begun.Wait()
	for _, o := range ops {
		if err := j.Finish(ctx, o.ID, 0, Outcome{State: Confirmed, RecordID: "pr_123456789012345678901234", RequestID: "req_12345678901234", HTTPStatus: 200}); err != nil {
			t.Error(err)
		}
	}
}

// sendAhead begins the calls of a run one after the other, by claims, and finishes
// them.
func sendAhead(t *testing.T, j *Journal, run string, want int) {
	ctx := context.Background()
	n := 0
	for after := int64(-1); ; {
		page, err := j.Lanes(ctx, run, after, 512)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			id := l.Steps[0].ID
			if err := j.BeginAhead(ctx, id, 0, 256); err != nil {
				t.Fatal(err)
			}
			if err := j.Finish(ctx, id, 0, Outcome{State: Confirmed, RecordID: "pr_123456789012345678901234", RequestID: "req_12345678901234", HTTPStatus: 200}); err != nil {
				t.Fatal(err)
			}
			after = l.No
			n++
		}
	}
	if err := j.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if n != want {
		t.Errorf("%d calls instead of %d", n, want)
	}
}

// BenchmarkPlanAgain plans calls that are all confirmed, and says how many times
// as long as planning them the first time that took.
func BenchmarkPlanAgain(b *testing.B) {
	ctx := context.Background()
	j := newJournal(b)
	ops := realistic(payments(b.N))
	var took [2]float64
	b.ResetTimer()
	for k := range took {
		at := b.Elapsed()
		p, err := j.NewRun(ctx, RunInfo{ID: fmt.Sprint(k)})
		if err != nil {
			b.Fatal(err)
		}
		for _, o := range ops {
			if err := p.Add(ctx, o); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := p.Seal(ctx); err != nil {
			b.Fatal(err)
		}
		took[k] = (b.Elapsed() - at).Seconds()
		b.StopTimer()
		err = j.w.do(ctx, func(w *writer) error {
			_, err := w.exec("UPDATE op SET state = 'confirmed', record_id = 'pr_' || no, attempts = 1; DELETE FROM body")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(took[1]/took[0], "times")
}
