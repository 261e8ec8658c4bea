package report

import (
	"strings"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/yamltree"
)

var (
	pivotKeys  = []string{"rows", "values"}
	titledKeys = []string{"title", "value"}
)

// A pivot adds up items by the values of its rows. One of them is the currency
// of the figures, whether it is said or not.
type pivot struct {
	rows     []titledProgram
	values   []titledProgram
	currency int      // where it stands among rows; its program is nil
	own      *program // the item's currency, of what has none of its own
}

// A titledProgram is a value under a title. A value without a program is the
// currency of a row, or count.
type titledProgram struct {
	*program
	title string
	kind  expression.Kind
}

func (c *compiler) pivot(s *sheet, n *node) {
	if !c.Keys(n, "pivot", pivotKeys...) {
		return
	}
	p := &pivot{currency: -1}
	c.Each(n.Get("rows"), "rows", func(item *node) {
		if item.Kind == yamltree.Scalar && (item.Text == "currency" || item.Text == "=currency") {
			p.currency = len(p.rows)
			p.rows = append(p.rows, titledProgram{nil, "Currency", expression.Text})
			return
		}
		if t, ok := c.titledValue(s, item, expression.Text, expression.Bool); ok {
			p.rows = append(p.rows, t)
		}
	})
	if p.currency < 0 { // nothing is added up across currencies
		p.currency = len(p.rows)
		p.rows = append(p.rows, titledProgram{nil, "Currency", expression.Text})
	}
	c.Each(n.Get("values"), "values", func(item *node) {
		if item.Kind == yamltree.Scalar && item.Text == "count" {
			p.values = append(p.values, titledProgram{nil, "Count", expression.Number})
			return
		}
		if t, ok := c.titledValue(s, item, expression.Money, expression.Number); ok {
			p.values = append(p.values, t)
		}
	})
	if len(p.values) == 0 {
		c.At(n, "say values: [count, amount]", "the pivot has nothing to add up")
	}
	p.own = c.compile(s.names, n, "currency")
	s.pivot = p
	s.columns = p.columns(n)
}

// titledValue reads a name, an expression, or {title, value}.
func (c *compiler) titledValue(s *sheet, n *node, want ...expression.Kind) (t titledProgram, ok bool) {
	at := n
	if n.Kind == yamltree.Map {
		if !c.Keys(n, "a value of a pivot", titledKeys...) {
			return t, false
		}
		if at = n.Get("value"); at == nil {
			c.At(n, "say value: =fee", "the entry has no value")
			return t, false
		}
		t.title = c.OptionalText(n, "title")
	}
	src, ok := c.Text(at)
	if !ok {
		return t, false
	}
	place := at
	if rest, found := strings.CutPrefix(src, "="); found {
		src, place = rest, at.Offset(1)
	}
	if t.title == "" && src != "" {
		t.title = strings.ToUpper(src[:1]) + strings.ReplaceAll(src[1:], "_", " ")
	}
	t.program = c.compile(s.names, place, src, want...)
	if t.program != nil {
		t.kind = t.program.Kind()
	}
	return t, t.program != nil
}

// columns are those of the sheet that the pivot makes.
func (p *pivot) columns(n *node) (all []*column) {
	for _, r := range p.rows {
		all = append(all, &column{title: r.title, node: n, format: formatText, decimals: -1})
	}
	for _, v := range p.values {
		col := &column{title: v.title, node: n, format: formatMoney, decimals: -1, total: len(p.rows) > 1}
		if v.kind == expression.Number {
			col.format = formatDecimal
		}
		if v.program == nil {
			col.format = formatInteger
		}
		all = append(all, col)
	}
	return all
}
