package exporter

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"iter"

	"github.com/payrec/payrec/internal/extsort"
	"github.com/payrec/payrec/record"
)

// An arrival is a record as it comes from a source, and the same as
// [appendRecord] writes it, which is borrowed until the next one comes.
type arrival struct {
	*record.PaymentRecord
	encoded []byte
}

// An arriving source encodes its records itself, several at once.
type arriving interface {
	arriving(ctx context.Context, after, before int64) iter.Seq2[arrival, error]
}

// arrivalsOf iterates over what [Source].Records gives.
func arrivalsOf(ctx context.Context, src Source, after, before int64) iter.Seq2[arrival, error] {
	if a, ok := src.(arriving); ok {
		return a.arriving(ctx, after, before)
	}
	return func(yield func(arrival, error) bool) {
		var b []byte
		for r, err := range src.Records(ctx, after, before) {
			if err == nil {
				b = appendRecord(b[:0], r)
			}
			if !yield(arrival{r, b}, err) || err != nil {
				return
			}
		}
	}
}

// arrivals tell which records came again later, so that what came before is not
// counted. Whole records need not be sorted for that: 128 bits of a hash of their
// ids, which nobody finds two of, and their numbers in the order of arrival are.
type arrivals struct {
	n   uint64
	ids extsort.Tuples[[3]uint64]
}

// arrivalsLimit is how many ids are sorted in memory: 6 MiB.
const arrivalsLimit = 1 << 17

func newArrivals() *arrivals {
	return &arrivals{ids: extsort.Tuples[[3]uint64]{Limit: arrivalsLimit}}
}

// arrivalKinds is how many kinds of records can be told apart when they are counted.
const arrivalKinds = 4

// add takes the next record, of a kind that the caller knows, and gives its number,
// from 0.
func (a *arrivals) add(id string, kind uint8) (no uint64, err error) {
	sum := sha256.Sum256([]byte(id))
	no = a.n
	a.n++
	return no, a.ids.Add([3]uint64{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:]), no*arrivalKinds + uint64(kind)})
}

// A numberSet is a set of small numbers, a bit each.
type numberSet []uint64

func (s numberSet) add(no uint64)      { s[no/64] |= 1 << (no % 64) }
func (s numberSet) has(no uint64) bool { return s[no/64]&(1<<(no%64)) != 0 }

// superseded are the numbers of the records that came again later, and how many
// ids there are by the kind of the last record of each.
func (a *arrivals) superseded() (again numberSet, ids [arrivalKinds]int, err error) {
	again = make(numberSet, a.n/64+1)
	cursor, err := a.ids.Read()
	if err != nil {
		return nil, ids, err
	}
	var last [3]uint64
	for first := true; ; first = false {
		next, ok, err := cursor.Next()
		if err != nil {
			return nil, ids, err
		}
		switch no, kind := last[2]/arrivalKinds, last[2]%arrivalKinds; {
		case first:
		case ok && last[0] == next[0] && last[1] == next[1]:
			again.add(no)
		default:
			ids[kind]++
		}
		if !ok {
			return again, ids, nil
		}
		last = next
	}
}

func (a *arrivals) close() error { return a.ids.Close() }
