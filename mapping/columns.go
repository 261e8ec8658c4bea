package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/yamltree"
	"github.com/payrec/payrec/record"
)

type columnType uint8

const (
	textColumn columnType = iota
	idColumn
	intColumn
	numberColumn
	moneyColumn
	currencyColumn
	dateColumn
	datetimeColumn
	boolColumn
)

var columnTypes = []string{"text", "id", "int", "number", "money", "currency", "date", "datetime", "bool"}

func (t columnType) kind() expression.Kind {
	return [...]expression.Kind{expression.Text, expression.Text, expression.Number, expression.Number, expression.Money,
		expression.Text, expression.Time, expression.Time, expression.Bool}[t]
}

func (t columnType) isTime() bool { return t == dateColumn || t == datetimeColumn }

// A column is a typed cell of a row.
type column struct {
	name    string
	node    *node // where it is declared
	index   int   // in the scope, -1 for one that no expression can see
	ordinal int   // among the mapping's columns

	headers    []string // any of these; none when cell is given
	occurrence int      // which of equal headers, from 1
	chosen     bool     // the mapping says which
	cell       int      // from 1; 0: by header
	context    *source  // where the file states it for all rows that follow; nil: a cell of the row

	kind      columnType
	optional  bool // the header may be missing
	sensitive bool

	strip   []string
	extract *regexp.Regexp
	pattern *regexp.Regexp
	values  []string

	hasDefault bool
	fallback   expression.Value
	standIn    string // the default as it is written, which is what match sees

	numbers  numberFormat
	unit     unit
	inColumn *column         // of money: where its currency stands
	inCode   record.Currency // of money: its currency

	formats []timeFormat
	zone    *zone
	clock   *column        // of a datetime: where its time of day stands, when that is a cell of its own
	clocks  []*timePattern // how times of day are written, behind a date
}

// A timeFormat is a strftime pattern or one of the named formats.
type timeFormat struct {
	named   string // "unix", "unix_ms", "iso8601", "excel", or ""
	pattern *timePattern
}

// A unit is what a money cell counts in.
type unit struct {
	minor  bool // the currency's minor units
	fixed  bool // 10^-digits of the major unit, whatever the currency
	digits int
}

// unit reads major, minor, or {fixed: n}.
func (c *compiler) unit(n *node) unit {
	if n == nil {
		return unit{}
	}
	if n.Kind == yamltree.Map {
		c.Keys(n, "unit", "fixed")
		digits, ok := c.Whole(n.Get("fixed"), 0, 6)
		if !ok {
			c.At(n, "", "unit says no number of places")
		}
		return unit{fixed: true, digits: digits}
	}
	return unit{minor: c.Choice(n, "major", "major", "minor") == "minor"}
}

var columnKeys = []string{"from", "occurrence", "type", "in", "unit", "format", "timezone", "optional", "default", "values", "pattern",
	"strip", "extract", "sensitive", "doc", "decimal", "thousands", "time"}

// hiddenColumn is a text column that only the mapping itself reads.
func (c *compiler) hiddenColumn(from *node) *column {
	col := &column{node: from, index: -1, ordinal: len(c.m.columns), occurrence: 1}
	c.from(col, from)
	c.m.columns = append(c.m.columns, col)
	return col
}

func (c *compiler) addColumn(col *column) {
	col.ordinal = len(c.m.columns)
	col.index = c.names.add(&c.Collector, col.node, col.name, col.kind.kind())
	c.m.columns = append(c.m.columns, col)
	c.byName[col.name] = col
	if col.context != nil {
		c.m.contexts = append(c.m.contexts, col)
	}
}

