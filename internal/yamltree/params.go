package yamltree

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Param is the declaration of a value that differs from one use of a file to
// the next and is given from outside.
type Param struct {
	Name     string
	Doc      string
	Default  string
	Values   []string // when only these are allowed
	Required bool

	At   *Node // its name
	Decl *Node // a map, or the default alone
}

// Params reads the declarations of params: maps with keys among known, or a
// default alone. What is neither is left out, with a complaint.
func (c *Collector) Params(n *Node, known ...string) []Param {
	var out []Param
	c.Pairs(n, "params", func(name, decl *Node) {
		p := Param{Name: name.Text, At: name, Decl: decl}
		switch {
		case decl.Kind == Scalar:
			p.Default = decl.Text
		case decl.Kind == Null:
		case !c.Keys(decl, fmt.Sprintf("param %q", name.Text), known...):
			return
		default:
			p.Doc, p.Default = c.OptionalText(decl, "doc"), c.OptionalText(decl, "default")
			p.Values, p.Required = c.Texts(decl.Get("values")), c.Yes(decl.Get("required"))
		}
		out = append(out, p)
	})
	return out
}

// Missing complains that a required param was not given.
func (c *Collector) Missing(p Param) {
	c.At(p.At, fmt.Sprintf("give it with --param %s=…", p.Name), "the param %q is required: %s", p.Name, p.Doc)
}

// Allow complains of a param's value that is not among those allowed.
func (c *Collector) Allow(p Param, value string) {
	if value != "" && len(p.Values) > 0 && !slices.Contains(p.Values, value) {
		c.At(p.At, DidYouMean(value, p.Values), "the param %q must be one of %s, not %q", p.Name, strings.Join(p.Values, ", "), value)
	}
}

// Undeclared complains, at n, of values that were given for params that are not
// among those declared.
func Undeclared[A, B any](c *Collector, n *Node, given map[string]A, declared map[string]B) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := declared[name]; !ok {
			c.At(n, DidYouMeanOr(name, slices.Sorted(maps.Keys(declared))), "the %s has no param %q", c.Noun, name)
		}
	}
}
