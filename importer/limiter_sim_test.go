package importer

import (
	"context"
	"errors"
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

func (c *counting) BeginAhead(ctx context.Context, op string, epoch, _ int) error {
	return c.Begin(ctx, op, epoch, "")
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
	rows := int64(100_000)
	if testing.Short() {
		rows = 20_000
	}
	bucket := func(burst int) *rate.Limiter { return rate.NewLimiter(each, burst) }
	for _, tt := range []struct {
		name    string
		perSec  float64 // --rate
		api     *limited
		ceiling float64 // the least of what --rate and the API allow
	}{
		{"rate 25", 25, &limited{endpoint: bucket(25), global: rate.NewLimiter(100, 100)}, 25},
		{"rate 25, small bucket", 25, &limited{endpoint: bucket(5)}, 25},
		{"rate 20", 20, &limited{endpoint: bucket(25)}, 20},
		{"rate 40", 40, &limited{endpoint: bucket(25)}, 25},
		{"rate 100", 100, &limited{endpoint: bucket(25), global: rate.NewLimiter(100, 100)}, 25},
		{"rate 40, small bucket", 40, &limited{endpoint: bucket(5)}, 25},
		{"rate 25, five are left", 25, &limited{global: rate.NewLimiter(5, 5)}, 5},
		{"rate 25, two are left", 25, &limited{global: rate.NewLimiter(2, 5)}, 2},
		{"rate 90, thirty-five are left", 90, &limited{global: rate.NewLimiter(35, 100)}, 35},
		{"no rate", 0, &limited{endpoint: bucket(25)}, 25},
		{"sandbox account", 25, &limited{global: bucket(25), endpoint: bucket(25)}, 25},
		{"resource", 25, &limited{endpoint: bucket(25), resource: 0.0005}, 25},
		{"endpoint concurrency", 25, &limited{endpoint: bucket(25), endpointConcurrency: 14}, 25},
		{"global concurrency", 25, &limited{endpoint: bucket(25), globalConcurrency: 14}, 25},
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
				if used < 0.95 {
					t.Errorf("%.1f %% of the ceiling used, want 95 %%", 100*used)
				}
				if away > 0.01 {
					t.Errorf("%.2f %% turned away, want 1 %% at the most", 100*away)
				}
			})
		})
	}
}

// TestTenMinutesUnderALimiter: who asks for just what the limiter gives gets
// 99 % of it from the first minute on, and who asks for more nearly as much.
func TestTenMinutesUnderALimiter(t *testing.T) {
	const each, minutes = 25, 10
	for _, tt := range []struct{ perSec, least float64 }{{25, 0.99}, {40, 0.99}, {0, 0.99}} {
		synctest.Test(t, func(t *testing.T) {
			api := &limited{endpoint: rate.NewLimiter(each, each), refused: map[string]int64{}, random: rand.New(rand.NewPCG(3, 4)), latency: 250 * time.Millisecond}
			ledger := &counting{n: 100_000, begun: map[string]bool{}, ended: map[record.State]int64{}}
			a := &Applier{Run: "run", Ledger: ledger, Sender: api, Limiter: NewThrottle(tt.perSec), Concurrency: 16}
			ctx, cancel := context.WithTimeout(t.Context(), minutes*time.Minute)
			defer cancel()
			if _, err := a.Apply(ctx); !errors.Is(err, ErrInterrupted) {
				t.Fatal(err)
			}
			used := float64(ledger.ended[record.Confirmed]) / (each * 60 * minutes)
			t.Logf("--rate %g: %.2f %% of %d/s used, %d turned away", tt.perSec, 100*used, each, api.turnedAway())
			if used < tt.least {
				t.Errorf("--rate %g: %.2f %% of %d/s used, want %g", tt.perSec, 100*used, each, tt.least)
			}
		})
	}
}

// A distant API answers everything after the same while.
type distant time.Duration

func (d distant) Send(context.Context, Request) Answer {
	time.Sleep(time.Duration(d))
	return Answer{Verdict: Done, Outcome: record.Outcome{RecordID: "pr_1"}}
}

// TestLatencyIsTheOnlyCost: with no limiter in the way, all lanes are under way
// all the time. What remains is processor time, which benchmarks tell.
func TestLatencyIsTheOnlyCost(t *testing.T) {
	const rows, lanes, latency = 50_000, 32, 20 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		ledger := &counting{n: rows, begun: map[string]bool{}, ended: map[record.State]int64{}}
		a := &Applier{Run: "run", Ledger: ledger, Sender: distant(latency), Limiter: NewThrottle(0), Concurrency: lanes}
		start := time.Now()
		if _, err := a.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		if used := float64(rows) / lanes * latency.Seconds() / time.Since(start).Seconds(); used < 0.97 {
			t.Errorf("%.1f %% of what latency allows, want 97 %%", 100*used)
		}
	})
}
