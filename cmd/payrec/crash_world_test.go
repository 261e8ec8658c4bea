package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/payrec/payrec/sandbox"
)

// A point is where on its way a request is when its sender dies.
type point string

const (
	lost    point = "lost"    // it never reached the API
	late    point = "late"    // the API executes it after its sender died
	during  point = "during"  // the API holds its key and has applied nothing
	after   point = "after"   // the API applied it; no byte of the answer has left
	half    point = "half"    // half of the answer has left
	ghostly point = "ghostly" // it is executed while the next process is at work already
)

// points are those that a request can be at when the keys are gone by the next
// run: a ghost would have been under way for a day.
var points = []point{lost, late, during, after, half}

// An arrival is a request as it reaches the API.
type arrival struct {
	write bool // a call; else a listing or a retrieval of records
	nth   int  // of its sort that this process sent, counted from 1
	known bool // an earlier process sent this key already
	keys  int  // keys seen in this world so far
}

// A trap holds one request at a point until it is released, so that a kill is
// known to strike while the request is under way.
type trap struct {
	springs func(arrival) bool
	point   point
	struck  chan struct{}   // closed when the request is held
	release chan struct{}   // closed when its sender is dead
	call    string          // of the request that is held; set before struck is closed
	sender  context.Context // ends when the sender's connection does; set before struck is closed
	once    sync.Once
}

func newTrap(p point, springs func(arrival) bool) *trap {
	return &trap{point: p, springs: springs, struck: make(chan struct{}), release: make(chan struct{})}
}

func (t *trap) strike() { t.once.Do(func() { close(t.struck) }) }

// A world is an account in a sandbox over the lives of many processes. It can
// age: its clock and the processes' move on, and the keys are forgotten.
type world struct {
	state string       // the sandbox's state file; "" keeps it in memory
	aged  atomic.Int64 // how far the clock was moved, in nanoseconds

	mu     sync.Mutex // guards the fields below
	server *sandbox.Server
	seen   map[string]bool // idempotency keys
	twins  map[string]int  // records that somebody else made, by their references
	writes int64           // executed by sandboxes that were closed
	ghost  *trap           // holds a request of a process that is dead

	ghosts sync.WaitGroup // requests held for longer than their sender lived
}

func newWorld(t *testing.T, state string) *world {
	w := &world{state: state, seen: map[string]bool{}, twins: map[string]int{}}
	w.start(t)
	t.Cleanup(func() { w.server.Close() })
	return w
}

func (w *world) start(t *testing.T) {
	for try := 0; ; try++ {
		server, err := sandbox.New(sandbox.Options{State: w.state, Clock: w.now})
		if err == nil {
			w.server = server
			return
		}
		// A process that another test is just starting has a copy of the state's
		// lock until it comes to itself.
		if try == 100 || !strings.Contains(err.Error(), "has this state open") {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

// now is the clock of the sandbox and of the processes.
func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.aged.Load())) }

// restart closes the sandbox and opens it anew from its state.
func (w *world) restart(t *testing.T) {
	w.writes += w.server.Totals().Writes
	if err := w.server.Close(); err != nil {
		t.Fatal(err)
	}
	w.start(t)
}

// release lets the ghost go, if there is one.
func (w *world) release() {
	w.mu.Lock()
	ghost := w.ghost
	w.ghost = nil
	w.mu.Unlock()
	if ghost != nil {
		close(ghost.release)
	}
}

// executed is how many calls were applied, replays not counted.
func (w *world) executed() int64 { return w.writes + w.server.Totals().Writes }

// A visit is the time that one process speaks with the world, over a listener
// of its own: what it had sent and nobody had read is lost with it.
type visit struct {
	*world
	url    string
	http   *http.Server
	trap   *trap        // may be nil
	busy   sync.RWMutex // held for reading by every request
	over   bool         // the process is gone; guarded by busy
	counts [2]int       // reads and writes; guarded by world.mu
}

func (w *world) visit(t *testing.T, trap *trap) *visit {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &visit{world: w, trap: trap, url: "http://" + l.Addr().String()}
	v.http = &http.Server{Handler: v}
	go v.http.Serve(l) // until end
	return v
}

// end is called when the process is dead: it lets go of the request that was
// held and returns when the API is done with everything that had reached it.
func (v *visit) end() {
	v.http.Close()
	if v.trap != nil {
		if v.trap.point == ghostly {
			v.mu.Lock()
			v.ghost = v.trap
			v.mu.Unlock()
		} else {
			close(v.trap.release)
		}
	}
	v.busy.Lock()
	v.over = true
	v.busy.Unlock()
	v.server.ClearFaults()
}

