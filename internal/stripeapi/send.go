package stripeapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
)

// Send makes one write and says what became of it. At most one request goes
// over the wire. Ending ctx early cuts the call short and leaves it in doubt;
// a caller who merely wants to stop should let it finish.
func (c *Client) Send(ctx context.Context, r Request) Answer {
	u, err := c.url(r.Path, nil)
	if err == nil && !validIdempotencyKey(r.IdempotencyKey) {
		err = fmt.Errorf("an idempotency key must be 1 to %d printable ASCII characters", maxIdempotency)
	}
	if err != nil { // our own mistake: no other call would fare better
		return Answer{Verdict: Stop, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	connected := new(atomic.Bool) // GotConn may run on another goroutine than RoundTrip
	if c.traced {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	} else {
		connected.Store(true)
	}
	resp, err := c.transport.RoundTrip(c.post(ctx, u, r))
	if err != nil {
		a := Answer{Verdict: InDoubt, Err: c.failure("no answer", ctx, err)}
		if !connected.Load() {
			a.Verdict, a.Err = NotSent, c.failure("not sent", ctx, err)
		}
		return a
	}
	defer resp.Body.Close()
	body, err := readBody(resp, maxAnswer)
	a := c.judge(resp, body, expects(r.Path))
	if err != nil && a.Verdict != Stop {
		// What was read may be any part of the answer, so none of it counts, not
		// even a refusal: an idempotency conflict looks like one until its last line.
		a = Answer{Verdict: InDoubt, Status: a.Status, RequestID: a.RequestID, LimitReason: a.LimitReason, RetryAfter: a.RetryAfter,
			ShouldRetry: a.ShouldRetry, ShouldNotRetry: a.ShouldNotRetry, Replayed: a.Replayed, Date: a.Date}
		if a.Status == http.StatusTooManyRequests && a.LimitReason != "" {
			a.Verdict = Limited // the header alone says it
		}
		a.Err = c.failure(fmt.Sprintf("the answer with status %d broke off", a.Status), ctx, err)
	}
	return a
}

// post builds the request. The body has no GetBody and no known type, so that
// net/http can never send it a second time; see the package comment.
func (c *Client) post(ctx context.Context, u *url.URL, r Request) *http.Request {
	req := c.request(ctx, http.MethodPost, u)
	req.Body = onceBody{bytes.NewReader(r.Body)}
	req.ContentLength = int64(len(r.Body))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Idempotency-Key", r.IdempotencyKey)
	return req
}

// onceBody hides the reader's type and seeks.
type onceBody struct{ r io.Reader }

func (b onceBody) Read(p []byte) (int, error) { return b.r.Read(p) }
func (b onceBody) Close() error               { return nil }

func validIdempotencyKey(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '!' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxIdempotency
}

// recordInPath is the id in /v1/payment_records/{id}/call, or "" for a call
// that creates a record.
func recordInPath(path string) string {
	rest, ok := strings.CutPrefix(path, "/v1/payment_records/")
	if !ok {
		return ""
	}
	id, _, nested := strings.Cut(rest, "/")
	if !nested {
		return ""
	}
	return id
}

var errTooLong = errors.New("it is longer than any answer of the API")

// readBody reads the whole body, at most limit bytes. What was read is
// returned beside the error.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	var b bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= limit {
		b.Grow(int(n) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if err == nil && n > limit {
		err = errTooLong
	}
	return b.Bytes(), err
}

// A failedError is a failure without an answer. Its text is scrubbed; its
// cause is kept for errors.Is.
type failedError struct {
	text  string
	cause error
}

func (e *failedError) Error() string { return e.text }
func (e *failedError) Unwrap() error { return e.cause }

func (c *Client) failure(what string, ctx context.Context, err error) error {
	text := c.key.scrub(err.Error())
	if errors.Is(err, context.DeadlineExceeded) && context.Cause(ctx) != nil {
		text = fmt.Sprintf("time ran out (the limit is %s)", c.timeout)
	}
	return &failedError{what + ": " + text, err}
}
