package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"
)

// errHeld is what tryLock returns when another process has the lock.
var errHeld = errors.New("held by another process")

// A lock keeps other processes from writing the journal. The file stays for
// ever: removing it would let two processes lock two files of one name.
type lock struct {
	f *os.File
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
func takeLock(path string, now time.Time, command string) (*lock, lockNote, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, lockNote{}, fmt.Errorf("journal %q cannot be locked: %w", path, err)
	}
	before := readNote(f)
	if err := tryLock(f); err != nil {
		f.Close()
		if errors.Is(err, errHeld) {
			return nil, before, &LockedError{Path: path, Holder: before.holder()}
		}
		return nil, before, fmt.Errorf("journal %q cannot be locked on this file system: %w; keep it on a local disk", path, err)
	}
	// Read again: the former holder may have closed between reading and locking.
	before = readNote(f)
	host, _ := os.Hostname() // only for the message
	l := &lock{f}
	if err := l.write(lockNote{PID: os.Getpid(), Host: host, Since: now.UTC().Format(time.RFC3339), Command: command, Closed: before.Closed}); err != nil {
		l.release()
		return nil, before, fmt.Errorf("journal %q cannot be locked: %w", path, err)
	}
	return l, before, nil
}

func (n lockNote) holder() string {
	if n.PID == 0 {
		return "another process"
	}
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
	if err := l.f.Truncate(0); err != nil {
		return err
	}
	if _, err := l.f.WriteAt(append(text, '\n'), 0); err != nil {
		return err
	}
	return l.f.Sync()
}

// release gives the lock up by closing its file.
func (l *lock) release() error { return l.f.Close() }

// measure reads the journal's file through and returns its seal.
func measure(path string) (*seal, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	n, err := io.Copy(h, f)
	if err != nil {
		return nil, err
	}
	return &seal{n, h.Sum32()}, nil
}

// unseal takes the seal out of the note before the journal is written to.
func (l *lock) unseal() error {
	n := readNote(l.f)
	if n.Closed == nil {
		return nil
	}
	n.Closed = nil
	return l.write(n)
}
