package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/record"
)

// A statusResult is the JSON form of payrec status.
type statusResult struct {
	Journal string           `json:"journal"`
	Account string           `json:"account"`
	Mode    string           `json:"mode"`
	InDoubt int64            `json:"in_doubt"`
	Calls   map[string]int64 `json:"calls"` // by state
	Sums    importer.Sums    `json:"sums"`  // of the confirmed calls, minor units
	Open    []openCall       `json:"open"`  // in doubt or in conflict, at most 1,000
	Runs    []runResult      `json:"runs"`
}

// mostOpen is how many open calls are listed; mostShown of them for people.
const (
	mostOpen  = 1000
	mostShown = 25
)

// An openCall is one that is in doubt or in conflict, with the next step.
type openCall struct {
	Call      string `json:"call"` // its operation id, for payrec resolve
	What      string `json:"what"`
	State     string `json:"state"`
	Payment   string `json:"payment"`
	Amount    int64  `json:"amount,omitempty"` // minor units
	Currency  string `json:"currency,omitempty"`
	File      string `json:"file"`
	Line      int    `json:"line"`
	Record    string `json:"payment_record,omitempty"`
	FirstSent string `json:"first_sent,omitempty"` // RFC 3339, UTC
	LastSent  string `json:"last_sent,omitempty"`
	Message   string `json:"message,omitempty"`
	Run       string `json:"run,omitempty"`
	Next      string `json:"next"`
}

type runResult struct {
	Run     string        `json:"run"`
	State   string        `json:"state"`
	Mapping string        `json:"mapping"`
	Files   []inputResult `json:"files"`
	Created string        `json:"created"` // RFC 3339, UTC
	// Rows is what became of the files' rows when the run was planned; null when it
	// was not kept: for a run that reads no files, or of an older payrec.
	Rows    *importer.Rows   `json:"rows"`
	Lines   map[string]int64 `json:"other_lines,omitempty"`
	Classes []rowsResult     `json:"classes,omitempty"`
	Calls   importer.Calls   `json:"calls"`
	Sums    importer.Sums    `json:"sums"`
}

// A rowsResult counts rows of a file that are alike, as the mapping had them.
type rowsResult struct {
	File        string `json:"file"`
	Class       string `json:"class"`
	Disposition string `json:"disposition"`
	Reason      string `json:"reason,omitempty"`
	Rows        int64  `json:"rows"`
	Currency    string `json:"currency,omitempty"`
	Total       string `json:"total,omitempty"` // the mapping's total, in major units
}

func (a *app) statusCommand() *cobra.Command {
	f := &targetFlags{}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status [RUN]",
		Short: "Say what the journal knows: runs, calls and sums",
		Long: `Status reads the journal, also while an import is running. It asks nobody and
needs no key. Rows are counted as they ended when the run was planned; of one
run, class by class.

Exit statuses: 0 done · 1 no journal · 5 something is in doubt`,
		Example: `  payrec status
  payrec status run_20260301T101500_k3f9 --json`,
		Args: arguments(0, 1, "a run"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			path := a.journalPath(f)
			j, err := journal.OpenReadOnly(cmd.Context(), path)
			if errors.Is(err, fs.ErrNotExist) {
				return &failure{exitFailed, fmt.Errorf("there is no journal at %s", path), "it is made by the first import; --journal or --sandbox name another"}
			}
			if err != nil {
				return err
			}
			defer closing(&err, j.Close)
			s, err := readStatus(cmd, j, path, args, a.clock())
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), s)
			} else {
				err = s.write(&printer{w: cmd.OutOrStdout()})
			}
			if err == nil && s.InDoubt > 0 {
				err = &failure{status: exitDoubt}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object on standard output")
	f.add(cmd)
	return cmd
}

// journalPath is where the journal of the flags' account is, without opening
// the account.
func (a *app) journalPath(f *targetFlags) string {
	if f.sandbox != "" {
		return first(f.journal, a.getenv("PAYREC_JOURNAL"), f.sandbox+".journal")
	}
	path := first(f.journal, a.getenv("PAYREC_JOURNAL"), a.cfg.Journal)
	if path != "" {
		return path
	}
	// Whoever tried the sandbox only, and asks for the status, means that.
	if _, err := os.Stat(defaultJournal); err != nil {
		if _, err := os.Stat(defaultSandbox + ".journal"); err == nil {
			return defaultSandbox + ".journal"
		}
	}
	return defaultJournal
}

func readStatus(cmd *cobra.Command, j *journal.Journal, path string, only []string, now time.Time) (*statusResult, error) {
	id := j.Identity()
	s := &statusResult{Journal: path, Account: id.Account, Mode: mode(id.Livemode), Calls: map[string]int64{}, Sums: importer.Sums{}, Open: []openCall{}, Runs: []runResult{}}
	totals, err := j.Totals(cmd.Context())
	if err != nil {
		return nil, err
	}
	for _, t := range totals {
		s.Calls[string(t.State)] += t.N
		switch t.State {
		case record.Confirmed, record.Adopted:
			s.Sums.Add(t)
		case record.Sending, record.UnknownState, record.Reconciling, record.ConflictState:
			s.InDoubt += t.N
		}
	}
	if s.InDoubt > 0 {
		if err := s.readOpen(cmd, j, now); err != nil {
			return nil, err
		}
	}
	var runs []journal.RunStatus
	if len(only) == 1 {
		run, err := j.Run(cmd.Context(), only[0])
		if err != nil {
			return nil, &failure{exitUsage, err, "`payrec status` lists the runs"}
		}
		runs = []journal.RunStatus{run}
	} else if runs, err = j.Runs(cmd.Context()); err != nil {
		return nil, err
	}
	for _, run := range runs {
		calls, sums := importer.Account(run.Tallies, run.State == "done")
		r := runResult{Run: run.ID, State: run.State, Mapping: run.Mapping, Created: run.Created.UTC().Format(time.RFC3339), Calls: calls, Sums: sums}
		for _, f := range run.Files {
			r.Files = append(r.Files, inputResult{f.Name, f.SHA256, f.Size})
		}
		r.account(run.Account)
		s.Runs = append(s.Runs, r)
	}
	return s, nil
}

