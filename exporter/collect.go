package exporter

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/extsort"
	"github.com/payrec/payrec/record"
)

// maxMetadataColumns keeps a file readable when every payment has metadata
// keys of its own: the most frequent keys get columns, the others share one.
const maxMetadataColumns = 100

// maxDamaged is how many damaged payments the Control sheet names.
const maxDamaged = 50

// A Dataset is what one export read. It is not safe for concurrent use, and
// holds temporary files until it is closed.
type Dataset struct {
	options Options
	shelf   *shelf // the payments in order, each as [appendRecord] writes it
	locked  int    // how many of them, the first, have no line; see lock.go

	tries    *spool  // their attempts, in any order
	triesAt  []place // of each payment; nil when attempts were not asked for
	attempts int
	kept     int // payments whose attempts were known from an earlier export

	records  int     // read, each id once, in the period or not
	read     tally   // what came from the source, in the period; see control.go
	account  account // all that came from the source; see position.go
	days     []day   // see volume.go
	own      int     // exceptions that the payments themselves tell of
	journal  journalFacts
	summary  Summary
	metadata []string // keys that get columns, ascending
	others   bool     // there are more keys
	damaged  []Fact   // the first payments with something that cannot be used
	unplaced []string // ids of payments without the date that the period goes by, ascending
	delta    *Delta   // since an earlier export; nil when it was not compared, or is the same
}

// Collect reads everything the options ask for, once. On error nothing is
// kept. A source that fails in the middle fails the collection: there are no
// partial exports.
func Collect(ctx context.Context, src Source, o Options) (*Dataset, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	d := &Dataset{options: o, read: tally{}, account: account{}}
	if err := d.collect(ctx, src); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Dataset) collect(ctx context.Context, src Source) error {
	byDate := &extsort.Sorter{Limit: extsort.DefaultLimit}
	defer byDate.Close()
	if err := d.collectRecords(ctx, src, byDate); err != nil {
		return err
	}
	if err := d.putInOrder(byDate); err != nil {
		return err
	}
	if err := d.readJournal(ctx); err != nil {
		return err
	}
	if d.options.Attempts == NoAttempts {
		return nil
	}
	return d.collectAttempts(ctx, src)
}

