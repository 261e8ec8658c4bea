package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk mounts a file system in memory of so many bytes for the test.
func smallDisk(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	switch err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", bytes)); {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		t.Skip("a file system can only be mounted as root")
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func resize(t *testing.T, dir string, options string, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, options); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk: the disk with the journal fills up, at every size from too
// small for a journal to large enough. The import says so and stops; with room
// again, the same command ends it, and nothing was reported twice.
func TestFullDisk(t *testing.T) {
	const page = 4096
	step := 4 * page
	if testing.Short() {
		step = 16 * page
	}
	stopped, stoppedSending := 0, 0
	for size := page; ; size += step {
		dir := smallDisk(t, size)
		r := newRound(t, "disk", "kept", 3, &tally{})
		r.journal = filepath.Join(dir, "payrec.journal")
		v := r.world.visit(t, nil)
		p := r.start(v.url, 4)
		<-p.ended
		v.end()
		status := p.ProcessState.ExitCode()
		if status == exitOK {
			t.Logf("stopped at %d sizes up to %d bytes, at %d of them with calls sent already", stopped, size-step, stoppedSending)
			r.judge()
			break
		}
		stopped++
		if len(r.world.seen) > 0 {
			stoppedSending++
		}
		if said := p.stderr.String(); status != exitFailed || !strings.Contains(said, "payrec.journal") || !strings.Contains(said, "disk") && !strings.Contains(said, "no space") {
			t.Errorf("%d bytes: exit status %d\n%s", size, status, said)
		}
		resize(t, dir, "size=16m", 0)
		r.judge()
		if t.Failed() {
			t.Fatalf("with %d bytes", size)
		}
	}
	if stoppedSending == 0 {
		t.Error("no disk was filled by sending")
	}
}

// TestReadOnlyDisk: where the journal cannot be written nothing is sent, also
// when the journal is there already; status still reads it.
func TestReadOnlyDisk(t *testing.T) {
	for _, before := range []string{"no journal", "a closed journal", "a journal whose process died"} {
		t.Run(before, func(t *testing.T) {
			dir := smallDisk(t, 16<<20)
			r := newRound(t, "disk", "kept", 4, &tally{})
			r.journal = filepath.Join(dir, "payrec.journal")
			switch before {
			case "a closed journal":
				r.finish()
			case "a journal whose process died":
				r.kill(kill{concurrency: 1, trap: newTrap(lost, func(a arrival) bool { return a.write && a.nth == 5 })})
			}
			sent := len(r.world.seen)
			resize(t, dir, "size=16m", syscall.MS_RDONLY)
			v := r.world.visit(t, nil)
			p := r.start(v.url, 4)
			<-p.ended
			v.end()
			if said := p.stderr.String(); p.ProcessState.ExitCode() != exitFailed || !strings.Contains(said, "payrec.journal") || !strings.Contains(said, "read-only") {
				t.Errorf("exit status %d\n%s", p.ProcessState.ExitCode(), said)
			}
			if len(r.world.seen) != sent {
				t.Errorf("%d calls were sent", len(r.world.seen)-sent)
			}
			resize(t, dir, "size=16m", 0)
			r.judge()
		})
	}
}

// TestFileSizeLimit is a full disk for whoever may not mount one: no file may
// grow past a limit, which ends in an error or in the process's death.
func TestFileSizeLimit(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("there is no shell to set the limit with")
	}
	for blocks := 100; blocks <= 800; blocks += 100 { // of 512 bytes
		r := newRound(t, "disk", "kept", 5, &tally{})
		v := r.world.visit(t, nil)
		r.shell = fmt.Sprintf(`ulimit -f %d; exec "$0" "$@"`, blocks)
		p := r.start(v.url, 4)
		<-p.ended
		v.end()
		r.shell = ""
		if p.ProcessState.ExitCode() == exitOK && blocks == 100 {
			t.Error("the limit stopped nothing")
		}
		r.judge()
	}
}
