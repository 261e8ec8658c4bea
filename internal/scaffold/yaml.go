package scaffold

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plainScalar is text that YAML takes as it stands, in a flow list as well.
var plainScalar = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./()-]*( [A-Za-z0-9_./()-]+)*$`)

// quote writes a text as a YAML scalar that is read back as that text: plain
// where nothing can be misread, in single quotes, or with escapes.
func quote(s string) string {
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return "'" + s + "'"
	}
	if plainScalar.MatchString(s) && !strings.Contains(s, " -") {
		return s
	}
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return escape(s)
		}
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// escape writes a text in double quotes, with everything that is not plain
// ASCII escaped.
func escape(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// list writes texts as a YAML value: one, or a flow list.
func list(values []string) string {
	if len(values) == 1 {
		return quote(values[0])
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// comment makes a text fit for a comment: one line, printable.
func comment(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return utf8.RuneError
	}, s)
	if r := []rune(s); len(r) > 300 {
		s = string(r[:299]) + "…"
	}
	return strings.TrimSpace(s)
}
