package exporter

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/payrec/payrec/record"
)

// Attempts cost a request for each payment, a hundred times what the list
// costs. So they are kept from one export to the next.
//
// No state of a payment is final in this API: a failed or canceled one takes
// another attempt, a guaranteed one a refund, and any one takes informational
// updates; nor does a record say when it was changed. So the list, which brings
// whole records, is read every time, and attempts are only taken from the
// cache when their record reads exactly as it did when they were kept: whatever
// an attempt can go through (guaranteed, failed, canceled, refunded, followed by
// another one) shows on the record as amounts or as its latest attempt.
//
// The attempts are read after the record, perhaps before the list of attempts
// has caught up. They are kept only when they agree with the record: its latest
// attempt is among them, in the same state, with the same amounts guaranteed
// and refunded. Those of open payments are never kept.

// An AttemptCache keeps attempts between exports. It may forget anything at any
// time. It must be safe for concurrent use.
type AttemptCache interface {
	// Attempts gives what was kept for a record under the same evidence, or nil.
	Attempts(recordID string, evidence []byte) ([]byte, error)
	// KeepAttempts keeps attempts instead of what was kept before.
	KeepAttempts(recordID string, evidence, attempts []byte) error
}

// evidence is what a record read like, in 16 bytes.
func evidence(encoded []byte) []byte {
	sum := sha256.Sum256(encoded)
	return sum[:16]
}

// agrees says whether the attempts are those that the record speaks of.
func agrees(r *record.PaymentRecord, attempts []*record.PaymentAttemptRecord) bool {
	i := latestOf(r, attempts)
	if i < 0 || r.Status() == record.Initiated {
		return false
	}
	a := attempts[i]
	return a.Status() == r.Status() && a.AmountRequested == r.AmountRequested &&
		a.AmountGuaranteed == r.AmountGuaranteed && a.AmountRefunded == r.AmountRefunded
}

// latestOf is the index of the attempt that the record names, or -1.
func latestOf(r *record.PaymentRecord, attempts []*record.PaymentAttemptRecord) int {
	return slices.IndexFunc(attempts, func(a *record.PaymentAttemptRecord) bool { return a.ID == deref(r.LatestPaymentAttemptRecord) })
}

// collectAttempts fetches the attempts of all payments: first what is kept, then,
// several at once, what must be read.
func (d *Dataset) collectAttempts(ctx context.Context, src Source) (err error) {
	if d.tries, err = newSpool(); err != nil {
		return err
	}
	d.triesAt = make([]place, d.shelf.n)
	missing, err := d.takeKept()
	if err != nil {
		return err
	}
	if before := d.options.BeforeAttempts; before != nil {
		if err := before(missing); err != nil {
			return err
		}
	}
	if missing > 0 {
		if err := d.readAttempts(ctx, src); err != nil {
			return err
		}
	}
	d.summary.Attempts = d.attempts
	return d.tries.flush()
}

// unread marks a payment whose attempts are yet to be read.
const unread = -1

// takeKept takes attempts from the cache and says how many payments' are not there.
func (d *Dataset) takeKept() (missing int, err error) {
	i := -1
	for encoded, err := range d.shelf.encoded(0, d.shelf.n) {
		if err != nil {
			return 0, err
		}
		i++
		var kept []byte
		if i >= d.locked && d.options.Cache != nil {
			if kept, err = d.options.Cache.Attempts(idOf(encoded), evidence(encoded)); err != nil {
				return 0, err
			}
		}
		list, err := decodeAttempts(kept)
		switch {
		case i < d.locked: // has no lines
		case kept == nil, err != nil: // an error: kept by another version
			d.triesAt[i].length = unread
			missing++
		default:
			r, err := decodeRecord(encoded)
			if err != nil {
				return 0, err
			}
			if err := d.place(i, r, list); err != nil {
				return 0, err
			}
			d.kept++
		}
	}
	return missing, nil
}

// idOf is the id of an encoded record, without the rest.
func idOf(encoded []byte) string {
	n, k := binary.Uvarint(encoded[1:])
	return string(encoded[1+k : 1+k+int(n)])
}

// A wanted payment is one whose attempts are to be read.
type wanted struct {
	at       int
	record   *record.PaymentRecord
	evidence []byte
}

func (d *Dataset) readAttempts(ctx context.Context, src Source) error {
	var mu sync.Mutex // guards d.attempts, and Progress
	read := 0
	jobs := make(chan wanted)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(jobs)
		return d.eachWanted(ctx, jobs)
	})
	for range d.options.Concurrency {
		g.Go(func() error {
			for w := range jobs {
				list, err := d.attemptsOf(ctx, src, w)
				if err != nil {
					return fmt.Errorf("attempts of %s: %w", w.record.ID, err)
				}
				mu.Lock()
				err = d.place(w.at, w.record, list)
				read++
				if d.options.Progress != nil {
					d.options.Progress(d.records, read)
				}
				mu.Unlock()
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// eachWanted gives out the payments whose attempts are not there yet.
func (d *Dataset) eachWanted(ctx context.Context, jobs chan<- wanted) error {
	marked := make([]bool, d.shelf.n) // place runs meanwhile
	for i, p := range d.triesAt {
		marked[i] = p.length == unread
	}
	i := -1
	for encoded, err := range d.shelf.encoded(0, d.shelf.n) {
		if err != nil {
			return err
		}
		if i++; !marked[i] {
			continue
		}
		r, err := decodeRecord(encoded)
		if err != nil {
			return err
		}
		select {
		case jobs <- wanted{i, r, evidence(encoded)}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// attemptsOf reads the attempts of a record, oldest first, and keeps them for
// the next export.
func (d *Dataset) attemptsOf(ctx context.Context, src Source, w wanted) ([]*record.PaymentAttemptRecord, error) {
	var all []*record.PaymentAttemptRecord
	for a, err := range src.Attempts(ctx, w.record.ID) {
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *record.PaymentAttemptRecord) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), strings.Compare(a.ID, b.ID))
	})
	all = slices.CompactFunc(all, func(a, b *record.PaymentAttemptRecord) bool { return a.ID == b.ID })
	if d.options.Cache != nil && agrees(w.record, all) {
		return all, d.options.Cache.KeepAttempts(w.record.ID, w.evidence, appendAttempts(nil, all))
	}
	return all, nil
}

// place puts a payment's attempts where its lines will find them.
func (d *Dataset) place(i int, r *record.PaymentRecord, all []*record.PaymentAttemptRecord) (err error) {
	d.triesAt[i] = place{}
	if d.options.Attempts == LatestAttempts && len(all) > 1 {
		latest := latestOf(r, all)
		if latest < 0 { // not named, or newer than the record we hold
			latest = len(all) - 1
		}
		all = all[latest : latest+1]
	}
	if len(all) == 0 {
		return nil
	}
	d.attempts += len(all)
	d.triesAt[i], err = d.tries.putBytes(appendAttempts(nil, all))
	return err
}
