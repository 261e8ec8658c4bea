package sandbox

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	stripe "github.com/stripe/stripe-go/v85"
)

// states are the columns of the state machine.
var states = [...]string{"initiated", "guaranteed", "failed", "canceled"}

// cells is the state machine, every cell of it: for each call
// the status in each state, and what becomes of the money where it is taken.
var cells = [...]struct {
	call, form string
	status     [4]int // by states
	becomes    string // portion that holds the requested amount afterwards, "" for as before
}{
	{"report_payment_attempt", "initiated_at=1", [4]int{400, 400, 200, 200}, "none"},
	{"report_payment_attempt", "initiated_at=1&outcome=guaranteed&guaranteed[guaranteed_at]=1", [4]int{400, 400, 200, 200}, "guaranteed"},
	{"report_payment_attempt", "initiated_at=1&outcome=failed&failed[failed_at]=1", [4]int{400, 400, 200, 200}, "failed"},
	{"report_payment_attempt_guaranteed", "guaranteed_at=1", [4]int{200, 400, 400, 400}, "guaranteed"},
	{"report_payment_attempt_failed", "failed_at=1", [4]int{200, 400, 400, 400}, "failed"},
	{"report_payment_attempt_canceled", "canceled_at=1", [4]int{200, 400, 400, 400}, "canceled"},
	{"report_payment_attempt_informational", "description=x", [4]int{200, 200, 200, 200}, ""},
	{"report_refund", refundForm("cell"), [4]int{400, 200, 400, 400}, ""},
}

var portions = [...]string{"guaranteed", "failed", "canceled"}

func TestStateMachine(t *testing.T) {
	for _, cell := range cells {
		for i, state := range states {
			t.Run(cell.call+" when "+state, func(t *testing.T) {
				s := newSandbox(t, Options{})
				id := inState(t, s, state)
				before := get(t, s, "/v1/payment_records/"+id)
				r := post(t, s, "/v1/payment_records/"+id+"/"+cell.call, cell.form)
				after := get(t, s, "/v1/payment_records/"+id)
				if r.status != cell.status[i] {
					t.Fatalf("got %d %s, want %d", r.status, r.raw, cell.status[i])
				}
				if r.status == 400 {
					if before.raw != after.raw {
						t.Errorf("refused, and yet changed:\n%s\n%s", before.raw, after.raw)
					}
					return
				}
				if r.raw != after.raw {
					t.Errorf("answered\n%s\nstored\n%s", r.raw, after.raw)
				}
				checkMoney(t, s, after, cell.becomes, state)
			})
		}
		t.Run(cell.call+" of nothing", func(t *testing.T) {
			s := newSandbox(t, Options{})
			r := post(t, s, "/v1/payment_records/pr_none/"+cell.call, cell.form)
			if r.status != 404 || r.str("error", "code") != "resource_missing" || r.str("error", "type") != "invalid_request_error" {
				t.Errorf("got %d %s", r.status, r.raw)
			}
		})
	}
}

// checkMoney holds the record's portions, and that its latest attempt has the
// same.
func checkMoney(t *testing.T, s *Server, r reply, becomes, was string) {
	t.Helper()
	if becomes == "" {
		becomes = was
	}
	a := get(t, s, "/v1/payment_attempt_records/"+r.str("latest_payment_attempt_record"))
	for _, portion := range portions {
		want := int64(0)
		if portion == becomes {
			want = 1000
		}
		for _, o := range []reply{r, a} {
			if got := o.num("amount_" + portion); got != want {
				t.Errorf("%s: amount_%s is %d, want %d", o.str("object"), portion, got, want)
			}
		}
	}
	for _, o := range []reply{r, a} {
		if o.num("amount") != 1000 || o.num("amount_requested") != 1000 || o.str("amount", "currency") != "usd" || o.at("livemode") != false {
			t.Errorf("got %s", o.raw)
		}
	}
}

