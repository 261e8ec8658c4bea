package journal

import (
	"context"
	"fmt"

	"github.com/payrec/payrec/record"
)

// Orphans lists the payments of the plan so far whose record nobody knows: the
// plan has later calls of theirs, but report_payment stands neither in the plan
// nor in the journal.
func (p *Plan) Orphans(ctx context.Context) (payments []string, err error) {
	if err := p.settled(ctx); err != nil {
		return nil, err
	}
	if !p.review.children {
		return nil, nil
	}
	if err := p.j.settle(ctx); err != nil {
		return nil, err
	}
	unknown := ""
	if !p.review.fresh {
		unknown = "AND NOT EXISTS (SELECT 1 FROM op o WHERE o.source = e.source AND o.payment = e.payment AND o.call = 'report_payment')"
	}
	rows, err := p.j.query(ctx, `
		SELECT DISTINCT e.payment FROM entry e WHERE e.no BETWEEN ?1 AND ?2 AND e.rank > 0 `+unknown+`
			AND (e.source, e.payment) NOT IN (SELECT source, payment FROM entry WHERE no BETWEEN ?1 AND ?2 AND rank = 0)
		ORDER BY e.payment`, p.first, p.next-1)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var payment string
		if err := rows.Scan(&payment); err != nil {
			return nil, err
		}
		payments = append(payments, payment)
	}
	return payments, rows.Err()
}

// settled waits until all that was added is written.
func (p *Plan) settled(ctx context.Context) error {
	if err := p.usable(); err != nil {
		return err
	}
	if err := p.flush(ctx, false); err != nil {
		return err
	}
	if err := p.flushBlocks(ctx); err != nil {
		return err
	}
	if err := p.flushNotes(ctx); err != nil {
		return err
	}
	return p.wait()
}

// Adopt enters calls that were found in the account, as adopted, and returns how
// many of them the journal did not know. Those that it knows stay as they are.
// Like all of a plan, they are gone when it is discarded.
func (p *Plan) Adopt(ctx context.Context, found []record.Found) (added int, err error) {
	if err := p.settled(ctx); err != nil {
		return 0, err
	}
	for _, f := range found {
		if rankOf(f.Call) < 0 || f.ID == "" || f.RecordID == "" {
			return 0, fmt.Errorf("%q of record %q cannot be adopted: it has no id, record or call of the API", f.ID, f.RecordID)
		}
	}
	now := p.j.clock().UnixMilli()
	err = p.j.w.do(ctx, func(w *writer) error {
		if err := p.takeBack(w); err != nil {
			return err
		}
		for _, f := range found {
			known, err := p.adopt(w, f, p.next+int64(added), now)
			if err != nil {
				return err
			}
			if !known {
				added++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	p.next += int64(added)
	p.ahead, p.bare = false, false
	p.review.adopted = true
	p.review.fresh = p.review.fresh && added == 0
	return added, nil
}

func (p *Plan) adopt(w *writer, f record.Found, no, now int64) (known bool, err error) {
	if err := w.row("SELECT EXISTS (SELECT 1 FROM op WHERE id = ?)", []any{f.ID}, &known); err != nil || known {
		return known, err
	}
	file, err := p.fileNo(w, f.File)
	if err != nil {
		return false, err
	}
	if _, err := w.exec(insertEntry+entryRow, no, f.ID, f.Source, f.Payment, f.Natural, string(f.Call), rankOf(f.Call), f.Order,
		f.Content, string(f.Amount.Currency), f.Amount.Value, f.Class, file, f.Line); err != nil {
		return false, err
	}
	target := f.RecordID
	if f.Call.Creates() {
		target = ""
	}
	_, err = w.exec(`INSERT INTO op (no, id, epoch, current, source, payment, call, home, state, doubt, attempts, finished, target, record_id)
		VALUES (?1, ?2, 0, 1, ?3, ?4, ?5, ?1, 'adopted', 0, 0, ?6, ?7, ?8)`, no, f.ID, f.Source, f.Payment, string(f.Call), now, target, f.RecordID)
	return false, err
}
