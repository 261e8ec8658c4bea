package journal

import (
	"context"
)

// Seal decides what the run does about every call that was added, in one
// transaction: after it the run is planned, and a crash before it makes the run
// disappear.
func (p *Plan) Seal(ctx context.Context) ([]Tally, error) {
	if err := p.settled(ctx); err != nil {
		return nil, err
	}
	now := p.j.clock().UnixMilli()
	allNew := false
	err := p.j.w.do(ctx, func(w *writer) error {
		if err := p.seal(w, now); err != nil {
			return err
		}
		return w.row("SELECT NOT EXISTS (SELECT 1 FROM item WHERE no BETWEEN ? AND ? AND disposition <> 'new')", []any{p.first, p.next - 1}, &allNew)
	})
	if err != nil {
		return nil, err
	}
	p.end()
	if allNew && !p.review.adopted {
		return p.review.tallies(), nil
	}
	return p.j.Tallies(ctx, p.run)
}

// seal runs in the writer. In its statements ?1 and ?2 are the run's first and
// last entry.
func (p *Plan) seal(w *writer, now int64) error {
	first, last := p.first, p.next-1
	anew := p.review.fresh && p.review.n >= indexAnew
	if anew {
		if _, err := w.exec(dropIndexes); err != nil {
			return err
		}
	}
	if err := p.sealEntries(w, first, last); err != nil {
		return err
	}
	if anew { // what follows needs it
		if _, err := w.exec(itemIndex); err != nil {
			return err
		}
	}
	if err := p.park(w, first, last); err != nil {
		return err
	}
	if p.review.children {
		if _, err := w.exec(sealChildren, first, last); err != nil {
			return err
		}
		if _, err := w.exec(sealWithRecord); err != nil {
			return err
		}
		if _, err := w.exec(sealHeld, first, last); err != nil {
			return err
		}
	}
	statements := []string{sealOldBodies, sealTakeOver, sealOps, sealEpochs, sealBodies}
	if p.review.fresh { // there is nothing earlier
		statements = []string{sealFirstOps, sealBodies}
	}
	for _, statement := range statements {
		if _, err := w.exec(statement, first, last); err != nil {
			return err
		}
	}
	if anew {
		if _, err := w.exec(opIndexes + childIndex); err != nil {
			return err
		}
	}
	if _, err := w.exec(sealScratch); err != nil {
		return err
	}
	if _, err := w.exec("DELETE FROM block WHERE run = ?", p.no); err != nil {
		return err
	}
	if err := p.sealRows(w, first, last); err != nil {
		return err
	}
	_, err := w.exec("UPDATE run SET state = 'planned', last = ?, changed = ? WHERE no = ?", last, now, p.no)
	return err
}

// indexAnew is from how many calls on the first plan of a journal makes the
// indexes of item and op after their rows: sorted, they are written once, from
// left to right.
const indexAnew = 10_000

const dropIndexes = "DROP INDEX item_lane; DROP INDEX op_id; DROP INDEX op_payment; DROP INDEX op_child;"

// sealEntries gives every entry its item. Most calls stand in the plan once, and
// are the only ones of their payments: these need not be sorted.
func (p *Plan) sealEntries(w *writer, first, last int64) error {
	if p.review.adopted || p.review.odd > p.review.n/4 {
		if _, err := w.exec(sealAdopted, first, last); err != nil {
			return err
		}
		_, err := w.exec(sealItems(sealAll), first, last)
		return err
	}
	plain, rest := sealPlain, ""
	if p.review.fresh {
		plain = sealFresh
	}
	if p.review.odd > 0 {
		if _, err := w.exec(sealOdd, first, last); err != nil {
			return err
		}
		rest = " AND e.no NOT IN (SELECT no FROM temp.odd)"
		if _, err := w.exec(sealItems("no IN (SELECT no FROM temp.odd)"), first, last); err != nil {
			return err
		}
	}
	if !p.review.fresh {
		rest += ") ORDER BY no"
	}
	_, err := w.exec(plain+rest, first, last)
	return err
}

