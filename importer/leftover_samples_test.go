package importer

import (
	"context"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// A listing is a Book that keeps the calls by their ids.
type listing struct{ ops map[string]record.Op }

func (l *listing) Run() string { return "run" }
func (l *listing) Add(_ context.Context, op record.Op) error {
	l.ops[op.ID] = op
	return nil
}
func (*listing) Block(context.Context, string, string, string) error { return nil }
func (*listing) Seal(context.Context) ([]record.Tally, error)        { return nil, nil }
func (*listing) Discard(context.Context) error                       { return nil }
func (*listing) Entries(context.Context, ...record.Disposition) iter.Seq2[record.Entry, error] {
	return each[record.Entry]()
}

// plannedFrom is what a mapping makes of files.
func plannedFrom(t *testing.T, m *mapping.Mapping, files ...File) (map[string]record.Op, *Report) {
	t.Helper()
	notes, err := NewNotes()
	if err != nil {
		t.Fatal(err)
	}
	defer notes.Close()
	book := &listing{map[string]record.Op{}}
	report, err := (&Planner{Mapping: m, Files: files, Book: book, Notes: notes}).Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return book.ops, report
}

// TestLeftoversOfSamples: the rejects files of every preset's samples, all rows
// rejected or all but the first, are what their mapping takes, with all that it
// reads besides the rows: the same calls with the same content come of them.
func TestLeftoversOfSamples(t *testing.T) {
	samples, err := filepath.Glob(filepath.Join("..", "samples", "*", "*"))
	if err != nil || len(samples) < 40 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	for _, path := range samples {
		if strings.HasSuffix(path, ".plan.jsonl") {
			continue
		}
		m, err := mapping.Load(filepath.Base(filepath.Dir(path)), mapping.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for skip := range 2 {
			t.Run(filepath.Base(path)+[]string{"", "/but the first"}[skip], func(t *testing.T) {
				t.Parallel()
				source := File{filepath.Base(path), func() (*table.Reader, error) { return table.Open(path, m.Dialect()) }}
				want, _ := plannedFrom(t, m, source)
				w := &LeftoverWriter{Run: "r", Dir: t.TempDir(), Dialect: m.Dialect(), Files: []File{source}, Notes: each(bodyNotes(t, source)[skip:]...)}
				left, err := w.Write(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var files []File
				for i, rejects := range left.Rejects {
					files = append(files, again(t, rejects, filepath.Base(path), i, m))
				}
				got, report := plannedFrom(t, m, files...)
				if slices.ContainsFunc(report.Problems.First, func(p Problem) bool { return strings.Contains(p.Msg, "needs all rows of a payment") }) {
					return // the mapping adds rows up: the original is what is to be corrected, as it says
				}
				masked := 0
				for _, problem := range report.Problems.First {
					if strings.Contains(problem.Msg, "was masked by payrec") {
						masked++ // what may be a card number stands in no file of payrec's
						continue
					}
					if skip == 0 || !problem.Fatal {
						t.Errorf("%v", problem)
					}
				}
				for id, op := range got {
					if first, ok := want[id]; !ok || first.Content != op.Content {
						t.Errorf("%s:%d reads otherwise: %s %s\n%s\n%s", op.File, op.Line, op.Call, op.Natural, op.Body, first.Body)
					}
				}
				if len(got) < len(want)-3*skip-masked {
					t.Errorf("%d of %d calls", len(got), len(want))
				}
			})
		}
	}
}

// again is a rejects file under a name that says what the source's said.
func again(t *testing.T, rejects, name string, n int, m *mapping.Mapping) File {
	t.Helper()
	if n > 0 {
		name = strings.TrimSuffix(name, filepath.Ext(name)) + "-" + string(rune('1'+n)) + filepath.Ext(name)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.Rename(rejects, path); err != nil {
		t.Fatal(err)
	}
	return File{name, func() (*table.Reader, error) { return table.Open(path, m.Dialect()) }}
}

func bodyNotes(t *testing.T, source File) (notes []Note) {
	t.Helper()
	r, err := source.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		row, err := r.Next()
		if err == io.EOF {
			return notes
		}
		if err != nil {
			t.Fatal(err)
		}
		if row.Role == table.Body {
			notes = append(notes, Note{File: row.Pos.File, Sheet: row.Pos.Sheet, Line: row.Pos.Line, Code: "test"})
		}
	}
}

// A file of several sections, each of which says something once for its rows:
// the rows of each stand in a file of their own, behind what it said.
func TestLeftoversOfSections(t *testing.T) {
	d := table.Dialect{Records: &table.Records{Column: 1, Header: "CH", Body: []string{"SB"}, Context: []string{"SH"}, Ignore: []string{"RH"}}}
	text := "RH,2026\nSH,one\nCH,id\nSB,a\nSB,b\nSH,=two\nCH,id\nSB,c\nSH,=two\nCH,id\nSB,d\n"
	source := fileOf(t, "m.csv", text, d)
	w := &LeftoverWriter{Run: "r", Dir: t.TempDir(), Dialect: d, Files: []File{source}, Notes: each(bodyNotes(t, source)...)}
	files, err := w.Write(t.Context())
	if err != nil || len(files.Rejects) != 2 {
		t.Fatalf("%v: %+v", err, files)
	}
	for i, want := range []string{"SH:one CH:id SB:a SB:b ", "SH:=two CH:id SB:c SB:d "} {
		got := ""
		r, err := table.Open(files.Rejects[i], d)
		if err != nil {
			t.Fatal(err)
		}
		for row, err := r.Next(); err == nil; row, err = r.Next() {
			got += row.Cells[0] + ":" + table.Unguard(row.Cells[1]) + " "
		}
		r.Close()
		if got != want {
			t.Errorf("file %d: %q, want %q", i+1, got, want)
		}
	}
}

// Without a header, a row of payrec's own says which cells it added: short rows,
// dangerous cells and the rejects of rejects come back as they were.
func TestLeftoversWithoutHeader(t *testing.T) {
	d := table.Dialect{Ragged: table.RaggedAllow, Records: &table.Records{Column: 1, Body: []string{"T"}, Ignore: []string{"H"}, Layouts: map[string][]string{"T": {"kind", "id", "fee"}}}}
	source := fileOf(t, "m.csv", "H,x\nT,a,1\nT,=b\nT,'c,\n", d)
	for range 2 {
		w := &LeftoverWriter{Run: "r", Dir: t.TempDir(), Dialect: d, Files: []File{source}, Notes: each(bodyNotes(t, source)...)}
		files, err := w.Write(t.Context())
		if err != nil || len(files.Rejects) != 1 {
			t.Fatalf("%v: %+v", err, files)
		}
		source = File{filepath.Base(files.Rejects[0]), func() (*table.Reader, error) { return table.Open(files.Rejects[0], d) }}
		got := ""
		r, err := source.Open()
		if err != nil {
			t.Fatal(err)
		}
		for row, err := r.Next(); err == nil; row, err = r.Next() {
			if row.Role == table.Body {
				got += strings.Join(row.Cells[:3], ",") + ";"
				if !row.Header.FromRejects() || len(row.Cells) != 3+len(addedColumns) {
					t.Errorf("%q", row.Cells)
				}
			}
		}
		r.Close()
		if want := "T,a,1;T,=b,;T,'c,;"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
