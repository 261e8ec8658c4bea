// Package record says what a payment is, in the words of Stripe's Payment
// Records API. It holds values and rules only: no file, no network, no clock.
//
// Terms:
//
//   - A payment record (pr_…) is one payment; its payment attempt records
//     (par_…) are the tries to collect it.
//   - A [Call] is one write to the API: report_payment creates a record, the
//     other calls advance, describe or refund an existing one.
//   - [Params] are a call's parameters: flat, dotted paths to text, in one
//     canonical order, so that equal calls have equal bytes.
//   - A [Spec] is what the API takes for a call: the fields, their types,
//     which are required, how long they may be. A mapping is checked against
//     it when it is loaded, a call before it is planned, a request when it
//     reaches the sandbox.
//   - A [Money] is an exact decimal in major units; an [Amount] is what the
//     API takes, an integer in the API's own minor units. [Currency] holds the
//     table between the two, which is not ISO 4217's.
//
// The facts come from the public OpenAPI description, version 2026-08-26.dahlia,
// its reference pages and docs.stripe.com/currencies. What is not publicly
// known is not modelled here.
package record

import "encoding/json"

// A PaymentRecord is one payment as the API returns it. It carries no status
// and no business dates: status follows from the amounts, and Created is when
// the payment was reported. Amounts are in minor units.
type PaymentRecord struct {
	ID                         string            `json:"id"`
	Object                     string            `json:"object"` // "payment_record"
	Amount                     Amount            `json:"amount"`
	AmountAuthorized           Amount            `json:"amount_authorized"`
	AmountCanceled             Amount            `json:"amount_canceled"`
	AmountFailed               Amount            `json:"amount_failed"`
	AmountGuaranteed           Amount            `json:"amount_guaranteed"`
	AmountRefunded             Amount            `json:"amount_refunded"`
	AmountRequested            Amount            `json:"amount_requested"`
	Application                *string           `json:"application"`
	Created                    int64             `json:"created"` // Unix seconds
	CustomerDetails            *CustomerDetails  `json:"customer_details"`
	CustomerPresence           *string           `json:"customer_presence"`
	Description                *string           `json:"description"`
	LatestPaymentAttemptRecord *string           `json:"latest_payment_attempt_record"`
	Livemode                   bool              `json:"livemode"`
	Metadata                   map[string]string `json:"metadata"`
	PaymentMethodDetails       *MethodDetails    `json:"payment_method_details"`
	ProcessorDetails           ProcessorDetails  `json:"processor_details"`
	ReportedBy                 string            `json:"reported_by"` // "self" or "stripe"
	ShippingDetails            *ShippingDetails  `json:"shipping_details"`
}

// A PaymentAttemptRecord is one try to collect a payment as the API returns it.
type PaymentAttemptRecord struct {
	ID                   string            `json:"id"`
	Object               string            `json:"object"` // "payment_attempt_record"
	Amount               Amount            `json:"amount"`
	AmountAuthorized     Amount            `json:"amount_authorized"`
	AmountCanceled       Amount            `json:"amount_canceled"`
	AmountFailed         Amount            `json:"amount_failed"`
	AmountGuaranteed     Amount            `json:"amount_guaranteed"`
	AmountRefunded       Amount            `json:"amount_refunded"`
	AmountRequested      Amount            `json:"amount_requested"`
	Application          *string           `json:"application"`
	Created              int64             `json:"created"` // Unix seconds
	CustomerDetails      *CustomerDetails  `json:"customer_details"`
	CustomerPresence     *string           `json:"customer_presence"`
	Description          *string           `json:"description"`
	Livemode             bool              `json:"livemode"`
	Metadata             map[string]string `json:"metadata"`
	PaymentMethodDetails *MethodDetails    `json:"payment_method_details"`
	PaymentRecord        *string           `json:"payment_record"`
	ProcessorDetails     ProcessorDetails  `json:"processor_details"`
	ReportedBy           string            `json:"reported_by"` // "self" or "stripe"
	ShippingDetails      *ShippingDetails  `json:"shipping_details"`
}

