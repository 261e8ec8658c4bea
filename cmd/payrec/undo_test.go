package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/payrec/payrec/record"
)

// undoes plans the undoing of a run.
func (c *crash) undoes(run string, args ...string) (int, undoResult) {
	c.Helper()
	cmd := c.command(append([]string{"undo", run}, args...)...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errorsAs(err, &exit) {
		c.Fatal(err)
	}
	var r undoResult
	if len(out) > 0 {
		if err := json.Unmarshal(out, &r); err != nil {
			c.Fatalf("%v\n%s", err, out)
		}
	}
	return cmd.ProcessState.ExitCode(), r
}

// TestUndo: the wrong file was imported. Its payments are refunded to the last
// cent by a plan that somebody can read first; the earlier file's stay.
func TestUndo(t *testing.T) {
	c := newCrash(t, 10)
	c.result(c.imports(c.file("GOOD", 5)))
	wrong := c.result(c.imports(c.file("BAD", 7)))
	before := c.server.Totals().RecordSums["eur"]

	status, r := c.undoes(wrong.Run, "--review", "undo.csv")
	if status != exitOK || r.Payments != 7 || r.Refund != 7 || r.Cancel+r.Mark+r.Left != 0 || r.Requests != 1 {
		t.Fatalf("status %d, %+v", status, r)
	}
	if got := c.server.Totals().RecordSums["eur"]; got != before {
		t.Errorf("planning moved something: %+v, %+v", before, got)
	}
	review, err := os.ReadFile(filepath.Join(c.dir, "undo.csv"))
	if err != nil || strings.Count(string(review), "report_refund") != 7 || !strings.Contains(string(review), "BAD.csv") {
		t.Errorf("%v\n%s", err, review)
	}
	applied := c.result(c.command("apply", r.Run))
	if applied.Status != exitOK || applied.RequestsSent != 7 {
		t.Errorf("status %d, %d requests, %+v", applied.Status, applied.RequestsSent, applied.Calls)
	}
	after := c.server.Totals().RecordSums["eur"]
	if got, want := after.Refunded-before.Refunded, r.Sums[record.ReportRefund]["eur"]; got != want {
		t.Errorf("%d was refunded, the plan said %d", got, want)
	}
	for rec, err := range (source{c.client()}).Records(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		bad := strings.HasPrefix(rec.ProcessorDetails.Reference(), "BAD")
		if (rec.AmountRefunded.Value == rec.AmountGuaranteed.Value) != bad {
			t.Errorf("%s: %d of %d refunded", rec.ProcessorDetails.Reference(), rec.AmountRefunded.Value, rec.AmountGuaranteed.Value)
		}
	}
	// Once is enough, and the file does not come back by itself.
	if status, r := c.undoes(wrong.Run); status != exitOK || r.Run != "" || r.Already != 7 {
		t.Errorf("undone again: status %d, %+v", status, r)
	}
	if r := c.result(c.imports(filepath.Join(c.dir, "BAD.csv"))); r.RequestsSent != 0 {
		t.Errorf("%d requests", r.RequestsSent)
	}
	if status, _ := c.undoes("run_nothing"); status != exitUsage {
		t.Errorf("an unknown run: status %d", status)
	}
}
