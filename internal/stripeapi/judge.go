package stripeapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"
)

// expected is the object that a write is answered with.
type expected struct {
	object, prefix string
	id             string // "" for one that the call makes
}

// expects says what the answer to a write at path must be.
func expects(path string) expected {
	if rest, ok := strings.CutPrefix(path, "/v1/invoices/"); ok {
		id, _, _ := strings.Cut(rest, "/")
		return expected{"invoice", "in_", id}
	}
	return expected{"payment_record", "pr_", recordInPath(path)}
}

// judge turns a whole answer into a verdict.
func (c *Client) judge(rep reply, want expected) Answer {
	a := c.fromHeader(rep)
	body, bad := decodeAnswer(rep.body)
	if e := body.Error; bad == nil && e != nil {
		a.Type, a.Code, a.Param, a.Message = c.clean(e.Type), c.clean(e.Code), c.clean(e.Param), c.clean(e.Message)
	}
	if a.Status >= 200 && a.Status < 300 {
		c.judgeSuccess(&a, body, bad, want)
		return a
	}
	a.Err = a.apiError()
	switch s := a.Status; {
	case s >= 300 && s < 400:
		a.Verdict = Stop
		a.Err = fmt.Errorf("the API answered %d, a redirect, which payrec never follows; check the API address and the proxy", s)
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		a.Verdict = Stop
	case s == http.StatusConflict:
		a.Verdict = InFlight
	case s == http.StatusTooManyRequests && a.LimitReason != "":
		a.Verdict = Limited
	case s == http.StatusTooManyRequests:
		a.Verdict = Locked
	case s == http.StatusInternalServerError:
		a.Verdict = ServerError
	case s == http.StatusFailedDependency, s >= 500:
		a.Verdict = InDoubt
	case bad != nil || body.Error == nil:
		// A refusal that is not in the API's form comes from something between
		// us and the API, which does not know what the API did.
		a.Verdict = InDoubt
		a.Err = fmt.Errorf("status %d without an error object of the API: something in between answered", s)
	case a.Type == "idempotency_error":
		a.Verdict = Conflict
	default:
		a.Verdict = Rejected
	}
	return a
}

func (c *Client) judgeSuccess(a *Answer, body answerBody, bad error, want expected) {
	switch {
	case bad != nil:
		a.Verdict, a.Err = InDoubt, fmt.Errorf("the answer with status %d is not JSON", a.Status)
	case body.Object != want.object || !strings.HasPrefix(body.ID, want.prefix) || !isWord(body.ID) || body.Livemode == nil:
		a.Verdict, a.Err = Stop, fmt.Errorf("the answer with status %d is no %s: object %q, id %q; check the API address", a.Status, strings.ReplaceAll(want.object, "_", " "), c.clean(body.Object), c.clean(body.ID))
	case *body.Livemode != c.key.Livemode():
		a.Verdict, a.Err = Stop, fmt.Errorf("the answer says livemode %t, but the key is %s", *body.Livemode, c.key)
	case want.id != "" && body.ID != want.id:
		a.Verdict, a.Err = Stop, fmt.Errorf("asked about %q and was answered about %q", want.id, body.ID)
	default:
		a.Verdict, a.Err = Confirmed, nil
		a.Livemode = *body.Livemode
		if want.object != "payment_record" {
			return
		}
		a.RecordID = body.ID
		if isWord(body.Attempt) {
			a.ObjectID = body.Attempt
		}
	}
}

// fromHeader takes the header's part of the answer.
func (c *Client) fromHeader(rep reply) Answer {
	a := Answer{
		Status:         rep.status,
		RequestID:      c.clean(string(rep.requestID)),
		LimitReason:    c.clean(string(rep.limitReason)),
		ShouldRetry:    string(rep.shouldRetry) == "true",
		ShouldNotRetry: string(rep.shouldRetry) == "false",
		Replayed:       string(rep.replayed) == "true",
	}
	a.Date = c.prepared.date.parse(rep.date)
	a.RetryAfter = retryAfter(string(rep.retryAfter), a.Date)
	return a
}

// A dateCache remembers the last Date header: within a second all are alike.
type dateCache struct{ last atomic.Pointer[parsedDate] }

type parsedDate struct {
	text string
	time time.Time
}

// parse reads a Date header; what is none is the zero time.
func (d *dateCache) parse(raw []byte) time.Time {
	if len(raw) == 0 {
		return time.Time{}
	}
	if p := d.last.Load(); p != nil && p.text == string(raw) {
		return p.time
	}
	text := string(raw)
	t, err := http.ParseTime(text)
	if err != nil {
		return time.Time{}
	}
	d.last.Store(&parsedDate{text, t})
	return t
}

// retryAfter reads seconds or a date, which counts from the server's own
// clock. No wait is longer than maxRetryAfter: none is documented, and a run
// must not be put to sleep by a stray header.
func retryAfter(s string, now time.Time) time.Duration {
	if s == "" {
		return 0
	}
	var d time.Duration
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		d = time.Duration(min(n, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if t, err := http.ParseTime(s); err == nil && !now.IsZero() {
		d = t.Sub(now)
	}
	return max(0, min(d, maxRetryAfter))
}

func (a *Answer) apiError() *Error {
	return &Error{a.Status, a.Type, a.Code, a.Param, a.Message, a.RequestID}
}

// clean makes the server's text fit to be shown: no keys, no control
// characters that a terminal would obey, not without end.
func (c *Client) clean(s string) string {
	const most = 600
	if isWord(s) && len(s) <= most && !strings.Contains(s, "k_") { // an id or a code, and no key
		return s
	}
	if s == "" {
		return ""
	}
	if len(s) > most {
		s = s[:most]
		for !utf8.ValidString(s) && len(s) > most-utf8.UTFMax {
			s = s[:len(s)-1]
		}
		s += "…"
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	return c.key.scrub(s)
}
