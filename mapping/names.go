package mapping

import (
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/yamltree"
)

// The names that every row has besides the mapping's own.
const (
	lineIndex = iota
	fileIndex
	sheetIndex
	kindIndex
	ordinalIndex
	placeIndex
)

// Names that mappings have no use for: the row's number over all files, from 1,
// and its rank among rows of which the latest counts.
const (
	ordinalName = "payrec_row"
	placeName   = "payrec_place"
)

// names collects what expressions may refer to. Its order is that of the
// frame's slots: fixed names, columns, lets, is, values of the payment; so an
// expression compiled against the first n names runs in the frame of them all.
type names struct {
	list      []expression.Name
	tables    map[string]*expression.Lookup
	constants map[string]map[string]expression.Value
	nodes     map[string]*node
}

func (n *names) fixed() {
	n.nodes = map[string]*node{}
	n.list = []expression.Name{
		{Name: "line", Kind: expression.Number, Doc: "the row's line in the file"},
		{Name: "file", Kind: expression.Text, Doc: "the file's name"},
		{Name: "sheet", Kind: expression.Text, Doc: "the workbook's sheet"},
		{Name: "kind", Kind: expression.Text, Doc: "the row's kind in a framed file"},
		{Name: ordinalName, Kind: expression.Number, Doc: "the row's number over all files"},
		{Name: placeName, Kind: expression.Text, Doc: "the row's rank among rows of which the latest counts"},
	}
}

// add declares a name and returns its index.
func (n *names) add(c *yamltree.Collector, at *node, name string, kind expression.Kind) int {
	if err := expression.CheckName(name); err != nil {
		c.At(at, "", "%v", err)
	}
	if first := n.nodes[name]; first != nil {
		c.At(at, "choose another name", "%q is already the name of a value, declared on line %d", name, first.Line)
	} else if slices.Contains([]string{"line", "file", "sheet", "kind", "is", "params", "key", ordinalName, placeName}, name) {
		c.At(at, "choose another name", "%q already has a meaning in expressions", name)
	}
	n.nodes[name] = at
	n.list = append(n.list, expression.Name{Name: name, Kind: kind})
	return len(n.list) - 1
}

func (n *names) scope() *expression.Scope {
	return expression.NewScope(n.list, n.tables, n.constants)
}

// hide takes the names from index on out of the sight of later expressions.
// Their places stay, so that those that saw them run in the frame of them all.
func (n *names) hide(from int) {
	for i := from; i < len(n.list); i++ {
		delete(n.nodes, n.list[i].Name)
		n.list[i].Name = ""
	}
}

// A program is a compiled expression with its place.
type program struct {
	*expression.Program
	node   *node
	source string
	refs   []int
	bare   int // the only name, when that is all of it; otherwise -1
}

// expression compiles a value that begins with "=" in a scope.
func (c *compiler) expression(s *expression.Scope, n *node, want ...expression.Kind) *program {
	src, at, ok := c.Expression(n)
	if !ok {
		return nil
	}
	return c.compile(s, at, src, want...)
}

// condition compiles an expression that is written without "=".
func (c *compiler) condition(s *expression.Scope, n *node) *program {
	src, ok := c.conditionSource(n)
	if !ok {
		return nil
	}
	return c.compile(s, n, src, expression.Bool)
}

func (c *compiler) conditionSource(n *node) (string, bool) {
	src, ok := c.Text(n)
	if ok && strings.HasPrefix(src, "=") && !strings.HasPrefix(src, "==") {
		c.At(n, "remove the =", "a condition is always an expression and is written without =")
		return "", false
	}
	return src, ok
}

func (c *compiler) compile(s *expression.Scope, at *node, src string, want ...expression.Kind) *program {
	p, err := s.Compile(src, want...)
	if err != nil {
		c.expressionProblem(at, err)
		return nil
	}
	return &program{p, at, src, p.Refs(), p.Bare()}
}

// expressionProblem places the errors of an expression in the file.
func (c *compiler) expressionProblem(at *node, err error) {
	for _, e := range expression.ErrorsOf(err) {
		c.Within(at, e.Offset, e.Hint, e.Msg)
	}
}

// isSensitive says whether an expression needs a sensitive column.
func (m *Mapping) isSensitive(refs []int) bool {
	return slices.ContainsFunc(m.columnsOf(refs), func(c *column) bool { return c.sensitive })
}

// columnsOf are the columns that an expression needs, directly or by lets.
func (m *Mapping) columnsOf(refs []int) []*column {
	var out []*column
	seen := map[int]bool{}
	var walk func(refs []int)
	walk = func(refs []int) {
		for _, i := range refs {
			if seen[i] {
				continue
			}
			seen[i] = true
			for _, col := range m.columns {
				if col.index == i {
					out = append(out, col)
				}
			}
			for _, l := range m.lets {
				if l.index == i && l.program != nil {
					walk(l.program.refs)
				}
			}
			for _, g := range m.gatherings {
				for _, l := range g.lets {
					if l.index == i && l.aggregate != nil {
						walk(l.aggregate.refs)
					}
				}
			}
		}
	}
	walk(refs)
	return out
}
