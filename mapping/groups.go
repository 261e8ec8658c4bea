package mapping

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/nameless"
)

// Groups of rows, by key, in bounded memory.
//
// Up to a limit the groups' states live in a map. When it is full they are
// sorted by key and written to a temporary file as a run, and the map starts
// anew. At the end the runs are merged: states of one key in the order of
// their rows. An entry of the file is
//
//	uvarint length, key, then per aggregate: uvarint length, state

// An aggregate is a compiled expression over rows, and what each row must have.
type aggregate struct {
	*expression.Aggregate
	refs   []int
	source string
}

// A payLet is a value over a payment's rows.
type payLet struct {
	name      string
	index     int
	aggregate *aggregate
}

// maxGroups is how many groups live in memory at once.
const maxGroups = 50_000

type states []*expression.State

type groups struct {
	aggregates []*aggregate
	limit      int
	live       map[string]states
	most       int // live states ever at once
	lastKey    string
	last       states // of lastKey: rows of a group mostly stand together; nil: unknown

	file   *nameless.File
	size   int64
	runs   []span
	merged *span // of the file, once lookups were prepared
	index  []indexEntry
	bad    map[string]error // keys whose states could not be merged
	block  []byte           // reused by find
	entry  []byte           // reused by write
	state  []byte           // likewise
	new    states           // of groups to come
	keys   scratch          // where the live keys are
	closed bool
}

type span struct{ from, to int64 }

// An indexEntry is where in the merged span a key's entry starts.
type indexEntry struct {
	key string
	at  int64
}

// indexEvery is how many entries of the merged file share one of the index.
const indexEvery = 32

func newGroups(limit int, aggregates ...*aggregate) *groups {
	return &groups{aggregates: aggregates, limit: limit, live: map[string]states{}}
}

// of is the states of a key, to add rows to. They are valid until the next call.
func (g *groups) of(key string) (states, error) {
	if g.last != nil && key == g.lastKey {
		return g.last, nil
	}
	s, ok := g.live[key]
	if !ok {
		var err error
		if s, err = g.add(key); err != nil {
			return nil, err
		}
	}
	g.lastKey, g.last = key, s
	return s, nil
}

// add begins a group.
func (g *groups) add(key string) (states, error) {
	if len(g.live) >= g.limit {
		if err := g.spill(); err != nil {
			return nil, fmt.Errorf("cannot keep %d groups: %w", g.limit, err)
		}
	}
	s := g.fresh()
	g.live[g.keys.copied(key)] = s
	g.most = max(g.most, len(g.live))
	return s, nil
}

// freshGroups is for how many groups memory is taken at once.
const freshGroups = 32

// fresh are the states of a new group.
func (g *groups) fresh() states {
	n := len(g.aggregates)
	if len(g.new) < n {
		g.new = make(states, n*freshGroups)
		for i, a := range g.aggregates {
			for j, block := 0, a.NewStates(freshGroups); j < freshGroups; j++ {
				g.new[j*n+i] = &block[j]
			}
		}
	}
	s := g.new[:n:n]
	g.new = g.new[n:]
	return s
}

