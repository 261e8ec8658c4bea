package main

import (
	"context"
	"io"
	"os"
	"os/signal"
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
	os.Exit(run(ctx, env{os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, time.Now}))
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
