package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/internal/table"
)

// undoResult is the JSON form of payrec undo.
type undoResult struct {
	Run    string `json:"run"`    // the plan; "" when there is nothing to do
	Undoes string `json:"undoes"` // the run that it takes back
	Status int    `json:"exit_status"`
	Review string `json:"review,omitempty"`
	importer.Undone
	Sums importer.Sums `json:"sums"` // to be refunded, minor units
}

func (a *app) undoCommand() *cobra.Command {
	f := &targetFlags{}
	var asJSON bool
	var review string
	cmd := &cobra.Command{
		Use:   "undo RUN",
		Short: "Plan how the payments that a run reported are taken back",
		Long: `Undo writes a plan that takes back what a run reported, as far as the API lets
it: nothing can be deleted there. A payment that is not guaranteed yet is canceled;
what is guaranteed and not refunded is refunded in full, with the reference
payrec-undo-<call>; one that failed, was canceled or is refunded already is only
marked in its metadata. Nothing is sent: look at the plan (--review), then
payrec apply it. The run's rows stay known as reported; importing its files again
sends nothing.

It costs one request for every 100 records since the run.

Exit statuses: 0 planned · 1 failed, nothing planned · 2 usage · 3 planned, but
some of the run's calls stay: in doubt, in conflict, or on payments of other runs`,
		Example: `  payrec undo run_20260301-101500-k3f9 --review undo.csv
  payrec apply --latest`,
		Args: arguments(1, 1, "a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.undo(cmd.Context(), f, args[0], review)
			if err != nil {
				return err
			}
			return a.show(asJSON, r, r.Status)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object on standard output")
	cmd.Flags().StringVar(&review, "review", "", "write the planned calls to the CSV `FILE`")
	f.add(cmd)
	return cmd
}

func (a *app) undo(ctx context.Context, f *targetFlags, name, review string) (r *undoResult, err error) {
	t, err := a.open(ctx, f, 1)
	if err != nil {
		return nil, err
	}
	defer closing(&err, t.close)
	j, err := journal.Open(ctx, t.journal, t.identity, journal.Options{Command: "payrec undo", Clock: a.clock})
	if err != nil {
		return nil, err
	}
	defer closing(&err, j.Close)
	run, err := j.Run(ctx, name)
	if err != nil {
		return nil, &failure{exitUsage, err, "`payrec status` lists the runs"}
	}
	plan, err := j.NewRun(ctx, journal.RunInfo{Source: run.Source, Mapping: "(undo of " + run.ID + ")"})
	if err != nil {
		return nil, err
	}
	undoer := &importer.Undoer{Run: run.ID, Scope: t.identity.Scope(), Entries: j.Entries(ctx, run.ID), Reader: source{t.client}, Book: plan, Clock: a.clock}
	r = &undoResult{Undoes: run.ID, Sums: importer.Sums{}}
	r.Undone, err = undoer.Plan(ctx)
	if planned := r.Cancel + r.Refund + r.Mark; err != nil || planned == 0 {
		err = errors.Join(err, plan.Discard(context.WithoutCancel(ctx)))
		return r.judged(), err
	}
	tallies, err := plan.Seal(ctx)
	if err != nil {
		return nil, err
	}
	r.Run = plan.Run()
	for _, t := range tallies {
		r.Sums.Add(t)
	}
	if review != "" {
		r.Review = review
		err = table.WriteFile(review, func(w io.Writer) error {
			_, err := importer.WriteReview(w, j.Entries(ctx, r.Run))
			return err
		})
	}
	return r.judged(), err
}

func (r *undoResult) judged() *undoResult {
	if r.Left+r.Open > 0 {
		r.Status = exitPartial
	}
	return r
}

func (r *undoResult) write(p *printer) error {
	p.line("%s reported %s; looked at with %s", r.Undoes, count(r.Payments, "payment"), count(r.Requests, "request"))
	p.line("")
	g := &grid{titles: []string{"what becomes of them", ">payments"}}
	for _, row := range []struct {
		what string
		n    int64
	}{
		{"canceled", r.Cancel}, {"refunded in full", r.Refund}, {"only marked: failed, canceled or refunded already", r.Mark},
		{"undone before", r.Already},
	} {
		if row.n > 0 {
			g.add(row.what, thousands(row.n))
		}
	}
	p.grid(g)
	sums := &grid{titles: []string{"to be refunded", ">amount"}}
	for call, byCurrency := range r.Sums {
		for _, currency := range sortedCurrencies(byCurrency) {
			sums.add(string(call), money(byCurrency[currency], currency))
		}
	}
	p.grid(sums)
	if r.Left > 0 {
		p.line("%s of the run on payments of other runs: the API cannot take them back.", count(r.Left, "call"))
	}
	if r.Open > 0 {
		p.line("%s of the run in doubt or in conflict: import again or resolve them, then undo once more.", count(r.Open, "call"))
	}
	if r.Run == "" {
		p.line("Nothing is to be done.")
		return p.err
	}
	p.line("%s", fmt.Sprintf("Nothing was sent. payrec apply %s does it.", r.Run))
	return p.err
}
