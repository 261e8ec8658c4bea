package importer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/payrec/payrec/internal/cardnumber"
	"github.com/payrec/payrec/internal/nameless"
	"github.com/payrec/payrec/internal/table"
)

// leftovers collects the lines of the files in temporary files.
type leftovers struct {
	writer  *LeftoverWriter
	source  leftoverSource // of the rows that come now
	begun   bool           // the rows have begun
	headRow leftoverRow    // the last header
	hidden  []int          // indexes of sensitive cells
	cards   keeper         // keeps card data out
	added   int            // cells at a row's end that payrec added to the source before
	parts   []*leftoverPart
}

// A leftoverSource is what rows must have in common to stand in one file.
type leftoverSource struct {
	head     []string      // cells of the header row in force, nil without header
	headLine int           // where that stands
	above    []leftoverRow // what stands above the first header
	sheet    string        // of a workbook
	date1904 bool
}

// A leftoverRow is one row as the source has it.
type leftoverRow struct {
	line    int
	kind    string // of a row that lends values to those below it
	cells   []string
	numbers []bool // of a workbook: which cells are numeric; shorter when no more are
}

func (s leftoverSource) equal(o leftoverSource) bool {
	return s.sheet == o.sheet && s.date1904 == o.date1904 && slices.Equal(s.head, o.head) &&
		slices.EqualFunc(s.above, o.above, func(a, b leftoverRow) bool { return a.line == b.line && slices.Equal(a.cells, b.cells) })
}

// mostAbove bounds what is kept of the rows above a header; a mapping looks for
// its header no further.
const mostAbove = 200

// A leftoverPart is one file: rejects or held, of sources that are alike.
type leftoverPart struct {
	held   bool
	framed bool // the mapping, not a header, names the cells
	source leftoverSource
	spool  *nameless.File // of a text source; nil otherwise
	out    *table.Writer  // into spool
	books  []*leftoverBook
}

func (l *leftovers) nextFile(date1904 bool) {
	l.source, l.begun, l.hidden = leftoverSource{date1904: date1904}, false, nil
	l.added, l.headRow = 0, leftoverRow{}
}

// above keeps a row from above the header: a mapping may read it, or count the
// rows down to the header.
func (l *leftovers) above(row *table.Row) {
	if !l.begun && len(l.source.above) < mostAbove {
		l.source.above = append(l.source.above, masked(keep(row)))
	}
}

// context keeps a row that lends values to those below it. One that comes
// between the rows takes the place of the one of its kind, and what follows
// stands in a file of its own.
func (l *leftovers) context(row *table.Row) {
	r := masked(keep(row))
	r.kind = row.Kind
	at := slices.IndexFunc(l.source.above, func(o leftoverRow) bool { return r.kind != "" && o.kind == r.kind })
	switch {
	case !l.begun:
		l.above(row)
		if n := len(l.source.above); n > 0 {
			l.source.above[n-1].kind = r.kind
		}
	case at < 0:
		l.source.above = append(l.source.above[:len(l.source.above):len(l.source.above)], r)
	case !slices.Equal(l.source.above[at].cells, r.cells):
		l.source.above = slices.Clone(l.source.above)
		r.line = l.source.above[at].line
		l.source.above[at] = r
	}
}

// masked is the row without the card numbers that stand in it.
func masked(r leftoverRow) leftoverRow {
	for i, cell := range r.cells {
		if cardnumber.Contains(cell) {
			r.set(i, cardnumber.Mask(cell))
		}
	}
	return r
}

func keep(row *table.Row) leftoverRow {
	r := leftoverRow{line: row.Pos.Line, cells: slices.Clone(row.Cells)}
	for i := range row.Cells {
		if row.IsNumber(i) {
			r.numbers = append(r.numbers, make([]bool, i+1-len(r.numbers))...)
			r.numbers[i] = true
		}
	}
	return r
}

