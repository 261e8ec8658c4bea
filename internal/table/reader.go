package table

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// A Reader gives the rows of one file, in order. It is not safe for concurrent use.
type Reader struct {
	name     string
	d        Dialect // with its defaults
	src      source
	closers  []io.Closer
	sheet    string
	date1904 bool

	line   line
	row    Row
	err    error // sticky: what Next ended with
	queued []Row // read ahead, for a footer of so many rows; each owns its slices
	ahead  int   // rows in queued that are not blank
	done   error // what the source ended with, while rows are queued

	frames *frames
	stack  *stack
	finder *finder
	header *Columns
	begun  bool // a header or body row has been seen
	ended  bool // the body has ended
}

// prepare takes the dialect.
func (r *Reader) prepare(d Dialect) error {
	if err := d.check(); err != nil {
		return err
	}
	r.d = d
	if d.Records != nil {
		r.frames = newFrames(*d.Records)
	}
	switch {
	case len(d.Tables) > 0:
		r.stack = newStack(d)
	case !d.Header.None && (r.frames == nil || len(d.Header.Find) > 0):
		r.finder = newFinder(d)
	}
	return nil
}

// Sheet is the name of the sheet that is read; empty for text.
func (r *Reader) Sheet() string { return r.sheet }

// Date1904 says whether the workbook's serial dates count from 1904-01-01
// rather than from 1900.
func (r *Reader) Date1904() bool { return r.date1904 }

// Dialect is the dialect with its defaults filled in, and the encoding and
// byte order mark that the file has: a Writer of this dialect writes likewise.
func (r *Reader) Dialect() Dialect { return r.d }

// Close frees what the Reader holds. It need not be read to its end.
func (r *Reader) Close() error {
	var errs []error
	for i := len(r.closers) - 1; i >= 0; i-- {
		errs = append(errs, r.closers[i].Close())
	}
	r.closers = nil
	if r.err == nil {
		r.err = &Error{Pos: Pos{File: r.name}, Msg: "the reader is closed"}
	}
	return errors.Join(errs...)
}

// Next is the next row; io.EOF after the last. Any other error is an *[Error]
// and final. The row is valid until the next call.
func (r *Reader) Next() (*Row, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.d.Footer.Rows > 0 {
		return r.nextQueued()
	}
	if err := r.read(); err != nil {
		r.err = err
		return nil, err
	}
	return &r.row, nil
}

// read takes the next line and gives it its role, in r.row.
func (r *Reader) read() error {
	if err := r.src.next(&r.line); err != nil {
		return r.final(err)
	}
	l := &r.line
	r.row = Row{
		Pos: Pos{File: r.name, Sheet: r.sheet, Line: l.at}, Lines: l.span,
		Cells: l.cells, numeric: l.numeric, Header: r.header,
	}
	if err := r.classify(); err != nil {
		return r.final(err)
	}
	if l.err != nil {
		r.row.Err = r.place(l.err)
	}
	return nil
}

// final is the error that ends the reading. A header that never came is one.
func (r *Reader) final(err error) error {
	if err == io.EOF {
		switch {
		case r.stack != nil && !r.stack.found:
			err = r.stack.missing()
		case r.finder == nil || r.header != nil || r.frames != nil:
			return io.EOF
		default:
			err = r.finder.missing()
		}
	}
	f := damaged(err)
	if f.at == 0 && f.cause != nil { // it broke off behind the last line that was read
		f.at = r.line.at + r.line.span
	}
	return r.place(f)
}

// place makes an *Error of a fault.
func (r *Reader) place(f *fault) *Error {
	e := &Error{Pos: Pos{r.name, r.sheet, f.at}, Value: cut(f.value), Msg: f.msg, Hint: f.hint, err: f.cause}
	if f.cell >= 0 {
		e.Column = columnName(r.row.Header, f.cell)
	}
	return e
}

// columnName names a cell for people.
func columnName(c *Columns, cell int) string {
	if c != nil && cell < len(c.names) {
		if name := trim(c.names[cell]); name != "" {
			return name
		}
	}
	return "column " + strconv.Itoa(cell+1)
}

// classify gives the row its role.
func (r *Reader) classify() error {
	row := &r.row
	if blank(row.Cells) {
		row.Role = Blank
		r.ended = r.ended || r.begun && r.d.Footer.Blank
		if r.stack != nil {
			r.stack.blank()
		}
		if r.finder != nil && r.header == nil && r.frames == nil {
			return r.finder.passed(row)
		}
		return nil
	}
	if r.atFooter() {
		r.ended = true
	}
	switch {
	case r.ended:
		row.Role = FooterRow
	case r.atHeading():
		row.Role = Context
		return nil
	case r.stack != nil:
		r.classifyStacked()
	case r.frames != nil:
		r.classifyFramed()
	case r.d.Header.None:
		row.Role = Body
	case r.finder.isHeader(row, r.header):
		r.newHeader()
	case r.header == nil:
		row.Role = Preamble
		return r.finder.passed(row)
	default:
		row.Role = Body
	}
	r.begun = r.begun || row.Role == Body || row.Role == HeaderRow
	if row.Role == Body {
		r.shape()
	}
	if r.header != nil && r.header.rejects && row.Role != HeaderRow {
		for i, c := range row.Cells {
			row.Cells[i] = Unguard(c)
		}
	}
	return nil
}

