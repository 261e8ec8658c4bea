package sandbox

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// choiceTests holds the list of choices and the behaviour together: each shows
// its choice, and there is one for each.
var choiceTests = map[string]func(t *testing.T, s *Server){
	"account-header": func(t *testing.T, s *Server) {
		expect(t, get(t, s, "/v1/payment_records", "Stripe-Account", s.ID()), 200, "")
		expect(t, get(t, s, "/v1/payment_records", "Stripe-Account", "acct_other"), 403, "")
	},
	"amount-authorized": func(t *testing.T, s *Server) {
		for _, state := range states {
			expect(t, get(t, s, "/v1/payment_records/"+inState(t, s, state)), 200, `"amount_authorized":{"currency":"usd","value":0}`)
		}
	},
	"attach-payment": func(t *testing.T, s *Server) {
		id := inState(t, s, "guaranteed")
		expect(t, post(t, s, "/v1/invoices/in_any/attach_payment", "payment_record="+id), 200, `"object":"invoice"`)
		expect(t, post(t, s, "/v1/invoices/in_any/attach_payment", "payment_record="+id), 400, ownPrefix)
	},
	"attempt-after-terminal": func(t *testing.T, s *Server) {
		for _, state := range []string{"failed", "canceled"} {
			for _, outcome := range []string{"guaranteed", "failed", "canceled"} {
				expect(t, post(t, s, "/v1/payment_records/"+inState(t, s, state)+"/report_payment_attempt_"+outcome, outcome+"_at=1"), 400, ownPrefix)
			}
		}
	},
	"attempt-inherits": func(t *testing.T, s *Server) {
		id := post(t, s, newPath, paymentForm("description", "d", "customer_details[name]", "N", "shipping_details[name]", "S")).str("id")
		expect(t, post(t, s, "/v1/payment_records/"+id+"/report_payment_attempt_failed", "failed_at=1"), 200, "")
		r := post(t, s, "/v1/payment_records/"+id+"/report_payment_attempt", "initiated_at=1&description=e")
		expect(t, r, 200, `"description":"e"`)
		a := get(t, s, "/v1/payment_attempt_records/"+r.str("latest_payment_attempt_record"))
		for _, want := range []string{`"description":"e"`, `"name":"N"`, `"name":"S"`, `"payment_reference":"ref-1"`, `"display_name":"Adyen"`, `"amount_requested":{"currency":"usd","value":1000}`} {
			expect(t, a, 200, want)
		}
	},
	"call-metadata": func(t *testing.T, s *Server) {
		id := post(t, s, newPath, paymentForm("metadata[a]", "1")).str("id")
		r := post(t, s, "/v1/payment_records/"+id+"/report_payment_attempt_failed", "failed_at=1&metadata[b]=2")
		expect(t, r, 200, `"metadata":{"a":"1","b":"2"}`)
		expect(t, get(t, s, "/v1/payment_attempt_records/"+r.str("latest_payment_attempt_record")), 200, `"metadata":{"a":"1","b":"2"}`)
		r = post(t, s, "/v1/payment_records/"+id+"/report_payment_attempt", "initiated_at=1&metadata[c]=3")
		expect(t, get(t, s, "/v1/payment_attempt_records/"+r.str("latest_payment_attempt_record")), 200, `"metadata":{"c":"3"}`)
	},
	"created-window": func(t *testing.T, s *Server) {
		inState(t, s, "initiated") // at 1800000000
		expect(t, get(t, s, "/v1/payment_records?created_after=1800000000"), 200, `"data":[]`)
		expect(t, get(t, s, "/v1/payment_records?created_before=1800000000"), 200, `"data":[]`)
		expect(t, get(t, s, "/v1/payment_records?created_after=1799999999&created_before=1800000001"), 200, `"data":[{`)
	},
	"currency-lower-case": func(t *testing.T, s *Server) {
		expect(t, post(t, s, newPath, paymentForm("amount_requested[currency]", "USD")), 400, "Invalid currency")
	},
	"attempts-order": func(t *testing.T, s *Server) {
		id := inState(t, s, "failed")
		r := post(t, s, "/v1/payment_records/"+id+"/report_payment_attempt", "initiated_at=1")
		expect(t, get(t, s, "/v1/payment_attempt_records?limit=1&payment_record="+id), 200, `[{"id":"`+r.str("latest_payment_attempt_record"))
	},
	"custom-type-any": func(t *testing.T, s *Server) {
		for _, id := range []string{"cpmt_none", "anything"} {
			expect(t, post(t, s, newPath, paymentForm("payment_method_details[custom][type]", id)), 200, `"type":"`+id)
		}
	},
	"customer-any": func(t *testing.T, s *Server) {
		expect(t, post(t, s, newPath, paymentForm("customer_details[customer]", "cus_none", "customer_details[email]", "no address",
			"customer_details[phone]", "?", "shipping_details[address][country]", "Atlantis")), 200, "Atlantis")
	},
	"invoice-payments": func(t *testing.T, s *Server) {
		id := inState(t, s, "guaranteed")
		expect(t, get(t, s, "/v1/invoice_payments?invoice=in_any&payment[type]=payment_record&payment[payment_record]="+id), 200, `"data":[]`)
		expect(t, get(t, s, "/v1/invoice_payments?invoice=in_any"), 400, "")
	},
	"json-body": func(t *testing.T, s *Server) {
		expect(t, post(t, s, newPath, "{}", "Content-Type", "application/json"), 400, ownPrefix)
	},
	"key-ttl": func(t *testing.T, s *Server) {
		first := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k")
		s.Advance(24*time.Hour - time.Second)
		expect(t, post(t, s, newPath, paymentForm(), "Idempotency-Key", "k"), 200, first.str("id"))
		s.Advance(time.Second)
		if again := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k"); again.status != 200 || again.str("id") == first.str("id") {
			t.Errorf("got %d %s", again.status, again.raw)
		}
	},
	"limit-figures": func(t *testing.T, s *Server) {
		if l := SandboxLimits(); l.Concurrency != 25 || l.EndpointConcurrency != 25 || l.RecordHourly != 1000 || l.Rate != 25 || l.EndpointRate != 25 {
			t.Errorf("got %+v", l)
		}
		if l := LiveLimits(); l.Concurrency != 100 || l.EndpointConcurrency != 25 || l.RecordHourly != 1000 || l.Rate != 100 || l.EndpointRate != 25 {
			t.Errorf("got %+v", l)
		}
	},
	"list-lag": func(t *testing.T, s *Server) {
		id := inState(t, s, "initiated")
		expect(t, get(t, s, "/v1/payment_records"), 200, id)
	},
	"list-type-filter": func(t *testing.T, s *Server) {
		expect(t, get(t, s, "/v1/payment_records?processor_details_type=custom"), 400, "parameter_unknown")
	},
	"lock-timeout": func(t *testing.T, _ *Server) {
		s := newSandbox(t, Options{Limits: SandboxLimits()})
		id := inState(t, s, "initiated")
		leave, e := s.limits.lock(id)
		if e != nil {
			t.Fatal(e)
		}
		path := "/v1/payment_records/" + id + "/report_payment_attempt_failed"
		expect(t, post(t, s, path, "failed_at=1", "Idempotency-Key", "k"), 429, "lock_timeout")
		leave()
		expect(t, post(t, s, path, "failed_at=1", "Idempotency-Key", "k"), 200, id)
	},
	"payment-reference": func(t *testing.T, s *Server) {
		if a, b := post(t, s, newPath, paymentForm()), post(t, s, newPath, paymentForm()); a.status != 200 || b.status != 200 || a.str("id") == b.str("id") {
			t.Errorf("got %s and %s", a.raw, b.raw)
		}
	},
	"read-allocation": func(t *testing.T, _ *Server) {
		s := newSandbox(t, Options{Limits: Limits{ReadsPerPayment: 2, ReadsAtLeast: 3}, Clock: newClock().Now})
		for range 3 {
			expect(t, get(t, s, "/v1/payment_records"), 200, "")
		}
		if r := get(t, s, "/v1/payment_records"); r.status != 429 || r.header.Get("Stripe-Rate-Limited-Reason") != "resource-specific" {
			t.Errorf("got %d %s", r.status, r.raw)
		}
		s.Advance(31 * 24 * time.Hour)
		expect(t, get(t, s, "/v1/payment_records"), 200, "")
	},
	"refund-reference-free": func(t *testing.T, s *Server) {
		path := "/v1/payment_records/" + inState(t, s, "guaranteed") + "/report_refund"
		expect(t, post(t, s, path, refundForm("r", "amount[value]", "1001", "amount[currency]", "usd")), 400, "")
		expect(t, post(t, s, path, refundForm("r")), 200, "")
	},
	"versions": func(t *testing.T, s *Server) {
		if r := get(t, s, "/v1/payment_records", "Stripe-Version", "2030-01-01.zebra"); r.status != 200 || r.header.Get("Stripe-Version") != "2030-01-01.zebra" {
			t.Errorf("got %d %v", r.status, r.header)
		}
		if r := get(t, s, "/v1/payment_records"); r.header.Get("Stripe-Version") != "2026-08-26.dahlia" {
			t.Errorf("got %v", r.header)
		}
		expect(t, get(t, s, "/v1/payment_records", "Stripe-Version", "latest"), 400, "Invalid Stripe API version")
	},
	"money-bounds": func(t *testing.T, s *Server) {
		for value, status := range map[string]int{"0": 400, "1": 200, "999999999999": 200, "1000000000000": 400} {
			expect(t, post(t, s, newPath, paymentForm("amount_requested[value]", value)), status, "")
		}
	},
	"number-format": func(t *testing.T, s *Server) {
		for _, value := range []string{"+7", "007", "7.0", "7e1", " 7"} {
			expect(t, post(t, s, newPath, paymentForm("amount_requested[value]", value)), 400, "parameter_invalid_integer")
		}
	},
	"outcome-pairs": func(t *testing.T, s *Server) {
		expect(t, post(t, s, newPath, paymentForm("outcome", "failed")), 400, "failed[failed_at]")
		expect(t, post(t, s, newPath, paymentForm("failed[failed_at]", "1")), 400, `"param":"outcome"`)
		expect(t, post(t, s, newPath, paymentForm("failed[failed_at]", "1", "outcome", "guaranteed", "guaranteed[guaranteed_at]", "1")), 400, `"param":"outcome"`)
	},
	"unset-and-set": func(t *testing.T, s *Server) {
		path := "/v1/payment_records/" + inState(t, s, "initiated") + "/report_payment_attempt_informational"
		expect(t, post(t, s, path, "metadata=&metadata[a]=1"), 400, "at once")
		expect(t, post(t, s, path, "shipping_details=&shipping_details[name]=S"), 400, "at once")
	},
	"currency-steps": func(t *testing.T, s *Server) {
		for currency, value := range map[string]string{"kwd": "1005", "isk": "150", "ugx": "1050"} {
			expect(t, post(t, s, newPath, paymentForm("amount_requested[currency]", currency, "amount_requested[value]", value)), 400, "multiple")
			expect(t, post(t, s, newPath, paymentForm("amount_requested[currency]", currency, "amount_requested[value]", value+"00")), 200, "")
		}
	},
	"custom-method-name": func(t *testing.T, s *Server) {
		expect(t, post(t, s, newPath, paymentForm("payment_method_details[custom][display_name]", "-", "payment_method_details[custom][type]", "cpmt_1")), 200,
			`"custom":{"display_name":"cpmt_1","type":"cpmt_1"}`)
	},
	"duplicate-parameter": func(t *testing.T, s *Server) {
		expect(t, post(t, s, newPath, "description=first&"+paymentForm()+"&description=last"), 200, `"description":"last"`)
	},
	"expand": func(t *testing.T, s *Server) {
		expect(t, post(t, s, newPath, paymentForm("expand[]", "processor_details")), 200, "")
		expect(t, post(t, s, newPath, paymentForm("expand[]", "latest_payment_attempt_record")), 400, "cannot be expanded")
	},
	"informational-merge": func(t *testing.T, s *Server) {
		for _, state := range states {
			path := "/v1/payment_records/" + inState(t, s, state) + "/report_payment_attempt_informational"
			expect(t, post(t, s, path, "customer_details[name]=N"), 200, "")
			r := post(t, s, path, "customer_details[phone]=1")
			expect(t, r, 200, `"name":"N","phone":"1"`)
			expect(t, get(t, s, "/v1/payment_attempt_records/"+r.str("latest_payment_attempt_record")), 200, `"name":"N","phone":"1"`)
		}
	},
	"key-in-use-first": func(t *testing.T, s *Server) {
		if _, e := s.keys.claim("k", "p", "h", 0); e != nil {
			t.Fatal(e)
		}
		expect(t, post(t, s, newPath, paymentForm(), "Idempotency-Key", "k"), 409, "idempotency_key_in_use")
	},
	"list-old-version": func(t *testing.T, s *Server) {
		expect(t, get(t, s, "/v1/payment_records", "Stripe-Version", "2026-06-24.dahlia"), 404, "Unrecognized request URL")
	},
	"method-type": func(t *testing.T, s *Server) {
		form := func(id string) string {
			return paymentForm("payment_method_details[type]", "-", "payment_method_details[custom][display_name]", "-", "payment_method_details[payment_method]", id)
		}
		expect(t, post(t, s, newPath, form("pm_1")), 200, `"payment_method":"pm_1","type":"card"`)
		expect(t, post(t, s, newPath, form("card_1")), 400, "No such PaymentMethod")
	},
	"parameter-order": func(t *testing.T, s *Server) {
		expect(t, post(t, s, newPath, paymentForm("foo", "1", "initiated_at", "-", "outcome", "x", "expand[]", "x")), 400, "parameter_unknown")
		expect(t, post(t, s, newPath, paymentForm("initiated_at", "-", "outcome", "x", "expand[]", "x")), 400, "parameter_missing")
		expect(t, post(t, s, newPath, paymentForm("outcome", "x", "expand[]", "x")), 400, "Invalid outcome")
	},
	"processor-omitted": func(t *testing.T, s *Server) {
		expect(t, post(t, s, newPath, paymentForm("processor_details[type]", "-", "processor_details[custom][payment_reference]", "-")), 200,
			`"processor_details":{"type":"custom","custom":{"payment_reference":null}}`)
	},
	"record-mirrors-attempt": func(t *testing.T, s *Server) {
		id := inState(t, s, "failed")
		expect(t, post(t, s, "/v1/payment_records/"+id+"/report_payment_attempt", "initiated_at=1"), 200, `"amount_failed":{"currency":"usd","value":0}`)
	},
	"refund-currency": func(t *testing.T, s *Server) {
		id := inState(t, s, "guaranteed")
		expect(t, post(t, s, "/v1/payment_records/"+id+"/report_refund", refundForm("r", "amount[value]", "1", "amount[currency]", "eur")), 400, ownPrefix)
	},
	"refund-keeps-guaranteed": func(t *testing.T, s *Server) {
		id := inState(t, s, "guaranteed")
		expect(t, post(t, s, "/v1/payment_records/"+id+"/report_refund", refundForm("r")), 200,
			`"amount_guaranteed":{"currency":"usd","value":1000},"amount_refunded":{"currency":"usd","value":1000}`)
	},
	"refund-not-guaranteed": func(t *testing.T, s *Server) {
		for _, state := range []string{"initiated", "failed", "canceled"} {
			expect(t, post(t, s, "/v1/payment_records/"+inState(t, s, state)+"/report_refund", refundForm("r")), 400, ownPrefix)
		}
	},
	"refund-omitted-amount": func(t *testing.T, s *Server) {
		path := "/v1/payment_records/" + inState(t, s, "guaranteed") + "/report_refund"
		expect(t, post(t, s, path, refundForm("r1", "amount[value]", "1", "amount[currency]", "usd")), 200, "")
		expect(t, post(t, s, path, refundForm("r2")), 200, `"amount_refunded":{"currency":"usd","value":1000}`)
	},
	"refusal-wording": func(t *testing.T, s *Server) {
		for _, cell := range cells {
			for i, state := range states {
				if cell.status[i] != 400 {
					continue
				}
				r := post(t, s, "/v1/payment_records/"+inState(t, s, state)+"/"+cell.call, cell.form)
				if r.status != 400 || r.at("error", "code") != nil || r.str("error", "type") != "invalid_request_error" || !strings.HasPrefix(r.str("error", "message"), ownPrefix) {
					t.Errorf("%s in %s: got %d %s", cell.call, state, r.status, r.raw)
				}
			}
		}
	},
	"stripe-records-read-only": func(t *testing.T, s *Server) {
		id := seeded(t, s)
		for _, cell := range cells {
			expect(t, post(t, s, "/v1/payment_records/"+id+"/"+cell.call, cell.form), 400, "reported by Stripe")
		}
	},
	"stripe-records-shape": func(t *testing.T, s *Server) {
		expect(t, get(t, s, "/v1/payment_records/"+seeded(t, s)), 200, `"processor_details":{"type":"custom","custom":{"payment_reference":null}},"reported_by":"stripe"`)
	},
	"test-keys": func(t *testing.T, s *Server) {
		id := inState(t, s, "initiated")
		for _, key := range []string{"sk_test_a", "rk_test_b"} {
			expect(t, get(t, s, "/v1/payment_records/"+id, "Authorization", "Bearer "+key), 200, id)
		}
	},
	"timestamps-unbounded": func(t *testing.T, s *Server) {
		expect(t, post(t, s, newPath, paymentForm("initiated_at", "4102444800", "outcome", "guaranteed", "guaranteed[guaranteed_at]", "1")), 200, "")
	},
}

