package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/payrec/payrec/record"
)

// A flight is an operation that this process began and has not finished.
type flight struct {
	no, home int64
	epoch    int
	doubt    bool // the epoch was in doubt before
	call     record.CallName
}

// Begin says that the operation is about to be sent and returns when that is on
// disk: only then may the first byte leave. recordID is the payment record that
// the call acts on, which report_payment has none of. It may be called again
// while the operation is sending, for another try under the same key after an
// answer that left no doubt.
//
// A [*TransitionError] says that state or epoch do not allow it, or that the
// epoch has already been sent to another record: one key has one path. A
// [*WriteError] is final: stop sending. When ctx ends, either Begin has its
// effect and returns nil, or it has none.
func (j *Journal) Begin(ctx context.Context, opID string, epoch int, recordID string) error {
	if j.w == nil {
		return ErrReadOnly
	}
	now := j.clock().UnixMilli()
	var f flight
	err := j.w.do(ctx, func(w *writer) (err error) {
		f, err = begin(w, opID, epoch, recordID, now)
		return err
	})
	if err != nil {
		return err
	}
	j.mu.Lock()
	j.flights[opID] = f
	j.mu.Unlock()
	return nil
}

func begin(w *writer, opID string, epoch int, recordID string, now int64) (flight, error) {
	refuse := func(format string, args ...any) (flight, error) {
		return flight{}, &TransitionError{opID, epoch, fmt.Sprintf(format, args...)}
	}
	f := flight{epoch: epoch}
	var state State
	var target sql.NullString
	var attempts int
	var current, body bool
	err := w.row(`SELECT no, home, state, doubt, call, target, attempts, current, EXISTS (SELECT 1 FROM body WHERE body.no = op.home)
		FROM op WHERE id = ? AND epoch = ?`, []any{opID, epoch},
		&f.no, &f.home, &state, &f.doubt, &f.call, &target, &attempts, &current, &body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return refuse("is not planned")
	case err != nil:
		return flight{}, err
	case !current:
		return refuse("a later epoch has taken its place")
	case state != Planned && state != Sending && state != Unknown:
		return refuse("is %s already and must not be sent", state)
	case !body:
		return refuse("has no body to send")
	}
	if f.call.Creates() {
		recordID = ""
	} else if recordID == "" {
		return refuse("%s needs the record it acts on", f.call)
	}
	if attempts > 0 && target.String != recordID {
		return refuse("was sent to record %q before and must not go to %q under the same key", target.String, recordID)
	}
	_, err = w.exec(`UPDATE op SET state = 'sending', target = ?, attempts = attempts + 1,
		first_sent = coalesce(first_sent, ?), last_sent = ? WHERE no = ?`, recordID, now, now, f.no)
	return f, err
}

// Finish says what the call came to. It is queued behind the Begins before it
// and returns before it is on disk, which the next Begin, [Journal.Flush] or some
// milliseconds bring about: a crash then only means that the call is
// asked again under its key. A [*TransitionError] says that the operation was
// not begun here, or that the outcome is not possible: what was in doubt cannot
// become certainly not executed. Finish does not give up when ctx ends, because
// an answer that was heard must not be lost.
func (j *Journal) Finish(_ context.Context, opID string, epoch int, o Outcome) error {
	if j.w == nil {
		return ErrReadOnly
	}
	now := j.clock().UnixMilli()
	j.mu.Lock()
	f, ok := j.flights[opID]
	err := f.allows(opID, epoch, ok, o)
	if err == nil {
		delete(j.flights, opID)
	}
	j.mu.Unlock()
	if err != nil {
		return err
	}
	return j.w.queue(&job{run: func(w *writer) error { return finish(w, f, o, now) }})
}

// allows says why the flight cannot come to the outcome, or nil.
func (f flight) allows(opID string, epoch int, begun bool, o Outcome) error {
	refuse := func(format string, args ...any) error {
		return &TransitionError{opID, epoch, fmt.Sprintf(format, args...)}
	}
	switch {
	case !begun || f.epoch != epoch:
		return refuse("is not being sent by this process, so it cannot be %s", o.State)
	case o.State == Planned && f.doubt:
		return refuse("was in doubt, so it cannot be taken as not executed; it stays unknown")
	case o.State.There() && f.call.Creates() && o.RecordID == "":
		return refuse("cannot be %s without the record that it made", o.State)
	}
	switch o.State {
	case Confirmed, Adopted, Rejected, Unknown, Reconciling, Conflict, Planned:
		return nil
	}
	return refuse("%q is no outcome of a call", o.State)
}

func finish(w *writer, f flight, o Outcome, now int64) error {
	n, err := w.exec(`UPDATE op SET state = ?, doubt = doubt OR ?, record_id = coalesce(nullif(?, ''), record_id), object_id = ?, request_id = ?,
		http_status = ?, code = ?, param = ?, message = ?, finished = ? WHERE no = ? AND state = 'sending'`,
		string(o.State), o.State == Unknown || o.State == Reconciling, o.RecordID, null(o.ObjectID), null(o.RequestID),
		o.HTTPStatus, null(o.Code), null(o.Param), null(o.Message), now, f.no)
	if err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("operation %d was not sending", f.no)
	}
	if o.State.There() || o.State == Rejected {
		_, err = w.exec("DELETE FROM body WHERE no = ?", f.home)
	}
	return err
}

// null stores an empty text as NULL, which takes no room.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Flush returns when everything queued before it is on disk.
func (j *Journal) Flush(ctx context.Context) error {
	if j.w == nil {
		return ErrReadOnly
	}
	return j.w.do(ctx, nil)
}
