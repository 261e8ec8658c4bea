package sandbox

import "slices"

// A Choice is behaviour of the sandbox that the public documentation leaves
// open. The real API may differ in each of them.
type Choice struct {
	ID    string `json:"id"`
	Cell  string `json:"cell"`  // where it shows: a call and a state, or a layer
	What  string `json:"what"`  // what the sandbox does
	Basis string `json:"basis"` // why so
}

// Semantics lists every choice, ascending by ID. A test holds the list and
// the behaviour together.
func Semantics() []Choice { return slices.Clone(choices[:]) }

// choices is data; nothing writes to it.
var choices = [...]Choice{
	{"account-header", "authentication", "Stripe-Account may only name the sandbox's own account; another one is 403 account_invalid", "there is one account and no Connect"},
	{"amount-authorized", "every object", "amount_authorized stays 0", "nothing in the calls reports an authorisation"},
	{"attach-payment", "attach_payment", "any in_… id is taken for an invoice of exactly the payment's amount, attached at most once per payment; payment_record or payment_intent, not both, not neither; no expansion", "invoices are not modelled"},
	{"attempt-after-terminal", "_guaranteed, _failed, _canceled in F and C", "refused with 400", "the reference names only the guaranteed state as refused; going back on a final outcome is the riskier guess"},
	{"attempt-inherits", "report_payment_attempt", "a new attempt takes money, customer, description, method, processor and shipping from the record unless the call gives them; the record follows", "the call has no parameters for the first of these"},
	{"attempts-order", "list attempts", "newest first", "as in the guide's sample; the reference does not say"},
	{"call-metadata", "every call with metadata", "metadata of a call merges into the record and into the latest attempt; a new attempt starts with the metadata of its call only", "not documented on which object it lands"},
	{"created-window", "list records", "created_after and created_before are exclusive", "the plain reading of the names"},
	{"currency-lower-case", "money", "a currency code in upper case is refused with 400", "documented as lower case"},
	{"currency-steps", "money", "three-decimal amounts end in 0, ISK and UGX are multiples of 100; else refused with 400", "the rule is documented for charges, not for reported payments"},
	{"custom-method-name", "payment_method_details", "a custom method without display_name is displayed as its cpmt_… id", "the Dashboard's name of the type is not known here"},
	{"custom-type-any", "payment_method_details", "any custom type is taken, cpmt_… or not", "the types are made in the Dashboard, which is not modelled"},
	{"customer-any", "customer_details and addresses", "any customer id, e-mail, phone and country is taken", "customers are not modelled, and checks of the others are not documented for these calls"},
	{"duplicate-parameter", "parameters", "of a parameter given twice the last value counts", "common practice of form decoders"},
	{"expand", "expand[]", "fields that hold objects may be expanded, which changes nothing; other names are refused", "the objects hold no ids that expand"},
	{"informational-merge", "_informational", "customer_details and shipping_details merge field by field into the record and the latest attempt, in every state", "merging is documented, its depth and the states F and C are not"},
	{"invoice-payments", "list invoice payments", "takes invoice and payment[type]=payment_record with payment[payment_record], all three needed, and answers with one item or none", "invoices are not modelled; whether a payment is attached to one is"},
	{"json-body", "parameters", "a body that is not form-encoded is refused with 400", "the API documents form encoding only"},
	{"key-in-use-first", "idempotency", "while a key's first request runs, 409 is answered even if the parameters differ", "parameters are compared with saved requests"},
	{"key-ttl", "idempotency", "an answer is forgotten when it is 24 hours old", "documented as at least 24 hours"},
	{"limit-figures", "limiter", "concurrency 25 in all and of an endpoint for a sandbox account, 100 and 25 for a live one; 1000 changes of one record in an hour; no Retry-After", "only the rates are published; the last is that of PaymentIntents"},
	{"list-lag", "list records", "a new record is listed at once, unless a lag is set", "how soon is not documented; an importer of the same API looks back ten minutes"},
	{"list-old-version", "list records", "before 2026-07-29.dahlia the list is an unrecognised URL, 404", "the call did not exist then"},
	{"list-type-filter", "list records", "processor_details_type is an unknown parameter", "the changelog names it, the description and the official clients do not have it"},
	{"lock-timeout", "two calls on one record at once", "with limits on, the later is refused at once with 429 lock_timeout, and its key is free again", "documented as a timeout; how long the API waits is not"},
	{"method-type", "payment_method_details", "payment_method=pm_… without a type gives type card with empty card details; another id is refused", "payment methods are not modelled"},
	{"money-bounds", "money", "1 to 999,999,999,999 minor units are taken", "least and greatest amounts of reported payments are not publicly known"},
	{"number-format", "parameters", "numbers are digits without sign, leading zeros or fraction", "what the API reads besides is not documented"},
	{"outcome-pairs", "report_payment, report_payment_attempt", "an outcome needs the object of its name, and such an object its outcome", "the schema makes each optional on its own"},
	{"parameter-order", "parameters", "unknown parameters are refused first, then missing, then invalid ones; expand last", "the API's order is not documented"},
	{"payment-reference", "report_payment", "a payment_reference that was used before makes another record", "its uniqueness is not promised"},
	{"processor-omitted", "report_payment", "without processor_details the record carries type custom and no reference", "the schema makes it optional, the reference page does not"},
	{"read-allocation", "limiter", "with limits on, a read beyond 500 per payment made in 30 days, at least 10,000, is 429 resource-specific; counted since the sandbox was started", "the allocation is documented, its enforcement is not"},
	{"record-mirrors-attempt", "record amounts", "the record's amounts are those of its latest attempt; a new attempt starts them anew", "the reference defines them as portions of the payment, with no rule for several attempts"},
	{"refund-currency", "report_refund", "a currency other than the payment's is refused with 400", "the API could not add the amounts up"},
	{"refund-keeps-guaranteed", "report_refund in G", "amount_guaranteed stays as it was; amount_refunded grows", "the guide's sample contradicts the definition of the field"},
	{"refund-not-guaranteed", "report_refund in I, F and C", "refused with 400", "only guaranteed funds can be refunded"},
	{"refund-omitted-amount", "report_refund in G", "an omitted amount refunds what is guaranteed and not yet refunded", "documented as the entire guaranteed amount; after partial refunds only the rest can be meant"},
	{"refund-reference-free", "report_refund", "the reference of a refused refund can be used again", "there was no refund"},
	{"refusal-wording", "refusals of the state machine", "type invalid_request_error, no code, message with the sandbox's prefix", "neither code nor wording is publicly known"},
	{"stripe-records-read-only", "every call on a record reported by Stripe", "refused with 400", "the guide describes reporting for off-Stripe payments only"},
	{"stripe-records-shape", "records reported by Stripe", "processor_details has type custom and no reference", "the schema has no other type"},
	{"test-keys", "authentication", "every sk_test_… and rk_test_… key opens the same account, with all permissions", "there is one account"},
	{"timestamps-unbounded", "timestamps", "any positive Unix time up to the year 9999 is taken, in any order", "bounds are not publicly known"},
	{"unset-and-set", "_informational, metadata", "unsetting a whole and setting parts of it in one call is refused with 400", "what it should mean is not documented"},
	{"versions", "Stripe-Version", "any version that looks like one is taken; without one it is 2026-08-26.dahlia", "there is no account with a default version"},
}
