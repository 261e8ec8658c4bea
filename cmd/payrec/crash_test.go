package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/payrec/payrec/sandbox"
)

// A crash is a sandbox, a file of payments with refunds, and a clock that both
// it and the imports go by.
type crash struct {
	*testing.T
	server *sandbox.Server
	url    string
	dir    string
	now    atomic.Int64 // how far the clock was moved, in nanoseconds
	random *rand.Rand

	mu     sync.Mutex // guards open
	open   int
	closed *sync.Cond
}

func newCrash(t *testing.T, seed uint64) *crash {
	c := &crash{T: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(seed, 7))}
	var err error
	if c.server, err = sandbox.New(sandbox.Options{Clock: func() time.Time { return time.Now().Add(time.Duration(c.now.Load())) }}); err != nil {
		t.Fatal(err)
	}
	c.closed = sync.NewCond(&c.mu)
	front := httptest.NewUnstartedServer(c.server)
	front.Config.ConnState = c.connection
	front.Start()
	t.Cleanup(func() { front.Close(); c.server.Close() })
	c.url = front.URL
	return c
}

// connection counts the connections that are open.
func (c *crash) connection(_ net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open++
	case http.StateClosed, http.StateHijacked:
		c.open--
		c.closed.Broadcast()
	}
}

// settled waits until the sandbox has carried out all that a dead process sent:
// what it does later, it would do under a clock that has moved on. A connection
// of our own makes sure that those before it were taken.
func (c *crash) settled() {
	c.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		c.Fatal(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.0\r\n\r\n")
	io.Copy(io.Discard, conn)
	conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.open > 0 {
		c.closed.Wait()
	}
}

// advance lets time pass; after a day the sandbox has forgotten its keys.
func (c *crash) advance(d time.Duration) { c.now.Add(int64(d)) }

// file writes n payments, every third of them with a refund.
func (c *crash) file(name string, n int) string {
	var b strings.Builder
	b.WriteString("date,amount,currency,reference,type,payment_reference\n")
	for i := range n {
		fmt.Fprintf(&b, "2026-03-%02d,%d.%02d,EUR,%s-%04d,payment,\n", i%28+1, i%90+10, i%100, name, i)
		if i%3 == 0 {
			fmt.Fprintf(&b, "2026-04-%02d,1.%02d,EUR,R-%s-%04d,refund,%s-%04d\n", i%28+1, i%100, name, i, name, i)
		}
	}
	path := filepath.Join(c.dir, name+".csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		c.Fatal(err)
	}
	return path
}

func (c *crash) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append(args, "--api-base", c.url, "--json")...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), beMain+"=1", "STRIPE_API_KEY=sk_test_crash", testClock+"="+time.Duration(c.now.Load()).String())
	return cmd
}

func (c *crash) imports(file string) *exec.Cmd {
	return c.command("import", file, "-m", "generic-csv", "--concurrency", "8")
}

// kill runs an import until a fault strikes one of its writes, and kills it then:
// before the API applied the call, or after it did and before anybody heard.
// It says whether there was anything left to strike.
func (c *crash) kill(file string, within int) bool {
	c.Helper()
	hold, struck := make(chan struct{}), make(chan struct{})
	fault := sandbox.Fault{Kind: sandbox.FaultDelay, Path: "/v1/payment_records/*", Nth: 1 + c.random.IntN(within), Hold: hold, Struck: func() { close(struck) }}
	if c.random.IntN(3) == 0 {
		fault.Path = "/v1/payment_records/*/report_refund"
		fault.Nth = 1 + c.random.IntN(max(within/3, 1))
	}
	if c.random.IntN(2) == 0 {
		fault.At = sandbox.FaultBefore
	}
	c.server.ClearFaults()
	c.server.Inject(fault)
	defer c.server.ClearFaults()
	cmd := c.imports(file)
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	select {
	case <-struck:
		cmd.Process.Kill()
		<-ended
		close(hold)
		c.settled()
		return true
	case <-ended:
		return false
	}
}

// result runs an import to its end.
func (c *crash) result(cmd *exec.Cmd) result {
	c.Helper()
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errorsAs(err, &exit) {
		c.Fatal(err)
	}
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		c.Fatalf("%v\n%s\n%s", err, out, exit.Stderr)
	}
	if !r.Balanced {
		c.Errorf("the books do not balance:\n%s", out)
	}
	return r
}

