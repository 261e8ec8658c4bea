package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync"
)

// Packing. The bodies of a plan's calls are most of its bytes, and say the same
// over and over: the names of their fields, and how many of the values begin. A
// shape keeps that once, and a packed body is what it has beyond its shape, a fifth
// of it or so. Nothing else changes: unpacked, it is the same to the last byte.
//
// A packed body is the byte 0, the number of its shape and, for each of its fields
// (what stands between "&"), one or two tokens, all as unsigned varints. The last
// two bits of a token say what the field begins with: nothing, all of the shape's
// next field, or a part of it, whose length comes next. The bits before are the
// length of what follows of the field itself. A token of the fourth kind passes
// over that many fields of the shape. A body that does not begin with the byte 0 is
// stored as it is.

const packedMark = 0

const (
	tokenOwn = iota
	tokenWhole
	tokenPart
	tokenSkip
)

// furthest is how many fields of a shape a body may lack in one place.
const furthest = 8

// A shape is what bodies have in common. It holds what many calls say, and of none
// what only that one says: it stays when they are gone. The zero shape has no
// fields.
type shape struct {
	no     int64    // the entry that brought it about; 0 for none
	fields []string // in their order: the name, "=" and how all values begin
	names  []int    // by field: length of name and "="
}

func newShape(no int64, form []byte) *shape {
	s := &shape{no: no}
	for field := range strings.SplitSeq(string(form), "&") {
		n := strings.IndexByte(field, '=') + 1
		if n == 0 {
			n = len(field)
		}
		s.fields, s.names = append(s.fields, field), append(s.names, n)
	}
	return s
}

func (s *shape) form() []byte { return []byte(strings.Join(s.fields, "&")) }

// narrow takes from the shape what the body does not share. It says whether the
// body has the same fields; if not, nothing is taken.
func (s *shape) narrow(body []byte) bool {
	if bytes.Count(body, []byte("&"))+1 != len(s.fields) {
		return false
	}
	common := make([]int, 0, 64)
	for field := range bytes.SplitSeq(body, []byte("&")) {
		i := len(common)
		n := commonPrefix(s.fields[i], field)
		if n < s.names[i] {
			return false
		}
		common = append(common, n)
	}
	for i, n := range common {
		s.fields[i] = s.fields[i][:n]
	}
	return true
}

