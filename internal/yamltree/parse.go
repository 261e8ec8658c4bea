package yamltree

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A Node is one value of a file with its place. Anchors, aliases and
// merge keys are resolved; what is left is text, lists and maps. YAML's own
// ideas of numbers and dates are not used: whoever reads a node decides.
type Node struct {
	File      string
	Line, Col int // 1-based; 0 when it is about the file as a whole
	Kind      Kind
	Text      string // of a scalar
	Style     Style
	Entries   []Entry // of a map, in the order written, each key once
	Items     []*Node // of a list
}

// A Kind is what a node is.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Scalar
	Map
	List
)

// String names the kind for people: a list.
func (k Kind) String() string {
	return [...]string{"nothing", "a plain value", "a map", "a list"}[k]
}

// A Style is how a scalar is written.
type Style uint8

// The styles.
const (
	Plain Style = iota
	Quoted
	Block
)

// An Entry is a key of a map and its value.
type Entry struct {
	Key   *Node // a scalar
	Value *Node
}

// Get returns the value of a key, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, e := range n.Entries {
		if e.Key.Text == key {
			return e.Value
		}
	}
	return nil
}

// Offset is the place of the rune at offset within a scalar's text.
func (n *Node) Offset(runes int) *Node {
	at := *n
	switch n.Style {
	case Quoted:
		at.Col += runes + 1
		at.Style = unquoted // a further offset does not pass the quote again
	case Plain, unquoted:
		at.Col += runes
	}
	return &at
}

// IsExpression says whether a value is one: whether it begins with "=".
func (n *Node) IsExpression() bool {
	return n != nil && n.Kind == Scalar && strings.HasPrefix(n.Text, "=")
}

// Bounds of a file, so that a hostile one costs little: bytes, values
// after aliases are expanded, and nesting.
const (
	MaxSource = 128 << 10 // bytes
	maxKeys   = 2_000     // of one map
	maxNodes  = 50_000
	maxDepth  = 40
)

// Parse reads one document. Problems go to the collector; the node is nil
// when nothing can be made of the source, and of kind [Null] without a line
// when there is nothing in it: [Collector.IsMap] tells.
func Parse(file string, src []byte, c *Collector) *Node {
	whole := &Node{File: file}
	src = bytes.TrimPrefix(src, []byte("\ufeff")) // which some editors write
	switch {
	case len(src) > MaxSource:
		c.At(whole, "", "the %s has %d bytes; %d are allowed", c.Noun, len(src), MaxSource)
		return nil
	case !utf8.Valid(src):
		c.At(whole, "save it as UTF-8", "the %s is not valid UTF-8", c.Noun)
		return nil
	}
	tokens := lexer.Tokenize(string(src))
	if line := tooDeep(tokens); line > 0 {
		c.At(&Node{File: file, Line: line, Col: 1}, "a bracket or brace may not be closed", "nested more than %d deep", maxDepth)
		return nil
	}
	if c.lines == nil {
		c.lines = map[string][]string{}
	}
	c.lines[file] = strings.Split(string(src), "\n")
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		c.Add(syntaxProblem(file, src, err))
		return nil
	}
	docs := slices.DeleteFunc(f.Docs, func(d *ast.DocumentNode) bool { return d == nil || d.Body == nil })
	if len(docs) == 0 {
		return whole
	}
	if len(docs) > 1 {
		c.At(whole, `remove the line "---" between them`, "the file holds %d documents; a %s is one", len(docs), c.Noun)
	}
	conv := &converter{file: file, anchors: map[string]ast.Node{}, problems: c}
	n := conv.node(docs[0].Body, 0)
	if conv.nodes > maxNodes {
		c.At(whole, "", "the %s has more than %d values once its aliases are followed", c.Noun, maxNodes)
		return nil
	}
	return n
}

