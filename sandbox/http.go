package sandbox

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/payrec/payrec/record"
)

// maxBody is the largest request body that is read, in bytes.
const maxBody = 1 << 20

// maxKey is the longest idempotency key. Source: docs.stripe.com/api/idempotent_requests.
const maxKey = 255

// An answer is what goes back for a request.
type answer struct {
	status      int
	body        []byte
	shows       object // the version to answer, when body is nil
	contentType string // "" is JSON
	header      http.Header
	original    string // Request-Id of the first request with the key
	replayed    bool
	reason      string // of the limiter
	fault       bool   // a fault struck
	done        bool   // a fault made this the answer: go no further
	broken, cut bool
}

func failure(e *apiError) answer { return answer{status: e.status, body: e.body()} }

// A request is what the layers know of one.
type request struct {
	*http.Request
	op      string // operation
	id      string // object that the path names
	version string
	key     string
	reqID   string
	number  uint64 // of the request, from 1
	form    form
	fault   *Fault
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	if strings.HasPrefix(hr.URL.Path, controlPath) && localHost(hr.Host) {
		s.control(w, hr)
		return
	}
	if isPage(hr.URL.Path) && localHost(hr.Host) {
		s.page(w, hr)
		return
	}
	r := &request{Request: hr}
	r.number, r.reqID = s.ids.request()
	a := s.serve(r)
	s.requests.Add(1)
	entry := RequestLog{s.clock(), hr.Method, hr.URL.Path, r.op, r.key, r.reqID, a.status, a.replayed, a.fault}
	if a.broken {
		entry.Status = 0
	}
	s.log.add(entry) // before the answer leaves, so that who has the answer finds the entry
	s.respond(w, r, a)
}

// localHost says whether a Host header names this machine.
func localHost(h string) bool {
	host, _, err := net.SplitHostPort(h)
	return loopback(h) || err == nil && loopback(host)
}

// serve takes a request through the layers, in the API's order.
func (s *Server) serve(r *request) answer {
	if !localHost(r.Host) {
		return failure(&apiError{http.StatusForbidden, typeInvalid, "", ownPrefix + "the Host header names another machine; use http://127.0.0.1 or http://localhost", ""})
	}
	if e := s.authenticate(r.Request); e != nil {
		return failure(e)
	}
	if e := r.route(); e != nil {
		return failure(e)
	}
	if e := r.parse(); e != nil {
		return failure(e)
	}
	var err error
	if r.fault, err = faultOf(r.Header.Get(FaultHeader)); err != nil {
		return failure(refused("", "%v", err))
	}
	if r.fault == nil {
		r.fault = s.faults.match(r.op, r.URL.Path, r.form.params)
	}
	if r.fault.at(FaultBefore) {
		if a := r.fault.strike(r.Context(), answer{}); a.done {
			a.fault = true
			return a
		}
	}
	leave, reason := s.limits.enter(r.op, r.subject(), r.Method == http.MethodGet, s.clock())
	if reason != "" {
		a := failure(limited())
		a.reason = reason
		return a
	}
	defer leave()
	a := s.answer(r)
	a.fault = r.fault != nil
	if r.fault.at(FaultAfter) {
		return r.fault.strike(r.Context(), a)
	}
	return a
}

// subject is the record that a call acts on, "" when it acts on none.
func (r *request) subject() string {
	if r.Method == http.MethodGet || r.op == opAttach {
		return ""
	}
	return r.id
}

// wait lets the request take its time. The call of a client that gives up
// meanwhile is executed all the same, as any server would.
func (s *Server) wait(r *request) {
	if d := s.latency.draw(s.ids.seed, r.number); d > 0 {
		(&Fault{Delay: d}).wait(r.Context())
	}
}

// answer executes reads and calls.
func (s *Server) answer(r *request) answer {
	if r.Method == http.MethodPost {
		return s.keyed(r)
	}
	if e := validate(s.specs.spec(r.op, r.version), r.form); e != nil {
		return failure(e)
	}
	s.wait(r)
	if r.fault.at(FaultDuring) {
		if a := r.fault.strike(r.Context(), answer{}); a.done {
			return a
		}
	}
	body, e := s.read(r)
	if e != nil {
		return failure(e)
	}
	return answer{status: http.StatusOK, body: body}
}

// Names of the operations that are no calls.
const (
	opRetrieveRecord  = "retrieve_payment_record"
	opListRecords     = "list_payment_records"
	opRetrieveAttempt = "retrieve_payment_attempt_record"
	opListAttempts    = "list_payment_attempt_records"
	opAttach          = "attach_payment"
	opInvoicePayments = "list_invoice_payments"
	opSeed            = "seed"
)

