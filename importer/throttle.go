package importer

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// A Throttle is a [Limiter] of one process: a token bucket whose rate adapts to
// what the API's limiters leave for us.
//
// It starts at the ceiling and halves for a moment when a limiter turns a
// request away, so that the limiter's own bucket fills again. Then it goes back
// to the edge: what the limiter lets through, as far as that is known. At a
// refusal the limiter's bucket is empty, so what got through between two
// refusals is what it was refilled with meanwhile, whatever the bucket's size
// and whoever else uses the account. Before there were two some seconds apart,
// the edge is nine tenths of what was too much, and then seven.
//
// Above the edge it grows in steps of a hundredth, then two, then three, as long
// as nothing is refused: slowly where the ceiling was last found, so that little
// is refused there, and faster the longer it is not found again, so that a
// limiter that lets go is used within two minutes. TestLimitersInFastTime
// measures what comes of it.
type Throttle struct {
	unlimited atomic.Bool
	passed    atomic.Int64

	mu      sync.Mutex // guards the fields below
	bucket  *rate.Limiter
	ceiling rate.Limit
	edge    rate.Limit // a little below what was last too much; 0 when nothing was
	steps   int        // above the edge, since the last refusal
	changed time.Time  // when the rate last moved
	refused time.Time  // the refusal of a rate limiter from which is measured; zero when there was none
	counted int64      // what had passed by then
	clock   func() time.Time
}

// The pace of adapting. One halving answers a burst of refusals: requests that
// were already under way say nothing new about the lowered rate.
const (
	growEvery   = 5 * time.Second // above the edge, by so many steps of growBy
	growBy      = rate.Limit(0.01)
	tryRequests = 50               // or for so many requests, where these take longer
	longest     = 30 * time.Second // but no longer than this
	backAfter   = time.Second / 2  // below the edge, to the edge
	belowEdge   = rate.Limit(0.9)
	deafAfter   = time.Second
	slowest     = rate.Limit(0.5)

	// What is measured between two refusals is believed when they lie this far
	// apart, less a margin for what was under way at either.
	leastSpan   = 2 * time.Second
	leastPassed = 8
	measured    = rate.Limit(0.98)
	farBelow    = rate.Limit(0.7) // before that

	// finest is the pause that timers can be relied on to make: faster rates
	// leave in small bursts.
	finest = 10 * time.Millisecond
)

// NewThrottle limits to perSecond requests a second; 0 or less is no limit.
func NewThrottle(perSecond float64) *Throttle { return newThrottle(perSecond, time.Now) }

func newThrottle(perSecond float64, clock func() time.Time) *Throttle {
	limit := rate.Limit(perSecond)
	if perSecond <= 0 {
		limit = rate.Inf
	}
	t := &Throttle{ceiling: limit, changed: clock(), clock: clock}
	t.unlimited.Store(limit == rate.Inf)
	t.bucket = rate.NewLimiter(limit, burstOf(limit))
	return t
}

// burstOf is one, which keeps the requests evenly apart as the API's own
// limiters like it, unless timers are too coarse for that.
func burstOf(limit rate.Limit) int {
	if limit == rate.Inf {
		return 1
	}
	return max(1, int(float64(limit)*finest.Seconds()))
}

// below is the edge after a refusal at the current rate. own says that the
// limiter is one of rates; that of a single object empties no bucket of ours. It
// is called with the lock held.
func (t *Throttle) below(now time.Time, current rate.Limit, own bool) rate.Limit {
	if !own {
		return current * belowEdge
	}
	passed := t.passed.Load()
	span, through, first := now.Sub(t.refused), passed-t.counted, t.refused.IsZero()
	if !first && (span < leastSpan || through < leastPassed) {
		return min(current, t.edge) * farBelow // too soon to tell: the time is counted on
	}
	t.refused, t.counted = now, passed
	if first {
		return current * belowEdge
	}
	return min(max(measured*rate.Limit(float64(through)/span.Seconds()), current/4), current)
}

// set is called with the lock held.
func (t *Throttle) set(now time.Time, limit rate.Limit) {
	t.bucket.SetLimitAt(now, limit)
	t.bucket.SetBurstAt(now, burstOf(limit))
	t.changed = now
}

// Unlimited says that nobody named a ceiling and that no limiter was met.
func (t *Throttle) Unlimited() bool { return t.unlimited.Load() }

// Reserve takes the next place and returns how long to wait for it.
func (t *Throttle) Reserve() time.Duration {
	if t.unlimited.Load() {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	t.grow(now)
	return t.bucket.ReserveN(now, 1).DelayFrom(now)
}

// grow is called with the lock held.
func (t *Throttle) grow(now time.Time) {
	limit, clean := t.bucket.Limit(), now.Sub(t.changed)
	switch {
	case limit < t.edge && clean >= backAfter:
		limit = t.edge
	case limit >= t.edge && limit < t.ceiling && clean >= t.pace(limit):
		t.steps++
		limit = min(limit*(1+growBy*rate.Limit(t.steps)), t.ceiling)
	default:
		return
	}
	t.set(now, limit)
}

// pace is how long a rate is tried before the next step: the slower it is, the
// longer it takes to tell that it is not too much.
func (t *Throttle) pace(limit rate.Limit) time.Duration {
	tried := time.Duration(tryRequests / float64(limit) * float64(time.Second))
	return min(max(growEvery, tried), longest)
}

// Report lowers the rate when a rate limiter turned a request away.
func (t *Throttle) Report(v Verdict, limit string) {
	if v != Limited {
		t.passed.Add(1)
		return
	}
	if strings.Contains(limit, "concurrency") {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	if now.Sub(t.changed) < deafAfter && t.bucket.Limit() < t.ceiling {
		return
	}
	current := t.bucket.Limit()
	first := current == rate.Inf
	if first {
		// Nobody named a ceiling and the server has one: start from its default
		// for an endpoint. Source: docs.stripe.com/rate-limits.
		current = 2 * 25
		t.ceiling = 25
		t.unlimited.Store(false)
	}
	if t.edge = current; !first {
		t.edge = t.below(now, current, strings.Contains(limit, "rate"))
	}
	t.edge = min(max(t.edge, slowest), t.ceiling)
	t.set(now, max(min(current/2, t.edge), slowest))
	t.steps = 0
}
