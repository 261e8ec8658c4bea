package packed

import (
	"encoding/binary"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestRead: what was packed is read back, and nothing is left.
func TestRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head, n, i := rapid.Byte().Draw(t, "head"), rapid.Uint64().Draw(t, "n"), rapid.Int64().Draw(t, "i")
		s, last := rapid.String().Draw(t, "s"), rapid.String().Draw(t, "last")
		b := AppendText(AppendText(binary.AppendVarint(binary.AppendUvarint([]byte{head}, n), i), s), last)
		r := Read(b)
		if r.Byte() != head || r.Uvarint() != n || r.Varint() != i || string(r.Text()) != s || string(r.Text()) != last || r.Broken() || r.Len() != 0 {
			t.Errorf("%x was read otherwise", b)
		}
		for cut := range len(b) { // the last text, or what comes before it, is not whole
			r := Read(b[:cut])
			r.Byte()
			r.Uvarint()
			r.Varint()
			r.Text()
			if r.Text(); !r.Broken() || r.Len() != 0 || r.Byte() != 0 || r.Text() != nil {
				t.Errorf("%x was read to the end", b[:cut])
			}
		}
	})
}

// TestBroken: numbers that are too long and lengths that reach behind the end.
func TestBroken(t *testing.T) {
	long := []byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}
	for name, read := range map[string]func(r *Reader){
		"uvarint": func(r *Reader) { r.Uvarint() },
		"varint":  func(r *Reader) { r.Varint() },
		"text":    func(r *Reader) { r.Text() },
	} {
		r := Read(long)
		if read(&r); !r.Broken() {
			t.Errorf("%s: a number of 11 bytes was read", name)
		}
	}
	r := Read(append(binary.AppendUvarint(nil, math.MaxUint64), "abc"...))
	if s := r.Text(); s != nil || !r.Broken() {
		t.Errorf("a text of no possible length: %q", s)
	}
}
