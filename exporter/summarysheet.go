package exporter

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/payrec/payrec/record"
)

// The columns of the Summary sheet.
const (
	sumCurrency = iota
	sumProcessor
	sumStatus
	sumCount
	sumRequested
	sumCollected
	sumRefunded
	sumFailed
	sumCanceled
	sumSettledIn
	sumFee
	sumNet
	sumColumns
)

// summaryChapter is the sheet that sums the others up: per currency, processor
// and status; fees and nets per settlement currency; what was open; and how many
// payments there were on each day.
func (d *Dataset) summaryChapter() chapter {
	var sheet draft
	var chart *excelize.Chart
	var anchor string
	return chapter{
		lay: func(b *book) error {
			settled, err := settlements(d.summary.Lines)
			if err != nil {
				return err
			}
			sheet.add(roleTitle, textCell("Payments"))
			sheet.add(roleNote, textCell(capital(d.options.Period.String())))
			sheet.add(roleNote, textCell("Each line is in its own currency; nothing is added up across currencies. Collected: guaranteed, before refunds."))
			sheet.skip(1)
			sheet.header("Currency", "Processor", "Status", "#Payments", "#Requested", "#Collected", "#Refunded", "#Failed", "#Canceled", "Settled in", "#Fees", "#Net")
			if err := sheet.addSummaryLines(d.summary.Lines); err != nil {
				return err
			}
			sheet.addSettlements(settled)
			d.addPositions(&sheet)
			look := page{widths: []float64{13, 30, 20, 13, 19, 19, 17, 17, 17, 17, 17, 19}, header: 5, narrow: true, breaks: []int{sheet.at() + 1}}
			chart, anchor = d.addVolume(&sheet)
			for len(look.widths) < sheet.width() {
				look.widths = append(look.widths, 19)
			}
			look.rows = len(sheet.rows)
			if err := b.lay("Summary", look); err != nil {
				return err
			}
			if chart == nil {
				return nil
			}
			return b.f.AddChart("Summary", anchor, chart)
		},
		write: func(b *book) error {
			s, err := b.begin("Summary")
			if err != nil {
				return err
			}
			return errors.Join(s.write(&sheet), s.end())
		},
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// header writes column titles; a # in front sets one over figures, to the right.
func (s *sheet) header(titles ...string) error {
	if err := s.next(roleHeader); err != nil {
		return err
	}
	for _, t := range titles {
		title, figures := strings.CutPrefix(t, "#")
		l := look{kind: kindText, role: roleHeader}
		if figures {
			l.kind = kindNumber
		}
		id, err := s.b.style(l)
		if err != nil {
			return err
		}
		s.r.Text(id, fitting(title))
	}
	return nil
}

func (d *draft) addSummaryLines(lines []Line) error {
	if len(lines) == 0 {
		d.add(roleNote, textCell("No payments."))
		return nil
	}
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[n].Currency == lines[0].Currency {
			n++
		}
		first := d.at()
		for _, l := range lines[:n] {
			d.add(roleData, l.cells()...)
		}
		if err := d.addSummaryTotal(lines[:n], first); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

func (l Line) cells() []cell {
	cells := make([]cell, sumColumns)
	cells[sumCurrency], cells[sumProcessor], cells[sumStatus] = currencyCell(l.Currency), textCell(l.Processor), textCell(words(l.Status))
	cells[sumCount] = numberCell(l.Count)
	for i, v := range l.values() {
		if v != 0 { // an empty cell is easier on the eye than a column of zeros
			cells[sumRequested+i] = amountCell(record.Amount{Currency: l.Currency, Value: v})
		}
	}
	if l.SettledIn != "" {
		cells[sumSettledIn], cells[sumFee], cells[sumNet] = currencyCell(l.SettledIn), moneyCell(l.Fee), moneyCell(l.Net)
	}
	return cells
}

// values are the line's amounts in the order of the sheet's columns.
func (l Line) values() [5]int64 {
	return [5]int64{l.Requested, l.Collected, l.Refunded, l.Failed, l.Canceled}
}

func words(s record.Status) string { return strings.ReplaceAll(string(s), "_", " ") }

// addSummaryTotal sums the lines of one currency, which end at the last row.
// Fees and nets are summed only where all of them are in one currency.
func (d *draft) addSummaryTotal(lines []Line, first int) error {
	sum := Line{Currency: lines[0].Currency}
	oneSettlement := true
	var err error
	for _, l := range lines {
		v := l.values()
		if err := addAll("Summary", into{&sum.Count, l.Count}, into{&sum.Requested, v[0]}, into{&sum.Collected, v[1]},
			into{&sum.Refunded, v[2]}, into{&sum.Failed, v[3]}, into{&sum.Canceled, v[4]}); err != nil {
			return err
		}
		if l.SettledIn == "" {
			continue
		}
		oneSettlement = oneSettlement && (sum.SettledIn == "" || sum.SettledIn == l.SettledIn)
		if sum.SettledIn = l.SettledIn; oneSettlement {
			if sum.Fee, err = sum.Fee.Add(l.Fee); err != nil {
				return err
			}
			if sum.Net, err = sum.Net.Add(l.Net); err != nil {
				return err
			}
		}
	}
	if !oneSettlement {
		sum.SettledIn = ""
	}
	cells := sum.cells()
	for i, v := range sum.values() {
		cells[sumRequested+i] = amountCell(record.Amount{Currency: sum.Currency, Value: v})
	}
	cells[sumCurrency], cells[sumStatus] = textCell("Total "+sum.Currency.Upper()), cell{}
	d.addSubtotals(cells, first)
	return nil
}

// addSubtotals adds a totals line over the rows from first to the last one.
func (d *draft) addSubtotals(cells []cell, first int) {
	var marks []mark
	for i, c := range cells {
		m := mark{cell: c, role: roleTotal}
		if c.kind == kindMoney || c.kind == kindNumber {
			m.formula = fmt.Sprintf("SUBTOTAL(109,%s:%s)", ref(i, first), ref(i, d.at()-1))
		}
		marks = append(marks, m)
	}
	d.addMarks(marks...)
}

// settlements are the fees and nets per settlement currency.
func settlements(lines []Line) (all []Line, err error) {
	at := map[record.Currency]int{}
	for _, l := range lines {
		if l.SettledIn == "" {
			continue
		}
		i, ok := at[l.SettledIn]
		if !ok {
			i = len(all)
			at[l.SettledIn] = i
			all = append(all, Line{SettledIn: l.SettledIn})
		}
		sum := &all[i]
		sum.Count += l.Count
		if sum.Fee, err = sum.Fee.Add(l.Fee); err != nil {
			return nil, err
		}
		if sum.Net, err = sum.Net.Add(l.Net); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b Line) int { return cmp.Compare(a.SettledIn, b.SettledIn) })
	return all, nil
}

func (d *draft) addSettlements(settled []Line) {
	if len(settled) == 0 {
		return
	}
	d.skip(1)
	d.add(roleNote, textCell("Fees and net by settlement currency, as the processors stated them"))
	d.header("Settled in", "", "", "#Payments", "", "", "", "", "", "", "#Fees", "#Net")
	for _, l := range settled {
		cells := make([]cell, sumColumns)
		cells[sumCurrency], cells[sumCount] = currencyCell(l.SettledIn), numberCell(l.Count)
		cells[sumFee], cells[sumNet] = moneyCell(l.Fee), moneyCell(l.Net)
		d.add(roleTotal, cells...)
	}
}
