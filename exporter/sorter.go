package exporter

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
)

// A sorter brings together what has one key, in memory that does not grow: up
// to limit bytes wait in memory, then they are written, sorted, to a temporary
// file as a run, and at the end the runs are merged. What has one key comes in
// the order in which it was added.
//
// An entry of the file is: uvarint length, key, uvarint length, value.
type sorter struct {
	limit int // bytes of keys and values in memory

	live  []sorted
	bytes int
	file  *os.File
	size  int64
	runs  []int64 // where each run ends
}

// sorted is one entry.
type sorted struct{ key, value []byte }

// sorterLimit is how much one sorter keeps in memory.
const sorterLimit = 16 << 20

// add keeps an entry; both slices are copied.
func (s *sorter) add(key string, value []byte) error {
	b := make([]byte, 0, len(key)+len(value))
	b = append(append(b, key...), value...)
	s.live = append(s.live, sorted{b[:len(key):len(key)], b[len(key):]})
	s.bytes += len(b) + 64
	if s.bytes < s.limit {
		return nil
	}
	return s.spill()
}

func (s *sorter) sort() {
	slices.SortStableFunc(s.live, func(a, b sorted) int { return bytes.Compare(a.key, b.key) })
}

// spill writes what is in memory as one run.
func (s *sorter) spill() (err error) {
	if s.file == nil {
		if s.file, err = os.CreateTemp("", "payrec-sort-*"); err != nil {
			return fmt.Errorf("no room to sort in: %w", err)
		}
		os.Remove(s.file.Name()) // where it may; elsewhere close does
	}
	s.sort()
	w := bufio.NewWriterSize(io.NewOffsetWriter(s.file, s.size), 256<<10)
	var head []byte
	for _, e := range s.live {
		for _, part := range [][]byte{e.key, e.value} {
			head = binary.AppendUvarint(head[:0], uint64(len(part)))
			w.Write(head) // a failure sticks until Flush
			w.Write(part)
			s.size += int64(len(head) + len(part))
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("no room to sort in %s: %w", os.TempDir(), err)
	}
	s.runs = append(s.runs, s.size)
	clear(s.live)
	s.live, s.bytes = s.live[:0], 0
	return nil
}

// groups iterates over the keys in ascending order of their bytes, each with
// its values, which are valid until the next step. Nothing may be added once it
// has begun; it may be run again. An error is yielded last.
func (s *sorter) groups() iter.Seq2[group, error] {
	return func(yield func(group, error) bool) {
		var g group
		for e, err := range s.entries() {
			if err != nil {
				yield(group{}, err)
				return
			}
			if len(g.values) > 0 && !bytes.Equal(g.key, e.key) {
				if !yield(g, nil) {
					return
				}
				g.values = g.values[:0]
			}
			g.key, g.values = e.key, append(g.values, e.value)
		}
		if len(g.values) > 0 {
			yield(g, nil)
		}
	}
}

// A group is everything of one key.
type group struct {
	key    []byte
	values [][]byte
}

// entries iterates over everything in order.
func (s *sorter) entries() iter.Seq2[sorted, error] {
	return func(yield func(sorted, error) bool) {
		if len(s.runs) == 0 {
			s.sort()
			for _, e := range s.live {
				if !yield(e, nil) {
					return
				}
			}
			return
		}
		h, err := s.merge()
		for ; err == nil && h.Len() > 0; err = h.advance() {
			if !yield(h[0].entry, nil) {
				return
			}
		}
		if err != nil {
			yield(sorted{}, fmt.Errorf("what was sorted cannot be read again: %w", err))
		}
	}
}

// merge opens all runs, each at its first entry.
func (s *sorter) merge() (merging, error) {
	if len(s.live) > 0 {
		if err := s.spill(); err != nil {
			return nil, err
		}
	}
	var h merging
	from := int64(0)
	for i, to := range s.runs {
		r := &sortedRun{no: i, r: bufio.NewReaderSize(io.NewSectionReader(s.file, from, to-from), 64<<10)}
		if err := r.next(); err != nil {
			return nil, err
		}
		from, h = to, append(h, r)
	}
	heap.Init(&h)
	return h, nil
}

// A sortedRun is one run being read.
type sortedRun struct {
	no    int
	r     *bufio.Reader
	entry sorted
}

// next reads an entry; io.EOF after the last.
func (r *sortedRun) next() (err error) {
	var e sorted
	if e.key, err = r.part(); err != nil {
		return err
	}
	if e.value, err = r.part(); errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	r.entry = e
	return err
}

func (r *sortedRun) part() ([]byte, error) {
	n, err := binary.ReadUvarint(r.r)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	if _, err = io.ReadFull(r.r, b); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

// merging is the heap of the runs that are not at their end.
type merging []*sortedRun

func (m merging) Len() int      { return len(m) }
func (m merging) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m merging) Less(i, j int) bool {
	return cmp.Or(bytes.Compare(m[i].entry.key, m[j].entry.key), cmp.Compare(m[i].no, m[j].no)) < 0
}
func (m *merging) Push(x any) { *m = append(*m, x.(*sortedRun)) }
func (m *merging) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}

// advance goes on to the next entry.
func (m *merging) advance() error {
	switch err := (*m)[0].next(); {
	case err == io.EOF:
		heap.Pop(m)
	case err != nil:
		return err
	default:
		heap.Fix(m, 0)
	}
	return nil
}

// close removes the temporary file.
func (s *sorter) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	os.Remove(s.file.Name())
	return err
}
