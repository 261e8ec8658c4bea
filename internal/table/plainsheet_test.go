package table

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A plainSheet reads a sheet through encoding/xml in the plainest way, to hold
// the sheet against.
type plainSheet struct {
	dec     *xml.Decoder
	part    *part
	shared  *sharedStrings
	limits  Limits
	row     int
	inData  bool
	cells   []string
	numeric []bool
	filled  int
	size    int
	text    []byte
	bad     *fault
}

// broken places an error behind the last row that was read.
func (s *plainSheet) broken(err error) error {
	f := s.part.damaged(err)
	if f.at == 0 {
		f.at = s.row
	}
	return f
}

// next is the next row.
func (s *plainSheet) next(l *line) error {
	for {
		t, err := s.dec.RawToken()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF // </sheetData> comes before the end
		}
		if err != nil {
			return s.broken(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch {
			case t.Name.Local == "sheetData":
				s.inData = true
			case t.Name.Local == "row" && s.inData:
				return s.readRow(t, l)
			}
		case xml.EndElement:
			if t.Name.Local == "sheetData" || t.Name.Local == "worksheet" && !s.inData {
				return io.EOF
			}
		}
	}
}

// readRow reads a row element to its end.
func (s *plainSheet) readRow(e xml.StartElement, l *line) error {
	number := s.row + 1
	if r := plainAttr(e, "r"); r != "" {
		n, err := strconv.Atoi(r)
		if err != nil || n <= s.row {
			return s.broken(fmt.Errorf("row %q after row %d", cut(r), s.row))
		}
		number = n
	}
	if number > maxRows {
		return s.broken(fmt.Errorf("row %d is past a sheet's last, %d", number, maxRows))
	}
	clear(s.cells[:s.filled])
	clear(s.numeric[:s.filled])
	s.row, s.bad, s.filled, s.size = number, nil, 0, 0
	for {
		t, err := s.dec.RawToken()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return s.broken(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "c" {
				if err := s.readCell(t); err != nil {
					return s.broken(err)
				}
			}
		case xml.EndElement:
			if t.Name.Local == "row" {
				*l = line{at: number, span: 1, cells: s.cells[:s.filled], numeric: s.numeric[:s.filled], err: s.bad}
				return nil
			}
		}
	}
}

// spot is the index of a cell by its reference. A cell without one follows the
// one before; one that stands twice, or goes back, is the row's fault.
func (s *plainSheet) spot(e xml.StartElement) (int, error) {
	i := s.filled
	if ref := plainAttr(e, "r"); ref != "" {
		n, ok := plainColumn(ref)
		if !ok {
			return 0, fmt.Errorf("cell reference %q", cut(ref))
		}
		if n < i {
			s.fault(n, ref, "the row has this cell twice, or its cells out of order", "save the workbook again in a spreadsheet program")
			n = i
		}
		i = n
	}
	if i >= s.limits.Columns {
		return 0, &fault{cell: -1, msg: fmt.Sprintf("has cells past column %d", s.limits.Columns)}
	}
	for len(s.cells) <= i {
		s.cells, s.numeric = append(s.cells, ""), append(s.numeric, false)
	}
	s.filled = i + 1
	return i, nil
}

// plainColumn is the index, from 0, in a reference such as AB12.
func plainColumn(ref string) (int, bool) {
	n, i := 0, 0
	for ; i < len(ref) && i < 4 && 'A' <= ref[i]&^0x20 && ref[i]&^0x20 <= 'Z'; i++ {
		n = n*26 + int(ref[i]&^0x20-'A') + 1
	}
	if i == 0 || i == len(ref) || strings.Trim(ref[i:], "0123456789") != "" {
		return 0, false
	}
	return n - 1, true
}

func (s *plainSheet) fault(cell int, value, msg, hint string) {
	if s.bad == nil {
		s.bad = &fault{at: s.row, cell: cell, value: value, msg: msg, hint: hint}
	}
}

// readCell reads a c element to its end.
func (s *plainSheet) readCell(e xml.StartElement) error {
	i, err := s.spot(e)
	if err != nil {
		return err
	}
	kind := plainAttr(e, "t")
	s.text = s.text[:0]
	value, formula, inValue := false, false, false
	for {
		t, err := s.dec.RawToken()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
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
		case xml.CharData:
			if inValue {
				s.text = append(s.text, t...)
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "v":
				inValue = false
			case "c":
				return s.setCell(i, kind, value, formula)
			}
		}
		if len(s.text) > s.limits.Cell {
			return &fault{cell: i, msg: fmt.Sprintf("cell is longer than %d bytes", s.limits.Cell)}
		}
	}
}

// setCell turns a cell's stored value into the text that it shows.
// Source: ECMA-376 part 1, 18.18.11 (ST_CellType).
func (s *plainSheet) setCell(i int, kind string, value, formula bool) error {
	stored := string(s.text)
	if !value || stored == "" && kind != "str" && kind != "inlineStr" {
		if formula {
			s.fault(i, "", "is a formula whose result is not in the file", "open the workbook in a spreadsheet program and save it")
		}
		return nil
	}
	text := stored
	switch kind {
	case "s":
		n, err := strconv.Atoi(trim(stored))
		t, ok, lost := s.shared.get(n)
		if lost != nil {
			return lost
		}
		if err != nil || !ok {
			s.fault(i, stored, "refers to a text that the workbook does not have", "the file may be damaged; export it again")
		}
		text = t
	case "b":
		text = "FALSE"
		if truth(trim(stored)) {
			text = "TRUE"
		}
	case "str":
		text = unescape(stored)
	case "inlineStr", "e", "d":
	default: // "n", and what no writer is known to write
		n, ok := rendered(stored)
		if !ok {
			s.fault(i, stored, "is not a number, though its cell is numeric", "the file may be damaged; export it again")
			break
		}
		text, s.numeric[i] = n, true
	}
	if s.size += len(text); s.size > s.limits.Row {
		return &fault{cell: -1, msg: fmt.Sprintf("row is longer than %d bytes", s.limits.Row)}
	}
	s.cells[i] = text
	return nil
}

// richText appends the text inside the element that was just opened: its t
// elements in runs or not, without phonetic readings (rPh).
func (p *plainSheet) richText(to []byte, element string) ([]byte, error) {
	from, inText, phonetic := len(to), false, 0
	for {
		t, err := p.dec.RawToken()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return to, p.broken(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "t":
				inText = phonetic == 0
			case "rPh":
				phonetic++
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "t":
				inText = false
			case "rPh":
				phonetic--
			case element:
				return append(to[:from], unescape(string(to[from:]))...), nil
			}
		case xml.CharData:
			if inText {
				to = append(to, t...)
				if len(to)-from > p.limits.Cell {
					return to, p.part.tooLong()
				}
			}
		}
	}
}

// plainAttr is an attribute's value by its local name. Prefixed ones count only as
// a second choice: sheet has both sheetId and r:id.
func plainAttr(e xml.StartElement, name string) string {
	v := ""
	for _, a := range e.Attr {
		if a.Name.Local == name {
			if a.Name.Space == "" {
				return a.Value
			}
			v = a.Value
		}
	}
	return v
}
