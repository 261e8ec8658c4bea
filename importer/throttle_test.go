package importer

import (
	"math"
	"testing"
	"time"
)

// A fakeClock is moved by hand.
type fakeClock struct{ now time.Time }

func (c *fakeClock) Now() time.Time          { return c.now }
func (c *fakeClock) advance(d time.Duration) { c.now = c.now.Add(d) }

func newClock() *fakeClock { return &fakeClock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func TestThrottleKeepsRequestsApart(t *testing.T) {
	clock := newClock()
	th := newThrottle(20, clock.Now)
	var last time.Duration
	for i := range 100 {
		last = th.Reserve()
		if want := time.Duration(i) * 50 * time.Millisecond; last < want-time.Microsecond || last > want+time.Microsecond {
			t.Fatalf("request %d waits %v, want %v", i, last, want)
		}
	}
}

func TestThrottleWithoutLimit(t *testing.T) {
	th := newThrottle(0, newClock().Now)
	for range 1000 {
		if d := th.Reserve(); d != 0 {
			t.Fatalf("waits %v without a limit", d)
		}
	}
}

// rateOf is how many requests a second th lets through at the moment.
func rateOf(th *Throttle) float64 { return float64(th.bucket.Limit()) }

func TestThrottleAdapts(t *testing.T) {
	clock := newClock()
	th := newThrottle(20, clock.Now)
	clock.advance(2 * time.Second)

	th.Report(Limited, "endpoint-rate")
	if got := rateOf(th); got != 10 {
		t.Fatalf("after one refusal: %v/s, want 10", got)
	}
	th.Report(Limited, "endpoint-rate") // the same burst
	if got := rateOf(th); got != 10 {
		t.Fatalf("a refusal of the same burst halved again: %v/s", got)
	}
	clock.advance(2 * time.Second)
	th.Report(Limited, "global-rate")
	if got := rateOf(th); got != 5 {
		t.Fatalf("after a second burst: %v/s, want 5", got)
	}
	clock.advance(backAfter)
	th.Reserve()
	if got := rateOf(th); got != 7 { // nothing got through to measure by: seven tenths of what was too much
		t.Fatalf("after half a clean second: %v/s, want 7", got)
	}
	for step, before := 1.0, 7.0; before < 20; step++ {
		tried := th.pace(th.bucket.Limit())
		clock.advance(tried - 1)
		th.Reserve()
		if got := rateOf(th); got != before {
			t.Fatalf("grew to %v/s before %v", got, tried)
		}
		clock.advance(1)
		th.Reserve()
		got := rateOf(th)
		if want := min(before*(1+step/100), 20); math.Abs(got-want) > 1e-9 {
			t.Fatalf("after %v clean steps: %v/s, want %v", step, got, want)
		}
		before = got
	}
	clock.advance(time.Minute)
	th.Reserve()
	if got := rateOf(th); got != 20 {
		t.Fatalf("grew past its ceiling: %v/s", got)
	}
}

func TestThrottleHearsOnlyRateLimits(t *testing.T) {
	for _, tt := range []struct {
		verdict Verdict
		limit   string
	}{{Limited, "endpoint-concurrency"}, {Locked, ""}, {Done, ""}, {Failed, ""}} {
		clock := newClock()
		th := newThrottle(20, clock.Now)
		clock.advance(2 * time.Second)
		th.Report(tt.verdict, tt.limit)
		if got := rateOf(th); got != 20 {
			t.Errorf("%s %s: %v/s, want 20", tt.verdict, tt.limit, got)
		}
	}
}

// Without a ceiling of our own, a server that has one still slows us down.
func TestThrottleLearnsACeiling(t *testing.T) {
	clock := newClock()
	th := newThrottle(0, clock.Now)
	clock.advance(2 * time.Second)
	th.Report(Limited, "endpoint-rate")
	if got := rateOf(th); got != 25 {
		t.Fatalf("%v/s, want 25", got)
	}
}

// What got through between two refusals is what the limiter gives.
func TestThrottleMeasures(t *testing.T) {
	clock := newClock()
	th := newThrottle(20, clock.Now)
	clock.advance(2 * time.Second)
	th.Report(Limited, "global-rate")
	for range 60 {
		th.Report(Done, "")
	}
	clock.advance(18 * time.Second)
	th.Reserve() // 18/s, nine tenths
	clock.advance(2 * time.Second)
	th.Report(Limited, "global-rate")
	clock.advance(backAfter)
	th.Reserve()
	if got, want := rateOf(th), 4.5; got != want { // 3/s, but to a quarter at the most in one go
		t.Fatalf("%v/s, want %v", got, want)
	}
	for range 44 {
		th.Report(Done, "")
	}
	clock.advance(11*time.Second - backAfter)
	th.Report(Limited, "global-rate")
	clock.advance(backAfter)
	th.Reserve()
	if got, want := rateOf(th), 0.98*4; math.Abs(got-want) > 1e-9 {
		t.Fatalf("44 in 11 s: %v/s, want %v", got, want)
	}
	clock.advance(11 * time.Second)
	th.Report(Limited, "resource-specific") // says nothing of the account's own limit
	clock.advance(backAfter)
	th.Reserve()
	if got, want := rateOf(th), 0.9*0.98*4; math.Abs(got-want) > 1e-9 {
		t.Fatalf("%v/s, want %v", got, want)
	}
}
