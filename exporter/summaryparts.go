package exporter

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/payrec/payrec/record"
)

// addPositions adds what was open at the start and at the end of the period.
// The last line of each currency is a formula over the others, and what it
// comes to was counted by itself.
func (d *Dataset) addPositions(to *draft) {
	switch {
	case !d.options.Period.whole():
		to.skip(1)
		to.add(roleNote, textCell("Open payments are not shown: by "+d.options.Period.By+" date, only the period was read of the account"))
		return
	case len(d.account) == 0:
		return
	}
	to.skip(1)
	to.add(roleNote, textCell("Open payments: initiated, and not yet guaranteed, failed or canceled, by their stamped dates. All payments of the account count, whichever have a line in this workbook"))
	to.header("Currency", "Open payments", "", "#Payments", "#Requested")
	for _, c := range d.account.currencies() {
		t := d.account[c]
		first := to.at()
		for i, m := range t.moved {
			count, sum := mark{cell: numberCell(m.n)}, mark{cell: amountCell(record.Amount{Currency: c, Value: m.value})}
			label, code := mark{cell: textCell(movementNames[i])}, mark{cell: currencyCell(c)}
			if 1<<i == staysOpen {
				count.formula, sum.formula = openFormula(sumCount, first), openFormula(sumRequested, first)
				for _, m := range []*mark{&count, &sum, &label, &code} {
					m.role = roleTotal
				}
			}
			to.addMarks(code, label, mark{role: label.role}, count, sum)
		}
	}
}

// openFormula is what was open and what came, less what went.
func openFormula(column, first int) string {
	at := func(m movement) string { // bits are in the order of the lines
		for i := range movements {
			if m == 1<<i {
				return ref(column, first+i)
			}
		}
		return ""
	}
	return fmt.Sprintf("%s+%s-%s-%s-%s", at(wasOpen), at(initiated), at(guaranteed), at(failed), at(canceled))
}

// How the chart is placed: so many rows are left free for it, and so many
// currencies have a series; more cannot be told apart.
const (
	chartRows   = 17
	chartSeries = 8
)

// addVolume adds how many payments there were, and what they collected, by day
// or month, and a chart of the numbers: they can stand on one axis in all
// currencies, and amounts cannot.
func (d *Dataset) addVolume(to *draft) (chart *excelize.Chart, anchor string) {
	if len(d.days) == 0 {
		return nil, ""
	}
	unit, format := d.volumeUnit()
	totals := map[record.Currency]int64{}
	for _, day := range d.days {
		for c, x := range day.counts {
			totals[c] += x.n
		}
	}
	currencies := slices.SortedFunc(maps.Keys(totals), func(a, b record.Currency) int {
		return cmp.Or(cmp.Compare(totals[b], totals[a]), cmp.Compare(a, b))
	})
	to.skip(1)
	to.add(roleNote, textCell(fmt.Sprintf("Payments by %s of their paid date, %s", unit, d.options.Period.Zone)))
	anchor = ref(0, to.at())
	to.skip(chartRows)
	titles := []string{capital(unit), ""}
	columns := []int{}
	for range min(len(currencies), mostVolume) {
		columns = append(columns, sumCount+len(columns))
	}
	currencies = currencies[:len(columns)]
	titles = append(titles, "")
	for _, c := range currencies {
		titles = append(titles, "#"+c.Upper()+" payments")
	}
	for _, c := range currencies {
		titles = append(titles, "#"+c.Upper()+" collected")
	}
	header := to.at()
	to.header(titles...)
	first := to.at()
	for _, day := range d.days {
		row := []cell{{kind: kindText, text: day.at.Format(format)}, {}, {}}
		for _, c := range currencies {
			row = append(row, numberCell(day.counts[c].n))
		}
		for _, c := range currencies {
			if x := day.counts[c]; x.n > 0 {
				row = append(row, amountCell(record.Amount{Currency: c, Value: x.value}))
			} else {
				row = append(row, cell{})
			}
		}
		to.add(roleData, row...)
	}
	last := to.at() - 1
	chart = volumeChart(unit)
	for i := range currencies[:min(len(currencies), chartSeries)] {
		at := strings.TrimRight(ref(columns[i], 1), "1")
		chart.Series = append(chart.Series, excelize.ChartSeries{
			Name:       fmt.Sprintf("Summary!$%s$%d", at, header),
			Categories: fmt.Sprintf("Summary!$A$%d:$A$%d", first, last),
			Values:     fmt.Sprintf("Summary!$%s$%d:$%s$%d", at, first, at, last),
		})
	}
	return chart, anchor
}

// mostVolume is how many currencies have columns in the table of days: those of
// most payments.
const mostVolume = 20

// volumeUnit is what the table of days goes by, and how it writes it.
func (d *Dataset) volumeUnit() (unit, format string) {
	if len(d.days) > 1 {
		switch step := d.days[1].at.Sub(d.days[0].at).Hours() / 24; {
		case step > 31:
			return "year", "2006"
		case step > 1:
			return "month", "2006-01"
		}
	}
	return "day", "2006-01-02"
}

func volumeChart(unit string) *excelize.Chart {
	font := excelize.Font{Size: 9, Color: inkPale}
	return &excelize.Chart{
		Type:      excelize.ColStacked,
		Title:     excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: "Payments a " + unit, Font: &excelize.Font{Size: 12, Bold: true, Color: inkDark}}}},
		Legend:    excelize.ChartLegend{Position: "bottom"},
		Dimension: excelize.ChartDimension{Width: 1180, Height: 320},
		XAxis:     excelize.ChartAxis{Font: font},
		YAxis:     excelize.ChartAxis{Font: font, MajorGridLines: true, NumFmt: excelize.ChartNumFmt{CustomNumFmt: "#,##0"}},
		Format:    excelize.GraphicOptions{Positioning: "oneCell"},
	}
}
