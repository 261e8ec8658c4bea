package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/payrec/payrec/internal/stripeapi"
	"github.com/payrec/payrec/record"
	"github.com/payrec/payrec/sandbox"
)

// A livingAccount lists late, and is written to by two writers whenever a page
// of it is read. Each look at its clock takes some time, so that an export of it
// takes minutes.
type livingAccount struct {
	t      *testing.T
	server *sandbox.Server
	base   string
	now    atomic.Int64 // milliseconds
	step   atomic.Int64 // milliseconds a look takes
	pages  atomic.Int64
	stop   atomic.Pointer[func()] // called when the page stopAt is asked for
	stopAt atomic.Int64
	asked  chan struct{} // a writer takes one for each record
}

func newLivingAccount(t *testing.T, lag time.Duration) *livingAccount {
	t.Helper()
	l := &livingAccount{t: t, asked: make(chan struct{}, 100)}
	l.now.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	server, err := sandbox.New(sandbox.Options{Clock: l.clock, ListLag: lag})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	l.server = server
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/payment_records" {
			if l.pages.Add(1) == l.stopAt.Load() {
				(*l.stop.Load())()
			}
			for range 4 {
				select {
				case l.asked <- struct{}{}:
				default:
				}
			}
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	l.base = front.URL
	return l
}

func (l *livingAccount) clock() time.Time { return time.UnixMilli(l.now.Add(l.step.Load())) }

func (l *livingAccount) report(reference string) {
	form := url.Values{"amount_requested[value]": {"100"}, "amount_requested[currency]": {"eur"}, "initiated_at": {"1767200000"},
		"payment_method_details[type]": {"custom"}, "processor_details[type]": {"custom"}, "processor_details[custom][payment_reference]": {reference}}
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, l.base+"/v1/payment_records/report_payment", strings.NewReader(form.Encode()))
	req.Header.Set("Authorization", "Bearer sk_test_x")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Idempotency-Key", reference)
	w := httptest.NewRecorder()
	l.server.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		l.t.Errorf("%s: %d %s", reference, w.Code, w.Body)
	}
}

// write begins writing; the returned function ends it.
func (l *livingAccount) write() (stop func()) {
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for i := 0; ; i++ {
				if _, ok := <-l.asked; !ok {
					return
				}
				l.report(fmt.Sprintf("new-%d-%d", w, i))
			}
		})
	}
	return func() { close(l.asked); writers.Wait() }
}

// export runs payrec export, which is interrupted at so many pages, unless that
// is 0.
func (l *livingAccount) export(file string, concurrency int, interrupted int64) (status int, stderr string) {
	ctx, stop := context.WithCancel(l.t.Context())
	defer stop()
	end := func() { stop() }
	l.stop.Store(&end)
	l.stopAt.Store(-1)
	if interrupted > 0 {
		l.stopAt.Store(l.pages.Load() + interrupted)
	}
	var out, errs bytes.Buffer
	status = run(ctx, env{[]string{"export", "-o", file, "--api-base", l.base, "--concurrency", fmt.Sprint(concurrency)}, strings.NewReader(""), &out, &errs,
		func(name string) string { return map[string]string{"STRIPE_API_KEY": "sk_test_x"}[name] }, l.clock})
	return status, errs.String()
}

// TestExportWhileOthersWrite: an account of 20,000 records, made in bursts,
// that lists late is exported while two writers report to it, interrupted or
// not. Everything that was reported before the export began, but for the lag,
// is in the file once, and nothing is there twice.
func TestExportWhileOthersWrite(t *testing.T) {
	for _, tt := range []struct {
		lag         time.Duration
		concurrency int
		step        time.Duration // of the clock, while it is exported
		n           int
		interrupted []int64 // after so many pages
	}{
		{0, 1, time.Second, 5000, nil},
		{time.Minute, 8, time.Second, 20_000, nil},
		{10 * time.Minute, 3, 100 * time.Millisecond, 6000, nil},
		{time.Minute, 8, time.Second, 20_000, []int64{90, 60}},
		{10 * time.Minute, 2, 10 * time.Millisecond, 8000, []int64{50}},
	} {
		if testing.Short() && tt.n != 6000 && tt.n != 8000 {
			continue
		}
		n := tt.n
		t.Run(fmt.Sprintf("lag %s, %d readers, step %s, interrupted %d times", tt.lag, tt.concurrency, tt.step, len(tt.interrupted)), func(t *testing.T) {
			l := newLivingAccount(t, tt.lag)
			for i := range n {
				switch { // days of silence, bursts of many a second, and a quiet trickle
				case i%4000 == 0:
					l.now.Add(9 * 86400_000)
					l.step.Store(int64(1 + i/4000*150))
				}
				l.report(fmt.Sprintf("old-%d", i))
			}
			l.now.Add(tt.lag.Milliseconds() + 1000) // now all of them are listed
			l.step.Store(tt.step.Milliseconds())
			t.Chdir(t.TempDir())
			stop := l.write()
			for _, pages := range tt.interrupted {
				if status, said := l.export("all.csv", tt.concurrency, pages); status != exitInterrupted {
					t.Fatalf("interrupted: exit status %d: %s", status, said)
				}
			}
			status, said := l.export("all.csv", tt.concurrency, 0)
			stop()
			if status != exitOK {
				t.Fatalf("exit status %d: %s", status, said)
			}
			if goesOn := strings.Contains(said, "goes on with the reading"); goesOn != (len(tt.interrupted) > 0) {
				t.Errorf("it says %q", said)
			}
			seen := map[string]int{}
			for _, row := range readCSV(t, "all.csv")[1:] {
				seen[row[1]]++
			}
			for i := range n {
				if ref := fmt.Sprintf("old-%d", i); seen[ref] != 1 {
					t.Errorf("%s is there %d times", ref, seen[ref])
				}
			}
			for ref, times := range seen {
				if times != 1 {
					t.Errorf("%s is there %d times", ref, times)
				}
			}
			if left, err := filepath.Glob("*.reading*"); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestReadsWaitTheirTurn: every page takes a place of the limiter, and no more.
func TestReadsWaitTheirTurn(t *testing.T) {
	server, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for i := range 250 {
		seed := sandbox.StripePayment{PaymentIntent: fmt.Sprintf("pi_%d", i), Amount: record.Amount{Currency: "eur", Value: 100}, Outcome: record.Guaranteed}
		if _, err := server.SeedStripe(seed); err != nil {
			t.Fatal(err)
		}
	}
	base, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := stripeapi.ParseBase(base)
	if err != nil {
		t.Fatal(err)
	}
	key, err := stripeapi.ParseKey("sk_test_x")
	if err != nil {
		t.Fatal(err)
	}
	client, err := stripeapi.New(stripeapi.Config{Base: parsed, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	places := rate.NewLimiter(0, 5) // never refilled
	n := 0
	for _, err := range (limited{source{client}, places, new(atomic.Int64)}).Records(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if left := places.Tokens(); n != 250 || left != 2 {
		t.Errorf("%d records took %g places of 5", n, 5-left)
	}
	// A wait that cannot end before the context does is refused at once.
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	n = 0
	for range (limited{source{client}, places, new(atomic.Int64)}).Records(ctx, 0, 0) {
		n++
	}
	if n != 201 { // two pages, and the refusal
		t.Errorf("%d records without places", n)
	}
}
