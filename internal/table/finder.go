package table

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A finder tells header rows from others, and why none was found.
type finder struct {
	row     int
	find    []string // normalised; empty: the first row that is not blank
	written []string // find as the dialect has it
	within  int
	delim   rune

	seen    int   // rows before the header
	first   *line // the first of them with text, with copied cells
	best    *line // the row that came nearest, with copied cells
	missed  []string
	other   rune // a delimiter that would have shown the names
	otherAt int
}

func newFinder(d Dialect) *finder {
	f := &finder{row: d.Header.Row, within: d.Header.Within, written: d.Header.Find, delim: d.Delimiter}
	if f.within == 0 {
		f.within = 100
	}
	if d.Format == XLSX {
		f.delim = 0
	}
	for _, name := range d.Header.Find {
		f.find = append(f.find, Normalize(name))
	}
	return f
}

// isHeader says whether a row that is not blank is a header: the first, or
// another one like it further down, where tables are stacked or files joined.
func (f *finder) isHeader(row *Row, have *Columns) bool {
	switch {
	case len(f.find) > 0:
		return f.hasAll(row.Cells)
	case have != nil:
		return sameNames(have.names, row.Cells)
	case f.row > 0:
		return row.Pos.Line == f.row
	}
	return !separatorLine(row)
}

// separatorLine recognises the "sep=;" with which some exports tell Excel
// their delimiter.
func separatorLine(row *Row) bool {
	if row.Pos.Line != 1 || len(row.Cells) == 0 || len(row.Cells) > 2 {
		return false
	}
	after, ok := strings.CutPrefix(strings.ToLower(row.Cells[0]), "sep=")
	if len(row.Cells) == 2 {
		return ok && after == "" && row.Cells[1] == ""
	}
	return ok && utf8.RuneCountInString(after) == 1
}

// hasAll says whether the cells hold all the names.
func (f *finder) hasAll(cells []string) bool {
	// Most rows are not headers, and are told by the first name alone.
	if !f.has(cells, f.find[0]) {
		return false
	}
	for _, name := range f.find[1:] {
		if !f.has(cells, name) {
			return false
		}
	}
	return true
}

func (f *finder) has(cells []string, name string) bool {
	for _, c := range cells {
		if len(c) < len(name) && len(c) < utf8.RuneCountInString(name) || c == "" || name == "" {
			continue
		}
		// An ASCII letter in front settles nearly every cell.
		if a := c[0]; a > ' ' && a < utf8.RuneSelf && lower(a) != name[0] {
			continue
		}
		if Normalize(c) == name {
			return true
		}
	}
	return false
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// passed notes a row before the header, and fails when the header can no longer come.
func (f *finder) passed(row *Row) error {
	f.seen++
	if f.first == nil && !blank(row.Cells) {
		f.first = &line{at: row.Pos.Line, cells: append([]string(nil), row.Cells...)}
	}
	switch {
	case f.row > 0:
		if row.Pos.Line+row.Lines > f.row {
			return f.missing()
		}
	case len(f.find) > 0:
		f.note(row)
		if f.seen >= f.within {
			return f.missing()
		}
	}
	return nil
}

// note remembers the row that comes nearest to the header that is sought.
func (f *finder) note(row *Row) {
	var missed []string
	for i, name := range f.find {
		if !f.has(row.Cells, name) {
			missed = append(missed, f.written[i])
		}
	}
	if len(missed) < len(f.find) && (f.best == nil || len(missed) < len(f.missed)) {
		f.best = &line{at: row.Pos.Line, cells: append([]string(nil), row.Cells...)}
		f.missed = missed
	}
	if f.delim == 0 || f.other != 0 {
		return
	}
	text := strings.Join(row.Cells, string(f.delim))
	for _, d := range ",;\t|" {
		if d == f.delim {
			continue
		}
		cells := strings.Split(text, string(d))
		for i, c := range cells {
			cells[i] = strings.Trim(c, `"`)
		}
		if f.hasAll(cells) {
			f.other, f.otherAt = d, row.Pos.Line
		}
	}
}

// missing says why there is no header, and what the file has instead.
func (f *finder) missing() *fault {
	e := &fault{cell: -1}
	switch {
	case f.row > 0:
		e.msg = fmt.Sprintf("no row with text starts at line %d, where the header is said to be", f.row)
		e.hint = "blank lines count; or find the header by its names"
	case f.seen == 0 && f.delim == 0:
		e.msg = "the sheet is empty, so it has no header"
		e.hint = "say sheet: NAME if another one is meant"
	case f.seen == 0:
		e.msg = "the file is empty, so it has no header"
		e.hint = "export it again, or see to what was to write it"
	case len(f.find) == 0:
		e.msg = "the file has no header: it has no row with any text"
	case f.other != 0:
		e.at = f.otherAt
		e.msg = fmt.Sprintf("the header is cut at %q, not at %q", f.other, f.delim)
		e.hint = fmt.Sprintf("say delimiter: %q", f.other)
	default:
		e.msg = fmt.Sprintf("no header: none of the first %d rows has all the columns %s", f.seen, quoted(f.written))
		if f.best != nil {
			e.hint = fmt.Sprintf("row %d has them but for %s", f.best.at, quoted(f.missed))
			if near := NewColumns(f.best.cells).Suggest(f.missed[0]); near != "" {
				e.hint += fmt.Sprintf(" (did you mean %q?)", near)
			}
		} else if f.first != nil {
			e.hint = f.instead()
		}
	}
	return e
}

// instead says what the file has where a header should be.
func (f *finder) instead() string {
	cells := f.first.cells
	one := len(cells) == 1 && f.delim != 0
	if one && strings.ContainsRune(cells[0], f.delim) && f.hasAll(strings.Split(cells[0], string(f.delim))) {
		return fmt.Sprintf("row %d has them all in one quoted cell: export the file again, or take the quotes around whole lines away", f.first.at)
	}
	unquoted := make([]string, len(cells))
	for i, c := range cells {
		unquoted[i] = strings.Trim(trim(c), `'`+"`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb")
	}
	if f.hasAll(unquoted) {
		return fmt.Sprintf("row %d has them in marks that are no quotes here, as in %q; say which quote the file has", f.first.at, cut(trim(cells[0])))
	}
	shown := make([]string, 0, 5)
	for i, c := range cells {
		if i == 5 {
			shown = append(shown, "…")
			break
		}
		shown = append(shown, fmt.Sprintf("%q", cut(trim(c))))
	}
	text := fmt.Sprintf("row %d is %s", f.first.at, strings.Join(shown, ", "))
	if one {
		text += ", one cell, so the delimiter may be another"
	}
	return text + "; payrec inspect shows what the file is"
}

func quoted(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(q, ", ")
}
