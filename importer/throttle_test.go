package importer

import (
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

// rateOf is how many requests th lets through in ten seconds, without growing.
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
	for _, want := range []float64{7.5, 9} { // back to nine tenths of what was too much
		clock.advance(backEvery)
		th.Reserve()
		if got := rateOf(th); got != want {
			t.Fatalf("after half a clean second: %v/s, want %v", got, want)
		}
	}
	for before := 9.0; before < 20; {
		clock.advance(growEvery - 1)
		th.Reserve()
		if got := rateOf(th); got != before {
			t.Fatalf("grew to %v/s before five clean seconds", got)
		}
		clock.advance(1)
		th.Reserve()
		got := rateOf(th)
		if got <= before || got > before*1.041 {
			t.Fatalf("after five clean seconds: %v/s, was %v", got, before)
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
