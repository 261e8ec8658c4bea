package record

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// A CallName is one of the API's write operations.
type CallName string

// The seven write operations of the Payment Records API.
const (
	ReportPayment                     CallName = "report_payment"
	ReportPaymentAttempt              CallName = "report_payment_attempt"
	ReportPaymentAttemptGuaranteed    CallName = "report_payment_attempt_guaranteed"
	ReportPaymentAttemptFailed        CallName = "report_payment_attempt_failed"
	ReportPaymentAttemptCanceled      CallName = "report_payment_attempt_canceled"
	ReportPaymentAttemptInformational CallName = "report_payment_attempt_informational"
	ReportRefund                      CallName = "report_refund"
)

// Creates says whether the call makes a record of its own; every other call
// acts on an existing one.
func (n CallName) Creates() bool { return n == ReportPayment }

// Path is the call's URL path. recordID is ignored by report_payment; of
// attach_payment it does not tell the path, which is "".
func (n CallName) Path(recordID string) string {
	switch n {
	case ReportPayment:
		return "/v1/payment_records/" + string(n)
	case AttachPayment:
		return ""
	}
	return "/v1/payment_records/" + url.PathEscape(recordID) + "/" + string(n)
}

// A Param is one parameter of a call: a dotted path such as
// "amount_requested.value" and its text. Below "metadata." the rest of the
// path is the metadata key, dots and all.
type Param struct{ Path, Value string }

// Params are a call's parameters in canonical order: ascending by path, each
// path once. Build them with [Params.Set].
type Params []Param

func byPath(p Param, path string) int { return strings.Compare(p.Path, path) }

// Get returns the text at path.
func (p Params) Get(path string) (string, bool) {
	if i, ok := slices.BinarySearchFunc(p, path, byPath); ok {
		return p[i].Value, true
	}
	return "", false
}

// Set puts the text at path, replacing what stood there.
func (p *Params) Set(path, value string) {
	i, ok := slices.BinarySearchFunc(*p, path, byPath)
	if ok {
		(*p)[i].Value = value
		return
	}
	*p = slices.Insert(*p, i, Param{path, value})
}

// Has says whether path itself or anything below it is set.
func (p Params) Has(path string) bool {
	i, ok := slices.BinarySearchFunc(p, path, byPath)
	if ok {
		return true
	}
	for ; i < len(p) && strings.HasPrefix(p[i].Path, path); i++ {
		if strings.HasPrefix(p[i].Path, path+".") {
			return true
		}
	}
	return false
}

// Metadata iterates over the call's metadata pairs in order of their keys.
func (p Params) Metadata(yield func(key, value string) bool) {
	for _, f := range p {
		if key, ok := strings.CutPrefix(f.Path, "metadata."); ok && !yield(key, f.Value) {
			return
		}
	}
}

// Form is the call's body as the API takes it: form-encoded, brackets for
// nesting, in canonical order, so that equal parameters give equal bytes.
func (p Params) Form() []byte {
	size := 0
	for i := range p {
		size += len(p[i].Path) + len(p[i].Value) + 12 // brackets, and some that are escaped
	}
	b := make([]byte, 0, size)
	for i := range p {
		if i > 0 {
			b = append(b, '&')
		}
		b = appendBracketed(b, p[i].Path)
		b = append(b, '=')
		b = appendEscaped(b, p[i].Value)
	}
	return b
}

func appendBracketed(b []byte, path string) []byte {
	head, rest, nested := strings.Cut(path, ".")
	b = appendEscaped(b, head)
	for nested {
		if head == "metadata" { // the key is flat, whatever it contains
			head, rest, nested = rest, "", false
		} else {
			head, rest, nested = strings.Cut(rest, ".")
		}
		b = append(b, '[')
		b = appendEscaped(b, head)
		b = append(b, ']')
	}
	return b
}

// appendEscaped appends a text as [url.QueryEscape] has it.
func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~':
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// Hash is a digest of the parameters, 32 hexadecimal digits: equal parameters
// have equal hashes.
func (p Params) Hash() string {
	var few [1024]byte
	b := few[:0]
	for i := range p {
		b = appendPart(appendPart(b, p[i].Path), p[i].Value)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
