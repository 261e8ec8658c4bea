package journal

import (
	"context"
	"path/filepath"
	"testing"

	"modernc.org/libc"
	"modernc.org/sqlite/lib"
)

// lockPage has SQLite lock its files at this byte, instead of at the first
// gigabyte, until the test is over. The page there is never written.
func lockPage(t *testing.T, at int32) {
	t.Helper()
	tls := libc.NewTLS()
	t.Cleanup(tls.Close)
	set := func(at int32) (before int32) {
		args := libc.NewVaList(at)
		defer libc.Xfree(tls, args)
		return sqlite3.Xsqlite3_test_control(tls, sqlite3.SQLITE_TESTCTRL_PENDING_BYTE, args)
	}
	before := set(at)
	t.Cleanup(func() { set(before) })
}

// TestHole: a journal that grows beyond the page that SQLite never writes is known
// again, when it was closed and when its writer died, with a part of it in the WAL
// or with all in the database.
func TestHole(t *testing.T) {
	const at = 1 << 18
	lockPage(t, at)
	ops := realistic(payments(3000))
	for _, frames := range []uint32{8, 1 << 20} {
		path := filepath.Join(t.TempDir(), "payrec.journal")
		j, err := Open(context.Background(), path, me, Options{Clock: clock, walFrames: frames})
		if err != nil {
			t.Fatal(err)
		}
		plan(t, j, "small", ops[:100]...)
		if n := len(j.w.sums.of); int64(n)*int64(j.w.sums.note.PageSize) > at {
			t.Fatalf("%d pages already", n)
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
