package journal

import (
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite" // the driver's errors
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
	return fmt.Sprintf("journal %q cannot be written, so nothing more is sent: %v; see to the disk and run the same command again", e.Path, e.Err)
}

func (e *WriteError) Unwrap() error { return e.Err }

// named puts the journal's name before an error of SQLite's: whoever reads it
// must know which file is meant.
func (j *Journal) named(err *error) {
	var failed *sqlite.Error
	if errors.As(*err, &failed) && !strings.Contains((*err).Error(), j.path) {
		*err = fmt.Errorf("journal %q: %w", j.path, *err)
	}
}
