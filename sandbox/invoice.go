package sandbox

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/payrec/payrec/record"
)

// attachable is the payment that attach_payment names: the id, and the
// parameter that gives it.
func attachable(params record.Params) (id, param string) {
	if id, ok := params.Get("payment_record"); ok {
		return id, "payment_record"
	}
	id, _ = params.Get("payment_intent")
	return id, "payment_intent"
}

// decideAttach judges attach_payment. Invoices are not modelled, so any id
// that looks like one's will do.
func (s *state) decideAttach(invoice string, params record.Params) *apiError {
	if !strings.HasPrefix(invoice, "in_") {
		return noSuch(http.StatusNotFound, "invoice", invoice, "invoice")
	}
	id, param := attachable(params)
	switch {
	case id == "":
		return refused("", "attach_payment needs payment_record or payment_intent")
	case len(params) > 1:
		return refused("payment_intent", "attach_payment takes payment_record or payment_intent, not both")
	}
	p := s.find(id)
	if p == nil || param == "payment_intent" && s.aliases[id] == nil {
		return noSuch(http.StatusBadRequest, param, id, param)
	}
	if _, twice := s.attached[invoice+" "+p.rec.ID]; twice {
		return refused(param, "%s is attached to this invoice already", p.rec.ID)
	}
	return nil
}

// invoiceObject is the little of an invoice that the sandbox can answer: one
// of exactly the payment's amount, with nothing else in it.
type invoiceObject struct {
	id  string
	rec *record.PaymentRecord
}

func (o invoiceObject) appendTo(b []byte) []byte {
	r := o.rec
	due, paid, customer, status := r.AmountRequested.Value, r.AmountGuaranteed.Value, "cus_sandbox", "open"
	if c := r.CustomerDetails; c != nil && c.Customer != nil {
		customer = *c.Customer
	}
	if paid >= due {
		status = "paid"
	}
	b = append(b, `{"id":`...)
	b = appendString(b, o.id)
	b = append(b, `,"object":"invoice"`...)
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"amount_due", due}, {"amount_overpaid", 0}, {"amount_paid", paid}, {"amount_paid_off_stripe", paid},
		{"amount_remaining", due - paid}, {"amount_shipping", 0}, {"attempt_count", 0}, {"created", r.Created},
		{"period_end", r.Created}, {"period_start", r.Created}, {"post_payment_credit_notes_amount", 0},
		{"pre_payment_credit_notes_amount", 0}, {"starting_balance", 0}, {"subtotal", due}, {"total", due},
	} {
		b = appendNumber(b, n.name, n.value)
	}
	b = append(b, `,"attempted":false,"auto_advance":false,"automatic_tax":{"enabled":false},"collection_method":"send_invoice","currency":`...)
	b = appendString(b, string(r.AmountRequested.Currency))
	b = append(b, `,"customer":`...)
	b = appendString(b, customer)
	b = append(b, `,"default_tax_rates":[],"discounts":[],"issuer":{"type":"self"},"lines":{"object":"list","data":[],"has_more":false,"url":`...)
	b = appendString(b, "/v1/invoices/"+o.id+"/lines")
	b = append(b, `},"livemode":`...)
	b = strconv.AppendBool(b, r.Livemode)
	b = append(b, `,"payment_settings":{},"status":`...)
	b = appendString(b, status)
	return append(b, `,"status_transitions":{}}`...)
}

// listInvoicePayments says whether a payment record is attached to an invoice:
// a list of one or none.
func (s *Server) listInvoicePayments(params record.Params) (page, *apiError) {
	p := page{url: "/v1/invoice_payments"}
	if _, e := limitOf(params); e != nil {
		return p, e
	}
	invoice, _ := params.Get("invoice")
	id, _ := params.Get("payment.payment_record")
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !strings.HasPrefix(invoice, "in_") {
		return p, noSuch(http.StatusBadRequest, "invoice", invoice, "invoice")
	}
	of := s.state.find(id)
	if of == nil {
		return p, noSuch(http.StatusBadRequest, "payment_record", id, "payment[payment_record]")
	}
	if _, ok := s.state.attached[invoice+" "+of.rec.ID]; ok {
		p.data = append(p.data, invoicePayment{invoice, of.rec})
	}
	return p, nil
}

// An invoicePayment is a payment record's place at an invoice.
type invoicePayment struct {
	invoice string
	rec     *record.PaymentRecord
}

func (o invoicePayment) appendTo(b []byte) []byte {
	r := o.rec
	due, paid, status := r.AmountRequested.Value, r.AmountGuaranteed.Value, "open"
	if paid >= due {
		status = "paid"
	}
	b = append(b, `{"id":`...)
	b = appendString(b, "inpay_"+strings.TrimPrefix(o.invoice, "in_")+strings.TrimPrefix(r.ID, "pr_"))
	b = append(b, `,"object":"invoice_payment"`...)
	b = appendNumber(b, "amount_paid", paid)
	b = appendNumber(b, "amount_requested", due)
	b = appendNumber(b, "created", r.Created)
	b = append(b, `,"currency":`...)
	b = appendString(b, string(r.AmountRequested.Currency))
	b = append(b, `,"invoice":`...)
	b = appendString(b, o.invoice)
	b = append(b, `,"is_default":false,"livemode":`...)
	b = strconv.AppendBool(b, r.Livemode)
	b = append(b, `,"payment":{"type":"payment_record","payment_record":`...)
	b = appendString(b, r.ID)
	b = append(b, `},"status":`...)
	b = appendString(b, status)
	return append(b, `,"status_transitions":{"canceled_at":null,"paid_at":null}}`...)
}
