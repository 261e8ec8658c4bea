package main

import (
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"

	"github.com/payrec/payrec/internal/stripeapi"
)

// clean makes text that came from a file, a server or the command line harmless
// for a terminal: control characters and those that turn the direction of
// writing become visible substitutes (CVE-2021-25743 is what happens
// otherwise), and of an API key that somebody put in the wrong place only its
// kind is shown.
func clean(s string) string {
	s = stripeapi.ScrubKeys(s)
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), isDirection(r):
			return '\ufffd'
		}
		return r
	}, s)
}

// isDirection says whether a character turns the direction of writing, breaks
// the line or is not seen.
func isDirection(r rune) bool {
	switch {
	case r >= '\u2028' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e', r == '\u200f', r == '\u061c', r == '\ufeff':
		return true
	}
	return false
}

// isTerminal says whether somebody is looking.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
