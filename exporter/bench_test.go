package exporter

import (
	"context"
	"io"
	"iter"
	"testing"

	"github.com/payrec/payrec/record"
)

// many gives n records made of a few, so that the source itself holds nothing.
type many struct {
	n    int
	some []*record.PaymentRecord
}

func (m many) Records(context.Context, int64, int64) iter.Seq2[*record.PaymentRecord, error] {
	return func(yield func(*record.PaymentRecord, error) bool) {
		id := []byte("pr_1AAAAAAAAAAAAAAAAAAAAAAA")
		for i := range m.n {
			r := *m.some[i%len(m.some)]
			for j, x := len(id)-1, i; j > 4; j, x = j-1, x/26 {
				id[j] = 'A' + byte(x%26)
			}
			r.ID = string(id)
			if !yield(&r, nil) {
				return
			}
		}
	}
}

func (m many) Attempts(context.Context, string) iter.Seq2[*record.PaymentAttemptRecord, error] {
	return func(func(*record.PaymentAttemptRecord, error) bool) {}
}

func BenchmarkExport(b *testing.B) {
	const n = 20_000
	src := many{n, generate(500, 1).records}
	for _, bb := range []struct {
		name  string
		write func(*Dataset, io.Writer) error
	}{
		{"collect", func(*Dataset, io.Writer) error { return nil }},
		{"csv", (*Dataset).WriteCSV},
		{"jsonl", (*Dataset).WriteJSONL},
		{"xlsx", (*Dataset).WriteWorkbook},
	} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				d, err := Collect(b.Context(), src, Options{})
				if err != nil {
					b.Fatal(err)
				}
				if err := bb.write(d, io.Discard); err != nil {
					b.Fatal(err)
				}
				d.Close()
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkWrite writes what was read before: what a format costs by itself.
func BenchmarkWrite(b *testing.B) {
	const n = 50_000
	d, err := Collect(b.Context(), many{n, generateYear(500, 1).records}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	for _, bb := range []struct {
		name  string
		write func(*Dataset, io.Writer) error
	}{
		{"decode", func(d *Dataset, _ io.Writer) error {
			for _, err := range d.payments() {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"rows", func(d *Dataset, _ io.Writer) error {
			for _, err := range d.paymentsGrid(nil).rows {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"csv", (*Dataset).WriteCSV},
		{"xlsx", (*Dataset).WriteWorkbook},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bb.write(d, io.Discard); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
