package exporter

import (
	"time"
)

// A draft is a small sheet in memory: its length is known before it is written,
// and its lines can refer to each other.
type draft struct{ rows []draftRow }

// A draftRow is one row: titles, or marks, or neither for an empty one.
type draftRow struct {
	role   role
	titles []string
	marks  []mark
}

// A mark is a cell with its look, and the formula that it is the result of.
type mark struct {
	cell
	role    role
	formula string
}

// at is the number of the next row.
func (d *draft) at() int { return len(d.rows) + 1 }

func (d *draft) skip(n int) { d.rows = append(d.rows, make([]draftRow, n)...) }

// width is how many columns the widest row has.
func (d *draft) width() (n int) {
	for _, row := range d.rows {
		n = max(n, len(row.titles), len(row.marks))
	}
	return n
}

// header adds a row of titles; see [sheet.header].
func (d *draft) header(titles ...string) { d.rows = append(d.rows, draftRow{titles: titles}) }

// add adds a row of cells that all look alike.
func (d *draft) add(r role, cells ...cell) {
	row := draftRow{role: r}
	for _, c := range cells {
		row.marks = append(row.marks, mark{cell: c, role: r})
	}
	d.rows = append(d.rows, row)
}

// addMarks adds a row of marks.
func (d *draft) addMarks(marks ...mark) { d.rows = append(d.rows, draftRow{marks: marks}) }

// write writes all rows.
func (s *sheet) write(d *draft) error {
	for _, row := range d.rows {
		switch {
		case row.titles != nil:
			if err := s.header(row.titles...); err != nil {
				return err
			}
			continue
		case row.marks == nil:
			s.skip(1)
			continue
		}
		if err := s.next(row.role); err != nil {
			return err
		}
		for i := range row.marks {
			m := &row.marks[i]
			if err := s.put(&m.cell, time.UTC, m.role, m.formula); err != nil {
				return err
			}
		}
	}
	return nil
}
