package importer

import (
	"context"
	"encoding/csv"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

func fileOf(t *testing.T, name, text string, d table.Dialect) File {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return File{name, func() (*table.Reader, error) { return table.Open(path, d) }}
}

func each[T any](items ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func entry(file string, line int, d record.Disposition, s record.State) record.Entry {
	return record.Entry{Op: record.Op{File: file, Line: line, Call: record.ReportRefund, Payment: "P1"},
		Disposition: d, Outcome: record.Outcome{State: s, Message: "no", Code: "why", RequestID: "req_1"}}
}

func read(t *testing.T, path string, comma rune) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = comma
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// The leftover files have the source's own shape: columns, order, delimiter,
// raw cells, places behind quoted newlines and all.
func TestLeftoversInTheSourcesShape(t *testing.T) {
	d := table.Dialect{Delimiter: ';'}
	text := "id;note;amount\nA;\"two\nlines\";1,00\nB;x;2,00\nC;=HYPERLINK(1);-3,00\nD; y ;4,00\nE;z;5,00\n"
	w := &LeftoverWriter{
		Run: "run_1", Dir: t.TempDir(), Dialect: d, Ended: true,
		Files: []File{fileOf(t, "m.csv", text, d)},
		Notes: each(
			Note{File: "m.csv", Line: 4, Code: "bad_value", Column: "amount", Message: "not a number", Hint: "mend it"},
			Note{File: "m.csv", Line: 6, Held: true, Code: "held", Message: "a person decides"}),
		Entries: each(
			entry("m.csv", 2, record.New, record.Rejected),
			entry("m.csv", 5, record.New, record.Planned),
			entry("m.csv", 6, record.Held, ""),
			entry("m.csv", 7, record.New, record.Confirmed)),
	}
	files, err := w.Write(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"id", "note", "amount", "payrec_line", "payrec_code", "payrec_column", "payrec_message", "payrec_hint"},
		{"A", "two\nlines", "1,00", "m.csv:2", "refused", "", "the API refused report_refund: no (why)", "request req_1"},
		{"B", "x", "2,00", "m.csv:4", "bad_value", "amount", "not a number", "mend it"},
		{"C", "'=HYPERLINK(1)", "-3,00", "m.csv:5", "parked", "", "an earlier call of the same payment was refused", "correct the other row, then import both"},
	}
	if diff := cmp.Diff(want, read(t, files.Rejects[0], ';')); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	held := read(t, files.Held[0], ';')
	if len(held) != 2 || held[1][0] != "D" || held[1][1] != " y " || held[1][6] != "a person decides" {
		t.Errorf("held: %q", held)
	}
	if len(files.Rejects) != 1 || len(files.Held) != 1 {
		t.Errorf("files: %+v", files)
	}
	if info, err := os.Stat(files.Rejects[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the rejects file: %v, %v; want 0600", info.Mode(), err)
	}
}

// What can be written must be readable again as the same rows.
func TestLeftoversComeBack(t *testing.T) {
	d := table.Dialect{}
	text := "id,note\nA,=1+1\nB,'quoted\nC,\"a,\"\"b\"\"\"\n"
	w := &LeftoverWriter{Run: "r", Dir: t.TempDir(), Dialect: d, Files: []File{fileOf(t, "m.csv", text, d)},
		Notes: each(Note{File: "m.csv", Line: 2}, Note{File: "m.csv", Line: 3}, Note{File: "m.csv", Line: 4})}
	files, err := w.Write(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	reader, err := table.Open(files.Rejects[0], d)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var got []string
	for {
		row, err := reader.Next()
		if err != nil {
			break
		}
		if row.Role == table.Body {
			got = append(got, strings.Join(row.Cells[:2], "|"))
		}
	}
	if diff := cmp.Diff([]string{"A|=1+1", "B|'quoted", `C|a,"b"`}, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestLeftoversOfFilesThatDiffer(t *testing.T) {
	d := table.Dialect{}
	w := &LeftoverWriter{Run: "r", Dir: t.TempDir(), Dialect: d,
		Files: []File{fileOf(t, "a.csv", "id,x\n1,2\n", d), fileOf(t, "b.csv", "x,id\n3,4\n", d), fileOf(t, "c.csv", "id,x\n5,6\n", d)},
		Notes: each(Note{File: "a.csv", Line: 2}, Note{File: "b.csv", Line: 2}, Note{File: "c.csv", Line: 2})}
	files, err := w.Write(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(files.Rejects) != 2 {
		t.Fatalf("%v, want one file per set of columns", files.Rejects)
	}
	if rows := read(t, files.Rejects[0], ','); len(rows) != 3 || rows[2][0] != "5" {
		t.Errorf("first: %q", rows)
	}
	if rows := read(t, files.Rejects[1], ','); len(rows) != 2 || rows[0][0] != "x" {
		t.Errorf("second: %q", rows)
	}
}

// A cell that the mapping calls sensitive does not reach the file.
func TestLeftoversHideSensitiveCells(t *testing.T) {
	d := table.Dialect{}
	w := &LeftoverWriter{Run: "r", Dir: t.TempDir(), Dialect: d, Sensitive: []string{"iban"},
		Files: []File{fileOf(t, "a.csv", "id,IBAN,note\n1,SECRET,x\n2,,y\n", d)},
		Notes: each(Note{File: "a.csv", Line: 2}, Note{File: "a.csv", Line: 3})}
	files, err := w.Write(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	rows := read(t, files.Rejects[0], ',')
	if rows[1][1] != "(hidden)" || rows[1][2] != "x" || rows[2][1] != "" {
		t.Errorf("%q", rows)
	}
}

// A source that changed under the run is not written as if it were the same.
func TestLeftoversOfAChangedFile(t *testing.T) {
	d := table.Dialect{}
	w := &LeftoverWriter{Run: "r", Dir: t.TempDir(), Dialect: d, Files: []File{fileOf(t, "a.csv", "id\n1\n", d)},
		Notes: each(Note{File: "a.csv", Line: 9})}
	if _, err := w.Write(context.Background()); err == nil || !strings.Contains(err.Error(), "a.csv:9") {
		t.Errorf("error %v, want one about a.csv:9", err)
	}
	if left, _ := os.ReadDir(w.Dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNotes(t *testing.T) {
	n, err := NewNotes()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	want := []Note{{File: "a", Line: 1, Held: true}, {File: "ü\n\"", Line: 2, Message: "x"}}
	for _, note := range want {
		if err := n.add(note); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // it can be read more than once
		var got []Note
		for note, err := range n.All() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, note)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestReceipts(t *testing.T) {
	e := entry("m.csv", 2, record.New, record.Confirmed)
	e.Amount = record.Amount{Currency: "jpy", Value: 150}
	e.Natural, e.RecordID = "=cmd", "pr_1"
	refused := entry("m.csv", 3, record.New, record.Rejected)
	var b strings.Builder
	n, err := WriteReceipts(&b, each(e, refused))
	if err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	want := "file,line,class,call,payment,id,amount,currency,payment_record,request_id,idempotency_key\n" +
		"m.csv,2,,report_refund,P1,'=cmd,150,jpy,pr_1,req_1,payrec--0\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestNoLines: where nothing is to be written there is the header, and no error.
func TestNoLines(t *testing.T) {
	refused := entry("m.csv", 3, record.New, record.Rejected)
	for header, write := range map[string]func(io.Writer) (int64, error){
		"file,line,class,": func(w io.Writer) (int64, error) { return WriteReceipts(w, each(refused)) },
		"what,file,line,":  func(w io.Writer) (int64, error) { return WriteReview(w, each[record.Entry]()) },
	} {
		var b strings.Builder
		if n, err := write(&b); n != 0 || err != nil || !strings.HasPrefix(b.String(), header) || strings.Count(b.String(), "\n") != 1 {
			t.Errorf("%d lines, %v: %q", n, err, b.String())
		}
	}
}

func TestReview(t *testing.T) {
	e := entry("m.csv", 2, record.Changed, record.Confirmed)
	e.ID, e.Amount, e.PreviousFile, e.PreviousLine = "op1", record.Amount{Currency: "usd", Value: 1050}, "old.csv", 7
	held := entry("m.csv", 3, record.Held, "")
	held.Reason = "no record"
	var b strings.Builder
	n, err := WriteReview(&b, each(e, held))
	if err != nil || n != 2 {
		t.Fatalf("%d, %v", n, err)
	}
	want := "what,file,line,class,call,payment,id,amount,currency,reason,read_before,operation\n" +
		"changed,m.csv,2,,report_refund,P1,,10.50,usd,,old.csv:7,op1\n" +
		"held,m.csv,3,,report_refund,P1,,,,no record,,\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
