package stripeapi

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

var keepAlive = strings.Replace(answer(200, goodRecord), "Connection: close\r\n", "", 1)

// Which answers leave a connection that can be used again: over both ways.
func TestConnectionsAreUsedAgain(t *testing.T) {
	for _, tt := range []struct {
		name, raw string
		again     bool
		unasked   bool // more comes than was asked for
	}{
		{"usual", keepAlive, true, false},
		{"refusal", strings.Replace(answer(400, apiError("idempotency_error", "", "no")), "Connection: close\r\n", "", 1), true, false},
		{"chunked", chunked("", goodRecord), true, false},
		{"after 100 Continue", "HTTP/1.1 100 Continue\r\n\r\n" + keepAlive, true, false},
		{"long header", strings.Replace(keepAlive, "Request-Id", "X: "+strings.Repeat("y", 2*usualSize)+"\r\nRequest-Id", 1), true, false},
		{"the server says that it closes", answer(200, goodRecord), false, false},
		{"HTTP/1.0", strings.Replace(keepAlive, "HTTP/1.1", "HTTP/1.0", 1), false, false},
		{"a second answer", keepAlive + strings.Replace(keepAlive, "pr_1", "pr_2", 1), false, true},
		{"a second answer, chunked", chunked("", goodRecord) + keepAlive, false, true},
		{"a byte too many", keepAlive + "\n", false, true},
		{"length too short", strings.Replace(keepAlive, fmt.Sprint("Content-Length: ", len(goodRecord)), "Content-Length: 100", 1), false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, way func(*Config)) {
				if tt.unasked && strings.HasSuffix(t.Name(), "transport") {
					t.Skip("net/http may take it for the next call's answer")
				}
				w := newWire(t, func(w *wire, c net.Conn) {
					for r := bufio.NewReader(c); w.read(r); {
						io.WriteString(c, tt.raw)
					}
				})
				c := testClient(t, w.base, way)
				const sends = 5
				for range sends {
					if a := c.Send(t.Context(), create); a.Status == 0 || a.RecordID == "pr_2" {
						t.Errorf("got %+v", a)
					}
				}
				want := sends
				if tt.again {
					want = 1
				}
				if w.connections() != want || w.count() != sends {
					t.Errorf("%d requests over %d connections, want %d", w.count(), w.connections(), want)
				}
			})
		})
	}
}

// A connection that died while it idled is noticed before anything is sent.
func TestIdleDeathIsNoDoubt(t *testing.T) {
	for name, act := range map[string]func(net.Conn){
		"closed":  func(c net.Conn) {},
		"reset":   reset,
		"timeout": func(c net.Conn) { io.WriteString(c, answer(408, "")) },
	} {
		t.Run(name, func(t *testing.T) {
			answered := make(chan struct{}, 1)
			w := newWire(t, func(w *wire, c net.Conn) {
				if w.read(bufio.NewReader(c)) {
					io.WriteString(c, keepAlive)
					<-answered
					act(c)
				}
			})
			c := testClient(t, w.base)
			const sends = 10
			for range sends {
				if a := c.Send(t.Context(), create); a.Verdict != Confirmed {
					t.Fatalf("got %+v", a)
				}
				x := c.direct.pool.get()
				answered <- struct{}{}
				noticed(t, x)
				c.direct.pool.put(x)
			}
			if w.count() != sends {
				t.Errorf("%d requests, want %d", w.count(), sends)
			}
		})
	}
}