// CustomerDetails is who paid.
type CustomerDetails struct {
	Customer *string `json:"customer"`
	Email    *string `json:"email"`
	Name     *string `json:"name"`
	Phone    *string `json:"phone"`
}

// Address is a postal address; Country is ISO 3166-1 alpha-2.
type Address struct {
	City       *string `json:"city"`
	Country    *string `json:"country"`
	Line1      *string `json:"line1"`
	Line2      *string `json:"line2"`
	PostalCode *string `json:"postal_code"`
	State      *string `json:"state"`
}

// ShippingDetails is where the goods went.
type ShippingDetails struct {
	Address Address `json:"address"`
	Name    *string `json:"name"`
	Phone   *string `json:"phone"`
}

// BillingDetails belong to the method of payment.
type BillingDetails struct {
	Address Address `json:"address"`
	Email   *string `json:"email"`
	Name    *string `json:"name"`
	Phone   *string `json:"phone"`
}

// MethodDetails is how the payment was made. Payments reported through the API
// are of type "custom"; on-Stripe payments carry an object of their own type
// (card and so on), which is kept as it came.
type MethodDetails struct {
	BillingDetails *BillingDetails `json:"billing_details"`
	PaymentMethod  *string         `json:"payment_method"`
	Type           string          `json:"type"`
	Custom         *CustomMethod   `json:"custom,omitempty"`
	Card           json.RawMessage `json:"card,omitempty"`
}

// CustomMethod names a custom payment method type (cpmt_…).
type CustomMethod struct {
	DisplayName string  `json:"display_name"`
	Type        *string `json:"type"`
}

// ProcessorDetails is the processor's own identification of the payment.
type ProcessorDetails struct {
	Type   string           `json:"type"` // "custom"
	Custom *CustomProcessor `json:"custom,omitempty"`
}

// CustomProcessor carries the processor's reference. The API promises no
// uniqueness for it.
type CustomProcessor struct {
	PaymentReference *string `json:"payment_reference"`
}

// Reference is the processor's payment reference, or "".
func (p ProcessorDetails) Reference() string {
	if p.Custom == nil || p.Custom.PaymentReference == nil {
		return ""
	}
	return *p.Custom.PaymentReference
}

// A Status is derived from a record's amounts, because the API returns none.
type Status string

// The statuses a payment or an attempt can be in.
const (
	Initiated         Status = "initiated"
	Guaranteed        Status = "guaranteed"
	Failed            Status = "failed"
	Canceled          Status = "canceled"
	Refunded          Status = "refunded"
	PartiallyRefunded Status = "partially_refunded"
)

// Status derives the payment's status from its amounts.
func (r *PaymentRecord) Status() Status {
	return status(r.AmountRequested, r.AmountGuaranteed, r.AmountFailed, r.AmountCanceled, r.AmountRefunded)
}

// Status derives the attempt's status from its amounts.
func (r *PaymentAttemptRecord) Status() Status {
	return status(r.AmountRequested, r.AmountGuaranteed, r.AmountFailed, r.AmountCanceled, r.AmountRefunded)
}

// status does not rely on amount_guaranteed surviving a refund: whether a
// refund lowers it is not publicly known.
func status(requested, guaranteed, failed, canceled, refunded Amount) Status {
	left := guaranteed.Value > 0 && guaranteed.Value+refunded.Value == requested.Value-canceled.Value
	switch {
	case refunded.Value > 0 && left: // the refund lowered it, and something is left
		return PartiallyRefunded
	case refunded.Value > 0 && refunded.Value >= guaranteed.Value:
		return Refunded
	case refunded.Value > 0:
		return PartiallyRefunded
	case guaranteed.Value > 0:
		return Guaranteed
	case canceled.Value > 0:
		return Canceled
	case failed.Value > 0:
		return Failed
	}
	return Initiated
}
