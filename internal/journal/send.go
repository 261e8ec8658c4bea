package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/payrec/payrec/record"
)

// A flight is an operation that this process began and has not finished.
type flight struct {
	id       string
	no, home int64
	epoch    int
	doubt    bool // the epoch was in doubt before
	first    bool // it makes the record and began its lane: it may be claimed
	call     record.CallName
	claim    *claim // that it is or will be begun under; nil when it is begun by itself
	at       int64  // when it was begun under it, Unix milliseconds
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
	return j.beginStep(ctx, opID, epoch, recordID, 0)
}

// BeginAhead is Begin for a call that makes a record, where nothing but the disk
// slows the run down: with its intent those of up to ahead calls are written down
// that are next in the lanes that were handed out. When this process dies, they
// are in doubt too.
func (j *Journal) BeginAhead(ctx context.Context, opID string, epoch, ahead int) error {
	if j.w == nil {
		return ErrReadOnly
	}
	return j.beginStep(ctx, opID, epoch, "", ahead)
}

// beginStep begins a call under a claim, if it can, and else by itself.
func (j *Journal) beginStep(ctx context.Context, opID string, epoch int, recordID string, ahead int) error {
	now := j.clock().UnixMilli()
	f, write := j.awaited(opID, epoch, recordID, ahead, now)
	if write != nil {
		write.write(j.w)
	}
	if f.claim != nil {
		at, ok, err := f.claim.begin(ctx, f.no, j.clock)
		if err != nil {
			return err
		}
		if ok {
			f.at = at
			j.fly(f)
			return nil
		}
		f.claim = nil
	}
	err := j.w.doPart(ctx, func(w *writer) error {
		if f.no != 0 && f.epoch == epoch && f.call.Creates() == (recordID == "") {
			if begun, err := beginFirst(w, opID, f, recordID, now); begun || err != nil {
				return err
			}
		}
		var err error
		f, err = begin(w, opID, epoch, recordID, now)
		return err
	})
	if err != nil {
		return err
	}
	j.fly(f)
	return nil
}

// fly remembers a call that was begun.
func (j *Journal) fly(f flight) {
	j.mu.Lock()
	j.flights[f.id] = f
	j.mu.Unlock()
}

// mostAwaited bounds what is remembered of lanes that were handed out: they are
// a page or two, and what is left of those that stopped is forgotten.
const mostAwaited = 8192

// expect remembers where planned steps of lanes of a run stand, so that beginning
// them need not look for them, and which of them may be claimed, if they were read
// after so many changes.
func (j *Journal) expect(run, changes int64, planned, first []flight) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.expected == nil || len(j.expected) > mostAwaited {
		j.expected = make(map[string]flight)
		j.claimable.queue, j.claimable.unbegun = nil, 0
	}
	for _, f := range planned {
		j.expected[f.id] = f
	}
	j.claimable.offer(run, changes, first)
}

// awaited takes what is remembered of a step; nothing is a flight without number.
// A claim that it comes with is to be written down.
func (j *Journal) awaited(opID string, epoch int, recordID string, ahead int, now int64) (f flight, write *claim) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f = j.expected[opID]
	delete(j.expected, opID)
	if _, again := j.flights[opID]; again {
		return flight{}, nil
	}
	if f.first && f.epoch == epoch && recordID == "" {
		f.claim, write = j.claimed(&f, ahead, now)
	} else {
		f.claim = nil
	}
	return f, write
}

// beginFirst begins an epoch that nothing of was ever sent, if it still stands as
// it did when its lane was read; otherwise nothing is changed.
func beginFirst(w *writer, opID string, f flight, recordID string, now int64) (bool, error) {
	w.bound = append(w.bound[:0], str(recordID), num(now), num(now), num(f.no), num(f.home), str(opID), num(int64(f.epoch)))
	n, err := w.jobsOn.execValues(`UPDATE op SET state = 'sending', target = ?, attempts = 1, first_sent = ?, last_sent = ?
		WHERE no = ? AND home = ? AND id = ? AND epoch = ? AND current = 1 AND state = 'planned' AND doubt = 0 AND attempts = 0 AND first_sent IS NULL
			AND EXISTS (SELECT 1 FROM body WHERE body.no = op.home)`, w.bound)
	w.flying += int(n)
	return n == 1, err
}

func begin(w *writer, opID string, epoch int, recordID string, now int64) (flight, error) {
	refuse := func(format string, args ...any) (flight, error) {
		return flight{}, &TransitionError{opID, epoch, fmt.Sprintf(format, args...)}
	}
	if err := w.dropBodies(); err != nil { // what is looked at below is as it is said to be
		return flight{}, err
	}
	f := flight{id: opID, epoch: epoch}
	var state State
	var target sql.NullString
	var attempts int
	var current, body bool
	look := func() error {
		return w.row(`SELECT no, home, state, doubt, call, target, attempts, current, EXISTS (SELECT 1 FROM body WHERE body.no = o.home)
			FROM op o WHERE id = ? AND epoch = ? AND `+sealed, []any{opID, epoch},
			&f.no, &f.home, &state, &f.doubt, &f.call, &target, &attempts, &current, &body)
	}
	err := look()
	if err == nil && attempts == 0 && len(w.claims) > 0 { // perhaps begun under one of them
		if err = w.endClaims(); err == nil {
			err = look()
		}
	}
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
	if state != Sending {
		w.flying++
	}
	_, err = w.exec(`UPDATE op SET state = 'sending', target = ?, attempts = attempts + 1,
		first_sent = coalesce(first_sent, ?), last_sent = ? WHERE no = ?`, recordID, now, now, f.no)
	return f, err
}

