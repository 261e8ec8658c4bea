// Package packed writes and reads the numbers and texts of states and temporary
// files: numbers as the varints of encoding/binary, a text as its length and its
// bytes, one behind the other, so that no two lists of them come out the same.
package packed

import "encoding/binary"

// AppendText appends a text.
func AppendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// A Reader takes numbers and texts off the front of what was packed. After one
// fault it reads nothing more, and all that it gives is zero: whoever reads looks
// at the end whether it is [Reader.Broken].
type Reader struct {
	rest   []byte
	broken bool
}

// Read starts at the front of b, which stays the caller's.
func Read(b []byte) Reader { return Reader{rest: b} }

// Broken says whether something was not as it is packed.
func (r *Reader) Broken() bool { return r.broken }

// Len is how many bytes are left.
func (r *Reader) Len() int { return len(r.rest) }

// Break makes the reader broken: what it gave cannot be.
func (r *Reader) Break() { r.broken, r.rest = true, nil }

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if len(r.rest) == 0 {
		r.Break()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// Uvarint reads what binary.AppendUvarint wrote.
func (r *Reader) Uvarint() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.Break()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// Varint reads what binary.AppendVarint wrote.
func (r *Reader) Varint() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.Break()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// Text reads what [AppendText] wrote: a part of what is read, no copy.
func (r *Reader) Text() []byte {
	n := r.Uvarint()
	if n > uint64(len(r.rest)) {
		r.Break()
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}
