package sniff

import (
	"slices"

	"github.com/payrec/payrec/internal/cardnumber"
	"github.com/payrec/payrec/internal/table"
)

// A body tells the rows that a file is about from the others, and gathers them.
type body struct {
	f       *Finding
	header  *row // or nil
	xlsx    bool
	kinds   map[string]bool // of a framed file's body, else nil
	columns []*column

	rows         int64
	odd, repeats int64
	long         bool // some rows have empty cells behind the header's last
	firstOdd     int
	firstRepeat  int
}

func (f *Finding) newBody(s *sample) *body {
	b := &body{f: f, xlsx: s.xlsx}
	width := 0
	if s.header >= 0 {
		b.header = &s.rows[s.header]
		width = len(b.header.cells)
	}
	if f.Kinds != nil {
		b.kinds = bodyKinds(s)
		clear(f.Kinds) // counted anew, with what stands behind the sample
	}
	if b.header == nil {
		for _, r := range s.rows {
			if b.kinds == nil || b.kinds[kindOf(r)] {
				width = max(width, len(r.cells))
			}
		}
	}
	for i := range width {
		c := &column{}
		if b.header != nil {
			c.name = b.header.cells[i]
		}
		c.hint = hintOf(c.name)
		c.secret = cardnumber.SecretOf(c.name)
		b.columns = append(b.columns, c)
	}
	return b
}

// see takes a row that is not blank; sampled says whether guesses may rest on it.
func (b *body) see(r row, sampled bool) {
	if b.f.Kinds != nil {
		b.countKind(kindOf(r))
	}
	if b.header != nil {
		if r.line <= b.header.line {
			return
		}
		if slices.Equal(r.cells, b.header.cells) {
			if b.repeats++; b.firstRepeat == 0 {
				b.firstRepeat = r.line
			}
			return
		}
	}
	if !b.belongs(r) {
		return
	}
	b.rows++
	if b.header != nil && !b.xlsx && len(r.cells) > len(b.header.cells) {
		b.long = true
	}
	for i, cell := range r.cells[:min(len(r.cells), len(b.columns))] {
		if sampled {
			b.columns[i].look(cell, isNumeric(r, i))
		}
		if blank(cell) {
			continue
		}
		b.columns[i].filled++
	}
}

// belongs says whether a row behind the header is of the body. Rows of another
// width are counted apart: totals, or faults of the file.
func (b *body) belongs(r row) bool {
	if b.kinds != nil {
		return b.kinds[kindOf(r)] && (b.header == nil || fit(*b.header, r, false))
	}
	wide := b.header == nil || fit(*b.header, r, false)
	if b.xlsx && b.header != nil {
		wide = lastFilled(r.cells) <= len(b.header.cells)
	}
	if !wide {
		if b.odd++; b.firstOdd == 0 {
			b.firstOdd = r.line
		}
	}
	return wide
}

func (b *body) countKind(kind string) {
	kind = cardnumber.Mask(clean(kind))
	if _, ok := b.f.Kinds[kind]; !ok && len(b.f.Kinds) >= mostCounted {
		kind = otherKinds
	}
	b.f.Kinds[kind]++
}

// decimal is the decimal mark of the file's amounts.
func (b *body) decimal() string {
	points, commas := 0, 0
	for _, c := range b.columns {
		if c.kind == "money" || c.kind == "number" {
			points += c.points
			commas += c.commas
		}
	}
	switch {
	case points > commas:
		return "."
	case commas > points:
		return ","
	}
	return ""
}

// blank is what the table package takes for blank.
func blank(s string) bool { return s == "" || table.Normalize(s) == "" }

// nothing counts the columns in which tokens stand for empty cells.
func (b *body) nothing() int {
	n := 0
	for _, c := range b.columns {
		count(&n, c.nothing > 0)
	}
	return n
}
