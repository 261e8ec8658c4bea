package record

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"time"
)

// An Op is one call that a row of a file asks for, with the identity under
// which it is planned, sent and remembered.
type Op struct {
	ID      string // see [OpID]
	Source  string // the namespace of payment keys and natural ids, such as "adyen"
	Payment string // the payment's key: the calls of one payment go in order
	Natural string // the call's natural id, such as a refund's own reference
	Call    CallName
	Content string // a hash of how the call reads, without where it was read
	Order   string // orders the calls of a payment, compared as bytes
	Body    []byte // the form, byte for byte as it will be sent
	Amount  Amount // what the call moves; zero when it moves nothing
	Class   string // the class of the row
	File    string // the row's file, by its base name
	Line    int    // the row's line, or its row number in a workbook
}

// OpID is what a call is, independent of file, row order, edits and time: 26
// characters that are equal for equal arguments only. scope names the account
// (and whether it is live).
func OpID(scope, source string, call CallName, natural string) string {
	return string(AppendOpID(nil, scope, source, call, natural))
}

// AppendOpID appends what [OpID] is.
func AppendOpID(b []byte, scope, source string, call CallName, natural string) []byte {
	var few [256]byte
	parts := few[:0]
	for _, part := range [...]string{"payrec/1", scope, source, string(call), natural} {
		parts = appendPart(parts, part)
	}
	sum := sha256.Sum256(parts)
	var id [28]byte // of 17 bytes; 26 characters are 130 bits
	base32Lower.Encode(id[:], sum[:17])
	return append(b, id[:26]...)
}

// base32Lower is the alphabet of RFC 4648 in small letters.
var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// appendPart appends a text behind its length, which keeps ("ab", "c") apart
// from ("a", "bc").
func appendPart(b []byte, s string) []byte {
	b = append(strconv.AppendInt(b, int64(len(s)), 10), ':')
	return append(b, s...)
}

// A State is how far a call has come.
type State string

// The states of a call. Confirmed, Rejected, Adopted and ConflictState are
// terminal: they regress only by a person's decision, or, for Rejected, by the
// wish to try again under a new epoch.
const (
	Planned       State = "planned"     // written down, never sent under this epoch
	Sending       State = "sending"     // its intent is on disk; bytes may have left
	UnknownState  State = "unknown"     // it may have happened
	Reconciling   State = "reconciling" // being looked up in the account
	Confirmed     State = "confirmed"   // the API said so
	Rejected      State = "rejected"    // the API refused it; nothing happened
	Adopted       State = "adopted"     // found at the API by its stamp
	ConflictState State = "conflict"    // its key was used with other parameters, or the account contradicts it; a person decides
)

// There says whether the call is known to have had its effect.
func (s State) There() bool { return s == Confirmed || s == Adopted }

// Codes of outcomes that no answer of the API brought about.
const (
	CodeSkipped = "payrec_skipped" // Rejected, because a person decided to leave the call out
	CodeResend  = "payrec_resend"  // Rejected, because a person decided to send it under a new epoch, and its body is gone
)

// A Disposition is what a run will do about a planned call.
type Disposition string

// The dispositions, given when a plan is sealed.
const (
	New         Disposition = "new"       // to be sent
	Retry       Disposition = "retry"     // in doubt since an earlier run: the same bytes under the same key
	Same        Disposition = "same"      // confirmed before with the same content: nothing to do
	Changed     Disposition = "changed"   // confirmed before with other content: reported, never sent again
	Duplicate   Disposition = "duplicate" // stands earlier in this run with the same content
	Conflicting Disposition = "conflict"  // stands in this run with other content
	Held        Disposition = "held"      // its payment has no record yet
	Parked      Disposition = "parked"    // an earlier step of its payment cannot be sent
)

// A Lane is one payment's steps, to be taken one after another.
type Lane struct {
	No       int64 // ascending in the order in which payments first appear
	Source   string
	Payment  string
	RecordID string // pr_…, "" until the payment has been reported
	Steps    []Step
}

// A Step is one call of a lane, as it stands in the journal. Its Op may have no more
// than sending takes: ID, Source, Payment, Call and Body.
type Step struct {
	Op
	Epoch     int // 0, and one more after each determinate refusal that was tried anew
	State     State
	FirstSent time.Time // under this epoch; zero if never
	Attempts  int       // how often it was sent under this epoch
}

// Key is the step's Idempotency-Key.
func (s Step) Key() string { return IdempotencyKey(s.ID, s.Epoch) }

// IdempotencyKey is the key of an operation in an epoch: one key, one path and
// body, for ever.
func IdempotencyKey(opID string, epoch int) string {
	return "payrec-" + opID + "-" + strconv.Itoa(epoch)
}

// A Doubt is a call that may have happened, with what the journal knows to look
// it up by.
type Doubt struct {
	Op
	Outcome
	Epoch     int
	FirstSent time.Time // under this epoch
	LastSent  time.Time
	// Since is the first time the call was sent under any epoch: the API may
	// complete a request of an earlier epoch late.
	Since  time.Time
	Target string // the record that it acts on; "" for report_payment
	// Before is the latest attempt of that record as the journal last heard of
	// it, before this call; "" when it is not known.
	Before string
	// Refunded is the sum of the payment's other refunds that are known to be
	// there, in minor units.
	Refunded int64
	// Others are the payment's other refunds in doubt or in conflict, for a
	// refund; the payment's other calls of the same name, for other calls.
	Others int
	Run    string // the last run that planned it
}

// A Found is a call that the account has, by its stamps, and the journal may
// not know.
type Found struct {
	Op              // Content may be the beginning of a content hash, or "" for none
	RecordID string // pr_…
}

// A Decision is how a person, or the looking up, settled a call.
type Decision struct {
	Op       string
	Epoch    int
	At       time.Time
	Who      string // "payrec" for what was looked up
	What     string // adopt, resend, skip, absent or conflict
	Reason   string
	RecordID string
	From     State
}

// An Outcome is what came of sending a step.
type Outcome struct {
	State      State
	RecordID   string // pr_…, when confirmed
	ObjectID   string // the id of the object in the answer
	RequestID  string // req_…
	HTTPStatus int
	Code       string // of the API's error
	Param      string
	Message    string
}

// A Tally counts calls that are alike, with the sum of their amounts.
type Tally struct {
	Call        CallName
	Class       string
	Currency    Currency // "" when the calls move nothing
	Disposition Disposition
	State       State // "" for a call that is not sent in this run
	N           int64
	Value       int64 // minor units
}

// An Entry is one planned call of a run and what became of it. Its Body is nil,
// and its State is "" when nothing of it can be sent.
type Entry struct {
	Op
	Outcome
	Disposition Disposition
	Epoch       int
	Attempts    int       // how often it was sent under its epoch
	FirstSent   time.Time // under its epoch; zero if never
	LastSent    time.Time
	Reason      string // why it is held, parked or in conflict
	// The earlier reading of a same, changed, duplicate or conflicting call:
	// where it stood, and its content.
	PreviousFile    string
	PreviousLine    int
	PreviousContent string
}
