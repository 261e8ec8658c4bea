package importer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/payrec/payrec/record"
)

// absentAfter is how long after it was last sent a call that a whole scan did
// not find is known not to be there: the API may complete a request late, and
// lists what it made a while after it made it. Not documented; an importer of
// the same API looks back ten minutes, keys live for 24 hours.
const absentAfter = 24*time.Hour + 15*time.Minute

// lookBack is how long before it was first sent a call's record is looked for:
// a quarter of an hour, and an hour that this machine's clock may be off; see
// [Applier.MaxSkew].
const lookBack = 15*time.Minute + time.Hour

// settlers is how many calls are settled at once, so that they share the
// docket's syncs.
const settlers = 32

// A Reconciler looks up what a run has in doubt and cannot ask again.
type Reconciler struct {
	Run      string
	Docket   Docket
	Reader   Reader
	Clock    func() time.Time   // nil is time.Now
	Progress func(looked int64) // records read so far; may be nil
}

// Reconciled is what looking up came to.
type Reconciled struct {
	Calls     int64 `json:"calls"`     // looked up
	Adopted   int64 `json:"adopted"`   // found, by their stamps
	Absent    int64 `json:"absent"`    // not there: planned anew under a new key
	Conflicts int64 `json:"conflicts"` // a person decides
	Waiting   int64 `json:"waiting"`   // not found, but too young to be known absent
	Requests  int64 `json:"requests"`  // reads that this took
	// AskAgain is when the last of the waiting calls can be settled.
	AskAgain *time.Time `json:"ask_again_after,omitempty"`
	// Unread says why the account could not be read; the calls stay in doubt.
	Unread string `json:"unread,omitempty"`
}

// recordsPerRead is how many records one read brings.
const recordsPerRead = 100

// reconciling is the state of one Reconcile.
type reconciling struct {
	*Reconciler
	now time.Time

	mu  sync.Mutex // guards sum
	sum Reconciled
}

// Reconcile settles what can be settled. Its error is an interrupt or a journal
// that cannot be written; an account that cannot be read only leaves things as
// they are.
func (r *Reconciler) Reconcile(ctx context.Context) (Reconciled, error) {
	run := &reconciling{Reconciler: r}
	if run.now = time.Now(); r.Clock != nil {
		run.now = r.Clock()
	}
	err := run.payments(ctx)
	if err == nil {
		err = run.laterCalls(ctx)
	}
	if ctx.Err() != nil {
		err = ErrInterrupted
	}
	return run.sum, err
}

// open says whether the call must be looked up, because asking again under its
// key is no way any more.
func (r *reconciling) open(d record.Doubt) bool {
	return d.State == record.Reconciling || !keyHolds(r.now, d.FirstSent)
}

// A sought payment is one that the scan looks for.
type sought struct {
	claim
	last  time.Time
	found []*record.PaymentRecord
}

