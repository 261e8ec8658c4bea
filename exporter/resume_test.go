package exporter

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/payrec/payrec/record"
)

// memory is a PageStore that forgets nothing but what it is told to.
type memory struct {
	began time.Time
	pages []Page
}

func (m *memory) Began() time.Time { return m.began }
func (m *memory) Pages() iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		for _, p := range slices.Clone(m.pages) {
			if p.Records == nil {
				yield(p, errors.New("damaged"))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}
func (m *memory) Keep(p Page) {
	if p.Records == nil {
		p.Records = []byte{}
	}
	m.pages = append(m.pages, p)
}

// interrupted fails after so many records.
type interrupted struct {
	Source
	mu   sync.Mutex // guards left
	left int
}

var errInterrupted = errors.New("interrupted")

func (s *interrupted) Records(ctx context.Context, after, before int64) iter.Seq2[*record.PaymentRecord, error] {
	return func(yield func(*record.PaymentRecord, error) bool) {
		for r, err := range s.Source.Records(ctx, after, before) {
			s.mu.Lock()
			s.left--
			over := s.left < 0
			s.mu.Unlock()
			if over {
				yield(nil, errInterrupted)
				return
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// TestReadingGoesOn: interrupted again and again, at any record, while others
// write and the list lags, with a store that may be damaged, the list is
// complete in the end, and what was read is not read again.
func TestReadingGoesOn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		start := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC).Unix()
		l := &living{now: start, pageSize: rapid.SampledFrom([]int{7, 20, 100}).Draw(rt, "page"), inclusive: rapid.Bool().Draw(rt, "inclusive"),
			lag: rapid.Int64Range(0, 40).Draw(rt, "lag"), arrivals: rapid.SliceOfN(rapid.IntRange(0, 1), 1, 6).Draw(rt, "arrivals")}
		for range rapid.IntRange(1, 5).Draw(rt, "imports") {
			at := start - rapid.Int64Range(0, 3*365*86400).Draw(rt, "ago")
			for i := range rapid.IntRange(1, 300).Draw(rt, "n") {
				l.report(min(at+int64(i/rapid.SampledFrom([]int{1, 5, 100, 1000}).Draw(rt, "a second")), start))
			}
		}
		asked := Period{}
		if rapid.Bool().Draw(rt, "span") {
			asked = Period{By: ByReported, From: time.Unix(start-86400*400, 0), To: time.Unix(start-rapid.Int64Range(0, 100).Draw(rt, "end"), 0)}
		}
		store := &memory{began: time.Unix(start, 0)}
		var d *Dataset
		for try := 0; d == nil; try++ {
			src := &interrupted{Source: l, left: rapid.IntRange(0, 1500).Draw(rt, "interrupted after")}
			if try == 3 {
				src.left = 1 << 30 // who writes faster than anybody reads is not the point
			}
			w := &Windows{Source: src, Concurrency: rapid.IntRange(2, 8).Draw(rt, "readers"), Lag: time.Duration(l.lag+1) * time.Second, Clock: l.clock, Store: store}
			var err error
			if d, err = Collect(context.Background(), w, Options{Period: asked}); err != nil && !errors.Is(err, errInterrupted) {
				rt.Fatal(err)
			}
			if d == nil && len(store.pages) > 0 && rapid.IntRange(0, 9).Draw(rt, "damage") == 0 {
				store.pages[rapid.IntRange(0, len(store.pages)-1).Draw(rt, "damaged")].Records = nil
			}
		}
		defer d.Close()
		got := map[string]int{}
		for p, err := range d.payments() {
			if err != nil {
				rt.Fatal(err)
			}
			got[p.ID]++
		}
		for _, r := range l.all {
			want := r.Created <= start-l.lag && asked.contains(unix(r.Created))
			if n := got[r.ID]; n > 1 || want && n == 0 {
				rt.Fatalf("%s of %d is there %d times", r.ID, r.Created, n)
			}
		}
	})
}

// TestReadingIsNotRepeated: the second go reads little more than what the first
// one left.
func TestReadingIsNotRepeated(t *testing.T) {
	l := &living{now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC).Unix(), pageSize: 100, arrivals: []int{0}}
	const n = 20_000
	for i := range n {
		l.report(l.now - 86400*30 - int64(i*7))
	}
	store := &memory{began: l.clock()}
	read := func(left int) error {
		w := &Windows{Source: &interrupted{Source: l, left: left}, Concurrency: 4, Clock: l.clock, Store: store}
		d, err := Collect(t.Context(), w, Options{})
		if err == nil {
			if d.Len() != n {
				t.Errorf("%d of %d records", d.Len(), n)
			}
			d.Close()
		}
		return err
	}
	if err := read(n * 3 / 4); !errors.Is(err, errInterrupted) {
		t.Fatal(err)
	}
	first := l.pages
	if err := read(n); err != nil {
		t.Fatal(err)
	}
	if second := l.pages - first; second > n/100/4+60 {
		t.Errorf("the first go read %d pages, the second %d", first, second)
	}
	if err := read(0); err != nil { // an interruption after the last page
		t.Error(err)
	}
}

func TestGaps(t *testing.T) {
	for _, tt := range []struct {
		asked span
		kept  complete
		want  []window
	}{
		{span{}, nil, []window{{}}},
		{span{100, 200}, nil, []window{{after: 100, before: 200}}},
		{span{}, complete{{Low: 500, High: 900}}, []window{{after: 894, low: 900}, {before: 505}}},
		{span{}, complete{{Low: 700, High: 900}, {Low: 0, High: 650}, {Low: 650, High: 700}, {Low: 800, High: 800}}, []window{{after: 894, low: 900}}},
		{span{100, 200}, complete{{Low: 150, High: 160}, {Low: 0, High: 120}, {Low: 180, High: 300}}, []window{{after: 154, before: 185, low: 160}, {after: 114, before: 155, low: 120}}},
		{span{100, 200}, complete{{Low: 101, High: 200}}, nil},
	} {
		if got := tt.kept.gaps(tt.asked); !slices.Equal(got, tt.want) {
			t.Errorf("%v without %v: %+v, want %+v", tt.asked, tt.kept, got, tt.want)
		}
	}
}

// TestLeftIsEstimated: half-way through an even list, about half is said to be left.
func TestLeftIsEstimated(t *testing.T) {
	l := &living{now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC).Unix(), pageSize: 100, arrivals: []int{0}}
	const n = 20_000
	for i := range n {
		l.report(l.now - int64(i*3600))
	}
	w := &Windows{Source: l, Concurrency: 4, Clock: l.clock}
	if _, ok := w.Left(); ok {
		t.Error("an estimate before anything is read")
	}
	read, said := 0, 0
	for _, err := range w.Records(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if read++; read%1000 == 0 && read >= 4000 && read <= 16_000 {
			left, ok := w.Left()
			if ok {
				said++
			}
			if ok && (left < (n-read)/3 || left > (n-read)*3) {
				t.Errorf("after %d of %d, %d are said to be left", read, n, left)
			}
		}
	}
	if said == 0 {
		t.Error("nothing was ever said")
	}
	if fmt.Sprint(w.Left()) != "0 false" {
		t.Error("an estimate after the end")
	}
}
