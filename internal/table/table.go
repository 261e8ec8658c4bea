package table

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Format is how a file holds its rows. The empty Format is CSV.
type Format string

// The formats that can be read. Compression is seen through and is no format.
const (
	CSV  Format = "csv"  // delimited text
	XLSX Format = "xlsx" // one sheet of an Office Open XML workbook
)

// NoQuote as a Dialect's Quote makes quotes ordinary characters.
const NoQuote rune = -1

// A Dialect says how a file is written. The zero value is UTF-8 text with
// commas, double quotes and a header in the first row that is not blank.
type Dialect struct {
	Format Format

	// Encoding is a label of the WHATWG or IANA registry, in any letter case:
	// "utf-8", "utf-16", "windows-1252", "gbk", "shift_jis". Empty is UTF-8,
	// or UTF-16 where a byte order mark says so. A mark is always dropped; one
	// that contradicts the encoding is an error.
	Encoding string

	// BOM makes a Writer begin with a byte order mark. Readers do not look at
	// it; Reader.Dialect reports what the file has.
	BOM bool

	Delimiter rune // 0 is ','
	Quote     rune // an ASCII character; 0 is '"', NoQuote is none

	Header  Header
	Records *Records // nil: the file is not framed
	Tables  []Table  // none: the file is one table
	Footer  Footer

	// Headings are rows that stand above or between others and only say
	// something about those below: their first non-empty cell matches one of
	// these globs (*, ?; letter case ignored). They are Context rows.
	Headings []string

	// Sheet of a workbook: empty for the first visible one, a name, a number
	// counting the visible sheets from 1, or a /regular expression/ that one
	// visible sheet's name matches. A hidden sheet is taken by its name only.
	Sheet string

	Ragged Ragged
	Limits Limits
}

// A Header says where the names of the columns stand. The zero value is the
// first row that is not blank (nor a spreadsheet's "sep=;" line).
type Header struct {
	Row    int      // the row that starts at this line, or has this number in the sheet; from 1
	Find   []string // the first row with all these names, in any cells; see Normalize
	Within int      // how many rows Find looks at; 0 is 100
	None   bool     // there is none: cells go by number
}

// A Footer says where the body ends. What follows has the role Footer.
type Footer struct {
	Rows  int    // the last n rows that are not blank
	From  string // from the first row whose first non-empty cell matches this glob (*, ?; letter case ignored)
	Blank bool   // from the first blank row after the header
}

// Records says how to tell the kinds of row of a framed file apart. Kinds are
// compared as written, without blanks around them; a * in a list matches any
// text, and exact names win over patterns. A kind in no list is Row.Err.
//
// With Header.Find as well, a row that contains all those names is a header
// row whatever its kind: some files repeat the kind on its header row.
type Records struct {
	Column  int    // the discriminator's column, from 1; 0 is 1
	Header  string // kind of the rows that name the columns; may be empty
	Body    []string
	Totals  []string
	Context []string
	Ignore  []string

	// Layouts name the cells of kinds that have no header row, the
	// discriminator's included. Such a row has its layout as its Header, and a
	// body row must be as wide.
	Layouts map[string][]string
}

// A Table is one of several that stand below one another in a file or sheet,
// each with its own columns. It goes from its header row, a row that has all
// the names of Find in any cells, to the header row of the next table, which
// may be the same again. Where one row could begin two tables, the one that
// asks for more names has it. A row's Kind is its table's name.
type Table struct {
	Name  string
	Find  []string
	Role  Role // of its rows: Body (the zero Role as well), Total, Context or Ignored
	Blank bool // it ends with the first blank row; what stands behind that, up to the next header, is FooterRow
}

// Ragged says what becomes of a body row that is not as wide as its header.
// Cells that a header leaves unnamed at its end may always be missing, as may
// trailing empty cells in a sheet.
type Ragged uint8

// The ways to take a ragged row.
const (
	RaggedError Ragged = iota // it comes with Row.Err
	RaggedPad                 // a shorter one is filled with empty cells, a longer one comes with Row.Err
	RaggedAllow               // it comes as it is
)

// Limits bound what a file may make us do. Zero fields take the default.
type Limits struct {
	Cell     int   // bytes of one cell's text; default 1 MiB
	Row      int   // bytes of one row; default 16 MiB
	Columns  int   // default 16,384, a spreadsheet's own limit
	File     int64 // bytes of a workbook, and of any archive read from a stream; default 50 MiB
	Unzipped int64 // bytes of the parts that are read of a workbook; default 256 MiB
	Ratio    int64 // unpacked to packed, counted from 8 MiB on; default 200
	Parts    int   // entries of an archive; default 1,000
}

func (l Limits) withDefaults() Limits {
	def(&l.Cell, 1<<20)
	def(&l.Row, 16<<20)
	def(&l.Columns, 16384)
	def(&l.File, 50<<20)
	def(&l.Unzipped, 256<<20)
	def(&l.Ratio, 200)
	def(&l.Parts, 1000)
	return l
}

