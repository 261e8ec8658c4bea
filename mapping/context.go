package mapping

import (
	"regexp"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/internal/yamltree"
)

// Context: values that the file states once, for all rows that follow.
//
// They come from a line above the table, a cell beside a label, a record or
// table of another kind, a row of the body that is not like the others, or the
// name of the file or sheet. A value holds until the file states it again, and
// is forgotten with the end of the file. For rules and expressions it is a
// column like any other. One that `input: context` asks for and that the file
// has not stated before a row needs it makes the whole file doubtful: Fatal.

// A source is where a context column's text comes from: one of its fields is set.
type source struct {
	ofKind  bool   // a cell of a row of this kind or table
	kind    string // may be empty: rows whose discriminator is
	place   place
	rightOf []string // labels, as table.Normalize has them
	below   []string
	line    *regexp.Regexp // first group, of a cell or a whole line outside the body
	file    *regexp.Regexp
	sheet   *regexp.Regexp
	row     int     // a cell of this line
	first   bool    // the column's own cell, in the first body row below a header
	where   []match // the column's own cell, in a body row that matches
	strict  bool    // the file must state it
}

// ofBody says whether the value stands in rows of the body.
func (s *source) ofBody() bool { return s.first || s.where != nil }

// A place is a cell of a row: by its number from 0, or by its header.
type place struct {
	cell    int
	headers []string
}

// given says whether there is a place at all.
func (p place) given() bool { return p.cell >= 0 || p.headers != nil }

// of is the place's cell in a row, or -1.
func (p place) of(row *table.Row) int {
	if p.headers == nil {
		return p.cell
	}
	if row.Header != nil {
		for _, h := range p.headers {
			if i := row.Header.Index(h, 1); i >= 0 {
				return i
			}
		}
	}
	return -1
}

// String is the place for people.
func (p place) String() string {
	if p.headers != nil {
		return p.headers[0]
	}
	return columnNumber(p.cell + 1)
}

// place reads a cell's number from 1 or, where rows have a header, its name.
func (c *compiler) place(n *node, named bool) place {
	if n == nil {
		return place{cell: -1}
	}
	if n.Kind == yamltree.Null || n.Kind == yamltree.List && len(n.Items) == 0 {
		c.At(n, sayPlace(named), "this says no cell")
		return place{cell: -1}
	}
	if !named && n.Kind == yamltree.List {
		c.At(n, sayPlace(named), "rows of a kind have no header to choose from: one cell, not %s", n.Kind)
		return place{cell: -1}
	}
	if !named || n.Kind == yamltree.Scalar && n.Style == yamltree.Plain && allDigits(n.Text) {
		i, _ := c.Whole(n, 1, 16_384)
		return place{cell: i - 1}
	}
	return place{cell: -1, headers: c.headers(n)}
}

func sayPlace(named bool) string {
	if named {
		return "write a header, several to choose from in […], or the cell's number from 1"
	}
	return "write the cell's number, from 1"
}

// headers reads a header, or several to choose from.
func (c *compiler) headers(n *node) []string {
	list := c.someTexts(n)
	for i, h := range list {
		at := n
		if n.Kind == yamltree.List && i < len(n.Items) {
			at = n.Items[i]
		}
		switch {
		case trimBlanks(h) == "":
			c.At(at, "", "the header is empty")
		case at != n && at.Style == yamltree.Plain && allDigits(h):
			c.At(at, "write a number without the list; or put a header of digits in quotes", "the cell %s cannot be one of several to choose from: headers can", h)
		}
	}
	return list
}

// kindContext compiles the values that rows of one kind lend: a cell each, or
// {from: cell, type: …}.
func (c *compiler) kindContext(kind string, fields *node, named bool) {
	c.Pairs(fields, "context", func(name, value *node) {
		col := c.contextColumn(name)
		from := value
		if value.Kind == yamltree.Map {
			if !c.Keys(value, "context "+quote(name.Text), contextKeys()...) {
				return
			}
			c.typing(col, value)
			from = value.Get("from")
		}
		if from == nil {
			c.At(value, "say from: and the cell's number, or its header", "the context %q names no cell of the row that lends it", name.Text)
		}
		col.context = &source{ofKind: true, kind: kind, place: c.place(from, named)}
		c.addColumn(col)
	})
}

