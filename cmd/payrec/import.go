package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/cardnumber"
	"github.com/payrec/payrec/internal/journal"
)

// importFlags are shared by import, plan and apply.
type importFlags struct {
	targetFlags
	mapping     string
	params      []string
	concurrency int
	rate        float64
	out         string
	json        bool
	dryRun      bool
	newJournal  bool
	lookUp      bool
	latest      bool
	review      string
}

func (f *importFlags) addPlan(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&f.mapping, "mapping", "m", "", "a preset's `NAME` or a mapping file (payrec presets lists the presets)")
	flags.StringArrayVar(&f.params, "param", nil, "a parameter of the mapping, `NAME=VALUE`; repeat it for more")
	flags.BoolVar(&f.lookUp, "look-up", false, "look up payments that the journal does not know in the account: reads its whole list")
	f.addRun(cmd)
}

func (f *importFlags) addRun(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.newJournal, "new-journal", false, "begin a second journal for an account that payrec has reported to before")
	flags.IntVar(&f.concurrency, "concurrency", 0, "payments under way at once, `N` (default 16)")
	flags.Float64Var(&f.rate, "rate", 0, "`N` requests a second at the most (default 20; no limit on this machine)")
	flags.StringVar(&f.out, "out", "", "the `FOLDER` for rejects, held rows and receipts (default "+defaultOut+")")
	flags.BoolVar(&f.json, "json", false, "print one JSON object on standard output")
	f.targetFlags.add(cmd)
}

const importStatuses = `
Exit statuses: 0 all done · 1 failed · 2 usage or mapping wrong, nothing sent ·
3 finished, some rows not imported · 4 input or checks wrong, nothing sent ·
5 something is in doubt · 130 interrupted, run the same command again to go on`

func (a *app) importCommand() *cobra.Command {
	f := &importFlags{}
	cmd := &cobra.Command{
		Use:   "import FILE… -m MAPPING",
		Short: "Report the payments of settlement files: plan and apply in one",
		Long: `Import reads the files with a mapping, checks every row, and reports what is
new to the account. Run again, it sends nothing twice: what was confirmed is
known to the journal, what is in doubt is asked again under its own key, or, once
that is too old, looked up in the account.
FILE may be - for standard input.
` + importStatuses,
		Example: `  payrec import settlement.csv -m adyen-settlement-detail --sandbox
  payrec import STL-*.CSV -m paypal-settlement --dry-run
  payrec import march.xlsx -m mapping.yaml --param payment_method_type=cpmt_123 --json`,
		Args: arguments(1, -1, "a file, or - for standard input"),
		RunE: func(cmd *cobra.Command, files []string) error { return a.importFiles(cmd.Context(), f, files, true) },
	}
	f.addPlan(cmd)
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "read, map, check and count; write and send nothing (exit status 3 when rows would be left over)")
	return cmd
}

func (a *app) planCommand() *cobra.Command {
	f := &importFlags{}
	cmd := &cobra.Command{
		Use:   "plan FILE… -m MAPPING",
		Short: "Write down what an import would report, for somebody to review and apply",
		Long: `Plan does all of an import but the sending. What it prints is what payrec apply
will send: one person plans, another applies. --review writes every call with
its row, amount and what will be done about it, for the other to read.
` + importStatuses,
		Example: `  payrec plan settlement.csv -m adyen-settlement-detail --review review.csv
  payrec apply --latest`,
		Args: arguments(1, -1, "a file, or - for standard input"),
		RunE: func(cmd *cobra.Command, files []string) error { return a.importFiles(cmd.Context(), f, files, false) },
	}
	f.addPlan(cmd)
	cmd.Flags().StringVar(&f.review, "review", "", "write the planned calls to the CSV `FILE`")
	return cmd
}

func (a *app) applyCommand() *cobra.Command {
	f := &importFlags{}
	cmd := &cobra.Command{
		Use:   "apply RUN | --latest",
		Short: "Send just what a plan says",
		Long: `Apply sends the calls of a plan that have not been sent yet. Applied again, it
goes on where it stopped.
` + importStatuses,
		Example: `  payrec apply --latest
  payrec apply run_20260301T101500_k3f9 --rate 10`,
		Args: arguments(0, 1, "a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == f.latest {
				return usage("`payrec status` lists the runs", "apply needs a run, or --latest")
			}
			return a.applyRun(cmd.Context(), f, append(args, "latest")[0])
		},
	}
	f.addRun(cmd)
	cmd.Flags().BoolVar(&f.latest, "latest", false, "the newest plan")
	return cmd
}