// atFooter says whether the body ends before this row. A framed file has no
// header to wait for; any other has a body only behind its header.
func (r *Reader) atFooter() bool {
	if r.ended || r.d.Footer.From == "" || r.header == nil && !r.d.Header.None && r.frames == nil {
		return false
	}
	return glob(r.d.Footer.From, firstText(r.row.Cells))
}

// atHeading says whether the row only says something about those below it.
func (r *Reader) atHeading() bool {
	if len(r.d.Headings) == 0 {
		return false
	}
	first := firstText(r.row.Cells)
	return slices.ContainsFunc(r.d.Headings, func(g string) bool { return glob(g, first) })
}

// firstText is the first cell that is not blank, without blanks around it.
func firstText(cells []string) string {
	for _, c := range cells {
		if t := trim(c); t != "" {
			return t
		}
	}
	return ""
}

// newHeader puts the row's names in force. The same names again, as where
// files were joined, leave the header as it is.
func (r *Reader) newHeader() {
	row := &r.row
	row.Role = HeaderRow
	if r.header == nil || !sameNames(r.header.names, row.Cells) {
		c := NewColumns(row.Cells)
		if c.rejects {
			names := c.Names()
			for i, n := range names {
				names[i] = Unguard(n)
			}
			c = NewColumns(names)
		}
		r.header = c
	}
	row.Header = r.header
}

func sameNames(a, b []string) bool {
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

// shape holds a body row against its header's width.
func (r *Reader) shape() {
	row, c := &r.row, r.row.Header
	if c == nil || r.d.Ragged == RaggedAllow {
		return
	}
	want, have := len(c.names), len(row.Cells)
	if r.d.Format == XLSX {
		// A sheet has no row ends: what is not in the file is empty, and so is
		// what only has a format.
		for have > want && row.Cells[have-1] == "" {
			have--
		}
		row.Cells = row.Cells[:have]
	}
	if have < want && (r.d.Ragged == RaggedPad || r.d.Format == XLSX) {
		for ; have < want; have++ {
			row.Cells = append(row.Cells, "")
		}
		r.keep(row.Cells)
	}
	if have > want || have < c.named {
		hint := "a delimiter or a quote in a text may be the cause; say ragged: pad or allow if rows may differ"
		if r.d.Format == XLSX {
			hint = "cells stand to the right of the header's last name; name their columns, or say ragged: allow"
		}
		if r.line.cut && have < want {
			hint = "it is the last one and has no line end: the file may be cut short; fetch it again"
		}
		r.spoil(&fault{at: row.Pos.Line, cell: -1, msg: fmt.Sprintf("row has %s where its header has %d", count(have), want), hint: hint})
	}
}

// count is "1 cell", "2 cells".
func count(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

// keep lets the source reuse a slice of cells that had to grow.
func (r *Reader) keep(cells []string) {
	if s, ok := r.src.(*scanner); ok {
		s.cells = cells
	}
}

// spoil makes f the row's error unless the row has one.
func (r *Reader) spoil(f *fault) {
	if r.line.err == nil && r.row.Err == nil {
		e := r.place(f)
		e.ofBody = true
		r.row.Err = e
	}
}

// maxLookAhead bounds the rows that a footer can take back, and the blank rows
// among them.
const maxLookAhead = 1 << 16

// nextQueued is Next with a look-ahead: a row is given out once so many
// others follow it that it cannot be in the footer.
func (r *Reader) nextQueued() (*Row, error) {
	for r.done == nil && r.ahead <= r.d.Footer.Rows {
		if len(r.queued) > maxLookAhead+r.d.Footer.Rows {
			r.done = r.place(&fault{at: r.row.Pos.Line, cell: -1, msg: "too many blank rows before the footer", hint: "say where the footer is by its text instead (footer: from)"})
			break
		}
		if err := r.read(); err != nil {
			r.done = err
			break
		}
		row := r.row
		row.Cells = append([]string(nil), row.Cells...)
		row.numeric = append([]bool(nil), row.numeric...)
		r.queued = append(r.queued, row)
		if row.Role != Blank {
			r.ahead++
		}
	}
	if len(r.queued) == 0 {
		r.err = r.done
		return nil, r.done
	}
	r.row = r.queued[0]
	r.queued = r.queued[1:]
	if r.row.Role != Blank {
		r.ahead--
		// Only what the body would have had can be its footer.
		if r.done == io.EOF && r.ahead < r.d.Footer.Rows && r.row.Role != Preamble && r.row.Role != HeaderRow {
			r.row.Role, r.row.Kind = FooterRow, ""
			r.forgetShape()
		}
	}
	return &r.row, nil
}

// forgetShape takes back an error that only a body row has: a footer is free
// in its width and kinds.
func (r *Reader) forgetShape() {
	if e, ok := r.row.Err.(*Error); ok && e.ofBody {
		r.row.Err = nil
	}
}
