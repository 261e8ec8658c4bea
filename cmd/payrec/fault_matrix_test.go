package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/internal/stripeapi"
	"github.com/payrec/payrec/record"
)

// everyTry is how often a call is asked again before it is left as it is.
const everyTry = 8

// A wireFault is what happens to every request, as bytes on a connection.
type wireFault struct {
	name   string
	early  func(net.Conn)              // instead of reading the request; it is not counted as one
	answer func(c *cell, n int) string // the n-th answer; "" for none
	reset  bool                        // a reset instead of an end behind it
	tls    bool                        // asked by TLS, which nobody speaks there
	closed bool                        // nobody listens
	silent bool                        // no answer and no end
	bytes  bool                        // the answer comes byte by byte
	there  bool                        // the record shows the call's effect
	cancel int                         // the run is interrupted during this request

	// What is in the journal afterwards, and how many requests it took: on the
	// first send, and on a retry of a call in doubt.
	first, again     record.State
	posts, postAgain int
	looks            bool // the refusal of a later step in doubt is held against its record
	stops            bool // the run ends at once
}

func faults() []wireFault {
	const (
		planned, unknown, looking = record.Planned, record.UnknownState, record.Reconciling
		confirmed, rejected       = record.Confirmed, record.Rejected
		conflict                  = record.ConflictState
	)
	always := func(s string) func(*cell, int) string { return func(*cell, int) string { return s } }
	good := func(c *cell, _ int) string { return wireAnswer(200, c.answer(), "") }
	change := func(from, to string) func(*cell, int) string {
		return func(c *cell, _ int) string { return wireAnswer(200, strings.Replace(c.answer(), from, to, 1), "") }
	}
	cut := func(n int) func(*cell, int) string {
		return func(c *cell, _ int) string { s := good(c, 0); return s[:len(s)-n] }
	}
	status := func(code int, kind, header string) func(*cell, int) string {
		return always(wireAnswer(code, fmt.Sprintf(`{"error":{"type":%q,"message":"no"}}`, kind), header))
	}
	doubt := func(name string, f wireFault) wireFault {
		f.name, f.first, f.again, f.posts, f.postAgain = name, unknown, unknown, everyTry, everyTry
		return f
	}
	once := func(name string, first, again record.State, f wireFault) wireFault {
		f.name, f.first, f.again, f.posts, f.postAgain = name, first, again, 1, 1
		return f
	}
	list := []wireFault{
		{name: "dial", closed: true, first: planned, again: unknown, stops: true},
		{name: "TLS", tls: true, first: planned, again: unknown, stops: true,
			early: func(c net.Conn) { c.Read(make([]byte, 1)); io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }},
		{name: "reset before the body", first: unknown, again: unknown, early: func(c net.Conn) { c.Read(make([]byte, 1)); wireReset(c) }},
		{name: "reset in the body", first: unknown, again: unknown, early: func(c net.Conn) { readSome(c); wireReset(c) }},
		doubt("reset after the body", wireFault{answer: always(""), reset: true}),
		doubt("end without an answer", wireFault{answer: always("")}),
		doubt("timeout", wireFault{answer: always(""), silent: true}),
		once("slow", confirmed, confirmed, wireFault{answer: good, bytes: true}),
		doubt("cut in the header", wireFault{answer: always("HTTP/1.1 200 OK\r\nContent-Le")}),
		doubt("cut in the body", wireFault{answer: cut(1)}),
		doubt("reset in the answer", wireFault{answer: cut(10), reset: true}),
		doubt("garbage", wireFault{answer: always(wireAnswer(200, "<html>It works!</html>", ""))}),
		doubt("garbage that is not HTTP", wireFault{answer: always("SSH-2.0-OpenSSH_9.9\r\n")}),
		doubt("a 404 of something in between", wireFault{answer: always(wireAnswer(404, "page not found", ""))}),
		doubt("409", wireFault{answer: status(409, "idempotency_error", "")}),
		doubt("424", wireFault{answer: status(424, "api_error", "")}),
		{name: "429 lock_timeout", answer: status(429, "invalid_request_error", ""), first: planned, again: unknown, posts: everyTry, postAgain: everyTry},
		doubt("500 unsaved", wireFault{answer: status(500, "api_error", "")}),
		{name: "500 saved", first: looking, again: looking, posts: 2, postAgain: 1, answer: func(c *cell, n int) string {
			if n == 1 && !c.again {
				return status(500, "api_error", "")(c, n)
			}
			return status(500, "api_error", "Idempotent-Replayed: true")(c, n)
		}},
		once("500 not to be retried", looking, looking, wireFault{answer: status(500, "api_error", "Stripe-Should-Retry: false")}),
		doubt("502", wireFault{answer: always(wireAnswer(502, "<html>", ""))}),
		doubt("503", wireFault{answer: status(503, "api_error", "")}),
		doubt("504", wireFault{answer: always(wireAnswer(504, "", ""))}),
		// A redirect is never followed. Who sent it may have passed the request on.
		once("301", unknown, unknown, wireFault{answer: always(wireAnswer(301, "", "Location: http://127.0.0.1:1/")), stops: true}),
		once("307", unknown, unknown, wireFault{answer: always(wireAnswer(307, "", "Location: /v1/elsewhere")), stops: true}),
		once("wrong livemode", unknown, unknown, wireFault{answer: change(`"livemode":false`, `"livemode":true`), stops: true}),
		once("wrong id", unknown, unknown, wireFault{answer: change(`"id":"`, `"id":"x`), stops: true}),
		once("wrong object", unknown, unknown, wireFault{answer: change(`"object":"`, `"object":"x`), stops: true}),
		once("401", planned, unknown, wireFault{answer: status(401, "invalid_request_error", ""), stops: true}),
		once("403", planned, unknown, wireFault{answer: status(403, "invalid_request_error", ""), stops: true}),
		once("400", rejected, rejected, wireFault{answer: status(400, "invalid_request_error", ""), looks: true}),
		once("402", rejected, rejected, wireFault{answer: status(402, "card_error", ""), looks: true}),
		once("404", rejected, rejected, wireFault{answer: status(404, "invalid_request_error", ""), looks: true}),
		once("400 replayed", rejected, rejected, wireFault{answer: status(400, "invalid_request_error", "Idempotent-Replayed: true")}),
		once("400, but it is there", rejected, record.Adopted, wireFault{answer: status(400, "invalid_request_error", ""), looks: true, there: true}),
		once("key used with other parameters", conflict, conflict, wireFault{answer: status(400, "idempotency_error", "")}),
		once("confirmed", confirmed, confirmed, wireFault{answer: good}),
		once("confirmed by a replay", confirmed, confirmed, wireFault{answer: func(c *cell, _ int) string { return wireAnswer(200, c.answer(), "Idempotent-Replayed: true") }}),
	}
	for _, reason := range []string{"global-rate", "global-concurrency", "endpoint-rate", "endpoint-concurrency", "resource-specific"} {
		// A limiter is waited for without end; an interrupt shows what is known by then.
		list = append(list, wireFault{name: "429 " + reason, answer: status(429, "invalid_request_error", "Stripe-Rate-Limited-Reason: "+reason),
			cancel: 3, first: planned, again: unknown, posts: 3, postAgain: 3})
	}
	return list
}

