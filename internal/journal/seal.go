package journal

import (
	"context"
	"errors"
	"runtime/debug"
)

// manyCalls: behind a plan of so many, what was needed to add them is given back
// before its indexes are sorted, so that both do not count towards the same peak.
const manyCalls = 1 << 20

// Seal decides what the run does about every call that was added, in one
// transaction: after it the run is planned, and a crash before it makes the run
// disappear.
func (p *Plan) Seal(ctx context.Context) ([]Tally, error) {
	if err := p.settled(ctx); err != nil {
		return nil, err
	}
	if t := p.review.beyond; t != nil { // before anything of the plan stands
		return nil, beyond(t)
	}
	if p.review.dropSieves(); p.review.n > manyCalls {
		debug.FreeOSMemory()
	}
	s := &sealing{Plan: p, first: p.first, last: p.next - 1, now: p.j.clock().UnixMilli()}
	err := p.j.w.do(ctx, func(w *writer) error {
		s.w = w
		return s.seal()
	})
	if err != nil {
		return nil, err
	}
	p.end()
	if s.allNew {
		return p.review.tallies(), nil
	}
	return p.j.Tallies(ctx, p.run)
}

// A sealing is a plan being sealed in the writer. In its statements ?1 and ?2 are
// the run's first and last entry.
type sealing struct {
	*Plan
	w           *writer
	first, last int64
	now         int64
	// unlike says which items may be other than new calls that nobody knew before.
	unlike string
	moved  bool // what was sealed ahead may be parked or held since
	allNew bool
}

const (
	ofRun = "i.no BETWEEN ?1 AND ?2"
	ofOdd = "i.no IN (SELECT no FROM temp.odd WHERE no BETWEEN ?1 AND ?2)"
)

func (s *sealing) run(statements ...string) error {
	for _, statement := range statements {
		if _, err := s.w.exec(statement, s.first, s.last); err != nil {
			return err
		}
	}
	return nil
}

// any says whether the condition holds for one of the items that may be other
// than new.
func (s *sealing) any(condition string) (found bool, err error) {
	err = s.w.row("SELECT EXISTS (SELECT 1 FROM item i WHERE "+s.unlike+" AND "+condition+")", []any{s.first, s.last}, &found)
	return found, err
}

func (s *sealing) seal() error {
	if s.unlike = ofRun; s.review.fresh {
		s.unlike = ofOdd
	}
	if err := s.judge(); err != nil {
		return err
	}
	if err := s.park(); err != nil {
		return err
	}
	if err := s.hold(); err != nil {
		return err
	}
	if err := s.operations(); err != nil {
		return err
	}
	var err error
	if s.allNew, err = s.any("i.disposition <> 'new'"); err != nil {
		return err
	}
	s.allNew = !s.allNew && !s.review.adopted
	if _, err := s.w.exec("DELETE FROM block WHERE run = ?", s.no); err != nil {
		return err
	}
	if err := errors.Join(s.sealRows(), s.writeFiles(s.w)); err != nil {
		return err
	}
	s.w.renewing = s.ahead
	_, err = s.w.exec("UPDATE run SET state = 'planned', last = ?, changed = ? WHERE no = ?", s.last, s.now, s.no)
	return err
}

// judge gives an item to every entry that has none.
func (s *sealing) judge() error {
	if s.ahead {
		if err := s.meet(s.w, s.first, s.last); err != nil {
			return err
		}
	} else if err := s.run(sealUnsealed); err != nil {
		return err
	}
	if s.review.adopted {
		if err := s.run(sealAdopted); err != nil {
			return err
		}
	}
	if s.review.fresh {
		return s.run(sealItems("o.no = 0"))
	}
	return s.run(sealItems(sealByID))
}