func (v *visit) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	v.busy.RLock()
	defer v.busy.RUnlock()
	body, err := io.ReadAll(r.Body)
	if err != nil || v.over {
		panic(http.ErrAbortHandler) // net/http's own way to break a connection
	}
	trap := v.arrive(r)
	if r.Method == http.MethodPost {
		v.release() // of the process before
	}
	if trap == nil {
		a := v.answer(r, body, nil)
		send(rw, a, a.Body.Bytes())
		return
	}
	v.hold(trap, rw, r, body)
}

// arrive counts the request and returns the trap if it has sprung.
func (v *visit) arrive(r *http.Request) *trap {
	if !strings.HasPrefix(r.URL.Path, "/v1/payment_") {
		return nil // the account asks for itself
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	a := arrival{write: r.Method == http.MethodPost}
	sort := 0
	if a.write {
		sort = 1
		key := r.Header.Get("Idempotency-Key")
		a.known = v.seen[key]
		v.seen[key] = true
	}
	v.counts[sort]++
	a.nth, a.keys = v.counts[sort], len(v.seen)
	if v.trap == nil || !v.trap.springs(a) {
		return nil
	}
	if v.trap.sender != nil {
		return nil // it holds another one
	}
	v.trap.sender, v.trap.call = r.Context(), callOf(r)
	return v.trap
}

// callOf names what a request asks for.
func callOf(r *http.Request) string {
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch {
	case r.Method == http.MethodPost:
		return name
	case name == "payment_records":
		return "(list)"
	}
	return "(retrieve)"
}

// hold keeps the request where the trap says.
func (v *visit) hold(trap *trap, rw http.ResponseWriter, r *http.Request, body []byte) {
	v.twin(r, body)
	switch trap.point {
	case lost:
		trap.strike()
		<-trap.release
	case late:
		trap.strike()
		<-trap.release
		v.answer(r, body, nil)
	case ghostly:
		v.busy.RUnlock() // end does not wait for a ghost
		v.ghosts.Add(1)
		trap.strike()
		<-trap.release
		v.answer(r, body, nil)
		v.ghosts.Done()
		v.busy.RLock()
	case during:
		v.answer(r, body, &sandbox.Fault{Kind: sandbox.FaultDelay, At: sandbox.FaultDuring, Hold: trap.release, Struck: trap.strike})
		trap.strike() // unless it did: a replay is not executed
		<-trap.release
	case after:
		v.answer(r, body, nil)
		trap.strike()
		<-trap.release
	case half:
		a := v.answer(r, body, nil)
		send(rw, a, a.Body.Bytes()[:a.Body.Len()/2])
		http.NewResponseController(rw).Flush()
		trap.strike()
		<-trap.release
	}
	panic(http.ErrAbortHandler)
}

// answer asks the sandbox.
func (w *world) answer(r *http.Request, body []byte, fault *sandbox.Fault) *httptest.ResponseRecorder {
	w.mu.Lock()
	server := w.server
	w.mu.Unlock()
	inner := r.Clone(context.WithoutCancel(r.Context()))
	inner.Body = io.NopCloser(bytes.NewReader(body))
	if fault != nil {
		server.Inject(*fault)
	}
	rec := httptest.NewRecorder()
	server.ServeHTTP(rec, inner)
	return rec
}

// twin reports every third payment that is under way as somebody else would:
// without our stamps and our key.
func (w *world) twin(r *http.Request, body []byte) {
	form, err := url.ParseQuery(string(body))
	reference := form.Get("processor_details[custom][payment_reference]")
	if err != nil || reference == "" || callOf(r) != "report_payment" {
		return
	}
	w.mu.Lock()
	twin := len(w.seen)%3 == 0
	if twin {
		w.twins[reference]++
	}
	w.mu.Unlock()
	if !twin {
		return
	}
	for name := range form {
		if strings.HasPrefix(name, "metadata[") {
			delete(form, name)
		}
	}
	other := r.Clone(r.Context())
	other.Header.Del("Idempotency-Key")
	other.ContentLength = -1
	w.answer(other, []byte(form.Encode()), nil)
}

// send passes an answer on, or so much of its body.
func send(rw http.ResponseWriter, a *httptest.ResponseRecorder, body []byte) {
	for name, values := range a.Result().Header {
		rw.Header()[name] = values
	}
	rw.WriteHeader(a.Code)
	rw.Write(body) // a client that went away is what this is about
}
