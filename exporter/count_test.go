package exporter

import (
	"fmt"
	"io"
	"runtime"
	"testing"
)

// TestExportAllocates counts what a payment costs between the source and its
// line of CSV. What the source allocates by itself is taken off.
func TestExportAllocates(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector allocates by itself")
	}
	const n, mostAllocs, mostBytes = 20_000, 6, 3200
	src := many{n, generateYear(500, 1).records}
	counted := func(do func()) (allocs, bytes float64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs-before.Mallocs) / n, float64(after.TotalAlloc-before.TotalAlloc) / n
	}
	ownAllocs, ownBytes := counted(func() {
		for range src.Records(t.Context(), 0, 0) {
		}
	})
	allocs, bytes := counted(func() {
		d, err := Collect(t.Context(), src, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.WriteCSV(io.Discard); err != nil {
			t.Fatal(err)
		}
	})
	allocs, bytes = allocs-ownAllocs, bytes-ownBytes
	t.Logf("%.1f allocations of %.0f bytes for a payment", allocs, bytes)
	if allocs > mostAllocs || bytes > mostBytes {
		t.Errorf("want at most %d allocations of %d bytes", mostAllocs, mostBytes)
	}
}

// TestWritingAllocates counts what writing one more payment takes from memory, from
// the shelf to its line: its share of the text that it is part of, and nothing that
// is its own but what refunds beyond the first few need.
func TestWritingAllocates(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector allocates by itself")
	}
	const few, more = 2_000, 22_000
	records := generateYear(500, 1).records
	count := func(n int) (allocs, bytes float64) {
		d := collectAll(t, many{n, records}, Options{})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := d.WriteCSV(io.Discard); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs - before.Mallocs), float64(after.TotalAlloc - before.TotalAlloc)
	}
	fewAllocs, fewBytes := count(few)
	allocs, bytes := count(more)
	allocs, bytes = (allocs-fewAllocs)/(more-few), (bytes-fewBytes)/(more-few)
	t.Logf("%.3f allocations of %.0f bytes for a payment", allocs, bytes)
	if allocs > 0.2 || bytes > 700 {
		t.Error("want at most 0.2 of 700 bytes")
	}
}

// TestReconcilingAllocates counts what a payment that the files and the account have
// costs until its line is written, and what its item takes on disk.
func TestReconcilingAllocates(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector allocates by itself")
	}
	const n, mostAllocs, mostBytes, mostDisk = 20_000, 8, 1300, 80
	records := &fake{}
	claims := make([]Claim, n)
	for i := range n {
		key := fmt.Sprintf("TX%012d", i)
		records.records = append(records.records, recorded("pr_"+key, key, 500))
		claims[i] = paid(key, 500)
	}
	r, err := NewReconciler(ReconcileOptions{Source: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, c := range claims {
		if err := r.Claim(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Read(t.Context(), records, nil); err != nil {
		t.Fatal(err)
	}
	result, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	if err := result.WriteCSV(io.Discard); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	allocs, bytes := float64(after.Mallocs-before.Mallocs)/n, float64(after.TotalAlloc-before.TotalAlloc)/n
	disk := float64(result.shelf.size) / n
	t.Logf("%.1f allocations of %.0f bytes for a payment, %.0f bytes on disk", allocs, bytes, disk)
	if allocs > mostAllocs || bytes > mostBytes || disk > mostDisk {
		t.Errorf("want at most %d allocations of %d bytes, %d on disk", mostAllocs, mostBytes, mostDisk)
	}
}
