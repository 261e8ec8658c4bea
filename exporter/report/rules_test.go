package report_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/big"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The rules of the products that the layouts are for, written here a second
// time and on their own: these checkers read the bytes of a file with
// encoding/csv or by hand, and use nothing of the engine. docs/layouts.md has
// each rule under the same id, with the address of the page that states it.

// A rule is one thing that a product asks of a file.
type rule struct {
	id    string
	check func(f *layoutFile, fail func(line int, format string, args ...any))
}

// A layoutFile is one written file.
type layoutFile struct {
	name string
	raw  []byte
	rows [][]string // raw as CSV with commas, the heading first; nil for DATEV
}

// applyRules checks a file against rules, and is the list of what breaks them.
func applyRules(f *layoutFile, rules []rule) []string {
	var broken []string
	for _, r := range rules {
		n := 0
		r.check(f, func(line int, format string, args ...any) {
			if n++; n <= 3 {
				broken = append(broken, fmt.Sprintf("%s: %s:%d: %s", r.id, f.name, line, fmt.Sprintf(format, args...)))
			}
		})
	}
	return broken
}

// commaFile reads a file of comma-separated values, strictly.
func commaFile(t rapid.TB, name string, raw []byte) *layoutFile {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(raw))
	r.FieldsPerRecord = 0 // all rows as wide as the first
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatalf("%s is no CSV: %v", name, err)
	}
	if len(rows) == 0 {
		t.Fatalf("%s is empty", name)
	}
	return &layoutFile{name: name, raw: raw, rows: rows}
}

// headed demands the first row.
func headed(id string, want ...string) rule {
	return rule{id, func(f *layoutFile, fail func(int, string, ...any)) {
		if !slices.Equal(f.rows[0], want) {
			fail(1, "the heading is %q", f.rows[0])
		}
	}}
}

// lines demands at most n rows, and at least one below a heading.
func lines(id string, n int) rule {
	return rule{id, func(f *layoutFile, fail func(int, string, ...any)) {
		if got := len(f.rows) - 1; got > n || got < 1 {
			fail(len(f.rows), "%d lines", got)
		}
	}}
}

// cells checks each cell of a column.
func cells(id string, column int, ok func(string) bool, what string) rule {
	return rule{id, func(f *layoutFile, fail func(int, string, ...any)) {
		for i, row := range f.rows[1:] {
			if !ok(row[column]) {
				fail(i+2, "%s %q is not %s", f.rows[0][column], row[column], what)
			}
		}
	}}
}

// matches is a check of a whole cell.
func matches(re string) func(string) bool {
	return regexp.MustCompile(`\A(?:` + re + `)\z`).MatchString
}

// short allows n characters.
func short(n int) func(string) bool {
	return func(s string) bool { return len([]rune(s)) <= n }
}

// dated demands dates of one layout that exist.
func dated(layout string) func(string) bool {
	return func(s string) bool {
		t, err := time.Parse(layout, s)
		return err == nil && t.Format(layout) == s
	}
}

// plainText says whether nothing in a cell breaks a line or is invisible control.
func plainText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// dashOrNumber is what begins with a sign and is no formula.
var dashOrNumber = regexp.MustCompile(`^(-*|[+-][0-9.,]+) *$`)

// harmless says whether a spreadsheet takes a cell of text for text, or for a
// number that reads the same.
func harmless(s string) bool {
	s = strings.TrimLeft(s, " \u00a0\u200b\ufeff\x00")
	return dashOrNumber.MatchString(s) || !strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(s)[0])
}

// everyText checks all cells of some columns.
func everyText(id string, columns []int, ok func(string) bool, what string) rule {
	return rule{id, func(f *layoutFile, fail func(int, string, ...any)) {
		for _, c := range columns {
			cells(id, c, ok, what).check(f, fail)
		}
	}}
}

// utf8NoBOM demands UTF-8 without a byte order mark.
func utf8NoBOM(id string) rule {
	return rule{id, func(f *layoutFile, fail func(int, string, ...any)) {
		if !bytes.Equal(bytes.ToValidUTF8(f.raw, nil), f.raw) || bytes.HasPrefix(f.raw, []byte("\xef\xbb\xbf")) {
			fail(1, "not UTF-8, or with a byte order mark")
		}
	}}
}

// amount is a decimal exactly.
func amount(t rapid.TB, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is no amount", s)
	}
	return r
}

// ratOf is a decimal, or nil.
func ratOf(s string) *big.Rat {
	if r, ok := new(big.Rat).SetString(s); ok {
		return r
	}
	return nil
}

// balanced demands that debits equal credits in each entry, that an entry has
// two lines or more which stand together, and that one side of each is blank.
func balanced(id string, entry, debit, credit int) rule {
	return rule{id, func(f *layoutFile, fail func(int, string, ...any)) {
		seen := map[string]bool{}
		var sum big.Rat
		n, last := 0, ""
		end := func(line int) {
			if n > 0 && (n < 2 || sum.Sign() != 0) {
				fail(line, "entry %s has %d lines and is out of balance by %s", last, n, sum.FloatString(3))
			}
			n = 0
			sum.SetInt64(0)
		}
		for i, row := range f.rows[1:] {
			if row[entry] != last {
				end(i + 1)
				if last = row[entry]; seen[last] {
					fail(i+2, "entry %s goes on after another one", last)
				}
				seen[last] = true
			}
			n++
			d, c := row[debit], row[credit]
			if (d == "") == (c == "") {
				fail(i+2, "debit %q and credit %q", d, c)
				continue
			}
			v := ratOf(d + c)
			if v == nil || v.Sign() <= 0 {
				fail(i+2, "amount %q", d+c)
				continue
			}
			if c != "" {
				v.Neg(v)
			}
			sum.Add(&sum, v)
		}
		end(len(f.rows))
	}}
}

// together demands that all lines of an entry agree in some columns.
func together(id string, entry int, columns ...int) rule {
	return rule{id, func(f *layoutFile, fail func(int, string, ...any)) {
		first := map[string][]string{}
		for i, row := range f.rows[1:] {
			if _, ok := first[row[entry]]; !ok {
				first[row[entry]] = row
			}
			for _, c := range columns {
				if row[c] != first[row[entry]][c] {
					fail(i+2, "%s differs within entry %s", f.rows[0][c], row[entry])
				}
			}
		}
	}}
}

// TestRulesAreDocumented: what is checked here stands in the documentation
// under its id, with the page that says so.
func TestRulesAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/layouts.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range products {
		for _, r := range p.rules {
			row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(r.id) + ` \|.*$`).FindString(string(doc))
			if !strings.Contains(row, "https://") && !strings.Contains(row, "ours") && !strings.Contains(row, "unverified") {
				t.Errorf("%s: rule %s is not in docs/layouts.md with its source: %q", name, r.id, row)
			}
		}
	}
}
