package sandbox

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/payrec/payrec/record"
)

// The encoders below write what encoding/json would, several times as fast:
// every answer of the sandbox goes through them, and a page holds a hundred.
// A test holds the two together.

// An object appends itself as JSON.
type object interface{ appendTo(b []byte) []byte }

// recordObject and attemptObject are versions as they are answered.
type (
	recordObject  struct{ *record.PaymentRecord }
	attemptObject struct {
		*record.PaymentAttemptRecord
	}
)

func (o recordObject) appendTo(b []byte) []byte {
	r := o.PaymentRecord
	b = append(b, `{"id":`...)
	b = appendString(b, r.ID)
	b = append(b, `,"object":"payment_record"`...)
	b = appendAmounts(b, &r.Amount, &r.AmountAuthorized, &r.AmountCanceled, &r.AmountFailed, &r.AmountGuaranteed, &r.AmountRefunded, &r.AmountRequested)
	b = appendText(b, "application", r.Application)
	b = appendNumber(b, "created", r.Created)
	b = appendCustomer(b, r.CustomerDetails)
	b = appendText(b, "customer_presence", r.CustomerPresence)
	b = appendText(b, "description", r.Description)
	b = appendText(b, "latest_payment_attempt_record", r.LatestPaymentAttemptRecord)
	return appendRest(b, r.Livemode, r.Metadata, r.PaymentMethodDetails, nil, r.ProcessorDetails, r.ReportedBy, r.ShippingDetails)
}

func (o attemptObject) appendTo(b []byte) []byte {
	r := o.PaymentAttemptRecord
	b = append(b, `{"id":`...)
	b = appendString(b, r.ID)
	b = append(b, `,"object":"payment_attempt_record"`...)
	b = appendAmounts(b, &r.Amount, &r.AmountAuthorized, &r.AmountCanceled, &r.AmountFailed, &r.AmountGuaranteed, &r.AmountRefunded, &r.AmountRequested)
	b = appendText(b, "application", r.Application)
	b = appendNumber(b, "created", r.Created)
	b = appendCustomer(b, r.CustomerDetails)
	b = appendText(b, "customer_presence", r.CustomerPresence)
	b = appendText(b, "description", r.Description)
	return appendRest(b, r.Livemode, r.Metadata, r.PaymentMethodDetails, r.PaymentRecord, r.ProcessorDetails, r.ReportedBy, r.ShippingDetails)
}

// appendRest writes what both objects end with. payment is the attempt's
// payment_record, nil for a record.
func appendRest(b []byte, livemode bool, metadata map[string]string, m *record.MethodDetails, payment *string, p record.ProcessorDetails, by string, s *record.ShippingDetails) []byte {
	b = append(b, `,"livemode":`...)
	b = strconv.AppendBool(b, livemode)
	b = appendMetadata(b, metadata)
	b = appendMethod(b, m)
	if payment != nil {
		b = appendText(b, "payment_record", payment)
	}
	b = append(b, `,"processor_details":{"type":`...)
	b = appendString(b, p.Type)
	if p.Custom != nil {
		b = append(b, `,"custom":{"payment_reference":`...)
		b = appendNullable(b, p.Custom.PaymentReference)
		b = append(b, '}')
	}
	b = append(b, `},"reported_by":`...)
	b = appendString(b, by)
	b = append(b, `,"shipping_details":`...)
	if s == nil {
		return append(b, "null}"...)
	}
	b = append(b, '{')
	b = appendAddress(b, &s.Address)
	b = appendText(b, "name", s.Name)
	b = appendText(b, "phone", s.Phone)
	return append(b, "}}"...)
}

func appendAmounts(b []byte, amount, authorized, canceled, failed, guaranteed, refunded, requested *record.Amount) []byte {
	one := func(name string, a *record.Amount) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":{"currency":`...)
		b = appendString(b, string(a.Currency))
		b = append(b, `,"value":`...)
		b = strconv.AppendInt(b, a.Value, 10)
		b = append(b, '}')
	}
	one("amount", amount)
	one("amount_authorized", authorized)
	one("amount_canceled", canceled)
	one("amount_failed", failed)
	one("amount_guaranteed", guaranteed)
	one("amount_refunded", refunded)
	one("amount_requested", requested)
	return b
}

func appendCustomer(b []byte, c *record.CustomerDetails) []byte {
	b = append(b, `,"customer_details":`...)
	if c == nil {
		return append(b, "null"...)
	}
	b = append(b, `{"customer":`...)
	b = appendNullable(b, c.Customer)
	b = appendText(b, "email", c.Email)
	b = appendText(b, "name", c.Name)
	b = appendText(b, "phone", c.Phone)
	return append(b, '}')
}

func appendAddress(b []byte, a *record.Address) []byte {
	b = append(b, `"address":{"city":`...)
	b = appendNullable(b, a.City)
	b = appendText(b, "country", a.Country)
	b = appendText(b, "line1", a.Line1)
	b = appendText(b, "line2", a.Line2)
	b = appendText(b, "postal_code", a.PostalCode)
	b = appendText(b, "state", a.State)
	return append(b, '}')
}

func appendMethod(b []byte, m *record.MethodDetails) []byte {
	b = append(b, `,"payment_method_details":`...)
	if m == nil {
		return append(b, "null"...)
	}
	b = append(b, `{"billing_details":`...)
	if d := m.BillingDetails; d != nil {
		b = append(b, '{')
		b = appendAddress(b, &d.Address)
		b = appendText(b, "email", d.Email)
		b = appendText(b, "name", d.Name)
		b = appendText(b, "phone", d.Phone)
		b = append(b, '}')
	} else {
		b = append(b, "null"...)
	}
	b = appendText(b, "payment_method", m.PaymentMethod)
	b = append(b, `,"type":`...)
	b = appendString(b, m.Type)
	if c := m.Custom; c != nil {
		b = append(b, `,"custom":{"display_name":`...)
		b = appendString(b, c.DisplayName)
		b = appendText(b, "type", c.Type)
		b = append(b, '}')
	}
	if m.Card != nil {
		b = append(b, `,"card":`...)
		b = append(b, m.Card...)
	}
	return append(b, '}')
}

func appendMetadata(b []byte, m map[string]string) []byte {
	b = append(b, `,"metadata":{`...)
	var room [16]string // most have no more keys, and these need no memory of their own
	keys := slices.AppendSeq(room[:0], maps.Keys(m))
	slices.Sort(keys)
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, key)
		b = append(b, ':')
		b = appendString(b, m[key])
	}
	return append(b, '}')
}

func appendText(b []byte, name string, v *string) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return appendNullable(b, v)
}

func appendNumber(b []byte, name string, v int64) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return strconv.AppendInt(b, v, 10)
}

func appendNullable(b []byte, v *string) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	return appendString(b, *v)
}

// appendString writes a JSON string. Text that needs no escape, which is
// nearly all, is copied; the rest is left to encoding/json.
func appendString(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendEscaped(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	quoted, err := json.Marshal(strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil { // unreachable: valid text always has a JSON form
		return append(b, `""`...)
	}
	return append(b, quoted...)
}
