package cardnumber

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A scanner goes through one text. It keeps the window in work in arrays, so
// that scanning allocates nothing.
type scanner struct {
	text      string
	cardsOnly bool // what is no card number need not be seen

	digits [longest]byte
	n      int // digits of the window
	groups [longest]byte
	g      int  // groups of the window
	sep    rune // before its last group; 0 for one group
	mixed  bool // the groups are not all apart by one separator of one kind
}

// scan calls see with the candidates, and says of each whether it is a card
// number, until see returns false. Windows that begin at one place give the card
// number among them, or one candidate.
func (s *scanner) scan(text string, see func(n Number, card bool) bool) {
	s.text = text
	for at := 0; at < len(text); {
		r, size := rune(text[at]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[at:])
		}
		if _, ok := digit(r); !ok {
			at += size
			continue
		}
		n, card, next := s.from(at)
		if n.To > 0 && !see(n, card) {
			return
		}
		at = next
	}
}

// from tries the windows that begin with the group of digits at a place: n is
// the candidate, if there is one, and next where to go on. Of card numbers that
// begin alike the longest is taken: 19 digits in groups can begin with 16 that
// pass as well.
func (s *scanner) from(at int) (n Number, card bool, next int) {
	if end, ok := s.passOver(at); ok {
		return n, false, end
	}
	s.n, s.g, s.sep, s.mixed = 0, 0, 0, false
	begins := s.begins(at)
	for p := at; ; {
		end, size := s.group(p)
		if next == 0 {
			next = end
		}
		if size == 0 || s.cardsOnly && s.n > 1 && !beginnings[10*s.digits[0]+s.digits[1]] {
			return n, card, next // more digits than a card number has, or none that begins like this
		}
		s.groups[s.g] = byte(size)
		s.g++
		sep, width, follows := s.separator(end)
		if s.n >= shortest && begins && s.layout(at, follows) && s.ends(end) {
			is := luhn(s.digits[:s.n]) && issued(s.digits[:s.n])
			if (is || !card && !s.cardsOnly) && !s.isPhone(at) && !s.inUUID(at, end) && !s.inIBAN(at, end) {
				n, card = Number{at, end, s.g > 1}, is
			}
			if card {
				next = end
			}
		}
		if !follows || card && !n.Grouped { // what stands behind one run of digits is something else
			return n, card, next
		}
		s.mixed = s.mixed || s.sep != 0 && sep != s.sep || width > utf8.RuneLen(sep)
		s.sep = sep
		p = end + width
	}
}

// passOver skips a group of ASCII digits that begins as no card number does,
// when only card numbers are looked for: nearly every reference is one.
func (s *scanner) passOver(at int) (end int, ok bool) {
	t := s.text
	if !s.cardsOnly || at+1 >= len(t) || t[at]-'0' > 9 || t[at+1]-'0' > 9 || beginnings[10*(t[at]-'0')+t[at+1]-'0'] {
		return 0, false
	}
	for end = at + 2; end < len(t) && t[end]-'0' <= 9; end++ {
	}
	return end, end == len(t) || t[end] < utf8.RuneSelf
}

// group takes the digits at a place into the window. A size of 0 says that they
// are too many.
func (s *scanner) group(p int) (end, size int) {
	for p < len(s.text) {
		r, width := rune(s.text[p]), 1
		if r >= utf8.RuneSelf {
			r, width = utf8.DecodeRuneInString(s.text[p:])
		}
		d, ok := digit(r)
		if !ok {
			break
		}
		if s.n < longest {
			s.digits[s.n] = d
		}
		s.n++
		size++
		p += width
	}
	if s.n > longest {
		return p, 0
	}
	return p, size
}

// mostSeparators is how many may stand between two groups: blank, dash, blank.
const mostSeparators = 3

// separator is what stands at a place, if a digit follows it.
func (s *scanner) separator(p int) (sep rune, width int, follows bool) {
	for range mostSeparators + 1 {
		r, size := utf8.DecodeRuneInString(s.text[p+width:])
		if _, ok := digit(r); ok && size > 0 {
			return sep, width, width > 0
		}
		if size == 0 || !isSeparator(r) {
			break
		}
		sep, width = r, width+size
	}
	return 0, 0, false
}

