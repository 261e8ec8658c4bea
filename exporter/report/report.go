// Package report turns payments into the files that an accountant wants, as a
// report file says.
//
// Terms:
//
//   - A report is one YAML file: which payments, what makes a line, which
//     columns, which totals. A shipped report is one that is embedded in the
//     program. docs/reports.md is the reference of the language.
//   - A sheet is one table of a report: lines, a pivot, or a builtin, which is
//     one of the sheets that package exporter makes itself.
//   - An item is what makes a line: a payment, an attempt, a refund, a
//     movement, which is money that came (+) or went (−) on a day of its own,
//     or a posting, which is a movement or a processor's fee (−).
//   - An entry is what belongs together: the lines of one item, or all lines
//     with one value of the column that `balance: {per: …}` names. It is never
//     cut by a split.
//   - A part is the lines of a sheet with one value of `split: {by: …}`.
//
// # How a report is loaded
//
// The YAML becomes a tree with places (yamltree), and everything in it is
// compiled in the order of work, with all problems at once: what cannot be
// known to work is refused here, not in the middle of a month. Names have one
// kind each; what they give for an item stands in names.go.
//
// # How it is made
//
// [Report.Build] evaluates everything before the first byte of a file is
// written: columns, totals, balances, refusals. Lines lie in temporary files,
// so memory does not grow with the payments; sheets in the order of the
// dataset are made in one pass over it, sorted ones by sorting keys in runs on
// disk. Only then [Built.Files] says which files there are, and writes them
// from the same lines. So a report with a fault leaves nothing behind.
//
// Nothing depends on the clock, the machine's zone or a map's order: the same
// dataset and report give the same bytes.
//
// # What is not dropped silently
//
// An item without the date that the period goes by can be in no period. It has
// no line, and is one of [Built.Exceptions]; so is money that was refunded
// without a stamp, of which nobody knows when.
package report

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/yamltree"
)

// Problem is one thing that is wrong with a report, Problems are all of them.
type (
	Problem  = yamltree.Problem
	Problems = yamltree.Problems
)

// A Report is a compiled report file. It does not change.
type Report struct {
	name, title string
	period      exporter.Period
	text        textForm
	split       split
	base        *sheet // what is said of all payments: where, and its names
	sheets      []*sheet
}

// Name is the report's name.
func (r *Report) Name() string { return r.name }

// Title is the report's title for people, or its name.
func (r *Report) Title() string {
	if r.title == "" {
		return r.name
	}
	return r.title
}

// Period is what must be collected for the report. It is wider than what was
// asked for when the report has movements: a refund of this month may be of
// any payment.
func (r *Report) Period() exporter.Period {
	p := r.period
	for _, s := range r.sheets {
		if s.moves() {
			p.By = exporter.ByMoved
		}
	}
	return p
}

// Attempts says whether the report needs attempts.
func (r *Report) Attempts() bool {
	for _, s := range r.sheets {
		if s.each == "attempt" {
			return true
		}
	}
	return false
}

// WorkbookOnly says whether the report has sheets that only a workbook holds.
func (r *Report) WorkbookOnly() bool {
	for _, s := range r.sheets {
		if s.builtin != "" {
			return true
		}
	}
	return false
}

// TextOnly says whether the report is for a program that reads text, so that no
// workbook is made of it.
func (r *Report) TextOnly() bool { return r.text.only }

// Options are what a report needs besides its file.
type Options struct {
	Params   map[string]string // values of `params`, by name
	Defaults map[string]string // taken for params that are not given, where the report has them
	// Period turns the report's zone and date into the period that is asked
	// for; nil takes them with no bounds.
	Period func(exporter.Period) (exporter.Period, error)
}

//go:embed shipped
var shipped embed.FS

// An Info is a shipped report.
type Info struct{ Name, Title string }

// Shipped are the reports that come with payrec, by name.
func Shipped() []Info {
	files, err := fs.Glob(shipped, "shipped/*.yaml")
	if err != nil { // unreachable: the pattern is well formed
		return nil
	}
	var all []Info
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".yaml")
		info := Info{Name: name}
		src, _ := ShippedSource(name)
		c := &yamltree.Collector{Noun: "report"}
		if root := yamltree.Parse(name, src, c); root != nil {
			info.Title = c.OptionalText(root, "title")
		}
		all = append(all, info)
	}
	return all
}

// ShippedSource is the text of a shipped report.
func ShippedSource(name string) ([]byte, bool) {
	if strings.ContainsAny(name, `/\`) {
		return nil, false
	}
	src, err := shipped.ReadFile("shipped/" + name + ".yaml")
	return src, err == nil
}

// Load reads and compiles a report. ref is the name of a shipped one, or the
// path of a file: anything with a slash, a backslash, or the ending .yaml or
// .yml. The error is [Problems] with everything that is wrong.
func Load(ref string, o Options) (*Report, error) {
	name, src, err := readSource(ref)
	if err != nil {
		return nil, err
	}
	return Parse(name, src, o)
}

// Lint is like [Load] without making use of the report: params that are
// required but not given are no problem, and warnings are returned too. The
// error is only for a report that cannot be read at all.
func Lint(ref string, o Options) (Problems, error) {
	name, src, err := readSource(ref)
	if err != nil {
		return nil, err
	}
	_, problems := parse(name, src, o, true)
	return problems, nil
}

// Parse compiles a report from memory. name stands for the file in messages.
func Parse(name string, src []byte, o Options) (*Report, error) {
	r, problems := parse(name, src, o, false)
	if fatal := problems.Fatal(); len(fatal) > 0 {
		return nil, fatal
	}
	return r, nil
}

func readSource(ref string) (name string, src []byte, err error) {
	ext := strings.ToLower(filepath.Ext(ref))
	if !strings.ContainsAny(ref, `/\`) && ext != ".yaml" && ext != ".yml" {
		src, ok := ShippedSource(ref)
		if !ok {
			var names []string
			for _, info := range Shipped() {
				names = append(names, info.Name)
			}
			return "", nil, Problems{{File: ref, Msg: fmt.Sprintf("there is no report %q", ref), Hint: yamltree.DidYouMeanOr(ref, names) + "; a file's name ends in .yaml"}}
		}
		return ref + ".yaml", src, nil
	}
	src, err = yamltree.ReadFile(ref, "report")
	return ref, src, err
}

func parse(name string, src []byte, o Options, lint bool) (*Report, Problems) {
	c := &compiler{Collector: yamltree.Collector{Noun: "report"}, options: o, lint: lint}
	root := yamltree.Parse(name, src, &c.Collector)
	if !c.IsMap(root, "begin with payrec: "+version) {
		return nil, c.Sorted()
	}
	r := c.report(root)
	return r, c.Sorted()
}
