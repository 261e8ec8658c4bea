package stripeapi

import (
	"encoding/json"
)

// answerBody is as much of a payment record or an error object as a verdict needs.
type answerBody struct {
	ID       string  `json:"id"`
	Object   string  `json:"object"`
	Livemode *bool   `json:"livemode"`
	Attempt  *string `json:"latest_payment_attempt_record"`
	Error    *struct {
		Type    string `json:"type"`
		Code    string `json:"code"`
		Param   string `json:"param"`
		Message string `json:"message"`
	} `json:"error"`
}

// decodeAnswer reads an answer. Those of calls that went well, nearly all, are
// read by [scanRecord]; what that does not know is encoding/json's.
func decodeAnswer(raw []byte) (body answerBody, err error) {
	if scanRecord(raw, &body) {
		return body, nil
	}
	body = answerBody{}
	err = json.Unmarshal(raw, &body)
	return body, err
}

// Both values of livemode, to point at.
var live, test = true, false

// scanRecord reads an object without an error in it and says whether it
// understood it all: then body is what encoding/json would have made of it. The
// whole text is checked, because half of an answer is none. Whatever is legal
// and unusual (escapes, null or a wrong type in a wanted field, a field twice or
// in capitals, great depth) is left to encoding/json. A tenth of its time.
func scanRecord(raw []byte, body *answerBody) bool {
	s := &scanner{b: raw}
	s.space()
	if !s.take('{') {
		return false
	}
	for first := true; ; first = false {
		s.space()
		if first && s.take('}') {
			break
		}
		name, plain := s.text()
		s.space()
		if !plain || !s.take(':') {
			return false
		}
		s.space()
		if !s.field(name, body) {
			return false
		}
		s.space()
		if s.take('}') {
			break
		}
		if !s.take(',') {
			return false
		}
	}
	s.space()
	return s.i == len(s.b)
}

// A scanner goes through JSON once. Its methods say whether they found what
// they are named for; after a false one its place means nothing.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\n' || s.b[s.i] == '\t' || s.b[s.i] == '\r') {
		s.i++
	}
}

func (s *scanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.i >= len(w) && string(s.b[s.i:s.i+len(w)]) == w {
		s.i += len(w)
		return true
	}
	return false
}

// field reads the value of a field of the answer itself.
func (s *scanner) field(name []byte, body *answerBody) bool {
	switch string(name) {
	case "id":
		return s.wanted(&body.ID)
	case "object":
		return s.wanted(&body.Object)
	case "latest_payment_attempt_record":
		if s.word("null") {
			return body.Attempt == nil
		}
		if body.Attempt != nil {
			return false
		}
		body.Attempt = new(string)
		return s.wanted(body.Attempt)
	case "livemode":
		switch {
		case body.Livemode != nil:
			return false
		case s.word("true"):
			body.Livemode = &live
		case s.word("false"):
			body.Livemode = &test
		default:
			return false
		}
		return true
	}
	if string(name) == "error" || hasCapital(name) { // encoding/json takes a field by its name in capitals as well
		return false
	}
	return s.value(maxDepth)
}

func hasCapital(b []byte) bool {
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			return true
		}
	}
	return false
}

// wanted reads a text that stands there once and as it is.
func (s *scanner) wanted(to *string) bool {
	text, plain := s.text()
	if !plain || len(text) == 0 || *to != "" {
		return false
	}
	*to = string(text)
	return true
}

// text reads a string. It is plain when it is printable ASCII without escapes.
func (s *scanner) text() (text []byte, plain bool) {
	if !s.take('"') {
		return nil, false
	}
	for from := s.i; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[from : s.i-1], true
		case c < ' ', c == '\\', c >= 0x7f:
			return nil, false
		}
	}
	return nil, false
}

// skipText reads any string.
func (s *scanner) skipText() bool {
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return true
		case c < ' ':
			return false
		case c == '\\':
			s.i++
			if s.i >= len(s.b) || !s.escape() {
				return false
			}
		}
	}
	return false
}

// escape checks what stands behind a backslash and stays on its last character.
func (s *scanner) escape() bool {
	switch s.b[s.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			if s.i++; s.i >= len(s.b) || !isHex(s.b[s.i]) {
				return false
			}
		}
		return true
	}
	return false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// maxDepth is deeper than any answer of the API.
const maxDepth = 32

// value reads any value.
func (s *scanner) value(depth int) bool {
	if s.i >= len(s.b) || depth == 0 {
		return false
	}
	switch c := s.b[s.i]; c {
	case '"':
		return s.skipText()
	case '{':
		return s.list('}', func() bool {
			if s.i >= len(s.b) || s.b[s.i] != '"' || !s.skipText() {
				return false
			}
			s.space()
			if !s.take(':') {
				return false
			}
			s.space()
			return s.value(depth - 1)
		})
	case '[':
		return s.list(']', func() bool { return s.value(depth - 1) })
	case 'n':
		return s.word("null")
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	}
	return s.number()
}

// list reads what stands between brackets.
func (s *scanner) list(end byte, element func() bool) bool {
	s.i++
	s.space()
	if s.take(end) {
		return true
	}
	for {
		s.space()
		if !element() {
			return false
		}
		s.space()
		if s.take(end) {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	from := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > from
}
