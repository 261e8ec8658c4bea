package table

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Columns are the names of a header row. They do not change.
type Columns struct {
	names   []string
	index   map[string][]int // normalised name to cell indexes, ascending
	named   int              // cells up to and with the last that has a name
	rejects bool
}

// NewColumns makes a header of the names in the order of the cells. Names may
// repeat and may be empty.
func NewColumns(names []string) *Columns {
	c := &Columns{names: append([]string(nil), names...), index: make(map[string][]int, len(names))}
	for i, name := range c.names {
		n := Normalize(name)
		if n == "" {
			continue
		}
		c.index[n] = append(c.index[n], i)
		c.named = i + 1
	}
	c.rejects = c.index["payrec_line"] != nil && c.index["payrec_message"] != nil
	return c
}

// Names are the names as written, one per cell. The slice is the caller's.
func (c *Columns) Names() []string { return append([]string(nil), c.names...) }

// Len is the number of the header's cells.
func (c *Columns) Len() int { return len(c.names) }

// Index is the cell, from 0, of the nth column of that name, n from 1 and from
// left to right; -1 when there is none. Names compare as [Normalize] has them.
func (c *Columns) Index(name string, occurrence int) int {
	cells := c.index[Normalize(name)]
	if occurrence < 1 || occurrence > len(cells) {
		return -1
	}
	return cells[occurrence-1]
}

// FromRejects says whether this is the header of a rejects file of payrec's
// own, by its columns payrec_line and payrec_message. Every cell of such a
// file went through [Guard]; a Reader undoes that.
func (c *Columns) FromRejects() bool { return c.rejects }

// Suggest is the name, as written, that name was probably meant to be: the
// nearest by edits, or one that contains it; empty when none is near.
func (c *Columns) Suggest(name string) string {
	want := Normalize(name)
	if want == "" {
		return ""
	}
	best, bestCost := "", 1<<30
	for _, have := range c.names {
		n := Normalize(have)
		if n == "" || n == want {
			continue
		}
		if cost, near := distance(want, n); near && cost < bestCost {
			best, bestCost = have, cost
		}
	}
	return trim(best)
}

// distance is how unlike two normalised names are, and whether they are alike
// enough to mention: up to a third of the characters changed (letters and
// digits counting twice as much as the rest), or one inside the other.
func distance(a, b string) (int, bool) {
	x, y := letters(a), letters(b)
	if x == "" || y == "" {
		return 0, false
	}
	longer := max(utf8.RuneCountInString(x), utf8.RuneCountInString(y))
	d := edits([]rune(x), []rune(y))
	if 3*d <= longer || d == 1 && longer > 1 {
		return 2 * d, true
	}
	shorter := min(utf8.RuneCountInString(x), utf8.RuneCountInString(y))
	if shorter >= 3 && (strings.Contains(x, y) || strings.Contains(y, x)) {
		return 2*longer + d, true // behind every near spelling
	}
	return 0, false
}

// letters keeps the letters and digits, so that psp_reference is Psp Reference.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// edits is Levenshtein's distance. Names longer than 200 runes are cut: a
// header is outside input, and the cost is the product of the lengths.
func edits(a, b []rune) int {
	a, b = a[:min(len(a), 200)], b[:min(len(b), 200)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, ra := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, rb := range b {
			cost := diagonal
			if ra != rb {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// Normalize is the form in which names are compared: no blanks of any kind
// around it (no-break and ideographic spaces, tabs and byte order marks
// included), one space for each run of blanks inside, lower case.
func Normalize(name string) string {
	if plain(name) {
		return name
	}
	var b strings.Builder
	b.Grow(len(name))
	gap := false
	for _, r := range trim(name) {
		if isBlankRune(r) {
			gap = true
			continue
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// plain says whether a name is already normal: lower-case ASCII without blanks.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// glob matches text against a pattern in which * is any text and ? any one
// character; letter case is ignored. It takes time in the product of the
// lengths at worst, never more.
func glob(pattern, text string) bool {
	p, s := []rune(strings.ToLower(pattern)), []rune(strings.ToLower(text))
	i, j, star, mark := 0, 0, -1, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