// Ending the context ends the call at once, in doubt, and takes its connection with it.
func TestInterrupted(t *testing.T) {
	eachWay(t, func(t *testing.T, way func(*Config)) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("second interrupt")
		w := newWire(t, func(w *wire, c net.Conn) {
			r := bufio.NewReader(c)
			if w.read(r) && w.count() == 1 {
				cancel(why)
				<-closedByPeer(c)
				return
			}
			io.WriteString(c, keepAlive)
			w.read(r)
		})
		c := testClient(t, w.base, way)
		if a := c.Send(ctx, create); a.Verdict != InDoubt || !errors.Is(a.Err, why) && !errors.Is(a.Err, context.Canceled) {
			t.Errorf("got %+v", a)
		}
		if a := c.Send(ctx, create); a.Verdict != NotSent {
			t.Errorf("after the end: %+v", a)
		}
		if a := c.Send(t.Context(), create); a.Verdict != Confirmed {
			t.Errorf("got %+v", a)
		}
		if a := c.Send(ctx, create); a.Verdict != NotSent { // also where a connection idles
			t.Errorf("after the end: %+v", a)
		}
		if w.count() != 2 || w.connections() != 2 {
			t.Errorf("%d requests over %d connections", w.count(), w.connections())
		}
	})
}

// Every answer is its own call's, however many are under way and whichever of
// them are cut short; and none is sent twice.
func TestAnswersAreNotMixedUp(t *testing.T) {
	eachWay(t, func(t *testing.T, way func(*Config)) {
		w := newWire(t, func(w *wire, c net.Conn) {
			for r := bufio.NewReader(c); ; {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				body, err := io.ReadAll(req.Body)
				if err != nil {
					return
				}
				key := req.Header.Get("Idempotency-Key")
				w.mu.Lock()
				w.requests = append(w.requests, seen{body: string(body), uri: key})
				w.mu.Unlock()
				raw := strings.Replace(keepAlive, `"pr_1"`, `"pr_`+key+`"`, 1)
				raw = strings.Replace(raw, fmt.Sprint("Content-Length: ", len(goodRecord)), fmt.Sprint("Content-Length: ", len(goodRecord)+len(key)-1), 1)
				if rand.IntN(2) == 0 {
					raw = chunked("", strings.Replace(goodRecord, `"pr_1"`, `"pr_`+key+`"`, 1))
				}
				half := rand.IntN(len(raw))
				io.WriteString(c, raw[:half])
				io.WriteString(c, raw[half:])
			}
		})
		c := testClient(t, w.base, way)
		const lanes, sends = 8, 100
		var senders sync.WaitGroup
		for lane := range lanes {
			senders.Go(func() {
				for i := range sends {
					key := fmt.Sprintf("%d0%d", lane, i)
					ctx, cancel := context.WithCancel(t.Context())
					if i%5 == 0 {
						go cancel()
					}
					a := c.Send(ctx, Request{Path: create.Path, IdempotencyKey: key, Body: []byte(key)})
					cancel()
					if a.Verdict == Confirmed && a.RecordID != "pr_"+key || a.Verdict != Confirmed && (i%5 != 0 || a.Verdict != InDoubt && a.Verdict != NotSent) {
						t.Errorf("%s: got %+v", key, a)
					}
				}
			})
		}
		senders.Wait()
		keys := map[string]bool{}
		for _, r := range w.requests {
			if keys[r.uri] || r.body != r.uri {
				t.Errorf("%s came twice, or with the body %s", r.uri, r.body)
			}
			keys[r.uri] = true
		}
		if len(keys) > lanes*sends || len(keys) < lanes*sends*4/5 {
			t.Errorf("%d requests", len(keys))
		}
	})
}

// trusting makes a client that sends directly trust a test server.
func trusting(c *Client, s *httptest.Server) *Client {
	c.direct.tls.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return c
}

