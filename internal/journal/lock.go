package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// errHeld is what tryLock returns when another process has the lock.
var errHeld = errors.New("held by another process")

// A lock keeps other processes from writing the journal. The file stays for
// ever: removing it would let two processes lock two files of one name.
type lock struct {
	f    *os.File
	disk disk
}

// lockNote is what the lock file says: who holds the lock, or how the journal
// looked when it was last closed. It is a help for messages and a guard against
// damage at rest; the lock itself is the kernel's.
type lockNote struct {
	PID     int    `json:"pid,omitempty"`
	Host    string `json:"host,omitempty"`
	Since   string `json:"since,omitempty"`
	Command string `json:"command,omitempty"`
	Closed  *seal  `json:"closed,omitempty"`
}

// A seal describes a journal that was closed with nothing left in its WAL.
type seal struct {
	Size   int64  `json:"size"`
	CRC32C uint32 `json:"crc32c"`
}

// takeLock locks the journal at path. The note is the one that the last holder
// left.
func takeLock(d disk, path string, now time.Time, command string) (*lock, lockNote, error) {
	f, err := d.open(path+".lock", os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, lockNote{}, fmt.Errorf("journal %q cannot be locked: %w", path, err)
	}
	if err := tryLock(f); err != nil {
		defer f.Close()
		if errors.Is(err, errHeld) {
			return nil, lockNote{}, &LockedError{Path: path, Holder: holderOf(f)}
		}
		return nil, lockNote{}, fmt.Errorf("journal %q cannot be locked on this file system: %w; keep it on a local disk", path, err)
	}
	before := readNote(f)    // only now: before, it was somebody else's to write
	host, _ := os.Hostname() // only for the message
	l := &lock{f, d}
	if err := l.write(lockNote{PID: os.Getpid(), Host: host, Since: now.UTC().Format(time.RFC3339), Command: command, Closed: before.Closed}); err != nil {
		return nil, before, errors.Join(fmt.Errorf("journal %q cannot be locked: %w", path, err), l.release())
	}
	return l, before, nil
}

// holderOf says who holds a lock that is held by another process. The note is
// the holder's, unless it has taken the lock this very moment or died with it:
// then it names the one before, who is not to be blamed.
func holderOf(f *os.File) string {
	n := readNote(f)
	if n.PID == 0 || !alive(n) {
		return "another process"
	}
	return n.holder()
}

// alive says whether the process of the note may still be there. Of another host
// nothing is known.
func alive(n lockNote) bool {
	host, err := os.Hostname()
	return err != nil || host != n.Host || running(n.PID)
}

func (n lockNote) holder() string {
	s := fmt.Sprintf("process %d on %s since %s", n.PID, n.Host, n.Since)
	if n.Command != "" {
		s += fmt.Sprintf(" (%s)", n.Command)
	}
	return s
}

// readNote returns what the lock file says, or nothing when it says nothing
// that can be read.
func readNote(f *os.File) (n lockNote) {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 64<<10))
	if err != nil || json.Unmarshal(text, &n) != nil {
		return lockNote{}
	}
	return n
}

// write replaces the note. It is synced: a stale seal on an open journal would
// read as damage after a power cut.
func (l *lock) write(n lockNote) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if err := l.disk.truncate(l.f, 0); err != nil {
		return err
	}
	if err := l.disk.writeAt(l.f, append(text, '\n'), 0); err != nil {
		return err
	}
	return l.disk.sync(l.f)
}

// release gives the lock up by closing its file.
func (l *lock) release() error { return l.f.Close() }

// unseal takes the seal out of the note before the journal is written to.
func (l *lock) unseal() error {
	n := readNote(l.f)
	if n.Closed == nil {
		return nil
	}
	n.Closed = nil
	return l.write(n)
}
