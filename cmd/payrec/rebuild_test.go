package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/stripeapi"
)

// rebuilds runs rebuild and returns its status and result.
func (c *crash) rebuilds(args ...string) (int, rebuildResult) {
	c.Helper()
	cmd := c.command(append([]string{"rebuild"}, args...)...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errorsAs(err, &exit) {
		c.Fatal(err)
	}
	var r rebuildResult
	if len(out) > 0 {
		if err := json.Unmarshal(out, &r); err != nil {
			c.Fatalf("%v\n%s", err, out)
		}
	}
	return cmd.ProcessState.ExitCode(), r
}

// client speaks with the sandbox.
func (c *crash) client() *stripeapi.Client {
	c.Helper()
	base, err := stripeapi.ParseBase(c.url)
	if err != nil {
		c.Fatal(err)
	}
	key, err := stripeapi.ParseKey("sk_test_crash")
	if err != nil {
		c.Fatal(err)
	}
	client, err := stripeapi.New(stripeapi.Config{Base: base, Key: key})
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(client.Close)
	return client
}

// TestRebuild: the journal is lost. Made anew from the account, it knows all
// that was reported: the same file sends nothing, an edited row is reported as
// changed, a new row is sent.
func TestRebuild(t *testing.T) {
	c := newCrash(t, 8)
	file := c.file("P", 30)
	if r := c.result(c.imports(file)); r.Status != exitOK {
		t.Fatalf("%+v", r.Calls)
	}
	for _, name := range []string{defaultJournal, defaultJournal + ".lock"} {
		if err := os.Remove(filepath.Join(c.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	status, r := c.rebuilds()
	if status != exitOK || r.Payments != 30 || r.Refunds != 10 || r.Adopted != 40 || r.Requests != 1 {
		t.Fatalf("status %d, %+v", status, r)
	}
	if r := c.result(c.imports(file)); r.Status != exitOK || r.RequestsSent != 0 || r.Calls.Already != 40 {
		t.Errorf("again: status %d, %d requests, %+v", r.Status, r.RequestsSent, r.Calls)
	}
	if status, r := c.rebuilds(); status != exitOK || r.Adopted != 0 || r.Known != 40 {
		t.Errorf("rebuilt twice: status %d, %+v", status, r)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), "10.00,EUR,P-0000", "11.00,EUR,P-0000", 1) + "2026-05-01,3.00,EUR,NEW,payment,\n2026-05-01,1.00,EUR,R-NEW,refund,P-0001\n"
	if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := c.result(c.imports(file)); r.Status != exitPartial || r.RequestsSent != 2 || r.Calls.Changed != 1 || r.Calls.Already != 39 {
		t.Errorf("edited: status %d, %d requests, %+v", r.Status, r.RequestsSent, r.Calls)
	}

	// Under another name of the account nothing would be recognised.
	if status, r := c.rebuilds("--account", "elsewhere", "--journal", "elsewhere.journal"); status != exitFailed {
		t.Errorf("under another name: status %d, %+v", status, r)
	}
	other := c.command("import", c.file("Q", 1), "-m", "generic-csv", "--account", "elsewhere", "--journal", "elsewhere.journal", "--new-journal")
	if r := c.result(other); r.Status != exitOK {
		t.Fatal(r.Status)
	}
	if status, r := c.rebuilds("--journal", "third.journal"); status != exitPartial || r.Foreign != 1 || r.Payments != 31 {
		t.Errorf("with another's records: status %d, %+v", status, r)
	}
}

// TestImportLooksUp: a refund whose payment was reported from another journal
// is held, unless the account is asked; then only the stamp counts.
func TestImportLooksUp(t *testing.T) {
	c := newCrash(t, 9)
	c.result(c.command("import", c.file("P", 2), "-m", "generic-csv", "--journal", "elsewhere.journal"))
	file := filepath.Join(c.dir, "refunds.csv")
	const refunds = "date,amount,currency,reference,type,payment_reference\n2026-05-01,2.00,EUR,R-9,refund,P-0001\n2026-05-01,1.00,EUR,R-P-0000,refund,P-0000\n2026-05-01,2.00,EUR,R-8,refund,nobody\n"
	if err := os.WriteFile(file, []byte(refunds), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := c.result(c.command("import", file, "-m", "generic-csv", "--new-journal")); r.Rows.Held != 3 || r.RequestsSent != 0 {
		t.Fatalf("%+v, %d requests", r.Rows, r.RequestsSent)
	}
	look := c.imports(file)
	look.Args = append(look.Args, "--look-up")
	r := c.result(look)
	if s := r.Searched; s == nil || s.Payments != 3 || s.Found != 2 || s.Requests != 1 {
		t.Fatalf("%+v", r.Searched)
	}
	// Of the refunds one is new, one was reported from the other journal (and
	// reads otherwise here), one has no payment.
	if r.RequestsSent != 1 || r.Rows.Held != 1 || r.Calls.Confirmed != 1 || r.Calls.Changed != 1 {
		t.Errorf("%+v, %+v, %d requests", r.Rows, r.Calls, r.RequestsSent)
	}
	again := c.imports(file)
	if r := c.result(again); r.RequestsSent != 0 || r.Rows.Held != 1 {
		t.Errorf("%+v, %d requests", r.Rows, r.RequestsSent)
	}
	dry := c.command("import", file, "-m", "generic-csv", "--dry-run", "--look-up")
	dry.Run()
	if got := dry.ProcessState.ExitCode(); got != exitUsage {
		t.Errorf("--dry-run --look-up: status %d", got)
	}
}
