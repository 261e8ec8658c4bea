package sandbox

import "net/http"

// A probe is a short story that shows one choice. Where a choice cannot be
// seen from outside, or not without harm to an account, it has none.
type probe struct {
	choice string // "" for what is documented
	name   string
	steps  []step
}

// A step is one request. {record} and the like are what earlier steps saved;
// {run} differs from run to run.
type step struct {
	method, path, form string
	version            string   // of the API; "" is the sandbox's
	key                string   // idempotency key
	save               string   // under what name to keep the object's id
	only               []string // fields to compare; nil is all
}

const (
	probeRecords = "/v1/payment_records"
	probeReport  = probeRecords + "/report_payment"
	probeBasic   = "amount_requested[value]=1000&amount_requested[currency]=usd&initiated_at=1700000000" +
		"&payment_method_details[type]=custom&payment_method_details[custom][display_name]=Probe" +
		"&processor_details[type]=custom&processor_details[custom][payment_reference]=probe-{run}"
	probeRefund = "outcome=refunded&refunded[refunded_at]=1700000300&processor_details[type]=custom&processor_details[custom][refund_reference]=refund-{run}"
)

func report(extra string) step {
	return step{method: http.MethodPost, path: probeReport, form: probeBasic + extra, save: "record"}
}

func onRecord(call, form string) step {
	return step{method: http.MethodPost, path: probeRecords + "/{record}/" + call, form: form}
}

func reading(path string, only ...string) step {
	return step{method: http.MethodGet, path: path, only: only}
}

func (s step) saving(name string) step  { s.save = name; return s }
func (s step) at(version string) step   { s.version = version; return s }
func (s step) keyed(key string) step    { s.key = key; return s }
func (s step) just(only ...string) step { s.only = only; return s }
func (s step) with(form string) step    { s.form = form; return s }
func after(outcome, form string) step {
	return onRecord("report_payment_attempt_"+outcome, outcome+"_at=1700000100"+form)
}
func again(form string) step {
	return onRecord("report_payment_attempt", "initiated_at=1700000200"+form)
}
func refund(form string) step                { return onRecord("report_refund", probeRefund+form) }
func refuse(extra string) step               { s := report(extra); s.save = ""; return s }
func about(p, q string, steps ...step) probe { return probe{p, q, steps} }

const guaranteedNow = "&outcome=guaranteed&guaranteed[guaranteed_at]=1700000050"

