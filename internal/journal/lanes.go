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
	var changes int64
	if j.w != nil {
		changes = j.w.changes.Load()
	}
	r, err := j.settledRun(ctx, run)
	if err != nil {
		return nil, err
	}
	g := &gathering{limit: limit, body: func(stored []byte) ([]byte, error) { return j.body(ctx, stored) }}
	if err := j.page(ctx, lanesQuery, []any{max(after+1, r.first), r.last}, g.take); err != nil {
		return nil, err
	}
	g.finish()
	j.expect(r.no, changes, g.planned, g.first)
	return g.lanes, nil
}

// lanesQuery reads the steps of a run that may be sent, and those that stand in
// their way, lane by lane. ?1 and ?2 are the first and the last lane.
const lanesQuery = `
	SELECT i.lane, o.no, o.home, e.op_id, e.source, e.payment, e.natural, e.call, e.content, e.ord, b.form, e.currency, e.value, e.class, f.name, e.line,
		o.epoch, o.state, o.first_sent, o.attempts, e.rank,
		CASE WHEN e.rank > 0 THEN (SELECT record_id FROM op p WHERE p.source = o.source AND p.payment = o.payment AND p.call = 'report_payment'
			AND p.state IN ('confirmed', 'adopted') ORDER BY p.no DESC LIMIT 1) END
	FROM item i JOIN op o ON o.no = i.op JOIN entry e ON e.no = o.home JOIN file f ON f.no = e.file LEFT JOIN body b ON b.no = o.home
	WHERE i.lane BETWEEN ?1 AND ?2 AND ((` + sendable + `) OR (` + standing + `)) ORDER BY i.lane`

// A gathering makes lanes of steps, which come in order of their lanes. Lanes
// with nothing to send are left out.
type gathering struct {
	limit    int
	body     func(stored []byte) ([]byte, error) // see Journal.body
	lanes    []Lane
	lane     Lane // that steps are gathered for
	steps    []ranked
	some     bool   // of them may be sent
	last     ranked // the step before, whose texts are used again
	recordID string
	planned  []flight // steps of which nothing was ever sent
	first    []flight // those of them that make a record and began their lanes
}

// ranked is a step with what orders it.
type ranked struct {
	Step
	rank int64
	no   int64
	home int64
}

// take takes the step of one row, unless there are lanes enough.
func (g *gathering) take(r *pageRow) (more bool, err error) {
	lane := r.int()
	if lane != g.lane.No || len(g.steps) == 0 {
		if g.finish(); len(g.lanes) == g.limit {
			return false, nil
		}
	}
	s := &g.last
	s.no, s.home = r.int(), r.int()
	intoCall(r, &s.Op)
	if s.Body, err = g.body(r.borrow()); err != nil {
		return false, err
	}
	into(r, &s.Amount.Currency)
	s.Amount.Value = r.int()
	into(r, &s.Class)
	into(r, &s.File)
	s.Line, s.Epoch = int(r.int()), int(r.int())
	into(r, &s.State)
	s.FirstSent, s.Attempts, s.rank = r.time(), int(r.int()), r.int()
	into(r, &g.recordID)
	if len(g.steps) == 0 {
		g.lane = Lane{No: lane, Source: s.Source, Payment: s.Payment}
	}
	if g.recordID != "" {
		g.lane.RecordID = g.recordID
	}
	g.steps = append(g.steps, *s)
	g.some = g.some || s.State == Planned || s.State == Sending || s.State == Unknown
	return true, nil
}

// finish ends the lane.
func (g *gathering) finish() {
	if g.some {
		slices.SortFunc(g.steps, compareSteps)
		g.lane.Steps = make([]Step, len(g.steps))
		for i := range g.steps {
			s := &g.steps[i]
			g.lane.Steps[i] = s.Step
			if s.State == Planned && s.Attempts == 0 {
				f := flight{id: s.ID, no: s.no, home: s.home, epoch: s.Epoch, call: s.Call}
				if f.first = s.no == g.lane.No && s.Call.Creates() && len(s.Body) > 0; f.first {
					g.first = append(g.first, f)
				}
				g.planned = append(g.planned, f)
			}
		}
		g.lanes = append(g.lanes, g.lane)
	}
	g.steps, g.some = g.steps[:0], false
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
