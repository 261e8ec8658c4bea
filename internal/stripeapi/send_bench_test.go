//go:build unix

package stripeapi

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const benchServer = "PAYREC_TEST_BENCH_SERVER"

// TestBenchServer is the server of BenchmarkSend, in a process of its own so
// that what is counted there is the client. It ends with its standard input.
func TestBenchServer(t *testing.T) {
	if os.Getenv(benchServer) == "" {
		t.Skip("only BenchmarkSend needs it")
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Request-Id", "req_1Nv0FGQ9RKHgCV")
		io.WriteString(w, wholeRecord)
	}))
	defer s.Close()
	fmt.Println(s.URL)
	io.Copy(io.Discard, os.Stdin)
}

// BenchmarkSend tells what a write costs over a connection of our own and over
// net/http's, 32 in flight: in processor time of this process, which means
// something on a busy machine as well.
func BenchmarkSend(b *testing.B) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestBenchServer$")
	cmd.Env = append(os.Environ(), benchServer+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	const lanes = 32
	request := Request{Path: create.Path, IdempotencyKey: "payrec-k3f9axk3f9axk3f9axk3f9axk3-0", Body: []byte(strings.Repeat("metadata%5Bpayrec_line%5D=3&", 30))}
	for _, way := range ways {
		b.Run(way.name, func(b *testing.B) {
			c := testClient(b, strings.TrimSpace(address), func(c *Config) { c.MaxConns = lanes }, way.taken)
			send := func(n int64) {
				var next atomic.Int64
				var senders sync.WaitGroup
				for range lanes {
					senders.Go(func() {
						for next.Add(1) <= n {
							if a := c.Send(b.Context(), request); a.Verdict != Confirmed {
								b.Errorf("got %+v", a)
							}
						}
					})
				}
				senders.Wait()
			}
			send(10 * lanes) // connections
			b.ReportAllocs()
			b.ResetTimer()
			before := processorTime()
			send(int64(b.N))
			b.ReportMetric(float64((processorTime()-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
