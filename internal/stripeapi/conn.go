package stripeapi

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

const (
	handshakeTimeout = 15 * time.Second
	// Shorter than the idle time of common load balancers: we rather let go
	// first than send into a connection that is just being closed.
	idleTimeout = 30 * time.Second
	maxHeader   = 256 << 10 // bytes of an answer's status line and header, of all 1xx before it too

	usualSize = 4 << 10  // bytes of a buffer to begin with: a request or answer fits
	mostKept  = 64 << 10 // bytes of a buffer that stays with a connection
)

// A conn is a connection of our own to the API, for writes. It carries one at a
// time and belongs to one goroutine; only interrupt may come from another.
type conn struct {
	net.Conn                               // TCP, or TLS over it
	out      *counter                      // what left over TCP
	past     func()                        // interrupt, as a value
	probe    syscall.RawConn               // for quiet; may be nil
	look     func(fd uintptr) (ready bool) // lookAt, as a value
	silent   bool                          // what it saw
	request  []byte                        // buffers
	answer   []byte
	since    time.Time // idle since
}

// dial makes a connection to addr, over TLS when config is given.
func dial(ctx context.Context, addr string, config *tls.Config) (*conn, error) {
	tcp, err := dialer().DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	x := &conn{out: &counter{Conn: tcp}, answer: make([]byte, 0, usualSize)}
	x.Conn, x.past, x.look = x.out, x.interrupt, x.lookAt
	if s, ok := tcp.(syscall.Conn); ok {
		x.probe, err = s.SyscallConn()
	}
	if err == nil && config != nil {
		err = x.handshake(ctx, config)
	}
	if err != nil {
		tcp.Close()
		return nil, err
	}
	return x, nil
}

// handshake puts TLS over the connection.
func (x *conn) handshake(ctx context.Context, config *tls.Config) error {
	soon, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	over := tls.Client(x.out, config)
	x.Conn = over
	err := over.HandshakeContext(soon)
	if err != nil && soon.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("the TLS handshake took longer than %s", handshakeTimeout)
	}
	return err
}

func dialer() *net.Dialer { return &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second} }

// A counter knows how much was written to a connection, whatever TLS makes of it.
type counter struct {
	net.Conn
	written int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written += int64(n)
	return n, err
}

// interrupt ends what the connection is doing; it is of no use afterwards.
func (x *conn) interrupt() { x.SetDeadline(time.Unix(1, 0)) }

// write sends the request in one piece. left says whether any byte of it went
// out: one that did not, and it alone, was certainly not received.
func (x *conn) write() (left bool, err error) {
	before := x.out.written
	_, err = x.Write(x.request)
	x.request = kept(x.request)
	return x.out.written != before, err
}

// read reads one answer. Its body is the connection's and holds until the next
// call; on an error it is what came of it, or the reply has no status. again
// says whether the connection can carry another call: the answer was whole, its
// end is known, nothing came after it, and the server did not say that it closes.
func (x *conn) read() (rep reply, again bool, err error) {
	b := x.answer[:0]
	defer func() { x.answer = kept(b) }()
	for {
		n, err := x.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		h, state := scanHead(b)
		if state == headOdd || state == headCut && len(b) == cap(b) {
			return x.readOdd(b, err)
		}
		if state == headWhole {
			return x.readBody(&b, h, err)
		}
		if err != nil {
			return reply{}, false, cut(err)
		}
	}
}

// readBody reads the rest of an answer whose head stands in b.
func (x *conn) readBody(at *[]byte, h head, err error) (reply, bool, error) {
	b, end := *at, h.size+h.length
	if end > cap(b) {
		b = append(make([]byte, 0, end), b...)
	}
	for len(b) < end && err == nil {
		var n int
		n, err = x.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
	}
	*at = b
	rep := h.reply(b)
	if len(b) < end {
		rep.body = b[h.size:]
		return rep, false, cut(err)
	}
	rep.body = b[h.size:end]
	return rep, err == nil && len(b) == end && !h.closes, nil
}

// readOdd reads an answer of which early has come, and with it failed if that is
// not nil, as net/http's Transport does: whatever is legal and unusual.
func (x *conn) readOdd(early []byte, failed error) (rep reply, again bool, err error) {
	var rest io.Reader = x
	if failed != nil {
		rest = failing{failed}
	}
	first := bytes.NewReader(early)
	limited := &io.LimitedReader{R: io.MultiReader(first, rest), N: maxHeader}
	r := bufio.NewReader(limited)
	resp, err := http.ReadResponse(r, nil)
	for err == nil && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
		resp, err = http.ReadResponse(r, nil)
	}
	if err != nil {
		if limited.N <= 0 {
			err = fmt.Errorf("its header is longer than %d bytes", maxHeader)
		}
		return reply{}, false, err
	}
	limited.N = 1<<63 - 1 // from here on readBody limits
	body, err := readBody(resp, new(bytes.Buffer), maxAnswer)
	again = err == nil && !resp.Close && resp.StatusCode >= 200 && r.Buffered() == 0 && first.Len() == 0
	return replyOf(resp, body), again, err
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// cut is err where more should have come.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// kept is a buffer to be used again, unless an odd answer or request made it large.
func kept(b []byte) []byte {
	if cap(b) > mostKept {
		return make([]byte, 0, usualSize)
	}
	return b[:0]
}