// collectRecords reads the list. A record waits under its id, for those that
// come again, and then under its date.
func (d *Dataset) collectRecords(ctx context.Context, src Source, byDate *extsort.Sorter) error {
	byID := &extsort.Sorter{Limit: extsort.DefaultLimit}
	defer byID.Close()
	period := d.options.Period
	after, before := period.span()
	n := 0
	var b []byte
	for r, err := range src.Records(ctx, after, before) {
		if err == nil && r.ID == "" {
			err = errors.New("one without an id")
		}
		if err != nil {
			return fmt.Errorf("after %d payment records: %w", n, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if in, unknown := period.holds(r); in {
			b = appendRecord(b[:0], r)
		} else {
			t := period.trace(r)
			t.unplaced = unknown
			b = appendTrace(b[:0], t)
		}
		if err := byID.Add(r.ID, b); err != nil {
			return err
		}
		n++
		d.progress(n)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return d.merge(byID, byDate)
}

// merge takes each record once. One that came again replaces what came before:
// it was read later. Everything that must be known before the first line is
// written is summed up here.
func (d *Dataset) merge(byID, byDate *extsort.Sorter) error {
	survey := survey{keys: map[string]int{}, sums: summing{period: d.options.Period}}
	for g, err := range byID.Groups() {
		if err != nil {
			return err
		}
		d.records++
		last := g.Values[len(g.Values)-1]
		if last[0] == tracePrefix {
			t, err := decodeTrace(last)
			if err == nil {
				err = d.account.add(string(g.Key), t, elsewhen)
			}
			if err != nil {
				return err
			}
			if t.unplaced {
				d.unplaced = append(d.unplaced, string(g.Key))
			}
			continue
		}
		r, err := decodeRecord(last)
		if err != nil {
			return err
		}
		p := newPayment(r)
		d.options.Lock.apply(p)
		if err := byDate.Add(sortKey(p), last); err != nil {
			return err
		}
		where := hasLine
		if p.locked {
			where = inClosed
		}
		if err := d.account.add(r.ID, d.options.Period.trace(r), where); err != nil {
			return err
		}
		if p.locked {
			d.locked++
			survey.sums.totals.Refunds += p.refundCount()
			survey.sums.exceptions += len(exceptionsOf(p))
			continue
		}
		if err := errors.Join(d.read.add(p, 1), survey.add(p)); err != nil {
			return err
		}
	}
	d.concludeSurvey(&survey)
	return nil
}

// sortKey orders payments: the locked ones first, then by date and id.
func sortKey(p *payment) string {
	lock := byte(1)
	if p.locked {
		lock = 0
	}
	b := append(make([]byte, 0, 9+len(p.ID)), lock)
	b = binary.BigEndian.AppendUint64(b, uint64(p.at.Unix())^(1<<63)) // dates before 1970 are negative
	return string(append(b, p.ID...))
}

func (d *Dataset) putInOrder(byDate *extsort.Sorter) (err error) {
	if d.shelf, err = newShelf(); err != nil {
		return err
	}
	for e, err := range byDate.Entries() {
		if err == nil {
			err = d.shelf.add(e.Value)
		}
		if err != nil {
			return err
		}
	}
	return d.shelf.flush()
}

// progress tells how many records came so far, twice or not.
func (d *Dataset) progress(records int) {
	if d.options.Progress != nil {
		d.options.Progress(records, d.attempts)
	}
}

// payments iterates over the payments in order, without the locked ones. They
// are the consumer's to keep.
func (d *Dataset) payments() iter.Seq2[*payment, error] {
	return d.between(d.locked, d.shelf.n)
}

// between iterates over the payments of these numbers in the order.
func (d *Dataset) between(from, to int) iter.Seq2[*payment, error] {
	return func(yield func(*payment, error) bool) {
		no := from
		for b, err := range d.shelf.encoded(from, to) {
			p := &parsed{}
			if err == nil {
				err = d.parse(p, no, string(b))
			}
			if !yield(&p.payment, err) || err != nil {
				return
			}
			no++
		}
	}
}

// A survey is what must be known before the first line is written.
type survey struct {
	keys    map[string]int // metadata keys, and how many payments have them
	sums    summing
	damaged []Fact
}

func (s *survey) add(p *payment) error {
	for key := range p.Metadata {
		if !strings.HasPrefix(key, record.StampPrefix) {
			s.keys[key]++
		}
	}
	if len(p.damaged) > 0 {
		// The first by id: the order of payments is not known yet.
		if len(s.damaged) < maxDamaged {
			s.damaged = append(s.damaged, Fact{Name: p.ID, Value: strings.Join(p.damaged, ", ")})
		}
	}
	return s.sums.add(p)
}

func (d *Dataset) concludeSurvey(s *survey) {
	d.damaged = s.damaged
	d.summary, d.days, d.own = s.sums.summary(), s.sums.volume(), s.sums.exceptions
	d.summary.Read, d.summary.Unplaced, d.summary.Locked = d.records, len(d.unplaced), d.locked
	for key := range s.keys {
		d.metadata = append(d.metadata, key)
	}
	slices.SortFunc(d.metadata, func(a, b string) int { return cmp.Or(cmp.Compare(s.keys[b], s.keys[a]), strings.Compare(a, b)) })
	if len(d.metadata) > maxMetadataColumns {
		d.metadata, d.others = d.metadata[:maxMetadataColumns], true
	}
	slices.Sort(d.metadata)
}

// Len is the number of payments, without the locked ones.
func (d *Dataset) Len() int { return d.shelf.n - d.locked }

// AttemptsLen is the number of attempts.
func (d *Dataset) AttemptsLen() int { return d.attempts }

// AttemptsKept is how many payments' attempts did not have to be read: they
// were known from an earlier export, and their records are as they were then.
func (d *Dataset) AttemptsKept() int { return d.kept }

// Summary gives the sums of the payments.
func (d *Dataset) Summary() Summary { return d.summary }

// Close removes the temporary files.
func (d *Dataset) Close() error {
	var err error
	if d.shelf != nil {
		err = d.shelf.close()
	}
	for _, s := range []*spool{d.tries, d.journal.spool} {
		if s != nil {
			err = errors.Join(err, s.close())
		}
	}
	return err
}
