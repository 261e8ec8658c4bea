package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"modernc.org/sqlite/lib"
)

// TestWording: what the disk did is said in words, and what to do about it.
func TestWording(t *testing.T) {
	for _, tt := range []struct {
		step         string // of SQLite's that fails
		code         int32
		what, remedy string
	}{
		{"write", sqlite3.SQLITE_FULL, "the disk is full (SQLite 13)", "make room"},
		{"map", sqlite3.SQLITE_IOERR_SHMSIZE, "no room for its \"-shm\" file (SQLite 4874)", "make room"},
		{"write", sqlite3.SQLITE_IOERR_WRITE, "a write failed (SQLite 778)", "see to the disk"},
		{"sync", sqlite3.SQLITE_IOERR_FSYNC, "did not reach the disk (SQLite 1034)", "see to the disk"},
		{"write", sqlite3.SQLITE_READONLY_DIRECTORY, "its folder cannot be written to", "let its folder be written to"},
	} {
		failing := false
		useFaultyVFS(t, func(step, path string, size int32) fault {
			if failing && step == tt.step {
				return fault{code: tt.code}
			}
			return fault{}
		})
		path := filepath.Join(t.TempDir(), "j")
		o := Options{Clock: clock, vfs: faultyVFS}
		j, err := Open(context.Background(), path, me, o)
		if err != nil {
			t.Fatal(err)
		}
		failing = true
		if tt.step == "map" {
			failing = false
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			failing = true
			_, err = Open(context.Background(), path, me, o)
		} else {
			_, err = j.NewRun(context.Background(), RunInfo{})
			j.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.what) || !strings.Contains(err.Error(), tt.remedy+" and run") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s fails with %d: %v", tt.step, tt.code, err)
		}
	}
	e := &WriteError{"j", fmt.Errorf("write j.sums: %w", syscall.ENOSPC)}
	if !strings.Contains(e.Error(), "the disk is full (write j.sums") {
		t.Error(e)
	}
}

// TestReadOnlyFolder: a folder that cannot be written to is named as such.
func TestReadOnlyFolder(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("whoever runs this may write everywhere")
	}
	dir := t.TempDir()
	j := open(t, filepath.Join(dir, "j"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o500)
	defer os.Chmod(dir, 0o700)
	_, err := Open(context.Background(), j.path, me, Options{Clock: clock})
	if err == nil || !strings.Contains(err.Error(), j.path) {
		t.Error(err)
	}
}

// TestHolder: who died is not blamed for holding the journal.
func TestHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j := open(t, path)
	if err := j.lock.write(lockNote{PID: 1 << 30, Host: hostname(), Since: "2026-01-01T00:00:00Z"}); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), path, me, Options{})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder != "another process" {
		t.Errorf("Open: %v", err)
	}
}

func hostname() string {
	name, _ := os.Hostname()
	return name
}
