package exporter

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/payrec/payrec/record"
)

// # Open payments
//
// A payment is open from when it was initiated until it is guaranteed, failed
// or canceled. Its dates are its stamps; where one is missing, the moment of
// the report stands in. All records of the account count, whether they have a
// line in the export or not: one that is open at the end of June has none in
// June when it was initiated in May, nor when it is guaranteed in July.

// A movement is what a period did to a payment as an open item.
type movement uint8

const (
	wasOpen    movement = 1 << iota // at the start of the period
	initiated                       // in the period
	guaranteed                      // in the period, like the next two
	failed
	canceled
	staysOpen // at the end of the period

	movements = 6
)

// movementNames are the lines of the Summary sheet, in the order of the bits.
var movementNames = [movements]string{"Open at the start of the period", "Initiated in the period", "Guaranteed in the period", "Failed in the period", "Canceled in the period", "Open at the end of the period"}

// movement says what the period did to a payment. A payment that is resolved
// before it is initiated, by its stamps, is resolved when it is initiated, so
// that what is open at the end is what was open at the start and what came,
// less what went.
func (p Period) movement(r *record.PaymentRecord) (m movement) {
	resolved, by := resolution(r)
	from, ok := stampedAt(r, record.StampInitiatedAt)
	if !ok {
		if from = unix(r.Created); by != 0 && resolved.Before(from) {
			from = resolved
		}
	}
	if by != 0 && resolved.Before(from) {
		resolved = from
	}
	before := func(t, border time.Time) bool { return !border.IsZero() && t.Before(border) }
	after := func(t, border time.Time) bool { return !border.IsZero() && !t.Before(border) }
	if before(from, p.From) && (by == 0 || !before(resolved, p.From)) {
		m |= wasOpen
	}
	if p.contains(from) {
		m |= initiated
	}
	if by != 0 && p.contains(resolved) {
		m |= by
	}
	if !after(from, p.To) && (by == 0 || after(resolved, p.To)) {
		m |= staysOpen
	}
	return m
}

// resolution is when a payment stopped being open, and by what; 0 when it is.
func resolution(r *record.PaymentRecord) (at time.Time, by movement) {
	stamp := ""
	switch r.Status() {
	case record.Guaranteed, record.PartiallyRefunded, record.Refunded:
		stamp, by = record.StampGuaranteedAt, guaranteed
	case record.Failed:
		stamp, by = record.StampFailedAt, failed
	case record.Canceled:
		stamp, by = record.StampCanceledAt, canceled
	default:
		return time.Time{}, 0
	}
	at, ok := stampedAt(r, stamp)
	if !ok {
		at = unix(r.Created)
	}
	return at, by
}

func stampedAt(r *record.PaymentRecord, stamp string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, r.Metadata[stamp])
	return t, err == nil
}

// counted is how many payments, and how much they requested in minor units.
type counted struct{ n, value int64 }

func (c *counted) add(id string, value int64) error {
	return addAll(id, into{&c.n, 1}, into{&c.value, value})
}

// Where a record of the account is, seen from an export.
type whereabouts uint8

const (
	hasLine  whereabouts = iota // among the payments
	elsewhen                    // outside the period, or nobody can say whether in it
	inClosed                    // in the period, but its books are closed; see lock.go
)

// An accountTally is all that was read of the account, in one currency.
type accountTally struct {
	moved   [movements]counted
	stamped [inClosed + 1]counted // reported by payrec
	others  [inClosed + 1]counted
}

// A trace is what is left of a record that has no line: enough to count it.
type trace struct {
	unplaced bool // nobody can say whether it is in the period
	stamped  bool
	moved    movement
	amount   record.Amount
}

func (p Period) trace(r *record.PaymentRecord) trace {
	_, stamped := r.Metadata[record.StampOp]
	return trace{stamped: stamped, moved: p.movement(r), amount: r.AmountRequested}
}

// tracePrefix begins an encoded trace; no encoded record begins like it, see
// [codecVersion].
const tracePrefix = '-'

func appendTrace(b []byte, t trace) []byte {
	flags := byte(0)
	if t.unplaced {
		flags |= 1
	}
	if t.stamped {
		flags |= 2
	}
	b = append(b, tracePrefix, flags, byte(t.moved))
	b = binary.AppendVarint(b, t.amount.Value)
	return append(b, t.amount.Currency...)
}

var errTrace = errors.New("what was read cannot be read again: a record outside the period is damaged")

func decodeTrace(b []byte) (t trace, err error) {
	if len(b) < 4 || b[0] != tracePrefix {
		return trace{}, errTrace
	}
	value, n := binary.Varint(b[3:])
	if n <= 0 {
		return trace{}, errTrace
	}
	return trace{unplaced: b[1]&1 != 0, stamped: b[1]&2 != 0, moved: movement(b[2]), amount: record.Amount{Currency: record.Currency(b[3+n:]), Value: value}}, nil
}

// account is all that was read of the account, by currency.
type account map[record.Currency]*accountTally

func (a account) add(id string, t trace, where whereabouts) error {
	c := a[t.amount.Currency]
	if c == nil {
		c = &accountTally{}
		a[kept(t.amount.Currency)] = c
	}
	of := &c.others
	if t.stamped {
		of = &c.stamped
	}
	if err := of[where].add(id, t.amount.Value); err != nil {
		return err
	}
	for i := range movements {
		if t.moved&(1<<i) != 0 {
			if err := c.moved[i].add(id, t.amount.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a account) currencies() []record.Currency { return slices.Sorted(maps.Keys(a)) }

// whole says whether the whole account was read, as open payments need it.
func (p Period) whole() bool {
	after, before := p.span()
	return after == 0 && before == 0
}
