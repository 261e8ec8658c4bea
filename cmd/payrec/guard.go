package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/internal/stripeapi"
	"github.com/payrec/payrec/record"
)

// guarded is how many of the account's newest records are looked at before the
// first call of a new journal: ten requests at the most.
const guarded = 1000

// guard refuses to plan in a journal that has never heard an answer while the
// account holds records that payrec reported: the journal was lost, or another
// one is meant, and once the API has forgotten the keys nothing else would keep
// the same payments from being reported again.
func (a *app) guard(ctx context.Context, f *importFlags, t *target, j *journal.Journal) error {
	if f.newJournal || f.lookUp { // --look-up asks the account itself
		return nil
	}
	if known, err := j.HasHistory(ctx); err != nil || known {
		return err
	}
	seen := 0
	for found, err := range t.client.Records(ctx, stripeapi.ListQuery{PageSize: 100}) {
		if err != nil {
			var refused *stripeapi.Error
			if errors.As(err, &refused) {
				fmt.Fprintf(a.stderr, "payrec: the account's records cannot be listed, so nobody knows whether an earlier journal is missing: %s\n", clean(err.Error()))
			}
			return nil // whatever is wrong, the first call will say so
		}
		if found.Metadata[record.StampOp] != "" {
			return &failure{exitInput,
				fmt.Errorf("the account holds records that payrec reported (such as %s), and the journal %s knows of none; nothing was sent", found.ID, t.journal),
				"name their journal with --journal, make it anew with `payrec rebuild`, or say --new-journal if a second one is meant"}
		}
		if seen++; seen == guarded {
			break
		}
	}
	return nil
}

// checkOut refuses a folder for outputs that cannot be one, before anything is
// sent: afterwards the rejects would have no place to go.
func checkOut(dir string) error {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err == nil && !info.IsDir() {
			return usage("name another with --out; nothing was sent", "the folder %s for rejects and receipts cannot be made: %s is a file", dir, at)
		}
		if err == nil || filepath.Dir(at) == at {
			return nil
		}
	}
}
