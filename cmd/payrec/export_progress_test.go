package main

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/payrec/payrec/exporter"
)

func TestReadingSaysHowFarItIs(t *testing.T) {
	from := &paging{Windows: &exporter.Windows{}, requests: new(atomic.Int64)}
	from.requests.Store(120)
	r := &reading{from: from, first: 20}
	if got, want := r.text(9_876, time.Minute), "reading: 9,876 records · 100 requests"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.payments = 4000
	if got, want := r.text(1000, 100*time.Second), "reading attempts: of 1,000 payments of 4,000 · 100 requests · about 50 min left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for n, want := range map[int]int{0: 0, 99: 99, 104: 100, 105: 110, 123_456: 120_000} {
		if got := roundly(n); got != want {
			t.Errorf("%d is roughly %d, want %d", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "1 s", 59 * time.Second: "60 s", 90 * time.Second: "2 min", 99 * time.Minute: "99 min", 150 * time.Minute: "2.5 h"} {
		if got := roughly(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
