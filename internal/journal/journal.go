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
//     determinately refused the one before, never executed any of it, or was
//     looked through and does not have it, a day after it was last sent.
//   - To settle is to say what became of a call in doubt otherwise than by an
//     answer to it: by looking it up in the account ([Journal.Settle]), or by a
//     person's decision ([Journal.Decide]). Either is a decision on disk.
//   - To adopt is to take as reported what the account has: a call in doubt that
//     was found, or calls of a lost journal ([Plan.Adopt]).
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
//	unknown ──Settle──▶ reconciling ──Settle──▶ adopted | conflict
//	   └──────────────────────┴──Settle──▶ planned, in the next epoch
//	unknown, reconciling, conflict ──Decide──▶ adopted | planned, in the next epoch | rejected
//
// [Journal.Begin] returns when the intent is on disk, so no byte leaves before.
// [Journal.Finish] is queued behind it and may reach the disk later: a crash in
// between leaves "sending", which the next [Open] turns into "unknown", and the
// call is asked again under its key. "sending" goes back to "planned" only when
// the call was certainly not executed and never was in doubt. "reconciling" is
// never sent again under its key, whatever the clock says later. confirmed and
// adopted are final; conflict is left by a decision only; rejected is final for
// its epoch, and for good when a person left the call out. Later steps of a
// payment never pass one that is refused, in conflict or being looked up.
//
// # On disk
//
//	meta   identity of the account, pinned when the journal is made
//	run    one row for each plan; its entries are the numbers first..last
//	file   names of input files
//	entry  one row for each planned call, in file order, never changed
//	body   form bytes of entries that may still have to be sent, packed; then deleted
//	shape  what bodies have in common, once
//	item   what sealing decided about an entry: disposition, lane, operation
//	op     one row for each operation and epoch: state, ids, times, answer
//	claim  calls that lie side by side and may be on their way; see below
//	block  payments of a run being planned that must not be sent
//	decision  how calls in doubt or in conflict were settled, by whom and why
//	run_rows, run_class, run_called  the account of a run's rows
//	note      why a row became no call
//
// entry.no counts up over the whole journal; op.no is the entry that brought the
// epoch about, op.home the entry whose body and content it has. An epoch that
// began because the call was absent keeps its row; decision remembers the one
// before. A content may be the beginning of a hash only, or empty, where all
// that is known of the call is its stamp. The schema is
// private: application_id marks the file, user_version counts its format.
//
// An account of rows ([Account]) comes with the plan and is there when it is
// sealed, and never without it. It counts what no entry can tell: rows that were
// ignored, held or rejected before they became calls, with the mapping's own
// totals of them. A note says why one row was held or rejected.
//
// # Sealing
//
// A plan's calls are compared with each other and with the journal. Most stand in
// their plan once and are the only call of their payment; two sieves (Bloom
// filters) notice the others while they are added, so that only those are sorted,
// and memory stays flat. In a large plan the plain ones are sealed ahead: they get
// their items, and new ones their operations, with the batch that they are written
// in, while rows are still being read. The rest is decided in one transaction when
// the plan is sealed. Until then nobody sees any of it (a run in state "planning",
// and operations from its first entry on), and a crash makes all of it disappear;
// so batches need not last, and several are committed together. The first plan of a
// journal makes the indexes after the rows. Bodies of calls that have had their
// effect are not written again.
//
// # Durability
//
// WAL with synchronous=FULL on one writing connection that one goroutine owns. A WAL
// that has grown long is moved into the database beside that goroutine's loop, which
// goes on meanwhile, until so little is left that the loop moves it itself. Until the
// checksums of what was moved are on disk, a reader keeps the WAL from beginning anew.
// What is waiting is committed together, and an answer that nobody waits for
// waits some milliseconds for the next call that is begun, whose sync it shares.
// So do calls that are begun while a crowd of others is, most of which wait for the wire.
// The jobs of this connection call SQLite without database/sql, which costs more
// than what SQLite does for a call, and so do the readers of lanes and entries. A
// step whose lane was read a moment ago is begun in one statement, which says how
// it stood then and changes nothing when it does not any more; and where nothing
// slows a run down ([Journal.BeginAhead]), payments that are next are begun by the
// hundred, under one claim that is on disk before the first of them leaves, and
// their answers written by the hundred, in the order of their calls. Bodies that answers
// spent are gathered and dropped together: by the thousand, before any job that is
// not sending, when everything is to be on disk, and, those of a process that
// died, when the journal is opened. The first failed write or sync is
// final: a file whose sync failed cannot be trusted to read back, so the
// journal refuses every further write and the caller stops sending. One process
// writes at a time, held by a lock on PATH.lock that dies with the process; the
// lock file is never removed.
//
// Before anything is sent, the files are held against what was written, to the
// bit, and a journal that is not as it was is refused:
//
//   - Closed, the lock file holds size and checksum of the database (its seal), as
//     far as was written to it.
//   - While it is open, PATH.sums holds a checksum of every page of the database
//     file and a note of how far the WAL reached when something was last
//     promised. After a crash the WAL is read through without SQLite, which
//     would take damage for the torn end of a write and drop what is behind it;
//     then every page that is not in the WAL is compared. This is why the writer
//     moves the WAL into the database itself, and notes what it moved. The seal is
//     reckoned from these checksums; pages that SQLite never writes are zeros.
//   - The database itself says, below the WAL, that it is not whole without it;
//     a copy without one is refused.
//
// When a process dies, however it dies, all of this is exact. When the machine
// loses power, the note may have fallen behind by what the system had not
// written yet (it is synced only when the WAL is moved, not to double the syncs):
// then damage in the last commits of the WAL is still noticed where later ones
// follow it, but a WAL that was cut at the end of a commit, or whose very last
// commit is damaged, looks like one that never got further. The keys, which do
// not depend on the journal, protect against that for as long as the API
// remembers them. A journal without seal and sums (a copy of database and WAL)
// has the checks of SQLite alone.
package journal