// spill writes the live groups as one run and forgets them.
func (g *groups) spill() error {
	if g.file == nil {
		f, err := nameless.Create("payrec-groups-*") // no crash leaves customers' references behind
		if err != nil {
			return err
		}
		g.file = f
	}
	start := g.size
	if _, err := g.file.Seek(start, io.SeekStart); err != nil {
		return err
	}
	w := bufio.NewWriterSize(g.file, 1<<16)
	for _, key := range sortedKeys(g.live) {
		if err := g.write(w, key, g.live[key]); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	g.runs = append(g.runs, span{start, g.size})
	clear(g.live)
	g.last = nil
	return nil
}

func (g *groups) write(w *bufio.Writer, key string, s states) error {
	b := binary.AppendUvarint(g.entry[:0], uint64(len(key)))
	b = append(b, key...)
	for _, state := range s {
		var err error
		if g.state, err = state.AppendBinary(g.state[:0]); err != nil {
			return err
		}
		b = binary.AppendUvarint(b, uint64(len(g.state)))
		b = append(b, g.state...)
	}
	g.entry = b
	g.size += int64(len(b))
	_, err := w.Write(b)
	return err
}

// A runReader reads the entries of one span.
type runReader struct {
	g     *groups
	r     *bufio.Reader
	buf   []byte // of the part read last
	key   string
	state states
}

func (g *groups) reader(s span) *runReader {
	return &runReader{g: g, r: bufio.NewReaderSize(io.NewSectionReader(g.file, s.from, s.to-s.from), 1<<15)}
}

func (r *runReader) bytes() ([]byte, error) {
	n, err := binary.ReadUvarint(r.r)
	if err != nil {
		return nil, err
	}
	if n > uint64(cap(r.buf)) {
		r.buf = make([]byte, n, 2*n)
	}
	b := r.buf[:n]
	_, err = io.ReadFull(r.r, b)
	return b, err
}

// next reads an entry; io.EOF after the last.
func (r *runReader) next() error {
	key, err := r.bytes()
	if err != nil {
		return err
	}
	r.key, r.state = string(key), make(states, len(r.g.aggregates))
	for i, a := range r.g.aggregates {
		data, err := r.bytes()
		if err != nil {
			return errors.Join(err, io.ErrUnexpectedEOF)
		}
		if r.state[i], err = a.UnmarshalState(data); err != nil {
			return err
		}
	}
	return nil
}

// each calls f for every group in ascending order of keys. A group whose states
// cannot be merged (two currencies) comes with the reason; an error of f ends it.
func (g *groups) each(f func(key string, s states, bad error) error) error {
	if len(g.runs) == 0 {
		for _, key := range sortedKeys(g.live) {
			if err := f(key, g.live[key], nil); err != nil {
				return err
			}
		}
		return nil
	}
	if len(g.live) > 0 {
		if err := g.spill(); err != nil {
			return err
		}
	}
	var readers []*runReader // those not at their end, in the order of the rows
	for _, s := range g.runs {
		r := g.reader(s)
		if err := r.next(); err != nil {
			return err
		}
		readers = append(readers, r)
	}
	for len(readers) > 0 {
		key := readers[0].key
		for _, r := range readers {
			key = min(key, r.key)
		}
		var total states
		var bad error
		for i := 0; i < len(readers); i++ {
			r := readers[i]
			if r.key != key {
				continue
			}
			if merged, err := mergeStates(total, r.state); err != nil {
				bad = err
			} else {
				total = merged
			}
			if err := r.next(); err == io.EOF {
				readers = slices.Delete(readers, i, i+1)
				i--
			} else if err != nil {
				return err
			}
		}
		if err := f(key, total, bad); err != nil {
			return err
		}
	}
	return nil
}

func mergeStates(a, b states) (states, error) {
	if a == nil {
		return b, nil
	}
	for i := range a {
		if err := a[i].Merge(b[i]); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// prepare makes the groups ready for find.
func (g *groups) prepare() error {
	if len(g.runs) == 0 || g.merged != nil {
		return nil
	}
	if len(g.live) > 0 {
		if err := g.spill(); err != nil {
			return err
		}
	}
	start, n := g.size, 0
	if _, err := g.file.Seek(start, io.SeekStart); err != nil {
		return err
	}
	w := bufio.NewWriterSize(g.file, 1<<16)
	err := g.each(func(key string, s states, bad error) error {
		if bad != nil {
			if g.bad == nil {
				g.bad = map[string]error{}
			}
			if len(g.bad) < g.limit {
				g.bad[key] = bad
			}
			return nil // find says so
		}
		if n%indexEvery == 0 {
			g.index = append(g.index, indexEntry{key, g.size})
		}
		n++
		return g.write(w, key, s)
	})
	if err = errors.Join(err, w.Flush()); err != nil {
		return err
	}
	g.merged, g.runs = &span{start, g.size}, []span{{start, g.size}}
	return nil
}

// find is the states of a key after prepare; nil when it has none.
func (g *groups) find(key string) (states, error) {
	if err := g.bad[key]; err != nil {
		return nil, err
	}
	if g.merged == nil {
		return g.live[key], nil
	}
	i := sort.Search(len(g.index), func(i int) bool { return g.index[i].key > key }) - 1
	if i < 0 {
		return nil, nil
	}
	to := g.merged.to
	if i+1 < len(g.index) {
		to = g.index[i+1].at
	}
	size := int(to - g.index[i].at)
	g.block = slices.Grow(g.block[:0], size)[:size]
	if _, err := g.file.ReadAt(g.block, g.index[i].at); err != nil {
		return nil, err
	}
	for rest := g.block; len(rest) > 0; {
		found, err := cutBytes(&rest)
		if err != nil {
			return nil, err
		}
		s, err := g.statesOf(&rest, string(found) == key)
		if s != nil || err != nil {
			return s, err
		}
	}
	return nil, nil
}

// statesOf cuts an entry's states from b. It decodes them only when they are
// wanted: most entries are passed over on the way to the one that is sought.
func (g *groups) statesOf(b *[]byte, wanted bool) (states, error) {
	var s states
	for _, a := range g.aggregates {
		data, err := cutBytes(b)
		if err != nil {
			return nil, err
		}
		if wanted {
			state, err := a.UnmarshalState(data)
			if err != nil {
				return nil, err
			}
			s = append(s, state)
		}
	}
	return s, nil
}

// cutBytes takes a length and so many bytes from the front of b.
func cutBytes(b *[]byte) ([]byte, error) {
	n, size := binary.Uvarint(*b)
	if size <= 0 || n > uint64(len(*b)-size) {
		return nil, io.ErrUnexpectedEOF
	}
	data := (*b)[size : size+int(n)]
	*b = (*b)[size+int(n):]
	return data, nil
}

// Close removes the temporary file.
func (g *groups) Close() error {
	if g.file == nil || g.closed {
		return nil
	}
	g.closed = true
	return g.file.Close()
}
