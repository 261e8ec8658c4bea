package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/payrec/payrec/record"
)

// A living account is written to while it is listed: each page that is read
// takes a second, in which more is reported, and a record is listed only lag
// seconds after it was made.
type living struct {
	mu        sync.Mutex // guards what follows
	now       int64
	lag       int64
	inclusive bool
	pageSize  int
	arrivals  []int // how many are reported each second, in turn
	all       []*record.PaymentRecord
	pages     int
}

func (l *living) report(created int64) {
	l.all = append(l.all, simple(fmt.Sprintf("pr_%06d", len(l.all)), created))
}

// page is the next page below the cursor: a place in the order, newest first.
func (l *living) page(after, before int64, cursor *record.PaymentRecord) []*record.PaymentRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages++
	for range l.arrivals[l.pages%len(l.arrivals)] {
		l.report(l.now)
	}
	l.now++
	order := func(a, b *record.PaymentRecord) int {
		return cmp.Or(cmp.Compare(b.Created, a.Created), strings.Compare(b.ID, a.ID))
	}
	var page []*record.PaymentRecord
	for _, r := range l.all {
		in := r.Created+l.lag <= l.now && (after == 0 || r.Created > after || l.inclusive && r.Created == after) && (before == 0 || r.Created < before || l.inclusive && r.Created == before)
		if in && (cursor == nil || order(r, cursor) > 0) {
			page = append(page, r)
		}
	}
	slices.SortFunc(page, order)
	return page[:min(len(page), l.pageSize)]
}

func (l *living) Records(_ context.Context, after, before int64) iter.Seq2[*record.PaymentRecord, error] {
	return func(yield func(*record.PaymentRecord, error) bool) {
		var cursor *record.PaymentRecord
		for {
			page := l.page(after, before, cursor)
			for _, r := range page {
				cursor = r
				if !yield(r, nil) {
					return
				}
			}
			if len(page) < l.pageSize {
				return
			}
		}
	}
}

func (l *living) Attempts(context.Context, string) iter.Seq2[*record.PaymentAttemptRecord, error] {
	return func(func(*record.PaymentAttemptRecord, error) bool) {}
}

func (l *living) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Unix(l.now, 0)
}

// TestWindowsHaveNoHoles: however dense the account is, wherever its density
// lies, whatever the bounds include, and while it is being written to and lists
// late, everything older than the lag at the end of reading is there, once.
func TestWindowsHaveNoHoles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC).Unix()
		l := &living{now: start, pageSize: rapid.IntRange(1, 7).Draw(t, "page"), inclusive: rapid.Bool().Draw(t, "inclusive"),
			lag: rapid.Int64Range(0, 40).Draw(t, "lag"), arrivals: rapid.SliceOfN(rapid.IntRange(0, 1), 1, 6).Draw(t, "arrivals")}
		for range rapid.IntRange(0, 6).Draw(t, "imports") { // bursts, as back-fills make them
			at := start - rapid.Int64Range(0, 3*365*86400).Draw(t, "ago")
			for i := range rapid.IntRange(1, 250).Draw(t, "n") {
				l.report(min(at+int64(i/rapid.SampledFrom([]int{1, 5, 100}).Draw(t, "a second")), start))
			}
		}
		w := &Windows{Source: l, Concurrency: rapid.IntRange(1, 8).Draw(t, "readers"), Lag: time.Duration(l.lag+1) * time.Second, Clock: l.clock}
		d, err := Collect(context.Background(), w, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		got := map[string]int{}
		for p, err := range d.payments() {
			if err != nil {
				t.Fatal(err)
			}
			got[p.ID]++
		}
		missing := 0
		for _, r := range l.all {
			switch n := got[r.ID]; {
			case n > 1:
				t.Fatalf("%s is there %d times", r.ID, n)
			case n == 0 && r.Created <= start-l.lag:
				t.Fatalf("%s of %d is missing; reading began at %d, with a lag of %d", r.ID, r.Created, start, l.lag)
			case n == 0:
				missing++
			}
		}
		if len(got)+missing != len(l.all) || len(got) != d.Len() {
			t.Fatalf("%d there, %d missing, %d made", len(got), missing, len(l.all))
		}
	})
}

// TestWindowsShare: a long list is in fact read by several readers at once, and
// the overlaps cost little.
func TestWindowsShare(t *testing.T) {
	l := &living{now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC).Unix(), pageSize: 100, arrivals: []int{0}}
	const n = 10_000
	for i := range n {
		l.report(l.now - 86400*30 - int64(i))
	}
	read := 0
	for _, err := range (&Windows{Source: l, Concurrency: 8, Clock: l.clock}).Records(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		read++
	}
	if read < n || read > n+n/10 {
		t.Errorf("%d records were read for %d", read, n)
	}
	if l.pages < n/100+8 || l.pages > n/100+80 {
		t.Errorf("%d pages were read, %d are needed", l.pages, n/100)
	}
}

// TestWindowsFail: an error of any reader comes out once, and last; who stops
// taking records leaves no reader behind.
func TestWindowsFail(t *testing.T) {
	broken := errors.New("broken")
	f := &fake{err: broken, fail: 150}
	for i := range 300 {
		f.records = append(f.records, simple(fmt.Sprintf("pr_%d", i), int64(2_000_000_000-i*100)))
	}
	n := 0
	var last error
	for _, err := range (&Windows{Source: f, Concurrency: 4}).Records(t.Context(), 0, 1) {
		if last != nil {
			t.Fatal("something comes after the error")
		}
		if last = err; err == nil {
			n++
		}
	}
	if !errors.Is(last, broken) || n > 4*150 { // each reader meets it after 150
		t.Errorf("%v after %d", last, n)
	}
	f.err = nil
	for range (&Windows{Source: f, Concurrency: 4}).Records(t.Context(), 0, 1) {
		break
	}
	slices.Reverse(f.records)
	last = nil
	for _, err := range (&Windows{Source: f, Concurrency: 4}).Records(t.Context(), 0, 1) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "newest first") {
		t.Errorf("oldest first: %v", last)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	last = nil
	for _, err := range (&Windows{Source: f, Concurrency: 4}).Records(ctx, 0, 1) {
		last = err
	}
	if !errors.Is(last, broken) {
		t.Errorf("canceled: %v", last)
	}
}
