package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/record"
)

// write prints the result for people: what was found and done on out, what is
// wrong on problems.
func (r *result) write(out, problems io.Writer) error {
	p := &printer{w: out}
	p.line("%s · %s", r.Mapping, r.sources())
	p.line("%s · %s", r.Run, r.target)
	p.line("")
	r.writeRows(p)
	r.writeCalls(p)
	r.writeReconciled(p)
	r.writeChecks(p)
	r.writeProblems(&printer{w: problems})
	r.writeFiles(p)
	p.line("%s", r.closing())
	return p.err
}

// A printer keeps the first error, so that the lines read as lines.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, clean(fmt.Sprintf(format, args...)))
	}
}

func (p *printer) grid(g *grid) {
	if p.err == nil {
		p.err = g.write(p.w, "  ")
	}
	if len(g.rows) > 0 {
		p.line("")
	}
}

func (r *result) sources() string {
	var names []string
	for _, in := range r.Inputs {
		names = append(names, fmt.Sprintf("%s (sha256 %.8s)", in.Name, in.SHA256))
	}
	const most = 3
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

func (r *result) writeRows(p *printer) {
	if r.Rows == nil {
		return
	}
	n := r.Rows
	p.line("Rows   %s = %s emitted + %s attached + %s ignored + %s held + %s rejected", thousands(n.Total),
		thousands(n.Emitted), thousands(n.Attached), thousands(n.Ignored), thousands(n.Held), thousands(n.Rejected))
	g := &grid{titles: []string{"class", ">rows", ">total", "what the mapping says of it"}}
	for _, c := range r.Classes {
		what := c.Disposition
		if c.Disposition == "emitted" {
			what = "becomes " + r.callsOf(c.Class)
		}
		if c.Reason != "" {
			what += ": " + c.Reason
		}
		totals := classTotals(c)
		g.add(first(c.Class, "(none)"), thousands(c.Rows), totals[0], what)
		for _, t := range totals[1:] {
			g.add("", "", t, "")
		}
	}
	p.grid(g)
}

// classTotals are the class's totals, one per currency, at least one text.
func classTotals(c *importer.ClassCount) []string {
	var totals []string
	for currency, total := range c.Totals {
		totals = append(totals, strings.TrimSpace(grouped(total)+" "+strings.ToUpper(currency)))
	}
	slices.SortFunc(totals, func(a, b string) int { return cmp.Compare(last3(a), last3(b)) })
	if len(totals) == 0 {
		return []string{""}
	}
	return totals
}

func last3(s string) string { return s[max(len(s)-3, 0):] }

func (r *result) callsOf(class string) string {
	var calls []string
	for _, t := range r.tallies {
		if t.Class == class && !slices.Contains(calls, string(t.Call)) {
			calls = append(calls, string(t.Call))
		}
	}
	slices.Sort(calls)
	return first(strings.Join(calls, " + "), "calls")
}

func (r *result) writeCalls(p *printer) {
	if r.dropped != "" {
		return
	}
	c := r.Calls
	p.line("Calls  %s = %s%s confirmed + %s already there + %s rejected + %s parked + %s in doubt", thousands(c.Planned), r.pending(),
		thousands(c.Confirmed), thousands(c.Already), thousands(c.Rejected), thousands(c.Parked), thousands(c.InDoubt))
	type key struct {
		call     record.CallName
		what     string
		currency record.Currency
	}
	sums := map[key]*record.Tally{}
	var order []key
	for _, t := range r.tallies {
		k := key{t.Call, r.words(t), t.Currency}
		if sums[k] == nil {
			sums[k] = &record.Tally{}
			order = append(order, k)
		}
		sums[k].N += t.N
		sums[k].Value += t.Value
	}
	slices.SortFunc(order, func(a, b key) int {
		return cmp.Or(cmp.Compare(slices.Index(record.Writes(), a.call), slices.Index(record.Writes(), b.call)),
			cmp.Compare(a.what, b.what), cmp.Compare(a.currency, b.currency))
	})
	g := &grid{titles: []string{"call", ">calls", ">amount", "what became of it"}}
	for _, k := range order {
		g.add(string(k.call), thousands(sums[k].N), money(sums[k].Value, k.currency), k.what)
	}
	p.grid(g)
}

// writeReconciled says what looking up came to, and what it cost.
func (r *result) writeReconciled(p *printer) {
	if s := r.Searched; s != nil {
		p.line("Looked up %s that the journal does not know with %s: %s found by their stamps, %s more than once", count(s.Payments, "payment"),
			count(s.Requests, "request"), thousands(s.Found), thousands(s.Ambiguous))
		if s.Unread != "" {
			p.line("       %s", s.Unread)
		}
		p.line("")
	}
	s := r.Reconciled
	if s == nil {
		return
	}
	p.line("Looked up %s in doubt with %s: %s found, %s not there and sent anew, %s to decide, %s too young to tell", count(s.Calls, "call"),
		count(s.Requests, "request"), thousands(s.Adopted), thousands(s.Absent), thousands(s.Conflicts), thousands(s.Waiting))
	if s.Unread != "" {
		p.line("       %s", s.Unread)
	}
	p.line("")
}

func (r *result) pending() string {
	if r.Applied {
		return ""
	}
	return thousands(r.Calls.Pending) + " to send + "
}

// words says what became of a tally's calls.
func (r *result) words(t record.Tally) string {
	switch t.Disposition {
	case record.Same:
		return "already there: reported by an earlier run"
	case record.Changed:
		return "changed since it was reported: left as it is"
	case record.Held:
		if r.DryRun {
			return "held unless the journal knows the payment"
		}
		return "held: its payment has not been reported"
	case record.Duplicate:
		return "repeats an earlier row: counted once"
	case record.Conflicting:
		if t.State != record.ConflictState {
			return "rejected: contradicts another row under the same id"
		}
	case record.Parked:
		return "parked: another row of its payment cannot be imported"
	}
	switch t.State {
	case record.Confirmed:
		return "confirmed"
	case record.Adopted:
		return "confirmed: found in the account"
	case record.Rejected:
		return "refused by the API"
	case record.ConflictState:
		return "in conflict: a person must decide (payrec status)"
	case record.Reconciling:
		return "in doubt: not found in the account so far"
	case record.Planned:
		if r.Applied {
			return "not sent"
		}
		return "to send"
	}
	if r.Applied {
		return "in doubt: it may have been reported"
	}
	return "to ask again: in doubt since an earlier run"
}

func (r *result) writeChecks(p *printer) {
	g := &grid{titles: []string{"", "check", ""}}
	for _, c := range r.Checks {
		mark := "ok"
		switch {
		case !c.OK && c.Severity == "warn":
			mark = "warning"
		case !c.OK:
			mark = "FAILED"
		}
		name := c.Name
		if c.Group != "" {
			name += " [" + c.Group + "]"
		}
		g.add(mark, name, c.Message)
	}
	p.grid(g)
}

func (r *result) writeProblems(p *printer) {
	for _, problem := range r.Problems.First {
		p.line("%s", problem)
		if problem.Hint != "" {
			p.line("    hint: %s", problem.Hint)
		}
	}
	if rest := r.Problems.Total - int64(len(r.Problems.First)); rest > 0 {
		p.line("and %s more", thousands(rest))
		for code, n := range r.Problems.Counts {
			p.line("    %s: %s", code, thousands(n))
		}
	}
	if len(r.Problems.First) > 0 {
		p.line("")
	}
}

func (r *result) writeFiles(p *printer) {
	g := &grid{titles: []string{"file", ""}}
	for _, f := range [][2]string{{"rejects", r.Files.Rejects}, {"", r.Files.RejectsWorkbook}, {"held", r.Files.Held}, {"", r.Files.HeldWorkbook}, {"receipts", r.Files.Receipts}, {"review", r.Files.Review}} {
		if f[1] != "" {
			g.add(f[0], f[1])
		}
	}
	for _, path := range r.Files.More {
		g.add("", path)
	}
	p.grid(g)
}

// closing is the sentence that says how it ended and what to do next.
func (r *result) closing() string {
	switch {
	case r.dropped != "":
		return "Nothing was sent."
	case r.DryRun:
		return fmt.Sprintf("Dry run: nothing was written or sent; %s would be reported.", count(r.Calls.Pending, "call"))
	case !r.Applied && r.Calls.Pending == 0:
		return "Planned: there is nothing to send."
	case !r.Applied:
		return fmt.Sprintf("Planned: %s to send. Apply it with: payrec apply %s", count(r.Calls.Pending, "call"), r.Run)
	}
	said := fmt.Sprintf("%s sent to %s.", count(r.RequestsSent, "request"), r.target)
	switch r.Status {
	case exitOK:
		return said + " Every row is accounted for."
	case exitPartial:
		if f := r.Files; f.Rejects+f.Held == "" {
			return said + " Some calls were not made; the table above says what became of them."
		}
		return said + " Some rows were not imported; the files above say why."
	case exitDoubt:
		if s := r.Reconciled; s != nil && s.AskAgain != nil {
			return said + " Something is in doubt: run the same command again after " + s.AskAgain.UTC().Format("2006-01-02 15:04 UTC") + " to find out."
		}
		if r.conflicts() == r.Calls.InDoubt {
			return said + " Something is in conflict: `payrec status` lists what a person must decide."
		}
		return said + " Something is in doubt: run the same command again to find out."
	}
	return said
}

// conflicts counts the calls that a person must decide about.
func (r *result) conflicts() (n int64) {
	for _, t := range r.tallies {
		if t.State == record.ConflictState && t.Disposition != record.Same {
			n += t.N
		}
	}
	return n
}

// count is "1 request" or "1,200 requests".
func count(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return thousands(n) + " " + what
}
