package expression

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
)

// kinds is a set of kinds.
type kinds uint8

const (
	anyKind kinds = 1<<Text | 1<<Number | 1<<Money | 1<<Time | 1<<Bool
	numeric kinds = 1<<Number | 1<<Money
	ordered kinds = 1<<Text | 1<<Number | 1<<Money | 1<<Time
)

func only(k Kind) kinds { return 1 << k }

func (s kinds) has(k Kind) bool { return s&(1<<k) != 0 }

// String lists the kinds: number or money.
func (s kinds) String() string {
	var names []string
	for k := Text; k <= Bool; k++ {
		if s.has(k) {
			names = append(names, k.String())
		}
	}
	return strings.Join(names, " or ")
}

// conversion hints at how to get from one kind to another.
func conversion(from Kind, to kinds) string {
	switch {
	case from == Text && to.has(Number):
		return "number(x) reads a number from text"
	case from != Text && to.has(Text):
		return "text(x) makes text of anything"
	case from == Money && to.has(Number):
		return "amount(x) is the plain number"
	case from == Number && to.has(Money):
		return `money(x, "USD") gives a number a currency`
	case to == only(Bool):
		return condition(from)
	case to == only(Time):
		return "give the column type: datetime or date"
	}
	return ""
}

// A function is one that expressions can call over a row.
type function struct {
	usage string  // round(x, places[, mode])
	doc   string  // one line for people
	least int     // how many arguments it needs; takes says how many it can have
	takes []kinds // of each argument
	many  bool    // the last argument may be repeated
	build func(c *compiler, n *ast.CallNode, args []node) node
}

// A Function describes a function for help texts and editors.
type Function struct {
	Name, Usage, Doc string
	OverRows         bool // only where an expression covers many rows
}

// Functions lists all functions by name.
func Functions() []Function {
	var out []Function
	for name, f := range functionTable() {
		out = append(out, Function{name, f.usage, f.doc, false})
	}
	for name, usage := range aggregateUsage {
		out = append(out, Function{name, usage, aggregateDoc[name], true})
	}
	slices.SortFunc(out, func(a, b Function) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Usage, b.Usage))
	})
	return out
}

// functionTable is made for each scope: a package variable could not hold
// functions that compile calls of functions.
func functionTable() map[string]function {
	table := map[string]function{}
	maps.Copy(table, generalFunctions())
	maps.Copy(table, numberFunctions())
	maps.Copy(table, textFunctions())
	maps.Copy(table, timeFunctions())
	maps.Copy(table, jsonFunctions())
	return table
}

// instead says what to write for functions of expr that are off, and for what
// people know from elsewhere.
var instead = map[string]string{
	"now":         "nothing reads the clock: take a time from the file",
	"today":       "nothing reads the clock: take a time from the file",
	"duration":    "write days_between(a, b)",
	"timezone":    "date, month and format_time take the zone's name",
	"int":         "write number(text)",
	"float":       "write number(text)",
	"string":      "write text(x)",
	"len":         "write length(x)",
	"ceil":        `write round(x, places, "up")`,
	"floor":       `write round(x, places, "down")`,
	"mean":        "write div(sum(x), count(), places)",
	"median":      "sort the rows in a spreadsheet",
	"map":         "write sum(x) or another aggregate",
	"filter":      "write the condition as the second argument: sum(x, where)",
	"reduce":      "write sum(x) or another aggregate",
	"none":        "write not any(where)",
	"one":         "write count(where) == 1",
	"find":        "write first(x, where)",
	"findLast":    "write last(x, where)",
	"trimPrefix":  "write after(s, x)",
	"trimSuffix":  "write before(s, x)",
	"splitAfter":  "write part(s, sep, n)",
	"indexOf":     "write contains, before or after",
	"lastIndexOf": "write contains, before or after",
	"hasPrefix":   `write s startsWith "x"`,
	"hasSuffix":   `write s endsWith "x"`,
	"join":        "write a + b",
	"concat":      "write a + b",
	"repeat":      "write pad(s, width, ch)",
	"substring":   "write part, before, after or regex",
	"if":          "write a ? b : c",
	"iif":         "write a ? b : c",
	"ifnull":      "write x ?? y",
	"isnull":      "write empty(x)",
	"toupper":     "write upper(s)",
	"tolower":     "write lower(s)",
	"concatenate": "write a + b",
	"left":        "write regex(s, \"^.{3}\")",
	"right":       "write regex(s, \".{3}$\")",
	"strftime":    "write format_time(t, pattern, zone)",
	"weekday":     `write format_time(t, "%A", zone)`,
	"year":        `write format_time(t, "%Y", zone)`,
	"day":         `write format_time(t, "%d", zone)`,
	"type":        "kinds are known: the column's type says it",
	"average":     "write div(sum(x), count(), places)",
	"avg":         "write div(sum(x), count(), places)",
	"get":         "write lookup(table, key)",
}

