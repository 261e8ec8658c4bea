package table_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"

	. "github.com/payrec/payrec/internal/table"
)

// settlement is a file in the shape of a settlement report: 16 columns, about 190 bytes a row.
func settlement(rows int, quoted bool) []byte {
	var b bytes.Buffer
	b.WriteString("Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC)\n")
	for i := range rows {
		cells := []string{"ExampleCompany", "ExampleCompany_ECOM", fmt.Sprintf("88161789%08d", i), fmt.Sprintf("ORDER-%d", i), "visa", "2026-02-18 16:10:51", "CET", "Settled",
			fmt.Sprintf("77161789%08d", i), "EUR", "", fmt.Sprintf("%d.%02d", i%900, i%100), "1", "EUR", "", fmt.Sprintf("%d.%02d", i%900, i%97)}
		if quoted {
			b.WriteString(`"` + strings.Join(cells, `","`) + "\"\n")
		} else {
			b.WriteString(strings.Join(cells, ",") + "\n")
		}
	}
	return b.Bytes()
}

func BenchmarkCSV(b *testing.B) {
	for _, quoted := range []bool{false, true} {
		data := settlement(50000, quoted)
		b.Run(fmt.Sprintf("table/quoted=%v", quoted), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := NewReader("b.csv", bytes.NewReader(data), Dialect{})
				if err != nil {
					b.Fatal(err)
				}
				if n := drain(b, r); n != 50001 {
					b.Fatal(n)
				}
			}
		})
		b.Run(fmt.Sprintf("table-find/quoted=%v", quoted), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				r, err := NewReader("b.csv", bytes.NewReader(data), Dialect{Header: Header{Find: []string{"Psp Reference", "Type"}}})
				if err != nil {
					b.Fatal(err)
				}
				drain(b, r)
			}
		})
		b.Run(fmt.Sprintf("encoding-csv/quoted=%v", quoted), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				r := csv.NewReader(bytes.NewReader(data))
				r.ReuseRecord = true
				n := 0
				for ; ; n++ {
					if _, err := r.Read(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
				if n != 50001 {
					b.Fatal(n)
				}
			}
		})
	}
}

func drain(b *testing.B, r *Reader) int {
	defer r.Close()
	for n := 0; ; n++ {
		row, err := r.Next()
		if err == io.EOF {
			return n
		}
		if err != nil || row.Err != nil {
			b.Fatal(err, row)
		}
	}
}

func BenchmarkXLSX(b *testing.B) {
	const rows = 5000
	var x strings.Builder
	x.WriteString(`<row r="1"><c r="A1" t="s"><v>0</v></c></row>`)
	for i := 2; i <= rows; i++ {
		fmt.Fprintf(&x, `<row r="%d" spans="1:17">`, i)
		for c := range 8 {
			fmt.Fprintf(&x, `<c r="%c%d" s="3" t="s"><v>%d</v></c><c r="%c%d"><v>%d.%02d</v></c>`, 'A'+2*c, i, c, 'B'+2*c, i, i, c)
		}
		x.WriteString("</row>")
	}
	data := book{rows: x.String(), strings: strings.Repeat("<si><t>some text</t></si>", 10)}.bytes(b)
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader("b.xlsx", bytes.NewReader(data), Dialect{Format: XLSX, Ragged: RaggedAllow})
		if err != nil {
			b.Fatal(err)
		}
		if n := drain(b, r); n != rows {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
