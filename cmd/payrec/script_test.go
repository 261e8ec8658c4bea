package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"

	"github.com/payrec/payrec/sandbox"
)

var update = flag.Bool("update", false, "rewrite the golden sections of the scripts")

// beMain in the environment makes the test binary the program itself, so that
// a test can kill it.
const beMain = "PAYREC_TEST_BE_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		mainLater()
	}
	testscript.Main(m, map[string]func(){"payrec": mainLater})
}

// testClock in the environment moves the program's clock by a duration.
const testClock = "PAYREC_TEST_CLOCK"

// mainLater is main with a clock that may have been moved.
func mainLater() {
	offset, _ := time.ParseDuration(os.Getenv(testClock)) // 0 for none
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop)
	clock := func() time.Time { return time.Now().Add(offset) }
	status := run(ctx, env{os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, clock})
	writePeak()
	os.Exit(status)
}

// TestScripts tells stories as a user would live them. Each says at its head
// which promise it protects.
func TestScripts(t *testing.T) {
	samples, err := filepath.Abs(filepath.Join("..", "..", "samples"))
	if err != nil {
		t.Fatal(err)
	}
	real, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "real"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SAMPLES", samples)
			e.Setenv("REAL", real)
			e.Setenv("STRIPE_API_KEY", "")
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "real" { // the genuine settlement files are on this machine
				_, err := os.Stat(real)
				return err == nil, nil
			}
			return false, fmt.Errorf("no condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":  cmdStatus,
			"xlsxcat": cmdXLSXCat,
			"sandbox": cmdSandbox,
			"totals":  cmdTotals,
		},
	})
}

// cmdStatus runs a command and compares its exit status: status 3 payrec import …
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command [args]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// cmdXLSXCat prints the cells of a sheet, one per line: xlsxcat FILE SHEET.
func cmdXLSXCat(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: xlsxcat FILE SHEET")
	}
	f, err := excelize.OpenFile(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	rows, err := f.GetRows(args[1])
	ts.Check(err)
	for _, row := range rows {
		fmt.Fprintln(ts.Stdout(), strings.Join(row, "\t"))
	}
}

// cmdSandbox serves a sandbox for the rest of the script, in a process of its
// own life: sandbox STATE sets $API_BASE.
func cmdSandbox(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sandbox STATE")
	}
	s, err := sandbox.New(sandbox.Options{State: ts.MkAbs(args[0])})
	ts.Check(err)
	url, err := s.Listen("127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	ts.Setenv("API_BASE", url)
	ts.Setenv("STRIPE_API_KEY", "sk_test_script")
}

// cmdTotals prints what a sandbox's state holds: totals STATE.
func cmdTotals(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: totals STATE")
	}
	s, err := sandbox.New(sandbox.Options{State: ts.MkAbs(args[0])})
	ts.Check(err)
	defer s.Close()
	t := s.Totals()
	fmt.Fprintf(ts.Stdout(), "records %d attempts %d refunds %d\n", t.Records, t.Attempts, t.Refunds)
	for _, currency := range slices.Sorted(maps.Keys(t.RecordSums)) {
		c := t.RecordSums[currency]
		fmt.Fprintf(ts.Stdout(), "%s requested %d guaranteed %d refunded %d\n", currency, c.Requested, c.Guaranteed, c.Refunded)
	}
}
