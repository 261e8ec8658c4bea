package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// The crash test: processes of payrec are killed (SIGKILL) at every step of
// their work, thousands of times, and run again; in the end every row must
// have come to exactly one effect at the API.
//
// A round is one file and one journal: kills, then a run that may end, then
// one more that must send nothing. Rounds differ in what is killed where (the
// stratum) and in what becomes of the idempotency keys between two processes:
// kept, expired (the world ages by 25 hours), or kept by a sandbox that is
// restarted from its state file.
//
//	network   each call of the file in turn, at each point of its way
//	disk      the k-th write to the journal's files; while a call is held at
//	          the API, and each twelfth time before anything is sent
//	random    a random call, a random pause
//	recovery  a process that has doubts to clear up: at its first question to
//	          the API, or at the k-th write of opening the journal
//
// Now and then somebody else reports the payment that is just under way: same
// reference, same amount, no stamp of ours. It is not to be taken for ours.
var crashKills = flag.Int("kills", 240, "how many processes the crash test kills")

var (
	strata = []string{"network", "disk", "random", "recovery"}
	fates  = []string{"kept", "expired", "restarted"}
)

// A tally counts the rounds of one stratum and one fate of the keys.
type tally struct {
	rounds, calls, kills, inFlight, early int
	duplicates, lost, doubt, synced       int
	held                                  map[string]int // kills by call and point
}

func (y *tally) hold(t *trap) {
	if y.held == nil {
		y.held = map[string]int{}
	}
	y.held[t.call+" "+string(t.point)]++
}

func TestCrash(t *testing.T) {
	kills := *crashKills
	if testing.Short() {
		kills = min(kills, 24)
	}
	tallies := make([]tally, len(strata)*len(fates))
	var cells errgroup.Group
	cells.SetLimit(6) // processes mostly wait for the disk and for being killed
	for i := range tallies {
		stratum, fate := strata[i/len(fates)], fates[i%len(fates)]
		cells.Go(func() error {
			t.Run(stratum+"/"+fate, func(t *testing.T) {
				most := (kills + len(tallies) - 1) / len(tallies)
				for seed := uint64(0); tallies[i].kills < most && !t.Failed(); seed++ {
					newRound(t, stratum, fate, seed, &tallies[i]).play(most)
				}
			})
			return nil
		})
	}
	cells.Wait() // the rounds report their failures to their tests
	t.Log(crashTable(tallies), heldTable(tallies))
}

// crashTable prints what the rounds came to.
func crashTable(tallies []tally) string {
	var b strings.Builder
	var sum tally
	line := func(stratum, fate string, y tally) {
		fmt.Fprintf(&b, "%-9s %-10s %7d %7d %7d %10d %7d %11d %5d %9d\n", stratum, fate, y.rounds, y.calls, y.kills, y.inFlight, y.early, y.duplicates, y.lost, y.doubt)
	}
	fmt.Fprintf(&b, "\n%-9s %-10s %7s %7s %7s %10s %7s %11s %5s %9s\n", "stratum", "keys", "rounds", "calls", "kills", "in flight", "early", "duplicates", "lost", "in doubt")
	for i, y := range tallies {
		line(strata[i/len(fates)], fates[i%len(fates)], y)
		sum.rounds += y.rounds
		sum.calls += y.calls
		sum.kills += y.kills
		sum.inFlight += y.inFlight
		sum.early += y.early
		sum.duplicates += y.duplicates
		sum.lost += y.lost
		sum.doubt += y.doubt
		sum.synced += y.synced
	}
	line("all", "", sum)
	fmt.Fprintf(&b, "%.1f %% of the kills struck while a request was known to be under way;\n", 100*float64(sum.inFlight)/float64(max(sum.kills, 1)))
	fmt.Fprintf(&b, "%d of these requests were asked about, and had no page of the journal that was not on the disk", sum.synced)
	return b.String()
}

