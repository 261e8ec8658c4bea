package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// An outline is all that comes of planning.
type outline struct {
	Report  *Report
	Dropped string
	Err     string
	Entries []record.Entry
	Notes   []Note
}

// outlined plans files with so many workers, 0 for none, and so many rows a parcel.
func outlined(t *testing.T, m *mapping.Mapping, files []File, workers, parcel int) outline {
	t.Helper()
	notes, err := NewNotes()
	if err != nil {
		t.Fatal(err)
	}
	defer notes.Close()
	draft := NewDraft("run", scope)
	defer draft.Close()
	p := &Planner{Mapping: m, Files: files, Book: draft, Scope: scope, Notes: notes, workers: workers, parcel: parcel}
	var o outline
	if o.Report, err = p.planAll(context.Background()); err != nil {
		o.Err = err.Error()
	}
	if o.Report.Dropped != nil {
		o.Dropped, o.Report.Dropped = o.Report.Dropped.Error(), nil
	} else {
		o.Entries = listed(t, draft)
	}
	for note, err := range notes.All() {
		if err != nil {
			t.Fatal(err)
		}
		o.Notes = append(o.Notes, note)
	}
	return o
}

// sameInParallel holds planning in parallel against planning row by row.
func sameInParallel(t *testing.T, m *mapping.Mapping, files []File) outline {
	t.Helper()
	want := outlined(t, m, files, 0, 0)
	for _, with := range [][2]int{{1, 1}, {2, 3}, {4, 17}, {3, 256}} {
		got := outlined(t, m, files, with[0], with[1])
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("with %d workers and %d rows a parcel (-row by row +in parallel):\n%s", with[0], with[1], diff)
		}
	}
	return want
}

