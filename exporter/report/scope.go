package report

import (
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/yamltree"
)

type node = yamltree.Node

// names are what expressions at one place may refer to. A sheet's begin with
// the report's, so that an expression compiled against those runs in the frame
// of the sheet.
type names struct {
	list  []expression.Name
	gets  []func(*item) expression.Value // nil for a let
	lets  []*program                     // nil for all others
	nodes map[string]*node               // of names that the report declares
}

func (n *names) clone() *names {
	c := &names{slices.Clone(n.list), slices.Clone(n.gets), slices.Clone(n.lets), map[string]*node{}}
	for k, v := range n.nodes {
		c.nodes[k] = v
	}
	return c
}

func (n *names) fixed(list []name) {
	for _, x := range list {
		n.list = append(n.list, expression.Name{Name: x.name, Kind: x.kind, Doc: x.doc})
		n.gets = append(n.gets, x.get)
		n.lets = append(n.lets, nil)
	}
}

func (n *names) has(word string) bool {
	return slices.ContainsFunc(n.list, func(x expression.Name) bool { return x.Name == word })
}

// needed are the indexes of the names that programs need, without lets but
// with what those need; ascending.
func (n *names) needed(programs []*program) []int {
	seen := make([]bool, len(n.list))
	var walk func(refs []int)
	walk = func(refs []int) {
		for _, i := range refs {
			if !seen[i] {
				seen[i] = true
				if n.lets[i] != nil {
					walk(n.lets[i].refs)
				}
			}
		}
	}
	for _, p := range programs {
		walk(p.refs)
	}
	var out []int
	for i, yes := range seen {
		if yes && n.gets[i] != nil {
			out = append(out, i)
		}
	}
	return out
}

// metadataName is the value of one metadata key.
func metadataName(key string) name {
	return text(expression.MemberName("metadata", key), "metadata", func(i *item) string { return i.Metadata[key] })
}

// metadataKeys are the keys that any expression of the report refers to.
func metadataKeys(n *node) (keys []string) {
	if n == nil {
		return nil
	}
	if n.Kind == yamltree.Scalar && strings.Contains(n.Text, "metadata") {
		keys = expression.Members(strings.TrimPrefix(n.Text, "="), "metadata")
	}
	for _, e := range n.Entries {
		keys = append(keys, metadataKeys(e.Value)...)
	}
	for _, item := range n.Items {
		keys = append(keys, metadataKeys(item)...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// A program is a compiled expression with its place.
type program struct {
	*expression.Program
	node   *node
	source string
	refs   []int
}

// expression compiles a value that begins with "=".
func (c *compiler) expression(n *names, value *node, want ...expression.Kind) *program {
	src, at, ok := c.Expression(value)
	if !ok {
		return nil
	}
	return c.compile(n, at, src, want...)
}

// condition compiles an expression whose = may be left out.
func (c *compiler) condition(n *names, at *node) *program {
	src, ok := c.Text(at)
	if !ok {
		return nil
	}
	if rest, found := strings.CutPrefix(src, "="); found {
		return c.compile(n, at.Offset(1), rest, expression.Bool)
	}
	return c.compile(n, at, src, expression.Bool)
}

func (c *compiler) compile(n *names, at *node, src string, want ...expression.Kind) *program {
	p, err := expression.NewScope(n.list, c.tables, c.constants).Compile(src, want...)
	if err != nil {
		c.expressionProblem(at, err)
		return nil
	}
	return &program{p, at, src, p.Refs()}
}

// expressionProblem places the errors of an expression in the file.
func (c *compiler) expressionProblem(at *node, err error) {
	for _, e := range expression.ErrorsOf(err) {
		c.Within(at, e.Offset, e.Hint, e.Msg)
	}
}

// A value is a text as it stands, or an expression.
type value struct {
	literal string
	program *program // nil for a literal
}

func (v *value) kind() expression.Kind {
	if v.program == nil {
		return expression.Text
	}
	return v.program.Kind()
}

// value reads a text or an expression; nil when it cannot be read.
func (c *compiler) value(n *names, at *node) *value {
	if at.IsExpression() {
		if p := c.expression(n, at); p != nil {
			return &value{program: p}
		}
		return nil
	}
	if s, ok := c.Text(at); ok {
		return &value{literal: s}
	}
	return nil
}

// constant computes a value that no item has a part in.
func (c *compiler) constant(at *node) (expression.Value, bool) {
	same := &names{}
	same.fixed(c.open)
	v := c.value(same, at)
	if v == nil {
		c.At(at, "", "what stands here is the same for all payments: it can be made of params and period only")
	}
	switch {
	case v == nil:
		return expression.Value{}, false
	case v.program == nil:
		return expression.TextOf(v.literal), true
	}
	x, err := v.program.Eval(expression.NewScope(same.list, nil, c.constants).NewFrame())
	switch {
	case err == nil:
		return x, true
	case len(c.open) == 0:
		c.At(at, "", "%v", err)
	}
	return expression.EmptyOf(v.kind()), false
}
