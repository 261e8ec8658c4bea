package mapping

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/internal/yamltree"
	"github.com/payrec/payrec/record"
)

// An inlineTest is a test that stands in the mapping file.
type inlineTest struct {
	node    *node
	name    string
	rows    []map[string]string // by header; a number is the cell's
	lines   []string            // or a whole file
	file    string              // its name
	context map[string]string   // of rows: what the file states besides
	expect  []map[string]string // nil: calls are not looked at
	classes []string
	counts  map[Disposition]int
	rejects []string // codes
	fails   []string // names of checks; nil: checks are not looked at
}

// A TestResult is how one inline test came out.
type TestResult struct {
	Name     string
	Line     int // in the mapping
	OK       bool
	Failures []string // what differs
}

var testKeys = []string{"name", "rows", "lines", "file", "context", "expect", "class", "held", "ignored", "attached", "rejects", "fails"}

func (c *compiler) inlineTests(n *node) {
	c.Each(n, "tests", func(item *node) {
		if !c.Keys(item, "a test", testKeys...) {
			return
		}
		t := &inlineTest{node: item, name: c.OptionalText(item, "name"), counts: map[Disposition]int{}}
		c.Each(item.Get("rows"), "rows", func(row *node) {
			cells := map[string]string{}
			c.Pairs(row, "a test row", func(key, value *node) {
				if value.Kind != yamltree.Null {
					cells[key.Text], _ = c.Text(value)
				}
				c.testHeader(key)
			})
			t.rows = append(t.rows, cells)
		})
		t.lines = c.Texts(item.Get("lines"))
		if t.file = c.OptionalText(item, "file"); t.file == "" {
			t.file = "test"
		}
		c.testContext(t, item)
		if (t.rows == nil) == (t.lines == nil) {
			c.At(item, "say rows: [{Header: cell}], or lines: with a whole file", "a test needs either rows or lines")
		}
		if e := item.Get("expect"); e != nil {
			t.expect = []map[string]string{}
			c.Each(e, "expect", func(want *node) { t.expect = append(t.expect, c.expectation(want)) })
		}
		t.classes = c.classList(item.Get("class"))
		for key, d := range map[string]Disposition{"held": Held, "ignored": Ignored, "attached": Attached} {
			if k := item.Get(key); k != nil {
				t.counts[d], _ = c.Whole(k, 0, 1_000_000)
			}
		}
		if r := item.Get("rejects"); r != nil {
			t.rejects = append([]string{}, c.Texts(r)...)
		}
		if f := item.Get("fails"); f != nil {
			t.fails = append([]string{}, c.Texts(f)...)
		}
		c.m.tests = append(c.m.tests, t)
	})
}

// testContext reads what a test's rows find stated.
func (c *compiler) testContext(t *inlineTest, item *node) {
	n := item.Get("context")
	if n != nil && t.lines != nil {
		c.At(n, "state it in the lines", "only a test of rows can give a context")
	}
	t.context = map[string]string{}
	c.Pairs(n, "context", func(name, value *node) {
		if col := c.byName[name.Text]; col == nil || col.context == nil {
			var known []string
			for _, col := range c.m.contexts {
				known = append(known, col.name)
			}
			c.At(name, yamltree.DidYouMeanOr(name.Text, known), "the mapping takes no context %q", name.Text)
		}
		t.context[name.Text], _ = c.Text(value)
	})
}

// testHeader warns of a test's header that no column reads.
func (c *compiler) testHeader(key *node) {
	var known []string
	for _, col := range c.m.columns {
		for _, h := range col.headers {
			if table.Normalize(h) == table.Normalize(key.Text) {
				return
			}
			known = append(known, h)
		}
		if col.cell > 0 && strconv.Itoa(col.cell) == key.Text {
			return
		}
	}
	c.Warn(key, yamltree.DidYouMean(key.Text, known), "no column reads %q", key.Text)
}

// expectation flattens an expected call to dotted paths.
func (c *compiler) expectation(n *node) map[string]string {
	want := map[string]string{}
	call := record.CallName(c.OptionalText(n, "call"))
	spec := record.SpecOf(call)
	if spec == nil {
		c.At(n, "say call: report_payment", "an expected call names no known call")
		return want
	}
	var walk func(prefix string, n *node)
	walk = func(prefix string, n *node) {
		for _, e := range n.Entries {
			path := prefix + e.Key.Text
			if e.Value.Kind == yamltree.Map {
				walk(path+".", e.Value)
				continue
			}
			if _, ok := spec.Field(path); !ok && !slices.Contains([]string{"call", "id", "payment", "order", "fee", "net"}, path) {
				var paths []string
				for _, f := range spec.Fields {
					paths = append(paths, f.Path)
				}
				c.At(e.Key, yamltree.DidYouMean(path, paths), "%s takes no %q", call, path)
			}
			want[path] = scalarText(e.Value)
		}
	}
	walk("", n)
	return want
}

// Test runs the mapping's inline tests through the same code as an import.
func (m *Mapping) Test() []TestResult {
	var out []TestResult
	for _, t := range m.tests {
		failures := t.run(m)
		out = append(out, TestResult{t.name, t.node.Line, len(failures) == 0, failures})
	}
	return out
}

// outcome is what a test's rows came to.
type outcome struct {
	events  []Event
	classes []string
	counts  map[Disposition]int
	rejects []string
	detail  []string
	fails   []string
}