// whole checks that every payment and refund of the files was reported once.
func (c *crash) whole(payments int) {
	c.Helper()
	refunds := (payments + 2) / 3
	totals := c.server.Totals()
	if totals.Records != payments || totals.Refunds != refunds {
		c.Errorf("%d records and %d refunds, want %d and %d", totals.Records, totals.Refunds, payments, refunds)
	}
	for reference, n := range references(c.T, c.url) {
		if n != 1 {
			c.Errorf("%s was reported %d times", reference, n)
		}
	}
}

func errorsAs(err error, exit **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*exit = e
	return ok
}

// TestKilledAndForgotten: imports die while requests are under way, and before
// the next one the API has forgotten every key. What was reported is found by
// its stamp, what was not is sent again; nothing is there twice and nothing is
// missing. Now and then a run comes before a whole day has passed: it waits.
func TestKilledAndForgotten(t *testing.T) {
	payments, kills := 400, 60
	if testing.Short() {
		payments, kills = 100, 8
	}
	c := newCrash(t, 1)
	file := c.file("P", payments)
	struck := 0
	for kill := range kills {
		if !c.kill(file, max(payments/kills, 4)) {
			continue
		}
		struck++
		if kill%4 == 0 {
			c.advance(23*time.Hour + 30*time.Minute) // too late to ask again, too early to tell
		}
		if kill%4 != 1 {
			c.advance(25 * time.Hour)
		}
	}
	c.advance(25 * time.Hour)
	adopted, absent := int64(0), int64(0)
	for range 3 { // a step whose parent had to be sent anew may need another day
		r := c.result(c.imports(file))
		if r.Reconciled != nil {
			adopted, absent = adopted+r.Reconciled.Adopted, absent+r.Reconciled.Absent
		}
		if r.Status == exitOK {
			break
		}
		c.advance(25 * time.Hour)
	}
	if r := c.result(c.imports(file)); r.Status != exitOK || r.RequestsSent != 0 {
		t.Errorf("once more: status %d, %d requests, %+v", r.Status, r.RequestsSent, r.Calls)
	}
	c.whole(payments)
	t.Logf("%d kills with a request under way; in the last runs %d found, %d sent anew", struck, adopted, absent)
	if struck < kills*9/10 {
		t.Errorf("only %d of %d kills struck", struck, kills)
	}
}

// TestLookedUp tells what one import says of calls whose keys are forgotten:
// one that was reported, one that was not, and the same too early.
func TestLookedUp(t *testing.T) {
	c := newCrash(t, 2)
	file := c.file("P", 3)
	final := http.Header{"Stripe-Should-Retry": {"false"}}
	c.server.Inject(sandbox.Fault{Reference: "P-0000", Header: final}, sandbox.Fault{Reference: "P-0001", Header: final, At: sandbox.FaultBefore})
	c.server.Inject(sandbox.Fault{Reference: "P-0002", Save: true}) // its key answers 500 for ever
	r := c.result(c.imports(file))
	if r.Status != exitDoubt || r.Calls.InDoubt != 3 || r.Calls.Parked != 1 {
		t.Fatalf("status %d, %+v", r.Status, r.Calls)
	}
	c.server.ClearFaults()

	c.advance(23*time.Hour + 10*time.Minute)
	r = c.result(c.imports(file))
	if s := r.Reconciled; r.Status != exitDoubt || s == nil || s.Calls != 3 || s.Adopted != 2 || s.Waiting != 1 || s.AskAgain == nil || s.Requests != 1 {
		t.Fatalf("status %d, %+v", r.Status, r.Reconciled)
	}
	if r.RequestsSent != 1 { // the refund of the payment that was found
		t.Errorf("%d requests", r.RequestsSent)
	}
	c.advance(2 * time.Hour)
	r = c.result(c.imports(file))
	if s := r.Reconciled; r.Status != exitOK || s == nil || s.Calls != 1 || s.Absent != 1 || r.RequestsSent != 1 {
		t.Fatalf("status %d, %+v, %d requests", r.Status, r.Reconciled, r.RequestsSent)
	}
	c.whole(3)
}
