package exporter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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
