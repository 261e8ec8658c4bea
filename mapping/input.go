package mapping

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/internal/yamltree"
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
	if !c.Keys(n, "input", inputKeys...) {
		return
	}
	d := &m.dialect
	d.Format = table.Format(c.Choice(n.Get("format"), "csv", "csv", "xlsx"))
	d.Encoding = c.setting(n.Get("encoding"))
	d.Sheet = c.setting(n.Get("sheet"))
	d.Delimiter = c.character(n.Get("delimiter"), map[string]rune{"tab": '\t', "comma": ',', "semicolon": ';', "pipe": '|'})
	d.Quote = c.character(n.Get("quote"), map[string]rune{"none": table.NoQuote})
	if r := c.character(n.Get("decimal"), nil); r != 0 {
		m.input.numbers.decimal = r
	}
	m.input.numbers.group = c.character(n.Get("thousands"), map[string]rune{"none": 0, "blank": ' ', "space": ' '})
	c.marks(n, m.input.numbers)
	m.input.empty = c.Texts(n.Get("empty"))
	switch c.Choice(n.Get("ragged"), "error", "error", "pad", "allow") {
	case "pad":
		d.Ragged = table.RaggedPad
	case "allow":
		d.Ragged = table.RaggedAllow
	}
	m.input.strip = c.notEmpty(n.Get("strip"))
	c.header(n.Get("header"), d)
	m.input.zone = c.zone(n.Get("timezone"))
	c.records(n.Get("records"), d)
	c.stackedTables(n, d)
	d.Headings = c.notEmpty(n.Get("headings"))
	c.footer(n.Get("footer"), d)
	c.context(n.Get("context"))
}

func (c *compiler) marks(n *node, f numberFormat) {
	if !strings.ContainsRune(".,·'", f.decimal) {
		c.At(n.Get("decimal"), "", "the decimal mark must be . or , not %q", f.decimal)
	}
	if f.group == f.decimal {
		c.At(orNode(n.Get("thousands"), n), "", "the decimal mark and the mark between thousands are both %q", f.group)
	} else if f.group >= '0' && f.group <= '9' {
		c.At(n.Get("thousands"), "", "a digit cannot be the mark between thousands")
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
	s, ok := c.Text(n)
	if !ok {
		return 0
	}
	s = c.param(n, s)
	if r, ok := words[s]; ok {
		return r
	}
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 || size != len(s) || r == utf8.RuneError {
		c.At(n, "words: "+strings.Join(sortedKeys(words), ", "), "must be one character, not %q", s)
		return 0
	}
	return r
}

// setting is a text that may be a param; "" when it is not there.
func (c *compiler) setting(n *node) string {
	s, ok := c.Text(n)
	if !ok {
		return ""
	}
	return c.param(n, s)
}

func (c *compiler) header(n *node, d *table.Dialect) {
	switch {
	case n == nil:
		return
	case n.Kind == yamltree.Scalar && n.Text == "none":
		d.Header.None = true
		return
	case n.Kind == yamltree.Scalar:
		c.At(n, "header: {row: 1}, header: {find: [Name, Name]} or header: none", "header cannot be %q", n.Text)
		return
	}
	if !c.Keys(n, "header", "row", "find", "within") {
		return
	}
	d.Header.Row, _ = c.Whole(n.Get("row"), 1, 1_000_000)
	d.Header.Find = c.notEmpty(n.Get("find"))
	d.Header.Within, _ = c.Whole(n.Get("within"), 1, 100_000)
	if d.Header.Row > 0 && d.Header.Find != nil {
		c.At(n, "keep one of them", "header says both row and find")
	}
}

func (c *compiler) footer(n *node, d *table.Dialect) {
	switch {
	case n == nil:
		return
	case n.Kind == yamltree.Scalar && n.Text == "blank":
		d.Footer.Blank = true
		return
	case !c.Keys(n, "footer", "rows", "from", "blank"):
		return
	}
	d.Footer.Rows, _ = c.Whole(n.Get("rows"), 1, 1000)
	d.Footer.From = c.OptionalText(n, "from")
	if b := n.Get("blank"); b != nil {
		d.Footer.Blank = c.Yes(b)
	}
}

func (c *compiler) records(n *node, d *table.Dialect) {
	if n == nil || !c.Keys(n, "records", "column", "header", "body", "totals", "context", "ignore") {
		return
	}
	r := &table.Records{Header: c.OptionalText(n, "header"), Ignore: c.Texts(n.Get("ignore"))}
	c.body(n.Get("body"), r)
	r.Column = 1
	if col := n.Get("column"); col != nil {
		r.Column, _ = c.Whole(col, 1, 16_384)
	}
	if len(r.Body) == 0 {
		c.At(n, "say body: [KIND]", "records names no kind of row as the body")
	}
	if t := n.Get("totals"); t != nil && t.Kind != yamltree.Map {
		r.Totals = c.Texts(t)
	} else {
		c.Pairs(t, "totals", func(kind, layout *node) {
			r.Totals = append(r.Totals, kind.Text)
			c.totals(kind.Text, layout, false)
		})
	}
	if x := n.Get("context"); x != nil && x.Kind != yamltree.Map {
		r.Context = c.Texts(x)
	} else {
		c.Pairs(x, "context", func(kind, fields *node) {
			r.Context = append(r.Context, kind.Text)
			c.kindContext(kind.Text, fields, false)
		})
	}
	d.Records = r
}

func (c *compiler) currency(n *node, s string) record.Currency {
	currency, err := record.ParseCurrency(s)
	if err != nil {
		c.At(n, "", "%v", err)
	}
	return currency
}

// zone compiles an IANA name, or {from: header, names: {LABEL: zone}, dst}.
func (c *compiler) zone(n *node) *zone {
	if n == nil {
		return nil
	}
	if n.Kind == yamltree.Scalar {
		return &zone{loc: c.location(n)}
	}
	if !c.Keys(n, "timezone", "zone", "from", "names", "dst") {
		return nil
	}
	z := &zone{names: map[string]*time.Location{}}
	switch c.Choice(n.Get("dst"), "error", "error", "earlier", "later") {
	case "earlier":
		z.policy = dstEarlier
	case "later":
		z.policy = dstLater
	}
	if name := n.Get("zone"); name != nil {
		z.loc = c.location(name)
	}
	from := n.Get("from")
	switch {
	case from == nil && z.loc == nil:
		c.At(n, "say timezone: Europe/Berlin, or {from: Header, names: {CET: Europe/Berlin}}", "timezone names no zone")
		return nil
	case from == nil:
		return z
	case z.loc != nil:
		c.At(from, "keep one of them", "timezone says both zone and from")
	}
	c.Pairs(n.Get("names"), "names", func(label, name *node) {
		z.names[strings.ToLower(label.Text)] = c.location(name)
	})
	z.column = c.hiddenColumn(from)
	z.loc = nil
	return z
}

func (c *compiler) location(n *node) *time.Location {
	s, ok := c.Text(n)
	if !ok {
		return time.UTC
	}
	if s = c.param(n, s); s == "" {
		return time.UTC
	}
	loc, err := loadZone(s)
	if err != nil {
		c.At(n, "write an IANA name such as Europe/Berlin, America/Los_Angeles or UTC", "%v", err)
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
