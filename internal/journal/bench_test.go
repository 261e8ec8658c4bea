package journal

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkSend measures Begin and Finish of one call, from one goroutine and
// from many; every Begin waits for the disk, or, to see what that costs, does not.
func BenchmarkSend(b *testing.B) {
	for _, bb := range []struct {
		senders  int
		unsynced bool
	}{{1, false}, {32, false}, {32, true}} {
		b.Run(fmt.Sprintf("senders=%d/unsynced=%t", bb.senders, bb.unsynced), func(b *testing.B) {
			ctx := context.Background()
			j, err := Open(ctx, filepath.Join(b.TempDir(), "j"), me, Options{Unsynced: bb.unsynced})
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			plan(b, j, "r", payments(b.N)...)
			b.ResetTimer()
			var next atomic.Int64
			var wg sync.WaitGroup
			for range bb.senders {
				wg.Go(func() {
					for n := next.Add(1) - 1; n < int64(b.N); n = next.Add(1) - 1 {
						id := pay(fmt.Sprint("p", n), "x").ID
						if err := j.Begin(ctx, id, 0, ""); err != nil {
							b.Error(err)
							return
						}
						if err := j.Finish(ctx, id, 0, Outcome{State: Confirmed, RecordID: "pr_123456789012345678901234", RequestID: "req_12345678901234", HTTPStatus: 200}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			if err := j.Flush(ctx); err != nil {
				b.Error(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
		})
	}
}

// BenchmarkPlan measures planning: adding calls of ordinary size, then sealing.
func BenchmarkPlan(b *testing.B) {
	ctx := context.Background()
	ops := realistic(payments(b.N))
	j := newJournal(b)
	p, err := j.NewRun(ctx, RunInfo{})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for _, o := range ops {
		if err := p.Add(ctx, o); err != nil {
			b.Fatal(err)
		}
	}
	if err := p.flush(ctx, false); err != nil {
		b.Fatal(err)
	}
	if err := p.wait(); err != nil {
		b.Fatal(err)
	}
	added := b.Elapsed().Seconds()
	if _, err := p.Seal(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/added, "added/s")
	b.ReportMetric(float64(b.N)/(b.Elapsed().Seconds()-added), "sealed/s")
}

func payments(n int) []Op {
	ops := make([]Op, n)
	for i := range ops {
		ops[i] = pay(fmt.Sprint("p", i), "x")
	}
	return ops
}

// BenchmarkRead measures what an import reads of a run: lanes to send, counts of
// calls, and the entries of its receipts.
func BenchmarkRead(b *testing.B) {
	const calls = 20_000
	ctx := context.Background()
	j := newJournal(b)
	plan(b, j, "r", realistic(payments(calls))...)
	perCall := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*calls), "ns/call")
	}
	b.Run("lanes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			readLanes(b, j, "r", calls)
		}
		perCall(b)
	})
	b.Run("tallies", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := j.Tallies(ctx, "r"); err != nil {
				b.Fatal(err)
			}
		}
		perCall(b)
	})
	b.Run("entries", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, err := range j.Entries(ctx, "r", New, Retry) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		perCall(b)
	})
}
