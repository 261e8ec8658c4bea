package exporter

import (
	"context"
	"fmt"
	"iter"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/payrec/payrec/record"
)

// Windows is a [Source] that reads another one's list in several spans of
// created at once.
//
// Nobody knows beforehand how dense an account is: a back-fill reports a year
// within an hour. So one reader begins at the newest record, and whoever has
// nothing to do takes over the older half of the time that a reader still has
// before it. Spans overlap by some seconds, because whether the API's bounds
// include their moment is not publicly known; what comes twice is for the
// caller to merge by id, as with any source.
//
// The API may list a record a while after it made it. When the span reaches
// into that while, its last part is read again at the end. What was reported
// more than Lag before the end of reading is complete, even while others write.
//
// With a [PageStore], several readers, and a list that is long enough, a reading
// that is interrupted goes on where it stopped; see resume.go.
type Windows struct {
	// Source lists newest first, and asks for the next page only when the
	// records of one have been taken. It must be safe for concurrent use.
	Source
	Concurrency int              // readers; 0 or 1 reads as the source does
	Lag         time.Duration    // how long a record may take to be listed; 0 is 15 minutes
	Clock       func() time.Time // nil is time.Now
	Store       PageStore        // may be nil; of no use to one reader

	mu      sync.Mutex // guards running
	running *windows
}

const (
	// listLag is half as much again as another importer of the API looks back:
	// ten minutes. How soon a record is listed is not publicly known.
	listLag = 15 * time.Minute
	// slack is how many seconds the order of the list may be off by, and so how
	// much spans overlap.
	slack = 5
	// worthSplitting is the shortest time, in seconds, that is worth a request of its own.
	worthSplitting = 4 * slack
	// hand is how many records are handed over at once: a page.
	hand = 100
)

// dawn is where an open span is taken to begin when it is split: the API is
// younger. What is older is read all the same, by whoever has the oldest span.
var dawn = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// A window is a span of created to read, in Unix seconds; 0 is open.
type window struct {
	after, before int64
	// low is where the reader may stop: what is older is another reader's.
	low int64
	// expected is how many records its first reader expected here; 0 is not known.
	expected float64
}

// windows is one reading.
type windows struct {
	*Windows
	plain  bool       // records need not be encoded
	mu     sync.Mutex // guards the fields below
	wake   *sync.Cond
	queue  []window
	idle   int // readers without a window
	active int // readers with one
	ended  bool
	under  map[int]*stretch // what each active reader has before it
	cap    int64            // what is newer may not all be listed yet
}

// A portion is some records of one window, newest first, and the span of created
// that is complete with them: from low up to, but without, high.
type portion struct {
	records   []*record.PaymentRecord
	packed    []byte // the same, see [packRecords]; nil where they are wanted plain
	low, high int64
}

func (w *Windows) lag() time.Duration {
	if w.Lag <= 0 {
		return listLag
	}
	return w.Lag
}

// Records implements [Source].
func (w *Windows) Records(ctx context.Context, after, before int64) iter.Seq2[*record.PaymentRecord, error] {
	return func(yield func(*record.PaymentRecord, error) bool) {
		for a, err := range w.listed(ctx, after, before, w.Store == nil) {
			if !yield(a.PaymentRecord, err) || err != nil {
				return
			}
		}
	}
}

// arriving implements [arriving].
func (w *Windows) arriving(ctx context.Context, after, before int64) iter.Seq2[arrival, error] {
	return w.listed(ctx, after, before, false)
}