// settings are the flags with the environment and the configuration behind them.
func (a *app) settle(f *importFlags, local bool) {
	if f.concurrency <= 0 {
		f.concurrency = a.cfg.Concurrency
	}
	if f.concurrency <= 0 {
		f.concurrency = 16
	}
	if f.rate == 0 && a.cfg.Rate != nil && !local {
		f.rate = *a.cfg.Rate
	}
	if f.rate == 0 && !local {
		f.rate = defaultRate
	}
	f.out = first(f.out, a.getenv("PAYREC_OUT"), a.cfg.Out, defaultOut)
}

// importFiles plans the files and, when send says so, applies the plan.
func (a *app) importFiles(ctx context.Context, f *importFlags, names []string, send bool) (err error) {
	if f.lookUp && f.dryRun {
		return usage("leave one of them out", "--look-up asks the account, and --dry-run asks nobody")
	}
	m, ref, params, err := a.loadMapping(f)
	if err != nil {
		return err
	}
	t, j, err := a.openJournal(ctx, f)
	if err != nil {
		return err
	}
	defer closing(&err, t.close)
	if j != nil {
		defer closing(&err, j.Close)
	}
	in, err := a.openInputs(names, m.Dialect())
	if err != nil {
		return err
	}
	defer closing(&err, in.close)

	if !f.dryRun {
		if err := checkOut(f.out); err != nil {
			return err
		}
		if err := a.guard(ctx, f, t, j); err != nil {
			return err
		}
	}
	r := &importRun{app: a, flags: f, target: t, journal: j, mapping: m, inputs: in, ref: ref, params: params}
	return r.planAndApply(ctx, send && !f.dryRun)
}

// openJournal opens the account and its journal. A dry run has no journal, and
// an account that is nobody's.
func (a *app) openJournal(ctx context.Context, f *importFlags) (*target, *journal.Journal, error) {
	if f.concurrency < 0 || !(f.rate >= 0) {
		return nil, nil, usage("", "--concurrency and --rate must be numbers from 0 on")
	}
	if f.dryRun {
		return dryTarget(), nil, nil
	}
	t, err := a.open(ctx, &f.targetFlags, max(f.concurrency, 16))
	if err != nil {
		return nil, nil, err
	}
	a.settle(f, t.local)
	j, err := journal.Open(ctx, t.journal, t.identity, journal.Options{Command: "payrec import", Clock: a.clock})
	if err != nil {
		t.close()
		return nil, nil, err
	}
	return t, j, nil
}

// closing keeps the first error of a function whose deferred closings can fail.
func closing(err *error, close func() error) {
	if e := close(); e != nil && *err == nil {
		*err = e
	}
}

// applier is set up for one run.
func (r *importRun) applier(run string, progress func(int64)) *importer.Applier {
	skew := maxSkew
	if r.target.local {
		skew = 0 // it is the same clock
	}
	return &importer.Applier{
		Run:         run,
		Ledger:      r.journal,
		Sender:      sender{r.target.client},
		Limiter:     importer.NewThrottle(r.flags.rate),
		Concurrency: r.flags.concurrency,
		Progress:    progress,
		Clock:       r.clock,
		Docket:      r.journal,
		Reader:      source{r.target.client},
		MaxSkew:     skew,
	}
}

// maxSkew is how far this machine's clock may be from the API's. It stays below
// what a look-up allows for; see [importer.Reconciler].
const maxSkew = 45 * time.Minute

// parseParams reads --param NAME=VALUE over the configuration's.
func (a *app) parseParams(list []string) (map[string]string, error) {
	params := map[string]string{}
	for name, value := range a.cfg.Params {
		params[name] = value
	}
	for _, p := range list {
		name, value, ok := cutParam(p)
		if !ok {
			return nil, usage("write --param NAME=VALUE", "--param %q has no name or no =", p)
		}
		params[name] = value
	}
	for name, value := range params {
		if cardnumber.Contains(value) { // the journal keeps the params of every run
			return nil, usage("nothing was sent", "the parameter %q holds what looks like a card number, %s", name, cardnumber.Mask(value))
		}
	}
	return params, nil
}

func cutParam(p string) (name, value string, ok bool) {
	for i := range p {
		if p[i] == '=' {
			return p[:i], p[i+1:], i > 0
		}
	}
	return "", "", false
}

var errNotBalanced = fmt.Errorf("the books of this run do not balance: this is a defect of payrec, please report it")
