package table

import (
	"fmt"
	"sort"
	"strings"
)

// frames are a framed file's kinds of row, looked up by discriminator.
type frames struct {
	column   int // from 0
	header   string
	roles    map[string]Role // by exact name
	patterns []pattern       // in the order of the lists
	layouts  map[string]*Columns
	rejects  bool // the file is a rejects file of payrec's own; see mark
}

type pattern struct {
	glob string
	role Role
}

func newFrames(rec Records) *frames {
	f := &frames{column: max(rec.Column, 1) - 1, header: trim(rec.Header), roles: map[string]Role{}, layouts: map[string]*Columns{}}
	for kind, names := range rec.Layouts {
		f.layouts[trim(kind)] = NewColumns(names)
	}
	add := func(kinds []string, role Role) {
		for _, k := range kinds {
			k = trim(k)
			if strings.Contains(k, "*") {
				f.patterns = append(f.patterns, pattern{k, role})
			} else if _, ok := f.roles[k]; !ok {
				f.roles[k] = role
			}
		}
	}
	if f.header != "" {
		f.roles[f.header] = HeaderRow
	}
	add(rec.Body, Body)
	add(rec.Totals, Total)
	add(rec.Context, Context)
	add(rec.Ignore, Ignored)
	return f
}

func (f *frames) role(kind string) (Role, bool) {
	if role, ok := f.roles[kind]; ok {
		return role, true
	}
	for _, p := range f.patterns {
		if glob(p.glob, kind) {
			return p.role, true
		}
	}
	return Body, false
}

// known lists the kinds for a message.
func (f *frames) known() string {
	var kinds []string
	for k := range f.roles {
		kinds = append(kinds, fmt.Sprintf("%q", k))
	}
	sort.Strings(kinds)
	for _, p := range f.patterns {
		kinds = append(kinds, fmt.Sprintf("%q", p.glob))
	}
	return strings.Join(kinds, ", ")
}

// mark takes the row that opens a rejects file of payrec's own where no header
// row could tell: it has the names of the columns that payrec added, which stand
// behind each row's own.
func (f *frames) mark(cells []string) bool {
	if len(f.layouts) == 0 || len(cells) == 0 || trim(cells[0]) != "payrec_line" || !NewColumns(cells).rejects {
		return false
	}
	for kind, layout := range f.layouts {
		f.layouts[kind] = NewColumns(append(layout.Names(), cells...))
	}
	f.rejects = true
	return true
}

// classifyFramed gives a row of a framed file its kind and role.
func (r *Reader) classifyFramed() {
	row, f := &r.row, r.frames
	if !f.rejects && f.mark(row.Cells) {
		row.Role = Ignored
		return
	}
	cell, ok := row.Cell(f.column)
	row.Kind = trim(cell)
	role, known := f.role(row.Kind)
	row.Role = role
	layout := f.layouts[row.Kind]
	if layout != nil && role != HeaderRow {
		row.Header = layout
	}
	if f.rejects {
		for i, c := range row.Cells {
			row.Cells[i] = Unguard(c)
		}
	}
	switch {
	case role == HeaderRow, r.finder != nil && r.finder.hasAll(row.Cells):
		r.newHeader()
	case !ok:
		row.Role = Body
		r.spoil(&fault{at: row.Pos.Line, cell: -1, msg: fmt.Sprintf("row has %s, and the kind of record stands in column %d", count(len(row.Cells)), f.column+1)})
	case !known:
		r.spoil(&fault{at: row.Pos.Line, cell: f.column, value: cell,
			msg: "is no kind of record that is known here", hint: "known are " + f.known() + "; add it to body, totals, context or ignore"})
	case role == Body && f.header != "" && row.Header == nil:
		r.spoil(&fault{at: row.Pos.Line, cell: -1, msg: fmt.Sprintf("row comes before any header row, whose kind is %q", f.header),
			hint: "the file may be cut; fetch it again"})
	}
}