// park parks the calls of blocked payments and those behind a conflict.
func (p *Plan) park(w *writer, first, last int64) error {
	if _, err := w.exec(sealScratch); err != nil {
		return err
	}
	var blocked, conflicts bool
	err := w.row("SELECT EXISTS (SELECT 1 FROM block WHERE run = ?), EXISTS (SELECT 1 FROM item WHERE no BETWEEN ? AND ? AND disposition = 'conflict')",
		[]any{p.no, first, last}, &blocked, &conflicts)
	if err == nil && blocked {
		_, err = w.exec(sealBlocked, first, last, p.no)
	}
	if err == nil && conflicts {
		if _, err = w.exec(sealConflicts, first, last); err == nil {
			_, err = w.exec(sealBehind, first, last)
		}
	}
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

// sealFresh is for plain entries of a journal that knew no call.
const sealFresh = `
INSERT INTO item (no, lane, op, home, disposition) SELECT e.no, e.no, e.no, e.no, 'new' FROM entry e WHERE e.no BETWEEN ?1 AND ?2`

// sealOdd collects the entries that are not plain.
const sealOdd = `
INSERT OR IGNORE INTO temp.odd SELECT no FROM entry e WHERE no BETWEEN ?1 AND ?2
	AND (op_id IN (SELECT op_id FROM temp.twice) OR EXISTS (SELECT 1 FROM temp.many m WHERE m.source = e.source AND m.payment = e.payment))`

// sealPlain holds plain entries against the journal, and no others.
const sealPlain = sealVerdict + `
FROM (
	SELECT e.no, e.no AS lane, e.no AS head, ` + sealKnown + `, 0 AS within
	FROM entry e ` + sealJournal + ` WHERE e.no BETWEEN ?1 AND ?2`

// sealItems holds the entries that are meant against each other and against the
// journal. An entry that begins an epoch will have the op of its own number; so
// item.op can be told before the op is made, and names none when it is not.
func sealItems(which string) string {
	return sealVerdict + `
FROM (
	SELECT e.no, e.lane, e.head, ` + sealKnown + `,
		CASE WHEN e.low <> e.high THEN 2 WHEN e.head <> e.no THEN 1 ELSE 0 END AS within
	FROM (
		SELECT no, op_id, content, min(no) OVER (PARTITION BY source, payment) AS lane,
			min(no) OVER same AS head, min(content) OVER same AS low, max(content) OVER same AS high
		FROM entry WHERE no BETWEEN ?1 AND ?2 AND ` + which + ` WINDOW same AS (PARTITION BY op_id)
	) e ` + sealJournal + `
) ORDER BY no`
}

// sealAll means all entries but those that were adopted.
const sealAll = "NOT EXISTS (SELECT 1 FROM op a WHERE a.no = entry.no)"

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

const sealJournal = `LEFT JOIN op o ON o.id = e.op_id AND o.current = 1 LEFT JOIN entry h ON h.no = o.home`

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

// sealWithRecord strikes out those that have their record or get it in this run.
// It is asked once for each payment, not for each call: a wrong mapping may
// give all rows of a file to one payment.
const sealWithRecord = `
DELETE FROM temp.lanes WHERE
	EXISTS (SELECT 1 FROM entry e JOIN op o ON o.source = e.source AND o.payment = e.payment AND o.call = 'report_payment'
		WHERE e.no = lanes.lane AND o.state IN ('confirmed', 'adopted'))
	OR EXISTS (SELECT 1 FROM item i JOIN entry e ON e.no = i.no
		WHERE i.lane = lanes.lane AND e.rank = 0 AND i.disposition IN ('new', 'retry', 'same', 'changed'))`

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

// sealOps begins the new epochs.
const sealOps = `
INSERT INTO op (no, id, epoch, current, source, payment, call, home, state, doubt, attempts)
SELECT e.no, e.op_id, coalesce((SELECT max(p.epoch) + 1 FROM op p WHERE p.id = e.op_id), 0), 1,
	e.source, e.payment, e.call, e.no, 'planned', 0, 0
FROM item i JOIN entry e ON e.no = i.no
WHERE i.no BETWEEN ?1 AND ?2 AND i.disposition = 'new' AND i.op = i.no ORDER BY i.no`

// sealFirstOps begins the first epochs of a journal that knew no call.
const sealFirstOps = `
INSERT INTO op (no, id, epoch, current, source, payment, call, home, state, doubt, attempts)
SELECT e.no, e.op_id, 0, 1, e.source, e.payment, e.call, e.no, 'planned', 0, 0
FROM item i JOIN entry e ON e.no = i.no
WHERE i.no BETWEEN ?1 AND ?2 AND i.disposition = 'new' AND i.op = i.no ORDER BY i.no`

// sealEpochs ends the epochs before them.
const sealEpochs = `
UPDATE op SET current = 0
WHERE current = 1 AND no < ?1 AND id IN (SELECT id FROM op WHERE no BETWEEN ?1 AND ?2 AND epoch > 0)`

// sealBodies drops the bodies that will not be sent, and those of ended epochs.
const sealBodies = `
DELETE FROM body WHERE no IN (
	SELECT no FROM item WHERE no BETWEEN ?1 AND ?2 AND NOT (disposition = 'new' AND home = no)
	UNION ALL
	SELECT p.home FROM op n JOIN op p ON p.id = n.id AND p.current = 0 WHERE n.no BETWEEN ?1 AND ?2 AND n.epoch > 0)`
