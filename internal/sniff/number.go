package sniff

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A number is how a text writes a number.
type number struct {
	digits    int  // all of them
	decimals  int  // behind the decimal mark
	mark      byte // '.', ',' or 0: it has none
	ambiguous bool // one separator and three digits behind it: mark, or grouping
	symbol    bool // has a currency's sign
	percent   bool
	zeros     bool // an integer with zeros in front
	exponent  bool // 8.81618E+15
}

const currencySigns = "$€£¥￥₹₩₽₺₴₫฿元"

// parseNumber reads a text as a number in any of the notations of settlement
// files. It does not evaluate: what the digits amount to does not matter here.
func parseNumber(s string) (n number, ok bool) {
	s, n.symbol, n.percent = bare(s)
	if s == "" || len(s) > 64 {
		return n, false
	}
	if mantissa, _, found := strings.Cut(s, "E+"); found && scientific(s) {
		n.digits = len(mantissa)
		n.exponent = true
		return n, true
	}
	var groups []int // digits between separators
	var seps []rune
	run := 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			run++
			n.digits++
		case r == '.' || r == ',' || r == '\'' || r == '’' || unicode.IsSpace(r):
			groups, seps = append(groups, run), append(seps, r)
			run = 0
		default:
			return n, false
		}
	}
	groups = append(groups, run)
	if n.digits == 0 {
		return n, false
	}
	return n.separated(s, groups, seps)
}

// separated decides what the separators mean.
func (n number) separated(s string, groups []int, seps []rune) (number, bool) {
	if len(seps) == 0 {
		n.zeros = len(s) > 1 && s[0] == '0'
		return n, true
	}
	last, lastGroup := seps[len(seps)-1], groups[len(groups)-1]
	same := 0
	for _, sep := range seps {
		if sep == last {
			same++
		}
	}
	isMark := (last == '.' || last == ',') && same == 1
	grouped := groups
	if isMark {
		grouped = groups[:len(groups)-1]
	}
	for i, g := range grouped[1:] {
		if g != 3 || seps[i] != seps[0] {
			return n, false
		}
	}
	if len(grouped) > 1 && (grouped[0] == 0 || grouped[0] > 3) {
		return n, false
	}
	if !isMark {
		return n, lastGroup == 3
	}
	n.mark, n.decimals = byte(last), lastGroup
	n.ambiguous = len(seps) == 1 && lastGroup == 3 && groups[0] >= 1 && groups[0] <= 3 && s[0] != '0'
	return n, lastGroup > 0
}

// bare takes off what stands around a number: signs, brackets, blanks,
// back-ticks and currency signs.
func bare(s string) (rest string, symbol, percent bool) {
	s = strings.TrimFunc(s, around)
	if strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")") {
		s = s[1 : len(s)-1]
	}
	for range 4 { // - $5, $-5, 5 €-, -5%
		before := s
		s = strings.TrimFunc(s, around)
		for _, sign := range []string{"+", "-", "−"} {
			s = strings.TrimSuffix(strings.TrimPrefix(s, sign), sign)
		}
		if r, size := utf8.DecodeRuneInString(s); size > 0 && strings.ContainsRune(currencySigns, r) {
			s, symbol = s[size:], true
		}
		if r, size := utf8.DecodeLastRuneInString(s); size > 0 && strings.ContainsRune(currencySigns, r) {
			s, symbol = s[:len(s)-size], true
		}
		if cut, ok := strings.CutSuffix(s, "%"); ok {
			s, percent = cut, true
		}
		if s == before {
			break
		}
	}
	return s, symbol, percent
}

func around(r rune) bool {
	return unicode.IsSpace(r) || r == '`' || r == '\uFEFF' || r == '\u200B'
}

// scientific recognises 8.81618E+15: what a spreadsheet leaves of a long number.
func scientific(s string) bool {
	mantissa, exponent, ok := strings.Cut(s, "E+")
	if !ok || mantissa == "" || exponent == "" || len(exponent) > 3 || mantissa[0] == '.' || mantissa[0] == ',' {
		return false
	}
	return strings.Trim(mantissa, "0123456789.,") == "" && strings.Trim(exponent, "0123456789") == ""
}
