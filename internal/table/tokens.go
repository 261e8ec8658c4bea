package table

import (
	"bytes"
	"io"
)

// A token is a tag or a text of an XML part. It is borrowed, as is all in it:
// valid until the next one.
//
// Neither namespaces nor nesting are looked at. An element closed in its own
// tag gives a startTag and an endTag.
type token struct {
	kind  tokenKind
	name  []byte // of a tag, without its prefix
	attrs []attribute
	text  []byte // with its references resolved; of CDATA as well
}

type tokenKind uint8

const (
	startTag tokenKind = iota
	endTag
	charData
	other // a comment, a processing instruction or a declaration
)

type attribute struct {
	prefixed    bool
	name, value []byte // without the prefix; with references resolved
}

// attr is an attribute's value by its local name. Prefixed ones count only as
// a second choice: sheet has both sheetId and r:id.
func (t *token) attr(name string) []byte {
	var v []byte
	for i := range t.attrs {
		if a := &t.attrs[i]; string(a.name) == name {
			if !a.prefixed {
				return a.value
			}
			v = a.value
		}
	}
	return v
}

// A tokenizer cuts XML into tokens: those that encoding/xml's RawToken gives.
//
// What nearly all of a sheet consists of (tags with ASCII names and values, texts
// with no references but the five named ones) is cut out of the buffer, checked as
// strictly. Nothing is guessed: whatever else comes, be it legal and unusual, wrong,
// or longer than the buffer, goes to encoding/xml from the token's first byte, and so
// does the decision what is wrong with it. A tenth of encoding/xml's time.
type tokenizer struct {
	src     io.Reader
	buf     []byte // its size is fixed
	r, w    int    // what of it is to be read
	err     error  // what src ended with
	lines   int    // line ends before counted
	counted int    // place in buf
	tok     token
	closed  bool // tok was closed in its own tag, and its end comes next

	resolved []byte // tok's text, if it is not what stands in buf

	limit   int64 // bytes of a token, if it is longer than the buffer
	tooLong error // what a longer one is
}

// next is the next token, or io.EOF, or what is wrong with the XML or its source;
// after an error it means nothing.
func (z *tokenizer) next() (*token, error) {
	if z.closed {
		z.closed, z.tok.kind = false, endTag
		return &z.tok, nil
	}
	n := z.usual(z.buf[z.r:z.w])
	if n == cutOff && z.more() {
		n = z.usual(z.buf[z.r:z.w])
	}
	if n <= 0 {
		return z.odd()
	}
	z.r += n
	return &z.tok, nil
}

// more fills the buffer. It says false when nothing is added to what is to be read.
func (z *tokenizer) more() bool {
	z.count()
	z.w = copy(z.buf, z.buf[z.r:z.w])
	z.r, z.counted = 0, 0
	before := z.w
	for empty := 0; z.w < len(z.buf) && z.err == nil; {
		var n int
		n, z.err = z.src.Read(z.buf[z.w:])
		z.w += n
		if n > 0 {
			empty = 0
		} else if empty++; empty == 100 && z.err == nil {
			z.err = io.ErrNoProgress
		}
	}
	return z.w > before
}

// count counts the lines up to what is to be read.
func (z *tokenizer) count() {
	z.lines += bytes.Count(z.buf[z.counted:z.r], []byte{'\n'})
	z.counted = z.r
}
