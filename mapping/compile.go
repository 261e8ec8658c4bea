package mapping

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/internal/yamltree"
)

// version is the only one there is, and what every mapping begins with.
const version = "mapping/v1"

var paramKeys = []string{"doc", "required", "default", "values"}

var topKeys = []string{"payrec", "name", "title", "doc", "source", "params", "identify", "extends", "input", "columns", "let",
	"lookups", "rows", "latest", "total", "payment", "emit", "checks", "tests"}

// A let is a value computed from a row.
type let struct {
	name    string
	index   int
	program *program
	what    string // for messages: let "gross"
}

// mapping compiles a whole mapping in the order of work.
func (c *compiler) mapping(root *node) *Mapping {
	m := &Mapping{emits: map[string][]*emit{}}
	c.m, c.byName = m, map[string]*column{}
	c.Keys(root, "a mapping", topKeys...)
	if v := root.Get("payrec"); v == nil {
		c.At(root, "add the line payrec: "+version, `the key "payrec" is missing`)
	} else if s, ok := c.Text(v); ok && s != version {
		c.At(v, "this program understands payrec: "+version, "unknown version %q", s)
	}
	c.names.fixed()
	c.about(root)
	c.readParams(root)
	c.lookups(root.Get("lookups"))
	c.input(root.Get("input"))
	c.columns(root.Get("columns"))
	c.lets(root.Get("let"))
	c.rules(root)
	m.dispatch = newDispatch(m.rules)
	m.isIndex = len(c.names.list)
	c.names.list = append(c.names.list, expression.Name{Name: "is", Kind: expression.Text, Doc: "the row's class"})
	rowScope := c.names.scope()
	m.total = c.expression(rowScope, root.Get("total"), expression.Money)
	c.payment(root, rowScope)
	c.emit(root, rowScope)
	m.emitted = c.emits
	c.latest(root.Get("latest"), rowScope)
	c.duplicates(root.Get("input").Get("duplicates"), rowScope)
	m.scope = c.names.scope()
	c.unusedClasses()
	c.checks(root.Get("checks"), rowScope)
	c.inlineTests(root.Get("tests"))
	c.sensitive()
	m.hash = digest(root, c.tables, c.params)
	return m
}

func (c *compiler) about(root *node) {
	m := c.m
	m.name = c.OptionalText(root, "name")
	if m.name == "" {
		c.At(root, "say name: adyen-settlement-detail, or whatever tells your mappings apart", "the mapping has no name")
	}
	m.title = c.OptionalText(root, "title")
	c.OptionalText(root, "doc")
	if m.source = c.OptionalText(root, "source"); m.source == "" {
		m.source = m.name
	}
	if id := root.Get("identify"); id != nil && c.Keys(id, "identify", "filename", "columns") {
		m.identify = identification{c.Texts(id.Get("filename")), c.Texts(id.Get("columns"))}
	}
}

// readParams takes the values given for the declared params.
func (c *compiler) readParams(root *node) {
	n := root.Get("params")
	c.params = map[string]string{}
	values := map[string]expression.Value{}
	for _, p := range c.Params(n, paramKeys...) {
		if err := expression.CheckName(p.Name); err != nil {
			c.At(p.At, "", "%v", err)
		}
		given := cmp.Or(c.options.Params[p.Name], p.Default)
		if p.Required && given == "" && !c.lint {
			c.Missing(p)
		}
		c.Allow(p, given)
		c.params[p.Name] = given
		values[p.Name] = expression.TextOf(given)
	}
	yamltree.Undeclared(&c.Collector, orNode(n, root), c.options.Params, c.params)
	c.names.constants = map[string]map[string]expression.Value{"params": values}
}

// param resolves a setting that may be a param: `=params.zone` is its value,
// anything else itself.
func (c *compiler) param(n *node, s string) string {
	name, ok := strings.CutPrefix(s, "=params.")
	if !ok {
		if strings.HasPrefix(s, "=") {
			c.At(n, "only =params.NAME can stand here", "a setting cannot be computed from rows: %q", s)
		}
		return s
	}
	v, ok := c.params[name]
	if !ok {
		c.At(n, yamltree.DidYouMeanOr(name, sortedKeys(c.params)), "unknown param %q", name)
	}
	return v
}

func (c *compiler) lookups(n *node) {
	c.tables = map[string]map[string]string{}
	c.names.tables = map[string]*expression.Lookup{}
	c.Pairs(n, "lookups", func(name, decl *node) {
		if !c.Keys(decl, fmt.Sprintf("lookup %q", name.Text), "map", "file", "key", "value", "missing", "doc") {
			return
		}
		entries := map[string]string{}
		c.Pairs(decl.Get("map"), "map", func(key, value *node) {
			entries[key.Text], _ = c.Text(value)
		})
		if file := decl.Get("file"); file != nil {
			c.lookupFile(decl, file, entries)
		} else if decl.Get("map") == nil {
			c.At(decl, "say map: {key: value} or file: table.csv", "the lookup %q has no entries", name.Text)
		}
		policy := map[string]expression.MissingPolicy{"error": expression.MissingError, "pass": expression.MissingPass, "empty": expression.MissingEmpty}
		c.tables[name.Text] = entries
		c.names.tables[name.Text] = expression.NewLookup(entries, policy[c.Choice(decl.Get("missing"), "error", "error", "pass", "empty")])
	})
}

// maxLookup bounds a lookup file, which is kept in memory.
const maxLookup = 1_000_000