import (
	"fmt"

	"github.com/payrec/payrec/record"
)

// An Identity says whose journal this is. It is pinned when the journal is
// made, because an operation known to one account says nothing about another.
type Identity struct {
	Account  string // the user's name for the account
	Livemode bool
	Endpoint string // "api.stripe.com", "loopback" or "sandbox:acct_…"
	// AccountID is the account's own id, acct_…, or "" when the key may not
	// read it. Once known it is pinned as well: a key of another account under
	// the same name must not find its payments reported already.
	AccountID string
}

// Same says whether both can be the same journal's. An unknown account id
// contradicts none.
func (id Identity) Same(o Identity) bool {
	if id.AccountID == "" || o.AccountID == "" {
		id.AccountID, o.AccountID = "", ""
	}
	return id == o
}

func (id Identity) String() string {
	mode := "test mode"
	if id.Livemode {
		mode = "live mode"
	}
	account := id.Account
	if id.AccountID != "" {
		account += " " + id.AccountID
	}
	return fmt.Sprintf("%s (%s) at %s", account, mode, id.Endpoint)
}

// Scope names the account for [record.OpID]. The endpoint is left out: it names
// the way to the account, not the account.
func (id Identity) Scope() string {
	if id.Livemode {
		return id.Account + "/live"
	}
	return id.Account + "/test"
}

// The journal's words are the domain's.
type (
	State       = record.State
	Op          = record.Op
	Disposition = record.Disposition
	Step        = record.Step
	Lane        = record.Lane
	Outcome     = record.Outcome
	Entry       = record.Entry
	Tally       = record.Tally
)

// The states of an operation.
const (
	Planned     = record.Planned
	Sending     = record.Sending
	Unknown     = record.UnknownState
	Reconciling = record.Reconciling
	Confirmed   = record.Confirmed
	Rejected    = record.Rejected
	Adopted     = record.Adopted
	Conflict    = record.ConflictState
)

// The dispositions. Only New, Retry and those Changed calls that are in doubt
// have something to send; of the latter the old bytes are retried.
const (
	New         = record.New
	Retry       = record.Retry
	Same        = record.Same
	Changed     = record.Changed
	Duplicate   = record.Duplicate
	Conflicting = record.Conflicting
	Held        = record.Held
	Parked      = record.Parked
)
