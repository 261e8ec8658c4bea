// Package journal keeps the promise that nothing is reported twice: it holds
// what was asked and what was answered, durably, in one SQLite file.
//
// Terms:
//
//   - An operation ([Op]) is one call to the API. Its id ([OpID]) says what the
//     call is, whatever file or row it came from; its content hash says how it
//     reads. Its key (payrec-<id>-<epoch>) is what the API sees.
//   - An epoch is one try to get an operation done. Under one key there is one
//     body and one path, for ever. A new epoch starts only when the API
//     determinately refused the one before, or never executed any of it.
//   - A [State] is how far an epoch got. "unknown" is a state, not an error: the
//     call may or may not have had its effect, and is asked again under the
//     same key with the same bytes.
//   - A run is one plan of calls. Each planned call of it is an [Entry], in file
//     order, with a [Disposition]: what the run does about it.
//   - A [Lane] is one payment of a run with its steps in order; lanes may be
//     worked side by side, the steps of a lane only one after the other.
//
// # Life of an operation
//
//	planned ──Begin──▶ sending ──Finish──▶ confirmed | rejected | conflict
//	   ▲                │  ▲  └──Finish──▶ unknown ──Begin──▶ sending
//	   └──Finish────────┘  └──Begin── (again, same key)
//
// [Journal.Begin] returns when the intent is on disk, so no byte leaves before.
// [Journal.Finish] is queued behind it and may reach the disk later: a crash in
// between leaves "sending", which the next [Open] turns into "unknown", and the
// call is asked again under its key. "sending" goes back to "planned" only when
// the call was certainly not executed and never was in doubt. confirmed,
// adopted and conflict are final; rejected is final for its epoch.
//
// # On disk
//
//	meta   identity of the account, pinned when the journal is made
//	run    one row for each plan; its entries are the numbers first..last
//	file   names of input files
//	entry  one row for each planned call, in file order, never changed
//	body   form bytes of entries that may still have to be sent; then deleted
//	item   what sealing decided about an entry: disposition, lane, operation
//	op     one row for each operation and epoch: state, ids, times, answer
//	block  payments of a run being planned that must not be sent
//
// entry.no counts up over the whole journal; op.no is the entry that brought the
// epoch about, op.home the entry whose body and content it has. The schema is
// private: application_id marks the file, user_version counts its format.
//
// # Durability
//
// WAL with synchronous=FULL on one writing connection that one goroutine owns;
// what is waiting is committed together. The first failed write or sync is
// final: a file whose sync failed cannot be trusted to read back, so the
// journal refuses every further write and the caller stops sending. One process
// writes at a time, held by a lock on PATH.lock that dies with the process; the
// lock file is never removed.
//
// Two things are checked before anything is sent. While nobody writes, the lock
// file holds size and checksum of the closed journal (its seal), so that damage
// at rest, or an older copy put in its place, is refused. While somebody writes,
// the file itself says that it is not whole without its WAL; a copy without one
// is refused. After a crash there is no seal, and SQLite's quick_check stands in.
//
// Known hole: when the writer was killed and the tail of PATH-wal is damaged
// afterwards, SQLite cannot tell that from a torn, uncommitted tail, and the
// last commits are lost in silence. The keys, which do not depend on the
// journal, still protect for as long as the API remembers them.
package journal

import (
	"fmt"
	"time"

	"github.com/payrec/payrec/record"
)

// An Identity says whose journal this is. It is pinned when the journal is
// made, because an operation known to one account says nothing about another.
type Identity struct {
	Account  string // acct_…
	Livemode bool
	Endpoint string // "api.stripe.com", "loopback" or "sandbox:acct_…"
}

func (id Identity) String() string {
	mode := "test mode"
	if id.Livemode {
		mode = "live mode"
	}
	return fmt.Sprintf("%s (%s) at %s", id.Account, mode, id.Endpoint)
}

// A State is how far an operation got in its current epoch.
type State string

// The states of an operation. Reconciling and Adopted are set by
// reconciliation only.
const (
	Planned     State = "planned"     // not asked, or certainly not executed
	Sending     State = "sending"     // the intent is on disk; the answer is not
	Unknown     State = "unknown"     // asked, and nobody knows with what effect
	Reconciling State = "reconciling" // being looked up in the account
	Confirmed   State = "confirmed"   // the API did it
	Rejected    State = "rejected"    // the API determinately refused it
	Adopted     State = "adopted"     // found in the account by its stamp
	Conflict    State = "conflict"    // the key was used for something else: for a person to decide
)

// An Op is one call as it was planned.
type Op struct {
	ID      string // see [OpID]
	Source  string // namespace of payments: one processor account's history
	Payment string // the payment that the call belongs to
	Natural string // the processor's ids that make the call what it is
	Call    record.CallName
	Content string        // digest of how the call reads; equal content, equal wish
	Order   string        // orders the steps of a payment, compared as bytes
	Body    []byte        // form bytes as they will be sent
	Amount  record.Amount // zero when the call carries none
	Class   string        // the row's class in the mapping
	File    string
	Line    int
}

// A Disposition is what a run does about one planned call.
type Disposition string

// The dispositions. Only New, Retry and those Changed calls that are in doubt
// have something to send.
const (
	// New is not known before, or planned before and never sent, or rejected
	// before: then planned anew under the next epoch.
	New Disposition = "new"
	// Retry is in doubt: the same key and the same bytes as journalled.
	Retry Disposition = "retry"
	// Same is confirmed or adopted with equal content: nothing to send.
	Same Disposition = "same"
	// Changed is confirmed, adopted or in doubt with other content: reported,
	// never resent. In doubt, the old bytes are still retried.
	Changed Disposition = "changed"
	// Duplicate stood earlier in the run with the same content.
	Duplicate Disposition = "duplicate"
	// Conflicting stands in the run with other content as well, or is in
	// state [Conflict].
	Conflicting Disposition = "conflict"
	// Held needs a record that its payment does not have.
	Held Disposition = "held"
	// Parked belongs to a blocked payment, or follows a conflicting step.
	Parked Disposition = "parked"
)

// A Step is one call of a lane that is still to be made.
type Step struct {
	Op                  // as journalled, which for a retry may be an earlier run's
	Epoch     int       //
	State     State     // Planned, Sending or Unknown
	FirstSent time.Time // of this epoch; zero when it never was sent
	Attempts  int       // Begins of this epoch
}

// Key is the Idempotency-Key of the step.
func (s Step) Key() string { return Key(s.ID, s.Epoch) }

// Key is the Idempotency-Key of an operation in an epoch.
func Key(opID string, epoch int) string { return fmt.Sprintf("payrec-%s-%d", opID, epoch) }

// A Lane is one payment of a run with the steps that are still to be made, in
// the order in which they must be made.
type Lane struct {
	No       int64 // ascending with the payment's first appearance in the files
	Source   string
	Payment  string
	RecordID string // the payment's record; "" while it has none
	Steps    []Step
}

// An Outcome is what a call came to.
type Outcome struct {
	// State is Confirmed, Rejected, Unknown, Conflict, or Planned for a call
	// that certainly was not executed and never was in doubt.
	State      State
	RecordID   string // pr_…; needed when report_payment is confirmed
	ObjectID   string // the attempt or refund that the answer names, if any
	RequestID  string // req_…
	HTTPStatus int
	Code       string // of the API's error
	Param      string
	Message    string
}
