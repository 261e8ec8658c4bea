// Package scaffold writes the first mapping for a file that nobody has
// described yet. It serves `payrec init`.
//
// Terms:
//
//   - A [Match] is a preset that recognises the file, with what a trial of it
//     over the file's first rows came to.
//   - A [Proposal] is a mapping to start from when no preset does: every
//     column with a short name, a type, and perhaps a role.
//   - A role is what a column is to a payment: its amount, its reference. It
//     is guessed from the name, by a list of aliases in the languages of the
//     files seen and by nearness of spelling, times how well the values fit.
//   - A CHECK is a line that needs an answer which the file does not give.
//
// # What a proposal may do
//
// A guess may be wrong, so a proposal errs on the side of a person: it loads
// for every file, but it sends only what its rules name. Distinct values of a
// type column that read like a payment or a refund are given to those classes;
// fees and payouts are ignored with a reason; everything else is held. A
// currency that stands nowhere in the file is a required param, because no
// default would be safe; dates that can be read both ways are written both
// ways; and where no reference, amount or date was found, every row is held
// and the calls stand there as comments.
//
// # What is shown
//
// Samples come from the sniff package, which masks card numbers. Distinct
// values are written only for columns of few values, and never where they look
// like card numbers. Whatever comes from the file is quoted as YAML or, in a
// comment, made printable, so that no header can add a line to the mapping.
package scaffold

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/sniff"
	"github.com/payrec/payrec/internal/table"
)

// SchemaURL is where editors find the JSON Schema of mapping files.
const SchemaURL = "https://github.com/payrec/payrec/mapping.v1.schema.json"

// A Column is a proposed column of the mapping.
type Column struct {
	Name       string  `json:"name"`                 // in the mapping
	Header     string  `json:"header"`               // in the file; empty: it goes by number
	Cell       int     `json:"cell"`                 // from 1
	Occurrence int     `json:"occurrence,omitempty"` // which of equal headers, where there are several
	Type       string  `json:"type"`                 // as a mapping says it
	Confidence float64 `json:"confidence"`           // of the type
	Format     string  `json:"format,omitempty"`     // of dates
	Other      string  `json:"other_format,omitempty"`
	Label      bool    `json:"label,omitempty"` // of dates: a zone's label stands behind, and is cut off
	Role       Role    `json:"role,omitempty"`
	RoleScore  float64 `json:"role_confidence,omitempty"`
	In         string  `json:"in,omitempty"` // of money: the name of its currency's column; "" when none was found

	found sniff.Column
	facts *facts
}

// A Proposal is a mapping to start from.
type Proposal struct {
	File    string   // base name
	Columns []Column // in the file's order
	Checks  []string // what needs an answer, in the order of the mapping

	finding *sniff.Finding
	dialect table.Dialect
	classes classes
}

// Propose looks at the rows of a file that sniff has described, and guesses
// what its columns are. The error is one of reading the file.
func Propose(path string, f *sniff.Finding) (*Proposal, error) {
	p := &Proposal{File: filepath.Base(path), finding: f, dialect: f.Dialect()}
	if f.Header.Line == 0 {
		p.dialect.Header = table.Header{None: true}
	}
	if err := p.oneTable(path); err != nil {
		return nil, err
	}
	all, err := p.look(path)
	if err != nil {
		return nil, err
	}
	seen := map[string]int{}
	for i, found := range f.Columns {
		c := Column{Cell: found.Index + 1, Type: found.Type, Confidence: found.Confidence, Format: found.Format, found: found, facts: all[i]}
		if h := strings.TrimSpace(found.Name); f.Header.Line > 0 && usableHeader(h) {
			c.Header = h
			seen[table.Normalize(h)]++
			c.Occurrence = seen[table.Normalize(h)]
		}
		c.settle()
		p.Columns = append(p.Columns, c)
	}
	for i := range p.Columns {
		if c := &p.Columns[i]; seen[table.Normalize(c.Header)] == 1 {
			c.Occurrence = 0
		}
	}
	p.assignRoles()
	p.name()
	p.findCurrencies()
	p.classes = p.classify()
	return p, nil
}

