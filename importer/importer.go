// Package importer runs one import: it plans, it sends, and it accounts for
// every row.
//
// Terms:
//
//   - A run is one import of some files with one mapping.
//   - To plan is to read every row, classify it, turn it into calls and write
//     these into a [Book]. Nothing is sent, and memory stays flat: payments
//     whose rows lie far apart meet in the book, not here.
//     Rows are mapped side by side, and taken in their order (pipeline.go); those
//     of a mapping that gathers are mapped one after the other.
//   - A [Draft] is the book of a dry run: it holds a plan against itself alone,
//     and is gone afterwards.
//   - To apply is to send what a sealed plan says is to be sent, through a
//     [Sender], noting in a [Ledger] each intent before its bytes leave and
//     each answer after it came.
//   - A lane is one payment's calls. They go in order, one at a time; lanes
//     run in parallel, bounded. A failed step parks the later ones of its
//     payment only; attach_payment, which changes an invoice and not the
//     payment, parks none.
//   - The books of a run are its [Rows] and its [Calls]. They balance, or the
//     run says that they do not.
//
// What ends where:
//
//	rows  = emitted + attached + ignored + held + rejected
//	calls = confirmed + already there + rejected + parked + in doubt
//
// A plan is dropped, and nothing of it is ever sent, when a row has no class,
// when a file cannot be read to its end, or when a check that says stop does
// not hold. A row whose cells cannot be read, or whose call contradicts another
// under the same id, is rejected: it goes to the rejects file, its payment's
// other calls are parked with it, and the rest of the plan stands.
//
// Running the same import again is the resume; there is no other path. What was
// confirmed is not asked again, what is in doubt is asked again under its own
// key with its own bytes, and what was refused is tried anew.
//
// # Speed
//
// A rate that somebody keeps, the user or the API's limiter, is the ceiling of
// nearly every run; see [Throttle]. Where none is kept, the disk would be: each
// intent must be on it before its bytes leave. So intents are written ahead of
// the wire there, some for each connection: one sync serves many, and the wire
// never waits. After a crash as many more calls are asked again under their keys;
// after an interrupt they are taken back. With one lane nothing is written ahead.
//
// # Doubt that a key cannot settle
//
// A key is relied on for 23 hours. A call that is in doubt for longer, whose
// clock went backwards, or whose key can only ever answer 500, is looked up in
// the account instead, before the run sends anything: all payments in one scan
// of the list, every later call by one look at its record. A [Reconciler]
// adopts what carries the call's own stamp; sends anew, under a new key, what a
// whole scan did not find a day after it was last sent; leaves in doubt what is
// younger; and puts before a person what the account contradicts. A payment is
// never adopted by its reference: no API promises that it is unique.
//
// attach_payment leaves no stamp, since it takes no metadata. One in doubt is
// looked up among its invoice's payments; and so is one that was never sent, when
// the journal knows its payment from the account only: a lost journal may have
// known that it was made.
//
// The package knows no engine and no screen. It drives a journal, a sender and
// a limiter through the interfaces below and reports progress as values.
package importer

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/payrec/payrec/record"
)

// A Book is where one run's plan is written. It belongs to one goroutine.
type Book interface {
	// Run is the run's id.
	Run() string
	// Add writes a planned call down. It may keep it back for a while.
	Add(ctx context.Context, op record.Op) error
	// Block parks all calls of a payment, because one of its rows cannot be
	// imported.
	Block(ctx context.Context, source, payment, reason string) error
	// Seal gives every call its disposition. After it, the plan can be applied.
	Seal(ctx context.Context) ([]record.Tally, error)
	// Entries iterates over the sealed plan in the order of its rows: the calls
	// of the given dispositions, or all.
	Entries(ctx context.Context, dispositions ...record.Disposition) iter.Seq2[record.Entry, error]
	// Discard drops the plan as if it had never been.
	Discard(ctx context.Context) error
}

// A RowKeeper is a [Book] that also keeps what became of the rows, as part of
// the plan: it is there when the plan is sealed, and gone with it.
type RowKeeper interface {
	// Note keeps why a row is not imported as it stands. Notes come in the order
	// of the rows.
	Note(ctx context.Context, n record.RowNote) error
	// Account says what became of all rows; once, before the plan is sealed.
	Account(a record.RowAccount) error
}

