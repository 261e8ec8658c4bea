package importer

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// Leftovers are the files for the rows that were not imported, in the source's
// own shape: its columns, order, delimiter, encoding and raw cells, and five
// more columns that say why. Corrected and imported again with the same
// mapping, they are part of the same books.
//
// The rejects and held files of workbooks are workbooks. Those of text come as
// workbooks as well, for people: the text is what is to be imported again.
type Leftovers struct {
	Rejects []string // paths; more than one only when the sources differ in their columns
	Held    []string

	RejectsWorkbooks []string // beside those of a text source
	HeldWorkbooks    []string
}

// The columns that are added to a rejects or held file. An import ignores them.
var addedColumns = []string{"payrec_line", "payrec_code", "payrec_column", "payrec_message", "payrec_hint"}

// A LeftoverWriter writes the rejects and held files of one run.
type LeftoverWriter struct {
	Run     string
	Dir     string
	Dialect table.Dialect
	Files   []File
	// Sensitive names the columns whose cells are hidden; see
	// [mapping.Mapping.Sensitive].
	Sensitive []string
	Notes     iter.Seq2[Note, error]         // in the order of the rows; may be nil
	Entries   iter.Seq2[record.Entry, error] // likewise; may be nil
	// Ended says that the run sent all it could: what is still planned then
	// waits behind a refused call, and travels with it.
	Ended bool
}

// Write reads the sources once more and writes the files that are needed; an
// empty file is not made.
func (w *LeftoverWriter) Write(ctx context.Context) (Leftovers, error) {
	notes, stopNotes := pull(w.Notes)
	defer stopNotes()
	entries, stopEntries := pull(w.entryNotes())
	defer stopEntries()

	out := &leftovers{writer: w, cards: keeper{census: NewCensus(ctx, w.Files)}}
	defer out.abandon()
	for _, file := range w.Files {
		if err := w.file(ctx, file, out, notes, entries); err != nil {
			return Leftovers{}, err
		}
	}
	for _, rest := range []*queue{notes, entries} {
		if err := rest.empty(); err != nil {
			return Leftovers{}, err
		}
	}
	return out.commit()
}

func (w *LeftoverWriter) file(ctx context.Context, file File, out *leftovers, queues ...*queue) error {
	reader, err := file.Open()
	if err != nil {
		return err
	}
	defer reader.Close()
	out.nextFile(reader.Date1904())
	for {
		row, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch row.Role {
		case table.HeaderRow:
			out.header(row)
		case table.Preamble, table.Blank, table.Total:
			out.above(row)
		case table.Context:
			out.context(row)
		case table.Body:
			out.begun = true
		}
		if row.Role != table.Body {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		var first *Note
		for _, q := range queues {
			note, err := q.take(row.Pos)
			if err != nil {
				return err
			}
			if first == nil {
				first = note
			}
		}
		if first != nil {
			if err := out.row(row, *first); err != nil {
				return err
			}
		}
	}
}

// entryNotes says of each planned call that was not imported why.
func (w *LeftoverWriter) entryNotes() iter.Seq2[Note, error] {
	if w.Entries == nil {
		return nil
	}
	return func(yield func(Note, error) bool) {
		for e, err := range w.Entries {
			note := Note{File: e.File, Line: e.Line, Column: e.Param, Message: e.Message}
			switch {
			case err != nil:
			case e.Disposition == record.Held:
				note.Held, note.Code = true, "held"
				note.Message = fmt.Sprintf("%s needs the record of payment %q, which has not been reported", e.Call, e.Payment)
				note.Hint = "import the file with the payment, then run this import again"
			case contradicts(e):
				problem := conflictProblem(e)
				note.Code, note.Message, note.Hint = problem.Code, problem.Msg, problem.Hint
			case e.Disposition == record.Changed:
				note.Code = "changed"
				note.Message = fmt.Sprintf("%s was reported before with other values (%s:%d)", e.Call, e.PreviousFile, e.PreviousLine)
				note.Hint = "what was reported stays; correct it in Stripe if the new values are right"
			case e.Disposition == record.Parked:
				note.Code, note.Message = "parked", e.Reason
				note.Hint = "correct the other row, then import both"
				if e.State == record.Rejected && e.Outcome.Code == record.CodeSkipped {
					note.Hint = "payrec resolve " + e.ID + " --resend takes the decision back"
				}
			case e.State == record.Rejected:
				note.Code = "refused"
				note.Message = fmt.Sprintf("the API refused %s: %s", e.Call, e.Message)
				if e.Code != "" {
					note.Message += " (" + e.Code + ")"
				}
				note.Hint = "request " + e.RequestID
			case e.State == record.ConflictState:
				note.Code = "conflict"
				note.Message = "in conflict with the account: " + e.Message
				note.Hint = "payrec status says how to resolve " + e.ID
			case e.State == record.Planned && w.Ended:
				note.Code, note.Message = "parked", "an earlier call of the same payment was refused"
				note.Hint = "correct the other row, then import both"
			default:
				continue
			}
			if !yield(note, err) || err != nil {
				return
			}
		}
	}
}

// A queue hands out notes as their rows come by. Both are in the same order.
type queue struct {
	next func() (Note, error, bool)
	head *Note
	err  error
}

func pull(seq iter.Seq2[Note, error]) (*queue, func()) {
	if seq == nil {
		return &queue{next: func() (Note, error, bool) { return Note{}, nil, false }}, func() {}
	}
	next, stop := iter.Pull2(seq)
	q := &queue{next: next}
	q.advance()
	return q, stop
}

func (q *queue) advance() {
	note, err, ok := q.next()
	q.head, q.err = nil, err
	if ok && err == nil {
		q.head = &note
	}
}

// take returns the first note of the row at pos, if there is one, and leaves
// the others of that row behind: one line of a leftover file per row.
func (q *queue) take(pos table.Pos) (*Note, error) {
	var first *Note
	for q.head != nil && q.head.File == pos.File && q.head.Line == pos.Line {
		if first == nil {
			first = q.head
		}
		q.advance()
	}
	return first, q.err
}

// empty is an error when a note found no row: the source is not what was planned.
func (q *queue) empty() error {
	if q.err != nil {
		return q.err
	}
	if q.head != nil {
		return fmt.Errorf("%s:%d is no longer in the file: it was changed while the import ran", q.head.File, q.head.Line)
	}
	return nil
}
