package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// notProbed are the choices that no probe shows, and why.
var notProbed = map[string]string{
	"account-header":           "needs a second account",
	"created-window":           "needs the second in which a record is made to be known before",
	"json-body":                "a mistake of the client, not of a payment",
	"key-in-use-first":         "needs two requests at one time",
	"key-ttl":                  "takes more than a day",
	"limit-figures":            "a load test of an account is discouraged",
	"lock-timeout":             "needs two requests at one time",
	"read-allocation":          "uses up the allocation of a month",
	"refusal-wording":          "every refused probe shows it: codes are compared, messages are noted",
	"stripe-records-read-only": "needs a payment on Stripe",
	"stripe-records-shape":     "needs a payment on Stripe",
	"test-keys":                "needs a restricted key",
}

func TestProbesCoverTheChoices(t *testing.T) {
	probed, names := map[string]bool{}, map[string]bool{}
	for _, p := range probes {
		probed[p.choice] = true
		if names[p.name] || p.name == "" || len(p.steps) == 0 {
			t.Errorf("%q: twice, or nothing", p.name)
		}
		names[p.name] = true
		if p.choice != "" && !slices.ContainsFunc(Semantics(), func(c Choice) bool { return c.ID == p.choice }) {
			t.Errorf("%q is about %q, which is no choice", p.name, p.choice)
		}
	}
	for _, c := range Semantics() {
		if why := notProbed[c.ID]; probed[c.ID] == (why != "") {
			t.Errorf("%s: probed %t, reason not to %q", c.ID, probed[c.ID], why)
		}
	}
}

// Against itself there is nothing to find.
func TestVerifyItself(t *testing.T) {
	s := newSandbox(t, Options{})
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time, records of the first are there
		v, err := Verify(t.Context(), base+"/", "sk_test_1")
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Deviations) != 0 || v.Probes != len(probes) || v.Requests < 100 {
			b, _ := json.MarshalIndent(v, "", " ")
			t.Errorf("got %s", b)
		}
	}
}

// A base that decides otherwise is found out: in a field, in a status, in a
// code, and each time under the choice that it is about.
func TestVerifyFindsDeviations(t *testing.T) {
	s := newSandbox(t, Options{})
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := httptest.NewRecorder()
		s.ServeHTTP(inner, r)
		body, status := inner.Body.String(), inner.Code
		switch {
		case strings.HasSuffix(r.URL.Path, "report_refund") && status == 200:
			body = strings.Replace(body, `"amount_guaranteed":{"currency":"usd","value":1000}`, `"amount_guaranteed":{"currency":"usd","value":600}`, 1)
		case strings.Contains(body, "is already failed"):
			status, body = 400, `{"error":{"type":"invalid_request_error","code":"payment_record_state","message":"no"}}`
		case strings.HasSuffix(r.URL.RawQuery, "processor_details_type=custom"):
			status, body = 200, `{"object":"list","data":[],"has_more":false,"url":"/v1/payment_records"}`
		}
		w.Header().Set("Idempotent-Replayed", inner.Header().Get("Idempotent-Replayed"))
		w.WriteHeader(status)
		w.Write([]byte(body))
	}))
	defer other.Close()
	v, err := Verify(t.Context(), other.URL, "sk_test_1")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Deviation{}
	for _, d := range v.Deviations {
		found[d.Choice] = d
	}
	for _, want := range []Deviation{
		{Choice: "refund-keeps-guaranteed", Step: 2, Field: "amount_guaranteed.value", Sandbox: "1000", Other: "600"},
		{Choice: "attempt-after-terminal", Step: 3, Field: "error.code", Sandbox: "", Other: "payment_record_state"},
		{Choice: "list-type-filter", Step: 1, Field: "status", Sandbox: "400", Other: "200"},
	} {
		got := found[want.Choice]
		if got.Step != want.Step || got.Field != want.Field || got.Sandbox != want.Sandbox || got.Other != want.Other {
			t.Errorf("%s: got %+v", want.Choice, got)
		}
	}
}

// What must not be asked is not.
func TestVerifyRefuses(t *testing.T) {
	asked := 0
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
	}))
	defer other.Close()
	for _, tt := range []struct{ base, key, says string }{
		{other.URL, "sk_live_1", "test keys only"},
		{other.URL, "rk_live_1", "test keys only"},
		{other.URL, "", "test keys only"},
		{other.URL, "pk_test_1", "test keys only"},
		{"http://api.stripe.com", "sk_test_1", "https only"},
		{"api.stripe.com", "sk_test_1", "no base"},
		{"https://user:secret@api.stripe.com", "sk_test_1", "no base"},
		{"ftp://127.0.0.1", "sk_test_1", "https only"},
	} {
		_, err := Verify(t.Context(), tt.base, tt.key)
		if err == nil || !strings.Contains(err.Error(), tt.says) || tt.key != "" && strings.Contains(err.Error(), tt.key) {
			t.Errorf("%s with %s: %v", tt.base, tt.key, err)
		}
	}
	if asked != 0 {
		t.Errorf("asked %d times", asked)
	}
	if _, err := Verify(t.Context(), other.URL, "sk_test_1"); err == nil || asked != 1 {
		t.Errorf("a redirect: %v, asked %d times", err, asked)
	}
	s := newSandbox(t, Options{})
	closed, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Verify(t.Context(), closed, "sk_test_1"); err == nil {
		t.Error("nobody there, and no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(ctx, other.URL, "sk_test_1"); err == nil {
		t.Error("canceled, and no error")
	}
}