// payments looks all payments in doubt up in one scan of the list.
func (r *reconciling) payments(ctx context.Context) error {
	wanted, since, err := r.sought(ctx)
	if err != nil || len(wanted) == 0 {
		return err
	}
	complete, err := r.scan(ctx, since, wanted)
	if err != nil || !complete {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(settlers)
	for _, s := range wanted {
		group.Go(func() error {
			var at *record.PaymentRecord
			if len(s.found) > 0 {
				at = s.found[0]
			}
			return r.settle(ctx, s.id, s.epoch, s.last, s.judge(s.found), at)
		})
	}
	return group.Wait()
}

// sought collects the payments to look for, and since when. From here on their
// old keys are never used again, even if the clock should go backwards.
func (r *reconciling) sought(ctx context.Context) (map[string]*sought, time.Time, error) {
	wanted, since := map[string]*sought{}, r.now
	group, stop := errgroup.WithContext(ctx)
	group.SetLimit(settlers)
	for d, err := range r.Docket.Doubts(ctx, r.Run) {
		if err != nil {
			return nil, since, errors.Join(err, group.Wait())
		}
		if !d.Call.Creates() || !r.open(d) {
			continue
		}
		wanted[d.ID] = &sought{claim: claimOf(d), last: d.LastSent}
		switch {
		case d.Since.After(r.now): // by a clock that was wrong then or is now: look everywhere
			since = time.Time{}
		case d.Since.Before(since):
			since = d.Since
		}
		if d.State != record.Reconciling {
			group.Go(func() error {
				return r.Docket.Settle(stop, d.ID, d.Epoch, record.Outcome{State: record.Reconciling})
			})
		}
	}
	r.sum.Calls += int64(len(wanted))
	return wanted, since, group.Wait()
}

// scan reads the list once and says whether it came to its end. Without that
// nothing is known to be absent, and nothing to be there only once.
func (r *reconciling) scan(ctx context.Context, since time.Time, wanted map[string]*sought) (complete bool, err error) {
	// created_before stays open: the newest are listed first in any case.
	from := int64(0)
	if !since.IsZero() {
		from = since.Add(-lookBack).Unix()
	}
	n := int64(0)
	defer func() { r.sum.Requests += n/recordsPerRead + 1 }()
	for rec, err := range r.Reader.Records(ctx, from, 0) {
		if err != nil {
			r.unread(err)
			return false, nil
		}
		if n++; r.Progress != nil {
			r.Progress(n)
		}
		if s := wanted[rec.Metadata[record.StampOp]]; s != nil {
			s.found = append(s.found, rec)
		}
	}
	return ctx.Err() == nil, nil
}

func (r *reconciling) unread(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Unread = fmt.Sprintf("the account could not be read to the end: %v", err)
}

// laterCalls looks at the record of each later call in doubt.
func (r *reconciling) laterCalls(ctx context.Context) error {
	var last *record.PaymentRecord // the calls of one payment stand together often enough
	for d, err := range r.Docket.Doubts(ctx, r.Run) {
		if err != nil {
			return err
		}
		if d.Call.Creates() || !r.open(d) {
			continue
		}
		r.sum.Calls++
		if last, err = r.look(ctx, d, last); err != nil {
			return err
		}
	}
	return nil
}

// look settles one later call by its record, and returns that for the next.
func (r *reconciling) look(ctx context.Context, d record.Doubt, at *record.PaymentRecord) (*record.PaymentRecord, error) {
	if d.State != record.Reconciling {
		if err := r.Docket.Settle(ctx, d.ID, d.Epoch, record.Outcome{State: record.Reconciling}); err != nil {
			return nil, err
		}
	}
	if d.Call == record.AttachPayment {
		r.sum.Requests++
		f, err := compareAttached(ctx, r.Reader, d)
		if err != nil {
			r.unread(err)
			return at, ctx.Err()
		}
		return at, r.settle(ctx, d.ID, d.Epoch, d.LastSent, f, &record.PaymentRecord{ID: d.Target})
	}
	if at == nil || at.ID != d.Target {
		var err error
		r.sum.Requests++
		switch at, err = r.Reader.Record(ctx, d.Target); {
		case errors.Is(err, ErrNoRecord):
			return nil, r.settle(ctx, d.ID, d.Epoch, d.LastSent, isUnclear("the account has no record %s", d.Target), nil)
		case err != nil:
			r.unread(err)
			return nil, ctx.Err()
		}
	}
	return at, r.settle(ctx, d.ID, d.Epoch, d.LastSent, compare(d, at), at)
}

// settle writes a finding down. What is absent but young stays as it is.
func (r *reconciling) settle(ctx context.Context, id string, epoch int, last time.Time, f finding, at *record.PaymentRecord) error {
	o := record.Outcome{State: f.state, Message: f.why}
	if f.state == record.Adopted {
		o.RecordID, o.ObjectID = at.ID, latestAttempt(at)
	}
	again := last.Add(absentAfter)
	if f.state == record.Planned && r.now.Before(again) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.sum.Waiting++; r.sum.AskAgain == nil || again.After(*r.sum.AskAgain) {
			r.sum.AskAgain = &again
		}
		return nil
	}
	if err := r.Docket.Settle(ctx, id, epoch, o); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch f.state {
	case record.Adopted:
		r.sum.Adopted++
	case record.Planned:
		r.sum.Absent++
	default:
		r.sum.Conflicts++
	}
	return nil
}
