package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/payrec/payrec/record"
)

// The ways in which a call in doubt or in conflict is settled otherwise than by
// an answer; see [record.Decision].
const (
	DecideAdopt  = "adopt"
	DecideResend = "resend"
	DecideSkip   = "skip"

	decideAbsent   = "absent"
	decideConflict = "conflict"
)

// Settle says what looking a call in doubt up came to: [Adopted] with its
// record, [Conflict] with the reason as message, [Reconciling] when it is not
// known yet, or [Planned] when the account certainly does not have it: then the
// call is planned anew with its own body under the next epoch. It returns when
// that is on disk. Only calls that nobody is sending can be settled.
func (j *Journal) Settle(ctx context.Context, opID string, epoch int, o Outcome) error {
	d := record.Decision{Op: opID, Epoch: epoch, Who: "payrec", Reason: o.Message, RecordID: o.RecordID}
	switch o.State {
	case Adopted:
		d.What = DecideAdopt
	case Conflict:
		d.What = decideConflict
	case Planned:
		d.What = decideAbsent
	case Reconciling:
	default:
		return &TransitionError{opID, epoch, fmt.Sprintf("%q is nothing that looking it up can come to", o.State)}
	}
	return j.settleBy(ctx, d, o, Unknown, Reconciling)
}

// Decide settles a call by a person's decision, which is written down with who,
// when and why. A call that is to be sent again without its body left waits for
// the import of its file. d.At and d.From are filled in.
func (j *Journal) Decide(ctx context.Context, d record.Decision) error {
	o := Outcome{RecordID: d.RecordID, Message: d.Reason}
	from := []State{Unknown, Reconciling, Conflict}
	switch d.What {
	case DecideAdopt:
		o.State = Adopted
	case DecideSkip:
		o.State, o.Code = Rejected, record.CodeSkipped
	case DecideResend:
		o.State = Planned
		from = append(from, Rejected)
	default:
		return &TransitionError{d.Op, d.Epoch, fmt.Sprintf("%q is no decision", d.What)}
	}
	return j.settleBy(ctx, d, o, from...)
}

// settleBy moves a call that is in one of the states from to the outcome's.
func (j *Journal) settleBy(ctx context.Context, d record.Decision, o Outcome, from ...State) error {
	if j.w == nil {
		return ErrReadOnly
	}
	d.At = j.clock()
	j.mu.Lock()
	_, flying := j.flights[d.Op]
	j.mu.Unlock()
	if flying {
		return &TransitionError{d.Op, d.Epoch, "is being sent"}
	}
	return j.w.do(ctx, func(w *writer) error { return settle(w, d, o, from) })
}

func settle(w *writer, d record.Decision, o Outcome, from []State) error {
	refuse := func(format string, args ...any) error {
		return &TransitionError{d.Op, d.Epoch, fmt.Sprintf(format, args...)}
	}
	var no, home int64
	var call record.CallName
	var target, code sql.NullString
	var current, body bool
	err := w.row(`SELECT no, home, state, call, target, code, current, EXISTS (SELECT 1 FROM body WHERE body.no = op.home)
		FROM op WHERE id = ? AND epoch = ?`, []any{d.Op, d.Epoch}, &no, &home, &d.From, &call, &target, &code, &current, &body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return refuse("is not in the journal")
	case err != nil:
		return err
	case !current:
		return refuse("a later epoch has taken its place")
	case !slices.Contains(from, d.From) || d.From == Rejected && code.String != record.CodeSkipped:
		return refuse("is %s, and nothing of it is left to settle", d.From)
	case o.State == Adopted && call.Creates() && o.RecordID == "":
		return refuse("cannot be adopted without its record")
	case o.State == Planned && d.What == decideAbsent && !body:
		return refuse("has no body to send again")
	}
	if o.State == Planned && !body {
		o.State, o.Code = Rejected, record.CodeResend // the next import of its row plans it anew
	}
	if d.What != "" {
		if err := note(w, d); err != nil {
			return err
		}
	}
	if o.State == Planned {
		return renew(w, no)
	}
	if o.RecordID == "" || !call.Creates() {
		o.RecordID = target.String
	}
	if _, err := w.exec(`UPDATE op SET state = ?, doubt = 1, record_id = coalesce(nullif(?, ''), record_id), object_id = coalesce(nullif(?, ''), object_id),
		code = ?, message = ?, finished = ? WHERE no = ?`,
		string(o.State), o.RecordID, o.ObjectID, null(o.Code), null(o.Message), d.At.UnixMilli(), no); err != nil {
		return err
	}
	if o.State == Adopted || o.State == Rejected {
		_, err = w.exec("DELETE FROM body WHERE no = ?", home)
	}
	return err
}

// note writes the decision down, with what is forgotten of the epoch otherwise.
func note(w *writer, d record.Decision) error {
	_, err := w.exec(`INSERT INTO decision (op_id, epoch, at, who, what, reason, record_id, from_state, first_sent, last_sent, attempts)
		SELECT id, epoch, ?, ?, ?, ?, ?, state, first_sent, last_sent, attempts FROM op WHERE id = ? AND epoch = ?`,
		d.At.UnixMilli(), d.Who, d.What, d.Reason, d.RecordID, d.Op, d.Epoch)
	return err
}

// renew begins the next epoch in the operation's own row, so that every run
// that may send it finds it there. The old epoch's key is never used again.
func renew(w *writer, no int64) error {
	_, err := w.exec(`UPDATE op SET epoch = epoch + 1, state = 'planned', doubt = 0, attempts = 0, first_sent = NULL, last_sent = NULL, finished = NULL,
		target = NULL, record_id = NULL, object_id = NULL, request_id = NULL, http_status = NULL, code = NULL, param = NULL, message = NULL WHERE no = ?`, no)
	return err
}

// Decisions lists how the call was settled, the oldest first.
func (j *Journal) Decisions(ctx context.Context, opID string) ([]record.Decision, error) {
	if err := j.settle(ctx); err != nil {
		return nil, err
	}
	rows, err := j.query(ctx, "SELECT op_id, epoch, at, who, what, reason, record_id, from_state FROM decision WHERE op_id = ? ORDER BY no", opID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []record.Decision
	for rows.Next() {
		var d record.Decision
		var at sql.NullInt64
		if err := rows.Scan(&d.Op, &d.Epoch, &at, &d.Who, &d.What, &d.Reason, &d.RecordID, &d.From); err != nil {
			return nil, err
		}
		d.At = timeOf(at)
		list = append(list, d)
	}
	return list, rows.Err()
}
