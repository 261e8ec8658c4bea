package sandbox

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/payrec/payrec/record"
)

// An event is what one executed call changed, and what was answered under
// its idempotency key.
type event struct {
	seq     uint64
	at      int64  // Unix seconds
	op      string // the call; "" when nothing was changed and only the answer is kept
	record  string // id of the record made or changed
	attempt string // id of the attempt made, "" for none
	params  record.Params
	form    string         // params as they are written down
	invoice string         // of attach_payment
	seed    *StripePayment // of opSeed

	key   string // idempotency key, "" for none
	saved saved
}

// stateOf is the state of the latest attempt, which the rules go by.
// Refunded payments count as guaranteed.
func stateOf(r *record.PaymentRecord) record.Status {
	switch s := r.Status(); s {
	case record.Refunded, record.PartiallyRefunded:
		return record.Guaranteed
	default:
		return s
	}
}

// decide judges a valid call against the state. It returns why the call is
// refused, or nil, and changes nothing. The rules are those of the reference
// pages of the calls; [Semantics] lists what is ours in them.
func (s *state) decide(call record.CallName, id string, params record.Params) *apiError {
	if e := checkMethod(params); e != nil {
		return e
	}
	if call == record.ReportPayment {
		return checkPairs(nil, params) // an empty value unsets, so pairs may be fewer than were sent
	}
	p := s.find(id)
	if p == nil {
		return noSuch(http.StatusNotFound, "payment_record", id, "id")
	}
	if p.rec.ReportedBy != reportedBySelf {
		return refused("", "%s was reported by Stripe; only payments that you reported can be changed", p.rec.ID)
	}
	if e := checkState(call, p.rec); e != nil {
		return e
	}
	if call == record.ReportRefund {
		if e := s.checkRefund(p.rec, params); e != nil {
			return e
		}
	}
	if call != record.ReportPaymentAttempt {
		if e := checkPairs(p.latest().rec.Metadata, params); e != nil {
			return e
		}
	}
	return checkPairs(p.rec.Metadata, params)
}

// checkState is the state machine.
func checkState(call record.CallName, r *record.PaymentRecord) *apiError {
	now := stateOf(r)
	switch call {
	case record.ReportPaymentAttempt:
		if now != record.Failed && now != record.Canceled {
			return refused("", "a new attempt needs every earlier attempt failed or canceled; the latest attempt of %s is %s", r.ID, now)
		}
	case record.ReportPaymentAttemptGuaranteed, record.ReportPaymentAttemptFailed, record.ReportPaymentAttemptCanceled:
		if now != record.Initiated {
			return refused("", "the latest attempt of %s is already %s", r.ID, now)
		}
	case record.ReportRefund:
		if now != record.Guaranteed {
			return refused("", "only guaranteed funds can be refunded; the latest attempt of %s is %s", r.ID, now)
		}
	}
	return nil
}

func (s *state) checkRefund(r *record.PaymentRecord, params record.Params) *apiError {
	const path = "processor_details.custom.refund_reference"
	ref, _ := params.Get(path)
	if _, used := s.refs[ref]; used {
		return refused(bracketed(path), "refund_reference %q was used by another refund; it must be unique across all refunds", short(ref))
	}
	rest := r.AmountGuaranteed.Value - r.AmountRefunded.Value
	if rest <= 0 {
		return refused("", "everything that was guaranteed on %s is refunded already", r.ID)
	}
	amount, given := amountAt(params, "amount")
	switch {
	case given && amount.Currency != r.AmountGuaranteed.Currency:
		return refused("amount[currency]", "the payment is in %s, the refund in %s", r.AmountGuaranteed.Currency, amount.Currency)
	case given && amount.Value > rest:
		return refused("amount[value]", "%d is more than the %d that is guaranteed and not yet refunded on %s", amount.Value, rest, r.ID)
	}
	return nil
}

// checkMethod holds the id of a payment method, which is all we know of it.
func checkMethod(params record.Params) *apiError {
	const path = "payment_method_details.payment_method"
	if id, ok := params.Get(path); ok && !strings.HasPrefix(id, "pm_") {
		return noSuch(http.StatusBadRequest, "PaymentMethod", id, bracketed(path))
	}
	return nil
}

// checkPairs refuses metadata that would grow too large by merging.
func checkPairs(old map[string]string, params record.Params) *apiError {
	if len(mergeMetadata(old, params)) > record.MaxMetadataPairs {
		return tooManyPairs()
	}
	return nil
}

// amountAt reads a money parameter that validation has passed.
func amountAt(params record.Params, path string) (record.Amount, bool) {
	text, ok := params.Get(path + ".value")
	if !ok {
		return record.Amount{}, false
	}
	value, err := strconv.ParseInt(text, 10, 64)
	currency, _ := params.Get(path + ".currency")
	return record.Amount{Currency: record.Currency(currency), Value: value}, err == nil
}
