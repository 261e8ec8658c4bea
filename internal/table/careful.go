package table

import (
	"bytes"
	"errors"
	"fmt"
)

// This file reads what the fast way in scan.go leaves: records with doubled or
// misplaced quotes, records that reach beyond the buffer, the first record of a
// file, and every record of a file whose lines end with CR.

// byteAt is the byte at offset p of the record, reading on if need be. A record
// that reaches the limit is refused also when the buffer has more of it.
func (s *scanner) byteAt(p int) (byte, bool, error) {
	if p > s.limits.Row {
		return 0, false, s.tooLong("row", s.limits.Row, s.at)
	}
	for s.start+p >= s.end {
		if ok, err := s.more(); err != nil || !ok {
			return 0, false, err
		}
	}
	return s.buf[s.start+p], true, nil
}

// lineEndAt is the length of the line end at offset p, 0 for none. A CR that is
// the file's last byte is one whatever the file's line ends are.
func (s *scanner) lineEndAt(p int) (int, error) {
	c, ok, err := s.byteAt(p)
	if err != nil || !ok || c != '\n' && c != '\r' {
		return 0, err
	}
	if c == '\n' {
		return 1, nil
	}
	after, ok, err := s.byteAt(p + 1)
	switch {
	case err != nil:
		return 0, err
	case ok && after == '\n':
		return 2, nil
	case !ok, s.ends != endsLF:
		return 1, nil
	}
	return 0, nil
}

// delimAt says whether a delimiter stands at offset p.
func (s *scanner) delimAt(p int) (bool, error) {
	for i, d := range s.delim {
		c, ok, err := s.byteAt(p + i)
		if err != nil || !ok || c != d {
			return false, err
		}
	}
	return true, nil
}

// carefulRecord reads one record byte by byte: with quotes, or while the
// file's line ends are unknown or CR.
func (s *scanner) carefulRecord(l *line) error {
	s.text, s.spans = s.text[:0], s.spans[:0]
	breaks := breaks{}
	p, end := 0, 0
	for {
		from := len(s.text)
		open, err := s.opensAt(p)
		if err != nil {
			return err
		}
		if open {
			p, err = s.quotedCell(p+1, &breaks)
		}
		if err == nil {
			p, err = s.plainCell(p)
		}
		if err != nil {
			return err
		}
		s.spans = append(s.spans, span{from, len(s.text)})
		if len(s.spans) > s.limits.Columns {
			break // cut says so
		}
		if end, err = s.lineEndAt(p); err != nil {
			return err
		}
		if end > 0 || s.start+p >= s.end {
			if !open && len(s.spans) == 1 && len(s.text) == 0 {
				s.spans = s.spans[:0] // an empty line has no cells
			}
			break
		}
		p += len(s.delim)
	}
	if s.ends == endsUnknown && end > 0 {
		s.ends = endsLF
		if end == 1 && s.buf[s.start+p] == '\r' {
			s.ends = endsCR
		}
	}
	if s.bad != nil {
		s.bad.value = s.shown(s.wrong, p)
	}
	if err := s.cut(s.text); err != nil {
		return err
	}
	s.start += p + end
	l.span = 1 + breaks.lines(s.ends)
	return nil
}

// opensAt says whether a quoted cell begins at offset p.
func (s *scanner) opensAt(p int) (bool, error) {
	if !s.quoted {
		return false, nil
	}
	c, ok, err := s.byteAt(p)
	return ok && c == s.quote, err
}

// breaks counts the line breaks inside quotes both ways, because the first
// record's are seen before the file's line ends are known.
type breaks struct{ lf, cr int }

func (b *breaks) add(text []byte) {
	for i, c := range text {
		switch {
		case c == '\n':
			b.lf++
		case c == '\r' && (i+1 == len(text) || text[i+1] != '\n'):
			b.cr++
		}
	}
}

