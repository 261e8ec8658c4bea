package stripeapi

import "testing"

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
