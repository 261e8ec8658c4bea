package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/stripeapi"
	"github.com/payrec/payrec/record"
)

// A fixedServer answers every request that writes with the same payment record
// of a kilobyte, and costs next to nothing itself: what is measured against it
// is the client.
type fixedServer struct {
	url         string
	connections atomic.Int64
	writes      atomic.Int64
	bytes       atomic.Int64 // received in requests that write
}

// fixedAnswer is a payment record as the API answers with it.
var fixedAnswer = sync.OnceValue(func() []byte {
	body := `{"id":"pr_1Nv0FGQ9RKHgCVdK0aBcDeFg","object":"payment_record","amount":{"currency":"eur","value":14469},"amount_authorized":{"currency":"eur","value":14469},` +
		`"amount_canceled":{"currency":"eur","value":0},"amount_failed":{"currency":"eur","value":0},"amount_guaranteed":{"currency":"eur","value":14469},"amount_refunded":{"currency":"eur","value":0},` +
		`"amount_requested":{"currency":"eur","value":14469},"application":null,"created":1770076800,"customer_details":{"customer":null,"email":"bela@example.org","name":"Bela Vorbild","phone":null},` +
		`"customer_presence":null,"description":"Workshop in March","latest_payment_attempt_record":"par_1Nv0FGQ9RKHgCVdK0aBcDeFg","livemode":false,"metadata":{"payrec_op":"k3f9axk3f9axk3f9axk3f9axk3"},` +
		`"payment_method_details":{"billing_details":null,"custom":{"display_name":"Cash register","type":null},"payment_method":null,"type":"custom"},"processor_details":{"custom":{"payment_reference":"TR-0002"},"type":"custom"},"reported_by":"self","shipping_details":null}`
	return []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sun, 01 Mar 2026 12:00:00 GMT\r\nRequest-Id: req_1Nv0FGQ9RKHgCV\r\nStripe-Version: 2026-08-26.dahlia\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body)
})

func newFixedServer(tb testing.TB) *fixedServer {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	s := &fixedServer{url: "http://" + l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			go s.serve(conn)
		}
	}()
	return s
}

func (s *fixedServer) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 16<<10)
	for {
		writes, n, err := readRequest(r)
		if err != nil {
			return
		}
		answer := fixedAnswer()
		if writes {
			s.writes.Add(1)
			s.bytes.Add(int64(n))
		} else {
			const nothing = `{"object":"list","data":[],"has_more":false,"url":"/v1/payment_records"}`
			answer = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(nothing), nothing)
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// readRequest reads one request and says whether it writes, and its size.
func readRequest(r *bufio.Reader) (writes bool, size int, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return false, 0, err
		}
		size += len(line)
		if first {
			writes = bytes.HasPrefix(line, []byte("POST "))
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return false, 0, err
			}
		}
		if len(line) == 2 {
			_, err = r.Discard(length)
			return writes, size + length, err
		}
	}
}

// benchBody is the form of an ordinary payment with its stamps.
const benchBody = "amount_requested%5Bcurrency%5D=eur&amount_requested%5Bvalue%5D=14469&customer_details%5Bemail%5D=bela%40example.org&customer_details%5Bname%5D=Bela+Vorbild&description=Workshop+in+March" +
	"&guaranteed%5Bguaranteed_at%5D=1770076800&initiated_at=1770076800&metadata%5Border%5D=B7001&metadata%5Bpayrec_op%5D=k3f9axk3f9axk3f9axk3f9axk3&metadata%5Bpayrec_h%5D=0123456789ab&metadata%5Bpayrec_source%5D=generic" +
	"&metadata%5Bpayrec_file%5D=payments.csv&metadata%5Bpayrec_line%5D=3&outcome=guaranteed&payment_method_details%5Bcustom%5D%5Bdisplay_name%5D=Cash+register&payment_method_details%5Btype%5D=custom" +
	"&processor_details%5Bcustom%5D%5Bpayment_reference%5D=TR-0002&processor_details%5Btype%5D=custom"

const benchLanes = 32

// spread runs n pieces of work on benchLanes goroutines.
func spread(n int, work func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range benchLanes {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				work(int(i))
			}
		})
	}
	wg.Wait()
}

