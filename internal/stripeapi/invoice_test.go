package stripeapi

import (
	"io"
	"net/http"
	"testing"
)

// attach_payment is answered with the invoice that it went to, and with no
// other object.
func TestInvoiceAnswers(t *testing.T) {
	const path = "/v1/invoices/in_1/attach_payment"
	for _, tt := range []struct {
		path, body string
		want       Verdict
	}{
		{path, `{"id":"in_1","object":"invoice","livemode":false}`, Confirmed},
		{path, `{"id":"in_2","object":"invoice","livemode":false}`, Stop},
		{path, `{"id":"in_1","object":"invoice","livemode":true}`, Stop},
		{path, `{"id":"in_1","object":"invoice"}`, Stop},
		{path, goodRecord, Stop},
		{path, `{"id":"in_1","object":`, InDoubt},
		{create.Path, `{"id":"in_1","object":"invoice","livemode":false}`, Stop},
	} {
		w := newWire(t, answering(answer(200, tt.body)))
		a := testClient(t, w.base).Send(t.Context(), Request{Path: tt.path, IdempotencyKey: "k", Body: []byte("payment_record=pr_1")})
		if a.Verdict != tt.want || a.RecordID != "" || a.ObjectID != "" {
			t.Errorf("%s answered %s: %+v, want %s", tt.path, tt.body, a, tt.want)
		}
		if a.Verdict == Stop && !a.MayHaveRun() {
			t.Errorf("%s answered %s: taken as not executed", tt.path, tt.body)
		}
	}
}

// Whether a record is attached is asked of the invoice's payments. Another
// record's, or one that was canceled, does not count.
func TestAttached(t *testing.T) {
	item := func(record, status string) string {
		return `{"id":"inpay_1","object":"invoice_payment","livemode":false,"status":"` + status + `","payment":{"type":"payment_record","payment_record":"` + record + `"}}`
	}
	for data, want := range map[string]bool{"": false, item("pr_1", "paid"): true, item("pr_1", "open"): true, item("pr_1", "canceled"): false, item("pr_2", "paid"): false} {
		var asked string
		c, _ := reader(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r.URL.Path + "?" + r.URL.RawQuery
			io.WriteString(w, `{"object":"list","data":[`+data+`],"has_more":false,"url":"/v1/invoice_payments"}`)
		}))
		if got, err := c.Attached(t.Context(), "in_1", "pr_1"); got != want || err != nil {
			t.Errorf("%s: %v, %v", data, got, err)
		}
		if want := "/v1/invoice_payments?invoice=in_1&limit=100&payment%5Bpayment_record%5D=pr_1&payment%5Btype%5D=payment_record"; asked != want {
			t.Errorf("asked %s, want %s", asked, want)
		}
	}
	if _, err := testClient(t, "http://127.0.0.1:1").Attached(t.Context(), "in_1/..", "pr_1"); err == nil {
		t.Error("an id that is a path was asked about")
	}
}
