package exporter

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"slices"
)

// A shelf keeps payments in order on disk, each behind its length, and nothing of
// them in memory: it is read from the beginning.
type shelf struct {
	*spool
	n    int
	head [binary.MaxVarintLen64]byte
}

func newShelf() (*shelf, error) {
	s, err := newSpool()
	return &shelf{spool: s}, err
}

// add puts a payment behind those that are there.
func (s *shelf) add(encoded []byte) error {
	_, err := s.putBytes(s.head[:binary.PutUvarint(s.head[:], uint64(len(encoded)))], encoded)
	s.n++
	return err
}

// A shelfReader goes over a shelf.
type shelfReader struct {
	r    *bufio.Reader
	left int
}

func (s *shelf) read() *shelfReader {
	return &shelfReader{bufio.NewReaderSize(io.NewSectionReader(s.file, 0, s.size), 256<<10), s.n}
}

// next appends the next payment to b; io.EOF after the last one.
func (r *shelfReader) next(b []byte) ([]byte, error) {
	if r.left == 0 {
		return b, io.EOF
	}
	r.left--
	n, err := binary.ReadUvarint(r.r)
	if err == nil {
		at := len(b)
		b = slices.Grow(b, int(n))[:at+int(n)]
		_, err = io.ReadFull(r.r, b[at:])
	}
	return b, lost(err)
}

// skip goes past so many payments.
func (r *shelfReader) skip(n int) error {
	for range min(n, r.left) {
		r.left--
		n, err := binary.ReadUvarint(r.r)
		if err == nil {
			_, err = r.r.Discard(int(n))
		}
		if err != nil {
			return lost(err)
		}
	}
	return nil
}

func lost(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		err = fmt.Errorf("what was read cannot be read again: %w", err)
	}
	return err
}

// encoded iterates over the payments from one number in the order up to, but
// without, another. The bytes are borrowed until the next step.
func (s *shelf) encoded(from, to int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		r := s.read()
		err := r.skip(from)
		var b []byte
		for i := from; i < min(to, s.n) && err == nil; i++ {
			if b, err = r.next(b[:0]); err == nil && !yield(b, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// lots iterates over the same in lots, which it takes from those that are free. It
// ends early when stop is closed.
func (s *shelf) lots(from, to int, free <-chan *lot, stop <-chan struct{}) iter.Seq[*lot] {
	return func(yield func(*lot) bool) {
		r := s.read()
		err := r.skip(from)
		for from < min(to, s.n) {
			var l *lot
			select {
			case l = <-free:
			case <-stop:
				return
			}
			l.first, l.n, l.raw, l.err = from, 0, l.raw[:0], err
			for l.err == nil && l.n < lotSize && from < min(to, s.n) {
				if l.raw, l.err = r.next(l.raw); l.err == nil {
					l.ends[l.n] = len(l.raw)
					l.n++
					from++
				}
			}
			if !yield(l) || l.err != nil {
				return
			}
		}
	}
}