func (b *breaks) lines(ends lineEnds) int {
	if ends == endsCR {
		return b.lf + b.cr
	}
	return b.lf
}

// quotedCell reads from behind the opening quote to behind the closing one and
// the blanks after it.
func (s *scanner) quotedCell(p int, br *breaks) (int, error) {
	from, opened := len(s.text), s.at+br.lines(s.ends)
	for {
		if _, ok, err := s.byteAt(p); err != nil {
			return p, openedAt(err, opened)
		} else if !ok {
			return p, &fault{at: opened, cell: len(s.spans), value: cut(string(s.text[from:])),
				msg: "the quote that opens here is never closed", hint: "close it, or double it if it belongs to the text"}
		}
		rest := s.buf[s.start+p : s.end]
		i := bytes.IndexByte(rest, s.quote)
		if i < 0 {
			s.text = append(s.text, rest...)
			p += len(rest)
		} else {
			s.text = append(s.text, rest[:i]...)
			p += i + 1
			c, ok, err := s.byteAt(p)
			if err != nil {
				return p, openedAt(err, opened)
			}
			if !ok || c != s.quote {
				break
			}
			s.text = append(s.text, s.quote)
			p++
		}
		if len(s.text)-from > s.limits.Cell {
			return p, s.tooLong("cell", s.limits.Cell, opened)
		}
	}
	br.add(s.text[from:])
	return s.afterQuote(p, opened, s.at+br.lines(s.ends))
}

// openedAt moves a limit's place from the record's start to the open quote,
// which is what the user has to look at.
func openedAt(err error, at int) error {
	var f *fault
	if errors.As(err, &f) {
		f.at = at
	}
	return err
}

// afterQuote skips blanks between a closing quote and what ends the cell.
// Anything else makes the row wrong; it is kept as text.
func (s *scanner) afterQuote(p, opened, here int) (int, error) {
	q := p
	for {
		c, ok, err := s.byteAt(q)
		if err != nil {
			return p, err
		}
		if !ok {
			return q, nil
		}
		delim, err := s.delimAt(q)
		if err != nil {
			return p, err
		}
		n, err := s.lineEndAt(q)
		if err != nil {
			return p, err
		}
		if delim || n > 0 {
			return q, nil
		}
		if c != ' ' && c != '\t' {
			break
		}
		q++
	}
	if s.bad == nil {
		where := ""
		if opened != here {
			where = fmt.Sprintf(" (the quote opens on line %d)", opened)
		}
		s.wrong = q
		s.bad = &fault{at: here, cell: len(s.spans), msg: "text after a closing quote" + where, hint: "double a quote that belongs to the text"}
	}
	return p, nil
}

// shown is what a message shows of the record between two offsets: a little of
// the first line. It is taken when the record is read to its end, because what
// stands in the buffer before that depends on how the bytes arrive.
func (s *scanner) shown(from, to int) string {
	text := s.buf[s.start+from : s.start+min(to, from+40)]
	if i := bytes.IndexAny(text, "\r\n"); i >= 0 {
		text = text[:i]
	}
	return cut(string(bytes.ToValidUTF8(text, replacement)))
}

// plainCell reads to the next delimiter or line end, and stops before it.
// After a quoted cell there is nothing to read unless the row is wrong.
func (s *scanner) plainCell(p int) (int, error) {
	from := len(s.text)
	for {
		c, ok, err := s.byteAt(p)
		if err != nil || !ok {
			return p, err
		}
		switch {
		case c == s.delim[0]:
			if is, err := s.delimAt(p); err != nil || is {
				return p, err
			}
		case c == '\n' || c == '\r':
			if n, err := s.lineEndAt(p); err != nil || n > 0 {
				return p, err
			}
		}
		s.text = append(s.text, s.buf[s.start+p])
		p++
		if len(s.text)-from > s.limits.Cell {
			return p, s.tooLong("cell", s.limits.Cell, s.at)
		}
	}
}