// tooDeep is the line on which a source nests deeper than anybody has reason
// to, or 0. The parser recurses without a limit of its own, so this looks at
// the tokens before it does: brackets that are open, and marks in a row that
// each open a block ("- - -", "? ?", "&a &a").
func tooDeep(tokens token.Tokens) int {
	open, marks, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position == nil {
			continue
		}
		if t.Position.Line != line {
			line, marks = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open++
		case token.SequenceEndType, token.MappingEndType:
			open = max(0, open-1)
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			marks++
		case token.MappingValueType:
			marks++
			if open > 0 { // entries of one flow map, not levels
				marks = 0
			}
		case token.CollectEntryType:
			marks = 0
		}
		if open > maxDepth || marks > maxDepth || t.Position.IndentNum > 10*maxDepth {
			return line
		}
	}
	return 0
}

// converter turns the parser's tree into nodes.
type converter struct {
	file     string
	anchors  map[string]ast.Node
	open     []string // aliases being followed, against endless ones
	nodes    int
	problems *Collector
}

func (c *converter) place(a ast.Node) *Node {
	n := &Node{File: c.file}
	if a == nil || a.GetToken() == nil || a.GetToken().Position == nil {
		return n
	}
	n.Line, n.Col = a.GetToken().Position.Line, a.GetToken().Position.Column
	return n
}

func (c *converter) node(a ast.Node, depth int) *Node {
	n := c.place(a)
	if c.nodes++; c.nodes > maxNodes {
		return n
	}
	if depth > maxDepth {
		c.problems.At(n, "", "nested more than %d deep", maxDepth)
		return n
	}
	switch a := a.(type) {
	case nil, *ast.NullNode:
	case *ast.MappingNode:
		n.Kind = Map
		if len(a.Values) > 0 && !a.IsFlowStyle {
			first := c.place(a.Values[0].Key)
			n.Line, n.Col = first.Line, first.Col
		}
		for _, v := range a.Values {
			c.entry(n, v, depth)
		}
	case *ast.MappingValueNode:
		n.Kind = Map
		c.entry(n, a, depth)
	case *ast.SequenceNode:
		n.Kind = List
		for _, v := range a.Values {
			n.Items = append(n.Items, c.node(v, depth+1))
		}
	case *ast.AnchorNode:
		c.anchors[a.Name.GetToken().Value] = a.Value
		return c.node(a.Value, depth+1)
	case *ast.AliasNode:
		return c.alias(n, a, depth)
	case *ast.TagNode:
		c.problems.At(n, "remove it", "a %s has no use for the tag %q", c.problems.Noun, a.GetToken().Value)
		return c.node(a.Value, depth+1)
	case *ast.LiteralNode:
		n.Kind, n.Style = Scalar, Block
		n.Text = strings.TrimRight(a.Value.Value, "\n")
	case *ast.StringNode:
		n.Kind, n.Text = Scalar, a.Value
		if isQuoted(a) {
			n.Style = Quoted
		}
	default: // numbers, booleans: the text as it was written
		n.Kind = Scalar
		if t := a.GetToken(); t != nil {
			n.Text = t.Value
		}
	}
	return n
}

func isQuoted(a *ast.StringNode) bool {
	kind := a.Token.Type.String()
	return kind == "SingleQuote" || kind == "DoubleQuote"
}

func (c *converter) alias(n *Node, a *ast.AliasNode, depth int) *Node {
	name := a.Value.GetToken().Value
	target, ok := c.anchors[name]
	switch {
	case !ok:
		c.problems.At(n, DidYouMeanOr(name, slices.Sorted(maps.Keys(c.anchors))), "no anchor &%s stands above", name)
		return n
	case slices.Contains(c.open, name):
		c.problems.At(n, "", "the anchor &%s contains itself", name)
		return n
	}
	c.open = append(c.open, name)
	defer func() { c.open = c.open[:len(c.open)-1] }()
	return c.node(target, depth+1)
}

