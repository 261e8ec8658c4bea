package record

import "net/url"

// AttachPayment attaches a payment's record to an invoice, which is paid by it.
// It is an operation of the Invoices API: it changes no record, takes no
// metadata and answers with the invoice. See [Op.Request].
const AttachPayment CallName = "attach_payment"

// Request is where the call goes and what it says there, once the record that
// it acts on is known. For attach_payment the record makes the body: what is
// written down is only the invoice. Whoever fixes the record of a key, as the
// journal does, therefore fixes path and body as well.
func (o Op) Request(recordID string) (path string, body []byte) {
	if o.Call != AttachPayment {
		return o.Call.Path(recordID), o.Body
	}
	form, err := url.ParseQuery(string(o.Body))
	if err != nil || form.Get("invoice") == "" {
		return "", nil // no body of ours; nothing can be sent to no path
	}
	return "/v1/invoices/" + url.PathEscape(form.Get("invoice")) + "/" + string(o.Call), Params{{"payment_record", recordID}}.Form()
}
