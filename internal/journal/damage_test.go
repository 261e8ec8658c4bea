package journal

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every byte of the files is damaged with -damage-step 1, which takes minutes.
var damageStep = flag.Int("damage-step", 0, "damage every n-th byte of a journal's files; 0 is some hundred places in each")

// A snapshot is the files of a journal, by what their names have behind its own.
type snapshot map[string][]byte

func takeSnapshot(t testing.TB, path string) snapshot {
	t.Helper()
	s := make(snapshot)
	for _, suffix := range []string{"", "-wal", ".sums", ".lock"} {
		text, err := os.ReadFile(path + suffix)
		if err == nil {
			s[suffix] = text
		} else if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return s
}

// put lays the files out with nothing else beside them.
func (s snapshot) put(t testing.TB, path string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm", ".sums", ".lock"} {
		text, ok := s[suffix]
		if !ok {
			os.Remove(path + suffix)
			continue
		}
		if err := os.WriteFile(path+suffix, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// known lists what a journal knows of the run's calls, where a dead process'
// sending reads as unknown.
func known(j *Journal, run string) (list []string, err error) {
	for e, err := range j.Entries(context.Background(), run) {
		if err != nil {
			return nil, err
		}
		if e.State == Sending {
			e.State = Unknown
		}
		list = append(list, fmt.Sprint(e.ID, e.Epoch, e.State, e.RecordID, e.Attempts, e.Amount, e.Content, e.File, e.Line, e.Message))
	}
	return list, nil
}

// TestDamage cuts the files of a journal at every n-th byte and flips a bit in
// every n-th: each time it is refused with what to do, and left as it is, or it
// opens with all that was promised.
func TestDamage(t *testing.T) {
	ctx := context.Background()
	for _, closed := range []bool{true, false} {
		t.Run(map[bool]string{true: "closed", false: "killed"}[closed], func(t *testing.T) {
			// The WAL is moved now and then, so that some of it is in the database.
			j, err := Open(ctx, filepath.Join(t.TempDir(), "j"), me, Options{Clock: clock, walFrames: 40})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { j.Close() })
			var ops []Op
			for i := range 12 {
				ops = append(ops, pay(fmt.Sprint("p", i), "x"), refund(fmt.Sprint("p", i), "r", "x"))
			}
			plan(t, j, "r", ops...)
			for i, o := range ops {
				drive(t, j, o, 0, []State{Planned, Unknown, Confirmed, Rejected, Sending}[i%5])
			}
			want, err := known(j, "r")
			if err != nil {
				t.Fatal(err)
			}
			if closed {
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
			}
			damageEverywhere(t, takeSnapshot(t, j.path), want)
		})
	}
}

func damageEverywhere(t *testing.T, sound snapshot, want []string) {
	path := filepath.Join(t.TempDir(), "j")
	refused, opened := 0, 0
	try := func(what, suffix string, text []byte) {
		bad := snapshot{}
		for k, v := range sound {
			bad[k] = v
		}
		bad[suffix] = text
		bad.put(t, path)
		j, err := Open(context.Background(), path, me, Options{Clock: clock, Unsynced: true})
		if err != nil {
			refused++
			var e *FormatError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s%s: refused with %v", suffix, what, err)
			}
			for _, suffix := range []string{"", "-wal", ".sums"} {
				if after, _ := os.ReadFile(path + suffix); string(after) != string(bad[suffix]) {
					t.Errorf("%s: refused, and %q was changed", what, suffix)
				}
			}
			return
		}
		opened++
		if got, err := known(j, "r"); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s of %q: it opens with %v\n%s\nwant\n%s", what, suffix, err, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if err := j.Close(); err != nil {
			t.Errorf("%s of %q: %v", what, suffix, err)
		}
	}
	try("nothing", "", sound[""])
	if opened != 1 {
		t.Fatal("the sound journal was refused")
	}
	sizes := ""
	for suffix, text := range sound {
		sizes += fmt.Sprintf(" %q %d", suffix, len(text))
		step := *damageStep
		if step == 0 {
			step = len(text)/100 | 1
			if testing.Short() {
				step = len(text)/20 | 1
			}
		}
		for n := 0; n < len(text); n += step {
			try(fmt.Sprintf("cut at %d", n), suffix, text[:n])
			bad := slices.Clone(text)
			bad[n] ^= 1 << (n % 8)
			try(fmt.Sprintf("a bit of byte %d flipped", n), suffix, bad)
			if t.Failed() && refused+opened > 100 {
				t.Fatal("enough of it")
			}
		}
	}
	t.Logf("bytes:%s; %d times damaged: %d times refused, %d times opened with everything", sizes, refused+opened-1, refused, opened-1)
}
