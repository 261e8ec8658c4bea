// Package sniff looks at a file that nobody has described yet and says what it
// seems to be. It serves `payrec inspect` and the writing of a first mapping; an
// import never guesses, it reads what a mapping pins.
//
// Terms:
//
//   - A [Finding] is what a file seems to be: how it is written, where its
//     header stands, and what its columns hold. [Finding.Dialect] is the same as
//     something to pin.
//   - The sample is the rows that guesses rest on: the first 10,000, fewer if
//     they are large. Counts go on behind it, through 64 MiB of text; Complete
//     says whether they reached the end.
//   - A guess is never more than that: it carries a confidence, from 0 to 1, and
//     a Warning or Note where two readings are possible.
//
// # The order of guesses
//
// Containers are seen through by content. The encoding is what a byte order
// mark says; else UTF-8, if the text is; else the likeliest of a few, by how
// well its characters read. Delimiter and quote are those under which most rows
// are of one width and a header appears. The header is the row of distinct
// texts, no values, that names most cells of later rows of its width. A file
// whose first cells are a few codes, with widths that differ between them, is
// framed: every row says its kind. Rows that are not of the header's width are
// counted apart and only noted: totals, or faults.
//
// # What is shown
//
// Samples are cut, and hold nothing that a terminal would obey. What looks like
// a card number is masked, because what inspect prints ends up in tickets.
package sniff

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/cardnumber"
	"github.com/payrec/payrec/internal/table"
)

// A Finding is what a file seems to be.
type Finding struct {
	File      string       `json:"file"` // base name
	Format    table.Format `json:"format"`
	Container string       `json:"container,omitempty"` // what the file is packed in: "gzip", "zstd", "zip"
	Encoding  string       `json:"encoding,omitempty"`  // as a mapping says it; of text only
	Delimiter string       `json:"delimiter,omitempty"` // of text only
	Quote     string       `json:"quote,omitempty"`     // the character, or "none"; of text only
	LineEnd   string       `json:"line_end,omitempty"`  // "LF", "CRLF", "CR" or "mixed"; of text only
	Header    Header       `json:"header"`
	Decimal   string       `json:"decimal,omitempty"` // "." or ","; empty when no amount tells
	Rows      int64        `json:"rows"`              // of the body, at least: see Complete
	Complete  bool         `json:"complete"`          // the whole file was read
	Sheets    []string     `json:"sheets,omitempty"`  // of a workbook, in its order; the first visible one was read
	Columns   []Column     `json:"columns"`
	// Kinds counts the rows of a framed file by their first cell; nil for
	// any other file.
	Kinds map[string]int64 `json:"kinds,omitempty"`
	Notes []string         `json:"notes,omitempty"`

	dialect table.Dialect
}

// A Header is where the names of the columns stand.
type Header struct {
	Line       int      `json:"line"` // physical line, or row of the sheet; 0: there is none
	Names      []string `json:"names,omitempty"`
	Confidence float64  `json:"confidence"`
}

// A Column is what one column seems to hold.
type Column struct {
	Index           int      `json:"index"` // from 0
	Name            string   `json:"name"`  // empty where the header has none
	Filled          int64    `json:"filled"`
	Empty           int64    `json:"empty"`
	Distinct        int64    `json:"distinct"`
	DistinctAtLeast bool     `json:"distinct_at_least,omitempty"` // only the sample was looked at
	Samples         []string `json:"samples,omitempty"`           // up to 3, cut and safe to print; card numbers masked
	Type            string   `json:"type"`                        // id, text, money, number, int, date, datetime, currency, bool or empty
	Confidence      float64  `json:"confidence"`
	Format          string   `json:"format,omitempty"` // of dates: a strftime pattern, iso8601, unix, unix_ms or excel
	Warnings        []string `json:"warnings,omitempty"`
}

// Dialect is what was found as a dialect that reads the file: the form in
// which a mapping pins it.
func (f *Finding) Dialect() table.Dialect { return f.dialect }

// note adds a note. It may quote the file, so it is made safe as samples are.
func (f *Finding) note(format string, args ...any) {
	f.Notes = append(f.Notes, cutText(cardnumber.Mask(clean(fmt.Sprintf(format, args...))), 300))
}

