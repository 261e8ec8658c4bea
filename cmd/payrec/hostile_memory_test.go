package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// mostMemory is what a process may hold at its peak, whatever its input: 256 MiB.
const mostMemory = 256 << 20

// peakFile in the environment makes the program write its peak of memory there
// before it ends.
const peakFile = "PAYREC_TEST_PEAK"

// writePeak does that. The kernel's own count of this process's pages is
// taken, because what wait(2) tells of a child includes its parent's.
func writePeak() {
	name := os.Getenv(peakFile)
	if name == "" {
		return
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return // no Linux
	}
	if m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status); m != nil {
		os.WriteFile(name, m[1], 0o600)
	}
}

// runMeasured runs the program as a process of its own and looks at its peak.
func runMeasured(t *testing.T, args []string) outcome {
	t.Helper()
	peak := filepath.Join(t.TempDir(), "peak")
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), beMain+"=1", peakFile+"="+peak, "STRIPE_API_KEY=")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if text, err := os.ReadFile(peak); err != nil {
		t.Logf("payrec %s: %v of processor time; this system does not tell the peak of memory", args[0], used)
	} else if kib, err := strconv.ParseInt(string(text), 10, 64); err != nil {
		t.Error(err)
	} else {
		t.Logf("payrec %s: %d MiB, %v of processor time", args[0], kib>>10, used)
		if kib<<10 > mostMemory {
			t.Errorf("payrec %s held %d MiB, more than %d", args[0], kib>>10, mostMemory>>20)
		}
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}