// account takes over what became of the run's rows.
func (r *runResult) account(a *journal.Account) {
	if a == nil {
		return
	}
	r.Rows, r.Lines = &a.Rows, a.Lines
	for _, c := range a.Classes {
		row := rowsResult{File: c.File, Class: c.Class, Disposition: c.Disposition, Reason: c.Reason, Rows: c.N, Currency: string(c.Total.Currency)}
		if c.Summed {
			row.Total = c.Total.Text()
		}
		r.Classes = append(r.Classes, row)
	}
}

func (s *statusResult) readOpen(cmd *cobra.Command, j *journal.Journal, now time.Time) error {
	for d, err := range j.Unsettled(cmd.Context()) {
		if err != nil {
			return err
		}
		s.Open = append(s.Open, openCall{
			Call: d.ID, What: string(d.Call), State: string(d.State), Payment: d.Payment, Amount: d.Amount.Value, Currency: string(d.Amount.Currency),
			File: d.File, Line: d.Line, Record: first(d.RecordID, d.Target), FirstSent: timestamp(d.FirstSent), LastSent: timestamp(d.LastSent),
			Message: d.Message, Run: d.Run, Next: nextStep(d, now),
		})
		if len(s.Open) == mostOpen {
			break
		}
	}
	return nil
}

// timestamp is a time for JSON, "" for none.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func (s *statusResult) writeOpen(p *printer) {
	g := &grid{titles: []string{"call", "what", "state", "payment", ">amount", "row", "what is known", "next"}}
	for i, c := range s.Open {
		if i == mostShown {
			break
		}
		amount := ""
		if c.Currency != "" {
			amount = money(c.Amount, record.Currency(c.Currency))
		}
		g.add(fmt.Sprintf("%.8s", c.Call), c.What, c.State, c.Payment, amount, fmt.Sprintf("%s:%d", c.File, c.Line), c.Message, c.Next)
	}
	p.grid(g)
	if n := s.InDoubt - mostShown; n > 0 {
		p.line("and %s more; --json lists up to %s", count(n, "call"), thousands(mostOpen))
	}
}

func (s *statusResult) write(p *printer) error {
	p.line("%s · account %s · %s", s.Journal, s.Account, s.Mode)
	p.line("")
	g := &grid{titles: []string{"run", "state", "mapping", "files", ">planned", ">pending", ">confirmed", ">already", ">rejected", ">parked", ">in doubt"}}
	for _, r := range s.Runs {
		files := ""
		if len(r.Files) > 0 {
			files = r.Files[0].Name
		}
		if n := len(r.Files); n > 1 {
			files += fmt.Sprintf(" +%d", n-1)
		}
		c := r.Calls
		g.add(r.Run, r.State, r.Mapping, files, thousands(c.Planned), thousands(c.Pending), thousands(c.Confirmed),
			thousands(c.Already), thousands(c.Rejected), thousands(c.Parked), thousands(c.InDoubt))
	}
	p.grid(g)
	s.writeRows(p)
	sums := &grid{titles: []string{"reported in all", ">amount"}}
	for _, call := range record.Calls() {
		for _, currency := range sortedCurrencies(s.Sums[call]) {
			sums.add(string(call), money(s.Sums[call][currency], currency))
		}
	}
	p.grid(sums)
	if s.InDoubt > 0 {
		p.line("%s in doubt or in conflict:", count(s.InDoubt, "call"))
		s.writeOpen(p)
	}
	return p.err
}

// writeRows says what became of the rows of each run that read files; of a
// single run, class by class.
func (s *statusResult) writeRows(p *printer) {
	g := &grid{titles: []string{"run", ">rows", ">emitted", ">attached", ">ignored", ">held", ">rejected", ">other lines"}}
	for _, r := range s.Runs {
		switch n := r.Rows; {
		case n != nil:
			other := int64(0)
			for _, lines := range r.Lines {
				other += lines
			}
			g.add(r.Run, thousands(n.Total), thousands(n.Emitted), thousands(n.Attached), thousands(n.Ignored), thousands(n.Held), thousands(n.Rejected), thousands(other))
		case len(r.Files) > 0:
			g.add(r.Run, "not kept", "", "", "", "", "", "")
		}
	}
	p.grid(g)
	if len(s.Runs) != 1 {
		return
	}
	g = &grid{titles: []string{"class", "file", ">rows", ">total", "what the mapping says of it"}}
	for _, c := range s.Runs[0].Classes {
		total, what := "", c.Disposition
		if c.Total != "" {
			total = strings.TrimSpace(grouped(c.Total) + " " + strings.ToUpper(c.Currency))
		}
		if c.Reason != "" {
			what += ": " + c.Reason
		}
		g.add(first(c.Class, "(none)"), c.File, thousands(c.Rows), total, what)
	}
	p.grid(g)
}
