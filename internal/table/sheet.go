package table

import (
	"fmt"
	"io"
	"strconv"
)

// maxRows is the number of a sheet's last possible row.
const maxRows = 1 << 20

// A sheet streams the rows of a workbook's sheet. Rows that the file leaves
// out are not invented; the numbers of those that it has are right.
type sheet struct {
	*part
	shared  *sharedStrings
	limits  Limits
	row     int // number of the last row
	inData  bool
	cells   []string
	numeric []bool
	within  []span // where a cell's text stands in text
	filled  int    // cells up to the last one that the row names
	size    int    // bytes of the cells' texts
	text    []byte // of all cells that refer to no shared text; it becomes one string
	bad     *fault
}

// openSheet makes the chosen sheet the source.
func (r *Reader) openSheet(b *workbook) error {
	ref, err := b.choose(r.d.Sheet)
	if err != nil {
		return err
	}
	r.sheet, r.date1904 = ref.name, b.date1904
	shared, err := b.readStrings()
	if err != nil {
		return err
	}
	r.closers = append(r.closers, shared)
	p, err := b.openPart(ref.part)
	if err != nil {
		return err
	}
	r.closers = append(r.closers, p.file)
	r.src = &sheet{part: p, shared: shared, limits: b.limits}
	return nil
}

// next implements source.
func (s *sheet) next(l *line) error {
	for {
		t, err := s.token()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF // </sheetData> comes before the end
		}
		if err != nil {
			return s.broken(err)
		}
		switch t.kind {
		case startTag:
			switch {
			case string(t.name) == "sheetData":
				s.inData = true
			case string(t.name) == "row" && s.inData:
				return s.readRow(t, l)
			}
		case endTag:
			if string(t.name) == "sheetData" || string(t.name) == "worksheet" && !s.inData {
				if err := s.rest(); err != nil {
					return s.broken(err)
				}
				return io.EOF
			}
		}
	}
}

// broken places an error of the container behind the last row that was read.
func (s *sheet) broken(err error) error {
	f := s.damaged(err)
	if f.at == 0 {
		f.at = s.row
	}
	return f
}

// readRow reads a row element to its end.
func (s *sheet) readRow(t *token, l *line) error {
	number := s.row + 1
	if r := t.attr("r"); len(r) > 0 {
		n, err := strconv.Atoi(string(r))
		if err != nil || n <= s.row {
			return s.broken(fmt.Errorf("row %q after row %d", cut(string(r)), s.row))
		}
		number = n
	}
	if number > maxRows {
		return s.broken(fmt.Errorf("row %d is past a sheet's last, %d", number, maxRows))
	}
	clear(s.cells[:s.filled])
	clear(s.numeric[:s.filled])
	clear(s.within[:s.filled])
	s.row, s.bad, s.filled, s.size, s.text = number, nil, 0, 0, s.text[:0]
	for {
		t, err := s.token()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return s.broken(err)
		}
		switch t.kind {
		case startTag:
			if string(t.name) == "c" {
				if err := s.readCell(t); err != nil {
					return s.broken(err)
				}
			}
		case endTag:
			if string(t.name) == "row" {
				s.divide()
				*l = line{at: number, span: 1, cells: s.cells[:s.filled], numeric: s.numeric[:s.filled], err: s.bad}
				return nil
			}
		}
	}
}

// divide makes the row's text one string, and divides it among its cells.
func (s *sheet) divide() {
	text := string(s.text)
	for i, w := range s.within[:s.filled] {
		if w.from < w.to {
			s.cells[i] = text[w.from:w.to]
		}
	}
}

// spot is the index of a cell by its reference. A cell without one follows the
// one before; one that stands twice, or goes back, is the row's fault.
func (s *sheet) spot(t *token) (int, error) {
	i := s.filled
	if ref := t.attr("r"); len(ref) > 0 {
		n, ok := column(ref)
		if !ok {
			return 0, fmt.Errorf("cell reference %q", cut(string(ref)))
		}
		if n < i {
			s.fault(n, string(ref), "the row has this cell twice, or its cells out of order", "save the workbook again in a spreadsheet program")
			n = i
		}
		i = n
	}
	if i >= s.limits.Columns {
		return 0, &fault{cell: -1, msg: fmt.Sprintf("has cells past column %d", s.limits.Columns)}
	}
	for len(s.cells) <= i {
		s.cells, s.numeric, s.within = append(s.cells, ""), append(s.numeric, false), append(s.within, span{})
	}
	s.filled = i + 1
	return i, nil
}

// column is the index, from 0, in a reference such as AB12.
func column(ref []byte) (int, bool) {
	n, i := 0, 0
	for ; i < len(ref) && i < 4 && 'A' <= ref[i]&^0x20 && ref[i]&^0x20 <= 'Z'; i++ {
		n = n*26 + int(ref[i]&^0x20-'A') + 1
	}
	for _, c := range ref[i:] {
		if c < '0' || '9' < c {
			return 0, false
		}
	}
	return n - 1, 0 < i && i < len(ref)
}

func (s *sheet) fault(cell int, value, msg, hint string) {
	if s.bad == nil {
		s.bad = &fault{at: s.row, cell: cell, value: value, msg: msg, hint: hint}
	}
}

// readCell reads a c element to its end. Its text comes behind that of the
// cells before it.
func (s *sheet) readCell(t *token) error {
	i, err := s.spot(t)
	if err != nil {
		return err
	}
	kind, from := kindOf(t.attr("t")), len(s.text)
	value, formula, inValue := false, false, false
	for {
		t, err := s.token()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		switch t.kind {
		case startTag:
			switch string(t.name) {
			case "v":
				value, inValue = true, true
			case "f":
				formula = true
			case "is":
				value = true
				if s.text, err = s.richText(s.text, "is"); err != nil {
					return err
				}
			}
		case charData:
			if inValue {
				s.text = append(s.text, t.text...)
			}
		case endTag:
			switch string(t.name) {
			case "v":
				inValue = false
			case "c":
				return s.setCell(i, from, kind, value, formula)
			}
		}
		if len(s.text)-from > s.limits.Cell {
			return &fault{cell: i, msg: fmt.Sprintf("cell is longer than %d bytes", s.limits.Cell)}
		}
	}
}
