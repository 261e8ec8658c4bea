package journal

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

// patchedFiles are those that a patch may name, by number.
var patchedFiles = []string{"", "-wal", ".sums"}

// patch overwrites the files in several places or cuts them. A patch is five
// bytes, of which file, where (three of them) and how long, and then what is to
// stand there; a length of 255 cuts the file there. It returns which files read
// differently afterwards.
func (s snapshot) patch(patches []byte) (changed []string) {
	before := snapshot{}
	for name, text := range s {
		before[name] = slices.Clone(text)
	}
	for len(patches) > 5 {
		name := patchedFiles[int(patches[0])%len(patchedFiles)]
		at := int(patches[1])<<16 | int(patches[2])<<8 | int(patches[3])
		n := int(patches[4])
		patches = patches[5:]
		text := s[name]
		if len(text) == 0 {
			continue
		}
		at %= len(text)
		if n == 255 {
			s[name] = text[:at]
			continue
		}
		n = copy(text[at:], patches[:min(n, len(patches))])
		patches = patches[n:]
	}
	for _, name := range patchedFiles {
		if string(s[name]) != string(before[name]) {
			changed = append(changed, name)
		}
	}
	return changed
}

// FuzzOpen opens journals that were overwritten in several places and cut
// short. Each is refused, or opens; and where only one file was touched, which
// is all that can be told from a power cut, it opens with all that it held.
func FuzzOpen(f *testing.F) {
	ctx := context.Background()
	sound, want := map[bool]snapshot{}, map[bool][]string{}
	for _, closed := range []bool{true, false} {
		j, err := Open(ctx, filepath.Join(f.TempDir(), "j"), me, Options{Clock: clock, walFrames: 40})
		if err != nil {
			f.Fatal(err)
		}
		f.Cleanup(func() { j.Close() })
		var ops []Op
		for i := range 6 {
			ops = append(ops, pay(fmt.Sprint("p", i), "x"), refund(fmt.Sprint("p", i), "r", "x"))
		}
		plan(f, j, "r", ops...)
		for i, o := range ops {
			drive(f, j, o, 0, []State{Planned, Unknown, Confirmed, Rejected, Sending}[i%5])
		}
		list, err := known(j, "r")
		if err != nil {
			f.Fatal(err)
		}
		if closed {
			if err := j.Close(); err != nil {
				f.Fatal(err)
			}
		}
		want[closed], sound[closed] = list, takeSnapshot(f, j.path)
	}
	f.Add(true, []byte{0, 0, 0, 40, 4, 'x', 'x', 'x', 'x'})
	f.Add(true, []byte{0, 0, 16, 0, 255, 0})
	f.Add(false, []byte{1, 0, 99, 1, 255, 0})
	f.Add(false, []byte{1, 0, 0, 0, 4, 0, 0, 0, 0, 2, 0, 0, 1, 1, 9})
	f.Add(false, []byte{})
	f.Fuzz(func(t *testing.T, closed bool, patches []byte) {
		bad := snapshot{}
		for name, text := range sound[closed] {
			bad[name] = slices.Clone(text)
		}
		changed := bad.patch(patches)
		path := filepath.Join(t.TempDir(), "j")
		bad.put(t, path)
		j, err := Open(ctx, path, me, Options{Clock: clock, Unsynced: true})
		if err != nil {
			if len(changed) == 0 {
				t.Fatalf("a sound journal is refused: %v", err)
			}
			return
		}
		defer j.Close()
		got, err := known(j, "r")
		if err != nil && len(changed) == 0 {
			t.Fatal(err)
		}
		if err == nil && len(changed) < 2 && !slices.Equal(got, want[closed]) {
			t.Fatalf("%q was changed, and it opened with\n%v\nwhere it had\n%v", changed, got, want[closed])
		}
	})
}

// FuzzOpenAny opens what is no journal: any bytes, alone or as a WAL beside a
// sound one.
func FuzzOpenAny(f *testing.F) {
	ctx := context.Background()
	j, err := Open(ctx, filepath.Join(f.TempDir(), "j"), me, Options{Clock: clock})
	if err != nil {
		f.Fatal(err)
	}
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	sound := takeSnapshot(f, j.path)
	f.Add("", []byte("SQLite format 3\x00"))
	f.Add("", []byte("transaction,amount\n1,2\n"))
	f.Add("-wal", []byte{0x37, 0x7f, 0x06, 0x82, 0, 0x2d, 0xe2, 0x18, 0, 0, 0x10, 0})
	f.Add(".sums", []byte("payrec"))
	f.Add("", sound[""][:4096])
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		if !slices.Contains(patchedFiles, name) {
			return
		}
		files := snapshot{}
		for name, sound := range sound {
			files[name] = sound
		}
		files[name] = text
		path := filepath.Join(t.TempDir(), "j")
		files.put(t, path)
		j, err := Open(ctx, path, me, Options{Clock: clock, Unsynced: true})
		if err != nil {
			return
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
