package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/record"
)

// An Account is what became of the rows of a run's files.
type Account struct {
	record.RowAccount // its Rows are as they ended when the plan was sealed
	// Called counts, by file, the rows that the run's entries came from, as the
	// journal saw them: those that the mapping emitted.
	Called map[string]int64
}

// account is that of a plan being made.
type account struct {
	given               *record.RowAccount // nil when none was
	called              map[string]int64   // by file
	file                string             // of the last entry
	line                int
	notes               []record.RowNote // waiting to be written
	firstNote, nextNote int64
}

// see counts the rows that calls come from. Calls of one row come together.
func (a *account) see(op Op) {
	if op.File == a.file && op.Line == a.line && a.called != nil {
		return
	}
	if a.called == nil {
		a.called = make(map[string]int64)
	}
	a.file, a.line = op.File, op.Line
	a.called[op.File]++
}

// Account says what became of the rows. It is kept when the plan is sealed, and
// counts then those rows as held, repeated or rejected whose calls turned out to be.
func (p *Plan) Account(a record.RowAccount) error {
	if err := p.usable(); err != nil {
		return err
	}
	p.account.given = &a
	return nil
}

// Note keeps why a row became no call. Notes come in the order of the rows, and
// are held back and written together; without an [Plan.Account] they are dropped.
func (p *Plan) Note(ctx context.Context, n record.RowNote) error {
	if err := p.usable(); err != nil {
		return err
	}
	a := &p.account
	if a.notes = append(a.notes, n); len(a.notes) < p.j.batchRows {
		return nil
	}
	return p.flushNotes(ctx)
}

// flushNotes writes the waiting notes.
func (p *Plan) flushNotes(ctx context.Context) error {
	a := &p.account
	if len(a.notes) == 0 {
		return nil
	}
	err := p.j.w.do(ctx, func(w *writer) error { return p.writeNotes(w, a.notes, a.nextNote) })
	a.nextNote += int64(len(a.notes))
	a.notes = a.notes[:0]
	if err != nil && p.err == nil {
		p.err = err
	}
	return err
}

