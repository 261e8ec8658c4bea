package exporter

import (
	"fmt"
	"strings"

	"github.com/payrec/payrec/record"
)

// writeControl writes the sheet that says whether to believe the others: what
// was asked for, and what was read held against what the workbook holds. The
// workbook's side is live: change a figure on Payments and the sheet says so.
func (d *Dataset) writeControl(b *book, written tally) error {
	facts := d.facts()
	checks := d.checks(b, written)
	s, err := b.begin("Control", page{widths: []float64{32, 44, 11, 21, 21, 18, 12}, rows: 5 + len(facts) + len(checks)})
	if err != nil {
		return err
	}
	if err := s.add([]cell{textCell("Control")}, nil, roleTitle); err != nil {
		return err
	}
	s.skip(1)
	if err := s.header("Read against written", "", "Currency", "#Read from the API", "#In this workbook", "#Difference", "Result"); err != nil {
		return err
	}
	for _, c := range checks {
		if err := s.addCheck(c); err != nil {
			return err
		}
	}
	s.skip(1)
	if err := s.header("About", "", "", "", "", "", ""); err != nil {
		return err
	}
	last := ""
	for _, f := range facts {
		section := f.Section
		if section == last {
			section = ""
		}
		last = f.Section
		if err := s.add([]cell{textCell(section), textCell(f.Name), textCell(f.Value)}, nil, roleData); err != nil {
			return err
		}
	}
	return s.end()
}

// facts are the lines that are no figures: ours, then the caller's.
func (d *Dataset) facts() []Fact {
	s := d.summary
	count := func(n int) string { return fmt.Sprint(n) }
	facts := []Fact{
		{"Export", "Program", orPayrec(d.options.Generator)},
		{"Export", "Period", d.options.Period.String()},
		{"Export", "Dates shown in", d.options.Period.Zone.String() + ", with a UTC twin beside"},
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
	return append(facts, d.options.Control...)
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
		money := func(v int64) cell { return amountCell(record.Amount{Currency: c, Value: v}) }
		all = append(all,
			check{name: "Payments", currency: c, read: numberCell(r.count), written: numberCell(w.count), formula: b.counting(&payments, "currency", c)},
			check{name: "Amount", currency: c, read: money(r.requested), written: money(w.requested), formula: b.summing(&payments, "amount", c)},
			check{name: "Guaranteed", currency: c, read: money(r.guaranteed), written: money(w.guaranteed), formula: b.summing(&payments, "guaranteed", c)},
			check{name: "Refunded", currency: c, read: money(r.refunded), written: money(w.refunded), formula: b.summing(&payments, "refunded", c)},
			check{name: "Failed", currency: c, read: money(r.failed), written: money(w.failed), formula: b.summing(&payments, "failed", c)},
			check{name: "Canceled", currency: c, read: money(r.canceled), written: money(w.canceled), formula: b.summing(&payments, "canceled", c)},
			check{name: "Refunded, in lines of Refunds", currency: c, read: money(r.refunded), written: money(w.refundLines), formula: b.summing(&refunds, "amount", c), lenient: true})
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

// addCheck writes one line: both figures, their difference, and what it means.
func (s *sheet) addCheck(c check) error {
	gap, err := c.gap()
	if err != nil {
		return err
	}
	wrong, verdict := "DIFFERS", roleGood
	if c.lenient {
		wrong = "not all"
	}
	result := "agrees"
	if gap.n != 0 || !gap.money.Amount.IsZero() {
		result, verdict = wrong, roleBad
		if c.lenient {
			verdict = roleNote
		}
	}
	row := s.row + 1
	decimals := 0
	if c.read.kind == kindMoney {
		decimals = c.currency.Exponent()
	}
	s.values = s.values[:0]
	for i, v := range []struct {
		cell    cell
		role    role
		formula string
	}{
		{textCell(c.name), roleData, ""},
		{cell{}, roleData, ""},
		{currencyCell(c.currency), roleData, ""},
		{c.read, roleData, ""},
		{c.written, roleData, c.formula},
		{gap, roleData, fmt.Sprintf("ROUND(%s-%s,%d)", ref(3, row), ref(4, row), decimals)},
		{textCell(result), verdict, fmt.Sprintf("IF(ABS(%s)<0.0005,\"agrees\",%q)", ref(5, row), wrong)},
	} {
		x, err := s.b.value(v.cell, nil, v.role)
		if err != nil {
			return err
		}
		if _, isText := x.Value.(string); !isText || i == 6 {
			x.Formula = v.formula
		}
		s.values = append(s.values, x)
	}
	return s.addValues(roleData)
}

// gap is what was read less what was written.
func (c check) gap() (cell, error) {
	if c.read.kind != kindMoney {
		return numberCell(c.read.n - c.written.n), nil
	}
	m, err := c.read.money.Sub(c.written.money)
	return moneyCell(m), err
}
