package journal

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/payrec/payrec/record"
)

// A review is what is seen of a plan's calls while they are added, in flat
// memory, so that sealing need not sort them all to find what is out of the
// ordinary: calls that stand in the plan more than once, and payments of more
// than one call.
type review struct {
	seed     maphash.Seed
	ids      sieve     // of calls that make no record
	payments sieve     // their keys, and natural ids of calls that make a record
	suspects []suspect // of the batch that is gathered
	n, odd   int64     // calls; suspects among them
	fresh    bool      // the journal knew no call when the plan was begun
	blocked  bool      // a payment was
	adopted  bool      // calls were entered that the account has
	children bool      // there are calls that need a record
	sums     map[kind]*Tally
	beyond   *Tally // one whose sum is too large to be counted
}

// dropSieves lets go of what only adding calls needs.
func (r *review) dropSieves() { r.ids, r.payments = sieve{}, sieve{} }

type kind struct {
	call     record.CallName
	class    string
	currency record.Currency
}

// A suspect may have been seen before: the call, or its payment.
type suspect struct {
	at             int // of the batch
	twice, another bool
}

func newReview() review {
	return review{seed: maphash.MakeSeed(), sums: make(map[kind]*Tally)}
}

// see sees the call that is the next of its batch. The id of a call that makes a
// record says no more than its natural id, which mostly is the payment's key: then
// one sieve tells all.
func (r *review) see(op Op, at int) {
	r.n++
	s := suspect{at: at, another: r.payments.met(r.hash(op.Source, op.Payment))}
	switch {
	case !op.Call.Creates():
		s.twice = r.ids.met(maphash.String(r.seed, op.ID))
	case op.Natural == op.Payment:
		s.twice = s.another
	default:
		s.twice = r.payments.met(r.hash(op.Source, op.Natural))
	}
	if s.twice || s.another {
		r.suspects = append(r.suspects, s)
		r.odd++
	}
	r.children = r.children || !op.Call.Creates()
	k := kind{op.Call, op.Class, op.Amount.Currency}
	t := r.sums[k]
	if t == nil {
		t = &Tally{Call: k.call, Class: k.class, Currency: k.currency, Disposition: New, State: Planned}
		r.sums[k] = t
	}
	t.N++
	if !add(&t.Value, op.Amount.Value) {
		r.beyond = t
	}
}

// tallies are those of the plan when every call of it is new, in their order.
func (r *review) tallies() []Tally {
	var list []Tally
	for _, t := range r.sums {
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(rankOf(a.Call), rankOf(b.Call)), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Currency, b.Currency))
	})
	return list
}

func (r *review) hash(source, key string) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	h.WriteString(source)
	h.WriteByte(0)
	h.WriteString(key)
	return h.Sum64()
}

// reviewTables makes or empties what the plan's suspects are written to, and the
// entries that sealing has to decide about. These tables are the connection's own.
const reviewTables = `
	CREATE TABLE IF NOT EXISTS temp.twice (op_id TEXT PRIMARY KEY) WITHOUT ROWID;
	CREATE TABLE IF NOT EXISTS temp.many (source TEXT, payment TEXT, PRIMARY KEY (source, payment)) WITHOUT ROWID;
	CREATE TABLE IF NOT EXISTS temp.odd (no INTEGER PRIMARY KEY);
	DELETE FROM temp.twice;
	DELETE FROM temp.many;
	DELETE FROM temp.odd;
`

// noteSuspects writes down those of a batch. It runs in the writer.
func noteSuspects(w *writer, b *batch) error {
	for _, s := range b.suspects {
		op := &b.ops[s.at]
		if s.twice {
			if _, err := w.exec("INSERT OR IGNORE INTO temp.twice (op_id) VALUES (?)", op.ID); err != nil {
				return err
			}
		}
		if s.another {
			if _, err := w.exec("INSERT OR IGNORE INTO temp.many (source, payment) VALUES (?, ?)", op.Source, op.Payment); err != nil {
				return err
			}
		}
		if _, err := w.exec("INSERT OR IGNORE INTO temp.odd (no) VALUES (?)", b.first+int64(s.at)); err != nil {
			return err
		}
	}
	return nil
}
