package stripeapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/payrec/payrec/record"
)

// lister serves n records, newest first, and fails a request when fault says so.
type lister struct {
	n     int
	fault func(request int, w http.ResponseWriter) bool

	mu       sync.Mutex // connections may come and go; guards requests
	requests []string
}

func (l *lister) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, r.URL.RequestURI())
	if l.fault != nil && l.fault(len(l.requests), w) {
		return
	}
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	from := l.n
	if after, ok := strings.CutPrefix(q.Get("starting_after"), "x_"); ok {
		from, _ = strconv.Atoi(after)
		from--
	}
	object := "payment_record"
	if strings.Contains(r.URL.Path, "attempt") {
		object = "payment_attempt_record"
	}
	var data []string
	for i := from; i > 0 && len(data) < limit; i-- {
		data = append(data, fmt.Sprintf(`{"id":"x_%d","object":%q,"created":%d,"livemode":false,"metadata":{"a":"b"}}`, i, object, i))
	}
	fmt.Fprintf(w, `{"object":"list","data":[%s],"has_more":%t,"url":"/v1"}`, strings.Join(data, ","), from > limit)
}

// reader is a client whose waits are noted instead of waited.
func reader(t *testing.T, h http.Handler) (*Client, *[]time.Duration) {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := testClient(t, s.URL)
	waits := new([]time.Duration)
	c.backoff.random = func(n int64) int64 { return n - 1 }
	c.backoff.sleep = func(ctx context.Context, d time.Duration) error { *waits = append(*waits, d); return ctx.Err() }
	return c, waits
}

func TestRecordsPages(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 250} {
		l := &lister{n: n}
		c, _ := reader(t, l)
		var got []int64
		for r, err := range c.Records(t.Context(), ListQuery{CreatedAfter: 5, CreatedBefore: 9}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r.Created)
		}
		for i, created := range got {
			if created != int64(n-i) {
				t.Fatalf("record %d is %d", i, created)
			}
		}
		if pages := max(1, (n+99)/100); len(got) != n || len(l.requests) != pages {
			t.Errorf("%d records in %d requests, want %d in %d", len(got), len(l.requests), n, pages)
		}
		if first := l.requests[0]; first != "/v1/payment_records?created_after=5&created_before=9&limit=100" {
			t.Errorf("asked for %s", first)
		}
	}
}

func TestAttemptsAndStopping(t *testing.T) {
	l := &lister{n: 5}
	c, _ := reader(t, l)
	seen := 0
	for range c.Attempts(t.Context(), "pr_1") {
		if seen++; seen == 2 {
			break
		}
	}
	if seen != 2 || l.requests[0] != "/v1/payment_attempt_records?limit=100&payment_record=pr_1" {
		t.Errorf("%d attempts, %v", seen, l.requests)
	}
	for _, id := range []string{"", "pr_1/x", "pr_1?x", "..", "pr 1"} {
		for _, err := range c.Attempts(t.Context(), id) {
			if err == nil {
				t.Errorf("%q was taken", id)
			}
		}
		if _, err := c.Record(t.Context(), id); err == nil {
			t.Errorf("%q was taken", id)
		}
	}
}

func TestRetrieve(t *testing.T) {
	c, _ := reader(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/payment_records/pr_1":
			fmt.Fprint(w, goodRecord)
		case "/v1/payment_attempt_records/par_1":
			fmt.Fprint(w, `{"id":"par_1","object":"payment_attempt_record","livemode":false,"payment_record":"pr_1"}`)
		case "/v1/payment_records/live":
			fmt.Fprint(w, strings.Replace(goodRecord, "false", "true", 1))
		case "/v1/payment_records/charge":
			fmt.Fprint(w, `{"id":"ch_1","object":"charge"}`)
		default:
			w.Header().Set("Request-Id", "req_9")
			w.WriteHeader(404)
			fmt.Fprint(w, apiError("invalid_request_error", "resource_missing", "No such payment record"))
		}
	}))
	if r, err := c.Record(t.Context(), "pr_1"); err != nil || r.ID != "pr_1" || r.Amount != (record.Amount{Currency: "eur", Value: 1}) {
		t.Errorf("%+v, %v", r, err)
	}
	if a, err := c.Attempt(t.Context(), "par_1"); err != nil || *a.PaymentRecord != "pr_1" {
		t.Errorf("%+v, %v", a, err)
	}
	for _, id := range []string{"live", "charge"} {
		if _, err := c.Record(t.Context(), id); err == nil {
			t.Errorf("%s was taken", id)
		}
	}
	_, err := c.Record(t.Context(), "pr_9")
	var api *Error
	if !errors.As(err, &api) || api.Status != 404 || api.Code != "resource_missing" || api.RequestID != "req_9" {
		t.Fatalf("got %v", err)
	}
	if want := "the API answered 404 (resource_missing): No such payment record [param amount_requested] (request req_9)"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestReadsAreRetried(t *testing.T) {
	faults := map[string]func(w http.ResponseWriter){
		"429": func(w http.ResponseWriter) { w.WriteHeader(429) },
		"500": func(w http.ResponseWriter) { w.WriteHeader(500) },
		"503": func(w http.ResponseWriter) { w.WriteHeader(503) },
		"cut": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "99")
			w.Write([]byte(`{"object":`))
		},
		"abort":        func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"garbage":      func(w http.ResponseWriter) { w.Write([]byte("<html>")) },
		"should retry": func(w http.ResponseWriter) { w.Header().Set("Stripe-Should-Retry", "true"); w.WriteHeader(404) },
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			l := &lister{n: 150, fault: func(n int, w http.ResponseWriter) bool {
				if n == 2 || n == 3 {
					fault(w)
					return true
				}
				return false
			}}
			c, waits := reader(t, l)
			n := 0
			for _, err := range c.Records(t.Context(), ListQuery{}) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if name == "abort" && len(*waits) == 1 { // net/http itself repeats a read on a lost connection
				*waits = append(*waits, time.Second)
			}
			if n != 150 || len(*waits) != 2 || (*waits)[0] != 500*time.Millisecond || (*waits)[1] != time.Second {
				t.Errorf("%d records, waited %v", n, *waits)
			}
		})
	}
}

