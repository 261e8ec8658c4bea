package sandbox

import (
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
)

// BenchmarkServe compares the sandbox with a bare handler that reads the body
// and answers fixed bytes of the same length, over the same connections.
func BenchmarkServe(b *testing.B) {
	sample := post(b, newSandbox(b, Options{}), newPath, benchForm(0))
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, sample.raw)
	})
	b.Run("bare", func(b *testing.B) { drive(b, bare) })
	b.Run("memory", func(b *testing.B) { drive(b, newSandbox(b, Options{})) })
	b.Run("file", func(b *testing.B) { drive(b, newSandbox(b, Options{State: filepath.Join(b.TempDir(), "state")})) })
}

func benchForm(i int64) string {
	pairs := []string{"processor_details[custom][payment_reference]", fmt.Sprint("ref-", i), "outcome", "guaranteed", "guaranteed[guaranteed_at]", "1700000000"}
	for _, name := range []string{"payrec_op", "payrec_source", "payrec_file", "payrec_line", "payrec_guaranteed_at", "payrec_fee", "payrec_net"} {
		pairs = append(pairs, "metadata["+name+"]", fmt.Sprint(name, "-", i))
	}
	return paymentForm(pairs...)
}

func drive(b *testing.B, h http.Handler) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	hs := &http.Server{Handler: h}
	go hs.Serve(l)
	defer hs.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var n atomic.Int64
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			req, err := http.NewRequest("POST", "http://"+l.Addr().String()+newPath, strings.NewReader(benchForm(i)))
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer sk_test_1")
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Idempotency-Key", fmt.Sprint("key-", i))
			res, err := client.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode != 200 {
				b.Fatal(res.Status)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
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
