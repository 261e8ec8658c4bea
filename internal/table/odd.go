package table

import (
	"encoding/xml"
	"errors"
	"io"
)

// odd has encoding/xml read one token, from its first byte.
func (z *tokenizer) odd() (*token, error) {
	z.count()
	before := z.lines
	feed := &feed{z: z}
	dec := xml.NewDecoder(feed)
	t, err := dec.RawToken()
	if err != nil {
		var wrong *xml.SyntaxError
		if errors.As(err, &wrong) {
			wrong.Line += before
		}
		return nil, err
	}
	// A text's end is seen by the byte behind it, which the decoder has taken as well.
	z.r -= int(feed.n - dec.InputOffset())
	z.take(t)
	z.closed = z.tok.kind == startTag && feed.before == '/'
	return &z.tok, nil
}

// take makes encoding/xml's token ours.
func (z *tokenizer) take(t xml.Token) {
	z.tok.kind = other
	switch t := t.(type) {
	case xml.CharData:
		z.tok.kind, z.tok.text = charData, t
	case xml.EndElement:
		z.tok.kind, z.tok.name = endTag, []byte(t.Name.Local)
	case xml.StartElement:
		z.tok.kind, z.tok.name, z.tok.attrs = startTag, []byte(t.Name.Local), z.tok.attrs[:0]
		for _, a := range t.Attr {
			z.tok.attrs = append(z.tok.attrs, attribute{a.Name.Space != "", []byte(a.Name.Local), []byte(a.Value)})
		}
	}
}

// A feed gives a decoder what is to be read, byte by byte, so that it takes no
// more than its token.
type feed struct {
	z            *tokenizer
	n            int64
	last, before byte // read last, and before that
}

// ReadByte implements io.ByteReader, by which the decoder reads.
func (f *feed) ReadByte() (byte, error) {
	z := f.z
	if f.n >= z.limit {
		z.r, z.w, z.counted, z.err = 0, 0, 0, z.tooLong
	}
	if z.r == z.w && !z.more() {
		return 0, z.err
	}
	f.before, f.last = f.last, z.buf[z.r]
	z.r++
	f.n++
	return f.last, nil
}

// Read implements io.Reader, which the decoder asks for.
func (f *feed) Read([]byte) (int, error) { return 0, io.ErrNoProgress }
