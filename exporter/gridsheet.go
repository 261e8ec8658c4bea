package exporter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

// gridChapter is a grid, on as many sheets as it needs.
func gridChapter(g grid) chapter {
	return chapter{
		lay: func(b *book) error {
			g = g.numbered()
			for _, p := range b.cut(g.name, g.n) {
				if err := b.layGrid(g, p, len(b.totalLines(g, p))); err != nil {
					return err
				}
			}
			return nil
		},
		write: func(b *book) error {
			if err := b.writeGrid(g); err != nil {
				return fmt.Errorf("sheet %s: %w", g.name, err)
			}
			return nil
		},
	}
}

// cut divides n rows into sheets, at least one, and remembers them.
func (b *book) cut(name string, n int) []part {
	from := len(b.parts)
	for no := 1; no == 1 || n > 0; no++ {
		p := part{name, name, min(n, b.rows)}
		if no > 1 {
			p.sheet = fmt.Sprintf("%.24s (%d)", name, no)
		}
		b.parts = append(b.parts, p)
		n -= p.rows
	}
	return b.parts[from:]
}

// partsOf are the sheets of a grid.
func (b *book) partsOf(g *grid) (parts []part) {
	for _, p := range b.parts {
		if p.grid == g.name {
			parts = append(parts, p)
		}
	}
	return parts
}

// layGrid lays a sheet of a grid out: the header in its first row, and lines
// below the rows.
func (b *book) layGrid(g grid, p part, below int) error {
	look := page{header: 1, filter: p.rows + 1, rows: p.rows + 1}
	if p.rows == 0 && g.empty != "" {
		look.rows++
	}
	if below > 0 {
		look.rows += 1 + below
	}
	for i, c := range g.columns {
		look.widths = append(look.widths, c.width)
		if c.helper {
			look.hidden = append(look.hidden, i)
		}
	}
	return b.lay(p.sheet, look)
}

// beginGrid begins a sheet that layGrid laid out.
func (b *book) beginGrid(g grid, p part) (*sheet, error) {
	s, err := b.begin(p.sheet)
	if err != nil {
		return nil, err
	}
	header := make([]string, len(g.columns))
	for i, c := range g.columns {
		header[i] = c.title
		if c.totalIn != "" {
			header[i] = "#" + c.title
		}
	}
	return s, s.header(header...)
}

func (b *book) writeGrid(g grid) error {
	parts := b.partsOf(&g)
	s, err := b.beginGrid(g, parts[0])
	if err != nil {
		return err
	}
	all, here := newTotals(&g), newTotals(&g)
	no := 0
	end := func() error {
		if err := all.merge(here); err != nil {
			return err
		}
		return errors.Join(s.addTotals(b.totalLines(g, parts[no]), &g, here, all), s.end())
	}
	if g.n == 0 && g.empty != "" {
		if err := s.add([]cell{textCell(g.empty)}, nil, roleNote); err != nil {
			return err
		}
	}
	for row, err := range g.rows {
		if err != nil {
			return err
		}
		if s.row == parts[no].rows+1 {
			if err := end(); err != nil {
				return err
			}
			if no++; no == len(parts) {
				return fmt.Errorf("there are more rows than the %d that were counted", g.n)
			}
			if s, err = b.beginGrid(g, parts[no]); err != nil {
				return err
			}
			here = newTotals(&g)
		}
		if err := here.add(row); err != nil {
			return err
		}
		if err := s.add(row, g.columns, roleData); err != nil {
			return err
		}
	}
	return end()
}

