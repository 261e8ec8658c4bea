package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/payrec/payrec/record"
)

// maxMetadataColumns keeps a file readable when every payment has metadata
// keys of its own: the most frequent keys get columns, the others share one.
const maxMetadataColumns = 100

// maxDamaged is how many damaged payments the Control sheet names.
const maxDamaged = 50

// A Dataset is what one export read. It is not safe for concurrent use, and
// holds a temporary file until it is closed.
type Dataset struct {
	options Options
	spool   *spool
	entries []entry // ascending by (paid date, id)

	records  int // read, each id once, in the period or not
	attempts int
	read     tally // what came from the source, in the period; see control.go
	summary  Summary
	metadata []string // keys that get columns, ascending
	others   bool     // there are more keys
	damaged  []Fact   // the first payments with something that cannot be used
	unplaced []string // ids of payments without the date that the period goes by, ascending
}

// An entry is a record's sort key and where it lies.
type entry struct {
	paid     int64 // Unix seconds
	id       string
	record   place
	attempts place
}

// These mark the id of a record that is not in the period, and of one of which
// nobody can say whether it is.
const (
	outside  = -1
	unplaced = -2
)

// Collect reads everything the options ask for, once. On error nothing is
// kept. A source that fails in the middle fails the collection: there are no
// partial exports.
func Collect(ctx context.Context, src Source, o Options) (*Dataset, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s, err := newSpool()
	if err != nil {
		return nil, err
	}
	d := &Dataset{options: o, spool: s, read: tally{}}
	if err := d.collect(ctx, src); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Dataset) collect(ctx context.Context, src Source) error {
	if err := d.collectRecords(ctx, src); err != nil {
		return err
	}
	d.entries = slices.DeleteFunc(d.entries, func(e entry) bool { return e.record.length == 0 })
	slices.SortFunc(d.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.paid, b.paid), strings.Compare(a.id, b.id))
	})
	if d.options.Attempts != NoAttempts {
		if before := d.options.BeforeAttempts; before != nil {
			if err := before(len(d.entries)); err != nil {
				return err
			}
		}
		if err := d.collectAttempts(ctx, src); err != nil {
			return err
		}
		if err := d.spool.flush(); err != nil {
			return err
		}
	}
	return d.survey()
}

