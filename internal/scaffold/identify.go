package scaffold

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/sniff"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
)

// A Match is a preset that recognises a file, and how well it does.
type Match struct {
	Preset     string `json:"preset"`
	Title      string `json:"title"`
	ByColumns  bool   `json:"by_columns"`        // the file has the columns that the preset is known by
	ByName     bool   `json:"by_name"`           // the file is called as such files are
	Rows       int    `json:"rows"`              // of the trial: the file's first rows
	Rejected   int    `json:"rejected"`          // of them, cannot be read or used
	Problem    string `json:"problem,omitempty"` // the first thing that went wrong in the trial
	Unreadable bool   `json:"unreadable,omitempty"`
	Input      string `json:"input,omitempty"` // what a mapping must say under input for this file; "" for nothing

	outline *mapping.Outline
}

// Bounds of looking for a header and of the trial.
const (
	headerRows = 100
	mostSheets = 20
	trialRows  = 2000
)

// Identify finds the presets that recognise the file, the best first: those
// that read it, then those whose columns fit, then those that read most rows.
// The error is of a file that cannot be read as a table at all.
//
// A name alone tells nothing when the preset is known by columns and the file
// has a header without them.
func Identify(path string) ([]Match, error) {
	all, err := outlines()
	if err != nil {
		return nil, err
	}
	return identify(path, all)
}

