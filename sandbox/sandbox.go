// Package sandbox is a stateful server of Stripe's Payment Records API, to try
// payrec on and to test against. It moves no money and needs no account.
//
// Terms:
//
//   - An operation is one of the twelve that the API has for Payment Records
//     and Payment Attempt Records. Anything else under /v1 answers 501: what
//     is not modelled is never played.
//   - A version is an immutable state of one object. A call makes new versions
//     and swaps pointers, so answers are encoded outside of the lock, and a
//     saved answer is just a pointer to the version it showed.
//   - An event is what one executed call changed. The call is judged once,
//     before the event is made; applying an event judges nothing, so a state
//     file reads back the same whatever later versions of the rules say.
//   - The state file is the log of the events: one line each, checksummed,
//     only ever appended to, written before the answer leaves. The death of
//     the process loses nothing that was answered; a last line that is torn
//     was not answered, and is cut.
//   - A choice is behaviour that the public documentation leaves open. All are
//     listed by [Semantics] and held there by a test. A refusal that is
//     ours carries no code, and its message opens with "[payrec sandbox] ".
//   - A [Fault] is trouble on demand: an answer, a broken connection or a delay
//     before, during or after the call is applied.
//
// A request passes, in this order: the Host (loopback only, against DNS
// rebinding), authentication, the limiter, the idempotency key, validation of
// parameters, the record's lock, execution. An answer is saved under the key
// from execution on, refusals included; nothing before it is saved.
//
// Beside the API there are a page to look at, which needs no key and changes
// nothing, and the control API under /__payrec/, which needs a token of its own.
//
// The files in reading order: sandbox.go, http.go (the layers), form.go and
// validate.go (parameters), state.go, decide.go and apply.go (what a call
// does), read.go (retrieving and listing), keys.go, store.go (the state file),
// fault.go and faultfile.go, limits.go and latency.go, semantics.go and cells.go,
// verify.go and probes.go (another base asked the same), control.go, page.go and
// pagerows.go (what a browser sees).
package sandbox

import (
	crand "crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/payrec/payrec/record"
)

// DefaultKeyTTL is how long an answer is kept under its idempotency key. The
// API promises "at least 24 hours". Source: docs.stripe.com/api/idempotent_requests.
const DefaultKeyTTL = 24 * time.Hour

// Options say what a sandbox is. The zero value is a sandbox in memory,
// without limits, with random ids.
type Options struct {
	State  string           // the file that keeps the state; "" keeps it in memory only
	Clock  func() time.Time // nil is time.Now
	Seed   uint64           // ids are reproducible for a given seed; 0 is random
	Limits Limits           // the zero value limits nothing
	KeyTTL time.Duration    // how long idempotency keys are kept; 0 is DefaultKeyTTL

	Latency Latency       // how long each request takes; the zero value takes none
	ListLag time.Duration // how long a new record is not listed; retrieving finds it at once
	Token   string        // opens the control API under /__payrec/; "" leaves it closed
}

// A Server is a sandbox. It is an [http.Handler], safe for concurrent use.
type Server struct {
	clock   func() time.Time // Options.Clock, moved by offset
	offset  atomic.Int64     // nanoseconds; see Advance
	keyTTL  time.Duration
	latency Latency
	listLag int64 // seconds
	token   string
	ids     ids
	specs   specs
	limits  *limiter
	faults  faults
	log     requestLog
	notes   []string
	account string

	requests atomic.Int64 // answered
	writes   atomic.Int64 // executed and applied

	mu    sync.RWMutex // guards what follows; held for pointers and one write, never for encoding
	state state
	keys  keys
	store *store // nil: in memory

	listening sync.Mutex // guards servers
	servers   []*http.Server
}

// New makes a sandbox, or loads the one that o.State keeps. A file that is
// damaged before its tail is a [StateError]; so is one that another process
// has open.
func New(o Options) (*Server, error) {
	s := &Server{keyTTL: o.KeyTTL, limits: newLimiter(o.Limits), specs: newSpecs(),
		latency: o.Latency, listLag: int64(o.ListLag / time.Second), token: o.Token}
	s.ids.seed = o.Seed
	base := o.Clock
	if base == nil {
		base = time.Now
	}
	s.clock = func() time.Time { return base().Add(time.Duration(s.offset.Load())) }
	if s.keyTTL <= 0 {
		s.keyTTL = DefaultKeyTTL
	}
	if s.ids.seed == 0 {
		s.ids.seed = randomSeed()
	}
	s.faults.seed = s.ids.seed
	s.state = newState()
	s.keys = newKeys(s.keyTTL)
	s.account = s.ids.make("acct_", 0, 16)
	if o.State != "" {
		if err := s.load(o.State); err != nil {
			return nil, err
		}
	}
	// Request ids go on from where no earlier process of this state was.
	s.ids.requests.Store(s.state.seq << 20)
	return s, nil
}