// TestPresetsInParallel plans every preset's samples both ways.
func TestPresetsInParallel(t *testing.T) {
	gathering := 0
	for _, preset := range mapping.Presets() {
		t.Run(preset.Name, func(t *testing.T) {
			m, err := mapping.Load(preset.Name, mapping.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if m.Gathers() {
				gathering++
			}
			paths, err := filepath.Glob(filepath.Join("..", "samples", preset.Name, "*"))
			if err != nil {
				t.Fatal(err)
			}
			var files []File
			for _, path := range paths {
				if !strings.HasSuffix(path, ".jsonl") {
					files = append(files, File{filepath.Base(path), func() (*table.Reader, error) { return table.Open(path, m.Dialect()) }})
				}
			}
			for _, file := range files {
				if o := sameInParallel(t, m, []File{file}); o.Report.Rows.Total == 0 {
					t.Errorf("%s has no rows", file.Name)
				}
			}
			sameInParallel(t, m, files)
		})
	}
	t.Logf("%d of %d presets gather, and are planned row by row", gathering, len(mapping.Presets()))
}

// settlement is the mapping of generated files: 12 typed columns, 4 lets, 4
// classes, 2 checks.
const settlement = "testdata/settlement.yaml"

// settlementRow is row i of a generated file of 20 columns. A refund is of the
// payment fifty rows before it.
func settlementRow(b []byte, i int) []byte {
	kind, of, gross := "Payment", "", int64(500+i*7919%99_500)
	fee := gross*14/1000 + 25
	switch n := i % 100; {
	case n >= 60 && n < 65:
		kind, of, gross, fee = "Refund", fmt.Sprintf("TX%012d", i-50), -int64(500+(i-50)*7919%99_500), 0
	case n == 97 || n == 98:
		kind, gross, fee = "Fee", 0, 100
	case n == 99:
		kind, gross, fee = "Chargeback", -gross, 1500
	}
	major := func(minor int64) string { return record.Amount{Currency: "eur", Value: minor}.Money().Text() }
	return fmt.Appendf(b, "TX%012d,%s,ORD-%07d,%s,2026-03-%02d %02d:%02d:%02d,2026-03-%02d,EUR,%s,%s,%s,%s,B%06d,Example GmbH,Hamburg,T%04d,card,visa,SH%08d,1.000000,\n",
		i, of, i, kind, 1+i/40_000%25, i/3600%24, i/60%60, i%60, 3+i/40_000%25, major(gross), major(fee), major(gross-fee),
		[]string{"DE", "FR", "AT", "NL", "ES"}[i%5], i/5000, i%64, i*31%10_000_000)
}

const settlementHeader = "Transaction ID,Original ID,Order,Type,Created at,Settled on,Currency,Gross,Fee,Net," +
	"Country,Batch,Merchant,Store,Terminal,Method,Variant,Shopper,Rate,Note\n"

func settlementFile(name string, data []byte, m *mapping.Mapping) File {
	return File{name, func() (*table.Reader, error) { return table.NewReader(name, bytes.NewReader(data), m.Dialect()) }}
}

func settlementMapping(t testing.TB) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Load(settlement, mapping.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDamageInParallel spoils generated files in every way that rows can be
// spoiled, and plans them both ways.
func TestDamageInParallel(t *testing.T) {
	m := settlementMapping(t)
	seeds := 30
	if testing.Short() {
		seeds = 8
	}
	dropped, rejected := 0, 0
	for seed := range seeds {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		var files []File
		for n := range 1 + r.IntN(3) {
			name := fmt.Sprintf("%d.csv", n)
			files = append(files, settlementFile(name, damaged(r, 400), m))
		}
		o := sameInParallel(t, m, files)
		if o.Dropped != "" {
			dropped++
		}
		if o.Report.Rows.Rejected > 0 {
			rejected++
		}
	}
	if dropped*8 < seeds || dropped*8 > 7*seeds || rejected*3 < seeds {
		t.Errorf("of %d plans %d were dropped and %d had rejected rows: the damage is not what it should be", seeds, dropped, rejected)
	}
}

// damaged is a generated file with some of its cells changed, and now and then
// something worse.
func damaged(r *rand.Rand, rows int) []byte {
	b := []byte(settlementHeader)
	rare := r.IntN(3) == 0
	for i := range rows {
		row := strings.Split(strings.TrimSuffix(string(settlementRow(nil, 1+i%300)), "\n"), ",") // the last hundred repeat the first
		switch r.IntN(40) {
		case 0:
			row[4] = "2026-02-30 10:00:00"
		case 1:
			row[7] = "12.345"
		case 2:
			row[0] = ""
		case 3:
			row[6] = "USD"
		case 4:
			row[7] = "1e5"
		case 5:
			row[1] = "TX nobody knows"
		case 6:
			row[9] = "0.01"
		}
		if rare && r.IntN(300) == 0 {
			switch r.IntN(6) {
			case 0:
				row[3] = "Something else"
			case 1:
				row = row[:5]
			case 2:
				row[0] = "1.2E+15"
			case 3:
				row[2] = "\"never closed"
			case 4:
				b = append(b, "Transaction ID,Order,Type,,,,,,,,,,,,,,,,,\n"...)
			case 5:
				row[2] = "4242424242424242"
			}
		}
		b = append(append(b, strings.Join(row, ",")...), '\n')
	}
	return b
}

// failing is a file that breaks off.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if err == io.EOF {
		err = f.err
	}
	return n, err
}

// TestEndsInParallel: a file that breaks off, one that is missing, and an
// interrupt end a plan in parallel as they end one row by row.
func TestEndsInParallel(t *testing.T) {
	m := settlementMapping(t)
	data := []byte(settlementHeader)
	for i := range 1000 {
		data = settlementRow(data, i)
	}
	whole := settlementFile("whole.csv", data, m)
	broken := File{"broken.csv", func() (*table.Reader, error) {
		return table.NewReader("broken.csv", &failing{bytes.NewReader(data), errors.New("the disk is gone")}, m.Dialect())
	}}
	missing := File{"missing.csv", func() (*table.Reader, error) { return nil, os.ErrNotExist }}
	for _, files := range [][]File{{broken}, {whole, broken}, {whole, missing, whole}, {missing}, {broken, whole}, {}} {
		o := sameInParallel(t, m, files)
		if len(files) > 0 && o.Dropped == "" {
			t.Errorf("%v: the plan stands", files)
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("interrupted")
	notes, err := NewNotes()
	if err != nil {
		t.Fatal(err)
	}
	defer notes.Close()
	p := &Planner{Mapping: m, Files: []File{whole, whole}, Book: NewDraft("run", scope), Notes: notes, Progress: func(rows int64) { cancel(cause) }}
	if _, err := p.Plan(ctx); !errors.Is(err, cause) {
		t.Errorf("interrupted: %v", err)
	}
}
