package importer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/payrec/payrec/record"
)

// keyLife is how long an idempotency key is relied on: the API keeps them for
// at least 24 hours, after which the same key makes a new payment. Source:
// docs.stripe.com/api/idempotent_requests.
const keyLife = 23 * time.Hour

// tries is how often a call is asked again before it is left as it is. With
// full jitter up to half a minute that is about two minutes.
const tries = 8

// step sends one call until its outcome is known, or leaves it in doubt. old says
// that its record was known before this run. The error is for what ends the run.
func (a *applying) step(ctx context.Context, step record.Step, recordID string, old bool) (record.Outcome, error) {
	unknown := record.Outcome{State: record.UnknownState}
	doubt := step.State != record.Planned
	if doubt && !a.keyHolds(step.FirstSent) {
		// Asked again now, this key might report the payment a second time.
		return unknown, nil
	}
	for try := 0; ; {
		if err := a.claim(ctx, step, recordID, doubt); err != nil {
			return unknown, err
		}
		if old && step.Call == record.AttachPayment {
			if o, known := a.attached(ctx, step, recordID); known {
				a.gate.leave()
				return o, a.finish(step, o)
			}
		}
		answer := a.send(step, recordID)
		a.gate.leave()
		a.gate.report(answer)
		a.Limiter.Report(answer.Verdict, answer.Limit)
		outcome := answer.Outcome
		switch answer.Verdict {
		case Done:
			outcome.State = record.Confirmed
			a.breaker.succeeded()
			return outcome, errors.Join(a.finish(step, outcome), a.skewed(answer))
		case Refused:
			outcome.State = record.Rejected
			if doubt && !answer.Replayed {
				outcome = a.compare(ctx, step, recordID, outcome)
			}
			if outcome.State != record.Rejected {
				return outcome, a.finish(step, outcome)
			}
			if err := a.finish(step, outcome); err != nil {
				return outcome, err
			}
			if a.breaker.refused(outcome) {
				return outcome, &StopError{answer, fmt.Sprintf("stopped after %d equal refusals in a row; the mapping, not the rows, seems to be wrong", equalRefusals)}
			}
			return outcome, nil
		case Conflict:
			outcome.State = record.ConflictState
			return outcome, a.finish(step, outcome)
		}
		doubt = doubt || answer.MayHaveRun
		switch outcome.State = record.UnknownState; {
		case !doubt:
			outcome.State = record.Planned
		case answer.Final:
			outcome.State = record.Reconciling
		}
		if err := a.finish(step, outcome); err != nil {
			return outcome, err
		}
		if answer.Verdict == StopRun {
			return outcome, &StopError{answer, "stopped: the API does not take this key, account or mode"}
		}
		if answer.Verdict != Limited {
			// Being turned away by the limiter is no failed try: the lowered rate
			// is what helps.
			try++
		}
		if answer.Final || try >= tries {
			if answer.Verdict == NotSent {
				return outcome, &StopError{answer, "stopped: the API cannot be reached"}
			}
			return outcome, nil
		}
		if err := pause(ctx, max(a.Backoff(try), answer.RetryAfter)); err != nil {
			return outcome, err
		}
	}
}

// claim waits until the step may be sent and writes its intent down. If we crash
// after that, the next run finds the intent and asks again under the same key.
//
// Where a rate is kept, the intent is written last, so that few calls are ever
// in doubt. Where none is, the wire must not wait for the disk: the intent is
// written first, and taken back if the run ends before the step's turn.
func (a *applying) claim(ctx context.Context, step record.Step, recordID string, doubt bool) error {
	if a.Limiter.Unlimited() {
		if err := a.begin(ctx, step, recordID); err != nil {
			return err
		}
		if err := a.gate.enter(ctx); err != nil {
			outcome := record.Outcome{State: record.Planned}
			if doubt {
				outcome.State = record.UnknownState
			}
			return errors.Join(err, a.finish(step, outcome))
		}
		return nil
	}
	if err := a.gate.enter(ctx); err != nil {
		return err
	}
	err := a.wait(ctx)
	if err == nil {
		err = a.Ledger.Begin(ctx, step.ID, step.Epoch, recordID)
	}
	if err != nil {
		a.gate.leave()
	}
	return err
}

// begin writes an intent down that need not wait for the limiter.
func (a *applying) begin(ctx context.Context, step record.Step, recordID string) error {
	if a.Concurrency > 1 && claimedAhead(step) {
		return a.Ledger.BeginAhead(ctx, step.ID, step.Epoch, mostClaimed)
	}
	return a.Ledger.Begin(ctx, step.ID, step.Epoch, recordID)
}

func (a *applying) keyHolds(first time.Time) bool { return keyHolds(a.Clock(), first) }

