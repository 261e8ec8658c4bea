package main

import (
	"context"
	"fmt"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/record"
)

// resolveFlags say how a person settles a call.
type resolveFlags struct {
	targetFlags
	adopt  string
	resend bool
	skip   bool
	force  bool
	reason string
}

func (a *app) resolveCommand() *cobra.Command {
	f := &resolveFlags{}
	cmd := &cobra.Command{
		Use:   "resolve CALL --adopt RECORD | --resend | --skip",
		Short: "Settle a call that is in doubt or in conflict",
		Long: `Resolve writes a person's decision about one call into the journal, with who
made it, when and why. CALL is its id, or the beginning of it, as payrec status
lists it. It sends nothing: the next import does.

  --adopt RECORD  it was reported; this is its record. The record is looked at:
                  it must carry the call's stamp and say the same.
  --resend        it was not reported; send it again under a new key. The account
                  is asked first: the call must not be there, and 24 hours and 15
                  minutes must have passed since it was last sent, because the API
                  may complete a request late.
  --skip          leave it out, now and in every later import.

--force decides against what the account says: a payment may then be there twice.

Exit statuses: 0 decided · 1 failed, or the account speaks against it · 2 usage`,
		Example: `  payrec resolve k3f9ax --adopt pr_1Nv0FG --reason "seen in the Dashboard"
  payrec resolve k3f9ax --resend
  payrec resolve k3f9ax --skip --reason "a test payment"`,
		Args: arguments(1, 1, "the id of a call"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n := 0
			for _, chosen := range []bool{f.adopt != "", f.resend, f.skip} {
				if chosen {
					n++
				}
			}
			if n != 1 {
				return usage("", "resolve needs one of --adopt RECORD, --resend and --skip")
			}
			return a.resolve(cmd.Context(), f, args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.adopt, "adopt", "", "it was reported as the payment record `ID`")
	flags.BoolVar(&f.resend, "resend", false, "it was not reported: send it again under a new key")
	flags.BoolVar(&f.skip, "skip", false, "leave it out for good")
	flags.BoolVar(&f.force, "force", false, "decide against what the account says")
	flags.StringVar(&f.reason, "reason", "", "why, for the journal: any `TEXT`")
	f.targetFlags.add(cmd)
	return cmd
}

func (a *app) resolve(ctx context.Context, f *resolveFlags, name string) (err error) {
	t, err := a.open(ctx, &f.targetFlags, 1)
	if err != nil {
		return err
	}
	defer closing(&err, t.close)
	j, err := journal.Open(ctx, t.journal, t.identity, journal.Options{Command: "payrec resolve", Clock: a.clock})
	if err != nil {
		return err
	}
	defer closing(&err, j.Close)
	d, err := j.Call(ctx, name)
	if err != nil {
		return &failure{exitUsage, err, "`payrec status` lists the calls that are in doubt"}
	}
	if err := f.settles(d); err != nil {
		return err
	}
	decision := record.Decision{Op: d.ID, Epoch: d.Epoch, Who: userName(a.getenv), Reason: f.reason}
	switch {
	case f.adopt != "":
		decision.What, decision.RecordID = journal.DecideAdopt, f.adopt
		err = a.mayAdopt(ctx, f, source{t.client}, d)
	case f.resend:
		decision.What = journal.DecideResend
		err = a.mayResend(ctx, f, source{t.client}, d)
	default:
		decision.What = journal.DecideSkip
	}
	if err != nil {
		return err
	}
	if err := j.Decide(ctx, decision); err != nil {
		return err
	}
	p := &printer{w: a.stdout}
	p.line("%s", described(d))
	p.line("%s", f.decided())
	return p.err
}

// settles says whether there is anything to decide about the call.
func (f *resolveFlags) settles(d record.Doubt) error {
	switch d.State {
	case record.UnknownState, record.Reconciling, record.ConflictState:
		return nil
	case record.Rejected:
		if d.Code == record.CodeSkipped && f.resend {
			return nil
		}
	}
	hint := "nothing is left to decide about it"
	if d.State == record.Rejected && d.Code != record.CodeSkipped {
		hint = "import its file again: what was refused is tried anew"
	}
	return &failure{exitUsage, fmt.Errorf("call %s is %s", d.ID, d.State), hint}
}

// mayAdopt holds the record against the call.
func (a *app) mayAdopt(ctx context.Context, f *resolveFlags, reader importer.Reader, d record.Doubt) error {
	r, err := reader.Record(ctx, f.adopt)
	if err != nil {
		return err
	}
	p := &printer{w: a.stdout}
	p.line("%s: %s, %s, reference %q", r.ID, r.Status(), money(r.AmountRequested.Value, r.AmountRequested.Currency), r.ProcessorDetails.Reference())
	if why := importer.Doubtful(d, r); why != "" && !f.force {
		return &failure{exitFailed, fmt.Errorf("%s", why), "if it is the one nevertheless, say --force and a --reason"}
	}
	return p.err
}

// mayResend makes sure that the account does not have the call.
func (a *app) mayResend(ctx context.Context, f *resolveFlags, reader importer.Reader, d record.Doubt) error {
	if d.State == record.Rejected {
		return nil // a skipped call: looked at before it was skipped, or never there
	}
	if f.force {
		return nil
	}
	l, err := importer.LookUp(ctx, reader, d, a.clock())
	switch {
	case err != nil:
		return &failure{exitFailed, err, "nothing was decided; run the same command again"}
	case l.There:
		return &failure{exitFailed, fmt.Errorf("it is there: %s", l.RecordID), fmt.Sprintf("payrec resolve %s --adopt %s", d.ID, l.RecordID)}
	case l.Unclear != "":
		return &failure{exitFailed, fmt.Errorf("%s", l.Unclear), "look at it in the Dashboard; --adopt the right one, or say --force"}
	case a.clock().Before(l.Settled):
		return &failure{exitFailed, fmt.Errorf("it is not there so far, but it may still appear until %s", l.Settled.UTC().Format("2006-01-02 15:04 UTC")),
			"wait until then: an import sends it again by itself; or say --force"}
	}
	return nil
}

func (f *resolveFlags) decided() string {
	switch {
	case f.adopt != "":
		return "taken as reported: " + f.adopt
	case f.resend:
		return "to be sent again under a new key: run its import, or payrec apply, again"
	}
	return "left out, now and in every later import; --resend takes that back"
}

// described is a call in a line for people.
func described(d record.Doubt) string {
	s := fmt.Sprintf("%s %s of payment %q", d.ID, d.Call, d.Payment)
	if d.Amount.Currency != "" {
		s += ", " + money(d.Amount.Value, d.Amount.Currency)
	}
	if d.File != "" {
		s += fmt.Sprintf(", %s:%d", d.File, d.Line)
	}
	return s
}

// nextStep says what to do about a call that is in doubt or in conflict.
func nextStep(d record.Doubt, now time.Time) string {
	age := now.Sub(d.FirstSent)
	switch {
	case d.State == record.ConflictState:
		return fmt.Sprintf("decide: payrec resolve %.8s --adopt RECORD, --resend or --skip", d.ID)
	case d.State != record.Reconciling && age >= 0 && age < 23*time.Hour:
		return "run the import again: it is asked again under its own key"
	}
	return "run the import again: it is looked up in the account"
}

// userName is who decides.
func userName(getenv func(string) string) string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return first(getenv("USER"), getenv("USERNAME"), "unknown")
}
