package nameless

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// left are the files in the folder for temporary files, which is the test's own.
func left(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func ownTempDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // as Windows calls it
	return dir
}

// use writes, reads at a place and closes.
func use(t *testing.T, f *File) {
	t.Helper()
	if _, err := f.WriteString("kept"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 3)
	if _, err := f.ReadAt(b, 1); err != nil || string(b) != "ept" {
		t.Errorf("read %q, %v", b, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestCreate(t *testing.T) {
	dir := ownTempDir(t)
	f, err := Create("payrec-test-*")
	if err != nil {
		t.Fatal(err)
	}
	if names := left(t, dir); runtime.GOOS != "windows" && len(names) > 0 {
		t.Errorf("while it is open there is %q", names)
	}
	if info, err := f.Stat(); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	use(t, f)
	if names := left(t, dir); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
}

// TestNameStays: where an open file cannot lose its name, closing it does that,
// once, and says when it cannot.
func TestNameStays(t *testing.T) {
	dir := ownTempDir(t)
	refused := errors.New("the file is in use")
	var f *File
	removed := 0
	remove := func(name string) error {
		if f == nil {
			return refused
		}
		removed++
		if _, err := f.File.Stat(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("it is removed while it is open: %v", err)
		}
		return os.Remove(name)
	}
	made, err := create("payrec-test-*", remove)
	if err != nil {
		t.Fatal(err)
	}
	if names := left(t, dir); len(names) != 1 {
		t.Fatalf("while it is open there is %q", names)
	}
	f = made
	use(t, f)
	if names := left(t, dir); len(names) > 0 || removed != 1 {
		t.Errorf("left behind: %q; removed %d times", names, removed)
	}
	if f.Close(); removed != 1 {
		t.Errorf("removed %d times", removed)
	}
	stuck, err := create("payrec-test-*", func(string) error { return refused })
	if err != nil {
		t.Fatal(err)
	}
	if err := stuck.Close(); !errors.Is(err, refused) {
		t.Errorf("what stays behind is not told: %v", err)
	}
}

func TestNoRoom(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere/at/all")
	t.Setenv("TMP", "/nowhere/at/all")
	if f, err := Create("payrec-test-*"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, %v", f, err)
	}
}

// holdEnv makes this test binary a process that holds a file until it is killed.
const holdEnv = "PAYREC_TEST_HOLD"

// TestKilled: a process that is killed leaves nothing.
func TestKilled(t *testing.T) {
	if os.Getenv(holdEnv) != "" {
		f, err := Create("payrec-test-*")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("a payer's name"); err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("held")
		io.Copy(io.Discard, os.Stdin) // until it is killed
		return
	}
	if runtime.GOOS == "windows" {
		t.Skip("an open file keeps its name on Windows")
	}
	dir := ownTempDir(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), holdEnv+"=1")
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, len("held"))
	if _, err := io.ReadFull(out, said); err != nil || string(said) != "held" {
		t.Fatalf("it said %q, %v", said, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it ended by itself")
	}
	if names := left(t, dir); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}