func def[T int | int64](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// A Role is what a row is for.
type Role uint8

// The roles of rows.
const (
	Preamble  Role = iota // before the header
	HeaderRow             // names the columns
	Body                  // one of the rows that the file is about
	Total                 // of a framed file's Totals
	Context               // of a framed file's Context
	Ignored               // of a framed file's Ignore
	FooterRow             // after the body
	Blank                 // no cell has text
)

// String is the role's name in lower case.
func (r Role) String() string {
	names := [...]string{"preamble", "header", "body", "total", "context", "ignored", "footer", "blank"}
	if int(r) < len(names) {
		return names[r]
	}
	return "role " + strconv.Itoa(int(r))
}

// A Pos is the place of a row.
type Pos struct {
	File  string // base name
	Sheet string // of a workbook, else empty
	Line  int    // physical line where the row starts, or its number in the sheet, from 1; 0 is the whole file
}

// String is "march.csv:118" or "march.xlsx:Sheet1:118".
func (p Pos) String() string {
	s := p.File
	if p.Sheet != "" {
		s += ":" + p.Sheet
	}
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
	}
	return s
}

// A Row is one record of a file. It is borrowed, as are its slices: valid until
// the next call of Next. The strings in them may be kept; a kept cell holds some
// KiB in memory, the text of its row and of those around it: clone what is many.
type Row struct {
	Pos    Pos
	Lines  int // physical lines that the row spans; 1 in a workbook
	Role   Role
	Kind   string   // discriminator of a framed file, without blanks around it
	Cells  []string // text as in the file: decoded and unquoted, untrimmed; none for an empty line
	Header *Columns // header in force, or nil; another pointer once another header is in force
	Err    error    // an *Error: this row alone is wrong, whatever its role

	numeric []bool // of a workbook: parallel to Cells
}

// Cell is the text of cell i, from 0, and whether the row has it.
func (r *Row) Cell(i int) (string, bool) {
	if i < 0 || i >= len(r.Cells) {
		return "", false
	}
	return r.Cells[i], true
}

// IsNumber says whether cell i, from 0, is a numeric cell of a workbook. Text
// that looks like a number is not; in CSV nothing is.
func (r *Row) IsNumber(i int) bool {
	return i >= 0 && i < len(r.numeric) && r.numeric[i]
}

// Keep is a copy of the row that stays valid: its cells are appended to *cells,
// and where it has some, its kinds of cell to *numeric.
func (r *Row) Keep(cells *[]string, numeric *[]bool) Row {
	kept := *r
	from := len(*cells)
	*cells = append(*cells, r.Cells...)
	kept.Cells = (*cells)[from:len(*cells):len(*cells)]
	if len(r.numeric) > 0 {
		from = len(*numeric)
		*numeric = append(*numeric, r.numeric...)
		kept.numeric = (*numeric)[from:len(*numeric):len(*numeric)]
	}
	return kept
}

// An Error is what is wrong with a file or one of its rows, and where.
type Error struct {
	Pos    Pos
	Column string // the column's name as in the header, or "column 7"; empty for the whole row
	Value  string // the cell's text, cut to 80 characters
	Msg    string // what is wrong
	Hint   string // what to do next; may be empty

	err    error // cause, if another package reported it
	ofBody bool  // about width or kind, which only a body row answers for
}

// Error is `march.csv:118: column "Amount": "1,0": what is wrong; what to do`.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Pos.String())
	b.WriteString(": ")
	switch {
	case unnamed(e.Column):
		b.WriteString(e.Column + ": ")
	case e.Column != "":
		b.WriteString("column " + strconv.Quote(e.Column) + ": ")
	}
	if e.Value != "" {
		b.WriteString(strconv.Quote(e.Value) + ": ")
	}
	b.WriteString(e.Msg)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap gives the cause, for errors.Is(err, fs.ErrNotExist) and the like.
func (e *Error) Unwrap() error { return e.err }

// unnamed says whether an Error's Column is a number rather than a name.
func unnamed(column string) bool {
	n, ok := strings.CutPrefix(column, "column ")
	return ok && n != "" && strings.Trim(n, "0123456789") == ""
}

// cut shortens a value for an Error: whole characters, at most 80.
func cut(s string) string {
	const limit = 80
	if len(s) <= limit {
		return s
	}
	n := 0
	for i := range s {
		if n == limit-1 {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// isBlankRune says what counts as blank around names and values: Unicode's
// spaces (no-break and ideographic ones among them), the byte order mark and
// the zero-width space.
func isBlankRune(r rune) bool {
	return unicode.IsSpace(r) || r == '\uFEFF' || r == '\u200B'
}

// trim removes every kind of blank around s.
func trim(s string) string { return strings.TrimFunc(s, isBlankRune) }

// blank says whether no cell has text.
func blank(cells []string) bool {
	for _, c := range cells {
		if c == "" {
			continue
		}
		if c[0] > ' ' && c[0] < utf8.RuneSelf || trim(c) != "" {
			return false
		}
	}
	return true
}
