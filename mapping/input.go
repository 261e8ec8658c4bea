package mapping

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// input is how cells of a file are to be read.
type input struct {
	numbers numberFormat
	empty   []string // texts that mean an empty cell
	strip   []string // texts that are no part of any cell
	zone    *zone    // nil: none is stated
	totals  map[string]*totalLayout
}

// A zone places wall clocks: one location, or one per row by a label.
type zone struct {
	loc    *time.Location
	column *column                   // holds the label; nil when loc is set
	names  map[string]*time.Location // by label in lower case
	policy dstPolicy
}

// A totalLayout says where a kind of total row keeps its figures.
type totalLayout struct {
	key    place // none: the row is the total of the whole file
	fields map[string]*totalField
}

type totalField struct {
	name     string
	at       place
	kind     expression.Kind
	unit     unit
	in       place // of the currency; none: currency
	currency record.Currency
}

var inputKeys = []string{"format", "encoding", "delimiter", "quote", "decimal", "thousands", "empty", "sheet", "strip", "header", "records", "tables", "headings", "footer", "timezone", "ragged", "duplicates", "context"}

func (c *compiler) input(n *node) {
	m := c.m
	m.input.numbers = numberFormat{decimal: '.'}
	if n == nil {
		return
	}
	if !c.keys(n, "input", inputKeys...) {
		return
	}
	d := &m.dialect
	d.Format = table.Format(c.choice(n.get("format"), "csv", "csv", "xlsx"))
	d.Encoding = c.setting(n.get("encoding"))
	d.Sheet = c.setting(n.get("sheet"))
	d.Delimiter = c.character(n.get("delimiter"), map[string]rune{"tab": '\t', "comma": ',', "semicolon": ';', "pipe": '|'})
	d.Quote = c.character(n.get("quote"), map[string]rune{"none": table.NoQuote})
	if r := c.character(n.get("decimal"), nil); r != 0 {
		m.input.numbers.decimal = r
	}
	m.input.numbers.group = c.character(n.get("thousands"), map[string]rune{"none": 0, "blank": ' ', "space": ' '})
	c.marks(n, m.input.numbers)
	m.input.empty = c.texts(n.get("empty"))
	switch c.choice(n.get("ragged"), "error", "error", "pad", "allow") {
	case "pad":
		d.Ragged = table.RaggedPad
	case "allow":
		d.Ragged = table.RaggedAllow
	}
	m.input.strip = c.notEmpty(n.get("strip"))
	c.header(n.get("header"), d)
	m.input.zone = c.zone(n.get("timezone"))
	c.records(n.get("records"), d)
	c.stackedTables(n, d)
	d.Headings = c.notEmpty(n.get("headings"))
	c.footer(n.get("footer"), d)
	c.context(n.get("context"))
}

func (c *compiler) marks(n *node, f numberFormat) {
	if !strings.ContainsRune(".,·'", f.decimal) {
		c.at(n.get("decimal"), "", "the decimal mark must be . or , not %q", f.decimal)
	}
	if f.group == f.decimal {
		c.at(orNode(n.get("thousands"), n), "", "the decimal mark and the mark between thousands are both %q", f.group)
	} else if f.group >= '0' && f.group <= '9' {
		c.at(n.get("thousands"), "", "a digit cannot be the mark between thousands")
	}
}

func orNode(a, b *node) *node {
	if a != nil {
		return a
	}
	return b
}

// character reads one character or a word for one; 0 when it is not there.
func (c *compiler) character(n *node, words map[string]rune) rune {
	s, ok := c.text(n)
	if !ok {
		return 0
	}
	s = c.param(n, s)
	if r, ok := words[s]; ok {
		return r
	}
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 || size != len(s) || r == utf8.RuneError {
		c.at(n, "words: "+strings.Join(sortedKeys(words), ", "), "must be one character, not %q", s)
		return 0
	}
	return r
}

// setting is a text that may be a param; "" when it is not there.
func (c *compiler) setting(n *node) string {
	s, ok := c.text(n)
	if !ok {
		return ""
	}
	return c.param(n, s)
}

