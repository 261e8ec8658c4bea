package expression

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// aggregateUsage are the functions that only a group's expression has. min and
// max are functions of a row as well.
var aggregateUsage = map[string]string{
	"sum":   "sum(x[, where])",
	"count": "count([where])",
	"min":   "min(x[, where])",
	"max":   "max(x[, where])",
	"first": "first(x[, where])",
	"last":  "last(x[, where])",
	"any":   "any(where)",
	"all":   "all(where)",
	"total": "total(kind, field)",
}

var aggregateDoc = map[string]string{
	"sum":   "the sum over the rows; of money or numbers",
	"count": "how many rows",
	"min":   "the least over the rows",
	"max":   "the greatest over the rows",
	"first": "the first that is not empty",
	"last":  "the last that is not empty",
	"any":   "whether it holds for a row",
	"all":   "whether it holds for every row",
	"total": "a total that the file itself states for this key",
}

// A group is what a compiler gathers of a group's expression.
type group struct {
	keyKind Kind
	terms   []*term
}

// A term is one aggregate: sum(amount, side == "CR").
type term struct {
	op    string
	kind  Kind   // of the result
	raw   string // as it stands in the source, to the letter: what tells terms apart
	text  string // the same on one line, for people
	x     node   // what is added, compared or kept; count has none
	where node   // which rows; no evaluator: all
}

// An Aggregate is a compiled expression over the rows of a group. It is safe
// for concurrent use, each goroutine with its own Frames and States.
type Aggregate struct {
	scope *Scope
	kind  Kind
	key   Kind
	refs  []int
	terms []*term
	eval  evaluator
	sign  uint32 // of the terms, so that a stored state is not read by another aggregate
}

// CompileAggregate compiles an expression over a group's rows. keyKind is the
// kind of the group's key, Unknown if the rows are not grouped. The error is
// an *[Error] or [Errors].
func (s *Scope) CompileAggregate(src string, keyKind Kind, want ...Kind) (*Aggregate, error) {
	c, tree, err := s.begin(src)
	if err != nil {
		return nil, err
	}
	c.group = &group{keyKind: keyKind}
	n := c.compile(tree)
	c.wanted(n, want)
	if err := c.err(); err != nil {
		return nil, err
	}
	a := &Aggregate{scope: s, kind: n.kind, key: keyKind, refs: c.refs.sorted(), terms: c.group.terms, eval: n.eval}
	for _, t := range a.terms {
		a.sign = crc32.Update(a.sign, crc32.IEEETable, fmt.Appendf(nil, "%q %d;", t.raw, t.kind))
	}
	return a, nil
}

// Kind is the kind of every value that Eval returns.
func (a *Aggregate) Kind() Kind { return a.kind }

// Refs are the indexes of the names that each row must have set before Add,
// ascending.
func (a *Aggregate) Refs() []int { return slices.Clone(a.refs) }

// Eval computes the expression from the rows that s has seen. key is the
// group's key. totals answers total(kind, field) for the key as text, "" when
// rows are not grouped; nil knows none. A total that is not there is
// [ErrNoTotal], wrapped.
func (a *Aggregate) Eval(s *State, key Value, totals func(kind, key, field string) (Value, bool)) (Value, error) {
	if key.kind() != a.key {
		if key.kind() != Unknown {
			return Value{}, fmt.Errorf("the group's key is %s, but the expression was compiled for %s", key.kind(), a.key)
		}
		key = EmptyOf(a.key)
	}
	f := &Frame{slots: make([]Value, 1+len(a.terms)), totals: totals}
	f.slots[0] = key
	for i, t := range a.terms {
		f.slots[1+i] = t.result(s.accums[i])
	}
	v, err := a.eval(f)
	if err == nil && a.kind == Money && v.kind() == Number { // a bare total(…)
		v = moneyOf(v.num(), "")
	}
	return v, err
}

// Explain lists each aggregate with its value, for the message of a check that
// failed: `sum(net) = 0.01 USD, count() = 3`.
func (a *Aggregate) Explain(s *State) string {
	parts := make([]string, len(a.terms))
	for i, t := range a.terms {
		parts[i] = t.text + " = " + t.result(s.accums[i]).quoted()
	}
	return strings.Join(parts, ", ")
}

// aggregateCall compiles an aggregate or total(…). It returns nil where there
// is none: over one row, and for a min or max of several arguments.
func (c *compiler) aggregateCall(n *ast.CallNode, name string) *node {
	if !c.overRows() {
		return nil
	}
	var out node
	switch name {
	case "total":
		out = c.total(n)
	case "min", "max":
		if len(n.Arguments) > 2 || len(n.Arguments) == 2 && c.trial(n.Arguments[1]) != Bool {
			return nil
		}
		out = c.aggregate(n, name, true)
	case "count", "any", "all":
		out = c.aggregate(n, name, false)
	default:
		out = c.aggregate(n, name, true)
	}
	return &out
}