// call compiles a function's call.
func (c *compiler) call(n *ast.CallNode) node {
	id, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return c.fail(n, "values have no methods", "write f(x), not x.f()")
	}
	if i := slices.IndexFunc(n.Arguments, func(a ast.Node) bool { return a == nil }); i >= 0 {
		return c.fail(n, "this call cannot be read", "")
	}
	if usage, ok := aggregateUsage[id.Value]; ok {
		if special := c.aggregateCall(n, id.Value); special != nil {
			return *special
		}
		if _, ok := c.scope.functions[id.Value]; !ok {
			if c.inRow != "" {
				return c.fail(n, fmt.Sprintf("%s runs over rows and cannot stand inside %s(…)", usage, c.inRow), "")
			}
			return c.fail(n, fmt.Sprintf("%s needs many rows, but here is one", usage), "use it in checks, in payment.let or in a report's totals")
		}
	}
	f, ok := c.scope.functions[id.Value]
	if !ok {
		return c.unknownFunction(n, id.Value)
	}
	return c.callFunction(n, f)
}

func (c *compiler) unknownFunction(n *ast.CallNode, name string) node {
	if hint, ok := instead[name]; ok {
		return c.fail(n, fmt.Sprintf("there is no function %s", name), hint)
	}
	if _, ok := builtin.Index[name]; ok {
		return c.fail(n, fmt.Sprintf("there is no function %s", name), "")
	}
	if _, ok := c.scope.index[name]; ok {
		return c.fail(n, fmt.Sprintf("%q is a value, not a function", name), "leave out the brackets behind it")
	}
	return c.fail(n, fmt.Sprintf("unknown function %q", name), suggest(name, func(yield func(string) bool) {
		for f := range c.scope.functions {
			if !yield(f) {
				return
			}
		}
		if c.overRows() {
			for f := range aggregateUsage {
				if !yield(f) {
					return
				}
			}
		}
	}))
}

// callFunction checks number and kinds of the arguments and builds the call.
func (c *compiler) callFunction(n *ast.CallNode, f function) node {
	args := make([]node, len(n.Arguments))
	fine := true
	for i, a := range n.Arguments {
		args[i] = c.compile(a)
		fine = fine && args[i].kind != Unknown
	}
	switch {
	case len(args) < f.least:
		return c.fail(n, fmt.Sprintf("%s lacks argument %d", f.usage, len(args)+1), "")
	case len(args) > len(f.takes) && !f.many:
		return c.fail(n.Arguments[len(f.takes)], fmt.Sprintf("%s takes no argument %d", f.usage, len(f.takes)+1), "")
	}
	for i, a := range args {
		takes := f.takes[min(i, len(f.takes)-1)]
		if a.kind != Unknown && !takes.has(a.kind) {
			c.fail(n.Arguments[i], fmt.Sprintf("argument %d of %s is %s, but %s is wanted", i+1, f.usage, a.kind, takes), conversion(a.kind, takes))
			fine = false
		}
	}
	if !fine {
		return bad(n)
	}
	return f.build(c, n, args)
}

