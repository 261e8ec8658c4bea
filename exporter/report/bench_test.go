package report

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/record"
)

// BenchmarkReport makes a report of 20,000 payments and writes it: a list in the
// order of the dataset, and movements, which are sorted.
func BenchmarkReport(b *testing.B) {
	const n = 20_000
	var account fakeAccount
	for i := range n {
		at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Minute).Format(time.RFC3339)
		account = append(account, paid(fmt.Sprintf("pr_%06d", i), at, int64(100+i), "eur", record.StampFee, "0.59", record.StampNet, "19.31",
			record.StampNetCurrency, "eur", record.StampFile, "june.csv", record.StampLine, "2", "order", "A-1"))
	}
	for _, each := range []string{"payment", "movement"} {
		src := fmt.Sprintf(`{payrec: report/v1, name: x, let: {cost: '=fee ?? 0'}, sheets: [{name: S, each: %s, columns: [{title: At, value: =paid_at}, {title: Id, value: =id},
			{title: Reference, value: =reference}, {title: Order, value: '=metadata["order"]'}, {title: Currency, value: =currency}, {title: Amount, value: =amount, total: sum},
			{title: Fee, value: =cost, total: sum}, {title: Kept, value: =amount - cost, total: sum}, {title: Who, value: =processor}, {title: Row, value: '=file + ":" + text(line)'}]}]}`, each)
		r, err := Parse("x.yaml", []byte(src), Options{})
		if err != nil {
			b.Fatal(err)
		}
		d, err := exporter.Collect(b.Context(), account, exporter.Options{Period: r.Period()})
		if err != nil {
			b.Fatal(err)
		}
		defer d.Close()
		for _, path := range []string{"x.csv", "x.xlsx"} {
			b.Run(each+"/"+path, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					built, err := r.Build(b.Context(), d)
					if err != nil {
						b.Fatal(err)
					}
					files, err := built.Files(path, TextOptions{})
					if err == nil {
						err = files[0].Write(io.Discard)
					}
					if err != nil {
						b.Fatal(err)
					}
					built.Close()
				}
				b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "lines/s")
			})
		}
	}
}
