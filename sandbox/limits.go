package sandbox

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are the sandbox's own rate and concurrency limits. 0 does not limit.
// The API documents 100 requests/s for a live account, 25 for a sandbox, and 25
// for each endpoint. Source: docs.stripe.com/rate-limits. Rates are counted by
// the sandbox's clock; up to one second's worth may come at once.
type Limits struct {
	Rate                float64 // requests per second, all endpoints together
	EndpointRate        float64 // requests per second of each operation
	Concurrency         int     // requests running at once
	EndpointConcurrency int     // requests of one operation running at once
}

// LiveLimits are those that are documented for a live account.
func LiveLimits() Limits { return Limits{Rate: 100, EndpointRate: 25} }

// A limiter counts. A request that it turns away was not executed in any way.
type limiter struct {
	limits Limits

	mu        sync.Mutex // guards what follows
	global    bucket
	endpoints map[string]*bucket
}

type bucket struct {
	rate    *rate.Limiter // nil: no limit
	running int
}

func newLimiter(l Limits) *limiter {
	if l == (Limits{}) {
		return nil
	}
	return &limiter{limits: l, global: bucket{rate: newRate(l.Rate)}, endpoints: map[string]*bucket{}}
}

func newRate(perSecond float64) *rate.Limiter {
	if perSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(int(perSecond), 1))
}

// enter admits a request, and then leave must be called; or it gives the
// reason for a 429. A nil limiter admits all.
func (l *limiter) enter(op string, now time.Time) (leave func(), reason string) {
	if l == nil {
		return func() {}, ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.endpoints[op]
	if e == nil {
		e = &bucket{rate: newRate(l.limits.EndpointRate)}
		l.endpoints[op] = e
	}
	switch {
	case l.limits.Concurrency > 0 && l.global.running >= l.limits.Concurrency:
		return nil, "global-concurrency"
	case l.limits.EndpointConcurrency > 0 && e.running >= l.limits.EndpointConcurrency:
		return nil, "endpoint-concurrency"
	case l.global.rate != nil && !l.global.rate.AllowN(now, 1):
		return nil, "global-rate"
	case e.rate != nil && !e.rate.AllowN(now, 1):
		return nil, "endpoint-rate"
	}
	l.global.running++
	e.running++
	return func() {
		l.mu.Lock()
		l.global.running--
		e.running--
		l.mu.Unlock()
	}, ""
}

func limited() *apiError {
	return &apiError{http.StatusTooManyRequests, typeInvalid, "rate_limit",
		"Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.", ""}
}
