package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// BenchmarkServe compares the sandbox with a bare handler that reads the body
// and answers fixed bytes of the same length, over the same connections. The
// two take turns within one run, so that what else the machine does meets both;
// shares are of requests per second and, where it can be told, of requests per
// second of processor time, the client's included.
func BenchmarkServe(b *testing.B) {
	sample := post(b, newSandbox(b, Options{}), newPath, benchForm(0))
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, sample.raw)
	})
	for _, kind := range []struct {
		name string
		o    Options
	}{
		{"memory", Options{}},
		{"file", Options{State: filepath.Join(b.TempDir(), "state")}},
		{"limited", Options{Limits: Limits{Rate: 1e9, EndpointRate: 1e9, Concurrency: 1e9, EndpointConcurrency: 1e9, RecordHourly: 1e9, Lock: true, ReadsAtLeast: 1e9}}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			drivers := [2]*driver{newDriver(b, bare), newDriver(b, newSandbox(b, kind.o))}
			drivers[0].run(b, 200) // connections are made, pools are filled
			drivers[1].run(b, 200)
			const turn = 500
			b.ResetTimer()
			for left := b.N; left > 0; left -= turn {
				for _, d := range drivers {
					d.measured(b, min(left, turn))
				}
			}
			of := func(a, b time.Duration) float64 { return 100 * a.Seconds() / b.Seconds() }
			b.ReportMetric(float64(b.N)/drivers[1].wall.Seconds(), "req/s")
			b.ReportMetric(of(drivers[0].wall, drivers[1].wall), "%ofbare")
			if drivers[1].cpu > 0 {
				b.ReportMetric(of(drivers[0].cpu, drivers[1].cpu), "%ofbare-cpu")
			}
		})
	}
}

var benchTemplate = func() string {
	pairs := []string{"processor_details[custom][payment_reference]", "ref-@", "outcome", "guaranteed", "guaranteed[guaranteed_at]", "1700000000"}
	for _, name := range []string{"payrec_op", "payrec_source", "payrec_file", "payrec_line", "payrec_guaranteed_at", "payrec_fee", "payrec_net"} {
		pairs = append(pairs, "metadata["+name+"]", name+"-@")
	}
	return paymentForm(pairs...)
}()

func benchForm(i int64) string { return strings.ReplaceAll(benchTemplate, "%40", fmt.Sprint(i)) }

// A driver sends requests over eight connections.
type driver struct {
	url       string
	client    *http.Client
	n         atomic.Int64
	wall, cpu time.Duration
}

func newDriver(b *testing.B, h http.Handler) *driver {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	hs := &http.Server{Handler: h}
	go hs.Serve(l)
	b.Cleanup(func() { hs.Close() })
	return &driver{url: "http://" + l.Addr().String() + newPath, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

func (d *driver) measured(b *testing.B, n int) {
	cpu, start := processorTime(), time.Now()
	d.run(b, n)
	d.wall += time.Since(start)
	d.cpu += processorTime() - cpu
}

func (d *driver) run(b *testing.B, n int) {
	var group errgroup.Group
	var taken atomic.Int64
	for range 8 {
		group.Go(func() error {
			for taken.Add(1) <= int64(n) {
				if err := d.send(d.n.Add(1)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

func (d *driver) send(i int64) error {
	req, err := http.NewRequest("POST", d.url, strings.NewReader(benchForm(i)))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer sk_test_1")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Idempotency-Key", fmt.Sprint("key-", i))
	res, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != 200 {
		return errors.New(res.Status)
	}
	return nil
}

// BenchmarkLoad loads a state of 100,000 records, then reads a page from its
// middle.
func BenchmarkLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state")
	s, err := New(Options{State: path}) // no Cleanup, which would keep it in memory
	if err != nil {
		b.Fatal(err)
	}
	var middle string
	for i := range int64(100_000) {
		r := post(b, s, newPath, benchForm(i), "Idempotency-Key", fmt.Sprint("key-", i))
		if i == 50_000 {
			middle = r.str("id")
		}
	}
	s.Close()
	b.ResetTimer()
	for range b.N {
		s, err := New(Options{State: path})
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		get(b, s, "/v1/payment_records?limit=100&starting_after="+middle)
		b.ReportMetric(float64(time.Since(start).Microseconds()), "µs/page")
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc>>20), "MiB")
		s.Close()
	}
}
