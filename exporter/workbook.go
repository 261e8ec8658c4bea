package exporter

import (
	"fmt"
	"io"
)

// roomForTotals is how many rows of a sheet are kept for what stands below the
// data: two lines for each currency there is, and some between.
const roomForTotals = 400

// WriteWorkbook writes an XLSX workbook for closing a month: Summary, Payments,
// Attempts when they were read, Refunds, Exceptions, Changes when the dataset
// differs from an earlier export of the period, Control. A sheet that would be
// too long goes on in one with a number: "Payments (2)". The same dataset gives
// the same bytes.
func (d *Dataset) WriteWorkbook(w io.Writer) error {
	return d.writeWorkbook(w, maxSheetRows-roomForTotals)
}

func (d *Dataset) writeWorkbook(w io.Writer, rows int) error {
	var parts []Part
	for _, name := range Builtins {
		parts = append(parts, Part{Builtin: name})
	}
	return d.writeParts(w, rows, parts)
}

func orPayrec(generator string) string {
	if generator == "" {
		return "payrec"
	}
	return generator
}

// Builtins are the sheets that a report names instead of describing them, in
// the order of the month-end workbook. Attempts is left out when none were read.
var Builtins = []string{"summary", "payments", "attempts", "refunds", "exceptions", "control"}

func (d *Dataset) writeParts(w io.Writer, rows int, parts []Part) error {
	written := tally{} // what Payments adds to and Control holds against what was read
	var chapters []chapter
	for _, p := range parts {
		var c chapter
		var err error
		if p.Sheet != nil {
			c = sheetChapter(p.Sheet)
		} else if c, err = d.builtin(p.Builtin, written); err != nil {
			return err
		}
		if c.lay != nil {
			chapters = append(chapters, c)
		}
	}
	return writeBook(w, orPayrec(d.options.Generator), rows, chapters)
}

// builtin is one of [Builtins]; the zero chapter for one that is left out.
func (d *Dataset) builtin(name string, written tally) (chapter, error) {
	switch name {
	case "summary":
		return d.summaryChapter(), nil
	case "payments":
		return gridChapter(d.paymentsGrid(func(p *payment) error { return written.add(p, 1) })), nil
	case "attempts":
		if d.options.Attempts == NoAttempts {
			return chapter{}, nil
		}
		return gridChapter(d.attemptsGrid()), nil
	case "refunds":
		return gridChapter(d.refundsGrid()), nil
	case "exceptions":
		c := gridChapter(d.exceptionsGrid())
		if d.delta != nil {
			c = c.then(gridChapter(d.delta.grid()))
		}
		return c, nil
	case "control":
		return d.controlChapter(written), nil
	}
	return chapter{}, fmt.Errorf("there is no builtin sheet %q", name)
}
