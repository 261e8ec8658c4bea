package report

import (
	"strconv"
	"time"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// An item is what makes a line: a payment, and of it perhaps an attempt or a
// refund. A movement without a refund is the payment itself coming in.
type item struct {
	*exporter.Payment
	zone    *time.Location
	attempt *exporter.Attempt
	refund  *exporter.Refund
	fee     bool  // a posting: the fee of the payment or refund
	rank    int64 // of the attempt among the payment's, from 1
	number  int64 // of the item in its sheet, from 1
}

// A name is a value that expressions may refer to.
type name struct {
	name string
	kind expression.Kind
	doc  string
	get  func(*item) expression.Value
}

// paymentNames are known of every item.
func paymentNames() []name {
	return []name{
		text("id", "the payment record: pr_…", func(i *item) string { return i.ID }),
		text("reference", "the processor's payment reference", func(i *item) string { return i.ProcessorDetails.Reference() }),
		text("status", "initiated, guaranteed, failed, canceled, refunded or partially_refunded", func(i *item) string { return string(i.Status()) }),
		moment("paid_at", "the business date: guaranteed_at, else initiated_at, else reported_at", func(i *item) time.Time { return i.PaidAt }),
		text("paid_at_from", "which of them paid_at is: guaranteed_at, initiated_at or created", func(i *item) string { return i.PaidAtFrom }),
		moment("reported_at", "when it was reported to the API", func(i *item) time.Time { return time.Unix(i.Created, 0) }),
		moment("settled_at", "when it was settled, where the metadata say so", func(i *item) time.Time { return i.SettledAt }),
		stamped("initiated_at", record.StampInitiatedAt), stamped("guaranteed_at", record.StampGuaranteedAt),
		stamped("failed_at", record.StampFailedAt), stamped("canceled_at", record.StampCanceledAt),
		text("currency", "of the amounts: EUR", func(i *item) string { return i.AmountRequested.Currency.Upper() }),
		money("amount", "what was requested", func(i *item) record.Money { return i.AmountRequested.Money() }),
		money("collected", "what came in, before refunds: the amount of a payment that was guaranteed", func(i *item) record.Money { return i.Collected }),
		amount("guaranteed", "what is guaranteed", func(i *item) record.Amount { return i.AmountGuaranteed }),
		amount("refunded", "what was refunded, whenever", func(i *item) record.Amount { return i.AmountRefunded }),
		amount("failed", "what failed", func(i *item) record.Amount { return i.AmountFailed }),
		amount("canceled", "what was canceled", func(i *item) record.Amount { return i.AmountCanceled }),
		money("fee", "what the processor took, in the currency of the settlement; empty when not stamped", func(i *item) record.Money { return i.Fee }),
		money("net", "what the processor paid out, in the currency of the settlement; empty when not stamped", func(i *item) record.Money { return i.Net }),
		text("settled_in", "the currency of fee and net", settledIn),
		text("processor", "who handled it", func(i *item) string { return i.Processor }),
		text("method", "what the customer paid with", func(i *item) string { return i.Method }),
		text("description", "the description", func(i *item) string { return deref(i.Description) }),
		text("customer_name", "the customer's name, else the bill's", func(i *item) string { return i.Customer }),
		text("customer_email", "the customer's e-mail, else the bill's", func(i *item) string { return i.Email }),
		text("customer_id", "the customer: cus_…", func(i *item) string {
			if i.CustomerDetails == nil {
				return ""
			}
			return deref(i.CustomerDetails.Customer)
		}),
		text("reported_by", "self, or stripe for payments that Stripe processed", func(i *item) string { return i.ReportedBy }),
		{"livemode", expression.Bool, "whether it is live", func(i *item) expression.Value { return expression.BoolOf(i.Livemode) }},
		text("latest_attempt", "the latest attempt: par_…", func(i *item) string { return deref(i.LatestPaymentAttemptRecord) }),
		pair("source", "the mapping's source", record.StampSource), pair("file", "the file of its row", record.StampFile),
		{"line", expression.Number, "the line of its row", func(i *item) expression.Value { return whole(i.Metadata[record.StampLine]) }},
		pair("payment_key", "the payment's key, where it is not its reference", record.StampPayment),
		pair("operation", "payrec's operation", record.StampOp),
		{"number", expression.Number, "the number of the item in its sheet, from 1", func(i *item) expression.Value { return integer(i.number) }},
	}
}

// eachNames are known of an item of one sort besides.
func eachNames(each string) []name {
	switch each {
	case "attempt":
		return []name{
			text("attempt_id", "the attempt record: par_…", func(i *item) string { return i.attempt.ID }),
			{"attempt_number", expression.Number, "its number among the payment's, from 1", func(i *item) expression.Value { return integer(i.rank) }},
			text("attempt_status", "as status, of the attempt", func(i *item) string { return string(i.attempt.Status()) }),
			moment("attempt_at", "its business date", func(i *item) time.Time { return i.attempt.At }),
			moment("attempt_reported_at", "when it was reported", func(i *item) time.Time { return time.Unix(i.attempt.Created, 0) }),
			text("attempt_reference", "its payment reference", func(i *item) string { return i.attempt.ProcessorDetails.Reference() }),
			money("attempt_amount", "what it asked for", func(i *item) record.Money { return i.attempt.AmountRequested.Money() }),
			amount("attempt_guaranteed", "as guaranteed, of the attempt", func(i *item) record.Amount { return i.attempt.AmountGuaranteed }),
			amount("attempt_refunded", "as refunded, of the attempt", func(i *item) record.Amount { return i.attempt.AmountRefunded }),
			amount("attempt_failed", "as failed, of the attempt", func(i *item) record.Amount { return i.attempt.AmountFailed }),
			amount("attempt_canceled", "as canceled, of the attempt", func(i *item) record.Amount { return i.attempt.AmountCanceled }),
			text("attempt_method", "what the customer tried to pay with", func(i *item) string { return i.attempt.Method }),
			text("attempt_description", "its description", func(i *item) string { return deref(i.attempt.Description) }),
		}
	case "refund":
		return []name{
			text("refund_reference", "the processor's refund reference", func(i *item) string { return i.refund.Reference }),
			moment("refunded_at", "when it was refunded", func(i *item) time.Time { return i.refund.At }),
			money("refund_amount", "what was refunded by it, positive", func(i *item) record.Money { return i.refund.Amount }),
			money("refund_fee", "what the processor took for it; empty when not stamped", func(i *item) record.Money { return i.refund.Fee }),
			text("refund_row", "the row that it is from: file:line", func(i *item) string { return i.refund.Row }),
			text("refund_operation", "payrec's operation", func(i *item) string { return i.refund.Op }),
		}
	case "movement", "posting":
		return []name{
			text("movement", "payment or refund; of a posting, fee as well", func(i *item) string { return movement(i).what }),
			moment("moved_at", "when the money moved: paid_at, or when it was refunded", func(i *item) time.Time { return movement(i).at }),
			money("moved", "how much: what came in is positive, a refund negative", func(i *item) record.Money { return movement(i).amount }),
			money("moved_fee", "what the processor took for it; empty when not stamped", func(i *item) record.Money { return movement(i).fee }),
			text("moved_reference", "the processor's reference of the payment or refund", func(i *item) string { return movement(i).reference }),
			text("moved_row", "the row that it is from: file:line", func(i *item) string { return movement(i).row }),
			moment("moved_original_at", "when the money moved, of what is posted later because the books are closed; empty otherwise", func(i *item) time.Time { return movement(i).original }),
			text("moved_id", "tells it from all others, in every export alike", func(i *item) string { return movement(i).id }),
		}
	}
	return nil
}

func settledIn(i *item) string {
	if i.Fee.Currency != "" {
		return i.Fee.Currency.Upper()
	}
	return i.Net.Currency.Upper()
}

func text(n, doc string, get func(*item) string) name {
	return name{n, expression.Text, doc, func(i *item) expression.Value { return expression.TextOf(get(i)) }}
}

func pair(n, doc, key string) name {
	return text(n, doc, func(i *item) string { return i.Metadata[key] })
}

// money without a currency is not there.
func money(n, doc string, get func(*item) record.Money) name {
	return name{n, expression.Money, doc, func(i *item) expression.Value {
		m := get(i)
		if m.Currency == "" {
			return expression.EmptyOf(expression.Money)
		}
		return expression.MoneyOf(m)
	}}
}

// amount is money beside the requested amount: a zero that the API gives
// without a currency is one of the payment's.
func amount(n, doc string, get func(*item) record.Amount) name {
	return money(n, doc, func(i *item) record.Money {
		a := get(i)
		if a.Value == 0 {
			a.Currency = i.AmountRequested.Currency
		}
		return a.Money()
	})
}

// moment is a time in the report's zone; the zero time is not there.
func moment(n, doc string, get func(*item) time.Time) name {
	return name{n, expression.Time, doc, func(i *item) expression.Value {
		t := get(i)
		if t.IsZero() {
			return expression.EmptyOf(expression.Time)
		}
		return expression.TimeOf(t.In(i.zone))
	}}
}

func stamped(n, key string) name {
	return moment(n, "as stamped by payrec", func(i *item) time.Time {
		t, err := time.Parse(time.RFC3339, i.Metadata[key])
		if err != nil {
			return time.Time{}
		}
		return t
	})
}

func integer(n int64) expression.Value {
	d, err := decimal.New(n, 0)
	if err != nil { // unreachable: every int64 fits
		return expression.EmptyOf(expression.Number)
	}
	return expression.NumberOf(d)
}

// whole is a line number; what somebody else wrote in its place is not there.
func whole(s string) expression.Value {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return expression.EmptyOf(expression.Number)
	}
	return integer(n)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
