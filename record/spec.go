package record

import (
	"slices"
	"strings"
)

// A FieldType is what a parameter must be.
type FieldType uint8

// The types of parameters.
const (
	TypeText      FieldType = iota // any text of at most Max characters
	TypeInteger                    // a positive integer of at most 12 digits: minor units
	TypeTimestamp                  // Unix seconds, an integer
	TypeCurrency                   // a three-letter code in lower case
	TypeEnum                       // one of Enum
	TypeMetadata                   // pairs of text: "metadata.KEY" for any KEY
	TypeObject                     // holds the fields below its path
	TypeMoney                      // an object of exactly value and currency
)

// A Field is one parameter that a call takes.
type Field struct {
	Path string // dotted: "amount_requested.value"
	Type FieldType
	// Required says that the field must be there whenever the object that it
	// stands in is: at the top always, "guaranteed.guaranteed_at" only when
	// anything of "guaranteed" is given.
	Required bool
	Enum     []string // the values of a TypeEnum
	Max      int      // longest text of a TypeText, in characters
	Prefix   string   // of a TypeText that is one of Stripe's ids: "in_"
	Unset    bool     // "" is taken, and unsets what was stored before
}

// A Spec is what the API takes for one call.
type Spec struct {
	Call   CallName
	Fields []Field // ascending by path
}

// Limits of metadata. Source: docs.stripe.com/metadata.
const (
	MaxMetadataPairs = 50
	MaxMetadataKey   = 40
	MaxMetadataValue = 500
)

// APIVersion is the version of the API that payrec speaks and that this
// package describes.
const APIVersion = "2026-08-26.dahlia"

// Text limits of the OpenAPI description, in characters.
const (
	maxText  = 5000
	maxEmail = 800
)

// Calls lists the write operations in the order of a payment's life.
func Calls() []CallName {
	return []CallName{ReportPayment, ReportPaymentAttempt, ReportPaymentAttemptInformational,
		ReportPaymentAttemptFailed, ReportPaymentAttemptCanceled, ReportPaymentAttemptGuaranteed, ReportRefund}
}

// Writes lists everything that can be planned and sent: [Calls], and what acts
// on other objects. Its order is kept in journals: append only.
func Writes() []CallName { return append(Calls(), AttachPayment) }

// SpecOf returns what the API takes for a call, or nil for a name that is none.
// The tables are those of the OpenAPI description 2026-08-26.dahlia; where its
// reference page is stricter (processor_details of report_refund), the page's.
func SpecOf(call CallName) *Spec {
	var f fields
	switch call {
	case ReportPayment:
		f.money("amount_requested", true)
		f.timestamp("initiated_at", true)
		f.outcome()
		f.customer()
		f.enum("customer_presence", false, "off_session", "on_session")
		f.text("description", false)
		f.metadata()
		f.method(true)
		f.processor("payment_reference", false)
		f.shipping(false)
	case ReportPaymentAttempt:
		f.timestamp("initiated_at", true)
		f.outcome()
		f.text("description", false)
		f.metadata()
		f.method(false)
		f.shipping(false)
	case ReportPaymentAttemptGuaranteed:
		f.timestamp("guaranteed_at", true)
		f.metadata()
	case ReportPaymentAttemptFailed:
		f.timestamp("failed_at", true)
		f.metadata()
	case ReportPaymentAttemptCanceled:
		f.timestamp("canceled_at", true)
		f.metadata()
	case ReportPaymentAttemptInformational:
		f.customer()
		f.unsettable("description")
		f.metadata()
		f.shipping(true)
	case ReportRefund:
		f.money("amount", false)
		f.timestamp("initiated_at", false)
		f.metadata()
		f.enum("outcome", true, "refunded")
		f.object("refunded", false)
		f.timestamp("refunded.refunded_at", true)
		f.processor("refund_reference", true)
	case AttachPayment:
		// The invoice stands in the path; payment_record is filled in when it is
		// sent. Source: docs.stripe.com/api/invoices/attach_payment.
		f.add(Field{Path: "invoice", Type: TypeText, Required: true, Max: maxText, Prefix: "in_"})
	default:
		return nil
	}
	slices.SortFunc(f, func(a, b Field) int { return strings.Compare(a.Path, b.Path) })
	return &Spec{call, f}
}

