package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/archive"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// sealFlags are about exports of one period, again and again.
type sealFlags struct {
	history    bool
	delta      string
	noLog      bool
	lockBefore string
	postOn     string
}

func (f *sealFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.history, "history", false, "list the exports of this account, and read nothing")
	flags.StringVar(&f.delta, "delta", "", "write what differs from the last export of the same period to `FILE.csv`")
	flags.BoolVar(&f.noLog, "no-log", false, "do not number this export, nor compare it with earlier ones")
	flags.StringVar(&f.lockBefore, "lock-before", "", "the books are closed before this `DATE`: what is earlier is listed as exceptions")
	flags.StringVar(&f.postOn, "post-locked-on", "", "post what --lock-before keeps out on this `DATE`, or first-open, with its own date in a column beside")
}

// lock reads the flags about closed books.
func (f *sealFlags) lock(zone *time.Location) (l exporter.Lock, err error) {
	if f.lockBefore == "" {
		if f.postOn != "" {
			return l, usage("say --lock-before DATE", "--post-locked-on needs a date before which the books are closed")
		}
		return l, nil
	}
	if l.Before, err = time.ParseInLocation(time.DateOnly, f.lockBefore, zone); err != nil {
		return l, usage("write it like 2026-07-01", "--lock-before %q is no date", f.lockBefore)
	}
	switch f.postOn {
	case "":
	case "first-open":
		l.PostOn = l.Before
	default:
		if l.PostOn, err = time.ParseInLocation(time.DateOnly, f.postOn, zone); err != nil {
			return l, usage("write it like 2026-07-01, or first-open", "--post-locked-on %q is no date", f.postOn)
		}
		if l.PostOn.Before(l.Before) {
			return l, usage("take the first open day or a later one", "--post-locked-on %s is before --lock-before %s: those books are closed", f.postOn, f.lockBefore)
		}
	}
	return l, nil
}

// beside names a file that stands beside the journal: payrec.journal has
// payrec.exports.
func beside(journal, ending string) string { return strings.TrimSuffix(journal, ".journal") + ending }

func (t *target) owner() archive.Owner {
	return archive.Owner{Name: t.identity.Scope() + " at " + t.identity.Endpoint, ID: t.identity.AccountID}
}

// A sealing compares an export with those before it and gives it a number.
type sealing struct {
	app    *app
	log    *archive.Exports
	seal   *exporter.Seal
	export archive.Export
	last   *archive.Export // the last one of this scope; nil for none
	delta  *exporter.Delta // since the last one, empty when that is the same; nil when there is none
	shown  *exporter.Delta // since the last one that was different, for the workbook; nil when there is none
}