func (c *compiler) header(n *node, d *table.Dialect) {
	switch {
	case n == nil:
		return
	case n.kind == scalarNode && n.text == "none":
		d.Header.None = true
		return
	case n.kind == scalarNode:
		c.at(n, "header: {row: 1}, header: {find: [Name, Name]} or header: none", "header cannot be %q", n.text)
		return
	}
	if !c.keys(n, "header", "row", "find", "within") {
		return
	}
	d.Header.Row, _ = c.whole(n.get("row"), 1, 1_000_000)
	d.Header.Find = c.notEmpty(n.get("find"))
	d.Header.Within, _ = c.whole(n.get("within"), 1, 100_000)
	if d.Header.Row > 0 && d.Header.Find != nil {
		c.at(n, "keep one of them", "header says both row and find")
	}
}

func (c *compiler) footer(n *node, d *table.Dialect) {
	switch {
	case n == nil:
		return
	case n.kind == scalarNode && n.text == "blank":
		d.Footer.Blank = true
		return
	case !c.keys(n, "footer", "rows", "from", "blank"):
		return
	}
	d.Footer.Rows, _ = c.whole(n.get("rows"), 1, 1000)
	d.Footer.From = c.optionalText(n, "from")
	if b := n.get("blank"); b != nil {
		d.Footer.Blank = c.yes(b)
	}
}

func (c *compiler) records(n *node, d *table.Dialect) {
	if n == nil || !c.keys(n, "records", "column", "header", "body", "totals", "context", "ignore") {
		return
	}
	r := &table.Records{Header: c.optionalText(n, "header"), Ignore: c.texts(n.get("ignore"))}
	c.body(n.get("body"), r)
	r.Column = 1
	if col := n.get("column"); col != nil {
		r.Column, _ = c.whole(col, 1, 16_384)
	}
	if len(r.Body) == 0 {
		c.at(n, "say body: [KIND]", "records names no kind of row as the body")
	}
	if t := n.get("totals"); t != nil && t.kind != mappingNode {
		r.Totals = c.texts(t)
	} else {
		c.pairs(t, "totals", func(kind, layout *node) {
			r.Totals = append(r.Totals, kind.text)
			c.totals(kind.text, layout, false)
		})
	}
	if x := n.get("context"); x != nil && x.kind != mappingNode {
		r.Context = c.texts(x)
	} else {
		c.pairs(x, "context", func(kind, fields *node) {
			r.Context = append(r.Context, kind.text)
			c.kindContext(kind.text, fields, false)
		})
	}
	d.Records = r
}

func (c *compiler) currency(n *node, s string) record.Currency {
	currency, err := record.ParseCurrency(s)
	if err != nil {
		c.at(n, "", "%v", err)
	}
	return currency
}

// zone compiles an IANA name, or {from: header, names: {LABEL: zone}, dst}.
func (c *compiler) zone(n *node) *zone {
	if n == nil {
		return nil
	}
	if n.kind == scalarNode {
		return &zone{loc: c.location(n)}
	}
	if !c.keys(n, "timezone", "zone", "from", "names", "dst") {
		return nil
	}
	z := &zone{names: map[string]*time.Location{}}
	switch c.choice(n.get("dst"), "error", "error", "earlier", "later") {
	case "earlier":
		z.policy = dstEarlier
	case "later":
		z.policy = dstLater
	}
	if name := n.get("zone"); name != nil {
		z.loc = c.location(name)
	}
	from := n.get("from")
	switch {
	case from == nil && z.loc == nil:
		c.at(n, "say timezone: Europe/Berlin, or {from: Header, names: {CET: Europe/Berlin}}", "timezone names no zone")
		return nil
	case from == nil:
		return z
	case z.loc != nil:
		c.at(from, "keep one of them", "timezone says both zone and from")
	}
	c.pairs(n.get("names"), "names", func(label, name *node) {
		z.names[strings.ToLower(label.text)] = c.location(name)
	})
	z.column = c.hiddenColumn(from)
	z.loc = nil
	return z
}

func (c *compiler) location(n *node) *time.Location {
	s, ok := c.text(n)
	if !ok {
		return time.UTC
	}
	if s = c.param(n, s); s == "" {
		return time.UTC
	}
	loc, err := loadZone(s)
	if err != nil {
		c.at(n, "write an IANA name such as Europe/Berlin, America/Los_Angeles or UTC", "%v", err)
		return time.UTC
	}
	return loc
}

// loadZone takes IANA names only: never the machine's zone, and none of the
// abbreviations that the database also holds, because "EST" or "CET" there is
// not what people mean by it.
func loadZone(name string) (*time.Location, error) {
	if name != "UTC" && !strings.Contains(name, "/") {
		return nil, fmt.Errorf("%q is not the name of a time zone", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not the name of a time zone", name)
	}
	return loc, nil
}
