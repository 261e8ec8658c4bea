package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// asBatch tells the kernel that nobody waits for single moments of this process: a
// thread of it that wakes up does not interrupt what runs, and so the threads change
// places less often. Threads that are made later inherit it. Whoever chose another
// policy keeps it, and where it is not allowed nothing changes. Source: man 7 sched,
// SCHED_BATCH.
func asBatch() {
	threads, _ := os.ReadDir("/proc/self/task")
	for _, t := range threads {
		id, _ := strconv.Atoi(t.Name())
		if attr, err := unix.SchedGetAttr(id, 0); err == nil && attr.Policy == unix.SCHED_NORMAL {
			attr.Policy = unix.SCHED_BATCH
			unix.SchedSetAttr(id, attr, 0)
		}
	}
}
