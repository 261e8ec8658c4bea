package main

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
)

// dryTarget is the account of a dry run, which needs none and no key.
func dryTarget() *target {
	return &target{
		identity: journal.Identity{Account: "dry run", Endpoint: "none"},
		name:     "nobody: this is a dry run",
		local:    true,
		close:    func() error { return nil },
	}
}

// book is where the plan of this run is written: the journal or, for a dry run,
// a draft that is gone afterwards.
func (r *importRun) book(ctx context.Context) (importer.Book, importer.Adopter, error) {
	if r.flags.dryRun {
		id := "run_" + r.clock().UTC().Format("20060102-150405") + "-" + strings.ToLower(rand.Text()[:4]) // as journals name runs
		return importer.NewDraft(id, r.target.identity.Scope()), nil, nil
	}
	plan, err := r.journal.NewRun(ctx, journal.RunInfo{Mapping: r.ref, MappingHash: r.mapping.Hash(), Source: r.mapping.Source(), Params: r.params})
	return plan, plan, err
}