// columns compiles the declarations, then what refers to other columns.
func (c *compiler) columns(n *node) {
	c.Pairs(n, "columns", func(name, decl *node) {
		col := &column{name: name.Text, node: name, occurrence: 1, numbers: c.m.input.numbers, zone: c.m.input.zone}
		if decl.Kind == yamltree.Map {
			if !c.Keys(decl, fmt.Sprintf("column %q", name.Text), columnKeys...) {
				return
			}
			c.column(col, decl)
		} else {
			c.from(col, decl)
		}
		c.addColumn(col)
	})
	for _, p := range c.money {
		c.moneyIn(p.col, p.in)
	}
}

// A moneyColumnIn is a money column whose currency is looked for once all
// columns are known.
type moneyColumnIn struct {
	col *column
	in  *node
}

func (c *compiler) column(col *column, decl *node) {
	c.typing(col, decl)
	c.from(col, decl.Get("from"))
	if o := decl.Get("occurrence"); o != nil {
		col.occurrence, _ = c.Whole(o, 1, 1000)
		col.chosen = true
	}
}

// typing reads what a column's text becomes.
func (c *compiler) typing(col *column, decl *node) {
	col.kind = columnType(max(0, slices.Index(columnTypes, c.Choice(decl.Get("type"), "text", columnTypes...))))
	if col.kind == moneyColumn {
		c.money = append(c.money, moneyColumnIn{col, decl.Get("in")})
	}
	col.unit = c.unit(decl.Get("unit"))
	if r := c.character(decl.Get("decimal"), nil); r != 0 {
		col.numbers.decimal = r
	}
	if t := decl.Get("thousands"); t != nil {
		col.numbers.group = c.character(t, map[string]rune{"none": 0, "blank": ' ', "space": ' '})
	}
	if col.numbers != c.m.input.numbers {
		c.marks(decl, col.numbers)
	}
	if z := decl.Get("timezone"); z != nil {
		col.zone = c.zone(z)
	}
	if o := decl.Get("optional"); o != nil {
		col.optional = c.Yes(o)
	}
	if s := decl.Get("sensitive"); s != nil {
		col.sensitive = c.Yes(s)
	}
	col.values = c.Texts(decl.Get("values"))
	col.strip = c.notEmpty(decl.Get("strip"))
	col.pattern = c.regexp(decl.Get("pattern"), true)
	col.extract = c.regexp(decl.Get("extract"), false)
	for _, key := range []string{"in", "unit"} {
		if k := decl.Get(key); k != nil && col.kind != moneyColumn {
			c.At(k, "say type: money", "only a money column has %q", key)
		}
	}
	if col.kind.isTime() {
		c.formats(col, decl)
	} else if f := decl.Get("format"); f != nil {
		c.At(f, "say type: date or type: datetime", "only a date or datetime column has a format")
	}
	c.fallback(col, decl.Get("default"))
	c.clock(col, decl)
}

// from reads where a column stands: a header, several to choose from, or the
// number of the cell from 1.
func (c *compiler) from(col *column, n *node) {
	if n == nil || n.Kind == yamltree.Null {
		c.At(orNode(n, col.node), "say from: HEADER", "the column %q says not where it stands", col.name)
		return
	}
	if n.Kind == yamltree.Scalar && n.Style == yamltree.Plain && allDigits(n.Text) {
		col.cell, _ = c.Whole(n, 1, 16_384)
		return
	}
	col.headers = c.headers(n)
	for _, h := range col.headers {
		if strings.HasPrefix(h, "=") {
			c.At(n, "a computed value belongs under let", "a column is a cell of the file, not the expression %q", h)
		}
	}
	if c.m.dialect.Header.None && len(col.headers) > 0 {
		c.At(n, "write the cell's number, from 1", "the file has no header, so there is no column %q", col.headers[0])
	}
}

func (c *compiler) regexp(n *node, whole bool) *regexp.Regexp {
	s, ok := c.Text(n)
	if !ok {
		return nil
	}
	if whole {
		s = `^(?:` + s + `)$`
	}
	re, err := regexp.Compile(s)
	if err != nil || len(s) > 1000 {
		c.At(n, "", "not a regular expression (RE2): %v", err)
		return nil
	}
	return re
}

