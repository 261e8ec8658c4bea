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
	"sync"
	"sync/atomic"
)

// Send makes one write and says what became of it. At most one request goes
// over the wire. Ending ctx early cuts the call short and leaves it in doubt;
// a caller who merely wants to stop should let it finish.
func (c *Client) Send(ctx context.Context, r Request) Answer {
	if !validIdempotencyKey(r.IdempotencyKey) {
		return unsendable(fmt.Errorf("an idempotency key must be 1 to %d printable ASCII characters", maxIdempotency))
	}
	if c.direct != nil && isPlainPath(r.Path) {
		return c.sendDirect(ctx, r.Path, r)
	}
	u, err := c.url(r.Path, nil)
	if err != nil {
		return unsendable(err)
	}
	if c.direct != nil {
		return c.sendDirect(ctx, u.RequestURI(), r)
	}
	return c.sendTransport(ctx, u, r)
}

// unsendable is for a mistake of our own: no other call would fare better.
func unsendable(err error) Answer { return Answer{Verdict: Stop, Err: err} }

// conclude says what a reply means; err says that the answer broke off there.
func (c *Client) conclude(ctx context.Context, rep reply, err error, path string) Answer {
	if rep.status == 0 {
		return Answer{Verdict: InDoubt, Err: c.failure("no answer", ctx, err)}
	}
	a := c.judge(rep, expects(path))
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

// sendTransport makes a write over the transport: one that the client was given,
// or net/http's where a proxy is to be used.
func (c *Client) sendTransport(ctx context.Context, u *url.URL, r Request) Answer {
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
		if !connected.Load() {
			return Answer{Verdict: NotSent, Err: c.failure("not sent", ctx, err)}
		}
		return c.conclude(ctx, reply{}, err, r.Path)
	}
	defer resp.Body.Close()
	buffer := buffers.Get().(*bytes.Buffer)
	defer keep(buffer)
	body, err := readBody(resp, buffer, maxAnswer)
	return c.conclude(ctx, replyOf(resp, body), err, r.Path)
}

// post builds the request. The body has no GetBody and no known type, so that
// net/http can never send it a second time; see the package comment.
func (c *Client) post(ctx context.Context, u *url.URL, r Request) *http.Request {
	header := make(http.Header, len(c.prepared.writing)+1)
	for name, values := range c.prepared.writing {
		header[name] = values
	}
	header["Idempotency-Key"] = []string{r.IdempotencyKey}
	req := c.request(ctx, http.MethodPost, u, header)
	req.Body = &onceBody{rest: r.Body}
	req.ContentLength = int64(len(r.Body))
	return req
}

// A onceBody can be read once only. Each request has its own: net/http may
// still be reading it when the answer has come.
type onceBody struct{ rest []byte }

func (b *onceBody) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *onceBody) Close() error { return nil }

// isPlainPath says whether a path of the API stands in a request as it is. All do,
// unless an id in them has characters that ids have not.
func isPlainPath(path string) bool {
	rest, ok := strings.CutPrefix(path, "/v1/")
	for i := 0; i < len(rest); i++ {
		if c := rest[i]; c != '/' && !inName[c] && c != '_' {
			return false
		}
	}
	return ok
}

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

// buffers are for the bodies of answers, of which nothing is kept.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// keep gives a buffer back, unless an odd answer made it large.
func keep(b *bytes.Buffer) {
	const most = 64 << 10
	if b.Cap() <= most {
		b.Reset()
		buffers.Put(b)
	}
}

// readBody reads the whole body into b, at most limit bytes. What was read is
// returned beside the error; it is b's.
func readBody(resp *http.Response, b *bytes.Buffer, limit int64) ([]byte, error) {
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
		text = timeLimit(c.timeout).Error()
	}
	return &failedError{what + ": " + text, err}
}
