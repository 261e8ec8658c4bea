package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/payrec/payrec/record"
)

// A grid prints aligned columns. A column whose title starts with > is set
// flush right, without the mark.
type grid struct {
	titles []string
	rows   [][]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// write prints the grid, indented; a grid without rows prints nothing.
func (g *grid) write(w io.Writer, indent string) error {
	if len(g.rows) == 0 {
		return nil
	}
	widths := make([]int, len(g.titles))
	lines := append([][]string{g.titles}, g.rows...)
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(strings.TrimPrefix(clean(cell), ">")))
		}
	}
	for n, line := range lines {
		var b strings.Builder
		b.WriteString(indent)
		for i, cell := range line {
			cell = clean(cell)
			if n == 0 {
				cell = strings.TrimPrefix(cell, ">")
			}
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if strings.HasPrefix(g.titles[i], ">") {
				b.WriteString(gap + cell)
			} else {
				b.WriteString(cell + gap)
			}
			b.WriteString("  ")
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// grouped writes a decimal with commas between the thousands.
func grouped(decimal string) string {
	sign := ""
	if strings.HasPrefix(decimal, "-") {
		sign, decimal = "-", decimal[1:]
	}
	whole, fraction, _ := strings.Cut(decimal, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole
}

// money writes minor units for people: 1,234.50 USD.
func money(value int64, currency record.Currency) string {
	if currency == "" {
		return ""
	}
	return grouped(record.Amount{Currency: currency, Value: value}.Money().Text()) + " " + currency.Upper()
}

// thousands writes a count for people.
func thousands(n int64) string { return grouped(fmt.Sprint(n)) }
