package importer

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"

	"github.com/payrec/payrec/internal/extsort"
	"github.com/payrec/payrec/internal/packed"
	"github.com/payrec/payrec/record"
)

// A Draft is the [Book] of a dry run. It holds a plan against nothing but
// itself, as a journal that knows of no earlier run would: what repeats or
// contradicts another call of the plan, what waits for its payment, what is
// parked. Nothing of it can be sent.
//
// # What it keeps
//
// Of every call a few dozen bytes go into a log (draftlog.go): what an [Entry]
// of the plan shows, in the order in which the calls were added. Where a call
// stands in the log is its number. Beside the log stands a tuple of numbers for
// each: a hash of what the call is, its number, and a hash of how it reads. Both
// outgrow memory into temporary files without names.
//
// To seal the plan is to sort the tuples: calls of one identity then stand
// together (draftseal.go). What is anything but new gets a verdict, sorted by
// the number of its call, so that reading the log and the verdicts side by side
// gives the plan again.
//
// The hashes have 128 bits and a seed of this process's own: no file can be made
// to collide, and by chance none does.
type Draft struct {
	run   string
	scope string
	limit int // tuples in memory; 0 is the sorter's own

	hasher hasher
	log    draftLog
	ops    extsort.Tuples[[5]uint64] // identity, number, reading
	shapes shapes
	news   []tallied // by shape: all calls, as if all were new

	// What the plan has; if nothing of it, sealing need not look at payments.
	children, blocks, conflicts bool
	duplicates                  bool
	concerned                   concerned // payments with children or blocks

	repeated extsort.Tuples[verdict] // duplicates and conflicts
	halted   extsort.Tuples[verdict] // parked and held
	headless extsort.Tuples[verdict] // duplicates of calls that are not new

	sealed, over bool
	err          error // first failure; final
}

// tallied counts calls of one shape.
type tallied struct {
	n, value int64
	over     bool // the sum of the values is more than can be counted
}

func (t *tallied) add(n, value int64) {
	sum := t.value + value
	t.over = t.over || value != 0 && sum > t.value != (value > 0)
	t.n, t.value = t.n+n, sum
}

// NewDraft begins a plan under the name of a run. scope names the account; see
// [record.OpID]. The draft must be closed.
func NewDraft(run, scope string) *Draft { return newDraft(run, scope, 0) }

// newDraft keeps so many tuples of each kind in memory.
func newDraft(run, scope string, limit int) *Draft {
	d := &Draft{run: run, scope: scope, limit: limit, hasher: newHasher()}
	d.ops.Limit, d.repeated.Limit, d.halted.Limit, d.headless.Limit = limit, limit, limit, limit
	return d
}

// Run implements [Book].
func (d *Draft) Run() string { return d.run }

// Add implements [Book]. The operation's id is taken to follow from its source,
// call and natural id, as [record.OpID] makes it.
func (d *Draft) Add(_ context.Context, op record.Op) error {
	if rankOf(op.Call) < 0 {
		return fmt.Errorf("%s:%d: %q is no call of the API", op.File, op.Line, op.Call)
	}
	if op.ID == "" || op.Content == "" {
		return fmt.Errorf("%s:%d: %s has no operation id or no content hash", op.File, op.Line, op.Call)
	}
	s := sketch{
		shape: shape{op.Source, op.Call, op.Class, op.Amount.Currency, op.File},
		what:  d.hasher.identity(op.Source, op.Call, op.Natural),
		reads: d.hasher.text(op.Content),
		value: op.Amount.Value,
	}
	if rankOf(op.Call) > 0 {
		s.payment = d.hasher.payment(op.Source, op.Payment)
	}
	return d.add(&s, appendCall(nil, op.Line, op.Amount.Value, op.Natural, op.Payment, op.Order))
}

// A sketch is as much of a call as a draft needs, besides what goes into the log.
type sketch struct {
	shape       shape
	what, reads [2]uint64 // hashes of the call's identity and content
	payment     [2]uint64 // hash of its key, of a call that needs the payment's record
	value       int64
}

// add plans a call; entry is its part of the log, see [appendCall].
func (d *Draft) add(s *sketch, entry []byte) error {
	if err := d.usable(); err != nil {
		return err
	}
	no := d.shapes.no(s.shape)
	if no == len(d.news) {
		d.news = append(d.news, tallied{})
	}
	d.news[no].add(1, s.value)
	if d.shapes.list[no].rank > 0 {
		d.children = true
		d.concerned.add(s.payment[0])
	}
	at, err := d.log.add(callEntry, uint64(no), entry)
	if err == nil {
		err = d.ops.Add([5]uint64{s.what[0], s.what[1], uint64(at), s.reads[0], s.reads[1]})
	}
	return d.failed(err)
}

var errSum = errors.New("the sum of the calls' amounts is more than can be counted")

// Block implements [Book].
func (d *Draft) Block(_ context.Context, source, payment, reason string) error {
	if err := d.usable(); err != nil {
		return err
	}
	d.blocks = true
	d.concerned.add(d.hasher.payment(source, payment)[0])
	_, err := d.log.add(blockEntry, 0, appendBlock(nil, source, payment, reason))
	return d.failed(err)
}

func (d *Draft) usable() error {
	if d.over || d.sealed {
		return fmt.Errorf("run %q is not being planned any more", d.run)
	}
	return d.err
}

func (d *Draft) failed(err error) error {
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("the plan cannot be kept: %w", err)
	}
	return d.err
}

