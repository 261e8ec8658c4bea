package sandbox

import (
	"strings"
	"testing"
	"time"
)

func TestIdempotency(t *testing.T) {
	clock := newClock()
	s := newSandbox(t, Options{Clock: clock.Now})
	first := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k")
	again := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k")
	if again.raw != first.raw || again.header.Get("Idempotent-Replayed") != "true" || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("not a replay: %v\n%s\n%s", again.header, first.raw, again.raw)
	}
	if again.header.Get("Original-Request") != first.header.Get("Request-Id") || again.header.Get("Request-Id") == first.header.Get("Request-Id") {
		t.Errorf("request ids: %v then %v", first.header, again.header)
	}
	// What happens to the payment later does not change what was answered.
	post(t, s, "/v1/payment_records/"+first.str("id")+"/report_payment_attempt_guaranteed", "guaranteed_at=1")
	if r := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k"); r.raw != first.raw {
		t.Errorf("replay after a change:\n%s\n%s", first.raw, r.raw)
	}
	r := post(t, s, newPath, paymentForm("description", "other"), "Idempotency-Key", "k")
	if r.status != 400 || r.str("error", "type") != "idempotency_error" || !strings.HasPrefix(r.str("error", "message"), "Keys for idempotent requests can only be used with the same parameters") {
		t.Errorf("other parameters: got %d %s", r.status, r.raw)
	}
	r = post(t, s, "/v1/payment_records/x/report_refund", paymentForm(), "Idempotency-Key", "k")
	if r.status != 400 || r.str("error", "type") != "idempotency_error" || !strings.Contains(r.str("error", "message"), "same endpoint") {
		t.Errorf("other endpoint: got %d %s", r.status, r.raw)
	}
	r = post(t, s, newPath, paymentForm(), "Idempotency-Key", strings.Repeat("k", 256))
	if r.status != 400 {
		t.Errorf("key of 256: got %d %s", r.status, r.raw)
	}
	clock.Move(DefaultKeyTTL - time.Second)
	if r := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k"); r.raw != first.raw {
		t.Error("forgotten before its time")
	}
	clock.Move(time.Second)
	if r := post(t, s, newPath, paymentForm("description", "other"), "Idempotency-Key", "k"); r.status != 200 || r.str("id") == first.str("id") {
		t.Errorf("after 24 h the key is a new request: got %d %s", r.status, r.raw)
	}
	if got := s.Totals(); got.Records != 2 || got.Writes != 3 {
		t.Errorf("got %+v", got)
	}
}

// What is saved under a key, and what is not.
func TestWhatIsSaved(t *testing.T) {
	s := newSandbox(t, Options{})
	id := inState(t, s, "initiated")
	info := "/v1/payment_records/" + id + "/report_payment_attempt_informational"
	for i, tt := range []struct {
		name, path, form string
		headers          []string
		saved            bool
	}{
		{"success", newPath, paymentForm(), nil, true},
		{"refusal by state", "/v1/payment_records/" + id + "/report_refund", refundForm("x"), nil, true},
		{"missing record", "/v1/payment_records/none/report_refund", refundForm("x"), nil, true},
		{"injected 500", info, "description=y", []string{FaultHeader, "500-saved"}, true},
		{"unknown parameter", newPath, paymentForm("foo", "1"), nil, false},
		{"bad integer", newPath, paymentForm("initiated_at", "x"), nil, false},
		{"no key", newPath, paymentForm(), []string{"Authorization", ""}, false},
		{"broken before", info, "description=y", []string{FaultHeader, "500-during"}, false},
	} {
		key := []string{"Idempotency-Key", strings.Repeat("k", i+1)}
		first := post(t, s, tt.path, tt.form, append(key, tt.headers...)...)
		again := post(t, s, tt.path, tt.form, key...)
		if replayed := again.header.Get("Idempotent-Replayed") == "true"; replayed != tt.saved {
			t.Errorf("%s: replayed is %v, want %v", tt.name, replayed, tt.saved)
		}
		if tt.saved && (again.raw != first.raw || again.status != first.status) {
			t.Errorf("%s: got %d %s, then %d %s", tt.name, first.status, first.raw, again.status, again.raw)
		}
	}
}

