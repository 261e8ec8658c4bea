package scaffold

import (
	"slices"
	"strings"
	"unicode"
)

// Bounds of what is read and remembered.
const (
	mostRows     = 10_000
	mostDistinct = 40 // a column of more values is no type or status
	longestValue = 80
)

// facts are what a column's cells show besides what sniff reports.
type facts struct {
	filled   int
	distinct map[string]int // nil once there are too many or too long ones
	order    []string       // of distinct

	numbers  int // that have a digit and no letters
	negative int
	positive int
	groups   [4]int // how many have , . blank ' between thousands
	leading  map[string]int
	signs    map[string]int // currency signs
	empties  map[string]int // tokens for nothing
	withAt   int            // look like an e-mail address
	shape    string         // the outline of the values, "" when they differ
}

// groupMarks are the marks between thousands, as facts.groups counts them.
var groupMarks = [...]string{",", ".", "blank", "'"}

// emptyTokens are texts that reports write for nothing.
var emptyTokens = []string{"--", "-", "/", `\N`, "N/A", "n/a", "NULL"}

// currencySigns are the signs that stand for one currency, or mostly do.
var currencySigns = map[string]string{"$": "USD", "€": "EUR", "£": "GBP", "¥": "", "￥": "", "₹": "INR", "kr": "", "CHF": "CHF"}

func (f *facts) add(cell string) {
	cell = strings.TrimFunc(cell, blankRune)
	if cell == "" {
		return
	}
	f.filled++
	f.remember(cell)
	if outline := outline(cell); f.filled == 1 {
		f.shape = outline
	} else if f.shape != outline {
		f.shape = ""
	}
	if r := []rune(cell)[0]; strings.ContainsRune("`'#", r) {
		count(&f.leading, string(r))
		cell = strings.TrimSpace(strings.TrimPrefix(cell, string(r)))
	}
	if slices.Contains(emptyTokens, cell) {
		count(&f.empties, cell)
		return
	}
	if len(cell) < longestValue {
		f.number(cell)
	}
	if at := strings.IndexByte(cell, '@'); at > 0 && strings.Contains(cell[at:], ".") && !strings.Contains(cell, " ") {
		f.withAt++
	}
}

func (f *facts) remember(cell string) {
	if f.distinct == nil {
		return
	}
	if f.distinct[cell] == 0 {
		if len(f.order) == mostDistinct || len(cell) > longestValue || digits(cell) >= shortestCard {
			f.distinct, f.order = nil, nil
			return
		}
		f.order = append(f.order, strings.Clone(cell))
	}
	f.distinct[cell]++
}

// shortestCard is the number of digits from which a value may be a card's
// number, and is never written to a mapping as a value.
const shortestCard = 13

func digits(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// number looks at how a number is written: its sign, its currency, its groups.
func (f *facts) number(cell string) {
	for sign := range currencySigns {
		if strings.Contains(cell, sign) {
			count(&f.signs, sign)
			cell = strings.TrimSpace(strings.ReplaceAll(cell, sign, ""))
		}
	}
	if !strings.ContainsAny(cell, "0123456789") || strings.ContainsFunc(cell, unicode.IsLetter) {
		return
	}
	f.numbers++
	switch {
	case strings.ContainsAny(cell, "-−("):
		f.negative++
	case strings.ContainsAny(cell, "123456789"):
		f.positive++
	}
	for i, mark := range []string{",", ".", " ", "'"} {
		if grouped(strings.ReplaceAll(cell, "\u00a0", " "), mark) {
			f.groups[i]++
		}
	}
}

// grouped says whether a number has the mark between thousands, and cannot
// have it before its decimals: it stands twice, or another mark follows.
func grouped(s, mark string) bool {
	s = strings.Trim(s, "+-−() ")
	first := strings.Index(s, mark)
	if first < 1 {
		return false
	}
	rest := s[first+len(mark):]
	whole := strings.TrimRight(rest, "0123456789"+mark)
	digits := rest[:min(len(rest), 3)]
	if len(digits) < 3 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	return mark == " " || mark == "'" || strings.Contains(rest, mark) || whole != ""
}

// outline is a text with its letters and digits made alike: "R-17" is "a-99".
func outline(s string) string {
	if len(s) > longestValue {
		return ""
	}
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsDigit(r):
			return '9'
		case unicode.IsLetter(r):
			return 'a'
		}
		return r
	}, s)
}

func blankRune(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' }

func count(m *map[string]int, key string) {
	if *m == nil {
		*m = map[string]int{}
	}
	(*m)[key]++
}

// most is the key with the highest count, and its count.
func most(m map[string]int) (best string, n int) {
	for k, v := range m {
		if v > n || v == n && k < best {
			best, n = k, v
		}
	}
	return best, n
}

// values are the distinct values of a column of few, without the mark that
// stands before every one of them.
func (c *Column) values() []string {
	if c == nil || c.facts.distinct == nil {
		return nil
	}
	return c.facts.order
}
