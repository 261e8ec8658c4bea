package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrec/payrec/record"
)

// A Look is what the account says of one call, for a person to decide.
type Look struct {
	There    bool
	RecordID string // where it is, when it is there
	Unclear  string // why only a person can tell; "" otherwise
	// Settled is when an absence counts; before it the call may still appear.
	Settled  time.Time
	Requests int64
}

// LookUp asks the account about one call, by a whole scan for a payment and by
// its record for a later call. now says how far back the scan must reach.
func LookUp(ctx context.Context, reader Reader, d record.Doubt, now time.Time) (Look, error) {
	l := Look{Settled: d.LastSent.Add(absentAfter)}
	var f finding
	var at *record.PaymentRecord
	if d.Call.Creates() {
		r := &reconciling{Reconciler: &Reconciler{Reader: reader}, now: now}
		s := &sought{claim: claimOf(d)}
		since := d.Since
		if since.After(now) {
			since = time.Time{}
		}
		if _, err := r.scan(ctx, since, map[string]*sought{d.ID: s}); err != nil {
			return l, err
		}
		if l.Requests = r.sum.Requests; r.sum.Unread != "" {
			return l, errors.New(r.sum.Unread)
		}
		if f = s.judge(s.found); len(s.found) > 0 {
			at = s.found[0]
		}
	} else if d.Call == record.AttachPayment {
		l.Requests = 1
		var err error
		if f, err = compareAttached(ctx, reader, d); err != nil {
			return l, err
		}
		at = &record.PaymentRecord{ID: d.Target}
	} else {
		var err error
		l.Requests = 1
		switch at, err = reader.Record(ctx, d.Target); {
		case errors.Is(err, ErrNoRecord):
			f = isUnclear("the account has no record %s", d.Target)
		case err != nil:
			return l, err
		default:
			f = compare(d, at)
		}
	}
	switch l.Unclear = f.why; f.state {
	case record.Adopted:
		l.There, l.RecordID = true, at.ID
	case record.Planned:
	}
	return l, ctx.Err()
}

// Doubtful says why a record should not be adopted as what a call came to, or
// "" when nothing speaks against it.
func Doubtful(d record.Doubt, r *record.PaymentRecord) string {
	if d.Call == record.AttachPayment {
		if r.ID != d.Target {
			return fmt.Sprintf("the call was sent for %s, not for %s", d.Target, r.ID)
		}
		return "" // only its invoice tells; whoever decides has looked at it
	}
	if !d.Call.Creates() {
		switch f := compare(d, r); {
		case r.ID != d.Target:
			return fmt.Sprintf("the call was sent to %s, not to %s", d.Target, r.ID)
		case f.state == record.Planned:
			return fmt.Sprintf("%s does not show it: it is %s, with %d refunded", r.ID, r.Status(), r.AmountRefunded.Value)
		default:
			return f.why
		}
	}
	switch stamp := r.Metadata[record.StampOp]; stamp {
	case d.ID:
		return claimOf(d).differs(r)
	case "":
		return fmt.Sprintf("%s carries no stamp of payrec's", r.ID)
	default:
		return fmt.Sprintf("%s carries the stamp of another call, %s", r.ID, stamp)
	}
}
