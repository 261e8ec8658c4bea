package stripeapi

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/payrec/payrec/record"
)

var create = Request{Path: record.ReportPayment.Path(""), IdempotencyKey: "payrec-abc-0", Body: []byte("amount_requested[value]=1")}

// ways are the two that a write can take. What they promise is the same, so
// they take the same tests.
var ways = []struct {
	name  string
	taken func(*Config)
}{
	{"direct", func(*Config) {}},
	{"transport", func(c *Config) { c.Transport = newTransport(max(c.MaxConns, defaultMaxConns)) }},
}

func eachWay(t *testing.T, test func(t *testing.T, way func(*Config))) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) { test(t, w.taken) })
	}
}

func TestVerdicts(t *testing.T) {
	limiter := apiError("invalid_request_error", "rate_limit", "Too many requests")
	tests := []struct {
		name   string
		handle func(*wire, net.Conn)
		want   Verdict
		check  func(Answer) bool
	}{
		{"reset at the first byte", func(_ *wire, c net.Conn) { c.Read(make([]byte, 1)); reset(c) }, InDoubt, nil},
		{"reset in the middle of the request", func(_ *wire, c net.Conn) { io.ReadFull(c, make([]byte, 60)); reset(c) }, InDoubt, nil},
		{"reset after the request", func(w *wire, c net.Conn) { w.read(bufio.NewReader(c)); reset(c) }, InDoubt, nil},
		{"end without an answer", answering(""), InDoubt, nil},
		{"cut in the header", answering("HTTP/1.1 200 OK\r\nContent-"), InDoubt, nil},
		{"cut in the body", answering(strings.TrimSuffix(answer(200, goodRecord), `"value":1}}`)), InDoubt, nil},
		{"reset in the body", func(w *wire, c net.Conn) {
			w.read(bufio.NewReader(c))
			io.WriteString(c, strings.TrimSuffix(answer(200, goodRecord), `}}`))
			reset(c)
		}, InDoubt, nil},
		{"cut refusal", answering(strings.TrimSuffix(answer(400, apiError("idempotency_error", "", "Keys for")), `}}`)), InDoubt, nil},
		{"not HTTP at all", answering("SSH-2.0-OpenSSH_9.9\r\n"), InDoubt, nil},
		{"garbage in a 200", answering(answer(200, "<html>welcome</html>")), InDoubt, nil},
		{"empty 200", answering(answer(200, "")), InDoubt, nil},
		{"two documents in a 200", answering(answer(200, goodRecord+goodRecord)), InDoubt, nil},
		{"endless answer", answering("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + strings.Repeat(" ", maxAnswer+2)), InDoubt, nil},
		{"length too long", answering(strings.Replace(answer(200, goodRecord), "Content-Length: 1", "Content-Length: 2", 1)), InDoubt, nil},
		{"length too short", answering(strings.Replace(answer(200, goodRecord), fmt.Sprint("Content-Length: ", len(goodRecord)), "Content-Length: 100", 1)), InDoubt, nil},
		{"two lengths", answering(answer(200, goodRecord, "Content-Length: 9")), InDoubt, nil},
		{"length that is none", answering(answer(200, goodRecord, "Content-Length: -1")), InDoubt, nil},
		{"length above all", answering("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"), InDoubt, nil},
		{"length of more than any answer", answering(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", maxAnswer+1) + strings.Repeat(" ", maxAnswer+1)), InDoubt, nil},
		{"long answer", answering(answer(200, goodRecord+strings.Repeat(" ", maxAnswer-len(goodRecord)))), Confirmed, nil},
		{"same length twice", answering(answer(200, goodRecord, fmt.Sprint("Content-Length: ", len(goodRecord)))), Confirmed, nil},
		{"chunked", answering(chunked("", goodRecord[:10], goodRecord[10:])), Confirmed, func(a Answer) bool { return a.RequestID == "req_1" }},
		{"chunked, with a trailer", answering(strings.TrimSuffix(chunked("Trailer: X\r\n", goodRecord), "\r\n") + "X: y\r\n\r\n"), Confirmed, nil},
		{"chunked, and a length", answering(chunked("Content-Length: 3\r\n", goodRecord)), Confirmed, nil},
		{"chunks without an end", answering(strings.TrimSuffix(chunked("", goodRecord), "0\r\n\r\n")), InDoubt, nil},
		{"chunk of no size", answering(strings.Replace(chunked("", goodRecord), "\r\n8", "\r\nz8", 1)), InDoubt, nil},
		{"encoding that nobody asked for", answering(strings.Replace(chunked("", goodRecord), "chunked", "gzip", 1)), InDoubt, nil},
		{"no length, until the end", answering("HTTP/1.1 200 OK\r\nRequest-Id: req_1\r\n\r\n" + goodRecord), Confirmed, nil},
		{"HTTP/1.0", answering("HTTP/1.0 200 OK\r\nContent-Length: " + fmt.Sprint(len(goodRecord)) + "\r\n\r\n" + goodRecord), Confirmed, nil},
		{"line feeds alone", answering(strings.ReplaceAll(answer(200, goodRecord), "\r\n", "\n")), Confirmed, nil},
		{"folded header", answering(answer(200, goodRecord, "X-Long: a", " b")), Confirmed, nil},
		{"blank before the colon", answering(answer(200, goodRecord, "Content-Length : 9")), Confirmed, nil}, // to net/http it is another name
		{"header without a colon", answering(answer(200, goodRecord, "nonsense")), InDoubt, nil},
		{"status of two digits", answering(strings.Replace(answer(200, goodRecord), "200", "20", 1)), InDoubt, nil},
		{"no version", answering(strings.TrimPrefix(answer(200, goodRecord), "HTTP/1.1 ")), InDoubt, nil},
		{"byte by byte", func(w *wire, c net.Conn) {
			w.read(bufio.NewReader(c))
			for _, b := range []byte(answer(200, goodRecord)) {
				c.Write([]byte{b})
			}
		}, Confirmed, func(a Answer) bool { return a.RequestID == "req_1" && a.RecordID == "pr_1" }},
		{"100 and 103 before", answering("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + answer(200, goodRecord)), Confirmed, nil},
		{"101", answering("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), InDoubt, nil},
		{"1xx without end", answering(strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("y", 1000)+"\r\n\r\n", 300)), InDoubt, headerTooLong},
		{"large header", answering(answer(200, goodRecord, "X: "+strings.Repeat("y", 100<<10), "Idempotent-Replayed: true")), Confirmed, func(a Answer) bool { return a.Replayed }},
		{"header without end", answering("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 300)), InDoubt, headerTooLong},
		{"line without end", answering("HTTP/1.1 200 " + strings.Repeat("y", maxHeader+1)), InDoubt, headerTooLong},
		{"echo of the key", answering("HTTP/1.1 " + testSecret + " OK\r\n\r\n"), InDoubt, nil},
		{"echo of the key in a header", answering(answer(200, goodRecord, testSecret)), InDoubt, nil},
		{"echo of the key as a length", answering(answer(200, goodRecord, "Content-Length: "+testSecret)), InDoubt, nil},
		{"204", answering("HTTP/1.1 204 No Content\r\n\r\n"), InDoubt, nil},
		{"304", answering("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), Stop, nil},
		{"two answers at once", answering(answer(200, goodRecord) + answer(400, apiError("idempotency_error", "", "no"))), Confirmed, nil},
		{"confirmed", answering(answer(200, goodRecord)), Confirmed, func(a Answer) bool {
			return a.RecordID == "pr_1" && a.ObjectID == "par_1" && !a.Livemode && a.RequestID == "req_1" && a.Err == nil && !a.Replayed
		}},
		{"confirmed by a replay", answering(answer(200, goodRecord, "Idempotent-Replayed: true")), Confirmed, func(a Answer) bool { return a.Replayed }},
		{"wrong livemode", answering(answer(200, strings.Replace(goodRecord, "false", "true", 1))), Stop, Answer.MayHaveRun},
		{"no livemode", answering(answer(200, `{"id":"pr_1","object":"payment_record"}`)), Stop, Answer.MayHaveRun},
		{"wrong object", answering(answer(200, `{"id":"ch_1","object":"charge","livemode":false}`)), Stop, Answer.MayHaveRun},
		{"wrong id", answering(answer(200, strings.Replace(goodRecord, "pr_1", "ch_1", 1))), Stop, Answer.MayHaveRun},
		{"id that is a path", answering(answer(200, strings.Replace(goodRecord, "pr_1", "pr_1/../x", 1))), Stop, nil},
		{"an array", answering(answer(200, `[]`)), InDoubt, nil},
		{"400", answering(answer(400, apiError("invalid_request_error", "amount_too_small", "Too small"))), Rejected, func(a Answer) bool {
			return a.Type == "invalid_request_error" && a.Code == "amount_too_small" && a.Param == "amount_requested" && a.Message == "Too small"
		}},
		{"402", answering(answer(402, apiError("card_error", "", "No"))), Rejected, nil},
		{"404", answering(answer(404, apiError("invalid_request_error", "resource_missing", "No such"))), Rejected, nil},
		{"422 of the API", answering(answer(422, apiError("invalid_request_error", "", "No"))), Rejected, nil},
		{"404 of something else", answering(answer(404, "404 page not found")), InDoubt, nil},
		{"400 in JSON of something else", answering(answer(400, `{"message":"no"}`)), InDoubt, nil},
		{"idempotency conflict", answering(answer(400, apiError("idempotency_error", "", "Keys for idempotent requests …"))), Conflict, nil},
		{"401", answering(answer(401, apiError("invalid_request_error", "", "Invalid API Key provided: "+testSecret))), Stop, func(a Answer) bool { return !a.MayHaveRun() }},
		{"403", answering(answer(403, apiError("invalid_request_error", "", "lacks permission"))), Stop, func(a Answer) bool { return !a.MayHaveRun() }},
		{"401 without a body", answering(answer(401, "")), Stop, nil},
		{"301", answering(answer(301, "", "Location: http://127.0.0.1:1/v1/payment_records/report_payment")), Stop, nil},
		{"307", answering(answer(307, "", "Location: /elsewhere")), Stop, nil},
		{"308", answering(answer(308, "", "Location: /elsewhere")), Stop, nil},
		{"409", answering(answer(409, apiError("idempotency_error", "idempotency_key_in_use", "in use"))), InFlight, nil},
		{"424", answering(answer(424, apiError("api_error", "", "dependency"))), InDoubt, nil},
		{"429 global-rate", answering(answer(429, limiter, "Stripe-Rate-Limited-Reason: global-rate")), Limited, reason("global-rate")},
		{"429 global-concurrency", answering(answer(429, limiter, "Stripe-Rate-Limited-Reason: global-concurrency")), Limited, reason("global-concurrency")},
		{"429 endpoint-rate", answering(answer(429, limiter, "Stripe-Rate-Limited-Reason: endpoint-rate", "Retry-After: 7")), Limited,
			func(a Answer) bool { return a.RetryAfter == 7*time.Second }},
		{"429 endpoint-concurrency", answering(answer(429, limiter, "Stripe-Rate-Limited-Reason: endpoint-concurrency")), Limited, reason("endpoint-concurrency")},
		{"429 resource-specific", answering(answer(429, limiter, "Stripe-Rate-Limited-Reason: resource-specific")), Limited, reason("resource-specific")},
		{"429 limiter, cut", answering(strings.TrimSuffix(answer(429, limiter, "Stripe-Rate-Limited-Reason: global-rate"), "}")), Limited, nil},
		{"429 lock_timeout", answering(answer(429, apiError("invalid_request_error", "lock_timeout", "This object cannot be accessed right now"))), Locked, nil},
		{"429 bare", answering(answer(429, "")), Locked, nil},
		{"500 saved", answering(answer(500, apiError("api_error", "", "oops"))), ServerError, func(a Answer) bool { return !a.Replayed && a.MayHaveRun() }},
		{"500 replayed", answering(answer(500, apiError("api_error", "", "oops"), "Idempotent-Replayed: true")), ServerError, func(a Answer) bool { return a.Replayed }},
		{"500 should not retry", answering(answer(500, apiError("api_error", "", "oops"), "Stripe-Should-Retry: false")), ServerError,
			func(a Answer) bool { return a.ShouldNotRetry && !a.ShouldRetry }},
		{"500 should retry", answering(answer(500, "", "Stripe-Should-Retry: true")), ServerError, func(a Answer) bool { return a.ShouldRetry && !a.ShouldNotRetry }},
		{"501", answering(answer(501, "")), InDoubt, nil},
		{"502", answering(answer(502, "<html>Bad Gateway</html>")), InDoubt, nil},
		{"503", answering(answer(503, "")), InDoubt, nil},
		{"504", answering(answer(504, "")), InDoubt, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, way func(*Config)) {
				w := newWire(t, tt.handle)
				a := testClient(t, w.base, way).Send(t.Context(), create)
				if a.Verdict != tt.want {
					t.Fatalf("verdict %s, want %s: %+v", a.Verdict, tt.want, a)
				}
				if (a.Err == nil) != (a.Verdict == Confirmed) {
					t.Errorf("%s with error %v", a.Verdict, a.Err)
				}
				if a.Verdict != Confirmed && a.RecordID != "" {
					t.Errorf("%s with record %s", a.Verdict, a.RecordID)
				}
				if tt.check != nil && !tt.check(a) {
					t.Errorf("unexpected answer: %+v", a)
				}
				if a.Err != nil && strings.Contains(a.Err.Error()+a.Message, "Canary") {
					t.Errorf("the key shows: %v", a.Err)
				}
				if w.connections() != 1 || w.count() > 1 {
					t.Errorf("%d connections, %d requests for one Send", w.connections(), w.count())
				}
			})
		})
	}
}

func headerTooLong(a Answer) bool { return strings.Contains(a.Err.Error(), "header") }

// chunked is an answer in chunks; header is lines of its header.
func chunked(header string, chunks ...string) string {
	b := []byte("HTTP/1.1 200 OK\r\nRequest-Id: req_1\r\nTransfer-Encoding: chunked\r\n" + header + "\r\n")
	for _, c := range append(chunks, "") {
		b = fmt.Appendf(b, "%x\r\n%s\r\n", len(c), c)
	}
	return string(b)
}

func reason(want string) func(Answer) bool {
	return func(a Answer) bool { return a.LimitReason == want && !a.MayHaveRun() }
}

func TestNotSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	plain := newWire(t, func(_ *wire, c net.Conn) { // no TLS here
		c.Read(make([]byte, 1))
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
	})
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = discard()
	untrusted.StartTLS()
	defer untrusted.Close()
	ended, end := context.WithCancel(t.Context())
	end()
	alive := newWire(t, answering(answer(200, goodRecord)))
	for _, tt := range []struct {
		name string
		ctx  context.Context
		base string
	}{
		{"nobody listens", t.Context(), "http://" + closed},
		{"no TLS", t.Context(), strings.Replace(plain.base, "http:", "https:", 1)},
		{"certificate nobody vouches for", t.Context(), untrusted.URL},
		{"context ended before", ended, alive.base},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, way func(*Config)) {
				a := testClient(t, tt.base, way).Send(tt.ctx, create)
				if a.Verdict != NotSent || a.Err == nil || a.MayHaveRun() {
					t.Errorf("got %+v", a)
				}
			})
		})
	}
	if alive.count() != 0 {
		t.Error("a request was sent although its context had ended")
	}
	t.Run("name not found", func(t *testing.T) {
		lookup := &net.DNSError{Err: "no such host", Name: officialHost, IsNotFound: true}
		transport := newTransport(1)
		transport.Proxy = nil
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, lookup }
		a := testClient(t, "", func(c *Config) { c.Timeout = 0; c.Transport = transport }).Send(t.Context(), create)
		var dns *net.DNSError
		if a.Verdict != NotSent || !errors.As(a.Err, &dns) {
			t.Errorf("got %+v", a)
		}
	})
}

// What a foreign transport sent is unknown, whatever its error says.
func TestForeignTransportIsInDoubt(t *testing.T) {
	c := testClient(t, "", func(c *Config) {
		c.Timeout = 0
		c.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("dial: leaked " + testSecret) })
	})
	if a := c.Send(t.Context(), create); a.Verdict != InDoubt || strings.Contains(a.Err.Error(), "Canary") {
		t.Errorf("got %+v", a)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTimeoutIsInDoubt(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	for name, partial := range map[string]string{"silent": "", "slow header": "HTTP/1.1 200", "slow body": answer(200, goodRecord)[:200],
		"slow chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "only 100 Continue": "HTTP/1.1 100 Continue\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, way func(*Config)) {
				w := newWire(t, func(w *wire, c net.Conn) {
					w.read(bufio.NewReader(c))
					io.WriteString(c, partial)
					select {
					case <-release:
					case <-closedByPeer(c):
					}
				})
				a := testClient(t, w.base, way, func(c *Config) { c.Timeout = 50 * time.Millisecond }).Send(t.Context(), create)
				if a.Verdict != InDoubt || !errors.Is(a.Err, context.DeadlineExceeded) || !strings.Contains(a.Err.Error(), "50ms") {
					t.Errorf("got %+v", a)
				}
			})
		})
	}
}