const (
	insertNote = "INSERT INTO note (no, run, file, sheet, line, held, class, payment, op_id, currency, total, code, field, message, hint) VALUES "
	noteRow    = "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)

// writeNotes runs in the writer.
func (p *Plan) writeNotes(w *writer, notes []record.RowNote, no int64) error {
	var args []value
	for len(notes) > 0 {
		n := insertRows
		if len(notes) < n {
			n = 1
		}
		args = args[:0]
		for i := range notes[:n] {
			x := &notes[i]
			file, err := p.fileNo(w, x.File)
			if err != nil {
				return err
			}
			held, total := int64(0), ""
			if x.Held {
				held = 1
			}
			if x.Total.Currency != "" {
				total = x.Total.Text()
			}
			args = append(args, num(no), num(p.no), num(file), str(x.Sheet), num(int64(x.Line)), num(held), str(x.Class), str(x.Payment), str(x.OpID),
				str(string(x.Total.Currency)), str(total), str(x.Code), str(x.Column), str(x.Message), str(x.Hint))
			no++
		}
		if _, err := w.jobsOn.execValues(insertNote+rows(noteRow, n), args); err != nil {
			return err
		}
		notes = notes[n:]
	}
	return nil
}

// sealRows keeps the account, if one was given. It runs in the writer, when
// every entry has its disposition.
func (s *sealing) sealRows() error {
	a, w := &s.account, s.w
	if a.given == nil {
		_, err := w.exec("DELETE FROM note WHERE no >= ?", a.firstNote)
		return err
	}
	r := a.given.Rows
	if err := s.moveRows(&r); err != nil {
		return err
	}
	if err := s.writeClasses(w); err != nil {
		return err
	}
	lines, err := json.Marshal(a.given.Lines)
	if err != nil {
		return err
	}
	_, err = w.exec("INSERT INTO run_rows (run, total, emitted, attached, ignored, held, rejected, lines, first_note, last_note) VALUES (?,?,?,?,?,?,?,?,?,?)",
		s.no, r.Total, r.Emitted, r.Attached, r.Ignored, r.Held, r.Rejected, string(lines), a.firstNote, a.nextNote-1)
	return err
}

// writeClasses runs in the writer.
func (p *Plan) writeClasses(w *writer) error {
	for i, c := range p.account.given.Classes {
		var total any
		if c.Summed {
			total = c.Total.Text()
		}
		_, err := w.exec("INSERT INTO run_class (run, n, file, class, disposition, reason, rows, currency, total) VALUES (?,?,?,?,?,?,?,?,?)",
			p.no, i, c.File, c.Class, c.Disposition, c.Reason, c.N, string(c.Total.Currency), total)
		if err != nil {
			return err
		}
	}
	for file, n := range p.account.called {
		if _, err := w.exec("INSERT INTO run_called (run, file, rows) VALUES (?,?,?)", p.no, file, n); err != nil {
			return err
		}
	}
	return nil
}

// moveRows takes emitted rows to where their calls ended: contradicted ones are
// rejected, those that wait for their payment are held, and what repeats an
// earlier row whole is attached to it.
func (s *sealing) moveRows(r *record.Rows) error {
	some, err := s.any("i.disposition IN ('held', 'conflict', 'duplicate')")
	if err != nil || !some {
		return err
	}
	var contradicted, held, repeated int64
	if err := s.w.row(movedRows, []any{s.first, s.last}, &contradicted, &held, &repeated); err != nil {
		return err
	}
	r.Emitted -= contradicted + held + repeated
	r.Rejected += contradicted
	r.Held += held
	r.Attached += repeated
	return nil
}

// movedRows counts rows by the worst that became of their calls. A call that was
// in conflict before is a person's to decide, and contradicts no row.
const movedRows = `
SELECT coalesce(sum(contradicted), 0), coalesce(sum(held AND NOT contradicted), 0),
	coalesce(sum(repeated AND NOT other AND NOT held AND NOT contradicted), 0)
FROM (
	SELECT max(contradicts) AS contradicted, max(disposition = 'held') AS held, max(disposition = 'duplicate') AS repeated,
		max(disposition NOT IN ('held', 'duplicate') AND NOT contradicts) AS other
	FROM (
		SELECT e.file, e.line, i.disposition, i.disposition = 'conflict' AND coalesce(o.state, '') <> 'conflict' AS contradicts
		FROM item i JOIN entry e ON e.no = i.no LEFT JOIN op o ON o.no = i.op WHERE i.no BETWEEN ?1 AND ?2
	) GROUP BY file, line
)`

// accountOf is what was kept of a run's rows, nil when nothing was.
func (j *Journal) accountOf(ctx context.Context, r *RunStatus) (*Account, error) {
	a := &Account{Called: map[string]int64{}}
	var lines string
	rows, err := j.query(ctx, "SELECT total, emitted, attached, ignored, held, rejected, lines FROM run_rows WHERE run = ?", r.no)
	if err != nil {
		return nil, err
	}
	kept := rows.Next()
	if kept {
		err = rows.Scan(&a.Total, &a.Emitted, &a.Attached, &a.Ignored, &a.Held, &a.Rejected, &lines)
	}
	if err = errors.Join(err, rows.Err(), rows.Close()); err != nil || !kept {
		return nil, err
	}
	if err := json.Unmarshal([]byte(lines), &a.Lines); err != nil {
		return nil, fmt.Errorf("run %s: its account of rows cannot be read: %w", r.ID, err)
	}
	if err := j.readClasses(ctx, r, a); err != nil {
		return nil, err
	}
	called, err := j.query(ctx, "SELECT file, rows FROM run_called WHERE run = ?", r.no)
	if err != nil {
		return nil, err
	}
	defer called.Close()
	for called.Next() {
		var file string
		var n int64
		if err := called.Scan(&file, &n); err != nil {
			return nil, err
		}
		a.Called[file] = n
	}
	return a, called.Err()
}

func (j *Journal) readClasses(ctx context.Context, r *RunStatus, a *Account) error {
	rows, err := j.query(ctx, "SELECT file, class, disposition, reason, rows, currency, total FROM run_class WHERE run = ? ORDER BY n", r.no)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c record.RowClass
		var total sql.NullString
		if err := rows.Scan(&c.File, &c.Class, &c.Disposition, &c.Reason, &c.N, &c.Total.Currency, &total); err != nil {
			return err
		}
		if c.Summed = total.Valid; c.Summed {
			if c.Total.Amount, err = decimal.Parse(total.String); err != nil {
				return fmt.Errorf("run %s: the total %q of its class %q cannot be read: %w", r.ID, total.String, c.Class, err)
			}
		}
		a.Classes = append(a.Classes, c)
	}
	return rows.Err()
}

