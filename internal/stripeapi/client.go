package stripeapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/payrec/payrec/record"
)

// Limits of a request and its answer.
const (
	defaultTimeout = 90 * time.Second
	// minTimeout is the official clients' own timeout: with a shorter one, calls
	// that the API is still working on become calls in doubt.
	minTimeout      = 80 * time.Second
	defaultMaxConns = 20
	maxAnswer       = 1 << 20  // bytes of the answer to a write
	maxPage         = 64 << 20 // bytes of a page: 100 records with full metadata and texts stay below
	maxRetryAfter   = time.Minute
	maxIdempotency  = 255 // characters of an idempotency key; docs.stripe.com/api/idempotent_requests
)

// Config says where and as whom a [Client] speaks.
type Config struct {
	Base      Base
	Key       Key
	Account   string        // acct_…: act for a connected account (Stripe-Account)
	Version   string        // Stripe-Version; "" is [record.APIVersion]
	Timeout   time.Duration // of one request; 0 is 90 s; below 80 s only on loopback
	MaxConns  int           // connections kept alive for writes, and for reads; 0 is 20. Give the sender's concurrency
	UserAgent string        // "" is "payrec"
	// Unreached is told when a read got no answer for the third time in a row,
	// while it goes on trying. May be nil; must be safe for concurrent use.
	Unreached func(error)
	// Transport replaces the client's own way of sending and reading, for tests. An
	// error from one that is no *http.Transport always means in doubt: nobody
	// knows what it sent.
	Transport http.RoundTripper
}

// A Client speaks with the API. It is safe for concurrent use.
type Client struct {
	base      string // scheme and host
	key       Key
	prepared  *prepared // behind a pointer, so that printing a Client shows no key
	timeout   time.Duration
	direct    *direct // sends writes; nil when transport does
	transport http.RoundTripper
	traced    bool // transport reports to httptrace
	backoff   backoff
	unreached func(error)
}

// What requests share, made once. Only date and pages change after [New].
type prepared struct {
	reading http.Header // of every read
	writing http.Header // of every write, but for its own key
	date    dateCache
	pages   sync.Pool // of *bytes.Buffer, for answers to reads
}

// New checks the configuration and returns a client. It sends nothing.
func New(c Config) (*Client, error) {
	if c.Key.rest == nil {
		return nil, errors.New("no API key")
	}
	if c.Key.Livemode() && c.Base.Loopback() {
		return nil, fmt.Errorf("a live key is only ever sent to %s; take a test key for %s", officialHost, c.Base)
	}
	if c.Account != "" && (!strings.HasPrefix(c.Account, "acct_") || !isWord(c.Account)) {
		return nil, fmt.Errorf("account %q is not the id of a connected account (acct_…)", c.Account)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Timeout < 0 || c.Timeout < minTimeout && !c.Base.Loopback() {
		return nil, fmt.Errorf("a request timeout of %s is too short: below %s, calls that the API is still working on are left in doubt", c.Timeout, minTimeout)
	}
	client := &Client{base: c.Base.String(), key: c.Key, timeout: c.Timeout, transport: c.Transport, unreached: c.Unreached,
		backoff: backoff{tries: 8, base: 500 * time.Millisecond, most: 32 * time.Second, random: rand.Int64N, sleep: sleep}}
	if c.MaxConns <= 0 {
		c.MaxConns = defaultMaxConns
	}
	if client.transport == nil {
		client.transport = newTransport(c.MaxConns)
	}
	_, client.traced = client.transport.(*http.Transport)
	p := &prepared{reading: http.Header{
		"Stripe-Version": {orElse(c.Version, record.APIVersion)},
		"User-Agent":     {orElse(c.UserAgent, "payrec")},
		"Accept":         {"application/json"},
		"Authorization":  {"Bearer " + c.Key.secret()},
	}}
	if c.Account != "" {
		p.reading.Set("Stripe-Account", c.Account)
	}
	p.writing = p.reading.Clone()
	p.writing.Set("Content-Type", "application/x-www-form-urlencoded")
	// The answer to a write is a kilobyte: to pack it would cost more than it saves.
	p.writing.Set("Accept-Encoding", "identity")
	client.prepared = p
	api, err := client.url("/v1/", nil)
	if err != nil {
		return nil, err
	}
	for name, values := range p.writing {
		if !isText([]byte(values[0])) {
			return nil, fmt.Errorf("what is to be sent as %s holds a control character", name)
		}
	}
	if c.Transport == nil && !proxied(api) {
		client.direct = newDirect(api, p.writing, c.MaxConns)
	}
	return client, nil
}

// proxied says whether the environment wants a proxy to be used, or says
// something of one that cannot be understood.
func proxied(u *url.URL) bool {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	return proxy != nil || err != nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// newTransport is for reads, and for writes through a proxy. It keeps conns
// connections alive. Over TLS it speaks HTTP/2 when the host does, over plain
// loopback HTTP/1.1.
func newTransport(conns int) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment, // never asked for loopback addresses
		DialContext:            dialer().DialContext,
		TLSHandshakeTimeout:    handshakeTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           conns,
		MaxIdleConnsPerHost:    conns,
		IdleConnTimeout:        idleTimeout,
		WriteBufferSize:        16 << 10, // a whole request in one write
		MaxResponseHeaderBytes: maxHeader,
	}
}

// Close lets go of idle connections.
func (c *Client) Close() {
	if c.direct != nil {
		c.direct.pool.close(time.Now())
	}
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// request builds a request. Neither it nor its header's values are changed
// afterwards: net/http may still hold them when it has answered.
func (c *Client) request(ctx context.Context, method string, u *url.URL, header http.Header) *http.Request {
	return (&http.Request{Method: method, URL: u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header}).WithContext(ctx)
}

// url joins the base with an API path and query. A path comes from our own
// code, ids in it from files: it must not lead anywhere else.
func (c *Client) url(path string, query url.Values) (*url.URL, error) {
	u, err := url.Parse(c.base + path)
	if err != nil || !strings.HasPrefix(path, "/v1/") || u.RawQuery != "" || u.Fragment != "" || strings.Contains(path, "..") {
		return nil, fmt.Errorf("%q is no path of the API", path)
	}
	u.RawQuery = query.Encode()
	return u, nil
}