// park parks the calls of blocked payments and those behind a conflict.
func (s *sealing) park() error {
	if _, err := s.w.exec(sealScratch); err != nil {
		return err
	}
	conflicts, err := s.any("i.disposition = 'conflict'")
	if err != nil {
		return err
	}
	if s.review.blocked {
		if _, err := s.w.exec(sealBlocked, s.first, s.last, s.no); err != nil {
			return err
		}
		s.unlike, s.moved = ofRun, true
	}
	if conflicts {
		if err := s.run(sealConflicts, sealBehind); err != nil {
			return err
		}
		s.unlike, s.moved = ofRun, true
	}
	return nil
}

// hold holds the calls of payments without a record.
func (s *sealing) hold() error {
	if !s.review.children {
		return nil
	}
	s.unlike, s.moved = ofRun, true
	if err := s.run(sealChildren); err != nil {
		return err
	}
	withRecord := sealWithRecord
	if !s.review.fresh {
		withRecord += sealKnownRecord
	}
	if _, err := s.w.exec(withRecord); err != nil {
		return err
	}
	return s.run(sealHeld)
}

// operations begins what is new and not begun yet, and drops the bodies that will
// not be sent.
func (s *sealing) operations() error {
	if s.ahead && s.moved {
		if err := s.run(sealNotBegun); err != nil {
			return err
		}
	}
	bodies := sealBodies
	if s.ahead && !s.moved {
		bodies = sealOddBodies
	}
	statements := []string{sealOldBodies, sealTakeOver, sealOps, sealEpochs, bodies, sealPastBodies}
	if s.review.fresh { // there is nothing earlier
		statements = []string{sealFirstOps + ofOdd, bodies}
	}
	if err := s.run(statements...); err != nil {
		return err
	}
	if err := s.index(s.w); err != nil {
		return err
	}
	_, err := s.w.exec(sealScratch)
	return err
}

// sealScratch makes or empties the tables that sealing needs for a moment. They
// are the connection's own and on disk, not in memory.
const sealScratch = `
	CREATE TABLE IF NOT EXISTS temp.conflicts (lane INTEGER PRIMARY KEY, child INTEGER, ord TEXT, rank INTEGER, no INTEGER);
	CREATE TABLE IF NOT EXISTS temp.lanes (lane INTEGER PRIMARY KEY);
	DELETE FROM temp.conflicts;
	DELETE FROM temp.lanes;
`

// sealUnsealed collects all entries but those that were adopted: where nothing was
// sealed ahead, no others have an operation.
const sealUnsealed = `
INSERT OR IGNORE INTO temp.odd SELECT no FROM entry WHERE no BETWEEN ?1 AND ?2 AND no NOT IN (SELECT no FROM op WHERE no BETWEEN ?1 AND ?2)`

// sealItems holds the odd entries against each other and against what known finds
// of each in the journal. An entry that begins an epoch will have the op of its own number; so
// item.op can be told before the op is made, and names none when it is not.
func sealItems(known string) string {
	return sealVerdict + `
FROM (
	SELECT e.no, e.lane, e.head, ` + sealKnown + `,
		CASE WHEN e.low <> e.high THEN 2 WHEN e.head <> e.no THEN 1 ELSE 0 END AS within
	FROM (
		SELECT no, op_id, content, min(no) OVER (PARTITION BY source, payment) AS lane,
			min(no) OVER same AS head, min(content) OVER same AS low, max(content) OVER same AS high
		FROM entry i WHERE ` + ofOdd + ` WINDOW same AS (PARTITION BY op_id)
	) e LEFT JOIN op o ON ` + known + ` LEFT JOIN entry h ON h.no = o.home
) ORDER BY no`
}

const sealVerdict = `
INSERT INTO item (no, lane, op, home, previous, disposition, reason)
SELECT no, lane, CASE WHEN renew THEN head ELSE op END,
	CASE WHEN within > 0 THEN NULL WHEN renew OR fresh THEN no ELSE home END,
	CASE WHEN head <> no THEN head WHEN within = 0 AND NOT renew AND NOT fresh THEN home END,
	CASE within WHEN 2 THEN 'conflict' WHEN 1 THEN 'duplicate' ELSE
		CASE WHEN renew OR state = 'planned' THEN 'new'
			WHEN state = 'conflict' THEN 'conflict'
			WHEN state = 'rejected' THEN 'parked'
			WHEN NOT equal THEN 'changed'
			WHEN state IN ('confirmed', 'adopted') THEN 'same'
			ELSE 'retry' END
	END,
	CASE WHEN within = 2 THEN 'the run has the same call with other content' WHEN within > 0 OR renew THEN NULL
		WHEN state = 'conflict' THEN coalesce(nullif(message, ''), 'its key was used for another request')
		WHEN state = 'rejected' THEN 'a person decided to leave it out: ' || coalesce(message, '') END`

