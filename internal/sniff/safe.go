package sniff

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes a text safe to print: controls and the characters that reverse
// or hide text become visible or blank.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r), r == '\uFEFF', r == '\u200B':
			return ' '
		}
		return utf8.RuneError
	}, s)
}

// cutText shortens a text to so many characters.
func cutText(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// show is a cell as a sample: clean, masked and short.
func show(s string) string {
	// Nothing behind the first few hundred bytes can be seen; a card number
	// that the cut would halve is masked before.
	const enough = 512
	if len(s) > enough {
		s = s[:enough]
	}
	return cutText(maskCards(strings.TrimSpace(clean(s))), 40)
}

// maskCards hides the middle of every run of digits that can be a card number:
// 13 to 19 digits, single blanks or dashes between them allowed, whose check
// digit is right. Six and four digits may be shown (PCI DSS 3.4.1).
func maskCards(s string) string {
	b := []byte(s)
	for i := 0; i < len(b); {
		if b[i] < '0' || b[i] > '9' {
			i++
			continue
		}
		spots, end := digitRun(b, i)
		if isCard(b, spots) {
			for _, at := range spots[6 : len(spots)-4] {
				b[at] = '*'
			}
		}
		i = end
	}
	return string(b)
}

// digitRun gives the places of the digits from i on, and where they end.
func digitRun(b []byte, i int) (spots []int, end int) {
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c >= '0' && c <= '9':
			spots = append(spots, i)
		case (c == ' ' || c == '-') && i+1 < len(b) && b[i+1] >= '0' && b[i+1] <= '9':
		default:
			return spots, i
		}
	}
	return spots, i
}

// isCard says whether digits can be a card's: length, first digit (2 to 6:
// ISO/IEC 7812's payment industries) and Luhn's check.
func isCard(b []byte, spots []int) bool {
	if len(spots) < 13 || len(spots) > 19 || b[spots[0]] < '2' || b[spots[0]] > '6' {
		return false
	}
	sum := 0
	for i := range spots {
		d := int(b[spots[len(spots)-1-i]] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// holdsCard says whether the whole text is a card number.
func holdsCard(s string) bool {
	b := []byte(strings.TrimSpace(s))
	if len(b) < 13 || len(b) > 40 {
		return false
	}
	spots, end := digitRun(b, 0)
	return end == len(b) && isCard(b, spots)
}
