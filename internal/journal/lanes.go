package journal

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"
	"unsafe"
)

// sendable are the operations that an item of a run may still send: the
// journal has them in an open state, in this epoch, with the content that the
// run was planned with. A later run may have taken them over. What is known to
// be absent is not sent as it read before its row was changed: the next import
// plans it as it reads now. Alternatives are spelled out because for three words
// behind IN SQLite asks an index that it makes of them.
const sendable = `(i.disposition = 'new' OR i.disposition = 'retry' OR i.disposition = 'changed') AND NOT (i.disposition = 'changed' AND o.state = 'planned' AND o.attempts = 0)
	AND (o.state = 'planned' OR o.state = 'sending' OR o.state = 'unknown') AND o.current = 1
	AND (o.home = i.home OR (SELECT content FROM entry WHERE no = o.home) = (SELECT content FROM entry WHERE no = i.home))`

// standing are the operations of a run that later steps of their payment must
// not pass: refused in this run's epoch, in conflict, or being looked up.
const standing = `i.disposition IN ('new', 'retry', 'changed') AND o.current = 1 AND (o.state IN ('reconciling', 'conflict')
	OR (o.state = 'rejected' AND coalesce(o.code, '') NOT IN ('payrec_skipped', 'payrec_resend')))`

// Lanes returns up to limit payments of the run that still have steps to make,
// in ascending order of their numbers, from the first number above after. Steps
// in a state that cannot be sent are among them where later ones must not pass. It
// reads a page at a time, so that memory stays flat and no read holds up the
// writer's checkpoints. Of its call a step has what sending it takes: id, source,
// payment, call and body, and its order unless all lanes have one step;
// [Journal.Call] has the rest.
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
	first := max(after+1, r.first)
	room := j.flightRoom()
	g := &gathering{limit: limit, flightRoom: room, body: func(dst, stored []byte) ([]byte, error) { return j.appendBody(ctx, dst, stored) }}
	g.lanes = make([]Lane, 0, max(0, min(int64(limit), r.last-first+1)))
	span, query := []any{first, r.last}, singlesQuery
	if err := j.page(ctx, severalQuery, span, func(*pageRow) (bool, error) { query = lanesQuery; return false, nil }); err != nil {
		return nil, err
	}
	if err := j.page(ctx, query, span, g.take); err != nil {
		return nil, err
	}
	g.finish()
	j.expect(r.no, changes, room.planned, room.first)
	j.flightRooms.Put(room)
	return g.lanes, nil
}

// A flightRoom is where steps of a page of lanes stand until they are expected. It
// is filled again and again: of large new memory to clear it is most of the work.
type flightRoom struct {
	planned []flight // steps of which nothing was ever sent
	first   []flight // those of them that make a record and began their lanes
}

func (j *Journal) flightRoom() *flightRoom {
	room, ok := j.flightRooms.Get().(*flightRoom)
	if !ok {
		return new(flightRoom)
	}
	clear(room.planned)
	clear(room.first)
	room.planned, room.first = room.planned[:0], room.first[:0]
	return room
}

// The queries of lanes read the steps of a run that may be sent, and those that
// stand in their way, lane by lane. ?1 and ?2 are the first and the last lane. Most
// lanes have one step, which is where the lane is; what comes from further away has
// an index. Where there is any of that, both are read side by side, and nothing is
// sorted; where there is none, what would order steps is not read either.
const (
	severalQuery = "SELECT 1 FROM item i WHERE " + elsewhere + " LIMIT 1"
	singlesQuery = "SELECT i.no" + stepColumns + "NULL" + stepRecord + itself + stepOpen + " ORDER BY 1"
	lanesQuery   = "SELECT i.no" + stepColumns + stepOrder + stepRecord + itself + stepOpen +
		" UNION ALL SELECT i.lane" + stepColumns + stepOrder + stepRecord + elsewhere + stepOpen + " ORDER BY 1"

	itself    = "i.no BETWEEN ?1 AND ?2 AND i.lane = i.no"
	elsewhere = "i.lane BETWEEN ?1 AND ?2 AND i.lane <> i.no"

	stepColumns = ", o.no, o.home, o.id, o.source, o.payment, o.call, b.form, o.epoch, o.state, o.first_sent, o.attempts, "
	stepOrder   = "(SELECT ord FROM entry WHERE no = o.home)"
	stepRecord  = `,
		CASE WHEN o.call <> 'report_payment' THEN (SELECT record_id FROM op p WHERE p.source = o.source AND p.payment = o.payment AND p.call = 'report_payment'
			AND p.state IN ('confirmed', 'adopted') ORDER BY p.no DESC LIMIT 1) END
		FROM item i CROSS JOIN op o ON o.no = i.op LEFT JOIN body b ON b.no = o.home WHERE `
	stepOpen = " AND ((" + sendable + ") OR (" + standing + "))"
)

