package exporter

import (
	"fmt"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

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