// A Note is why a row of a run became no call.
type Note struct {
	record.RowNote
	// Over says that the row is not open any more: a later run has the call that
	// it was to become, or noted it anew. A row whose call is not known was noted
	// anew when a later run noted one of the same source, payment and class in a
	// file of the same name.
	Over bool
}

// Notes iterates over the notes of a run, in the order of its rows.
func (j *Journal) Notes(ctx context.Context, run string) iter.Seq2[Note, error] {
	return func(yield func(Note, error) bool) {
		r, err := j.settledRun(ctx, run)
		var from, last int64
		if err == nil {
			from, last, err = j.noteRange(ctx, r)
		}
		if err != nil {
			yield(Note{}, err)
			return
		}
		for from <= last {
			page, err := j.notes(ctx, r, from, last)
			if err != nil {
				yield(Note{}, err)
				return
			}
			for _, n := range page {
				if !yield(n, nil) {
					return
				}
			}
			from += entryPage
		}
	}
}

func (j *Journal) noteRange(ctx context.Context, r RunStatus) (first, last int64, err error) {
	err = j.read.QueryRowContext(ctx, "SELECT first_note, last_note FROM run_rows WHERE run = ?", r.no).Scan(&first, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, -1, nil
	}
	return first, last, err
}

// notes reads one page. ?1 and ?2 are its first and last note, ?3 and ?4 the
// run and its last entry.
func (j *Journal) notes(ctx context.Context, r RunStatus, from, last int64) (page []Note, err error) {
	defer j.named(&err)
	rows, err := j.query(ctx, `
		SELECT f.name, n.sheet, n.line, n.held, n.class, n.payment, n.op_id, n.currency, n.total, n.code, n.field, n.message, n.hint, CASE
			WHEN n.op_id <> '' THEN
				EXISTS (SELECT 1 FROM op o WHERE o.id = n.op_id AND o.no > ?4 AND `+sealed+`)
				OR EXISTS (SELECT 1 FROM op o JOIN item i ON i.op = o.no AND i.op < i.no WHERE o.id = n.op_id AND i.no > ?4)
				OR EXISTS (SELECT 1 FROM note m WHERE m.op_id = n.op_id AND m.op_id <> '' AND m.run > ?3 AND `+planned+`)
			WHEN n.payment <> '' THEN
				EXISTS (SELECT 1 FROM note m WHERE m.payment = n.payment AND m.op_id = '' AND m.payment <> '' AND m.run > ?3 AND m.class = n.class AND m.file = n.file
					AND `+planned+` AND (SELECT source FROM run WHERE no = m.run) = (SELECT source FROM run WHERE no = ?3))
			ELSE 0 END
		FROM note n JOIN file f ON f.no = n.file WHERE n.no BETWEEN ?1 AND ?2 ORDER BY n.no`, from, min(last, from+entryPage-1), r.no, r.last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n Note
		var total string
		if err := rows.Scan(&n.File, &n.Sheet, &n.Line, &n.Held, &n.Class, &n.Payment, &n.OpID, &n.Total.Currency, &total, &n.Code, &n.Column, &n.Message, &n.Hint, &n.Over); err != nil {
			return nil, err
		}
		if total != "" {
			if n.Total.Amount, err = decimal.Parse(total); err != nil {
				return nil, fmt.Errorf("run %s: the total %q of %s:%d cannot be read: %w", r.ID, total, n.File, n.Line, err)
			}
		}
		page = append(page, n)
	}
	return page, rows.Err()
}

// planned says that the run of note m was sealed.
const planned = "EXISTS (SELECT 1 FROM run_rows WHERE run = m.run)"
