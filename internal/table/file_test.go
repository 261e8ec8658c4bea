package table_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/payrec/payrec/internal/table"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	write := func(s string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			io.WriteString(w, s)
			return err
		}
	}
	holds := func(want string) {
		t.Helper()
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("the file holds %q, %v; want %q", got, err, want)
		}
		if entries, _ := os.ReadDir(dir); len(entries) > 1 {
			t.Errorf("left behind: %v", entries)
		}
	}
	if err := WriteFile(path, write("one", nil)); err != nil {
		t.Fatal(err)
	}
	holds("one")
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v", info.Mode())
	}
	full := errors.New("disk full")
	if err := WriteFile(path, write("tw", full)); err != full {
		t.Errorf("got %v, want %v", err, full)
	}
	holds("one")
	func() {
		defer func() { recover() }()
		WriteFile(path, func(io.Writer) error { panic("in the middle") })
	}()
	holds("one")
	if err := WriteFile(path, write("two", nil)); err != nil {
		t.Fatal(err)
	}
	holds("two")
}

func TestWriteFileRefuses(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	called := false
	write := func(io.Writer) error { called = true; return nil }
	for path, want := range map[string]string{link: "a symbolic link", dir: "a folder"} {
		if err := WriteFile(path, write); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	if err := WriteFile(filepath.Join(dir, "no", "such"), write); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "there is no folder") || strings.Contains(err.Error(), ".tmp") {
		t.Errorf("no folder: %v", err)
	}
	if called {
		t.Error("write was called in vain")
	}
	if got, _ := os.ReadFile(target); string(got) != "precious" {
		t.Errorf("the link's target holds %q", got)
	}
}
