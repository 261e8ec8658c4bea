package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/yamltree"
)

// A format is what a column's cells are.
type format string

const (
	formatText     format = "text"
	formatMoney    format = "money"
	formatDecimal  format = "decimal"
	formatInteger  format = "integer"
	formatDate     format = "date"
	formatDatetime format = "datetime"
	formatBool     format = "bool"
	formatDigits   format = "digits" // a number that is a name: its zeros in front stay
)

// formats are what each takes besides what is made text of: everything.
var formats = map[format][]expression.Kind{
	formatText:     {expression.Text, expression.Number, expression.Money, expression.Time, expression.Bool},
	formatMoney:    {expression.Money},
	formatDecimal:  {expression.Number, expression.Money},
	formatInteger:  {expression.Number},
	formatDate:     {expression.Time},
	formatDatetime: {expression.Time},
	formatBool:     {expression.Bool},
	formatDigits:   {expression.Text},
}

// A column of a sheet.
type column struct {
	title     string
	node      *node
	value     *value   // nil: nothing, unless a line sets it
	values    []placed // its own, and those that lines set
	format    format
	pattern   string         // strftime; "" is ISO 8601
	zone      *time.Location // nil: the period's
	decimals  int            // -1: as they are
	fit       *fit           // of texts
	unguarded bool
	required  bool
	total     bool
	width     float64
}

// A placed value is one with its place.
type placed struct {
	*value
	node *node
}

var columnKeys = []string{"title", "value", "format", "pattern", "zone", "decimals", "max", "longer", "allow", "other", "guard", "required", "total", "width"}

func (c *compiler) column(s *sheet, n *node) *column {
	if !c.Keys(n, "a column", columnKeys...) {
		return nil
	}
	col := &column{node: n, decimals: -1, title: c.title(n)}
	if at := n.Get("value"); at != nil && at.Kind != yamltree.Null {
		if col.value = c.value(s.names, at); col.value != nil {
			col.values = append(col.values, placed{col.value, at})
		}
	}
	col.format = format(c.Choice(n.Get("format"), "", formatWords()...))
	col.pattern = c.OptionalText(n, "pattern")
	if at := n.Get("zone"); at != nil {
		col.zone = c.zone(at)
	}
	if at := n.Get("decimals"); at != nil {
		col.decimals, _ = c.Whole(at, 0, 12)
	}
	col.fit = c.fit(n)
	if at := n.Get("guard"); at != nil {
		col.unguarded = !c.Yes(at)
	}
	if at := n.Get("required"); at != nil {
		col.required = c.Yes(at)
	}
	col.total = c.Choice(n.Get("total"), "", "sum") == "sum"
	if at := n.Get("width"); at != nil {
		w, _ := c.Whole(at, 1, 255) // what a spreadsheet takes
		col.width = float64(w)
	}
	return col
}

func formatWords() []string {
	return []string{"text", "money", "decimal", "integer", "date", "datetime", "bool", "digits"}
}

// fit reads what a column's texts must be like.
func (c *compiler) fit(n *node) *fit {
	f := &fit{oneLine: c.r.text.oneLine}
	if at := n.Get("max"); at != nil {
		f.max, _ = c.Whole(at, 1, 32_767)
	}
	if class := c.OptionalText(n, "allow"); class != "" {
		re, err := regexp.Compile(`\A[` + class + `]\z`)
		if err != nil {
			c.At(n.Get("allow"), "write it like A-Za-z0-9 -", "%q is no list of characters", class)
			return f
		}
		f.allowed, f.other = re, c.OptionalText(n, "other")
		for _, r := range f.other {
			if !re.MatchString(string(r)) {
				c.At(n.Get("other"), "", "%q is not among the characters that the column allows", r)
			}
		}
	}
	if c.Choice(n.Get("longer"), "refuse", "refuse", "cut") == "cut" {
		if f.cut = "…"; f.allowed != nil && !f.allowed.MatchString(f.cut) {
			f.cut = f.other // "" cuts without a mark
		}
		f.mayCut = true
		if utf8.RuneCountInString(f.cut) >= f.max && f.max > 0 {
			f.cut = ""
		}
	}
	return f
}

// title is a heading, which may be computed from params and the period.
func (c *compiler) title(n *node) string {
	at := n.Get("title")
	if at == nil {
		c.At(n, "say title: Amount", "the column has no title")
		return ""
	}
	v, ok := c.constant(at)
	if ok && v.Kind() != expression.Text {
		c.At(at, "text(x) makes text of anything", "a title is text, not %s", v.Kind())
	}
	return v.Text()
}

// finish finds the column's format once all its values are known, and checks
// what depends on it.
func (c *compiler) finish(s *sheet, col *column) {
	if col.format == "" && len(col.values) > 0 {
		col.format = map[expression.Kind]format{expression.Number: formatDecimal, expression.Money: formatMoney, expression.Time: formatDatetime,
			expression.Bool: formatBool, expression.Text: formatText}[col.values[0].kind()]
	}
	if col.format == "" {
		col.format = formatText // an empty column that a product wants
	}
	for _, v := range col.values {
		if !slices.Contains(formats[col.format], v.kind()) && !(v.program == nil && v.literal == "") {
			c.At(v.node, fits(v.kind()), "the column %q is %s, which %s cannot be", col.title, col.format, v.kind())
		}
	}
	figures := col.format == formatMoney || col.format == formatDecimal
	texts := col.format == formatText
	dates := col.format == formatDate || col.format == formatDatetime
	for _, rule := range []struct {
		given bool
		key   string
		ok    bool
	}{{col.pattern != "", "pattern", dates}, {col.zone != nil, "zone", dates}, {col.decimals >= 0, "decimals", figures},
		{col.node.Get("max") != nil, "max", texts}, {col.node.Get("longer") != nil, "longer", col.fit.max > 0}, {col.node.Get("allow") != nil, "allow", texts},
		{col.node.Get("other") != nil, "other", col.fit.allowed != nil}, {col.unguarded, "guard", texts}, {col.total, "total", figures || col.format == formatInteger}} {
		if rule.given && !rule.ok {
			c.At(col.node.Get(rule.key), "", "%q has no meaning for the column %q, which is %s", rule.key, col.title, col.format)
		}
	}
	for _, other := range s.columns {
		if other != col && other.title == col.title && col.title != "" && len(s.lines) > 0 {
			c.At(col.node, "choose another title", "two columns have the title %q, so lines cannot say which they set", col.title)
			return
		}
	}
}

// fits says which formats a kind has.
func fits(k expression.Kind) string {
	var words []string
	for _, w := range formatWords() {
		if slices.Contains(formats[format(w)], k) {
			words = append(words, w)
		}
	}
	return fmt.Sprintf("%s can be %s", k, strings.Join(words, ", "))
}
