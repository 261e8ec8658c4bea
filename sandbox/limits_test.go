package sandbox

import (
	"fmt"
	"testing"
	"time"
)

// Each of the five reasons, and only where its limit is what is passed.
func TestLimitReasons(t *testing.T) {
	for reason, limits := range map[string]Limits{
		"global-rate":   {Rate: 2},
		"endpoint-rate": {EndpointRate: 2},
	} {
		c := newClock()
		s := newSandbox(t, Options{Limits: limits, Clock: c.Now})
		for i, want := range []int{404, 404, 429} {
			r := get(t, s, "/v1/payment_records/pr_none", "Idempotency-Key", "k")
			if r.status != want || want == 429 && (r.header.Get("Stripe-Rate-Limited-Reason") != reason || r.str("error", "code") != "rate_limit") {
				t.Errorf("%s, request %d: got %d %s %v", reason, i, r.status, r.raw, r.header)
			}
		}
		other := get(t, s, "/v1/payment_attempt_records/par_none")
		if (other.status == 429) != (reason == "global-rate") {
			t.Errorf("%s: another endpoint got %d", reason, other.status)
		}
		c.Move(time.Second)
		expect(t, get(t, s, "/v1/payment_records/pr_none"), 404, "")
	}
	for reason, limits := range map[string]Limits{
		"global-concurrency":   {Concurrency: 1},
		"endpoint-concurrency": {EndpointConcurrency: 1},
	} {
		s := newSandbox(t, Options{Limits: limits})
		free := holding(t, s, "retrieve_payment_record", func() { get(t, s, "/v1/payment_records/pr_none") })
		if r := get(t, s, "/v1/payment_records/pr_other"); r.status != 429 || r.header.Get("Stripe-Rate-Limited-Reason") != reason {
			t.Errorf("%s: got %d %v", reason, r.status, r.header)
		}
		if r := get(t, s, "/v1/payment_attempt_records/par_none"); (r.status == 429) != (reason == "global-concurrency") {
			t.Errorf("%s: another endpoint got %d", reason, r.status)
		}
		free()
		expect(t, get(t, s, "/v1/payment_records/pr_other"), 404, "")
	}
	s := newSandbox(t, Options{Limits: Limits{RecordHourly: 2}, Clock: newClock().Now})
	id := inState(t, s, "initiated") // made by a call on no record
	path := "/v1/payment_records/" + id + "/report_payment_attempt_informational"
	for _, want := range []int{200, 200, 429} {
		r := post(t, s, path, "description=x")
		if r.status != want || want == 429 && r.header.Get("Stripe-Rate-Limited-Reason") != "resource-specific" {
			t.Errorf("got %d %s", r.status, r.raw)
		}
	}
	expect(t, get(t, s, "/v1/payment_records/"+id), 200, "")
	expect(t, post(t, s, "/v1/payment_records/"+inState(t, s, "initiated")+"/report_payment_attempt_informational", "description=x"), 200, "")
	s.Advance(30 * time.Minute)
	expect(t, post(t, s, path, "description=x"), 200, "")
}

// holding starts a request that a fault holds while it runs, and returns when
// it is there. free lets it end, and waits until it has.
func holding(t *testing.T, s *Server, op string, request func()) (free func()) {
	t.Helper()
	hold, struck, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s.Inject(Fault{Call: op, Kind: FaultDelay, At: FaultDuring, Hold: hold, Struck: func() { close(struck) }})
	go func() {
		defer close(done)
		request()
	}()
	<-struck
	return func() { close(hold); <-done }
}

// Two calls on one record at once: the later is turned away, its key is free,
// other records and reads go on.
func TestLockTimeout(t *testing.T) {
	s := newSandbox(t, Options{Limits: Limits{Lock: true}})
	id, other := inState(t, s, "initiated"), inState(t, s, "initiated")
	call := func(id, what string) reply {
		return post(t, s, "/v1/payment_records/"+id+"/report_payment_attempt_"+what, what+"_at=1", "Idempotency-Key", what+id)
	}
	free := holding(t, s, "report_payment_attempt_failed", func() { call(id, "failed") })
	r := call(id, "guaranteed")
	if r.status != 429 || r.str("error", "code") != "lock_timeout" || r.str("error", "type") != "invalid_request_error" || r.header.Get("Stripe-Rate-Limited-Reason") != "" {
		t.Errorf("got %d %s %v", r.status, r.raw, r.header)
	}
	expect(t, call(other, "guaranteed"), 200, "")
	expect(t, get(t, s, "/v1/payment_records/"+id), 200, "")
	free()
	if r := call(id, "guaranteed"); r.status != 400 || r.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("the refusal was kept: %d %s", r.status, r.raw)
	}
	if r := call(id, "failed"); r.status != 200 || r.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("got %d %s", r.status, r.raw)
	}
}

// Payments earn reads, and what was earned a month ago is gone.
func TestReadAllocation(t *testing.T) {
	s := newSandbox(t, Options{Limits: Limits{ReadsPerPayment: 3, ReadsAtLeast: 1}, Clock: newClock().Now})
	inState(t, s, "initiated")
	for _, want := range []int{200, 200, 200, 429} {
		expect(t, get(t, s, "/v1/payment_records"), want, "")
	}
	expect(t, post(t, s, newPath, paymentForm()), 200, "") // writes are not rationed
	for _, want := range []int{200, 200, 200, 429} {
		expect(t, get(t, s, "/v1/payment_records"), want, "")
	}
	s.Advance(30 * 24 * time.Hour)
	for _, want := range []int{200, 429} {
		expect(t, get(t, s, "/v1/payment_records"), want, "")
	}
}

func TestNamedLimits(t *testing.T) {
	for name, want := range map[string]Limits{"live": LiveLimits(), "sandbox": SandboxLimits(), "none": {}} {
		if got, err := NamedLimits(name); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := NamedLimits("Live"); err == nil {
		t.Error("Live is taken")
	}
}

// The memory of a limiter is bounded, however many records are called on.
func TestLimiterForgets(t *testing.T) {
	l := newLimiter(Limits{RecordHourly: 1})
	now := time.Unix(1_800_000_000, 0)
	for i := range 250_000 {
		if _, reason := l.enter("x", fmt.Sprint(i), false, now.Add(time.Duration(i)*time.Second)); reason != "" {
			t.Fatal(reason)
		}
	}
	if n := len(l.records); n > 100_001 {
		t.Errorf("%d records are kept", n)
	}
}
