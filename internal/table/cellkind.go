package table

import (
	"fmt"
	"strconv"
)

// A cellKind is what a cell says that its stored value is.
// Source: ECMA-376 part 1, 18.18.11 (ST_CellType).
type cellKind uint8

const (
	numberCell cellKind = iota // "n", none, and what no writer is known to write
	sharedCell
	boolCell
	formulaText
	inlineText
	asStored // an error's name, or a date in ISO 8601
)

func kindOf(t []byte) cellKind {
	switch string(t) {
	case "s":
		return sharedCell
	case "b":
		return boolCell
	case "str":
		return formulaText
	case "inlineStr":
		return inlineText
	case "e", "d":
		return asStored
	}
	return numberCell
}

// setCell turns a cell's stored value, which stands at the end of the row's text, into
// the text that it shows.
func (s *sheet) setCell(i, from int, kind cellKind, value, formula bool) error {
	stored := s.text[from:]
	if !value || len(stored) == 0 && kind != formulaText && kind != inlineText {
		if formula {
			s.fault(i, "", "is a formula whose result is not in the file", "open the workbook in a spreadsheet program and save it")
		}
		return nil
	}
	switch kind {
	case sharedCell:
		n, err := strconv.Atoi(trim(string(stored)))
		t, ok, lost := s.shared.get(n)
		if lost != nil {
			return lost
		}
		if err != nil || !ok {
			s.fault(i, string(stored), "refers to a text that the workbook does not have", "the file may be damaged; export it again")
		}
		return s.put(i, from, t)
	case boolCell:
		if truth(trim(string(stored))) {
			return s.put(i, from, "TRUE")
		}
		return s.put(i, from, "FALSE")
	case formulaText:
		s.text = unescaped(s.text, from)
	case numberCell:
		text, ok := number(s.text[:from], stored)
		if !ok {
			s.fault(i, string(stored), "is not a number, though its cell is numeric", "the file may be damaged; export it again")
			break
		}
		s.text, s.numeric[i] = text, true
	}
	s.within[i] = span{from, len(s.text)}
	return s.add(len(s.text) - from)
}

// put sets a cell to a text that is not the row's own.
func (s *sheet) put(i, from int, t string) error {
	s.text, s.cells[i] = s.text[:from], t
	return s.add(len(t))
}

// add counts the bytes of the row.
func (s *sheet) add(n int) error {
	if s.size += n; s.size > s.limits.Row {
		return &fault{cell: -1, msg: fmt.Sprintf("row is longer than %d bytes", s.limits.Row)}
	}
	return nil
}
