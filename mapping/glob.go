package mapping

import (
	"strings"
	"unicode"
)

// A glob matches text without regard to letter case: * is any text. There is
// no other special character.
type glob struct {
	exact string
	runes []rune // lower case; nil when there is no *
}

func newGlob(pattern string) glob {
	g := glob{exact: pattern}
	if strings.Contains(pattern, "*") {
		for _, r := range pattern {
			g.runes = append(g.runes, unicode.ToLower(r))
		}
	}
	return g
}

func (g glob) match(text string) bool {
	if g.runes == nil {
		return strings.EqualFold(g.exact, text)
	}
	// The classic two-pointer match: after a *, remember where to resume.
	s := []rune(text)
	p, i, star, resume := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(g.runes) && g.runes[p] == '*':
			star, resume = p, i
			p++
		case p < len(g.runes) && g.runes[p] == unicode.ToLower(s[i]):
			p++
			i++
		case star >= 0:
			resume++
			p, i = star+1, resume
		default:
			return false
		}
	}
	for p < len(g.runes) && g.runes[p] == '*' {
		p++
	}
	return p == len(g.runes)
}

// covers says whether everything that h matches, g matches too. It may say no
// where the truth is yes.
func (g glob) covers(h glob) bool {
	if g.exact == "*" || strings.EqualFold(g.exact, h.exact) {
		return true
	}
	return h.runes == nil && g.match(h.exact)
}
