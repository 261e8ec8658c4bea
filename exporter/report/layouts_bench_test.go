package report_test

import (
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/exporter/report"
)

// BenchmarkLayouts is the time from a collected dataset to written files, for
// each payment.
func BenchmarkLayouts(b *testing.B) {
	src, _ := newGenerator(1, "eur").generate(20_000)
	for _, layout := range slices.Sorted(maps.Keys(layoutParams)) {
		b.Run(layout, func(b *testing.B) {
			r, err := report.Load(layout, report.Options{Params: params(layout), Period: wholeJune})
			if err != nil {
				b.Fatal(err)
			}
			d, err := exporter.Collect(b.Context(), src, exporter.Options{Period: r.Period()})
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			lines := 0
			for b.Loop() {
				built, err := r.Build(b.Context(), d)
				if err != nil {
					b.Fatal(err)
				}
				files, err := built.Files(outputName(layout), report.TextOptions{})
				if err != nil {
					b.Fatal(err)
				}
				for _, f := range files {
					if err := f.Write(io.Discard); err != nil {
						b.Fatal(err)
					}
				}
				lines = built.Lines()
				if err := built.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
