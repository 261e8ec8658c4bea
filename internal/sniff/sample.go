package sniff

import (
	"io"
	"slices"

	"github.com/payrec/payrec/internal/table"
)

// Bounds of the sample and of counting. A file is looked at, not imported:
// however large or hostile it is, this is all the memory and time it gets.
const (
	sampleRows  = 10_000
	sampleBytes = 8 << 20
	sampleCells = 1 << 20
	countBytes  = 64 << 20
)

// A row is one row of the sample, with slices of its own.
type row struct {
	line    int
	cells   []string
	numeric []bool // of a workbook: parallel to cells; else nil
}

func keep(r *table.Row) row {
	own := row{line: r.Pos.Line, cells: slices.Clone(r.Cells)}
	for i := range own.cells {
		if r.IsNumber(i) {
			if own.numeric == nil {
				own.numeric = make([]bool, len(own.cells))
			}
			own.numeric[i] = true
		}
	}
	return own
}

// A sample is the first rows that are not blank, and the reader behind them.
type sample struct {
	r           *table.Reader
	xlsx        bool
	rows        []row
	bytes       int
	ended       bool  // the sample is the whole file
	err         error // what broke the reading off, if it was not the end
	bad         int64 // rows that have an error of their own
	firstBad    error
	firstFilled int // line of the first row that is not blank
	header      int // index in rows, or -1
}

func newSample(r *table.Reader) *sample {
	s := &sample{r: r, xlsx: r.Dialect().Format == table.XLSX, header: -1}
	cells := 0
	for len(s.rows) < sampleRows && s.bytes < sampleBytes && cells < sampleCells {
		next := s.next()
		if next == nil {
			break
		}
		if next.Role == table.Blank {
			continue
		}
		if s.firstFilled == 0 {
			s.firstFilled = next.Pos.Line
		}
		cells += len(next.Cells)
		s.rows = append(s.rows, keep(next))
	}
	return s
}

// next is the reader's next row, or nil once the file has ended or broken off.
func (s *sample) next() *table.Row {
	if s.ended || s.err != nil {
		return nil
	}
	next, err := s.r.Next()
	if err == io.EOF {
		s.ended = true
		return nil
	}
	if err != nil {
		s.err = err
		return nil
	}
	if next.Err != nil {
		if s.bad++; s.firstBad == nil {
			s.firstBad = next.Err
		}
	}
	s.bytes++
	for _, c := range next.Cells {
		s.bytes += len(c) + 1
	}
	return next
}

// count makes the columns: guesses from the sample, counts from there on too.
func (f *Finding) count(s *sample) {
	b := f.newBody(s)
	for _, r := range s.rows {
		b.see(r, true)
	}
	sampled := s.ended
	for s.bytes < countBytes {
		next := s.next()
		if next == nil {
			break
		}
		if next.Role != table.Blank {
			b.see(row{line: next.Pos.Line, cells: next.Cells}, false)
		}
	}
	f.Complete = s.ended
	f.Rows = b.rows
	for i, c := range b.columns {
		col := c.finish(i, s.xlsx, b.rows)
		col.DistinctAtLeast = col.DistinctAtLeast || !sampled
		if col.Name != "" || col.Filled > 0 {
			f.Columns = append(f.Columns, col)
		}
	}
	f.Decimal = b.decimal()
	if b.long {
		f.dialect.Ragged = table.RaggedAllow
	}
	if nothing := b.nothing(); nothing > 0 {
		f.note("columns in which --, / or the like stand for empty cells: %d", nothing)
	}
	f.summarise(s, b)
}

// summarise notes what the rows showed besides.
func (f *Finding) summarise(s *sample, b *body) {
	if s.err != nil {
		f.note("reading broke off: %s", s.err)
	} else if !s.ended {
		f.note("only the beginning was counted: there are more rows")
	}
	if s.bad > 0 {
		f.note("rows that cannot be read as they should: %d; the first: %s", s.bad, s.firstBad)
	}
	if s.header > 0 && f.Kinds == nil {
		f.note("rows before the header: %d", s.header)
	}
	if b.odd > 0 && f.Kinds == nil {
		f.note("rows of another width below the header, not counted: %d; the first is at line %d", b.odd, b.firstOdd)
	}
	if b.repeats > 0 {
		f.note("the header stands in the file again, first at line %d", b.firstRepeat)
	}
}
