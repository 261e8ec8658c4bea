package table

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
)

// A charset is a Dialect's encoding, looked up. A nil enc is UTF-8.
type charset struct {
	name string // as messages say it
	enc  encoding.Encoding
}

var (
	utf16le = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	utf16be = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
)

// lookupCharset finds an encoding by its label in the WHATWG registry, then in
// IANA's. The WHATWG reads "iso-8859-1" as windows-1252, its superset in print.
func lookupCharset(label string) (charset, error) {
	l := strings.ToLower(strings.TrimSpace(label))
	switch l {
	case "", "utf-8", "utf8":
		return charset{name: "utf-8"}, nil
	case "utf-16", "utf-16le":
		return charset{l, utf16le}, nil
	case "utf-16be":
		return charset{l, utf16be}, nil
	}
	if enc, err := htmlindex.Get(l); err == nil && enc != encoding.Replacement {
		if name, err := htmlindex.Name(enc); err == nil && name == "utf-8" {
			return charset{name: "utf-8"}, nil
		}
		return charset{l, enc}, nil
	}
	if enc, err := ianaindex.IANA.Encoding(l); err == nil && enc != nil {
		return charset{l, enc}, nil
	}
	return charset{}, fmt.Errorf("encoding %q is not known", label)
}

// marks are the byte order marks, with the encodings that they prove.
var marks = []struct {
	mark  string
	proof charset
}{
	{"\xEF\xBB\xBF", charset{name: "utf-8"}},
	{"\xFF\xFE", charset{"utf-16le", utf16le}},
	{"\xFE\xFF", charset{"utf-16be", utf16be}},
}

// markOf is the byte order mark at the head of a file, if any.
func markOf(head []byte) (string, charset) {
	for _, m := range marks {
		if bytes.HasPrefix(head, []byte(m.mark)) {
			return m.mark, m.proof
		}
	}
	return "", charset{}
}

// resolveCharset settles a file's encoding from what the dialect says and what
// its byte order mark proves. They must not contradict each other: a BOM is
// evidence, and reading on in the other encoding would only make nonsense.
func resolveCharset(label string, head []byte) (c charset, mark string, err error) {
	if c, err = lookupCharset(label); err != nil {
		return c, "", &fault{cell: -1, msg: err.Error(), hint: "use a label such as utf-8, utf-16, windows-1252, gbk or shift_jis"}
	}
	mark, proof := markOf(head)
	switch {
	case mark == "", proof.name == c.name:
		return c, mark, nil
	case label == "", c.name == "utf-16" && proof.enc != nil:
		return proof, mark, nil
	}
	return c, mark, &fault{cell: -1, msg: fmt.Sprintf("the file is %s by its byte order mark, not %s", proof.name, c.name),
		hint: "say encoding: " + proof.name}
}

// decode reads r as UTF-8. The decoder puts U+FFFD where bytes are not in the
// encoding; the scanner makes that the row's error.
func (c charset) decode(r io.Reader) io.Reader {
	if c.enc == nil {
		return r
	}
	return c.enc.NewDecoder().Reader(r)
}
