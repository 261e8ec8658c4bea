package sheet_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/payrec/payrec/internal/sheet"
)

// BenchmarkSheet writes rows of 15 cells (11 texts, 3 amounts, a moment) in
// three ways, each row of the same content, into nothing:
//
//	go test ./internal/sheet -run '^$' -bench Sheet -count 5
//
// "documented" is excelize's StreamWriter as its documentation shows it, "reused"
// the same with cells that are not allocated for each row.
func BenchmarkSheet(b *testing.B) {
	const n = 50_000
	for _, bb := range []struct {
		name  string
		write func(io.Writer, int) error
	}{{"ours", writeOurs}, {"documented", writeDocumented}, {"reused", writeReused}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bb.write(io.Discard, n); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// benchRow is one row's content.
type benchRow struct {
	texts   [11]string
	amounts [3]uint64
	at      time.Time
}

func (r *benchRow) set(i int) {
	status := [...]string{"guaranteed", "refunded", "failed"}[i%3]
	r.texts = [...]string{fmt.Sprintf("pr_1Q%022d", i*7919), fmt.Sprintf("%016d", i*104729), status, "initiated_at", "EUR", "Adyen", "Order no. 4711 & more", "Erika Müller", "erika@example.com", "self", "settlement_2026-06.csv"}
	r.amounts = [...]uint64{uint64(i%100000 + 99), uint64(i % 977), uint64(i%100000 + 99 - i%977%99)}
	r.at = time.Unix(1_780_000_000+int64(i)*13, 0).UTC()
}

func writeOurs(w io.Writer, n int) error {
	f := excelize.NewFile()
	defer f.Close()
	p, err := sheet.Begin(w, f)
	if err != nil {
		return err
	}
	money, err := f.NewStyle(&excelize.Style{NumFmt: 4})
	if err != nil {
		return err
	}
	rows, err := p.Rows("Sheet1")
	if err != nil {
		return err
	}
	var row benchRow
	for i := range n {
		row.set(i)
		if err := rows.Next(); err != nil {
			return err
		}
		for _, s := range row.texts {
			rows.Text(0, s)
		}
		for _, a := range row.amounts {
			rows.Decimal(money, false, a, 2)
		}
		rows.Moment(0, row.at.Unix())
	}
	if err := rows.End(); err != nil {
		return err
	}
	return p.Close()
}

func writeDocumented(w io.Writer, n int) error {
	return writeExcelize(w, n, func() []any { return make([]any, 15) })
}

func writeReused(w io.Writer, n int) error {
	cells := make([]any, 15)
	return writeExcelize(w, n, func() []any { return cells })
}

func writeExcelize(w io.Writer, n int, cells func() []any) error {
	f := excelize.NewFile()
	defer f.Close()
	money, err := f.NewStyle(&excelize.Style{NumFmt: 4})
	if err != nil {
		return err
	}
	sw, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	var row benchRow
	for i := range n {
		row.set(i)
		out := cells()
		for j, s := range row.texts {
			out[j] = s
		}
		for j, a := range row.amounts {
			out[11+j] = excelize.Cell{StyleID: money, Value: float64(a) / 100}
		}
		out[14] = row.at
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		if err != nil {
			return err
		}
		if err := sw.SetRow(cell, out); err != nil {
			return err
		}
	}
	if err := sw.Flush(); err != nil {
		return err
	}
	_, err = f.WriteTo(w)
	return err
}
