// Package extsort sorts more than fits in memory.
//
// Terms: an entry is a key and a value; a group is all entries of one key; a
// run is a sorted piece of the temporary file.
package extsort

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
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

	live   []kept
	blocks [][]byte // their bytes, in the order in which they came
	block  int      // the one that is being filled
	bytes  int      // in all blocks, and what live takes
	file   *nameless.File
	size   int64
	runs   []int64 // where each run ends
}

// An Entry is a key and its value.
type Entry struct{ Key, Value []byte }

// A kept entry is in memory.
type kept struct {
	prefix uint64 // of its key
	no     int32  // in its order
	block  int32
	at     int32 // in the block
	key    int32 // how long its key is
	length int32 // of all of it
}

// DefaultLimit is a fair Limit: 16 MiB.
const DefaultLimit = 16 << 20

const (
	keptSize  = 32       // what an entry takes beside its bytes
	blockSize = 64 << 10 // of blocks in memory, and of what is read of a run at once
)

// Add keeps an entry; both slices are copied.
func (s *Sorter) Add(key string, value []byte) error {
	length := len(key) + len(value)
	block := s.room(length)
	b := s.blocks[block]
	s.live = append(s.live, kept{prefix(key), int32(len(s.live)), int32(block), int32(len(b)), int32(len(key)), int32(length)})
	s.blocks[block] = append(append(b, key...), value...)
	if s.bytes += length + keptSize; s.bytes < s.Limit {
		return nil
	}
	return s.spill()
}

// room is a block in which there is room for so many bytes. Blocks are used
// again after a spill, but for those of a single large entry.
func (s *Sorter) room(n int) int {
	if n > blockSize {
		s.blocks = append(s.blocks, make([]byte, 0, n))
		return len(s.blocks) - 1
	}
	for s.block < len(s.blocks) && cap(s.blocks[s.block])-len(s.blocks[s.block]) < n {
		s.block++
	}
	if s.block == len(s.blocks) {
		s.blocks = append(s.blocks, make([]byte, 0, blockSize))
	}
	return s.block
}

// prefix is the beginning of a key as a number: most keys can be told apart by it.
func prefix[K string | []byte](key K) (p uint64) {
	for i := range min(len(key), 8) {
		p |= uint64(key[i]) << (56 - 8*i)
	}
	return p
}

func (s *Sorter) entry(k *kept) Entry {
	b := s.blocks[k.block][k.at : k.at+k.length : k.at+k.length]
	return Entry{b[:k.key:k.key], b[k.key:]}
}

func (s *Sorter) sort() {
	slices.SortFunc(s.live, func(a, b kept) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		return cmp.Or(bytes.Compare(s.entry(&a).Key, s.entry(&b).Key), cmp.Compare(a.no, b.no))
	})
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
	for i := range s.live {
		e := s.entry(&s.live[i])
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
	s.blocks = slices.DeleteFunc(s.blocks, func(b []byte) bool { return cap(b) > blockSize })
	for i := range s.blocks {
		s.blocks[i] = s.blocks[i][:0]
	}
	s.live, s.block, s.bytes = s.live[:0], 0, 0
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

// Entries iterates over everything in order. What it gives is not written over.
func (s *Sorter) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if len(s.runs) == 0 {
			s.sort()
			for i := range s.live {
				if !yield(s.entry(&s.live[i]), nil) {
					return
				}
			}
			return
		}
		m, err := s.merge()
		for ; err == nil && len(m) > 0; err = m.advance() {
			if !yield(m[0].entry, nil) {
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
	s.live, s.blocks = nil, nil
	var m merging
	from := int64(0)
	for i, to := range s.runs {
		r := &sortedRun{no: i, file: s.file, at: from, end: to}
		if err := r.next(); err != nil {
			return nil, err
		}
		from, m = to, append(m, r)
	}
	for i := len(m)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return m, nil
}

// A sortedRun is one run being read.
type sortedRun struct {
	no      int
	file    io.ReaderAt
	at, end int64  // of what is not read yet
	b       []byte // what is read, without what was given out
	entry   Entry
	prefix  uint64
}

// next reads an entry; io.EOF after the last.
func (r *sortedRun) next() (err error) {
	if len(r.b) == 0 && r.at == r.end {
		return io.EOF
	}
	if r.entry.Key, err = r.part(); err != nil {
		return err
	}
	r.prefix = prefix(r.entry.Key)
	r.entry.Value, err = r.part()
	return err
}

func (r *sortedRun) part() ([]byte, error) {
	for {
		n, width := binary.Uvarint(r.b)
		if width > 0 && n <= uint64(len(r.b)-width) {
			all := r.b[width:]
			r.b = all[n:]
			return all[:n:n], nil
		}
		if width < 0 || r.at == r.end {
			return nil, io.ErrUnexpectedEOF
		}
		if err := r.more(n); err != nil {
			return nil, err
		}
	}
}

// more reads on, so that n bytes and their length are there as far as the run goes. It
// takes new memory: what was given out stays.
func (r *sortedRun) more(n uint64) error {
	all := int64(len(r.b)) + r.end - r.at
	size := int64(min(max(n, blockSize), uint64(all)))
	b := make([]byte, min(size+binary.MaxVarintLen64, all))
	had := copy(b, r.b)
	read, err := r.file.ReadAt(b[had:], r.at)
	if read < len(b)-had {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	r.b, r.at = b, r.at+int64(read)
	return nil
}

// merging is a heap of the runs that are not at their end.
type merging []*sortedRun

func (m merging) before(i, j int) bool {
	a, b := m[i], m[j]
	if a.prefix != b.prefix {
		return a.prefix < b.prefix
	}
	return cmp.Or(bytes.Compare(a.entry.Key, b.entry.Key), cmp.Compare(a.no, b.no)) < 0
}

// down moves the run at i to its place below.
func (m merging) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(m) {
			return
		}
		if child+1 < len(m) && m.before(child+1, child) {
			child++
		}
		if !m.before(child, i) {
			return
		}
		m[i], m[child] = m[child], m[i]
		i = child
	}
}

// advance goes on to the next entry.
func (m *merging) advance() error {
	switch err := (*m)[0].next(); {
	case err == io.EOF:
		last := len(*m) - 1
		(*m)[0] = (*m)[last]
		*m = (*m)[:last]
	case err != nil:
		return err
	}
	m.down(0)
	return nil
}

// Close removes the temporary file.
func (s *Sorter) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