// A wireServer answers each request of the cell at hand as its fault says, and
// rightly once that is over.
type wireServer struct {
	t     *testing.T
	addr  string
	heard chan struct{} // one for each request that is left without an answer

	mu     sync.Mutex // guards the fields below
	cell   *cell
	fault  *wireFault // nil: all is well
	seen   []string   // method, path, key and body of each whole request that writes
	looks  int        // requests that read
	struck int        // connections that ended before a request was read
	cancel context.CancelFunc
}

func newWireServer(t *testing.T) *wireServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wireServer{t: t, addr: l.Addr().String(), heard: make(chan struct{}, everyTry)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { defer c.Close(); w.serve(c) })
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return w
}

func (w *wireServer) serve(conn net.Conn) {
	w.mu.Lock()
	c, f := w.cell, w.fault
	w.mu.Unlock()
	if f != nil && f.early != nil {
		w.mu.Lock()
		w.struck++
		w.mu.Unlock()
		f.early(conn)
		return
	}
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.Method == http.MethodGet {
		w.mu.Lock()
		w.looks++
		w.mu.Unlock()
		answer := c.record()
		if c.call == record.AttachPayment {
			answer = c.invoicePayments()
		}
		io.WriteString(conn, wireAnswer(200, answer, ""))
		return
	}
	w.mu.Lock()
	w.seen = append(w.seen, fmt.Sprintf("%s %s %s %s", r.Method, r.URL.Path, r.Header.Get("Idempotency-Key"), body))
	n := len(w.seen)
	if f != nil && n == f.cancel {
		w.cancel()
	}
	w.mu.Unlock()
	if f == nil {
		io.WriteString(conn, wireAnswer(200, c.answer(), ""))
		return
	}
	if f.silent {
		w.heard <- struct{}{}
	}
	f.write(conn, f.answer(c, n))
}

