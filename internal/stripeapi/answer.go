package stripeapi

import (
	"strconv"
	"time"
)

// A Verdict is what the answer to a write means for the call.
//
//	seen                                                verdict       the caller may
//	no byte left (name, dial, TLS, connection dead)     NotSent       ask again, same key; nothing happened in this try
//	timeout, reset or end of stream after that          InDoubt       ask again, same key and bytes
//	200 cut short or not JSON; 424, 502, 503, 504       InDoubt       same
//	an answer that is no documented one                 InDoubt       same
//	200, payment record, id and livemode as expected    Confirmed     go on
//	400, 402, 404 and other 4xx with an API error       Rejected      report it; a corrected call gets a new key
//	400 idempotency_error                               Conflict      stop this call, never with a new key
//	409                                                 InFlight      wait, same key
//	429 with Stripe-Rate-Limited-Reason                 Limited       slow down, same key; this try was not executed
//	429 without (lock_timeout or none)                  Locked        same key, nothing else on that record meanwhile
//	500                                                 ServerError   in doubt; replayed: it can never succeed, look the payment up
//	401, 403, any 3xx                                   Stop          stop the run; the call stays as it was
//	200 with wrong livemode, id or object               Stop          stop the run; the call is in doubt
//
// A call that was in doubt before the try stays in doubt after NotSent,
// InFlight, Limited, Locked and Stop: those say nothing about the tries before.
type Verdict string

// The verdicts.
const (
	NotSent     Verdict = "not_sent"
	InDoubt     Verdict = "in_doubt"
	Confirmed   Verdict = "confirmed"
	Rejected    Verdict = "rejected"
	Conflict    Verdict = "conflict"
	InFlight    Verdict = "in_flight"
	Limited     Verdict = "limited"
	Locked      Verdict = "locked"
	ServerError Verdict = "server_error"
	Stop        Verdict = "stop"
)

// A Request is one write: a path such as [record.CallName.Path] gives, the
// idempotency key and the form-encoded body, sent exactly as given.
type Request struct {
	Path           string
	IdempotencyKey string // at most 255 printable characters, nothing personal in it
	Body           []byte // borrowed until Send returns
}

// An Answer is what became of one write.
type Answer struct {
	Verdict  Verdict
	Status   int    // HTTP status; 0 when no answer came
	RecordID string // pr_…; only when confirmed, and not of a call that is answered with an invoice
	ObjectID string // par_…, the record's latest attempt, when the answer names it; only when confirmed
	Livemode bool   // as answered; only when confirmed

	RequestID string // req_…, for the API's support
	// The API's error object; "" where it had none.
	Type, Code, Param, Message string

	LimitReason    string        // Stripe-Rate-Limited-Reason
	RetryAfter     time.Duration // Retry-After, at most a minute; 0 when absent
	ShouldRetry    bool          // Stripe-Should-Retry: true
	ShouldNotRetry bool          // Stripe-Should-Retry: false
	Replayed       bool          // Idempotent-Replayed: the saved answer of an earlier try
	Date           time.Time     // the API's clock; zero when absent

	// Err says in words what went wrong; nil only when confirmed. It is an
	// [*Error] when the API answered, and never holds the key.
	Err error
}

// MayHaveRun says whether this very try may have been executed without our
// knowing its outcome: such a call must not get a new key.
func (a Answer) MayHaveRun() bool {
	switch a.Verdict {
	case InDoubt, ServerError, Conflict, InFlight:
		return true
	case Stop:
		return a.Status >= 200 && a.Status < 400
	}
	return false
}

// An Error is a failure that the API answered with. Texts are the API's own,
// cut to a bearable length and without control characters or keys.
type Error struct {
	Status                     int
	Type, Code, Param, Message string
	RequestID                  string
}

// Error is the API's message with what is needed to look the request up.
func (e *Error) Error() string {
	b := []byte("the API answered ")
	b = strconv.AppendInt(b, int64(e.Status), 10)
	if kind := orElse(e.Code, e.Type); kind != "" {
		b = append(b, " ("+kind+")"...)
	}
	if e.Message != "" {
		b = append(b, ": "+e.Message...)
	}
	if e.Param != "" {
		b = append(b, " [param "+e.Param+"]"...)
	}
	if e.RequestID != "" {
		b = append(b, " (request "+e.RequestID+")"...)
	}
	return string(b)
}