func expect(t *testing.T, r reply, status int, contains string) {
	t.Helper()
	if r.status != status || !strings.Contains(r.raw, contains) {
		t.Errorf("got %d %s; want %d with %s", r.status, r.raw, status, contains)
	}
}

func seeded(t *testing.T, s *Server) string {
	t.Helper()
	id, err := s.SeedStripe(StripePayment{PaymentIntent: "pi_1", Charge: "ch_1", Amount: amount("usd", 1000), Outcome: "guaranteed"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSemantics(t *testing.T) {
	var last string
	for _, c := range Semantics() {
		test := choiceTests[c.ID]
		if test == nil {
			t.Errorf("%s: no test shows it", c.ID)
			continue
		}
		if c.ID <= last || c.Cell == "" || c.What == "" || c.Basis == "" {
			t.Errorf("%+v: out of order or incomplete", c)
		}
		last = c.ID
		t.Run(c.ID, func(t *testing.T) { test(t, newSandbox(t, Options{Clock: newClock().Now})) })
	}
	for id := range choiceTests {
		if !slices.ContainsFunc(Semantics(), func(c Choice) bool { return c.ID == id }) {
			t.Errorf("%s is shown and not listed", id)
		}
	}
}

// Every cell of the state machine that is listed is the one that the state
// machine's own test holds, and a choice where it says so is a listed choice.
func TestCells(t *testing.T) {
	listed := map[string]Cell{}
	for _, c := range Cells() {
		listed[c.Call+" "+c.State] = c
		known := slices.ContainsFunc(Semantics(), func(choice Choice) bool { return choice.ID == c.Choice })
		if (c.Basis == "choice") != known || c.Does == "" {
			t.Errorf("%+v: no such choice", c)
		}
	}
	for _, cell := range cells {
		for i, state := range states {
			if got := listed[cell.call+" "+state]; got.Status != cell.status[i] {
				t.Errorf("%s in %s: listed as %d, tested as %d", cell.call, state, got.Status, cell.status[i])
			}
		}
		if listed[cell.call+" none"].Status != 404 {
			t.Errorf("%s of nothing is not listed", cell.call)
		}
	}
	if len(listed) != 1+6*5 {
		t.Errorf("%d cells", len(listed))
	}
	d := AllDifferences()
	if d.Format != 1 || d.Prefix != ownPrefix || len(d.Cells) != len(listed) || len(d.Choices) != len(Semantics()) {
		t.Errorf("got %+v", d)
	}
}

// From 2026-09-30.endive on an attempt is reported as canceled like a payment:
// so the official npm client of 2026-10-28.endive has it.
func TestCanceledAttempts(t *testing.T) {
	s := newSandbox(t, Options{})
	path := "/v1/payment_records/" + inState(t, s, "failed") + "/report_payment_attempt"
	const form = "initiated_at=1&outcome=canceled&canceled[canceled_at]=1"
	expect(t, post(t, s, path, form), 400, "parameter_unknown")
	expect(t, post(t, s, path, form, "Stripe-Version", "2026-09-30.endive"), 200, `"amount_canceled":{"currency":"usd","value":1000}`)
}

// unknowns is what is not publicly known about Payment Records, and the choice
// that answers it. Nothing may be taken from here unless it became known.
var unknowns = map[string]string{
	"codes and wording of refusals":                          "refusal-wording",
	"an outcome on an attempt that failed or was canceled":   "attempt-after-terminal",
	"details of an attempt that is over":                     "informational-merge",
	"a refund of what is not guaranteed":                     "refund-not-guaranteed",
	"an omitted amount after a part was refunded":            "refund-omitted-amount",
	"a refund in another currency":                           "refund-currency",
	"whether a refund lowers amount_guaranteed":              "refund-keeps-guaranteed",
	"amounts of the record when a new attempt starts":        "record-mirrors-attempt",
	"where the metadata of a call lands":                     "call-metadata",
	"whether created_after and created_before are inclusive": "created-window",
	"how soon a new record is listed":                        "list-lag",
	"a filter that only the changelog names":                 "list-type-filter",
	"bounds and order of timestamps":                         "timestamps-unbounded",
	"least and greatest amounts":                             "money-bounds",
	"granularity of amounts":                                 "currency-steps",
	"custom types that do not exist":                         "custom-type-any",
	"customers that do not exist":                            "customer-any",
	"permissions of restricted keys":                         "test-keys",
	"limits of concurrency, and of resources":                "limit-figures",
	"how long a lock is waited for":                          "lock-timeout",
	"what happens beyond the read allocation":                "read-allocation",
	"when exactly a key is forgotten":                        "key-ttl",
	"outcome and its object, one without the other":          "outcome-pairs",
	"a payment without processor_details":                    "processor-omitted",
	"order of listed attempts":                               "attempts-order",
}

func TestUnknownsAreChosen(t *testing.T) {
	for what, id := range unknowns {
		if !slices.ContainsFunc(Semantics(), func(c Choice) bool { return c.ID == id }) {
			t.Errorf("%s: there is no choice %q", what, id)
		}
	}
}
