package table

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// expected writes down the tokens that encoding/xml finds, and the error at their end.
func expected(src io.Reader) []string {
	var found []string
	dec := xml.NewDecoder(bufio.NewReader(src))
	for {
		t, err := dec.RawToken()
		if err != nil {
			return append(found, "error "+err.Error())
		}
		switch t := t.(type) {
		case xml.StartElement:
			s := "<" + t.Name.Local
			for _, a := range t.Attr {
				s += fmt.Sprintf(" %v %s=%q", a.Name.Space != "", a.Name.Local, a.Value)
			}
			found = append(found, s)
		case xml.EndElement:
			found = append(found, "</"+t.Name.Local)
		case xml.CharData:
			found = append(found, fmt.Sprintf("%q", t))
		default:
			found = append(found, "other")
		}
	}
}

// tokens writes down what a tokenizer with a buffer of this size finds, as expected does.
func tokens(src io.Reader, size int) []string {
	var found []string
	z := &tokenizer{src: src, buf: make([]byte, size), limit: 1 << 30}
	for {
		t, err := z.next()
		if err != nil {
			return append(found, "error "+err.Error())
		}
		switch t.kind {
		case startTag:
			s := "<" + string(t.name)
			for _, a := range t.attrs {
				s += fmt.Sprintf(" %v %s=%q", a.prefixed, a.name, a.value)
			}
			found = append(found, s)
		case endTag:
			found = append(found, "</"+string(t.name))
		case charData:
			found = append(found, fmt.Sprintf("%q", t.text))
		default:
			found = append(found, "other")
		}
	}
}

// sameTokens holds the tokenizer against encoding/xml, with buffers of several
// sizes, however the bytes arrive, and when the source breaks at the end.
func sameTokens(t *testing.T, data []byte) {
	t.Helper()
	broken := errors.New("broken")
	sources := map[string]func() io.Reader{
		"at once":       func() io.Reader { return bytes.NewReader(data) },
		"byte by byte":  func() io.Reader { return iotest.OneByteReader(bytes.NewReader(data)) },
		"with its end":  func() io.Reader { return iotest.DataErrReader(bytes.NewReader(data)) },
		"breaking late": func() io.Reader { return io.MultiReader(bytes.NewReader(data), iotest.ErrReader(broken)) },
	}
	for name, src := range sources {
		want := strings.Join(expected(src()), "\n")
		for _, size := range []int{1, 2, 7, 32, 4096} {
			if got := strings.Join(tokens(src(), size), "\n"); got != want {
				t.Fatalf("%s, buffer of %d:\n%.2000s\nencoding/xml:\n%.2000s\nof %.2000q", name, size, got, want, data)
			}
		}
	}
}

// pieces of XML, usual, unusual and wrong.
var xmlPieces = []string{
	"<a>", "</a>", "<a/>", "<row r=\"1\">", "</row>", "<c r='A1' s=\"2\" t=\"s\">", "<v>1.5</v>", "<x:c x:r=\"B2\" r=\"C3\" xmlns:x=\"y\"/>", "</x:c >", "< a>", "<a b>", "<a b=c>", "<a b='1'c='2'>", "<a  b = '1' >",
	"<a\n b='1'\t/>", "<a b='&lt;&#65;'/>", "<a b='<'/>", "<a b='\"'/>", "<a b=\"a>b/\">", "<a b='ü'/>", "<a b='1\r2'/>", "<ü/>", "<:a/>", "<a:/>", "<a:b:c/>", "<-a/>", "<1/>", "<a.-_1/>", "</a b>", "</>", "<>", "<a/ >", "<a /",
	"text", " ", "\n", "\r\n", "\r", "a\rb", "a\r\r\n\nb\r", "\r&amp;\n\r", "\r\n&#65;", "\t", "&amp;", "&lt;x&gt;", "a&quot;&apos;b&amp;amp;", "]]&gt;", "&amp;]]>", "&ltx;", "&amp", "&LT;", "a&amp;&#65;", "&amp;ü", "&#10;", "&#x1F4A9;", "&#xD800;", "&#0;", "&#99999999999;", "&lol;", "&", "&amp", "a>b", "]]>", "]]", ">", "ü€𝄞", "\xff", "\xed\xa0\x80", "\ufffe", "\uffff", "\ufffd", "ＡＢ", "\x00", "\x01", "\x7f", "\ufeff",
	"<![CDATA[ <a> ]] ]]>", "<![CDATA[", "<!-- c -->", "<!-- -- -->", "<!--", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "<!", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<?xml version='1.1'?>", "<?xml encoding='latin1'?>", "<?pi x?>", "<?",
	"<is><t xml:space=\"preserve\"> x </t></is>", "<f>A1&gt;2</f>", "<f t='shared' ref=\"A1:B2\" si='0'/>", strings.Repeat("long ", 20), "<a b=\"" + strings.Repeat("v", 50) + "\"/>",
}

// TestTokens: all pairs of pieces, and long sequences, give the tokens that encoding/xml gives.
func TestTokens(t *testing.T) {
	for _, a := range xmlPieces {
		for _, b := range xmlPieces {
			sameTokens(t, []byte("<a>\n"+a+b))
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var s strings.Builder
		for range 1 + random.IntN(20) {
			s.WriteString(xmlPieces[random.IntN(len(xmlPieces))])
		}
		sameTokens(t, []byte(s.String()))
	}
}

// FuzzTokens: whatever the bytes, the tokens are encoding/xml's, and so is the error.
func FuzzTokens(f *testing.F) {
	for _, p := range xmlPieces {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, data []byte) { sameTokens(t, data) })
}

// TestTokenLimit: a token beyond the limit is refused, once and again, whatever it is.
func TestTokenLimit(t *testing.T) {
	tooLong := errors.New("too long")
	long := strings.Repeat("x", 1000)
	for _, data := range []string{"<a>" + long, "<a>" + long + "<b>", "<!--" + long, "<![CDATA[" + long, "<" + long, "<a b='" + long, "</" + long, "<?" + long, "<!" + long} {
		z := &tokenizer{src: strings.NewReader(data), buf: make([]byte, 64), limit: 500, tooLong: tooLong}
		var err error
		for err == nil {
			_, err = z.next()
		}
		if _, again := z.next(); err != tooLong || again != tooLong {
			t.Errorf("%.20s: %v, then %v", data, err, again)
		}
	}
}

// TestTokensAllocate: usual tokens cost nothing.
func TestTokensAllocate(t *testing.T) {
	data := strings.Repeat(`<row r="1"><c r="A1" t="inlineStr"><is><t>some text &amp; more</t></is></c><c r="B1"><v>1</v></c><c r="C1" s="1"/></row>`, 1000)
	src := strings.NewReader(data)
	z := &tokenizer{buf: make([]byte, 4096), limit: 1 << 20, src: src}
	if n := testing.AllocsPerRun(5, func() {
		src.Reset(data)
		z.r, z.w, z.err = 0, 0, nil
		for range 1000 * 15 {
			if _, err := z.next(); err != nil {
				t.Fatal(err)
			}
		}
	}); n > 2 {
		t.Errorf("%v allocations", n)
	}
}
