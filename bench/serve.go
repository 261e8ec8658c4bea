package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// serve answers every POST with one fixed payment record of about 1 KB, and
// account reads with one account; it decides nothing, so that what is compared
// is the client. It prints its address, and runs until it is killed.
// GET /count says how many POSTs were answered.
func serve(latency time.Duration) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	var posts atomic.Int64
	answer := []byte(fixedRecord)
	empty := []byte(`{"object":"list","url":"/v1/payment_records","has_more":false,"data":[]}`)
	account := []byte(`{"id":"acct_bench","object":"account"}`)
	handler := func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header["Content-Type"] = []string{"application/json"}
		header["Request-Id"] = []string{"req_bench"}
		if r.Method == http.MethodPost {
			io.Copy(io.Discard, r.Body)
			if latency > 0 {
				time.Sleep(latency)
			}
			posts.Add(1)
			w.Write(answer)
			return
		}
		switch {
		case r.URL.Path == "/count":
			fmt.Fprint(w, posts.Load())
		case strings.HasPrefix(r.URL.Path, "/v1/account"):
			w.Write(account)
		default:
			w.Write(empty)
		}
	}
	err = http.Serve(listener, http.HandlerFunc(handler))
	fmt.Fprintln(os.Stderr, err)
	return err
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
