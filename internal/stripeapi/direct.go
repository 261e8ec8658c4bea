package stripeapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// A direct sends writes over connections of our own.
type direct struct {
	addr   string      // host and port
	tls    *tls.Config // nil is plain TCP
	header []byte      // of every request, up to its own fields
	pool   pool
}

// newDirect prepares writes to the host of u. Nothing is dialled before the
// first call.
func newDirect(u *url.URL, header http.Header, conns int) *direct {
	d := &direct{pool: pool{most: conns}}
	port := u.Port()
	if u.Scheme == "https" {
		// What net/http asks for, but for HTTP/2.
		d.tls = &tls.Config{ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
		port = orElse(port, "443")
	}
	d.addr = net.JoinHostPort(u.Hostname(), orElse(port, "80"))
	var b bytes.Buffer
	fmt.Fprintf(&b, " HTTP/1.1\r\nHost: %s\r\n", u.Host)
	header.Write(&b)
	d.header = b.Bytes()
	return d
}

// request is a whole request, in b's memory if it is large enough.
func (d *direct) request(b []byte, uri string, r Request) []byte {
	b = append(b[:0], "POST "...)
	b = append(b, uri...)
	b = append(b, d.header...)
	b = append(b, "Idempotency-Key: "...)
	b = append(b, r.IdempotencyKey...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(r.Body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, r.Body...)
}

// connect takes a connection that idles, or makes one. What is done with it
// must be done by the time end.
func (d *direct) connect(ctx context.Context, end time.Time) (*conn, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for x := d.pool.get(); x != nil; x = d.pool.get() {
		if x.SetDeadline(end) == nil && x.quiet() {
			return x, nil
		}
		x.Close()
	}
	dialing, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	x, err := dial(dialing, d.addr, d.tls)
	if err != nil {
		if dialing.Err() != nil && ctx.Err() == nil {
			err = os.ErrDeadlineExceeded // ours, not the dialler's
		}
		return nil, err
	}
	x.SetDeadline(end)
	return x, nil
}

// sendDirect makes a write over a connection of our own. The request leaves in
// one piece, once.
func (c *Client) sendDirect(ctx context.Context, uri string, r Request) Answer {
	x, err := c.direct.connect(ctx, time.Now().Add(c.timeout))
	if err != nil {
		return Answer{Verdict: NotSent, Err: c.failure("not sent", ctx, c.ended(ctx, err))}
	}
	alive := func() bool { return true }
	if ctx.Done() != nil {
		alive = context.AfterFunc(ctx, x.past)
	}
	again := false
	defer func() {
		if alive() && again { // else the deadline is past, or may be at any moment
			c.direct.pool.put(x)
		} else {
			x.out.Close() // TLS would wait for its last word to be taken
		}
	}()
	x.request = c.direct.request(x.request, uri, r)
	if left, err := x.write(); err != nil {
		err = c.ended(ctx, err)
		if !left {
			return Answer{Verdict: NotSent, Err: c.failure("not sent", ctx, err)}
		}
		return Answer{Verdict: InDoubt, Err: c.failure("sent in part", ctx, err)}
	}
	var rep reply
	rep, again, err = x.read()
	if err != nil {
		err = c.ended(ctx, err)
	}
	return c.conclude(ctx, rep, err, r.Path)
}

// ended is err, in the words of what ended the call when its time was up.
func (c *Client) ended(ctx context.Context, err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return timeLimit(c.timeout)
}

// A timeLimit is the error of a call that was not done in that time.
type timeLimit time.Duration

func (l timeLimit) Error() string {
	return fmt.Sprintf("time ran out (the limit is %s)", time.Duration(l))
}

// Is says that it is a [context.DeadlineExceeded], as net/http's is.
func (timeLimit) Is(err error) bool { return err == context.DeadlineExceeded }
