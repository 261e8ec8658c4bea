package exporter

import (
	"cmp"
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

// writeSummary writes the sums per currency, processor and status, and the
// fees and nets per settlement currency. It has at most a few hundred rows.
func (d *Dataset) writeSummary(b *book) error {
	settled, err := settlements(d.summary.Lines)
	if err != nil {
		return err
	}
	rows := 5 + max(1, len(d.summary.Lines)+payingIn(d.summary.Lines))
	if len(settled) > 0 {
		rows += 3 + len(settled)
	}
	s, err := b.begin("Summary", page{widths: []float64{13, 26, 20, 11, 19, 19, 17, 17, 17, 12, 16, 19}, rows: rows, header: 5})
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { return s.add([]cell{textCell("Payments")}, nil, roleTitle) },
		func() error { return s.add([]cell{textCell(capital(d.options.Period.String()))}, nil, roleNote) },
		func() error {
			return s.add([]cell{textCell("Each line is in its own currency; nothing is added up across currencies. Collected: guaranteed, before refunds.")}, nil, roleNote)
		},
		func() error {
			s.skip(1)
			return s.header("Currency", "Processor", "Status", "#Payments", "#Requested", "#Collected", "#Refunded", "#Failed", "#Canceled", "Settled in", "#Fees", "#Net")
		},
		func() error { return s.addSummaryLines(d.summary.Lines) },
		func() error { return s.addSettlements(settled) },
		s.end,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("sheet Summary: %w", err)
		}
	}
	return nil
}

// payingIn is in how many currencies the lines' payments are.
func payingIn(lines []Line) int {
	n := 0
	for i, l := range lines { // ascending by currency
		if i == 0 || lines[i-1].Currency != l.Currency {
			n++
		}
	}
	return n
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// header writes column titles; a # in front sets one over figures, to the right.
func (s *sheet) header(titles ...string) error {
	s.values = s.values[:0]
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
		s.values = append(s.values, excelize.Cell{StyleID: id, Value: title})
	}
	return s.addValues(roleHeader)
}

func (s *sheet) addSummaryLines(lines []Line) error {
	if len(lines) == 0 {
		return s.add([]cell{textCell("No payments.")}, nil, roleNote)
	}
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[n].Currency == lines[0].Currency {
			n++
		}
		first := s.row + 1
		for _, l := range lines[:n] {
			if err := s.add(l.cells(), nil, roleData); err != nil {
				return err
			}
		}
		if err := s.addSummaryTotal(lines[:n], first); err != nil {
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
func (s *sheet) addSummaryTotal(lines []Line, first int) error {
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
	return s.addFormulas(cells, first)
}

// addFormulas writes a totals line over the rows from first to the last one.
func (s *sheet) addFormulas(cells []cell, first int) error {
	s.values = s.values[:0]
	for i, c := range cells {
		v, err := s.b.value(c, nil, roleTotal)
		if err != nil {
			return err
		}
		if _, text := v.Value.(string); v.Value != nil && !text {
			v.Formula = fmt.Sprintf("SUBTOTAL(109,%s:%s)", ref(i, first), ref(i, s.row))
		}
		s.values = append(s.values, v)
	}
	return s.addValues(roleTotal)
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

func (s *sheet) addSettlements(settled []Line) error {
	if len(settled) == 0 {
		return nil
	}
	s.skip(1)
	if err := s.add([]cell{textCell("Fees and net by settlement currency, as the processors stated them")}, nil, roleNote); err != nil {
		return err
	}
	if err := s.header("Settled in", "", "", "#Payments", "", "", "", "", "", "", "#Fees", "#Net"); err != nil {
		return err
	}
	for _, l := range settled {
		cells := make([]cell, sumColumns)
		cells[sumCurrency], cells[sumCount] = currencyCell(l.SettledIn), numberCell(l.Count)
		cells[sumFee], cells[sumNet] = moneyCell(l.Fee), moneyCell(l.Net)
		if err := s.add(cells, nil, roleTotal); err != nil {
			return err
		}
	}
	return nil
}
