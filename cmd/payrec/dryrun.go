package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/payrec/payrec/internal/journal"
)

// dryJournal gives a dry run a journal of its own that is gone afterwards:
// nothing is written, no account and no key are needed.
func (a *app) dryJournal(ctx context.Context, f *importFlags) (*target, *journal.Journal, error) {
	dir, err := os.MkdirTemp("", "payrec-dry-run-*")
	if err != nil {
		return nil, nil, err
	}
	t := &target{
		identity: journal.Identity{Account: "dry run", Endpoint: "none"},
		journal:  filepath.Join(dir, defaultJournal),
		name:     "nobody: this is a dry run",
		local:    true,
		close:    func() error { return os.RemoveAll(dir) },
	}
	j, err := journal.Open(ctx, t.journal, t.identity, journal.Options{Command: "payrec import --dry-run"})
	if err != nil {
		return nil, nil, errors.Join(err, t.close())
	}
	return t, j, nil
}
