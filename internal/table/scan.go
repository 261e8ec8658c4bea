package table

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// A line is one record as its source gives it, before it has a role. Cells and
// numeric are the source's, valid until the next call.
type line struct {
	at      int // physical line, or row number
	span    int // physical lines
	cells   []string
	numeric []bool
	err     *fault // wrong with this record alone
	cut     bool   // the text ends without a line end: it may be cut short
}

// A source gives the records of a file in order, and io.EOF. A *fault is what
// is wrong with the file; any other error is the reader's below it.
type source interface{ next(*line) error }

// A fault is an Error in the making: the source knows the line and the cell,
// the Reader adds the file's name and the column's.
type fault struct {
	at        int // physical line or row number; 0 is the whole file
	cell      int // from 0; -1 is the whole row
	value     string
	msg, hint string
	cause     error
}

func (f *fault) Error() string { return f.msg }

// lineEnds is what ends a line outside quotes, as the file's first one shows.
type lineEnds uint8

const (
	endsUnknown lineEnds = iota // no line end seen yet
	endsLF                      // LF and CRLF; a lone CR is text
	endsCR                      // CR, LF and CRLF
)

// A scanner cuts UTF-8 text into records. The bytes of the record in work are
// buf[start:end) as far as they are read; offsets named p count from start, so
// that they survive the buffer's moves.
type scanner struct {
	src        io.Reader
	buf        []byte
	start, end int
	eof        bool
	at         int // physical line where the next record starts

	delim   []byte
	quote   byte
	quoted  bool // the dialect has a quote
	decoded bool // the text was decoded, so U+FFFD marks bytes that were not in the encoding
	charset string
	ends    lineEnds
	limits  Limits

	block strings.Builder // of texts that were handed out
	text  []byte          // of the record in work, unquoted, cell after cell
	spans []span          // its cells, in text or where they stand in buf
	cells []string        // handed out, reused
	bad   *fault          // of the record in work
	wrong int             // offset of what bad blames, when that is text after a quote
}

// A span is where a cell's text is.
type span struct{ from, to int }

const scanBuffer = 256 << 10

func newScanner(src io.Reader, d Dialect, charset string, decoded bool) *scanner {
	s := &scanner{
		src: src, buf: make([]byte, scanBuffer), at: 1,
		delim: utf8.AppendRune(nil, d.Delimiter), quoted: d.Quote != NoQuote,
		decoded: decoded, charset: charset, limits: d.Limits,
	}
	if s.quoted {
		s.quote = byte(d.Quote)
	}
	return s
}

