package stripeapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A tape is the server's side of a connection: it says in, a bit at a time, and
// takes the first room bytes of what is written.
type tape struct {
	net.Conn
	in   []byte
	step int // bytes a read
	room int
}

var errFull = errors.New("no more is taken")

func (t *tape) Read(p []byte) (int, error) {
	if len(t.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(t.step, len(p))], t.in)
	t.in = t.in[n:]
	return n, nil
}

func (t *tape) Write(p []byte) (int, error) {
	n := min(len(p), t.room)
	t.room -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func (t *tape) Close() error { return nil }

func onTape(t *tape) *conn {
	x := &conn{out: &counter{Conn: t}, answer: make([]byte, 0, usualSize)}
	x.Conn, x.past = x.out, x.interrupt
	return x
}

// answerSeeds are where fuzzing begins.
func answerSeeds() []string {
	good := answer(200, goodRecord)
	return []string{good, strings.Replace(good, "Connection: close\r\n", "", 1), good + good, good[:len(good)-1], strings.ReplaceAll(good, "\r\n", "\n"), "",
		answer(200, ""), answer(429, apiError("a", "b", "c"), "Stripe-Rate-Limited-Reason: global-rate", "retry-after:7", "RETRY-AFTER: 8"),
		answer(200, goodRecord, "Content-Length: 3"), answer(200, goodRecord, "Date: Sun, 01 Mar 2026 12:00:00 GMT", "Idempotent-Replayed:\ttrue \t", "Stripe-Should-Retry:"),
		answer(200, goodRecord, "Connection: keep-alive, upgrade"), answer(200, goodRecord, "X: a", " folded"), answer(200, goodRecord, "X : y", ": y", "\x00: \x01"),
		chunked("", goodRecord), chunked("Content-Length: 3\r\nTrailer: X\r\n", "a", "b"), chunked("", "x") + "HTTP/1.1 200 OK\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n" + good, "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 101 X\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
		"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 0200 OK\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0001\r\nConnection: Keep-Alive\r\n\r\na", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\na",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 2*usualSize) + "\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + strings.Repeat("y", 9000),
		"HTTP/1.1 200 OK\nContent-Length: 12000\n\n" + strings.Repeat("y", 12000) + "HTTP/1.1 200 OK"}
}

// FuzzRead holds an answer read by us against the same read by net/http, in
// pieces of every size: the reply, whether it is whole, and that no connection
// is used again which net/http would not use again.
func FuzzRead(f *testing.F) {
	for i, s := range answerSeeds() {
		f.Add([]byte(s), 1+i*7)
		f.Add([]byte(s), 1<<20)
	}
	f.Fuzz(func(t *testing.T, raw []byte, step int) {
		want, most, wantErr := readByNetHTTP(raw)
		for _, size := range []int{usualSize, 4 * usualSize} { // of the buffer: long answers leave larger ones
			server := &tape{in: raw, step: max(1, step)}
			x := onTape(server)
			x.answer = make([]byte, 0, size)
			got, again, err := x.read()
			if (err == nil) != (wantErr == nil) || !sameReply(got, want) {
				t.Fatalf("read %+v, %v; net/http reads %+v, %v", got, err, want, wantErr)
			}
			if again && !most && len(server.in) == 0 { // what is still to be read is for quiet to find
				t.Fatal("the connection would be used again")
			}
			if errors.Is(err, io.EOF) {
				t.Fatalf("%v is no end of an answer", err)
			}
		}
	})
}

// readByNetHTTP is the yardstick: whole is whether the connection could go on.
func readByNetHTTP(raw []byte) (rep reply, again bool, err error) {
	r := bufio.NewReader(bytes.NewReader(raw))
	resp, err := http.ReadResponse(r, nil)
	for err == nil && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
		resp, err = http.ReadResponse(r, nil)
	}
	if err != nil {
		return reply{}, false, err
	}
	body, err := readBody(resp, new(bytes.Buffer), maxAnswer)
	_, end := r.Peek(1)
	return replyOf(resp, body), err == nil && !resp.Close && resp.StatusCode >= 200 && end == io.EOF, err
}

func sameReply(a, b reply) bool {
	texts := func(r reply) [][]byte {
		return [][]byte{r.requestID, r.limitReason, r.shouldRetry, r.replayed, r.retryAfter, r.date, r.body}
	}
	return a.status == b.status && slices.EqualFunc(texts(a), texts(b), bytes.Equal)
}

