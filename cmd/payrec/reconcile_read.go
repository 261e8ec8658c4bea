package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"time"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// claiming reads settlement files for a reconciliation: rows become claims.
type claiming struct {
	app     *app
	mapping *mapping.Mapping
	files   []importer.File
	scope   string
	into    *exporter.Reconciler
}

// read reads all rows and returns the checks that do not hold.
func (c *claiming) read(ctx context.Context) (_ []checkResult, err error) {
	s := c.mapping.NewSession()
	defer closing(&err, s.Close)
	s.JudgeCards(importer.NewCensus(ctx, c.files).Judge)
	bar := c.app.newProgress("reading", "rows", 0)
	defer bar.done()
	n := int64(0)
	counted := func(do func(*table.Row) error) func(*table.Row) error {
		return func(row *table.Row) error {
			if n++; n%1024 == 0 {
				bar.set(n)
			}
			return do(row)
		}
	}
	if c.mapping.Gathers() {
		if err := c.each(ctx, s, counted(s.Gather)); err != nil {
			return nil, err
		}
	}
	err = c.each(ctx, s, counted(func(row *table.Row) error {
		result, err := s.Row(row)
		if err != nil || result == nil {
			return err
		}
		return c.row(result)
	}))
	if err != nil {
		return nil, err
	}
	checks, err := s.Finish()
	return failed(checks), err
}

func (c *claiming) each(ctx context.Context, s *mapping.Session, do func(*table.Row) error) error {
	for _, file := range c.files {
		if err := c.file(ctx, file, s, do); err != nil {
			var broken *table.Error
			if errors.As(err, &broken) {
				return &failure{exitInput, err, "correct the file or name the right mapping, then run the same command again"}
			}
			return err
		}
	}
	return nil
}

func (c *claiming) file(ctx context.Context, file importer.File, s *mapping.Session, do func(*table.Row) error) (err error) {
	reader, err := file.Open()
	if err != nil {
		return err
	}
	defer closing(&err, reader.Close)
	s.Date1904(reader.Date1904())
	for {
		row, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := do(row); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// row makes the claims of a row.
func (c *claiming) row(r *mapping.Result) error {
	rejected, held := r.Disposition == mapping.Rejected, r.Disposition == mapping.Held
	if err := c.into.Row(r.Pos.File, r.Class, rejected, held, r.Total); err != nil {
		return err
	}
	if r.Disposition != mapping.Emitted {
		if r.Payment == "" || r.Disposition == mapping.Ignored {
			return nil
		}
		return c.into.Claim(exporter.Claim{Payment: r.Payment, File: r.Pos.File, Line: r.Pos.Line})
	}
	for _, e := range r.Events {
		claim := exporter.Claim{
			Payment: e.Payment, Call: e.Call, ID: e.ID, Op: record.OpID(c.scope, c.mapping.Source(), e.Call, e.ID),
			Amount: e.Amount, File: e.Pos.File, Line: e.Pos.Line,
		}
		switch e.Call {
		case record.ReportPayment:
			claim.Reference, _ = e.Params.Get("processor_details.custom.payment_reference")
			claim.At = momentOf(e.Params, "guaranteed.guaranteed_at", "initiated_at")
		case record.ReportRefund:
			claim.Reference, _ = e.Params.Get("processor_details.custom.refund_reference")
			claim.At = momentOf(e.Params, "refunded.refunded_at", "initiated_at")
		}
		if err := c.into.Claim(claim); err != nil {
			return err
		}
	}
	return nil
}

// momentOf is the first of the parameters that holds a time.
func momentOf(p record.Params, paths ...string) time.Time {
	for _, path := range paths {
		if text, ok := p.Get(path); ok {
			if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
				return time.Unix(seconds, 0).UTC()
			}
		}
	}
	return time.Time{}
}

// readJournal opens the account's journal for reading; without one the journal
// is nil, and the note says why.
func (a *app) readJournal(ctx context.Context, t *target) (*journal.Journal, string, error) {
	j, err := journal.OpenReadOnly(ctx, t.journal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "none at " + t.journal, nil
	}
	if err != nil {
		return nil, "", err
	}
	if !j.Identity().Same(t.identity) {
		return nil, t.journal + " belongs to another account", j.Close()
	}
	return j, t.journal, nil
}
