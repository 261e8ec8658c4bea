package table

import "strings"

// GuardIn is [Guard] for a file of a delimiter that is opened by a spreadsheet
// which splits at another one: a German Excel splits a comma-separated file at
// semicolons, and a quote in the middle of a line is no quote to it. So what
// follows another delimiter, or a line break, inside a cell is guarded as if it
// began a cell, quotes before it notwithstanding. UnguardIn undoes it exactly.
// Source: OWASP, CSV Injection ("take care of the field separator and quotes").
func GuardIn(delimiter rune, cell string) string {
	return pieces(Guard(cell), delimiter, func(piece string) string {
		if riskyPiece(piece) {
			return "'" + piece
		}
		return piece
	})
}

// UnguardIn undoes [GuardIn] of the same delimiter.
func UnguardIn(delimiter rune, cell string) string {
	return Unguard(pieces(cell, delimiter, func(piece string) string {
		if len(piece) > 1 && piece[0] == '\'' && riskyPiece(piece[1:]) {
			return piece[1:]
		}
		return piece
	}))
}

// splitters are what spreadsheets split lines at.
const splitters = ",;\t\r\n"

// pieces changes what follows a splitter other than the file's own delimiter.
func pieces(cell string, delimiter rune, change func(string) string) string {
	splits := func(r rune) bool { // the file's own delimiter is behind quotes
		return strings.ContainsRune(splitters, r) && (r != delimiter || r == '\r' || r == '\n')
	}
	if strings.IndexFunc(cell, splits) < 0 {
		return cell
	}
	var b strings.Builder
	for first := true; ; first = false {
		i := strings.IndexFunc(cell, splits)
		piece := cell
		if i >= 0 {
			piece = cell[:i]
		}
		if !first {
			piece = change(piece)
		}
		b.WriteString(piece)
		if i < 0 {
			return b.String()
		}
		b.WriteByte(cell[i])
		cell = cell[i+1:]
	}
}

// riskyPiece is risky behind quotes as well, which are none in the middle of a line.
func riskyPiece(s string) bool { return risky(strings.TrimLeft(s, `'"`)) }
