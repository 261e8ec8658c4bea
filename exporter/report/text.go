package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/itchyny/timefmt-go"
	"golang.org/x/text/encoding/charmap"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
)

// A textWriter writes rows as delimited text in a report's form.
type textWriter struct {
	*textForm
	w        *bufio.Writer
	zone     *time.Location
	line     []byte
	cell     int
	replaced int // letters that the encoding lacks
}

func newTextWriter(w io.Writer, f *textForm, zone *time.Location) *textWriter {
	t := &textWriter{textForm: f, w: bufio.NewWriterSize(w, 64<<10), zone: zone}
	if f.bom {
		t.w.WriteString("\ufeff") // a failure sticks until Flush
	}
	return t
}

// write writes a file: preamble, titles, rows.
func (t *textWriter) write(columns []*column, rows func(yield func([]expression.Value, error) bool)) error {
	for _, row := range t.preamble {
		for _, v := range row {
			t.value(&column{format: formatOf(v), decimals: -1}, v)
		}
		if err := t.end(); err != nil {
			return err
		}
	}
	if !t.noHeader {
		for _, col := range columns {
			t.add(t.guarded(col.title), t.quote == "all")
		}
		if err := t.end(); err != nil {
			return err
		}
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		for i, v := range row {
			t.value(columns[i], v)
		}
		if err := t.end(); err != nil {
			return err
		}
	}
	return t.w.Flush()
}

// textSize is the most bytes that a row can have as text, in any form: each
// cell quoted and guarded, and a character after it.
func textSize(row []expression.Value) (n int) {
	for _, v := range row {
		switch {
		case v.IsEmpty():
			n += 3
		case v.Kind() == expression.Time:
			n += 64 // patterns that write more are not for people
		default:
			s := plain(v)
			n += len(s) + strings.Count(s, `"`) + 4 + 12 // decimals that a column gives to money
		}
	}
	return n + 1
}

// head is the most bytes that can stand above a file's lines.
func (f *textForm) head(columns []*column) int {
	titles := make([]expression.Value, 0, len(columns))
	for _, col := range columns {
		titles = append(titles, expression.TextOf(col.title))
	}
	n := len("\ufeff") + textSize(titles)
	for _, row := range f.preamble {
		n += textSize(row)
	}
	return n
}

// formatOf is how a value of the preamble is written.
func formatOf(v expression.Value) format {
	switch v.Kind() {
	case expression.Number:
		return formatDecimal
	case expression.Time:
		return formatDate
	case expression.Bool:
		return formatBool
	}
	return formatText
}

// value adds a cell.
func (t *textWriter) value(col *column, v expression.Value) {
	if v.IsEmpty() {
		t.add("", t.quote == "all" || t.quote == "text" && col.format == formatText)
		return
	}
	zone := t.zone
	if col.zone != nil {
		zone = col.zone
	}
	var s string
	switch col.format {
	case formatText:
		s := v.Text()
		if !col.unguarded {
			s = t.guarded(s)
		}
		t.add(s, t.quote != "needed")
		return
	case formatDigits:
		s = v.Text()
	case formatDate:
		s = formatTime(v.Time().In(zone), col.pattern, t.dates, time.DateOnly)
	case formatDatetime:
		s = formatTime(v.Time().In(zone), col.pattern, "", time.DateTime)
	default:
		s = plain(v)
		if col.decimals >= 0 && v.Kind() == expression.Money {
			s = v.Money().Amount.String()
		}
		if t.decimal != "." {
			s = strings.Replace(s, ".", t.decimal, 1)
		}
	}
	t.add(s, t.quote == "all")
}

func formatTime(at time.Time, pattern, otherwise, iso string) string {
	if pattern == "" {
		pattern = otherwise
	}
	if pattern == "" {
		return at.Format(iso)
	}
	return timefmt.Format(at, pattern)
}

func (t *textWriter) guarded(s string) string {
	if t.guard {
		return table.Guard(s)
	}
	return s
}

// add adds a cell as text, in quotes when it is said or needed.
func (t *textWriter) add(s string, quoted bool) {
	if t.cell++; t.cell > 1 {
		t.line = append(t.line, t.delimiter...)
	}
	if !quoted && !strings.Contains(s, t.delimiter) && !strings.ContainsAny(s, "\"\r\n") {
		t.line = append(t.line, s...)
		return
	}
	t.line = append(t.line, '"')
	t.line = append(t.line, strings.ReplaceAll(s, `"`, `""`)...)
	t.line = append(t.line, '"')
}

// end ends the line and hands it on.
func (t *textWriter) end() error {
	t.line = append(t.line, t.lineEnd...)
	out := t.line
	if t.latin {
		var err error
		if out, err = t.encode(t.line); err != nil {
			return err
		}
	}
	t.line, t.cell = t.line[:0], 0
	_, err := t.w.Write(out)
	return err
}

// encode is a line in windows-1252.
func (t *textWriter) encode(line []byte) ([]byte, error) {
	out := make([]byte, 0, len(line))
	for at := 0; at < len(line); {
		r, width := utf8.DecodeRune(line[at:])
		b, ok := charmap.Windows1252.EncodeRune(r)
		if !ok {
			if !t.replace {
				return nil, &encodingError{r, string(line)}
			}
			t.replaced++
			b = '?'
		}
		out = append(out, b)
		at += width
	}
	return out, nil
}

// An encodingError is a letter that the report's encoding lacks.
type encodingError struct {
	letter rune
	line   string
}

func (e *encodingError) Error() string {
	return fmt.Sprintf("windows-1252 has no %q, in the line %q; replace it, or say unencodable: replace", e.letter, shortened(strings.TrimSpace(e.line)))
}