// The usual answer must not need net/http, or the speed is gone unseen.
func TestUsualAnswersAreScanned(t *testing.T) {
	for _, raw := range []string{
		answer(200, goodRecord, "Date: Sun, 01 Mar 2026 12:00:00 GMT", "Stripe-Version: 2026-08-26.dahlia", "Access-Control-Allow-Methods: GET,HEAD,PUT", "Vary: Origin"),
		answer(402, apiError("card_error", "", "No")),
		strings.Replace(answer(200, goodRecord), "Connection: close", "connection: Keep-Alive", 1),
	} {
		if h, state := scanHead([]byte(raw)); state != headWhole || raw[h.size:h.size+h.length] != raw[len(raw)-h.length:] {
			t.Errorf("state %d of %q", state, raw)
		}
	}
}

// Header lines are looked through eight bytes at a time: every byte at every place
// of two such steps and a half.
func TestIsText(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				line := bytes.Repeat([]byte("\t"), length)
				copy(line, " a~\x80\xff\t!{}")
				line[at] = byte(c)
				if got, want := isText(line), c >= ' ' && c != 0x7f || c == '\t'; got != want {
					t.Fatalf("%q: got %t", line, got)
				}
			}
		}
	}
}

// Whatever breaks at whatever byte: not sent is what had no byte taken.
func TestLeftIsExact(t *testing.T) {
	request := []byte("POST /v1/payment_records HTTP/1.1\r\n\r\na=b")
	for room := range len(request) {
		x := onTape(&tape{room: room})
		x.request = request
		if left, err := x.write(); err == nil || left != (room > 0) {
			t.Errorf("with %d bytes taken: left %t, %v", room, left, err)
		}
	}
}

// A deadTape has its deadline put into the past while it gives its answer.
type deadTape struct {
	tape
	end  func()
	past chan struct{}
}

func (d *deadTape) Read(p []byte) (int, error) {
	d.end()
	<-d.past
	return d.tape.Read(p)
}

func (d *deadTape) SetDeadline(t time.Time) error {
	if t.Before(time.Now()) {
		close(d.past)
	}
	return nil
}

// The context ends when the answer is there: the answer counts, but the
// connection's next call would be cut short by what ended this one.
func TestInterruptedTooLate(t *testing.T) {
	c := testClient(t, "http://127.0.0.1:9")
	ctx, cancel := context.WithCancel(t.Context())
	x := onTape(nil)
	x.out.Conn = &deadTape{tape{in: []byte(keepAlive), step: 1 << 10, room: 1 << 10}, cancel, make(chan struct{})}
	c.direct.pool.put(x)
	if a := c.Send(ctx, create); a.Verdict != Confirmed {
		t.Errorf("got %+v", a)
	}
	if c.direct.pool.get() != nil {
		t.Error("the connection would be used again")
	}
}

// pair is a connection of ours and its other end.
func pair(t *testing.T) (*conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	x, err := dial(t.Context(), l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close(); server.Close() })
	x.SetDeadline(time.Now().Add(20 * time.Second))
	return x, server
}

// noticed waits until the connection shows that it is of no use.
func noticed(t *testing.T, x *conn) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); x.quiet(); {
		if time.Now().After(end) {
			t.Fatal("it is not noticed")
		}
	}
}

func TestDeadConnectionsAreNoticed(t *testing.T) {
	for name, act := range map[string]func(net.Conn){
		"closed":        func(c net.Conn) { c.Close() },
		"reset":         reset,
		"spoken to":     func(c net.Conn) { io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n") },
		"one byte sent": func(c net.Conn) { c.Write([]byte{0}) },
	} {
		t.Run(name, func(t *testing.T) {
			x, server := pair(t)
			if !x.quiet() {
				t.Fatal("a new connection is not quiet")
			}
			act(server)
			noticed(t, x)
		})
	}
	t.Run("its time is up", func(t *testing.T) {
		x, _ := pair(t)
		x.interrupt()
		if x.quiet() {
			t.Error("it would be used")
		}
	})
	t.Run("nothing leaves over one that was reset", func(t *testing.T) {
		x, server := pair(t)
		reset(server)
		noticed(t, x)
		x.request = []byte("POST")
		if left, err := x.write(); left || err == nil {
			t.Errorf("left %t, %v", left, err)
		}
	})
}

func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := map[string]bool{}
		named := func(name string) *conn { return onTape(&tape{}).closing(func() { closed[name] = true }) }
		a, b, c, d := named("a"), named("b"), named("c"), named("d")
		p := &pool{most: 3}
		if p.get() != nil {
			t.Error("something came out of nothing")
		}
		for _, x := range []*conn{a, b, c, d} {
			p.put(x)
			time.Sleep(time.Second)
		}
		if !closed["d"] || len(closed) != 1 {
			t.Errorf("closed are %v; it keeps three", closed)
		}
		if p.get() != c || p.get() != b {
			t.Error("the last is not the first")
		}
		p.put(b)
		p.put(c)
		time.Sleep(idleTimeout - time.Second) // a is over time, the others are not
		synctest.Wait()
		if !closed["a"] || len(closed) != 2 {
			t.Errorf("closed are %v, want a and d", closed)
		}
		if p.get() != c {
			t.Error("c had idled for less than its time")
		}
		p.put(c)
		time.Sleep(time.Second)
		synctest.Wait()
		if !closed["b"] || closed["c"] {
			t.Errorf("closed are %v", closed)
		}
		p.close(time.Now())
		if !closed["c"] || p.get() != nil || p.sweeper != nil {
			t.Errorf("closed are %v", closed)
		}
	})
}

