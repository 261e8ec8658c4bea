package expression

import (
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"
)

// MemberName is the name under which a scope declares one value of a set that
// is open, such as metadata: expressions write metadata["order"] for it, or
// metadata.order.
func MemberName(set, key string) string { return set + "[" + strconv.Quote(key) + "]" }

// Members are the keys of a set that a source refers to, each once, in order;
// none when the source is not of the language, which Compile will say.
func Members(src, set string) []string {
	_, tree, err := new(Scope).begin(src)
	if err != nil {
		return nil
	}
	m := &members{set: set}
	ast.Walk(&tree, m)
	return m.keys
}

type members struct {
	set  string
	keys []string
}

func (m *members) Visit(n *ast.Node) {
	member, ok := (*n).(*ast.MemberNode)
	if !ok {
		return
	}
	id, isName := member.Node.(*ast.IdentifierNode)
	key, isText := member.Property.(*ast.StringNode)
	if isName && isText && id.Value == m.set && !slices.Contains(m.keys, key.Value) {
		m.keys = append(m.keys, key.Value)
	}
}

// rowMember is a member that the scope declares as a value of a row.
func (c *compiler) rowMember(n *ast.MemberNode) (node, bool) {
	id, isName := n.Node.(*ast.IdentifierNode)
	key, isText := n.Property.(*ast.StringNode)
	if !isName || !isText || n.Optional {
		return node{}, false
	}
	i, ok := c.scope.index[MemberName(id.Value, key.Value)]
	if !ok {
		return node{}, false
	}
	if c.overRows() {
		return c.fail(n, "this is a value of one row, but here are many", "write first(…) or another aggregate"), true
	}
	c.refs[i] = true
	return node{kind: c.scope.names[i].Kind, src: n, slot: i, eval: func(f *Frame) (Value, error) { return f.slots[i], nil }}, true
}
