package exporter

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/payrec/payrec/record"
)

// controlChapter is the sheet that says whether to believe the others: what the
// files have, what was planned from them, what the account has and what the workbook holds, held
// against each other. The workbook's side is live: change a figure on Payments
// and the sheet says so.
func (d *Dataset) controlChapter(written tally) chapter {
	return chapter{
		lay: func(b *book) error {
			sheet, err := d.control(b, d.read) // as long as it is going to be
			if err != nil {
				return err
			}
			return b.lay("Control", page{widths: []float64{44, 32, 11, 21, 21, 18, 14}, rows: len(sheet.rows)})
		},
		write: func(b *book) error {
			sheet, err := d.control(b, written)
			if err != nil {
				return err
			}
			s, err := b.begin("Control")
			if err != nil {
				return err
			}
			return errors.Join(s.write(sheet), s.end())
		},
	}
}

// The columns of the Control sheet.
const (
	conName = iota
	conOf
	conCurrency
	conLeft  // what was read, or a number of payments
	conRight // what was written, or an amount
	conGap
	conResult
)

const (
	inAgreement  = "agrees"
	inDifference = "DIFFERS"
)

func (d *Dataset) control(b *book, written tally) (*draft, error) {
	sheet := &draft{}
	sheet.add(roleTitle, textCell("Control"))
	sheet.skip(2) // the verdict, see below
	sheet.header("Read against written", "", "Currency", "#Read from the API", "#In this workbook", "#Difference", "Result")
	first := sheet.at()
	for _, c := range d.checks(b, written) {
		if err := sheet.addCheck(c); err != nil {
			return nil, err
		}
	}
	sheet.skip(1)
	sheet.header("From the rows of the files to calls", "", "Currency", "#Rows", "#Total in the files", "", "Result")
	if err := d.addRows(sheet); err != nil {
		return nil, err
	}
	sheet.skip(1)
	sheet.header("From the calls to this workbook", "", "Currency", "#Payments", "#Amount", "", "Result")
	if err := d.addBridge(sheet, written); err != nil {
		return nil, err
	}
	last := sheet.at() - 1
	sheet.rows[1] = sheet.verdict(first, last)
	sheet.skip(1)
	sheet.header("About", "", "", "", "", "", "")
	facts, err := d.facts()
	if err != nil {
		return nil, err
	}
	section := ""
	for _, f := range facts {
		said := f.Section
		if said == section {
			said = ""
		}
		section = f.Section
		if said != "" {
			sheet.add(roleNote, textCell(said))
		}
		sheet.add(roleData, textCell(f.Name), textCell(f.Value))
	}
	return sheet, nil
}

// verdict is the line that counts the results between two rows.
func (d *draft) verdict(first, last int) draftRow {
	n := 0
	for _, row := range d.rows[first-1 : last] {
		if len(row.marks) > conResult && row.marks[conResult].text == inDifference {
			n++
		}
	}
	const good = "All figures below agree."
	m := mark{textCell(good), roleGood, fmt.Sprintf("IF(COUNTIF(%s:%s,%q)=0,%q,COUNTIF(%s:%s,%q)&\" of the figures below differ.\")",
		ref(conResult, first), ref(conResult, last), inDifference, good, ref(conResult, first), ref(conResult, last), inDifference)}
	if n > 0 {
		m.cell, m.role = textCell(fmt.Sprintf("%d of the figures below differ.", n)), roleBad
	}
	return draftRow{marks: []mark{m}}
}

// facts are the lines that are no figures: ours, then the caller's.
func (d *Dataset) facts() ([]Fact, error) {
	s := d.summary
	count := func(n int) string { return fmt.Sprint(n) }
	twin := ", with a UTC twin beside"
	if isUTC(d.options.Period.Zone) {
		twin = ""
	}
	facts := []Fact{
		{"Export", "Program", orPayrec(d.options.Generator)},
		{"Export", "Period", d.options.Period.String()},
		{"Export", "Dates shown in", d.options.Period.Zone.String() + twin},
		{"Export", "Period goes by", map[string]string{ByPaid: "paid: the business date stamped by payrec, else when the payment was reported", ByReported: "reported: when the payment was reported to the API",
			BySettled: "settled: the day in metadata " + d.options.Period.SettledKey, ByRefunded: "refunded: payments with a refund in the period", ByMoved: "moved: payments paid, or with a refund, in the period"}[d.options.Period.By]},
		{"Export", "Attempts", string(d.options.Attempts)},
		{"Read", "Payment records read", count(s.Read)},
		{"Read", "of these in the period", count(s.Payments)},
		{"Read", "Payments without a stamped date", count(s.Undated)},
		{"Read", "Refund lines", count(s.Refunds) + ", of the payments in the period, whenever they were refunded"},
	}
	if d.options.Attempts != NoAttempts {
		facts = append(facts, Fact{"Read", "Attempts", count(s.Attempts)})
	}
	facts = append(facts, Fact{"Read", "Exceptions", count(d.own+len(d.journal.exceptions)+len(d.unplaced)) + ", see sheet Exceptions"})
	if x := d.delta; x != nil {
		facts = append(facts, Fact{"Read", "Differs from " + x.Since.String(), fmt.Sprintf("%d added, %d gone, %d changed; see sheet Changes", x.Added, x.Gone, x.Changed)})
	}
	if s.Unplaced > 0 {
		facts = append(facts, Fact{"Left out", "Payments without the date that the period goes by", count(s.Unplaced)})
		for _, id := range d.unplaced[:min(len(d.unplaced), maxDamaged)] {
			facts = append(facts, Fact{"Left out", id, "in no period by this date"})
		}
	}
	if s.Damaged > 0 {
		facts = append(facts, Fact{"Cannot be used", "Payments with an unreadable stamp or amount", count(s.Damaged)})
		for _, f := range d.damaged {
			facts = append(facts, Fact{"Cannot be used", f.Name, f.Value})
		}
		if more := s.Damaged - len(d.damaged); more > 0 {
			facts = append(facts, Fact{"Cannot be used", "and more", count(more)})
		}
	}
	imports, err := d.importFacts()
	return slices.Concat(facts, d.options.Control, imports), err
}

