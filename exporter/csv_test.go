package exporter

import (
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// TestCSVRoundTrip: whatever is in a text comes back, through the standard
// library's reader and the guard's inverse, in every locale.
func TestCSVRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Locale{delimiter: rapid.SampledFrom([]rune{0, ';', ','}).Draw(t, "delimiter"), bom: rapid.Bool().Draw(t, "bom"), raw: rapid.Bool().Draw(t, "raw")}
		text := rapid.StringOfN(rapid.OneOf(rapid.SampledFrom([]rune(`'"=+-@,;|`+" \t\r\n＝1a")), rapid.Rune()).Filter(func(r rune) bool { return r != 0 }), 0, 20, -1) // a NUL is refused on the way in
		var want [][]string
		g := grid{columns: []column{{name: "a"}, {name: "b"}}, rows: func(yield func([]cell, error) bool) {
			for _, row := range want {
				if !yield([]cell{textCell(row[0]), textCell(row[1])}, nil) {
					return
				}
			}
		}}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			want = append(want, []string{text.Draw(t, "a"), text.Draw(t, "b")})
		}
		var b bytes.Buffer
		if err := writeCSV(&b, g, l); err != nil {
			t.Fatal(err)
		}
		r, err := table.NewReader("x.csv", &b, table.Dialect{Delimiter: max(l.delimiter, ',')})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for i := -1; ; i++ {
			row, err := r.Next()
			if err == io.EOF {
				if i != len(want) {
					t.Fatalf("%d rows of %d", i, len(want))
				}
				return
			}
			if err != nil || row.Err != nil {
				t.Fatal(err, row.Err)
			}
			if i < 0 {
				continue
			}
			for j, got := range row.Cells {
				if !l.raw {
					got = table.UnguardIn(max(l.delimiter, ','), got)
				}
				if got != want[i][j] {
					t.Fatalf("%q became %q", want[i][j], got)
				}
			}
		}
	})
}

// TestCSVFigures: amounts and moments read as the slow ways write them.
func TestCSVFigures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom([]record.Currency{"eur", "jpy", "kwd", ""}).Draw(t, "currency")
		d, err := decimal.New(rapid.Int64().Draw(t, "coefficient"), rapid.IntRange(0, 12).Draw(t, "scale"))
		if err != nil {
			t.Fatal(err)
		}
		m := record.Money{Amount: d, Currency: c}
		l := Locale{comma: rapid.Bool().Draw(t, "comma")}
		want := m.Text()
		if l.comma {
			want = strings.Replace(want, ".", ",", 1)
		}
		if got := string(l.appendMoney(nil, m)); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
		at := time.Unix(rapid.Int64Range(-90_000_000_000, 300_000_000_000).Draw(t, "seconds"), 0).UTC()
		if got, want := string(appendMoment(nil, at.Unix())), at.Format(momentLayout); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

// TestCSVAllocatesNothingPerRow: what a row costs is reading it.
func TestCSVAllocatesNothingPerRow(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector allocates by itself")
	}
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	row := []cell{textCell("pr_1"), textCell(`a "quoted", one`), momentCell(at), amountCell(record.Amount{Currency: "eur", Value: -1050}), numberCell(7), boolCell(true), {}}
	g := grid{columns: []column{{name: "id"}, {name: "text"}, {name: "at", zone: berlin(t)}, {name: "amount"}, {name: "n"}, {name: "live"}, {name: "none"}}}
	count := func(n int) float64 {
		g.rows = func(yield func([]cell, error) bool) {
			for range n {
				if !yield(row, nil) {
					return
				}
			}
		}
		return testing.AllocsPerRun(3, func() {
			if err := writeCSV(io.Discard, g, Locale{}); err != nil {
				t.Fatal(err)
			}
		})
	}
	if few, many := count(10), count(10_000); many > few+20 {
		t.Errorf("%v allocations for 10 rows, %v for 10,000", few, many)
	}
	var b bytes.Buffer
	count(1)
	if err := writeCSV(&b, g, Locale{}); err != nil {
		t.Fatal(err)
	}
	if lines, err := csv.NewReader(&b).ReadAll(); err != nil || strings.Join(lines[1], "|") != `pr_1|a "quoted", one|2026-06-01 14:00:00|-10.50|7|true|` {
		t.Errorf("%q, %v", lines, err)
	}
}
