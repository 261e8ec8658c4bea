package sandbox

import (
	"encoding/json"
	"maps"

	"github.com/payrec/payrec/record"
)

// Who reported a payment.
const (
	reportedBySelf   = "self"
	reportedByStripe = "stripe"
)

// apply makes the change of an event that was decided, and returns what the
// call answers. It judges nothing. The versions that were there stay as they
// are; others may be reading them.
func (s *state) apply(e *event) object {
	switch e.op {
	case opSeed:
		return recordObject{s.applySeed(e)}
	case opAttach:
		s.attached[e.invoice+" "+e.record] = struct{}{}
		return invoiceObject{e.invoice, s.records[e.record].rec}
	case string(record.ReportPayment):
		return recordObject{s.applyNew(e)}
	case string(record.ReportPaymentAttempt):
		return recordObject{s.applyAttempt(e)}
	}
	return recordObject{s.applyChange(e)}
}

func (s *state) applyNew(e *event) *record.PaymentRecord {
	requested, _ := amountAt(e.params, "amount_requested")
	first := e.attempt // a copy: a pointer into the event would keep it alive
	r := &record.PaymentRecord{
		ID: e.record, Object: "payment_record", Created: e.at, ReportedBy: reportedBySelf,
		AmountRequested:      requested,
		CustomerDetails:      mergeCustomer(nil, e.params),
		CustomerPresence:     text(e.params, "customer_presence"),
		Description:          text(e.params, "description"),
		Metadata:             mergeMetadata(nil, e.params),
		PaymentMethodDetails: methodOf(e.params),
		ProcessorDetails: record.ProcessorDetails{Type: "custom",
			Custom: &record.CustomProcessor{PaymentReference: text(e.params, "processor_details.custom.payment_reference")}},
		ShippingDetails:            mergeShipping(nil, e.params),
		LatestPaymentAttemptRecord: &first,
	}
	setOutcome(r, outcomeOf(e.params))
	p := &payment{seq: e.seq, rec: r}
	s.add(p)
	s.addAttempt(p, attemptOf(r, e.attempt, e.at, r.Metadata))
	return r
}

func (s *state) applyAttempt(e *event) *record.PaymentRecord {
	p := s.records[e.record]
	r, next := *p.rec, e.attempt
	if v := text(e.params, "description"); v != nil {
		r.Description = v
	}
	if e.params.Has("payment_method_details") {
		r.PaymentMethodDetails = methodOf(e.params)
	}
	r.ShippingDetails = mergeShipping(r.ShippingDetails, e.params)
	r.Metadata = mergeMetadata(r.Metadata, e.params)
	r.LatestPaymentAttemptRecord = &next
	setOutcome(&r, outcomeOf(e.params))
	p.rec = &r
	s.addAttempt(p, attemptOf(&r, e.attempt, e.at, mergeMetadata(nil, e.params)))
	return &r
}

// applyChange makes new versions of the record and of its latest attempt.
func (s *state) applyChange(e *event) *record.PaymentRecord {
	p := s.records[e.record]
	r, a := *p.rec, *p.latest().rec
	switch record.CallName(e.op) {
	case record.ReportPaymentAttemptGuaranteed:
		setOutcome(&r, record.Guaranteed)
	case record.ReportPaymentAttemptFailed:
		setOutcome(&r, record.Failed)
	case record.ReportPaymentAttemptCanceled:
		setOutcome(&r, record.Canceled)
	case record.ReportPaymentAttemptInformational:
		if v, ok := e.params.Get("description"); ok {
			r.Description = nonempty(v)
		}
		r.CustomerDetails = mergeCustomer(r.CustomerDetails, e.params)
		r.ShippingDetails = mergeShipping(r.ShippingDetails, e.params)
		a.CustomerDetails, a.Description, a.ShippingDetails = r.CustomerDetails, r.Description, r.ShippingDetails
	case record.ReportRefund:
		s.applyRefund(&r, e)
	}
	r.Metadata = mergeMetadata(r.Metadata, e.params)
	a.Metadata = mergeMetadata(a.Metadata, e.params)
	mirror(&a, &r)
	p.rec, p.latest().rec = &r, &a
	return &r
}

func (s *state) applyRefund(r *record.PaymentRecord, e *event) {
	params := e.params
	amount, given := amountAt(params, "amount")
	if !given {
		amount.Value = r.AmountGuaranteed.Value - r.AmountRefunded.Value
	}
	r.AmountRefunded.Value += amount.Value
	ref, _ := params.Get("processor_details.custom.refund_reference")
	s.refs[ref] = struct{}{}
	s.refunds = append(s.refunds, refundMade{ref, r.ID, record.Amount{Currency: r.AmountRequested.Currency, Value: amount.Value}, e.at})
}

// setOutcome puts the whole requested amount into the portion that the
// outcome names, and nothing into the others.
func setOutcome(r *record.PaymentRecord, outcome record.Status) {
	none := record.Amount{Currency: r.AmountRequested.Currency}
	r.Amount = r.AmountRequested
	r.AmountAuthorized, r.AmountCanceled, r.AmountFailed, r.AmountGuaranteed, r.AmountRefunded = none, none, none, none, none
	switch outcome {
	case record.Guaranteed:
		r.AmountGuaranteed = r.AmountRequested
	case record.Failed:
		r.AmountFailed = r.AmountRequested
	case record.Canceled:
		r.AmountCanceled = r.AmountRequested
	}
}

