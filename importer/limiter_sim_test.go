package importer

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/payrec/payrec/record"
)

// A counting ledger has n payments of one call each and counts what becomes of
// them. It is in memory, since the simulation is of the network.
type counting struct {
	Ledger // what Apply does not ask for
	n      int64

	mu    sync.Mutex // guards the fields below
	begun map[string]bool
	ended map[record.State]int64
}

func (c *counting) Lanes(_ context.Context, _ string, after int64, limit int) ([]record.Lane, error) {
	var page []record.Lane
	for no := after + 1; no < c.n && len(page) < limit; no++ {
		page = append(page, record.Lane{No: no, Steps: []record.Step{{Op: record.Op{ID: fmt.Sprint(no), Call: record.ReportPayment}, State: record.Planned}}})
	}
	return page, nil
}

func (c *counting) Begin(_ context.Context, op string, _ int, _ string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun[op] = true
	return nil
}

func (c *counting) Finish(_ context.Context, op string, _ int, o record.Outcome) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.begun[op] {
		return fmt.Errorf("%s was not begun", op)
	}
	delete(c.begun, op)
	if o.State != record.Planned {
		c.ended[o.State]++
	}
	return nil
}

func (c *counting) Flush(context.Context) error { return nil }

func (c *counting) Entries(context.Context, string, ...record.Disposition) iter.Seq2[record.Entry, error] {
	return each[record.Entry]()
}

// A limited API answers after a while, unless one of its limiters turns a
// request away. Requests arrive a little after they were sent, and not in step.
type limited struct {
	global, endpoint                       *rate.Limiter // nil: none
	globalConcurrency, endpointConcurrency int           // 0: none
	resource                               float64       // share of requests that the resource's own limiter turns away
	latency                                time.Duration // typical; half to twice as long, and now and then ten times

	mu       sync.Mutex // guards the fields below
	random   *rand.Rand
	running  int
	requests int64
	refused  map[string]int64 // by reason
}

func (l *limited) Send(context.Context, Request) Answer {
	l.mu.Lock()
	way := time.Duration(l.random.Int64N(int64(40 * time.Millisecond)))
	l.mu.Unlock()
	time.Sleep(way)
	if reason := l.enter(); reason != "" {
		return Answer{Verdict: Limited, Limit: reason}
	}
	l.mu.Lock()
	work := l.latency/2 + time.Duration(l.random.Int64N(int64(l.latency*3/2)))
	if l.random.IntN(200) == 0 {
		work *= 10
	}
	l.mu.Unlock()
	time.Sleep(work)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	return Answer{Verdict: Done, Outcome: record.Outcome{RecordID: "pr_1"}}
}

// enter returns the reason for a 429, or "".
func (l *limited) enter() (reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	switch {
	case l.globalConcurrency > 0 && l.running >= l.globalConcurrency:
		reason = "global-concurrency"
	case l.endpointConcurrency > 0 && l.running >= l.endpointConcurrency:
		reason = "endpoint-concurrency"
	case l.random.Float64() < l.resource:
		reason = "resource-specific"
	case l.global != nil && !l.global.Allow():
		reason = "global-rate"
	case l.endpoint != nil && !l.endpoint.Allow():
		reason = "endpoint-rate"
	default:
		l.running++
		return ""
	}
	l.refused[reason]++
	return reason
}

func (l *limited) turnedAway() (n int64) {
	for _, k := range l.refused {
		n += k
	}
	return n
}

// TestLimitersInFastTime sends 100,000 payments against the limiters that the
// API documents, in a time that passes as fast as it can be computed: the real
// sender, the real throttle and the real gate. Nearly all of what the limiter
// lets through is used, hardly a request is turned away, and no row is lost.
func TestLimitersInFastTime(t *testing.T) {
	const each = 25 // requests a second of one endpoint; docs.stripe.com/rate-limits
	const rows = 100_000
	bucket := func(burst int) *rate.Limiter { return rate.NewLimiter(each, burst) }
	for _, tt := range []struct {
		name    string
		perSec  float64 // --rate
		api     *limited
		ceiling float64 // the least of what --rate and the API allow

		hard bool // the limiter leaves much less than --rate, in small change: less is asked for
	}{
		{"rate 25", 25, &limited{endpoint: bucket(25), global: rate.NewLimiter(100, 100)}, 25, false},
		{"rate 25, small bucket", 25, &limited{endpoint: bucket(5)}, 25, false},
		{"rate 20", 20, &limited{endpoint: bucket(25)}, 20, false},
		{"rate 40", 40, &limited{endpoint: bucket(25)}, 25, false},
		{"rate 100", 100, &limited{endpoint: bucket(25), global: rate.NewLimiter(100, 100)}, 25, false},
		{"rate 40, small bucket", 40, &limited{endpoint: bucket(5)}, 25, false},
		{"rate 25, five are left", 25, &limited{global: rate.NewLimiter(5, 5)}, 5, true},
		{"no rate", 0, &limited{endpoint: bucket(25)}, 25, false},
		{"sandbox account", 25, &limited{global: bucket(25), endpoint: bucket(25)}, 25, false},
		{"resource", 25, &limited{endpoint: bucket(25), resource: 0.0005}, 25, false},
		{"endpoint concurrency", 25, &limited{endpoint: bucket(25), endpointConcurrency: 14}, 25, false},
		{"global concurrency", 25, &limited{endpoint: bucket(25), globalConcurrency: 14}, 25, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tt.api.refused, tt.api.random, tt.api.latency = map[string]int64{}, rand.New(rand.NewPCG(1, 2)), 250*time.Millisecond
				ledger := &counting{n: rows, begun: map[string]bool{}, ended: map[record.State]int64{}}
				a := &Applier{Run: "run", Ledger: ledger, Sender: tt.api, Limiter: NewThrottle(tt.perSec), Concurrency: 16}
				start := time.Now()
				_, err := a.Apply(t.Context())
				took := time.Since(start)
				used := float64(rows) / took.Seconds() / tt.ceiling
				away := float64(tt.api.turnedAway()) / float64(tt.api.requests)
				t.Logf("%d rows in %v: %.1f %% of %g/s used, %.2f %% of the requests turned away %v", rows, took.Round(time.Second), 100*used, tt.ceiling, 100*away, tt.api.refused)
				if err != nil || ledger.ended[record.Confirmed] != rows || len(ledger.begun) > 0 {
					t.Errorf("%v; %v of %d confirmed", err, ledger.ended, rows)
				}
				least, most := 0.95, 0.01
				if tt.hard {
					least, most = 0.8, 0.04
				}
				if used < least {
					t.Errorf("%.1f %% of the ceiling used, want %g", 100*used, least)
				}
				if away > most {
					t.Errorf("%.2f %% turned away, want %g at the most", 100*away, most)
				}
			})
		})
	}
}
