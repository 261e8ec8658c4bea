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

// Other work may take so much of the machine on the whole, and in a single run,
// before the figures are not to be trusted. Writing back what was written is other
// work, too: the kernel does that, for whoever wrote.
const (
	noisy     = 0.1
	noisyOnce = 0.2
)

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
	var others, all time.Duration
	most := 0.0
	for _, s := range samples {
		whole := s.wall * time.Duration(runtime.NumCPU())
		others, all = others+s.others, all+whole
		if s.wall > time.Second/4 { // else the unit of what is counted shows
			most = max(most, float64(s.others)/float64(whole))
		}
	}
	mean := float64(others) / float64(all)
	fmt.Fprintf(w, "\nOther work took %.0f %% of the machine, and %.0f %% in the run it disturbed most.\n", 100*mean, 100*max(mean, most))
	if mean > noisy || most > noisyOnce {
		fmt.Fprint(w, "**The machine was busy: trust ratios of CPU, not seconds.**\n")
	}
}