// printed are the groupings on cards, digits by group. Source: the gaps in
// Braintree's credit-card-type; Wikipedia, "Payment card number".
var printed = []string{
	"\x04\x04\x04\x04", "\x04\x06\x05", "\x04\x06\x04", "\x04\x04\x04\x04\x01", "\x04\x04\x04\x04\x02", "\x04\x04\x04\x04\x03",
	"\x04\x04\x04\x01", "\x06\x0d", "\x08\x08", "\x04\x04\x05", "\x04\x03\x03\x03", "\x06\x06\x04",
}

// layout says whether the window is grouped as a card number may be: as on a
// card, or in any way when no other digits stand with it.
func (s *scanner) layout(at int, follows bool) bool {
	groups := s.groups[:s.g]
	if s.g == 1 {
		return true
	}
	for _, p := range printed {
		if string(groups) == p {
			return true
		}
	}
	return !s.mixed && !follows && !s.continues(at)
}

// continues says whether the group at a place is not the first of its run.
func (s *scanner) continues(at int) bool {
	sep, width := utf8.DecodeLastRuneInString(s.text[:at])
	if width == 0 || !isSeparator(sep) {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(s.text[:at-width])
	_, ok := digit(r)
	return ok
}

// begins says whether a number can begin at a place: not behind a decimal
// point, nor in a word with further digits.
func (s *scanner) begins(at int) bool {
	r, width := utf8.DecodeLastRuneInString(s.text[:at])
	switch {
	case width == 0:
		return true
	case r == '…': // the end of a mask
		return false
	case r == '.':
		before, n := utf8.DecodeLastRuneInString(s.text[:at-width])
		_, isDigit := digit(before)
		return n > 0 && !isDigit && !unicode.IsSpace(before)
	case !unicode.IsLetter(r):
		return true
	}
	for width > 0 && unicode.IsLetter(r) {
		at -= width
		r, width = utf8.DecodeLastRuneInString(s.text[:at])
	}
	_, isDigit := digit(r)
	return width == 0 || !isDigit
}

// ends says whether a number can end at a place.
func (s *scanner) ends(end int) bool {
	rest := s.text[end:]
	r, width := utf8.DecodeRuneInString(rest)
	if width == 0 {
		return true
	}
	digits := leadingDigits(rest[width:])
	switch {
	case r == '…', masks(rest) >= 4: // the beginning of a mask
		return false
	case r == '.':
		return digits == 0
	case r == ',': // a list, unless one or two digits end it
		return digits == 0 || digits > 2 || strings.HasPrefix(rest[width+digits:], "/")
	case r == 'D' || r == 'd': // the stripe's expiry behind its separator: ISO/IEC 7813
		if digits >= 7 {
			return true
		}
	case !unicode.IsLetter(r):
		return true
	}
	i := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) })
	return i < 0 || leadingDigits(rest[i:]) == 0
}

// masks counts the characters at the beginning that stand for digits.
func masks(s string) int {
	n := 0
	for _, r := range s {
		if !strings.ContainsRune("*xX•#", r) {
			break
		}
		n++
	}
	return n
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	return n
}

// isPhone says whether the window is the number of a telephone, which has at
// most 15 digits behind its plus sign (ITU-T E.164).
func (s *scanner) isPhone(at int) bool {
	return at > 0 && s.text[at-1] == '+' && s.n <= 15
}

// inUUID says whether the window lies in a UUID: 8-4-4-4-12 hexadecimal digits.
func (s *scanner) inUUID(at, end int) bool {
	if s.sep != '-' && s.sep != 0 {
		return false
	}
	part := func(c byte) bool { return c == '-' || c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'f' }
	from := at
	for from > 0 && at-from < 36 && part(s.text[from-1]) {
		from--
	}
	for end < len(s.text) && end-from <= 36 && part(s.text[end]) {
		end++
	}
	t := s.text[from:end]
	return len(t) == 36 && t[8] == '-' && t[13] == '-' && t[18] == '-' && t[23] == '-' && strings.Count(t, "-") == 4
}

// masked shows a number's first six and last four digits.
func masked(number string) string {
	var digits []byte
	for _, r := range number {
		if d, ok := digit(r); ok {
			digits = append(digits, '0'+d)
		}
	}
	return string(digits[:6]) + "…" + string(digits[len(digits)-4:])
}