func (l *leftovers) header(row *table.Row) {
	if !l.begun && l.source.head != nil { // of a table above
		l.source.above = append(l.source.above, l.headRow)
		slices.SortStableFunc(l.source.above, func(a, b leftoverRow) int { return cmp.Compare(a.line, b.line) })
	}
	l.headRow = keep(row)
	l.source.head, l.added = slices.Clone(row.Cells), 0
	for i, name := range l.source.head {
		l.source.head[i] = cardnumber.Mask(name) // where a file has no header, its first row is taken for one
	}
	if n := len(row.Cells) - len(addedColumns); n >= 0 && slices.Equal(row.Cells[n:], addedColumns) {
		l.source.head, l.added = l.source.head[:n:n], len(addedColumns) // a rejects file itself: they are made anew
	}
	if !l.begun {
		l.source.headLine = row.Pos.Line
	}
	l.hidden = nil
	columns := table.NewColumns(l.source.head)
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

// row writes one row with what is to be said of it.
func (l *leftovers) row(row *table.Row, note Note) error {
	if l.workbooks() {
		l.source.sheet = row.Pos.Sheet
	}
	part, err := l.part(note.Held)
	if err != nil {
		return err
	}
	r := keep(row)
	own := len(part.source.head)
	if part.marked() && row.Header != nil {
		if own = row.Header.Len(); row.Header.FromRejects() {
			own -= len(addedColumns)
			l.added = len(addedColumns)
		}
	}
	if l.added > 0 {
		r.cells = r.cells[:min(len(r.cells), own)]
	}
	masked, err := l.cards.clean(row, &r)
	if err != nil {
		return err
	}
	for i, cell := range r.cells {
		r.cells[i] = table.Guard(cell) // numbers stay as they are
	}
	for _, i := range l.hidden {
		if i < len(r.cells) && r.cells[i] != "" {
			r.cells[i] = "(hidden)"
			if i < len(r.numbers) {
				r.numbers[i] = false
			}
		}
	}
	for len(r.cells) < own {
		r.cells = append(r.cells, "") // a ragged row must not shift the added columns
	}
	line := fmt.Sprintf("%s:%d", row.Pos.File, row.Pos.Line)
	for _, text := range []string{line, note.Code, note.Column, note.Message + masked, note.Hint} {
		r.cells = append(r.cells, table.Guard(cardnumber.Mask(text)))
	}
	if part.out != nil {
		if err := part.out.Write(r.cells); err != nil {
			return err
		}
	}
	book, err := part.book(l.writer.Dialect)
	if err != nil {
		return err
	}
	return book.add(r, note.Column)
}

// workbooks says whether the source is a workbook.
func (l *leftovers) workbooks() bool { return l.writer.Dialect.Format == table.XLSX }

func (l *leftovers) part(held bool) (*leftoverPart, error) {
	for _, p := range l.parts {
		if p.held == held && p.source.equal(l.source) {
			return p, nil
		}
	}
	p := &leftoverPart{held: held, source: l.source, framed: l.writer.Dialect.Records != nil && len(l.writer.Dialect.Records.Layouts) > 0}
	l.parts = append(l.parts, p)
	if l.workbooks() {
		return p, nil
	}
	spool, err := nameless.Create("payrec-leftovers-*")
	if err != nil {
		return nil, err
	}
	p.spool, p.out = spool, table.NewWriter(spool, l.writer.Dialect)
	if p.source.head == nil && !p.marked() {
		return p, nil
	}
	if p.marked() {
		if err := p.out.Write(addedColumns); err != nil {
			return nil, err
		}
	}
	for _, above := range p.source.above {
		cells := slices.Clone(above.cells)
		for i, cell := range cells {
			cells[i] = table.Guard(cell)
		}
		if err := p.out.Write(cells); err != nil {
			return nil, err
		}
	}
	if p.marked() {
		return p, nil
	}
	return p, p.out.Write(append(slices.Clone(p.source.head), addedColumns...))
}

// marked says whether a row of payrec's own opens the file, because no header
// can say what the added cells are.
func (p *leftoverPart) marked() bool { return p.source.head == nil && p.framed }

// book is the workbook that has room for the next row.
func (p *leftoverPart) book(d table.Dialect) (*leftoverBook, error) {
	if n := len(p.books); n > 0 && !p.books[n-1].full() {
		return p.books[n-1], nil
	}
	b, err := newLeftoverBook(p, d)
	if err != nil {
		return nil, err
	}
	p.books = append(p.books, b)
	return b, nil
}

// commit moves the finished files to where they belong, whole or not at all.
func (l *leftovers) commit() (Leftovers, error) {
	var done Leftovers
	for _, p := range l.parts {
		texts, books := &done.Rejects, &done.RejectsWorkbooks
		if p.held {
			texts, books = &done.Held, &done.HeldWorkbooks
		}
		if p.out == nil {
			books = texts
		} else if err := l.write(p.held, ".csv", texts, p.copyText); err != nil {
			return done, err
		}
		for _, b := range p.books {
			if err := l.write(p.held, ".xlsx", books, b.writeTo); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

// write makes the next file of a list.
func (l *leftovers) write(held bool, suffix string, list *[]string, write func(io.Writer) error) error {
	name := l.writer.Run + "-rejects"
	if held {
		name = l.writer.Run + "-held"
	}
	if n := len(*list); n > 0 {
		name += "-" + strconv.Itoa(n+1)
	}
	if err := os.MkdirAll(l.writer.Dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(l.writer.Dir, name+suffix)
	if err := table.WriteFile(path, write); err != nil {
		return err
	}
	*list = append(*list, path)
	return nil
}

func (p *leftoverPart) copyText(w io.Writer) error {
	if err := p.out.Flush(); err != nil {
		return err
	}
	if _, err := p.spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, p.spool)
	return err
}

// abandon drops the temporary files.
func (l *leftovers) abandon() error {
	var errs []error
	for _, p := range l.parts {
		for _, b := range p.books {
			errs = append(errs, b.f.Close())
		}
		if p.spool != nil {
			errs = append(errs, p.spool.Close())
		}
	}
	return errors.Join(errs...)
}
