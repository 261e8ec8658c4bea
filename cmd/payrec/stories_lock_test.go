package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestOneAtATime: of 2 to 8 processes that are started on one journal at once,
// exactly one runs. Whoever comes later is told who holds it.
func TestOneAtATime(t *testing.T) {
	for n := 2; n <= 8; n++ {
		if testing.Short() && n > 2 && n < 8 {
			continue
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			r := newRound(t, "lock", "kept", uint64(n), &tally{})
			held := newTrap(after, func(a arrival) bool { return a.write })
			v := r.world.visit(t, held)
			racers := make([]*process, n)
			for i := range racers {
				racers[i] = r.start(v.url, 1)
			}
			<-held.struck // one of them is at work, and stays there
			late := r.start(v.url, 1)
			<-late.ended
			var winner *process
			for _, p := range racers {
				if pid := fmt.Sprintf("in use by process %d on ", p.Process.Pid); strings.Contains(late.stderr.String(), pid) {
					winner = p
				}
			}
			if winner == nil {
				t.Fatalf("the one that came later is not told who holds the journal:\n%s", &late.stderr)
			}
			for _, p := range append(racers, late) {
				if p == winner {
					continue
				}
				<-p.ended
				if got := p.ProcessState.ExitCode(); got != exitFailed || !strings.Contains(p.stderr.String(), "in use by ") {
					t.Errorf("exit status %d\n%s", got, &p.stderr)
				}
			}
			select {
			case <-winner.ended:
				t.Errorf("the holder ended while its request was under way:\n%s", &winner.stderr)
			default:
			}
			if len(r.world.seen) != 1 { // its only lane is held
				t.Errorf("%d calls came, from more than one process", len(r.world.seen))
			}
			winner.Process.Kill()
			<-winner.ended
			v.end()
			r.judge() // the lock died with its holder
		})
	}
}
