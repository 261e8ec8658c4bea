package sandbox

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/payrec/payrec/record"
)

// FaultHeader is the request header that asks for a fault on this very
// request: KIND or KIND-WHEN, such as "reset-after", "500-before",
// "500-saved", "cut", "delay=250ms-during". KIND is reset, cut, garbage,
// livemode, delay=DURATION or a status from 400 to 599; WHEN is before,
// during, after (the default) or saved (after, and the answer is kept under
// the idempotency key).
const FaultHeader = "Payrec-Sandbox-Fault"

// A FaultKind is what goes wrong.
type FaultKind string

// The kinds of faults.
const (
	FaultStatus   FaultKind = "status"   // answer Status, Header and Body instead
	FaultReset    FaultKind = "reset"    // reset the connection, no answer
	FaultCut      FaultKind = "cut"      // announce the whole answer, send half, reset
	FaultGarbage  FaultKind = "garbage"  // 200 with a page of HTML
	FaultDelay    FaultKind = "delay"    // wait for Delay or Hold, then go on
	FaultLivemode FaultKind = "livemode" // the right answer with livemode true
)

// A FaultPoint is when a fault strikes. Cut and livemode spoil an answer that
// is there, so they always strike after.
type FaultPoint string

// The points of time.
const (
	FaultAfter  FaultPoint = ""       // applied; the answer under the key is the right one, unless Save
	FaultBefore FaultPoint = "before" // before limiter and idempotency key: nothing happened
	FaultDuring FaultPoint = "during" // the idempotency key is held, nothing applied
)

// A Fault strikes requests that match all of its conditions; the zero value of
// a condition matches all.
type Fault struct {
	Call      string  // an operation, such as "report_payment" or "list_payment_records"
	Path      string  // a pattern of package path, such as "/v1/payment_records/*/report_refund"
	Reference string  // the payment_reference or refund_reference in the request
	Nth       int     // from the nth matching request on, counted from 1; 0 is 1
	Times     int     // how many requests it strikes; 0 is 1, negative is every one
	Chance    float64 // of striking a request that matches, by the sandbox's seed; 0 is always

	Kind   FaultKind // "" is FaultStatus
	At     FaultPoint
	Status int             // of FaultStatus; 0 is 500
	Body   string          // of FaultStatus; "" is an api_error
	Header http.Header     // of FaultStatus, added to the usual ones
	Save   bool            // of FaultStatus: the answer is saved under the idempotency key
	Delay  time.Duration   // of FaultDelay
	Hold   <-chan struct{} // of FaultDelay: wait until it is closed
	Struck func()          // called when it strikes, before anything else; nil is none
}

// faults are those that were injected and how often each was met.
type faults struct {
	seed uint64
	mu   sync.Mutex // guards what follows
	list []*armed
	made uint64 // faults injected so far
}

type armed struct {
	Fault
	met, struck int
	number      uint64 // of the fault, so that each draws chances of its own
}

// strikes says whether the fault strikes the request that it has just met.
func (a *armed) strikes(seed uint64) bool {
	if a.met < a.Nth || a.Times >= 0 && a.struck >= max(a.Times, 1) {
		return false
	}
	return a.Chance == 0 || rand.New(rand.NewPCG(seed^a.number, uint64(a.met))).Float64() < a.Chance
}

// Inject adds faults. Of several that match a request the first strikes.
func (s *Server) Inject(f ...Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	for _, fault := range f {
		s.faults.made++
		s.faults.list = append(s.faults.list, &armed{Fault: fault, number: s.faults.made})
	}
}

// ClearFaults removes every injected fault.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = nil
}

// match finds the fault for a request and counts it, or returns nil.
func (f *faults) match(op, urlPath string, params record.Params) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) == 0 {
		return nil
	}
	var hit *Fault
	for _, a := range f.list {
		if !a.matches(op, urlPath, params) {
			continue
		}
		a.met++
		if hit == nil && a.strikes(f.seed) {
			a.struck++
			hit = &a.Fault
		}
	}
	f.list = slices.DeleteFunc(f.list, func(a *armed) bool { return a.Times >= 0 && a.struck >= max(a.Times, 1) })
	return hit
}

