package main

import (
	"os"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// A watch sees the writes to the files of a folder, as the kernel tells them.
type watch struct{ f *os.File }

func newWatch(t *testing.T, dir string) *watch {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_MODIFY|syscall.IN_CREATE|syscall.IN_MOVED_TO|syscall.IN_DELETE); err != nil {
		t.Fatal(err)
	}
	return &watch{os.NewFile(uintptr(fd), "inotify")}
}

// wait returns after n steps on the disk, or when there was none for quiet,
// which means that the process waits for something else. It says how many it saw.
func (w *watch) wait(n int, quiet time.Duration) (seen int) {
	buf := make([]byte, 4096)
	for seen < n {
		if err := w.f.SetReadDeadline(time.Now().Add(quiet)); err != nil {
			return seen
		}
		k, err := w.f.Read(buf)
		if err != nil {
			return seen
		}
		seen += max(1, k/(syscall.SizeofInotifyEvent+16))
	}
	return seen
}

func (w *watch) close() { w.f.Close() }

// cachestat is the number of the system call, the same on every architecture
// that came after 2003; Linux has it since 6.5.
const cachestat = 451

// unsynced counts the pages of a file that are written and not on the disk yet,
// which a power cut would take back; -1 where the kernel does not tell. Pages of
// a file system in memory never count.
func unsynced(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return -1
	}
	defer f.Close()
	all := struct{ off, len uint64 }{} // no length means all of the file
	var pages struct{ cached, dirty, writeback, evicted, recentlyEvicted uint64 }
	_, _, errno := syscall.Syscall6(cachestat, f.Fd(), uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&pages)), 0, 0, 0)
	if errno != 0 {
		return -1
	}
	return int(pages.dirty + pages.writeback)
}
