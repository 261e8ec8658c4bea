package exporter

import (
	"cmp"
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/payrec/payrec/record"
)

// # Reading that goes on
//
// A page of the list, newest first, makes a span of created complete: from
// its oldest record up to where the page before it ended. A [PageStore] keeps
// pages with their spans. Whoever reads the same list again takes the pages from
// there and asks the source for the gaps only.
//
// What may not have been listed when the first go began, its last Lag, belongs to no
// span and is read again. A record that changed after its page was read is as it
// was then, as in any reading that takes its time; so the store gives pages up
// that are old.

// A PageStore keeps the pages of a reading until it is done. It is used from one
// goroutine at a time.
type PageStore interface {
	// Began is when the first go began.
	Began() time.Time
	// Pages iterates over the pages of earlier goes, the oldest first. After an
	// error, which ends it, the rest is read anew.
	Pages() iter.Seq2[Page, error]
	// Keep keeps a page. Whoever cannot keep one keeps none of those after it: the
	// span of a page may lean on records of the pages before.
	Keep(Page)
}

// A Page is some records, in the form that this package keeps them in, and the
// span of created, in Unix seconds, that is complete with it: from Low up to, but
// without, High. Not more than its own records may be complete: then High is not
// above Low.
type Page struct {
	Low, High int64
	Records   []byte
}

// span is what was asked for: created after and before, in Unix seconds; 0 is open.
type span struct{ after, before int64 }

// goOn gives out the records that were kept and returns what is complete with
// them; going is whether somebody still listens.
func (w *Windows) goOn(yield func(arrival, error) bool) (kept complete, going bool) {
	for page, err := range w.Store.Pages() {
		if err != nil {
			return kept, true
		}
		records, err := unpackRecords(page.Records)
		if err != nil {
			return kept, true // kept by another version
		}
		rest := page.Records
		for _, r := range records {
			var encoded []byte
			encoded, rest = firstPacked(rest)
			if !yield(arrival{r, encoded}, nil) {
				return kept, false
			}
		}
		kept = append(kept, Page{Low: page.Low, High: page.High})
	}
	return kept, true
}

// keep keeps a portion that was given out.
func (w *windows) keep(b portion) {
	if w.Store == nil {
		return
	}
	high := min(b.high, w.cap)
	if high <= b.low && len(b.records) == 0 {
		return
	}
	w.Store.Keep(Page{Low: b.low, High: high, Records: b.packed})
}

func packRecords(records []*record.PaymentRecord) []byte {
	const usual = 512 // bytes
	b, one := make([]byte, 0, len(records)*usual), make([]byte, 0, 2*usual)
	for _, r := range records {
		one = appendRecord(one[:0], r)
		b = append(binary.AppendUvarint(b, uint64(len(one))), one...)
	}
	return b
}

// firstPacked is the first of packed records, and the rest.
func firstPacked(b []byte) (one, rest []byte) {
	n, width := binary.Uvarint(b)
	return b[width : width+int(n)], b[width+int(n):]
}

func unpackRecords(b []byte) (records []*record.PaymentRecord, err error) {
	u := unpacker{s: string(b)}
	for u.s != "" {
		d := &decoded{}
		if err := d.read(u.text()); err != nil {
			return nil, err
		}
		records = append(records, &d.PaymentRecord)
	}
	return records, u.end()
}

// complete are spans of created that were read; [Page.Records] is not used.
type complete []Page

// gaps are the windows of what was asked for that are not complete, the newest
// first, as readers take them.
func (c complete) gaps(asked span) []window {
	slices.SortFunc(c, func(a, b Page) int { return cmp.Or(cmp.Compare(a.Low, b.Low), cmp.Compare(a.High, b.High)) })
	first, end := int64(0), int64(math.MaxInt64)
	if asked.after != 0 {
		first = asked.after + 1
	}
	if asked.before != 0 {
		end = asked.before
	}
	var gaps []window
	gap := func(low, high int64) {
		if low >= high {
			return
		}
		g := window{after: asked.after, before: asked.before, low: low}
		if low > first {
			g.after = max(asked.after, low-1-slack)
		} else {
			g.low = 0
		}
		if high < end {
			g.before = high + slack
		}
		gaps = append(gaps, g)
	}
	at := first
	for _, p := range c {
		if p.High <= p.Low {
			continue
		}
		gap(at, min(p.Low, end))
		at = max(at, p.High)
	}
	gap(at, end)
	slices.Reverse(gaps)
	return gaps
}

// A stretch is how far a reader has come in its window. What its first page
// covers is not known, since its window may be open; so it counts from there.
type stretch struct {
	from, at, low int64 // created: of the first page's end, of the last one's, of the window's
	first, read   int   // records, as of from and as of at
	expected      float64
}

// density is how many records there are in a second; ok is false while that is
// not known.
func (s *stretch) density() (perSecond float64, ok bool) {
	if s.from <= s.at {
		return 0, false
	}
	return float64(s.read-s.first) / float64(s.from-s.at), true
}

func (s *stretch) come(at, low int64, read int) {
	if s.from == 0 {
		s.from, s.first = at, read
	}
	s.at, s.low, s.read = at, low, read
}

// watch is told which reading is under way; nil for none.
func (w *Windows) watch(run *windows) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = run
}

// Left estimates how many records are yet to be read: as many in the time that
// each reader has before it as there were in the time behind it. ok is false
// while that cannot be said. It may be called from any goroutine.
func (w *Windows) Left() (records int, ok bool) {
	w.mu.Lock()
	run := w.running
	w.mu.Unlock()
	if run == nil {
		return 0, false
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	left := 0.0
	for _, q := range run.queue {
		if q.expected == 0 {
			return 0, false
		}
		left += q.expected
	}
	for _, s := range run.under {
		density, known := s.density()
		switch {
		case known:
			left += density * float64(max(s.at-s.low, 0))
		case s.expected == 0:
			return 0, false
		default:
			left += s.expected
		}
	}
	return int(left), left < 1e9
}
