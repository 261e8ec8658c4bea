package exporter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/payrec/payrec/record"
)

// ImportRows are what became of the rows of a run's files.
type ImportRows struct {
	record.RowAccount
	Called map[string]int64 // rows that calls came from, by file, as the journal has seen them
}

// rowsOf are rows of one currency, by where the mapping sent them; "" is all of
// them. Amounts are the mapping's totals, which may be nets in the currency of
// the settlement: they are held against the files, not against the calls.
type rowsOf map[string]*rowSum

// A rowSum is how many rows there are and what they come to; without any total
// it is zero of no currency.
type rowSum struct {
	n      int64
	total  record.Money
	summed bool
}

func (r rowsOf) add(disposition string, c *record.RowClass) (err error) {
	s := r[disposition]
	if s == nil {
		s = &rowSum{}
		r[disposition] = s
	}
	if s.n, err = add(s.n, c.N); err != nil || !c.Summed {
		return err
	}
	s.summed = true
	s.total, err = s.total.Add(c.Total)
	return err
}

// at is the sum of a disposition, zero for one that does not occur.
func (r rowsOf) at(disposition string) rowSum {
	if s := r[disposition]; s != nil {
		return *s
	}
	return rowSum{}
}

// fileRows are the rows of all files by currency, each file once: as the last
// run has it that read it. called are those that the journal has calls of, and
// unknown is how many runs kept no account of their rows.
func (d *Dataset) fileRows() (by map[record.Currency]rowsOf, called, unknown int64, err error) {
	by = map[record.Currency]rowsOf{}
	for _, run := range d.journal.imports {
		if run.Rows == nil {
			if len(run.Files) > 0 {
				unknown++
			}
			continue
		}
		again := map[string]bool{}
		for _, f := range run.Files {
			if again[f.Name] = f.Again != ""; !again[f.Name] {
				called += run.Rows.Called[f.Name]
			}
		}
		for i := range run.Rows.Classes {
			c := &run.Rows.Classes[i]
			if again[c.File] {
				continue
			}
			if by[c.Total.Currency] == nil {
				by[c.Total.Currency] = rowsOf{}
			}
			for _, disposition := range []string{"", c.Disposition} {
				if err := by[c.Total.Currency].add(disposition, c); err != nil {
					return nil, 0, 0, fmt.Errorf("the rows of run %s: %w", run.ID, err)
				}
			}
		}
	}
	return by, called, unknown, nil
}

// lessRows are the lines between the rows of the files and those that became
// calls.
var lessRows = [...]struct{ disposition, name string }{
	{record.RowIgnored, "less: ignored, as the mapping says"},
	{record.RowAttached, "less: attached to other rows"},
	{record.RowHeld, "less: held; what is still open is on Exceptions"},
	{record.RowRejected, "less: rejected; what is still open is on Exceptions"},
}

// addRows adds, for each currency, the way from the rows of the files to those
// that became calls, and holds their number against the journal's calls.
func (d *Dataset) addRows(to *draft) error {
	if !d.journal.known {
		to.add(roleNote, textCell("No journal at hand: rows and totals of the files are not known here."))
		return nil
	}
	by, called, unknown, err := d.fileRows()
	if err != nil {
		return err
	}
	if unknown > 0 {
		to.add(roleNote, textCell(fmt.Sprintf("Not kept for %d of the runs, which an older payrec planned: their rows are not counted here.", unknown)))
	}
	if len(by) == 0 {
		to.add(roleNote, textCell("No rows of files are known."))
		return nil
	}
	var became []string // cells
	emitted := int64(0)
	for _, c := range sortedKeys(by) {
		became = append(became, ref(conLeft, to.at()+1+len(lessRows)))
		emitted += by[c].at(record.RowEmitted).n
		addRowsIn(to, c, by[c])
	}
	row := to.at()
	m := mark{textCell(inAgreement), roleGood, fmt.Sprintf("IF(%s=%s,%q,%q)", ref(conLeft, row), ref(conLeft, row+1), inAgreement, inDifference)}
	if emitted != called {
		m.cell, m.role = textCell(inDifference), roleBad
	}
	to.addMarks(mark{cell: textCell("Rows that became calls, all currencies"), role: roleTotal}, mark{role: roleTotal}, mark{role: roleTotal},
		mark{cell: numberCell(emitted), role: roleTotal, formula: strings.Join(became, "+")})
	to.addMarks(mark{cell: textCell("Rows that the journal has calls of")}, mark{}, mark{}, mark{cell: numberCell(called)}, mark{}, mark{}, m)
	return nil
}

