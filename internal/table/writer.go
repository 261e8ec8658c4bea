package table

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A Writer writes rows as delimited text, each ended by LF: what a Reader of
// the same dialect reads back cell for cell, invalid UTF-8 included. It quotes
// where it must, and does not guard: see [Guard].
type Writer struct {
	w       *bufio.Writer
	d       Dialect
	charset charset
	delim   string
	row     []byte
	line    int   // of the next row, for errors
	begun   bool  // something that is not blank has been written
	err     error // sticky
}

// NewWriter writes to w in the dialect's delimiter, quote, encoding, and byte
// order mark. A dialect that cannot be written is an error of the first Write.
func NewWriter(w io.Writer, d Dialect) *Writer {
	wr := &Writer{w: bufio.NewWriterSize(w, 64<<10), d: d, line: 1}
	err := wr.d.check()
	if err == nil && wr.d.Format != CSV {
		err = &fault{cell: -1, msg: fmt.Sprintf("only CSV is written here, not %s", d.Format)}
	}
	if err == nil {
		wr.charset, err = lookupCharset(d.Encoding)
	}
	if err != nil {
		wr.err = openError("output", err)
		return wr
	}
	wr.delim = string(wr.d.Delimiter)
	return wr
}

// Write writes one row. No cells make an empty line. A cell that the dialect
// cannot hold (a delimiter where nothing can be quoted, a letter that the
// encoding lacks) is an *[Error]; nothing of its row is written.
func (w *Writer) Write(cells []string) error {
	if w.err != nil {
		return w.err
	}
	w.row = w.row[:0]
	for i, c := range cells {
		if i > 0 {
			w.row = append(w.row, w.delim...)
		}
		quote := w.mustQuote(c) || len(cells) == 1 && c == "" || i == 0 && !w.begun && w.misleads(c)
		if quote && w.d.Quote == NoQuote {
			return w.cellError(i, c, "cannot be written without quotes", "choose a dialect with a quote")
		}
		w.row = w.appendCell(w.row, c, quote)
	}
	w.row = append(w.row, '\n')
	out, err := w.encode(cells)
	if err != nil {
		return err
	}
	if w.line == 1 && w.d.BOM {
		w.writeMark()
	}
	w.begun = w.begun || len(bytes.TrimSpace(w.row)) > 0
	w.line++
	if _, err := w.w.Write(out); err != nil {
		w.err = err
	}
	return w.err
}

// mustQuote says whether a cell holds what would end it, or open a quote.
func (w *Writer) mustQuote(c string) bool {
	if strings.Contains(c, w.delim) || strings.ContainsAny(c, "\r\n") {
		return true
	}
	return w.d.Quote != NoQuote && strings.IndexByte(c, byte(w.d.Quote)) >= 0
}

// misleads says whether a file that begins with this cell would be taken for
// something else than text, or lose a byte order mark that is the cell's.
func (w *Writer) misleads(c string) bool {
	k, _ := identify([]byte(c))
	mark, _ := markOf([]byte(c))
	return k != kindText || mark != ""
}

func (w *Writer) appendCell(to []byte, c string, quote bool) []byte {
	if !quote {
		return append(to, c...)
	}
	q := byte(w.d.Quote)
	to = append(to, q)
	for i := 0; i < len(c); i++ {
		if c[i] == q {
			to = append(to, q)
		}
		to = append(to, c[i])
	}
	return append(to, q)
}

// encode is the row in the writer's encoding.
func (w *Writer) encode(cells []string) ([]byte, error) {
	if w.charset.enc == nil {
		return w.row, nil
	}
	out, err := w.charset.enc.NewEncoder().Bytes(w.row)
	if err == nil && utf8.Valid(w.row) {
		return out, nil
	}
	for i, c := range cells {
		if _, err := w.charset.enc.NewEncoder().String(c); err != nil || !utf8.ValidString(c) {
			return nil, w.cellError(i, c, "cannot be written in "+w.charset.name, "choose encoding: utf-8")
		}
	}
	return nil, w.cellError(-1, "", "cannot be written in "+w.charset.name, "choose encoding: utf-8")
}

func (w *Writer) cellError(i int, value, msg, hint string) error {
	e := &Error{Pos: Pos{File: "output", Line: w.line}, Value: cut(value), Msg: msg, Hint: hint}
	if i >= 0 {
		e.Column = columnName(nil, i)
	}
	return e
}

// writeMark writes the byte order mark that the encoding has, if it has one.
func (w *Writer) writeMark() {
	for _, m := range marks {
		if m.proof.name == w.charset.name || w.charset.name == "utf-16" && m.proof.name == "utf-16le" {
			w.w.WriteString(m.mark) // an error sticks in the bufio.Writer
		}
	}
}

// Flush hands everything on to the underlying writer.
func (w *Writer) Flush() error {
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.err
}
