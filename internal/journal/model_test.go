package journal

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/payrec/payrec/record"
	"pgregory.net/rapid"
)

// A model is the journal as the design tells it, in memory and without haste.
type model struct {
	ops  map[string]*modelOp
	runs []modelRun
	sent map[string]string // by key: body and record, for ever
}

type modelOp struct {
	Op              // with the content and body of its current epoch
	epoch, attempts int
	state           State
	doubt, flying   bool
	skipped         bool // by a person
	bodiless        bool
	target          string
}

type modelRun struct {
	id    string
	wants []modelWant
}

// A modelWant is a call that a run may send: in this epoch, with this content.
type modelWant struct {
	id, content string
	epoch       int
	changed     bool // only what is in doubt is asked again
}

func (m *model) open(o *modelOp) bool {
	return o != nil && (o.state == Planned || o.state == Sending || o.state == Unknown)
}

// base is the disposition of an entry before blocks, conflicts and missing
// records are looked at.
func (m *model) base(plan []Op, i int) Disposition {
	first := true
	for k, o := range plan {
		if o.ID != plan[i].ID || k == i {
			continue
		}
		if o.Content != plan[i].Content {
			return Conflicting
		}
		first = first && k > i
	}
	known := m.ops[plan[i].ID]
	switch {
	case !first:
		return Duplicate
	case known != nil && known.skipped:
		return Parked
	case known == nil || known.state == Planned || known.state == Rejected:
		return New
	case known.state == Conflict:
		return Conflicting
	case known.Content != plan[i].Content:
		return Changed
	case known.state.There():
		return Same
	}
	return Retry
}

func before(a, b Op, i, k int) bool {
	if a.Call.Creates() != b.Call.Creates() {
		return a.Call.Creates()
	}
	if a.Order != b.Order {
		return a.Order < b.Order
	}
	if x, y := rankOf(a.Call), rankOf(b.Call); x != y {
		return x < y
	}
	return i < k
}

// seal decides about every entry and moves the operations on.
func (m *model) seal(run string, plan []Op, blocked string) []Disposition {
	got := make([]Disposition, len(plan))
	for i := range plan {
		got[i] = m.base(plan, i)
	}
	parked := slices.Clone(got)
	for i, o := range plan {
		if got[i] != New && got[i] != Retry {
			continue
		}
		for k, c := range plan {
			if got[k] == Conflicting && c.Payment == o.Payment && before(c, o, k, i) {
				parked[i] = Parked
			}
		}
		if o.Payment == blocked {
			parked[i] = Parked
		}
	}
	final := slices.Clone(parked)
	for i, o := range plan {
		if parked[i] == New && !o.Call.Creates() && !m.hasRecord(plan, parked, o.Payment) {
			final[i] = Held
		}
	}
	r := modelRun{id: run}
	for i, o := range plan {
		m.plan(o, final[i])
		if known := m.ops[o.ID]; final[i] == New || final[i] == Retry || final[i] == Changed {
			r.wants = append(r.wants, modelWant{o.ID, known.Content, known.epoch, final[i] == Changed})
		}
	}
	m.runs = append(m.runs, r)
	return final
}

func (m *model) hasRecord(plan []Op, d []Disposition, payment string) bool {
	for _, o := range m.ops {
		if o.Payment == payment && o.Call.Creates() && o.state.There() {
			return true
		}
	}
	for i, o := range plan {
		if o.Payment == payment && o.Call.Creates() && slices.Contains([]Disposition{New, Retry, Same, Changed}, d[i]) {
			return true
		}
	}
	return false
}

func (m *model) plan(o Op, d Disposition) {
	if d != New {
		return
	}
	known := m.ops[o.ID]
	switch {
	case known == nil:
		m.ops[o.ID] = &modelOp{Op: o, state: Planned}
	case known.state == Rejected, known.attempts > 0 && known.Content != o.Content:
		m.ops[o.ID] = &modelOp{Op: o, state: Planned, epoch: known.epoch + 1}
	case known.attempts == 0:
		known.Op = o
	}
}

