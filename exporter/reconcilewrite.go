package exporter

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

// WriteCSV writes one line per payment, the matched ones too, under a header.
func (r *Reconciliation) WriteCSV(w io.Writer) error {
	return writeCSV(w, r.grid("Payments", r.Summary.Payments, r.Items()), r.options.Locale)
}

// WriteJSON writes one object: summary, payouts, and all payments.
func (r *Reconciliation) WriteJSON(w io.Writer) error {
	b := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	b.WriteString(`{"summary": `) // a failure sticks until Flush
	err := enc.Encode(r.Summary)
	b.WriteString(`, "payouts": `)
	err = errors.Join(err, enc.Encode(append([]Payout{}, r.Payouts...)))
	b.WriteString(`, "payments": [` + "\n")
	comma := ""
	for i, e := range r.Items() {
		if err = errors.Join(err, e); err != nil {
			return err
		}
		b.WriteString(comma)
		comma = ", "
		err = enc.Encode(i)
	}
	b.WriteString("]}\n")
	return errors.Join(err, b.Flush())
}

// WriteWorkbook writes a workbook: Summary, the open payments, and all.
func (r *Reconciliation) WriteWorkbook(w io.Writer) error {
	return writeBook(w, orPayrec(r.options.Generator), maxSheetRows-roomForTotals, []chapter{r.summaryChapter(),
		gridChapter(r.grid("Open", r.Summary.Open, r.Open())), gridChapter(r.grid("All payments", r.Summary.Payments, r.Items()))})
}