func TestReadsGiveUp(t *testing.T) {
	for name, tt := range map[string]struct {
		fault    func(w http.ResponseWriter)
		requests int
	}{
		"always 503":       {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "40"); w.WriteHeader(503) }, 8},
		"401":              {func(w http.ResponseWriter) { w.WriteHeader(401) }, 1},
		"redirect":         {func(w http.ResponseWriter) { w.Header().Set("Location", "/v1/x"); w.WriteHeader(302) }, 1},
		"should not retry": {func(w http.ResponseWriter) { w.Header().Set("Stripe-Should-Retry", "false"); w.WriteHeader(500) }, 1},
		"no list":          {func(w http.ResponseWriter) { w.Write([]byte(goodRecord)) }, 1},
		"null in the list": {func(w http.ResponseWriter) { w.Write([]byte(`{"data":[null],"has_more":false}`)) }, 1},
		"charges": {func(w http.ResponseWriter) {
			w.Write([]byte(`{"data":[{"id":"ch_1","object":"charge"}],"has_more":false}`))
		}, 1},
		"other types":      {func(w http.ResponseWriter) { w.Write([]byte(`{"data":"x","has_more":false}`)) }, 1},
		"more but nothing": {func(w http.ResponseWriter) { w.Write([]byte(`{"data":[],"has_more":true}`)) }, 1},
		"going in circles": {func(w http.ResponseWriter) {
			w.Write([]byte(`{"data":[{"id":"pr_1","object":"payment_record"}],"has_more":true}`))
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			l := &lister{fault: func(_ int, w http.ResponseWriter) bool { tt.fault(w); return true }}
			c, waits := reader(t, l)
			var last error
			for _, last = range c.Records(t.Context(), ListQuery{}) {
			}
			if last == nil || len(l.requests) != tt.requests {
				t.Errorf("%d requests, error %v", len(l.requests), last)
			}
			for _, w := range *waits {
				if w < 40*time.Second {
					t.Errorf("waited %s although the API asked for 40 s", w)
				}
			}
		})
	}
}

// Somebody is told when nobody answers for the third time, once a read, and of
// nothing else.
func TestReadSaysThatNobodyAnswers(t *testing.T) {
	c := testClient(t, "http://127.0.0.1:1")
	c.backoff.sleep = func(context.Context, time.Duration) error { return nil }
	var told []error
	c.unreached = func(err error) { told = append(told, err) }
	if _, err := c.Record(t.Context(), "pr_1"); err == nil || len(told) != 1 || !strings.Contains(told[0].Error(), "refused") {
		t.Errorf("%v; told %v", err, told)
	}
	busy, _ := reader(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
	busy.unreached = func(err error) { t.Errorf("an answer was taken for none: %v", err) }
	if _, err := busy.Record(t.Context(), "pr_1"); err == nil {
		t.Error("no error")
	}
}

func TestReadIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := &lister{fault: func(_ int, w http.ResponseWriter) bool { cancel(); w.WriteHeader(503); return true }}
	c, _ := reader(t, l)
	for _, err := range c.Records(ctx, ListQuery{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if len(l.requests) != 1 {
		t.Errorf("%d requests", len(l.requests))
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "3": 3 * time.Second, "99999": time.Minute, "99999999999999999999999": 0, "-1": 0, "soon": 0, "1.5": 0,
		"Mon, 01 Jun 2026 12:00:09 GMT": 9 * time.Second, "Mon, 01 Jun 2026 11:00:00 GMT": 0, "Tue, 02 Jun 2026 12:00:00 GMT": time.Minute,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestCleanText(t *testing.T) {
	c := testClient(t, "http://127.0.0.1:1")
	for in, want := range map[string]string{
		"plain":                 "plain",
		"\x1b[2Jgone\r\nX: y":   " [2Jgone  X: y",
		"key " + testSecret:     "key sk_test_****",
		"key rk_live_Canary, x": "key rk_live_****, x",
		"bad \xff":              "bad \ufffd",
	} {
		if got := c.clean(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := c.clean(strings.Repeat("ä", 9999)); len(got) > 610 || strings.Contains(got, "\ufffd") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
