package report

import (
	"unicode/utf8"

	"github.com/payrec/payrec/internal/expression"
)

// A textForm says how CSV is written.
type textForm struct {
	delimiter string
	decimal   string
	lineEnd   string
	bom       bool
	quote     string // needed, text or all
	latin     bool   // windows-1252
	replace   bool   // what the encoding lacks becomes "?"
	noHeader  bool
	guard     bool
	oneLine   bool   // line breaks in texts become blanks
	prefix    string // how the files' names must begin
	only      bool   // no workbook is made of it
	dates     string // pattern of dates; "" is ISO 8601
	preamble  [][]expression.Value
	said      map[string]bool // the keys that the report says, which a locale leaves alone
}

var textKeys = []string{"delimiter", "decimal", "line_end", "bom", "quote", "encoding", "unencodable", "header", "guard", "one_line", "prefix", "only", "dates", "preamble"}

func (c *compiler) textForm(n *node) {
	t := &c.r.text
	*t = textForm{delimiter: ",", decimal: ".", lineEnd: "\n", quote: "needed", guard: true, said: map[string]bool{}}
	if n == nil || !c.Keys(n, "text", textKeys...) {
		return
	}
	for _, e := range n.Entries {
		t.said[e.Key.Text] = true
	}
	if at := n.Get("delimiter"); at != nil {
		s, ok := c.Text(at)
		if s == "tab" {
			s = "\t"
		}
		if ok && (utf8.RuneCountInString(s) != 1 || s == `"` || s == "\n" || s == "\r") {
			c.At(at, `write ";" or tab`, "the delimiter is one character, not %q", s)
			s = ","
		}
		t.delimiter = s
	}
	t.decimal = c.Choice(n.Get("decimal"), ".", ".", ",")
	if t.decimal == t.delimiter {
		at := n.Get("decimal")
		if at == nil {
			at = n.Get("delimiter")
		}
		c.At(at, `say delimiter: ";"`, "the decimal mark is the delimiter as well")
	}
	if c.Choice(n.Get("line_end"), "lf", "lf", "crlf") == "crlf" {
		t.lineEnd = "\r\n"
	}
	if at := n.Get("bom"); at != nil {
		t.bom = c.Yes(at)
	}
	t.quote = c.Choice(n.Get("quote"), "needed", "needed", "text", "all")
	t.latin = c.Choice(n.Get("encoding"), "utf-8", "utf-8", "windows-1252") == "windows-1252"
	if t.latin && t.bom {
		c.At(n.Get("bom"), "remove it", "a byte order mark is of UTF-8 only")
	}
	t.replace = c.Choice(n.Get("unencodable"), "refuse", "refuse", "replace") == "replace"
	if at := n.Get("header"); at != nil {
		t.noHeader = !c.Yes(at)
	}
	if at := n.Get("guard"); at != nil {
		t.guard = c.Yes(at)
	}
	if at := n.Get("one_line"); at != nil {
		t.oneLine = c.Yes(at)
	}
	t.prefix = c.OptionalText(n, "prefix")
	if at := n.Get("only"); at != nil {
		t.only = c.Yes(at)
	}
	t.dates = c.OptionalText(n, "dates")
	c.preamble(t, n.Get("preamble"))
}

func (c *compiler) preamble(t *textForm, n *node) {
	c.Each(n, "preamble", func(row *node) {
		var cells []expression.Value
		c.Each(row, "a row of the preamble", func(cell *node) {
			v := expression.EmptyOf(expression.Number) // never quoted, unlike ""
			if cell.Kind.String() != "nothing" {
				v, _ = c.constant(cell)
			}
			cells = append(cells, v)
		})
		t.preamble = append(t.preamble, cells)
	})
}
