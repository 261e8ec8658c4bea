package mapping

import (
	"strconv"
	"strings"

	"github.com/payrec/payrec/record"
)

// A scratch is what results are made of: pieces of a few large blocks instead
// of many small ones. What was handed out is valid until reuse, but for texts,
// which stay for as long as somebody keeps them.
type scratch struct {
	moneys []record.Money
	params []record.Param
	texts  strings.Builder
	number [40]byte

	lastWhole int64  // of which the text is known
	lastText  string // "" at first
}

// reuse takes back everything but texts.
func (s *scratch) reuse() { s.moneys, s.params = s.moneys[:0], s.params[:0] }

// keep is a place for an amount.
func (s *scratch) keep(m record.Money) *record.Money {
	if len(s.moneys) == cap(s.moneys) {
		s.moneys = make([]record.Money, 0, max(4, min(2*cap(s.moneys), 1024))) // the block before stays with those who have a part of it
	}
	s.moneys = append(s.moneys, m)
	return &s.moneys[len(s.moneys)-1]
}

// room is for so many parameters of one call. What was not used is given back
// by used.
func (s *scratch) room(n int) record.Params {
	if cap(s.params)-len(s.params) < n {
		s.params = make([]record.Param, 0, max(n, min(2*cap(s.params), 8192)))
	}
	at := len(s.params)
	return record.Params(s.params[at : at : at+n])
}

// used says what became of the last room.
func (s *scratch) used(p record.Params) {
	n := len(s.params) + len(p)
	if n <= cap(s.params) { // else the call outgrew it, and has a block of its own
		s.params = s.params[:n]
	}
}

// whole is a whole number as text.
func (s *scratch) whole(n int64) string {
	if 0 <= n && n < 100 {
		return strconv.FormatInt(n, 10) // known to strconv
	}
	if n != s.lastWhole || s.lastText == "" { // one time often fills several fields
		s.lastWhole, s.lastText = n, s.text(strconv.AppendInt(s.number[:0], n, 10))
	}
	return s.lastText
}

// textBlock is how much text shares one block.
const textBlock = 4096

// text is a text of these bytes.
func (s *scratch) text(b []byte) string {
	if len(b) > textBlock/8 {
		return string(b)
	}
	at := s.place(len(b))
	s.texts.Write(b)
	return s.texts.String()[at:]
}

// copied is a copy of a text, which holds on to nothing else.
func (s *scratch) copied(text string) string {
	if len(text) > textBlock/8 {
		return strings.Clone(text)
	}
	at := s.place(len(text))
	s.texts.WriteString(text)
	return s.texts.String()[at:]
}

// place makes sure that so many bytes have room, and says where.
func (s *scratch) place(n int) int {
	if s.texts.Cap()-s.texts.Len() < n {
		s.texts = strings.Builder{}
		s.texts.Grow(textBlock)
	}
	return s.texts.Len()
}
