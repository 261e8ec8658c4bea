package mapping

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/payrec/payrec/internal/table"
)

// adyenRows is a settlement detail report of n payments.
func adyenRows(n int) []byte {
	var b bytes.Buffer
	b.WriteString("Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,Modification Reference,Gross Currency," +
		"Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Payment Method Variant,Batch Number\n")
	for i := range n {
		fmt.Fprintf(&b, "Co,Shop,P%015d,ORD-%d,visa,2026-03-%02d %02d:%02d:%02d,CET,Settled,M%015d,EUR,,%d.%02d,1,EUR,,%d.%02d,,0.11,0.03,0.07,visastandardcredit,%d\n",
			i, i, 1+i%28, i%24, i%60, i%60, i, 10+i%500, i%100, 9+i%500, i%100, i/20_000)
	}
	return b.Bytes()
}

func BenchmarkAdyen(b *testing.B) {
	const rows = 100_000
	data := adyenRows(rows)
	m := mustLoad(b, "adyen-settlement-detail", nil)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := table.NewReader("bench.csv", bytes.NewReader(data), m.Dialect())
		if err != nil {
			b.Fatal(err)
		}
		s := m.NewSession()
		events := 0
		for {
			row, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			res, err := s.Row(row)
			if err != nil {
				b.Fatal(err)
			}
			if res != nil {
				events += len(res.Events)
			}
		}
		if events != rows {
			b.Fatalf("%d events", events)
		}
		if _, err := s.Finish(); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		mustLoad(b, "adyen-settlement-detail", nil)
	}
}