func (c *compiler) contextColumn(name *node) *column {
	return &column{name: name.Text, node: name, occurrence: 1, numbers: c.m.input.numbers, zone: c.m.input.zone}
}

// contextKeys are those of input.context: a column's, and the sources.
func contextKeys() []string {
	keys := []string{"from", "row", "match", "right_of", "below", "line", "file", "sheet"}
	for _, k := range columnKeys {
		if k != "from" && k != "occurrence" && k != "time" {
			keys = append(keys, k)
		}
	}
	return keys
}

// context compiles input.context.
func (c *compiler) context(n *node) {
	c.Pairs(n, "context", func(name, decl *node) {
		if decl.Kind != yamltree.Map {
			c.At(decl, `say {line: 'Currency: (\w+)'}, {right_of: Label}, {below: Label}, {from: Header, row: first}, {file: '…'} or {sheet: '…'}`,
				"the context %q says not where it stands", name.Text)
			return
		}
		if !c.Keys(decl, "context "+quote(name.Text), contextKeys()...) {
			return
		}
		col := c.contextColumn(name)
		c.typing(col, decl)
		col.context = c.source(col, decl)
		c.addColumn(col)
	})
}

// source reads the one source of a context column.
func (c *compiler) source(col *column, decl *node) *source {
	s := &source{strict: true, place: place{cell: -1}}
	given := 0
	for _, key := range []string{"from", "right_of", "below", "line", "file", "sheet"} {
		n := decl.Get(key)
		if n == nil {
			continue
		}
		given++
		switch key {
		case "from":
			c.fromSource(col, s, n, decl)
		case "right_of":
			s.rightOf = normalized(c.someTexts(n))
		case "below":
			s.below = normalized(c.someTexts(n))
		case "line":
			s.line = c.regexp(n, false)
		case "file":
			s.file = c.regexp(n, false)
		case "sheet":
			s.sheet = c.regexp(n, false)
		}
	}
	if given != 1 {
		c.At(decl, "say one of from, right_of, below, line, file and sheet", "the context %q names %s; it has one", col.name, plural(given, "source"))
	}
	for _, key := range []string{"row", "match"} {
		if n := decl.Get(key); n != nil && decl.Get("from") == nil {
			c.At(n, "say from: Header", "%s says which row, but not which cell of it", key)
		}
	}
	return s
}

// fromSource is a cell: of the first row of the body, of rows that match, or of
// one line.
func (c *compiler) fromSource(col *column, s *source, from, decl *node) {
	row, where := decl.Get("row"), decl.Get("match")
	switch {
	case row != nil && where != nil || row == nil && where == nil:
		c.At(decl, "say row: first, row: 2, or match: {Header: text}", "the context %q says not in which row it stands", col.name)
		return
	case row != nil && row.Text != "first":
		s.row, _ = c.Whole(row, 1, 1_000_000)
		s.place = c.place(from, false)
		return
	case row != nil:
		s.first = true
	default:
		s.where = []match{}
		c.Pairs(where, "match", func(header, values *node) {
			m := match{name: header.Text, column: c.hiddenColumn(header), globs: c.globs(values)}
			if len(m.globs) == 0 {
				c.At(values, "", "match names no text for %q, so it can never match", header.Text)
			}
			s.where = append(s.where, m)
		})
	}
	c.from(col, from)
}

func normalized(texts []string) []string {
	out := []string{}
	for _, t := range texts {
		out = append(out, label(t))
	}
	return out
}

// label is a label as it is compared: no colon behind it.
func label(s string) string { return table.Normalize(strings.TrimRight(trimBlanks(s), ":")) }

// A statement is a context value that the file has stated.
type statement struct {
	text  string
	known bool
	next  int // below: the cell of the next row that has it; 0 is none, else from 1
}

