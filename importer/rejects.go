package importer

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// Leftovers are the files for the rows that were not imported, in the source's
// own shape: its columns, order, delimiter, encoding and raw cells, and five
// more columns that say why. Corrected and imported again with the same
// mapping, they are part of the same books.
type Leftovers struct {
	Rejects []string // paths; more than one only when the sources differ in their columns
	Held    []string
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

	out := &leftovers{writer: w}
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
	out.nextFile()
	for {
		row, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if row.Role == table.HeaderRow {
			out.header(row)
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

// leftovers collects the lines of the files in temporary files beside them.
type leftovers struct {
	writer *LeftoverWriter
	head   []string // cells of the header row in force, nil without header
	hidden []int    // indexes of sensitive cells
	parts  []*leftoverPart
}

// A leftoverPart is one file: rejects or held, of sources with equal columns.
type leftoverPart struct {
	held   bool
	header []string
	spool  *os.File
	out    *table.Writer
}

func (l *leftovers) nextFile() { l.head, l.hidden = nil, nil }

func (l *leftovers) header(row *table.Row) {
	l.head, l.hidden = append([]string(nil), row.Cells...), nil
	columns := table.NewColumns(l.head)
	for _, name := range l.writer.Sensitive {
		for nth := 1; ; nth++ {
			i := columns.Index(name, nth)
			if i < 0 {
				break
			}
			l.hidden = append(l.hidden, i)
		}
	}
}

func (l *leftovers) row(row *table.Row, note Note) error {
	part, err := l.part(note.Held)
	if err != nil {
		return err
	}
	cells := make([]string, 0, len(row.Cells)+len(addedColumns))
	for _, cell := range row.Cells {
		cells = append(cells, table.Guard(cell))
	}
	for _, i := range l.hidden {
		if i < len(cells) && cells[i] != "" {
			cells[i] = "(hidden)"
		}
	}
	for len(cells) < len(part.header) {
		cells = append(cells, "") // a ragged row must not shift the added columns
	}
	line := fmt.Sprintf("%s:%d", row.Pos.File, row.Pos.Line)
	for _, text := range []string{line, note.Code, note.Column, note.Message, note.Hint} {
		cells = append(cells, table.Guard(text))
	}
	return part.out.Write(cells)
}

func (l *leftovers) part(held bool) (*leftoverPart, error) {
	for _, p := range l.parts {
		if p.held == held && equal(p.header, l.head) {
			return p, nil
		}
	}
	spool, err := os.CreateTemp("", "payrec-leftovers-*")
	if err != nil {
		return nil, err
	}
	p := &leftoverPart{held: held, header: l.head, spool: spool, out: table.NewWriter(spool, l.writer.Dialect)}
	l.parts = append(l.parts, p)
	if l.head == nil {
		return p, nil
	}
	return p, p.out.Write(append(append([]string(nil), l.head...), addedColumns...))
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// commit moves the finished files to where they belong, whole or not at all.
func (l *leftovers) commit() (Leftovers, error) {
	var done Leftovers
	for _, p := range l.parts {
		if err := p.out.Flush(); err != nil {
			return done, err
		}
		kind, list := "rejects", &done.Rejects
		if p.held {
			kind, list = "held", &done.Held
		}
		name := l.writer.Run + "-" + kind
		if n := len(*list); n > 0 {
			name += "-" + strconv.Itoa(n+1)
		}
		path := filepath.Join(l.writer.Dir, name+".csv")
		if err := os.MkdirAll(l.writer.Dir, 0o755); err != nil {
			return done, err
		}
		err := table.WriteFile(path, func(w io.Writer) error {
			if _, err := p.spool.Seek(0, io.SeekStart); err != nil {
				return err
			}
			_, err := io.Copy(w, p.spool)
			return err
		})
		if err != nil {
			return done, err
		}
		*list = append(*list, path)
	}
	return done, nil
}

func (l *leftovers) abandon() {
	for _, p := range l.parts {
		p.spool.Close()
		os.Remove(p.spool.Name())
	}
}
