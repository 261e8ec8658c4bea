package mapping

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/record"
)

func attaching(emit string) string {
	return plain(`{columns: {ref: {from: Ref, type: id}, at: {from: At, type: date, format: '%Y-%m-%d'}, sum: {from: Sum, type: money, in: EUR}, invoice: {from: Invoice, optional: true}},
		rows: [{is: payment}], payment: {key: =ref},
		emit: [{on: payment, call: report_payment, id: =ref, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}}}, {on: payment, id: =ref, ` + emit + `}]}`)
}

// A payment marks its invoice paid by a call of its own.
func TestAttachPayment(t *testing.T) {
	for _, emit := range []string{
		`call: attach_payment, needs: report_payment, when: invoice != "", invoice: =invoice`,
		`call: attach_payment, when: invoice != "", set: {invoice: =invoice}`,
	} {
		got := importText(t, mustParse(t, attaching(emit), Options{}), "Ref,Sum,At,Invoice\nA,1,2026-01-01,in_1\nB,1,2026-01-01,\nC,1,2026-01-01,pi_1\n")
		want := []string{"report_payment A of A amount_requested.value=100", "attach_payment A of A", "report_payment B of B amount_requested.value=100"}
		if d := cmp.Diff(want, events(got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", emit, d)
		}
		if d := cmp.Diff(record.Params{{Path: "invoice", Value: "in_1"}}, got.events[1].Params); d != "" {
			t.Errorf("%s: parameters (-want +got):\n%s", emit, d)
		}
		if len(got.problems) != 1 || !strings.Contains(got.problems[0], "invalid_field") {
			t.Errorf("%s: problems %q", emit, got.problems)
		}
	}
	for emit, want := range map[string]string{
		`call: attach_payment`: `attach_payment needs "invoice"; say invoice: =invoice`,
		`call: attach_payment, invoice: =invoice, set: {invoice: =invoice}`:                     `"invoice" is set twice`,
		`call: attach_payment, invoice: =invoice, set: {metadata: {a: b}}`:                      `attach_payment takes no "metadata"`,
		`call: report_payment_attempt_guaranteed, invoice: =invoice, set: {guaranteed_at: =at}`: `takes no invoice; remove it, or make an emit of its own`,
		`call: attach_payment, invoice: pi_1`:                                                   `must be an id of Stripe's that begins with in_`,
	} {
		if _, err := Parse("x", []byte(attaching(emit)), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", emit, err, want)
		}
	}
}
