package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/payrec/payrec/record"
)

// doubtColumns describes an operation o with its entry e for looking it up. What
// is asked about other calls of the payment is asked for later steps only.
const doubtColumns = `
	o.no, o.id, e.source, e.payment, e.natural, e.call, e.content, e.ord, b.form, e.currency, e.value, e.class, f.name, e.line,
	o.epoch, ` + stateNow + `, o.record_id, o.object_id, o.request_id, o.http_status, o.code, o.param, o.message,
	coalesce(o.first_sent, ` + claimedAt + `), coalesce(o.last_sent, ` + claimedAt + `),
	min(coalesce((SELECT min(d.first_sent) FROM decision d WHERE d.op_id = o.id), o.first_sent, ` + claimedAt + `), coalesce(o.first_sent, 9e18)),
	coalesce(o.target, ''),
	CASE WHEN e.rank > 0 THEN coalesce(
		(SELECT p.object_id FROM op p WHERE p.source = o.source AND p.payment = o.payment AND p.call <> 'report_payment' AND p.no <> o.no
			AND p.state IN ('confirmed', 'adopted') AND p.object_id IS NOT NULL ORDER BY p.finished DESC, p.no DESC LIMIT 1),
		(SELECT p.object_id FROM op p WHERE p.source = o.source AND p.payment = o.payment AND p.call = 'report_payment'
			AND p.state IN ('confirmed', 'adopted') ORDER BY p.no DESC LIMIT 1)) END,
	CASE WHEN e.call = 'report_refund' THEN (SELECT sum(h.value) FROM op p JOIN entry h ON h.no = p.home
		WHERE p.source = o.source AND p.payment = o.payment AND p.call <> 'report_payment' AND p.call = 'report_refund' AND p.no <> o.no AND p.current = 1
			AND p.state IN ('confirmed', 'adopted')) END,
	CASE WHEN e.rank > 0 THEN (SELECT count(*) FROM op p
		WHERE p.source = o.source AND p.payment = o.payment AND p.call <> 'report_payment' AND p.call = o.call AND p.no <> o.no AND p.current = 1
			AND (p.state IN ('sending', 'unknown', 'reconciling', 'conflict') OR (p.call <> 'report_refund' AND p.state IN ('confirmed', 'adopted')))) END,
	(SELECT r.id FROM run r WHERE r.first <= o.home AND r.last >= o.home)`

const doubtTables = ` JOIN entry e ON e.no = o.home JOIN file f ON f.no = e.file LEFT JOIN body b ON b.no = o.home `

// Doubts iterates over the calls of the run that are in doubt, in file order.
func (j *Journal) Doubts(ctx context.Context, run string) iter.Seq2[record.Doubt, error] {
	return func(yield func(record.Doubt, error) bool) {
		r, err := j.settledRun(ctx, run)
		if err != nil {
			yield(record.Doubt{}, err)
			return
		}
		j.doubts(ctx, yield, `SELECT i.no, `+doubtColumns+` FROM item i JOIN op o ON o.no = i.op`+doubtTables+`
			WHERE i.no > ? AND i.no BETWEEN ? AND ? AND i.disposition IN ('new', 'retry', 'changed') AND o.current = 1
				AND o.state IN ('unknown', 'reconciling') ORDER BY i.no LIMIT ?`, r.first, r.last)
	}
}

// Unsettled iterates over all calls that are in doubt or in conflict, whatever
// run planned them, in the order in which they were planned.
func (j *Journal) Unsettled(ctx context.Context) iter.Seq2[record.Doubt, error] {
	return func(yield func(record.Doubt, error) bool) {
		if err := j.settle(ctx); err != nil {
			yield(record.Doubt{}, err)
			return
		}
		j.doubts(ctx, yield, `SELECT o.no, `+doubtColumns+` FROM op o`+doubtTables+`
			WHERE o.no > ? AND o.current = 1 AND `+stateNow+` IN ('sending', 'unknown', 'reconciling', 'conflict') ORDER BY o.no LIMIT ?`)
	}
}

// doubts runs a query that takes the number to go on after and the length of a
// page, a page at a time.
func (j *Journal) doubts(ctx context.Context, yield func(record.Doubt, error) bool, query string, args ...any) {
	for after := int64(0); ; {
		page, last, err := j.doubtPage(ctx, query, append(append([]any{after}, args...), entryPage)...)
		if err != nil {
			yield(record.Doubt{}, err)
			return
		}
		for _, d := range page {
			if !yield(d, nil) {
				return
			}
		}
		if len(page) < entryPage {
			return
		}
		after = last
	}
}

func (j *Journal) doubtPage(ctx context.Context, query string, args ...any) (page []record.Doubt, last int64, err error) {
	rows, err := j.query(ctx, query, args...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var d record.Doubt
		if last, err = scanDoubt(rows, &d); err != nil {
			return nil, 0, err
		}
		page = append(page, d)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, 0, err
	}
	for i := range page {
		if page[i].Body, err = j.body(ctx, page[i].Body); err != nil {
			return nil, 0, err
		}
	}
	return page, last, nil
}

func scanDoubt(rows *sql.Rows, d *record.Doubt) (no int64, err error) {
	var opNo int64
	var recordID, objectID, requestID, code, param, message, before, run sql.NullString
	var status, first, last, since, refunded, others sql.NullInt64
	err = rows.Scan(&no, &opNo, &d.ID, &d.Source, &d.Payment, &d.Natural, &d.Call, &d.Content, &d.Order, &d.Body, &d.Amount.Currency, &d.Amount.Value, &d.Class, &d.File, &d.Line,
		&d.Epoch, &d.State, &recordID, &objectID, &requestID, &status, &code, &param, &message, &first, &last, &since,
		&d.Target, &before, &refunded, &others, &run)
	d.RecordID, d.ObjectID, d.RequestID, d.HTTPStatus = recordID.String, objectID.String, requestID.String, int(status.Int64)
	d.Code, d.Param, d.Message = code.String, param.String, message.String
	d.FirstSent, d.LastSent, d.Since = timeOf(first), timeOf(last), timeOf(since)
	d.Before, d.Refunded, d.Others, d.Run = before.String, refunded.Int64, int(others.Int64), run.String
	return no, err
}

// Call finds the last epoch of the call whose id begins with prefix. The error
// says when there is none, or more than one.
func (j *Journal) Call(ctx context.Context, prefix string) (record.Doubt, error) {
	if err := j.settle(ctx); err != nil {
		return record.Doubt{}, err
	}
	const least = 4
	if len(prefix) < least {
		return record.Doubt{}, fmt.Errorf("%q is too short for the id of a call; give at least %d characters", prefix, least)
	}
	page, _, err := j.doubtPage(ctx, `SELECT o.no, `+doubtColumns+` FROM op o`+doubtTables+`
		WHERE o.id >= ?1 AND o.id < ?1 || 'zzzz' AND substr(o.id, 1, length(?1)) = ?1 AND o.current = 1 AND `+sealed+` ORDER BY o.id LIMIT 2`, prefix)
	switch {
	case err != nil:
		return record.Doubt{}, err
	case len(page) == 0:
		return record.Doubt{}, fmt.Errorf("journal %q has no call %q; payrec status lists those that are in doubt", j.path, prefix)
	case len(page) > 1:
		return record.Doubt{}, fmt.Errorf("%q begins the ids of several calls; give more of it", prefix)
	}
	return page[0], nil
}
