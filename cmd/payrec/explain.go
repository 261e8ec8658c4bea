package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// An explainResult is the JSON form of payrec explain.
type explainResult struct {
	Mapping string `json:"mapping"`
	*mapping.Explanation
	Journal *knownResult `json:"journal"` // nil: there is no journal, or the row makes no call
}

// knownResult is what a journal says about a row's calls.
type knownResult struct {
	Path    string       `json:"path"`
	Record  string       `json:"payment_record,omitempty"` // pr_…
	Account string       `json:"account"`
	Calls   []knownCall  `json:"calls"`
	source  string       // of the mapping
	events  []knownEvent // the row's calls
}

type knownEvent struct{ call, id, payment string }

// A knownCall is what became of one call, in the latest run that planned it.
type knownCall struct {
	Call        string `json:"call"`
	ID          string `json:"id"`
	Operation   string `json:"operation"`
	Known       bool   `json:"known"`
	State       string `json:"state,omitempty"`
	Disposition string `json:"disposition,omitempty"` // in the latest run
	Run         string `json:"run,omitempty"`
	From        string `json:"from,omitempty"` // file and line in that run
	Attempts    int    `json:"attempts,omitempty"`
	LastSent    string `json:"last_sent,omitempty"` // RFC 3339, UTC
	RequestID   string `json:"request_id,omitempty"`
	Message     string `json:"message,omitempty"` // of the API, or why it is held
}

func (a *app) explainCommand() *cobra.Command {
	f := &importFlags{}
	line := 0
	cmd := &cobra.Command{
		Use:   "explain FILE --line N -m MAPPING",
		Short: "Follow one row through a mapping: cells, values, rules, calls, and what the journal knows",
		Long: `Explain reads the file as an import would, up to the line, and shows what every
step made of the row: its cells, the typed values or why there is none, each
rule that was tried and what decided, the payment's key, the calls with their
fields, and what the journal knows about them. It writes and sends nothing.
The line is that of the file as an editor counts it; of a workbook, the row.

Exit statuses: 0 the row was explained, whatever became of it · 1 the file
cannot be read · 2 no such line, usage or mapping wrong`,
		Example: `  payrec explain settlement.csv --line 118 -m adyen-settlement-detail
  payrec explain march.xlsx --line 7 -m mapping.yaml --json`,
		Args: arguments(1, 1, "a file, or - for standard input"),
		RunE: func(cmd *cobra.Command, files []string) error {
			if line < 1 {
				return usage("say --line 118, as an import's messages name the line", "explain needs --line")
			}
			result, err := a.explain(cmd.Context(), f, files[0], line)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(cmd.OutOrStdout(), result)
			}
			return result.write(&printer{w: cmd.OutOrStdout()})
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&line, "line", 0, "the line `N` of the file")
	flags.StringVarP(&f.mapping, "mapping", "m", "", "a preset's `NAME` or a mapping file (payrec presets lists the presets)")
	flags.StringArrayVar(&f.params, "param", nil, "a parameter of the mapping, `NAME=VALUE`; repeat it for more")
	flags.StringVar(&f.sandbox, "sandbox", "", "look into the journal of the sandbox whose state is kept in `FILE`")
	flags.Lookup("sandbox").NoOptDefVal = defaultSandbox
	flags.StringVar(&f.journal, "journal", "", "the journal `FILE` (default "+defaultJournal+", or beside the sandbox's state)")
	flags.BoolVar(&f.json, "json", false, "print one JSON object on standard output")
	return cmd
}

