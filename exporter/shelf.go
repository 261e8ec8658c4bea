package exporter

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"slices"
)

// A shelf keeps payments, or what is said of them, in order on disk, each behind its length. In memory is
// where one in every stretch of them lies: 8 bytes for stretchSize payments.
type shelf struct {
	*spool
	n     int
	marks []int64 // where each stretch begins
	head  [binary.MaxVarintLen64]byte

	held    int    // the stretch that was looked into last, counted from 1
	stretch []byte // it
}

// stretchSize is how many payments are read to look at one.
const stretchSize = 32

func newShelf() (*shelf, error) {
	s, err := newSpool()
	return &shelf{spool: s}, err
}

// add puts a payment behind those that are there.
func (s *shelf) add(encoded []byte) error {
	if s.n%stretchSize == 0 {
		s.marks = append(s.marks, s.size)
	}
	s.n++
	_, err := s.putBytes(s.head[:binary.PutUvarint(s.head[:], uint64(len(encoded)))], encoded)
	return err
}

// at reads one payment; it is borrowed until the next call.
func (s *shelf) at(no int) ([]byte, error) {
	k, end := no/stretchSize, s.size
	if s.held != k+1 {
		if k+1 < len(s.marks) {
			end = s.marks[k+1]
		}
		s.held, s.stretch = 0, slices.Grow(s.stretch[:0], int(end-s.marks[k]))[:end-s.marks[k]]
		if _, err := s.file.ReadAt(s.stretch, s.marks[k]); err != nil {
			return nil, lost(err)
		}
		s.held = k + 1
	}
	b := s.stretch
	for i := no % stretchSize; ; i-- {
		n, width := binary.Uvarint(b)
		if width <= 0 || n > uint64(len(b)-width) {
			return nil, lost(io.EOF)
		}
		if i == 0 {
			return b[width : width+int(n)], nil
		}
		b = b[width+int(n):]
	}
}

// A shelfReader goes over a shelf.
type shelfReader struct {
	r    *bufio.Reader
	left int
}

// from is a reader before the payment of this number.
func (s *shelf) from(no int) (*shelfReader, error) {
	if no >= s.n {
		return &shelfReader{}, nil
	}
	k := no / stretchSize
	r := &shelfReader{bufio.NewReaderSize(io.NewSectionReader(s.file, s.marks[k], s.size-s.marks[k]), 256<<10), s.n - k*stretchSize}
	return r, r.skip(no % stretchSize)
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
	for range n {
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
		r, err := s.from(from)
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
		r, err := s.from(from)
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