// keyHolds says whether a key that was first used at first is still the same
// request now. A clock that went backwards proves nothing, so it does not hold.
func keyHolds(now, first time.Time) bool {
	age := now.Sub(first)
	return age >= 0 && age < keyLife
}

// compare looks at the record before the refusal of a call that was in doubt is
// taken for its outcome: the try before may have had its effect, and that is
// why this one was refused. The outcome stays a refusal when it had not.
func (a *applying) compare(ctx context.Context, step record.Step, recordID string, refusal record.Outcome) record.Outcome {
	if step.Call.Creates() || a.Reader == nil || a.Docket == nil {
		return refusal
	}
	unclear := refusal
	unclear.State = record.UnknownState
	d, err := a.Docket.Call(ctx, step.ID)
	if err != nil {
		return unclear
	}
	a.requests.Add(1)
	if step.Call == record.AttachPayment {
		f, err := compareAttached(ctx, a.Reader, d)
		if err != nil {
			return unclear
		}
		if f.state == record.Adopted {
			refusal.State, refusal.RecordID = record.Adopted, recordID
		}
		return refusal
	}
	r, err := a.Reader.Record(ctx, recordID)
	if errors.Is(err, ErrNoRecord) {
		return refusal
	}
	if err != nil {
		return unclear
	}
	switch f := compare(d, r); f.state {
	case record.Adopted:
		refusal.State, refusal.RecordID, refusal.ObjectID = record.Adopted, r.ID, latestAttempt(r)
	case record.ConflictState:
		refusal.State, refusal.Message = record.ConflictState, f.why
	}
	return refusal
}

// attached looks whether an attach_payment that nobody is known to have sent was
// made by a journal that is lost: its payment is known from the account only,
// and it leaves no stamp by which it could be known as well. known is false when
// it is to be sent. A person who decided to send it (a later epoch) is heard.
func (a *applying) attached(ctx context.Context, step record.Step, recordID string) (o record.Outcome, known bool) {
	if step.Attempts > 0 || step.Epoch > 0 || step.State != record.Planned || a.Reader == nil || a.Docket == nil {
		return o, false
	}
	ctx = context.WithoutCancel(ctx)
	d, err := a.Docket.Call(ctx, step.ID)
	if err != nil || d.Before != "" { // its payment was reported from this journal
		return o, false
	}
	d.Target = recordID
	a.requests.Add(1)
	f, err := compareAttached(ctx, a.Reader, d)
	switch {
	case err != nil:
		return record.Outcome{State: record.ConflictState, Message: err.Error()}, true
	case f.state == record.Adopted:
		return record.Outcome{State: record.Adopted, RecordID: recordID}, true
	}
	return o, false
}

// skewed stops the run when this machine's clock is far from the server's: what
// would be in doubt could not be found again by when it was sent.
func (a *applying) skewed(answer Answer) error {
	if a.MaxSkew == 0 || answer.Date.IsZero() {
		return nil
	}
	if skew := a.Clock().Sub(answer.Date).Abs(); skew > a.MaxSkew {
		return &StopError{Reason: fmt.Sprintf("stopped: this machine's clock is %s away from the API's; set it right", skew.Round(time.Second))}
	}
	return nil
}

// send does not hear the interrupt: cutting the call short would only trade a
// known outcome for an unknown one. The sender's own timeout ends it.
func (a *applying) send(step record.Step, recordID string) Answer {
	path, body := step.Request(recordID)
	answer := a.Sender.Send(a.uncut, Request{Path: path, Key: step.Key(), Body: body})
	if answer.Verdict != NotSent {
		a.requests.Add(1)
		a.unreached.Store(0)
		return answer
	}
	if a.unreached.Add(1) == sayUnreached && a.Unreached != nil {
		a.Unreached(answer.Err)
	}
	return answer
}

// sayUnreached is after how many vain connections in a row somebody is told.
const sayUnreached = 3

// finish notes an outcome; an interrupt must not keep it from the disk.
func (a *applying) finish(step record.Step, o record.Outcome) error {
	if err := a.Ledger.Finish(a.uncut, step.ID, step.Epoch, o); err != nil {
		return err
	}
	if o.State != record.Planned && o.State != record.UnknownState && a.Progress != nil {
		a.Progress(a.settled.Add(1))
	}
	return nil
}

// wait waits for the limiter. One lane at a time does: a place that was taken
// in advance would still be used at the old rate after the rate was lowered.
func (a *applying) wait(ctx context.Context) error {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := pause(ctx, a.Limiter.Reserve())
	<-a.turn
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fullJitter pauses up to half a second before the first repetition and up to
// twice as long before each further one, 32 seconds at the most.
func fullJitter(try int) time.Duration {
	most := min(500*time.Millisecond<<max(try-1, 0), 32*time.Second)
	return rand.N(most)
}
