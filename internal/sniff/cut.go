package sniff

import (
	"bytes"
	"io"
	"strings"

	"github.com/payrec/payrec/internal/table"
)

// cutRows is how many rows a guess of delimiter and quote rests on.
const cutRows = 200

// guessCut finds the delimiter and the quote under which the text is most
// like a table.
func (f *Finding) guessCut(text []byte, whole bool) (delimiter, quote rune) {
	text = text[:min(len(text), 256<<10)]
	if !whole || len(text) == 256<<10 {
		if i := bytes.LastIndexByte(text, '\n'); i > 0 {
			text = text[:i+1]
		}
	}
	delimiter, quote = ',', '"'
	best := 0.0
	for _, q := range quotes(text) {
		for _, d := range ",;\t|" {
			// Quotes other than " must be clearly better.
			score := cutScore(text, d, q)
			if q != '"' {
				score -= 0.15
			}
			if score > best+1e-9 {
				best, delimiter, quote = score, d, q
			}
		}
	}
	if best == 0 && len(text) > 0 {
		f.note("no delimiter found: one column, or a text that is no table")
	}
	return delimiter, quote
}

// quotes are the quotes worth trying.
func quotes(text []byte) []rune {
	list := []rune{'"'}
	if bytes.Count(text, []byte("'")) > 3 && bytes.ContainsAny(text, ",;\t|") {
		for _, open := range []string{",'", ";'", "\t'", "|'"} {
			if bytes.Contains(text, []byte(open)) {
				list = append(list, '\'')
				break
			}
		}
	}
	if bytes.IndexByte(text, '"') >= 0 {
		list = append(list, table.NoQuote)
	}
	return list
}

// cutScore says how much the text is like a table under this cut: the part of
// rows that share a width above one, what a header adds, less what is malformed.
func cutScore(text []byte, delimiter, quote rune) float64 {
	d := table.Dialect{Delimiter: delimiter, Quote: quote, Header: table.Header{None: true}, Ragged: table.RaggedAllow}
	r, err := table.NewReader("", bytes.NewReader(text), d)
	if err != nil {
		return 0
	}
	defer r.Close()
	var rows []row
	widths := map[int]int{}
	bad, marks := 0, 0
	for len(rows) < cutRows {
		next, err := r.Next()
		if err != nil {
			if err != io.EOF {
				bad += 1 + len(rows)/2 // a quote that never closes
			}
			break
		}
		if next.Role == table.Blank {
			continue
		}
		if next.Err != nil {
			bad++
		}
		own := keep(next)
		for _, c := range own.cells {
			if quote == table.NoQuote && len(c) > 1 && strings.HasPrefix(c, `"`) && strings.HasSuffix(c, `"`) {
				marks++ // quotes that quote
			}
		}
		widths[len(own.cells)]++
		rows = append(rows, own)
	}
	if len(rows) == 0 {
		return 0
	}
	alike := 0
	for width, n := range widths {
		if width > 1 {
			alike = max(alike, n)
		}
	}
	if alike == 0 {
		return 0
	}
	n := float64(len(rows))
	_, confidence := findHeader(rows, false)
	return max(0, float64(alike)/n+confidence/2-float64(bad)/n-min(float64(marks)/n, 1))
}

// lineEnd says what ends the lines outside quotes.
func lineEnd(text []byte, quote rune) string {
	var lf, crlf, cr int
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != table.NoQuote && rune(c) == quote:
			quoted = !quoted
		case quoted:
		case c == '\n':
			lf++
		case c == '\r' && i+1 < len(text) && text[i+1] == '\n':
			crlf++
			i++
		case c == '\r' && i+1 < len(text):
			cr++
		}
	}
	switch {
	case lf+crlf+cr == 0:
		return ""
	case crlf+cr == 0:
		return "LF"
	case lf+cr == 0:
		return "CRLF"
	case lf+crlf == 0:
		return "CR"
	}
	return "mixed"
}