// seal begins the sealing of a dataset: the log is opened, and what differs is
// found, before anything is written. Without a log it is nil.
func (a *app) seal(ctx context.Context, f *exportFlags, t *target, data *exporter.Dataset) (s *sealing, err error) {
	if f.noLog {
		return nil, nil
	}
	log, err := archive.OpenExports(ctx, beside(t.journal, ".exports"), t.owner())
	var other *archive.OwnerError
	if errors.As(err, &other) {
		return nil, &failure{exitUsage, err, "--journal names the files of another account; --no-log exports without a number"}
	}
	if err != nil {
		return nil, &failure{exitFailed, err, "mend or move it; --no-log exports without a number"}
	}
	s = &sealing{app: a, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.seal, err = data.Seal(); err != nil {
		return s, err
	}
	s.export = archive.Export{At: a.clock().UTC(), Scope: data.Scope(), Period: data.Period().String(), Zone: data.Period().Zone.String(),
		Report: f.report, Options: f.options(), Program: "payrec " + version(), Payments: s.seal.Payments, Digest: s.seal.Digest}
	return s, s.compare(ctx)
}

// options are the flags that shape files, in one line.
func (f *exportFlags) options() string {
	text := "attempts=" + f.attempts
	for _, o := range []struct{ name, value string }{{"locale", f.locale}, {"format", f.format}, {"param", strings.Join(f.params, " ")}} {
		if o.value != "" {
			text += " " + o.name + "=" + o.value
		}
	}
	if f.raw {
		text += " raw"
	}
	return text
}

// compare finds the last export of the scope, and the last that was different:
// the dataset is told from that one, so that the same data says the same.
func (s *sealing) compare(ctx context.Context) error {
	same, err := s.log.Latest(ctx, s.export.Scope, s.export.Digest, true)
	if err != nil {
		return err
	}
	other, err := s.log.Latest(ctx, s.export.Scope, s.export.Digest, false)
	if err != nil {
		return err
	}
	if other != nil {
		if s.shown, err = s.seal.Since(sinceOf(other), figures(s.log.Payments(ctx, other.Seal))); err != nil {
			return err
		}
		s.last, s.delta, s.export.Since = other, s.shown, other.No
		s.export.Added, s.export.Gone, s.export.Changed = s.delta.Added, s.delta.Gone, s.delta.Changed
	}
	if same != nil && (other == nil || same.No > other.No) {
		s.last = same
		s.delta, err = s.seal.Since(sinceOf(same), s.seal.Figures())
	}
	return err
}

func sinceOf(e *archive.Export) exporter.Since {
	since := exporter.Since{Number: e.No, At: e.At}
	for _, f := range e.Files {
		since.Files = append(since.Files, f.Name)
	}
	return since
}

// The figures of the exporter and those of the archive are the same.
func figures(list iter.Seq2[archive.Payment, error]) iter.Seq2[exporter.Figures, error] {
	return func(yield func(exporter.Figures, error) bool) {
		for p, err := range list {
			f := exporter.Figures{Payment: p.ID, Reference: p.Reference, Currency: record.Currency(p.Currency), Amount: p.Amount, Refunded: p.Refunded,
				SettledIn: record.Currency(p.SettledIn), Fee: p.Fee, Net: p.Net, Status: record.Status(p.Status), PaidAt: p.PaidAt, Digest: p.Digest}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

func archived(list iter.Seq2[exporter.Figures, error]) iter.Seq2[archive.Payment, error] {
	return func(yield func(archive.Payment, error) bool) {
		for f, err := range list {
			p := archive.Payment{ID: f.Payment, Reference: f.Reference, Currency: string(f.Currency), Amount: f.Amount, Refunded: f.Refunded,
				SettledIn: string(f.SettledIn), Fee: f.Fee, Net: f.Net, Status: string(f.Status), PaidAt: f.PaidAt, Digest: f.Digest}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// conclude notes the files that were written, and numbers the export.
func (s *sealing) conclude(ctx context.Context, f *exportFlags, files []string) (*sealResult, error) {
	if s == nil {
		return nil, nil
	}
	for _, path := range files {
		if path == "-" {
			s.export.Files = append(s.export.Files, archive.File{Name: path})
			continue
		}
		file, err := digestFile(path)
		if err != nil {
			return nil, err
		}
		s.export.Files = append(s.export.Files, file)
	}
	no, err := s.log.Add(ctx, s.export, archived(s.seal.Figures()))
	if err != nil {
		return nil, &failure{exitFailed, fmt.Errorf("the files are written, but the export has no number: %w", err), "export again when the cause is mended"}
	}
	result := &sealResult{Number: no, delta: s.delta}
	if s.last == nil {
		return result, nil
	}
	since := sinceOf(s.last)
	result.Last = &since
	result.Same = s.delta.Empty()
	result.SameBytes = result.Same && sameFiles(s.last.Files, s.export.Files)
	if !result.Same {
		result.Delta = s.delta
		if result.Changes, result.More, err = firstChanges(s.delta); err != nil {
			return nil, err
		}
	}
	if f.delta != "" {
		if err := table.WriteFile(f.delta, s.delta.WriteCSV); err != nil {
			return nil, err
		}
		result.File = f.delta
	}
	return result, nil
}

func digestFile(path string) (archive.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return archive.File{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return archive.File{Name: filepath.Base(path), SHA256: hex.EncodeToString(sum.Sum(nil)), Size: n}, err
}

// sameFiles says whether the same bytes were written, under whatever names.
func sameFiles(a, b []archive.File) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].SHA256 != b[i].SHA256 || a[i].SHA256 == "" {
			return false
		}
	}
	return true
}

func (s *sealing) close() error {
	if s == nil {
		return nil
	}
	err := s.log.Close()
	if s.seal != nil {
		err = errors.Join(err, s.seal.Close())
	}
	if s.shown != nil {
		err = errors.Join(err, s.shown.Close())
	}
	if s.delta != nil && s.delta != s.shown {
		err = errors.Join(err, s.delta.Close())
	}
	return err
}

// A sealResult is an export's number and how it differs from the one before.
type sealResult struct {
	Number    int64             `json:"number"`
	Last      *exporter.Since   `json:"last,omitempty"` // the last export of the same period
	Same      bool              `json:"same"`           // as that one
	SameBytes bool              `json:"same_bytes"`     // in its files, too
	Delta     *exporter.Delta   `json:"delta,omitempty"`
	Changes   []exporter.Change `json:"changes,omitempty"`
	More      int               `json:"more_changes,omitempty"` // --delta writes all of them
	File      string            `json:"delta_file,omitempty"`

	delta *exporter.Delta
}

const (
	shownChanges = 10   // for people
	mostChanges  = 1000 // for programs: an object must fit in memory
)

func firstChanges(d *exporter.Delta) (list []exporter.Change, more int, err error) {
	for c, err := range d.Changes() {
		if err != nil {
			return nil, 0, err
		}
		if len(list) == mostChanges {
			break
		}
		list = append(list, c)
	}
	return list, d.Added + d.Gone + d.Changed - len(list), nil
}

func (r *sealResult) write(p *printer) {
	switch {
	case r == nil:
		return
	case r.Last == nil:
		p.line("export %d, the first of this period", r.Number)
		return
	case r.SameBytes:
		p.line("export %d: the same as %s, to the byte", r.Number, r.Last)
		return
	case r.Same:
		p.line("export %d: the same data as %s", r.Number, r.Last)
		return
	}
	d := r.Delta
	p.line("export %d differs from %s: %s added, %s gone, %s changed", r.Number, r.Last, thousands(int64(d.Added)), thousands(int64(d.Gone)), thousands(int64(d.Changed)))
	for _, sum := range d.Sums {
		p.line("  %s: amount %s, refunded %s", sum.Currency.Upper(), signed(sum.Amount, sum.Currency), signed(sum.Refunded, sum.Currency))
	}
	g := &grid{titles: []string{"payment", "reference", "change", "what"}}
	for _, c := range r.Changes[:min(len(r.Changes), shownChanges)] {
		g.add(c.Payment, c.Reference, c.Kind, strings.Join(c.What, "; "))
	}
	p.grid(g)
	if more := len(r.Changes) + r.More - shownChanges; more > 0 && r.File == "" {
		p.line("and %s more; --delta FILE.csv writes all of them", thousands(int64(more)))
	}
	if r.File != "" {
		p.line("written: %s", r.File)
	}
}

func signed(value int64, c record.Currency) string {
	if value > 0 {
		return "+" + money(value, c)
	}
	return money(value, c)
}

// A historyResult is the JSON form of payrec export --history.
type historyResult struct {
	Log     string          `json:"log"`
	Exports []historyExport `json:"exports"`
}

type historyExport struct {
	Number   int64          `json:"number"`
	At       time.Time      `json:"at"`
	Period   string         `json:"period"`
	Report   string         `json:"report,omitempty"`
	Options  string         `json:"options"`
	Program  string         `json:"program"`
	Payments int            `json:"payments"`
	Digest   string         `json:"digest"` // of the figures of all payments
	SameAs   int64          `json:"same_as,omitempty"`
	Since    int64          `json:"since,omitempty"` // the last export that was different
	Added    int            `json:"added"`
	Gone     int            `json:"gone"`
	Changed  int            `json:"changed"`
	Files    []archive.File `json:"files"`
}

// exportHistory lists the exports that the log has. It needs no key: the log
// stands beside the journal.
func (a *app) exportHistory(cmd *cobra.Command, f *exportFlags) error {
	journal := first(f.journal, a.getenv("PAYREC_JOURNAL"), a.cfg.Journal, defaultJournal)
	if f.sandbox != "" {
		journal = first(f.journal, a.getenv("PAYREC_JOURNAL"), f.sandbox+".journal")
	}
	r := historyResult{Log: beside(journal, ".exports"), Exports: []historyExport{}}
	list, err := archive.List(cmd.Context(), r.Log)
	if err != nil {
		return &failure{exitFailed, err, ""}
	}
	for _, e := range list {
		h := historyExport{Number: e.No, At: e.At, Period: e.Period, Report: e.Report, Options: e.Options, Program: e.Program, Payments: e.Payments,
			Digest: hex.EncodeToString(e.Digest), Since: e.Since, Added: e.Added, Gone: e.Gone, Changed: e.Changed, Files: e.Files}
		if e.Seal != e.No {
			h.SameAs = e.Seal
		}
		r.Exports = append(r.Exports, h)
	}
	return a.show(f.json, r, exitOK)
}

func (r historyResult) write(p *printer) error {
	if len(r.Exports) == 0 {
		p.line("no exports are known: %s is not there or empty", r.Log)
		return p.err
	}
	g := &grid{titles: []string{">export", "at (UTC)", "period", ">payments", "against", "file", "sha256"}}
	for _, e := range r.Exports {
		against := ""
		switch {
		case e.SameAs != 0:
			against = fmt.Sprintf("same as %d", e.SameAs)
		case e.Since != 0:
			against = fmt.Sprintf("%d: +%d −%d ~%d", e.Since, e.Added, e.Gone, e.Changed)
		}
		number, at, period, payments := fmt.Sprint(e.Number), e.At.Format("2006-01-02 15:04"), e.Period, thousands(int64(e.Payments))
		if e.Report != "" {
			period += ", report " + e.Report
		}
		for _, file := range e.Files {
			g.add(number, at, period, payments, against, file.Name, file.SHA256[:min(len(file.SHA256), 12)])
			number, at, period, payments, against = "", "", "", "", ""
		}
	}
	p.grid(g)
	return p.err
}
