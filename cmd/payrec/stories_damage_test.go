package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/journal"
)

// damageStep 1 damages a journal at each of its bytes, which takes an hour.
var damageStep = flag.Int("damagestep", 1999, "how far apart the bytes are that the damage tests damage")

// What becomes of a damaged journal.
//
// Behind is the known hole that package journal names: SQLite cannot tell a
// damaged WAL of a killed process from a torn tail. What is lost is asked again,
// which does no harm as long as the API knows the keys.
const (
	refused   = "refused"   // with a reason
	recovered = "recovered" // it says what it said
	behind    = "behind"    // it opens as it was some commits earlier
	silent    = "SILENT"    // it says what it never said
)

// A specimen is a journal of a few calls as a process left it.
type specimen struct {
	dir   string
	files map[string][]byte // by suffix
	id    journal.Identity
	want  map[string]string // operation: what is known of it
}

// specimenOf lets a process import a few calls; killed says whether it dies
// with the last of them under way, or closes its journal.
func specimenOf(t *testing.T, killed bool) *specimen {
	t.Helper()
	r := newRound(t, "damage", "kept", 6, &tally{})
	r.lives = livesOf(6, 8)
	r.lives.write(t, filepath.Join(r.dir, "lives.csv"))
	if killed {
		r.kill(kill{concurrency: 1, trap: newTrap(lost, func(a arrival) bool { return a.write && a.nth == 6 })})
	} else {
		r.finish()
	}
	s := &specimen{dir: t.TempDir(), files: map[string][]byte{}}
	for _, suffix := range []string{"", "-wal", ".lock", ".sums"} {
		if text, err := os.ReadFile(r.journal + suffix); err == nil {
			s.files[suffix] = text
		}
	}
	s.write(t, s.files)
	j, err := journal.OpenReadOnly(t.Context(), s.path())
	if err != nil {
		t.Fatal(err)
	}
	s.id = j.Identity()
	j.Close()
	s.write(t, s.files)
	var what string
	if what, s.want = s.open(t); s.want == nil {
		t.Fatal(what)
	}
	return s
}

func (s *specimen) path() string { return filepath.Join(s.dir, "payrec.journal") }

func (s *specimen) write(t *testing.T, files map[string][]byte) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", ".lock", ".sums", "-shm"} {
		os.Remove(s.path() + suffix)
		if text, ok := files[suffix]; ok {
			if err := os.WriteFile(s.path()+suffix, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// open opens the journal as an import does and reads all that it knows; nil
// when it is refused, with the reason.
func (s *specimen) open(t *testing.T) (string, map[string]string) {
	ctx := context.Background()
	j, err := journal.Open(ctx, s.path(), s.id, journal.Options{})
	if err != nil {
		return err.Error(), nil
	}
	defer j.Close()
	runs, err := j.Runs(ctx)
	if err != nil {
		return err.Error(), nil
	}
	known := map[string]string{}
	for _, run := range runs {
		for e, err := range j.Entries(ctx, run.ID) {
			if err != nil {
				return err.Error(), nil
			}
			known[e.ID] = fmt.Sprint(e.Op.Call, e.Payment, e.Natural, e.Content, e.Amount, e.Line, e.Epoch, e.State, e.RecordID, e.ObjectID, e.Attempts, e.Disposition)
		}
	}
	return "", known
}

// fate says what became of a journal with these files.
func (s *specimen) fate(t *testing.T, files map[string][]byte) (string, string) {
	s.write(t, files)
	why, known := s.open(t)
	switch {
	case known == nil && strings.Contains(why, "payrec.journal"):
		return refused, why
	case known == nil:
		return silent, "refused without a name: " + why
	case maps.Equal(known, s.want):
		return recovered, ""
	}
	for id, is := range known {
		if was := s.want[id]; was != is && !younger(was, is) {
			return silent, fmt.Sprintf("%s became %s", was, is)
		}
	}
	return behind, ""
}

// younger says whether a call may have been known so before it was known as it
// was last: planned or in doubt, and nothing else is different.
func younger(was, is string) bool {
	for _, state := range []string{"planned", "unknown"} {
		if strings.Contains(is, state) && was != "" {
			return true
		}
	}
	return false
}

// TestDamagedJournal cuts a journal's files and flips bits in them, in one that
// was closed and in one whose process was killed. The first is refused
// whatever is done to it.
func TestDamagedJournal(t *testing.T) {
	step := *damageStep
	if testing.Short() {
		step *= 4
	}
	for _, killed := range []bool{false, true} {
		s := specimenOf(t, killed)
		for _, suffix := range slices.Sorted(maps.Keys(s.files)) {
			if suffix == ".lock" {
				continue // a help, not the memory
			}
			for _, cut := range []bool{true, false} {
				name := fmt.Sprintf("killed=%v/journal%s/cut=%v", killed, suffix, cut)
				t.Run(name, func(t *testing.T) {
					sound, fates := s.files[suffix], map[string]int{}
					first := ""
					for at := 0; at < len(sound); at += step {
						files := maps.Clone(s.files)
						if cut {
							files[suffix] = sound[:at]
						} else {
							files[suffix] = slices.Clone(sound)
							files[suffix][at] ^= 1 << (at % 8)
						}
						fate, why := s.fate(t, files)
						fates[fate]++
						if fate == silent && first == "" {
							first = fmt.Sprintf("at byte %d: %s", at, why)
						}
					}
					t.Logf("of %d bytes, each %d: %v", len(sound), step, fates)
					switch {
					case fates[silent] > 0:
						t.Errorf("silent %s", first)
					case !killed && fates[recovered]+fates[behind] > 0:
						t.Error("a closed journal was opened in spite of its damage")
					case fates[behind] > 0:
						t.Error("the journal went back in time")
					}
				})
			}
		}
	}
}

// TestDamagedWAL: a process is killed and its WAL damaged. The next import
// refuses to go on from it, unless nothing that was promised is hurt; with the
// WAL put back it goes on.
func TestDamagedWAL(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	times := 0
	for i := range rounds {
		r := newRound(t, "damage", "kept", uint64(i), &tally{})
		nth := 1 + r.random.IntN(18)
		r.kill(kill{concurrency: 1, trap: newTrap(points[i%len(points)], func(a arrival) bool { return a.write && a.nth == nth })})
		sound, err := os.ReadFile(r.journal + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		wal := slices.Clone(sound)
		if at := r.random.IntN(len(wal)); i%2 == 0 {
			wal = wal[:at]
		} else {
			wal[at] ^= 4
		}
		if err := os.WriteFile(r.journal+"-wal", wal, 0o600); err != nil {
			t.Fatal(err)
		}
		if said := r.refused(); said != "" {
			times++
			if !strings.Contains(said, "payrec.journal") || !strings.Contains(said, "restore it") {
				t.Errorf("refused with %s", said)
			}
			if err := os.WriteFile(r.journal+"-wal", sound, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r.judge()
	}
	if times == 0 {
		t.Error("no damage was noticed")
	}
	t.Logf("%d of %d damaged WALs were refused", times, rounds)
}

// refused runs the import and returns what it says when it refuses the journal,
// and "" when it goes through.
func (r *round) refused() string {
	v := r.world.visit(r.t, nil)
	defer v.end()
	p := r.start(v.url, 4)
	<-p.ended
	if p.ProcessState.ExitCode() == exitOK {
		return ""
	}
	return p.stderr.String()
}