func closedByPeer(c net.Conn) <-chan struct{} {
	done := make(chan struct{})
	go func() { c.Read(make([]byte, 1)); close(done) }()
	return done
}

// The server takes the connection back while it idles, in the two ways there
// are: each Send is at most one request on the wire, never a silent second.
func TestNoSilentReplay(t *testing.T) { eachWay(t, noSilentReplay) }

func noSilentReplay(t *testing.T, way func(*Config)) {
	keepAlive := strings.Replace(answer(200, goodRecord), "Connection: close\r\n", "", 1)
	const sends = 20
	t.Run("closed after every answer", func(t *testing.T) {
		w := newWire(t, answering(keepAlive))
		c := testClient(t, w.base, way)
		confirmed := 0
		for range sends {
			switch a := c.Send(t.Context(), create); a.Verdict {
			case Confirmed:
				confirmed++
			case InDoubt: // the connection died under the request: honest doubt
			default:
				t.Fatalf("got %+v", a)
			}
		}
		if n := w.count(); n > sends || n < confirmed || confirmed == 0 {
			t.Errorf("%d requests on the wire for %d sends, %d confirmed", n, sends, confirmed)
		}
	})
	t.Run("closed on the next request", func(t *testing.T) {
		w := newWire(t, func(w *wire, c net.Conn) {
			r := bufio.NewReader(c)
			w.read(r)
			io.WriteString(c, keepAlive)
			w.read(r) // the second request on this connection: read, never answered
		})
		c := testClient(t, w.base, way)
		for i := range sends {
			want := Confirmed
			if i%2 == 1 {
				want = InDoubt
			}
			if a := c.Send(t.Context(), create); a.Verdict != want {
				t.Fatalf("send %d: got %+v, want %s", i, a, want)
			}
		}
		if n := w.count(); n != sends {
			t.Errorf("%d requests on the wire for %d sends", n, sends)
		}
	})
	t.Run("a call without parameters", func(t *testing.T) {
		w := newWire(t, func(w *wire, c net.Conn) {
			r := bufio.NewReader(c)
			for n := 0; w.read(r) && n == 0; n++ {
				io.WriteString(c, keepAlive)
			}
		})
		c := testClient(t, w.base, way)
		for range sends {
			c.Send(t.Context(), Request{Path: create.Path, IdempotencyKey: "k"})
		}
		if n := w.count(); n != sends {
			t.Errorf("%d requests on the wire for %d sends", n, sends)
		}
	})
}

