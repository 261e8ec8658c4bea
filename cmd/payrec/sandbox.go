package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/sandbox"
)

func (a *app) sandboxCommand() *cobra.Command {
	var addr, state string
	var semantics bool
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve a Payment Records API on this machine, to try things against",
		Long: `Sandbox serves all twelve operations on payment records and payment attempt
records, with their states, idempotency and paging, on a loopback address, until
it is interrupted. Any sk_test_ key is taken; everything else of Stripe's API
answers 501.

Exit statuses: 0 stopped · 1 it could not be served · 2 usage`,
		Example: `  payrec sandbox --addr 127.0.0.1:12111 --state trial.state
  STRIPE_API_KEY=sk_test_x payrec import f.csv -m generic-csv --api-base http://127.0.0.1:12111
  payrec sandbox --semantics`,
		Args: arguments(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if semantics {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(sandbox.Semantics())
			}
			server, err := sandbox.New(sandbox.Options{State: state})
			if err != nil {
				return err
			}
			defer closing(&err, server.Close)
			for _, note := range server.Notes() {
				fmt.Fprintln(a.stderr, "payrec:", clean(note))
			}
			url, err := server.Listen(addr)
			if err != nil {
				return &failure{exitFailed, err, "--addr takes a loopback address such as 127.0.0.1:12111"}
			}
			cmd.Printf("sandbox %s at %s\n", server.ID(), url)
			fmt.Fprintf(a.stderr, "payrec: try it: STRIPE_API_KEY=sk_test_x payrec import FILE -m PRESET --api-base %s\n", url)
			<-cmd.Context().Done()
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&addr, "addr", "127.0.0.1:12111", "the loopback `ADDRESS` to serve on; port 0 takes a free one")
	flags.StringVar(&state, "state", "", "keep the state in `FILE` (default: in memory, gone at the end)")
	flags.BoolVar(&semantics, "semantics", false, "print what is our own choice because the API's behaviour is not public")
	return cmd
}