// heldTable prints at which points of their ways requests were held when their
// senders were killed.
func heldTable(tallies []tally) string {
	sum, calls := map[string]int{}, map[string]bool{}
	for _, y := range tallies {
		for what, n := range y.held {
			sum[what] += n
			calls[strings.Fields(what)[0]] = true
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n\n%-37s", "request under way when killed")
	all := append(points[:len(points):len(points)], ghostly)
	for _, p := range all {
		fmt.Fprintf(&b, "%9s", p)
	}
	for _, call := range slices.Sorted(maps.Keys(calls)) {
		fmt.Fprintf(&b, "\n%-37s", call)
		for _, p := range all {
			fmt.Fprintf(&b, "%9d", sum[call+" "+string(p)])
		}
	}
	return b.String()
}

// A round is one file, imported by many processes of which all but the last
// are killed.
type round struct {
	t             *testing.T
	stratum, fate string
	tally         *tally
	random        *rand.Rand
	seed          uint64
	world         *world
	lives         *lives
	dir, journal  string
	skew          time.Duration // how far the processes' clock is ahead of the world's
	over          bool          // a process came to its end
	shell         string        // a shell command that becomes the process; "" starts it directly
}

func newRound(t *testing.T, stratum, fate string, seed uint64, tally *tally) *round {
	r := &round{t: t, stratum: stratum, fate: fate, tally: tally, seed: seed, random: rand.New(rand.NewPCG(seed, 11))}
	r.dir = filepath.Join(t.TempDir(), fmt.Sprint(seed))
	r.journal = filepath.Join(r.dir, "journal", "payrec.journal")
	if err := os.MkdirAll(filepath.Dir(r.journal), 0o700); err != nil {
		t.Fatal(err)
	}
	state := ""
	if fate == "restarted" {
		state = filepath.Join(r.dir, "sandbox.state")
	}
	r.world = newWorld(t, state)
	r.lives = livesOf(seed, 20+r.random.IntN(20))
	r.lives.write(t, filepath.Join(r.dir, "lives.csv"))
	tally.rounds++
	tally.calls += len(r.lives.rows)
	return r
}

// A kill says when a process is to die.
type kill struct {
	trap        *trap         // wait until it has struck; nil waits for no request
	disk        int           // then until so many writes to the journal's folder were seen
	pause       time.Duration // then so long
	concurrency int
}

// A process is payrec importing the round's file.
type process struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
	ended          chan struct{}
}

func (r *round) start(url string, concurrency int) *process {
	life, err := filepath.Abs(filepath.Join("testdata", "crash", "life.yaml"))
	if err != nil {
		r.t.Fatal(err)
	}
	p := &process{ended: make(chan struct{})}
	p.Cmd = exec.Command(os.Args[0], "import", "lives.csv", "-m", life, "--json", "--api-base", url,
		"--journal", r.journal, "--concurrency", fmt.Sprint(concurrency), "--new-journal") // the keys and the journal alone must do it
	if r.shell != "" {
		p.Cmd = exec.Command("/bin/sh", append([]string{"-c", r.shell}, p.Args...)...)
	}
	p.Dir = r.dir
	p.Env = append(os.Environ(), beMain+"=1", "STRIPE_API_KEY=sk_test_crash", testClock+"="+(time.Duration(r.world.aged.Load())+r.skew).String())
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	if err := p.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() { p.Wait(); close(p.ended) }()
	return p
}

// quiet is how long the disk may be still before a process is taken to wait
// for the API.
const quiet = 15 * time.Millisecond

// kill starts a process and kills it.
func (r *round) kill(k kill) {
	var seen *watch
	if k.disk > 0 {
		seen = newWatch(r.t, filepath.Dir(r.journal))
		defer seen.close()
	}
	v := r.world.visit(r.t, k.trap)
	p := r.start(v.url, k.concurrency)
	inFlight := false
	if k.trap != nil {
		select {
		case <-k.trap.struck:
			inFlight = true
			r.synced(k)
		case <-p.ended:
		case <-time.After(time.Minute):
			r.t.Errorf("a process neither ended nor sent what was waited for:\n%s", &p.stderr)
		}
	}
	if k.disk > 0 {
		seen.wait(k.disk, quiet)
	}
	time.Sleep(k.pause)
	inFlight = inFlight && k.trap.sender.Err() == nil
	p.Process.Kill() // fails when it ended, which its status tells
	<-p.ended
	v.end()
	if status, ok := p.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		r.over = true
		r.expect(p, exitOK)
	} else {
		r.tally.kills++
		if inFlight {
			r.tally.inFlight++
			r.tally.hold(k.trap)
		}
		if k.trap == nil {
			r.tally.early++
		}
	}
	r.pass()
}

// synced checks that the intent of the request that is held is on the disk: a
// kill leaves the kernel's memory alone, a power cut does not. With one lane
// nothing else is being written at this moment.
func (r *round) synced(k kill) {
	if k.concurrency != 1 || k.trap.call == "(list)" || k.trap.call == "(retrieve)" {
		return
	}
	switch pages := unsynced(r.journal + "-wal"); {
	case pages > 0:
		r.t.Errorf("%s was sent while %d pages of the journal were not on the disk", k.trap.call, pages)
	case pages == 0:
		r.tally.synced++
	}
}

// pass is what happens between two processes.
func (r *round) pass() {
	switch r.fate {
	case "expired":
		r.world.release()
		r.world.ghosts.Wait()
		r.world.aged.Add(int64(25 * time.Hour))
	case "restarted":
		r.world.restart(r.t)
	}
}

func (r *round) expect(p *process, statuses ...int) {
	r.t.Helper()
	got := p.ProcessState.ExitCode()
	if slices.Contains(statuses, got) {
		return
	}
	r.t.Errorf("exit status %d, want one of %v\n%s%s", got, statuses, &p.stdout, &p.stderr)
}

// play kills as the stratum says until most were killed, lets the import end,
// and judges.
func (r *round) play(most int) {
	calls := len(r.lives.rows)
	for i := 0; i < calls && r.tally.kills < most && !r.over && !r.t.Failed(); i++ {
		switch r.stratum {
		case "network":
			r.kill(r.atCall(i))
		case "disk":
			r.kill(r.atWrite(i))
		case "random":
			r.kill(r.anywhere())
		case "recovery":
			if i%2 == 0 {
				r.kill(r.anywhere())
			} else {
				r.kill(r.inRecovery(i / 2))
			}
		}
	}
	if !r.t.Failed() {
		r.judge()
	}
}

