package importer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/record"
)

// A memory is a Ledger of a few lanes. It fails the test when the protocol is
// broken: no bytes before an intent, one request at a time on a lane, no
// settled call touched again.
type memory struct {
	t     *testing.T
	mu    sync.Mutex // guards the fields below
	lanes []record.Lane
	state map[string]record.State
	begun map[string]bool // between Begin and Finish
	log   []string
	fail  error // of the next Begin
	ahead int   // that BeginAhead was told last
}

func newMemory(t *testing.T, lanes ...record.Lane) *memory {
	m := &memory{t: t, lanes: lanes, state: map[string]record.State{}, begun: map[string]bool{}}
	for i := range lanes {
		lanes[i].No = int64(i)
		for _, s := range lanes[i].Steps {
			m.state[s.ID] = s.State
		}
	}
	return m
}

func (m *memory) Lanes(_ context.Context, _ string, after int64, limit int) ([]record.Lane, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var batch []record.Lane
	for _, lane := range m.lanes {
		if lane.No > after && len(batch) < min(limit, 3) { // small batches, so that paging is tested
			batch = append(batch, lane)
		}
	}
	return batch, nil
}

func (m *memory) Begin(_ context.Context, op string, epoch int, recordID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	switch m.state[op] {
	case record.Planned, record.UnknownState, record.Sending:
	default:
		m.t.Errorf("%s begun again after %s", op, m.state[op])
	}
	m.state[op] = record.Sending
	m.begun[op] = true
	m.log = append(m.log, "begin "+op)
	return nil
}

func (m *memory) BeginAhead(ctx context.Context, op string, epoch, ahead int) error {
	m.mu.Lock()
	m.ahead = ahead
	m.mu.Unlock()
	return m.Begin(ctx, op, epoch, "")
}

func (m *memory) Finish(_ context.Context, op string, epoch int, o record.Outcome) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.begun[op] {
		m.t.Errorf("%s finished without having begun", op)
	}
	m.begun[op] = false
	m.state[op] = o.State
	m.log = append(m.log, fmt.Sprintf("%s %s", o.State, op))
	return nil
}

func (m *memory) Flush(context.Context) error { return nil }

func (m *memory) Entries(context.Context, string, ...record.Disposition) iter.Seq2[record.Entry, error] {
	return each[record.Entry]()
}

func (m *memory) Tallies(context.Context, string) ([]record.Tally, error) { return nil, nil }

// A script answers each call, named by the id in its key, with the next of its
// answers, and the last of them for ever.
type script struct {
	t       *testing.T
	ledger  *memory
	mu      sync.Mutex // guards the fields below
	answers map[string][]Answer
	sent    []string
	during  func(id string) // called while a request is under way
}

