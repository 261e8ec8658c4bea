package main

import (
	"context"
	"iter"
	"sync/atomic"

	"golang.org/x/time/rate"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/record"
)

// paging is the account, read in several spans of time at once under one
// limiter.
type paging struct {
	*exporter.Windows
	perSecond float64       // 0 is no limit
	requests  *atomic.Int64 // made so far
}

func (a *app) paged(t *target, concurrency int, perSecond float64) *paging {
	limit := rate.Inf
	if perSecond > 0 {
		limit = rate.Limit(perSecond)
	}
	p := &paging{perSecond: perSecond, requests: new(atomic.Int64)}
	p.Windows = &exporter.Windows{
		Source:      limited{source{t.client}, rate.NewLimiter(limit, 1), p.requests},
		Concurrency: concurrency,
		Clock:       a.clock,
	}
	return p
}

// readRate is how many requests a second an export may make; 0 is no limit.
func (a *app) readRate(flag float64, local bool) float64 {
	switch {
	case flag > 0:
		return flag
	case local:
		return 0
	case a.cfg.Rate != nil:
		return *a.cfg.Rate
	}
	return defaultRate
}

// limited waits for its turn before each page. The client asks for a page only
// when the records of the one before have been taken.
type limited struct {
	source
	limiter  *rate.Limiter
	requests *atomic.Int64
}

// pageSize is how many records or attempts one request brings.
const pageSize = 100

func (l limited) Records(ctx context.Context, after, before int64) iter.Seq2[*record.PaymentRecord, error] {
	return inTurn(l.wait(ctx), l.source.Records(ctx, after, before))
}

func (l limited) Attempts(ctx context.Context, recordID string) iter.Seq2[*record.PaymentAttemptRecord, error] {
	return inTurn(l.wait(ctx), l.source.Attempts(ctx, recordID))
}

// wait takes a place for one request.
func (l limited) wait(ctx context.Context) func() error {
	return func() error {
		err := l.limiter.Wait(ctx)
		if err == nil {
			l.requests.Add(1)
		}
		return err
	}
}

func inTurn[T any](wait func() error, pages iter.Seq2[*T, error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if err := wait(); err != nil {
			yield(nil, err)
			return
		}
		n := 0
		for v, e := range pages {
			if !yield(v, e) || e != nil {
				return
			}
			if n++; n%pageSize == 0 {
				if err := wait(); err != nil {
					yield(nil, err)
					return
				}
			}
		}
	}
}
