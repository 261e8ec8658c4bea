package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/stripeapi"
	"github.com/payrec/payrec/sandbox"
)

// writePayments makes a generic-csv file of n payments and returns its path.
func writePayments(t *testing.T, dir string, n int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("date,amount,currency,reference\n")
	for i := range n {
		fmt.Fprintf(&b, "2026-03-%02d,%d.%02d,EUR,P-%05d\n", i%28+1, i%900+1, i%100, i)
	}
	path := filepath.Join(dir, "payments.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serve serves a sandbox in memory for the test.
func serve(t *testing.T) (*sandbox.Server, string) {
	t.Helper()
	server, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	url, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return server, url
}

// references lists the payment references of all records.
func references(t *testing.T, url string) map[string]int {
	t.Helper()
	base, err := stripeapi.ParseBase(url)
	if err != nil {
		t.Fatal(err)
	}
	key, err := stripeapi.ParseKey("sk_test_kill")
	if err != nil {
		t.Fatal(err)
	}
	client, err := stripeapi.New(stripeapi.Config{Base: base, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	found := map[string]int{}
	for r, err := range client.Records(t.Context(), stripeapi.ListQuery{PageSize: 100}) {
		if err != nil {
			t.Fatal(err)
		}
		found[r.ProcessorDetails.Reference()]++
	}
	return found
}

// TestKilledImports: however often an import dies in the middle, running it
// again ends with every payment reported, and none twice. Each kill strikes
// while a request is under way: before the API applied it, or after it did and
// before we heard.
func TestKilledImports(t *testing.T) {
	rows, kills := 2000, 10
	if testing.Short() {
		rows, kills = 400, 4
	}
	server, url := serve(t)
	dir := t.TempDir()
	file := writePayments(t, dir, rows)
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "import", file, "-m", "generic-csv", "--api-base", url, "--json")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), beMain+"=1", "STRIPE_API_KEY=sk_test_kill")
		return cmd
	}
	random := rand.New(rand.NewPCG(1, 2))
	for kill := range kills {
		hold, struck := make(chan struct{}), make(chan struct{})
		fault := sandbox.Fault{Kind: sandbox.FaultDelay, Nth: 1 + random.IntN(rows/kills), Hold: hold, Struck: func() { close(struck) }}
		if kill%2 == 0 {
			fault.At = sandbox.FaultBefore
		}
		server.ClearFaults()
		server.Inject(fault)
		cmd := start()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-struck
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the import was not killed")
		}
		close(hold)
	}
	server.ClearFaults()
	out, err := start().Output()
	if err != nil {
		t.Fatalf("the last run: %v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte(`"balanced": true,`)) {
		t.Errorf("the books do not balance:\n%s", out)
	}
	totals := server.Totals()
	if totals.Records != rows {
		t.Errorf("%d records, want %d", totals.Records, rows)
	}
	for reference, n := range references(t, url) {
		if n != 1 {
			t.Errorf("%s was reported %d times", reference, n)
		}
	}
	t.Logf("%d kills, %d requests answered, %d executed", kills, totals.Requests, totals.Writes)

	again, err := start().Output()
	if err != nil || !bytes.Contains(again, []byte(`"requests_sent": 0,`)) {
		t.Errorf("once more: %v\n%s", err, again)
	}
}

// TestInterruptedImport: an interrupt finishes what is under way, starts nothing
// more, and says how to go on.
func TestInterruptedImport(t *testing.T) {
	const rows = 500
	server, url := serve(t)
	dir := t.TempDir()
	file := writePayments(t, dir, rows)
	hold, struck := make(chan struct{}), make(chan struct{})
	server.Inject(sandbox.Fault{Kind: sandbox.FaultDelay, Nth: 100, Hold: hold, Struck: func() { close(struck) }})
	start := func() (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
		cmd := exec.Command(os.Args[0], "import", file, "-m", "generic-csv", "--api-base", url, "--json", "--concurrency", "2")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), beMain+"=1", "STRIPE_API_KEY=sk_test_kill")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		return cmd, &stdout, &stderr
	}
	cmd, stdout, stderr := start()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-struck
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	close(hold)
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != exitInterrupted {
		t.Fatalf("exit status %d, want %d\n%s", got, exitInterrupted, stderr)
	}
	if !strings.Contains(stderr.String(), "run the same command again to go on") {
		t.Errorf("standard error:\n%s", stderr)
	}
	var first result
	if err := json.Unmarshal(stdout.Bytes(), &first); err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	made := server.Totals().Records
	if !first.Balanced || first.Calls.Confirmed != int64(made) || first.Calls.InDoubt != 0 || made >= rows {
		t.Errorf("%d records made, the books say %+v", made, first.Calls)
	}

	cmd, stdout, stderr = start()
	if err := cmd.Run(); err != nil {
		t.Fatalf("going on: %v\n%s", err, stderr)
	}
	var second result
	if err := json.Unmarshal(stdout.Bytes(), &second); err != nil {
		t.Fatal(err)
	}
	if second.Calls.Already != int64(made) || second.RequestsSent != int64(rows-made) || server.Totals().Records != rows {
		t.Errorf("after %d, going on: %+v, %d requests, %d records", made, second.Calls, second.RequestsSent, server.Totals().Records)
	}
}

// TestKilledWithItsSandbox: a sandbox of the command's own dies with it, and
// its state must not have lost what was answered.
func TestKilledWithItsSandbox(t *testing.T) {
	rows, kills := 2000, 10
	if testing.Short() {
		rows, kills = 400, 3
	}
	dir := t.TempDir()
	file := writePayments(t, dir, rows)
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "import", file, "-m", "generic-csv", "--sandbox")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), beMain+"=1")
		return cmd
	}
	random := rand.New(rand.NewPCG(3, 4))
	state := filepath.Join(dir, defaultSandbox)
	size := func() int64 {
		info, err := os.Stat(state)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	for range kills {
		cmd := start()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { cmd.Wait(); close(ended) }()
		// The state's growth says how far the import is, without any clock.
		at := size() + int64(random.IntN(rows*200))
		for running := true; running && size() < at; runtime.Gosched() {
			select {
			case <-ended:
				running = false
			default:
			}
		}
		cmd.Process.Kill()
		<-ended
	}
	if out, err := start().CombinedOutput(); err != nil {
		t.Fatalf("the last run: %v\n%s", err, out)
	}
	server, err := sandbox.New(sandbox.Options{State: state})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if n := server.Totals().Records; n != rows {
		t.Errorf("%d records, want %d", n, rows)
	}
}
