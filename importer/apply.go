package importer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/payrec/payrec/record"
)

// An Applier sends what one sealed plan says is to be sent.
type Applier struct {
	Run         string
	Ledger      Ledger
	Sender      Sender
	Limiter     Limiter
	Concurrency int                     // lanes under way at once; at least 1
	Livemode    bool                    // what the account is; told to the sender by its key
	Clock       func() time.Time        // nil is time.Now
	Progress    func(settled int64)     // called after each call that was settled; may be nil
	Backoff     func(int) time.Duration // pause before the n-th repetition; nil is full jitter
	// Unreached is told when the API cannot be reached for a while: the run goes
	// on trying for about a minute before it gives up. May be nil.
	Unreached func(error)
	// Docket and Reader let a refusal of a call that was in doubt be held against
	// its record; without them it is taken at its word.
	Docket Docket
	Reader Reader
	// MaxSkew is how far this machine's clock may be from the server's before the
	// run is stopped; 0 does not look. What is in doubt is looked up by time.
	MaxSkew time.Duration
}

// ErrInterrupted is returned by [Applier.Apply] when its context ended: what
// was under way was finished, nothing else was started.
var ErrInterrupted = errors.New("interrupted")

// A StopError ends a run at once: the next call would fare no better.
type StopError struct {
	Answer Answer
	Reason string
}

func (e *StopError) Error() string {
	s := e.Reason
	if e.Answer.Err != nil {
		s += ": " + e.Answer.Err.Error()
	}
	return s
}

func (e *StopError) Unwrap() error { return e.Answer.Err }

// lanesAtOnce is how many payments are fetched from the ledger in one go: few
// enough to keep memory flat, enough to keep all senders busy: before each page
// what was queued is written down.
const lanesAtOnce = 2048

// Where no rate is kept, the wire goes on for as long as a slow disk takes for a
// group, and groups are large: this many lanes wait for the disk beside each that
// is on the wire, and in all; and of payments that are next so many may be claimed
// by the ledger, which makes do with fewer where the API is slower than the disk.
// After a crash each of them is asked again under its key.
const (
	asideOfEach = 7
	mostAside   = 256
	mostClaimed = 1024
)

// applying is the state of one Apply.
type applying struct {
	*Applier
	uncut     context.Context // what an interrupt does not end
	requests  atomic.Int64    // that left this machine
	unreached atomic.Int64    // connections in a row that were never had
	settled   atomic.Int64
	breaker   breaker
	gate      *gate
	turn      chan struct{} // held while one waits for the limiter; see wait
}

// Apply sends the plan's calls, lane by lane, and returns how many requests
// left. It returns nil when every step was taken as far as it could be:
// refusals and doubts are in the ledger, not in the error. An error means that
// the run stopped early; what was not sent is still planned.
func (a *Applier) Apply(ctx context.Context) (requests int64, err error) {
	run := &applying{Applier: a, uncut: context.WithoutCancel(ctx), turn: make(chan struct{}, 1)}
	if run.Clock == nil {
		run.Clock = time.Now
	}
	if run.Backoff == nil {
		run.Backoff = fullJitter
	}
	run.gate = newGate(a.Concurrency, run.Clock)
	err = run.apply(ctx)
	// Whatever ended the run, the answers that came must be on disk.
	return run.requests.Load(), errors.Join(err, a.Ledger.Flush(run.uncut))
}

func (a *applying) apply(ctx context.Context) error {
	group, stop := errgroup.WithContext(ctx)
	lanes := make(chan record.Lane, lanesAtOnce) // the next page is read while this one is sent
	group.Go(func() error {
		defer close(lanes)
		return a.feed(stop, lanes)
	})
	places := make(chan struct{}, a.places())
	aside := func(work func() error) bool {
		if !a.Limiter.Unlimited() {
			return false
		}
		select {
		case places <- struct{}{}:
			group.Go(func() error { defer func() { <-places }(); return work() })
			return true
		default:
			return false
		}
	}
	for range max(a.Concurrency, 1) {
		group.Go(func() error {
			for lane := range lanes {
				if err := a.lane(stop, lane, aside); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	if ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err())) {
		return ErrInterrupted
	}
	return err
}

// places is how many lanes may wait for the disk beside those on the wire. Who asks
// for one at a time gets just that.
func (a *applying) places() int {
	if a.Concurrency <= 1 {
		return 0
	}
	return min(asideOfEach*a.Concurrency, mostAside)
}

// feed hands the plan's payments out in the order in which they first appear.
func (a *applying) feed(ctx context.Context, lanes chan<- record.Lane) error {
	after := int64(-1)
	for {
		batch, err := a.Ledger.Lanes(ctx, a.Run, after, lanesAtOnce)
		if err != nil || len(batch) == 0 {
			return err
		}
		for _, lane := range batch {
			select {
			case lanes <- lane:
			case <-ctx.Done():
				return ctx.Err()
			}
			after = lane.No
		}
	}
}

// lane takes one payment's steps in order and leaves the rest where a step did
// not succeed: they stay planned, and count as parked. What has to wait for the
// disk is put aside where there is room, so that no connection waits for it.
func (a *applying) lane(ctx context.Context, lane record.Lane, aside func(work func() error) bool) error {
	return a.steps(ctx, lane, lane.Steps, lane.RecordID, aside)
}

// steps takes what is left of a lane, whose payment record is id.
func (a *applying) steps(ctx context.Context, lane record.Lane, left []record.Step, id string, aside func(work func() error) bool) error {
	for i, step := range left {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !step.Call.Creates() && id == "" {
			return nil
		}
		if !sendable(step.State) {
			if passable(step.Call) {
				continue
			}
			return nil
		}
		if aside != nil && !claimedAhead(step) && aside(func() error { return a.steps(ctx, lane, left[i:], id, nil) }) {
			return nil
		}
		outcome, err := a.step(ctx, step, id, lane.RecordID != "")
		if err != nil {
			return err
		}
		if !outcome.State.There() && !passable(step.Call) {
			return nil
		}
		if step.Call.Creates() {
			id = outcome.RecordID
		}
	}
	return nil
}

// claimedAhead says whether a step's intent may be on disk before its turn: then
// it does not wait.
func claimedAhead(s record.Step) bool {
	return s.Call.Creates() && s.State == record.Planned && s.Attempts == 0
}

// passable says whether later steps of a payment go on whatever became of the
// call: that an invoice is paid already is nothing to a refund.
func passable(c record.CallName) bool { return c == record.AttachPayment }

// sendable says whether a step in this state may be sent. The others among a
// lane's steps are there to stand in the way of those behind them.
func sendable(s record.State) bool {
	return s == record.Planned || s == record.Sending || s == record.UnknownState
}

// A breaker trips when many calls in a row are refused in the same words: then
// the mapping is wrong, not the rows.
type breaker struct {
	mu   sync.Mutex // guards the fields below
	last string
	n    int
}

// equalRefusals is how many it takes. Source: research into bulk tools found
// limits between 10 and 100; a payment's row is cheap to refuse, so 25.
const equalRefusals = 25

func (b *breaker) refused(o record.Outcome) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	words := fmt.Sprint(o.HTTPStatus, o.Code, o.Param, o.Message)
	if words != b.last {
		b.last, b.n = words, 0
	}
	b.n++
	return b.n >= equalRefusals
}

func (b *breaker) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.n = "", 0
}
