package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/payrec/payrec/sandbox"
)

// A desk is where somebody imports files one after the other, always with the
// same journal and account.
type desk struct {
	*testing.T
	server *sandbox.Server
	url    string
	dir    string
}

func newDesk(t *testing.T) *desk {
	server, url := serve(t)
	return &desk{t, server, url, t.TempDir()}
}

func (d *desk) file(name string, text []byte) string {
	d.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		d.Fatal(err)
	}
	return path
}

// run runs one command to its end, in this process.
func (d *desk) run(args ...string) (status int, res result, stderr string) {
	d.Helper()
	var out, errs bytes.Buffer
	args = append(args, "--api-base", d.url, "--json", "--journal", filepath.Join(d.dir, "payrec.journal"), "--out", filepath.Join(d.dir, "out"))
	status = run(d.Context(), env{args, strings.NewReader(""), &out, &errs, func(name string) string {
		return map[string]string{"STRIPE_API_KEY": "sk_test_desk"}[name]
	}, time.Now})
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &res); err != nil {
			d.Fatalf("%v\n%s", err, &out)
		}
	}
	return status, res, errs.String()
}

// march is a month of payments, every third of them with a refund.
func march() []string {
	rows := []string{"date,amount,currency,reference,type,payment_reference,description,customer"}
	for i := range 40 {
		rows = append(rows, fmt.Sprintf("2026-03-%02d,%d.%02d,EUR,M-%03d,payment,,Gebühr für Stück %d,Zoë Čapek", i%28+1, i+10, i, i, i))
		if i%3 == 0 {
			rows = append(rows, fmt.Sprintf("2026-03-%02d,1.%02d,EUR,R-%03d,refund,M-%03d,,", i%28+1, i, i, i))
		}
	}
	return rows
}

func text(rows []string) []byte { return []byte(strings.Join(rows, "\n") + "\n") }

func encoded(t *testing.T, e encoding.Encoding, rows []string) []byte {
	t.Helper()
	b, err := e.NewEncoder().Bytes(text(rows))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// eachRow changes every row by f, the header too.
func eachRow(rows []string, f func(string) string) []string {
	out := make([]string, len(rows))
	for i, row := range rows {
		out[i] = f(row)
	}
	return out
}

// TestImportedAgain: whatever was done to a file between two imports, what was
// reported is not reported again.
func TestImportedAgain(t *testing.T) {
	d := newDesk(t)
	rows := eachRow(march(), func(s string) string { return strings.ReplaceAll(s, "Č", "C") }) // windows-1252 has none
	calls := int64(len(rows) - 1)
	if status, res, stderr := d.run("import", d.file("march.csv", text(rows)), "-m", "generic-csv"); status != exitOK || res.RequestsSent != calls {
		t.Fatalf("status %d, %d requests, want %d\n%s", status, res.RequestsSent, calls, stderr)
	}
	shuffled := func(seed uint64) []string {
		s := slices.Clone(rows)
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(s)-1, func(i, j int) { s[i+1], s[j+1] = s[j+1], s[i+1] })
		return s
	}
	swapped := func(s string) string { // columns in another order, and one more
		c := strings.Split(s, ",")
		slices.Reverse(c)
		return strings.Join(append(c, "x"), ",")
	}
	german := func(s string) string {
		c := strings.Split(s, ",")
		c[1] = strings.Replace(c[1], ".", ",", 1)
		return strings.Join(c, ";")
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(text(rows))
	z.Close()
	for _, tt := range []struct {
		name, file string
		text       []byte
		params     []string
	}{
		{"the same file", "march.csv", text(rows), nil},
		{"another name", "MARCH (1).csv", text(rows), nil},
		{"re-sorted", "sorted.csv", text(append(rows[:1:1], slices.Sorted(slices.Values(rows[1:]))...)), nil},
		{"shuffled", "shuffled.csv", text(shuffled(1)), nil},
		{"shuffled otherwise", "shuffled2.csv", text(shuffled(2)), nil},
		{"DOS lines", "dos.csv", bytes.ReplaceAll(text(rows), []byte("\n"), []byte("\r\n")), nil},
		{"UTF-8 with a BOM", "bom.csv", append([]byte("\xef\xbb\xbf"), text(rows)...), nil},
		{"UTF-16, little endian", "le.csv", encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), rows), []string{"encoding=utf-16"}},
		{"UTF-16, big endian", "be.csv", encoded(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM), rows), []string{"encoding=utf-16"}},
		{"windows-1252", "1252.csv", encoded(t, charmap.Windows1252, rows), []string{"encoding=windows-1252"}},
		{"semicolons and decimal commas", "german.csv", text(eachRow(rows, german)), []string{"delimiter=semicolon", "decimal=,"}},
		{"other columns", "columns.csv", text(eachRow(rows, swapped)), nil},
		{"zipped", "march.csv.gz", zipped.Bytes(), nil},
		{"one half", "half.csv", text(rows[:len(rows)/2]), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"import", d.file(tt.file, tt.text), "-m", "generic-csv"}
			for _, p := range tt.params {
				args = append(args, "--param", p)
			}
			before := d.server.Totals()
			status, res, stderr := d.run(args...)
			after := d.server.Totals()
			if want := res.Rows.Total; status != exitOK || res.Calls.Already != want || res.Calls.Changed != 0 {
				t.Errorf("status %d, %d rows, %+v\n%s", status, want, res.Calls, stderr)
			}
			if res.RequestsSent != 0 || after.Writes != before.Writes || !res.Balanced {
				t.Errorf("%d requests sent, %d executed, balanced %v", res.RequestsSent, after.Writes-before.Writes, res.Balanced)
			}
		})
	}
}