func (s *script) Send(_ context.Context, r Request) Answer {
	id := r.Key[len("payrec-") : len(r.Key)-2]
	s.ledger.mu.Lock()
	if !s.ledger.begun[id] {
		s.t.Errorf("%s was sent before its intent was written", id)
	}
	s.ledger.mu.Unlock()
	if s.during != nil {
		s.during(id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, id+" "+r.Path)
	list := s.answers[id]
	if len(list) == 0 {
		return Answer{Verdict: Done, Outcome: record.Outcome{RecordID: "pr_" + id}}
	}
	if len(list) > 1 {
		s.answers[id] = list[1:]
	}
	return list[0]
}

func step(id string, call record.CallName) record.Step {
	return record.Step{Op: record.Op{ID: id, Call: call}, State: record.Planned}
}

func doubtful(id string, since time.Time) record.Step {
	return record.Step{Op: record.Op{ID: id, Call: record.ReportPayment}, State: record.UnknownState, FirstSent: since, Attempts: 1}
}

func lane(steps ...record.Step) record.Lane { return record.Lane{Steps: steps} }

func applier(m *memory, s *script) *Applier {
	s.t, s.ledger = m.t, m
	return &Applier{Run: "run", Ledger: m, Sender: s, Limiter: NewThrottle(0), Concurrency: 4,
		Backoff: func(int) time.Duration { return 0 }}
}

func times(n int, a Answer) []Answer { return slices.Repeat([]Answer{a}, n) }

// Each verdict, on the first send and on a call that is in doubt already:
// nothing but an answer about the call itself settles it, and what is in doubt
// never becomes "not sent".
func TestVerdicts(t *testing.T) {
	now := newClock().Now
	done := Answer{Verdict: Done, Outcome: record.Outcome{RecordID: "pr_1"}}
	for _, tt := range []struct {
		name         string
		answer       Answer
		first, again record.State // after this answer for ever
		requests     int64        // of the first send
		stops        bool
	}{
		{"confirmed", done, record.Confirmed, record.Confirmed, 1, false},
		{"rejected", Answer{Verdict: Refused}, record.Rejected, record.Rejected, 1, false},
		{"conflict", Answer{Verdict: Conflict, MayHaveRun: true}, record.ConflictState, record.ConflictState, 1, false},
		{"not sent", Answer{Verdict: NotSent}, record.Planned, record.UnknownState, 0, true},
		{"in doubt", Answer{Verdict: InDoubt, MayHaveRun: true}, record.UnknownState, record.UnknownState, tries, false},
		{"500", Answer{Verdict: Failed, MayHaveRun: true}, record.UnknownState, record.UnknownState, tries, false},
		{"500 replayed", Answer{Verdict: Failed, MayHaveRun: true, Final: true}, record.Reconciling, record.Reconciling, 1, false},
		{"in flight", Answer{Verdict: Running, MayHaveRun: true}, record.UnknownState, record.UnknownState, tries, false},
		{"locked", Answer{Verdict: Locked}, record.Planned, record.UnknownState, tries, false},
		{"stop", Answer{Verdict: StopRun}, record.Planned, record.UnknownState, 1, true},
		{"stop, wrong mode", Answer{Verdict: StopRun, MayHaveRun: true}, record.UnknownState, record.UnknownState, 1, true},
	} {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/again=%v", tt.name, again), func(t *testing.T) {
				s, want := step("a", record.ReportPayment), tt.first
				if again {
					s, want = doubtful("a", now().Add(-time.Hour)), tt.again
				}
				m := newMemory(t, lane(s))
				a := applier(m, &script{answers: map[string][]Answer{"a": {tt.answer}}})
				a.Clock = now
				requests, err := a.Apply(t.Context())
				var stop *StopError
				if errors.As(err, &stop) != tt.stops {
					t.Errorf("error %v, want a stop: %v", err, tt.stops)
				}
				if m.state["a"] != want {
					t.Errorf("state %s, want %s", m.state["a"], want)
				}
				if requests != tt.requests {
					t.Errorf("%d requests, want %d", requests, tt.requests)
				}
			})
		}
	}
}

// After each passing failure the call goes on under the same key until it is
// settled.
func TestPassingFailures(t *testing.T) {
	for _, v := range []Answer{
		{Verdict: NotSent}, {Verdict: InDoubt, MayHaveRun: true}, {Verdict: Failed, MayHaveRun: true},
		{Verdict: Running, MayHaveRun: true}, {Verdict: Locked}, {Verdict: Limited, Limit: "endpoint-concurrency"},
	} {
		m := newMemory(t, lane(step("a", record.ReportPayment)))
		s := &script{answers: map[string][]Answer{"a": append(times(3, v), Answer{Verdict: Done, Outcome: record.Outcome{RecordID: "pr_9"}})}}
		requests, err := applier(m, s).Apply(t.Context())
		want := int64(4)
		if v.Verdict == NotSent {
			want = 1 // what never left is not counted
		}
		if err != nil || requests != want || m.state["a"] != record.Confirmed {
			t.Errorf("%s: %d requests, %v, state %s", v.Verdict, requests, err, m.state["a"])
		}
	}
}

// Being turned away by the limiter is never counted as a failed try.
func TestLimiterIsPatient(t *testing.T) {
	m := newMemory(t, lane(step("a", record.ReportPayment)))
	s := &script{answers: map[string][]Answer{"a": append(times(5*tries, Answer{Verdict: Limited, Limit: "global-concurrency"}), Answer{Verdict: Done, Outcome: record.Outcome{RecordID: "pr_9"}})}}
	if _, err := applier(m, s).Apply(t.Context()); err != nil || m.state["a"] != record.Confirmed {
		t.Errorf("%v, state %s", err, m.state["a"])
	}
}

// An API that cannot be reached is said so after the first vain connections, once,
// while the run goes on trying; what never left is not counted as sent.
func TestUnreached(t *testing.T) {
	vain := Answer{Verdict: NotSent, Err: errors.New("connection refused")}
	m := newMemory(t, lane(step("a", record.ReportPayment)), lane(step("b", record.ReportPayment)))
	a := applier(m, &script{answers: map[string][]Answer{"a": append(times(sayUnreached+2, vain), Answer{Verdict: Done, Outcome: record.Outcome{RecordID: "pr_a"}}), "b": append(times(2, vain), Answer{Verdict: Done, Outcome: record.Outcome{RecordID: "pr_b"}})}})
	a.Concurrency = 1
	var told []error
	a.Unreached = func(err error) { told = append(told, err) }
	requests, err := a.Apply(t.Context())
	if err != nil || requests != 2 || len(told) != 1 || told[0] != vain.Err {
		t.Errorf("%d requests, %v, told %v", requests, err, told)
	}
}

