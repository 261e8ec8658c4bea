package expression

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// maxText bounds the text that an expression can build, in bytes: nested
// replace(…) would otherwise grow without end.
const maxText = 256 << 10

func checkLen(n int) error {
	if n > maxText || n < 0 {
		return fmt.Errorf("the text grows longer than %d bytes", maxText)
	}
	return nil
}

func (c *compiler) unary(n *ast.UnaryNode) node {
	x := c.compile(n.Node)
	if x.kind == Unknown {
		return bad(n)
	}
	switch n.Operator {
	case "!", "not":
		if x.kind != Bool {
			hint := condition(x.kind)
			if n.Operator == "not" {
				hint = "not binds tightest: write not (a == b)"
			}
			return c.fail(n, fmt.Sprintf("%q takes yes/no, not %s", n.Operator, x.kind), hint)
		}
		return c.apply1(n, Bool, x, func(v Value) (Value, error) { return BoolOf(!v.yes()), nil })
	case "-", "+":
		if x.kind != Number && x.kind != Money {
			return c.fail(n, fmt.Sprintf("%q takes a number or money, not %s", n.Operator, x.kind), conversion(x.kind, numeric))
		}
		if n.Operator == "+" {
			x.src = n
			return x
		}
		return c.apply1(n, x.kind, x, func(v Value) (Value, error) { return v.opposite(), nil })
	}
	return c.fail(n, fmt.Sprintf("%q is not an operator here", n.Operator), "")
}

func (c *compiler) binary(n *ast.BinaryNode) node {
	if n.Operator == "in" {
		return c.in(n)
	}
	l := c.compile(n.Left)
	var r node
	switch n.Operator {
	case "&&", "and", "||", "or", "??":
		r = c.compileGuarded(n.Right)
	default:
		r = c.compile(n.Right)
	}
	if l.kind == Unknown || r.kind == Unknown {
		return bad(n)
	}
	switch n.Operator {
	case "+", "-":
		return c.sum(n, l, r)
	case "*":
		return c.product(n, l, r)
	case "==", "!=", "<", "<=", ">", ">=":
		return c.comparison(n, l, r)
	case "&&", "and", "||", "or":
		return c.logic(n, l, r)
	case "??":
		return c.orElse(n, l, r)
	case "contains", "startsWith", "endsWith", "matches":
		return c.textTest(n, l, r)
	}
	return c.failAt(n, n.Location().From, fmt.Sprintf("%q is not an operator here", n.Operator), "")
}

// mismatch reports operands of kinds that the operator does not take together.
func (c *compiler) mismatch(n *ast.BinaryNode, l, r Kind, hint string) node {
	return c.failAt(n, n.Location().From, fmt.Sprintf("%q does not go between %s and %s", n.Operator, l, r), hint)
}

func (c *compiler) sum(n *ast.BinaryNode, l, r node) node {
	l, r, ok := unify(l, r)
	switch {
	case !ok:
		return c.mismatch(n, l.kind, r.kind, oneKind(l.kind, r.kind))
	case l.kind == Text && n.Operator == "+":
		return c.join(n, l, r)
	case l.kind == Time:
		return c.mismatch(n, l.kind, r.kind, "write days_between(a, b)")
	case l.kind != Number && l.kind != Money:
		return c.mismatch(n, l.kind, r.kind, "")
	}
	minus, kind := n.Operator == "-", l.kind
	return c.apply2(n, l.kind, l, r, func(a, b Value) (Value, error) {
		if minus {
			if _, err := common(a, b); err != nil { // with the amounts as they are
				return Value{}, err
			}
			b = b.opposite()
		}
		return plus(kind, a, b)
	})
}

// join is a + b of texts; a + b + c is joined at once.
func (c *compiler) join(n *ast.BinaryNode, l, r node) node {
	parts := append(slices.Clone(l.joined), r)
	if l.joined == nil {
		parts = []node{l, r}
	}
	out := c.fold(node{kind: Text, src: n, slot: -1, constant: l.constant && r.constant, eval: func(f *Frame) (Value, error) {
		var few [6]string
		texts, size := few[:0], 0
		for i := range parts {
			v, err := parts[i].eval(f)
			if err != nil {
				return Value{}, err
			}
			texts = append(texts, v.str)
			if size += len(v.str); i > 0 {
				if err := checkLen(size); err != nil {
					return Value{}, err
				}
			}
		}
		var b strings.Builder
		b.Grow(size)
		for _, s := range texts {
			b.WriteString(s)
		}
		return TextOf(b.String()), nil
	}})
	if !out.constant {
		out.joined = parts
	}
	return out
}

