package mapping

import (
	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/internal/yamltree"
	"github.com/payrec/payrec/record"
)

// stackedTables compiles the tables that stand below one another in a file: each has
// a header of its own, and is the body unless it states totals or context, or
// is ignored.
func (c *compiler) stackedTables(in *node, d *table.Dialect) {
	n := in.Get("tables")
	if n == nil {
		return
	}
	c.Pairs(n, "tables", func(name, decl *node) {
		if !c.Keys(decl, "table "+quote(name.Text), "find", "totals", "context", "ignore", "end") {
			return
		}
		t := table.Table{Name: name.Text, Find: c.notEmpty(decl.Get("find")), Role: table.Body}
		if len(t.Find) == 0 {
			c.At(name, "say find: [Name, Name]", "the table %q says not by which names its header is found", name.Text)
		}
		if totals := decl.Get("totals"); totals != nil {
			t.Role = table.Total
			c.totals(name.Text, totals, true)
		}
		if context := decl.Get("context"); context != nil {
			if t.Role == table.Body {
				t.Role = table.Context
			}
			c.kindContext(name.Text, context, true)
		}
		if reason := decl.Get("ignore"); reason != nil {
			if t.Role != table.Body {
				c.At(reason, "remove it", "the table %q has totals or context, and is not ignored", name.Text)
			}
			t.Role = table.Ignored
			c.Text(reason)
		}
		t.Blank = c.Choice(decl.Get("end"), "header", "header", "blank") == "blank"
		d.Tables = append(d.Tables, t)
	})
	for _, key := range []string{"header", "records"} {
		if other := in.Get(key); other != nil {
			c.At(other, "remove it", "where input has tables, each has its own header")
		}
	}
	for _, t := range d.Tables {
		if t.Role == table.Body {
			return
		}
	}
	c.At(n, "a table is the body unless it says totals, context or ignore", "no table is the body")
}

// body reads the kinds of the body: a list, or a map with the names of the
// cells of each.
func (c *compiler) body(n *node, r *table.Records) {
	if n == nil || n.Kind != yamltree.Map {
		r.Body = c.Texts(n)
		return
	}
	c.Pairs(n, "body", func(kind, names *node) {
		r.Body = append(r.Body, kind.Text)
		if names.Kind == yamltree.Null {
			return
		}
		if r.Layouts == nil {
			r.Layouts = map[string][]string{}
		}
		r.Layouts[kind.Text] = c.someTexts(names)
	})
}

// totals compiles the layout of one kind or table of totals. Fields are cell
// numbers from 1 or, in a table, headers, or {at, type, unit, in}. The field
// "key" is the group that the row is the total of; without one the row is the
// total of the whole file.
func (c *compiler) totals(kind string, n *node, named bool) {
	layout := &totalLayout{key: place{cell: -1}, fields: map[string]*totalField{}}
	if c.m.input.totals == nil {
		c.m.input.totals = map[string]*totalLayout{}
	}
	c.m.input.totals[kind] = layout
	layout.key = c.place(n.Get("key"), named)
	c.Pairs(n, "totals", func(name, value *node) {
		if name.Text == "key" {
			return
		}
		f := &totalField{name: name.Text, kind: expression.Number, in: layout.key}
		layout.fields[name.Text] = f
		at := value
		if value.Kind == yamltree.Map {
			if !c.Keys(value, "a total", "at", "type", "unit", "in") {
				return
			}
			at = value.Get("at")
			if c.Choice(value.Get("type"), "number", "number", "money") == "money" {
				f.kind = expression.Money
			}
			f.unit = c.unit(value.Get("unit"))
		}
		if at == nil {
			c.At(value, "say at: 3", "the total %q says no cell", name.Text)
		} else {
			f.at = c.place(at, named)
		}
	})
	c.Pairs(n, "totals", func(name, value *node) {
		if f := layout.fields[name.Text]; f != nil {
			c.totalIn(layout, f, value, named)
		}
	})
}

// totalIn finds the currency of a total: another field, the key, a header, or a
// code.
func (c *compiler) totalIn(layout *totalLayout, f *totalField, value *node, named bool) {
	in := value.Get("in")
	if value.Kind != yamltree.Map || in == nil {
		if f.kind == expression.Money && !layout.key.given() {
			c.At(value, "say in: a currency code, or a field of the row", "the total %q is money without a currency", f.name)
		}
		return
	}
	s, ok := c.Text(in)
	if !ok {
		return
	}
	s = c.param(in, s)
	switch other := layout.fields[s]; {
	case other != nil:
		f.in = other.at
	case s == "key" && layout.key.given():
	case named && !isCurrency(s):
		f.in = place{cell: -1, headers: []string{s}}
	default:
		f.currency = c.currency(in, s)
		f.in = place{cell: -1}
	}
}

func isCurrency(s string) bool {
	_, err := record.ParseCurrency(s)
	return err == nil
}
