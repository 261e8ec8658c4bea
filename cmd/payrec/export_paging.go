package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"golang.org/x/time/rate"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/record"
)

// paged is the account, read in several spans of time at once under one
// limiter.
func (a *app) paged(t *target, concurrency int, perSecond float64) *exporter.Windows {
	limit := rate.Inf
	if perSecond > 0 {
		limit = rate.Limit(perSecond)
	}
	return &exporter.Windows{
		Source:      limited{source{t.client}, rate.NewLimiter(limit, 1)},
		Concurrency: concurrency,
		Clock:       a.clock,
	}
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
	limiter *rate.Limiter
}

// pageSize is how many records or attempts one request brings.
const pageSize = 100

func (l limited) Records(ctx context.Context, after, before int64) iter.Seq2[*record.PaymentRecord, error] {
	return inTurn(ctx, l.limiter, l.source.Records(ctx, after, before))
}

func (l limited) Attempts(ctx context.Context, recordID string) iter.Seq2[*record.PaymentAttemptRecord, error] {
	return inTurn(ctx, l.limiter, l.source.Attempts(ctx, recordID))
}

func inTurn[T any](ctx context.Context, limiter *rate.Limiter, pages iter.Seq2[*T, error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		err := limiter.Wait(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		n := 0
		for v, e := range pages {
			if !yield(v, e) || e != nil {
				return
			}
			if n++; n%pageSize == 0 {
				if err := limiter.Wait(ctx); err != nil {
					yield(nil, err)
					return
				}
			}
		}
	}
}

// reading is the progress of an export: first of the records, of which nobody
// knows how many there are, then of the attempts of so many payments.
type reading struct {
	app       *app
	mode      string
	perSecond float64
	bar       *progress
	payments  int
}

func (r *reading) set(records, attempts int) {
	if r.payments == 0 {
		r.bar.set(int64(records))
		return
	}
	r.bar.set(int64(attempts))
}

// askAttempts is from how many payments on the cost is said.
const askAttempts = 1000

// beforeAttempts says what the attempts cost before the first is read.
func (r *reading) beforeAttempts(payments int) error {
	r.bar.done()
	r.payments = payments
	r.bar = r.app.newProgress("reading attempts", "attempts", int64(payments))
	if payments < askAttempts {
		return nil
	}
	said := fmt.Sprintf("payrec: --attempts %s costs one request per payment: %s", r.mode, count(int64(payments), "request"))
	if r.perSecond > 0 {
		took := time.Duration(float64(payments) / r.perSecond * float64(time.Second))
		said += fmt.Sprintf(", about %s at %g a second", took.Round(time.Second), r.perSecond)
	}
	fmt.Fprintln(r.app.stderr, said)
	return nil
}
