package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// noisy is how much of the machine other work may take before the figures are
// not to be trusted. Writing back what was written is other work, too: the kernel
// does that, for whoever wrote.
const noisy = 0.1

// busyTime is the CPU time that the whole machine has spent, and that was stolen
// from it by its host; 0 where /proc/stat does not say, as on other systems than
// Linux. Source: proc_stat(5); its unit is a hundredth of a second.
func busyTime() time.Duration {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	var ticks int64
	for i, field := range strings.Fields(line) {
		switch i { // cpu user nice system idle iowait irq softirq steal
		case 1, 2, 3, 6, 7, 8:
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// warn says how much of the machine other work took while the samples were
// taken, so that nobody trusts figures of a busy machine.
func warn(w io.Writer, samples []sample) {
	if busyTime() == 0 {
		return
	}
	share := func(s sample) float64 { return s.others.Seconds() / s.seconds() / float64(runtime.NumCPU()) }
	most := 0.0
	for _, s := range samples {
		if s.wall > time.Second/4 { // the unit of what is counted would show
			most = max(most, share(s))
		}
	}
	usual := median(samples, share)
	fmt.Fprintf(w, "\nOther work took %.0f %% of the machine (median), and %.0f %% in the run it disturbed most.\n", 100*usual, 100*most)
	if usual > noisy/2 || most > noisy {
		fmt.Fprint(w, "**The machine was busy: trust ratios of CPU, not seconds.**\n")
	}
}
