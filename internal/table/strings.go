package table

import (
	"encoding/xml"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
)

// sharedStrings are a workbook's texts, one after the other in one string.
type sharedStrings struct {
	text string
	ends []uint32
}

// maxShared bounds the number of shared strings: the shortest takes five
// bytes of XML, so that the limit on bytes alone would let tens of millions in.
const maxShared = 16 << 20

func (s *sharedStrings) get(i int) (string, bool) {
	if i < 0 || i >= len(s.ends) {
		return "", false
	}
	from := uint32(0)
	if i > 0 {
		from = s.ends[i-1]
	}
	return s.text[from:s.ends[i]], true
}

// readStrings reads the shared strings, if there are any.
func (b *workbook) readStrings() (*sharedStrings, error) {
	s := &sharedStrings{}
	if b.strings == "" || b.parts[b.strings] == nil {
		return s, nil
	}
	var text strings.Builder // whose String does not copy
	var one []byte
	err := b.each(b.strings, func(e xml.StartElement, p *part) error {
		if e.Name.Local != "si" {
			return nil
		}
		if len(s.ends) == maxShared || text.Len() > math.MaxUint32-2*b.limits.Cell {
			return &fault{cell: -1, msg: "the workbook has more than 16 million texts, or 4 GiB of them", hint: "export it in parts, or as CSV"}
		}
		var err error
		if one, err = p.richText(one[:0], "si"); err != nil {
			return err
		}
		text.Write(one)
		s.ends = append(s.ends, uint32(text.Len()))
		return nil
	})
	s.text = text.String()
	return s, err
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
				if len(to)-from > p.cell {
					return to, p.tooLong()
				}
			}
		}
	}
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
