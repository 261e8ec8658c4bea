package exporter

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// TestMillionRows writes a workbook of a million payments and more than one
// sheet, in memory that does not grow with them:
//
//	PAYREC_TEST_LONG=1 go test ./exporter -run MillionRows -v
func TestMillionRows(t *testing.T) {
	if os.Getenv("PAYREC_TEST_LONG") == "" {
		t.Skip("takes minutes; PAYREC_TEST_LONG=1 runs it")
	}
	const n = 1_100_000 // more than a sheet holds
	began := time.Now()
	d := collectAll(t, many{n, generateYear(500, 1).records}, Options{Period: Period{Zone: berlin(t)}})
	t.Logf("collected: %.0f records/s", n/time.Since(began).Seconds())
	for name, write := range map[string]func(*os.File) error{
		"payments.csv":  func(f *os.File) error { return d.WriteCSV(f) },
		"payments.xlsx": func(f *os.File) error { return d.WriteWorkbook(f) },
	} {
		path := filepath.Join(t.TempDir(), name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		began = time.Now()
		if err := write(f); err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		t.Logf("%s: %.0f rows/s, %d MB; %d MiB taken from the system at the most", name, n/time.Since(began).Seconds(), info.Size()>>20, m.Sys>>20)
		if m.Sys > 400<<20 {
			t.Errorf("%s: %d MiB taken from the system", name, m.Sys>>20)
		}
	}
}