func (s *Server) load(path string) error {
	st, account, notes, err := openStore(path, s.account, s.clock(), s.keyTTL, func(e *event) error {
		if err := s.state.follows(e); err != nil {
			return err
		}
		s.commit(e)
		return nil
	})
	if err != nil {
		return err
	}
	s.store, s.account, s.notes = st, account, notes
	s.writes.Store(0) // those of the file were executed by others
	return nil
}

// Advance moves the sandbox's clock forward, or backward when d is negative:
// for idempotency keys that expire, rates, and lists by time. The move is not
// kept in the state file.
func (s *Server) Advance(d time.Duration) { s.offset.Add(int64(d)) }

// ID is the sandbox's account, acct_…; it is kept in the state.
func (s *Server) ID() string { return s.account }

// Notes are remarks about loading the state that a user should see, such as
// that a torn last line was cut.
func (s *Server) Notes() []string { return slices.Clone(s.notes) }

// Close stops every listener and closes the state file. Requests that are
// still running are cut off; whatever they changed is in the file.
func (s *Server) Close() error {
	s.listening.Lock()
	servers := s.servers
	s.servers = nil
	s.listening.Unlock()
	for _, hs := range servers {
		hs.Close() // the listeners are ours; there is nothing to learn from the error
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store == nil {
		return nil
	}
	return s.store.close()
}

// Listen serves the sandbox on a loopback address such as "127.0.0.1:0" until
// [Server.Close], and returns the base URL. Any other address is refused: the
// sandbox is not made to stand in a network.
func (s *Server) Listen(addr string) (url string, err error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("listen address %q: %w; write it as 127.0.0.1:8420", addr, err)
	}
	if !loopback(host) || host == "localhost" {
		return "", fmt.Errorf("listen address %q is not a loopback address; the sandbox listens on 127.0.0.1 or [::1] only", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("the sandbox cannot listen: %w", err)
	}
	hs := &http.Server{Handler: s, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 10 * time.Minute}
	s.listening.Lock()
	s.servers = append(s.servers, hs)
	s.listening.Unlock()
	go hs.Serve(l) // returns when Close closes hs
	return "http://" + l.Addr().String(), nil
}

// A Test is what [Start] needs of a *testing.T.
type Test interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start serves a sandbox on a free port for the duration of a test, and returns
// it with its base URL.
func Start(t Test, o Options) (s *Server, base string) {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatalf("sandbox: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	if base, err = s.Listen("127.0.0.1:0"); err != nil {
		t.Fatalf("sandbox: %v", err)
	}
	return s, base
}

// loopback says whether a host name or address can only mean this machine.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.Unmap().IsLoopback()
}

// Totals are counted from the state itself, so that an importer's or an
// exporter's books can be held against them.
type Totals struct {
	Records  int `json:"records"`  // payment records, seeded ones included
	Attempts int `json:"attempts"` // payment attempt records
	Refunds  int `json:"refunds"`  // accepted refunds

	// Sums per currency in minor units: over the records, whose amounts are
	// those of their latest attempts, and over all attempts.
	RecordSums  map[record.Currency]Sums `json:"record_sums"`
	AttemptSums map[record.Currency]Sums `json:"attempt_sums"`

	Requests int64 `json:"requests"` // answered since the sandbox was made or loaded
	Writes   int64 `json:"writes"`   // calls executed and applied since then; replays are none
}

// Sums add up the amounts of several objects in one currency's minor units.
type Sums struct {
	Count      int   `json:"count"`
	Requested  int64 `json:"requested"`
	Guaranteed int64 `json:"guaranteed"`
	Failed     int64 `json:"failed"`
	Canceled   int64 `json:"canceled"`
	Refunded   int64 `json:"refunded"`
}

// Totals counts the state.
func (s *Server) Totals() Totals {
	t := Totals{RecordSums: map[record.Currency]Sums{}, AttemptSums: map[record.Currency]Sums{},
		Requests: s.requests.Load(), Writes: s.writes.Load()}
	s.mu.RLock()
	defer s.mu.RUnlock()
	t.Records, t.Attempts, t.Refunds = len(s.state.order), len(s.state.attempts), len(s.state.refunds)
	for _, p := range s.state.order {
		r := p.rec
		count(t.RecordSums, r.AmountRequested, r.AmountGuaranteed, r.AmountFailed, r.AmountCanceled, r.AmountRefunded)
		for _, a := range p.attempts {
			r := a.rec
			count(t.AttemptSums, r.AmountRequested, r.AmountGuaranteed, r.AmountFailed, r.AmountCanceled, r.AmountRefunded)
		}
	}
	return t
}

func count(sums map[record.Currency]Sums, requested, guaranteed, failed, canceled, refunded record.Amount) {
	c := sums[requested.Currency]
	c.Count++
	c.Requested += requested.Value
	c.Guaranteed += guaranteed.Value
	c.Failed += failed.Value
	c.Canceled += canceled.Value
	c.Refunded += refunded.Value
	sums[requested.Currency] = c
}

func randomSeed() uint64 {
	var b [8]byte
	crand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return binary.LittleEndian.Uint64(b[:])
}