func (d *Dataset) collectRecords(ctx context.Context, src Source) error {
	at := map[string]int{} // id to index in entries, or outside
	after, before := d.options.Period.span()
	for r, err := range src.Records(ctx, after, before) {
		if err != nil {
			return fmt.Errorf("after %d payment records: %w", d.records, err)
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := d.take(r, at); err != nil {
			return err
		}
		d.progress()
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	for id, i := range at {
		if i == unplaced {
			d.unplaced = append(d.unplaced, id)
		}
	}
	slices.Sort(d.unplaced)
	return d.spool.flush()
}

// take keeps a record. One that comes again replaces what came before: it was
// read later.
func (d *Dataset) take(r *record.PaymentRecord, at map[string]int) error {
	if r.ID == "" {
		return fmt.Errorf("after %d payment records: one without an id", d.records)
	}
	p := newPayment(r)
	i, again := at[r.ID]
	if !again {
		i, d.records = outside, d.records+1
	}
	if i >= 0 {
		if err := d.forget(&d.entries[i]); err != nil {
			return err
		}
	}
	switch in, unknown := d.options.Period.places(p); {
	case !in && unknown:
		at[r.ID] = unplaced
		return nil
	case !in:
		at[r.ID] = outside
		return nil
	}
	place, err := d.spool.put(r)
	if err != nil {
		return err
	}
	at[r.ID] = len(d.entries)
	d.entries = append(d.entries, entry{paid: p.at.Unix(), id: r.ID, record: place})
	return d.read.add(p, 1)
}

// forget takes a record back that came again.
func (d *Dataset) forget(e *entry) error {
	if err := d.spool.flush(); err != nil {
		return err
	}
	r := new(record.PaymentRecord)
	if err := d.spool.get(e.record, r); err != nil {
		return err
	}
	e.record = place{}
	return d.read.add(newPayment(r), -1)
}

// collectAttempts reads the attempts of all entries, several records at once.
func (d *Dataset) collectAttempts(ctx context.Context, src Source) error {
	var mu sync.Mutex // guards d.attempts, and Progress
	jobs := make(chan *entry)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(jobs)
		for i := range d.entries {
			select {
			case jobs <- &d.entries[i]: // whoever takes it owns it until the group is done
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range d.options.Concurrency {
		g.Go(func() error {
			for e := range jobs {
				n, err := d.attemptsOf(ctx, src, e)
				if err != nil {
					return fmt.Errorf("attempts of %s: %w", e.id, err)
				}
				mu.Lock()
				d.attempts += n
				d.progress()
				mu.Unlock()
			}
			return nil
		})
	}
	return g.Wait()
}

func (d *Dataset) attemptsOf(ctx context.Context, src Source, e *entry) (int, error) {
	var all []*record.PaymentAttemptRecord
	for a, err := range src.Attempts(ctx, e.id) {
		if err != nil {
			return 0, err
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *record.PaymentAttemptRecord) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), strings.Compare(a.ID, b.ID))
	})
	all = slices.CompactFunc(all, func(a, b *record.PaymentAttemptRecord) bool { return a.ID == b.ID })
	if d.options.Attempts == LatestAttempts && len(all) > 1 {
		r := new(record.PaymentRecord)
		if err := d.spool.get(e.record, r); err != nil {
			return 0, err
		}
		latest := slices.IndexFunc(all, func(a *record.PaymentAttemptRecord) bool { return a.ID == deref(r.LatestPaymentAttemptRecord) })
		if latest < 0 { // not named, or newer than the record we hold
			latest = len(all) - 1
		}
		all = all[latest : latest+1]
	}
	if len(all) == 0 {
		return 0, nil
	}
	var err error
	e.attempts, err = d.spool.put(all)
	return len(all), err
}

func (d *Dataset) progress() {
	if d.options.Progress != nil {
		d.options.Progress(d.records, d.attempts)
	}
}

// payments iterates over the payments in order.
func (d *Dataset) payments() iter.Seq2[*payment, error] {
	return func(yield func(*payment, error) bool) {
		for i := range d.entries {
			if p, err := d.payment(&d.entries[i]); !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// survey goes over the payments once, for what must be known before the first
// line is written.
func (d *Dataset) survey() error {
	keys := map[string]int{}
	sums := summing{}
	for p, err := range d.payments() {
		if err != nil {
			return err
		}
		for key := range p.Metadata {
			if !strings.HasPrefix(key, record.StampPrefix) {
				keys[key]++
			}
		}
		if err := sums.add(p); err != nil {
			return err
		}
		if len(p.damaged) > 0 && len(d.damaged) < maxDamaged {
			d.damaged = append(d.damaged, Fact{Name: p.ID, Value: strings.Join(p.damaged, ", ")})
		}
	}
	d.summary = sums.summary()
	d.summary.Read, d.summary.Attempts, d.summary.Unplaced = d.records, d.attempts, len(d.unplaced)
	for key := range keys {
		d.metadata = append(d.metadata, key)
	}
	slices.SortFunc(d.metadata, func(a, b string) int { return cmp.Or(cmp.Compare(keys[b], keys[a]), strings.Compare(a, b)) })
	if len(d.metadata) > maxMetadataColumns {
		d.metadata, d.others = d.metadata[:maxMetadataColumns], true
	}
	slices.Sort(d.metadata)
	return nil
}

// Len is the number of payments.
func (d *Dataset) Len() int { return len(d.entries) }

// AttemptsLen is the number of attempts.
func (d *Dataset) AttemptsLen() int { return d.attempts }

// Summary gives the sums of the payments.
func (d *Dataset) Summary() Summary { return d.summary }

// Close removes the temporary file.
func (d *Dataset) Close() error { return d.spool.close() }