// A Ledger is the memory of what was asked and answered.
//
// Begin must not return before the intent is durable. Finish may: an answer
// that is lost in a crash is asked for again under the same key. After a
// failed write every further Begin must fail.
type Ledger interface {
	// Lanes returns the next payments of a run, after the given lane number,
	// that have steps still to be sent; none at the end.
	Lanes(ctx context.Context, run string, after int64, limit int) ([]record.Lane, error)
	Begin(ctx context.Context, opID string, epoch int, recordID string) error
	// BeginAhead begins a call that makes a record, and lets the intents of up to
	// ahead more that come next be durable with its own.
	BeginAhead(ctx context.Context, opID string, epoch, ahead int) error
	Finish(ctx context.Context, opID string, epoch int, o record.Outcome) error
	// Flush returns when everything that was finished is durable.
	Flush(ctx context.Context) error
	// Entries iterates over a run's calls in the order of their rows: those of
	// the given dispositions, or all.
	Entries(ctx context.Context, run string, dispositions ...record.Disposition) iter.Seq2[record.Entry, error]
	// Tallies counts a run's calls by disposition and state.
	Tallies(ctx context.Context, run string) ([]record.Tally, error)
}

// A Sender sends one call and says what its answer means. It must be safe for
// concurrent use and must put exactly these bytes on the wire, at most once.
type Sender interface {
	Send(ctx context.Context, r Request) Answer
}

// An Adopter is a [Book] that also takes what the account has already.
type Adopter interface {
	// Adopt enters calls as reported and returns how many were not known before.
	Adopt(ctx context.Context, found []record.Found) (int, error)
	// Orphans lists the payments whose later calls the plan so far has, while
	// nobody knows their record.
	Orphans(ctx context.Context) ([]string, error)
}

// A Docket holds the calls that are in doubt, and how they were settled.
type Docket interface {
	// Doubts iterates over a run's calls in doubt. They may be settled while it
	// runs.
	Doubts(ctx context.Context, run string) iter.Seq2[record.Doubt, error]
	// Call is one call, by its id, as if it were in doubt.
	Call(ctx context.Context, opID string) (record.Doubt, error)
	// Settle says what looking a call up came to: Adopted, ConflictState,
	// Reconciling, or Planned for a new epoch with the same body. It must be safe
	// for concurrent use, and durable when it returns.
	Settle(ctx context.Context, opID string, epoch int, o record.Outcome) error
}

// A Reader reads the account. Whether its bounds of time are inclusive is
// nobody's promise, so it is asked for more than is needed.
type Reader interface {
	// Records iterates over the account's records that were made between two
	// times in Unix seconds, 0 for an open end. After an error it ends.
	Records(ctx context.Context, createdAfter, createdBefore int64) iter.Seq2[*record.PaymentRecord, error]
	// Record is one record, or [ErrNoRecord].
	Record(ctx context.Context, id string) (*record.PaymentRecord, error)
	// Attached says whether a record is attached to an invoice.
	Attached(ctx context.Context, invoice, recordID string) (bool, error)
}

// ErrNoRecord is wrapped by [Reader.Record] when the account has no such record.
var ErrNoRecord = errors.New("the account has no such payment record")

// A Request is one call as it leaves.
type Request struct {
	Path string // URL path
	Key  string // Idempotency-Key
	Body []byte // the form
}

// A Verdict is what an answer means for the call.
type Verdict string

// The verdicts. Done, Refused and Conflict settle a call; after all the others
// it stays as certain, or as much in doubt, as it was before, unless the answer
// says that this very try may have been executed.
const (
	Done     Verdict = "confirmed"    // it happened
	Refused  Verdict = "rejected"     // it did not happen and will not
	Conflict Verdict = "conflict"     // the key was used with other parameters
	NotSent  Verdict = "not_sent"     // no byte of it left
	InDoubt  Verdict = "in_doubt"     // no answer, or none that can be read
	Failed   Verdict = "server_error" // a 500
	Running  Verdict = "in_flight"    // the same key is being answered elsewhere
	Limited  Verdict = "limited"      // the limiter turned it away
	Locked   Verdict = "locked"       // the object was busy
	StopRun  Verdict = "stop"         // nothing of this run can be sent: key, account or mode are wrong
)

// An Answer is what came back.
type Answer struct {
	Verdict Verdict
	Outcome record.Outcome // ids, request id, status, code, param and message; its State is not set
	// MayHaveRun says that this try may have been executed without our knowing.
	MayHaveRun bool
	// Final says that asking again under this key cannot bring another answer.
	Final      bool
	Replayed   bool          // the saved answer of an earlier try
	Date       time.Time     // the server's clock; zero when it did not say
	Limit      string        // which limiter turned it away, for Limited
	RetryAfter time.Duration // what the server asked for; 0 if nothing
	Err        error         // the cause, for people
}

// A Limiter says when the next request may leave. It must be safe for
// concurrent use.
type Limiter interface {
	// Unlimited says that no rate is kept at the moment: Reserve returns 0.
	Unlimited() bool
	// Reserve takes the next place and returns how long to wait for it.
	Reserve() time.Duration
	// Report tells how a request fared, so that the rate can adapt.
	Report(v Verdict, limit string)
}
