package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/sandbox"
)

func (a *app) sandboxVerifyCommand() *cobra.Command {
	var against string
	cmd := &cobra.Command{
		Use:   "verify --against BASE",
		Short: "Ask another base what the sandbox had to guess, and print where it differs",
		Long: `Verify replays a script of some 120 requests against a base, such as an
account's sandbox at https://api.stripe.com, and against a sandbox of its own,
and prints as JSON every status, code, parameter and field that differs, each
with the choice (payrec sandbox --semantics) that it is about.

It makes some 50 payment records, which nobody can delete: use an account that
is there for trying. The key is read from STRIPE_API_KEY; live keys are refused.

Exit statuses: 0 nothing differs · 1 the base could not be asked · 2 usage ·
3 something differs`,
		Example: `  STRIPE_API_KEY=sk_test_… payrec sandbox verify --against https://api.stripe.com > differences.json`,
		Args:    arguments(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if against == "" {
				return usage("for example --against https://api.stripe.com", "payrec sandbox verify needs --against BASE")
			}
			key := a.getenv("STRIPE_API_KEY")
			if key == "" {
				return usage("set STRIPE_API_KEY to a test key (sk_test_… or rk_test_…)", "there is no API key")
			}
			if err := sandbox.Verifiable(against, key); err != nil {
				return usage("nothing was sent", "%w", err)
			}
			v, err := sandbox.Verify(cmd.Context(), against, key)
			if err != nil {
				return err
			}
			if err := printJSON(cmd, v); err != nil {
				return err
			}
			fmt.Fprintf(a.stderr, "payrec: %d probes, %d requests, %d differences\n", v.Probes, v.Requests, len(v.Deviations))
			if len(v.Deviations) > 0 {
				return &failure{exitPartial, nil, ""}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&against, "against", "", "the `BASE` to ask, such as https://api.stripe.com")
	return cmd
}
