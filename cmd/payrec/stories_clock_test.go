package main

import (
	"fmt"
	"testing"
	"time"
)

// TestClockJumps: the machine's clock is wrong when a call is sent, or when the
// next process finds it in doubt: by an hour, by more than a key's life, ahead
// or behind. Whether the call had its effect or not, in the end it has had it
// once.
func TestClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 25 * time.Hour, -25 * time.Hour, 400 * 24 * time.Hour} {
		if testing.Short() && jump.Abs() != 25*time.Hour {
			continue
		}
		for _, when := range []string{"when sent", "when found"} {
			for _, at := range []point{lost, after} {
				t.Run(fmt.Sprintf("%v %s, %s", jump, when, at), func(t *testing.T) {
					r := newRound(t, "clock", "kept", 1, &tally{})
					if when == "when sent" {
						r.skew = jump
					}
					r.kill(kill{concurrency: 1, trap: newTrap(at, func(a arrival) bool { return a.write && a.nth == 7 })})
					if r.skew = 0; when == "when found" {
						r.skew = jump
					}
					// This process may stop, or leave the call in doubt. It must not
					// do the call a second time, which judge would see.
					r.finish()
					r.skew = 0
					// The clock is right again. Absence is known when the time of the
					// sending is past, by the clock that it was sent by.
					r.world.aged.Add(int64(max(jump, 0) + 50*time.Hour))
					if _, p := r.finish(); p.ProcessState.ExitCode() != exitOK {
						r.world.aged.Add(int64(50 * time.Hour)) // later steps of what was only now found absent
					}
					r.judge()
				})
			}
		}
	}
}