// outlines are those of the presets.
func outlines() ([]*mapping.Outline, error) {
	var out []*mapping.Outline
	for _, p := range mapping.Presets() {
		o, err := mapping.OutlineOf(p.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func identify(path string, presets []*mapping.Outline) ([]Match, error) {
	f, err := sniff.File(path)
	if err != nil {
		return nil, err
	}
	headers := candidates(path, f)
	var out []Match
	for _, o := range presets {
		m := Match{Preset: o.Name, Title: o.Title, outline: o}
		m.ByName = fitsName(o, path)
		m.ByColumns = len(o.Columns) > 0 && slices.ContainsFunc(headers, func(h *table.Columns) bool { return fitsColumns(o, h) })
		if !m.ByColumns && (!m.ByName || len(o.Columns) > 0 && f.Header.Line > 0) {
			continue
		}
		m.try(path, f)
		if m.ByColumns || !m.Unreadable && m.Rejected < max(m.Rows, 1) {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b Match) int {
		return cmp.Or(rank(a.Unreadable, b.Unreadable), rank(b.ByColumns, a.ByColumns), cmp.Compare(a.share(), b.share()),
			strings.Compare(a.Input, b.Input), rank(b.ByName, a.ByName), cmp.Compare(len(b.outline.Columns), len(a.outline.Columns)))
	})
	return out, nil
}

// share is the part of the rows that were rejected.
func (m *Match) share() float64 { return float64(m.Rejected) / float64(max(m.Rows, 1)) }

// Why says in words how the file was recognised and what the trial came to.
func (m *Match) Why() string {
	var why []string
	if m.ByColumns {
		why = append(why, "its columns")
	}
	if m.ByName {
		why = append(why, "its name")
	}
	s := "known by " + strings.Join(why, " and ")
	switch {
	case m.Unreadable:
		return s + ", but not readable: " + m.Problem
	case m.Rejected > 0:
		return fmt.Sprintf("%s; %d of the first %d rows cannot be used: %s", s, m.Rejected, m.Rows, m.Problem)
	}
	return fmt.Sprintf("%s; all of the first %d rows can be read", s, m.Rows)
}

func rank(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// fitsName says whether the file is called as files of the mapping are.
func fitsName(o *mapping.Outline, path string) bool {
	base := strings.ToLower(filepath.Base(path))
	return slices.ContainsFunc(o.Filename, func(glob string) bool {
		ok, err := filepath.Match(strings.ToLower(glob), base)
		return ok && err == nil
	})
}

func fitsColumns(o *mapping.Outline, header *table.Columns) bool {
	return !slices.ContainsFunc(o.Columns, func(name string) bool { return header.Index(name, 1) < 0 })
}

// candidates are the rows that could be headers: of a file with several tables,
// or a workbook with several sheets, any of them may be the one that a preset
// knows.
func candidates(path string, f *sniff.Finding) []*table.Columns {
	d := f.Dialect()
	d.Header, d.Records, d.Footer, d.Ragged = table.Header{None: true}, nil, table.Footer{}, table.RaggedAllow
	var out []*table.Columns
	if len(f.Header.Names) > 0 {
		out = append(out, table.NewColumns(f.Header.Names))
	}
	sheets := []string{""}
	for n := 2; n <= min(len(f.Sheets), mostSheets); n++ {
		sheets = append(sheets, itoa(n))
	}
	for _, sheet := range sheets {
		d.Sheet = sheet
		out = append(out, firstRows(path, d)...)
	}
	return out
}

func firstRows(path string, d table.Dialect) []*table.Columns {
	r, err := table.Open(path, d)
	if err != nil {
		return nil // a sheet that is hidden, or broken further on
	}
	defer r.Close()
	var out []*table.Columns
	for range headerRows {
		row, err := r.Next()
		if err != nil {
			break
		}
		if row.Err == nil && len(row.Cells) > 1 {
			out = append(out, table.NewColumns(slices.Clone(row.Cells)))
		}
	}
	return out
}

// try reads the file's first rows with the preset; where that fails, once more
// with the form that the file was found to have.
func (m *Match) try(path string, f *sniff.Finding) {
	m.trial(path)
	if !m.Unreadable {
		return
	}
	own := *m
	own.Input = "format: csv, delimiter: " + character(f.Dialect().Delimiter) + ", encoding: " + quote(f.Encoding)
	if f.Format == table.XLSX {
		own.Input = "format: xlsx"
	}
	if own.trial(path); !own.Unreadable {
		*m = own
	}
}

// trial imports the first rows and counts those that cannot be used.
func (m *Match) trial(path string) {
	m.Rows, m.Rejected, m.Problem, m.Unreadable = 0, 0, "", false
	fail := func(err error) { m.Problem, m.Unreadable = err.Error(), true }
	params := map[string]string{}
	for _, p := range m.outline.Params {
		if p.Required && p.Default == "" {
			params[p.Name] = standIn(p)
		}
	}
	compiled, err := mapping.Parse("trial", []byte(m.extension("trial")), mapping.Options{Params: params})
	if err != nil {
		fail(err)
		return
	}
	s := compiled.NewSession()
	defer s.Close()
	s.JudgeCards(mapping.NewCensus(context.Background(), func(yield func(*table.Row, error) bool) {
		each(path, compiled.Dialect(), func(row *table.Row) error { yield(row, nil); return nil }) // the reading below says what is wrong
	}).Judge)
	if compiled.Gathers() {
		if err := each(path, compiled.Dialect(), s.Gather); err != nil {
			fail(err)
			return
		}
	}
	err = each(path, compiled.Dialect(), func(row *table.Row) error {
		res, err := s.Row(row)
		if err != nil || res == nil {
			return err
		}
		m.Rows++
		if res.Disposition == mapping.Rejected {
			if m.Rejected++; m.Problem == "" && len(res.Problems) > 0 {
				m.Problem = complaint(res.Pos, &res.Problems[0])
			}
		}
		return nil
	})
	if err != nil {
		fail(err)
	} else if m.Rows == 0 {
		m.Problem, m.Unreadable = "no row of the file is one for this preset", true
	}
}

// complaint names the place and column of a problem: "has the month 29" alone
// does not say what to look at.
func complaint(at table.Pos, p *mapping.RowProblem) string {
	if p.Column == "" {
		return fmt.Sprintf("%s: %s", at, p.Error())
	}
	return fmt.Sprintf("%s: column %q: %s", at, p.Column, p.Error())
}

// standIn is a value that lets a trial run without the param.
func standIn(p mapping.Param) string {
	switch {
	case len(p.Values) > 0:
		return p.Values[0]
	case strings.Contains(p.Name, "currency"):
		return "EUR"
	case strings.Contains(p.Name, "zone"):
		return "UTC"
	}
	return "x"
}

// each reads the first rows of a file.
func each(path string, d table.Dialect, f func(*table.Row) error) error {
	r, err := table.Open(path, d)
	if err != nil {
		return err
	}
	defer r.Close()
	for range trialRows {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return nil
}

// extension is the least mapping that builds on the preset.
func (m *Match) extension(name string) string {
	s := "payrec: mapping/v1\nname: " + name + "\nextends: preset:" + m.Preset + "\n"
	if m.Input != "" {
		s += "input: {" + m.Input + "}\n"
	}
	return s
}

// Write writes a mapping that builds on the preset, for what differs in one's
// own account: its params stand there as comments.
func (m *Match) Write(out io.Writer, file string) error {
	w := &writer{}
	file = filepath.Base(file)
	w.line("# yaml-language-server: $schema=%s", SchemaURL)
	w.line("# %s is a file of the preset %s (%s): %s.", comment(file), m.Preset, comment(m.Title), comment(m.Why()))
	if m.Input == "" {
		w.line("# The preset can be used as it is:  payrec import FILE -m %s", m.Preset)
	}
	w.line("# This mapping takes it over for what differs with you. Any key of the preset can be written here again;")
	w.line("# payrec presets %s prints it.", m.Preset)
	name := mappingName(file)
	if name == m.Preset {
		name = "my-" + name
	}
	w.b.WriteString(m.extension(name))
	if len(m.outline.Params) > 0 {
		m.params(w)
	}
	_, err := io.WriteString(out, w.b.String())
	return err
}

func (m *Match) params(w *writer) {
	must := func(p mapping.Param) bool { return p.Required && p.Default == "" }
	if slices.ContainsFunc(m.outline.Params, must) {
		w.line("# CHECK: a param marked required has to be given: here as a default, or with --param NAME=VALUE.")
	}
	w.line("# params:")
	for _, p := range m.outline.Params {
		doc := comment(p.Doc)
		if len(p.Values) > 0 {
			doc += "; one of " + comment(strings.Join(p.Values, ", "))
		}
		if must(p) {
			doc = "required: " + doc
		}
		w.line("#   %s: {default: %s}   # %s", p.Name, quote(p.Default), doc)
	}
}
