package exporter

import (
	"errors"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"

	"github.com/payrec/payrec/record"
)

// WriteWorkbook writes an XLSX workbook: Summary, Payments, Attempts when they
// were read, Refunds, Control. A sheet that would be too long goes on in one
// with a number: "Payments (2)".
func (d *Dataset) WriteWorkbook(w io.Writer) error {
	return d.writeWorkbook(w, maxSheetRows-300) // room for totals
}

func (d *Dataset) writeWorkbook(w io.Writer, rows int) error {
	b, err := newBook(orPayrec(d.options.Generator))
	if err != nil {
		return err
	}
	b.rows = rows
	err = d.writeSheets(b)
	if err == nil {
		_, err = b.f.WriteTo(w)
	}
	return errors.Join(err, b.f.Close())
}

func orPayrec(generator string) string {
	if generator == "" {
		return "payrec"
	}
	return generator
}

// Builtins are the sheets that a report names instead of describing them, in
// the order of the month-end workbook. Attempts is left out when none were read.
var Builtins = []string{"summary", "payments", "attempts", "refunds", "control"}

func (d *Dataset) writeSheets(b *book) error {
	written := tally{}
	for _, name := range Builtins {
		if err := d.writeBuiltin(b, name, written); err != nil {
			return err
		}
	}
	return nil
}

// writeBuiltin writes one of the sheets above. written is what Payments adds
// to and Control holds against what was read.
func (d *Dataset) writeBuiltin(b *book, name string, written tally) error {
	var g grid
	switch name {
	case "summary":
		return d.writeSummary(b)
	case "control":
		return d.writeControl(b, written)
	case "payments":
		g = d.paymentsGrid(func(p *payment) error { return written.add(p, 1) })
	case "attempts":
		if d.options.Attempts == NoAttempts {
			return nil
		}
		g = d.attemptsGrid()
	case "refunds":
		g = d.refundsGrid()
	default:
		return fmt.Errorf("there is no builtin sheet %q", name)
	}
	if err := b.writeGrid(g); err != nil {
		return fmt.Errorf("sheet %s: %w", g.name, err)
	}
	return nil
}

// writeGrid writes a grid on as many sheets as it needs.
func (b *book) writeGrid(g grid) error {
	var s *sheet
	var t totals
	left, no := g.n, 0
	next := func() (err error) {
		no++
		name := g.name
		if no > 1 {
			name = fmt.Sprintf("%s (%d)", g.name, no)
		}
		b.parts = append(b.parts, part{g.name, name, min(left, b.rows)})
		left -= min(left, b.rows)
		t = newTotals(&g)
		s, err = b.beginGrid(g, b.parts[len(b.parts)-1])
		return err
	}
	if err := next(); err != nil {
		return err
	}
	for row, err := range g.rows {
		if err != nil {
			return err
		}
		if s.row == b.rows+1 {
			if err := errors.Join(s.addTotals(t), s.end(), next()); err != nil {
				return err
			}
		}
		if err := errors.Join(t.add(row), s.add(row, g.columns, roleData)); err != nil {
			return err
		}
	}
	return errors.Join(s.addTotals(t), s.end())
}

// beginGrid begins a sheet with the grid's header in its first row.
func (b *book) beginGrid(g grid, p part) (*sheet, error) {
	look := page{header: 1, filter: p.rows + 1, rows: p.rows + 1}
	if len(g.currencies) > 0 && p.rows > 0 {
		look.rows += 1 + len(g.currencies)
	}
	header := make([]string, len(g.columns))
	for i, c := range g.columns {
		look.widths = append(look.widths, c.width)
		header[i] = c.title
		if c.totalIn != "" {
			header[i] = "#" + c.title
		}
	}
	s, err := b.begin(p.sheet, look)
	if err != nil {
		return nil, err
	}
	return s, s.header(header...)
}

// totals are the sums of one sheet's columns, one line per currency.
type totals struct {
	grid *grid
	sums map[record.Currency]map[int]record.Money // by column
}

func newTotals(g *grid) totals {
	t := totals{g, map[record.Currency]map[int]record.Money{}}
	for _, c := range g.currencies {
		t.sums[c] = map[int]record.Money{}
	}
	return t
}

func (t totals) add(row []cell) (err error) {
	for i, c := range row {
		if sums := t.sums[c.money.Currency]; c.kind == kindMoney && t.grid.columns[i].totalIn != "" && sums != nil {
			if sums[i], err = sums[i].Add(c.money); err != nil {
				return err
			}
		}
	}
	return nil
}

// addTotals writes a line per currency, below an empty one. With one currency
// the totals follow the filter; with several they are of each currency's rows.
func (s *sheet) addTotals(t totals) error {
	g := t.grid
	last := s.row
	if len(g.currencies) == 0 || last < 2 {
		return nil
	}
	s.skip(1)
	for _, c := range g.currencies {
		s.values = s.values[:0]
		for i, col := range g.columns {
			formula := ""
			if col.totalIn != "" {
				formula = totalFormula(g, i, last, c, len(g.currencies) == 1)
			}
			label := cell{}
			if i == 0 {
				label = textCell("Total " + c.Upper())
			}
			v, err := s.total(label, formula, t.sums[c][i], c)
			if err != nil {
				return err
			}
			s.values = append(s.values, v)
		}
		if err := s.addValues(roleTotal); err != nil {
			return err
		}
	}
	return nil
}

// total is a cell of a totals line: the label, or a sum with its formula.
func (s *sheet) total(label cell, formula string, sum record.Money, c record.Currency) (excelize.Cell, error) {
	if formula == "" {
		return s.b.value(label, nil, roleTotal)
	}
	sum.Currency = c // a sum of nothing has none
	v, err := s.b.value(moneyCell(sum), nil, roleTotal)
	if _, isText := v.Value.(string); !isText { // Excel would round it: the exact text stays
		v.Formula = formula
	}
	return v, err
}

func totalFormula(g *grid, column, last int, c record.Currency, alone bool) string {
	if alone {
		return fmt.Sprintf("SUBTOTAL(109,%s:%s)", ref(column, 2), ref(column, last))
	}
	return sumIf(g, "", column, last, c)
}

// sumIf adds up a column's rows of one currency. prefix is "" or names a sheet.
func sumIf(g *grid, prefix string, column, last int, c record.Currency) string {
	by := g.index(g.columns[column].totalIn)
	if by < 0 || !c.Known() {
		return ""
	}
	return fmt.Sprintf("SUMIFS(%s%s:%s,%s%s:%s,%q)", prefix, ref(column, 2), ref(column, last), prefix, ref(by, 2), ref(by, last), c.Upper())
}
