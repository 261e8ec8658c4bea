package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A node is one value of a mapping file with its place. Anchors, aliases and
// merge keys are resolved; what is left is text, lists and maps. YAML's own
// ideas of numbers and dates are not used: whoever reads a node decides.
type node struct {
	file      string
	line, col int
	kind      nodeKind
	text      string // of a scalar
	style     scalarStyle
	entries   []entry // of a mapping, in the order written, each key once
	items     []*node // of a sequence
}

type nodeKind uint8

const (
	nullNode nodeKind = iota
	scalarNode
	mappingNode
	sequenceNode
)

func (k nodeKind) String() string {
	return [...]string{"nothing", "a plain value", "a map", "a list"}[k]
}

type scalarStyle uint8

const (
	plainStyle scalarStyle = iota
	quotedStyle
	blockStyle
)

type entry struct {
	key   *node // a scalar
	value *node
}

// get returns the value of a key, or nil.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for _, e := range n.entries {
		if e.key.text == key {
			return e.value
		}
	}
	return nil
}

// offset is the place of the rune at offset within a scalar's text.
func (n *node) offset(runes int) *node {
	at := *n
	switch n.style {
	case quotedStyle:
		at.col += runes + 1
	case plainStyle:
		at.col += runes
	}
	return &at
}

// Bounds of a mapping file, so that a hostile one costs little: bytes, values
// after aliases are expanded, and nesting.
const (
	maxSource = 128 << 10
	maxKeys   = 2_000 // of one map; a longer table belongs in a lookup file
	maxNodes  = 50_000
	maxDepth  = 40
)

// parseYAML reads one document. Problems go to the collector; the node is nil
// when nothing can be made of the source.
func parseYAML(file string, src []byte, c *collector) *node {
	whole := &node{file: file}
	src = bytes.TrimPrefix(src, []byte("\ufeff")) // which some editors write
	switch {
	case len(src) > maxSource:
		c.at(whole, "", "the mapping has %d bytes; %d are allowed", len(src), maxSource)
		return nil
	case !utf8.Valid(src):
		c.at(whole, "save it as UTF-8", "the mapping is not valid UTF-8")
		return nil
	}
	tokens := lexer.Tokenize(string(src))
	if line := tooDeep(tokens); line > 0 {
		c.at(&node{file: file, line: line, col: 1}, "a bracket or brace may not be closed", "nested more than %d deep", maxDepth)
		return nil
	}
	if c.lines == nil {
		c.lines = map[string][]string{}
	}
	c.lines[file] = strings.Split(string(src), "\n")
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		c.add(syntaxProblem(file, src, err))
		return nil
	}
	docs := slices.DeleteFunc(f.Docs, func(d *ast.DocumentNode) bool { return d == nil || d.Body == nil })
	if len(docs) == 0 {
		c.at(whole, `begin with "payrec: mapping/v1"`, "the mapping is empty")
		return nil
	}
	if len(docs) > 1 {
		c.at(whole, `remove the line "---" between them`, "the file holds %d documents; a mapping is one", len(docs))
	}
	conv := &converter{file: file, anchors: map[string]ast.Node{}, problems: c}
	n := conv.node(docs[0].Body, 0)
	if conv.nodes > maxNodes {
		c.at(whole, "", "the mapping has more than %d values once its aliases are followed", maxNodes)
		return nil
	}
	return n
}

// tooDeep is the line on which a source nests deeper than a mapping has reason
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
	problems *collector
}

func (c *converter) place(a ast.Node) *node {
	n := &node{file: c.file}
	if a == nil || a.GetToken() == nil || a.GetToken().Position == nil {
		return n
	}
	n.line, n.col = a.GetToken().Position.Line, a.GetToken().Position.Column
	return n
}

