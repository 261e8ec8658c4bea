// Package mapping turns the rows of a processor's file into calls of the
// Payment Records API, as a mapping file says.
//
// Terms:
//
//   - A mapping is one YAML file: how the input is written, which columns are
//     of what type, which class a row belongs to, and which call each class
//     makes. A preset is a mapping that is embedded in the program.
//   - A column is a typed cell, a let is computed from columns and the lets
//     above it. Both are names that expressions refer to.
//   - A class is what a row is: "payment", "fee". The first rule that matches
//     decides. Every class emits calls, or says why it does not.
//   - A payment is all rows with one key. Values over a payment's rows
//     (payment.let), a call that several rows share (emit with per), and the
//     latest of several rows need all of them first: see [Mapping.Gathers].
//   - Context is what a file states once for all rows that follow: in its first
//     lines, beside a label, in a record or table of another kind, in its name.
//   - A table is one of several that stand below one another in a file, each
//     with a header of its own (input: tables); totals are what the file states
//     about its own rows.
//   - An [Event] is one call with its natural identity, checked and exact. A
//     [Result] says what became of one row; every row has one.
//   - A check is a control total: an expression over groups of rows.
//
// # How a mapping is loaded
//
// The YAML is parsed to a tree of text with places (yamltree); `extends` merges
// trees; then every part is compiled in the order of work, and all problems
// of the file are reported at once. What cannot be known to work is refused
// here, not at row 40,000: unknown fields, expressions without a kind, a date
// without a zone, a class that neither emits nor says why.
//
// # How a row is read
//
// Nothing is converted that nobody asks for: a payout's empty currency is no
// error unless a rule, an emit, a check or the payment key needs it. A value
// that cannot be read is a [RowProblem] of that row, with the header and the
// text that are to blame. Problems that make the whole file doubtful (a row
// that no rule knows, a spoiled identifier, a ragged row) are Fatal.
//
// Memory does not grow with the file: groups of checks and of values over
// several rows spill to a temporary file (groups.go).
//
// A row is read once, and what many rows have in common is found out once: what
// a text among few means to the rules (session.go), how a zone's clocks go around a
// date (times.go), that a call with just these fields passes its spec (calls.go). What
// is plain is read the short way (number.go, times.go); whatever else is read the
// careful way, which alone words what is wrong. Results share blocks of memory
// (scratch.go). Rows can be mapped side by side and taken in their order (ahead.go).
//
// # Rows that belong together
//
// When several rows make one call (gather.go), its first row makes it and the
// others are attached to it. They stand and fall together: one that cannot be
// read takes the call and the other rows along, because a sum without it would
// be a wrong amount that looks like a right one. For the same reason such a
// mapping refuses a file of left-over rows, and checks, which hold for whole
// files, do not apply to one.
//
// Of rows that say something again (latest.go) only the latest counts, in
// calls and in checks; the others are ignored, with that as the reason.
//
// # Short forms
//
// Under `set`, on any call that has the fields they stand for:
//
//	paid_at: =at       initiated_at, outcome: guaranteed, guaranteed.guaranteed_at
//	refunded_at: =at   outcome: refunded, refunded.refunded_at
//	reference: =psp    processor_details {type: custom, custom: {payment_reference or refund_reference}}
//	method: {type: =params.t, name: Adyen}
//	                   payment_method_details {type: custom, custom: {type, display_name}}
//
// A field that is also written out wins over a short form.
//
// # Fees and nets
//
// What the API is told must be a whole number of the currency's minor units, and
// is refused otherwise. `fee` and `net` are told to nobody but reports, and
// keep every decimal that the file has: processors charge 2.9 % of 0.10 and
// write 0.0029, some count a yen's fee in hundredths, and only the sum over a
// month comes to whole cents. To round them here would make the reports differ from the
// payout by what was rounded away. A negative fee is one that was given back.
package mapping

import (
	"path"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
)

// A Mapping is a compiled mapping file. It does not change and is safe for
// concurrent use; each import has a [Session] of its own.
type Mapping struct {
	name, title, source string
	hash                string

	identify identification
	dialect  table.Dialect
	input    input

	columns  []*column
	contexts []*column // those that the file states once
	lets     []*let
	scope    *expression.Scope // names of a row: fixed, columns, lets, is, payment lets
	isIndex  int               // of the name "is"

	rules    []*rule
	dispatch *dispatch // nil: rules are tried one after the other
	total    *program
	key      *program
	order    *program
	payLets  []*payLet
	emits    map[string][]*emit // by class
	emitted  int                // emits, over all classes

	gatherings     []*gathering // values over several rows
	latest         *gathering   // of which only the latest row counts; nil: all count
	duplicates     *gathering   // of which only the first row counts; nil: all count
	duplicatesFail bool
	checks         []*check
	tests          []*inlineTest
}

// Name is the mapping's name.
func (m *Mapping) Name() string { return m.name }

// Title is the mapping's title for people, or its name.
func (m *Mapping) Title() string {
	if m.title == "" {
		return m.name
	}
	return m.title
}

// Source is the namespace of the natural ids: mappings of one processor that
// share it share payments. It is the key `source`, else the name of the
// mapping that this one extends, else the mapping's own name.
func (m *Mapping) Source() string { return m.source }

// Hash identifies what the mapping does: SHA-256 in hexadecimal digits of the
// effective mapping (extends merged, aliases followed, layout and comments
// left out), its lookup tables and its params.
func (m *Mapping) Hash() string { return m.hash }

// Dialect is how the mapping's files are written.
func (m *Mapping) Dialect() table.Dialect { return m.dialect }

// Gathers says whether an import must read all rows twice: first with
// [Session.Gather], then with [Session.Row].
func (m *Mapping) Gathers() bool { return len(m.gatherings) > 0 }

// Sensitive are the headers of the columns whose values must reach no file, log
// or journal.
func (m *Mapping) Sensitive() []string {
	var headers []string
	for _, c := range m.columns {
		if c.sensitive {
			headers = append(headers, c.headers...)
		}
	}
	return headers
}

// isBody says whether a header row is one of the body's.
func (m *Mapping) isBody(row *table.Row) bool {
	if m.dialect.Tables == nil {
		return true
	}
	return slices.ContainsFunc(m.dialect.Tables, func(t table.Table) bool { return t.Name == row.Kind && t.Role == table.Body })
}

// identification is how a file is recognised as one of the mapping's.
type identification struct{ filenames, columns []string }

// Identify says whether a file looks like one of the mapping's: by its
// header's columns when the mapping names some and a header is given, else by
// the file's name. A mapping that says nothing recognises nothing.
func (m *Mapping) Identify(filename string, header []string) bool {
	if len(m.identify.columns) > 0 && header != nil {
		columns := table.NewColumns(header)
		return !slices.ContainsFunc(m.identify.columns, func(name string) bool { return columns.Index(name, 1) < 0 })
	}
	base := path.Base(strings.ReplaceAll(filename, `\`, "/"))
	return slices.ContainsFunc(m.identify.filenames, func(glob string) bool { return newGlob(glob).match(base) })
}