func TestReportPaymentOutcomes(t *testing.T) {
	s := newSandbox(t, Options{})
	for _, tt := range []struct {
		outcome, version string
		status           int
	}{
		{"guaranteed", "", 200}, {"failed", "", 200},
		{"canceled", "", 400}, {"canceled", "2026-08-26.dahlia", 400}, {"canceled", "2026-09-30.endive", 200}, {"canceled", "2027-01-01.x", 200},
		{"refunded", "2027-01-01.x", 400},
	} {
		form := paymentForm("outcome", tt.outcome, tt.outcome+"["+tt.outcome+"_at]", "1700000001")
		r := post(t, s, newPath, form, "Stripe-Version", tt.version)
		if r.status != tt.status {
			t.Errorf("%s at %q: got %d %s", tt.outcome, tt.version, r.status, r.raw)
		}
		if r.status == 200 && (r.num("amount_"+tt.outcome) != 1000 || r.str("reported_by") != "self" || r.str("processor_details", "custom", "payment_reference") != "ref-1") {
			t.Errorf("%s: got %s", tt.outcome, r.raw)
		}
	}
}

func TestRefunds(t *testing.T) {
	s := newSandbox(t, Options{})
	path := "/v1/payment_records/" + inState(t, s, "guaranteed") + "/report_refund"
	other := "/v1/payment_records/" + inState(t, s, "guaranteed") + "/report_refund"
	for _, tt := range []struct {
		name, path, form string
		status           int
		refunded         int64
		param            string
	}{
		{"a part", path, refundForm("r1", "amount[value]", "400", "amount[currency]", "usd"), 200, 400, ""},
		{"reference reused", path, refundForm("r1", "amount[value]", "1", "amount[currency]", "usd"), 400, 400, "processor_details[custom][refund_reference]"},
		{"reference reused on another payment", other, refundForm("r1"), 400, 0, "processor_details[custom][refund_reference]"},
		{"more than the rest", path, refundForm("r2", "amount[value]", "601", "amount[currency]", "usd"), 400, 400, "amount[value]"},
		{"other currency", path, refundForm("r2", "amount[value]", "1", "amount[currency]", "eur"), 400, 400, "amount[currency]"},
		{"a refused reference is free", path, refundForm("r2", "amount[value]", "100", "amount[currency]", "usd"), 200, 500, ""},
		{"the rest", path, refundForm("r3"), 200, 1000, ""},
		{"nothing left", path, refundForm("r4"), 400, 1000, ""},
	} {
		r := post(t, s, tt.path, tt.form)
		now := get(t, s, strings.TrimSuffix(tt.path, "/report_refund"))
		if r.status != tt.status || now.num("amount_refunded") != tt.refunded || r.str("error", "param") != tt.param {
			t.Errorf("%s: got %d %s, refunded %d; want %d, %d, param %q", tt.name, r.status, r.raw, now.num("amount_refunded"), tt.status, tt.refunded, tt.param)
		}
		if now.num("amount_guaranteed") != 1000 {
			t.Errorf("%s: amount_guaranteed is %d", tt.name, now.num("amount_guaranteed"))
		}
	}
}

func TestMetadata(t *testing.T) {
	s := newSandbox(t, Options{})
	r := post(t, s, newPath, paymentForm("metadata[a]", "1", "metadata[b.c]", "2", "metadata[empty]", ""))
	id := r.str("id")
	info := "/v1/payment_records/" + id + "/report_payment_attempt_informational"
	many := func(from, n int) string {
		v := url.Values{}
		for i := range n {
			v.Set(fmt.Sprintf("metadata[m%d]", from+i), "x")
		}
		return v.Encode()
	}
	for _, tt := range []struct {
		name, form string
		status     int
		want       string
	}{
		{"as made", "description=x", 200, `{"a":"1","b.c":"2"}`},
		{"merge", "metadata[a]=9&metadata[d]=4", 200, `{"a":"9","b.c":"2","d":"4"}`},
		{"unset one", "metadata[a]=", 200, `{"b.c":"2","d":"4"}`},
		{"unset none there", "metadata[zz]=", 200, `{"b.c":"2","d":"4"}`},
		{"unset all", "metadata=", 200, `{}`},
		{"50 pairs", many(0, 50), 200, "50"},
		{"51 by merging", "metadata[more]=1", 400, "50"},
		{"one out, one in", "metadata[more]=1&metadata[m0]=", 200, "50"},
		{"51 at once", many(100, 51), 400, "50"},
		{"key of 41", "metadata[" + strings.Repeat("k", 41) + "]=1", 400, "50"},
		{"value of 501", "metadata[m1]=" + strings.Repeat("v", 501), 400, "50"},
		{"bracket in key", "metadata[a][b]=1", 400, "50"},
		{"empty key", "metadata[]=1", 400, "50"},
		{"text for pairs", "metadata=text", 400, "50"},
		{"broken text", "metadata[%ff]=1", 400, "50"},
	} {
		r := post(t, s, info, tt.form)
		if r.status != tt.status {
			t.Errorf("%s: got %d %s, want %d", tt.name, r.status, r.raw, tt.status)
		}
		record := get(t, s, "/v1/payment_records/"+id)
		attempt := get(t, s, "/v1/payment_attempt_records/"+record.str("latest_payment_attempt_record"))
		for _, o := range []reply{record, attempt} {
			m, _ := o.at("metadata").(map[string]any)
			if got := fmt.Sprint(len(m)); len(tt.want) == 2 && tt.want != "{}" && got != tt.want {
				t.Errorf("%s: %s has %s pairs, want %s", tt.name, o.str("object"), got, tt.want)
			} else if len(tt.want) != 2 && !strings.Contains(o.raw, `"metadata":`+tt.want) {
				t.Errorf("%s: got %s, want metadata %s", tt.name, o.raw, tt.want)
			}
		}
	}
}

