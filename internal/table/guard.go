package table

import (
	"strings"
	"unicode/utf8"
)

// Guard makes a cell of text harmless to a spreadsheet, which would take one
// that begins with = + - @ (or their full-width forms) for a formula, and can
// be led there by blanks, NULs, tabs and line breaks in front. It prefixes an
// apostrophe. Plain numbers such as -12.34, +5 and -1,533.50 stay as they are,
// and so does a dash or two, which many reports write for "empty".
//
// A cell that already looks guarded is guarded again, so that
// Unguard(Guard(s)) == s for every s. Source: OWASP, CSV Injection.
func Guard(cell string) string {
	if risky(cell) {
		return "'" + cell
	}
	return cell
}

// Unguard undoes [Guard], and leaves every other apostrophe alone.
func Unguard(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && risky(cell[1:]) {
		return cell[1:]
	}
	return cell
}

// risky says whether a spreadsheet may run the cell, or whether it reads like
// a guarded cell of that sort.
func risky(s string) bool {
	s = strings.TrimLeft(s, "'")
	for i, r := range s {
		switch r {
		case '=', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠':
			return true
		case '+', '-':
			return !harmless(s[i:])
		}
		if r != 0 && (r == utf8.RuneError || !isBlankRune(r)) {
			return false
		}
	}
	return false
}

// harmless says whether what begins with a sign is only a number, or dashes.
func harmless(s string) bool {
	s = strings.TrimRight(s, " ")
	if strings.Trim(s, "-") == "" {
		return true
	}
	digits := 0
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c != '.' && c != ',':
			return false
		}
	}
	return digits > 0
}