func (c *compiler) product(n *ast.BinaryNode, l, r node) node {
	kind := Number
	switch {
	case l.kind == Number && r.kind == Number:
	case l.kind == Money && r.kind == Number, l.kind == Number && r.kind == Money:
		kind = Money
	case l.kind == Money && r.kind == Money:
		return c.mismatch(n, l.kind, r.kind, "amount(x) is the plain number")
	default:
		return c.mismatch(n, l.kind, r.kind, conversion(Text, numeric))
	}
	return c.apply2(n, kind, l, r, func(a, b Value) (Value, error) {
		d, err := mul(a.num(), b.num())
		// At most one of the two is money, so one of the currencies is "".
		return numericOf(kind, d, a.str+b.str), err
	})
}

// comparable says whether values of two kinds can be held against each other.
func comparable(a, b Kind) bool {
	return a == b || a == Money && b == Number || a == Number && b == Money
}

func (c *compiler) comparison(n *ast.BinaryNode, l, r node) node {
	op := n.Operator
	switch {
	case !comparable(l.kind, r.kind):
		hint := oneKind(l.kind, r.kind)
		if isBlank(l) || isBlank(r) {
			hint = "write empty(x)"
		}
		return c.mismatch(n, l.kind, r.kind, hint)
	case l.kind == Text && op == "==":
		return c.apply2(n, Bool, l, r, func(a, b Value) (Value, error) { return BoolOf(a.str == b.str), nil })
	case l.kind == Text && op == "!=":
		return c.apply2(n, Bool, l, r, func(a, b Value) (Value, error) { return BoolOf(a.str != b.str), nil })
	case l.kind == Bool && op != "==" && op != "!=":
		return c.mismatch(n, l.kind, r.kind, "")
	}
	holds := map[string]func(int) bool{
		"==": func(d int) bool { return d == 0 },
		"!=": func(d int) bool { return d != 0 },
		"<":  func(d int) bool { return d < 0 },
		"<=": func(d int) bool { return d <= 0 },
		">":  func(d int) bool { return d > 0 },
		">=": func(d int) bool { return d >= 0 },
	}[op]
	return c.apply2(n, Bool, l, r, func(a, b Value) (Value, error) {
		d, err := compare(a, b)
		return BoolOf(err == nil && holds(d)), err
	})
}

func isBlank(n node) bool {
	s, ok := n.src.(*ast.StringNode)
	return ok && s.Value == ""
}

func (c *compiler) logic(n *ast.BinaryNode, l, r node) node {
	for _, x := range []node{l, r} {
		if x.kind != Bool {
			return c.fail(x.src, fmt.Sprintf("%q takes yes/no, not %s", n.Operator, x.kind), condition(x.kind))
		}
	}
	decides := n.Operator == "||" || n.Operator == "or" // the left side alone, when it is this
	return c.fold(node{kind: Bool, src: n, slot: -1, constant: l.constant && r.constant, eval: func(f *Frame) (Value, error) {
		v, err := l.eval(f)
		if err != nil {
			return Value{}, err
		}
		if !v.filled() {
			return Value{}, empty(l.src)
		}
		if v.yes() == decides {
			return v, nil
		}
		if v, err = r.eval(f); err == nil && !v.filled() {
			err = empty(r.src)
		}
		return v, err
	}})
}

// orElse is ??: the right side where the left one is empty.
func (c *compiler) orElse(n *ast.BinaryNode, l, r node) node {
	l, r, ok := unify(l, r)
	if !ok {
		return c.mismatch(n, l.kind, r.kind, oneKind(l.kind, r.kind))
	}
	return c.coalesce(n, []node{l, r})
}

func (c *compiler) coalesce(n ast.Node, args []node) node {
	first, rest := args[0], args[1:]
	all := true
	for _, a := range args {
		all = all && a.constant
	}
	return c.fold(node{kind: first.kind, src: n, slot: -1, constant: all, eval: func(f *Frame) (Value, error) {
		v, err := first.eval(f)
		for i := 0; err == nil && v.IsEmpty() && i < len(rest); i++ {
			v, err = rest[i].eval(f)
		}
		return v, err
	}})
}

func (c *compiler) textTest(n *ast.BinaryNode, l, r node) node {
	if l.kind != Text || r.kind != Text {
		return c.mismatch(n, l.kind, r.kind, conversion(l.kind, only(Text)))
	}
	var test func(s, x string) bool
	switch n.Operator {
	case "contains":
		test = strings.Contains
	case "startsWith":
		test = strings.HasPrefix
	case "endsWith":
		test = strings.HasSuffix
	default:
		re, ok := c.regexp(r)
		if !ok {
			return bad(n)
		}
		return c.apply1(n, Bool, l, func(v Value) (Value, error) { return BoolOf(re.MatchString(v.str)), nil })
	}
	return c.apply2(n, Bool, l, r, func(a, b Value) (Value, error) { return BoolOf(test(a.str, b.str)), nil })
}

