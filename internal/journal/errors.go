package journal

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"modernc.org/sqlite/lib" // SQLite's codes
)

// ErrReadOnly is returned by the writing methods of a journal opened with
// [OpenReadOnly].
var ErrReadOnly = errors.New("the journal is open for reading only")

// ErrClosed is returned after [Journal.Close].
var ErrClosed = errors.New("the journal is closed")

// A LockedError says that another process writes the journal.
type LockedError struct {
	Path   string // of the journal
	Holder string // who holds it, as far as the lock file tells
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("journal %q is in use by %s; wait until it is done, or give this import a journal of its own", e.Path, e.Holder)
}

// An IdentityError says that the journal belongs to another account, mode or
// endpoint than the one it was opened for.
type IdentityError struct {
	Path      string
	Have, Ask Identity
}

func (e *IdentityError) Error() string {
	return fmt.Sprintf("journal %q belongs to %s, not to %s; name that account's journal, or a new file", e.Path, e.Have, e.Ask)
}

// A FormatError says that the file is no journal that this program can trust:
// foreign, damaged, or of a newer format.
type FormatError struct {
	Path   string
	Reason string // what is wrong and what to do next
	Err    error  // the cause, may be nil
}

func (e *FormatError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("journal %q %s (%v)", e.Path, e.Reason, e.Err)
	}
	return fmt.Sprintf("journal %q %s", e.Path, e.Reason)
}

func (e *FormatError) Unwrap() error { return e.Err }

// A TransitionError says that an operation's state does not allow what was
// asked. It is a fault of the caller; nothing was written.
type TransitionError struct {
	Op     string
	Epoch  int
	Reason string
}

func (e *TransitionError) Error() string {
	return fmt.Sprintf("operation %s-%d: %s", e.Op, e.Epoch, e.Reason)
}

// A WriteError says that the journal could not be written. It is final: every
// later write returns it, because nothing may be sent that is not on disk.
type WriteError struct {
	Path string
	Err  error
}

func (e *WriteError) Error() string {
	what, remedy := explain(e.Err)
	return fmt.Sprintf("journal %q cannot be written, so nothing more is sent: %s; %s and run the same command again", e.Path, what, remedy)
}

func (e *WriteError) Unwrap() error { return e.Err }

// named puts the journal's name before an error of SQLite's, and words it:
// whoever reads it must know which file is meant, and what to do.
func (j *Journal) named(err *error) {
	var failed coded
	if errors.As(*err, &failed) && !strings.Contains((*err).Error(), j.path) {
		*err = unreadable(j.path, *err)
	}
}

func unreadable(path string, err error) error {
	what, remedy := explain(err)
	return &wordedError{fmt.Sprintf("journal %q: %s; %s and run the same command again", path, what, remedy), err}
}

// A wordedError says in words what another error has as a code.
type wordedError struct {
	text  string
	cause error
}

func (e *wordedError) Error() string { return e.text }
func (e *wordedError) Unwrap() error { return e.cause }

// A coded error is one of SQLite's, by way of database/sql or not.
type coded interface {
	error
	Code() int
}

// explain says what a failure of the disk was and what to do about it.
func explain(err error) (what, remedy string) {
	var failed coded
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full (" + err.Error() + ")", makeRoom
	case errors.As(err, &failed):
		if what, remedy := explainCode(failed.Code()); what != "" {
			return fmt.Sprintf("%s (SQLite %d)", what, failed.Code()), remedy
		}
	}
	return err.Error(), seeDisk
}

const (
	makeRoom = "make room"
	seeDisk  = "see to the disk"
	allow    = "let its folder be written to"
)

// explainCode words the codes of https://www.sqlite.org/rescode.html that a disk
// brings about; "" for the others.
func explainCode(code int) (what, remedy string) {
	switch code {
	case sqlite3.SQLITE_FULL:
		return "the disk is full", makeRoom
	case sqlite3.SQLITE_IOERR_SHMSIZE:
		return "the disk has no room for its \"-shm\" file", makeRoom
	case sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMMAP, sqlite3.SQLITE_IOERR_SHMLOCK:
		return "its \"-shm\" file cannot be shared on this file system", "keep the journal on a local disk"
	case sqlite3.SQLITE_READONLY_DIRECTORY:
		return "its folder cannot be written to, and its \"-wal\" and \"-shm\" files belong there", allow
	case sqlite3.SQLITE_READONLY_DBMOVED:
		return "its file was moved or replaced while it was in use", "put it back"
	case sqlite3.SQLITE_IOERR_WRITE:
		return "a write failed", seeDisk
	case sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_IN_PAGE:
		return "it cannot be read", seeDisk
	case sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC:
		return "what was written did not reach the disk", seeDisk
	}
	switch code & 0xff {
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return "it may not be written", "let it and " + allow[len("let "):]
	case sqlite3.SQLITE_CANTOPEN:
		return "a file of it cannot be opened", allow
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "another program holds it", "let that finish"
	case sqlite3.SQLITE_IOERR:
		return "the disk failed", seeDisk
	}
	return "", ""
}