// File looks at a file. What cannot be opened, or visibly is no table, is an
// error; what breaks off halfway is a finding with a note.
func File(path string) (*Finding, error) {
	f := &Finding{File: filepath.Base(path)}
	d := table.Dialect{Header: table.Header{None: true}, Ragged: table.RaggedAllow}
	r, err := table.Open(path, d)
	if err != nil {
		if r, err = openOther(path, &d, err); err != nil {
			return nil, err
		}
	}
	f.Format = r.Dialect().Format
	if f.Format == table.XLSX {
		f.lookAtWorkbook(path, r)
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	if f.Format == table.CSV {
		if err := f.lookAtText(path, &d); err != nil {
			return nil, err
		}
	}
	f.dialect = d
	f.dialect.Ragged = table.RaggedError
	return f, f.read(path, d)
}

// openOther opens what is refused as UTF-8 text: a workbook, as what it is, or
// text in an encoding that the refusal names and that is guessed later. Of
// anything else the refusal is the answer.
func openOther(path string, d *table.Dialect, refusal error) (*table.Reader, error) {
	other := *d
	other.Format = table.XLSX
	if r, err := table.Open(path, other); err == nil {
		*d = other
		return r, nil
	}
	e := (*table.Error)(nil)
	switch {
	case errors.As(refusal, &e) && strings.HasPrefix(e.Hint, "say encoding: "):
		other = *d
		other.Encoding = strings.TrimPrefix(e.Hint, "say encoding: ")
		return table.Open(path, other)
	case errors.As(refusal, &e) && e.Hint == "say format: xlsx":
		_, err := table.Open(path, other) // a workbook, and what is wrong with it
		return nil, err
	}
	return nil, refusal
}

// lookAtWorkbook notes what a workbook says of itself.
func (f *Finding) lookAtWorkbook(path string, r *table.Reader) {
	f.Container, f.Sheets = sheetNames(path)
	if len(f.Sheets) > 1 {
		f.note("the workbook has %d sheets; this is %q", len(f.Sheets), r.Sheet())
	}
	if r.Date1904() {
		f.note("dates count from 1904")
	}
	if ext := strings.ToLower(filepath.Ext(path)); ext != ".xlsx" && f.Container == "" {
		f.note("an XLSX workbook in spite of its name")
	}
}

// lookAtText finds how a text is written, from its beginning.
func (f *Finding) lookAtText(path string, d *table.Dialect) error {
	head, container, whole, err := beginning(path)
	if err != nil {
		return err
	}
	f.Container = container
	var text []byte
	f.Encoding, text = f.guessEncoding(head, whole)
	d.Encoding = f.Encoding
	if len(text) == 0 {
		f.note("the file is empty")
	}
	d.Delimiter, d.Quote = f.guessCut(text, whole)
	f.Delimiter, f.Quote = string(d.Delimiter), "none"
	if d.Quote != table.NoQuote {
		f.Quote = string(d.Quote)
	}
	f.LineEnd = lineEnd(text, d.Quote)
	return nil
}

// read reads the rows: a sample for guesses, then on for the counts.
func (f *Finding) read(path string, d table.Dialect) error {
	r, err := table.Open(path, d)
	if err != nil {
		return err
	}
	defer r.Close()
	s := newSample(r)
	f.placeHeader(s)
	f.count(s)
	f.pin(s)
	return nil
}

// pin turns the finding into a dialect that reads the file by its content.
func (f *Finding) pin(s *sample) {
	d := &f.dialect
	d.Header = table.Header{None: f.Header.Line == 0}
	switch {
	case f.Kinds != nil:
		d.Records = f.records(s)
		d.Header = table.Header{}
		if f.Header.Line > 0 && d.Records.Header == "" {
			d.Header.Find = f.distinctiveNames()
		}
	case f.Header.Line > 0 && s.firstFilled != f.Header.Line:
		d.Header.Find = f.distinctiveNames()
	}
}

// distinctiveNames are a few of the header's names, enough to know it by.
func (f *Finding) distinctiveNames() []string {
	var names []string
	for _, n := range f.Header.Names {
		n = strings.TrimSpace(clean(n))
		if n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
		if len(names) == 4 {
			break
		}
	}
	return names
}
