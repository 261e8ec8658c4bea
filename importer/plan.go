package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// A File is one input of a run. Open starts reading it from its first row; it
// may be called more than once.
type File struct {
	Name string
	Open func() (*table.Reader, error)
}

// A Planner plans one run.
type Planner struct {
	Mapping *mapping.Mapping
	Files   []File
	Book    Book
	// Scope names the account whose payments these are; see [record.OpID].
	Scope string
	// Notes is where rows that are not imported as they stand are noted, in the
	// order of the files.
	Notes    *Notes
	Keeper   RowKeeper        // keeps the account of the rows and their notes; may be nil
	Progress func(rows int64) // called now and then; may be nil
	// Adopter and Account let payments that nobody knows be looked up in the
	// account, by one scan of its whole list. Without them their calls are held.
	Adopter Adopter
	Account Reader
	// Standing is called when all rows were read and the plan stands, before it is
	// sealed; may be nil.
	Standing func() error

	workers int // goroutines that map rows; 0: one after the other, in this one
	parcel  int // rows that these are given at once
}

// A Report is what planning found. Tallies is nil when the plan was dropped.
type Report struct {
	Run      string
	Rows     Rows
	Lines    map[string]int64 // other lines by role
	Classes  []*ClassCount
	Checks   []mapping.CheckResult // first the failed ones
	Tallies  []record.Tally
	Problems Problems
	Searched *Searched // what looking up came to; nil when nothing was looked up
	// Dropped says why nothing of the plan may be sent; nil when it stands.
	Dropped error
}

// ErrInput is wrapped by [Report.Dropped]: the input is wrong, not the tool.
var ErrInput = errors.New("nothing was sent")

type classKey struct {
	file        string
	class       string
	disposition mapping.Disposition
	reason      string
}

// planning is the state of one Plan.
type planning struct {
	*Planner
	report  *Report
	classes map[classKey]*rowCount
	maker   *maker

	lastKey   classKey // of the row before, as its class
	lastCount *rowCount

	calls []made // of the row in work, when rows are mapped one after the other
}

// Plan reads every row of every file, writes the plan and seals it, or drops it
// and says why in [Report.Dropped]. Its error is about the tool (a disk that is
// full, an interrupt), and then the plan is dropped as well.
func (p *Planner) Plan(ctx context.Context) (*Report, error) {
	with := *p
	with.workers, with.parcel = runtime.GOMAXPROCS(0), parcelRows
	return with.planAll(ctx)
}

func (p *Planner) planAll(ctx context.Context) (*Report, error) {
	r := &planning{Planner: p, report: &Report{Run: p.Book.Run(), Lines: map[string]int64{}}, classes: map[classKey]*rowCount{}, maker: newMaker(p)}
	err := r.plan(ctx)
	switch {
	case err != nil && !errors.Is(err, ErrInput):
		// An interrupt must not leave a half-written plan behind.
		return r.report, errors.Join(err, p.Book.Discard(context.WithoutCancel(ctx)))
	case err != nil:
		r.report.Dropped = err
		return r.report, p.Book.Discard(ctx)
	}
	return r.report, nil
}

func (p *planning) plan(ctx context.Context) error {
	session := p.Mapping.NewSession()
	defer session.Close()
	session.JudgeCards(NewCensus(ctx, p.Files).Judge)
	err := p.rows(ctx, session)
	classes, overflow := classesOf(p.classes)
	p.report.Classes = classes
	if err := errors.Join(err, overflow); err != nil {
		return err
	}
	checks, err := session.Finish()
	if err != nil {
		return err
	}
	p.report.Checks = maskedChecks(checks)
	if err := p.verdict(); err != nil {
		return err
	}
	if p.Adopter != nil && p.Account != nil {
		if p.report.Searched, err = search(ctx, p.Adopter, p.Account, p.Scope, p.Mapping.Source()); err != nil {
			return err
		}
	}
	if p.Standing != nil {
		if err := p.Standing(); err != nil {
			return err
		}
	}
	if p.Keeper != nil {
		if err := p.Keeper.Account(p.rowAccount()); err != nil {
			return err
		}
	}
	tallies, err := p.Book.Seal(ctx)
	if err != nil {
		return err
	}
	return p.settle(ctx, tallies)
}