// regexp compiles a pattern, which must be a constant.
func (c *compiler) regexp(n node) (*regexp.Regexp, bool) {
	if !n.constant {
		c.fail(n.src, "a regular expression must be a constant", `write it out: "^INV-[0-9]+$"`)
		return nil, false
	}
	v, err := n.eval(nil)
	if err != nil {
		c.fail(n.src, err.Error(), "")
		return nil, false
	}
	re, err := regexp.Compile(v.str)
	if err != nil {
		c.fail(n.src, strings.Replace(err.Error(), "error parsing regexp", "the regular expression is wrong", 1), "")
		return nil, false
	}
	return re, true
}

// in compares with each member of a list, or with each part of a split text.
func (c *compiler) in(n *ast.BinaryNode) node {
	l := c.compile(n.Left)
	if call, ok := splitCall(n.Right); ok {
		return c.inSplit(n, l, call)
	}
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok {
		return c.fail(n.Right, `a list must stand behind "in"`, `write x in ["A", "B"]; contains looks inside a text`)
	}
	members, fine, fixed := make([]node, len(list.Nodes)), l.kind != Unknown, true
	for i, m := range list.Nodes {
		members[i] = c.compile(m)
		switch k := members[i].kind; {
		case k == Unknown || l.kind == Unknown:
			fine = false
		case !comparable(l.kind, k):
			c.fail(m, fmt.Sprintf("the list holds %s, but %s is looked for", k, l.kind), oneKind(l.kind, k))
			fine = false
		}
		fixed = fixed && members[i].constant
	}
	switch {
	case !fine:
		return bad(n)
	case l.kind == Text && fixed:
		return c.inTexts(n, l, members)
	}
	return c.fold(node{kind: Bool, src: n, slot: -1, constant: l.constant && fixed, eval: func(f *Frame) (Value, error) {
		v, err := l.eval(f)
		if err == nil && !v.filled() {
			err = empty(l.src)
		}
		for i := 0; err == nil && i < len(members); i++ {
			var m Value
			if m, err = members[i].eval(f); err != nil {
				break
			}
			if !m.filled() {
				return Value{}, empty(members[i].src)
			}
			var d int
			if d, err = compare(v, m); err == nil && d == 0 {
				return BoolOf(true), nil
			}
		}
		return BoolOf(false), err
	}})
}

// inTexts is the common case: a text among texts that are written out.
func (c *compiler) inTexts(n *ast.BinaryNode, l node, members []node) node {
	set := make(map[string]bool, len(members))
	for _, m := range members {
		if v, err := m.eval(nil); err == nil {
			set[v.str] = true
		}
	}
	return c.apply1(n, Bool, l, func(v Value) (Value, error) { return BoolOf(set[v.str]), nil })
}

// apply1 is a node that computes with one operand that must be there.
func (c *compiler) apply1(n ast.Node, kind Kind, x node, f func(Value) (Value, error)) node {
	return c.fold(node{kind: kind, src: n, slot: -1, constant: x.constant, eval: func(fr *Frame) (Value, error) {
		v, err := x.eval(fr)
		if err != nil {
			return Value{}, err
		}
		if !v.filled() {
			return Value{}, empty(x.src)
		}
		return f(v)
	}})
}

// apply2 is a node that computes with two operands that must be there.
func (c *compiler) apply2(n ast.Node, kind Kind, x, y node, f func(a, b Value) (Value, error)) node {
	return c.fold(node{kind: kind, src: n, slot: -1, constant: x.constant && y.constant, eval: func(fr *Frame) (Value, error) {
		a, err := x.eval(fr)
		if err != nil {
			return Value{}, err
		}
		b, err := y.eval(fr)
		if err != nil {
			return Value{}, err
		}
		if !a.filled() {
			return Value{}, empty(x.src)
		}
		if !b.filled() {
			return Value{}, empty(y.src)
		}
		return f(a, b)
	}})
}

// apply3 is a node that computes with three operands that must be there.
func (c *compiler) apply3(n ast.Node, kind Kind, args []node, f func(a, b, d Value) (Value, error)) node {
	x, y, z := args[0], args[1], args[2]
	return c.fold(node{kind: kind, src: n, slot: -1, constant: x.constant && y.constant && z.constant, eval: func(fr *Frame) (Value, error) {
		var v [3]Value
		for i, a := range [3]node{x, y, z} {
			var err error
			if v[i], err = a.eval(fr); err != nil {
				return Value{}, err
			}
			if !v[i].filled() {
				return Value{}, empty(a.src)
			}
		}
		return f(v[0], v[1], v[2])
	}})
}