func (c *converter) node(a ast.Node, depth int) *node {
	n := c.place(a)
	if c.nodes++; c.nodes > maxNodes {
		return n
	}
	if depth > maxDepth {
		c.problems.at(n, "", "nested more than %d deep", maxDepth)
		return n
	}
	switch a := a.(type) {
	case nil, *ast.NullNode:
	case *ast.MappingNode:
		n.kind = mappingNode
		if len(a.Values) > 0 && !a.IsFlowStyle {
			first := c.place(a.Values[0].Key)
			n.line, n.col = first.line, first.col
		}
		for _, v := range a.Values {
			c.entry(n, v, depth)
		}
	case *ast.MappingValueNode:
		n.kind = mappingNode
		c.entry(n, a, depth)
	case *ast.SequenceNode:
		n.kind = sequenceNode
		for _, v := range a.Values {
			n.items = append(n.items, c.node(v, depth+1))
		}
	case *ast.AnchorNode:
		c.anchors[a.Name.GetToken().Value] = a.Value
		return c.node(a.Value, depth+1)
	case *ast.AliasNode:
		return c.alias(n, a, depth)
	case *ast.TagNode:
		c.problems.at(n, "remove it", "a mapping has no use for the tag %q", a.GetToken().Value)
		return c.node(a.Value, depth+1)
	case *ast.LiteralNode:
		n.kind, n.style = scalarNode, blockStyle
		n.text = strings.TrimRight(a.Value.Value, "\n")
	case *ast.StringNode:
		n.kind, n.text = scalarNode, a.Value
		if isQuoted(a) {
			n.style = quotedStyle
		}
	default: // numbers, booleans: the text as it was written
		n.kind = scalarNode
		if t := a.GetToken(); t != nil {
			n.text = t.Value
		}
	}
	return n
}

func isQuoted(a *ast.StringNode) bool {
	kind := a.Token.Type.String()
	return kind == "SingleQuote" || kind == "DoubleQuote"
}

func (c *converter) alias(n *node, a *ast.AliasNode, depth int) *node {
	name := a.Value.GetToken().Value
	target, ok := c.anchors[name]
	switch {
	case !ok:
		c.problems.at(n, didYouMeanOr(name, sortedKeys(c.anchors)), "no anchor &%s stands above", name)
		return n
	case slices.Contains(c.open, name):
		c.problems.at(n, "", "the anchor &%s contains itself", name)
		return n
	}
	c.open = append(c.open, name)
	defer func() { c.open = c.open[:len(c.open)-1] }()
	return c.node(target, depth+1)
}

// entry adds one key to a mapping, or several when it is a merge key: keys of
// the mapping itself win over merged ones.
func (c *converter) entry(n *node, v *ast.MappingValueNode, depth int) {
	if v.Key.IsMergeKey() {
		merged := c.node(v.Value, depth+1)
		sources := []*node{merged}
		if merged.kind == sequenceNode {
			sources = merged.items
		}
		for _, s := range sources {
			if s.kind != mappingNode {
				c.problems.at(merged, "", `"<<" merges a map, not %s`, s.kind)
			}
			for _, e := range s.entries {
				if n.get(e.key.text) == nil {
					e.key = &node{file: e.key.file, line: e.key.line, col: e.key.col, kind: scalarNode, text: e.key.text, style: mergedStyle}
					n.entries = append(n.entries, e)
				}
			}
		}
		return
	}
	if len(n.entries) == maxKeys {
		c.problems.at(n, "put a long table into a file and read it by lookups", "a map has more than %d keys", maxKeys)
		return
	}
	key := c.node(v.Key, depth+1)
	if key.kind == nullNode {
		key.kind, key.text = scalarNode, "null"
	}
	if key.kind != scalarNode {
		c.problems.at(key, "", "a key must be a plain word, not %s", key.kind)
		return
	}
	value := c.node(v.Value, depth+1)
	if value.kind == nullNode { // an empty value has no good place of its own
		value.line, value.col = key.line, key.col
	}
	for i, e := range n.entries {
		if e.key.text != key.text {
			continue
		}
		if e.key.style != mergedStyle {
			c.problems.at(key, "keep one of them", "%q stands twice in this map, first on line %d", key.text, e.key.line)
		} else {
			n.entries[i] = entry{key, value}
		}
		return
	}
	n.entries = append(n.entries, entry{key, value})
}

// mergedStyle marks a key that came in by "<<".
const mergedStyle scalarStyle = 9

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
	p.Line, p.Column = t.Position.Line, t.Position.Column
	lines := strings.Split(string(src), "\n")
	if p.Line < 1 || p.Line > len(lines) {
		return p
	}
	p.Hint = trap(lines[p.Line-1], syntax.GetMessage())
	return p
}

// cutByComment says whether a plain value is followed by " #" on its line, so
// that what was meant as a part of it became a comment.
func (c *collector) cutByComment(n *node) bool {
	lines := c.lines[n.file]
	if n.style != plainStyle || n.line < 1 || n.line > len(lines) {
		return false
	}
	_, rest, found := strings.Cut(lines[n.line-1], n.text)
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
