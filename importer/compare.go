package importer

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/payrec/payrec/record"
)

// A finding is what the account says of a call in doubt: Adopted when it has
// it, Planned when it has not, ConflictState when only a person can tell.
type finding struct {
	state record.State
	why   string // for ConflictState
}

var (
	isThere  = finding{state: record.Adopted}
	isAbsent = finding{state: record.Planned}
)

func isUnclear(format string, args ...any) finding {
	return finding{record.ConflictState, fmt.Sprintf(format, args...)}
}

// compareAttached holds an attach_payment against its invoice: its record does
// not show it.
func compareAttached(ctx context.Context, reader Reader, d record.Doubt) (finding, error) {
	there, err := reader.Attached(ctx, formField(d.Body, "invoice"), d.Target)
	switch {
	case err != nil:
		return finding{}, fmt.Errorf("whether %s is attached to its invoice cannot be read: %w", d.Target, err)
	case there:
		return isThere, nil
	}
	return isAbsent, nil
}

// compare holds a call on an existing payment, other than attach_payment,
// against its record. The call's
// own stamp proves that it is there; without one, which happens when metadata
// of later calls does not land on the record, the amounts must tell, and only
// where no other call could have brought them about.
func compare(d record.Doubt, r *record.PaymentRecord) finding {
	if d.Call == record.ReportRefund {
		return compareRefund(d, r)
	}
	if carries(r, d.ID) {
		return isThere
	}
	latest := latestAttempt(r)
	switch d.Call {
	case record.ReportPaymentAttemptInformational:
		return isAbsent // saying the same again would change nothing
	case record.ReportPaymentAttempt:
		switch {
		case d.Before == "":
			return isUnclear("%s has the attempt %s, and which was there before is not known", r.ID, latest)
		case latest == d.Before:
			return isAbsent
		}
		return isThere
	}
	if d.Before != "" && latest != d.Before {
		return isUnclear("%s has another attempt, %s, than the one that was meant, %s", r.ID, latest, d.Before)
	}
	return compareStatus(d, r)
}

// compareStatus tells a transition by the record's amounts.
func compareStatus(d record.Doubt, r *record.PaymentRecord) finding {
	status := r.Status()
	if status == record.Refunded || status == record.PartiallyRefunded {
		status = record.Guaranteed
	}
	var want record.Status
	switch d.Call {
	case record.ReportPaymentAttemptGuaranteed:
		want = record.Guaranteed
	case record.ReportPaymentAttemptFailed:
		want = record.Failed
	case record.ReportPaymentAttemptCanceled:
		want = record.Canceled
	}
	switch {
	case status == record.Initiated:
		return isAbsent
	case status != want:
		return isUnclear("%s is %s", r.ID, status)
	case d.Others > 0:
		return isUnclear("%s is %s, which another call of the same name may have brought about", r.ID, status)
	}
	return isThere
}

func compareRefund(d record.Doubt, r *record.PaymentRecord) finding {
	landed := false
	for key, value := range r.Metadata {
		s, ok, err := record.ParseRefundStamp(key, value)
		switch {
		case !ok:
			continue
		case err != nil || s.Op != d.ID:
			landed = true
		case d.Amount.Value != 0 && (record.Amount{Currency: s.Currency, Value: s.Value}) != d.Amount:
			return isUnclear("%s has this refund with %d %s instead of %d %s", r.ID, s.Value, s.Currency, d.Amount.Value, d.Amount.Currency)
		default:
			return isThere
		}
	}
	refunded := r.AmountRefunded.Value
	switch {
	case refunded == d.Refunded:
		return isAbsent
	case refunded < d.Refunded:
		return isUnclear("%s has %d refunded, and %d were reported before", r.ID, refunded, d.Refunded)
	case landed:
		return isUnclear("%s has %d refunded instead of %d, by a refund without this one's stamp", r.ID, refunded, d.Refunded)
	case d.Others > 0:
		return isUnclear("%s has %d refunded instead of %d, and several refunds are in doubt", r.ID, refunded, d.Refunded)
	case d.Amount.Value != 0 && refunded != d.Refunded+d.Amount.Value:
		return isUnclear("%s has %d refunded, and with this refund it would be %d", r.ID, refunded, d.Refunded+d.Amount.Value)
	}
	return isThere
}

// carries says whether the record has the stamp of a call other than a refund.
func carries(r *record.PaymentRecord, opID string) bool {
	for key, value := range r.Metadata {
		if s, ok, err := record.ParseCallStamp(key, value); ok && err == nil && s.Op == opID {
			return true
		}
	}
	return false
}

// A claim is a report_payment in doubt, with what its record must say.
type claim struct {
	id, content, reference string
	epoch                  int
	amount                 record.Amount
}

func claimOf(d record.Doubt) claim {
	return claim{id: d.ID, content: d.Content, reference: formField(d.Body, "processor_details[custom][payment_reference]"), epoch: d.Epoch, amount: d.Amount}
}

// differs says how a record that carries the call's stamp differs from the
// call, or "".
func (c claim) differs(r *record.PaymentRecord) string {
	switch hash := r.Metadata[record.StampHash]; {
	case r.AmountRequested != c.amount:
		return fmt.Sprintf("%s carries its stamp, but with %d %s instead of %d %s", r.ID, r.AmountRequested.Value, r.AmountRequested.Currency, c.amount.Value, c.amount.Currency)
	case r.ProcessorDetails.Reference() != c.reference:
		return fmt.Sprintf("%s carries its stamp, but the reference %q instead of %q", r.ID, r.ProcessorDetails.Reference(), c.reference)
	case hash != "" && !strings.HasPrefix(c.content, hash):
		return fmt.Sprintf("%s carries its stamp, but was reported with other content", r.ID)
	}
	return ""
}

// judge is what the records that carry the call's stamp say of it.
func (c claim) judge(found []*record.PaymentRecord) finding {
	switch len(found) {
	case 0:
		return isAbsent
	case 1:
		if how := found[0]; c.differs(how) != "" {
			return finding{record.ConflictState, c.differs(how)}
		}
		return isThere
	}
	ids := make([]string, len(found))
	for i, r := range found {
		ids[i] = r.ID
	}
	return isUnclear("%d records carry its stamp: %s", len(found), strings.Join(ids, ", "))
}

// formField is a parameter of a form body, or "".
func formField(body []byte, name string) string {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "" // no body of ours
	}
	return form.Get(name)
}

func latestAttempt(r *record.PaymentRecord) string {
	if r.LatestPaymentAttemptRecord == nil {
		return ""
	}
	return *r.LatestPaymentAttemptRecord
}