// probes are data; nothing writes to them.
var probes = [...]probe{
	about("", "report, fail, retry, guarantee, refund in parts",
		report("&metadata[order]=6735&customer_details[email]=j@example.com&customer_presence=on_session"), after("failed", ""), again("").saving("record"), after("guaranteed", ""),
		refund("&amount[value]=300&amount[currency]=usd"), refund("-2&amount[value]=700&amount[currency]=usd"),
		reading(probeRecords+"/{record}"), reading("/v1/payment_attempt_records/{record.attempt}")),
	about("", "a retry under one key", report("").keyed("key-{run}"), report("").keyed("key-{run}")),
	about("", "one key, other parameters", report("").keyed("key-{run}"), refuse("&description=other").keyed("key-{run}")),
	about("", "of nothing", reading(probeRecords+"/pr_none"), step{method: http.MethodPost, path: probeRecords + "/pr_none/report_payment_attempt_failed", form: "failed_at=1700000100"}),
	about("", "a new attempt beside an open one", report(""), again("")),
	about("", "a new attempt beside a guaranteed one", report(guaranteedNow), again("")),
	about("", "guaranteed twice", report(guaranteedNow), after("guaranteed", "")),
	about("", "failed after guaranteed", report(guaranteedNow), after("failed", "")),
	about("", "canceled after guaranteed", report(guaranteedNow), after("canceled", "")),
	about("", "refund of more than the rest", report(guaranteedNow), refund("&amount[value]=1001&amount[currency]=usd")),
	about("", "refund_reference used twice", report(guaranteedNow), refund("&amount[value]=1&amount[currency]=usd"), refund("&amount[value]=1&amount[currency]=usd")),
	about("amount-authorized", "amount_authorized of a guaranteed payment", report(guaranteedNow), reading(probeRecords+"/{record}", "amount_authorized.value")),
	about("attempt-after-terminal", "guaranteed after failed", report(""), after("failed", ""), after("guaranteed", "")),
	about("attempt-after-terminal", "canceled after failed", report(""), after("failed", ""), after("canceled", "")),
	about("attempt-after-terminal", "failed twice", report(""), after("failed", ""), after("failed", "")),
	about("attempt-after-terminal", "guaranteed after canceled", report(""), after("canceled", ""), after("guaranteed", "")),
	about("attempt-after-terminal", "failed after canceled", report(""), after("canceled", ""), after("failed", "")),
	about("attempt-after-terminal", "canceled twice", report(""), after("canceled", ""), after("canceled", "")),
	about("attempt-inherits", "what a new attempt takes from the record", report("&description=d&customer_details[name]=N&shipping_details[name]=S"), after("failed", ""), again("&description=e").saving("record"), reading("/v1/payment_attempt_records/{record.attempt}")),
	about("attempts-order", "attempts, listed", report(""), after("failed", ""), again("").saving("record"), reading("/v1/payment_attempt_records?payment_record={record}", "data.0.id", "data.length")),
	about("call-metadata", "metadata of a transition", report("&metadata[a]=1"), after("failed", "&metadata[b]=2"), reading("/v1/payment_attempt_records/{record.attempt}")),
	about("", "an attempt reported as canceled", report(""), after("failed", ""), again("&outcome=canceled&canceled[canceled_at]=1700000250").at("2026-09-30.endive")),
	about("", "a payment reported as canceled", report("&outcome=canceled&canceled[canceled_at]=1700000250").at("2026-09-30.endive").just("amount_canceled.value")),
	about("", "a payment reported as canceled, before there was that", refuse("&outcome=canceled&canceled[canceled_at]=1700000250")),
	about("currency-lower-case", "a currency in upper case", refuse("&amount_requested[currency]=USD").just("amount.currency")),
	about("currency-steps", "1005 of three decimals", refuse("&amount_requested[currency]=kwd&amount_requested[value]=1005").just("amount.value")),
	about("currency-steps", "half a krona of Iceland", refuse("&amount_requested[currency]=isk&amount_requested[value]=150").just("amount.value")),
	about("custom-method-name", "a custom type without a name", refuse("").with("amount_requested[value]=1000&amount_requested[currency]=usd&initiated_at=1700000000&payment_method_details[type]=custom&payment_method_details[custom][type]=cpmt_probe").just("payment_method_details.custom.display_name")),
	about("custom-type-any", "a custom type that nobody made", refuse("&payment_method_details[custom][type]=cpmt_none").just("payment_method_details.custom.type")),
	about("customer-any", "a customer that does not exist", refuse("&customer_details[customer]=cus_none").just("customer_details.customer")),
	about("customer-any", "an e-mail that is none", refuse("&customer_details[email]=no+address").just("customer_details.email")),
	about("duplicate-parameter", "a parameter given twice", refuse("&description=first&description=last").just("description")),
	about("expand", "expansion of the latest attempt", refuse("&expand[]=latest_payment_attempt_record")),
	about("informational-merge", "details after failed", report(""), after("failed", ""), onRecord("report_payment_attempt_informational", "customer_details[name]=N"), onRecord("report_payment_attempt_informational", "customer_details[phone]=1")),
	about("list-lag", "a new record, listed", report(""), reading(probeRecords+"?limit=1", "data.0.id")),
	about("list-type-filter", "a list of one type of processor", reading(probeRecords+"?limit=1&processor_details_type=custom", "has_more")),
	about("method-type", "a payment method that does not exist", refuse("").with("amount_requested[value]=1000&amount_requested[currency]=usd&initiated_at=1700000000&payment_method_details[payment_method]=pm_none")),
	about("money-bounds", "nothing at all", refuse("&amount_requested[value]=0").just("amount.value")),
	about("money-bounds", "the least", refuse("&amount_requested[value]=1").just("amount.value")),
	about("money-bounds", "twelve digits", refuse("&amount_requested[value]=999999999999").just("amount.value")),
	about("money-bounds", "thirteen digits", refuse("&amount_requested[value]=1000000000000").just("amount.value")),
	about("number-format", "a number with zeros before it", refuse("&amount_requested[value]=007").just("amount.value")),
	about("outcome-pairs", "an outcome without its object", refuse("&outcome=failed")),
	about("outcome-pairs", "an object without its outcome", refuse("&failed[failed_at]=1700000100")),
	about("parameter-order", "unknown, missing and invalid at once", refuse("").with("foo=1&outcome=x")),
	about("payment-reference", "one payment_reference twice", report(""), report("").saving("second"), reading(probeRecords+"/{second}")),
	about("processor-omitted", "no processor_details", refuse("").with("amount_requested[value]=1000&amount_requested[currency]=usd&initiated_at=1700000000&payment_method_details[type]=custom&payment_method_details[custom][display_name]=Probe")),
	about("record-mirrors-attempt", "amounts when a new attempt starts", report(""), after("failed", ""), again("")),
	about("refund-currency", "a refund in another currency", report(guaranteedNow), refund("&amount[value]=1&amount[currency]=eur")),
	about("refund-keeps-guaranteed", "amount_guaranteed after a refund", report(guaranteedNow), refund("&amount[value]=400&amount[currency]=usd")),
	about("refund-not-guaranteed", "refund of an open payment", report(""), refund("")),
	about("refund-not-guaranteed", "refund of a failed payment", report(""), after("failed", ""), refund("")),
	about("refund-not-guaranteed", "refund of a canceled payment", report(""), after("canceled", ""), refund("")),
	about("refund-omitted-amount", "the rest, after a part", report(guaranteedNow), refund("&amount[value]=400&amount[currency]=usd"), refund("-rest")),
	about("refund-reference-free", "the reference of a refused refund", report(guaranteedNow), refund("&amount[value]=1001&amount[currency]=usd"), refund("")),
	about("timestamps-unbounded", "initiated a century from now", refuse("&initiated_at=4900000000").just("amount.value")),
	about("timestamps-unbounded", "guaranteed before it was initiated", refuse("&outcome=guaranteed&guaranteed[guaranteed_at]=1600000000").just("amount.value")),
	about("list-old-version", "a list, before there was that", reading(probeRecords+"?limit=1", "has_more").at("2026-06-24.dahlia")),
	about("versions", "a version that nobody released", reading(probeRecords+"?limit=1", "has_more").at("2030-01-01.zebra")),
	about("attach-payment", "neither payment_record nor payment_intent", step{method: http.MethodPost, path: "/v1/invoices/in_none/attach_payment"}),
	about("invoice-payments", "of no payment in particular", reading("/v1/invoice_payments?limit=1&invoice=in_none", "data")),
	about("unset-and-set", "metadata unset and set", report(""), onRecord("report_payment_attempt_informational", "metadata=&metadata[a]=1")),
}