// route finds the operation that method and path mean.
func (r *request) route() *apiError {
	path, v1 := strings.CutPrefix(r.URL.Path, "/v1/")
	if !v1 {
		return unrecognized(r.Request)
	}
	parts := strings.Split(path, "/")
	get, post := r.Method == http.MethodGet, r.Method == http.MethodPost
	switch {
	case parts[0] == "payment_records" && get && len(parts) == 1:
		r.op = opListRecords
	case parts[0] == "payment_records" && get && len(parts) == 2:
		r.op, r.id = opRetrieveRecord, parts[1]
	case parts[0] == "payment_records" && post && len(parts) == 2 && parts[1] == string(record.ReportPayment):
		r.op = parts[1]
	case parts[0] == "payment_records" && post && len(parts) == 3 && parts[2] != string(record.ReportPayment) && isCall(parts[2]):
		r.op, r.id = parts[2], parts[1]
	case parts[0] == "payment_attempt_records" && get && len(parts) == 1:
		r.op = opListAttempts
	case parts[0] == "payment_attempt_records" && get && len(parts) == 2:
		r.op, r.id = opRetrieveAttempt, parts[1]
	case parts[0] == "invoices" && post && len(parts) == 3 && parts[2] == opAttach:
		r.op, r.id = opAttach, parts[1]
	case parts[0] == "invoice_payments" && get && len(parts) == 1:
		r.op = opInvoicePayments
	case parts[0] == "payment_records" || parts[0] == "payment_attempt_records":
		return unrecognized(r.Request)
	default:
		return &apiError{http.StatusNotImplemented, typeInvalid, "",
			ownPrefix + "the sandbox models Payment Records and Payment Attempt Records only, not " + r.Method + " " + short(r.URL.Path), ""}
	}
	return nil
}

func unrecognized(r *http.Request) *apiError {
	return &apiError{http.StatusNotFound, typeInvalid, "", "Unrecognized request URL (" + short(r.Method) + ": " + short(r.URL.Path) +
		"). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.", ""}
}

// parse reads the headers that matter and the parameters.
func (r *request) parse() *apiError {
	r.version = r.Header.Get("Stripe-Version")
	if r.version == "" {
		r.version = record.APIVersion
	}
	if !versionLike(r.version) {
		bad := r.version
		r.version = "" // the answer names the default
		return invalid("", "", "Invalid Stripe API version: %s", short(bad))
	}
	if r.op == opListRecords && r.version < sinceList {
		return unrecognized(r.Request)
	}
	text := r.URL.RawQuery
	if r.Method == http.MethodPost {
		if r.key = r.Header.Get("Idempotency-Key"); len(r.key) > maxKey {
			r.key = ""
			return invalid("", "", "Idempotency keys can be at most %d characters long", maxKey)
		}
		body, e := readBody(r.Request)
		if e != nil {
			return e
		}
		if text != "" && body != "" {
			text += "&"
		}
		text += body
	}
	var err error
	if r.form, err = parseForm(text); err != nil {
		return refused("", "the request is not form-encoded: %v", err)
	}
	return nil
}

// bodies are buffers for request bodies.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func readBody(r *http.Request) (string, *apiError) {
	if t := r.Header.Get("Content-Type"); t != "" && !strings.HasPrefix(t, "application/x-www-form-urlencoded") {
		return "", refused("", "the body must be application/x-www-form-urlencoded, not %q", short(t))
	}
	buf := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(buf)
	buf.Reset()
	if _, err := buf.ReadFrom(http.MaxBytesReader(nil, r.Body, maxBody)); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return "", &apiError{http.StatusRequestEntityTooLarge, typeInvalid, "", ownPrefix + "the body is larger than 1 MiB", ""}
		}
		return "", refused("", "the body did not arrive: %v", err)
	}
	return buf.String(), nil
}

// versionLike accepts YYYY-MM-DD, with or without a release name after it.
func versionLike(v string) bool {
	if len(v) > 64 || len(v) < 10 || len(v) > 10 && v[10] != '.' {
		return false
	}
	for i := 0; i < 10; i++ {
		if digit := v[i] >= '0' && v[i] <= '9'; digit == (i == 4 || i == 7) || !digit && v[i] != '-' {
			return false
		}
	}
	for i := 10; i < len(v); i++ {
		if v[i] <= ' ' || v[i] > '~' {
			return false
		}
	}
	return true
}

// encodings are buffers for answers.
var encodings = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

// respond sends the answer, with the headers that every answer has.
func (s *Server) respond(w http.ResponseWriter, r *request, a answer) {
	if a.broken {
		reset(w)
		return
	}
	if a.body == nil && a.shows != nil {
		buf := encodings.Get().(*[]byte)
		defer encodings.Put(buf)
		*buf = a.shows.appendTo((*buf)[:0])
		a.body = *buf
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	if a.contentType != "" {
		h.Set("Content-Type", a.contentType)
	}
	values := [...]string{s.clock().UTC().Format(http.TimeFormat), r.reqID, "", strconv.Itoa(len(a.body)), r.key}
	h["Date"] = values[0:1:1] // clients hold their clocks against it
	h["Request-Id"] = values[1:2:2]
	if r.version == "" {
		r.version = record.APIVersion
	}
	values[2] = r.version
	h["Stripe-Version"] = values[2:3:3]
	h["Content-Length"] = values[3:4:4]
	if r.key != "" {
		h["Idempotency-Key"] = values[4:5:5]
	}
	if a.original != "" {
		h["Original-Request"] = []string{a.original}
	}
	if a.replayed {
		h.Set("Idempotent-Replayed", "true")
	}
	if a.reason != "" {
		h.Set("Stripe-Rate-Limited-Reason", a.reason)
	}
	for name, values := range a.header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	w.WriteHeader(a.status)
	if a.cut {
		w.Write(a.body[:len(a.body)/2])
		http.NewResponseController(w).Flush()
		reset(w)
		return
	}
	w.Write(a.body) // a client that went away gets the answer by its key
}

// jsonType is shared by all answers; net/http does not write to it.
var jsonType = []string{"application/json"}
