package main

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAsBatch: every thread is the kernel's to run when it suits, also those made
// later. The rest of the tests may run like that too.
func TestAsBatch(t *testing.T) {
	asBatch()
	done := make(chan int)
	for range 4 { // more threads than there were
		go func() {
			runtime.LockOSThread() // and not unlocked: the thread ends
			done <- unix.Gettid()
		}()
	}
	for range 4 {
		<-done
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Skip("threads cannot be listed: ", err)
	}
	seen := 0
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		attr, err := unix.SchedGetAttr(id, 0)
		if err != nil {
			continue // it has ended
		}
		if seen++; attr.Policy != unix.SCHED_BATCH {
			t.Errorf("thread %d has policy %d", id, attr.Policy)
		}
	}
	if seen == 0 {
		t.Error("no thread was seen")
	}
}
