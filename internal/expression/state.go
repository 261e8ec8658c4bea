package expression

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/internal/packed"
)

// A State is what an Aggregate remembers of the rows it has seen. Its size
// does not grow with them. It is not safe for concurrent use.
type State struct {
	of     *Aggregate
	accums []accum
}

// An accum is one term's memory: what it holds, and how many rows made it so.
type accum struct {
	n int64
	v Value
}

// NewState is the state of a group without rows.
func (a *Aggregate) NewState() *State {
	return &State{of: a, accums: make([]accum, len(a.terms))}
}

// NewStates are so many states of groups without rows, in one piece of memory.
func (a *Aggregate) NewStates(n int) []State {
	states, accums := make([]State, n), make([]accum, n*len(a.terms))
	for i := range states {
		states[i] = State{a, accums[i*len(a.terms) : (i+1)*len(a.terms) : (i+1)*len(a.terms)]}
	}
	return states
}

// Add takes in one row. A row that fails leaves the state as it was.
func (s *State) Add(f *Frame) error {
	s.of.Sample(f, &f.sample)
	return s.Take(&f.sample)
}

// A Sample is what one row says to an aggregate, computed before it is known
// which state it goes to: rows may be looked at side by side, and their samples
// taken in the order of the rows. Its zero value is ready; it may be reused.
type Sample struct {
	accums []accum
	err    error   // of the term behind the accums
	saved  []accum // scratch of State.Take
}

// Sample computes what the row in f says, into x.
func (a *Aggregate) Sample(f *Frame, x *Sample) {
	if cap(x.accums) < len(a.terms) {
		x.accums = make([]accum, len(a.terms))
	}
	x.accums, x.err = x.accums[:len(a.terms)], nil
	for i, t := range a.terms {
		row := &x.accums[i]
		row.n = 0
		if err := t.sample(row, f); err != nil {
			x.accums, x.err = x.accums[:i], fmt.Errorf("%s: %w", t.text, err)
			return
		}
	}
}

// Take takes in one row by its sample, which is of the state's aggregate. A row
// that fails leaves the state as it was.
func (s *State) Take(x *Sample) error {
	if len(x.accums) == 1 && x.err == nil { // a term that fails leaves its memory as it was
		t := s.of.terms[0]
		if err := t.merge(&s.accums[0], &x.accums[0]); err != nil {
			return fmt.Errorf("%s: %w", t.text, err)
		}
		return nil
	}
	x.saved = append(x.saved[:0], s.accums...)
	for i := range x.accums {
		t := s.of.terms[i]
		if err := t.merge(&s.accums[i], &x.accums[i]); err != nil {
			copy(s.accums, x.saved)
			return fmt.Errorf("%s: %w", t.text, err)
		}
	}
	if x.err != nil {
		copy(s.accums, x.saved)
	}
	return x.err
}

// Merge takes in all that o has seen; its rows come after those of s. A merge
// that fails leaves the state as it was.
func (s *State) Merge(o *State) error {
	if o.of != s.of && o.of.sign != s.of.sign {
		return errForeign
	}
	merged := make([]accum, len(s.accums))
	for i, t := range s.of.terms {
		merged[i] = s.accums[i]
		if err := t.merge(&merged[i], &o.accums[i]); err != nil {
			return fmt.Errorf("%s: %w", t.text, err)
		}
	}
	copy(s.accums, merged)
	return nil
}

// sample is what one row says to a term: nothing, or a memory of one row.
func (t *term) sample(row *accum, f *Frame) error {
	if t.where.eval != nil {
		v, err := t.where.eval(f)
		switch {
		case err != nil:
			return err
		case !v.filled():
			return empty(t.where.src)
		case v.yes() == (t.op == "all"):
			// No row of this term; and all looks for the row
			// where its condition fails.
			return nil
		}
	}
	if t.x.eval == nil {
		row.v = Value{}
	} else {
		if t.x.slot >= 0 {
			row.v = f.slots[t.x.slot]
		} else {
			var err error
			if row.v, err = t.x.eval(f); err != nil {
				return err
			}
		}
		if row.v.IsEmpty() && (t.op == "first" || t.op == "last") {
			return nil
		}
		if !row.v.filled() {
			return empty(t.x.src)
		}
	}
	row.n = 1
	return nil
}

// merge takes a later memory into an earlier one; a row is one of itself.
func (t *term) merge(a, o *accum) error {
	switch {
	case o.n == 0:
		return nil
	case a.n == 0:
		*a = *o
		return nil
	}
	switch t.op {
	case "sum":
		v, err := plus(t.kind, a.v, o.v)
		if err != nil {
			return err
		}
		a.v = v
	case "min", "max":
		d, err := compare(o.v, a.v)
		if err != nil {
			return err
		}
		if t.op == "min" && d < 0 || t.op == "max" && d > 0 {
			a.v = o.v
		}
	case "last":
		a.v = o.v
	}
	a.n += o.n
	return nil
}

