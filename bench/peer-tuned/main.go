// Command peer-tuned is a sender made for this one file: encoding/csv with a
// reused record, a body appended by hand, one tuned transport, and of the
// answer only whether it has an id. It keeps no journal and checks nothing, so
// it is near the ceiling of what net/http can do.
package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// A job is one row's request: its body and its key.
type job struct {
	body []byte
	key  string
}

func main() {
	base, file := os.Args[1], os.Args[2]
	inFlight, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost, transport.DisableCompression = inFlight, inFlight, true
	client := &http.Client{Transport: transport}
	jobs := make(chan job, 4*inFlight)
	pool := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	group, ctx := errgroup.WithContext(context.Background())
	group.Go(func() error { defer close(jobs); return read(file, jobs) })
	for range inFlight {
		group.Go(func() error {
			for j := range jobs {
				if err := send(ctx, client, base+"/v1/payment_records/report_payment", j, &pool); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		log.Fatal(err)
	}
}

func read(file string, jobs chan<- job) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return err
	}
	r := csv.NewReader(f)
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		return err
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		at, err := time.ParseInLocation(time.DateTime, row[4], zone)
		if err != nil {
			return err
		}
		seconds := strconv.FormatInt(at.Unix(), 10)
		b := make([]byte, 0, 512)
		b = append(b, "amount_requested[value]="...)
		b = append(b, strings.Replace(row[7], ".", "", 1)...)
		b = append(b, "&amount_requested[currency]="...)
		b = append(b, strings.ToLower(row[6])...)
		b = append(b, "&initiated_at="...)
		b = append(b, seconds...)
		b = append(b, "&outcome=guaranteed&guaranteed[guaranteed_at]="...)
		b = append(b, seconds...)
		b = append(b, "&payment_method_details[type]=custom&payment_method_details[custom][display_name]=Bench&processor_details[type]=custom&processor_details[custom][payment_reference]="...)
		b = append(b, url.QueryEscape(row[0])...)
		b = append(b, "&metadata[order]="...)
		b = append(b, url.QueryEscape(row[10]+"/"+row[2])...)
		b = append(b, "&metadata[settled_on]="...)
		b = append(b, url.QueryEscape(row[5])...)
		jobs <- job{b, strings.Clone(row[0])}
	}
}

func send(ctx context.Context, client *http.Client, url string, j job, pool *sync.Pool) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(j.body))
	if err != nil {
		return err
	}
	req.Header["Authorization"] = []string{"Bearer sk_test_bench"}
	req.Header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
	req.Header["Idempotency-Key"] = []string{j.key}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	buffer := pool.Get().(*bytes.Buffer)
	defer pool.Put(buffer)
	buffer.Reset()
	if _, err := buffer.ReadFrom(res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || !bytes.HasPrefix(buffer.Bytes(), []byte(`{"id":"pr_`)) {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}