// somewhere is a point of a request's way. A request that is executed when the
// next process is at work is only possible while the keys are kept.
func (r *round) somewhere(i int) point {
	all := points
	if r.fate == "kept" {
		all = append(all[:len(all):len(all)], ghostly)
	}
	return all[i%len(all)]
}

// atCall holds the i-th call of the file at a point that is another one in the
// next round.
func (r *round) atCall(i int) kill {
	return kill{concurrency: 1, trap: newTrap(r.somewhere(i+int(r.seed)), func(a arrival) bool { return a.write && !a.known && a.keys > i })}
}

// atWrite lets the i-th kill strike at another number of writes, while a call
// is held that is not answered; or before anything is sent.
func (r *round) atWrite(i int) kill {
	if i%12 == 11 {
		return kill{concurrency: 4, disk: 1 + r.random.IntN(40)}
	}
	return kill{concurrency: 4, disk: 1 + (i+int(r.seed))%12,
		trap: newTrap(r.somewhere(r.random.IntN(6)), func(a arrival) bool { return a.write && !a.known })}
}

func (r *round) anywhere() kill {
	nth := 1 + r.random.IntN(4)
	return kill{concurrency: 1 + r.random.IntN(8), pause: time.Duration(r.random.IntN(3000)) * time.Microsecond,
		trap: newTrap(r.somewhere(r.random.IntN(6)), func(a arrival) bool { return a.write && a.nth >= nth })}
}

// inRecovery kills a process that finds doubts: while it opens the journal, at
// a repeated call, at a listing or retrieval, or at the first call after them.
func (r *round) inRecovery(i int) kill {
	k := kill{concurrency: 1 + r.random.IntN(4)}
	if i%10 == 9 {
		k.disk = 1 + r.random.IntN(12)
		return k
	}
	k.trap = newTrap(r.somewhere(r.random.IntN(6)), func(a arrival) bool {
		if r.fate != "expired" {
			return a.write && a.known // the same key again
		}
		switch i % 3 {
		case 0:
			return !a.write
		case 1:
			return a.write || a.nth > 1
		}
		return a.write
	})
	return k
}

// judge runs the import to its end and once more, and holds the account
// against the file.
func (r *round) judge() {
	defer func() {
		if r.t.Failed() {
			r.t.Logf("this was round %d of %s with keys %s", r.seed, r.stratum, r.fate)
		}
	}()
	last, p := r.finish()
	r.world.release()
	r.world.ghosts.Wait()
	r.expect(p, exitOK)
	again, p := r.finish()
	r.expect(p, exitOK)
	if again.RequestsSent != 0 {
		r.t.Errorf("once more, %d requests were sent", again.RequestsSent)
	}
	calls := len(r.lives.rows)
	twins := 0
	for _, n := range r.world.twins {
		twins += n
	}
	executed := int(r.world.executed()) - twins
	totals := r.world.server.Totals()
	doubt := int(last.Calls.InDoubt + last.Calls.Parked)
	duplicates := max(executed-calls, 0)
	lost := max(calls-doubt-executed, 0)
	if doubt > 0 || totals.Records-twins != len(r.lives.payments) || totals.Attempts-twins != r.lives.attempts || totals.Refunds != r.lives.refunds {
		r.t.Errorf("%d calls are in doubt or parked; the account has %d records, %d attempts, %d refunds, want %d, %d, %d",
			doubt, totals.Records-twins, totals.Attempts-twins, totals.Refunds, len(r.lives.payments), r.lives.attempts, r.lives.refunds)
	}
	v := r.world.visit(r.t, nil)
	for reference, n := range references(r.t, v.url) {
		if n -= r.world.twins[reference]; n != 1 {
			r.t.Errorf("%s was reported %d times", reference, n)
		}
	}
	v.end()
	if !last.Balanced || !again.Balanced || last.Calls.Rejected > 0 {
		r.t.Errorf("the books: balanced %v and %v, %+v", last.Balanced, again.Balanced, last.Calls)
	}
	if duplicates > 0 || lost > 0 {
		r.t.Errorf("%d duplicates, %d lost: %d calls were executed, the file has %d, %d are in doubt or parked", duplicates, lost, executed, calls, doubt)
	}
	r.tally.duplicates += duplicates
	r.tally.lost += lost
	r.tally.doubt += doubt
}

// finish lets a process come to its end.
func (r *round) finish() (res result, p *process) {
	v := r.world.visit(r.t, nil)
	p = r.start(v.url, 4)
	<-p.ended
	v.end()
	if err := json.Unmarshal(p.stdout.Bytes(), &res); err != nil {
		r.t.Fatalf("%v\n%s%s", err, &p.stdout, &p.stderr)
	}
	return res, p
}