// An impatientSender's requests time out. It tells once the server has the
// request too, so that a busy machine leaves none uncounted.
type impatientSender struct {
	sender
	heard <-chan struct{}
}

func (s impatientSender) Send(ctx context.Context, r importer.Request) importer.Answer {
	answer := s.sender.Send(ctx, r)
	<-s.heard
	return answer
}

func (f *wireFault) write(conn net.Conn, answer string) {
	for f.bytes && answer != "" {
		io.WriteString(conn, answer[:1])
		answer = answer[1:]
	}
	io.WriteString(conn, answer)
	if f.silent {
		conn.Read(make([]byte, 1)) // until the other side gives up
	}
	if f.reset {
		wireReset(conn)
	}
}

// readSome reads a request's header and the beginning of its body.
func readSome(c net.Conn) {
	r := bufio.NewReaderSize(c, 16) // so that the rest of the body is not read
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			break
		}
	}
	r.ReadByte()
}

// wireReset ends the connection with a reset.
func wireReset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

func wireAnswer(status int, body, header string) string {
	if header != "" {
		header += "\r\n"
	}
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nRequest-Id: req_1\r\nConnection: close\r\n%s\r\n%s",
		status, http.StatusText(status), len(body), header, body)
}

func (w *wireServer) client(f *wireFault) *stripeapi.Client {
	w.t.Helper()
	address := "http://" + w.addr
	switch {
	case f != nil && f.tls:
		address = "https://" + w.addr
	case f != nil && f.closed:
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.t.Fatal(err)
		}
		address = "http://" + l.Addr().String()
		l.Close()
	}
	base, err := stripeapi.ParseBase(address)
	if err != nil {
		w.t.Fatal(err)
	}
	key, err := stripeapi.ParseKey("sk_test_matrix")
	if err != nil {
		w.t.Fatal(err)
	}
	config := stripeapi.Config{Base: base, Key: key}
	if f != nil && f.silent {
		// Counted from when the request is written, so that dialling takes no part in it.
		config.Transport = &http.Transport{ResponseHeaderTimeout: 2 * time.Millisecond, DisableKeepAlives: true}
	}
	client, err := stripeapi.New(config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	return client
}

// A cell is one call under one fault.
type cell struct {
	call     record.CallName
	again    bool
	op       record.Op
	run      string
	recordID string // that it acts on, or makes
	there    bool
}

// answer is what the API answers the call.
func (c *cell) answer() string {
	if c.call == record.AttachPayment {
		return `{"id":"in_1","object":"invoice","livemode":false,"status":"paid"}`
	}
	return c.record()
}

// invoicePayments is how the API lists the record among the invoice's payments.
func (c *cell) invoicePayments() string {
	item := ""
	if c.there {
		item = fmt.Sprintf(`{"id":"inpay_1","object":"invoice_payment","livemode":false,"status":"paid","payment":{"type":"payment_record","payment_record":%q}}`, c.recordID)
	}
	return `{"object":"list","data":[` + item + `],"has_more":false,"url":"/v1/invoice_payments"}`
}