// rows takes all rows of the files through the mapping.
func (p *planning) rows(ctx context.Context, session *mapping.Session) error {
	gathers := p.Mapping.Gathers()
	if !gathers && p.workers > 0 {
		return p.parallel(ctx, session)
	}
	if gathers {
		if err := p.each(ctx, session, session.Gather); err != nil {
			return err
		}
	}
	return p.each(ctx, session, func(row *table.Row) error { return p.row(ctx, session, row) })
}

// each calls do with every row of every file.
func (p *planning) each(ctx context.Context, session *mapping.Session, do func(*table.Row) error) error {
	for _, file := range p.Files {
		if err := p.file(ctx, file, session, do); err != nil {
			return err
		}
	}
	return nil
}

func (p *planning) file(ctx context.Context, file File, session *mapping.Session, do func(*table.Row) error) error {
	reader, err := file.Open()
	if err != nil {
		return p.unreadable(err)
	}
	defer reader.Close()
	session.Date1904(reader.Date1904())
	for n := 1; ; n++ {
		row, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return p.unreadable(err)
		}
		if n%1024 == 0 {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if p.Progress != nil {
				p.Progress(p.report.Rows.Total)
			}
		}
		if err := do(row); err != nil {
			return p.ended(err)
		}
	}
}

// ended is what the mapping ended the reading with.
func (p *planning) ended(err error) error {
	var broken *table.Error
	if errors.As(err, &broken) {
		return p.unreadable(err)
	}
	return err
}

// unreadable notes a problem that ends the reading, of the file or of what the
// mapping finds in it: with the rest of a file
// unread, no total of the plan means anything.
func (p *planning) unreadable(err error) error {
	p.report.Problems.add(problemOf(err))
	return fmt.Errorf("a file cannot be imported as it is; %w", ErrInput)
}

// row takes one row through the mapping into the book and the accounts.
func (p *planning) row(ctx context.Context, session *mapping.Session, row *table.Row) error {
	result, err := session.Row(row)
	if err != nil {
		return err
	}
	if result == nil {
		p.report.Lines[row.Role.String()]++
		return nil
	}
	for len(p.calls) < len(result.Events) {
		p.calls = append(p.calls, made{})
	}
	for i := range result.Events {
		p.maker.make(&p.calls[i], &result.Events[i])
	}
	return p.enter(ctx, result, p.calls[:len(result.Events)])
}

// enter takes a row's result, and the calls of its events, into the book and
// the accounts.
func (p *planning) enter(ctx context.Context, result *mapping.Result, calls []made) error {
	for i := range calls {
		if err := calls[i].err; err != nil { // then the row becomes no call at all
			result.Disposition, result.Call, result.CallID = mapping.Rejected, result.Events[0].Call, result.Events[0].ID
			result.Problems = append(result.Problems, mapping.RowProblem{Code: "invalid_field", Msg: err.Error()})
			return p.account(ctx, result)
		}
	}
	for i := range calls {
		if err := p.put(ctx, &calls[i]); err != nil {
			return err
		}
	}
	return p.account(ctx, result)
}

// put adds a call to the book.
func (p *planning) put(ctx context.Context, c *made) error {
	if draft := p.maker.draft; draft != nil {
		return draft.add(&c.sketch, c.entry)
	}
	return p.Book.Add(ctx, c.op)
}

// account enters the row into the books of the run.
func (p *planning) account(ctx context.Context, r *mapping.Result) error {
	rows := &p.report.Rows
	rows.Total++
	switch r.Disposition {
	case mapping.Emitted:
		rows.Emitted++
	case mapping.Attached:
		rows.Attached++
	case mapping.Ignored:
		rows.Ignored++
	case mapping.Held:
		rows.Held++
		if err := p.note(ctx, r, Note{Held: true, Code: "held", Message: r.Reason}); err != nil {
			return err
		}
	case mapping.Rejected:
		rows.Rejected++
		if err := p.rejected(ctx, r); err != nil {
			return err
		}
	}
	key := classKey{r.Pos.File, r.Class, r.Disposition, r.Reason}
	if r.Disposition == mapping.Rejected {
		key.reason = ""
	}
	if p.lastCount != nil && p.lastKey == key {
		return p.lastCount.counted(key, r.Total)
	}
	count := p.classes[key]
	if count == nil {
		count = &rowCount{}
		p.classes[key] = count
	}
	p.lastKey, p.lastCount = key, count
	return count.counted(key, r.Total)
}