func outcomeOf(params record.Params) record.Status {
	if v, ok := params.Get("outcome"); ok {
		return record.Status(v)
	}
	return record.Initiated
}

// attemptOf is a new attempt with the record's money and details.
func attemptOf(r *record.PaymentRecord, id string, at int64, metadata map[string]string) *record.PaymentAttemptRecord {
	a := &record.PaymentAttemptRecord{
		ID: id, Object: "payment_attempt_record", Created: at, ReportedBy: r.ReportedBy, Metadata: metadata,
		CustomerDetails: r.CustomerDetails, CustomerPresence: r.CustomerPresence, Description: r.Description,
		PaymentMethodDetails: r.PaymentMethodDetails, PaymentRecord: &r.ID,
		ProcessorDetails: r.ProcessorDetails, ShippingDetails: r.ShippingDetails,
	}
	mirror(a, r)
	return a
}

// mirror keeps the latest attempt's money and the record's the same.
func mirror(a *record.PaymentAttemptRecord, r *record.PaymentRecord) {
	a.Amount, a.AmountRequested, a.AmountAuthorized = r.Amount, r.AmountRequested, r.AmountAuthorized
	a.AmountCanceled, a.AmountFailed, a.AmountGuaranteed, a.AmountRefunded = r.AmountCanceled, r.AmountFailed, r.AmountGuaranteed, r.AmountRefunded
}

// mergeMetadata returns the pairs after a call: "" unsets a key, an empty
// metadata parameter unsets all that were there. old is not touched, and is
// returned itself when the call says nothing.
func mergeMetadata(old map[string]string, params record.Params) map[string]string {
	_, clear := params.Get("metadata")
	if !clear && !params.Has("metadata") {
		if old == nil {
			return map[string]string{}
		}
		return old
	}
	merged := map[string]string{}
	if !clear {
		maps.Copy(merged, old)
	}
	for key, value := range params.Metadata {
		if value == "" {
			delete(merged, key)
		} else {
			merged[key] = value
		}
	}
	return merged
}

// mergeCustomer lays the given fields over old, without touching it.
func mergeCustomer(old *record.CustomerDetails, params record.Params) *record.CustomerDetails {
	const p = "customer_details"
	if !params.Has(p) {
		return old
	}
	var c record.CustomerDetails
	if old != nil {
		c = *old
	}
	over(&c.Customer, params, p+".customer")
	over(&c.Email, params, p+".email")
	over(&c.Name, params, p+".name")
	over(&c.Phone, params, p+".phone")
	return &c
}

// mergeShipping lays the given fields over old; "" for the whole unsets it.
func mergeShipping(old *record.ShippingDetails, params record.Params) *record.ShippingDetails {
	const p = "shipping_details"
	if !params.Has(p) {
		return old
	}
	var s record.ShippingDetails
	if _, unset := params.Get(p); unset {
		return nil
	}
	if old != nil {
		s = *old
	}
	overAddress(&s.Address, params, p+".address")
	over(&s.Name, params, p+".name")
	over(&s.Phone, params, p+".phone")
	return &s
}

// emptyCard is what is known of the card behind a pm_… id: nothing.
const emptyCard = `{"authorization_code":null,"brand":null,"checks":null,"country":null,"exp_month":null,"exp_year":null,"fingerprint":null,` +
	`"funding":null,"installments":null,"last4":null,"network":null,"network_advice_code":null,"network_decline_code":null,` +
	`"network_token":null,"network_transaction_id":null,"three_d_secure":null,"wallet":null}`

func methodOf(params record.Params) *record.MethodDetails {
	const p = "payment_method_details"
	m := &record.MethodDetails{Type: "custom", PaymentMethod: text(params, p+".payment_method")}
	if !params.Has(p+".type") && m.PaymentMethod != nil {
		m.Type, m.Card = "card", json.RawMessage(emptyCard)
	} else {
		m.Custom = &record.CustomMethod{Type: text(params, p+".custom.type")}
		if name := text(params, p+".custom.display_name"); name != nil {
			m.Custom.DisplayName = *name
		} else if m.Custom.Type != nil {
			m.Custom.DisplayName = *m.Custom.Type
		}
	}
	if params.Has(p + ".billing_details") {
		m.BillingDetails = &record.BillingDetails{}
		overAddress(&m.BillingDetails.Address, params, p+".billing_details.address")
		over(&m.BillingDetails.Email, params, p+".billing_details.email")
		over(&m.BillingDetails.Name, params, p+".billing_details.name")
		over(&m.BillingDetails.Phone, params, p+".billing_details.phone")
	}
	return m
}

func overAddress(a *record.Address, params record.Params, p string) {
	if !params.Has(p) {
		return
	}
	over(&a.City, params, p+".city")
	over(&a.Country, params, p+".country")
	over(&a.Line1, params, p+".line1")
	over(&a.Line2, params, p+".line2")
	over(&a.PostalCode, params, p+".postal_code")
	over(&a.State, params, p+".state")
}

// over replaces a field that the call gives.
func over(field **string, params record.Params, path string) {
	if v, ok := params.Get(path); ok {
		*field = nonempty(v)
	}
}

func text(params record.Params, path string) *string {
	v, _ := params.Get(path)
	return nonempty(v)
}

func nonempty(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}
