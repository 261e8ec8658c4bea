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
	if err := d.collectRecords(ctx, src); err != nil {
		return err
	}
	if err := d.survey(); err != nil {
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

// collectRecords reads the list and puts it in order, on the shelf. One that came
// again replaces what came before: it was read later.
func (d *Dataset) collectRecords(ctx context.Context, src Source) error {
	inOrder := &extsort.Sorter{Limit: extsort.DefaultLimit}
	defer inOrder.Close()
	came := newArrivals()
	defer came.close()
	period := d.options.Period
	after, before := period.span()
	n := 0
	var key, short []byte
	for r, err := range arrivalsOf(ctx, src, after, before) {
		if err == nil && r.ID == "" {
			err = errors.New("one without an id")
		}
		if err != nil {
			return fmt.Errorf("after %d payment records: %w", n, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		value := r.encoded
		if in, unknown := period.holds(r.PaymentRecord); in {
			key = d.appendKey(key[:0], r.PaymentRecord)
		} else {
			t := period.trace(r.PaymentRecord)
			t.unplaced = unknown
			short = appendTrace(short[:0], t)
			key, value = append(append(key[:0], keyOutside), r.ID...), short
		}
		no, err := came.add(r.ID, 0)
		if err == nil {
			err = inOrder.Add(string(binary.BigEndian.AppendUint64(key, no)), value)
		}
		if err != nil {
			return err
		}
		n++
		d.progress(n)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return d.putInOrder(inOrder, came)
}

// What a sort key begins with: the payments without a line come first, what is
// outside the period last.
const (
	keyLocked byte = iota
	keyHasLine
	keyOutside
)

// appendKey orders payments by date and id.
func (d *Dataset) appendKey(b []byte, r *record.PaymentRecord) []byte {
	var p payment
	p.dating, _ = dateOf(r.Created, r.Metadata)
	d.options.Lock.apply(&p)
	first := keyHasLine
	if p.locked {
		first = keyLocked
	}
	b = binary.BigEndian.AppendUint64(append(b, first), uint64(p.at.Unix())^(1<<63)) // dates before 1970 are negative
	return append(b, r.ID...)
}

// putInOrder fills the shelf. A key of the sorter ends with the number of the
// record in the order of arrival.
func (d *Dataset) putInOrder(inOrder *extsort.Sorter, came *arrivals) error {
	again, ids, err := came.superseded()
	if err != nil {
		return err
	}
	d.records = ids[0]
	if d.shelf, err = newShelf(); err != nil {
		return err
	}
	for e, err := range inOrder.Entries() {
		if err != nil {
			return err
		}
		number := len(e.Key) - 8
		if again.has(binary.BigEndian.Uint64(e.Key[number:])) {
			continue
		}
		switch e.Key[0] {
		case keyOutside:
			err = d.countOutside(string(e.Key[1:number]), e.Value)
		case keyLocked:
			d.locked++
			err = d.shelf.add(e.Value)
		default:
			err = d.shelf.add(e.Value)
		}
		if err != nil {
			return err
		}
	}
	return d.shelf.flush()
}

// countOutside counts a record that has no line because of the period.
func (d *Dataset) countOutside(id string, encoded []byte) error {
	t, err := decodeTrace(encoded)
	if err != nil {
		return err
	}
	if t.unplaced {
		d.unplaced = append(d.unplaced, id)
	}
	return d.account.add(id, t, elsewhen)
}

// survey sums up what must be known before the first line is written.
func (d *Dataset) survey() error {
	survey := survey{keys: map[string]int{}, sums: summing{period: d.options.Period}}
	for p, err := range d.ahead(0, d.shelf.n) {
		if err != nil {
			return err
		}
		where := hasLine
		if p.locked {
			where = inClosed
		}
		if err := d.account.add(p.ID, d.options.Period.trace(p.PaymentRecord), where); err != nil {
			return err
		}
		if p.locked {
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

// A survey is what must be known before the first line is written. Texts that
// stay in it are copies: one that is part of a payment would keep its whole lot.
type survey struct {
	keys    map[string]int // metadata keys, and how many payments have them
	sums    summing
	damaged []Fact
}

func (s *survey) add(p *payment) error {
	for key := range p.Metadata {
		if strings.HasPrefix(key, record.StampPrefix) {
			continue
		}
		if n, known := s.keys[key]; known {
			s.keys[key] = n + 1
		} else {
			s.keys[strings.Clone(key)] = 1
		}
	}
	if len(p.damaged) > 0 {
		s.addDamaged(Fact{Name: strings.Clone(p.ID), Value: strings.Join(p.damaged, ", ")})
	}
	return s.sums.add(p)
}

// addDamaged keeps the first ones by id.
func (s *survey) addDamaged(f Fact) {
	i, _ := slices.BinarySearchFunc(s.damaged, f, func(a, b Fact) int { return strings.Compare(a.Name, b.Name) })
	if s.damaged = slices.Insert(s.damaged, i, f); len(s.damaged) > maxDamaged {
		s.damaged = s.damaged[:maxDamaged]
	}
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
