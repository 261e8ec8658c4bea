package importer

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// TestJournalKeepsTheAccount: what a journal keeps of a plan's rows is what its
// report says, class by class and note by note, whatever the rows repeat,
// contradict or wait for; and the rows that became calls are those that the
// journal has calls of.
func TestJournalKeepsTheAccount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.yaml")
	err := os.WriteFile(path, []byte(`payrec: mapping/v1
extends: preset:generic-csv
rows:
  - {is: fee, match: {type: fee}, ignore: a fee of the account}
  - {is: dispute, match: {type: dispute}, hold: a person must decide}
  - {is: payment, match: {type: [payment, '']}}
  - {is: refund, match: {type: refund}}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mapping.Load(path, mapping.Options{})
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "payrec-keeper-*")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		ctx := context.Background()
		j, err := journal.Open(ctx, filepath.Join(dir, "j"), journal.Identity{Account: "default"}, journal.Options{Unsynced: true})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		for range rapid.IntRange(1, 3).Draw(t, "runs") {
			runs++
			holdAccount(t, ctx, j, m, fmt.Sprintf("run-%d", runs), drawFiles(t, m))
		}
	})
}

// drawFiles draws files of few payments, so that rows meet.
func drawFiles(t *rapid.T, m *mapping.Mapping) (files []File) {
	row := rapid.Custom(func(t *rapid.T) string {
		kind := rapid.SampledFrom([]string{"payment", "payment", "refund", "refund", "fee", "dispute"}).Draw(t, "type")
		amount := rapid.SampledFrom([]string{"10.00", "10.00", "2.50", "x", "0.001"}).Draw(t, "amount")
		ref := fmt.Sprintf("%s-%d", strings.ToUpper(kind[:1]), rapid.IntRange(0, 5).Draw(t, "ref"))
		of := fmt.Sprintf("P-%d", rapid.IntRange(0, 5).Draw(t, "of"))
		return strings.Join([]string{"2026-03-01", amount, rapid.SampledFrom([]string{"EUR", "JPY"}).Draw(t, "currency"), ref, kind, of}, ",")
	})
	for _, name := range []string{"a.csv", "b.csv"}[:rapid.IntRange(1, 2).Draw(t, "files")] {
		rows := rapid.SliceOfN(row, 1, 12).Draw(t, name)
		files = append(files, settlementFile(name, []byte("date,amount,currency,reference,type,payment_reference\n"+strings.Join(rows, "\n")+"\n"), m))
	}
	return files
}

// holdAccount plans a run and holds what is kept against what is reported.
func holdAccount(t *rapid.T, ctx context.Context, j *journal.Journal, m *mapping.Mapping, id string, files []File) {
	notes, err := NewNotes()
	if err != nil {
		t.Fatal(err)
	}
	defer notes.Close()
	book, err := j.NewRun(ctx, journal.RunInfo{ID: id, Source: m.Source()})
	if err != nil {
		t.Fatal(err)
	}
	report, err := (&Planner{Mapping: m, Files: files, Book: book, Keeper: book, Scope: scope, Notes: notes}).Plan(ctx)
	if err != nil || report.Dropped != nil {
		t.Fatal(err, report.Dropped, report.Problems.First)
	}
	run, err := j.Run(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	a := run.Account
	if diff := gocmp.Diff(report.Rows, a.Rows); diff != "" {
		t.Fatalf("rows (-reported +kept): %s", diff)
	}
	if !maps.Equal(report.Lines, a.Lines) {
		t.Errorf("other lines: %v, kept %v", report.Lines, a.Lines)
	}
	kept := map[classKey]int64{}
	emitted := map[string]int64{}
	for _, c := range a.Classes {
		kept[classKey{"", c.Class, 0, c.Disposition + c.Reason}] += c.N
		if c.Disposition == record.RowEmitted {
			emitted[c.File] += c.N
		}
	}
	for _, c := range report.Classes {
		key := classKey{"", c.Class, 0, c.Disposition + c.Reason}
		if kept[key] != c.Rows {
			t.Errorf("%+v: %d rows, kept %d", c, c.Rows, kept[key])
		}
		delete(kept, key)
	}
	if len(kept) > 0 {
		t.Errorf("kept and not reported: %v", kept)
	}
	if !maps.Equal(emitted, a.Called) {
		t.Errorf("emitted %v, and the journal has calls of %v", emitted, a.Called)
	}
	holdNotes(t, ctx, j, id, notes)
}

func holdNotes(t *rapid.T, ctx context.Context, j *journal.Journal, id string, notes *Notes) {
	var want, got []Note
	for n, err := range notes.All() {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, n)
	}
	for n, err := range j.Notes(ctx, id) {
		if err != nil {
			t.Fatal(err)
		}
		if n.Class == "" || !n.Held && n.OpID == "" {
			t.Errorf("nobody knows what was to become of %+v", n)
		}
		got = append(got, Note{File: n.File, Sheet: n.Sheet, Line: n.Line, Held: n.Held, Code: n.Code, Column: n.Column, Message: n.Message, Hint: n.Hint})
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("notes (-reported +kept): %s", diff)
	}
}