func TestTLS(t *testing.T) {
	serve := func(t *testing.T, change func(*httptest.Server)) (*httptest.Server, chan *http.Request) {
		requests := make(chan *http.Request, 10)
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			requests <- r
			if r.Header.Get("Idempotency-Key") == "cut" {
				w.Header().Set("Content-Length", "1000")
				io.WriteString(w, goodRecord)
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			io.WriteString(w, goodRecord)
		}))
		s.Config.ErrorLog = discard()
		change(s)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s, requests
	}
	t.Run("HTTP/1.1 over one connection", func(t *testing.T) {
		s, requests := serve(t, func(s *httptest.Server) { s.EnableHTTP2 = true })
		c := trusting(testClient(t, s.URL), s)
		first := ""
		for range 5 {
			if a := c.Send(t.Context(), create); a.Verdict != Confirmed {
				t.Fatalf("got %+v", a)
			}
			r := <-requests
			if first = orElse(first, r.RemoteAddr); r.RemoteAddr != first || r.Proto != "HTTP/1.1" || r.TLS.NegotiatedProtocol == "h2" || r.TLS.Version != tls.VersionTLS13 {
				t.Errorf("%s from %s (the first from %s) over %s", r.Proto, r.RemoteAddr, first, tls.VersionName(r.TLS.Version))
			}
		}
		if a := c.Send(t.Context(), Request{Path: create.Path, IdempotencyKey: "cut"}); a.Verdict != InDoubt || a.Status != 200 {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("TLS 1.2", func(t *testing.T) {
		s, _ := serve(t, func(s *httptest.Server) { s.TLS = &tls.Config{MaxVersion: tls.VersionTLS12} })
		if a := trusting(testClient(t, s.URL), s).Send(t.Context(), create); a.Verdict != Confirmed {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("TLS 1.1 is refused", func(t *testing.T) {
		s, requests := serve(t, func(s *httptest.Server) {
			s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
		})
		if a := trusting(testClient(t, s.URL), s).Send(t.Context(), create); a.Verdict != NotSent || len(requests) != 0 {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("another's certificate is refused", func(t *testing.T) {
		s, requests := serve(t, func(*httptest.Server) {})
		c := trusting(testClient(t, s.URL), s)
		c.direct.tls.ServerName = officialHost
		var wrong *tls.CertificateVerificationError
		if a := c.Send(t.Context(), create); a.Verdict != NotSent || !errors.As(a.Err, &wrong) || len(requests) != 0 {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("a handshake without end", func(t *testing.T) {
		eachWay(t, func(t *testing.T, way func(*Config)) {
			w := newWire(t, func(_ *wire, c net.Conn) { io.Copy(io.Discard, c) })
			c := testClient(t, strings.Replace(w.base, "http:", "https:", 1), way, func(c *Config) { c.Timeout = 50 * time.Millisecond })
			if a := c.Send(t.Context(), create); a.Verdict != NotSent || !errors.Is(a.Err, context.DeadlineExceeded) || !strings.Contains(a.Err.Error(), "50ms") {
				t.Errorf("got %+v", a)
			}
		})
	})
	t.Run("what is written in part is in doubt", func(t *testing.T) {
		s, _ := serve(t, func(*httptest.Server) {})
		c := trusting(testClient(t, s.URL), s)
		for room, left := range map[int]bool{0: false, 1: true, 40: true} {
			x, err := c.direct.connect(t.Context(), time.Now().Add(20*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			x.out.Conn = struct{ net.Conn }{&tape{room: room}}
			x.request = []byte("POST /v1/payment_records HTTP/1.1")
			if got, err := x.write(); err == nil || got != left {
				t.Errorf("with %d bytes taken: left %t, %v", room, got, err)
			}
		}
	})
}

// Where the environment names a proxy, net/http knows how to use it; nothing is
// dialled past it. The environment is read once, so another process must ask.
func TestProxy(t *testing.T) {
	const inside = "PAYREC_TEST_PROXIED"
	if os.Getenv(inside) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestProxy$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=1", "HTTPS_PROXY=http://127.0.0.1:1", "NO_PROXY=")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestProxy") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	c := testClient(t, "", func(c *Config) { c.Timeout = 0 })
	if c.direct != nil {
		t.Fatal("the proxy is passed by")
	}
	if a := c.Send(t.Context(), create); a.Verdict != NotSent || !strings.Contains(a.Err.Error(), "proxyconnect") {
		t.Errorf("got %+v", a)
	}
	if testClient(t, "http://127.0.0.1:9").direct == nil {
		t.Error("a loopback address needs no proxy")
	}
}

func TestHeadersThatCannotBeSent(t *testing.T) {
	key, err := ParseKey(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{{Key: key, UserAgent: "a\r\nX: y"}, {Key: key, Version: "2026\n"}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
