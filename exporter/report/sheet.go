package report

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/yamltree"
)

// A sheet is one compiled sheet of a report.
type sheet struct {
	name    string
	builtin string // of package exporter; then nothing else is set
	each    string // one of eachWords

	names   *names
	scope   *expression.Scope
	where   []*program
	refuse  []refusal
	sort    []sortKey // none: in the order of the dataset
	columns []*column
	lines   []*line // none: one of the columns' own values
	balance *balance
	group   *program // text; nil: none
	pivot   *pivot
	splitBy *program // text; nil: one part
	needed  []int    // names to be set for an item
}

// moves says whether the sheet's items are dated by when money moved.
func (s *sheet) moves() bool { return s.each == "movement" || s.each == "posting" }

// A sortKey is one thing to sort by.
type sortKey struct {
	program *program
	down    bool
}

// A line is one of several that an item makes.
type line struct {
	when *program // nil: always
	set  []*value // by column; nil: the column's own
}

// A balance says which columns must be equal for each entry and currency.
type balance struct{ debit, credit, per int } // per is -1 for an item's lines

var (
	sheetKeys   = []string{"name", "each", "where", "let", "refuse", "sort", "columns", "lines", "balance", "group", "pivot", "builtin"}
	lineKeys    = []string{"when", "set"}
	balanceKeys = []string{"debit", "credit", "per"}
	eachWords   = []string{"payment", "attempt", "refund", "movement", "posting"}
)

// sheet compiles one; nil when nothing can be made of it.
func (c *compiler) sheet(n *node) *sheet {
	if !c.Keys(n, "a sheet", sheetKeys...) {
		return nil
	}
	s := &sheet{name: c.OptionalText(n, "name")}
	if n.Get("builtin") != nil {
		c.builtin(n, s)
		return s
	}
	c.sheetName(n, s.name)
	s.each = c.Choice(n.Get("each"), "payment", eachWords...)
	s.names = c.names.clone()
	s.names.fixed(slices.DeleteFunc(eachNames(s.each), func(x name) bool { return c.hides(n, x.name) }))
	c.lets(s.names, n.Get("let"))
	s.where, s.refuse = slices.Clone(c.where), slices.Concat(c.refuse, c.refusals(s.names, n.Get("refuse")))
	if p := c.condition(s.names, n.Get("where")); p != nil {
		s.where = append(s.where, p)
	}
	if at := c.r.split.at; at != nil {
		s.splitBy = c.textOf(s.names, at)
	}
	if n.Get("pivot") != nil {
		for _, key := range []string{"sort", "columns", "lines", "balance", "group"} {
			if at := n.Get(key); at != nil {
				c.At(at, "", "a pivot has no key %q", key)
			}
		}
		c.pivot(s, n.Get("pivot"))
	} else {
		c.listing(s, n)
	}
	s.scope = expression.NewScope(s.names.list, c.tables, c.constants)
	s.needed = s.names.needed(s.programs())
	return s
}

// hides refuses a let of the report that the sheet's items have a name for.
func (c *compiler) hides(at *node, name string) bool {
	first := c.names.nodes[name]
	if first != nil {
		c.At(first, "choose another name", "%q already has a meaning for what makes the sheet's lines, on line %d", name, at.Line)
	}
	return first != nil
}

func (c *compiler) builtin(n *node, s *sheet) {
	s.builtin = c.Choice(n.Get("builtin"), "", exporter.Builtins...)
	for _, e := range n.Entries {
		if e.Key.Text != "builtin" {
			c.At(e.Key, "remove it", "a builtin sheet has no key %q", e.Key.Text)
		}
	}
	s.name = s.builtin
}

// sheetName checks what every spreadsheet program asks of one.
func (c *compiler) sheetName(n *node, name string) {
	at := n.Get("name")
	switch {
	case at == nil:
		c.At(n, "say name: Payments", "the sheet has no name")
	case name == "" || strings.ContainsAny(name, `\/?*[]:'`) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		c.At(at, "", `a sheet's name is not empty and has none of \ / ? * [ ] : '`)
	case utf8.RuneCountInString(name) > 31:
		c.At(at, "", "a sheet's name has at most 31 characters, not %d", utf8.RuneCountInString(name))
	}
}

// listing compiles a sheet of lines.
func (c *compiler) listing(s *sheet, n *node) {
	at := n.Get("columns")
	if at == nil {
		c.At(n, "say columns: [{title: Amount, value: =amount}]", "the sheet has no columns")
	}
	c.Each(at, "columns", func(item *node) {
		if col := c.column(s, item); col != nil {
			s.columns = append(s.columns, col)
		}
	})
	c.Each(n.Get("lines"), "lines", func(item *node) { c.line(s, item) })
	for _, col := range s.columns {
		c.finish(s, col)
	}
	if len(s.columns) > 0 && s.columns[0].total {
		c.At(s.columns[0].node, "put another column before it", "the first column cannot have a total: its name stands there")
	}
	c.sortKeys(s, n.Get("sort"))
	if b := n.Get("balance"); b != nil {
		c.balance(s, b)
	}
	if g := n.Get("group"); g != nil {
		s.group = c.textOf(s.names, g)
		if !slices.ContainsFunc(s.columns, func(col *column) bool { return col.total }) {
			c.At(g, "say total: sum on a column", "group has nothing to add up")
		}
	}
}

