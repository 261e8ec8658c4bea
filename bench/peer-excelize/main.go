// Command peer-excelize writes and reads workbooks as excelize's documentation
// shows it.
//
//	peer-excelize write ROWS FILE     a sheet of 15 columns, by its StreamWriter
//	peer-excelize convert CSV FILE    a file as a workbook of text cells
//	peer-excelize read FILE           every row by Rows and Columns
//	peer-excelize raw FILE            the same with RawCellValue
package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"
)

func main() {
	var err error
	switch os.Args[1] {
	case "write":
		err = write(os.Args[2], os.Args[3])
	case "convert":
		err = convert(os.Args[2], os.Args[3])
	case "read":
		err = read(os.Args[2])
	case "raw":
		err = read(os.Args[2], excelize.Options{RawCellValue: true})
	}
	if err != nil {
		log.Fatal(err)
	}
}

func write(count, path string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	f := excelize.NewFile()
	defer f.Close()
	money, err := f.NewStyle(&excelize.Style{NumFmt: 4})
	if err != nil {
		return err
	}
	date, err := f.NewStyle(&excelize.Style{NumFmt: 22})
	if err != nil {
		return err
	}
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	header := []any{"Paid at", "Id", "Reference", "Currency", "Requested", "Refunded", "Fee", "Net", "Status", "Method", "Processor", "Order", "Country", "File", "Line"}
	if err := w.SetRow("A1", header); err != nil {
		return err
	}
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		gross := 500 + i*7919%99_500
		row := []any{
			excelize.Cell{StyleID: date, Value: start.Add(time.Duration(i%86_400) * time.Second)},
			fmt.Sprintf("pr_%024d", i), fmt.Sprintf("TX%012d", i), "EUR",
			excelize.Cell{StyleID: money, Value: float64(gross) / 100}, excelize.Cell{StyleID: money, Value: 0},
			excelize.Cell{StyleID: money, Value: 0.25}, excelize.Cell{StyleID: money, Value: float64(gross-25) / 100},
			"guaranteed", "card", "Bench", fmt.Sprintf("ORD-%07d", i), "DE", "settlement.csv", i + 2,
		}
		cell, err := excelize.CoordinatesToCellName(1, i+2)
		if err != nil {
			return err
		}
		if err := w.SetRow(cell, row); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.SaveAs(path)
}

func convert(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	f := excelize.NewFile()
	defer f.Close()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	r := csv.NewReader(in)
	for line := 1; ; line++ {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		cells := make([]any, len(row))
		for i, text := range row {
			cells[i] = text
		}
		name, err := excelize.CoordinatesToCellName(1, line)
		if err != nil {
			return err
		}
		if err := w.SetRow(name, cells); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.SaveAs(to)
}

func read(path string, options ...excelize.Options) error {
	f, err := excelize.OpenFile(path, options...)
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := f.Rows(f.GetSheetName(0))
	if err != nil {
		return err
	}
	defer rows.Close()
	cells := 0
	for rows.Next() {
		row, err := rows.Columns(options...)
		if err != nil {
			return err
		}
		cells += len(row)
	}
	fmt.Println(cells)
	return rows.Error()
}