func (a *app) explain(ctx context.Context, f *importFlags, name string, line int) (result *explainResult, err error) {
	m, _, _, err := a.loadMapping(f)
	if err != nil {
		return nil, err
	}
	in, err := a.openInputs([]string{name}, m.Dialect())
	if in != nil {
		defer closing(&err, in.close)
	}
	if err != nil {
		return nil, err
	}
	e, err := explainFile(m, in.files[0].Open, line)
	var noRow *mapping.NoRowError
	if errors.As(err, &noRow) {
		return nil, usage("a row of several lines counts from its first to its last", "%s: %w", name, err)
	}
	if err != nil {
		return nil, err
	}
	result = &explainResult{Mapping: m.Name(), Explanation: e}
	if len(e.Calls) > 0 {
		k := &knownResult{Path: a.journalPath(&f.targetFlags), source: m.Source()}
		for _, c := range e.Calls {
			k.events = append(k.events, knownEvent{c.Call, c.ID, c.Payment})
		}
		found, err := k.look(ctx)
		if err != nil {
			return nil, err
		}
		if found {
			result.Journal = k
		}
	}
	return result, nil
}

// explainFile explains a row of a file that can be opened more than once.
func explainFile(m *mapping.Mapping, open func() (*table.Reader, error), line int) (*mapping.Explanation, error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	date1904 := r.Date1904()
	if err := r.Close(); err != nil {
		return nil, err
	}
	if date1904 {
		return m.Explain1904(rowsOf(open), line)
	}
	return m.Explain(rowsOf(open), line)
}

