package yamltree

import (
	"strings"
	"testing"
)

// TestParse: text stays as it was written, with its place; anchors, aliases and
// merge keys are gone; a key that is written wins over one that is merged.
func TestParse(t *testing.T) {
	c := &Collector{Noun: "report"}
	n := Parse("x.yaml", []byte(`a: 012
b: 'yes'
c: |
  one
  two
base: &base {x: 1, y: 2}
d:
  <<: *base
  y: 3
e: [1e3, ~, "q"]
f:
`), c)
	if problems := c.Sorted(); len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, test := range []struct {
		n         *Node
		text      string
		style     Style
		line, col int
	}{
		{n.Get("a"), "012", Plain, 1, 4},
		{n.Get("b"), "yes", Quoted, 2, 4},
		{n.Get("c"), "one\ntwo", Block, 3, 4},
		{n.Get("d").Get("x"), "1", Plain, 6, 17},
		{n.Get("d").Get("y"), "3", Plain, 9, 6},
		{n.Get("e").Items[0], "1e3", Plain, 10, 5},
		{n.Get("e").Items[2], "q", Quoted, 10, 13},
		{n.Get("b").Offset(1), "yes", unquoted, 2, 6},
		{n.Get("b").Offset(1).Offset(1), "yes", unquoted, 2, 7},
		{n.Get("a").Offset(1), "012", Plain, 1, 5},
	} {
		if test.n.Text != test.text || test.n.Style != test.style || test.n.Line != test.line || test.n.Col != test.col {
			t.Errorf("%q in style %d at %d:%d, want %q in style %d at %d:%d", test.n.Text, test.n.Style, test.n.Line, test.n.Col, test.text, test.style, test.line, test.col)
		}
	}
	if k := n.Get("e").Items[1].Kind; k != Null {
		t.Errorf("~ is %s", k)
	}
	if n.Get("f").Kind != Null || n.Get("f").Line != 11 || n.Get("g") != nil || n.Get("g").Get("h") != nil {
		t.Error("what is not there is wrong")
	}
}

// TestProblems: what is said of each broken file, and where.
func TestProblems(t *testing.T) {
	for src, want := range map[string]string{
		"":                               `x: the report is empty; begin with payrec: report/v1`,
		"a: 1\na: 2\n":                   `x:2:1: "a" stands twice in this map, first on line 1; keep one of them`,
		"a: *b\n":                        `x:1:4: no anchor &b stands above`,
		"a: &a [*a]\n":                   `x:1:8: the anchor &a contains itself`,
		"a: 1\n---\nb: 2\n":              `x: the file holds 2 documents; a report is one; remove the line "---" between them`,
		"a: !!int 1\n":                   `x:1:4: a report has no use for the tag "!!int"; remove it`,
		"a: \xff\n":                      `x: the report is not valid UTF-8; save it as UTF-8`,
		"\ta: 1\n":                       `YAML is indented by blanks; replace the tab`,
		"a: =b ? \"c\" : \"d\"\n":        `put the whole expression in single quotes`,
		"a: [1\n":                        `not valid YAML`,
		strings.Repeat("[", 99):          `x:1:1: nested more than 40 deep; a bracket or brace may not be closed`,
		strings.Repeat("#", MaxSource+1): `x: the report has 131073 bytes; 131072 are allowed`,
	} {
		c := &Collector{Noun: "report"}
		c.IsMap(Parse("x", []byte(src), c), "begin with payrec: report/v1")
		if got := c.Sorted().Error(); !strings.Contains(got, want) {
			t.Errorf("%.40q: %q, want %q", src, got, want)
		}
	}
}

// TestReaders: each complains at its place and says what to do.
func TestReaders(t *testing.T) {
	c := &Collector{Noun: "report"}
	n := Parse("x", []byte("a: {nme: 1}\nb: [1]\nc: maybe\nd: 7\ne: blu\nf: {}\ng: [1, {}, ~]\nh:\n"), c)
	c.Keys(n.Get("a"), "a thing", "name", "size")
	c.Keys(n.Get("b"), "a thing", "name")
	c.Text(n.Get("b"))
	c.Yes(n.Get("c"))
	c.Whole(n.Get("d"), 1, 5)
	c.Choice(n.Get("e"), "red", "red", "blue")
	c.Texts(n.Get("f"))
	c.Texts(n.Get("h"))
	if got := c.Texts(n.Get("g")); len(got) != 2 || got[0] != "1" || got[1] != "" {
		t.Errorf("%q", got)
	}
	c.Each(n.Get("d"), "d", nil)
	c.Pairs(n.Get("d"), "d", nil)
	c.Warn(n.Get("d"), "", "a warning")
	c.Warn(n.Get("d"), "", "a warning") // known already
	want := `x:1:5: a thing has no key "nme"; did you mean "name"?
x:2:4: a thing must be a map, not a list; known keys: name
x:2:4: must be a plain value, not a list
x:3:4: must be true or false, not "maybe"
x:4:4: must be a number from 1 to 5, not "7"
x:4:4: d must be a list, not a plain value
x:4:4: d must be a map, not a plain value
x:4:4: warning: a warning
x:5:4: must be one of red, blue, not "blu"; did you mean "blue"?
x:6:4: must be a plain value or a list, not a map
x:7:8: must be a plain value, not a map
x:8:1: the key has no value; write a text or a list of them, or remove the key`
	if got := c.Sorted().Error(); got != want {
		t.Errorf("%s\n\nwant\n%s", got, want)
	}
	if fatal := c.Sorted().Fatal(); len(fatal) != 11 {
		t.Errorf("%d problems are no warnings", len(fatal))
	}
}