// usableHeader says whether a mapping can name the column by its header.
func usableHeader(h string) bool {
	return table.Normalize(h) != "" && !strings.HasPrefix(h, "=") && len(h) <= 200
}

// settle turns what sniff found into what a mapping says.
func (c *Column) settle() {
	switch c.Type {
	case "empty":
		c.Type = "text"
	case "date", "datetime":
		c.Format, c.Other = splitFormats(c.Format, c.found.Warnings)
		c.Format, c.Label = strings.CutSuffix(c.Format, " %Z")
	}
	if c.Type == "money" && c.facts.numbers == 0 && c.facts.filled > 0 {
		c.Type = "text"
	}
}

// splitFormats gives the format, as mappings know it, and the other way to
// read the same texts, if there is one.
func splitFormats(format string, warnings []string) (one, other string) {
	for _, w := range warnings {
		if pair, ok := strings.CutPrefix(w, "ambiguous dates: "); ok {
			_, other, _ = strings.Cut(pair, " or ")
		}
	}
	return format, other
}

// name gives every column a name that expressions can use.
func (p *Proposal) name() {
	taken := map[string]bool{"line": true, "file": true, "sheet": true, "kind": true, "is": true, "params": true, "key": true}
	for _, byRole := range []bool{true, false} {
		for i := range p.Columns {
			c := &p.Columns[i]
			if (c.Role != "") != byRole {
				continue
			}
			base := slug(c.Header)
			if byRole {
				base = roleNames[c.Role]
			}
			if base == "" {
				base = "column_" + itoa(c.Cell)
			}
			name := base
			for n := 2; taken[name] || expression.CheckName(name) != nil; n++ {
				name = base + "_" + itoa(n)
			}
			taken[name] = true
			c.Name = name
		}
	}
}

// role is the column that has the role, or nil.
func (p *Proposal) role(r Role) *Column {
	for i := range p.Columns {
		if p.Columns[i].Role == r {
			return &p.Columns[i]
		}
	}
	return nil
}

// oneTable sees to it that only the described table's header is one, when a
// framed file has several tables whose headers are of one kind.
func (p *Proposal) oneTable(path string) error {
	records := p.dialect.Records
	if records == nil || records.Header == "" {
		return nil
	}
	ours := table.NewColumns(p.finding.Header.Names)
	others := map[string]bool{}
	err := each(path, p.dialect, func(row *table.Row) error {
		if row.Role == table.HeaderRow && row.Header != nil && !slices.Equal(row.Header.Names(), ours.Names()) {
			for _, name := range row.Header.Names() {
				others[table.Normalize(name)] = true
			}
		}
		return nil
	})
	var broken *table.Error
	if err != nil && !errors.As(err, &broken) {
		return err
	}
	if len(others) == 0 {
		return nil
	}
	var find []string
	for _, name := range ours.Names() {
		if n := table.Normalize(name); n != "" && !others[n] && len(find) < 4 && usableHeader(name) {
			find = append(find, strings.TrimSpace(name))
		}
	}
	if len(find) == 0 {
		return nil
	}
	own := *records
	own.Header, own.Ignore = "", append(slices.Clone(records.Ignore), records.Header)
	p.dialect.Records, p.dialect.Header = &own, table.Header{Find: find}
	return nil
}

// look reads the rows that guesses rest on.
func (p *Proposal) look(path string) ([]*facts, error) {
	all := make([]*facts, len(p.finding.Columns))
	for i := range all {
		all[i] = &facts{distinct: map[string]int{}}
	}
	r, err := table.Open(path, p.dialect)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for rows := 0; rows < mostRows; {
		row, err := r.Next()
		var broken *table.Error
		switch {
		case err == io.EOF, errors.As(err, &broken):
			return all, nil // what breaks off halfway is the finding's note
		case err != nil:
			return nil, err
		case row.Role != table.Body || row.Err != nil:
			continue
		}
		rows++
		for i, c := range p.finding.Columns {
			if cell, ok := row.Cell(c.Index); ok {
				all[i].add(cell)
			}
		}
	}
	return all, nil
}
