package journal

import (
	"context"
	"database/sql"
	"iter"
	"slices"
	"strings"
)

// entryPage is how many entries are read at once: no read transaction lasts as
// long as its caller takes.
const entryPage = 1000

// superseded says that a later run planned the call anew with other content
// before this one's was ever sent.
const superseded = `(o.home <> i.home AND i.disposition = 'new' AND
	(SELECT content FROM entry WHERE no = o.home) <> (SELECT content FROM entry WHERE no = i.home))`

// Entries returns the run's planned calls in file order: those of the given
// dispositions, or all.
func (j *Journal) Entries(ctx context.Context, run string, dispositions ...Disposition) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		r, err := j.settledRun(ctx, run)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		for from := r.first; from <= r.last; {
			page, next, err := j.entries(ctx, from, r.last, dispositions)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			from = next
		}
	}
}

// entries reads one page and says where the next begins.
func (j *Journal) entries(ctx context.Context, from, last int64, dispositions []Disposition) (page []Entry, next int64, err error) {
	defer j.named(&err)
	state := `CASE WHEN ` + superseded + ` THEN 'planned' ELSE o.state END`
	where, args := []string{"i.no BETWEEN ? AND ?"}, []any{from, last}
	where, args = oneOf(where, args, "i.disposition", dispositions)
	rows, err := j.query(ctx, `
		SELECT i.no, e.op_id, e.source, e.payment, e.natural, e.call, e.content, e.ord, e.currency, e.value, e.class, f.name, e.line,
			i.disposition, i.reason, `+state+`, `+superseded+`, o.epoch, coalesce(o.record_id, nullif(o.target, '')), o.object_id, o.request_id, o.http_status, o.code, o.param, o.message,
			o.first_sent, o.last_sent, o.attempts, pf.name, p.line, p.content
		FROM item i JOIN entry e ON e.no = i.no JOIN file f ON f.no = e.file
			LEFT JOIN op o ON o.no = i.op
			LEFT JOIN entry p ON p.no = i.previous LEFT JOIN file pf ON pf.no = p.file
		WHERE `+strings.Join(where, " AND ")+` ORDER BY i.no LIMIT ?`, append(args, entryPage)...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	next = last + 1
	for rows.Next() {
		e, no, err := scanEntry(rows)
		if err != nil {
			return nil, 0, err
		}
		if page = append(page, e); len(page) == entryPage {
			next = no + 1
		}
	}
	return page, next, rows.Err()
}

// oneOf adds a condition that column is one of values, if there are any.
func oneOf[T ~string](where []string, args []any, column string, values []T) ([]string, []any) {
	if len(values) == 0 {
		return where, args
	}
	for _, v := range values {
		args = append(args, string(v))
	}
	return append(where, column+" IN ("+strings.Join(slices.Repeat([]string{"?"}, len(values)), ",")+")"), args
}

func scanEntry(rows *sql.Rows) (e Entry, no int64, err error) {
	var (
		reason, state, recordID, objectID, requestID, code, param, message, file, content sql.NullString
		epoch, status, first, last, attempts, line                                        sql.NullInt64
		taken                                                                             sql.NullBool
	)
	err = rows.Scan(&no, &e.ID, &e.Source, &e.Payment, &e.Natural, &e.Call, &e.Content, &e.Order, &e.Amount.Currency, &e.Amount.Value, &e.Class, &e.File, &e.Line,
		&e.Disposition, &reason, &state, &taken, &epoch, &recordID, &objectID, &requestID, &status, &code, &param, &message,
		&first, &last, &attempts, &file, &line, &content)
	e.Reason, e.PreviousFile, e.PreviousLine, e.PreviousContent = reason.String, file.String, int(line.Int64), content.String
	e.State, e.Epoch = State(state.String), int(epoch.Int64)
	if taken.Bool {
		e.Reason = "a later run planned it with other content"
		return e, no, err
	}
	e.RecordID, e.ObjectID, e.RequestID, e.HTTPStatus = recordID.String, objectID.String, requestID.String, int(status.Int64)
	e.Code, e.Param, e.Message = code.String, param.String, message.String
	e.FirstSent, e.LastSent, e.Attempts = timeOf(first), timeOf(last), int(attempts.Int64)
	return e, no, err
}

// Tallies counts the run's calls by call, class, currency, disposition and state.
func (j *Journal) Tallies(ctx context.Context, run string) ([]Tally, error) {
	r, err := j.settledRun(ctx, run)
	if err != nil {
		return nil, err
	}
	return j.outcome(ctx, r)
}

func (j *Journal) outcome(ctx context.Context, r RunStatus) ([]Tally, error) {
	return j.tallies(ctx, `
		SELECT e.call, e.class, e.currency, i.disposition, coalesce(CASE WHEN `+superseded+` THEN 'planned' ELSE o.state END, '') AS state, count(*), sum(e.value)
		FROM item i JOIN entry e ON e.no = i.no LEFT JOIN op o ON o.no = i.op
		WHERE i.no BETWEEN ? AND ? GROUP BY e.rank, e.call, e.class, e.currency, i.disposition, 5 ORDER BY e.rank, e.class, e.currency, i.disposition, 5`, r.first, r.last)
}

// Totals counts the whole journal's operations by call, currency and state;
// their class and disposition are "".
func (j *Journal) Totals(ctx context.Context) ([]Tally, error) {
	if err := j.settle(ctx); err != nil {
		return nil, err
	}
	return j.tallies(ctx, `
		SELECT e.call, '', e.currency, '', o.state, count(*), sum(e.value) FROM op o JOIN entry e ON e.no = o.home
		WHERE o.current = 1 GROUP BY e.rank, e.call, e.currency, o.state ORDER BY e.rank, e.currency, o.state`)
}

func (j *Journal) tallies(ctx context.Context, query string, args ...any) (list []Tally, err error) {
	defer j.named(&err)
	rows, err := j.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t Tally
		if err := rows.Scan(&t.Call, &t.Class, &t.Currency, &t.Disposition, &t.State, &t.N, &t.Value); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// RecordOf is the payment's record, when one is known.
func (j *Journal) RecordOf(ctx context.Context, source, payment string) (id string, ok bool, err error) {
	if err := j.settle(ctx); err != nil {
		return "", false, err
	}
	err = j.read.QueryRowContext(ctx, `SELECT record_id FROM op WHERE source = ? AND payment = ? AND call = 'report_payment'
		AND state IN ('confirmed', 'adopted') ORDER BY no DESC LIMIT 1`, source, payment).Scan(&id)
	if err == sql.ErrNoRows {
		return "", false, nil
	}
	return id, err == nil, err
}