// A key that may have been forgotten is not used again: the call stays in doubt.
func TestOldKeysAreNotUsed(t *testing.T) {
	now := newClock().Now
	for _, age := range []time.Duration{keyLife, 25 * time.Hour, -time.Minute} {
		m := newMemory(t, lane(doubtful("a", now().Add(-age)), step("b", record.ReportRefund)))
		s := &script{}
		a := applier(m, s)
		a.Clock = now
		requests, err := a.Apply(t.Context())
		if err != nil || requests != 0 || m.state["a"] != record.UnknownState || m.state["b"] != record.Planned {
			t.Errorf("age %v: %d requests, %v, %v", age, requests, err, m.state)
		}
	}
}

// The steps of a payment go in order, under the record that the first made; a
// step that fails parks the later ones of its payment only.
func TestLanes(t *testing.T) {
	m := newMemory(t,
		lane(step("a1", record.ReportPayment), step("a2", record.ReportPaymentAttemptGuaranteed), step("a3", record.ReportRefund)),
		lane(step("b1", record.ReportPayment), step("b2", record.ReportPaymentAttemptFailed), step("b3", record.ReportPaymentAttempt)),
		record.Lane{RecordID: "pr_old", Steps: []record.Step{step("c2", record.ReportRefund)}},
		lane(step("d2", record.ReportRefund)),
		lane(step("e1", record.ReportPayment)))
	s := &script{answers: map[string][]Answer{"b2": {{Verdict: Refused}}}}
	a := applier(m, s)
	a.Concurrency = 1
	if _, err := a.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a1 /v1/payment_records/report_payment",
		"a2 /v1/payment_records/pr_a1/report_payment_attempt_guaranteed",
		"a3 /v1/payment_records/pr_a1/report_refund",
		"b1 /v1/payment_records/report_payment",
		"b2 /v1/payment_records/pr_b1/report_payment_attempt_failed",
		"c2 /v1/payment_records/pr_old/report_refund",
		"e1 /v1/payment_records/report_payment",
	}
	if diff := cmp.Diff(want, s.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if m.state["b3"] != record.Planned || m.state["d2"] != record.Planned {
		t.Errorf("parked steps are %s and %s", m.state["b3"], m.state["d2"])
	}
}

func TestManyLanesBounded(t *testing.T) {
	var lanes []record.Lane
	for i := range 200 {
		lanes = append(lanes, lane(step(fmt.Sprintf("p%d", i), record.ReportPayment), step(fmt.Sprintf("r%d", i), record.ReportRefund)))
	}
	m := newMemory(t, lanes...)
	var mu sync.Mutex
	under, most := 0, 0
	s := &script{}
	a := applier(m, s)
	a.Concurrency = 7
	s.during = func(string) {
		mu.Lock()
		under++
		most = max(most, under)
		mu.Unlock()
		for range 10 {
			runtime.Gosched() // let others come in
		}
		mu.Lock()
		under--
		mu.Unlock()
	}
	var settled int64
	a.Progress = func(n int64) { mu.Lock(); settled = max(settled, n); mu.Unlock() }
	requests, err := a.Apply(t.Context())
	if err != nil || requests != 400 || settled != 400 {
		t.Errorf("%d requests, %d settled, %v", requests, settled, err)
	}
	if most > 7 {
		t.Errorf("%d requests at once, want at most 7", most)
	}
	for op, state := range m.state {
		if state != record.Confirmed {
			t.Errorf("%s is %s", op, state)
		}
	}
}

// An interrupt finishes what is under way, starts nothing, and loses no answer.
func TestInterrupt(t *testing.T) {
	var lanes []record.Lane
	for i := range 50 {
		lanes = append(lanes, lane(step(fmt.Sprintf("p%d", i), record.ReportPayment)))
	}
	m := newMemory(t, lanes...)
	ctx, cancel := context.WithCancel(t.Context())
	s := &script{}
	a := applier(m, s)
	var once sync.Once
	s.during = func(string) { once.Do(cancel) }
	requests, err := a.Apply(ctx)
	if !errors.Is(err, ErrInterrupted) {
		t.Fatalf("error %v", err)
	}
	confirmed := int64(0)
	for op, state := range m.state {
		switch state {
		case record.Confirmed:
			confirmed++
		case record.Planned:
		default:
			t.Errorf("%s is %s after an interrupt", op, state)
		}
	}
	if confirmed != requests || requests > int64(a.Concurrency) {
		t.Errorf("%d requests, %d confirmed", requests, confirmed)
	}
}

