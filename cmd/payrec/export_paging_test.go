package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// TestExportWhileOthersWrite: an account that lists late is exported by eight
// readers while two writers report to it. Everything that was reported before
// the export began, but for the lag, is in the file once.
func TestExportWhileOthersWrite(t *testing.T) {
	const lag = time.Minute
	var ticks atomic.Int64
	began := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return began.Add(time.Duration(ticks.Add(1)) * time.Second) } // each look takes a second
	server, err := sandbox.New(sandbox.Options{Clock: clock, ListLag: lag})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	base, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	report := func(reference string) {
		form := url.Values{"amount_requested[value]": {"100"}, "amount_requested[currency]": {"eur"}, "initiated_at": {"1770000000"},
			"payment_method_details[type]": {"custom"}, "processor_details[type]": {"custom"}, "processor_details[custom][payment_reference]": {reference}}
		req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, base+"/v1/payment_records/report_payment", strings.NewReader(form.Encode()))
		req.Header.Set("Authorization", "Bearer sk_test_x")
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Idempotency-Key", reference)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, req)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", reference, w.Code, w.Body)
		}
	}
	const n = 4000
	for i := range n {
		report(fmt.Sprintf("old-%d", i))
	}
	ticks.Add(int64(lag / time.Second)) // now all of them are listed
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					report(fmt.Sprintf("new-%d-%d", w, i))
				}
			}
		})
	}
	t.Chdir(t.TempDir())
	var stdout, stderr bytes.Buffer
	env := env{[]string{"export", "-o", "all.csv", "--api-base", base}, strings.NewReader(""), &stdout, &stderr,
		func(name string) string { return map[string]string{"STRIPE_API_KEY": "sk_test_x"}[name] }, clock}
	if status := run(t.Context(), env); status != exitOK {
		t.Fatalf("exit status %d: %s", status, stderr.String())
	}
	close(stop)
	writers.Wait()
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
