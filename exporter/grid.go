package exporter

import (
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/payrec/payrec/record"
)

// A kind is what a cell holds, and so how each format writes it.
type kind uint8

const (
	kindEmpty  kind = iota
	kindText        // guarded in CSV, a string in a workbook
	kindMoney       // exact decimal in major units
	kindMoment      // a moment, shown in the column's zone
	kindNumber      // a count or a line number
	kindBool
	kindDay     // a moment's day, in the column's zone
	kindDecimal // an exact decimal that is no amount of a currency
)

// A cell is one value of a grid.
type cell struct {
	kind  kind
	text  string
	money record.Money
	at    time.Time
	n     int64
}

func textCell(s string) cell {
	if s == "" {
		return cell{}
	}
	return cell{kind: kindText, text: s}
}

func moneyCell(m record.Money) cell       { return cell{kind: kindMoney, money: m} }
func amountCell(a record.Amount) cell     { return moneyCell(a.Money()) }
func numberCell(n int64) cell             { return cell{kind: kindNumber, n: n} }
func currencyCell(c record.Currency) cell { return textCell(c.Upper()) }

func momentCell(t time.Time) cell {
	if t.IsZero() {
		return cell{}
	}
	return cell{kind: kindMoment, at: t}
}

func boolCell(b bool) cell {
	c := cell{kind: kindBool}
	if b {
		c.n = 1
	}
	return c
}

// digitsCell is a number when the text is one that a number cell keeps as it
// is, and text otherwise: a line number stamped by us, or what someone else wrote.
func digitsCell(s string) cell {
	if s != "" && '1' <= s[0] && s[0] <= '9' {
		if n, err := strconv.ParseInt(s, 10, 32); err == nil {
			return numberCell(n)
		}
	}
	return textCell(s)
}

// A column of a grid. Its name is the CSV's, its title the workbook's.
type column struct {
	name, title string
	zone        *time.Location // of moments
	width       float64        // in characters
	// totalIn names the column that holds the currency of this one's amounts,
	// when they are totalled; "" when not.
	totalIn string
	helper  bool // of a workbook only, and hidden there
}

// A grid is a sheet or a CSV file before its format is chosen.
type grid struct {
	name    string
	columns []column
	rows    iter.Seq2[[]cell, error] // each row is borrowed until the next
	n       int                      // number of rows
	empty   string                   // what a workbook says when there are none
	// currencies get a line of totals each, at the end of each sheet.
	currencies []record.Currency
}

// index is a column's index by its name, or -1.
func (g *grid) index(name string) int {
	return slices.IndexFunc(g.columns, func(c column) bool { return c.name == name })
}

// moments gives the columns of a moment: in the period's zone, and in UTC; only
// the latter when the zone is UTC.
func moments(name, title string, zone *time.Location) []column {
	utc := column{name: name + "_utc", title: title + " (UTC)", zone: time.UTC, width: 20}
	if isUTC(zone) {
		return []column{utc}
	}
	return []column{{name: name + " (" + zone.String() + ")", title: title + " (" + zone.String() + ")", zone: zone, width: 20}, utc}
}

// appendMoments appends the cells of [moments].
func appendMoments(row []cell, t time.Time, zone *time.Location) []cell {
	if !isUTC(zone) {
		row = append(row, momentCell(t))
	}
	return append(row, momentCell(t))
}

// isUTC says whether the zone is UTC, which has several names.
func isUTC(zone *time.Location) bool {
	switch zone.String() {
	case "UTC", "Etc/UTC", "Etc/UCT", "UCT", "Universal", "Etc/Universal", "Zulu", "Etc/Zulu":
		return true
	}
	return false
}