// sealKnown is what the journal knows of a call.
const sealKnown = `o.no AS op, o.home, o.state, o.message,
	-- what was found in the account has only the beginning of its content's hash, or none of it
	substr(e.content, 1, length(h.content)) = h.content AS equal,
	-- a new epoch: unknown so far, refused, or never executed and reading otherwise now
	o.no IS NULL OR (o.state = 'rejected' AND coalesce(o.code, '') <> 'payrec_skipped') OR (o.state = 'planned' AND o.attempts > 0 AND h.content <> e.content) AS renew,
	-- the same epoch with this entry's body: nothing of it was ever sent
	o.state = 'planned' AND o.attempts = 0 AS fresh`

const sealByID = `o.id = e.op_id AND o.current = 1`

// sealAdopted enters what was found in the account while the plan was made,
// unless the plan has the same call from a row. Nothing else of a plan has its
// operation before it is sealed.
const sealAdopted = `
INSERT INTO item (no, lane, op, home, previous, disposition)
SELECT a.no, a.no, a.no, a.no, NULL, 'same' FROM op a WHERE a.no BETWEEN ?1 AND ?2
	AND a.id NOT IN (SELECT e.op_id FROM entry e WHERE e.no BETWEEN ?1 AND ?2 AND NOT EXISTS (SELECT 1 FROM op o WHERE o.no = e.no))`

// sealBlocked parks what would be sent of a blocked payment. What is known to
// be there stays "same" or "changed": nothing is sent for it anyway.
const sealBlocked = `
UPDATE item SET disposition = 'parked', reason = b.reason
FROM entry e JOIN block b ON b.run = ?3 AND b.source = e.source AND b.payment = e.payment
WHERE item.no BETWEEN ?1 AND ?2 AND e.no = item.no AND item.disposition IN ('new', 'retry')`

// sealConflicts finds the first conflicting step of each payment.
const sealConflicts = `
INSERT INTO temp.conflicts
SELECT lane, child, ord, rank, no FROM (
	SELECT i.lane, e.rank > 0 AS child, e.ord, e.rank, e.no,
		row_number() OVER (PARTITION BY i.lane ORDER BY e.rank > 0, e.ord, e.rank, e.no) AS nth
	FROM item i JOIN entry e ON e.no = i.no WHERE i.no BETWEEN ?1 AND ?2 AND i.disposition = 'conflict')
WHERE nth = 1`

// sealBehind parks the steps behind it.
const sealBehind = `
UPDATE item SET disposition = 'parked', reason = 'an earlier step of its payment is in conflict'
FROM entry e JOIN temp.conflicts c
WHERE item.no BETWEEN ?1 AND ?2 AND e.no = item.no AND c.lane = item.lane AND item.disposition IN ('new', 'retry')
	AND (e.rank > 0, e.ord, e.rank, e.no) > (c.child, c.ord, c.rank, c.no)`

// sealChildren finds the payments with new calls that need a record. One that
// is in doubt was sent before and so has its record.
const sealChildren = `
INSERT OR IGNORE INTO temp.lanes
SELECT i.lane FROM item i JOIN entry e ON e.no = i.no
WHERE i.no BETWEEN ?1 AND ?2 AND e.rank > 0 AND i.disposition = 'new'`

