package sheet

import (
	"strconv"
	"unicode/utf8"
)

// Letters names a column, from 0: A, B, … Z, AA.
func Letters(column int) string {
	var b [8]byte
	i := len(b)
	for column++; column > 0; column = (column - 1) / 26 {
		i--
		b[i] = 'A' + byte((column-1)%26)
	}
	return string(b[i:])
}

// Ref names a cell: column 0 of row 1 is A1.
func Ref(column, row int) string { return Letters(column) + strconv.Itoa(row) }

// AppendDecimal appends coef / 10^scale without zeros at its end.
func AppendDecimal(b []byte, negative bool, coef uint64, scale int) []byte {
	for scale > 0 && coef%10 == 0 {
		coef /= 10
		scale--
	}
	if negative && coef != 0 {
		b = append(b, '-')
	}
	if scale == 0 {
		return strconv.AppendUint(b, coef, 10)
	}
	var digits [20]byte
	d := strconv.AppendUint(digits[:0], coef, 10)
	if len(d) > scale {
		b = append(b, d[:len(d)-scale]...)
		b = append(b, '.')
		return append(b, d[len(d)-scale:]...)
	}
	b = append(b, '0', '.')
	for range scale - len(d) {
		b = append(b, '0')
	}
	return append(b, d...)
}

// Sheets count days from 30 December 1899; Unix time began on day 25569.
const (
	unixDay      = 25569
	secondsOfDay = 86400
)

// FirstSecond and LastSecond bound what is a date in every program that reads
// sheets: 1 January 1901 to the end of 9999, in Unix seconds.
const (
	FirstSecond = -2_177_452_800
	LastSecond  = 253_402_300_799
)

// appendSerial appends a moment as days with ten decimals, which are 9 µs: a
// sheet shows seconds, rounded.
func appendSerial(b []byte, seconds int64) []byte {
	day, rest := seconds/secondsOfDay, seconds%secondsOfDay
	if rest < 0 {
		day, rest = day-1, rest+secondsOfDay
	}
	const decimals, scale = 10, 10_000_000_000
	fraction := (uint64(rest)*scale + secondsOfDay/2) / secondsOfDay
	return AppendDecimal(b, false, uint64(day+unixDay)*scale+fraction, decimals)
}

// What a byte of a text needs.
const (
	plain  = 0
	markup = 1 << iota // is written as an entity
	space              // counts only with xml:space
	other              // is looked at more closely: not ASCII, not for XML, an underscore
)

var classes = func() (c [256]uint8) {
	for i := range c {
		switch {
		case i == '\t' || i == '\n':
			c[i] = space
		case i == '\r':
			c[i] = markup | space
		case i < ' ' || i > '~' || i == '_':
			c[i] = other
		case i == '<' || i == '>' || i == '&':
			c[i] = markup
		}
	}
	return c
}()

// appendText closes the tag that b ends in and appends a text as XML has it.
func appendText(b []byte, s string) []byte {
	seen := uint8(0)
	for i := range len(s) {
		seen |= classes[s[i]]
	}
	if seen&space != 0 || s != "" && (s[0] == ' ' || s[len(s)-1] == ' ') {
		b = append(b, ` xml:space="preserve"`...)
	}
	b = append(b, '>')
	if seen&(markup|other) == 0 {
		return append(b, s...)
	}
	from := 0 // of what is not appended yet
	for i := 0; i < len(s); {
		if classes[s[i]]&(markup|other) == 0 {
			i++
			continue
		}
		size, instead := escape(s[i:])
		if instead != "" {
			b = append(append(b, s[from:i]...), instead...)
			from = i + size
		}
		i += size
	}
	return append(b, s[from:]...)
}

// escape says how many bytes the first letter of s has and what stands for it;
// "" for itself.
func escape(s string) (size int, instead string) {
	switch c := s[0]; {
	case c == '<':
		return 1, "&lt;"
	case c == '>':
		return 1, "&gt;"
	case c == '&':
		return 1, "&amp;"
	case c == '\r': // a reader of XML makes a line feed of a bare one
		return 1, "&#xD;"
	case c == '_' && likeEscape(s):
		return 1, "_x005F_"
	case c == '_' || c == 0x7F:
		return 1, ""
	case c < ' ':
		return 1, "\uFFFD"
	}
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 || r == 0xFFFE || r == 0xFFFF {
		return size, "\uFFFD"
	}
	return size, ""
}

// likeEscape says whether s begins like _x0041_, which readers take for A.
func likeEscape(s string) bool {
	if len(s) < 7 || s[1] != 'x' || s[6] != '_' {
		return false
	}
	for _, c := range []byte(s[2:6]) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return true
}

// units is the length of a text in UTF-16.
func units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
