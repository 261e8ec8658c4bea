package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/exporter"
	reports "github.com/payrec/payrec/exporter/report"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// reportFlags choose a report instead of the files that export writes itself.
type reportFlags struct {
	report string
	params []string
}

func (f *reportFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.report, "report", "", "write this `REPORT`: NAME (payrec reports lists them) or FILE.yaml")
	flags.StringArrayVar(&f.params, "param", nil, "value of a report's param: `NAME=VALUE`")
}

// loadReport compiles the report that the flags name, for the period that they
// and the report say; nil when none is named. Then the period is the flags'.
func (a *app) loadReport(cmd *cobra.Command, f *exportFlags) (*reports.Report, exporter.Period, error) {
	asked, err := f.period(first(f.zone, a.cfg.Zone, "UTC")) // faults of the flags alone, too
	if f.report == "" || err != nil {
		if err == nil && len(f.params) > 0 {
			err = usage("name it: --report NAME", "--param is for reports, and none is named")
		}
		return nil, asked, err
	}
	params := map[string]string{}
	for _, p := range f.params {
		name, value, ok := cutParam(p)
		if !ok {
			return nil, asked, usage("write --param NAME=VALUE", "--param %q has no name or no =", p)
		}
		params[name] = value
	}
	r, err := reports.Load(f.report, reports.Options{Params: params, Defaults: a.cfg.Params, Period: func(said exporter.Period) (exporter.Period, error) {
		own := ""
		if said.Zone != nil {
			own = said.Zone.String()
		}
		flags := f.periodFlags
		if !cmd.Flags().Changed("by") {
			flags.by = said.By
		}
		p, err := flags.period(first(f.zone, own, a.cfg.Zone, "UTC"))
		p.SettledKey = said.SettledKey
		return p, err
	}})
	if err != nil {
		return nil, asked, &failure{exitUsage, err, "nothing was read or written"}
	}
	return r, r.Period(), f.suits(cmd, r)
}

// suits checks what the report needs of the other flags.
func (f *exportFlags) suits(cmd *cobra.Command, r *reports.Report) error {
	if r.Attempts() {
		switch {
		case !cmd.Flags().Changed("attempts"):
			f.attempts = "all"
		case f.attempts == "none":
			return usage("leave it out, or say --attempts latest", "the report %q has lines of attempts, and --attempts none reads none", r.Name())
		}
	}
	ext := strings.ToLower(filepath.Ext(f.output))
	switch {
	case f.output == "":
		return usage("payrec export --report "+f.report+" -o june.csv", "say where to write: -o FILE")
	case f.format == "jsonl", f.output != "-" && ext != ".csv" && ext != ".xlsx":
		return usage("", "a report is written as .csv or .xlsx, not as %s", first(f.format, f.output))
	case r.TextOnly() && ext == ".xlsx":
		return usage("name a file that ends in .csv", "the report %q is for a program that reads CSV", r.Name())
	case r.WorkbookOnly() && ext != ".xlsx":
		return usage("name a file that ends in .xlsx", "the report %q has sheets that only a workbook holds", r.Name())
	}
	return nil
}

// A reportResult is the report's part of the JSON form of payrec export.
type reportResult struct {
	Name       string              `json:"name"`
	Lines      int                 `json:"lines"`
	Totals     []reportTotal       `json:"totals"`
	Exceptions []reports.Exception `json:"exceptions"`
	More       int                 `json:"more_exceptions,omitempty"`
	Replaced   int                 `json:"replaced_letters,omitempty"`
	Changed    int                 `json:"changed_texts,omitempty"` // cut, or without characters that their column does not allow
	builtin    bool                // has nothing but the sheets of every workbook
}

// A reportTotal is the sum of a column: exact, in major units.
type reportTotal struct {
	Sheet    string          `json:"sheet"`
	Group    string          `json:"group,omitempty"`
	Column   string          `json:"column"`
	Currency record.Currency `json:"currency,omitempty"`
	Sum      string          `json:"sum"`
}

// exportReport writes a report's files: all or, when the data does not allow
// it, none.
func (a *app) exportReport(cmd *cobra.Command, f *exportFlags, r *reports.Report, data *exporter.Dataset, locale exporter.Locale) (files []string, result *reportResult, err error) {
	b, err := r.Build(cmd.Context(), data)
	var faults *reports.Faults
	if errors.As(err, &faults) {
		return nil, nil, &failure{exitInput, faults, "nothing was written"}
	}
	if err != nil {
		return nil, nil, err
	}
	defer closing(&err, b.Close)
	all, err := b.Files(f.output, reports.TextOptions{Locale: locale, Raw: f.raw})
	if err != nil {
		return nil, nil, &failure{exitUsage, err, "nothing was written"}
	}
	for _, file := range all {
		if err := free(file.Path, f.force); err != nil {
			return nil, nil, err
		}
	}
	if len(all) > 1 { // what the encoding lacks must not show when half of the files are written
		for _, file := range all {
			if err := file.Write(io.Discard); err != nil {
				return nil, nil, err
			}
		}
	}
	before := b.Replaced()
	for _, file := range all {
		if file.Path == "-" {
			err = file.Write(a.stdout)
		} else {
			err = table.WriteFile(file.Path, file.Write)
		}
		if err != nil {
			return files, nil, err
		}
		files = append(files, file.Path)
	}
	result = &reportResult{Name: r.Name(), Lines: b.Lines(), Totals: []reportTotal{}, Replaced: b.Replaced() - before, Changed: b.Changed(), builtin: r.WorkbookOnly() && b.Lines() == 0}
	exceptions, more := b.Exceptions()
	result.Exceptions, result.More = append([]reports.Exception{}, exceptions...), more
	for _, t := range b.Totals() {
		result.Totals = append(result.Totals, reportTotal{t.Sheet, t.Group, t.Column, t.Sum.Currency, t.Sum.Text()})
	}
	return files, result, nil
}

// free says whether a file may be written.
func free(path string, force bool) error {
	if _, err := os.Lstat(path); err == nil && !force && path != "-" {
		return usage("--force replaces it", "%s exists already", path)
	}
	return nil
}

// shownExceptions is how many lines a person reads.
const shownExceptions = 10

func (r *reportResult) write(p *printer) {
	if !r.builtin {
		p.line("%s in the report %s", count(int64(r.Lines), "line"), r.Name)
	}
	g := &grid{titles: []string{"sheet", "column", ">total"}}
	for _, t := range r.Totals {
		sheet := t.Sheet
		if t.Group != "" {
			sheet += ", " + t.Group
		}
		g.add(sheet, t.Column, strings.TrimSpace(grouped(t.Sum)+" "+t.Currency.Upper()))
	}
	p.grid(g)
	if n := len(r.Exceptions) + r.More; n > 0 {
		p.line("%s, of money that has no line here:", count(int64(n), "exception"))
		for _, e := range r.Exceptions[:min(len(r.Exceptions), shownExceptions)] {
			p.line("  %s: %s", e.Payment, e.Reason)
		}
		if n > shownExceptions {
			p.line("  and %s more; --json lists them", thousands(int64(n-shownExceptions)))
		}
	}
	if r.Changed > 0 {
		p.line("%s cut, or without characters that their columns do not take, as the report says", count(int64(r.Changed), "text"))
	}
	if r.Replaced > 0 {
		p.line("%s that the encoding lacks became \"?\"", count(int64(r.Replaced), "letter"))
	}
}
