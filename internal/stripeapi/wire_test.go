package stripeapi

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// A wire is a server that speaks raw bytes: every connection goes to handle,
// and every whole request that was read on any of them is counted.
type wire struct {
	base string

	mu       sync.Mutex
	requests []seen
	conns    int
}

type seen struct {
	method, uri string
	header      http.Header
	body        string
}

func newWire(t *testing.T, handle func(w *wire, c net.Conn)) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{base: "http://" + l.Addr().String()}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.mu.Lock()
			w.conns++
			w.mu.Unlock()
			running.Go(func() {
				defer c.Close()
				handle(w, c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return w
}

// read takes one whole request off the connection.
func (w *wire) read(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = append(w.requests, seen{req.Method, req.RequestURI, req.Header, string(body)})
	return true
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests)
}

func (w *wire) connections() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conns
}

// answering reads one request and writes raw bytes, then closes.
func answering(raw string) func(*wire, net.Conn) {
	return func(w *wire, c net.Conn) {
		if w.read(bufio.NewReader(c)) {
			io.WriteString(c, raw)
		}
	}
}

// reset closes the connection so that the peer sees a reset, not an end.
func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// answer is a whole answer in raw bytes; headers are "Name: value" lines.
func answer(status int, body string, headers ...string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nRequest-Id: req_1\r\nConnection: close\r\n", status, http.StatusText(status), len(body))
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n" + body)
	return b.String()
}

func apiError(kind, code, message string) string {
	return fmt.Sprintf(`{"error":{"type":%q,"code":%q,"message":%q,"param":"amount_requested"}}`, kind, code, message)
}

const goodRecord = `{"id":"pr_1","object":"payment_record","livemode":false,"latest_payment_attempt_record":"par_1","amount":{"currency":"eur","value":1}}`

const testSecret = "sk_test_51CanaryCanaryCanary4242"

func testClient(t testing.TB, base string, change ...func(*Config)) *Client {
	t.Helper()
	b, err := ParseBase(base)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Base: b, Key: key, Timeout: 20 * time.Second}
	for _, f := range change {
		f(&config)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
