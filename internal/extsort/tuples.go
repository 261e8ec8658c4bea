package extsort

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/payrec/payrec/internal/nameless"
)

// Words are the tuples that [Tuples] sorts: a few numbers, compared one after
// the other.
type Words interface {
	~[3]uint64 | ~[4]uint64 | ~[5]uint64
}

// DefaultTuples is a fair Limit of [Tuples]: some 20 MiB.
const DefaultTuples = 1 << 19

// Tuples sorts tuples of fixed width, without an allocation for any of them:
// up to Limit wait in memory, then they are written, sorted, to a temporary
// file without a name as a run, and at the end the runs are merged. It is not
// safe for concurrent use, and is to be closed.
type Tuples[T Words] struct {
	Limit int // tuples in memory; 0 is DefaultTuples

	live  []T
	spare []T // for sorting, as large as live
	n     int64
	file  *nameless.File
	size  int64
	runs  []int64 // where each run ends
	ended bool    // live is sorted, nothing may be added
}

// Add keeps a tuple. Nothing may be added once it was read.
func (s *Tuples[T]) Add(t T) error {
	if s.Limit == 0 {
		s.Limit = DefaultTuples
	}
	if len(s.live) >= s.Limit {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if len(s.live) == cap(s.live) {
		s.live = slices.Grow(s.live, s.further())
	}
	s.live = append(s.live, t)
	s.n++
	return nil
}

// further is how many tuples memory is taken for. Where there are many, all that
// are allowed: to grow step by step would copy each of them several times.
func (s *Tuples[T]) further() int {
	const few = 1 << 13
	if len(s.live) < few {
		return min(max(len(s.live), 64), s.Limit-len(s.live))
	}
	return s.Limit - len(s.live)
}

// Len is how many were added.
func (s *Tuples[T]) Len() int64 { return s.n }

// sort brings those in memory into order. Most first words are hashes: they
// spread evenly, so one pass by their highest bits leaves little to compare.
func (s *Tuples[T]) sort() {
	const few = 64
	if len(s.live) < few {
		slices.SortFunc(s.live, compare[T])
		return
	}
	high, buckets := s.spread()
	ends := make([]int, buckets)
	for i := range s.live {
		ends[s.live[i][0]>>high]++
	}
	at := 0
	for i, n := range ends {
		ends[i] = at
		at += n
	}
	if cap(s.spare) < len(s.live) {
		s.spare = make([]T, cap(s.live))
	}
	s.spare = s.spare[:len(s.live)]
	for i := range s.live {
		bucket := s.live[i][0] >> high
		s.spare[ends[bucket]] = s.live[i]
		ends[bucket]++
	}
	s.live, s.spare = s.spare, s.live
	from := 0
	for _, to := range ends {
		if to-from > few {
			slices.SortFunc(s.live[from:to], compare[T])
		} else if to-from > 1 {
			insertionSort(s.live[from:to])
		}
		from = to
	}
}

// spread is by which highest bits of their first words the tuples fall into a
// few of each kind, and how many kinds that makes.
func (s *Tuples[T]) spread() (shift, buckets int) {
	most := uint64(len(s.live) / 8)
	var all uint64
	for i := range s.live {
		all |= s.live[i][0]
	}
	for all>>shift > most {
		shift++
	}
	return shift, int(all>>shift) + 1
}

func insertionSort[T Words](list []T) {
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && less(&list[j], &list[j-1]); j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}

func less[T Words](a, b *T) bool {
	if (*a)[0] != (*b)[0] {
		return (*a)[0] < (*b)[0]
	}
	return compare(*a, *b) < 0
}

func compare[T Words](a, b T) int {
	for i := range len(a) {
		if a[i] != b[i] {
			if a[i] < b[i] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// spill writes what is in memory as one run.
func (s *Tuples[T]) spill() (err error) {
	if s.file == nil {
		if s.file, err = nameless.Create("payrec-sort-*"); err != nil {
			return fmt.Errorf("no room to sort in: %w", err)
		}
	}
	s.sort()
	w := bufio.NewWriterSize(io.NewOffsetWriter(s.file, s.size), 256<<10)
	var b [5 * 8]byte
	for _, t := range s.live {
		for i := range len(t) {
			binary.LittleEndian.PutUint64(b[8*i:], t[i])
		}
		w.Write(b[:8*len(t)]) // a failure sticks until Flush
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("no room to sort in %s: %w", os.TempDir(), err)
	}
	var t T
	s.size += int64(len(s.live)) * int64(8*len(t))
	s.runs = append(s.runs, s.size)
	s.live = s.live[:0]
	return nil
}

// Read is a cursor before the first tuple. Several may be at work at once.
func (s *Tuples[T]) Read() (*TupleCursor[T], error) {
	if len(s.runs) > 0 && len(s.live) > 0 {
		if err := s.spill(); err != nil {
			return nil, err
		}
	}
	if !s.ended {
		s.sort()
		s.spare, s.ended = nil, true
	}
	if len(s.runs) == 0 {
		return &TupleCursor[T]{live: s.live}, nil
	}
	s.live = nil
	c := &TupleCursor[T]{}
	from := int64(0)
	for _, to := range s.runs {
		r := &tupleRun[T]{r: bufio.NewReaderSize(io.NewSectionReader(s.file, from, to-from), 32<<10)}
		if err := r.next(); err != nil {
			return nil, errors.Join(errRead, err)
		}
		c.heap = append(c.heap, r)
		from = to
	}
	for i := len(c.heap)/2 - 1; i >= 0; i-- {
		c.down(i)
	}
	return c, nil
}

// Close frees the temporary file.
func (s *Tuples[T]) Close() error {
	s.live, s.spare = nil, nil
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

var errRead = errors.New("what was sorted cannot be read again")

// A TupleCursor reads sorted tuples from first to last.
type TupleCursor[T Words] struct {
	live []T
	heap []*tupleRun[T] // of the runs not at their end, by their next tuple
}

// Next is the next tuple; ok is false after the last.
func (c *TupleCursor[T]) Next() (t T, ok bool, err error) {
	if len(c.live) > 0 {
		t, c.live = c.live[0], c.live[1:]
		return t, true, nil
	}
	if len(c.heap) == 0 {
		return t, false, nil
	}
	first := c.heap[0]
	t = first.tuple
	switch err := first.next(); {
	case err == io.EOF:
		last := len(c.heap) - 1
		c.heap[0] = c.heap[last]
		c.heap = c.heap[:last]
	case err != nil:
		return t, false, errors.Join(errRead, err)
	}
	c.down(0)
	return t, true, nil
}

// down moves the run at i to its place below.
func (c *TupleCursor[T]) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(c.heap) {
			return
		}
		if child+1 < len(c.heap) && compare(c.heap[child+1].tuple, c.heap[child].tuple) < 0 {
			child++
		}
		if compare(c.heap[i].tuple, c.heap[child].tuple) <= 0 {
			return
		}
		c.heap[i], c.heap[child] = c.heap[child], c.heap[i]
		i = child
	}
}

// A tupleRun is one run being read.
type tupleRun[T Words] struct {
	r     *bufio.Reader
	tuple T
}

// next reads a tuple; io.EOF after the last.
func (r *tupleRun[T]) next() error {
	b, err := r.r.Peek(8 * len(r.tuple))
	if err != nil {
		if err == io.EOF && len(b) > 0 {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	for i := range len(r.tuple) {
		r.tuple[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	_, err = r.r.Discard(8 * len(r.tuple))
	return err
}