// newFile forgets what another file stated, and reads this one's name.
func (v *values) newFile(pos table.Pos) {
	clear(v.stated)
	v.underHeader = true
	for _, c := range v.m.contexts {
		for _, x := range []struct {
			re   *regexp.Regexp
			text string
		}{{c.context.file, pos.File}, {c.context.sheet, pos.Sheet}} {
			if x.re != nil {
				v.state(c, x.re, x.text)
			}
		}
		if given, ok := v.given[c.name]; ok {
			v.stated[c.ordinal] = statement{text: given, known: true}
		}
	}
}

// state takes the first group of a match.
func (v *values) state(c *column, re *regexp.Regexp, text string) bool {
	groups := re.FindStringSubmatch(text)
	if groups == nil {
		return false
	}
	v.stated[c.ordinal] = statement{text: strings.Clone(trimBlanks(groups[min(1, len(groups)-1)])), known: true}
	return true
}

// observe takes what a row states for those that follow, and, if it is of the
// body, for itself.
func (v *values) observe(row *table.Row) error {
	if len(v.m.contexts) == 0 || row.Role == table.Blank {
		return nil
	}
	below := v.underHeader
	v.underHeader = row.Role == table.HeaderRow || v.underHeader && row.Role != table.Body
	for _, c := range v.m.contexts {
		s := c.context
		switch {
		case s.row > 0:
			if text, ok := row.Cell(s.place.cell); ok && row.Pos.Line == s.row {
				v.set(c, text)
			}
		case row.Role == table.Body:
			if s.first && below || s.where != nil && v.isWhere(s.where, row) {
				text, _ := row.Cell(v.cells[c.ordinal])
				v.set(c, text)
			}
		case s.ofBody(), row.Role == table.HeaderRow:
		default:
			if err := v.observeLine(c, row); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *values) set(c *column, text string) {
	v.stated[c.ordinal] = statement{text: strings.Clone(trimBlanks(text)), known: true}
}

func (v *values) isWhere(where []match, row *table.Row) bool {
	for i := range where {
		text, _ := row.Cell(v.cells[where[i].column.ordinal])
		if !where[i].accepts(trimBlanks(text)) {
			return false
		}
	}
	return true
}

// observeLine takes what a row outside the body states.
func (v *values) observeLine(c *column, row *table.Row) error {
	s := c.context
	switch {
	case s.ofKind:
		if s.kind != row.Kind || row.Role != table.Context && row.Role != table.Total {
			return nil
		}
		at := s.place.of(row)
		if at < 0 && !c.optional {
			return &table.Error{Pos: row.Pos, Msg: "the rows of " + quote(row.Kind) + " have no column " + quote(s.place.String()), Hint: "the mapping takes the context " + quote(c.name) + " from it"}
		}
		text, _ := row.Cell(at)
		v.set(c, text)
	case s.rightOf != nil:
		v.rightOf(c, row.Cells)
	case s.below != nil:
		v.below(c, row.Cells)
	case s.line != nil:
		for _, cell := range row.Cells {
			if v.state(c, s.line, trimBlanks(cell)) {
				return nil
			}
		}
		v.state(c, s.line, strings.Join(row.Cells, ","))
	}
	return nil
}

// rightOf takes the next text behind a label.
func (v *values) rightOf(c *column, cells []string) {
	found := false
	for _, cell := range cells {
		switch {
		case found && trimBlanks(cell) != "":
			v.set(c, cell)
			return
		case slices.Contains(c.context.rightOf, label(cell)):
			found = true
		}
	}
}

// below takes the text in the next row under a label.
func (v *values) below(c *column, cells []string) {
	st := &v.stated[c.ordinal]
	if next := st.next; next > 0 {
		st.next = 0
		if next <= len(cells) {
			v.set(c, cells[next-1])
		}
	}
	for i, cell := range cells {
		if slices.Contains(c.context.below, label(cell)) {
			v.stated[c.ordinal].next = i + 1
			return
		}
	}
}
