package main

import (
	"os"
	"runtime"
	"testing"

	"github.com/payrec/payrec/sandbox"
)

// Rows that come by standard input are kept while they are imported, and nothing
// of them is left when payrec is killed: temporary files have no name any more.
func TestKilledWithoutTraces(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file keeps its name there")
	}
	c := newCrash(t, 31)
	rows, err := os.Open(c.file("P", 20))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	temp := t.TempDir()
	hold, struck := make(chan struct{}), make(chan struct{})
	c.server.Inject(sandbox.Fault{Kind: sandbox.FaultDelay, Path: "/v1/payment_records/*", Nth: 5, Hold: hold, Struck: func() { close(struck) }})
	defer close(hold)
	cmd := c.imports("-")
	cmd.Stdin = rows
	cmd.Env = append(cmd.Env, "TMPDIR="+temp)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-struck
	cmd.Process.Kill()
	cmd.Wait()
	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