// TestOverlapping: of a file that overlaps the last one, only what is new is
// sent, and a row that was edited is reported as changed.
func TestOverlapping(t *testing.T) {
	d := newDesk(t)
	rows := march()
	half := len(rows) / 2
	d.run("import", d.file("first.csv", text(rows[:half])), "-m", "generic-csv")
	later := append(rows[:1:1], rows[half-9:]...)
	status, res, stderr := d.run("import", d.file("second.csv", text(later)), "-m", "generic-csv")
	if status != exitOK || res.Calls.Already != 9 || res.RequestsSent != int64(len(rows)-half) {
		t.Errorf("status %d, %+v, %d requests\n%s", status, res.Calls, res.RequestsSent, stderr)
	}
	if n := d.server.Totals().Writes; n != int64(len(rows)-1) {
		t.Errorf("%d calls executed, want %d", n, len(rows)-1)
	}

	for what, edit := range map[string]func(string) string{
		"amount":      func(s string) string { return strings.Replace(s, ",11.01,", ",12.01,", 1) },
		"date":        func(s string) string { return strings.Replace(s, "2026-03-02,11.01", "2026-03-03,11.01", 1) },
		"description": func(s string) string { return strings.Replace(s, "Stück 1,", "Stück 1 (neu),", 1) },
	} {
		edited := strings.Join(eachRow(rows, func(s string) string {
			if strings.Contains(s, "M-001,payment") {
				return edit(s)
			}
			return s
		}), "\n")
		if edited == strings.Join(rows, "\n") {
			t.Fatalf("%s: nothing was edited", what)
		}
		review := filepath.Join(d.dir, what+"-review.csv")
		_, res, _ := d.run("plan", d.file(what+".csv", []byte(edited)), "-m", "generic-csv", "--review", review)
		if res.Calls.Changed != 1 {
			t.Errorf("%s: %+v; want one changed", what, res.Calls)
		}
		if text, err := os.ReadFile(review); err != nil || !strings.Contains(string(text), "changed,"+what+".csv,4,payment,report_payment,M-001") {
			t.Errorf("%s: the review does not name the row: %v\n%s", what, err, text)
		}
		before := d.server.Totals().Writes
		_, res, _ = d.run("import", filepath.Join(d.dir, what+".csv"), "-m", "generic-csv")
		if res.Calls.Changed != 1 || res.RequestsSent != 0 || d.server.Totals().Writes != before || !res.Balanced {
			t.Errorf("%s: %+v, %d requests", what, res.Calls, res.RequestsSent)
		}
	}
}