// rowsOf reads the file anew each time it is ranged over.
func rowsOf(open func() (*table.Reader, error)) iter.Seq2[*table.Row, error] {
	return func(yield func(*table.Row, error) bool) {
		r, err := open()
		if err != nil {
			yield(nil, err)
			return
		}
		defer r.Close()
		for {
			row, err := r.Next()
			if err == io.EOF {
				return
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// look asks the journal; false: there is none.
func (k *knownResult) look(ctx context.Context) (found bool, err error) {
	j, err := journal.OpenReadOnly(ctx, k.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer closing(&err, j.Close)
	k.Account = j.Identity().Account
	for _, e := range k.events {
		call := record.CallName(e.call)
		k.Calls = append(k.Calls, knownCall{Call: e.call, ID: e.id, Operation: record.OpID(j.Identity().Scope(), k.source, call, e.id)})
		if k.Record == "" {
			if k.Record, _, err = j.RecordOf(ctx, k.source, e.payment); err != nil {
				return false, err
			}
		}
	}
	runs, err := j.RunIDs(ctx)
	if err != nil {
		return false, err
	}
	for _, run := range slices.Backward(runs) {
		if err := k.lookInRun(ctx, j, run); err != nil {
			return false, err
		}
	}
	return true, nil
}

// lookInRun notes what a run knows about the calls that no later run knew.
func (k *knownResult) lookInRun(ctx context.Context, j *journal.Journal, run string) error {
	if !slices.ContainsFunc(k.Calls, func(c knownCall) bool { return !c.Known }) {
		return nil
	}
	var found []int // in this run: a duplicate stands in it more than once
	for e, err := range j.Entries(ctx, run) {
		if err != nil {
			return err
		}
		i := slices.IndexFunc(k.Calls, func(c knownCall) bool { return c.Operation == e.ID })
		if i < 0 || k.Calls[i].Known || slices.Contains(found, i) {
			continue
		}
		found = append(found, i)
		k.Calls[i].fill(run, e)
	}
	for _, i := range found {
		k.Calls[i].Known = true
	}
	return nil
}

func (c *knownCall) fill(run string, e journal.Entry) {
	c.Run, c.State, c.Disposition, c.Attempts, c.RequestID = run, string(e.State), string(e.Disposition), e.Attempts, e.RequestID
	c.From = fmt.Sprintf("%s:%d", e.File, e.Line)
	if c.Message = e.Message; c.Message == "" {
		c.Message = e.Reason
	}
	if !e.LastSent.IsZero() {
		c.LastSent = e.LastSent.UTC().Format(time.RFC3339)
	}
}

func (r *explainResult) write(p *printer) error {
	role := r.Role
	if r.Kind != "" {
		role += ", " + r.Kind
	}
	p.line("%s · %s row · mapping %s", r.Place, role, r.Mapping)
	p.line("")
	cells := &grid{titles: []string{">cell", "header", "text"}}
	for _, c := range r.Cells {
		if c.Text != "" {
			cells.add(fmt.Sprint(c.Cell), c.Header, c.Text)
		}
	}
	p.grid(cells)
	if r.Fate == "" {
		p.line("Only body rows are mapped: this one makes no call and is not counted.")
		return p.err
	}
	r.writeValues(p)
	r.writeRules(p)
	r.writeCalls(p)
	return p.err
}

func (r *explainResult) writeValues(p *printer) {
	values := &grid{titles: []string{"name", "type", "value", "from"}}
	for _, v := range r.Values {
		from := v.From
		if v.Formula != "" {
			from = v.Formula
		}
		value := v.Value
		switch {
		case v.Problem != nil && v.Needed:
			value = "! " + v.Problem.Message
		case v.Problem != nil:
			value = "(nothing needs it: " + v.Problem.Message + ")"
		case value == "":
			value = "(empty)"
		}
		values.add(v.Name, v.Kind, value, from)
	}
	p.grid(values)
}

func (r *explainResult) writeRules(p *printer) {
	rules := &grid{titles: []string{">line", "rule", "", "why"}}
	for _, x := range r.Rules {
		verdict := "no"
		if x.Matched {
			verdict = "yes"
		}
		rules.add(fmt.Sprint(x.Line), x.Class, verdict, x.Why)
	}
	p.grid(rules)
	class := r.Class
	if class == "" {
		class = "(none)"
	}
	p.line("class        %s", class)
	if r.Reason == "" {
		p.line("disposition  %s", r.Fate)
	} else {
		p.line("disposition  %s: %s", r.Fate, r.Reason)
	}
	if r.Payment != "" {
		p.line("payment      %s   (%s)", r.Payment, r.Key)
	}
	for _, x := range r.Problems {
		p.line("problem      %s", problemText(x))
	}
	p.line("")
}

// problemText is a problem as an import would print it.
func problemText(x mapping.ExplainedProblem) string {
	s := x.Message
	if x.Value != "" {
		s = fmt.Sprintf("%q %s", x.Value, s)
	}
	if x.Column != "" {
		s = fmt.Sprintf("column %q: %s", x.Column, s)
	}
	if x.Hint != "" {
		s += "; " + x.Hint
	}
	return s + " [" + x.Code + "]"
}

func (r *explainResult) writeCalls(p *printer) {
	for i, c := range r.Calls {
		p.line("%s, id %s", c.Call, c.ID)
		params := &grid{titles: []string{"field", "value"}}
		for _, x := range c.Params {
			params.add(x.Field, x.Value)
		}
		for _, x := range []struct{ name, value string }{{"(fee)", c.Fee}, {"(net)", c.Net}} {
			if x.value != "" {
				params.add(x.name, x.value)
			}
		}
		p.grid(params)
		if r.Journal != nil {
			p.line("  %s", r.Journal.sentence(i))
			p.line("")
		}
	}
	if len(r.Calls) > 0 && r.Journal == nil {
		p.line("There is no journal here: --journal or --sandbox name one.")
	}
}

// sentence is what the journal knows about a call, in words.
func (k *knownResult) sentence(i int) string {
	c := k.Calls[i]
	if !c.Known {
		return fmt.Sprintf("The journal %s does not know it: an import would report it.", k.Path)
	}
	s := fmt.Sprintf("The journal %s knows it from %s of %s: %s", k.Path, c.From, c.Run, c.Disposition)
	if c.State != "" {
		s += ", " + c.State
	}
	if k.Record != "" {
		s += ", " + k.Record
	}
	if c.LastSent != "" {
		s += fmt.Sprintf(", sent %s", c.LastSent)
	}
	if c.RequestID != "" {
		s += ", " + c.RequestID
	}
	if c.Message != "" {
		s += ": " + c.Message
	}
	return s + "."
}
