package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// env is everything a command takes from the world besides files.
type env struct {
	args   []string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
	clock  func() time.Time
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends us the ordinary way, at once
	asBatch()
	floor := collectLess()
	status := run(ctx, env{os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, time.Now})
	runtime.KeepAlive(floor)
	os.Exit(status)
}

// collectLess lets more garbage lie before it is collected: payrec keeps little in
// memory and drops much, so that a share of what it keeps is soon full. The memory
// that it returns is never touched and so takes none; the collector, which counts
// it, lets half of it lie beside half of what is kept. Only where a lot is kept is
// that less than Go's own choice. GOGC, where it is set, is obeyed instead.
func collectLess() (floor []byte) {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	debug.SetGCPercent(50)
	return make([]byte, 64<<20)
}

// run carries out one command line and returns its exit status.
func run(ctx context.Context, e env) int {
	root := newRoot(e)
	root.SetArgs(e.args)
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	return report(e.stderr, root.ExecuteContext(ctx))
}