// rejected notes why a row cannot be imported, and parks its payment: a later
// step must not overtake the one that is missing.
func (p *planning) rejected(ctx context.Context, r *mapping.Result) error {
	for i, problem := range r.Problems {
		p.report.Problems.add(rowProblem(r.Pos, problem))
		if i > 0 {
			continue // one line of the rejects file per row; the report has them all
		}
		if err := p.note(ctx, r, Note{Code: problem.Code, Column: problem.Column, Message: problem.Msg, Hint: problem.Hint}); err != nil {
			return err
		}
	}
	if r.Payment == "" {
		return nil
	}
	reason := fmt.Sprintf("%s, a row of the same payment, was rejected", r.Pos)
	return p.Book.Block(ctx, p.Mapping.Source(), r.Payment, reason)
}

// note notes why the row is not imported as it stands.
func (p *planning) note(ctx context.Context, r *mapping.Result, note Note) error {
	note.File, note.Sheet, note.Line = r.Pos.File, r.Pos.Sheet, r.Pos.Line
	note = note.masked()
	if err := p.Notes.add(note); err != nil || p.Keeper == nil {
		return err
	}
	n := record.RowNote{File: note.File, Sheet: note.Sheet, Line: note.Line, Held: note.Held, Class: r.Class, Payment: r.Payment,
		Code: note.Code, Column: note.Column, Message: note.Message, Hint: note.Hint}
	if r.CallID != "" {
		n.OpID = record.OpID(p.Scope, p.Mapping.Source(), r.Call, r.CallID)
	}
	if r.Total != nil {
		n.Total = *r.Total
	}
	return p.Keeper.Note(ctx, n)
}

// verdict says whether the plan may stand.
func (p *planning) verdict() error {
	if n := p.report.Problems.Fatal; n > 0 {
		return fmt.Errorf("%s cannot be trusted or classed; %w", count(n, "row", "rows"), ErrInput)
	}
	failed := 0
	for _, c := range p.report.Checks {
		if !c.OK && c.Severity != "warn" {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%s not hold; %w", count(int64(failed), "check does", "checks do"), ErrInput)
	}
	if !p.report.Rows.Balanced() {
		return fmt.Errorf("the account of the rows does not balance (%+v): this is a defect of payrec", p.report.Rows)
	}
	return nil
}

// settle reads the sealed plan: rows whose calls are held, repeat earlier ones
// or contradict each other move to where they belong in the account.
func (p *planning) settle(ctx context.Context, tallies []record.Tally) error {
	p.report.Tallies = tallies
	n := map[record.Disposition]int64{}
	for _, t := range tallies {
		n[t.Disposition] += t.N
	}
	if n[record.Duplicate] > 0 {
		// Only all of a row's calls tell whether it repeats an earlier row whole.
		return p.move(ctx)
	}
	if n[record.Held]+n[record.Conflicting] > 0 {
		return p.move(ctx, record.Held, record.Conflicting)
	}
	return nil
}

// A fate is what the sealed plan says of one row's calls.
type fate struct{ held, repeated, contradicted, other bool }

// move enters into the account what became of rows in the sealed plan. The
// entries come in the order of the rows, so those of one row stand together.
func (p *planning) move(ctx context.Context, dispositions ...record.Disposition) error {
	var file string
	var line int
	var row fate
	for e, err := range p.Book.Entries(ctx, dispositions...) {
		if err != nil {
			return err
		}
		if e.File != file || e.Line != line {
			moved(&p.report.Rows, row)
			file, line, row = e.File, e.Line, fate{}
		}
		switch {
		case e.Disposition == record.Held:
			row.held = true
		case e.Disposition == record.Duplicate:
			row.repeated = true
		case contradicts(e):
			row.contradicted = true
			p.report.Problems.add(conflictProblem(e))
		default:
			row.other = true
		}
	}
	moved(&p.report.Rows, row)
	return nil
}

// contradicts says whether the call shares its id with one of this run that
// reads differently. Neither is reported: nobody can say which is right.
func contradicts(e record.Entry) bool {
	return e.Disposition == record.Conflicting && e.State != record.ConflictState
}

// moved takes an emitted row to where its calls ended.
func moved(r *Rows, f fate) {
	switch {
	case f.contradicted:
		r.Emitted--
		r.Rejected++
	case f.held:
		r.Emitted--
		r.Held++
	case f.repeated && !f.other:
		r.Emitted--
		r.Attached++
	}
}

// count is "1 row" or "12 rows".
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
