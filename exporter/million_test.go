package exporter

import (
	"io"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// peak is the most memory that this process ever had, in MiB.
func peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("the peak of memory is not known here: ", err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Skip("the peak of memory is not known here")
	}
	kib, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

// TestMillionSealed: a million payments are collected, sealed, compared and written
// as CSV in memory that hardly grows. Run with PAYREC_TEST_LONG=1; it takes
// half a minute.
func TestMillionSealed(t *testing.T) {
	n := 20_000
	if os.Getenv("PAYREC_TEST_LONG") != "" {
		n = 1_000_000
	}
	before := peak(t)
	step := func(what string, do func() error) {
		t.Helper()
		began := time.Now()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		t.Logf("%-8s %9d payments in %6.2f s, %7.0f a second; peak %d MiB", what, n, took.Seconds(), float64(n)/took.Seconds(), peak(t))
	}
	var d *Dataset
	var s *Seal
	step("collect", func() (err error) {
		d, err = Collect(t.Context(), many{n, generate(500, 1).records}, Options{})
		return err
	})
	defer d.Close()
	step("csv", func() error { return d.WriteCSV(io.Discard) })
	step("seal", func() (err error) { s, err = d.Seal(); return err })
	defer s.Close()
	step("delta", func() error {
		delta, err := s.Since(Since{}, s.Figures())
		if err != nil || !delta.Empty() {
			t.Errorf("%+v", delta)
		}
		return delta.Close()
	})
	if d.Len() != n {
		t.Errorf("%d payments", d.Len())
	}
	if grew := peak(t) - before; n == 1_000_000 && grew > 250 {
		t.Errorf("memory grew by %d MiB", grew)
	}
}
