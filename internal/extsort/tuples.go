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

// DefaultTuples is a fair Limit of [Tuples]: some 30 MiB for those of five words.
const DefaultTuples = 1 << 18

// Tuples sorts tuples of fixed width, without an allocation for any of them:
// up to Limit wait in memory, then they are written, sorted, to a temporary
// file without a name as a run, while others are added, and at the end the runs
// are merged. It is not safe for concurrent use, and is to be closed.
type Tuples[T Words] struct {
	Limit int // tuples in memory; 0 is DefaultTuples. The run being written is there as well, and room to sort it

	live  []T
	n     int64
	file  *nameless.File
	size  int64
	runs  []int64 // where each run ends
	ended bool    // live is sorted, nothing may be added

	writing     chan error // what came of the run being written; nil: none is
	idle, spare []T        // of whoever writes it: memory for live, and for sorting
	err         error      // first failure; final
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

// sorted brings tuples into order; spare is memory to do it in. Both are used
// up, and what is left of them is other. Most first words are hashes: they spread evenly,
// so one pass by their highest bits leaves little to compare.
func sorted[T Words](list, spare []T) (ordered, other []T) {
	const few = 64
	if len(list) < few {
		slices.SortFunc(list, compare[T])
		return list, spare
	}
	high, buckets := spread(list)
	ends := make([]int, buckets)
	for i := range list {
		ends[list[i][0]>>high]++
	}
	at := 0
	for i, n := range ends {
		ends[i] = at
		at += n
	}
	if cap(spare) < len(list) {
		spare = make([]T, cap(list))
	}
	spare = spare[:len(list)]
	for i := range list {
		bucket := list[i][0] >> high
		spare[ends[bucket]] = list[i]
		ends[bucket]++
	}
	from := 0
	for _, to := range ends {
		if to-from > few {
			slices.SortFunc(spare[from:to], compare[T])
		} else if to-from > 1 {
			insertionSort(spare[from:to])
		}
		from = to
	}
	return spare, list
}

// spread is by which highest bits of their first words the tuples fall into a
// few of each kind, and how many kinds that makes.
func spread[T Words](list []T) (shift, buckets int) {
	most := uint64(len(list) / 8)
	var all uint64
	for i := range list {
		all |= list[i][0]
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

// spill begins to write what is in memory as one run.
func (s *Tuples[T]) spill() (err error) {
	if err := s.written(); err != nil {
		return err
	}
	if s.file == nil {
		if s.file, err = nameless.Create("payrec-sort-*"); err != nil {
			return fmt.Errorf("no room to sort in: %w", err)
		}
	}
	full, at := s.live, s.size
	s.live = s.idle[:0]
	var t T
	s.size += int64(len(full)) * int64(8*len(t))
	s.runs = append(s.runs, s.size)
	s.writing = make(chan error, 1)
	go func() {
		s.idle, s.spare = sorted(full, s.spare)
		s.writing <- writeRun(io.NewOffsetWriter(s.file, at), s.idle)
	}()
	return nil
}

func writeRun[T Words](to io.Writer, run []T) error {
	w := bufio.NewWriterSize(to, 256<<10)
	var b [5 * 8]byte
	for _, t := range run {
		for i := range len(t) {
			binary.LittleEndian.PutUint64(b[8*i:], t[i])
		}
		w.Write(b[:8*len(t)]) // a failure sticks until Flush
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("no room to sort in %s: %w", os.TempDir(), err)
	}
	return nil
}

// written waits until no run is being written.
func (s *Tuples[T]) written() error {
	if s.writing != nil {
		if err := <-s.writing; s.err == nil {
			s.err = err
		}
		s.writing = nil
	}
	return s.err
}

// Read is a cursor before the first tuple. Several may be at work at once.
func (s *Tuples[T]) Read() (*TupleCursor[T], error) {
	if err := s.written(); err != nil {
		return nil, err
	}
	if !s.ended {
		s.live, _ = sorted(s.live, s.spare)
		s.idle, s.spare, s.ended = nil, nil, true
	}
	if len(s.runs) == 0 {
		return &TupleCursor[T]{live: s.live}, nil
	}
	c := &TupleCursor[T]{}
	from := int64(0)
	for _, to := range s.runs {
		if err := c.add(&tupleRun[T]{r: bufio.NewReaderSize(io.NewSectionReader(s.file, from, to-from), 32<<10)}); err != nil {
			return nil, err
		}
		from = to
	}
	if err := c.add(&tupleRun[T]{live: s.live}); err != nil {
		return nil, err
	}
	for i := len(c.heap)/2 - 1; i >= 0; i-- {
		c.down(i)
	}
	return c, nil
}

// Close frees the temporary file.
func (s *Tuples[T]) Close() error {
	s.written() // nobody asks any more what came of it
	s.live, s.idle, s.spare = nil, nil, nil
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

// add adds a run that has a tuple left.
func (c *TupleCursor[T]) add(r *tupleRun[T]) error {
	switch err := r.next(); {
	case err == nil:
		c.heap = append(c.heap, r)
	case err != io.EOF:
		return errors.Join(errRead, err)
	}
	return nil
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
	r     *bufio.Reader // nil: the rest is in memory
	live  []T
	tuple T
}

// next reads a tuple; io.EOF after the last.
func (r *tupleRun[T]) next() error {
	if r.r == nil {
		if len(r.live) == 0 {
			return io.EOF
		}
		r.tuple, r.live = r.live[0], r.live[1:]
		return nil
	}
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
