package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// importRun is one run of import, plan or apply.
type importRun struct {
	*app
	flags   *importFlags
	target  *target
	journal *journal.Journal
	mapping *mapping.Mapping // nil when applying a plan whose mapping is gone
	inputs  *inputs
	ref     string            // how the mapping was named
	params  map[string]string // its parameters
	result  result
}

// planAndApply plans, writes the files for people, and sends if asked to.
func (r *importRun) planAndApply(ctx context.Context, send bool) error {
	notes, err := importer.NewNotes()
	if err != nil {
		return err
	}
	defer notes.Close()
	book, adopter, err := r.book(ctx)
	if err != nil {
		return err
	}
	if draft, ok := book.(*importer.Draft); ok {
		defer draft.Close()
	}
	report, err := r.plan(ctx, book, adopter, notes)
	if err != nil {
		return err
	}
	r.result.planned(r, report)
	if report.Dropped != nil {
		return r.dropped(ctx, report, notes)
	}
	if !send {
		return r.review(ctx, notes)
	}
	return r.apply(ctx, book.Run(), notes)
}

func (r *importRun) plan(ctx context.Context, book importer.Book, adopter importer.Adopter, notes *importer.Notes) (*importer.Report, error) {
	bar := r.newProgress("reading", "rows", 0)
	defer bar.done()
	planner := &importer.Planner{
		Mapping: r.mapping, Files: r.inputs.files, Book: book, Notes: notes,
		Scope: r.target.identity.Scope(), Progress: bar.set,
	}
	planner.Keeper, _ = book.(importer.RowKeeper) // a draft keeps nothing
	planner.Standing = func() error {
		files, err := r.inputs.fingerprints() // taken while the rows were read
		if plan, ok := book.(*journal.Plan); ok {
			plan.Files(files)
		}
		return err
	}
	if r.flags.lookUp {
		planner.Adopter, planner.Account = adopter, source{r.target.client}
	}
	report, err := planner.Plan(ctx)
	if err == nil { // of a plan that was dropped too, to say what it was of
		_, err = r.inputs.fingerprints()
	}
	return report, err
}

// dropped reports a plan of which nothing may be sent.
func (r *importRun) dropped(ctx context.Context, report *importer.Report, notes *importer.Notes) error {
	r.result.Status = exitInput
	if err := r.print(); err != nil {
		return err
	}
	return &failure{exitInput, report.Dropped, "correct the file or the mapping, then run the same command again"}
}

// review ends a plan that is not applied at once.
func (r *importRun) review(ctx context.Context, notes *importer.Notes) error {
	if !r.flags.dryRun {
		entries := r.journal.Entries(ctx, r.result.Run, record.Held, record.Changed, record.Parked)
		if err := r.leftovers(ctx, &importer.LeftoverWriter{Notes: notes.All(), Entries: entries}); err != nil {
			return err
		}
	}
	if r.flags.review != "" {
		if err := r.writeReview(ctx); err != nil {
			return err
		}
	}
	if n := r.result.Rows; r.flags.dryRun && n.Held+n.Rejected > 0 {
		r.result.Status = exitPartial
	}
	if err := r.print(); err != nil || r.result.Status == exitOK {
		return err
	}
	return &failure{status: r.result.Status}
}

// writeReview writes what the plan says of every call.
func (r *importRun) writeReview(ctx context.Context) error {
	err := table.WriteFile(r.flags.review, func(w io.Writer) error {
		_, err := importer.WriteReview(w, r.journal.Entries(ctx, r.result.Run))
		return err
	})
	if err == nil {
		r.result.Files.Review = r.flags.review
	}
	return err
}

// apply sends the plan and closes its books.
func (r *importRun) apply(ctx context.Context, run string, notes *importer.Notes) error {
	if err := r.journal.SetRunState(ctx, run, "applying"); err != nil {
		return err
	}
	todo, stopped := r.lookUp(ctx, run)
	var requests int64
	if stopped == nil {
		requests, stopped = r.send(ctx, run, todo)
	}

	// What follows is about answers that are on disk already: an interrupt does
	// not keep them from being reported.
	ctx = context.WithoutCancel(ctx)
	state := "done"
	if stopped != nil {
		state = "stopped"
	}
	if err := r.journal.SetRunState(ctx, run, state); err != nil {
		return errors.Join(stopped, err)
	}
	var tallies []record.Tally
	var unwritten error
	if requests > 0 {
		unwritten = r.receipts(ctx, run, &tallies)
	}
	switch changed := stopped != nil || slices.ContainsFunc(todo, open); {
	case tallies != nil:
	case !changed:
		tallies = todo
	default:
		var err error
		if tallies, err = r.journal.Tallies(ctx, run); err != nil {
			return errors.Join(stopped, err, unwritten)
		}
	}
	r.result.applied(requests, tallies)
	if requests == 0 && r.result.Calls.Confirmed > 0 {
		unwritten = r.receipts(ctx, run, nil)
	}
	unwritten = errors.Join(r.files(ctx, run, notes, stopped == nil), unwritten)
	if err := r.conclude(stopped); unwritten == nil || stopped != nil {
		return errors.Join(err, unwritten)
	}
	return &failure{exitFailed, unwritten, "what was sent is in the journal; mend the cause, and payrec apply " + run + " writes the files"}
}

