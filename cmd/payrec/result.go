package main

import (
	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/record"
)

// A result is what a run of import, plan or apply came to. Its JSON form is
// part of the interface: fields are added, never renamed or removed.
type result struct {
	Run          string                 `json:"run"`
	Status       int                    `json:"exit_status"`
	Mapping      string                 `json:"mapping"`
	MappingHash  string                 `json:"mapping_sha256"`
	Account      string                 `json:"account"`
	Livemode     bool                   `json:"livemode"`
	DryRun       bool                   `json:"dry_run"`
	Applied      bool                   `json:"applied"` // the calls were sent, as far as they could be
	Balanced     bool                   `json:"balanced"`
	Inputs       []inputResult          `json:"inputs"`
	Rows         *importer.Rows         `json:"rows,omitempty"` // not known to apply, which reads no rows
	Lines        map[string]int64       `json:"other_lines,omitempty"`
	Classes      []*importer.ClassCount `json:"classes,omitempty"`
	Checks       []checkResult          `json:"checks,omitempty"`
	Calls        importer.Calls         `json:"calls"`
	RequestsSent int64                  `json:"requests_sent"`
	Searched     *importer.Searched     `json:"looked_up,omitempty"`  // payments that the journal did not know
	Reconciled   *importer.Reconciled   `json:"reconciled,omitempty"` // what was in doubt and was looked up
	Sums         importer.Sums          `json:"sums"`                 // of the planned calls that were not changed since they were reported, minor units
	HeldSums     importer.Sums          `json:"held_sums"`            // of the held calls, minor units
	Files        fileResult             `json:"files"`
	Problems     problemResult          `json:"problems"`

	tallies []record.Tally
	target  string
	dropped string
}

type inputResult struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

type checkResult struct {
	Name     string `json:"name"`
	Group    string `json:"group,omitempty"`
	OK       bool   `json:"ok"`
	Severity string `json:"severity"`
	Message  string `json:"message,omitempty"`
}

// fileResult names the files that were written. More holds those besides the
// first of a kind: sources that differ in their columns get one each.
type fileResult struct {
	Rejects  string   `json:"rejects,omitempty"`
	Held     string   `json:"held,omitempty"`
	Receipts string   `json:"receipts,omitempty"`
	Review   string   `json:"review,omitempty"`
	More     []string `json:"more,omitempty"`

	// The same rows as workbooks, for people, where the source is text.
	RejectsWorkbook string `json:"rejects_workbook,omitempty"`
	HeldWorkbook    string `json:"held_workbook,omitempty"`
}

func (f *fileResult) add(l importer.Leftovers) {
	for _, kind := range []struct {
		first *string
		paths []string
	}{{&f.Rejects, l.Rejects}, {&f.Held, l.Held}, {&f.RejectsWorkbook, l.RejectsWorkbooks}, {&f.HeldWorkbook, l.HeldWorkbooks}} {
		for i, path := range kind.paths {
			if i == 0 {
				*kind.first = path
			} else {
				f.More = append(f.More, path)
			}
		}
	}
}

type problemResult struct {
	Total  int64              `json:"total"`
	Counts map[string]int64   `json:"counts,omitempty"` // by code
	First  []importer.Problem `json:"first,omitempty"`
}

// planned takes over what planning found.
func (r *result) planned(run *importRun, report *importer.Report) {
	r.Run = report.Run
	r.Mapping = run.mapping.Name()
	r.MappingHash = run.mapping.Hash()
	r.describe(run, run.inputs.infos)
	r.DryRun = run.flags.dryRun
	r.Rows, r.Lines, r.Classes = &report.Rows, report.Lines, report.Classes
	for _, c := range report.Checks {
		r.Checks = append(r.Checks, checkResult{c.Name, c.Group, c.OK, c.Severity, c.Msg})
	}
	r.Problems = problemResult{report.Problems.Total, report.Problems.Counts, report.Problems.First}
	r.Searched = report.Searched
	if report.Dropped != nil {
		r.dropped = report.Dropped.Error()
		report.Tallies = nil
	}
	r.count(report.Tallies)
}

// chosen takes over the plan that is to be applied.
func (r *result) chosen(run *importRun, chosen journal.RunStatus) {
	r.Run, r.Mapping, r.MappingHash = chosen.ID, chosen.Mapping, chosen.MappingHash
	r.describe(run, chosen.Files)
}

func (r *result) describe(run *importRun, files []journal.FileInfo) {
	r.Account, r.Livemode, r.target = run.target.identity.Account, run.target.live, run.target.name
	for _, f := range files {
		r.Inputs = append(r.Inputs, inputResult{f.Name, f.SHA256, f.Size})
	}
}

// applied takes over what sending came to.
func (r *result) applied(requests int64, tallies []record.Tally) {
	r.Applied, r.RequestsSent = true, requests
	r.count(tallies)
}

func (r *result) count(tallies []record.Tally) {
	r.tallies = tallies
	r.Calls, r.Sums = importer.Account(tallies, r.Applied)
	r.HeldSums = importer.Sums{}
	for _, t := range tallies {
		if t.Disposition == record.Held {
			r.HeldSums.Add(t)
		}
	}
	r.Balanced = r.Calls.Balanced() && (r.Rows == nil || r.Rows.Balanced())
}

// leftOver says whether any row was not imported.
func (r *result) leftOver() bool {
	held := false
	for _, t := range r.tallies {
		held = held || t.Disposition == record.Held
	}
	return held || r.Calls.Rejected+r.Calls.Parked > 0 || r.Rows != nil && r.Rows.Held+r.Rows.Rejected > 0
}

// print writes the result for people or for programs.
func (r *importRun) print() error {
	if !r.flags.json {
		return r.result.write(r.stdout, r.stderr)
	}
	return writeJSON(r.stdout, &r.result)
}
