package stripeapi

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/payrec/payrec/record"
)

// A page is one answer of a list.
type page[T any] struct {
	Data    []*T  `json:"data"`
	HasMore *bool `json:"has_more"`
}

// decodePage reads an answer into v. Pages of payment records, which an export
// has ten thousands of, are read by [scanPage]; what that does not know, and
// everything else, is encoding/json's.
func decodePage(raw []byte, v any) error {
	if p, ok := v.(*page[record.PaymentRecord]); ok {
		if scanPage(raw, p) {
			return nil
		}
		*p = page[record.PaymentRecord]{}
	}
	return json.Unmarshal(raw, v)
}

// scanPage reads a page of payment records and says whether it understood it
// all: then p is what encoding/json would have made of it. The rules are those of
// [scanRecord]: the whole text is checked, and whatever is legal and unusual is
// left to encoding/json. A fifth of its time.
func scanPage(raw []byte, p *page[record.PaymentRecord]) bool {
	s := &pageScanner{scanner: scanner{b: raw}}
	s.space()
	ok := s.object(func(name []byte) (int, bool) {
		switch string(name) {
		case "data":
			if s.i >= len(s.b) || s.b[s.i] != '[' {
				return 0, false
			}
			p.Data = make([]*record.PaymentRecord, 0, maxPageSize)
			return 0, s.list(']', func() bool {
				r, ok := s.record()
				p.Data = append(p.Data, r)
				return ok
			})
		case "has_more":
			p.HasMore = new(bool)
			return 1, s.bool(p.HasMore)
		}
		return unknown, true
	})
	s.space()
	return ok && s.i == len(s.b)
}

// A listed record and what nearly every one points at, taken from memory at
// once.
type listed struct {
	record.PaymentRecord
	method    record.MethodDetails
	billing   record.BillingDetails
	custom    record.CustomMethod
	processor record.CustomProcessor
	texts     [4]string
}

// A pageScanner reads what a page is made of. Texts that many records share are
// kept once in a page.
type pageScanner struct {
	scanner
	texts []string // room for pointers to lead to, of the record that is being read
	most  int      // metadata that a record had
	buf   []byte   // of a string with escapes
	names [64]string
	pairs [64]string // values by their keys' place in names
}

// unknown is the number of a field that is not wanted.
const unknown = -1