// textOf compiles the name of a text, or an expression of one.
func (c *compiler) textOf(n *names, at *node) *program {
	if at.IsExpression() {
		return c.expression(n, at, expression.Text)
	}
	src, ok := c.Text(at)
	if !ok {
		return nil
	}
	return c.compile(n, at, src, expression.Text)
}

func (c *compiler) sortKeys(s *sheet, n *node) {
	if n == nil {
		switch s.each { // the dataset is in the order of paid_at
		case "refund":
			s.sort = c.sortBy(s, "refunded_at", "id")
		case "movement", "posting":
			s.sort = c.sortBy(s, "moved_at", "id")
		}
		return
	}
	items := n.Items
	if n.Kind == yamltree.Scalar {
		items = []*node{n}
	}
	for _, item := range items {
		if item.IsExpression() {
			if p := c.expression(s.names, item); p != nil {
				s.sort = append(s.sort, sortKey{p, false})
			}
			continue
		}
		src, ok := c.Text(item)
		if !ok {
			continue
		}
		word, down := strings.CutPrefix(src, "-")
		at := item
		if down {
			at = item.Offset(1)
		}
		if p := c.compile(s.names, at, word); p != nil {
			s.sort = append(s.sort, sortKey{p, down})
		}
	}
}

func (c *compiler) sortBy(s *sheet, words ...string) (keys []sortKey) {
	for _, word := range words {
		if p := c.compile(s.names, &node{}, word); p != nil {
			keys = append(keys, sortKey{p, false})
		}
	}
	return keys
}

func (c *compiler) line(s *sheet, n *node) {
	if !c.Keys(n, "a line", lineKeys...) {
		return
	}
	l := &line{when: c.condition(s.names, n.Get("when")), set: make([]*value, len(s.columns))}
	if n.Get("set") == nil {
		c.At(n, "say set: {Debit: =amount}", "the line sets nothing")
	}
	c.Pairs(n.Get("set"), "set", func(title, at *node) {
		i := c.titled(s, title)
		v := c.value(s.names, at)
		if i < 0 || v == nil {
			return
		}
		l.set[i] = v
		s.columns[i].values = append(s.columns[i].values, placed{v, at})
	})
	s.lines = append(s.lines, l)
}

// titled is the column of a title, or -1 after saying so.
func (c *compiler) titled(s *sheet, at *node) int {
	title, ok := c.Text(at)
	if !ok {
		return -1
	}
	var titles []string
	for i, col := range s.columns {
		if col.title == title {
			return i
		}
		if col.title != "" && !slices.Contains(titles, col.title) {
			titles = append(titles, col.title)
		}
	}
	c.At(at, yamltree.DidYouMeanOr(title, titles), "the sheet has no column %q", title)
	return -1
}

func (c *compiler) balance(s *sheet, n *node) {
	if !c.Keys(n, "balance", balanceKeys...) {
		return
	}
	b := &balance{per: -1}
	for _, part := range []struct {
		key  string
		into *int
	}{{"debit", &b.debit}, {"credit", &b.credit}, {"per", &b.per}} {
		at := n.Get(part.key)
		if at == nil {
			if part.key != "per" {
				c.At(n, "say "+part.key+": TITLE", "balance does not say which column is the %s", part.key)
			}
			continue
		}
		i := c.titled(s, at)
		if i < 0 {
			return
		}
		*part.into = i
		if f := s.columns[i].format; part.key != "per" && f != formatMoney {
			c.At(at, "", "the column %q must be money, to know its currency; it is %s", s.columns[i].title, f)
		}
	}
	s.balance = b
}

// programs are all that the sheet evaluates for an item.
func (s *sheet) programs() (all []*program) {
	add := func(list ...*program) {
		for _, p := range list {
			if p != nil {
				all = append(all, p)
			}
		}
	}
	add(s.where...)
	add(s.group, s.splitBy)
	for _, r := range s.refuse {
		add(r.when)
	}
	for _, k := range s.sort {
		add(k.program)
	}
	for _, col := range s.columns {
		for _, v := range col.values {
			add(v.program)
		}
	}
	for _, l := range s.lines {
		add(l.when)
	}
	if s.pivot != nil {
		add(s.pivot.own)
		for _, r := range s.pivot.rows {
			add(r.program)
		}
		for _, v := range s.pivot.values {
			add(v.program)
		}
	}
	return all
}
