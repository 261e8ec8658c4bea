// Package extsort sorts more than fits in memory.
//
// Terms: an entry is a key and a value; a group is all entries of one key; a
// run is a sorted piece of the temporary file.
package extsort

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

	"github.com/payrec/payrec/internal/nameless"
)

// A Sorter brings together what has one key, in memory that does not grow: up
// to Limit bytes wait in memory, then they are written, sorted, to a temporary
// file as a run, and at the end the runs are merged. What has one key comes in
// the order in which it was added. It is not safe for concurrent use, and is
// to be closed.
//
// An entry of the file is: uvarint length, key, uvarint length, value.
type Sorter struct {
	Limit int // bytes of keys and values in memory; set before the first Add

	live  []Entry
	bytes int
	file  *nameless.File
	size  int64
	runs  []int64 // where each run ends
}

// An Entry is a key and its value.
type Entry struct{ Key, Value []byte }

// DefaultLimit is a fair Limit: 16 MiB.
const DefaultLimit = 16 << 20

// Add keeps an entry; both slices are copied.
func (s *Sorter) Add(key string, value []byte) error {
	b := make([]byte, 0, len(key)+len(value))
	b = append(append(b, key...), value...)
	s.live = append(s.live, Entry{b[:len(key):len(key)], b[len(key):]})
	s.bytes += len(b) + 64
	if s.bytes < s.Limit {
		return nil
	}
	return s.spill()
}

func (s *Sorter) sort() {
	slices.SortStableFunc(s.live, func(a, b Entry) int { return bytes.Compare(a.Key, b.Key) })
}

// spill writes what is in memory as one run.
func (s *Sorter) spill() (err error) {
	if s.file == nil {
		if s.file, err = nameless.Create("payrec-sort-*"); err != nil {
			return fmt.Errorf("no room to sort in: %w", err)
		}
	}
	s.sort()
	w := bufio.NewWriterSize(io.NewOffsetWriter(s.file, s.size), 256<<10)
	var head []byte
	for _, e := range s.live {
		for _, part := range [][]byte{e.Key, e.Value} {
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

// Groups iterates over the keys in ascending order of their bytes, each with
// its values, which are valid until the next step. Nothing may be added once it
// has begun; it may be run again. An error is yielded last.
func (s *Sorter) Groups() iter.Seq2[Group, error] {
	return func(yield func(Group, error) bool) {
		var g Group
		for e, err := range s.Entries() {
			if err != nil {
				yield(Group{}, err)
				return
			}
			if len(g.Values) > 0 && !bytes.Equal(g.Key, e.Key) {
				if !yield(g, nil) {
					return
				}
				g.Values = g.Values[:0]
			}
			g.Key, g.Values = e.Key, append(g.Values, e.Value)
		}
		if len(g.Values) > 0 {
			yield(g, nil)
		}
	}
}

// A Group is everything of one key.
type Group struct {
	Key    []byte
	Values [][]byte
}

// Entries iterates over everything in order.
func (s *Sorter) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
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
			yield(Entry{}, fmt.Errorf("what was sorted cannot be read again: %w", err))
		}
	}
}

// merge opens all runs, each at its first entry.
func (s *Sorter) merge() (merging, error) {
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
	entry Entry
}

// next reads an entry; io.EOF after the last.
func (r *sortedRun) next() (err error) {
	var e Entry
	if e.Key, err = r.part(); err != nil {
		return err
	}
	if e.Value, err = r.part(); errors.Is(err, io.EOF) {
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
	return cmp.Or(bytes.Compare(m[i].entry.Key, m[j].entry.Key), cmp.Compare(m[i].no, m[j].no)) < 0
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

// Close removes the temporary file.
func (s *Sorter) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
