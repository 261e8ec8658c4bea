package journal

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestMain lets the test binary be the other process of a test.
func TestMain(m *testing.M) {
	switch os.Getenv("JOURNAL_TEST_CHILD") {
	case "hold":
		holdChild()
	case "send":
		sendChild()
	default:
		os.Exit(m.Run())
	}
}

// child starts this test binary as another process.
func child(t *testing.T, what, path string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, "JOURNAL_TEST_CHILD="+what, "JOURNAL_TEST_PATH="+path)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, bufio.NewScanner(out)
}

func holdChild() {
	_, err := Open(context.Background(), os.Getenv("JOURNAL_TEST_PATH"), me, Options{Clock: clock, Command: "payrec import march.csv"})
	fmt.Println("open:", err)
	select {}
}

// TestLock: a second process is told who holds the journal; the lock dies with
// its holder; the lock file stays.
func TestLock(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "payrec.journal")
	cmd, out := child(t, "hold", path)
	if out.Scan(); out.Text() != "open: <nil>" {
		t.Fatalf("child: %q", out.Text())
	}
	_, err := Open(ctx, path, me, Options{})
	var locked *LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("Open: %v", err)
	}
	for _, want := range []string{fmt.Sprint("process ", cmd.Process.Pid, " "), "2026-11-01T12:00:00Z", "payrec import march.csv", path} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	ro, err := OpenReadOnly(ctx, path)
	if err != nil {
		t.Errorf("reading beside the writer: %v", err)
	} else {
		ro.Close()
	}
	cmd.Process.Kill()
	cmd.Wait()
	j := open(t, path)
	if _, err := Open(ctx, path, me, Options{}); !errors.As(err, &locked) {
		t.Errorf("a second Open in this process: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".lock"); err != nil {
		t.Error(err)
	}
}

