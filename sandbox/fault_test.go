package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// send makes a request over a real connection; a broken one is an error.
func send(t *testing.T, base, key, fault string) (status int, body string, replayed bool, err error) {
	t.Helper()
	req, err := http.NewRequest("POST", base+newPath, strings.NewReader(paymentForm()))
	if err != nil {
		t.Fatal(err)
	}
	req.GetBody = nil // net/http must not ask again by itself
	req.Header.Set("Authorization", "Bearer sk_test_1")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Idempotency-Key", key)
	req.Header.Set(FaultHeader, fault)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", false, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), res.Header.Get("Idempotent-Replayed") == "true", err
}

// Every fault, what the client sees of it, whether the call was applied, and
// what a retry under the same key gets.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		fault   string
		status  int  // 0: the connection breaks before the headers
		broken  bool // reading fails
		applied bool
		replay  bool // a retry without the fault is a replay
		after   int  // status of that retry
	}{
		{"reset-before", 0, true, false, false, 200},
		{"reset-during", 0, true, false, false, 200},
		{"reset-after", 0, true, true, true, 200},
		{"reset", 0, true, true, true, 200},
		{"cut", 200, true, true, true, 200},
		{"cut-before", 200, true, true, true, 200}, // a cut needs an answer
		{"garbage-before", 200, false, false, false, 200},
		{"garbage-after", 200, false, true, true, 200},
		{"livemode", 200, false, true, true, 200},
		{"500-before", 500, false, false, false, 200},
		{"500-during", 500, false, false, false, 200},
		{"500-after", 500, false, true, true, 200},
		{"500-saved", 500, false, true, true, 500},
		{"503", 503, false, true, true, 200},
		{"429-before", 429, false, false, false, 200},
		{"delay=1ms-before", 200, false, true, true, 200},
		{"delay=1ms-during", 200, false, true, true, 200},
		{"delay=1ms", 200, false, true, true, 200},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			s := newSandbox(t, Options{})
			base, err := s.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			status, body, _, err := send(t, base, "k", tt.fault)
			if status != tt.status || (err != nil) != tt.broken {
				t.Errorf("got %d %q, %v", status, body, err)
			}
			valid := json.Valid([]byte(body))
			if spoilt := tt.broken || strings.HasPrefix(tt.fault, "garbage"); valid == spoilt {
				t.Errorf("body %q", body)
			}
			if live := strings.Contains(body, `"livemode":true`); live != (tt.fault == "livemode") {
				t.Errorf("body %q", body)
			}
			if got := s.Totals().Records; (got == 1) != tt.applied {
				t.Errorf("%d records", got)
			}
			status, body, replayed, err := send(t, base, "k", "")
			if status != tt.after || replayed != tt.replay || err != nil {
				t.Errorf("retry: got %d %q, replayed %v, %v", status, body, replayed, err)
			}
			if log := s.Requests(); len(log) != 2 || !log[0].Fault || log[1].Fault || log[0].Key != "k" || log[0].Call != "report_payment" || log[1].Replayed != tt.replay {
				t.Errorf("log %+v", log)
			}
		})
	}
}

func TestFaultHeaderErrors(t *testing.T) {
	for _, h := range []string{"x", "reset-soon", "200", "600-after", "delay=x", "delay=-1s-after", "delay", "-", "after"} {
		if f, err := faultOf(h); err == nil {
			t.Errorf("%q is taken for %+v", h, f)
		}
	}
}

func TestInject(t *testing.T) {
	s := newSandbox(t, Options{})
	s.Inject(
		Fault{Call: "report_payment", Reference: "b", Nth: 2, Times: 2, At: FaultBefore, Status: 503},
		Fault{Path: "/v1/payment_records/*/report_refund", At: FaultBefore, Status: 502, Times: -1, Header: http.Header{"Retry-After": {"7"}}, Body: "busy"},
		Fault{Call: "list_payment_records", At: FaultDuring, Status: 500},
		Fault{Path: "[", At: FaultBefore},
	)
	ref := func(v string) string { return paymentForm("processor_details[custom][payment_reference]", v) }
	var got []int
	for _, r := range []string{"a", "b", "a", "b", "b", "b"} {
		got = append(got, post(t, s, newPath, ref(r)).status)
	}
	if want := []int{200, 200, 200, 503, 503, 200}; !equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range 3 {
		r := post(t, s, "/v1/payment_records/x/report_refund", refundForm("r"))
		if r.status != 502 || r.raw != "busy" || r.header.Get("Retry-After") != "7" {
			t.Errorf("got %d %q %v", r.status, r.raw, r.header)
		}
	}
	if a, b := get(t, s, "/v1/payment_records").status, get(t, s, "/v1/payment_records").status; a != 500 || b != 200 {
		t.Errorf("list: got %d, then %d", a, b)
	}
	s.ClearFaults()
	if r := post(t, s, "/v1/payment_records/x/report_refund", refundForm("r")); r.status != 404 {
		t.Errorf("after clearing: got %d", r.status)
	}
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// A client that gives up ends a delay that would never end.
func TestDelayEndsWithTheRequest(t *testing.T) {
	s := newSandbox(t, Options{})
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.Inject(Fault{Kind: FaultDelay, At: FaultBefore, Hold: make(chan struct{}), Struck: cancel})
	req, err := http.NewRequestWithContext(ctx, "GET", base+"/v1/payment_records", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_test_1")
	if _, err := http.DefaultClient.Do(req); err == nil {
		t.Error("an answer came")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestRequestLogIsBounded(t *testing.T) {
	var l requestLog
	for i := range requestsKept + 5 {
		l.add(RequestLog{Status: i})
	}
	s := &Server{log: requestLog{ring: l.ring, next: l.next}}
	got := s.Requests()
	if len(got) != requestsKept || got[0].Status != 5 || got[len(got)-1].Status != requestsKept+4 {
		t.Errorf("%d kept, %+v to %+v", len(got), got[0], got[len(got)-1])
	}
}
