package sniff

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/payrec/payrec/internal/cardnumber"
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
	return cutText(cardnumber.Mask(strings.TrimSpace(clean(s))), 40)
}