func TestInformational(t *testing.T) {
	s := newSandbox(t, Options{})
	id := inState(t, s, "initiated")
	info := "/v1/payment_records/" + id + "/report_payment_attempt_informational"
	post(t, s, info, "description=d&customer_details[name]=N&customer_details[email]=e@x&shipping_details[address][city]=C&shipping_details[name]=S")
	r := post(t, s, info, "customer_details[name]=M&shipping_details[phone]=1")
	if r.str("customer_details", "name") != "M" || r.str("customer_details", "email") != "e@x" || r.str("description") != "d" ||
		r.str("shipping_details", "address", "city") != "C" || r.str("shipping_details", "phone") != "1" {
		t.Errorf("not merged: %s", r.raw)
	}
	r = post(t, s, info, "description=&shipping_details=")
	if r.at("description") != nil || r.at("shipping_details") != nil || r.str("customer_details", "name") != "M" {
		t.Errorf("not unset: %s", r.raw)
	}
	a := get(t, s, "/v1/payment_attempt_records/"+r.str("latest_payment_attempt_record"))
	if a.at("description") != nil || a.str("customer_details", "name") != "M" || a.str("payment_record") != id {
		t.Errorf("the attempt did not follow: %s", a.raw)
	}
}

func TestNewAttempt(t *testing.T) {
	s := newSandbox(t, Options{})
	id := post(t, s, newPath, paymentForm("metadata[a]", "1", "description", "first")).str("id")
	post(t, s, "/v1/payment_records/"+id+"/report_payment_attempt_failed", "failed_at=1")
	r := post(t, s, "/v1/payment_records/"+id+"/report_payment_attempt",
		"initiated_at=2&metadata[b]=2&payment_method_details[payment_method]=pm_1&shipping_details[name]=S")
	list := get(t, s, "/v1/payment_attempt_records?payment_record="+id)
	data, _ := list.at("data").([]any)
	if len(data) != 2 || list.at("has_more") != false || list.str("url") != "/v1/payment_attempt_records" {
		t.Fatalf("got %s", list.raw)
	}
	newest, oldest := reply{body: data[0].(map[string]any)}, reply{body: data[1].(map[string]any)}
	if newest.str("id") != r.str("latest_payment_attempt_record") || oldest.num("amount_failed") != 1000 || newest.num("amount_failed") != 0 {
		t.Errorf("got %s", list.raw)
	}
	if r.str("payment_method_details", "type") != "card" || r.str("description") != "first" || r.str("metadata", "a") != "1" || r.str("metadata", "b") != "2" {
		t.Errorf("record: %s", r.raw)
	}
	if newest.at("metadata", "a") != nil || newest.str("metadata", "b") != "2" || newest.str("description") != "first" || newest.str("shipping_details", "name") != "S" {
		t.Errorf("attempt: %v", newest.body)
	}
}

