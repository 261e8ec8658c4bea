// Command sheet writes the rows of peer-excelize with payrec's own sheet writer.
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/payrec/payrec/internal/sheet"
	"github.com/xuri/excelize/v2"
)

func main() {
	if err := write(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func write(count, path string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
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
	p, err := sheet.Begin(out, f)
	if err != nil {
		return err
	}
	rows, err := p.Rows("Sheet1")
	if err != nil {
		return err
	}
	if err := rows.Next(); err != nil {
		return err
	}
	for _, title := range []string{"Paid at", "Id", "Reference", "Currency", "Requested", "Refunded", "Fee", "Net", "Status", "Method", "Processor", "Order", "Country", "File", "Line"} {
		rows.Text(0, title)
	}
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Unix()
	for i := range n {
		gross := uint64(500 + i*7919%99_500)
		if err := rows.Next(); err != nil {
			return err
		}
		rows.Moment(date, start+int64(i%86_400))
		rows.Text(0, fmt.Sprintf("pr_%024d", i))
		rows.Text(0, fmt.Sprintf("TX%012d", i))
		rows.Text(0, "EUR")
		rows.Decimal(money, false, gross, 2)
		rows.Decimal(money, false, 0, 2)
		rows.Decimal(money, false, 25, 2)
		rows.Decimal(money, false, gross-25, 2)
		rows.Text(0, "guaranteed")
		rows.Text(0, "card")
		rows.Text(0, "Bench")
		rows.Text(0, fmt.Sprintf("ORD-%07d", i))
		rows.Text(0, "DE")
		rows.Text(0, "settlement.csv")
		rows.Int(0, int64(i+2))
	}
	if err := rows.End(); err != nil {
		return err
	}
	if err := p.Close(); err != nil {
		return err
	}
	return out.Close()
}
