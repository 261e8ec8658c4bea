package exporter

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/record"
)

// A Cell is one value of a [Sheet]: made by one of the functions below, or
// nothing at all.
type Cell = cell

// TextCell is text, which can never become a formula.
func TextCell(s string) Cell { return textCell(s) }

// MoneyCell is an amount, shown with the decimals of its currency.
func MoneyCell(m record.Money) Cell { return moneyCell(m) }

// DecimalCell is an exact figure that is no amount of a currency.
func DecimalCell(d decimal.Decimal) Cell {
	return cell{kind: kindDecimal, money: record.Money{Amount: d}}
}

// WholeCell is a whole number.
func WholeCell(n int64) Cell { return numberCell(n) }

// MomentCell is a moment in its column's zone; the zero time is nothing.
func MomentCell(t time.Time) Cell { return momentCell(t) }

// DayCell is the day of a moment in its column's zone; the zero time is nothing.
func DayCell(t time.Time) Cell {
	if t.IsZero() {
		return cell{}
	}
	return cell{kind: kindDay, at: t}
}

// BoolCell is yes or no.
func BoolCell(b bool) Cell { return boolCell(b) }

// A Sheet is a sheet that somebody else computed.
type Sheet struct {
	Name    string // at most 31 characters, none of \ / ? * [ ] :
	Columns []SheetColumn
	Len     int                      // number of rows
	Rows    iter.Seq2[[]Cell, error] // each row is borrowed until the next
	Totals  []SheetTotal             // at the end
}

// A SheetColumn is a column of a [Sheet].
type SheetColumn struct {
	Title   string
	Width   float64        // in characters; 0 is 18
	Zone    *time.Location // of moments and days; nil is UTC
	Figures bool           // its title stands to the right
}

// A SheetTotal is a line of totals: exact sums, and "" where there is none. It
// has as many cells as the sheet has columns. Live makes the sums formulas that
// follow the filter: right only where the line sums all rows.
type SheetTotal struct {
	Cells []Cell
	Live  bool
}

// A Part is one sheet of a workbook: one of [Builtins] by its name, or a Sheet.
type Part struct {
	Builtin string
	Sheet   *Sheet
}

// WriteParts writes an XLSX workbook of the parts in their order. With
// [Builtins] in their order it is what [Dataset.WriteWorkbook] writes.
func (d *Dataset) WriteParts(w io.Writer, parts []Part) error {
	return d.writeParts(w, maxSheetRows-roomForTotals, parts)
}

// sheetChapter is a sheet, on as many as it needs; the totals are on the last.
func sheetChapter(sh *Sheet) chapter {
	g := sh.grid()
	return chapter{
		lay: func(b *book) error {
			parts := b.cut(g.name, g.n)
			for i, p := range parts {
				below := 0
				if i == len(parts)-1 && p.rows > 0 {
					below = len(sh.Totals)
				}
				if err := b.layGrid(g, p, below); err != nil {
					return err
				}
			}
			return nil
		},
		write: func(b *book) error {
			if err := b.writeSheet(sh, g); err != nil {
				return fmt.Errorf("sheet %s: %w", sh.Name, err)
			}
			return nil
		},
	}
}

func (sh *Sheet) grid() grid {
	g := grid{name: sh.Name, n: sh.Len}
	for _, c := range sh.Columns {
		col := column{title: c.Title, zone: c.Zone, width: c.Width}
		if c.Width == 0 {
			col.width = 18
		}
		if c.Zone == nil {
			col.zone = time.UTC
		}
		if c.Figures {
			col.totalIn = "#" // so that the title stands to the right
		}
		g.columns = append(g.columns, col)
	}
	return g
}

func (b *book) writeSheet(sh *Sheet, g grid) error {
	parts := b.partsOf(&g)
	s, err := b.beginGrid(g, parts[0])
	if err != nil {
		return err
	}
	no := 0
	for row, err := range sh.Rows {
		if err == nil && s.row == parts[no].rows+1 {
			if err := s.end(); err != nil {
				return err
			}
			if no++; no == len(parts) {
				return fmt.Errorf("there are more rows than the %d that were counted", sh.Len)
			}
			s, err = b.beginGrid(g, parts[no])
		}
		if err == nil {
			err = s.add(row, g.columns, roleData)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(s.addSheetTotals(sh.Totals, len(parts) == 1), s.end())
}

// addSheetTotals writes the totals below an empty line. Formulas do not reach
// over several sheets; then the sums stand as figures.
func (s *sheet) addSheetTotals(totals []SheetTotal, alone bool) error {
	last := s.row
	if len(totals) == 0 || last < 2 {
		return nil
	}
	s.skip(1)
	for _, t := range totals {
		if err := s.next(roleTotal); err != nil {
			return err
		}
		for i := range t.Cells {
			formula := ""
			if c := &t.Cells[i]; t.Live && alone && (c.kind == kindMoney || c.kind == kindDecimal) {
				formula = fmt.Sprintf("SUBTOTAL(109,%s:%s)", ref(i, 2), ref(i, last))
			}
			if err := s.put(&t.Cells[i], time.UTC, roleTotal, formula); err != nil {
				return err
			}
		}
	}
	return nil
}
