package stripeapi

import (
	"bytes"
	"encoding/json"
)

// answerBody is as much of a payment record or an error object as a verdict needs.
type answerBody struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Livemode *bool  `json:"livemode"`
	Attempt  string `json:"latest_payment_attempt_record"`
	Error    *struct {
		Type    string `json:"type"`
		Code    string `json:"code"`
		Param   string `json:"param"`
		Message string `json:"message"`
	} `json:"error"`
}

// decodeAnswer reads an answer. Those of calls that went well, nearly all, are
// read by [scanRecord]; what that does not know is encoding/json's.
func decodeAnswer(raw []byte) (answerBody, error) {
	var body answerBody
	if scanRecord(raw, &body) {
		return body, nil
	}
	return unmarshalAnswer(raw)
}

func unmarshalAnswer(raw []byte) (body answerBody, err error) {
	err = json.Unmarshal(raw, &body)
	return body, err
}

// Both values of livemode, to point at.
var live, test = true, false

// scanRecord reads an object without an error in it and says whether it
// understood it all: then body is what encoding/json would have made of it. The
// whole text is checked, because half of an answer is none. Whatever is legal
// and unusual (escapes, null or a wrong type in a wanted field, a field twice or
// in capitals, great depth) is left to encoding/json. An eighth of its time.
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
		name, ok := s.plain()
		if !ok || !s.to(behindColon(s.b, s.i)) {
			return false
		}
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

// field reads the value of a field of the answer itself.
func (s *scanner) field(name []byte, body *answerBody) bool {
	switch string(name) {
	case "id":
		return s.wanted(&body.ID)
	case "object":
		const usual = `"payment_record"`
		if body.Object == "" && s.word(usual) {
			body.Object = usual[1 : len(usual)-1]
			return true
		}
		return s.wanted(&body.Object)
	case "latest_payment_attempt_record":
		if s.word("null") {
			return body.Attempt == ""
		}
		return s.wanted(&body.Attempt)
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
	return !isOurs(name) && s.value()
}

// isOurs says whether encoding/json takes a field of this plain name for one of
// [answerBody]: it does so in capitals as well.
func isOurs(name []byte) bool {
	if len(name) == 0 {
		return false
	}
	switch name[0] | 0x20 { // small
	case 'i', 'o', 'l', 'e':
	default:
		return false
	}
	for _, ours := range [...]string{"id", "object", "latest_payment_attempt_record", "livemode", "error"} {
		if bytes.EqualFold(name, []byte(ours)) {
			return true
		}
	}
	return false
}

// wanted reads a text that stands there once and as it is.
func (s *scanner) wanted(to *string) bool {
	text, ok := s.plain()
	if !ok || len(text) == 0 || *to != "" {
		return false
	}
	*to = string(text)
	return true
}
