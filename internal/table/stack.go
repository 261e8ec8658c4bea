package table

import (
	"fmt"
	"slices"
	"strings"
)

// A stack is the tables of a file, and which of them the rows are in.
type stack struct {
	tables  []stacked
	current int  // -1: in none
	found   bool // the header of a table with a body was seen
	rows    int
	best    *line // as of a finder: the row that came nearest to a body's header
	missed  []string
}

type stacked struct {
	Table
	finder *finder
	header *Columns // its last one
}

func newStack(d Dialect) *stack {
	s := &stack{current: -1}
	for _, t := range d.Tables {
		own := d
		own.Header = Header{Find: t.Find}
		s.tables = append(s.tables, stacked{Table: t, finder: newFinder(own)})
	}
	return s
}

// checkTables refuses tables that make no sense, and fills in their defaults.
func (d *Dialect) checkTables(bad func(format string, args ...any) error) error {
	if len(d.Tables) == 0 {
		return nil
	}
	if d.Records != nil || d.Header.Row > 0 || d.Header.None || len(d.Header.Find) > 0 {
		return bad("a file of several tables has no header or records besides theirs")
	}
	names, body := map[string]bool{}, false
	d.Tables = slices.Clone(d.Tables) // the caller's stay as they are
	for i := range d.Tables {
		t := &d.Tables[i]
		if t.Role == Preamble {
			t.Role = Body
		}
		switch {
		case names[t.Name]:
			return bad("two tables are called %q", t.Name)
		case len(t.Find) == 0:
			return bad("the table %q says not by which names its header is found", t.Name)
		case t.Role != Body && t.Role != Total && t.Role != Context && t.Role != Ignored:
			return bad("the rows of the table %q cannot be %s", t.Name, t.Role)
		}
		names[t.Name], body = true, body || t.Role == Body
	}
	if !body {
		return bad("no table is the body")
	}
	return nil
}

// begins is the table whose header the row is, or -1.
func (s *stack) begins(cells []string) int {
	best := -1
	for i := range s.tables {
		t := &s.tables[i]
		if (best < 0 || len(t.Find) > len(s.tables[best].Find)) && t.finder.hasAll(cells) {
			best = i
		}
	}
	return best
}

// blank takes a blank row.
func (s *stack) blank() {
	if s.current >= 0 && s.tables[s.current].Blank {
		s.current = -1
	}
}

// classifyStacked gives a row of a file of several tables its table and role.
func (r *Reader) classifyStacked() {
	row, s := &r.row, r.stack
	s.rows++
	if i := s.begins(row.Cells); i >= 0 {
		t := &s.tables[i]
		r.header = t.header
		r.newHeader()
		t.header = r.header
		s.current, s.found = i, s.found || t.Role == Body
		row.Kind = t.Name
		return
	}
	switch {
	case s.current >= 0:
		row.Role, row.Kind = s.tables[s.current].Role, s.tables[s.current].Name
	case r.header == nil:
		row.Role = Preamble
	default:
		row.Role, row.Header = FooterRow, nil
	}
	if !s.found {
		s.note(row)
	}
}

// note remembers the row that comes nearest to the header of a body.
func (s *stack) note(row *Row) {
	for _, t := range s.tables {
		if t.Role != Body || s.rows > 1000 {
			continue
		}
		t.finder.note(row)
		if b := t.finder.best; b != nil && (s.best == nil || len(t.finder.missed) < len(s.missed)) {
			s.best, s.missed = b, t.finder.missed
		}
	}
}

// missing says that no table with a body has come.
func (s *stack) missing() *fault {
	var wanted []string
	for _, t := range s.tables {
		if t.Role == Body {
			wanted = append(wanted, fmt.Sprintf("%q (%s)", t.Name, quoted(t.Find)))
		}
	}
	f := &fault{cell: -1, msg: fmt.Sprintf("none of the %d rows is the header of the table %s", s.rows, strings.Join(wanted, " or "))}
	if s.best != nil {
		f.hint = fmt.Sprintf("row %d has its columns but for %s", s.best.at, quoted(s.missed))
		if near := NewColumns(s.best.cells).Suggest(s.missed[0]); near != "" {
			f.hint += fmt.Sprintf(" (did you mean %q?)", near)
		}
	}
	return f
}