func commonPrefix(a string, b []byte) int {
	n := min(len(a), len(b))
	if string(b[:n]) == a[:n] { // as it is nearly always, and faster than byte by byte
		return n
	}
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// pack appends the body as it is stored.
func (s *shape) pack(dst, body []byte) []byte {
	dst = binary.AppendUvarint(append(dst, packedMark), uint64(s.no))
	at := 0
	for rest, more := body, true; more; {
		var field []byte
		field, rest, more = bytes.Cut(rest, []byte("&"))
		dst, at = s.packField(dst, field, at)
	}
	return dst
}

// packField appends one field, and returns the place in the shape behind it.
func (s *shape) packField(dst, field []byte, at int) ([]byte, int) {
	for skip := range min(furthest, len(s.fields)-at) {
		f := s.fields[at+skip]
		n := commonPrefix(f, field)
		if n == 0 || n < s.names[at+skip] {
			continue
		}
		if skip > 0 {
			dst = binary.AppendUvarint(dst, uint64(skip)<<2|tokenSkip)
		}
		if rest := uint64(len(field)-n) << 2; n == len(f) {
			dst = binary.AppendUvarint(dst, rest|tokenWhole)
		} else {
			dst = binary.AppendUvarint(binary.AppendUvarint(dst, rest|tokenPart), uint64(n))
		}
		return append(dst, field[n:]...), at + skip + 1
	}
	return append(binary.AppendUvarint(dst, uint64(len(field))<<2+tokenOwn), field...), at
}

var errPacked = errors.New("a stored body cannot be read: the journal is damaged; restore it from a backup")

// unpack appends the body of which packed is what stands behind the shape's number.
func (s *shape) unpack(dst, packed []byte) ([]byte, error) {
	at := 0
	for first := true; len(packed) > 0; {
		var token, prefix uint64
		var ok bool
		if token, packed, ok = cutUvarint(packed); !ok {
			return nil, errPacked
		}
		size, kind := token>>2, token&3
		if kind == tokenSkip {
			if size > uint64(len(s.fields)-at) {
				return nil, errPacked
			}
			at += int(size)
			continue
		}
		if kind != tokenOwn && at == len(s.fields) {
			return nil, errPacked
		}
		switch kind {
		case tokenWhole:
			prefix = uint64(len(s.fields[at]))
		case tokenPart:
			if prefix, packed, ok = cutUvarint(packed); !ok || prefix > uint64(len(s.fields[at])) {
				return nil, errPacked
			}
		}
		if size > uint64(len(packed)) {
			return nil, errPacked
		}
		if !first {
			dst = append(dst, '&')
		}
		first = false
		if kind != tokenOwn {
			dst = append(dst, s.fields[at][:prefix]...)
			at++
		}
		dst, packed = append(dst, packed[:size]...), packed[size:]
	}
	return dst, nil
}

func cutUvarint(b []byte) (n uint64, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	return n, b[max(size, 0):], size > 0
}

// A packer packs the bodies of a plan. It belongs to the writer.
type packer struct {
	shapes map[shapeKey]*shape
	buf    []byte
}

// A shapeKey says which bodies are alike.
type shapeKey struct{ call, class string }

func keyOf(op *Op) shapeKey { return shapeKey{string(op.Call), op.Class} }

// shapeShare: bodies that are a smaller part of a full batch than this have no
// shape made of them. So it is not of a few people's payments.
const shapeShare = 16

// learn makes shapes of those bodies of a full batch that have none yet.
func (p *packer) learn(w *writer, b *batch) error {
	if p.shapes == nil {
		p.shapes = make(map[shapeKey]*shape)
	}
	alike := make(map[*shape]int)
	made := make(map[shapeKey]*shape)
	for i := range b.ops {
		op := &b.ops[i]
		key := keyOf(op)
		if p.shapes[key] != nil {
			continue
		}
		if made[key] == nil {
			made[key] = newShape(b.first+int64(i), op.Body)
		}
		if made[key].narrow(op.Body) {
			alike[made[key]]++
		}
	}
	for key, s := range made {
		if alike[s]*shapeShare < len(b.ops) {
			continue
		}
		if _, err := w.exec("INSERT INTO shape (no, form) VALUES (?, ?)", s.no, s.form()); err != nil {
			return err
		}
		p.shapes[key] = s
	}
	return nil
}

// stored is the body of a call as it is stored. It holds until the buffer is used
// from its beginning again.
func (p *packer) stored(op *Op) []byte {
	s := p.shapes[keyOf(op)]
	if s == nil {
		if len(op.Body) == 0 || op.Body[0] != packedMark {
			return op.Body
		}
		s = &shape{}
	}
	n := len(p.buf)
	p.buf = s.pack(p.buf, op.Body)
	return p.buf[n:len(p.buf):len(p.buf)]
}

// shapes are those that were read. They never change.
type shapes struct {
	mu sync.Mutex // guards the field below
	of map[int64]*shape
}

// body is the body of which stored is what the journal has, or nil for nil. It is
// the caller's.
func (j *Journal) body(ctx context.Context, stored []byte) ([]byte, error) {
	return j.appendBody(ctx, nil, stored)
}

// appendBody appends it.
func (j *Journal) appendBody(ctx context.Context, dst, stored []byte) ([]byte, error) {
	if len(stored) == 0 || stored[0] != packedMark {
		return append(dst, stored...), nil
	}
	no, rest, ok := cutUvarint(stored[1:])
	if !ok {
		return dst, errPacked
	}
	s, err := j.shape(ctx, int64(no))
	if err != nil {
		return dst, err
	}
	return s.unpack(slices.Grow(dst, 5*len(stored)), rest)
}

func (j *Journal) shape(ctx context.Context, no int64) (*shape, error) {
	if no == 0 {
		return &shape{}, nil
	}
	j.shapes.mu.Lock()
	defer j.shapes.mu.Unlock()
	if s := j.shapes.of[no]; s != nil {
		return s, nil
	}
	var form []byte
	if err := j.read.QueryRowContext(ctx, "SELECT form FROM shape WHERE no = ?", no).Scan(&form); errors.Is(err, sql.ErrNoRows) {
		return nil, errPacked
	} else if err != nil {
		return nil, err
	}
	if j.shapes.of == nil {
		j.shapes.of = make(map[int64]*shape)
	}
	j.shapes.of[no] = newShape(no, form)
	return j.shapes.of[no], nil
}
