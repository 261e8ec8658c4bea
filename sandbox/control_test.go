package sandbox

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

const testToken = "t0ken"

func controlCall(t *testing.T, s *Server, method, what, body string, headers ...string) reply {
	t.Helper()
	return call(t, s, method, controlPath+what, body, append([]string{TokenHeader, testToken, "Authorization", ""}, headers...)...)
}

func TestControlGate(t *testing.T) {
	s := newSandbox(t, Options{Token: testToken})
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"the token", nil, 200},
		{"no token", []string{TokenHeader, ""}, 401},
		{"another", []string{TokenHeader, "t0ken2"}, 401},
		{"an API key is no token", []string{TokenHeader, "", "Authorization", "Bearer sk_test_1"}, 401},
		{"another host", []string{"Host", "example.com"}, 403},
		{"rebinding", []string{"Host", "example.com:8420"}, 403},
	} {
		if r := controlCall(t, s, "GET", "totals", "", tt.headers...); r.status != tt.status {
			t.Errorf("%s: got %d %s, want %d", tt.name, r.status, r.raw, tt.status)
		}
	}
	closed := newSandbox(t, Options{})
	expect(t, controlCall(t, closed, "GET", "totals", ""), 403, "closed")
	expect(t, controlCall(t, closed, "GET", "totals", "", TokenHeader, ""), 403, "closed")
	for _, what := range []string{"", "nothing", "totals/", "../v1/payment_records"} {
		expect(t, controlCall(t, s, "GET", what, ""), 404, "not in the control API")
	}
	expect(t, controlCall(t, s, "POST", "totals", ""), 404, "")
	if n := len(s.Requests()); n != 2 { // those with a foreign Host
		t.Errorf("%d requests are logged", n)
	}
}

func TestControl(t *testing.T) {
	c := newClock()
	s := newSandbox(t, Options{Token: testToken, Clock: c.Now})
	first := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k").str("id")

	expect(t, controlCall(t, s, "GET", "clock", ""), 200, `{"now":1800000000}`)
	expect(t, controlCall(t, s, "POST", "clock", `{"advance":"25h"}`), 200, `{"now":1800090000}`)
	if again := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k").str("id"); again == first {
		t.Error("the key outlived 25 hours")
	}
	expect(t, controlCall(t, s, "POST", "clock", `{"set":1800000007}`), 200, `{"now":1800000007}`)
	for _, bad := range []string{``, `{}`, `{"set":-1}`, `{"advance":"soon"}`, `{"advance":"1h","set":5}`, `{"back":1}`, `{"set":99999999999}`, `{"advance":"-999999h"}`, `[]`} {
		expect(t, controlCall(t, s, "POST", "clock", bad), 400, "clock:")
	}
	expect(t, controlCall(t, s, "GET", "clock", ""), 200, `{"now":1800000007}`)

	expect(t, controlCall(t, s, "POST", "faults", "- {call: report_payment, status: 503, at: before}"), 200, `{"injected":1}`)
	expect(t, post(t, s, newPath, paymentForm()), 503, "")
	expect(t, controlCall(t, s, "POST", "faults", "- {call: report_payment, status: 503, at: before, times: -1}"), 200, "")
	expect(t, controlCall(t, s, "DELETE", "faults", ""), 200, "")
	expect(t, post(t, s, newPath, paymentForm()), 200, "")
	expect(t, controlCall(t, s, "POST", "faults", "- {kind: burn}"), 400, "kind")

	const seeds = `{"payment_intent":"pi_1","charge":"ch_1","amount":{"currency":"eur","value":700},"outcome":"guaranteed","refunded":200,
		"created":1790000000,"card":{"brand":"visa",
		"last4":"4242"},"customer":{"customer":"cus_1","email":null,"name":"N","phone":null},"metadata":{"a":"b"}}
		{"payment_intent":"pi_2","amount":{"currency":"usd","value":5}}`
	r := controlCall(t, s, "POST", "seed", seeds)
	expect(t, r, 200, `{"payment_records":["pr_`)
	seeded := get(t, s, "/v1/payment_records/pi_1")
	expect(t, seeded, 200, `"reported_by":"stripe"`)
	expect(t, get(t, s, "/v1/payment_attempt_records/ch_1"), 200, `"last4":"4242"`)
	conforms(t, opRetrieveRecord, seeded)
	conforms(t, opRetrieveAttempt, get(t, s, "/v1/payment_attempt_records/ch_1"))
	for bad, says := range map[string]string{
		seeds: "0 of 2 are in", `{"payment_intent":"x"}`: "no PaymentIntent id", `{"foo":1}`: "foo", `{`: "seed 1",
		`{"payment_intent":"pi_9","amount":{"currency":"usd","value":5},"card":[]}`:               "not a JSON object",
		`{"payment_intent":"pi_9","amount":{"currency":"usd","value":5},"created":1000000000000}`: "Unix seconds",
		`{"payment_intent":"pi_9","amount":{"currency":"usd","value":5},"outcome":"paid"}`:        "no outcome",
	} {
		expect(t, controlCall(t, s, "POST", "seed", bad), 400, says)
	}

	var totals Totals
	if err := json.Unmarshal([]byte(controlCall(t, s, "GET", "totals", "").raw), &totals); err != nil || totals.Records != 5 || totals.RecordSums["eur"].Refunded != 200 {
		t.Errorf("got %+v, %v", totals, err)
	}
	var requests []RequestLog
	if err := json.Unmarshal([]byte(controlCall(t, s, "GET", "requests", "").raw), &requests); err != nil || len(requests) != 7 || !requests[2].Fault || !requests[0].At.Equal(time.Unix(1_800_000_000, 0)) {
		t.Errorf("got %+v, %v", requests, err)
	}
	expect(t, controlCall(t, s, "GET", "semantics", ""), 200, `"id":"refund-keeps-guaranteed"`)
}

// conforms holds an answer against the official description.
func conforms(t *testing.T, op string, r reply) {
	t.Helper()
	for _, o := range describedAPI(t).operations {
		if o.op != op {
			continue
		}
		var v any
		if err := json.Unmarshal([]byte(r.raw), &v); err != nil {
			t.Fatal(err)
		}
		if err := o.ok.Validate(v); err != nil {
			t.Errorf("%s: %v in %s", op, err, r.raw)
		}
	}
}

func FuzzSeeds(f *testing.F) {
	f.Add(`{"payment_intent":"pi_1","charge":"ch_1","amount":{"currency":"eur","value":700},"outcome":"guaranteed","refunded":200,"card":{"a":[1,"<"]}}`)
	f.Add(`{"payment_intent":"pi_\ud800","amount":{"currency":"jpy","value":1},"metadata":{"":"\u0000"},"customer":{}}`)
	f.Fuzz(func(t *testing.T, text string) {
		seeds, err := ParseSeeds(strings.NewReader(text))
		if err != nil {
			return
		}
		s := newSandbox(t, Options{})
		for _, p := range seeds {
			id, err := s.SeedStripe(p)
			if err != nil {
				continue
			}
			if r := get(t, s, "/v1/payment_records/"+id); r.status != 200 || !json.Valid([]byte(r.raw)) || r.body == nil {
				t.Fatalf("got %d %s", r.status, r.raw)
			}
		}
	})
}
