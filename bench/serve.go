package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// serve answers every POST with one fixed payment record of about 1 KB, account
// reads with one account, and the list with pages of records that were made
// before; it decides nothing, so that what is compared is the client. It prints
// its address, and runs until it is killed. GET /tally says what it saw since it
// was last asked.
func serve(latency time.Duration, listed int) error {
	s := &server{latency: latency, answer: []byte(fixedRecord), list: newListing(listed)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	return http.Serve(listener, s)
}

type server struct {
	latency time.Duration
	answer  []byte
	list    listing

	mu   sync.Mutex // guards seen
	seen tally
}

// A tally is what the server saw.
type tally struct {
	Posts       int64
	First, Last time.Time     // when the first POST was read, and when the last was answered
	Service     time.Duration // of all POSTs, each from the last byte of the request to the answer
	CPU         time.Duration // of the server since it was started, user and system
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header["Content-Type"] = []string{"application/json"}
	header["Request-Id"] = []string{"req_bench"}
	switch {
	case r.Method == http.MethodPost:
		s.post(w, r)
	case r.URL.Path == "/tally":
		json.NewEncoder(w).Encode(s.tally())
	case strings.HasPrefix(r.URL.Path, "/v1/account"):
		io.WriteString(w, `{"id":"acct_bench","object":"account"}`)
	default:
		w.Write(s.list.page(r.URL.Query()))
	}
}

func (s *server) post(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	began := time.Now()
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(s.answer))}
	if s.latency > 0 {
		time.Sleep(s.latency) // takes about a millisecond longer, which is why it is measured
	}
	w.Write(s.answer)
	if s.latency > 0 {
		w.(http.Flusher).Flush()
	}
	ended := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen.Posts++; s.seen.Posts == 1 {
		s.seen.First = began
	}
	s.seen.Last = ended
	s.seen.Service += ended.Sub(began)
}

// tally gives what was seen, and begins anew.
func (s *server) tally() tally {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // cannot fail for oneself: getrusage(2)
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = tally{}
	seen.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	return seen
}

// fixedRecord is in the shape of the API's published example of a payment
// record.
const fixedRecord = `{"id":"pr_bench0000000000000001","object":"payment_record","amount":{"currency":"eur","value":1990},` +
	`"amount_authorized":{"currency":"eur","value":0},"amount_canceled":{"currency":"eur","value":0},"amount_failed":{"currency":"eur","value":0},` +
	`"amount_guaranteed":{"currency":"eur","value":1990},"amount_refunded":{"currency":"eur","value":0},"amount_requested":{"currency":"eur","value":1990},` +
	`"application":null,"created":1772353800,"customer_details":null,"customer_presence":null,"description":null,` +
	`"latest_payment_attempt_record":"par_bench000000000000001","livemode":false,"metadata":{"order":"DE/ORD-0000001","settled_on":"2026-03-03"},` +
	`"payment_method_details":{"billing_details":{"address":{"city":null,"country":null,"line1":null,"line2":null,"postal_code":null,"state":null},` +
	`"email":null,"name":null,"phone":null},"custom":{"display_name":"Bench","type":null},"payment_method":null,"type":"custom"},` +
	`"processor_details":{"custom":{"payment_reference":"TX000000000001"},"type":"custom"},"reported_by":"self","shipping_details":null}`