// fixed is the value of an argument that must be a constant.
func (c *compiler) fixed(arg node, what string) (Value, bool) {
	if arg.constant {
		if v, err := arg.eval(nil); err == nil && v.filled() {
			return v, true
		}
	}
	c.fail(arg.src, fmt.Sprintf("%s must be a constant, not computed from the row", what), "")
	return Value{}, false
}

// fixedInt is an argument that must be a constant whole number in [low, high].
func (c *compiler) fixedInt(arg node, what string, low, high int64) (int, bool) {
	v, ok := c.fixed(arg, what)
	if !ok {
		return 0, false
	}
	i, frac, ok := v.num().Int64(v.num().Scale())
	if !ok || frac != 0 || i < low || i > high {
		c.fail(arg.src, fmt.Sprintf("%s must be a whole number from %d to %d", what, low, high), "")
		return 0, false
	}
	return int(i), true
}

// generalFunctions take values of any kind.
func generalFunctions() map[string]function {
	return map[string]function{
		"coalesce": {usage: "coalesce(a, b, …)", doc: "the first that is not empty", least: 1, takes: []kinds{anyKind}, many: true,
			build: func(c *compiler, n *ast.CallNode, args []node) node {
				if args = c.sameKind(n, args); args == nil {
					return bad(n)
				}
				return c.coalesce(n, args)
			}},
		"empty": {usage: "empty(x)", doc: "whether there is nothing in x", least: 1, takes: []kinds{anyKind},
			build: func(c *compiler, n *ast.CallNode, args []node) node {
				return c.applyEmpty(n, Bool, args[0], func(v Value) (Value, error) { return BoolOf(v.IsEmpty()), nil })
			}},
		"text": {usage: "text(x)", doc: "x as text: a plain decimal, RFC 3339, true or false; nothing is \"\"", least: 1, takes: []kinds{anyKind},
			build: func(c *compiler, n *ast.CallNode, args []node) node {
				if args[0].kind == Time && !args[0].constant {
					return c.timeText(n, args[0])
				}
				return c.applyEmpty(n, Text, args[0], func(v Value) (Value, error) { return TextOf(v.plain()), nil })
			}},
		"lookup": {usage: "lookup(table, key)", doc: "the entry of a table of the mapping", least: 2, takes: []kinds{only(Text), only(Text)}, build: buildLookup},
	}
}

// applyEmpty is apply1 for an operand that may be empty.
func (c *compiler) applyEmpty(n ast.Node, kind Kind, x node, f func(Value) (Value, error)) node {
	return c.fold(node{kind: kind, src: n, slot: -1, constant: x.constant, eval: func(fr *Frame) (Value, error) {
		v, err := x.eval(fr)
		if err != nil {
			return Value{}, err
		}
		return f(v)
	}})
}

// sameKind brings arguments to one kind, or reports the one that differs.
func (c *compiler) sameKind(n *ast.CallNode, args []node) []node {
	lead := args[0]
	for _, a := range args { // money leads, so that literal zeros follow it
		if a.kind == Money {
			lead = a
			break
		}
	}
	out := make([]node, len(args))
	for i, a := range args {
		var ok bool
		if _, out[i], ok = unify(lead, a); !ok {
			c.fail(n.Arguments[i], fmt.Sprintf("argument %d is %s beside %s", i+1, a.kind, lead.kind), oneKind(lead.kind, a.kind))
			return nil
		}
	}
	return out
}

func buildLookup(c *compiler, n *ast.CallNode, args []node) node {
	name, ok := c.fixed(args[0], "the table's name")
	if !ok {
		return bad(n)
	}
	table, ok := c.scope.tables[name.str]
	if !ok || table == nil {
		return c.fail(n.Arguments[0], fmt.Sprintf("there is no lookup table %q", name.str), suggest(name.str, maps.Keys(c.scope.tables)))
	}
	return c.apply1(n, Text, args[1], func(v Value) (Value, error) { return table.get(name.str, v.str) })
}
