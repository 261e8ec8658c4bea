package record

import (
	"strconv"
	"strings"
)

// scanRefundStamp reads the text of a refund stamp as [RefundStamp.Pair] writes
// it: fields once, strings of printable ASCII without escapes. Then s is what
// encoding/json would have made of it. Anything else it leaves to encoding/json:
// an export reads the stamps of millions of payments, several times.
func scanRefundStamp(text string, s *RefundStamp) bool {
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return false
	}
	counted := false
	for rest := text[1 : len(text)-1]; ; rest = rest[1:] {
		name, after, ok := plainString(rest)
		if !ok || !strings.HasPrefix(after, ":") {
			return false
		}
		rest = after[1:]
		if name == "value" {
			digits, _, _ := strings.Cut(rest, ",")
			n, err := strconv.ParseInt(digits, 10, 64)
			if err != nil || counted || strconv.FormatInt(n, 10) != digits {
				return false
			}
			s.Value, counted, rest = n, true, rest[len(digits):]
		} else {
			to := s.text(name)
			if to == nil || *to != "" {
				return false
			}
			if *to, rest, ok = plainString(rest); !ok {
				return false
			}
		}
		if rest == "" {
			return true
		}
		if rest[0] != ',' {
			return false
		}
	}
}

// text is the field of a name in JSON, or nil.
func (s *RefundStamp) text(name string) *string {
	switch name {
	case "op":
		return &s.Op
	case "currency":
		return (*string)(&s.Currency)
	case "at":
		return &s.At
	case "ref":
		return &s.Reference
	case "fee":
		return &s.Fee
	case "h":
		return &s.Content
	case "row":
		return &s.Row
	}
	return nil
}

// plainString reads a JSON string of printable ASCII without escapes.
func plainString(s string) (text, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", "", false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[1:i], s[i+1:], true
		case c < ' ', c == '\\', c >= 0x7f:
			return "", "", false
		}
	}
	return "", "", false
}
