package exporter

import (
	"fmt"
	"maps"
	"slices"

	"github.com/payrec/payrec/record"
)

// addBridge adds, for each currency, the way from the calls to the workbook:
// what the journal planned and what of it was reported; what the account has of
// that, and where the workbook's payments come from.
func (d *Dataset) addBridge(to *draft, written tally) error {
	planned, missing, err := d.plannedPayments()
	if err != nil {
		return err
	}
	all := maps.Clone(written)
	if all == nil {
		all = tally{}
	}
	for c := range d.account {
		all[c] = written[c]
	}
	for c := range planned {
		all[c] = written[c]
	}
	if len(all) == 0 {
		to.add(roleNote, textCell("Nothing was planned, and nothing was read."))
	}
	for _, c := range slices.Sorted(maps.Keys(all)) {
		t := d.account[c]
		if t == nil {
			t = &accountTally{}
		}
		if err := d.addWay(to, c, planned[c], missing[c], t, written.of(c)); err != nil {
			return err
		}
	}
	return nil
}

// plannedPayments are the payments that the journal ever planned, and those of
// them that are not known to be in the account.
func (d *Dataset) plannedPayments() (planned, missing map[record.Currency]counted, err error) {
	planned, missing = map[record.Currency]counted{}, map[record.Currency]counted{}
	for _, t := range d.journal.totals {
		if t.Call != record.ReportPayment {
			continue
		}
		p, m := planned[t.Currency], missing[t.Currency]
		err = addAll("the journal's totals", into{&p.n, t.N}, into{&p.value, t.Value})
		if err == nil && !t.State.There() {
			err = addAll("the journal's totals", into{&m.n, t.N}, into{&m.value, t.Value})
		}
		if err != nil {
			return nil, nil, err
		}
		planned[t.Currency], missing[t.Currency] = p, m
	}
	return planned, missing, nil
}

const inWorkbook = "In this workbook"

// addWay adds the lines of one currency.
func (d *Dataset) addWay(to *draft, c record.Currency, planned, missing counted, t *accountTally, w figures) error {
	line := func(name string, x counted, formula func(column int) string, result mark) {
		count, sum := mark{cell: numberCell(x.n)}, mark{cell: amountCell(record.Amount{Currency: c, Value: x.value})}
		if formula != nil {
			count.formula, sum.formula = formula(conLeft), formula(conRight)
		}
		marks := []mark{{cell: textCell(name)}, {}, {cell: currencyCell(c)}, count, sum, {}, result}
		if name == inWorkbook {
			for i := range marks[:conResult] {
				marks[i].role = roleTotal
			}
		}
		to.addMarks(marks...)
	}
	plain := func(name string, x counted) { line(name, x, nil, mark{}) }
	compare := func(a, b counted, rowA, rowB int) mark {
		m := mark{textCell(inAgreement), roleGood, fmt.Sprintf("IF(AND(%s=%s,ABS(%s-%s)<0.0005),%q,%q)",
			ref(conLeft, rowA), ref(conLeft, rowB), ref(conRight, rowA), ref(conRight, rowB), inAgreement, inDifference)}
		if a != b {
			m.cell, m.role = textCell(inDifference), roleBad
		}
		return m
	}
	stamped, err := t.stampedAll()
	if err != nil {
		return err
	}
	atStripe := mark{}
	if row := to.at(); d.journal.known {
		plain("Planned from rows of the files, by the journal", planned)
		plain("less: not reported, see sheet Exceptions", missing)
		reported := counted{planned.n - missing.n, planned.value - missing.value}
		line("Reported, by the journal", reported, func(column int) string { return ref(column, row) + "-" + ref(column, row+1) }, mark{})
		atStripe = compare(reported, stamped, row+2, row+3)
		if !d.options.Period.whole() {
			atStripe = mark{cell: textCell("not compared"), role: roleNote}
		}
	}
	first := to.at()
	name := "Reported by payrec, at Stripe"
	if !d.options.Period.whole() {
		name = "Reported by payrec, as far as the account was read"
	}
	line(name, stamped, nil, atStripe)
	plain("less: outside the period", t.stamped[elsewhen])
	plain("less: the books are closed", t.stamped[inClosed])
	plain("plus: of another origin, in the period", t.others[hasLine])
	sum := counted{t.stamped[hasLine].n + t.others[hasLine].n, t.stamped[hasLine].value + t.others[hasLine].value}
	row := to.at()
	line("comes to", sum, func(column int) string {
		return fmt.Sprintf("%s-%s-%s+%s", ref(column, first), ref(column, first+1), ref(column, first+2), ref(column, first+3))
	}, mark{})
	in := counted{w.count, w.requested}
	line(inWorkbook, in, nil, compare(sum, in, row, row+1))
	return nil
}

// stampedAll is everything that payrec reported.
func (t *accountTally) stampedAll() (all counted, err error) {
	for _, x := range t.stamped {
		if err := addAll("the account", into{&all.n, x.n}, into{&all.value, x.value}); err != nil {
			return counted{}, err
		}
	}
	return all, nil
}
