package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/govalues/decimal"
	"github.com/spf13/cobra"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
)

type reconcileFlags struct {
	importFlags // the mapping, its params and the account
	periodFlags
	output    string
	locale    string
	tolerance string
	within    bool
	unstamped bool
	force     bool
}

func (a *app) reconcileCommand() *cobra.Command {
	f := &reconcileFlags{}
	cmd := &cobra.Command{
		Use:   "reconcile FILE… -m MAPPING",
		Short: "Hold settlement files against the account, payment by payment",
		Long: `Reconcile reads the files with a mapping, as an import would but without sending
anything, reads the account's payment records and the journal, if there is one,
and says of each payment how it came out:

  matched             in the files and in the account, with the same figures
  missing at Stripe   in the files only
  not in file         in the account only; looked for when a period is named by
                      --month, --from and --to, or by --within
  amount mismatch, currency mismatch, refund mismatch
  duplicate           several records are one payment

The table names the open ones; -o writes all of them. Rows that cannot be read
or wait for a decision cannot be compared; they count as open.

Exit statuses: 0 nothing is open · 1 failed · 2 usage or mapping wrong ·
3 something is open · 4 a file cannot be read · 130 interrupted`,
		Example: `  payrec reconcile settlement.csv -m adyen-settlement-detail --within
  payrec reconcile STL-*.CSV -m paypal-settlement --month 2026-03 -o open.xlsx`,
		Args: arguments(1, -1, "a file, or - for standard input"),
		RunE: func(cmd *cobra.Command, files []string) error { return a.reconcile(cmd, f, files) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.mapping, "mapping", "m", "", "a preset's `NAME` or a mapping file (payrec presets lists the presets)")
	flags.StringArrayVar(&f.params, "param", nil, "a parameter of the mapping, `NAME=VALUE`; repeat it for more")
	flags.StringVarP(&f.output, "output", "o", "", "write all payments to `FILE`: .csv, .xlsx or .json")
	f.periodFlags.add(cmd, "look for payments that are not in the files, among those", " or reported")
	flags.StringVar(&f.locale, "locale", "", "write CSV for a spreadsheet of this `LOCALE`: de-DE is 1,5;2 with a byte order mark")
	flags.StringVar(&f.tolerance, "tolerance", "0", "take amounts for the same that are off by no more than `AMOUNT`, in major units of their currency")
	flags.BoolVar(&f.within, "within", false, "look for payments that are not in the files on the days that the files cover")
	flags.BoolVar(&f.unstamped, "unstamped", false, "count records that payrec did not report as not in the files too")
	flags.IntVar(&f.concurrency, "concurrency", 8, "`N` pages of the account read at once")
	flags.Float64Var(&f.rate, "rate", 0, "`N` requests a second at the most (default 20; no limit on this machine)")
	flags.BoolVar(&f.force, "force", false, "replace a file that exists")
	flags.BoolVar(&f.json, "json", false, "print one JSON object on standard output")
	f.targetFlags.add(cmd)
	return cmd
}

func (a *app) reconcile(cmd *cobra.Command, f *reconcileFlags, names []string) (err error) {
	ctx := cmd.Context()
	m, _, _, err := a.loadMapping(&f.importFlags)
	if err != nil {
		return err
	}
	period, err := f.period(first(f.zone, a.cfg.Zone, "UTC"))
	if err != nil {
		return err
	}
	if f.by != exporter.ByPaid && f.by != exporter.ByReported {
		return usage("", "--by takes paid or reported here, not %q", f.by)
	}
	write, err := f.writer(period)
	if err != nil {
		return err
	}
	options := exporter.ReconcileOptions{Source: m.Source(), Period: period, Within: f.within, Unstamped: f.unstamped, Generator: "payrec " + version()}
	if f.locale != "" {
		if options.Locale, err = exporter.ParseLocale(f.locale); err != nil {
			return usage("", "--%w", err)
		}
	}
	if options.Tolerance, err = decimal.Parse(f.tolerance); err != nil || options.Tolerance.IsNeg() {
		return usage("write it like 0.01", "--tolerance %q is no amount", f.tolerance)
	}
	t, err := a.open(ctx, &f.targetFlags, f.concurrency)
	if err != nil {
		return err
	}
	defer closing(&err, t.close)
	in, err := a.openInputs(names, m.Dialect())
	if err != nil {
		return err
	}
	defer closing(&err, in.close)
	r, err := exporter.NewReconciler(options)
	if err != nil {
		return err
	}
	defer closing(&err, r.Close)
	result := &reconcileResult{Account: t.identity.Account, Mapping: m.Name(), target: t.name, output: f.output}
	infos, err := in.fingerprints()
	if err != nil {
		return err
	}
	for _, info := range infos {
		result.Inputs = append(result.Inputs, inputResult{info.Name, info.SHA256, info.Size})
	}
	claims := &claiming{app: a, mapping: m, files: in.files, scope: t.identity.Scope(), into: r}
	if result.Checks, err = claims.read(ctx); err != nil {
		return err
	}
	if result.JournalNote, err = a.know(ctx, t, m.Source(), r); err != nil {
		return err
	}
	bar := a.newProgress("reading the account", "records", 0)
	err = r.Read(ctx, a.paged(t, f.concurrency, a.readRate(f.rate, t.local)), func(n int) { bar.set(int64(n)) })
	bar.done()
	if err != nil {
		return err
	}
	return a.concludeReconcile(cmd, f, r, result, write)
}

// writer is how -o is written; nil for none.
func (f *reconcileFlags) writer(exporter.Period) (func(*exporter.Reconciliation, io.Writer) error, error) {
	if f.output == "" {
		return nil, nil
	}
	if _, err := os.Lstat(f.output); err == nil && !f.force {
		return nil, usage("--force replaces it", "%s exists already", f.output)
	}
	switch strings.ToLower(filepath.Ext(f.output)) {
	case ".csv":
		return (*exporter.Reconciliation).WriteCSV, nil
	case ".xlsx":
		return (*exporter.Reconciliation).WriteWorkbook, nil
	case ".json":
		return (*exporter.Reconciliation).WriteJSON, nil
	}
	return nil, usage("", "-o %s: the ending must be .csv, .xlsx or .json", f.output)
}

// concludeReconcile compares, writes, prints, and says whether all is well.
func (a *app) concludeReconcile(cmd *cobra.Command, f *reconcileFlags, r *exporter.Reconciler, result *reconcileResult, write func(*exporter.Reconciliation, io.Writer) error) (err error) {
	compared, err := r.Finish()
	if err != nil {
		return err
	}
	defer closing(&err, compared.Close)
	if write != nil {
		if err := table.WriteFile(f.output, func(w io.Writer) error { return write(compared, w) }); err != nil {
			return err
		}
	}
	if err := result.take(compared, f.json); err != nil {
		return err
	}
	if f.json {
		err = writeJSON(cmd.OutOrStdout(), result)
	} else {
		err = result.write(&printer{w: cmd.OutOrStdout()})
	}
	if err == nil && result.Status != exitOK {
		return &failure{status: result.Status}
	}
	return err
}

// A reconcileResult is the JSON form of payrec reconcile.
type reconcileResult struct {
	Status      int                       `json:"status"`
	Account     string                    `json:"account"`
	Mapping     string                    `json:"mapping"`
	Inputs      []inputResult             `json:"inputs"`
	Summary     exporter.ReconcileSummary `json:"summary"`
	Payouts     []exporter.Payout         `json:"payouts,omitempty"`
	Checks      []checkResult             `json:"checks,omitempty"` // those that do not hold
	JournalNote string                    `json:"journal"`
	Open        []exporter.Item           `json:"open"` // all of them with --json
	File        string                    `json:"file,omitempty"`

	target, output string
}

// shownOpen is how many open payments the terminal shows.
const shownOpen = 50

func (r *reconcileResult) take(c *exporter.Reconciliation, all bool) error {
	r.Summary, r.Payouts, r.File, r.Open = c.Summary, c.Payouts, r.output, []exporter.Item{}
	for item, err := range c.Open() {
		if err != nil {
			return err
		}
		if !all && len(r.Open) == shownOpen {
			break
		}
		r.Open = append(r.Open, item)
	}
	if s := r.Summary; s.Open+s.Unread+s.Held+len(r.Checks) > 0 {
		r.Status = exitPartial
	}
	return nil
}

func (r *reconcileResult) write(p *printer) error {
	s := r.Summary
	p.line("%s in %s held against %s", count(int64(s.Claims), "call"), names(r.Inputs), count(int64(s.Records), "record"))
	p.line("account: %s · journal: %s", r.target, r.JournalNote)
	if s.Period != "" {
		p.line("not in file: looked for among those %s", s.Period)
	}
	p.line("")
	g := &grid{titles: []string{"state", ">payments", ">in the files", ">at Stripe"}}
	for _, l := range s.Lines {
		g.add(string(l.State), thousands(int64(l.Count)), money(l.File, l.Currency), money(l.Stripe, l.Currency))
	}
	p.grid(g)
	g = &grid{titles: []string{"payouts of", ">payouts", ">other rows", ">paid out", ">left", ">net at Stripe", ">other rows less Stripe"}}
	for _, x := range r.Payouts {
		stripe, gap := "", ""
		if less, err := x.Movements.Sub(x.Stripe); err == nil && x.Settled > 0 {
			stripe, gap = settled(x.Stripe), settled(less)
		}
		g.add(x.File, thousands(int64(x.Rows)), settled(x.Movements), settled(x.Paid), settled(x.Left), stripe, gap)
	}
	p.grid(g)
	for _, x := range r.Payouts {
		if x.Settled > 0 && x.Unsettled > 0 {
			p.line("net at Stripe of %s: not known of %s", x.File, count(int64(x.Unsettled), "payment or refund"))
		}
	}
	r.writeOpen(p)
	for _, c := range r.Checks {
		p.line("check %q does not hold%s: %s", c.Name, ofGroup(c.Group), c.Message)
	}
	for _, note := range []struct {
		n    int
		text string
	}{{s.Unread, "that cannot be read: not compared; `payrec import --dry-run` says why"}, {s.Held, "waiting for a decision: not compared"}} {
		if note.n > 0 {
			p.line("%s %s", count(int64(note.n), "row"), note.text)
		}
	}
	if s.Tolerated > 0 {
		p.line("%s matched within the tolerance", count(int64(s.Tolerated), "payment"))
	}
	if left := s.OtherSources + s.OnStripe + s.Unidentified; left > 0 {
		p.line("left out: %s of other sources, %d processed by Stripe, %d without stamp and reference", count(int64(s.OtherSources), "record"), s.OnStripe, s.Unidentified)
	}
	switch {
	case s.Open > 0:
		p.line("%s open", count(int64(s.Open), "payment"))
	case r.Status == exitOK:
		p.line("nothing is open")
	}
	if r.File != "" {
		p.line("written: %s", r.File)
	}
	return p.err
}

func (r *reconcileResult) writeOpen(p *printer) {
	g := &grid{titles: []string{"payment", "state", "record", "where", "what"}}
	for _, i := range r.Open {
		where := i.File
		if i.Line > 0 {
			where = fmt.Sprintf("%s:%d", i.File, i.Line)
		}
		g.add(i.Payment, string(i.State), strings.Join(i.Records, " "), where, strings.Join(i.Details, "; "))
	}
	p.grid(g)
	if more := r.Summary.Open - len(r.Open); more > 0 {
		p.line("and %s more; -o writes all of them", thousands(int64(more)))
	}
}

func names(inputs []inputResult) string {
	var list []string
	for _, in := range inputs {
		list = append(list, in.Name)
	}
	if len(list) > 3 {
		return count(int64(len(list)), "file")
	}
	return strings.Join(list, ", ")
}

func ofGroup(group string) string {
	if group == "" {
		return ""
	}
	return " for " + group
}

// failed are the checks that do not hold, all the same whether they would stop
// an import or only warn.
func failed(results []mapping.CheckResult) (list []checkResult) {
	for _, c := range results {
		if !c.OK && c.Severity != "warn" {
			list = append(list, checkResult{c.Name, c.Group, c.OK, c.Severity, c.Msg})
		}
	}
	return list
}

// know tells the reconciler what the journal has of the source's payments.
func (a *app) know(ctx context.Context, t *target, source string, r *exporter.Reconciler) (note string, err error) {
	j, note, err := a.readJournal(ctx, t)
	if err != nil || j == nil {
		return note, err
	}
	defer closing(&err, j.Close)
	runs, err := j.RunIDs(ctx)
	if err != nil {
		return "", err
	}
	for _, run := range runs {
		for e, err := range j.Entries(ctx, run) {
			if err != nil {
				return "", err
			}
			if e.Source != source {
				continue
			}
			k := exporter.Known{Payment: e.Payment, Call: e.Call, Op: e.ID, Amount: e.Amount, State: e.State, RecordID: e.RecordID, Note: first(e.Message, e.Reason)}
			if k.State == "" && k.Note == "" {
				k.Note = string(e.Disposition)
			}
			if err := r.Know(k); err != nil {
				return "", err
			}
		}
	}
	return t.journal, nil
}