// TestExpressions: a fault lies where the rune stands that is to blame, quoted or
// not; a comment that cuts a text short is suspected first.
func TestExpressions(t *testing.T) {
	c := &Collector{Noun: "report"}
	n := Parse("x", []byte("a: =abc\nb: '=abc'\nc: =a # b\nd: abc\ne: [=a]\nf:\ng: |\n  =abc\n"), c)
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "absent"} {
		if src, at, ok := c.Expression(n.Get(key)); ok {
			c.Within(at, len(src)-1, "", "the last of "+src)
		}
	}
	want := `x:1:7: the last of abc
x:2:8: the last of abc
x:3:5: the last of a; in YAML " #" begins a comment: put the whole value in single quotes
x:4:4: must be an expression, which begins with =, not the text "abc"; write =abc
x:5:4: must be an expression, which begins with =, not a list
x:6:1: must be an expression, which begins with =
x:7:4: the last of abc`
	if got := c.Sorted().Error(); got != want {
		t.Errorf("%s\n\nwant\n%s", got, want)
	}
}

// TestParams: a param is its default alone, or a map; what was given must be
// declared, and among the values that are allowed.
func TestParams(t *testing.T) {
	c := &Collector{Noun: "report"}
	n := Parse("x", []byte("a: 1\nb: {doc: d, default: 2, values: [2, 3], required: true}\nc:\nd: {docs: e}\ne: [1]\n"), c)
	params := c.Params(n, "doc", "default", "values", "required")
	declared := map[string]bool{}
	var names string
	for _, p := range params {
		declared[p.Name] = true
		names += p.Name + "=" + p.Default + " "
		c.Allow(p, p.Default)
	}
	if names != "a=1 b=2 c= d= " || params[1].Doc != "d" || len(params[1].Values) != 2 || !params[1].Required || params[0].Required {
		t.Errorf("%s %+v", names, params)
	}
	c.Missing(params[1])
	c.Allow(params[1], "33")
	Undeclared(c, n, map[string]string{"a": "", "bb": ""}, declared)
	want := `x:1:1: the report has no param "bb"; did you mean "b"?
x:2:1: the param "b" is required: d; give it with --param b=…
x:2:1: the param "b" must be one of 2, 3, not "33"; did you mean "3"?
x:4:5: param "d" has no key "docs"; did you mean "doc"?
x:5:4: param "e" must be a map, not a list; known keys: doc, default, values, required`
	if got := c.Sorted().Error(); got != want {
		t.Errorf("%s\n\nwant\n%s", got, want)
	}
}

// FuzzParse: nothing panics, a tree is within its bounds, and places are
// within the source.
func FuzzParse(f *testing.F) {
	for _, src := range []string{"a: {b: [1, 'x']}\n", "a: &a 1\nb: *a\nc: {<<: {d: 1}}\n", "? a\n: b\n", "- - - a\n", "a: |\n  b\n", "a: \"\\u0000\"\n", "%YAML 1.2\n---\na\n...", "\r\r0"} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c := &Collector{Noun: "report"}
		n := Parse("x", src, c)
		lines, nodes := strings.Count(string(src), "\n")+strings.Count(string(src), "\r")+1, 0
		var walk func(n *Node, depth int)
		walk = func(n *Node, depth int) {
			if nodes++; depth > maxDepth+1 || nodes > maxNodes+1 || n.Line > lines+1 || n.Line < 0 {
				t.Fatalf("depth %d, %d nodes, line %d of %d", depth, nodes, n.Line, lines)
			}
			for _, e := range n.Entries {
				walk(e.Value, depth+1)
			}
			for _, item := range n.Items {
				walk(item, depth+1)
			}
		}
		if n != nil {
			walk(n, 0)
		}
	})
}