func sortedKeys(by map[record.Currency]rowsOf) []record.Currency {
	list := make([]record.Currency, 0, len(by))
	for c := range by {
		list = append(list, c)
	}
	// Rows without a total come last.
	slices.SortFunc(list, func(a, b record.Currency) int {
		if (a == "") != (b == "") {
			return cmp.Compare(b, a)
		}
		return cmp.Compare(a, b)
	})
	return list
}

// addRowsIn adds the lines of one currency.
func addRowsIn(to *draft, c record.Currency, rows rowsOf) {
	all := rows.at("")
	line := func(name string, s rowSum, formula func(column int) string) {
		count, total := mark{cell: numberCell(s.n)}, mark{}
		if all.summed {
			s.total.Currency = c
			total.cell = moneyCell(s.total)
		}
		if formula != nil {
			if count.formula = formula(conLeft); all.summed {
				total.formula = formula(conRight)
			}
		}
		marks := []mark{{cell: textCell(name)}, {}, {cell: currencyCell(c)}, count, total}
		if formula != nil {
			for i := range marks {
				marks[i].role = roleTotal
			}
		}
		to.addMarks(marks...)
	}
	first := to.at()
	name := "Rows of the files, each file once"
	if !all.summed {
		name = "Rows of the files without a total"
	}
	line(name, all, nil)
	for _, less := range lessRows {
		line(less.name, rows.at(less.disposition), nil)
	}
	line("Became calls", rows.at(record.RowEmitted), func(column int) string {
		terms := []string{ref(column, first)}
		for i := range lessRows {
			terms = append(terms, ref(column, first+1+i))
		}
		return strings.Join(terms, "-")
	})
}

// rowFacts are the lines about what a run read: its rows, and those of each file
// with what they come to.
func (run *Import) rowFacts() (facts []Fact) {
	r := run.Rows
	if r == nil {
		if len(run.Files) == 0 {
			return nil
		}
		return []Fact{{"Imports", "   rows", "not kept: planned by an older payrec"}}
	}
	other := int64(0)
	for _, n := range r.Lines {
		other += n
	}
	return []Fact{{"Imports", "   rows", fmt.Sprintf("%d = %d emitted + %d attached + %d ignored + %d held + %d rejected; other lines: %d",
		r.Total, r.Emitted, r.Attached, r.Ignored, r.Held, r.Rejected, other)}}
}

// fileFacts are the lines about one file of a run.
func (run *Import) fileFacts(f ImportFile) ([]Fact, error) {
	value := fmt.Sprintf("sha256 %s · %d bytes", f.SHA256, f.Size)
	if f.Again != "" {
		value += " · read again by " + f.Again
	}
	facts := []Fact{{"Imports", "   file " + f.Name, value}}
	if run.Rows == nil {
		return facts, nil
	}
	by := map[record.Currency]rowsOf{}
	for i := range run.Rows.Classes {
		c := &run.Rows.Classes[i]
		if c.File != f.Name {
			continue
		}
		if by[c.Total.Currency] == nil {
			by[c.Total.Currency] = rowsOf{}
		}
		if err := by[c.Total.Currency].add("", c); err != nil {
			return nil, fmt.Errorf("the rows of %s in run %s: %w", f.Name, run.ID, err)
		}
	}
	for _, c := range sortedKeys(by) {
		all := by[c].at("")
		value := fmt.Sprint(all.n)
		if all.summed {
			all.total.Currency = c
			value += " · " + all.total.String()
		}
		facts = append(facts, Fact{"Imports", "      its rows", value})
	}
	return facts, nil
}
