package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/record"
)

// imports is the account's journal as an export reads it; without a journal it
// is nil, and the facts say why.
func (a *app) imports(ctx context.Context, t *target) (*knownImports, []exporter.Fact, error) {
	facts := []exporter.Fact{{Section: "Account", Name: "read from", Value: t.name}}
	j, note, err := a.readJournal(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	facts = append(facts, exporter.Fact{Section: "Account", Name: "journal", Value: note})
	if j == nil {
		return nil, facts, nil
	}
	return &knownImports{j}, facts, nil
}

// knownImports tell an export of the imports that the journal knows.
type knownImports struct{ j *journal.Journal }

func (h *knownImports) close() error {
	if h == nil {
		return nil
	}
	return h.j.Close()
}

// known is what an export takes: nothing, rather than nothing of a type.
func (h *knownImports) known() exporter.Journal {
	if h == nil {
		return nil
	}
	return h
}

// Imports are the runs, the oldest first.
func (h *knownImports) Imports(ctx context.Context) ([]exporter.Import, error) {
	runs, err := h.j.Runs(ctx)
	if err != nil {
		return nil, err
	}
	var list []exporter.Import
	again := readAgain(runs)
	for n, r := range runs {
		i := exporter.Import{ID: r.ID, State: r.State, Created: r.Created, Mapping: r.Mapping, MappingHash: r.MappingHash, Calls: r.Tallies}
		for _, f := range r.Files {
			i.Files = append(i.Files, exporter.ImportFile{Name: f.Name, SHA256: f.SHA256, Size: f.Size, Again: again[fileOf{n, f.Name}]})
		}
		if a := r.Account; a != nil {
			i.Rows = &exporter.ImportRows{RowAccount: a.RowAccount, Called: a.Called}
		}
		list = append(list, i)
	}
	return list, nil
}

// Totals count all calls, each once.
func (h *knownImports) Totals(ctx context.Context) ([]record.Tally, error) { return h.j.Totals(ctx) }

// Exceptions iterates over the calls that did not reach the account, or not as
// the files have them now: of each call, what the last run that has it says. Then
// over the rows that are held or rejected and became no call, oldest run first.
func (h *knownImports) Exceptions(ctx context.Context) iter.Seq2[exporter.Exception, error] {
	return func(yield func(exporter.Exception, error) bool) {
		runs, err := h.j.Runs(ctx)
		var found []exporter.Exception
		if err == nil {
			found, err = h.exceptions(ctx, runs)
		}
		if err != nil {
			yield(exporter.Exception{}, err)
			return
		}
		for _, e := range found {
			if !yield(e, nil) {
				return
			}
		}
		for e, err := range h.openRows(ctx, runs) {
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// exceptions finds them from the last run to the first, and gives them in the
// order of the files. Only runs whose tallies tell of any are read.
func (h *knownImports) exceptions(ctx context.Context, runs []journal.RunStatus) ([]exporter.Exception, error) {
	var found []exporter.Exception
	settled := map[string]bool{} // by operation: a later run has the last word
	for n, run := range slices.Backward(runs) {
		var of []exporter.Exception
		for e, err := range h.j.Entries(ctx, run.ID, telling(run.Tallies)...) {
			if err != nil {
				return nil, err
			}
			kind := kindOf(e)
			if kind == "" || settled[e.ID] || e.Disposition == journal.Duplicate {
				continue
			}
			settled[e.ID] = true
			over, err := h.over(ctx, e, runs[n+1:])
			if err != nil {
				return nil, err
			}
			if !over {
				of = append(of, exceptionOf(e, kind, run.ID))
			}
		}
		found = append(of, found...)
	}
	return found, nil
}

// telling are the dispositions of a run that may have exceptions; with none,
// one that no entry has.
func telling(tallies []journal.Tally) []journal.Disposition {
	var list []journal.Disposition
	for _, t := range tallies {
		e := journal.Entry{Disposition: t.Disposition, Outcome: record.Outcome{State: t.State}}
		if kindOf(e) != "" && !slices.Contains(list, t.Disposition) {
			list = append(list, t.Disposition)
		}
	}
	if len(list) == 0 {
		return []journal.Disposition{"none"}
	}
	return list
}

// kindOf is the kind of exception that a call is, or "" when it is none.
func kindOf(e journal.Entry) string {
	switch e.Disposition {
	case journal.Held, journal.Parked:
		return exporter.ExceptionHeld
	case journal.Conflicting:
		return exporter.ExceptionConflict
	case journal.Changed:
		return exporter.ExceptionChanged
	}
	switch e.State {
	case journal.Rejected:
		return exporter.ExceptionRejected
	case journal.Unknown, journal.Sending, journal.Reconciling:
		return exporter.ExceptionDoubt
	case journal.Conflict:
		return exporter.ExceptionConflict
	case journal.Planned:
		return exporter.ExceptionUnsent
	}
	return ""
}

// over says whether a call is in the account after all, or whether a later file
// has it again as it was reported.
func (h *knownImports) over(ctx context.Context, e journal.Entry, later []journal.RunStatus) (bool, error) {
	if e.Disposition != journal.Changed {
		if call, err := h.j.Call(ctx, e.ID); err == nil { // an error: nothing came of it yet
			return call.State.There(), nil
		}
		return false, ctx.Err()
	}
	for _, run := range later {
		if !slices.ContainsFunc(run.Tallies, func(t journal.Tally) bool { return t.Call == e.Call && t.Disposition == journal.Same }) {
			continue
		}
		for same, err := range h.j.Entries(ctx, run.ID, journal.Same) {
			if err != nil || same.ID == e.ID {
				return err == nil, err
			}
		}
	}
	return false, nil
}

func exceptionOf(e journal.Entry, kind, run string) exporter.Exception {
	x := exporter.Exception{Kind: kind, Payment: e.RecordID, Reference: e.Natural, Call: e.Call, Amount: e.Amount, Run: run, File: e.File, Line: e.Line, Operation: e.ID}
	if x.Reference == "" {
		x.Reference = e.Payment
	}
	switch kind {
	case exporter.ExceptionChanged:
		x.Reason = "the file has it otherwise than it was reported"
		if e.PreviousFile != "" {
			x.Reason += fmt.Sprintf(" from %s:%d", e.PreviousFile, e.PreviousLine)
		}
		x.Reason += "; what was reported stands"
	case exporter.ExceptionDoubt:
		x.Reason = "it may have been reported; import the file again, or see payrec status"
	case exporter.ExceptionUnsent:
		x.Reason = "planned, and not sent yet; payrec apply sends it"
	}
	if said := strings.TrimSpace(first(e.Message, e.Reason)); said != "" {
		x.Reason = strings.TrimPrefix(x.Reason+"; "+said, "; ")
	}
	return x
}
