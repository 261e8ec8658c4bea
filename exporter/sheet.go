package exporter

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	stream "github.com/payrec/payrec/internal/sheet"
	"github.com/payrec/payrec/record"
)

// A sheet is one sheet whose rows are written, from top to bottom.
type sheet struct {
	b     *book
	r     *stream.Rows
	clock clock
	row   int // last row written
}

// begin begins the rows of a sheet that was laid out.
func (b *book) begin(name string) (*sheet, error) {
	r, err := b.p.Rows(name)
	return &sheet{b: b, r: r}, err
}

// next begins a row.
func (s *sheet) next(r role) error {
	s.row++
	return s.r.NextOf(r.height())
}

// skip leaves rows empty.
func (s *sheet) skip(n int) {
	s.row += n
	s.r.Skip(n)
}

func (s *sheet) end() error { return s.r.End() }

// add writes one row.
func (s *sheet) add(cells []cell, columns []column, r role) error {
	if err := s.next(r); err != nil {
		return err
	}
	for i := range cells {
		zone := time.UTC
		if columns != nil && columns[i].zone != nil {
			zone = columns[i].zone
		}
		if err := s.put(&cells[i], zone, r, ""); err != nil {
			return err
		}
	}
	return nil
}

// put writes one cell: a value, or a formula with the value that it comes to.
// A figure that is text because no number cell keeps it has no formula.
func (s *sheet) put(c *cell, zone *time.Location, r role, formula string) error {
	if c.kind == kindEmpty && r == roleData {
		s.r.Empty()
		return nil
	}
	l := look{kind: c.kind, role: r}
	if c.kind == kindMoney {
		l.exponent = c.money.Currency.Exponent()
	}
	id, err := s.b.style(l)
	if err != nil {
		return err
	}
	switch c.kind {
	case kindEmpty:
		s.r.Blank(id)
	case kindText:
		if formula != "" {
			s.r.TextFormula(id, formula, c.text)
		} else {
			s.r.Text(id, fitting(c.text))
		}
	case kindMoney, kindDecimal:
		switch d := c.money.Amount; {
		case !isNumber(c.money):
			s.r.Text(id, c.money.Text())
		case formula != "":
			s.r.NumberFormula(id, formula, string(stream.AppendDecimal(nil, d.IsNeg(), d.Coef(), d.Scale())))
		default:
			s.r.Decimal(id, d.IsNeg(), d.Coef(), d.Scale())
		}
	case kindMoment:
		s.r.Moment(id, s.clock.wall(c.at, zone))
	case kindDay:
		wall := s.clock.wall(c.at, zone)
		s.r.Moment(id, wall-(wall%86400+86400)%86400)
	case kindNumber:
		if formula != "" {
			s.r.NumberFormula(id, formula, strconv.FormatInt(c.n, 10))
		} else {
			s.r.Int(id, c.n)
		}
	case kindBool:
		// As words: of a boolean cell, LibreOffice makes a formula.
		if c.n != 0 {
			s.r.Text(id, "yes")
		} else {
			s.r.Text(id, "no")
		}
	}
	return nil
}

// maxCell is how many UTF-16 units a cell holds.
const maxCell = stream.MaxText

// fitting cuts a text that no cell can hold, and says so in the cell.
func fitting(s string) string {
	const mark = " … (cut; JSON Lines has all of it)"
	if len(s) <= maxCell { // never more units than bytes
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	units, end := 0, 0
	for i, r := range s {
		width := 1
		if r > 0xFFFF {
			width = 2
		}
		if units += width; units > maxCell {
			return s[:end] + mark
		}
		if units <= maxCell-len(mark) {
			end = i + utf8.RuneLen(r)
		}
	}
	return s
}

// beyondNumbers is the least coefficient with more digits than a number cell
// keeps: Excel rounds to 15.
const beyondNumbers = 1_000_000_000_000_000

// isNumber says whether a number cell holds the figure exactly. What it would
// round is written as text.
func isNumber(m record.Money) bool { return m.Amount.Coef() < beyondNumbers }
