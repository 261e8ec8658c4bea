package main

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

type exportFlags struct {
	targetFlags
	periodFlags
	reportFlags
	sealFlags
	output      string
	attempts    string
	concurrency int
	rate        float64
	format      string
	locale      string
	raw         bool
	fresh       bool
	force       bool
	json        bool
}

func (a *app) exportCommand() *cobra.Command {
	f := &exportFlags{}
	cmd := &cobra.Command{
		Use:   "export -o OUT.xlsx",
		Short: "Write the account's payment records as a workbook, CSV, JSON Lines or Parquet",
		Long: `Export pages through all payment records, and through their attempts when asked
to, and writes them whole or not at all. The ending of the name says which
format: .xlsx (summary, payments, attempts, refunds, exceptions and a control sheet), .csv,
.jsonl or .parquet; - is standard output, as CSV or what --format says. Attempts
cost one request per payment; what that comes to is said before the first, and
those whose payment has not changed since are known from earlier exports.

An export that is interrupted goes on where it stopped when it is run again.
Each export has a number; exporting a period again says that it is the same as
before, or how it differs, payment by payment (--history, --delta).

Exit statuses: 0 done · 1 failed, nothing was written · 2 usage · 130 interrupted`,
		Example: `  payrec export -o month-end.xlsx --month 2026-06 --zone Europe/Berlin --sandbox
  payrec export -o payments.csv --attempts all
  payrec export -o bank.csv --report xero-bank --month 2026-06
  payrec export -o june-again.csv --month 2026-06 --delta changes.csv
  payrec export --history`,
		Args: arguments(0, 0, "no argument; -o names the file"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.export(cmd, f) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.output, "output", "o", "", "the `FILE` to write: .xlsx, .csv, .jsonl, .parquet, or - for standard output")
	flags.StringVar(&f.attempts, "attempts", "none", "payment attempts to read, `WHICH`: none, latest or all")
	flags.StringVar(&f.format, "format", "", "the `FORMAT` of -o -: csv (the default) or jsonl")
	flags.StringVar(&f.locale, "locale", "", "write CSV for a spreadsheet of this `LOCALE`: de-DE is 1,5;2 with a byte order mark")
	flags.BoolVar(&f.raw, "raw", false, "write text into CSV as it is: for programs; a spreadsheet may run it as a formula")
	f.periodFlags.add(cmd, "only payments", ", reported, settled or refunded")
	f.reportFlags.add(cmd)
	f.sealFlags.add(cmd)
	flags.IntVar(&f.concurrency, "concurrency", 8, "`N` requests under way at once")
	flags.Float64Var(&f.rate, "rate", 0, "`N` requests a second at the most (default 20; no limit on this machine)")
	flags.BoolVar(&f.fresh, "fresh", false, "read all of it anew: nothing of an interrupted export, no attempts known from earlier ones")
	flags.BoolVar(&f.force, "force", false, "replace files that exist")
	flags.BoolVar(&f.json, "json", false, "print one JSON object on standard output")
	f.targetFlags.add(cmd)
	return cmd
}

// An exportResult is the JSON form of payrec export.
type exportResult struct {
	Account string           `json:"account"`
	Files   []string         `json:"files"`
	Summary exporter.Summary `json:"summary"`
	Report  *reportResult    `json:"report,omitempty"`
	Export  *sealResult      `json:"export,omitempty"`         // without --no-log
	Kept    int              `json:"attempts_known,omitempty"` // payments whose attempts were known from earlier exports
}

func (a *app) export(cmd *cobra.Command, f *exportFlags) (err error) {
	if f.history {
		return a.exportHistory(cmd, f)
	}
	wanted, period, err := a.loadReport(cmd, f)
	if err != nil {
		return err
	}
	lock, err := f.lock(period.Zone)
	if err != nil {
		return err
	}
	outputs, err := f.outputs()
	if err != nil {
		return err
	}
	if f.delta != "" {
		if f.noLog {
			return usage("leave one of them out", "--delta compares with the log, and --no-log does not")
		}
		if err := free(f.delta, f.force); err != nil {
			return err
		}
	}
	var locale exporter.Locale
	if f.locale != "" {
		if locale, err = exporter.ParseLocale(f.locale); err != nil {
			return usage("", "--%w", err)
		}
	}
	t, err := a.open(cmd.Context(), &f.targetFlags, f.concurrency)
	if err != nil {
		return err
	}
	defer closing(&err, t.close)
	imports, facts, err := a.imports(cmd.Context(), t)
	if err != nil {
		return err
	}
	defer closing(&err, imports.close)
	known := a.remember(cmd.Context(), t, f, period)
	defer closing(&err, known.close)
	from := a.paged(t, f.concurrency, a.readRate(f.rate, t.local))
	from.Store = known.store()
	read := a.newReading(f.attempts, from)
	data, err := exporter.Collect(cmd.Context(), from, exporter.Options{
		Attempts: exporter.AttemptsMode(f.attempts), Period: period, Concurrency: f.concurrency,
		Progress: read.set, BeforeAttempts: read.beforeAttempts, Cache: known.cache(), Lock: lock,
		Journal: imports.known(), Control: facts, Generator: "payrec " + version(), Locale: locale, Raw: f.raw,
	})
	read.bar.done()
	if err != nil {
		return err
	}
	defer closing(&err, data.Close)
	sealing, err := a.seal(cmd.Context(), f, t, data)
	if err != nil {
		return err
	}
	defer closing(&err, sealing.close)
	result := exportResult{Account: t.identity.Account, Summary: data.Summary(), Kept: data.AttemptsKept()}
	if wanted != nil {
		if result.Files, result.Report, err = a.exportReport(cmd, f, wanted, data, locale); err != nil {
			return err
		}
	}
	for _, out := range outputs {
		if err := a.writeOutput(out, data); err != nil {
			return err
		}
		result.Files = append(result.Files, out.path)
	}
	if result.Export, err = sealing.conclude(cmd.Context(), f, result.Files); err != nil {
		return err
	}
	known.done()
	return a.printExport(cmd, f, result)
}

// An output is one file of an export.
type output struct {
	path  string
	write func(*exporter.Dataset, io.Writer) error
}

func (f *exportFlags) outputs() ([]output, error) {
	switch f.attempts {
	case "none", "latest", "all":
	default:
		return nil, usage("", "--attempts takes none, latest or all, not %q", f.attempts)
	}
	if f.report != "" { // which files it makes is known when it is made
		return nil, nil
	}
	var outputs []output
	if f.format != "" && f.output != "-" {
		return nil, usage("the ending of the name says the format", "--format goes with -o - only")
	}
	switch ext := strings.ToLower(filepath.Ext(f.output)); {
	case f.output == "-" && f.format == "jsonl":
		outputs = append(outputs, output{f.output, (*exporter.Dataset).WriteJSONL})
	case f.format != "" && f.format != "csv":
		return nil, usage("", "--format takes csv or jsonl, not %q", f.format)
	case f.output == "":
		return nil, usage("payrec export -o month-end.xlsx", "say where to write: -o FILE")
	case f.output == "-", ext == ".csv":
		outputs = append(outputs, output{f.output, (*exporter.Dataset).WriteCSV})
		if f.attempts != "none" && f.output != "-" {
			outputs = append(outputs, output{strings.TrimSuffix(f.output, filepath.Ext(f.output)) + "-attempts.csv", (*exporter.Dataset).WriteAttemptsCSV})
		}
	case ext == ".xlsx":
		outputs = append(outputs, output{f.output, (*exporter.Dataset).WriteWorkbook})
	case ext == ".jsonl":
		outputs = append(outputs, output{f.output, (*exporter.Dataset).WriteJSONL})
	case ext == ".parquet":
		outputs = append(outputs, output{f.output, (*exporter.Dataset).WriteParquet})
		if f.attempts != "none" {
			outputs = append(outputs, output{strings.TrimSuffix(f.output, filepath.Ext(f.output)) + "-attempts.parquet", (*exporter.Dataset).WriteAttemptsParquet})
		}
	default:
		return nil, usage("", "-o %s: the ending must be .xlsx, .csv, .jsonl or .parquet", f.output)
	}
	for _, out := range outputs {
		if _, err := os.Lstat(out.path); err == nil && !f.force && out.path != "-" {
			return nil, usage("--force replaces it", "%s exists already", out.path)
		}
	}
	return outputs, nil
}

func (a *app) writeOutput(out output, data *exporter.Dataset) error {
	if out.path == "-" {
		return out.write(data, a.stdout)
	}
	return table.WriteFile(out.path, func(w io.Writer) error { return out.write(data, w) })
}

func (a *app) printExport(cmd *cobra.Command, f *exportFlags, result exportResult) error {
	if f.json {
		return writeJSON(cmd.OutOrStdout(), result)
	}
	w := cmd.OutOrStdout()
	if f.output == "-" {
		w = a.stderr // standard output is the export itself
	}
	return result.write(&printer{w: w})
}

func (r exportResult) write(p *printer) error {
	said := count(int64(r.Summary.Payments), "payment")
	if r.Summary.Attempts > 0 {
		said += ", " + count(int64(r.Summary.Attempts), "attempt")
	}
	if r.Summary.Refunds > 0 {
		said += ", " + count(int64(r.Summary.Refunds), "refund")
	}
	p.line("%s", said)
	p.line("")
	g := &grid{titles: []string{"processor", "status", ">payments", ">amount", ">refunded", ">fee", ">net"}}
	for _, l := range r.Summary.Lines {
		fee, net := "", ""
		if l.SettledIn != "" {
			fee, net = settled(l.Fee), settled(l.Net)
		}
		g.add(l.Processor, string(l.Status), thousands(l.Count), money(l.Requested, l.Currency), money(l.Refunded, l.Currency), fee, net)
	}
	p.grid(g)
	for _, note := range []struct {
		n    int
		text string
	}{{r.Summary.Undated, "without a stamped date, dated by when it was reported"}, {r.Summary.Damaged, "with a stamp or amount that cannot be used"},
		{r.Summary.Unplaced, "left out, because the date that the period goes by is not known"}, {r.Summary.Locked, "left out, because the books are closed"}} {
		if note.n > 0 {
			p.line("%s %s", count(int64(note.n), "payment"), note.text)
		}
	}
	if r.Kept > 0 {
		p.line("attempts of %s known from earlier exports", count(int64(r.Kept), "payment"))
	}
	if r.Report != nil {
		r.Report.write(p)
	}
	for _, file := range r.Files {
		if file != "-" {
			p.line("written: %s", file)
		}
	}
	r.Export.write(p)
	return p.err
}

func settled(m record.Money) string { return grouped(m.Text()) + " " + m.Currency.Upper() }

func sortedCurrencies(m map[record.Currency]int64) []record.Currency {
	return slices.Sorted(maps.Keys(m))
}
