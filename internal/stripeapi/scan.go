package stripeapi

import (
	"encoding/binary"
	"math/bits"
)

// A scanner goes through JSON once. Its methods say whether they found what
// they are named for; after a false one its place means nothing, but for take
// and word, which stay where they were.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) space() { s.i = behindSpace(s.b, s.i) }

func (s *scanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) word(w string) bool { return s.to(behindWord(s.b, s.i, w)) }

// value reads any value, number a number.
func (s *scanner) value() bool  { return s.to(behindValue(s.b, s.i, maxDepth)) }
func (s *scanner) number() bool { return s.to(behindNumber(s.b, s.i)) }

// to goes to a place that one of the functions below gave.
func (s *scanner) to(place int) bool {
	if place < 0 {
		return false
	}
	s.i = place
	return true
}

// plain reads a string of ASCII without escapes and gives what stands between its
// quotes.
func (s *scanner) plain() (text []byte, ok bool) {
	from := s.i + 1
	if !s.to(behindPlain(s.b, s.i)) {
		return nil, false
	}
	return s.b[from : s.i-1], true
}

// list reads what stands between brackets.
func (s *scanner) list(end byte, element func() bool) bool {
	s.i++
	s.space()
	if s.take(end) {
		return true
	}
	for {
		s.space()
		if !element() {
			return false
		}
		s.space()
		if s.take(end) {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// The functions below take the place where something should begin and give the
// place behind it, or -1 when it does not stand there; of place -1 they make -1.

// behindByte is the place behind the byte c.
func behindByte(b []byte, i int, c byte) int {
	if uint(i) < uint(len(b)) && b[i] == c {
		return i + 1
	}
	return -1
}

// behindSpace is the place behind white space, if there is any.
func behindSpace(b []byte, i int) int {
	if uint(i) < uint(len(b)) && b[i] <= ' ' {
		return behindBlanks(b, i)
	}
	return i
}

func behindBlanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// behindColon is the place behind a colon and the white space around it.
func behindColon(b []byte, i int) int {
	return behindSpace(b, behindByte(b, behindSpace(b, i), ':'))
}

// behindWord is the place behind w.
func behindWord(b []byte, i int, w string) int {
	if i >= 0 && len(b)-i >= len(w) && string(b[i:i+len(w)]) == w {
		return i + len(w)
	}
	return -1
}

// maxDepth is deeper than any answer of the API.
const maxDepth = 32

// behindValue is the place behind any value in which no more than depth stand in
// each other.
func behindValue(b []byte, i, depth int) int {
	if uint(i) >= uint(len(b)) || depth == 0 {
		return -1
	}
	switch b[i] {
	case '"':
		return behindText(b, i)
	case '{', '[':
		return behindList(b, i, depth)
	case 'n':
		return behindWord(b, i, "null")
	case 't':
		return behindWord(b, i, "true")
	case 'f':
		return behindWord(b, i, "false")
	}
	return behindNumber(b, i)
}

// behindList is the place behind an object or an array.
func behindList(b []byte, i, depth int) (end int) {
	object := b[i] == '{'
	closing := b[i] + 2 // of both kinds of brackets in ASCII
	i = behindSpace(b, i+1)
	for end = behindByte(b, i, closing); end < 0; {
		if object {
			i = behindColon(b, behindText(b, i))
		}
		i = behindSpace(b, behindValue(b, i, depth-1))
		if end = behindByte(b, i, closing); end < 0 {
			if i = behindByte(b, i, ','); i < 0 {
				return -1
			}
			i = behindSpace(b, i)
		}
	}
	return end
}

// behindNumber is the place behind a number.
func behindNumber(b []byte, i int) int {
	if minus := behindByte(b, i, '-'); minus >= 0 {
		i = minus
	}
	whole := behindByte(b, i, '0')
	if whole < 0 {
		whole = behindDigits(b, i)
	}
	i = whole
	if point := behindByte(b, i, '.'); point >= 0 {
		i = behindDigits(b, point)
	}
	if uint(i) < uint(len(b)) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		i = behindDigits(b, i)
	}
	return i
}

// behindDigits is the place behind at least one digit.
func behindDigits(b []byte, i int) int {
	from := i
	for uint(i) < uint(len(b)) && b[i]-'0' <= 9 {
		i++
	}
	if i == from {
		return -1
	}
	return i
}

// behindText is the place behind a string.
func behindText(b []byte, i int) int {
	for i = behindByte(b, i, '"'); i >= 0; {
		switch quote, other, _ := firstQuote(eightBytes(b, i)); {
		case other != 0:
			i = behindEscape(b, i+bits.TrailingZeros64(other)/8)
		case quote != 0:
			return i + bits.TrailingZeros64(quote)/8 + 1
		default:
			i += 8
		}
	}
	return -1
}

// behindPlain is the place behind a string of ASCII without escapes.
func behindPlain(b []byte, i int) int {
	for i = behindByte(b, i, '"'); i >= 0; i += 8 {
		quote, other, beyond := firstQuote(eightBytes(b, i))
		if other|beyond != 0 {
			return -1
		}
		if quote != 0 {
			return i + bits.TrailingZeros64(quote)/8 + 1
		}
	}
	return -1
}

// behindEscape is the place behind an escape.
func behindEscape(b []byte, i int) int {
	if i = behindByte(b, i, '\\'); i < 0 || i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if len(b)-i <= 4 {
			return -1
		}
		for _, c := range b[i+1 : i+5] {
			if !isHex(c) {
				return -1
			}
		}
		return i + 5
	}
	return -1
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// Each byte's lowest bit, and its highest.
const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// eightBytes are the bytes from place i on, the first in the lowest eight bits;
// behind the end of b are zeros.
func eightBytes(b []byte, i int) uint64 {
	if i+8 <= len(b) {
		return binary.LittleEndian.Uint64(b[i:])
	}
	var few [8]byte
	copy(few[:], b[i:])
	return binary.LittleEndian.Uint64(few[:])
}

// firstQuote finds the first quote among eight bytes, what stands before it of
// backslashes and control characters, and bytes beyond ASCII. Of each, the first is
// found at the lowest bit that is set, a byte's highest; 0 is none.
//
// A byte below 0x80 is less than n if its highest bit is set when n is taken from
// it. That borrows from the next byte, so that what comes behind one that is found may
// be taken for one as well. A byte is c if it is less than one after xor with c.
// Source: Sean Anderson, Bit Twiddling Hacks, "Determine if a word has a byte less than n".
func firstQuote(w uint64) (quote, other, beyond uint64) {
	quote, backslash := w^lowBits*'"', w^lowBits*'\\'
	quote = (quote - lowBits) &^ quote & highBits
	before := quote ^ (quote - 1) // all when there is none
	other = ((w - lowBits*' ') | (backslash - lowBits)) &^ w & highBits & before
	return quote, other, w & highBits & before
}

// hasControl says whether there are control characters among eight bytes.
func hasControl(w uint64) bool {
	del := w ^ lowBits*0x7f
	return ((w-lowBits*' ')|(del-lowBits))&^w&highBits != 0
}
