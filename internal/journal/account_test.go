package journal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"

	"github.com/payrec/payrec/record"
)

// accounted plans a run of the calls with notes and an account of the rows, and
// seals it.
func accounted(t testing.TB, j *Journal, info RunInfo, a record.RowAccount, notes []record.RowNote, ops ...Op) {
	t.Helper()
	ctx := context.Background()
	p, err := j.NewRun(ctx, info)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range ops {
		o.Line = i + 2
		if err := p.Add(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range notes {
		if err := p.Note(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Account(a); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Seal(ctx); err != nil {
		t.Fatal(err)
	}
}

func notesOf(t testing.TB, j *Journal, run string) (list []Note) {
	t.Helper()
	for n, err := range j.Notes(context.Background(), run) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	return list
}

func euro(text string) record.Money {
	return record.Money{Amount: decimal.MustParse(text), Currency: "eur"}
}

// TestAccount: the account of a run's rows is kept as it was given, with rows
// where their calls ended, and is there again when the journal is opened.
func TestAccount(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "payrec.journal")
	j := open(t, path)
	given := record.RowAccount{
		Rows:  record.Rows{Total: 10, Emitted: 6, Ignored: 1, Held: 1, Rejected: 2},
		Lines: map[string]int64{"header": 1, "blank": 2},
		Classes: []record.RowClass{
			{File: "a.csv", Class: "fee", Disposition: record.RowIgnored, Reason: "a fee", N: 1, Total: euro("-0.35"), Summed: true},
			{File: "a.csv", Class: "payment", Disposition: record.RowEmitted, N: 6, Total: euro("92233720368547758.07"), Summed: true},
			{File: "b.csv", Class: "payment", Disposition: record.RowRejected, N: 2},
			{File: "b.csv", Class: "plain", Disposition: record.RowHeld, N: 1, Total: record.Money{Amount: decimal.MustParse("1.5")}, Summed: true},
		},
	}
	notes := []record.RowNote{
		{File: "b.csv", Sheet: "May", Line: 3, Held: true, Class: "plain", Code: "held", Message: "wait", Hint: "ask", Total: euro("1.005")},
		{File: "b.csv", Line: 4, Class: "payment", Payment: "P", OpID: "op", Code: "bad_value", Column: "amount", Message: "no number"},
	}
	// One row is contradicted (both of its kind), one repeats, one waits for its payment.
	accounted(t, j, RunInfo{ID: "r", Source: "shop"}, given, notes, pay("A", "x"), pay("B", "x"), pay("B", "y"), pay("C", "x"), pay("C", "x"), refund("D", "1", "r"))
	plan(t, j, "without", pay("E", "x"))
	want := given
	want.Rows = record.Rows{Total: 10, Emitted: 2, Attached: 1, Ignored: 1, Held: 2, Rejected: 4}
	for range 2 {
		run, err := j.Run(ctx, "r")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&Account{want, map[string]int64{"a.csv": 6}}, run.Account); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]Note{{notes[0], false}, {notes[1], false}}, notesOf(t, j, "r")); diff != "" {
			t.Error(diff)
		}
		if run, err := j.Run(ctx, "without"); err != nil || run.Account != nil || len(notesOf(t, j, "without")) > 0 {
			t.Errorf("%+v, %v", run.Account, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, path)
	}
}

// TestAccountGoesWithItsPlan: of a plan that is discarded, was never sealed or
// gives no account, no note is left.
func TestAccountGoesWithItsPlan(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "payrec.journal")
	j := open(t, path)
	left := func() (n int) {
		if err := j.read.QueryRow("SELECT (SELECT count(*) FROM note) + (SELECT count(*) FROM run_rows) + (SELECT count(*) FROM run_class) + (SELECT count(*) FROM run_called)").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	begun := func() *Plan {
		p, err := j.NewRun(ctx, RunInfo{Source: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range batchRows + 1 {
			if err := p.Note(ctx, record.RowNote{File: "a.csv", Line: i}); err != nil {
				t.Fatal(err)
			}
		}
		return p
	}
	if p := begun(); left() != batchRows || p.Discard(ctx) != nil || left() != 0 {
		t.Errorf("%d left of a plan that was discarded", left())
	}
	if p := begun(); p.Account(record.RowAccount{}) != nil || p.Note(ctx, record.RowNote{}) != nil {
		t.Error("refused")
	} else if err := j.Close(); err != nil { // never sealed
		t.Fatal(err)
	}
	j = open(t, path)
	if left() != 0 {
		t.Errorf("%d left of a plan that was not sealed", left())
	}
	p := begun()
	if _, err := p.Seal(ctx); err != nil || left() != 0 {
		t.Errorf("%d left of a plan without an account, %v", left(), err)
	}
	if p.Note(ctx, record.RowNote{}) == nil || p.Account(record.RowAccount{}) == nil {
		t.Error("a sealed plan takes notes")
	}
	accounted(t, j, RunInfo{ID: "r", Source: "shop"}, record.RowAccount{}, make([]record.RowNote, 2*entryPage+500))
	if n := len(notesOf(t, j, "r")); n != 2*entryPage+500 {
		t.Errorf("%d notes", n)
	}
}

// TestNotesAreOver: a note is over once a later run has the call that the row was
// to become, or notes the row anew.
func TestNotesAreOver(t *testing.T) {
	row := func(o Op) record.RowNote {
		return record.RowNote{File: "a.csv", Line: 9, Class: "payment", Payment: o.Payment, OpID: o.ID}
	}
	held := record.RowNote{File: "a.csv", Line: 9, Held: true, Class: "dispute", Payment: "A"}
	other := func(change func(n *record.RowNote)) record.RowNote {
		n := held
		change(&n)
		return n
	}
	for _, tt := range []struct {
		name   string
		before []Op
		note   record.RowNote
		later  []Op
		notes  []record.RowNote
		source string // of the later run; "" is the same
		over   bool
	}{
		{name: "nothing later", note: row(pay("A", "x"))},
		{name: "its call", note: row(pay("A", "x")), later: []Op{pay("A", "x")}, over: true},
		{name: "another call of its payment", note: row(refund("A", "1", "r")), later: []Op{pay("A", "x"), refund("A", "2", "r")}},
		{name: "its call was there before", before: []Op{pay("A", "x")}, note: row(pay("A", "x")), later: []Op{pay("B", "x")}},
		{name: "its call was there before, and comes again", before: []Op{pay("A", "x")}, note: row(pay("A", "x")), later: []Op{pay("A", "x")}, over: true},
		{name: "its call was there before, and comes changed", before: []Op{pay("A", "x")}, note: row(pay("A", "x")), later: []Op{pay("A", "y")}, over: true},
		{name: "noted anew, in another file", note: row(pay("A", "x")), notes: []record.RowNote{{File: "b.csv", OpID: pay("A", "x").ID}}, over: true},
		{name: "another row noted", note: row(pay("A", "x")), notes: []record.RowNote{row(pay("B", "x"))}},
		{name: "held anew", note: held, notes: []record.RowNote{held}, over: true},
		{name: "held anew, in another file", note: held, notes: []record.RowNote{other(func(n *record.RowNote) { n.File = "b.csv" })}},
		{name: "another class held", note: held, notes: []record.RowNote{other(func(n *record.RowNote) { n.Class = "reserve" })}},
		{name: "held at another source", note: held, notes: []record.RowNote{held}, source: "other"},
		{name: "nothing known of it", note: record.RowNote{File: "a.csv"}, notes: []record.RowNote{{File: "a.csv"}}},
		{name: "a call of the held payment", note: held, later: []Op{pay("A", "x")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := newJournal(t)
			plan(t, j, "before", tt.before...)
			for _, o := range tt.before {
				drive(t, j, o, 0, Confirmed)
			}
			accounted(t, j, RunInfo{ID: "r", Source: "shop"}, record.RowAccount{}, []record.RowNote{tt.note})
			source := tt.source
			if source == "" {
				source = "shop"
			}
			accounted(t, j, RunInfo{ID: "later", Source: source}, record.RowAccount{}, tt.notes, tt.later...)
			if notes := notesOf(t, j, "r"); len(notes) != 1 || notes[0].Over != tt.over {
				t.Errorf("%+v", notes)
			}
			for _, n := range notesOf(t, j, "later") {
				if n.Over {
					t.Errorf("the last word is over: %+v", n)
				}
			}
		})
	}
}

// TestMigrationOfRows: a journal of format 2 gets room for accounts, and says of
// its runs that none was kept.
func TestMigrationOfRows(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "payrec.journal")
	j := open(t, path)
	plan(t, j, "old", pay("A", "x"))
	drive(t, j, pay("A", "x"), 0, Confirmed)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	older(t, path, "DROP TABLE claim; DROP TABLE shape; DROP INDEX item_again; DROP TABLE run_rows; DROP TABLE run_class; DROP TABLE run_called; DROP TABLE note; "+opDoubt+"; PRAGMA user_version = 2")
	j = open(t, path)
	accounted(t, j, RunInfo{ID: "new", Source: "shop"}, record.RowAccount{Rows: record.Rows{Total: 1, Emitted: 1}}, []record.RowNote{{OpID: "x"}}, pay("A", "x"))
	runs, err := j.Runs(ctx)
	if err != nil || len(runs) != 2 || runs[0].Account != nil || runs[1].Account == nil || runs[1].Account.Total != 1 {
		t.Errorf("%+v, %v", runs, err)
	}
	if e := entries(t, j, "new"); len(e) != 1 || e[0].Disposition != Same {
		t.Errorf("%+v", e)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReadOnly(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n := len(notesOf(t, r, "new")); n != 1 {
		t.Errorf("%d notes", n)
	}
}

// older makes a closed journal one of an older format.
func older(t *testing.T, path, script string) {
	t.Helper()
	ctx := context.Background()
	w, err := newWriter(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.conn.ExecContext(ctx, script); err != nil {
		t.Fatal(err)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	l, _, err := takeLock(disk{}, path, time.Now(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.unseal(), l.release()); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkNotes plans a run of notes alone, and reads them.
func BenchmarkNotes(b *testing.B) {
	ctx := context.Background()
	for b.Loop() {
		j := open(b, filepath.Join(b.TempDir(), "payrec.journal"))
		p, err := j.NewRun(ctx, RunInfo{ID: "r", Source: "shop"})
		if err != nil {
			b.Fatal(err)
		}
		const rows = 100_000
		for i := range rows {
			id := fmt.Sprintf("M-%07d", i)
			n := record.RowNote{File: "a.csv", Line: i, Class: "payment", Payment: id, OpID: record.OpID("a/test", "shop", record.ReportPayment, id),
				Code: "bad_value", Column: "amount", Message: "is not a number", Hint: "correct it"}
			if err := p.Note(ctx, n); err != nil {
				b.Fatal(err)
			}
		}
		if err := p.Account(record.RowAccount{}); err != nil {
			b.Fatal(err)
		}
		if _, err := p.Seal(ctx); err != nil {
			b.Fatal(err)
		}
		if n := len(notesOf(b, j, "r")); n != rows {
			b.Fatal(n)
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/100/float64(b.N), "µs/note")
}
