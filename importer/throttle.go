package importer

import (
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Throttle is a [Limiter] of one process: a token bucket whose rate adapts.
// It starts at the ceiling and halves when the API's limiter turns a request
// away, so that the limiter's own bucket fills again. Within seconds it is back
// at nine tenths of the rate that was too much, and from there it grows by a
// twenty-fifth for every five clean seconds (1/s at 25/s, which is an endpoint's
// limit), up to the ceiling again.
//
// Halving and growing slowly alone used 83 % of what a limiter below the
// ceiling lets through; this uses more than 95 % of it, as
// TestLimitersInFastTime measures.
type Throttle struct {
	mu      sync.Mutex // guards the fields below
	bucket  *rate.Limiter
	ceiling rate.Limit
	edge    rate.Limit // a little below the rate that was last too much
	changed time.Time  // when the rate last moved
	clock   func() time.Time
}

// The pace of adapting. One halving answers a burst of refusals: requests that
// were already under way say nothing new about the lowered rate.
const (
	growEvery = 5 * time.Second // above the edge, by growBy
	growBy    = rate.Limit(1.04)
	backEvery = time.Second / 2 // below the edge, by half
	backBy    = rate.Limit(1.5)
	belowEdge = rate.Limit(0.9)
	deafAfter = time.Second
	slowest   = rate.Limit(0.5)
)

// NewThrottle limits to perSecond requests a second; 0 or less is no limit.
func NewThrottle(perSecond float64) *Throttle { return newThrottle(perSecond, time.Now) }

func newThrottle(perSecond float64, clock func() time.Time) *Throttle {
	limit := rate.Limit(perSecond)
	if perSecond <= 0 {
		limit = rate.Inf
	}
	// A burst of one keeps the requests evenly apart, as the API's own limiters like it.
	return &Throttle{bucket: rate.NewLimiter(limit, 1), ceiling: limit, changed: clock(), clock: clock}
}

// Reserve takes the next place and returns how long to wait for it.
func (t *Throttle) Reserve() time.Duration {
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
	case limit < t.edge && clean >= backEvery:
		limit = min(limit*backBy, t.edge)
	case limit >= t.edge && limit < t.ceiling && clean >= growEvery:
		limit = min(limit*growBy, t.ceiling)
	default:
		return
	}
	t.bucket.SetLimitAt(now, limit)
	t.changed = now
}

// Report lowers the rate when a rate limiter turned a request away.
func (t *Throttle) Report(v Verdict, limit string) {
	if v != Limited || strings.Contains(limit, "concurrency") {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	if now.Sub(t.changed) < deafAfter && t.bucket.Limit() < t.ceiling {
		return
	}
	current := t.bucket.Limit()
	if current == rate.Inf {
		// Nobody named a ceiling and the server has one: start from its default
		// for an endpoint. Source: docs.stripe.com/rate-limits.
		current = 2 * 25
		t.ceiling = 25
	}
	t.edge = max(current*belowEdge, slowest)
	t.bucket.SetLimitAt(now, max(current/2, slowest))
	t.changed = now
}