// numbered adds columns, hidden, that number the currencies of amounts when
// there are several: whether the rows that a filter shows are all of one
// currency can be told from the least and the greatest of them, and a total of
// several is not shown. See [totals.shown].
func (g grid) numbered() grid {
	if len(g.currencies) < 2 {
		return g
	}
	of := map[string]int{} // currency, upper case, to its number
	for i, c := range g.currencies {
		of[c.Upper()] = i + 1
	}
	var from []int // columns that hold the currencies
	for _, c := range g.columns {
		if i := g.index(c.totalIn); i >= 0 && !slices.Contains(from, i) {
			from = append(from, i)
		}
	}
	columns := append([]column{}, g.columns...)
	for _, i := range from {
		columns = append(columns, column{name: helperName(g.columns[i].name), title: "Number of " + strings.ToLower(g.columns[i].title), width: 10, helper: true})
	}
	rows := g.rows
	g.columns = columns
	g.rows = func(yield func([]cell, error) bool) {
		var wide []cell
		for row, err := range rows {
			if err == nil {
				wide = append(wide[:0], row...)
				for _, i := range from {
					if n := of[row[i].text]; n > 0 {
						wide = append(wide, numberCell(int64(n)))
					} else {
						wide = append(wide, cell{})
					}
				}
				row = wide
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
	return g
}

func helperName(currencyColumn string) string { return currencyColumn + "#" }

// totals are sums of columns, by currency.
type totals struct {
	grid   *grid
	sums   map[record.Currency]map[int]record.Money // by column
	ranges map[int][2]int64                         // least and greatest of the currencies' numbers, by column
}

func newTotals(g *grid) totals {
	t := totals{g, map[record.Currency]map[int]record.Money{}, map[int][2]int64{}}
	for _, c := range g.currencies {
		t.sums[c] = map[int]record.Money{}
	}
	return t
}

func (t totals) add(row []cell) (err error) {
	for i := range row {
		if c := &row[i]; c.kind == kindMoney && t.grid.columns[i].totalIn != "" {
			if sums := t.sums[c.money.Currency]; sums != nil {
				if sums[i], err = sums[i].Add(c.money); err != nil {
					return err
				}
			}
		} else if c.kind == kindNumber && t.grid.columns[i].helper {
			r, ok := t.ranges[i]
			if !ok {
				r = [2]int64{c.n, c.n}
			}
			t.ranges[i] = [2]int64{min(r[0], c.n), max(r[1], c.n)}
		}
	}
	return nil
}

// merge adds another sheet's sums.
func (t totals) merge(o totals) (err error) {
	for c, sums := range o.sums {
		for i, m := range sums {
			if t.sums[c][i], err = t.sums[c][i].Add(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// A totalLine is a line below the rows of a sheet.
type totalLine struct {
	label    string
	currency record.Currency // "" for the line that follows the filter
	sheets   []part          // whose rows it sums
	last     bool            // it sums all sheets of several
}

// totalLines are the lines below a sheet of a grid: one for each currency, for
// what the filter shows when there are several, and on the last of several
// sheets again for all of them.
func (b *book) totalLines(g grid, p part) (lines []totalLine) {
	if len(g.currencies) == 0 || p.rows == 0 {
		return nil
	}
	parts := b.partsOf(&g)
	of := ""
	if len(parts) > 1 {
		of = ", this sheet"
	}
	for _, c := range g.currencies {
		lines = append(lines, totalLine{label: "Total " + c.Upper() + of, currency: c, sheets: []part{p}})
	}
	if len(g.currencies) > 1 {
		lines = append(lines, totalLine{label: "Shown, if of one currency" + of, sheets: []part{p}})
	}
	if len(parts) > 1 && p == parts[len(parts)-1] {
		for _, c := range g.currencies {
			lines = append(lines, totalLine{"Total " + c.Upper() + ", all sheets", c, parts, true})
		}
	}
	return lines
}

// addTotals writes the lines below an empty one.
func (s *sheet) addTotals(lines []totalLine, g *grid, here, all totals) error {
	if len(lines) == 0 {
		return nil
	}
	s.skip(1)
	for _, l := range lines {
		if err := s.next(roleTotal); err != nil {
			return err
		}
		for i, col := range g.columns {
			var c cell
			formula := ""
			switch {
			case i == 0:
				c = textCell(l.label)
			case col.totalIn == "":
			case l.currency == "":
				c, formula = here.shown(i, l.sheets[0])
			default:
				sum := here.sums[l.currency][i]
				if l.last {
					sum = all.sums[l.currency][i]
				}
				sum.Currency = l.currency // a sum of nothing has none
				c, formula = moneyCell(sum), g.totalFormula(i, l)
			}
			if err := s.put(&c, time.UTC, roleTotal, formula); err != nil {
				return err
			}
		}
	}
	return nil
}

// severalCurrencies stands where a sum would mix them.
const severalCurrencies = "mixed"

// shown is the total of the rows that a filter shows, as long as they are of
// one currency. Before anything is filtered, all are shown.
func (t totals) shown(column int, p part) (cell, string) {
	by := t.grid.index(helperName(t.grid.columns[column].totalIn))
	numbers := ref(by, 2) + ":" + ref(by, p.rows+1)
	formula := fmt.Sprintf("IF(SUBTOTAL(104,%s)=SUBTOTAL(105,%s),SUBTOTAL(109,%s:%s),%q)",
		numbers, numbers, ref(column, 2), ref(column, p.rows+1), severalCurrencies)
	switch r, ok := t.ranges[by]; {
	case !ok:
		return cell{kind: kindDecimal}, formula
	case r[0] == r[1]:
		return cell{kind: kindDecimal, money: t.sums[t.grid.currencies[r[0]-1]][column]}, formula
	}
	return textCell(severalCurrencies), formula
}

// totalFormula sums a currency's rows on the sheets of a line. With one
// currency the total follows the filter.
func (g *grid) totalFormula(column int, l totalLine) string {
	var terms []string
	for _, p := range l.sheets {
		prefix := ""
		if l.last {
			prefix = "'" + p.sheet + "'!"
		}
		if len(g.currencies) == 1 {
			terms = append(terms, fmt.Sprintf("SUBTOTAL(109,%s%s:%s)", prefix, ref(column, 2), ref(column, p.rows+1)))
		} else {
			terms = append(terms, sumIf(g, prefix, column, p.rows+1, l.currency))
		}
	}
	return strings.Join(terms, "+")
}

// sumIf adds up a column's rows of one currency. prefix is "" or names a sheet.
func sumIf(g *grid, prefix string, column, last int, c record.Currency) string {
	by := g.index(g.columns[column].totalIn)
	if by < 0 || !c.Known() {
		return ""
	}
	return fmt.Sprintf("SUMIFS(%s%s:%s,%s%s:%s,%q)", prefix, ref(column, 2), ref(column, last), prefix, ref(by, 2), ref(by, last), c.Upper())
}