func TestAttachPayment(t *testing.T) {
	s := newSandbox(t, Options{})
	id := inState(t, s, "guaranteed")
	for _, tt := range []struct {
		path, form string
		status     int
	}{
		{"/v1/invoices/in_1/attach_payment", "payment_record=" + id, 200},
		{"/v1/invoices/in_1/attach_payment", "payment_record=" + id, 400},
		{"/v1/invoices/in_2/attach_payment", "payment_record=pr_none", 400},
		{"/v1/invoices/xx_2/attach_payment", "payment_record=" + id, 404},
		{"/v1/invoices/in_2/attach_payment", "", 400},
	} {
		if r := post(t, s, tt.path, tt.form); r.status != tt.status || r.status == 200 && (r.str("id") != "in_1" || r.str("object") != "invoice") {
			t.Errorf("%s %s: got %d %s", tt.path, tt.form, r.status, r.raw)
		}
	}
}

// Whether a payment is attached to an invoice can be asked, and the answer is
// one that the official description knows.
func TestListInvoicePayments(t *testing.T) {
	s := newSandbox(t, Options{})
	id := inState(t, s, "guaranteed")
	ask := func(invoice, id string) reply {
		return get(t, s, "/v1/invoice_payments?invoice="+invoice+"&payment[type]=payment_record&payment[payment_record]="+id)
	}
	if r := ask("in_1", id); r.status != 200 || len(r.at("data").([]any)) != 0 {
		t.Errorf("before: %d %s", r.status, r.raw)
	}
	post(t, s, "/v1/invoices/in_1/attach_payment", "payment_record="+id)
	r := ask("in_1", id)
	var list stripe.InvoicePaymentList
	if err := json.Unmarshal([]byte(r.raw), &list); err != nil || len(list.Data) != 1 {
		t.Fatalf("%v: %s", err, r.raw)
	}
	if p := list.Data[0]; p.Object != "invoice_payment" || p.Invoice.ID != "in_1" || p.Payment.PaymentRecord.ID != id || p.Status != "paid" {
		t.Errorf("%s", r.raw)
	}
	for _, bad := range []reply{ask("in_1", "pr_none"), ask("xx_1", id), get(t, s, "/v1/invoice_payments"), get(t, s, "/v1/invoice_payments?invoice=in_1&payment[type]=charge&payment[payment_record]="+id)} {
		if bad.status != 400 {
			t.Errorf("%d %s", bad.status, bad.raw)
		}
	}
	if r := ask("in_2", id); len(r.at("data").([]any)) != 0 {
		t.Errorf("another invoice: %s", r.raw)
	}
}

func TestSeedStripe(t *testing.T) {
	s := newSandbox(t, Options{})
	id, err := s.SeedStripe(StripePayment{PaymentIntent: "pi_1", Charge: "ch_1", Amount: amount("eur", 500), Outcome: "guaranteed", Refunded: 100,
		Card: []byte(`{"brand":"visa","last4":"4242"}`), Metadata: map[string]string{"k": "v"}, Created: 5})
	if err != nil {
		t.Fatal(err)
	}
	r := get(t, s, "/v1/payment_records/pi_1")
	if r.str("id") != id || r.str("reported_by") != "stripe" || r.num("amount_guaranteed") != 500 || r.num("amount_refunded") != 100 ||
		r.str("payment_method_details", "card", "last4") != "4242" || r.str("metadata", "k") != "v" {
		t.Errorf("got %s", r.raw)
	}
	if a := get(t, s, "/v1/payment_attempt_records/ch_1"); a.str("payment_record") != id {
		t.Errorf("got %s", a.raw)
	}
	if r := post(t, s, "/v1/payment_records/pi_1/report_refund", refundForm("x")); r.status != 400 {
		t.Errorf("refund of an on-Stripe payment: got %d %s", r.status, r.raw)
	}
	for _, bad := range []StripePayment{{}, {PaymentIntent: "pi_2"}, {PaymentIntent: "pi_1", Amount: amount("eur", 1)},
		{PaymentIntent: "pi_2", Amount: amount("eur", 1), Refunded: 1}, {PaymentIntent: "pi_2", Charge: "x", Amount: amount("eur", 1)},
		{PaymentIntent: "pi_2", Amount: amount("eur", 1), Card: []byte("{")},
		{PaymentIntent: "pi_2", Amount: amount("eur", 1), Outcome: "refunded"}} {
		if _, err := s.SeedStripe(bad); err == nil {
			t.Errorf("%+v: taken", bad)
		}
	}
}