// record is the call's record as the API answers it: as it was before the call,
// or with the call's stamp.
func (c *cell) record() string {
	eur := func(n int64) record.Amount { return record.Amount{Currency: "eur", Value: n} }
	attempt := strings.Replace(c.recordID, "pr_", "par_", 1)
	r := record.PaymentRecord{ID: c.recordID, Object: "payment_record", LatestPaymentAttemptRecord: &attempt, AmountRequested: eur(100), Metadata: map[string]string{}}
	if c.there {
		key, value := record.CallStamp{Op: c.op.ID, Call: c.call}.Pair()
		if c.call == record.ReportRefund {
			key, value = record.RefundStamp{Op: c.op.ID, Value: c.op.Amount.Value, Currency: c.op.Amount.Currency}.Pair()
		}
		r.Metadata[key] = value
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err.Error() // no JSON, so that the test fails
	}
	return string(b)
}

// unlimited is a limiter for a machine of one's own.
type unlimited struct{}

func (unlimited) Unlimited() bool                 { return true }
func (unlimited) Reserve() time.Duration          { return 0 }
func (unlimited) Report(importer.Verdict, string) {}

// A bench is what the cells of one fault share.
type bench struct {
	*testing.T
	journal *journal.Journal
	wire    *wireServer
	cells   []*cell
}

func newBench(t *testing.T, f *wireFault) *bench {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "journal"), journal.Identity{Account: "matrix", Endpoint: "loopback"}, journal.Options{Unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &bench{t, j, newWireServer(t), nil}
	var parents []record.Op
	for _, call := range record.Writes() {
		for _, again := range []bool{false, true} {
			n := len(b.cells)
			c := &cell{call: call, again: again, recordID: fmt.Sprintf("pr_%d", n), there: f.there}
			c.op = opOf(call, fmt.Sprintf("P-%d", n))
			if !call.Creates() {
				parents = append(parents, opOf(record.ReportPayment, c.op.Payment))
			}
			b.cells = append(b.cells, c)
		}
	}
	b.plan("parents", parents...)
	for i, op := range parents {
		id := fmt.Sprint(len(b.cells) - len(parents) + i)
		b.must(j.Begin(t.Context(), op.ID, 0, ""))
		b.must(j.Finish(t.Context(), op.ID, 0, record.Outcome{State: record.Confirmed, RecordID: "pr_" + id, ObjectID: "par_" + id}))
	}
	return b
}

func opOf(call record.CallName, payment string) record.Op {
	op := record.Op{
		Source: "matrix", Payment: payment, Natural: payment, Call: call, Content: "c", Class: "row", File: "m.csv", Line: 2,
		ID: record.OpID("matrix", "matrix", call, payment), Body: []byte("metadata[call]=" + string(call)),
	}
	if call == record.AttachPayment {
		op.Body = []byte("invoice=in_1")
	}
	if call == record.ReportPayment || call == record.ReportRefund {
		op.Amount = record.Amount{Currency: "eur", Value: 100}
	}
	return op
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// plan writes a run of the calls and seals it.
func (b *bench) plan(run string, ops ...record.Op) {
	b.Helper()
	p, err := b.journal.NewRun(b.Context(), journal.RunInfo{ID: run, Source: "matrix"})
	b.must(err)
	for _, op := range ops {
		b.must(p.Add(b.Context(), op))
	}
	_, err = p.Seal(b.Context())
	b.must(err)
}

// prepare plans the cell's call, and puts it in doubt if the cell says so.
func (b *bench) prepare(c *cell) {
	b.Helper()
	c.run = "run " + c.op.Payment
	b.plan(c.run, c.op)
	if !c.again {
		return
	}
	target := c.recordID
	if c.call.Creates() {
		target = ""
	}
	b.must(b.journal.Begin(b.Context(), c.op.ID, 0, target))
	b.must(b.journal.Finish(b.Context(), c.op.ID, 0, record.Outcome{State: record.UnknownState}))
}

// apply sends the cell's run and returns its state in the journal, the requests
// on the wire and what ended the run.
func (b *bench) apply(c *cell, f *wireFault, client *stripeapi.Client) (state record.State, posts []string, looks int, err error) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.wire.mu.Lock()
	b.wire.cell, b.wire.fault, b.wire.seen, b.wire.looks, b.wire.struck, b.wire.cancel = c, f, nil, 0, 0, cancel
	b.wire.mu.Unlock()
	var to importer.Sender = sender{client}
	if f != nil && f.silent {
		to = impatientSender{sender{client}, b.wire.heard}
	}
	a := &importer.Applier{Run: c.run, Ledger: b.journal, Sender: to, Limiter: unlimited{}, Concurrency: 1,
		Docket: b.journal, Reader: source{client}, Backoff: func(int) time.Duration { return 0 }}
	_, err = a.Apply(ctx)
	d, callErr := b.journal.Call(b.Context(), c.op.ID)
	b.must(callErr)
	if d.Epoch != 0 {
		b.Errorf("the call got a new key: epoch %d", d.Epoch)
	}
	b.wire.mu.Lock()
	defer b.wire.mu.Unlock()
	return d.State, slices.Clone(b.wire.seen), b.wire.looks, err
}