// trial is the kind that n would have over one row; Unknown if it is wrong.
func (c *compiler) trial(n ast.Node) Kind {
	t := &compiler{scope: c.scope, src: c.src, tokens: c.tokens, refs: make(indexes), budget: c.budget}
	kind := t.compile(n).kind
	c.budget = t.budget
	return kind
}

// aggregate compiles op(x, where), or op(where) where there is no x. Its value
// is a slot of the group's frame.
func (c *compiler) aggregate(n *ast.CallNode, op string, hasX bool) node {
	least, most := 0, 1
	if hasX {
		least, most = 1, 2
	}
	if op == "any" || op == "all" {
		least = 1
	}
	switch {
	case len(n.Arguments) < least:
		return c.fail(n, fmt.Sprintf("%s lacks argument %d", aggregateUsage[op], len(n.Arguments)+1), "")
	case len(n.Arguments) > most:
		return c.fail(n.Arguments[most], fmt.Sprintf("%s takes no argument %d", aggregateUsage[op], most+1), "")
	}
	c.inRow = op
	args := make([]node, len(n.Arguments))
	for i, a := range n.Arguments {
		args[i] = c.compile(a)
	}
	c.inRow = ""
	raw := c.text(n)
	t := &term{op: op, raw: raw, text: strings.Join(strings.Fields(raw), " ")}
	takes := []kinds{only(Bool)}
	if hasX {
		takes = []kinds{takesOf(op), only(Bool)}
	}
	for i, a := range args {
		switch {
		case a.kind == Unknown:
			return bad(n)
		case !takes[i].has(a.kind):
			return c.fail(n.Arguments[i], fmt.Sprintf("argument %d of %s is %s, but %s is wanted", i+1, aggregateUsage[op], a.kind, takes[i]), conversion(a.kind, takes[i]))
		}
	}
	switch {
	case hasX:
		t.x, t.kind = args[0], args[0].kind
		if len(args) == 2 {
			t.where = args[1]
		}
	case len(args) == 1:
		t.where = args[0]
	}
	switch op {
	case "count":
		t.kind = Number
	case "any", "all":
		t.kind = Bool
	}
	return c.slot(n, t)
}

// takesOf is the kinds of x in op(x).
func takesOf(op string) kinds {
	switch op {
	case "sum":
		return numeric
	case "min", "max":
		return ordered
	}
	return anyKind
}

// slot gives a term its place in the group's frame, behind the key. Equal
// terms share one.
func (c *compiler) slot(n ast.Node, t *term) node {
	i := slices.IndexFunc(c.group.terms, func(o *term) bool { return o.raw == t.raw })
	if i < 0 {
		i = len(c.group.terms)
		c.group.terms = append(c.group.terms, t)
	}
	return node{kind: t.kind, src: n, slot: -1, eval: func(f *Frame) (Value, error) { return f.slots[1+i], nil }}
}

// text is a call as it stands in the source, up to its closing bracket.
func (c *compiler) text(n *ast.CallNode) string {
	from, depth := start(n), 0
	for _, t := range c.tokens {
		switch {
		case t.From <= from:
		case t.Is("Bracket", "("):
			depth++
		case t.Is("Bracket", ")"):
			if depth--; depth == 0 {
				return string(c.src[from:t.To])
			}
		}
	}
	return n.String()
}

// total is a figure that the file itself states. What kind it is shows only
// when it is asked for: money, or a number, which compares with both.
func (c *compiler) total(n *ast.CallNode) node {
	if len(n.Arguments) != 2 {
		return c.fail(n, "total(kind, field) takes two arguments", `write total("SF", "credits")`)
	}
	names := [2]string{}
	for i, a := range n.Arguments {
		arg := c.compile(a)
		if arg.kind == Unknown {
			return bad(n)
		}
		v, ok := c.fixed(arg, fmt.Sprintf("argument %d of total(kind, field)", i+1))
		if !ok {
			return bad(n)
		}
		if v.kind() != Text {
			return c.fail(a, fmt.Sprintf("argument %d of total(kind, field) is %s, but text is wanted", i+1, v.kind()), "")
		}
		names[i] = v.str
	}
	return node{kind: Money, src: n, slot: -1, eval: func(f *Frame) (Value, error) {
		key := f.slots[0].plain()
		if f.totals != nil {
			v, ok := f.totals(names[0], key, names[1])
			switch {
			case ok && v.kind() != Money && v.kind() != Number:
				return Value{}, fmt.Errorf("total(%q, %q) is %s, but money or a number is wanted", names[0], names[1], v.kind())
			case ok && !v.filled():
				return Value{}, empty(n)
			case ok:
				return v, nil
			}
		}
		return Value{}, fmt.Errorf("%w: total(%q, %q) for %q", ErrNoTotal, names[0], names[1], key)
	}}
}

// errForeign is a state that belongs to another aggregate.
var errForeign = errors.New("the state is of another expression")
