package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/sandbox"
)

// sandboxToken in the environment is the token of the sandbox's control API.
const sandboxToken = "PAYREC_SANDBOX_TOKEN"

// sandboxFlags are what the command line says about a sandbox.
type sandboxFlags struct {
	addr, state, limits, latency, faults, seeds string
	listLag                                     time.Duration
	seed                                        uint64
	semantics                                   bool
}

func (a *app) sandboxCommand() *cobra.Command {
	var f sandboxFlags
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve a Payment Records API on this machine, to try things against",
		Long: `Sandbox serves all twelve operations on payment records and payment attempt
records, with their states, idempotency, limits and paging, on a loopback
address, until it is interrupted. Any sk_test_ key is taken; everything else of
Stripe's API answers 501. The address itself, in a browser, shows what is there.

The API under /__payrec/ moves the clock, injects faults, seeds payments and
reads totals. It takes the token that is printed, or that ` + sandboxToken + `
holds, in the header ` + sandbox.TokenHeader + `.

Exit statuses: 0 stopped · 1 it could not be served · 2 usage`,
		Example: `  payrec sandbox --addr 127.0.0.1:12111 --state trial.state
  STRIPE_API_KEY=sk_test_x payrec import f.csv -m generic-csv --api-base http://127.0.0.1:12111
  payrec sandbox --limits live --latency p50=120ms,p99=900ms --fault faults.yaml
  payrec sandbox --semantics`,
		Args: arguments(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.semantics {
				return printJSON(cmd, sandbox.AllDifferences())
			}
			return a.serveSandbox(cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.addr, "addr", "127.0.0.1:12111", "the loopback `ADDRESS` to serve on; port 0 takes a free one")
	flags.StringVar(&f.state, "state", "", "keep the state in `FILE` (default: in memory, gone at the end)")
	flags.StringVar(&f.limits, "limits", "sandbox", "rates and concurrency of an `ACCOUNT`: live, sandbox, or none for no limits")
	flags.StringVar(&f.latency, "latency", "0", "how `LONG` requests take: 120ms, 50ms-400ms or p50=120ms,p99=900ms")
	flags.DurationVar(&f.listLag, "list-lag", 0, "how `LONG` a new record is not listed yet")
	flags.StringVar(&f.faults, "fault", "", "inject the faults of `FILE`, a YAML list or JSON lines")
	flags.StringVar(&f.seeds, "load", "", "put the on-Stripe payments of `FILE`, JSON lines, into it")
	flags.Uint64Var(&f.seed, "seed", 0, "`NUMBER` that ids, latencies and chances are drawn from (default: another each time)")
	flags.BoolVar(&f.semantics, "semantics", false, "print what is our own choice because the API's behaviour is not public")
	cmd.AddCommand(a.sandboxVerifyCommand())
	return cmd
}

// serveSandbox serves until the context ends.
func (a *app) serveSandbox(cmd *cobra.Command, f sandboxFlags) (err error) {
	o, err := f.options()
	if err != nil {
		return usage("`payrec sandbox --help` lists the flags", "%w", err)
	}
	if o.Token = a.getenv(sandboxToken); o.Token == "" {
		o.Token = rand.Text()
	}
	server, err := sandbox.New(o)
	if err != nil {
		return err
	}
	defer closing(&err, server.Close)
	for _, note := range server.Notes() {
		fmt.Fprintln(a.stderr, "payrec:", clean(note))
	}
	if err := f.fill(server); err != nil {
		return usage("nothing was served", "%w", err)
	}
	url, err := server.Listen(f.addr)
	if err != nil {
		return &failure{exitFailed, err, "--addr takes a loopback address such as 127.0.0.1:12111"}
	}
	cmd.Printf("sandbox %s at %s\n", server.ID(), url)
	fmt.Fprintf(a.stderr, "payrec: try it: STRIPE_API_KEY=sk_test_x payrec import FILE -m PRESET --api-base %s\n", url)
	if a.getenv(sandboxToken) == "" {
		fmt.Fprintf(a.stderr, "payrec: control: curl -H '%s: %s' %s/__payrec/totals\n", sandbox.TokenHeader, o.Token, url)
	}
	<-cmd.Context().Done()
	return nil
}

func (f sandboxFlags) options() (sandbox.Options, error) {
	limits, err := sandbox.NamedLimits(f.limits)
	if err != nil {
		return sandbox.Options{}, fmt.Errorf("--limits: %w", err)
	}
	latency, err := sandbox.ParseLatency(f.latency)
	if err != nil {
		return sandbox.Options{}, fmt.Errorf("--latency: %w", err)
	}
	if f.listLag < 0 {
		return sandbox.Options{}, fmt.Errorf("--list-lag: %v is negative", f.listLag)
	}
	return sandbox.Options{State: f.state, Seed: f.seed, Limits: limits, Latency: latency, ListLag: f.listLag}, nil
}

// fill injects the faults and loads the payments that the flags name.
func (f sandboxFlags) fill(server *sandbox.Server) error {
	if f.faults != "" {
		script, err := os.ReadFile(f.faults)
		if err != nil {
			return err
		}
		faults, err := sandbox.ParseFaults(script)
		if err != nil {
			return fmt.Errorf("%s: %w", f.faults, err)
		}
		server.Inject(faults...)
	}
	if f.seeds == "" {
		return nil
	}
	text, err := os.ReadFile(f.seeds)
	if err != nil {
		return err
	}
	seeds, err := sandbox.ParseSeeds(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%s: %w", f.seeds, err)
	}
	for _, p := range seeds {
		// A state that was loaded before has them already.
		if _, err := server.SeedStripe(p); err != nil && !errors.Is(err, sandbox.ErrSeeded) {
			return fmt.Errorf("%s: %w", f.seeds, err)
		}
	}
	return nil
}

func printJSON(cmd *cobra.Command, v any) error {
	return writeJSON(cmd.OutOrStdout(), v)
}