func (c *compiler) formats(col *column, decl *node) {
	n := decl.Get("format")
	if n == nil {
		c.At(decl, `say format: '%Y-%m-%d', a list of such patterns, or unix, unix_ms, iso8601, excel`, "the column %q says not how its times are written", col.name)
		return
	}
	needsZone := false
	for i, s := range c.someTexts(n) {
		at := n
		if n.Kind == yamltree.List {
			at = n.Items[i]
		}
		s = c.param(at, s)
		switch s {
		case "unix", "unix_ms":
			col.formats = append(col.formats, timeFormat{named: s})
			continue
		case "iso8601", "excel":
			col.formats = append(col.formats, timeFormat{named: s})
			needsZone = needsZone || s == "excel"
			continue
		}
		if !strings.Contains(s, "%") {
			c.At(at, "write a strftime pattern such as '%Y-%m-%d %H:%M:%S', or unix, unix_ms, iso8601, excel", "the time pattern %q has no %% in it", s)
			continue
		}
		p, err := newTimePattern(s)
		if err != nil {
			c.At(at, "", "the time pattern %q %v", s, err)
			continue
		}
		needsZone = needsZone || !p.zoned
		col.formats = append(col.formats, timeFormat{pattern: p})
	}
	if needsZone && col.zone == nil {
		c.At(col.node, "say input: {timezone: Europe/Berlin}, or timezone on the column", "the times of %q are in no zone", col.name)
		col.zone = &zone{}
	}
}

// moneyIn finds the currency of a money column.
func (c *compiler) moneyIn(col *column, in *node) {
	s, ok := c.Text(in)
	if !ok {
		if in == nil {
			c.At(col.node, "say in: the currency's column, or a code such as EUR", "the money column %q says not in which currency", col.name)
		}
		return
	}
	if other, found := c.byName[s]; found {
		if other.kind != currencyColumn && other.kind != textColumn {
			c.At(in, "give it type: currency", "the column %q is no currency", s)
		}
		col.inColumn = other
		return
	}
	given := c.param(in, s)
	if given == "" && s != "" && (c.lint || c.Failed()) {
		return // a required param that nobody has given yet: said where params are read
	}
	code, err := record.ParseCurrency(given)
	if err != nil {
		c.At(in, yamltree.DidYouMeanOr(s, c.currencyColumns()), "%q is neither a column nor a currency code", s)
	}
	col.inCode = code
}

func (c *compiler) currencyColumns() []string {
	var names []string
	for _, col := range c.m.columns {
		if col.kind == currencyColumn {
			names = append(names, col.name)
		}
	}
	return names
}

// fallback is the column's value when its cell is empty.
func (c *compiler) fallback(col *column, n *node) {
	if n == nil {
		return
	}
	s, ok := c.Text(n)
	if !ok {
		return
	}
	s = c.param(n, s)
	col.hasDefault, col.standIn = true, s
	switch col.kind {
	case textColumn, idColumn:
		col.fallback = expression.TextOf(s)
	case currencyColumn:
		if s == "" {
			col.fallback = expression.TextOf("")
			return
		}
		col.fallback = expression.TextOf(c.currency(n, s).Upper())
	case intColumn, numberColumn, moneyColumn:
		d, err := decimal.Parse(s)
		switch {
		case err != nil:
			c.At(n, "", "the default %q is not a number", s)
		case col.kind == moneyColumn && !d.IsZero():
			c.At(n, "say default: 0, and compute the rest under let", "money can only be zero by default")
		case col.kind == moneyColumn:
			col.fallback = expression.MoneyOf(record.Money{})
		default:
			col.fallback = expression.NumberOf(d)
		}
	case boolColumn:
		col.fallback = expression.BoolOf(s == "true")
		c.Yes(n)
	default:
		c.At(n, "", "a date can have no default")
		col.hasDefault = false
	}
}