// result is the term's value.
func (t *term) result(a accum) Value {
	switch t.op {
	case "count":
		return count(a.n)
	case "any":
		return BoolOf(a.n > 0)
	case "all":
		return BoolOf(a.n == 0)
	}
	switch {
	case a.n > 0:
		return a.v
	case t.op == "sum" && t.kind == Money:
		return moneyOf(decimal.Decimal{}, "")
	case t.op == "sum":
		return NumberOf(decimal.Decimal{})
	}
	return EmptyOf(t.kind)
}

// A state as it is stored: stateV1, the aggregate's sign, then for each term
// the number of rows and, if the term keeps values and has seen any, the value.
// It is read back by the same program in the same run only (spilled groups),
// so it need not outlive a version.
const stateV1 = 1

var errBroken = errors.New("the stored state is broken")

// MarshalBinary encodes the state, so that many groups can wait on disk.
func (s *State) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// AppendBinary is MarshalBinary behind what b holds.
func (s *State) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(append(b, stateV1), s.of.sign)
	for i, t := range s.of.terms {
		a := s.accums[i]
		b = binary.AppendUvarint(b, uint64(a.n))
		if a.n == 0 || t.x.eval == nil {
			continue
		}
		b = appendValue(b, a.v)
	}
	return b, nil
}

// UnmarshalState decodes what MarshalBinary made of a state of this aggregate.
func (a *Aggregate) UnmarshalState(data []byte) (*State, error) {
	if len(data) < 5 || data[0] != stateV1 {
		return nil, errBroken
	}
	if binary.BigEndian.Uint32(data[1:]) != a.sign {
		return nil, errForeign
	}
	s, d := a.NewState(), decoder{packed.Read(data[5:])}
	for i, t := range a.terms {
		n := d.Uvarint()
		if n > 1<<62 {
			return nil, errBroken
		}
		s.accums[i].n = int64(n)
		if n > 0 && t.x.eval != nil {
			s.accums[i].v = d.value(t.kind)
		}
	}
	if d.Broken() || d.Len() > 0 {
		return nil, errBroken
	}
	return s, nil
}

// appendValue encodes a value that is there. Its kind is known to the reader.
func appendValue(b []byte, v Value) []byte {
	switch v.kind() {
	case Text:
		return packed.AppendText(b, v.str)
	case Bool:
		if v.yes() {
			return append(b, 1)
		}
		return append(b, 0)
	case Time:
		b = binary.AppendVarint(b, int64(v.n))
		b = binary.AppendVarint(b, int64(v.nanoseconds()))
		return binary.AppendVarint(b, int64(v.offset()))
	}
	return packed.AppendText(appendDecimal(b, v.num()), v.str)
}

// A decimal as it is stored: its scale, with a bit for minus, and its digits as
// a whole number; or longDecimal and its text.
const (
	minusBit    = 0x40
	longDecimal = 0x80
)

func appendDecimal(b []byte, d decimal.Decimal) []byte {
	if d.Coef() > math.MaxInt64 {
		return packed.AppendText(append(b, longDecimal), d.String())
	}
	head := byte(d.Scale())
	if d.IsNeg() {
		head |= minusBit
	}
	return binary.AppendUvarint(append(b, head), d.Coef())
}

func (d *decoder) decimal() (out decimal.Decimal) {
	head := d.Byte()
	var err error
	if head == longDecimal {
		out, err = parseDecimal(string(d.Text()))
	} else if coef := d.Uvarint(); coef > math.MaxInt64 {
		err = errBroken
	} else {
		value := int64(coef)
		if head&minusBit != 0 {
			value = -value
		}
		out, err = decimal.New(value, int(head&^minusBit))
	}
	if err != nil {
		d.Break()
	}
	return out
}

// A decoder reads a stored state.
type decoder struct{ packed.Reader }

func (d *decoder) value(k Kind) Value {
	switch k {
	case Text:
		return TextOf(string(d.Text()))
	case Bool:
		n := d.Uvarint()
		if n > 1 {
			d.Break()
		}
		return BoolOf(n == 1)
	case Time:
		sec, nsec, offset := d.Varint(), d.Varint(), d.Varint()
		const day = 24 * 60 * 60
		if nsec < 0 || nsec >= 1e9 || offset <= -day || offset >= day {
			d.Break()
		}
		return TimeAt(sec, int(nsec), int(offset))
	}
	num := d.decimal()
	return numericOf(k, num, string(d.Text()))
}
