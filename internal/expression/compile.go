package expression

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser/lexer"
	"github.com/govalues/decimal"
)

// An evaluator computes one node of the tree.
type evaluator func(*Frame) (Value, error)

// A node is a compiled part of an expression.
type node struct {
	kind     Kind // Unknown: wrong, and already reported
	eval     evaluator
	constant bool // the same for every row; eval takes a nil frame then
	slot     int  // of a bare reference; otherwise -1
	src      ast.Node
	joined   []node // the parts of a + b + c, when these are texts
}

// bad is a node that was reported; what contains it stays silent about it.
func bad(n ast.Node) node { return node{src: n, slot: -1} }

func constant(n ast.Node, v Value) node {
	return node{kind: v.kind(), constant: true, slot: -1, src: n, eval: func(*Frame) (Value, error) { return v, nil }}
}

// indexes is a set of places in a scope's names.
type indexes map[int]bool

func (x indexes) sorted() []int { return slices.Sorted(maps.Keys(x)) }

// A compiler turns one tree into evaluators and gathers all that is wrong.
type compiler struct {
	scope  *Scope
	src    []rune
	tokens []lexer.Token
	errs   Errors
	refs   indexes
	budget int    // nodes that may still be compiled
	guards int    // how many conditions decide whether this part is computed
	group  *group // what a group's expression gathers; nil for a row's
	inRow  string // inside a group's expression: the aggregate being compiled
}

// overRows says whether names mean the group here, not one row.
func (c *compiler) overRows() bool { return c.group != nil && c.inRow == "" }

// fail reports what is wrong with n, at the place where n starts, and returns
// the bad node.
func (c *compiler) fail(n ast.Node, msg, hint string) node {
	return c.failAt(n, start(n), msg, hint)
}

func (c *compiler) failAt(n ast.Node, offset int, msg, hint string) node {
	c.errs = append(c.errs, newError(c.src, offset, msg, hint))
	return bad(n)
}

func (c *compiler) err() error { return c.errs.result() }

// wanted reports an expression of a kind that its place cannot take.
func (c *compiler) wanted(n node, want []Kind) {
	if n.kind == Unknown || len(want) == 0 || slices.Contains(want, n.kind) {
		return
	}
	var takes kinds
	for _, k := range want {
		takes |= 1 << k
	}
	c.fail(n.src, fmt.Sprintf("the expression is %s, but %s is wanted", n.kind, takes), conversion(n.kind, takes))
}

// start is the rune offset where a node's text begins. The parser places an
// operator's node at the operator, a member's at the member and an if nowhere.
func start(n ast.Node) int {
	for {
		switch x := n.(type) {
		case *ast.BinaryNode:
			n = x.Left
		case *ast.ConditionalNode:
			n = x.Cond
		case *ast.MemberNode:
			n = x.Node
		case *ast.ChainNode:
			n = x.Node
		case *ast.SliceNode:
			n = x.Node
		case *ast.CallNode:
			n = x.Callee
		default:
			return n.Location().From
		}
	}
}

func (c *compiler) compile(n ast.Node) node {
	if c.budget--; c.budget < 0 {
		if c.budget == -1 {
			c.fail(n, "the expression is too large", "split it over several let:")
		}
		return bad(n)
	}
	switch x := n.(type) {
	case *ast.StringNode:
		return constant(n, TextOf(x.Value))
	case *ast.BoolNode:
		return constant(n, BoolOf(x.Value))
	case *ast.IntegerNode, *ast.FloatNode:
		return c.number(n)
	case *ast.IdentifierNode:
		return c.name(x)
	case *ast.MemberNode:
		return c.member(x)
	case *ast.UnaryNode:
		return c.unary(x)
	case *ast.BinaryNode:
		return c.binary(x)
	case *ast.ConditionalNode:
		return c.conditional(x)
	case *ast.CallNode:
		return c.call(x)
	case *ast.ArrayNode:
		return c.fail(n, "a list may only stand behind in", `write x in ["A", "B"]`)
	case *ast.NilNode:
		return c.fail(n, "nil is not a value here", "write empty(x), or x ?? other")
	case *ast.SliceNode:
		return c.fail(n, "a part of a text cannot be taken with [:]", "write part, before, after or regex")
	case *ast.MapNode:
		return c.fail(n, "{…} is not a value here", "write lookup(table, key) with a table of the mapping")
	}
	return c.fail(n, fmt.Sprintf("%s is not part of the language", n), "")
}

// number takes a literal from the source digit by digit: the parser has
// already made a float64 of 1.19.
func (c *compiler) number(n ast.Node) node {
	at := n.Location()
	if at.From < 0 || at.To > len(c.src) || at.From >= at.To {
		return c.fail(n, "this number cannot be read", "")
	}
	digits := strings.ReplaceAll(string(c.src[at.From:at.To]), "_", "")
	d, err := parseDecimal(digits)
	if err != nil {
		return c.fail(n, err.Error(), "")
	}
	return constant(n, NumberOf(d))
}