// closing makes a connection tell that it is closed.
func (x *conn) closing(tell func()) *conn {
	x.Conn = telling{x.Conn, tell}
	return x
}

type telling struct {
	net.Conn
	tell func()
}

func (c telling) Close() error { c.tell(); return c.Conn.Close() }

// Buffers that an odd answer or request made large do not stay.
func TestBuffersStaySmall(t *testing.T) {
	x := onTape(&tape{in: []byte(answer(200, goodRecord+strings.Repeat(" ", mostKept))), step: 1 << 20})
	rep, _, err := x.read()
	if err != nil || cap(x.answer) > mostKept || len(rep.body) != len(goodRecord)+mostKept {
		t.Errorf("%d bytes stay, %v", cap(x.answer), err)
	}
	x = onTape(&tape{room: 1 << 20})
	x.request = make([]byte, 2*mostKept)
	if _, err := x.write(); err != nil || cap(x.request) > mostKept {
		t.Errorf("%d bytes stay, %v", cap(x.request), err)
	}
}

// usualAnswer is an answer with the header of the API's own.
var usualAnswer = strings.Replace(answer(200, usualRecord, "Server: nginx", "Date: Sun, 01 Mar 2026 12:00:00 GMT", "Access-Control-Allow-Credentials: true",
	"Access-Control-Allow-Methods: GET, HEAD, PUT, PATCH, POST, DELETE", "Access-Control-Allow-Origin: *",
	"Access-Control-Expose-Headers: Request-Id, Stripe-Manage-Version, Stripe-Should-Retry, X-Stripe-External-Auth-Required, X-Stripe-Privileged-Session-Required",
	"Access-Control-Max-Age: 300", "Cache-Control: no-cache, no-store", "Content-Security-Policy: base-uri 'none'; default-src 'none'; form-action 'none'; frame-ancestors 'none'; img-src 'self'; script-src 'self' 'report-sample'; style-src 'self'; worker-src 'none'; upgrade-insecure-requests",
	"Idempotency-Key: payrec-k3f9axk3f9axk3f9axk3f9axk3-0", "Original-Request: req_1Nv0FGQ9RKHgCV", "Stripe-Should-Retry: false", "Stripe-Version: 2026-08-26.dahlia", "Vary: Origin",
	"X-Stripe-Priority-Routing-Enabled: true", "X-Stripe-Routing-Context-Priority-Tier: api-testmode", "X-Wc: ABGHIJ", "Strict-Transport-Security: max-age=63072000; includeSubDomains; preload"),
	"Connection: close", "Connection: keep-alive", 1)

// BenchmarkAnswer reads an answer and judges it, without a socket.
func BenchmarkAnswer(b *testing.B) {
	c := testClient(b, "http://127.0.0.1:9")
	for name, raw := range map[string]string{"api": usualAnswer, "short": strings.Replace(answer(200, usualRecord, "Date: Sun, 01 Mar 2026 12:00:00 GMT"), "Connection: close\r\n", "", 1)} {
		b.Run(name, func(b *testing.B) {
			whole, server := []byte(raw), &tape{step: 1 << 20}
			x := onTape(server)
			b.ReportAllocs()
			for b.Loop() {
				server.in = whole
				rep, again, err := x.read()
				if a := c.conclude(b.Context(), rep, err, create.Path); a.Verdict != Confirmed || !again {
					b.Fatalf("got %+v", a)
				}
			}
		})
	}
}
