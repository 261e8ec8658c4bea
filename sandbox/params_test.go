package sandbox

import (
	"strings"
	"testing"

	"github.com/payrec/payrec/record"
)

func amount(c record.Currency, v int64) record.Amount {
	return record.Amount{Currency: c, Value: v}
}

// validForms has a valid form for every call.
func validForms() map[record.CallName]string {
	return map[record.CallName]string{
		record.ReportPayment:                     paymentForm(),
		record.ReportPaymentAttempt:              "initiated_at=1",
		record.ReportPaymentAttemptGuaranteed:    "guaranteed_at=1",
		record.ReportPaymentAttemptFailed:        "failed_at=1",
		record.ReportPaymentAttemptCanceled:      "canceled_at=1",
		record.ReportPaymentAttemptInformational: "description=x",
		record.ReportRefund:                      refundForm("r"),
	}
}

// Every call refuses an unknown parameter and the absence of each required one,
// before it looks whether its record exists.
func TestUnknownAndMissing(t *testing.T) {
	s := newSandbox(t, Options{})
	for call, form := range validForms() {
		path := call.Path("pr_none")
		for _, name := range []string{"foo", "metadata2[a]", "outcome[x]", "foo.bar", "foo[]", "amount_requested.value", "a[b", "[x]"} {
			r := post(t, s, path, form+"&"+name+"=1")
			if r.status != 400 || r.str("error", "code") != "parameter_unknown" || r.str("error", "param") != name {
				t.Errorf("%s with %q: got %d %s", call, name, r.status, r.raw)
			}
		}
		parsed, err := parseForm(form)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range record.SpecOf(call).Fields {
			if !f.Required || strings.HasPrefix(f.Path, "failed.") || strings.HasPrefix(f.Path, "guaranteed.") {
				continue
			}
			var rest record.Params
			for _, p := range parsed.params {
				if p.Path != f.Path && !strings.HasPrefix(p.Path, f.Path+".") {
					rest = append(rest, p)
				}
			}
			if len(rest) == len(parsed.params) {
				continue // below an object that the form leaves out
			}
			if i := strings.LastIndexByte(f.Path, '.'); i > 0 && !rest.Has(f.Path[:i]) {
				continue // nothing of an object that may be left out is left
			}
			r := post(t, s, path, string(rest.Form()))
			if r.status != 400 || r.str("error", "code") != "parameter_missing" {
				t.Errorf("%s without %s: got %d %s", call, f.Path, r.status, r.raw)
			}
		}
	}
}

func TestWrongParameters(t *testing.T) {
	s := newSandbox(t, Options{})
	for _, tt := range []struct{ name, value, code, message string }{
		{"amount_requested[value]", "ten", "parameter_invalid_integer", "Invalid integer: ten"},
		{"amount_requested[value]", "1.5", "parameter_invalid_integer", "Invalid integer: 1.5"},
		{"amount_requested[value]", "0", "parameter_invalid_integer", "greater than or equal to 1"},
		{"amount_requested[value]", "-5", "parameter_invalid_integer", "greater than or equal to 1"},
		{"amount_requested[value]", "1000000000000", "parameter_invalid_integer", "12 digits"},
		{"amount_requested[value]", "", "parameter_invalid_empty", "empty string"},
		{"amount_requested[currency]", "zzz", "", "Invalid currency: zzz"},
		{"amount_requested", "5", "", "Invalid object"},
		{"initiated_at", "2026-01-01", "parameter_invalid_integer", "Invalid integer"},
		{"outcome", "paid", "", "must be one of failed or guaranteed"},
		{"outcome", "guaranteed", "parameter_missing", "guaranteed[guaranteed_at]"},
		{"guaranteed[guaranteed_at]", "5", "parameter_missing", "outcome"},
		{"customer_presence", "maybe", "", "must be one of"},
		{"description", "", "parameter_invalid_empty", "empty string"},
		{"description", strings.Repeat("x", 5001), "", "must be at most 5000 characters"},
		{"customer_details[email]", strings.Repeat("x", 801), "", "must be at most 800 characters"},
		{"payment_method_details[payment_method]", "card_1", "resource_missing", "No such PaymentMethod: 'card_1'"},
		{"description", "\xff", "", "UTF-8"},
		{"expand[]", "customer", "", "cannot be expanded (customer)"},
	} {
		r := post(t, s, newPath, paymentForm(tt.name, tt.value))
		if r.status != 400 || r.str("error", "code") != tt.code || !strings.Contains(r.str("error", "message"), tt.message) {
			t.Errorf("%s=%.20q: got %d %s; want code %q, message %q", tt.name, tt.value, r.status, r.raw, tt.code, tt.message)
		}
	}
	if n := s.Totals(); n.Records != 0 {
		t.Errorf("%d records were made", n.Records)
	}
}

func TestExpand(t *testing.T) {
	s := newSandbox(t, Options{})
	if r := post(t, s, newPath, paymentForm("expand[]", "payment_method_details", "expand[1]", "customer_details")); r.status != 200 {
		t.Errorf("got %d %s", r.status, r.raw)
	}
	if r := get(t, s, "/v1/payment_records?expand[]=data.payment_method_details"); r.status != 200 {
		t.Errorf("got %d %s", r.status, r.raw)
	}
	if r := get(t, s, "/v1/payment_records?expand[]=payment_method_details"); r.status != 400 {
		t.Errorf("got %d %s", r.status, r.raw)
	}
}

func FuzzForm(f *testing.F) {
	for _, form := range validForms() {
		f.Add(form)
	}
	for _, s := range []string{"", "&&", "a", "=b", "a=%", "metadata[a][b]=1", "metadata[a.b]=x%00y", "a[b][c]=1&a[b]=2", "a[]=1", "expand[]=x", "metadata[%ff]=%fe", "a]=1", "metadata[=1"} {
		f.Add(s)
	}
	s := newSandbox(f, Options{})
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseForm(text)
		if err != nil {
			return
		}
		for i := 1; i < len(parsed.params); i++ {
			if parsed.params[i-1].Path >= parsed.params[i].Path {
				t.Fatalf("not canonical: %q", parsed.params)
			}
		}
		// What is written down must read back as the same parameters.
		if got, want := string(appendForm(nil, parsed.params)), string(parsed.params.Form()); got != want {
			t.Fatalf("written down as %q, want %q", got, want)
		}
		again, err := parseForm(string(parsed.params.Form()))
		if err != nil || len(again.odd) > 0 || len(again.params) != len(parsed.params) {
			t.Fatalf("%q reads back as %q (%q, %v)", parsed.params, again.params, again.odd, err)
		}
		for i, p := range parsed.params {
			if again.params[i] != p {
				t.Fatalf("%q reads back as %q", p, again.params[i])
			}
			if bracketed(p.Path) == "" {
				t.Fatalf("%q has no name", p.Path)
			}
		}
		if r := post(t, s, newPath, text); r.status != 200 && r.status != 400 && r.status != 413 {
			t.Fatalf("got %d %s", r.status, r.raw)
		}
	})
}
