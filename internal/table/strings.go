package table

import (
	"bytes"
	"errors"
	"io"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/payrec/payrec/internal/nameless"
)

// sharedStrings are a workbook's texts, in blocks. The first blocks stay in
// memory; those of a workbook that has very many go to a temporary file, of
// which a few blocks are held: most sheets refer to their texts in order.
type sharedStrings struct {
	blocks []stringBlock
	ends   [][]uint32 // of the texts in their blocks; many to a slice, so that none has to move as they grow
	n      int
	file   *nameless.File // nil while all is in memory
	size   int64          // of the file
	recent []int          // loaded blocks of the file, the latest last
}

// A stringBlock is some texts, one after the other.
type stringBlock struct {
	first  int    // number of its first text
	text   string // "" when it is in the file and not loaded
	at     int64  // in the file; -1: in memory
	length int
}

const (
	maxShared    = 16 << 20 // texts; the shortest takes five bytes of XML, so that the limit on bytes alone would let more in
	endsInOne    = 1 << 16
	blockSize    = 1 << 20
	blocksHeld   = 32 // in memory from the start
	blocksLoaded = 8  // of the file
)

func (s *sharedStrings) get(i int) (string, bool, error) {
	if i < 0 || i >= s.n {
		return "", false, nil
	}
	b := sort.Search(len(s.blocks), func(b int) bool { return s.blocks[b].first > i }) - 1
	block := &s.blocks[b]
	if block.text == "" && block.length > 0 {
		if err := s.load(b); err != nil {
			return "", false, err
		}
	}
	from := uint32(0)
	if i > block.first {
		from = s.end(i - 1)
	}
	return block.text[from:s.end(i)], true, nil
}

func (s *sharedStrings) end(i int) uint32 { return s.ends[i/endsInOne][i%endsInOne] }

// load reads a block from the file, and lets go of the one that was loaded first.
func (s *sharedStrings) load(b int) error {
	text := make([]byte, s.blocks[b].length)
	if _, err := s.file.ReadAt(text, s.blocks[b].at); err != nil {
		return err
	}
	if len(s.recent) == blocksLoaded {
		s.blocks[s.recent[0]].text = ""
		s.recent = append(s.recent[:0], s.recent[1:]...)
	}
	s.blocks[b].text = string(text)
	s.recent = append(s.recent, b)
	return nil
}

// Close removes the file.
func (s *sharedStrings) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// A stringWriter fills shared strings.
type stringWriter struct {
	*sharedStrings
	text  []byte // of the block in work
	first int
}

func (w *stringWriter) add(text []byte) error {
	if len(w.text) > 0 && len(w.text)+len(text) > blockSize {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.text = append(w.text, text...)
	if w.n%endsInOne == 0 {
		w.ends = append(w.ends, make([]uint32, 0, endsInOne))
	}
	last := len(w.ends) - 1
	w.ends[last] = append(w.ends[last], uint32(len(w.text)))
	w.n++
	return nil
}

// flush ends the block in work.
func (w *stringWriter) flush() error {
	if w.n == w.first {
		return nil
	}
	block := stringBlock{first: w.first, at: -1, length: len(w.text)}
	if len(w.blocks) < blocksHeld {
		block.text = string(w.text)
	} else {
		if w.file == nil {
			f, err := nameless.Create("payrec-*")
			if err != nil {
				return err
			}
			w.file = f
		}
		if _, err := w.file.WriteAt(w.text, w.size); err != nil {
			return err
		}
		block.at = w.size
		w.size += int64(len(w.text))
	}
	w.blocks = append(w.blocks, block)
	w.text, w.first = w.text[:0], w.n
	return nil
}

// readStrings reads the shared strings, if there are any. They must be closed.
func (b *workbook) readStrings() (*sharedStrings, error) {
	s := &sharedStrings{}
	if b.strings == "" || b.parts[b.strings] == nil {
		return s, nil
	}
	w := &stringWriter{sharedStrings: s}
	var one []byte
	err := b.each(b.strings, func(t *token, p *part) error {
		if string(t.name) != "si" {
			return nil
		}
		if s.n == maxShared {
			return &fault{cell: -1, msg: "the workbook has more than 16 million texts", hint: "export it in parts, or as CSV"}
		}
		var err error
		if one, err = p.richText(one[:0], "si"); err != nil {
			return err
		}
		return w.add(one)
	})
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// richText appends the text inside the element that was just opened: its t
// elements in runs or not, without phonetic readings (rPh).
func (p *part) richText(to []byte, element string) ([]byte, error) {
	from, inText, phonetic := len(to), false, 0
	for {
		t, err := p.token()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return to, p.damaged(err)
		}
		switch t.kind {
		case startTag:
			switch string(t.name) {
			case "t":
				inText = phonetic == 0
			case "rPh":
				phonetic++
			}
		case endTag:
			switch string(t.name) {
			case "t":
				inText = false
			case "rPh":
				phonetic--
			case element:
				return unescaped(to, from), nil
			}
		case charData:
			if inText {
				to = append(to, t.text...)
				if len(to)-from > p.cell {
					return to, p.tooLong()
				}
			}
		}
	}
}

// unescaped is to with what follows from in it unescaped.
func unescaped(to []byte, from int) []byte {
	if !bytes.Contains(to[from:], []byte("_x")) {
		return to
	}
	return append(to[:from], unescape(string(to[from:]))...)
}

// unescape undoes the format's own escapes of characters that XML cannot hold:
// _x000D_ is a CR, and _x005F_ is the underscore before what only looks like
// an escape. Source: ECMA-376 part 1, 22.9.2.19 (ST_Xstring).
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "_x")
		if i < 0 || len(s) < i+7 {
			return b.String() + s
		}
		n, err := strconv.ParseUint(s[i+2:i+6], 16, 16)
		if err != nil || s[i+6] != '_' || utf16.IsSurrogate(rune(n)) {
			b.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		b.WriteRune(rune(n))
		s = s[i+7:]
	}
}
