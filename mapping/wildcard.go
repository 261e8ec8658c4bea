package mapping

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/internal/yamltree"
	"github.com/payrec/payrec/record"
)

// Columns whose names the mapping does not know.
//
// Some reports have a column for every key of the payments' metadata:
// payment_metadata[order], payment_metadata[shop]. Under metadata, "*" takes
// all columns of a pattern; the text that its star stands for is the key.
// A pair with a value that is written out wins, and a column that is declared
// sensitive is never taken.

// A wildcard is the columns that become metadata.
type wildcard struct {
	node          *node
	before, after string // of the star, in lower case
	drop          []glob // keys that are not taken
	mask          []glob // keys of which only the end of the value is
}

// wildcard compiles the pair "*" of metadata.
func (c *compiler) wildcard(e *emit, key, value *node) {
	if value.Kind == yamltree.Scalar {
		value = &node{File: value.File, Line: value.Line, Col: value.Col, Kind: yamltree.Map,
			Entries: []yamltree.Entry{{Key: &node{Kind: yamltree.Scalar, Text: "columns"}, Value: value}}}
	}
	if !c.Keys(value, `metadata "*"`, "columns", "drop", "mask") {
		return
	}
	w := &wildcard{node: value}
	pattern := c.OptionalText(value, "columns")
	if strings.Count(pattern, "*") != 1 {
		c.At(value, `say columns: 'payment_metadata[*]'`, `metadata "*" needs a pattern of headers with one star, not %q`, pattern)
		return
	}
	w.before, w.after, _ = strings.Cut(strings.ToLower(pattern), "*")
	for _, s := range c.Texts(value.Get("drop")) {
		w.drop = append(w.drop, newGlob(s))
	}
	for _, s := range c.Texts(value.Get("mask")) {
		w.mask = append(w.mask, newGlob(s))
	}
	if e.wildcard != nil {
		c.At(key, "keep one of them", `metadata "*" is set twice`)
	}
	e.wildcard = w
}

// key is what the star stands for in a header; "" when the header is not of
// the pattern.
func (w *wildcard) key(header string) string {
	header = trimBlanks(header)
	lower := strings.ToLower(header)
	if len(lower) != len(header) || len(lower) <= len(w.before)+len(w.after) || !strings.HasPrefix(lower, w.before) || !strings.HasSuffix(lower, w.after) {
		return ""
	}
	return trimBlanks(header[len(w.before) : len(header)-len(w.after)])
}

// A wildColumn is a column that a wildcard takes.
type wildColumn struct {
	cell      int
	key, name string
	masked    bool
	twice     bool // another column has the same key
}

// columns are those that a wildcard takes under the header in force.
func (v *values) wildColumns(w *wildcard) []wildColumn {
	header := v.row.Header
	if v.wild == nil {
		v.wild = map[*wildcard]wildBinding{}
	}
	if b := v.wild[w]; b.header == header {
		return b.columns
	}
	b := wildBinding{header: header}
	if header != nil {
		for i, name := range header.Names() {
			key := w.key(name)
			if key == "" || matchesAny(w.drop, key) || v.isSensitiveCell(i) {
				continue
			}
			twice := slices.ContainsFunc(b.columns, func(c wildColumn) bool { return c.key == key })
			b.columns = append(b.columns, wildColumn{i, key, trimBlanks(name), matchesAny(w.mask, key), twice})
		}
	}
	v.wild[w] = b
	return b.columns
}

type wildBinding struct {
	header  *table.Columns
	columns []wildColumn
}

func matchesAny(globs []glob, s string) bool {
	for _, g := range globs {
		if g.match(s) {
			return true
		}
	}
	return false
}

func (v *values) isSensitiveCell(cell int) bool {
	for _, c := range v.m.columns {
		if c.sensitive && c.context == nil && v.cells[c.ordinal] == cell {
			return true
		}
	}
	return false
}

// wildcard puts the columns of a wildcard into a call's metadata.
func (v *values) wildcard(p *record.Params, w *wildcard, note func(*RowProblem)) {
	if w == nil {
		return
	}
	for _, c := range v.wildColumns(w) {
		text, _ := v.row.Cell(c.cell)
		text = v.m.input.stripped(trimBlanks(text))
		switch {
		case text == "" || slices.Contains(v.m.input.empty, text):
			continue
		case strings.HasPrefix(strings.ToLower(c.key), "payrec_"):
			note(&RowProblem{Code: "invalid_field", Column: c.name, Value: cutText(text, 80), Msg: "would be one of payrec's own keys of metadata", Hint: `add it to drop, under metadata "*"`})
			continue
		case c.twice:
			note(&RowProblem{Code: "invalid_field", Column: c.name, Value: cutText(text, 80), Msg: fmt.Sprintf("has the key %q of metadata, as another column has", c.key), Hint: `add it to drop, under metadata "*"`})
			continue
		case c.masked:
			text = masked(text)
		}
		if path := "metadata." + c.key; !has(*p, path) {
			p.Set(path, strings.Clone(text))
		}
	}
}

func has(p record.Params, path string) bool {
	_, ok := p.Get(path)
	return ok
}

// masked keeps the last four characters of a text that has more than eight.
func masked(s string) string {
	n := utf8.RuneCountInString(s)
	if n <= 8 {
		return "****"
	}
	r := []rune(s)
	return "****" + string(r[n-4:])
}
