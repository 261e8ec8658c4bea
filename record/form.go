package record

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// Form is the call's body as the API takes it: form-encoded, brackets for
// nesting, in canonical order, so that equal parameters give equal bytes.
func (p Params) Form() []byte {
	size := 0
	for i := range p {
		size += len(p[i].Path) + len(p[i].Value) + 12 // brackets, and some that are escaped
	}
	return new(FormWriter).AppendForm(make([]byte, 0, size), p)
}

// Hash is a digest of the parameters, 32 hexadecimal digits: equal parameters
// have equal hashes.
func (p Params) Hash() string { return string(new(FormWriter).AppendHash(nil, p)) }

// A FormWriter writes the forms and the hashes of many calls, and remembers how
// their paths are written: the calls of an import have few, and a form is mostly
// paths. The zero value writes too, and remembers nothing. It belongs to one
// goroutine.
type FormWriter struct {
	known *[1 << slotBits]writtenPath // nil for the zero value
	buf   []byte                      // what is hashed
}

// A writtenPath is a path as a form and as what is hashed have it.
type writtenPath struct{ path, name, part string }

// NewFormWriter makes a writer that remembers.
func NewFormWriter() *FormWriter { return &FormWriter{known: new([1 << slotBits]writtenPath)} }

// slotBits are as few as keep the paths of each call in slots of their own.
const slotBits = 10

// AppendForm appends the form of parameters; see [Params.Form].
func (w *FormWriter) AppendForm(b []byte, p Params) []byte {
	for i := range p {
		if i > 0 {
			b = append(b, '&')
		}
		if known := w.written(p[i].Path); known != nil {
			b = append(b, known.name...)
		} else {
			b = appendBracketed(b, p[i].Path)
		}
		b = append(b, '=')
		b = appendEscaped(b, p[i].Value)
	}
	return b
}

// AppendHash appends the hash of parameters, one list behind the other; see
// [Params.Hash].
func (w *FormWriter) AppendHash(b []byte, lists ...Params) []byte {
	w.buf = w.buf[:0]
	for _, p := range lists {
		for i := range p {
			if known := w.written(p[i].Path); known != nil {
				w.buf = append(w.buf, known.part...)
			} else {
				w.buf = appendPart(w.buf, p[i].Path)
			}
			w.buf = appendPart(w.buf, p[i].Value)
		}
	}
	sum := sha256.Sum256(w.buf)
	return hex.AppendEncode(b, sum[:16])
}

// written is how a path is written; nil when that is not remembered. A path takes
// the place of another one in its slot.
func (w *FormWriter) written(path string) *writtenPath {
	if w.known == nil || len(path) < 8 {
		return nil
	}
	// The end of a path, its length and its beginning tell those of the API apart.
	end := binary.LittleEndian.Uint64([]byte(path[len(path)-8:]))
	mixed := (end ^ uint64(len(path))<<56 ^ uint64(path[0])<<48) * 0x9e3779b97f4a7c15
	known := &w.known[mixed>>(64-slotBits)]
	if known.path != path {
		*known = writtenPath{path, string(appendBracketed(nil, path)), string(appendPart(nil, path))}
	}
	return known
}

func appendBracketed(b []byte, path string) []byte {
	head, rest, nested := strings.Cut(path, ".")
	b = appendEscaped(b, head)
	for nested {
		if head == "metadata" { // the key is flat, whatever it contains
			head, rest, nested = rest, "", false
		} else {
			head, rest, nested = strings.Cut(rest, ".")
		}
		b = append(b, '[')
		b = appendEscaped(b, head)
		b = append(b, ']')
	}
	return b
}

// plain says which bytes a form takes as they are; see [url.QueryEscape].
var plain = func() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~") {
		t[c] = true
	}
	return t
}()

// appendEscaped appends a text as [url.QueryEscape] has it.
func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	done := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if plain[c] {
			continue
		}
		b = append(b, s[done:i]...)
		if c == ' ' {
			b = append(b, '+')
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
		done = i + 1
	}
	return append(b, s[done:]...)
}