// A machine drives a journal and its model by the same steps.
type machine struct {
	*model
	t    *rapid.T
	path string
	j    *Journal
}

func (m *machine) check(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// drawOp draws from a world that is small enough for calls to meet.
func (m *machine) drawOp() Op {
	call := rapid.SampledFrom([]record.CallName{record.ReportPayment, record.ReportPayment, record.ReportPaymentAttemptGuaranteed, record.ReportRefund}).Draw(m.t, "call")
	natural := ""
	if call == record.ReportRefund {
		natural = rapid.SampledFrom([]string{"1", "2"}).Draw(m.t, "refund")
	}
	o := op(rapid.SampledFrom([]string{"A", "B", "C"}).Draw(m.t, "payment"), call, natural, rapid.SampledFrom([]string{"x", "x", "x", "y"}).Draw(m.t, "content"))
	o.Order = rapid.SampledFrom([]string{"1", "2"}).Draw(m.t, "order")
	o.Body = fmt.Appendf(o.Body, "&line=%d", rapid.IntRange(0, 9).Draw(m.t, "line"))
	return o
}

func (m *machine) planRun() {
	ctx := context.Background()
	for id := range m.ops { // a journal does not plan while it sends
		if m.ops[id].flying {
			m.finishOp(m.ops[id], Unknown)
		}
	}
	var ops []Op
	for range rapid.IntRange(0, 6).Draw(m.t, "calls") {
		ops = append(ops, m.drawOp())
	}
	blocked := rapid.SampledFrom([]string{"", "", "", "A"}).Draw(m.t, "blocked")
	id := fmt.Sprint("run", len(m.runs))
	p, err := m.j.NewRun(ctx, RunInfo{ID: id})
	m.check(err)
	if blocked != "" {
		m.check(p.Block(ctx, "shop", blocked, "why"))
	}
	for _, o := range ops {
		m.check(p.Add(ctx, o))
	}
	if rapid.IntRange(0, 9).Draw(m.t, "discard") == 0 {
		m.check(p.Discard(ctx))
		return
	}
	_, err = p.Seal(ctx)
	m.check(err)
	want := m.seal(id, ops, blocked)
	var got []Disposition
	for e, err := range m.j.Entries(ctx, id) {
		m.check(err)
		got = append(got, e.Disposition)
	}
	if !slices.Equal(got, want) {
		m.t.Fatalf("%s: dispositions %v, want %v, of %+v", id, got, want, ops)
	}
}

// drawKnown draws one of the known operations, or nil.
func (m *machine) drawKnown() *modelOp {
	if len(m.ops) == 0 {
		return nil
	}
	ids := make([]string, 0, len(m.ops))
	for id := range m.ops {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return m.ops[rapid.SampledFrom(ids).Draw(m.t, "operation")]
}

func (m *machine) begin() {
	o := m.drawKnown()
	if o == nil {
		return
	}
	recordID := ""
	if !o.Call.Creates() {
		recordID = rapid.SampledFrom([]string{"pr_1", "pr_1", "pr_2", ""}).Draw(m.t, "record")
	}
	allowed := m.open(o) && (o.Call.Creates() || recordID != "") && (o.attempts == 0 || o.target == recordID)
	var err error
	if o.Call.Creates() {
		err = m.j.BeginAhead(context.Background(), o.ID, o.epoch, rapid.IntRange(0, 3).Draw(m.t, "ahead"))
	} else {
		err = m.j.Begin(context.Background(), o.ID, o.epoch, recordID)
	}
	if (err == nil) != allowed {
		m.t.Fatalf("Begin %s, %s, at %q: %v", o.Call, o.state, recordID, err)
	}
	if !allowed {
		return
	}
	o.state, o.flying, o.target = Sending, true, recordID
	o.attempts++
	key, now := record.IdempotencyKey(o.ID, o.epoch), string(o.Body)+" to "+recordID
	if was, ok := m.sent[key]; ok && was != now {
		m.t.Fatalf("under key %s went %q and now %q", key, was, now)
	}
	m.sent[key] = now
}

func (m *machine) finish() {
	if o := m.drawKnown(); o != nil {
		m.finishOp(o, rapid.SampledFrom([]State{Planned, Unknown, Unknown, Reconciling, Confirmed, Confirmed, Rejected, Conflict}).Draw(m.t, "outcome"))
	}
}

func (m *machine) finishOp(o *modelOp, to State) {
	err := m.j.Finish(context.Background(), o.ID, o.epoch, Outcome{State: to, RecordID: "pr_1"})
	allowed := o.flying && (to != Planned || !o.doubt)
	if (err == nil) != allowed {
		m.t.Fatalf("Finish %s, %s, as %s: %v", o.Call, o.state, to, err)
	}
	if allowed {
		o.state, o.flying, o.doubt = to, false, o.doubt || to == Unknown || to == Reconciling
		o.bodiless = to.There() || to == Rejected
	}
}

// settle looks a call up, or lets a person decide about it.
func (m *machine) settle() {
	o := m.drawKnown()
	if o == nil {
		return
	}
	to := rapid.SampledFrom([]State{Adopted, Conflict, Planned, Reconciling, Rejected}).Draw(m.t, "settled")
	person := to == Rejected || to != Conflict && to != Reconciling && rapid.Bool().Draw(m.t, "person")
	allowed := o.state == Unknown || o.state == Reconciling
	var err error
	if person {
		allowed = allowed || o.state == Conflict || o.skipped && to == Planned
		what := map[State]string{Adopted: DecideAdopt, Planned: DecideResend, Rejected: DecideSkip}[to]
		err = m.j.Decide(context.Background(), record.Decision{Op: o.ID, Epoch: o.epoch, Who: "me", What: what, RecordID: "pr_1"})
	} else {
		err = m.j.Settle(context.Background(), o.ID, o.epoch, Outcome{State: to, RecordID: "pr_1"})
	}
	if (err == nil) != allowed {
		m.t.Fatalf("%s, %s, is settled as %s: %v", o.Call, o.state, to, err)
	}
	if !allowed {
		return
	}
	wasSkipped := o.skipped
	o.skipped = to == Rejected
	switch {
	case to == Planned && wasSkipped: // its body is gone: the next plan begins the epoch
		o.state = Rejected
	case to == Planned:
		o.epoch, o.state, o.doubt, o.attempts, o.target = o.epoch+1, Planned, false, 0, ""
		for i := range m.runs {
			for k, w := range m.runs[i].wants {
				if w.id == o.ID && w.epoch == o.epoch-1 {
					m.runs[i].wants[k].epoch++ // it is the same row, so the runs that might have asked again may send it anew
				}
			}
		}
	default:
		o.state, o.doubt, o.bodiless = to, true, to == Adopted || to == Rejected
	}
}

// restart closes the journal, or lets it go as a crash would, and opens it.
func (m *machine) restart() {
	m.check(m.j.Close())
	for _, o := range m.ops {
		if o.flying = false; o.state == Sending {
			o.state, o.doubt = Unknown, true
		}
	}
	m.reopen()
}

func (m *machine) reopen() {
	// The model asks what is written, not when it is on disk.
	// Plans whose batches fill up are sealed ahead.
	j, err := Open(context.Background(), m.path, me, Options{Clock: clock, Unsynced: true, batchRows: rapid.SampledFrom([]int{0, 1, 2, 3}).Draw(m.t, "batch")})
	m.check(err)
	m.j = j
}

// same compares everything that the journal knows with the model, unless claims
// are to last.
func (m *machine) same() {
	ctx := context.Background()
	if rapid.IntRange(0, 2).Draw(m.t, "flush") == 0 {
		if len(m.runs) > 0 {
			_, err := m.j.Lanes(ctx, m.runs[len(m.runs)-1].id, 0, 100)
			m.check(err)
		}
		return
	}
	m.check(m.j.Flush(ctx))
	rows, err := m.j.read.Query(`SELECT o.id, o.epoch, o.state, o.attempts, o.doubt, e.content, b.form FROM op o JOIN entry e ON e.no = o.home
		LEFT JOIN body b ON b.no = o.home WHERE o.current = 1 ORDER BY o.id`)
	m.check(err)
	defer rows.Close()
	var got, want []string
	for rows.Next() {
		var id, state, content string
		var stored []byte
		var epoch, attempts int
		var doubt bool
		m.check(rows.Scan(&id, &epoch, &state, &attempts, &doubt, &content, &stored))
		body, err := m.j.body(ctx, stored)
		m.check(err)
		got = append(got, fmt.Sprint(id, " ", epoch, " ", state, " ", attempts, " ", doubt, " ", content, " ", string(body)))
	}
	m.check(rows.Err())
	for _, o := range m.ops {
		body := string(o.Body)
		if o.bodiless {
			body = ""
		}
		want = append(want, fmt.Sprint(o.ID, " ", o.epoch, " ", o.state, " ", o.attempts, " ", o.doubt, " ", o.Content, " ", body))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		m.t.Fatalf("operations (-model +journal):\n%s", diff)
	}
	if len(m.runs) > 0 && rapid.IntRange(0, 3).Draw(m.t, "look") == 0 {
		m.sameLanes(m.runs[len(m.runs)-1-rapid.IntRange(0, min(3, len(m.runs)-1)).Draw(m.t, "run")])
	}
}

func (m *machine) sameLanes(r modelRun) {
	lanes, err := m.j.Lanes(context.Background(), r.id, 0, 100)
	m.check(err)
	var got, want []string
	for _, l := range lanes {
		for _, s := range l.Steps {
			if m.open(m.ops[s.ID]) { // the others only stand in the way
				got = append(got, s.Key()+" "+string(s.Body))
			}
		}
	}
	for _, w := range r.wants {
		if o := m.ops[w.id]; m.open(o) && o.epoch == w.epoch && o.Content == w.content && !(w.changed && o.state == Planned && o.attempts == 0) {
			want = append(want, record.IdempotencyKey(w.id, w.epoch)+" "+string(o.Body))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		m.t.Fatalf("steps of %s:\n%s\nwant:\n%s", r.id, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// modelSteps is how many steps each of rapid's hundred sequences has.
var modelSteps = flag.Int("model-steps", 1000, "steps of each sequence that is held against the model")

// TestModel drives journal and model through 100,000 random steps.
func TestModel(t *testing.T) {
	steps := *modelSteps
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		if testing.Short() && n == 3 { // few sequences rather than short ones, in which little happens
			return
		}
		n++
		m := &machine{model: &model{ops: make(map[string]*modelOp), sent: make(map[string]string)}, t: rt, path: filepath.Join(dir, fmt.Sprint(n))}
		defer func() {
			m.j.Close()
			for _, suffix := range []string{"", ".lock", ".sums", "-wal", "-shm"} {
				os.Remove(m.path + suffix)
			}
		}()
		m.reopen()
		for i := range steps {
			switch n := rapid.IntRange(0, 159).Draw(rt, "step"); {
			case n < 5:
				m.planRun()
				m.same()
			case n < 6:
				m.restart()
				m.same()
			case n < 24:
				m.settle()
			case n < 90:
				m.begin()
			default:
				m.finish()
			}
			if i%32 == 31 { // what a step says of itself is asked at once, and all the rest now and then
				m.same()
			}
		}
	})
	t.Logf("%d steps", n*steps)
}