// Discard implements [Book].
func (d *Draft) Discard(context.Context) error { return d.Close() }

// Close frees what the draft holds. A closed draft has no entries.
func (d *Draft) Close() error {
	if d.over {
		return nil
	}
	d.over = true
	return errors.Join(d.log.close(), d.ops.Close(), d.repeated.Close(), d.halted.Close(), d.headless.Close())
}

// Entries implements [Book]. An entry has no body, and no hash of its content.
func (d *Draft) Entries(ctx context.Context, dispositions ...record.Disposition) iter.Seq2[record.Entry, error] {
	return func(yield func(record.Entry, error) bool) {
		if d.over || !d.sealed {
			yield(record.Entry{}, fmt.Errorf("run %q has not been planned", d.run))
			return
		}
		err := d.judged(ctx, func(at int64, e *logEntry, v judgement) (bool, error) {
			if len(dispositions) > 0 && !slices.Contains(dispositions, v.disposition()) {
				return true, nil
			}
			entry, err := d.entry(e, v)
			return err == nil && yield(entry, nil), err
		})
		if err != nil {
			yield(record.Entry{}, err)
		}
	}
}

// entry is a call of the plan with its verdict.
func (d *Draft) entry(e *logEntry, v judgement) (record.Entry, error) {
	s := d.shapes.list[e.shape]
	out := record.Entry{Disposition: v.disposition()}
	out.Op = record.Op{ID: record.OpID(d.scope, s.source, s.call, string(e.natural)), Source: s.source, Payment: string(e.payment),
		Natural: string(e.natural), Call: s.call, Order: string(e.order), Amount: record.Amount{Currency: s.currency, Value: e.value},
		Class: s.class, File: s.file, Line: e.line}
	if v.planned() {
		out.State = record.Planned
	}
	switch v.kind {
	case isConflict:
		out.Reason = "the run has the same call with other content"
	case isBehind:
		out.Reason = "an earlier step of its payment is in conflict"
	case isHeld:
		out.Reason = "its payment is neither in this run nor known to the journal"
	case isBlocked:
		block, err := d.log.at(int64(v.ref))
		if err != nil {
			return out, err
		}
		out.Reason = string(block.reason)
	}
	if v.kind == isDuplicate || v.kind == isConflict && v.ref != v.at {
		head, err := d.log.at(int64(v.ref))
		if err != nil {
			return out, err
		}
		out.PreviousFile, out.PreviousLine = d.shapes.list[head.shape].file, head.line
	}
	return out, nil
}

// A shape is what many calls of a plan have in common.
type shape struct {
	source   string
	call     record.CallName
	class    string
	currency record.Currency
	file     string
}

type shapeInfo struct {
	shape
	rank int
}

// shapes numbers shapes in the order in which they first come.
type shapes struct {
	list   []shapeInfo
	nos    map[shape]int
	recent [4]int // numbers of the last ones: files repeat few, one after the other
	next   int
}

func (s *shapes) no(x shape) int {
	for _, no := range s.recent {
		if no < len(s.list) && s.list[no].shape == x {
			return no
		}
	}
	no, ok := s.nos[x]
	if !ok {
		if s.nos == nil {
			s.nos = map[shape]int{}
		}
		no = len(s.list)
		s.nos[x] = no
		s.list = append(s.list, shapeInfo{x, rankOf(x.call)})
	}
	s.recent[s.next%len(s.recent)] = no
	s.next++
	return no
}

// rankOf orders the calls of a payment that are equal in Order; -1 for none.
func rankOf(call record.CallName) int { return slices.Index(record.Writes(), call) }

// A hasher makes the hashes of a draft. It is safe for concurrent use.
type hasher struct{ a, b maphash.Seed }

func newHasher() hasher { return hasher{maphash.MakeSeed(), maphash.MakeSeed()} }

func (h hasher) bytes(b []byte) [2]uint64 {
	return [2]uint64{maphash.Bytes(h.a, b), maphash.Bytes(h.b, b)}
}

func (h hasher) text(s string) [2]uint64 {
	return [2]uint64{maphash.String(h.a, s), maphash.String(h.b, s)}
}

// identity is the hash of what a call is.
func (h hasher) identity(source string, call record.CallName, natural string) [2]uint64 {
	var buf [256]byte
	return h.bytes(packed.AppendText(packed.AppendText(packed.AppendText(buf[:0], source), string(call)), natural))
}

// payment is the hash of a payment's key.
func (h hasher) payment(source, payment string) [2]uint64 {
	var buf [256]byte
	return h.bytes(append(packed.AppendText(buf[:0], source), payment...))
}

// mark is the first word of that.
func (h hasher) mark(source string, payment []byte) uint64 {
	var buf [256]byte
	return maphash.Bytes(h.a, append(packed.AppendText(buf[:0], source), payment...))
}

// concerned is a set of payments, by the first words of their hashes, that may
// take others for its own: a bit for each.
type concerned []uint64

// concernedBits is how many bits there are: half a mebibyte of them.
const concernedBits = 1 << 22

func (c *concerned) add(mark uint64) {
	if *c == nil {
		*c = make(concerned, concernedBits/64)
	}
	bit := mark % concernedBits
	(*c)[bit/64] |= 1 << (bit % 64)
}

func (c concerned) has(mark uint64) bool {
	bit := mark % concernedBits
	return c != nil && c[bit/64]&(1<<(bit%64)) != 0
}