// lookUp looks up what is in doubt and cannot be asked again, and counts the calls
// of the run as they stand then.
func (r *importRun) lookUp(ctx context.Context, run string) ([]record.Tally, error) {
	if r.result.tallies != nil && !slices.ContainsFunc(r.result.tallies, doubtful) {
		return r.result.tallies, nil // as planning, a moment ago, left them
	}
	looking := r.newProgress("looking up what is in doubt", "records", 0)
	reconciler := &importer.Reconciler{Run: run, Docket: r.journal, Reader: source{r.target.client}, Clock: r.clock, Progress: looking.set}
	sum, err := reconciler.Reconcile(ctx)
	looking.done()
	if sum.Calls > 0 {
		r.result.Reconciled = &sum
	}
	if err != nil {
		return nil, err
	}
	return r.journal.Tallies(ctx, run)
}

// send sends what is to be sent.
func (r *importRun) send(ctx context.Context, run string, todo []record.Tally) (requests int64, stopped error) {
	bar := r.newProgress("reporting", "calls", toSend(todo))
	defer bar.done()
	applier := r.applier(run, bar.set)
	applier.Unreached = func(err error) {
		bar.note("the API cannot be reached so far, and is tried for about a minute: %v", err)
	}
	return applier.Apply(ctx)
}

// conclude prints the books and turns them into an exit status.
func (r *importRun) conclude(stopped error) error {
	calls := r.result.Calls
	switch {
	case stopped != nil:
		r.result.Status = classify(stopped).status
	case !calls.Balanced() || r.result.Rows != nil && !r.result.Rows.Balanced():
		r.result.Status, stopped = exitFailed, errNotBalanced
	case calls.InDoubt > 0:
		r.result.Status = exitDoubt
	case calls.Rejected+calls.Parked > 0 || r.result.Rows != nil && r.result.Rows.Held+r.result.Rows.Rejected > 0:
		r.result.Status = exitPartial
	}
	if err := r.print(); err != nil {
		return errors.Join(stopped, err)
	}
	if stopped != nil || r.result.Status == exitOK {
		return stopped
	}
	return &failure{status: r.result.Status}
}

// files writes the rejects and held files of a run that was applied.
func (r *importRun) files(ctx context.Context, run string, notes *importer.Notes, ended bool) error {
	w := &importer.LeftoverWriter{Ended: ended && r.result.Calls.InDoubt == 0}
	if left := leftDispositions(r.result.tallies); len(left) > 0 {
		w.Entries = r.journal.Entries(ctx, run, left...)
	}
	if notes != nil {
		w.Notes = notes.All()
	}
	return r.leftovers(ctx, w)
}

// receipts writes the receipts of a run, if it has any. It reads all calls of the run
// for that and counts them into tallies, unless that is nil; where it does not come
// so far, tallies stays as it is.
func (r *importRun) receipts(ctx context.Context, run string, tallies *[]record.Tally) error {
	if err := os.MkdirAll(r.flags.out, 0o700); err != nil {
		return err
	}
	path := filepath.Join(r.flags.out, run+"-receipts.csv")
	err := table.WriteFile(path, func(w io.Writer) error {
		n, err := importer.WriteReceipts(w, r.journal.Receipts(ctx, run, tallies))
		if err == nil && n == 0 {
			err = errNoReceipts
		}
		return err
	})
	switch {
	case err == nil:
		r.result.Files.Receipts = path
	case err != errNoReceipts:
		return err
	}
	return nil
}

// errNoReceipts keeps an empty file from being made.
var errNoReceipts = errors.New("no call was confirmed")

// leftovers writes the rejects and held files, if anything was left over and
// its source can still be read.
func (r *importRun) leftovers(ctx context.Context, w *importer.LeftoverWriter) error {
	if r.inputs == nil || !r.result.leftOver() {
		return nil
	}
	w.Run, w.Dir, w.Dialect, w.Files = r.result.Run, r.flags.out, r.mapping.Dialect(), r.inputs.files
	w.Sensitive = r.mapping.Sensitive()
	files, err := w.Write(ctx)
	if err != nil {
		return fmt.Errorf("writing the files of rows that were not imported: %w", err)
	}
	r.result.Files.add(files)
	return nil
}

// leftDispositions are those of which some calls may have been left over. Where all
// that was sent is confirmed, that is a small part of a run.
func leftDispositions(tallies []record.Tally) (left []record.Disposition) {
	for _, t := range tallies {
		switch t.Disposition {
		case record.New, record.Retry, record.Same, record.Duplicate:
			if t.State.There() {
				continue
			}
		}
		if !slices.Contains(left, t.Disposition) {
			left = append(left, t.Disposition)
		}
	}
	return left
}

// toSend counts the calls that a run has still to send.
func toSend(tallies []record.Tally) (n int64) {
	for _, t := range tallies {
		if open(t) && (t.Disposition == record.New || t.Disposition == record.Retry) {
			n += t.N
		}
	}
	return n
}

// doubtful says whether such calls may have to be looked up.
func doubtful(t record.Tally) bool {
	return slices.Contains([]record.State{record.Sending, record.UnknownState, record.Reconciling}, t.State)
}

// open says whether sending may change the state of such calls.
func open(t record.Tally) bool {
	return slices.Contains([]record.State{record.Planned, record.Sending, record.UnknownState}, t.State)
}