// Field finds the field that a path names: the field itself, or for
// "metadata.KEY" the metadata field.
func (s *Spec) Field(path string) (Field, bool) {
	if strings.HasPrefix(path, "metadata.") {
		path = "metadata"
	}
	i, ok := slices.BinarySearchFunc(s.Fields, path, func(f Field, path string) int { return strings.Compare(f.Path, path) })
	if !ok {
		return Field{}, false
	}
	return s.Fields[i], true
}

// fields collects the fields of one call.
type fields []Field

func (f *fields) add(field Field) { *f = append(*f, field) }

func (f *fields) object(path string, required bool) {
	f.add(Field{Path: path, Type: TypeObject, Required: required})
}

func (f *fields) money(path string, required bool) {
	f.add(Field{Path: path, Type: TypeMoney, Required: required})
	f.add(Field{Path: path + ".currency", Type: TypeCurrency, Required: true})
	f.add(Field{Path: path + ".value", Type: TypeInteger, Required: true})
}

func (f *fields) timestamp(path string, required bool) {
	f.add(Field{Path: path, Type: TypeTimestamp, Required: required})
}

func (f *fields) enum(path string, required bool, values ...string) {
	f.add(Field{Path: path, Type: TypeEnum, Required: required, Enum: values})
}

func (f *fields) text(path string, required bool) {
	longest := maxText
	if strings.HasSuffix(path, "email") {
		longest = maxEmail
	}
	f.add(Field{Path: path, Type: TypeText, Required: required, Max: longest})
}

func (f *fields) texts(parent string, names ...string) {
	for _, name := range names {
		f.text(parent+"."+name, false)
	}
}

func (f *fields) unsettable(path string) {
	f.add(Field{Path: path, Type: TypeText, Max: maxText, Unset: true})
}

func (f *fields) metadata() { f.add(Field{Path: "metadata", Type: TypeMetadata, Unset: true}) }

// outcome leaves out "canceled": the API takes it from version
// 2026-09-30.endive on only, and payrec speaks [APIVersion].
func (f *fields) outcome() {
	f.enum("outcome", false, "failed", "guaranteed")
	f.object("failed", false)
	f.timestamp("failed.failed_at", true)
	f.object("guaranteed", false)
	f.timestamp("guaranteed.guaranteed_at", true)
}

func (f *fields) customer() {
	f.object("customer_details", false)
	f.texts("customer_details", "customer", "email", "name", "phone")
}

func (f *fields) address(parent string) {
	f.object(parent+".address", false)
	f.texts(parent+".address", "city", "country", "line1", "line2", "postal_code", "state")
}

// method's type and payment_method are alternatives; see [Spec.Check].
func (f *fields) method(required bool) {
	const p = "payment_method_details"
	f.object(p, required)
	f.object(p+".billing_details", false)
	f.texts(p+".billing_details", "email", "name", "phone")
	f.address(p + ".billing_details")
	f.object(p+".custom", false)
	f.texts(p+".custom", "display_name", "type")
	f.text(p+".payment_method", false)
	f.enum(p+".type", false, "custom")
}

func (f *fields) processor(reference string, required bool) {
	const p = "processor_details"
	f.object(p, required)
	f.enum(p+".type", true, "custom")
	f.object(p+".custom", required)
	f.text(p+".custom."+reference, true)
}

// shipping can be unset as a whole by "" where unset says so.
func (f *fields) shipping(unset bool) {
	const p = "shipping_details"
	f.add(Field{Path: p, Type: TypeObject, Unset: unset})
	f.texts(p, "name", "phone")
	f.address(p)
}
