package table

import (
	"bytes"
	"unicode/utf8"
)

// What usual says when it has no token.
const (
	unusual = 0
	cutOff  = -1 // the bytes end too early to tell
)

// usual finds a token at the start of b, and gives its length.
func (z *tokenizer) usual(b []byte) int {
	switch {
	case len(b) < 2: // the shortest that is told by its first bytes alone
		return cutOff
	case b[0] != '<':
		return z.usualText(b)
	case b[1] == '/':
		return z.usualEnd(b)
	}
	return z.usualStart(b)
}

// usualText finds a text up to the next tag.
func (z *tokenizer) usualText(b []byte) int {
	n := bytes.IndexByte(b, '<')
	if n < 0 {
		return cutOff
	}
	var all class
	for _, c := range b[:n] {
		all |= classes[c]
	}
	// U+FFFE and U+FFFF are no characters in XML; those with the same first bytes are rare.
	if all&notText != 0 || all&notASCII != 0 && (!utf8.Valid(b[:n]) || bytes.Contains(b[:n], []byte("\xef\xbf"))) {
		return unusual
	}
	z.tok.kind, z.tok.text = charData, b[:n]
	if all&standsForOther != 0 && !z.resolve() {
		return unusual
	}
	return n
}

// resolve puts characters for the text's references and makes its line ends LF, if it
// has no references but those that all XML knows by name.
func (z *tokenizer) resolve() bool {
	to, rest := z.resolved[:0], z.tok.text
	for len(rest) > 0 {
		n := 1
		switch c := rest[0]; c {
		case '&':
			if c, n = reference(rest); n == 0 {
				return false
			}
			to = append(to, c)
		case '\r':
			if to = append(to, '\n'); len(rest) > 1 && rest[1] == '\n' {
				n = 2
			}
		default:
			to = append(to, c)
		}
		rest = rest[n:]
	}
	z.resolved, z.tok.text = to, to
	return true
}

// reference is the character that a reference at the start of a text stands for,
// and the reference's length; 0 if it is not known.
func reference(text []byte) (byte, int) {
	for _, r := range references {
		if bytes.HasPrefix(text, []byte(r.name)) {
			return r.is, len(r.name)
		}
	}
	return 0, 0
}

// references are those of XML 1.0, 4.6.
var references = [...]struct {
	name string
	is   byte
}{{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}

// usualEnd finds </name>.
func (z *tokenizer) usualEnd(b []byte) int {
	name, _, n := usualName(b, 2)
	if n <= 0 {
		return n
	}
	if b[n] != '>' {
		return unusual
	}
	z.tok.kind, z.tok.name = endTag, name
	return n + 1
}

// usualStart finds <name attribute="value" …> or />.
func (z *tokenizer) usualStart(b []byte) int {
	name, _, n := usualName(b, 1)
	if n <= 0 {
		return n
	}
	z.tok.kind, z.tok.name, z.tok.attrs = startTag, name, z.tok.attrs[:0]
	for {
		for n < len(b) && classes[b[n]]&isSpace != 0 {
			n++
		}
		switch {
		case n+1 >= len(b):
			if n < len(b) && b[n] == '>' {
				return n + 1
			}
			return cutOff
		case b[n] == '>':
			return n + 1
		case b[n] == '/' && b[n+1] == '>':
			z.closed = true
			return n + 2
		}
		if n = z.usualAttr(b, n); n <= 0 {
			return n
		}
	}
}

// usualAttr finds name="value" or name='value' at b[n:], and gives its end.
func (z *tokenizer) usualAttr(b []byte, n int) int {
	name, prefixed, n := usualName(b, n)
	switch {
	case n <= 0:
		return n
	case n+1 >= len(b):
		return cutOff
	case b[n] != '=' || b[n+1] != '"' && b[n+1] != '\'':
		return unusual
	}
	quote := b[n+1]
	n += 2
	for from := n; n < len(b); n++ {
		if b[n] == quote {
			z.tok.attrs = append(z.tok.attrs, attribute{prefixed, name, b[from:n]})
			return n + 1
		}
		if classes[b[n]]&notValue != 0 {
			return unusual
		}
	}
	return cutOff
}

// usualName finds an ASCII name at b[from:], with a prefix or without, and gives the place
// behind it, where there is a byte.
func usualName(b []byte, from int) (local []byte, prefixed bool, n int) {
	if from < len(b) && classes[b[from]]&startsName == 0 {
		return nil, false, unusual
	}
	first := from
	for n = from; n < len(b); n++ {
		c := classes[b[n]]
		if c&inName != 0 {
			continue
		}
		if b[n] != ':' {
			return b[first:n], prefixed, n
		}
		if prefixed || n+1 < len(b) && classes[b[n+1]]&inName == 0 {
			return nil, false, unusual
		}
		first, prefixed = n+1, true
	}
	return nil, false, cutOff
}

// A class is what a byte is to the tokenizer.
type class uint8

const (
	startsName     class = 1 << iota
	inName               // colons apart
	isSpace              // in tags
	notText              // in a text, it may mean something else
	notASCII             // part of a longer character
	standsForOther       // in a text, begins a reference or a line end that may not be LF
	notValue             // in a value, it may mean something else, or is not ASCII
)

var classes = classify()

func classify() (of [256]class) {
	for c := range of {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
			of[c] = startsName | inName
		case '0' <= c && c <= '9', c == '-', c == '.':
			of[c] = inName
		case c == '&':
			of[c] = standsForOther | notValue
		case c == '<':
			of[c] = notText | notValue
		case c == '>': // ]]> is wrong in a text
			of[c] = notText
		case c == ' ':
			of[c] = isSpace
		case c == '\t', c == '\n':
			of[c] = isSpace | notValue
		case c == '\r':
			of[c] = isSpace | standsForOther | notValue
		case c < ' ':
			of[c] = notText | notValue
		case c >= utf8.RuneSelf:
			of[c] = notASCII | notValue
		}
	}
	return of
}