// lookupFile reads a lookup's entries from two columns of a CSV file.
func (c *compiler) lookupFile(decl, file *node, entries map[string]string) {
	path, _ := c.Text(file)
	isParam := strings.HasPrefix(path, "=")
	if isParam {
		if path = c.param(file, path); path == "" {
			return // not given: the table is empty
		}
	}
	keyColumn, valueColumn := c.OptionalText(decl, "key"), c.OptionalText(decl, "value")
	if keyColumn == "" || valueColumn == "" {
		c.At(decl, "say key: HEADER and value: HEADER", "a lookup file needs the names of its two columns")
		return
	}
	switch {
	case isParam: // whoever gives it means a file from where they stand
	case strings.HasPrefix(file.File, presetPrefix):
		c.At(file, "let a param name it: file: =params.x", "a preset cannot read files of its own")
		return
	default:
		path = c.beside(file, path)
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		c.At(file, "a relative path starts at the mapping's folder", "cannot read the lookup file %q", path)
		return
	}
	r, err := table.Open(path, table.Dialect{})
	if err != nil {
		c.At(file, "", "cannot read the lookup file: %v", err)
		return
	}
	defer r.Close()
	for {
		row, err := r.Next()
		if err != nil {
			if err.Error() != "EOF" {
				c.At(file, "", "cannot read the lookup file: %v", err)
			}
			return
		}
		if row.Role != table.Body {
			continue
		}
		k, v := row.Header.Index(keyColumn, 1), row.Header.Index(valueColumn, 1)
		if k < 0 || v < 0 {
			c.At(file, "columns: "+strings.Join(row.Header.Names(), ", "), "the lookup file has no columns %q and %q", keyColumn, valueColumn)
			return
		}
		key, _ := row.Cell(k)
		value, _ := row.Cell(v)
		key, value = strings.Clone(trimBlanks(key)), strings.Clone(trimBlanks(value))
		if old, twice := entries[key]; twice && old != value {
			c.At(file, "", "%s: the key %q stands twice with different values", row.Pos, key)
			return
		}
		if entries[key] = value; len(entries) > maxLookup {
			c.At(file, "", "the lookup file has more than %d entries", maxLookup)
			return
		}
	}
}

func (c *compiler) lets(n *node) {
	c.Pairs(n, "let", func(name, value *node) {
		p := c.expression(c.names.scope(), value)
		kind := expression.Text // so that uses of a broken let are no faults of their own
		if p != nil {
			kind = p.Kind()
		}
		c.m.lets = append(c.m.lets, &let{name.Text, c.names.add(&c.Collector, name, name.Text, kind), p, fmt.Sprintf("let %q", name.Text)})
	})
}

// payment compiles the key, the order, and the values over a payment's rows.
func (c *compiler) payment(root *node, rowScope *expression.Scope) {
	n := root.Get("payment")
	if n == nil {
		c.At(root, "say payment: {key: =reference}", `the key "payment" is missing: which rows are one payment?`)
		return
	}
	if !c.Keys(n, "payment", "key", "order", "let") {
		return
	}
	if n.Get("key") == nil {
		c.At(n, "say key: =reference", "payment has no key: which rows are one payment?")
	}
	c.m.key = c.expression(rowScope, n.Get("key"), expression.Text, expression.Number)
	c.m.order = c.expression(rowScope, n.Get("order"), expression.Time, expression.Number, expression.Text)
	c.m.payLets = c.gatheredLets(n.Get("let"), "payment.let", rowScope, expression.Text)
	if len(c.m.payLets) > 0 {
		c.gathering(&gathering{what: "payment.let", lets: c.m.payLets})
	}
}

// aggregate compiles a value over rows that begins with "=".
func (c *compiler) aggregate(s *expression.Scope, n *node, key expression.Kind, want ...expression.Kind) *aggregate {
	src, at, ok := c.Expression(n)
	if !ok {
		return nil
	}
	return c.compileAggregate(s, at, src, key, want...)
}

func (c *compiler) compileAggregate(s *expression.Scope, at *node, src string, key expression.Kind, want ...expression.Kind) *aggregate {
	a, err := s.CompileAggregate(src, key, want...)
	if err != nil {
		c.expressionProblem(at, err)
		return nil
	}
	return &aggregate{a, a.Refs(), src}
}

// sensitive refuses a sensitive column wherever its value would leave: in a
// call, in an identity, in the order of calls. Inside sha256(…) it may.
func (c *compiler) sensitive() {
	if !slices.ContainsFunc(c.m.columns, func(col *column) bool { return col.sensitive }) {
		return
	}
	check := func(p *program, where string) {
		if p == nil {
			return
		}
		for _, col := range c.m.columnsOf(p.refs) {
			if col.sensitive && !onlyHashed(p, col.name) {
				c.At(p.node, fmt.Sprintf("leave it out, or write sha256(%s)", col.name), "the column %q is sensitive and must not reach %s", col.name, where)
			}
		}
	}
	check(c.m.key, "the payment's key")
	check(c.m.order, "the journal")
	check(c.m.total, "the summary")
	for _, list := range c.m.emits {
		for _, e := range list {
			check(e.id, "a call's id")
			check(e.fee, "the journal")
			check(e.net, "the journal")
			if e.per != nil {
				check(e.per.key, "the journal")
			}
			for _, t := range e.targets {
				check(t.program, t.path)
			}
		}
	}
}