// Finish says what the call came to. It is queued behind the Begins before it
// and returns before it is on disk, which the next Begin, [Journal.Flush] or some
// ten milliseconds bring about: a crash then only means that the call is
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
	if f.claim != nil {
		return j.w.answered(answer{f, o, now})
	}
	return j.w.queue(&job{run: func(w *writer) error { return finish(w, f, o, now) }, part: true})
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

// finish writes an outcome down. Of a call under a claim that nothing is known of
// yet most of what the statement asks otherwise is known.
func finish(w *writer, f flight, o Outcome, now int64) error {
	var n int64
	var err error
	if f.claim == nil {
		w.flying--
	} else if o.State == Confirmed {
		n, err = confirmFirst(w, f, o, now)
	}
	if n == 0 && err == nil {
		n, err = finishAny(w, f, o, now)
	}
	if err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("operation %d was not sending", f.no)
	}
	if o.State.There() || o.State == Rejected {
		w.spent = append(w.spent, f.home)
	}
	if f.claim != nil {
		return w.without(f.claim)
	}
	return nil
}

// confirmFirst is finishAny for most calls by far: confirmed under a claim, of which
// nothing was written down since it was planned. Others it leaves alone.
func confirmFirst(w *writer, f flight, o Outcome, now int64) (int64, error) {
	w.bound = append(w.bound[:0], nullable(o.RecordID), nullable(o.ObjectID), nullable(o.RequestID), num(int64(o.HTTPStatus)),
		nullable(o.Code), nullable(o.Param), nullable(o.Message), num(now), num(f.at), num(f.no))
	return w.jobsOn.execValues(`UPDATE op SET state = 'confirmed', record_id = ?, object_id = ?, request_id = ?, http_status = ?, code = ?, param = ?, message = ?,
		finished = ?, attempts = 1, first_sent = ?9, last_sent = ?9 WHERE no = ?10 AND state = 'planned' AND attempts = 0`, w.bound)
}

// finishAny changes a call that is begun.
func finishAny(w *writer, f flight, o Outcome, now int64) (int64, error) {
	begun := "state = 'sending'"
	if f.claim != nil {
		begun = "(state = 'sending' OR state = 'planned' AND attempts = 0)"
	}
	doubt := num(0)
	if o.State == Unknown || o.State == Reconciling {
		doubt = num(1)
	}
	w.bound = append(w.bound[:0], str(string(o.State)), doubt, nullable(o.RecordID), nullable(o.ObjectID), nullable(o.RequestID),
		num(int64(o.HTTPStatus)), nullable(o.Code), nullable(o.Param), nullable(o.Message), num(now), num(f.no), num(f.at))
	return w.jobsOn.execValues(`UPDATE op SET state = ?, doubt = doubt OR ?, record_id = coalesce(?, record_id), object_id = ?, request_id = ?,
		http_status = ?, code = ?, param = ?, message = ?, finished = ?, attempts = max(attempts, 1), first_sent = coalesce(first_sent, ?12), last_sent = coalesce(last_sent, ?12)
		WHERE no = ?11 AND `+begun, w.bound)
}

// spentAtOnce is how many spent bodies are gathered before they are dropped. Their
// pages are overwritten with zeros and written once more; dropped by the group,
// those that answers out of order leave half full are written again and again.
const spentAtOnce = 1024

// dropBodies drops the bodies that answers spent: what lies side by side at once.
func (w *writer) dropBodies() error {
	slices.Sort(w.spent)
	for rest := w.spent; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n] == rest[0]+int64(n) {
			n++
		}
		w.bound = append(w.bound[:0], num(rest[0]), num(rest[n-1]))
		if _, err := w.jobsOn.execValues("DELETE FROM body WHERE no BETWEEN ? AND ?", w.bound); err != nil {
			return err
		}
		rest = rest[n:]
	}
	w.spent = w.spent[:0]
	return nil
}

// dropSpent drops the bodies that a dead process had not come to drop. The entry
// whose body an operation has is the operation's in its own run.
const dropSpent = `
	DELETE FROM body WHERE EXISTS (SELECT 1 FROM item i JOIN op o ON o.no = i.op
		WHERE i.no = body.no AND o.home = body.no AND o.state IN ('confirmed', 'adopted', 'rejected'));
`

// nullable stores an empty text as NULL.
func nullable(s string) value {
	if s == "" {
		return value{}
	}
	return str(s)
}

// null stores an empty text as NULL, which takes no room.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Flush returns when everything queued before it is on disk, and the bodies that
// nobody sends any more are gone from it.
func (j *Journal) Flush(ctx context.Context) error {
	if j.w == nil {
		return ErrReadOnly
	}
	return j.w.do(ctx, (*writer).dropBodies)
}
