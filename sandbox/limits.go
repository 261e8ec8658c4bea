package sandbox

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are the sandbox's own limits. 0 does not limit. The API documents 100
// requests/s for a live account, 25 for a sandbox, and 25 for each endpoint.
// Source: docs.stripe.com/rate-limits. Rates are counted by the sandbox's
// clock; up to one second's worth may come at once.
type Limits struct {
	Rate                float64 // requests per second, all endpoints together
	EndpointRate        float64 // requests per second of each operation
	Concurrency         int     // requests running at once
	EndpointConcurrency int     // requests of one operation running at once
	RecordHourly        int     // calls on one record within an hour; beyond is "resource-specific"
	Lock                bool    // two calls on one record at once: lock_timeout for the later

	// The read allocation: GETs within 30 days, so many for each payment made
	// in that time, but ReadsAtLeast of them always. Beyond is
	// "resource-specific". It is not kept in the state file.
	ReadsPerPayment, ReadsAtLeast int
}

// LiveLimits are those of a live account: the documented ones, and what
// [Semantics] lists under limit-figures for those that are not published.
func LiveLimits() Limits {
	l := SandboxLimits()
	l.Rate, l.Concurrency = 100, 100
	return l
}

// SandboxLimits are those of an account's sandbox; see [LiveLimits].
func SandboxLimits() Limits {
	return Limits{Rate: 25, EndpointRate: 25, Concurrency: 25, EndpointConcurrency: 25,
		RecordHourly: 1000, Lock: true, ReadsPerPayment: 500, ReadsAtLeast: 10_000}
}

// NamedLimits are the limits that a name stands for: live, sandbox or none.
func NamedLimits(name string) (Limits, error) {
	switch name {
	case "live":
		return LiveLimits(), nil
	case "sandbox":
		return SandboxLimits(), nil
	case "none":
		return Limits{}, nil
	}
	return Limits{}, fmt.Errorf("%q names no limits; use live, sandbox or none", short(name))
}

// Reasons of a 429, in the header Stripe-Rate-Limited-Reason.
// Source: docs.stripe.com/rate-limits.
const (
	reasonGlobalRate          = "global-rate"
	reasonGlobalConcurrency   = "global-concurrency"
	reasonEndpointRate        = "endpoint-rate"
	reasonEndpointConcurrency = "endpoint-concurrency"
	reasonResource            = "resource-specific"
)

// A limiter counts. A request that it turns away was not executed in any way.
type limiter struct {
	limits Limits

	mu        sync.Mutex // guards what follows
	global    bucket
	endpoints map[string]*bucket
	records   map[string]*rate.Limiter // by the id in the path
	locked    map[string]struct{}      // records that a call is running on
	reads     monthly
	payments  monthly
}

type bucket struct {
	rate    *rate.Limiter // nil: no limit
	running int
}

func newLimiter(l Limits) *limiter {
	if l == (Limits{}) {
		return nil
	}
	return &limiter{limits: l, global: bucket{rate: newRate(l.Rate)}, endpoints: map[string]*bucket{},
		records: map[string]*rate.Limiter{}, locked: map[string]struct{}{}}
}

func newRate(perSecond float64) *rate.Limiter {
	if perSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(int(perSecond), 1))
}

// enter admits a request, and then leave must be called; or it gives the
// reason for a 429. id is the record that a call acts on, "" for none. A nil
// limiter admits all.
func (l *limiter) enter(op, id string, read bool, now time.Time) (leave func(), reason string) {
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
		return nil, reasonGlobalConcurrency
	case l.limits.EndpointConcurrency > 0 && e.running >= l.limits.EndpointConcurrency:
		return nil, reasonEndpointConcurrency
	case l.global.rate != nil && !l.global.rate.AllowN(now, 1):
		return nil, reasonGlobalRate
	case e.rate != nil && !e.rate.AllowN(now, 1):
		return nil, reasonEndpointRate
	case !l.allowRecord(id, now), read && !l.allowRead(now):
		return nil, reasonResource
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

// allowRecord counts a call on a record. l.mu is held.
func (l *limiter) allowRecord(id string, now time.Time) bool {
	hourly := l.limits.RecordHourly
	if hourly <= 0 || id == "" {
		return true
	}
	of := l.records[id]
	if of == nil {
		if len(l.records) > 100_000 {
			l.dropIdle(now)
		}
		of = rate.NewLimiter(rate.Limit(float64(hourly)/3600), hourly)
		l.records[id] = of
	}
	return of.AllowN(now, 1)
}

// dropIdle forgets the records whose whole allowance is back. l.mu is held.
func (l *limiter) dropIdle(now time.Time) {
	for id, of := range l.records {
		if of.TokensAt(now) >= float64(l.limits.RecordHourly) {
			delete(l.records, id)
		}
	}
	if len(l.records) > 100_000 { // all are busy: start anew, rather than grow
		clear(l.records)
	}
}

// allowRead counts a read. l.mu is held.
func (l *limiter) allowRead(now time.Time) bool {
	if l.limits.ReadsPerPayment <= 0 && l.limits.ReadsAtLeast <= 0 {
		return true
	}
	if l.reads.sum(now) >= max(l.limits.ReadsAtLeast, l.limits.ReadsPerPayment*l.payments.sum(now)) {
		return false
	}
	l.reads.add(now)
	return true
}

// made counts a payment, which earns reads. A nil limiter counts nothing.
func (l *limiter) made(now time.Time) {
	if l == nil {
		return
	}
	l.mu.Lock()
	l.payments.add(now)
	l.mu.Unlock()
}

// lock takes a record for one call, and then leave must be called; or it says
// that another call has it. A nil limiter locks nothing.
func (l *limiter) lock(id string) (leave func(), e *apiError) {
	if l == nil || !l.limits.Lock || id == "" {
		return func() {}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, taken := l.locked[id]; taken {
		return nil, &apiError{http.StatusTooManyRequests, typeInvalid, "lock_timeout",
			"This object cannot be accessed right now because another API request or Stripe process is currently accessing it. " +
				"If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests " +
				"to a single object, make your requests serially or at a lower rate. For more details, see https://stripe.com/docs/rate-limits#object-lock-timeouts.", ""}
	}
	l.locked[id] = struct{}{}
	return func() {
		l.mu.Lock()
		delete(l.locked, id)
		l.mu.Unlock()
	}, nil
}

func limited() *apiError {
	return &apiError{http.StatusTooManyRequests, typeInvalid, "rate_limit",
		"Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.", ""}
}

// monthly counts by day, over the last 30 days.
type monthly struct {
	days [30]struct {
		day int64
		n   int
	}
}

func (m *monthly) add(now time.Time) {
	day := now.Unix() / 86400
	d := &m.days[uint64(day)%30]
	if d.day != day {
		d.day, d.n = day, 0
	}
	d.n++
}

func (m *monthly) sum(now time.Time) int {
	n, day := 0, now.Unix()/86400
	for _, d := range m.days {
		if d.day > day-30 && d.day <= day {
			n += d.n
		}
	}
	return n
}
