package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/payrec/payrec/sandbox"
)

// resolves runs resolve without --json, which it has not.
func (c *crash) resolves(args ...string) (status int, text string) {
	c.Helper()
	cmd := c.command(append([]string{"resolve"}, args...)...)
	cmd.Args = cmd.Args[:len(cmd.Args)-1]
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errorsAs(err, &exit) {
		c.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// opened lists what status says is open.
func (c *crash) opened() []openCall {
	c.Helper()
	cmd := c.command("status", "--json")
	cmd.Args = cmd.Args[:3]
	out, _ := cmd.Output() // its status is 5 when something is open
	var s statusResult
	if err := json.Unmarshal(out, &s); err != nil {
		c.Fatalf("%v\n%s", err, out)
	}
	return s.Open
}

// doubtful imports a file of n payments whose first call stays in doubt. before
// says that the API did not apply it.
func (c *crash) doubtful(n int, before bool) (file string) {
	c.Helper()
	file = c.file("P", n)
	fault := sandbox.Fault{Reference: "P-0000", Header: map[string][]string{"Stripe-Should-Retry": {"false"}}}
	if before {
		fault.At = sandbox.FaultBefore
	}
	c.server.Inject(fault)
	if r := c.result(c.imports(file)); r.Status != exitDoubt || r.Calls.InDoubt != 1 {
		c.Fatalf("status %d, %+v", r.Status, r.Calls)
	}
	return file
}

// TestResolveConflict: two records carry one call's stamp, because another
// journal was used in between. Nothing is guessed: a person says which.
func TestResolveConflict(t *testing.T) {
	c := newCrash(t, 3)
	file := c.doubtful(2, false)
	c.advance(25 * time.Hour)
	other := c.command("import", file, "-m", "generic-csv", "--journal", "other.journal", "--new-journal")
	if r := c.result(other); r.Status != exitOK {
		t.Fatalf("status %d, %+v", r.Status, r.Calls)
	}
	r := c.result(c.imports(file))
	if r.Status != exitDoubt || r.Reconciled == nil || r.Reconciled.Conflicts != 1 {
		t.Fatalf("status %d, %+v", r.Status, r.Reconciled)
	}
	open := c.opened()
	if len(open) != 1 || open[0].State != "conflict" || !strings.Contains(open[0].Message, "2 records carry its stamp: pr_") || !strings.Contains(open[0].Next, "payrec resolve") {
		t.Fatalf("%+v", open)
	}
	id := open[0].Call
	_, list, _ := strings.Cut(open[0].Message, ": ")
	records := strings.Split(list, ", ")
	if status, text := c.resolves(id[:8], "--resend"); status != exitFailed || !strings.Contains(text, "2 records carry its stamp") {
		t.Errorf("resend: status %d\n%s", status, text)
	}
	if status, text := c.resolves(id[:8], "--adopt", "pr_nothing"); status != exitFailed || !strings.Contains(text, "no such payment record") {
		t.Errorf("adopt nothing: status %d\n%s", status, text)
	}
	status, text := c.resolves(id[:8], "--adopt", records[0], "--reason", "the one with the refund")
	if status != exitOK || !strings.Contains(text, "taken as reported: "+records[0]) {
		t.Fatalf("adopt: status %d\n%s", status, text)
	}
	if status, text := c.resolves(id[:8], "--skip"); status != exitUsage || !strings.Contains(text, "is adopted") {
		t.Errorf("skip: status %d\n%s", status, text)
	}
	// Its refund was waiting for it. Under the same key on the same record, the
	// API answers what it answered to the other journal.
	if r := c.result(c.imports(file)); r.Status != exitOK || r.RequestsSent != 1 {
		t.Errorf("status %d, %+v, %d requests", r.Status, r.Calls, r.RequestsSent)
	}
}

// TestResolveResend: not before it is certain that the call is not there, but
// by force; and what is there is never sent again.
func TestResolveResend(t *testing.T) {
	c := newCrash(t, 4)
	file := c.doubtful(1, true)
	id := c.opened()[0].Call
	if status, text := c.resolves(id, "--resend"); status != exitFailed || !strings.Contains(text, "may still appear until") {
		t.Errorf("too early: status %d\n%s", status, text)
	}
	c.advance(25 * time.Hour)
	if status, text := c.resolves(id, "--resend"); status != exitOK || !strings.Contains(text, "sent again under a new key") {
		t.Fatalf("status %d\n%s", status, text)
	}
	if r := c.result(c.imports(file)); r.Status != exitOK || r.RequestsSent != 2 {
		t.Errorf("status %d, %d requests, %+v", r.Status, r.RequestsSent, r.Calls)
	}
	c.whole(1)

	c = newCrash(t, 5)
	file = c.doubtful(1, false)
	id = c.opened()[0].Call
	if status, text := c.resolves(id, "--resend"); status != exitFailed || !strings.Contains(text, "it is there: pr_") || !strings.Contains(text, "--adopt pr_") {
		t.Errorf("status %d\n%s", status, text)
	}
	if r := c.result(c.imports(file)); r.Status != exitOK {
		t.Errorf("status %d, %+v", r.Status, r.Calls)
	}
	c.whole(1)
}

// TestResolveSkip: what a person leaves out stays out, with its refund, and
// every run says so; it can be taken back.
func TestResolveSkip(t *testing.T) {
	c := newCrash(t, 6)
	file := c.doubtful(1, true)
	id := c.opened()[0].Call
	if status, text := c.resolves(id, "--skip", "--reason", "a test payment"); status != exitOK {
		t.Fatalf("status %d\n%s", status, text)
	}
	r := c.result(c.imports(file))
	if r.Status != exitPartial || r.RequestsSent != 0 || r.Calls.Parked != 1 || r.Rows.Held != 1 {
		t.Errorf("status %d, %d requests, %+v, %+v", r.Status, r.RequestsSent, r.Calls, r.Rows)
	}
	if status, text := c.resolves(id, "--resend"); status != exitOK {
		t.Fatalf("status %d\n%s", status, text)
	}
	if r := c.result(c.imports(file)); r.Status != exitOK || r.RequestsSent != 2 {
		t.Errorf("status %d, %d requests, %+v", r.Status, r.RequestsSent, r.Calls)
	}
	c.whole(1)
}

func TestResolveUsage(t *testing.T) {
	c := newCrash(t, 7)
	c.doubtful(1, true)
	id := c.opened()[0].Call
	for _, args := range [][]string{{id}, {id, "--skip", "--resend"}, {"nothing", "--skip"}, {"--skip"}} {
		if status, text := c.resolves(args...); status != exitUsage {
			t.Errorf("%q: status %d\n%s", args, status, text)
		}
	}
}