// BenchmarkWire is what the send path is held against: net/http and nothing
// else, the client alone, and the client with lanes and limiter but no journal.
func BenchmarkWire(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		s := newFixedServer(b)
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchLanes}}
		b.ReportAllocs()
		b.ResetTimer()
		spread(b.N, func(int) {
			resp, err := client.Post(s.url+"/v1/payment_records/report_payment", "application/x-www-form-urlencoded", strings.NewReader(benchBody))
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	})
	b.Run("client", func(b *testing.B) {
		client := benchClient(b, newFixedServer(b))
		b.ReportAllocs()
		b.ResetTimer()
		spread(b.N, func(int) {
			if a := client.Send(b.Context(), stripeapi.Request{Path: record.ReportPayment.Path(""), IdempotencyKey: "payrec-k3f9axk3f9axk3f9axk3f9axk3-0", Body: []byte(benchBody)}); a.Verdict != stripeapi.Confirmed {
				b.Error(a.Err)
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	})
	b.Run("applier", func(b *testing.B) {
		a := &importer.Applier{Run: "run", Ledger: &forgetful{n: int64(b.N)}, Sender: sender{benchClient(b, newFixedServer(b))}, Limiter: importer.NewThrottle(0), Concurrency: benchLanes}
		b.ReportAllocs()
		b.ResetTimer()
		if n, err := a.Apply(b.Context()); err != nil || n != int64(b.N) {
			b.Error(n, err)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	})
}

func benchClient(tb testing.TB, s *fixedServer) *stripeapi.Client {
	tb.Helper()
	base, err := stripeapi.ParseBase(s.url)
	if err != nil {
		tb.Fatal(err)
	}
	key, err := stripeapi.ParseKey("sk_test_bench")
	if err != nil {
		tb.Fatal(err)
	}
	client, err := stripeapi.New(stripeapi.Config{Base: base, Key: key, MaxConns: benchLanes})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	return client
}

// A forgetful ledger has n payments of one call each and writes nothing down.
type forgetful struct {
	importer.Ledger
	n int64
}

func (f *forgetful) Lanes(_ context.Context, _ string, after int64, limit int) ([]record.Lane, error) {
	var page []record.Lane
	for no := after + 1; no < f.n && len(page) < limit; no++ {
		op := record.Op{ID: "k3f9axk3f9axk3f9axk3f9axk3", Call: record.ReportPayment, Body: []byte(benchBody)}
		page = append(page, record.Lane{No: no, Steps: []record.Step{{Op: op, State: record.Planned}}})
	}
	return page, nil
}
func (*forgetful) BeginAhead(context.Context, string, int, int) error        { return nil }
func (*forgetful) Begin(context.Context, string, int, string) error          { return nil }
func (*forgetful) Finish(context.Context, string, int, record.Outcome) error { return nil }
func (*forgetful) Flush(context.Context) error                               { return nil }

// TestSendCost counts what one call costs on its way from a lane to the wire and
// back, beside the journal: a regression shows here on the noisiest machine.
// net/http alone takes 63 allocations for a post, our own connections 3.
func TestSendCost(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, too")
	}
	const calls, mostAllocs, mostBytes, mostHeader = 4000, 14, 2200, 400
	s := newFixedServer(t)
	apply := func(n int64) {
		a := &importer.Applier{Run: "run", Ledger: &forgetful{n: n}, Sender: sender{benchClient(t, s)}, Limiter: importer.NewThrottle(0), Concurrency: benchLanes}
		if sent, err := a.Apply(t.Context()); err != nil || sent != n {
			t.Fatal(sent, err)
		}
	}
	apply(500) // connections, pools
	s.writes.Store(0)
	s.bytes.Store(0)
	s.connections.Store(0)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	apply(calls)
	runtime.ReadMemStats(&after)
	allocs, size := float64(after.Mallocs-before.Mallocs)/calls, float64(after.TotalAlloc-before.TotalAlloc)/calls
	header := float64(s.bytes.Load())/calls - float64(len(benchBody))
	t.Logf("%.1f allocations, %.0f bytes allocated, %.0f bytes of header, %d connections", allocs, size, header, s.connections.Load())
	if allocs > mostAllocs || size > mostBytes || header > mostHeader {
		t.Errorf("want at most %d allocations, %d bytes allocated and %d of header a call", mostAllocs, mostBytes, mostHeader)
	}
	if s.writes.Load() != calls || s.connections.Load() > benchLanes {
		t.Errorf("%d requests on %d connections, want %d on at most %d", s.writes.Load(), s.connections.Load(), calls, benchLanes)
	}
}

// BenchmarkApply sends a plan of 20,000 payments that a command wrote, journal
// durable, receipts written; BenchmarkImport is the whole command, from the file.
func BenchmarkApply(b *testing.B)  { benchImport(b, 20_000, true) }
func BenchmarkImport(b *testing.B) { benchImport(b, 20_000, false) }

func benchImport(b *testing.B, rows int, planned bool) {
	s := newFixedServer(b)
	dir := b.TempDir()
	file := filepath.Join(dir, "payments.csv")
	if err := os.WriteFile(file, manyPayments(rows), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Chdir(dir)
	command := func(n int, args ...string) {
		args = append(args, "--journal", fmt.Sprint("journal-", n), "--api-base", s.url, "--concurrency", fmt.Sprint(benchLanes))
		getenv := func(name string) string { return map[string]string{"STRIPE_API_KEY": "sk_test_bench"}[name] }
		var out bytes.Buffer
		if status := run(context.Background(), env{args, strings.NewReader(""), &out, &out, getenv, time.Now}); status != exitOK {
			b.Fatalf("status %d\n%s", status, &out)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		if planned {
			b.StopTimer()
			command(n, "plan", file, "-m", "generic-csv")
			b.StartTimer()
			command(n, "apply", "--latest")
		} else {
			command(n, "import", file, "-m", "generic-csv")
		}
	}
	b.StopTimer()
	if s.writes.Load() != int64(rows*b.N) {
		b.Errorf("%d calls, want %d", s.writes.Load(), rows*b.N)
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// manyPayments is a file for the preset of plain tables.
func manyPayments(n int) []byte {
	b := []byte("date,amount,currency,reference,type,payment_reference,description,customer,email,order,fee,processor\n")
	for i := range n {
		b = fmt.Appendf(b, "2026-02-%02d,%d.%02d,EUR,TR-%07d,payment,,Workshop in March,Bela Vorbild,bela%d@example.org,B%d,0.82,Cash register\n", i%28+1, i%900+1, i%100, i, i%100, i)
	}
	return b
}