func TestRequestOnTheWire(t *testing.T) {
	var requests []seen
	eachWay(t, func(t *testing.T, way func(*Config)) { requests = append(requests, requestOnTheWire(t, way)) })
	if !reflect.DeepEqual(requests[0], requests[1]) {
		t.Errorf("over a connection of our own %+v was sent, over net/http's %+v", requests[0], requests[1])
	}
}

func requestOnTheWire(t *testing.T, way func(*Config)) seen {
	w := newWire(t, answering(answer(200, goodRecord)))
	c := testClient(t, w.base, way, func(c *Config) { c.Account = "acct_1"; c.UserAgent = "payrec/1.0" })
	body := "amount_requested[currency]=eur&description=%C3%A4"
	if a := c.Send(t.Context(), Request{Path: record.ReportRefund.Path("pr_1"), IdempotencyKey: "payrec-x-0", Body: []byte(body)}); a.Verdict != Confirmed {
		t.Fatalf("got %+v", a)
	}
	got := w.requests[0]
	if got.method != "POST" || got.uri != "/v1/payment_records/pr_1/report_refund" || got.body != body {
		t.Errorf("got %+v", got)
	}
	for name, want := range map[string]string{
		"Authorization":   "Bearer " + testSecret,
		"Stripe-Version":  "2026-08-26.dahlia",
		"Stripe-Account":  "acct_1",
		"Idempotency-Key": "payrec-x-0",
		"Content-Type":    "application/x-www-form-urlencoded",
		"User-Agent":      "payrec/1.0",
		"Content-Length":  "49",
	} {
		if v := got.header.Get(name); v != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
	return got
}

func TestAnswerAboutAnotherRecord(t *testing.T) {
	w := newWire(t, answering(answer(200, goodRecord)))
	a := testClient(t, w.base).Send(t.Context(), Request{Path: record.ReportRefund.Path("pr_2"), IdempotencyKey: "k", Body: []byte("a=b")})
	if a.Verdict != Stop || !a.MayHaveRun() {
		t.Errorf("got %+v", a)
	}
}

func TestImpossibleRequests(t *testing.T) { eachWay(t, impossibleRequests) }

func impossibleRequests(t *testing.T, way func(*Config)) {
	w := newWire(t, answering(answer(200, goodRecord)))
	c := testClient(t, w.base, way)
	for _, r := range []Request{
		{Path: create.Path},
		{Path: create.Path, IdempotencyKey: strings.Repeat("k", 256)},
		{Path: create.Path, IdempotencyKey: "a\r\nX: y"},
		{Path: "//evil.example/v1/", IdempotencyKey: "k"},
		{Path: "@evil.example/v1/", IdempotencyKey: "k"},
		{Path: "/v1/payment_records/../charges", IdempotencyKey: "k"},
		{Path: "/v1/payment_records?x=y", IdempotencyKey: "k"},
	} {
		if a := c.Send(t.Context(), r); a.Verdict != Stop || a.Err == nil || a.MayHaveRun() {
			t.Errorf("%+v: got %+v", r, a)
		}
	}
	if w.count() != 0 {
		t.Error("something was sent")
	}
}

// A proxy leads to a host that speaks HTTP/2; the verdicts must not depend on it.
func TestHTTP2(t *testing.T) {
	protocols := make(chan string, 2)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocols <- r.Proto
		io.Copy(io.Discard, r.Body)
		if r.Header.Get("Idempotency-Key") == "reset" {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, goodRecord)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = discard()
	s.StartTLS()
	defer s.Close()
	transport := newTransport(2)
	transport.TLSClientConfig = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	c := testClient(t, s.URL, func(c *Config) { c.Transport = transport })
	for key, want := range map[string]Verdict{"good": Confirmed, "reset": InDoubt} {
		if a := c.Send(t.Context(), Request{Path: create.Path, IdempotencyKey: key, Body: create.Body}); a.Verdict != want {
			t.Errorf("%s: got %+v", key, a)
		}
		if p := <-protocols; p != "HTTP/2.0" {
			t.Errorf("spoke %s", p)
		}
	}
	if len(protocols) != 0 {
		t.Error("a request was repeated")
	}
}

// A plain path is what a request to the address that it makes says.
func TestPlainPath(t *testing.T) {
	c := testClient(t, "http://127.0.0.1:9")
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.OneOf(rapid.Just(""), rapid.Just("/v1/"), rapid.Just("/v1/payment_records/")).Draw(t, "begins") + rapid.StringMatching(`[a-zA-Z0-9/_%. ~?#:@ä-]{0,20}`).Draw(t, "ends")
		if !isPlainPath(path) {
			return
		}
		if u, err := c.url(path, nil); err != nil || u.RequestURI() != path {
			t.Errorf("%q is no plain path: %v, %v", path, u, err)
		}
	})
	for _, call := range record.Calls() {
		if path := call.Path("pr_1Nv0FGQ9RKHgCVdK0aBcDeFg"); !isPlainPath(path) {
			t.Errorf("%q is one", path)
		}
	}
}