// Where no rate is kept, intents are written ahead of the wire, so that it does
// not wait for the disk: those of payments by the ledger, which is told how many,
// and of other calls a few, which are taken back when the run ends first.
// Where one is kept, and where one call at a time was asked for, none are.
func TestClaimsAhead(t *testing.T) {
	for _, tt := range []struct {
		call        record.CallName
		concurrency int
		perSecond   float64
		begun       int
		ahead       int
	}{
		{record.ReportRefund, 2, 0, 2 + 2*asideOfEach, 0},
		{record.ReportRefund, 100, 0, 100 + mostAside, 0},
		{record.ReportRefund, 2, 1e6, 2, 0},
		{record.ReportRefund, 1, 0, 1, 0},
		{record.ReportPayment, 2, 0, 3, mostClaimed}, // of which one is in doubt: it waits for the disk beside the others
		{record.ReportPayment, 100, 0, 101, mostClaimed},
		{record.ReportPayment, 2, 1e6, 2, 0},
		{record.ReportPayment, 1, 0, 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var lanes []record.Lane
			for i := range 500 {
				l := lane(step(fmt.Sprintf("p%d", i), tt.call))
				if l.RecordID = "pr_1"; tt.call.Creates() {
					l.RecordID = ""
				}
				lanes = append(lanes, l)
			}
			lanes[0] = lane(doubtful("p0", time.Now()))
			m := newMemory(t, lanes...)
			ctx, cancel := context.WithCancel(t.Context())
			answer, under := make(chan struct{}), 0
			s := &script{during: func(string) { m.mu.Lock(); under++; m.mu.Unlock(); <-answer }}
			a := applier(m, s)
			a.Concurrency, a.Limiter = tt.concurrency, NewThrottle(tt.perSecond)
			ended := make(chan error)
			go func() { _, err := a.Apply(ctx); ended <- err }()
			time.Sleep(time.Second)
			synctest.Wait()
			begun := 0
			for _, b := range m.begun {
				if b {
					begun++
				}
			}
			if begun != tt.begun || under != tt.concurrency || m.ahead != tt.ahead {
				t.Errorf("%+v: %d begun, %d on the wire, %d may be ahead", tt, begun, under, m.ahead)
			}
			cancel()
			synctest.Wait()
			close(answer)
			if err := <-ended; !errors.Is(err, ErrInterrupted) {
				t.Error(err)
			}
			states := map[record.State]int{}
			for op, state := range m.state {
				if op != "p0" { // in doubt before: it may only stay so, or be confirmed
					states[state]++
				} else if state == record.Planned {
					t.Error("what was in doubt was taken as not sent")
				}
			}
			if states[record.Sending]+states[record.UnknownState] > 0 || states[record.Confirmed] > tt.concurrency {
				t.Errorf("%+v: after the interrupt %v", tt, states)
			}
		})
	}
}

// Many equal refusals in a row mean that the mapping is wrong.
func TestBreaker(t *testing.T) {
	var lanes []record.Lane
	answers := map[string][]Answer{}
	for i := range 100 {
		id := fmt.Sprintf("p%02d", i)
		lanes = append(lanes, lane(step(id, record.ReportPayment)))
		answers[id] = []Answer{{Verdict: Refused, Outcome: record.Outcome{HTTPStatus: 400, Message: "No such cpmt"}}}
	}
	m := newMemory(t, lanes...)
	a := applier(m, &script{answers: answers})
	a.Concurrency = 1
	requests, err := a.Apply(t.Context())
	var stop *StopError
	if !errors.As(err, &stop) || requests != equalRefusals {
		t.Errorf("%d requests, %v", requests, err)
	}

	// The same refusals with a success now and then are the rows' own fault.
	for i := 0; i < 100; i += 10 {
		delete(answers, fmt.Sprintf("p%02d", i))
	}
	m = newMemory(t, lanes...)
	a = applier(m, &script{answers: answers})
	a.Concurrency = 1
	if requests, err := a.Apply(t.Context()); err != nil || requests != 100 {
		t.Errorf("%d requests, %v", requests, err)
	}
}

// A journal that cannot be written stops everything before another byte leaves.
func TestJournalFailureStops(t *testing.T) {
	m := newMemory(t, lane(step("a", record.ReportPayment)), lane(step("b", record.ReportPayment)))
	m.fail = errors.New("no space left on device")
	s := &script{}
	requests, err := applier(m, s).Apply(t.Context())
	if !errors.Is(err, m.fail) || requests != 0 || len(s.sent) != 0 {
		t.Errorf("%d requests, %v", requests, err)
	}
}

func TestFullJitter(t *testing.T) {
	for try := range 20 {
		most := 32 * time.Second
		if try <= 6 {
			most = 500 * time.Millisecond << max(try-1, 0)
		}
		for range 100 {
			if d := fullJitter(try); d < 0 || d >= most {
				t.Fatalf("try %d pauses %v, want less than %v", try, d, most)
			}
		}
	}
}
