// Package expression is the one small language in which mappings, checks and
// reports compute: `cr - dr`, `type in ["Settled", "Fee"]`, `sum(net) == 0`.
//
// Terms:
//
//   - A [Kind] is what a value can be: text, number, money, time or yes/no.
//     The set is closed. Every expression has one kind, known when it is
//     compiled; what cannot be known is refused then, not at row 40,000.
//   - A [Value] is one value of a kind, or the absence of one (an empty cell).
//   - A [Scope] is what an expression may refer to: the names of a row, lookup
//     tables, and constants such as params.x. A [Frame] holds one row's values.
//   - A [Program] is an expression over one row. An [Aggregate] is an
//     expression over the rows of a group; a [State] is what it remembers of
//     the rows it has seen, which is the same small size however many they are.
//
// # The language
//
// The syntax is that of github.com/expr-lang/expr, read by its own lexer and
// parser. The meaning is ours, and narrower: the tree is compiled to closures
// over Values instead of expr's bytecode. expr's virtual machine computes in
// int, float64 and any; to keep money exact there, operators must be
// overloaded, literals patched, half of the built-in functions replaced, and
// comparisons still fall back to reflection. With five kinds and some twenty
// operators a compiler of our own is shorter than those fences, has no way
// round them, and is faster, because a reference is an index into a slice.
//
//   - Arithmetic is exact decimal. A result that needs more than 19 digits is
//     an error, never rounded. Literals are taken digit by digit from the
//     source, so 0.1 + 0.2 == 0.3. `/` and `%` are refused: div(a, b, places)
//     says how to round.
//   - Money of two currencies neither adds up nor compares: a
//     [record.CurrencyError] when it happens. A zero without currency goes with
//     any. Money compares with a plain number by its amount: gross > 0. A
//     literal 0 that meets money (in a branch of ?:, beside ??, in + - min max
//     coalesce) is zero of no currency; any other number there is refused.
//   - An empty number, money, time or yes/no in an operator or function is an
//     [EmptyError] that names it, because a missing figure is not a zero.
//     `x ?? y`, coalesce, empty and text take it. Empty text is "".
//   - ?: takes equal kinds; `in` takes a list written out, or split(s, sep);
//     lists exist nowhere else, nor do maps, pointers, pipes, let or nil.
//   - Regular expressions, zones, patterns, places and rounding modes are
//     constants, checked and prepared when the expression is compiled.
//   - Nothing reads the clock, the machine's zone or its locale. Zones come
//     from the IANA database by name.
//
// Inside a group's expression, sum count min max first last any all take a row
// expression and, optionally, a condition: sum(amount, side == "CR"). min and
// max with one argument, or with a yes/no as the second, run over the rows;
// otherwise they choose between their arguments. `key` is the group's key and
// total(kind, field) a figure from a file's own totals. Over no rows sum is
// zero, count 0, all true, any false, and the others are empty. first and last
// pass over rows where their argument is empty.
//
// # Hostile sources
//
// A mapping may come from anywhere. Source length, tokens, nesting and the
// number of compiled nodes are bounded, so is the text that an expression
// can build; regular expressions are RE2. No source makes Compile panic.
package expression

import (
	"fmt"
	"slices"
)

// A Name is one value of a row that expressions may refer to.
type Name struct {
	Name string
	Kind Kind
	Doc  string // one line for people: where the value comes from
}

// A Scope is what an expression may refer to. It is immutable and safe for
// concurrent use.
type Scope struct {
	names     []Name
	index     map[string]int
	tables    map[string]*Lookup
	constants map[string]map[string]Value
	functions map[string]function
	blank     []Value // a frame with nothing set: empty values of the right kinds
}

// NewScope makes a scope of a row's names, the tables of lookup("table", key),
// and groups of constants ("params": {"x": …} is params.x). A later name hides
// an earlier one of the same spelling. Use [CheckName] on names that people
// chose.
func NewScope(names []Name, tables map[string]*Lookup, constants map[string]map[string]Value) *Scope {
	s := &Scope{
		names:     slices.Clone(names),
		index:     make(map[string]int, len(names)),
		tables:    make(map[string]*Lookup, len(tables)),
		constants: make(map[string]map[string]Value, len(constants)),
		functions: functionTable(),
		blank:     make([]Value, len(names)),
	}
	for i, n := range names {
		s.index[n.Name] = i
		s.blank[i] = EmptyOf(n.Kind)
	}
	for name, t := range tables {
		s.tables[name] = t
	}
	for group, values := range constants {
		m := make(map[string]Value, len(values))
		for name, v := range values {
			m[name] = v
		}
		s.constants[group] = m
	}
	return s
}

// Names returns the scope's names in order; the caller must not change them.
func (s *Scope) Names() []Name { return s.names }

// A Frame holds the values of one row. It is not safe for concurrent use.
type Frame struct {
	scope  *Scope
	slots  []Value
	sample Sample // scratch of State.Add
	totals func(kind, key, field string) (Value, bool)

	lastTime struct { // see timeText
		time Value
		text string
	}
}

// NewFrame makes a frame in which every value is empty.
func (s *Scope) NewFrame() *Frame {
	return &Frame{scope: s, slots: slices.Clone(s.blank)}
}

// Set gives the name at index (its place in the scope's names) a value. A zero
// Value makes it empty. Another kind than the name's is a mistake in the
// calling program and panics: no row can cause it.
func (f *Frame) Set(index int, v Value) {
	if v.kind() != f.slots[index].kind() {
		v = f.fitting(index, v)
	}
	f.slots[index] = v
}

// fitting is what a zero Value makes of a name.
func (f *Frame) fitting(index int, v Value) Value {
	name := f.scope.names[index]
	if v.kind() != Unknown {
		panic(fmt.Sprintf("expression: %q is set to %s, but was declared %s", name.Name, v.kind(), name.Kind))
	}
	return EmptyOf(name.Kind)
}

// Get returns what was set at index.
func (f *Frame) Get(index int) Value { return f.slots[index] }

// Reset makes every value empty again.
func (f *Frame) Reset() { copy(f.slots, f.scope.blank) }

// A Program is a compiled expression over one row. It is safe for concurrent
// use, each goroutine with its own Frame.
type Program struct {
	kind Kind
	refs []int
	slot int // of a bare reference; otherwise -1
	eval evaluator
}

// Compile compiles an expression over one row. want lists the kinds that the
// caller can use; none means any. The error is an *[Error], or [Errors] when
// several things are wrong.
func (s *Scope) Compile(src string, want ...Kind) (*Program, error) {
	c, tree, err := s.begin(src)
	if err != nil {
		return nil, err
	}
	n := c.compile(tree)
	c.wanted(n, want)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &Program{kind: n.kind, refs: c.refs.sorted(), slot: n.slot, eval: n.eval}, nil
}

// Kind is the kind of every value that Eval returns.
func (p *Program) Kind() Kind { return p.kind }

// Refs are the indexes of the names that must be set before Eval, ascending.
func (p *Program) Refs() []int { return slices.Clone(p.refs) }

// Bare is the index of the name that is all of the expression; otherwise -1.
func (p *Program) Bare() int { return p.slot }

// Eval computes the expression for one row. Errors say what could not be
// computed in words of the expression; the caller adds the row's place. They
// wrap a [record.CurrencyError] or an *[EmptyError] where that is the cause.
func (p *Program) Eval(f *Frame) (Value, error) {
	if p.slot >= 0 {
		return f.slots[p.slot], nil
	}
	return p.eval(f)
}