// listed iterates over the records; what readers bring is encoded unless it is
// wanted plain.
func (w *Windows) listed(ctx context.Context, after, before int64, plain bool) iter.Seq2[arrival, error] {
	return func(yield func(arrival, error) bool) {
		clock := w.Clock
		if clock == nil {
			clock = time.Now
		}
		lag := w.Lag
		if lag <= 0 {
			lag = listLag
		}
		recent := clock().Add(-lag).Unix()
		if !w.all(ctx, span{after, before}, recent, plain, yield) {
			return
		}
		if before != 0 && before <= recent || ctx.Err() != nil {
			return
		}
		for a, err := range arrivalsOf(ctx, w.Source, max(after, recent), before) {
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

// all reads the span once and says whether to go on.
func (w *Windows) all(ctx context.Context, asked span, recent int64, plain bool, yield func(arrival, error) bool) bool {
	if w.Concurrency <= 1 {
		for a, err := range arrivalsOf(ctx, w.Source, asked.after, asked.before) {
			if !yield(a, err) || err != nil {
				return false
			}
		}
		return true
	}
	run := &windows{Windows: w, plain: plain, queue: []window{{after: asked.after, before: asked.before}}, under: map[int]*stretch{}, cap: recent}
	run.wake = sync.NewCond(&run.mu)
	if w.Store != nil {
		run.cap = min(recent, w.Store.Began().Add(-w.lag()).Unix())
		kept, going := w.goOn(yield)
		if !going {
			return false
		}
		run.queue = kept.gaps(asked)
	}
	w.watch(run)
	defer w.watch(nil)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, run.end)()
	out := make(chan portion)
	readers, group := errgroup.WithContext(ctx)
	for no := range w.Concurrency {
		readers.Go(func() error { return run.reader(group, no, out) })
	}
	context.AfterFunc(group, run.end) // one that fails ends all
	failed := make(chan error, 1)
	go func() {
		failed <- readers.Wait()
		close(out)
	}()
	going := true
	for b := range out {
		rest := b.packed
		for _, r := range b.records {
			var encoded []byte
			if !plain {
				encoded, rest = firstPacked(rest)
			}
			if going = going && yield(arrival{r, encoded}, nil); !going {
				cancel()
				break
			}
		}
		if going {
			run.keep(b)
		}
	}
	if err := <-failed; err != nil && going {
		yield(arrival{}, err)
		return false
	}
	return going
}

// end wakes everybody up to go home.
func (w *windows) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.wake.Broadcast()
}

// take waits for a window; ok is false when there will be none.
func (w *windows) take() (next window, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle++
	for len(w.queue) == 0 && !w.ended {
		if w.active == 0 {
			w.ended = true
			w.wake.Broadcast()
			break
		}
		w.wake.Wait()
	}
	w.idle--
	if w.ended {
		return window{}, false
	}
	next, w.queue = w.queue[0], w.queue[1:]
	w.active++
	return next, true
}

func (w *windows) leave(reader int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active--
	delete(w.under, reader)
	w.wake.Broadcast()
}

// share notes how far a reader has come, and gives older halves of what is left
// before it to those who wait.
func (w *windows) share(reader int, mine *window, at int64, read int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under[reader].come(at, mine.floor(), read)
	for w.idle > len(w.queue) {
		low := mine.floor()
		if at-low < worthSplitting {
			break
		}
		middle := low + (at-low)/2
		density, _ := w.under[reader].density()
		w.queue = append(w.queue, window{after: mine.after, low: mine.low, before: middle + slack, expected: density * float64(middle-low)})
		mine.low, mine.after = middle, max(mine.after, middle-slack)
		w.wake.Signal()
	}
	w.under[reader].low = mine.floor()
}

// floor is where a window ends, as far as that can be said.
func (m window) floor() int64 {
	if m.low == 0 {
		return max(m.after, dawn)
	}
	return m.low
}

func (w *windows) reader(ctx context.Context, no int, out chan<- portion) error {
	for {
		mine, ok := w.take()
		if !ok || ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := w.read(ctx, no, mine, out)
		w.leave(no)
		if err != nil {
			return err
		}
	}
}

// read reads a window from its newest record down.
func (w *windows) read(ctx context.Context, no int, mine window, out chan<- portion) error {
	send := func(b portion) error {
		if !w.plain {
			b.packed = packRecords(b.records)
		}
		select {
		case out <- b:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	w.mu.Lock()
	w.under[no] = &stretch{expected: mine.expected}
	w.mu.Unlock()
	records := make([]*record.PaymentRecord, 0, hand)
	oldest, n := int64(0), 0
	high := mine.before // of what is not complete yet; 0 is open
	if high == 0 {
		high = math.MaxInt64
	}
	for r, err := range w.Source.Records(ctx, mine.after, mine.before) {
		if err != nil {
			return err
		}
		if oldest != 0 && r.Created > oldest+slack {
			return fmt.Errorf("the list is not newest first (%s), so it cannot be read in parts; try again with --concurrency 1", r.ID)
		}
		if oldest == 0 || r.Created < oldest {
			oldest = r.Created
		}
		if mine.low != 0 && r.Created < mine.low-slack {
			break // another reader has what is older
		}
		if records = append(records, r); len(records) < hand {
			continue
		}
		// More of the oldest may follow, and of what its order is off by.
		low := min(oldest+slack+1, high)
		if err := send(portion{records: records, low: low, high: high}); err != nil {
			return err
		}
		high, n = low, n+len(records)
		records = make([]*record.PaymentRecord, 0, hand)
		w.share(no, &mine, r.Created, n)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	low := mine.low
	if low == 0 && mine.after != 0 {
		low = mine.after + 1
	}
	if len(records) == 0 && w.Store == nil {
		return nil
	}
	return send(portion{records: records, low: low, high: high})
}