func (r *Reconciliation) grid(name string, n int, items iter.Seq2[Item, error]) grid {
	zone := r.options.Period.Zone
	g := grid{name: name, n: n}
	g.columns = slices.Concat([]column{
		{name: "state", title: "State", width: 18},
		{name: "payment", title: "Payment", width: 28},
		{name: "payment_reference", title: "Payment reference", width: 28},
		{name: "details", title: "What is open", width: 60},
	}, moments("at", "Date", zone), []column{
		{name: "file_currency", title: "Currency in file", width: 10},
		{name: "file_amount", title: "Amount in file", width: 17, totalIn: "file_currency"},
		{name: "stripe_currency", title: "Currency at Stripe", width: 10},
		{name: "stripe_amount", title: "Amount at Stripe", width: 17, totalIn: "stripe_currency"},
		{name: "difference", title: "Stripe less file", width: 17, totalIn: "stripe_currency"},
		{name: "file_refunded", title: "Refunded in file", width: 17, totalIn: "file_currency"},
		{name: "stripe_refunded", title: "Refunded at Stripe", width: 17, totalIn: "stripe_currency"},
		{name: "payment_records", title: "Payment records", width: 34},
		{name: "source_file", title: "Source file", width: 30},
		{name: "source_line", title: "Source line", width: 10},
		{name: "journal", title: "Journal", width: 20},
	})
	for _, l := range r.Summary.Lines {
		if l.Currency != "" && !slices.Contains(g.currencies, l.Currency) && n > 0 {
			g.currencies = append(g.currencies, l.Currency)
		}
	}
	slices.Sort(g.currencies)
	g.rows = func(yield func([]cell, error) bool) {
		var row []cell
		for i, err := range items {
			row = i.appendCells(row[:0], zone)
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
	return g
}

func (i Item) appendCells(row []cell, zone *time.Location) []cell {
	var file, stripe record.Currency
	row = append(row, textCell(string(i.State)), textCell(i.Payment), textCell(i.Reference), textCell(strings.Join(i.Details, "; ")))
	row = appendMoments(row, i.At, zone)
	for _, side := range []struct {
		a *record.Amount
		c *record.Currency
	}{{i.FileAmount, &file}, {i.StripeAmount, &stripe}} {
		if side.a == nil {
			row = append(row, cell{}, cell{})
			continue
		}
		*side.c = side.a.Currency
		row = append(row, currencyCell(side.a.Currency), amountCell(*side.a))
	}
	var difference cell
	if file == stripe && file != "" {
		difference = amountCell(record.Amount{Currency: file, Value: i.StripeAmount.Value - i.FileAmount.Value})
	}
	row = append(row, difference, refundedCell(i.FileRefunded, file, stripe), refundedCell(i.StripeRefunded, stripe))
	line := cell{}
	if i.Line > 0 {
		line = numberCell(int64(i.Line))
	}
	return append(row, textCell(strings.Join(i.Records, " ")), textCell(i.File), line, textCell(i.Journal))
}

// refundedCell is an amount in the first currency that is known, empty for none.
func refundedCell(value int64, currencies ...record.Currency) cell {
	for _, c := range currencies {
		if c != "" && value != 0 {
			return amountCell(record.Amount{Currency: c, Value: value})
		}
	}
	return cell{}
}

// summaryChapter is the sheet that says how it came out.
func (r *Reconciliation) summaryChapter() chapter {
	sheet := r.summarySheet()
	return chapter{
		lay: func(b *book) error {
			return b.lay("Summary", page{widths: []float64{46, 12, 14, 22, 22, 22, 22, 22}, rows: len(sheet.rows)})
		},
		write: func(b *book) error {
			s, err := b.begin("Summary")
			if err != nil {
				return err
			}
			return errors.Join(s.write(sheet), s.end())
		},
	}
}

func (r *Reconciliation) summarySheet() *draft {
	sheet := &draft{}
	sheet.add(roleTitle, textCell("Reconciliation"))
	if n := r.Summary.Open; n > 0 {
		sheet.add(roleBad, textCell(fmt.Sprintf("%d of %d payments are open; sheet Open says why.", n, r.Summary.Payments)))
	} else {
		sheet.add(roleGood, textCell("Nothing is open."))
	}
	sheet.skip(1)
	sheet.header("State", "Currency", "#Payments", "#In the files", "#At Stripe")
	for _, l := range r.Summary.Lines {
		row := []cell{textCell(string(l.State)), currencyCell(l.Currency), numberCell(int64(l.Count)), {}, {}}
		if l.Currency != "" {
			row[3], row[4] = amountCell(record.Amount{Currency: l.Currency, Value: l.File}), amountCell(record.Amount{Currency: l.Currency, Value: l.Stripe})
		}
		sheet.add(roleData, row...)
	}
	r.addPayouts(sheet)
	sheet.skip(1)
	sheet.header("About", "", "", "", "")
	for _, f := range r.facts() {
		sheet.add(roleData, textCell(f.Name), textCell(f.Value))
	}
	return sheet
}

func (r *Reconciliation) addPayouts(sheet *draft) {
	if len(r.Payouts) == 0 {
		return
	}
	sheet.skip(1)
	sheet.header("Payouts of", "Currency", "#Payouts", "#All other rows", "#Paid out", "#Left in the file", "#Net at Stripe", "#Other rows less Stripe")
	for _, p := range r.Payouts {
		row := []cell{textCell(p.File), currencyCell(p.Currency), numberCell(int64(p.Rows)), moneyCell(p.Movements), moneyCell(p.Paid), moneyCell(p.Left)}
		if gap, err := p.Movements.Sub(p.Stripe); err == nil && p.Settled > 0 {
			row = append(row, moneyCell(p.Stripe), moneyCell(gap))
		}
		sheet.add(roleData, row...)
	}
}

func (r *Reconciliation) facts() []Fact {
	sum := r.Summary
	n := func(n int) string { return fmt.Sprint(n) }
	period := sum.Period
	if period == "" {
		period = "not looked for: no period was named"
	}
	return []Fact{
		{"", "Program", orPayrec(r.options.Generator)},
		{"", "Not in file", period},
		{"", "Calls in the files", n(sum.Claims)},
		{"", "Rows not compared: rejected", n(sum.Unread)},
		{"", "Rows not compared: held", n(sum.Held)},
		{"", "Matched within the tolerance", n(sum.Tolerated) + " (tolerance " + r.options.Tolerance.String() + ")"},
		{"", "Records read", n(sum.Records)},
		{"", "of another source", n(sum.OtherSources)},
		{"", "processed by Stripe", n(sum.OnStripe)},
		{"", "without stamps and reference", n(sum.Unidentified)},
		{"", "Calls in the journal", n(sum.Journal)},
	}
}