// object reads an object, or null, which changes nothing. field reads the value
// of a field that it knows and gives the field's number; see [unknown]. A field
// that comes twice is not understood, nor is one whose name encoding/json might
// take for another's, because it ignores case.
func (s *pageScanner) object(field func(name []byte) (int, bool)) bool {
	if s.word("null") {
		return true
	}
	if !s.take('{') {
		return false
	}
	s.space()
	if s.take('}') {
		return true
	}
	for seen := uint64(0); ; {
		s.space()
		name, ok := s.plain()
		if !ok || !s.to(behindColon(s.b, s.i)) {
			return false
		}
		no, ok := field(name)
		switch {
		case no == unknown:
			ok = isLower(name) && s.value()
		case seen&(1<<no) != 0:
			return false
		default:
			seen |= 1 << no
		}
		if !ok {
			return false
		}
		s.space()
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// isLower says whether a name is one as the API has them.
func isLower(name []byte) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

func (s *pageScanner) record() (*record.PaymentRecord, bool) {
	if s.i >= len(s.b) || s.b[s.i] != '{' {
		return nil, false
	}
	m := &listed{}
	r := &m.PaymentRecord
	s.texts = m.texts[:]
	return r, s.object(func(name []byte) (int, bool) {
		switch string(name) {
		case "id":
			return 0, s.string(&r.ID)
		case "object":
			return 1, s.shared(&r.Object)
		case "amount":
			return 2, s.amount(&r.Amount)
		case "amount_authorized":
			return 3, s.amount(&r.AmountAuthorized)
		case "amount_canceled":
			return 4, s.amount(&r.AmountCanceled)
		case "amount_failed":
			return 5, s.amount(&r.AmountFailed)
		case "amount_guaranteed":
			return 6, s.amount(&r.AmountGuaranteed)
		case "amount_refunded":
			return 7, s.amount(&r.AmountRefunded)
		case "amount_requested":
			return 8, s.amount(&r.AmountRequested)
		case "application":
			return 9, s.maybe(&r.Application)
		case "created":
			return 10, s.int(&r.Created)
		case "customer_details":
			return 11, s.customer(r)
		case "customer_presence":
			return 12, s.maybe(&r.CustomerPresence)
		case "description":
			return 13, s.maybe(&r.Description)
		case "latest_payment_attempt_record":
			return 14, s.maybe(&r.LatestPaymentAttemptRecord)
		case "livemode":
			return 15, s.bool(&r.Livemode)
		case "metadata":
			return 16, s.metadata(r)
		case "payment_method_details":
			return 17, s.method(m)
		case "processor_details":
			return 18, s.processor(m)
		case "reported_by":
			return 19, s.shared(&r.ReportedBy)
		case "shipping_details":
			return 20, s.shipping(r)
		}
		return unknown, true
	})
}

func (s *pageScanner) amount(a *record.Amount) bool {
	return s.object(func(name []byte) (int, bool) {
		switch string(name) {
		case "currency":
			return 0, s.shared((*string)(&a.Currency))
		case "value":
			return 1, s.int(&a.Value)
		}
		return unknown, true
	})
}

func (s *pageScanner) customer(r *record.PaymentRecord) bool {
	if s.word("null") {
		return true
	}
	c := &record.CustomerDetails{}
	r.CustomerDetails = c
	return s.object(func(name []byte) (int, bool) {
		switch string(name) {
		case "customer":
			return 0, s.maybe(&c.Customer)
		case "email":
			return 1, s.maybe(&c.Email)
		case "name":
			return 2, s.maybe(&c.Name)
		case "phone":
			return 3, s.maybe(&c.Phone)
		}
		return unknown, true
	})
}

func (s *pageScanner) method(m *listed) bool {
	if s.word("null") {
		return true
	}
	d := &m.method
	m.PaymentMethodDetails = d
	return s.object(func(name []byte) (int, bool) {
		switch string(name) {
		case "billing_details":
			if s.word("null") {
				return 0, true
			}
			d.BillingDetails = &m.billing
			return 0, s.billing(&m.billing)
		case "payment_method":
			return 1, s.maybe(&d.PaymentMethod)
		case "type":
			return 2, s.shared(&d.Type)
		case "custom":
			if s.word("null") {
				return 3, true
			}
			d.Custom = &m.custom
			return 3, s.object(func(name []byte) (int, bool) {
				switch string(name) {
				case "display_name":
					return 0, s.shared(&m.custom.DisplayName)
				case "type":
					return 1, s.maybe(&m.custom.Type)
				}
				return unknown, true
			})
		case "card":
			from := s.i
			ok := !s.word("null") && s.value()
			if ok {
				d.Card = append(json.RawMessage(nil), s.b[from:s.i]...)
			}
			return 4, ok
		}
		return unknown, true
	})
}

func (s *pageScanner) billing(b *record.BillingDetails) bool {
	return s.object(func(name []byte) (int, bool) {
		switch string(name) {
		case "address":
			return 0, s.address(&b.Address)
		case "email":
			return 1, s.maybe(&b.Email)
		case "name":
			return 2, s.maybe(&b.Name)
		case "phone":
			return 3, s.maybe(&b.Phone)
		}
		return unknown, true
	})
}

func (s *pageScanner) shipping(r *record.PaymentRecord) bool {
	if s.word("null") {
		return true
	}
	d := &record.ShippingDetails{}
	r.ShippingDetails = d
	return s.object(func(name []byte) (int, bool) {
		switch string(name) {
		case "address":
			return 0, s.address(&d.Address)
		case "name":
			return 1, s.maybe(&d.Name)
		case "phone":
			return 2, s.maybe(&d.Phone)
		}
		return unknown, true
	})
}

func (s *pageScanner) address(a *record.Address) bool {
	return s.object(func(name []byte) (int, bool) {
		switch string(name) {
		case "city":
			return 0, s.maybe(&a.City)
		case "country":
			return 1, s.maybe(&a.Country)
		case "line1":
			return 2, s.maybe(&a.Line1)
		case "line2":
			return 3, s.maybe(&a.Line2)
		case "postal_code":
			return 4, s.maybe(&a.PostalCode)
		case "state":
			return 5, s.maybe(&a.State)
		}
		return unknown, true
	})
}

func (s *pageScanner) processor(m *listed) bool {
	d := &m.ProcessorDetails
	return s.object(func(name []byte) (int, bool) {
		switch string(name) {
		case "type":
			return 0, s.shared(&d.Type)
		case "custom":
			if s.word("null") {
				return 1, true
			}
			d.Custom = &m.processor
			return 1, s.object(func(name []byte) (int, bool) {
				if string(name) == "payment_reference" {
					return 0, s.maybe(&m.processor.PaymentReference)
				}
				return unknown, true
			})
		}
		return unknown, true
	})
}

// metadata reads the pairs. Of a key that comes twice, the last one counts.
func (s *pageScanner) metadata(r *record.PaymentRecord) bool {
	if s.word("null") {
		return true
	}
	if !s.take('{') {
		return false
	}
	m := make(map[string]string, s.most)
	r.Metadata = m
	defer func() { s.most = max(s.most, len(m)) }()
	s.space()
	if s.take('}') {
		return true
	}
	for {
		s.space()
		raw, ok := s.quoted()
		if !ok {
			return false
		}
		place := s.place(raw)
		key := s.names[place]
		if !s.to(behindColon(s.b, s.i)) {
			return false
		}
		if raw, ok = s.quoted(); !ok {
			return false
		}
		if s.pairs[place] != string(raw) {
			s.pairs[place] = string(raw)
		}
		m[key] = s.pairs[place]
		s.space()
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// quoted reads a string; what it gives is valid until the next.
func (s *pageScanner) quoted() ([]byte, bool) {
	if text, ok := s.plain(); ok {
		return text, true
	}
	from := s.i
	if !s.to(behindText(s.b, s.i)) {
		return nil, false
	}
	return s.unquoted(s.b[from:s.i])
}

// unquoted is what a string says that is more than plain: a refund's stamp is
// full of escaped quotes.
func (s *pageScanner) unquoted(literal []byte) ([]byte, bool) {
	s.buf = s.buf[:0]
	for i := 1; i < len(literal)-1; i++ {
		c := literal[i]
		if c == '\\' {
			i++
			if c = escapes[literal[i]]; c == 0 { // \u
				return unquoted(literal)
			}
		}
		s.buf = append(s.buf, c)
	}
	if !utf8.Valid(s.buf) {
		return unquoted(literal)
	}
	return s.buf, true
}

func unquoted(literal []byte) ([]byte, bool) {
	var text string
	err := json.Unmarshal(literal, &text)
	return []byte(text), err == nil
}

// escapes are what may stand behind a backslash, but for u.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// string reads a text of a record's own, or null, which changes nothing.
func (s *pageScanner) string(to *string) bool {
	if s.word("null") {
		return true
	}
	raw, ok := s.quoted()
	if ok {
		*to = string(raw)
	}
	return ok
}

// shared reads a text that other records are likely to have.
func (s *pageScanner) shared(to *string) bool {
	if s.word("null") {
		return true
	}
	raw, ok := s.quoted()
	if ok {
		*to = s.names[s.place(raw)]
	}
	return ok
}

// place puts a text among the names and says where.
func (s *pageScanner) place(raw []byte) int {
	sum := uint(len(raw))
	for _, c := range raw {
		sum = sum*31 + uint(c)
	}
	place := int(sum % uint(len(s.names)))
	if s.names[place] != string(raw) {
		s.names[place] = string(raw)
	}
	return place
}

// maybe reads a text or null.
func (s *pageScanner) maybe(to **string) bool {
	if s.word("null") {
		return true
	}
	raw, ok := s.quoted()
	if !ok {
		return false
	}
	if len(s.texts) == 0 {
		s.texts = make([]string, 8)
	}
	*to, s.texts = &s.texts[0], s.texts[1:]
	**to = string(raw)
	return true
}

func (s *pageScanner) int(to *int64) bool {
	if s.word("null") {
		return true
	}
	from := s.i
	if !s.number() {
		return false
	}
	n, err := strconv.ParseInt(string(s.b[from:s.i]), 10, 64)
	*to = n
	return err == nil
}

func (s *pageScanner) bool(to *bool) bool {
	switch {
	case s.word("true"):
		*to = true
	case s.word("false"):
	default:
		return false
	}
	return true
}