func (t *inlineTest) run(m *Mapping) []string {
	rows, err := t.table(m)
	if err != nil {
		return []string{err.Error()}
	}
	got, err := m.run(rows, t.context)
	if err != nil {
		return []string{err.Error()}
	}
	var failures []string
	fail := func(format string, args ...any) { failures = append(failures, fmt.Sprintf(format, args...)) }
	if t.classes != nil && !slices.Equal(t.classes, got.classes) {
		fail("classes are %s, want %s", strings.Join(got.classes, ", "), strings.Join(t.classes, ", "))
	}
	for _, d := range []Disposition{Held, Ignored, Attached} {
		if want, ok := t.counts[d]; ok && want != got.counts[d] {
			fail("%d rows are %s, want %d", got.counts[d], d, want)
		}
	}
	if !slices.Equal(t.rejects, got.rejects) {
		fail("rejects are [%s], want [%s]%s", strings.Join(got.rejects, ", "), strings.Join(t.rejects, ", "), prefixed(": ", strings.Join(got.detail, "; ")))
	}
	if t.fails != nil && !slices.Equal(t.fails, got.fails) {
		fail("failing checks are [%s], want [%s]", strings.Join(got.fails, ", "), strings.Join(t.fails, ", "))
	}
	if t.expect != nil && len(t.expect) != len(got.events) {
		fail("%d calls, want %d", len(got.events), len(t.expect))
	}
	for i, want := range t.expect {
		if i < len(got.events) {
			for _, path := range sortedKeys(want) {
				if value := eventText(&got.events[i], path); value != want[path] {
					fail("call %d: %s is %q, want %q", i+1, path, value, want[path])
				}
			}
		}
	}
	return failures
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// eventText is a part of a call by the name that tests use.
func eventText(e *Event, path string) string {
	money := func(m *record.Money) string {
		if m == nil {
			return ""
		}
		return m.String()
	}
	switch path {
	case "call":
		return string(e.Call)
	case "id":
		return e.ID
	case "payment":
		return e.Payment
	case "order":
		return e.Order
	case "fee":
		return money(e.Fee)
	case "net":
		return money(e.Net)
	}
	s, _ := e.Params.Get(path)
	return s
}

// run is a whole import of rows in memory.
func (m *Mapping) run(rows []*table.Row, context map[string]string) (*outcome, error) {
	s := m.NewSession()
	s.values.given = context
	defer s.Close()
	if m.Gathers() {
		for _, row := range rows {
			if err := s.Gather(row); err != nil {
				return nil, err
			}
		}
	}
	got := &outcome{counts: map[Disposition]int{}}
	for _, row := range rows {
		res, err := s.Row(row)
		if err != nil {
			return nil, err
		}
		if res == nil {
			continue
		}
		got.classes = append(got.classes, res.Class)
		got.counts[res.Disposition]++
		got.events = append(got.events, res.Events...)
		if res.Disposition == Rejected {
			got.rejects = append(got.rejects, res.Problems[0].Code)
			for i := range res.Problems {
				got.detail = append(got.detail, res.Problems[i].Error())
			}
		}
	}
	checks, err := s.Finish()
	for _, c := range checks {
		if !c.OK && !slices.Contains(got.fails, c.Name) {
			got.fails = append(got.fails, c.Name)
		}
	}
	return got, err
}

// table makes the rows that an import would see.
func (t *inlineTest) table(m *Mapping) ([]*table.Row, error) {
	if t.lines != nil {
		return t.parseLines(m)
	}
	var names []string
	add := func(name string) {
		if !slices.ContainsFunc(names, func(n string) bool { return table.Normalize(n) == table.Normalize(name) }) {
			names = append(names, name)
		}
	}
	for _, c := range m.columns {
		for c.context == nil && len(names) < c.cell {
			names = append(names, "")
		}
	}
	for _, row := range t.rows {
		for _, name := range sortedKeys(row) {
			if !allDigits(name) {
				add(name)
			}
		}
	}
	known := table.NewColumns(names)
	for _, c := range m.columns {
		present := slices.ContainsFunc(c.headers, func(h string) bool { return known.Index(h, 1) >= 0 })
		if len(c.headers) > 0 && !c.optional && !present && (c.context == nil || c.context.ofBody()) {
			add(c.headers[0])
		}
	}
	header, kind := table.NewColumns(names), m.bodyKind()
	rows := []*table.Row{{Kind: kind, Pos: table.Pos{File: t.file, Line: 1}, Role: table.HeaderRow, Header: header, Cells: names}}
	for i, cells := range t.rows {
		row := &table.Row{Kind: kind, Pos: table.Pos{File: t.file, Line: i + 2}, Role: table.Body, Header: header, Cells: make([]string, len(names))}
		for name, cell := range cells {
			at := header.Index(name, 1)
			if n, err := strconv.Atoi(name); err == nil && n <= len(names) {
				at = n - 1
			}
			if at >= 0 {
				row.Cells[at] = cell
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// bodyKind is the first kind or table of the body; "" when rows have none.
func (m *Mapping) bodyKind() string {
	if r := m.dialect.Records; r != nil {
		return r.Body[0]
	}
	for _, t := range m.dialect.Tables {
		if t.Role == table.Body {
			return t.Name
		}
	}
	return ""
}

func (t *inlineTest) parseLines(m *Mapping) ([]*table.Row, error) {
	d := m.dialect
	if d.Format != table.CSV {
		d = table.Dialect{Header: d.Header, Footer: d.Footer}
	}
	d.Encoding = ""
	r, err := table.NewReader(t.file, strings.NewReader(strings.Join(t.lines, "\n")+"\n"), d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var rows []*table.Row
	for {
		row, err := r.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		own := *row
		own.Cells = slices.Clone(row.Cells)
		rows = append(rows, &own)
	}
}
