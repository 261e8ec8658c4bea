package record

import (
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
	const records = "/v1/payment_records/"
	switch n {
	case ReportPayment:
		return records + string(ReportPayment) // constant
	case AttachPayment:
		return ""
	}
	return records + url.PathEscape(recordID) + "/" + string(n)
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

// AppendMerged appends the parameters of two lists in canonical order. Of a path
// that is in both, it is the one of other.
func AppendMerged(p, one, other Params) Params {
	for len(one) > 0 && len(other) > 0 { // in runs: one list stands mostly between two parameters of the other
		i, both := slices.BinarySearchFunc(one, other[0].Path, byPath)
		p = append(p, one[:i]...)
		if one = one[i:]; both {
			one = one[1:]
		}
		if len(one) > 0 {
			i, _ = slices.BinarySearchFunc(other, one[0].Path, byPath)
			p, other = append(p, other[:i]...), other[i:]
		}
	}
	return append(append(p, one...), other...)
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
