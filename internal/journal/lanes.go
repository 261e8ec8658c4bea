package journal

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"
)

// sendable are the operations that an item of a run may still send: the
// journal has them in an open state, in this epoch, with the content that the
// run was planned with. A later run may have taken them over. What is known to
// be absent is not sent as it read before its row was changed: the next import
// plans it as it reads now.
const sendable = `i.disposition IN ('new', 'retry', 'changed') AND NOT (i.disposition = 'changed' AND o.state = 'planned' AND o.attempts = 0) AND o.state IN ('planned', 'sending', 'unknown') AND o.current = 1
	AND (o.home = i.home OR (SELECT content FROM entry WHERE no = o.home) = (SELECT content FROM entry WHERE no = i.home))`

// standing are the operations of a run that later steps of their payment must
// not pass: refused in this run's epoch, in conflict, or being looked up.
const standing = `i.disposition IN ('new', 'retry', 'changed') AND o.current = 1 AND (o.state IN ('reconciling', 'conflict')
	OR (o.state = 'rejected' AND coalesce(o.code, '') NOT IN ('payrec_skipped', 'payrec_resend')))`

// Lanes returns up to limit payments of the run that still have steps to make,
// in ascending order of their numbers, from the first number above after. Steps
// in a state that cannot be sent are among them where later ones must not pass. It
// reads a page at a time, so that memory stays flat and no read holds up the
// writer's checkpoints.
func (j *Journal) Lanes(ctx context.Context, run string, after int64, limit int) (list []Lane, err error) {
	defer j.named(&err)
	r, err := j.settledRun(ctx, run)
	if err != nil {
		return nil, err
	}
	tx, err := j.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	from := max(after+1, r.first)
	var n int
	var last sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT count(*), max(lane) FROM (
		SELECT DISTINCT i.lane FROM item i JOIN op o ON o.no = i.op
		WHERE i.lane BETWEEN ? AND ? AND `+sendable+` ORDER BY i.lane LIMIT ?)`, from, r.last, limit).Scan(&n, &last)
	if err != nil || n == 0 {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `
		SELECT i.lane, i.no, e.op_id, e.source, e.payment, e.natural, e.call, e.content, e.ord, b.form, e.currency, e.value, e.class, f.name, e.line,
			o.epoch, o.state, o.first_sent, o.attempts, e.rank,
			(SELECT record_id FROM op p WHERE p.source = o.source AND p.payment = o.payment AND p.call = 'report_payment'
				AND p.state IN ('confirmed', 'adopted') ORDER BY p.no DESC LIMIT 1)
		FROM item i JOIN op o ON o.no = i.op JOIN entry e ON e.no = o.home JOIN file f ON f.no = e.file LEFT JOIN body b ON b.no = o.home
		WHERE i.lane BETWEEN ? AND ? AND ((`+sendable+`) OR (`+standing+`)) ORDER BY i.lane`, from, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return scanLanes(rows, n)
}

// ranked is a step with what orders it.
type ranked struct {
	Step
	rank int
	no   int64
}

// scanLanes expects rows in order of their lanes.
func scanLanes(rows *sql.Rows, n int) ([]Lane, error) {
	lanes := make([]Lane, 0, n)
	var steps []ranked
	finish := func() {
		if len(lanes) == 0 {
			return
		}
		lane := &lanes[len(lanes)-1]
		slices.SortFunc(steps, compareSteps)
		for _, s := range steps {
			lane.Steps = append(lane.Steps, s.Step)
		}
		steps = steps[:0]
	}
	for rows.Next() {
		var s ranked
		var no int64
		var sent sql.NullInt64
		var recordID sql.NullString
		if err := rows.Scan(&no, &s.no, &s.ID, &s.Source, &s.Payment, &s.Natural, &s.Call, &s.Content, &s.Order, &s.Body, &s.Amount.Currency, &s.Amount.Value,
			&s.Class, &s.File, &s.Line, &s.Epoch, &s.State, &sent, &s.Attempts, &s.rank, &recordID); err != nil {
			return nil, err
		}
		s.FirstSent = timeOf(sent)
		if len(lanes) == 0 || lanes[len(lanes)-1].No != no {
			finish()
			lanes = append(lanes, Lane{No: no, Source: s.Source, Payment: s.Payment, RecordID: recordID.String})
		}
		steps = append(steps, s)
	}
	finish()
	return lanes, rows.Err()
}

// compareSteps puts report_payment first, then goes by Order, by the order of
// the calls in a payment's life, and by place in the files.
func compareSteps(a, b ranked) int {
	return cmp.Or(cmp.Compare(min(a.rank, 1), min(b.rank, 1)), cmp.Compare(a.Order, b.Order), cmp.Compare(a.rank, b.rank), cmp.Compare(a.no, b.no))
}

// timeOf turns Unix milliseconds into a time; none is the zero time.
func timeOf(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}
