package sandbox

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/payrec/payrec/record"
)

// state is everything that calls have made. The server's lock guards it; the
// versions that it points to never change.
type state struct {
	seq      uint64 // number of the last event
	records  map[string]*payment
	attempts map[string]*attempt
	order    []*payment          // ascending by creation: (created, seq)
	aliases  map[string]*payment // PaymentIntent ids of on-Stripe payments
	charges  map[string]*attempt // Charge ids of on-Stripe payments
	refs     map[string]struct{} // refund_reference of every refund
	attached map[string]struct{} // "in_… pr_…" that attach_payment joined
	refunds  []refundMade        // oldest first
}

// A payment is a record's latest version and its attempts, oldest first.
type payment struct {
	seq      uint64
	rec      *record.PaymentRecord
	attempts []*attempt
}

func (p *payment) latest() *attempt { return p.attempts[len(p.attempts)-1] }

// An attempt is an attempt record's latest version.
type attempt struct{ rec *record.PaymentAttemptRecord }

func newState() state {
	return state{
		records: map[string]*payment{}, attempts: map[string]*attempt{}, aliases: map[string]*payment{}, charges: map[string]*attempt{},
		refs: map[string]struct{}{}, attached: map[string]struct{}{},
	}
}

// find looks a record up by its own id or by its PaymentIntent's.
func (s *state) find(id string) *payment {
	if p := s.records[id]; p != nil {
		return p
	}
	return s.aliases[id]
}

// byCreation orders payments as they were made. Equal clocks are told apart
// by the event's number; a clock that went back puts a payment between others.
func byCreation(a, b *payment) int {
	return cmp.Or(cmp.Compare(a.rec.Created, b.rec.Created), cmp.Compare(a.seq, b.seq))
}

// place is where the payment stands, or would stand, in the order.
func (s *state) place(p *payment) int {
	i, _ := slices.BinarySearchFunc(s.order, p, byCreation)
	return i
}

func (s *state) add(p *payment) {
	s.records[p.rec.ID] = p
	if n := len(s.order); n == 0 || byCreation(s.order[n-1], p) < 0 {
		s.order = append(s.order, p)
		return
	}
	s.order = slices.Insert(s.order, s.place(p), p)
}

func (s *state) addAttempt(p *payment, r *record.PaymentAttemptRecord) {
	a := &attempt{r}
	p.attempts = append(p.attempts, a)
	s.attempts[r.ID] = a
}

// follows says whether an event that was read back can be applied: a file
// whose lines are whole may still lack some.
func (s *state) follows(e *event) error {
	switch {
	case e.op == "":
		return nil
	case e.seq <= s.seq:
		return fmt.Errorf("event %d comes after event %d", e.seq, s.seq)
	}
	switch e.op {
	case string(record.ReportPayment), opSeed:
		if e.record == "" || s.records[e.record] != nil {
			return fmt.Errorf("record %q is made twice", e.record)
		}
	default:
		if s.records[e.record] == nil {
			return fmt.Errorf("there is no record %q", e.record)
		}
	}
	switch e.op {
	case string(record.ReportPayment), string(record.ReportPaymentAttempt), opSeed:
		if e.attempt == "" || s.attempts[e.attempt] != nil {
			return fmt.Errorf("attempt %q is made twice", e.attempt)
		}
	}
	return nil
}