// entry adds one key to a map, or several when it is a merge key: keys of
// the map itself win over merged ones.
func (c *converter) entry(n *Node, v *ast.MappingValueNode, depth int) {
	if v.Key.IsMergeKey() {
		merged := c.node(v.Value, depth+1)
		sources := []*Node{merged}
		if merged.Kind == List {
			sources = merged.Items
		}
		for _, s := range sources {
			if s.Kind != Map {
				c.problems.At(merged, "", `"<<" merges a map, not %s`, s.Kind)
			}
			for _, e := range s.Entries {
				if n.Get(e.Key.Text) == nil {
					e.Key = &Node{File: e.Key.File, Line: e.Key.Line, Col: e.Key.Col, Kind: Scalar, Text: e.Key.Text, Style: inherited}
					n.Entries = append(n.Entries, e)
				}
			}
		}
		return
	}
	if len(n.Entries) == maxKeys {
		c.problems.At(n, c.problems.LongMap, "a map has more than %d keys", maxKeys)
		return
	}
	key := c.node(v.Key, depth+1)
	if key.Kind == Null {
		key.Kind, key.Text = Scalar, "null"
	}
	if key.Kind != Scalar {
		c.problems.At(key, "", "a key must be a plain word, not %s", key.Kind)
		return
	}
	value := c.node(v.Value, depth+1)
	if value.Kind == Null { // an empty value has no good place of its own
		value.Line, value.Col = key.Line, key.Col
	}
	for i, e := range n.Entries {
		if e.Key.Text != key.Text {
			continue
		}
		if e.Key.Style != inherited {
			c.problems.At(key, "keep one of them", "%q stands twice in this map, first on line %d", key.Text, e.Key.Line)
		} else {
			n.Entries[i] = Entry{key, value}
		}
		return
	}
	n.Entries = append(n.Entries, Entry{key, value})
}

// Styles of our own: of a key that came in by "<<", and of a place within quotes.
const (
	inherited Style = 9 + iota
	unquoted
)

// syntaxProblem says in words which of YAML's traps was stepped into.
func syntaxProblem(file string, src []byte, err error) Problem {
	p := Problem{File: file, Msg: "not valid YAML"}
	var syntax yaml.Error
	if !errors.As(err, &syntax) {
		p.Msg = fmt.Sprintf("not valid YAML: %s", firstLine(err.Error()))
		return p
	}
	p.Msg = "not valid YAML: " + firstLine(syntax.GetMessage())
	t := syntax.GetToken()
	if t == nil || t.Position == nil {
		return p
	}
	lines := strings.Split(string(src), "\n")
	p.Line, p.Column = t.Position.Line, t.Position.Column
	if p.Line < 1 || p.Line > len(lines) { // what is missing is past the end
		p.Line, p.Column = len(lines), 1
		return p
	}
	p.Hint = trap(lines[p.Line-1], syntax.GetMessage())
	return p
}

// CutByComment says whether a plain value is followed by " #" on its line, so
// that what was meant as a part of it became a comment.
func (c *Collector) CutByComment(n *Node) bool {
	lines := c.lines[n.File]
	if n.Style != Plain || n.Line < 1 || n.Line > len(lines) {
		return false
	}
	_, rest, found := strings.Cut(lines[n.Line-1], n.Text)
	return found && strings.HasPrefix(strings.TrimLeft(rest, " \t"), "#")
}

// trap explains a line that the YAML parser did not understand.
func trap(line, msg string) string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	_, value, hasValue := strings.Cut(line, ": ")
	value = strings.TrimSpace(value)
	inFlow := strings.ContainsAny(line, "{[")
	switch {
	case strings.Contains(indent, "\t"):
		return "YAML is indented by blanks; replace the tab"
	case hasValue && inFlow && strings.ContainsAny(value, `"(`):
		return "inside {…} and […] a comma, a quote or a bracket ends a plain value: put the whole value in single quotes, '=…', or give the expression a line of its own"
	case hasValue && strings.HasPrefix(value, "=") && strings.Contains(value, ": "):
		return `": " ends a plain value: put the whole expression in single quotes, '=a ? "x" : "y"', or write =if a { "x" } else { "y" }`
	case hasValue && strings.Contains(value, ": "):
		return `": " ends a plain value: put the whole text in single quotes`
	case hasValue && strings.IndexAny(value, "%@`") == 0:
		return fmt.Sprintf("a plain value cannot begin with %q: put it in single quotes", value[:1])
	case strings.Contains(msg, "must be specified"):
		return "a bracket or brace is not closed, here or on a line above"
	}
	return ""
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
