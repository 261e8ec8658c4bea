package journal

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"modernc.org/libc"
	"modernc.org/sqlite/lib"
)

// lockAt has SQLite lock its files at this byte, instead of at the first gigabyte,
// as long as this process lives. The page there is never written.
func lockAt(at int32) {
	tls := libc.NewTLS()
	defer tls.Close()
	args := libc.NewVaList(at)
	defer libc.Xfree(tls, args)
	sqlite3.Xsqlite3_test_control(tls, sqlite3.SQLITE_TESTCTRL_PENDING_BYTE, args)
}

// TestHole: a journal that grows beyond the page that SQLite never writes is known
// again, when it was closed and when its writer died, with a part of it in the WAL
// or with all in the database.
func TestHole(t *testing.T) {
	if os.Getenv("JOURNAL_TEST_HOLE") == "" { // in a process of its own
		cmd := exec.Command(os.Args[0], "-test.run=^TestHole$")
		cmd.Env = append(os.Environ(), "JOURNAL_TEST_HOLE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	const at = 1 << 18
	lockAt(at)
	ops := realistic(payments(3000))
	for _, frames := range []uint32{8, 1 << 20} {
		path := filepath.Join(t.TempDir(), "payrec.journal")
		j, err := Open(context.Background(), path, me, Options{Clock: clock, walFrames: frames})
		if err != nil {
			t.Fatal(err)
		}
		plan(t, j, "small", ops[:100]...)
		if info, err := os.Stat(path); err != nil || info.Size() > at {
			t.Fatalf("%d bytes already, %v", info.Size(), err)
		}
		plan(t, j, "large", ops[100:]...)
		beside := open(t, crashed(t, j))
		if err := beside.Close(); err != nil {
			t.Fatal(err)
		}
		open(t, beside.path)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if m, err := measure(path); err != nil || m.seal.Size <= at {
			t.Fatalf("%d bytes, %v", m.seal.Size, err)
		}
		open(t, path)
	}
}
