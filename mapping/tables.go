package mapping

import (
	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// stackedTables compiles the tables that stand below one another in a file: each has
// a header of its own, and is the body unless it states totals or context, or
// is ignored.
func (c *compiler) stackedTables(in *node, d *table.Dialect) {
	n := in.get("tables")
	if n == nil {
		return
	}
	c.pairs(n, "tables", func(name, decl *node) {
		if !c.keys(decl, "table "+quote(name.text), "find", "totals", "context", "ignore", "end") {
			return
		}
		t := table.Table{Name: name.text, Find: c.notEmpty(decl.get("find")), Role: table.Body}
		if len(t.Find) == 0 {
			c.at(name, "say find: [Name, Name]", "the table %q says not by which names its header is found", name.text)
		}
		if totals := decl.get("totals"); totals != nil {
			t.Role = table.Total
			c.totals(name.text, totals, true)
		}
		if context := decl.get("context"); context != nil {
			if t.Role == table.Body {
				t.Role = table.Context
			}
			c.kindContext(name.text, context, true)
		}
		if reason := decl.get("ignore"); reason != nil {
			if t.Role != table.Body {
				c.at(reason, "remove it", "the table %q has totals or context, and is not ignored", name.text)
			}
			t.Role = table.Ignored
			c.text(reason)
		}
		t.Blank = c.choice(decl.get("end"), "header", "header", "blank") == "blank"
		d.Tables = append(d.Tables, t)
	})
	for _, key := range []string{"header", "records"} {
		if other := in.get(key); other != nil {
			c.at(other, "remove it", "where input has tables, each has its own header")
		}
	}
	for _, t := range d.Tables {
		if t.Role == table.Body {
			return
		}
	}
	c.at(n, "a table is the body unless it says totals, context or ignore", "no table is the body")
}

// body reads the kinds of the body: a list, or a map with the names of the
// cells of each.
func (c *compiler) body(n *node, r *table.Records) {
	if n == nil || n.kind != mappingNode {
		r.Body = c.texts(n)
		return
	}
	c.pairs(n, "body", func(kind, names *node) {
		r.Body = append(r.Body, kind.text)
		if names.kind == nullNode {
			return
		}
		if r.Layouts == nil {
			r.Layouts = map[string][]string{}
		}
		r.Layouts[kind.text] = c.someTexts(names)
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
	layout.key = c.place(n.get("key"), named)
	c.pairs(n, "totals", func(name, value *node) {
		if name.text == "key" {
			return
		}
		f := &totalField{name: name.text, kind: expression.Number, in: layout.key}
		layout.fields[name.text] = f
		at := value
		if value.kind == mappingNode {
			if !c.keys(value, "a total", "at", "type", "unit", "in") {
				return
			}
			at = value.get("at")
			if c.choice(value.get("type"), "number", "number", "money") == "money" {
				f.kind = expression.Money
			}
			f.unit = c.unit(value.get("unit"))
		}
		if at == nil {
			c.at(value, "say at: 3", "the total %q says no cell", name.text)
		} else {
			f.at = c.place(at, named)
		}
	})
	c.pairs(n, "totals", func(name, value *node) {
		if f := layout.fields[name.text]; f != nil {
			c.totalIn(layout, f, value, named)
		}
	})
}

// totalIn finds the currency of a total: another field, the key, a header, or a
// code.
func (c *compiler) totalIn(layout *totalLayout, f *totalField, value *node, named bool) {
	in := value.get("in")
	if value.kind != mappingNode || in == nil {
		if f.kind == expression.Money && !layout.key.given() {
			c.at(value, "say in: a currency code, or a field of the row", "the total %q is money without a currency", f.name)
		}
		return
	}
	s, ok := c.text(in)
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
