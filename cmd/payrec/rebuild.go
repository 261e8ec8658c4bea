package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
)

// rebuildResult is the JSON form of payrec rebuild.
type rebuildResult struct {
	Journal string `json:"journal"`
	Account string `json:"account"`
	Run     string `json:"run"`
	Status  int    `json:"exit_status"`
	importer.Rebuilt
}

func (a *app) rebuildCommand() *cobra.Command {
	f := &targetFlags{}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Make a lost journal anew from the account",
		Long: `Rebuild reads all payment records of the account and enters what payrec's stamps
in their metadata say was reported into the journal: afterwards, importing the
same files again sends nothing, and a row that was edited since is reported as
changed. Nothing is written to the account. A journal that is there keeps what it
knows; what was in doubt stays in doubt, and the next import looks it up.

It costs one request for every 100 records. The account's name must be the one
that the payments were reported under (--account): it is part of what makes a
call the same call.

Exit statuses: 0 done · 1 failed, nothing written · 2 usage · 3 done, but some
stamps are damaged, stand on two records or belong to another account name`,
		Example: `  payrec rebuild --journal payrec.journal
  payrec rebuild --sandbox --json`,
		Args: arguments(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.rebuild(cmd.Context(), f)
			if err != nil {
				return err
			}
			return a.show(asJSON, r, r.Status)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object on standard output")
	f.add(cmd)
	return cmd
}

func (a *app) rebuild(ctx context.Context, f *targetFlags) (r *rebuildResult, err error) {
	t, err := a.open(ctx, f, 1)
	if err != nil {
		return nil, err
	}
	defer closing(&err, t.close)
	j, err := journal.Open(ctx, t.journal, t.identity, journal.Options{Command: "payrec rebuild", Clock: a.clock})
	if err != nil {
		return nil, err
	}
	defer closing(&err, j.Close)
	plan, err := j.NewRun(ctx, journal.RunInfo{Mapping: "(rebuilt from the account)"})
	if err != nil {
		return nil, err
	}
	r = &rebuildResult{Journal: t.journal, Account: t.identity.Account, Run: plan.Run()}
	bar := a.newProgress("reading the account", "records", 0)
	rebuilder := &importer.Rebuilder{Adopter: plan, Reader: source{t.client}, Scope: t.identity.Scope(), Progress: bar.set}
	r.Rebuilt, err = rebuilder.Rebuild(ctx)
	bar.done()
	if err == nil && r.Foreign > 0 && r.Payments == 0 {
		err = &failure{exitFailed, fmt.Errorf("all %s that payrec reported were reported under another name of the account than %q", count(r.Foreign, "payment"), r.Account),
			"give that name with --account; nothing was written"}
	}
	if err != nil {
		return nil, errors.Join(err, plan.Discard(context.WithoutCancel(ctx)))
	}
	if _, err := plan.Seal(ctx); err != nil {
		return nil, err
	}
	for _, state := range []string{journal.RunApplying, journal.RunDone} {
		if err := j.SetRunState(ctx, plan.Run(), state); err != nil {
			return nil, err
		}
	}
	if r.Foreign+r.Damaged+r.Twice > 0 {
		r.Status = exitPartial
	}
	return r, nil
}

func (r *rebuildResult) write(p *printer) error {
	p.line("%s · account %s · %s", r.Journal, r.Account, r.Run)
	p.line("")
	g := &grid{titles: []string{"what the account has", ">"}}
	for _, row := range []struct {
		what string
		n    int64
		must bool
	}{
		{"payment records", r.Records, true},
		{"payments that payrec reported", r.Payments, true},
		{"their refunds", r.Refunds, true},
		{"other calls on them", r.Others, false},
		{"records without a stamp of payrec's", r.Unstamped, true},
		{"reported under another account name: left out", r.Foreign, false},
		{"stamps that cannot be read", r.Damaged, false},
		{"records whose stamp another one carries too", r.Twice, false},
	} {
		if row.must || row.n > 0 {
			g.add(row.what, thousands(row.n))
		}
	}
	p.grid(g)
	if r.Twice > 0 {
		more := ""
		if rest := r.Twice - int64(len(r.Examples)); rest > 0 {
			more = fmt.Sprintf(", and %s more", thousands(rest))
		}
		p.line("Reported twice, it seems: %s%s", strings.Join(r.Examples, ", "), more)
	}
	p.line("%s entered into the journal, %s known to it, with %s.", count(r.Adopted, "call"), thousands(r.Known), count(r.Requests, "request"))
	return p.err
}