func (f *Fault) matches(op, urlPath string, params record.Params) bool {
	if f.Call != "" && f.Call != op {
		return false
	}
	if f.Path != "" && f.Path != urlPath {
		if ok, _ := path.Match(f.Path, urlPath); !ok { // a bad pattern matches nothing
			return false
		}
	}
	if f.Reference == "" {
		return true
	}
	payment, _ := params.Get("processor_details.custom.payment_reference")
	refund, _ := params.Get("processor_details.custom.refund_reference")
	return f.Reference == payment || f.Reference == refund
}

// faultOf reads the header's form of a fault.
func faultOf(header string) (*Fault, error) {
	if header == "" {
		return nil, nil
	}
	kind, when := header, "after"
	if i := strings.LastIndexByte(header, '-'); i >= 0 {
		kind, when = header[:i], header[i+1:]
	}
	f := &Fault{Kind: FaultKind(kind)}
	switch when {
	case "after":
	case "saved":
		f.Save = true
	case "before", "during":
		f.At = FaultPoint(when)
	default:
		return nil, fmt.Errorf("%s: %q is no point of time; use before, during, after or saved", FaultHeader, short(when))
	}
	if text, ok := strings.CutPrefix(kind, "delay="); ok {
		var err error
		f.Kind = FaultDelay
		if f.Delay, err = time.ParseDuration(text); err != nil || f.Delay < 0 {
			return nil, fmt.Errorf("%s: %q is no duration; write it as 250ms", FaultHeader, short(text))
		}
		return f, nil
	}
	switch f.Kind {
	case FaultReset, FaultCut, FaultGarbage, FaultLivemode:
		return f, nil
	}
	status, err := strconv.Atoi(kind)
	if err != nil || status < 400 || status > 599 {
		return nil, fmt.Errorf("%s: %q is no fault; use reset, cut, garbage, livemode, delay=DURATION or a status from 400 to 599", FaultHeader, short(kind))
	}
	f.Kind, f.Status = FaultStatus, status
	return f, nil
}

// at says whether the fault strikes at a point of time. It may be called on nil.
func (f *Fault) at(p FaultPoint) bool {
	if f == nil {
		return false
	}
	if f.Kind == FaultCut || f.Kind == FaultLivemode {
		return p == FaultAfter
	}
	return f.At == p
}

// saves says whether the fault's answer is kept under the idempotency key.
// It may be called on nil.
func (f *Fault) saves() bool {
	return f != nil && f.Save && (f.Kind == FaultStatus || f.Kind == "")
}

// strike does what the kind says to the answer that there would be (zero
// before execution). It returns the answer to give.
func (f *Fault) strike(ctx context.Context, a answer) answer {
	if f.Struck != nil {
		f.Struck()
	}
	if a.body == nil && a.shows != nil && f.Kind == FaultLivemode {
		a.body = a.shows.appendTo(nil)
	}
	switch f.Kind {
	case FaultReset:
		a.broken = true
	case FaultCut:
		a.cut = true
	case FaultGarbage:
		a.status, a.body, a.contentType = http.StatusOK, []byte("<html><body>It works!</body></html>\n"), "text/html"
	case FaultLivemode:
		a.body = []byte(strings.Replace(string(a.body), `"livemode":false`, `"livemode":true`, 1))
	case FaultDelay:
		f.wait(ctx)
		return a
	default:
		a.status, a.body, a.header = f.statusAnswer()
	}
	a.done = true
	return a
}

func (f *Fault) wait(ctx context.Context) {
	var timer <-chan time.Time
	if f.Delay > 0 {
		timer = time.After(f.Delay)
	} else if f.Hold == nil {
		return
	}
	select {
	case <-timer:
	case <-f.Hold:
	case <-ctx.Done():
	}
}

func (f *Fault) statusAnswer() (status int, body []byte, header http.Header) {
	if status = f.Status; status == 0 {
		status = http.StatusInternalServerError
	}
	if f.Body != "" {
		return status, []byte(f.Body), f.Header
	}
	e := &apiError{status, typeAPI, "", ownPrefix + "a fault that was asked for", ""}
	if status < 500 {
		e.kind = typeInvalid
	}
	return status, e.body(), f.Header
}

// reset ends the connection without an answer: with a TCP reset where there
// is a TCP connection.
func reset(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's own way to break a connection; it is caught there
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}
