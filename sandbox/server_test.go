package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// A reply is an answer taken apart.
type reply struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// at walks into the answer: at("error", "code").
func (r reply) at(path ...string) any {
	var v any = r.body
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (r reply) str(path ...string) string {
	s, _ := r.at(path...).(string)
	return s
}

// num is an amount's value.
func (r reply) num(path ...string) int64 {
	f, _ := r.at(append(path, "value")...).(float64)
	return int64(f)
}

func newSandbox(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Seed == 0 {
		o.Seed = 42
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// call sends a request straight to the handler. headers are pairs.
func call(t testing.TB, s *Server, method, path, form string, headers ...string) reply {
	t.Helper()
	hr := httptest.NewRequest(method, path, strings.NewReader(form))
	hr.Host = "127.0.0.1:1"
	hr.Header.Set("Authorization", "Bearer sk_test_1")
	if form != "" {
		hr.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			hr.Host = headers[i+1]
		}
		hr.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, hr)
	r := reply{status: w.Code, header: w.Header(), raw: w.Body.String()}
	if w.Header().Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(w.Body.Bytes(), &r.body); err != nil {
			r.body = nil // a fault may have spoilt it
		}
	}
	return r
}

func post(t testing.TB, s *Server, path, form string, headers ...string) reply {
	t.Helper()
	return call(t, s, "POST", path, form, headers...)
}

func get(t testing.TB, s *Server, path string, headers ...string) reply {
	t.Helper()
	return call(t, s, "GET", path, "", headers...)
}

const newPath = "/v1/payment_records/report_payment"

// payment is a valid report_payment; extra pairs replace or add parameters,
// and a value of "-" leaves one out.
func paymentForm(extra ...string) string {
	v := url.Values{
		"amount_requested[value]": {"1000"}, "amount_requested[currency]": {"usd"}, "initiated_at": {"1700000000"},
		"payment_method_details[type]": {"custom"}, "payment_method_details[custom][display_name]": {"Adyen"},
		"processor_details[type]": {"custom"}, "processor_details[custom][payment_reference]": {"ref-1"},
	}
	for i := 0; i+1 < len(extra); i += 2 {
		if extra[i+1] == "-" {
			v.Del(extra[i])
		} else {
			v.Set(extra[i], extra[i+1])
		}
	}
	return v.Encode()
}

func refundForm(ref string, extra ...string) string {
	v := url.Values{"outcome": {"refunded"}, "processor_details[type]": {"custom"},
		"processor_details[custom][refund_reference]": {ref}, "refunded[refunded_at]": {"1700000300"}}
	for i := 0; i+1 < len(extra); i += 2 {
		v.Set(extra[i], extra[i+1])
	}
	return v.Encode()
}

// inState makes a payment whose latest attempt is in a state and returns its id.
func inState(t testing.TB, s *Server, state string) string {
	t.Helper()
	r := post(t, s, newPath, paymentForm())
	id := r.str("id")
	form := map[string]string{"guaranteed": "guaranteed_at=1", "failed": "failed_at=1", "canceled": "canceled_at=1"}[state]
	if form != "" {
		r = post(t, s, "/v1/payment_records/"+id+"/report_payment_attempt_"+state, form)
	}
	if r.status != 200 || id == "" {
		t.Fatalf("cannot make a payment that is %s: %s", state, r.raw)
	}
	return id
}

// manualClock is a clock that tests move.
type manualClock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *manualClock { return &manualClock{now: time.Unix(1_800_000_000, 0)} }

func (c *manualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *manualClock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestGate(t *testing.T) {
	s := newSandbox(t, Options{})
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
		code    string
		message string
	}{
		{"bearer", nil, 404, "resource_missing", "No such payment_record"},
		{"basic", []string{"Authorization", "Basic c2tfdGVzdF8xOg=="}, 404, "resource_missing", ""},
		{"restricted", []string{"Authorization", "Bearer rk_test_1"}, 404, "resource_missing", ""},
		{"missing", []string{"Authorization", ""}, 401, "", "You did not provide an API key"},
		{"live", []string{"Authorization", "Bearer sk_live_S3CR3T"}, 401, "", "live key"},
		{"restricted live", []string{"Authorization", "Bearer rk_live_S3CR3T"}, 401, "", "live key"},
		{"publishable", []string{"Authorization", "Bearer pk_test_1"}, 401, "secret_key_required", ""},
		{"other", []string{"Authorization", "Bearer S3CR3T"}, 401, "", "not a test key"},
		{"rebinding", []string{"Host", "evil.example"}, 403, "", "Host"},
		{"rebinding with port", []string{"Host", "127.0.0.1.evil.example:80"}, 403, "", "Host"},
		{"localhost", []string{"Host", "localhost:80"}, 404, "resource_missing", ""},
		{"ipv6", []string{"Host", "[::1]:80"}, 404, "resource_missing", ""},
		{"own account", []string{"Stripe-Account", s.ID()}, 404, "resource_missing", ""},
		{"other account", []string{"Stripe-Account", "acct_x"}, 403, "account_invalid", ""},
		{"bad version", []string{"Stripe-Version", "latest"}, 400, "", "Invalid Stripe API version"},
		{"unknown fault", []string{FaultHeader, "explode"}, 400, "", FaultHeader},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := get(t, s, "/v1/payment_records/pr_x", tt.headers...)
			if r.status != tt.status || r.str("error", "code") != tt.code || !strings.Contains(r.str("error", "message"), tt.message) {
				t.Errorf("got %d %s, want %d %q %q", r.status, r.raw, tt.status, tt.code, tt.message)
			}
			if strings.Contains(r.raw, "S3CR3T") {
				t.Error("the answer repeats a key")
			}
			if r.header.Get("Request-Id") == "" || r.header.Get("Stripe-Version") == "" {
				t.Errorf("headers missing: %v", r.header)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	s := newSandbox(t, Options{})
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/v1/customers", 501}, {"POST", "/v1/charges", 501}, {"GET", "/v1/invoices/in_1", 501},
		{"GET", "/pages", 404}, {"GET", "/v2/payment_records", 404},
		{"POST", "/v1/payment_records", 404}, {"DELETE", "/v1/payment_records/pr_1", 404},
		{"POST", "/v1/payment_records/pr_1/report_payment", 404}, {"POST", "/v1/payment_records/pr_1/report_dispute", 404},
		{"GET", "/v1/payment_records/pr_1/x/y", 404}, {"GET", "/v1/payment_attempt_records/par_1", 404},
		{"GET", "/v1/payment_records", 200}, {"GET", "/v1/payment_attempt_records", 400},
	} {
		if r := call(t, s, tt.method, tt.path, ""); r.status != tt.status {
			t.Errorf("%s %s: got %d %s, want %d", tt.method, tt.path, r.status, r.raw, tt.status)
		}
	}
}

func TestHeaders(t *testing.T) {
	s := newSandbox(t, Options{Clock: newClock().Now})
	r := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k1", "Stripe-Version", "2026-03-25.dahlia")
	for name, want := range map[string]string{"Idempotency-Key": "k1", "Date": "Fri, 15 Jan 2027 08:00:00 GMT", "Stripe-Version": "2026-03-25.dahlia",
		"Content-Type": "application/json", "Content-Length": fmt.Sprint(len(r.raw)), "Original-Request": r.header.Get("Request-Id")} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestBodies(t *testing.T) {
	s := newSandbox(t, Options{})
	for _, tt := range []struct {
		name, body, contentType string
		status                  int
	}{
		{"too large", strings.Repeat("a", maxBody+1), "", 413},
		{"bad escape", "a=%zz", "", 400},
		{"json", `{"a":1}`, "application/json", 400},
		{"empty", "", "", 400},
	} {
		var h []string
		if tt.contentType != "" {
			h = []string{"Content-Type", tt.contentType}
		}
		if r := post(t, s, newPath, tt.body, h...); r.status != tt.status {
			t.Errorf("%s: got %d %s, want %d", tt.name, r.status, r.raw, tt.status)
		}
	}
}

func TestIDsDependOnSeedOnly(t *testing.T) {
	one := inState(t, newSandbox(t, Options{Seed: 7}), "initiated")
	same := inState(t, newSandbox(t, Options{Seed: 7}), "initiated")
	other := inState(t, newSandbox(t, Options{Seed: 8}), "initiated")
	if one != same || one == other {
		t.Errorf("got %s and %s for seed 7, %s for 8", one, same, other)
	}
}

func TestListenIsLoopbackOnly(t *testing.T) {
	s := newSandbox(t, Options{})
	for _, addr := range []string{":0", "0.0.0.0:0", "192.0.2.1:0", "[::]:0", "localhost:0", "nonsense"} {
		if u, err := s.Listen(addr); err == nil {
			t.Errorf("%q: listens at %s", addr, u)
		}
	}
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(base + "/v1/payment_records")
	if err != nil || res.StatusCode != 401 {
		t.Fatalf("got %v, %v", res, err)
	}
	res.Body.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := http.Get(base); err == nil {
		t.Error("still serves after Close")
	}
}

func TestTotals(t *testing.T) {
	s := newSandbox(t, Options{})
	id := inState(t, s, "guaranteed")
	post(t, s, "/v1/payment_records/"+id+"/report_refund", refundForm("r1", "amount[value]", "300", "amount[currency]", "usd"))
	failed := inState(t, s, "failed")
	post(t, s, "/v1/payment_records/"+failed+"/report_payment_attempt", "initiated_at=1&outcome=guaranteed&guaranteed[guaranteed_at]=2")
	inState(t, s, "canceled")
	post(t, s, newPath, paymentForm("amount_requested[currency]", "jpy"))
	got := s.Totals()
	if got.Records != 4 || got.Attempts != 5 || got.Refunds != 1 || got.Requests != 9 || got.Writes != 9 {
		t.Errorf("got %+v", got)
	}
	if want := (Sums{3, 3000, 2000, 0, 1000, 300}); got.RecordSums["usd"] != want {
		t.Errorf("records: got %+v, want %+v", got.RecordSums["usd"], want)
	}
	if want := (Sums{4, 4000, 2000, 1000, 1000, 300}); got.AttemptSums["usd"] != want {
		t.Errorf("attempts: got %+v, want %+v", got.AttemptSums["usd"], want)
	}
	if want := (Sums{1, 1000, 0, 0, 0, 0}); got.RecordSums["jpy"] != want {
		t.Errorf("jpy: got %+v, want %+v", got.RecordSums["jpy"], want)
	}
}