// more reads further bytes behind the record in work, and says whether there
// were any. It fails when the record outgrows the limit.
func (s *scanner) more() (bool, error) {
	if s.eof {
		return false, nil
	}
	if s.end-s.start > s.limits.Row {
		return false, s.tooLong("row", s.limits.Row, s.at)
	}
	if s.start > 0 {
		copy(s.buf, s.buf[s.start:s.end])
		s.start, s.end = 0, s.end-s.start
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for tries := 0; tries < 100; tries++ {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		if err == io.EOF {
			s.eof = true
			return n > 0, nil
		}
		if err != nil {
			return false, err
		}
		if n > 0 {
			return true, nil
		}
	}
	return false, io.ErrNoProgress
}

func (s *scanner) tooLong(what string, limit, at int) *fault {
	return &fault{at: at, cell: -1, msg: fmt.Sprintf("%s is longer than %d bytes", what, limit),
		hint: "a quote that is never closed reads like this; check the delimiter and the quote"}
}

// next implements source.
func (s *scanner) next(l *line) error {
	s.bad = nil
	if s.start == s.end {
		if ok, err := s.more(); err != nil || !ok {
			return orEOF(err)
		}
	}
	l.at = s.at
	var err error
	if s.ends == endsLF && len(s.delim) == 1 {
		err = s.plainRecord(l)
	} else {
		err = s.carefulRecord(l)
	}
	if err != nil {
		return err
	}
	s.at += l.span
	l.cells, l.numeric, l.err = s.cells, nil, s.bad
	l.cut = s.eof && s.start == s.end && s.buf[s.end-1] != '\n' && s.buf[s.end-1] != '\r'
	if l.cut && len(s.cells) == 1 && s.cells[0] == dosEnd {
		l.cells = l.cells[:0] // as good as nothing
	}
	return nil
}

// dosEnd is what DOS programs put at the end of a text, and some still do.
const dosEnd = "\x1a"

func orEOF(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// plainRecord reads one line of a file that ends lines with LF, and cells with
// one byte. A line without a quote is cut by searching alone; any other goes the
// careful way.
func (s *scanner) plainRecord(l *line) error {
	seen, size := 0, 0
	for {
		if i := bytes.IndexByte(s.buf[s.start+seen:s.end], '\n'); i >= 0 {
			seen += i
			size = seen + 1
			break
		}
		seen = s.end - s.start
		// A quote may hide the line end; do not buffer the file to find out.
		if s.quoted && bytes.IndexByte(s.buf[s.start:s.end], s.quote) >= 0 {
			return s.carefulRecord(l)
		}
		ok, err := s.more()
		if err != nil {
			return err
		}
		if !ok {
			size = seen
			break
		}
	}
	text := s.buf[s.start : s.start+seen]
	if s.quoted && bytes.IndexByte(text, s.quote) >= 0 {
		if size, ok := s.simpleRecord(); ok {
			return s.take(l, s.buf[s.start:s.start+size-1], size)
		}
		return s.carefulRecord(l)
	}
	if n := len(text); n > 0 && text[n-1] == '\r' {
		text = text[:n-1]
	}
	l.span = 1
	ascii, err := s.split(text)
	if err == nil {
		s.start += size
		if !ascii || bytes.IndexByte(text, 0) >= 0 {
			s.checkText(text)
		}
	}
	return err
}

// split makes the cells of a line without quotes: of one string, cut at the
// delimiters, which are looked for in eight bytes at a time. It says whether all is ASCII.
func (s *scanner) split(text []byte) (ascii bool, err error) {
	const low, high = 0x7f7f7f7f7f7f7f7f, 0x8080808080808080
	delims := uint64(s.delim[0]) * 0x0101010101010101
	whole, cells, seen := s.kept(text), s.cells[:0], uint64(0)
	from, at := 0, 0
	for ; at+8 <= len(text); at += 8 {
		eight := binary.LittleEndian.Uint64(text[at:])
		seen |= eight
		eight ^= delims // the high bit of each byte that is 0 now:
		for found := ^((eight&low + low) | eight | low); found != 0; found &= found - 1 {
			to := at + bits.TrailingZeros64(found)/8
			cells = append(cells, whole[from:to])
			from = to + 1
		}
		if len(cells) > s.limits.Columns { // a cell takes more memory than its text
			return false, s.tooMany()
		}
	}
	for ; at < len(text); at++ {
		seen |= uint64(text[at])
		if text[at] == s.delim[0] {
			cells = append(cells, whole[from:at])
			from = at + 1
		}
	}
	if len(text) > 0 {
		cells = append(cells, whole[from:])
	}
	s.cells = cells
	return seen&high == 0, s.within(text)
}

// textBlock is how large the blocks are that the texts of rows are pieces of:
// whoever keeps a cell keeps its block.
const textBlock = 4 << 10

// kept is a copy of a record's text.
func (s *scanner) kept(text []byte) string {
	if len(text) > textBlock/4 {
		return string(text)
	}
	if s.block.Cap()-s.block.Len() < len(text) {
		s.block = strings.Builder{}
		s.block.Grow(textBlock)
	}
	at := s.block.Len()
	s.block.Write(text)
	return s.block.String()[at:]
}

// within holds the record against the limits.
func (s *scanner) within(text []byte) error {
	switch {
	case len(s.cells) > s.limits.Columns:
		return s.tooMany()
	case len(text) > s.limits.Row:
		return s.tooLong("row", s.limits.Row, s.at)
	case len(text) > s.limits.Cell:
		for _, c := range s.cells {
			if len(c) > s.limits.Cell {
				return s.tooLong("cell", s.limits.Cell, s.at)
			}
		}
	}
	return nil
}

// take hands out the record whose cells are spans of text, and moves on.
func (s *scanner) take(l *line, text []byte, size int) error {
	if err := s.cut(text); err != nil {
		return err
	}
	s.start += size
	l.span = 1 + bytes.Count(text, newline)
	return nil
}

var newline = []byte{'\n'}

// simpleRecord finds the cells of a record that is wholly in the buffer, in a
// file of LF line ends, where each quoted cell stands as it reads: no doubled
// quote, nothing after the closing one. Most quoted records are such. It says
// nothing about any other record; carefulRecord does.
func (s *scanner) simpleRecord() (size int, ok bool) {
	b, delim := s.buf[s.start:s.end], s.delim[0]
	s.spans = s.spans[:0]
	for p := 0; p < len(b) && len(s.spans) <= s.limits.Columns; p++ {
		from := p
		if b[p] == s.quote {
			i := bytes.IndexByte(b[p+1:], s.quote)
			if i < 0 {
				return 0, false
			}
			from, p = p+1, p+1+i
			s.spans = append(s.spans, span{from, p})
			p++
		} else {
			for p < len(b) && b[p] != delim && b[p] != '\n' {
				p++
			}
			to := p
			if p < len(b) && b[p] == '\n' && p > from && b[p-1] == '\r' {
				to--
			}
			s.spans = append(s.spans, span{from, to})
		}
		if p+1 < len(b) && b[p] == '\r' && b[p+1] == '\n' {
			p++
		}
		switch {
		case p == len(b) || b[p] != delim && b[p] != '\n':
			return 0, false
		case b[p] == '\n':
			return p + 1, true
		}
	}
	return 0, false
}

func (s *scanner) tooMany() *fault {
	return &fault{at: s.at, cell: -1, msg: fmt.Sprintf("row has more than %d cells", s.limits.Columns), hint: "check the delimiter"}
}

// cut makes the record's cells out of its text: one string, cut at the spans.
func (s *scanner) cut(text []byte) error {
	if len(s.spans) > s.limits.Columns {
		return s.tooMany()
	}
	whole := s.kept(text)
	s.cells = s.cells[:0]
	for _, sp := range s.spans {
		s.cells = append(s.cells, whole[sp.from:sp.to])
	}
	if err := s.within(text); err != nil {
		return err
	}
	if s.bad == nil {
		s.checkText(text)
	}
	return nil
}

// checkText makes text that is not in the encoding the row's fault.
func (s *scanner) checkText(text []byte) {
	nul := bytes.IndexByte(text, 0) >= 0
	wrong := !utf8.Valid(text) || s.decoded && bytes.Contains(text, replacement)
	if !nul && !wrong {
		return
	}
	for i, c := range s.cells {
		b := []byte(c)
		switch {
		case bytes.IndexByte(b, 0) >= 0:
			hint := "the file may be in another encoding, or damaged"
			if strings.Trim(c, "\x00") == "" {
				c, hint = "", "the file is padded with them, as where a disk was full or a copy broke off: fetch it again"
			}
			s.bad = &fault{at: s.at, cell: i, value: c, msg: "has a NUL byte", hint: hint}
			return
		case !utf8.Valid(b), s.decoded && bytes.Contains(b, replacement):
			s.bad = &fault{at: s.at, cell: i, value: c, msg: "is not valid " + s.charset,
				hint: "say which encoding the file is in"}
			return
		}
	}
	// A delimiter can take part in an invalid sequence across cells.
	s.bad = &fault{at: s.at, cell: -1, msg: "is not valid " + s.charset, hint: "say which encoding the file is in"}
}

var replacement = []byte(string(utf8.RuneError))
