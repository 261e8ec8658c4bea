package journal

// Sealing ahead. A plan whose first batch fills up is large; if most of its calls
// are plain by then, each batch's plain calls get their items and, where the
// journal does not know them, their operations together with the batch, while
// rows are still being read. Plain is a call that stands in the plan once so far,
// as the only one of its payment, and begins no further epoch. What is not plain
// is kept in temp.odd, and sealing decides about it and about the calls that it
// turned out to meet. Nobody sees the items and operations of a run before it is
// sealed.

// firstCache is how much of the database is kept in memory, in KiB, while a journal
// gets its first calls: as much as is committed together, for nothing goes back to
// pages before.
const firstCache = "cache_size(-16384)"

// sortCache is for a moment that of making the indexes: as much of an index is sorted
// in memory at once, and what a processor's own cache holds is sorted fastest.
const sortCache = "cache_size(-2048)"

// index makes the indexes of a plan that began without. It runs in the writer.
func (p *Plan) index(w *writer) error {
	if !p.bare {
		return nil
	}
	p.bare = false
	_, err := w.exec("PRAGMA " + sortCache + ";" + makeIndexes + "PRAGMA " + planCache)
	return err
}

// oddShare: a plan of which a larger part than this is odd is not sealed ahead.
const oddShare = 4

// full is told that a batch is full.
func (p *Plan) full() {
	if p.batches == 0 && !p.review.adopted {
		p.bare = p.review.fresh
		p.ahead = p.review.odd <= p.review.n/oddShare
	}
}

// sealAhead seals the plain calls of a batch, and says whose bodies nothing needs.
// It runs in the writer.
func (p *Plan) sealAhead(w *writer, b *batch) (needless map[int64]bool, err error) {
	first, last := b.first, b.first+int64(len(b.ops))-1
	if p.review.fresh {
		_, err := w.exec(aheadFresh, first, last)
		return nil, err
	}
	if err := w.row(aheadBack, []any{first, last, p.back}, &p.back); err != nil {
		return nil, err
	}
	plain, err := w.exec(aheadItems, first, last, p.back)
	if err != nil {
		return nil, err
	}
	if int(plain)+len(b.suspects) < len(b.ops) {
		if _, err := w.exec(aheadOdd, first, last); err != nil {
			return nil, err
		}
	}
	needless = make(map[int64]bool)
	err = w.jobsOn.each(aheadNeedless, []any{first, last}, func(r *pageRow) (bool, error) {
		needless[r.int()] = true
		return true, nil
	})
	if err == nil && len(needless) < int(plain) { // there are new ones
		_, err = w.exec(sealFirstOps+ofRun, first, last)
	}
	return needless, err
}

// aheadFresh is for a journal that knew no call.
const aheadFresh = `
INSERT INTO op (no, id, epoch, current, source, payment, call, home, state, doubt, attempts)
SELECT no, op_id, 0, 1, source, payment, call, no, 'planned', 0, 0 FROM entry WHERE no BETWEEN ?1 AND ?2 AND no NOT IN (SELECT no FROM temp.odd);
INSERT INTO item (no, lane, op, home, disposition) SELECT no, no, no, no, 'new' FROM op WHERE no BETWEEN ?1 AND ?2`

// aheadBack says how many entries back the first known call of a batch has its
// operation; where the first few are unknown, that stays as it was for the batch before.
const aheadBack = `
SELECT coalesce((SELECT e.no - o.no FROM entry e JOIN op o ON ` + sealByID + ` WHERE e.no BETWEEN ?1 AND min(?2, ?1 + 3) ORDER BY e.no LIMIT 1), ?3)`

// aheadItems holds the plain entries of a batch against the journal. A file that is
// imported again has its calls in the order in which the journal has them: so each
// is looked for first as many entries back (?3) as the first one of its batch was
// found, and only then by its id, the index of which is in no order.
const aheadItems = sealVerdict + `
FROM (
	SELECT e.no, e.no AS lane, e.no AS head, ` + sealKnown + `, 0 AS within, o.source = e.source AND o.payment = e.payment AS alike
	FROM entry e LEFT JOIN op o ON o.no = CASE WHEN (SELECT id FROM op WHERE no = e.no - ?3 AND current = 1) = e.op_id THEN e.no - ?3
			ELSE (SELECT no FROM op WHERE id = e.op_id AND current = 1) END
		LEFT JOIN entry h ON h.no = o.home
	WHERE e.no BETWEEN ?1 AND ?2 AND e.no NOT IN (SELECT no FROM temp.odd))
WHERE op IS NULL OR (alike AND NOT renew) ORDER BY no`

// aheadOdd keeps those that turned out not to be plain.
const aheadOdd = `
INSERT OR IGNORE INTO temp.odd SELECT no FROM entry WHERE no BETWEEN ?1 AND ?2 AND no NOT IN (SELECT no FROM item WHERE no BETWEEN ?1 AND ?2)`

// aheadNeedless are the entries of a batch with nothing to send of their own.
const aheadNeedless = `
SELECT no FROM item WHERE no BETWEEN ?1 AND ?2 AND NOT (disposition = 'new' AND home = no)`

// takeBack undoes what was sealed ahead, because something else than calls of
// rows comes into the plan. It runs in the writer.
func (p *Plan) takeBack(w *writer) error {
	if p.ahead {
		if _, err := w.exec(dropAhead, p.first); err != nil {
			return err
		}
	}
	return p.index(w)
}

const dropAhead = `
	DELETE FROM item WHERE no >= ?1;
	DELETE FROM op WHERE no >= ?1;
`

// meet finds the calls that were sealed ahead and met odd ones later, and takes
// their items and operations back. It runs in the writer.
func (p *Plan) meet(w *writer, first, last int64) error {
	if p.review.odd > 0 {
		met := metByIndex
		if p.bare && p.review.odd > p.review.n/scanShare {
			met = metByScan
		} else if err := p.index(w); err != nil {
			return err
		}
		if _, err := w.exec(met, first, last); err != nil {
			return err
		}
	}
	_, err := w.exec(dropOdd)
	return err
}

// scanShare: where a smaller part of a plan is odd, making the indexes of op before
// the odd calls have their operations costs less than reading all of op.
const scanShare = 64

const metByIndex = `
WITH met (no) AS (
	SELECT o.no FROM temp.twice t CROSS JOIN op o INDEXED BY op_id ON o.id = t.op_id
	UNION SELECT o.no FROM temp.many m CROSS JOIN op o INDEXED BY op_payment ON o.source = m.source AND o.payment = m.payment AND o.call = 'report_payment'
	UNION SELECT o.no FROM temp.many m CROSS JOIN op o INDEXED BY op_child ON o.source = m.source AND o.payment = m.payment AND o.call <> 'report_payment')
INSERT OR IGNORE INTO temp.odd
SELECT no FROM met WHERE no BETWEEN ?1 AND ?2
UNION ALL SELECT i.no FROM met CROSS JOIN item i INDEXED BY item_again ON i.op = met.no AND i.op < i.no WHERE i.no BETWEEN ?1 AND ?2`

const metByScan = `
INSERT OR IGNORE INTO temp.odd SELECT no FROM op o WHERE no BETWEEN ?1 AND ?2
	AND (id IN (SELECT op_id FROM temp.twice) OR EXISTS (SELECT 1 FROM temp.many m WHERE m.source = o.source AND m.payment = o.payment))`

const dropOdd = `
	DELETE FROM item WHERE no IN (SELECT no FROM temp.odd);
	DELETE FROM op WHERE no IN (SELECT no FROM temp.odd);
`