// A gathering makes lanes of steps, which come in order of their lanes. Lanes
// with nothing to send are left out.
type gathering struct {
	limit    int
	body     func(dst, stored []byte) ([]byte, error) // see Journal.appendBody
	lanes    []Lane
	room     []Step // of lanes
	bodies   []byte // of steps
	lane     Lane   // that steps are gathered for
	steps    []ranked
	some     bool   // of them may be sent
	last     ranked // the step before, whose texts are used again
	recordID string
	*flightRoom
}

// ranked is a step with what orders it.
type ranked struct {
	Step
	rank int
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
	into(r, &s.ID)
	into(r, &s.Source)
	into(r, &s.Payment)
	into(r, &s.Call)
	if s.Body, err = g.unpack(r.borrow()); err != nil {
		return false, err
	}
	s.Epoch = int(r.int())
	into(r, &s.State)
	s.FirstSent, s.Attempts, s.rank = r.time(), int(r.int()), rankOf(s.Call)
	into(r, &s.Order)
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
		if len(g.steps) > 1 {
			slices.SortFunc(g.steps, compareSteps)
		}
		at := g.make(len(g.steps))
		for i := range g.steps {
			s := &g.steps[i]
			g.room = append(g.room, s.Step)
			if s.State == Planned && s.Attempts == 0 {
				f := flight{id: s.ID, no: s.no, home: s.home, epoch: s.Epoch, call: s.Call}
				if f.first = s.no == g.lane.No && s.Call.Creates() && len(s.Body) > 0; f.first {
					g.first = append(g.first, f)
				}
				g.planned = append(g.planned, f)
			}
		}
		g.lane.Steps = g.room[at:]
		g.lanes = append(g.lanes, g.lane)
	}
	g.steps, g.some = g.steps[:0], false
}

// roomAtOnce is how many steps room is made for at once.
const roomAtOnce = 64

// make makes room for so many further steps, and says where it begins.
func (g *gathering) make(steps int) (at int) {
	if cap(g.room)-len(g.room) < steps {
		g.room = make([]Step, 0, max(steps, min(g.limit, roomAtOnce)))
	}
	return len(g.room)
}

// bodiesAtOnce is how many bytes of bodies room is made for at once.
const bodiesAtOnce = 32 << 10

// unpack is the body of which stored is what the journal has, beside the bodies of
// other steps.
func (g *gathering) unpack(stored []byte) (body []byte, err error) {
	if most := 8 * len(stored); cap(g.bodies)-len(g.bodies) < most { // if it is more, append copies them all
		g.bodies = unzeroed(max(most, bodiesAtOnce))
	}
	list, err := g.body(g.bodies, stored)
	if err != nil {
		return nil, err
	}
	body, g.bodies = list[len(g.bodies):len(list):len(list)], list
	return body, nil
}

// unzeroed is room for n bytes. It is filled at once, so that clearing it, as make
// does, would be another third of what reading a body takes.
func unzeroed(n int) []byte {
	var b strings.Builder
	b.Grow(n)
	b.WriteByte(0)
	return unsafe.Slice(unsafe.StringData(b.String()), b.Cap())[:0]
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