// sealWithRecord strikes out those that get their record in this run. It is asked
// once for each payment, not for each call: a wrong mapping may give all rows of a
// file to one payment.
const sealWithRecord = `
DELETE FROM temp.lanes WHERE EXISTS (SELECT 1 FROM item i JOIN entry e ON e.no = i.no
	WHERE (i.no = lanes.lane OR i.lane = lanes.lane AND i.lane <> i.no) AND e.rank = 0 AND i.disposition IN ('new', 'retry', 'same', 'changed'));`

// sealKnownRecord strikes out those that have it.
const sealKnownRecord = `
DELETE FROM temp.lanes WHERE EXISTS (SELECT 1 FROM entry e JOIN op o ON o.source = e.source AND o.payment = e.payment AND o.call = 'report_payment'
	WHERE e.no = lanes.lane AND o.state IN ('confirmed', 'adopted'));`

// sealHeld holds the calls of the rest.
const sealHeld = `
UPDATE item SET disposition = 'held', reason = 'its payment is neither in this run nor known to the journal'
FROM entry e
WHERE item.no BETWEEN ?1 AND ?2 AND e.no = item.no AND e.rank > 0 AND item.disposition = 'new' AND item.lane IN (SELECT lane FROM temp.lanes)`

// sealOldBodies drops the bodies that are about to be replaced.
const sealOldBodies = `
DELETE FROM body WHERE no IN (
	SELECT o.home FROM item i JOIN op o ON o.no = i.op
	WHERE i.no BETWEEN ?1 AND ?2 AND i.disposition = 'new' AND i.home = i.no AND i.op < i.no)`

// sealTakeOver gives calls that were planned and never sent their new body.
const sealTakeOver = `
UPDATE op SET home = i.no FROM item i
WHERE i.no BETWEEN ?1 AND ?2 AND i.disposition = 'new' AND i.home = i.no AND i.op < i.no AND op.no = i.op`

// sealNotBegun takes back operations that were begun ahead.
const sealNotBegun = `
DELETE FROM op WHERE no IN (SELECT no FROM item WHERE no BETWEEN ?1 AND ?2 AND disposition <> 'new' AND op = no)`

// sealOps begins the new epochs.
const sealOps = `
INSERT INTO op (no, id, epoch, current, source, payment, call, home, state, doubt, attempts)
SELECT e.no, e.op_id, coalesce((SELECT max(p.epoch) + 1 FROM op p WHERE p.id = e.op_id), 0), 1,
	e.source, e.payment, e.call, e.no, 'planned', 0, 0
FROM item i JOIN entry e ON e.no = i.no
WHERE i.disposition = 'new' AND i.op = i.no AND ` + ofOdd

// sealFirstOps begins the first epochs of calls that the journal does not know.
const sealFirstOps = `
INSERT INTO op (no, id, epoch, current, source, payment, call, home, state, doubt, attempts)
SELECT e.no, e.op_id, 0, 1, e.source, e.payment, e.call, e.no, 'planned', 0, 0
FROM item i JOIN entry e ON e.no = i.no
WHERE i.disposition = 'new' AND i.op = i.no AND `

// sealEpochs ends the epochs before them.
const sealEpochs = `
UPDATE op SET current = 0
WHERE current = 1 AND no < ?1 AND id IN (SELECT id FROM op i WHERE ` + ofOdd + ` AND epoch > 0)`

// sealBodies drops the bodies of those items that will not be sent.
const sealBodies = `
DELETE FROM body WHERE no BETWEEN ?1 AND ?2
	AND NOT EXISTS (SELECT 1 FROM item i WHERE i.no = body.no AND i.disposition = 'new' AND i.home = i.no)`

// sealOddBodies does so where the others' were left out.
const sealOddBodies = `
DELETE FROM body WHERE no IN (SELECT no FROM item i WHERE ` + ofOdd + ` AND NOT (disposition = 'new' AND home = no))`

// sealPastBodies drops the bodies of ended epochs.
const sealPastBodies = `
DELETE FROM body WHERE no IN (
	SELECT p.home FROM op i JOIN op p ON p.id = i.id AND p.current = 0 WHERE ` + ofOdd + ` AND i.epoch > 0)`