// TestFaultMatrix holds every fault of the wire against every call, on its first
// send and on a retry of a call in doubt, through the whole way of an import:
// applier, journal, client, TCP. What a fault leaves in the journal is what may
// be known of the call, and no more; and once all is well again, what is still
// open is asked again in the same bytes under the same key, and nothing else.
func TestFaultMatrix(t *testing.T) {
	var cells, requests int
	var mu sync.Mutex // guards both
	t.Run("faults", func(t *testing.T) {
		for _, f := range faults() {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, &f)
				faulty, sound := b.wire.client(&f), b.wire.client(nil)
				for _, c := range b.cells {
					n := b.check(c, &f, faulty, sound)
					mu.Lock()
					cells++
					requests += n
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("%d faults, %d cells, %d requests", len(faults()), cells, requests)
	if want := len(faults()) * 2 * len(record.Writes()); cells != want {
		t.Errorf("%d cells, want %d", cells, want)
	}
}

// check runs one cell and returns how many requests were on the wire.
func (b *bench) check(c *cell, f *wireFault, faulty, sound *stripeapi.Client) int {
	b.Helper()
	b.prepare(c)
	name := fmt.Sprintf("%s, in doubt before %v", c.call, c.again)
	want, posts, looks := f.first, f.posts, 0
	if c.again {
		want, posts = f.again, f.postAgain
	}
	if c.again && f.looks && !c.call.Creates() {
		looks = 1
	} else if want == record.Adopted {
		want = record.Rejected // a payment is not looked up by its id: it has none
	}
	state, sent, looked, err := b.apply(c, f, faulty)
	var stop *importer.StopError
	if errors.As(err, &stop) != f.stops || errors.Is(err, importer.ErrInterrupted) != (f.cancel > 0) || err != nil && !f.stops && f.cancel == 0 {
		b.Errorf("%s: ended with %v; stops %v", name, err, f.stops)
	}
	if state != want || len(sent) != posts || looked != looks {
		b.Errorf("%s: %s after %d writes and %d reads; want %s after %d and %d", name, state, len(sent), looked, want, posts, looks)
	}
	b.wire.mu.Lock()
	tried := b.wire.struck
	b.wire.mu.Unlock()
	if f.early != nil && tried != everyTry {
		b.Errorf("%s: tried %d times, want %d", name, tried, everyTry)
	}
	path, body := c.op.Request(c.recordID)
	wire := fmt.Sprintf("POST %s %s %s", path, record.IdempotencyKey(c.op.ID, 0), body)

	// All is well again: the same import goes on.
	after, more := want, 0
	if want == record.Planned || want == record.UnknownState {
		after, more = record.Confirmed, 1
	}
	end, again, _, err := b.apply(c, nil, sound)
	if err != nil || end != after || len(again) != more {
		b.Errorf("%s, gone on with: %s after %d writes, %v; want %s after %d", name, end, len(again), err, after, more)
	}
	for _, got := range append(sent, again...) {
		if got != wire {
			b.Errorf("%s: on the wire\n%s\nwant\n%s", name, got, wire)
		}
	}
	return tried + len(sent) + len(again) + looked
}
