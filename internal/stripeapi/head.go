package stripeapi

import (
	"bytes"
	"encoding/binary"
	"net/http"
)

// A reply is what of an answer means something to us. Its texts are borrowed.
type reply struct {
	status int // 0 when there was none
	// Headers, the first of each name.
	requestID, limitReason, shouldRetry, replayed, retryAfter, date []byte
	body                                                            []byte
}

// replyOf takes a reply from what net/http read. It gives names in their
// canonical form, so they are looked up as they stand.
func replyOf(resp *http.Response, body []byte) reply {
	get := func(name string) []byte {
		if v := resp.Header[name]; len(v) > 0 {
			return []byte(v[0])
		}
		return nil
	}
	return reply{resp.StatusCode, get("Request-Id"), get("Stripe-Rate-Limited-Reason"), get("Stripe-Should-Retry"),
		get("Idempotent-Replayed"), get("Retry-After"), get("Date"), body}
}

// A head is the status line and header of an answer in its usual form.
type head struct {
	status int
	size   int // bytes of it, with the empty line
	length int // bytes of the body
	closes bool
	fields [len(fieldNames)]span
}

// A span is a part of the text that was scanned; its end is never 0 when the
// field is there.
type span struct{ from, to int }

// The fields that a head is searched for, in the order of fieldNames.
const (
	fieldRequestID = iota
	fieldLimitReason
	fieldShouldRetry
	fieldReplayed
	fieldRetryAfter
	fieldDate
	fieldContentLength
	fieldConnection
	fieldTransferEncoding
)

var fieldNames = [...]string{"request-id", "stripe-rate-limited-reason", "stripe-should-retry", "idempotent-replayed", "retry-after", "date",
	"content-length", "connection", "transfer-encoding"}

// reply is the head of a reply; b is the text that was scanned, and is borrowed.
func (h *head) reply(b []byte) reply {
	get := func(field int) []byte { return b[h.fields[field].from:h.fields[field].to] }
	return reply{h.status, get(fieldRequestID), get(fieldLimitReason), get(fieldShouldRetry),
		get(fieldReplayed), get(fieldRetryAfter), get(fieldDate), nil}
}

// What scanHead found.
type headState int

const (
	headCut   headState = iota // more must come
	headWhole                  // the head of an answer whose body is of known length
	headOdd                    // anything else
)

// scanHead reads the head of an answer at the beginning of b. It knows one form
// only, that of nearly all answers: HTTP/1.1, a final status that has a body,
// lines that end in CRLF, plain names, one Content-Length of an answer that is
// not too long, and no other way to say where the body ends. Of such a head it
// says what [http.ReadResponse] says; all others are left to it.
func scanHead(b []byte) (h head, state headState) {
	at := 0
	for {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			return h, headCut
		}
		if n == 0 || b[at+n-1] != '\r' {
			return h, headOdd
		}
		line, known := b[at:at+n-1], false
		switch {
		case at == 0:
			known = h.statusLine(line)
		case len(line) > 0:
			known = h.field(line, at)
		default:
			if !h.framing(b) {
				return h, headOdd
			}
			h.size = at + n + 1
			return h, headWhole
		}
		if !known {
			return h, headOdd
		}
		at += n + 1
	}
}

// statusLine reads "HTTP/1.1 200 OK".
func (h *head) statusLine(line []byte) bool {
	const version = "HTTP/1.1 "
	rest, ok := bytes.CutPrefix(line, []byte(version))
	if !ok || len(rest) < 4 || rest[3] != ' ' || !isText(rest) {
		return false
	}
	h.status, ok = number(rest[:3])
	return ok && h.status >= 200 && h.status < 600 && h.status != http.StatusNoContent && h.status != http.StatusNotModified
}

// field reads "Name: value", which begins at place at of the head.
func (h *head) field(line []byte, at int) bool {
	colon := 0
	for colon < len(line) && inName[line[colon]] {
		colon++
	}
	if colon == 0 || colon == len(line) || line[colon] != ':' || !isText(line[colon:]) {
		return false
	}
	name := line[:colon]
	for i, wanted := range &fieldNames {
		if len(name) != len(wanted) || !bytes.EqualFold(name, []byte(wanted)) {
			continue
		}
		if h.fields[i].to != 0 { // the first counts, but of what says where the answer ends there must be no two
			return i < fieldContentLength
		}
		from, to := colon+1, len(line)
		for from < to && isBlank(line[from]) {
			from++
		}
		for from < to && isBlank(line[to-1]) {
			to--
		}
		h.fields[i] = span{at + from, at + to}
	}
	return true
}

// inName says which characters a plain name has.
var inName = func() (t [256]bool) {
	for _, c := range []byte("-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] = true
	}
	return t
}()

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// framing says whether the fields tell where the answer ends, in the usual way.
func (h *head) framing(b []byte) (ok bool) {
	value := func(field int) []byte { return b[h.fields[field].from:h.fields[field].to] }
	if h.fields[fieldTransferEncoding].to != 0 {
		return false
	}
	if h.fields[fieldConnection].to != 0 {
		h.closes = bytes.EqualFold(value(fieldConnection), []byte("close"))
		if !h.closes && !bytes.EqualFold(value(fieldConnection), []byte("keep-alive")) {
			return false
		}
	}
	h.length, ok = number(value(fieldContentLength))
	return ok && h.length <= maxAnswer
}

// number reads up to nine digits.
func number(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(b) > 0 && len(b) <= 9
}

// isText says whether there are no control characters but tabs.
func isText(b []byte) bool {
	for len(b) >= 8 && !hasControl(binary.LittleEndian.Uint64(b)) {
		b = b[8:]
	}
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
