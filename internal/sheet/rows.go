package sheet

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"
)

// Rows are the rows of one sheet. After the first failure nothing more is
// written, and [Rows.Next] and [Rows.End] return it.
type Rows struct {
	p      *Package
	name   string
	letter []string // names of the columns met so far, with the tag before
	style  []string // attributes of the styles met so far
	tail   []byte

	b      []byte
	row    int    // being written; 0 before the first
	number []byte // of the row, in digits
	column int    // of the next cell, from 0
	inRow  bool
	err    error

	full   chan []byte // blocks on their way to the zip
	free   chan []byte
	result chan error
	failed atomic.Bool // so that a full disk is noticed before the end
}

const (
	blockSize = 128 << 10
	blocks    = 4
)

// maxPart is how many bytes a part has at the most. Beyond it, an entry of a
// zip archive that is written in one go needs fields that Excel does not read
// in such a place.
const maxPart = 1<<32 - 1

func newRows(p *Package, name string, w io.Writer, head, tail []byte) *Rows {
	r := &Rows{p: p, name: name, tail: tail, full: make(chan []byte, blocks), free: make(chan []byte, blocks), result: make(chan error, 1)}
	for range blocks {
		r.free <- make([]byte, 0, blockSize+blockSize/4)
	}
	r.b = append(append(<-r.free, head...), "<sheetData>"...)
	go r.deflate(w)
	return r
}

// deflate writes the blocks as they come, and once something failed takes them
// without.
func (r *Rows) deflate(w io.Writer) {
	var err error
	size := 0
	for b := range r.full {
		if size += len(b); size > maxPart && err == nil {
			err = errors.New("its rows come to more than 4 GiB, which spreadsheets do not open; write fewer columns or rows, or CSV")
		}
		if err == nil {
			_, err = w.Write(b)
		}
		if err != nil {
			r.failed.Store(true)
		}
		r.free <- b[:0]
	}
	r.result <- err
}

// Next begins the next row.
func (r *Rows) Next() error { return r.NextOf(0) }

// NextOf begins the next row, with a height in points; 0 leaves it to whoever
// shows the sheet.
func (r *Rows) NextOf(height float64) error {
	r.endRow()
	switch {
	case r.err != nil:
		return r.err
	case r.failed.Load():
		return r.End()
	case r.row >= MaxRows:
		r.fail(fmt.Errorf("sheet %q: more than %d rows", r.name, MaxRows))
		return r.err
	}
	if len(r.b) >= blockSize {
		r.full <- r.b
		r.b = <-r.free
	}
	r.row++
	r.number = strconv.AppendInt(r.number[:0], int64(r.row), 10)
	r.column, r.inRow = 0, true
	r.b = append(append(append(r.b, `<row r="`...), r.number...), '"')
	if height > 0 {
		r.b = append(strconv.AppendFloat(append(r.b, ` ht="`...), height, 'f', -1, 64), `" customHeight="1"`...)
	}
	r.b = append(r.b, '>')
	return nil
}

func (r *Rows) endRow() {
	if r.inRow {
		r.b = append(r.b, "</row>"...)
		r.inRow = false
	}
}

// Skip leaves rows empty.
func (r *Rows) Skip(n int) {
	r.endRow()
	r.row += n
}

// Row is the number of the row being written, from 1.
func (r *Rows) Row() int { return r.row }

// End ends the sheet. It may be called again, to the same effect.
func (r *Rows) End() error {
	if r.p.open != r {
		return r.err
	}
	r.endRow()
	r.full <- append(append(r.b, "</sheetData>"...), r.tail...)
	r.b = nil
	close(r.full)
	if err := <-r.result; err != nil {
		r.fail(fmt.Errorf("sheet %q: %w", r.name, err))
	}
	r.p.open = nil
	return r.err
}

// fail keeps the first failure.
func (r *Rows) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// openCell writes the beginning of a cell up to its style, and goes on to the next
// column. It is false when no cell can be written.
func (r *Rows) openCell(style int) bool {
	if !r.inRow || r.err != nil || r.column >= MaxColumns || style < 0 {
		r.fail(fmt.Errorf("sheet %q: row %d, column %d: no cell can be written there", r.name, r.row, r.column+1))
		return false
	}
	for len(r.letter) <= r.column {
		r.letter = append(r.letter, `<c r="`+Letters(len(r.letter)))
	}
	for len(r.style) <= style {
		attribute := `"` // style 0 goes without saying
		if n := len(r.style); n > 0 {
			attribute = `" s="` + strconv.Itoa(n) + `"`
		}
		r.style = append(r.style, attribute)
	}
	r.b = append(append(append(r.b, r.letter[r.column]...), r.number...), r.style[style]...)
	r.column++
	return true
}

// Empty leaves a cell out.
func (r *Rows) Empty() { r.column++ }

// Blank writes a cell that has a look and nothing in it.
func (r *Rows) Blank(style int) {
	if r.openCell(style) {
		r.b = append(r.b, "/>"...)
	}
}

// Text writes a text, which is never a formula. One that is longer than
// [MaxText] is an error.
func (r *Rows) Text(style int, s string) {
	if len(s) > MaxText && units(s) > MaxText {
		r.fail(fmt.Errorf("sheet %q: row %d, column %d: a text of more than %d characters", r.name, r.row, r.column+1, MaxText))
	}
	if !r.openCell(style) {
		return
	}
	r.b = append(r.b, ` t="inlineStr"><is><t`...)
	r.b = appendText(r.b, s)
	r.b = append(r.b, `</t></is></c>`...)
}

// Int writes a whole number.
func (r *Rows) Int(style int, n int64) {
	if r.openCell(style) {
		r.b = append(strconv.AppendInt(append(r.b, `><v>`...), n, 10), `</v></c>`...)
	}
}

// Decimal writes coef / 10^scale, negative or not, in as few digits as it has.
// Spreadsheets keep 15 of them.
func (r *Rows) Decimal(style int, negative bool, coef uint64, scale int) {
	if r.openCell(style) {
		r.b = append(AppendDecimal(append(r.b, `><v>`...), negative, coef, scale), `</v></c>`...)
	}
}

// Moment writes the date and the time of day that a clock on the wall shows,
// given in Unix seconds as if it were UTC: the zone's offset is the caller's. One
// before [FirstSecond] or after [LastSecond] is written as text.
func (r *Rows) Moment(style int, seconds int64) {
	if seconds < FirstSecond || seconds > LastSecond {
		r.Text(style, time.Unix(seconds, 0).UTC().Format("2006-01-02 15:04:05"))
		return
	}
	if r.openCell(style) {
		r.b = append(appendSerial(append(r.b, `><v>`...), seconds), `</v></c>`...)
	}
}

// NumberFormula writes a formula with the number that it comes to, as decimal
// digits; "" leaves that to whoever opens the sheet.
func (r *Rows) NumberFormula(style int, formula, value string) { r.formula(style, "", formula, value) }

// TextFormula writes a formula with the text that it comes to.
func (r *Rows) TextFormula(style int, formula, value string) {
	r.formula(style, ` t="str"`, formula, value)
}

func (r *Rows) formula(style int, kind, formula, value string) {
	if !r.openCell(style) {
		return
	}
	r.b = append(append(r.b, kind...), `><f`...)
	r.b = append(appendText(r.b, formula), `</f>`...)
	if value != "" {
		r.b = append(appendText(append(r.b, `<v`...), value), `</v>`...)
	}
	r.b = append(r.b, `</c>`...)
}