func TestKeyInUse(t *testing.T) {
	s := newSandbox(t, Options{})
	inside, hold := make(chan struct{}), make(chan struct{})
	s.Inject(Fault{Kind: FaultDelay, At: FaultDuring, Hold: hold, Struck: func() { close(inside) }})
	first := make(chan reply, 1)
	go func() { first <- post(t, s, newPath, paymentForm(), "Idempotency-Key", "k") }()
	<-inside
	r := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k")
	if r.status != 409 || r.str("error", "code") != "idempotency_key_in_use" {
		t.Errorf("got %d %s", r.status, r.raw)
	}
	close(hold)
	if r := <-first; r.status != 200 {
		t.Errorf("first: got %d %s", r.status, r.raw)
	}
	if r := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k"); r.status != 200 || r.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("afterwards: got %d %s", r.status, r.raw)
	}
}

func TestExpiredKeysAreDropped(t *testing.T) {
	k := newKeys(time.Minute)
	for i := range int64(10_000) {
		key := strings.Repeat("k", int(i%100)+1) + string(rune('a'+i%7))
		if s, e := k.claim(key, "p", "h", i); s == nil && e == nil {
			k.save(key, &saved{path: "p", hash: "h", at: i})
		}
		if s := k.done[key]; s == nil || i-s.at >= 60 {
			t.Fatalf("at %d: %q is %+v", i, key, s)
		}
	}
	if len(k.done) > 60 || len(k.ages) > 4096 {
		t.Errorf("%d answers, %d ages are kept", len(k.done), len(k.ages))
	}
}

func TestLimits(t *testing.T) {
	clock := newClock()
	for _, tt := range []struct {
		name   string
		limits Limits
		path   string
		admits int
		reason string
	}{
		{"global", Limits{Rate: 5}, "/v1/payment_records", 5, "global-rate"},
		{"endpoint", Limits{Rate: 50, EndpointRate: 3}, "/v1/payment_records", 3, "endpoint-rate"},
		{"less than one", Limits{EndpointRate: 0.5}, "/v1/payment_records", 1, "endpoint-rate"},
	} {
		s := newSandbox(t, Options{Clock: clock.Now, Limits: tt.limits})
		for i := range tt.admits {
			if r := get(t, s, tt.path); r.status != 200 {
				t.Fatalf("%s: request %d: got %d %s", tt.name, i, r.status, r.raw)
			}
		}
		r := get(t, s, tt.path)
		if r.status != 429 || r.header.Get("Stripe-Rate-Limited-Reason") != tt.reason || r.str("error", "code") != "rate_limit" {
			t.Errorf("%s: got %d %s %v", tt.name, r.status, r.raw, r.header)
		}
		clock.Move(2 * time.Second)
		if r := get(t, s, tt.path); r.status != 200 {
			t.Errorf("%s: not admitted later: %d %s", tt.name, r.status, r.raw)
		}
	}
}

// The limiter stands before the idempotency layer: a retry that it turns away
// says nothing about the first request.
func TestLimiterBeforeKeys(t *testing.T) {
	clock := newClock()
	s := newSandbox(t, Options{Clock: clock.Now, Limits: Limits{Rate: 1}})
	first := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k")
	if r := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k"); r.status != 429 {
		t.Errorf("got %d %s", r.status, r.raw)
	}
	clock.Move(time.Second)
	if r := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k"); r.raw != first.raw {
		t.Errorf("got %d %s", r.status, r.raw)
	}
}

func TestConcurrencyLimits(t *testing.T) {
	for reason, limits := range map[string]Limits{"global-concurrency": {Concurrency: 1}, "endpoint-concurrency": {EndpointConcurrency: 1}} {
		s := newSandbox(t, Options{Limits: limits})
		inside, hold, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
		s.Inject(Fault{Kind: FaultDelay, At: FaultDuring, Hold: hold, Struck: func() { close(inside) }})
		go func() { post(t, s, newPath, paymentForm()); close(done) }()
		<-inside
		if r := post(t, s, newPath, paymentForm()); r.status != 429 || r.header.Get("Stripe-Rate-Limited-Reason") != reason {
			t.Errorf("%s: got %d %v", reason, r.status, r.header)
		}
		if r := get(t, s, "/v1/payment_records"); (r.status == 429) != (reason == "global-concurrency") {
			t.Errorf("%s: another endpoint: got %d", reason, r.status)
		}
		close(hold)
		<-done
		if r := post(t, s, newPath, paymentForm()); r.status != 200 {
			t.Errorf("%s: afterwards: got %d", reason, r.status)
		}
	}
}