func TestIdentityIsPinned(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	plan(t, j, "r", pay("A", "x"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []Identity{{"acct_2", false, "loopback", ""}, {"acct_1", true, "loopback", ""}, {"acct_1", false, "api.stripe.com", ""}} {
		_, err := Open(ctx, j.path, id, Options{})
		var e *IdentityError
		if !errors.As(err, &e) || e.Have != me || e.Ask != id {
			t.Fatalf("Open as %v: %v", id, err)
		}
		if !strings.Contains(err.Error(), id.String()) || !strings.Contains(err.Error(), me.String()) {
			t.Errorf("%q does not say both", err)
		}
	}
	open(t, j.path).Close() // the refusals left it as it was
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	j := newJournal(t)
	plan(t, j, "r", pay("A", "x"))
	files, _ := filepath.Glob(j.path + "*")
	if len(files) < 3 {
		t.Errorf("files %v", files)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", f, info.Mode(), err)
		}
	}
}

// TestForeign refuses what is no journal, by name, and leaves it alone.
func TestForeign(t *testing.T) {
	ctx := context.Background()
	foreign := func(script string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(script); err != nil {
				t.Fatal(err)
			}
		}
	}
	text := func(s string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name, want string
		make       func(t *testing.T, path string)
	}{
		{"empty", "is empty", text("")},
		{"text", "is not a journal", text(strings.Repeat("date,amount\n", 100))},
		{"short text", "is not a journal", text("hello")},
		{"folder", "is not a file", func(t *testing.T, path string) { os.Mkdir(path, 0o700) }},
		{"another database", "some other program", foreign("CREATE TABLE t (x)")},
		{"newer", "use a newer payrec", foreign(fmt.Sprintf("CREATE TABLE t (x); PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, format+1))},
		{"no format", "is damaged", foreign(fmt.Sprintf("CREATE TABLE t (x); PRAGMA application_id = %d", applicationID))},
		{"no tables", "is damaged", foreign(fmt.Sprintf("CREATE TABLE t (x); PRAGMA application_id = %d; PRAGMA user_version = 1", applicationID))},
		{"WAL without its journal", "is gone", func(t *testing.T, path string) { text("wal")(t, path+"-wal") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j")
			tt.make(t, path)
			before, _ := os.ReadFile(path)
			var e *FormatError
			if _, err := Open(ctx, path, me, Options{}); !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("Open: %v", err)
			}
			if _, err := OpenReadOnly(ctx, path); !errors.As(err, &e) {
				t.Errorf("OpenReadOnly: %v", err)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
	if _, err := OpenReadOnly(ctx, filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a journal that is not there: %v", err)
	}
	if _, err := Open(ctx, filepath.Join(t.TempDir(), "no", "folder"), me, Options{}); err == nil {
		t.Error("a folder that is not there was made")
	}
}

// TestStrangePaths: the driver takes the path as a URI.
func TestStrangePaths(t *testing.T) {
	for _, name := range []string{"a b", "q?mode=memory", "50%25", "häsh#1", "plus+and&"} {
		j := open(t, filepath.Join(t.TempDir(), name))
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(j.path); err != nil || info.Size() == 0 {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// full makes a closed journal with calls in all states and returns its path and
// what it holds.
func full(t testing.TB) (path string, want []Entry) {
	t.Helper()
	j := newJournal(t)
	var ops []Op
	for i := range 50 {
		ops = append(ops, pay(fmt.Sprint("p", i), "x"))
	}
	plan(t, j, "r", ops...)
	for i, o := range ops {
		drive(t, j, o, 0, []State{Planned, Unknown, Confirmed, Rejected, Conflict}[i%5])
	}
	want = entries(t, j, "r")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return j.path, want
}

// TestDamageAtRest: whatever is done to a closed journal, it is refused.
func TestDamageAtRest(t *testing.T) {
	ctx := context.Background()
	path, _ := full(t)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, damage []byte) {
		t.Helper()
		if err := os.WriteFile(path, damage, 0o600); err != nil {
			t.Fatal(err)
		}
		var e *FormatError
		if _, err := Open(ctx, path, me, Options{Clock: clock}); !errors.As(err, &e) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for n := 0; n < len(sound); n += 997 {
		refused(fmt.Sprintf("cut at %d", n), sound[:n])
		bad := append([]byte{}, sound...)
		bad[n] ^= 1 << (n % 8)
		refused(fmt.Sprintf("bit flipped in byte %d", n), bad)
	}
	refused("a byte more", append(append([]byte{}, sound...), 0))
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, path).Close() // put back, it opens
}

// TestDamageWithoutSeal: a journal whose seal is lost is checked by SQLite's
// means, which do not see every flipped bit of a text, but never crash.
func TestDamageWithoutSeal(t *testing.T) {
	ctx := context.Background()
	path, want := full(t)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(sound); n += 509 {
		for _, bad := range [][]byte{sound[:n], append(append(append([]byte{}, sound[:n]...), sound[n]^0x10), sound[n+1:]...)} {
			for _, f := range []string{".lock", "-wal", "-shm"} {
				os.Remove(path + f)
			}
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := Open(ctx, path, me, Options{Clock: clock})
			if err != nil {
				continue
			}
			if len(bad) < len(sound) {
				t.Errorf("cut at %d of %d: opens", n, len(sound))
			}
			for _, e := range entries(t, j, "r") {
				_ = e // reading must not panic
			}
			j.Close()
		}
	}
	_ = want
}

// TestLostWAL: a killed writer's file without its WAL is refused; with it, or
// with an empty one that somebody vouches for, it opens. Readers leave it alone.
func TestLostWAL(t *testing.T) {
	ctx := context.Background()
	j := newJournal(t)
	plan(t, j, "r", payments(100)...)
	drive(t, j, pay("p1", "x"), 0, Sending)
	dir := t.TempDir()
	crashed := func(name string) string { // as a crash leaves it: without a close
		path := filepath.Join(dir, name)
		copyJournal(t, j, path, "", "-wal")
		return path
	}
	path := crashed("whole")
	ro, err := OpenReadOnly(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	ro.Close()
	k := open(t, path)
	if e := entries(t, k, "r", Unknown); len(e) != 1 || e[0].Payment != "p1" {
		t.Errorf("in doubt: %+v", e)
	}
	k.Close()

	path = crashed("lost")
	os.Remove(path + "-wal")
	var e *FormatError
	for range 2 {
		if _, err := Open(ctx, path, me, Options{}); !errors.As(err, &e) || !strings.Contains(err.Error(), "lost-wal") {
			t.Fatalf("without its WAL: %v", err)
		}
		if _, err := OpenReadOnly(ctx, path); !errors.As(err, &e) || !strings.Contains(err.Error(), "lost-wal") {
			t.Fatalf("reading without its WAL: %v", err)
		}
	}
	if err := os.WriteFile(path+"-wal", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, path).Close()
	open(t, path).Close()
}

// TestOpenAfterFailure: a journal that failed and was closed opens again.
func TestOpenAfterFailure(t *testing.T) {
	j := newJournal(t)
	plan(t, j, "r", payments(10)...)
	drive(t, j, pay("p1", "x"), 0, Unknown)
	j.w.do(context.Background(), func(w *writer) error { return errors.New("the disk is gone") })
	if err := j.Close(); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("Close: %v", err)
	}
	k := open(t, j.path)
	if e := entries(t, k, "r", Unknown); len(e) != 1 {
		t.Errorf("in doubt: %+v", e)
	}
}

// TestAccountID: once the account's id is known, a key of another account under
// the same name is refused; a key that may not read the id is not.
func TestAccountID(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "payrec.journal")
	for _, tt := range []struct {
		id     string
		opens  bool
		pinned string
	}{{"", true, ""}, {"acct_1", true, "acct_1"}, {"", true, "acct_1"}, {"acct_1", true, "acct_1"}, {"acct_2", false, ""}} {
		asked := me
		asked.AccountID = tt.id
		j, err := Open(ctx, path, asked, Options{Clock: clock})
		var other *IdentityError
		if (err == nil) != tt.opens || err != nil && !errors.As(err, &other) {
			t.Fatalf("opened as %q: %v", tt.id, err)
		}
		if err != nil {
			continue
		}
		if got := j.Identity().AccountID; got != tt.pinned {
			t.Errorf("opened as %q: the journal is of %q, want %q", tt.id, got, tt.pinned)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMadeAnew: where a journal was removed a new one is made, although the lock
// file still has the old one's seal.
func TestMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "payrec.journal")
	for range 2 {
		j := open(t, path)
		plan(t, j, "r", pay("A", "x"))
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
