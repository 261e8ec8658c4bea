package importer

import (
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Throttle is a [Limiter] of one process: a token bucket whose rate adapts.
// It starts at the ceiling, halves when the API's limiter turns a request away
// and grows by one request a second for every five clean seconds, up to the
// ceiling again.
type Throttle struct {
	mu      sync.Mutex // guards the fields below
	bucket  *rate.Limiter
	ceiling rate.Limit
	changed time.Time // when the rate last moved
	clock   func() time.Time
}

// The pace of adapting. One halving answers a burst of refusals: requests that
// were already under way say nothing new about the lowered rate.
const (
	growEvery = 5 * time.Second
	growBy    = rate.Limit(1)
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
	if limit := t.bucket.Limit(); limit < t.ceiling && now.Sub(t.changed) >= growEvery {
		t.bucket.SetLimitAt(now, min(limit+growBy, t.ceiling))
		t.changed = now
	}
	return t.bucket.ReserveN(now, 1).DelayFrom(now)
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
	t.bucket.SetLimitAt(now, max(current/2, slowest))
	t.changed = now
}
