package record

import (
	"slices"
	"testing"
)

// What is written down of attach_payment is the invoice; the record, known when
// it is sent, makes the body. Every other call goes as it was written down.
func TestRequest(t *testing.T) {
	for _, tt := range []struct{ call, stored, path, body string }{
		{"report_payment", "a=1", "/v1/payment_records/report_payment", "a=1"},
		{"report_refund", "a=1", "/v1/payment_records/pr_1/report_refund", "a=1"},
		{"attach_payment", "invoice=in_1A", "/v1/invoices/in_1A/attach_payment", "payment_record=pr_1"},
		{"attach_payment", "invoice=in_1%2F..%2Fx", "/v1/invoices/in_1%2F..%2Fx/attach_payment", "payment_record=pr_1"},
		{"attach_payment", "", "", ""},
		{"attach_payment", "invoice=%zz", "", ""},
	} {
		path, body := Op{Call: CallName(tt.call), Body: []byte(tt.stored)}.Request("pr_1")
		if path != tt.path || string(body) != tt.body {
			t.Errorf("%s %q: %s %s, want %s %s", tt.call, tt.stored, path, body, tt.path, tt.body)
		}
	}
	if AttachPayment.Path("pr_1") != "" || AttachPayment.Creates() {
		t.Error("attach_payment has a path of its record's, or makes one")
	}
}

func TestAttachNeedsAnInvoice(t *testing.T) {
	spec := SpecOf(AttachPayment)
	for invoice, want := range map[string]string{
		"in_1NxQ2": "", "in_": "invoice invalid", "pi_1": "invoice invalid", "in_1/x": "invoice invalid", "in_1?x": "invoice invalid",
		"in_..": "invoice invalid", "": "invoice invalid", "in_é": "invoice invalid",
	} {
		if got := kinds(spec.Check(params("invoice", invoice))); got != want {
			t.Errorf("%q: %q, want %q", invoice, got, want)
		}
	}
	if got := kinds(spec.Check(nil)); got != "invoice missing" {
		t.Errorf("without: %q", got)
	}
	if got := kinds(spec.Check(params("invoice", "in_1", "metadata.a", "b"))); got != "metadata.a unknown" {
		t.Errorf("with metadata: %q", got)
	}
}

// Journals keep the place of a call in this order.
func TestWritesBeginWithCalls(t *testing.T) {
	w := Writes()
	if !slices.Equal(w[:7], Calls()) || !slices.Equal(w[7:], []CallName{AttachPayment}) {
		t.Errorf("%v", w)
	}
}