func (c *compiler) name(n *ast.IdentifierNode) node {
	i, ok := c.scope.index[n.Value]
	if c.overRows() {
		switch {
		case n.Value == "key" && c.group.keyKind != Unknown:
			return node{kind: c.group.keyKind, src: n, slot: -1, eval: func(f *Frame) (Value, error) { return f.slots[0], nil }}
		case n.Value == "key" && !ok:
			return c.fail(n, "there is no key: the rows are not grouped", "")
		case ok:
			return c.fail(n, fmt.Sprintf("%q is a value of one row, but here are many", n.Value), fmt.Sprintf("write sum(%s), first(%s) or another aggregate", n.Value, n.Value))
		}
	}
	if ok {
		kind := c.scope.names[i].Kind
		if kind == Unknown {
			return c.fail(n, fmt.Sprintf("%q has no kind", n.Value), "give it a type")
		}
		c.refs[i] = true
		return node{kind: kind, src: n, slot: i, eval: func(f *Frame) (Value, error) { return f.slots[i], nil }}
	}
	if _, ok := c.scope.constants[n.Value]; ok {
		return c.fail(n, fmt.Sprintf("%q is a group of values", n.Value), fmt.Sprintf("write %s.name", n.Value))
	}
	if _, ok := c.scope.functions[n.Value]; ok {
		return c.fail(n, fmt.Sprintf("%q is a function", n.Value), fmt.Sprintf("write %s(…)", n.Value))
	}
	if n.Value == "key" && c.inRow != "" {
		return c.fail(n, fmt.Sprintf("key is the group's, and unknown inside %s(…)", c.inRow), "compare with key outside of it")
	}
	return c.fail(n, fmt.Sprintf("unknown name %q", n.Value), suggest(n.Value, c.knownNames))
}

// knownNames yields all that a bare name could have been meant to be.
func (c *compiler) knownNames(yield func(string) bool) {
	for name := range c.scope.index {
		if !yield(name) {
			return
		}
	}
	for group, values := range c.scope.constants {
		for name := range values {
			if !yield(group + "." + name) {
				return
			}
		}
	}
}

// member is a value of a row (metadata["x"]), a constant (params.x), or a part of a split text (split(s, ",")[0]).
func (c *compiler) member(n *ast.MemberNode) node {
	if row, ok := c.rowMember(n); ok {
		return row
	}
	property, named := n.Property.(*ast.StringNode)
	if id, ok := n.Node.(*ast.IdentifierNode); ok && named && !n.Optional {
		values, ok := c.scope.constants[id.Value]
		_, hidden := c.scope.index[id.Value]
		if ok && !hidden {
			v, ok := values[property.Value]
			if !ok || v.kind() == Unknown {
				return c.fail(n, fmt.Sprintf("there is no %s.%s", id.Value, property.Value), suggest(property.Value, maps.Keys(values)))
			}
			return constant(n, v)
		}
		if !ok && !hidden {
			return c.fail(n, fmt.Sprintf("unknown name %q", id.Value), suggest(id.Value, maps.Keys(c.scope.constants)))
		}
	}
	if call, ok := splitCall(n.Node); ok && !named {
		return c.splitPart(n, call)
	}
	if named {
		return c.failAt(n, n.Property.Location().From, fmt.Sprintf("%s has no parts, so no %q", n.Node, property.Value), "")
	}
	return c.fail(n, "[…] takes a part of nothing but split(…)", "write part(s, sep, n)")
}

func (c *compiler) conditional(n *ast.ConditionalNode) node {
	cond, yes, no := c.compile(n.Cond), c.compileGuarded(n.Exp1), c.compileGuarded(n.Exp2)
	if cond.kind != Bool && cond.kind != Unknown {
		return c.fail(n.Cond, fmt.Sprintf("the condition is %s, not yes/no", cond.kind), condition(cond.kind))
	}
	if cond.kind == Unknown || yes.kind == Unknown || no.kind == Unknown {
		return bad(n)
	}
	yes, no, ok := unify(yes, no)
	if !ok {
		return c.fail(n.Exp2, fmt.Sprintf("one branch is %s, the other %s", yes.kind, no.kind), oneKind(yes.kind, no.kind))
	}
	return node{kind: yes.kind, src: n, slot: -1, constant: cond.constant && yes.constant && no.constant, eval: func(f *Frame) (Value, error) {
		v, err := cond.eval(f)
		if err != nil {
			return Value{}, err
		}
		switch {
		case !v.filled():
			return Value{}, empty(cond.src)
		case v.yes():
			return yes.eval(f)
		}
		return no.eval(f)
	}}
}

// unify brings two operands to one kind if they can be: a literal 0 beside
// money is zero of no currency.
func unify(a, b node) (node, node, bool) {
	switch {
	case a.kind == b.kind:
		return a, b, true
	case a.kind == Money && isZero(b):
		return a, zeroMoney(b.src), true
	case b.kind == Money && isZero(a):
		return zeroMoney(a.src), b, true
	}
	return a, b, false
}

func isZero(n node) bool {
	if n.kind != Number || !n.constant {
		return false
	}
	v, err := n.eval(nil)
	return err == nil && v.filled() && v.num().IsZero()
}

func zeroMoney(n ast.Node) node { return constant(n, moneyOf(decimal.Decimal{}, "")) }

// fold computes now what is the same for every row. So a division by zero or
// a bad number that is written out is found when the mapping is loaded. Behind
// a condition it may be meant not to be computed: params.fee ?? 0.
func (c *compiler) fold(n node) node {
	if n.kind == Unknown || !n.constant {
		return n
	}
	v, err := n.eval(nil)
	switch {
	case err == nil:
		return constant(n.src, v)
	case c.guards > 0:
		n.constant = false
		return n
	}
	return c.fail(n.src, err.Error(), "")
}

// compileGuarded compiles what is computed for some rows only.
func (c *compiler) compileGuarded(n ast.Node) node {
	c.guards++
	defer func() { c.guards-- }()
	return c.compile(n)
}

// oneKind hints at how two kinds come together.
func oneKind(a, b Kind) string {
	switch {
	case a == Text || b == Text:
		return "text(x) makes text of anything"
	case a == Money && b == Number, a == Number && b == Money:
		return `money(x, "USD") gives a number a currency, amount(x) takes it away`
	}
	return ""
}

// condition hints at how a kind becomes a yes/no.
func condition(k Kind) string {
	switch k {
	case Text:
		return `compare it: x != ""`
	case Number, Money:
		return "compare it: x != 0"
	}
	return ""
}