// A check is a figure as read beside the same figure in the workbook.
type check struct {
	name     string
	currency record.Currency
	read     cell
	written  cell
	formula  string // the written figure, live; "" when it has none
	// refunds without a line of their own are no fault of the export: someone
	// else reported them, or they were reported without a stamp.
	lenient bool
}

// checks are those of each currency, read or written.
func (d *Dataset) checks(b *book, written tally) []check {
	payments, refunds := d.paymentsGrid(nil), d.refundsGrid()
	var all []check
	for _, c := range currencies(d.read, written) {
		r, w := d.read.of(c), written.of(c)
		lines := b.summing(&refunds, "amount", c)
		if d.locked > 0 { // Refunds has lines of payments that have none in Payments
			lines = ""
		}
		money := func(v int64) cell { return amountCell(record.Amount{Currency: c, Value: v}) }
		all = append(all,
			check{name: "Payments", currency: c, read: numberCell(r.count), written: numberCell(w.count), formula: b.counting(&payments, "currency", c)},
			check{name: "Amount", currency: c, read: money(r.requested), written: money(w.requested), formula: b.summing(&payments, "amount", c)},
			check{name: "Guaranteed", currency: c, read: money(r.guaranteed), written: money(w.guaranteed), formula: b.summing(&payments, "guaranteed", c)},
			check{name: "Refunded", currency: c, read: money(r.refunded), written: money(w.refunded), formula: b.summing(&payments, "refunded", c)},
			check{name: "Failed", currency: c, read: money(r.failed), written: money(w.failed), formula: b.summing(&payments, "failed", c)},
			check{name: "Canceled", currency: c, read: money(r.canceled), written: money(w.canceled), formula: b.summing(&payments, "canceled", c)},
			check{name: "Refunded, in lines of Refunds", currency: c, read: money(r.refunded), written: money(w.refundLines), formula: lines, lenient: true})
	}
	return all
}

// summing is the sum of a column on all sheets of a grid, for one currency.
func (b *book) summing(g *grid, column string, c record.Currency) string {
	i := g.index(column)
	return b.overParts(g, func(prefix string, last int) string { return sumIf(g, prefix, i, last, c) })
}

// counting is how often a currency stands in a column of a grid.
func (b *book) counting(g *grid, column string, c record.Currency) string {
	i := g.index(column)
	return b.overParts(g, func(prefix string, last int) string {
		if !c.Known() {
			return ""
		}
		return fmt.Sprintf("COUNTIF(%s%s:%s,%q)", prefix, ref(i, 2), ref(i, last), c.Upper())
	})
}

func (b *book) overParts(g *grid, formula func(prefix string, last int) string) string {
	var terms []string
	for _, p := range b.parts {
		if p.grid == g.name && p.rows > 0 {
			if term := formula("'"+p.sheet+"'!", p.rows+1); term != "" {
				terms = append(terms, term)
			}
		}
	}
	return strings.Join(terms, "+")
}

// addCheck adds one line: both figures, their difference, and what it means.
func (d *draft) addCheck(c check) error {
	gap, err := c.gap()
	if err != nil {
		return err
	}
	wrong, verdict, result := inDifference, roleGood, inAgreement
	if c.lenient {
		wrong = "not all"
	}
	if gap.n != 0 || !gap.money.Amount.IsZero() {
		result, verdict = wrong, roleBad
		if c.lenient {
			verdict = roleNote
		}
	}
	row, decimals := d.at(), 0
	if c.read.kind == kindMoney {
		decimals = c.currency.Exponent()
	}
	d.addMarks(
		mark{cell: textCell(c.name)}, mark{}, mark{cell: currencyCell(c.currency)}, mark{cell: c.read},
		mark{cell: c.written, formula: c.formula},
		mark{cell: gap, formula: fmt.Sprintf("ROUND(%s-%s,%d)", ref(conLeft, row), ref(conRight, row), decimals)},
		mark{textCell(result), verdict, fmt.Sprintf("IF(ABS(%s)<0.0005,%q,%q)", ref(conGap, row), inAgreement, wrong)})
	return nil
}

// gap is what was read less what was written.
func (c check) gap() (cell, error) {
	if c.read.kind != kindMoney {
		return numberCell(c.read.n - c.written.n), nil
	}
	m, err := c.read.money.Sub(c.written.money)
	return moneyCell(m), err
}
