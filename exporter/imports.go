package exporter

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/payrec/payrec/record"
)

// A Journal is what is known of the imports that brought the payments in. It
// is read once, after the account.
type Journal interface {
	// Imports are the runs, the oldest first.
	Imports(ctx context.Context) ([]Import, error)
	// Totals count all calls that were ever planned, each once, by call, currency
	// and state.
	Totals(ctx context.Context) ([]record.Tally, error)
	// Exceptions iterates over the calls that did not reach the account, or not
	// as the files have them now, and the rows that became no call and should have.
	Exceptions(ctx context.Context) iter.Seq2[Exception, error]
}

// An Import is one run.
type Import struct {
	ID          string
	State       string
	Created     time.Time
	Mapping     string
	MappingHash string
	Files       []ImportFile
	Rows        *ImportRows // nil when they were not kept
	Calls       []record.Tally
}

// An ImportFile is a file that a run read.
type ImportFile struct {
	Name   string
	SHA256 string // hexadecimal
	Size   int64  // bytes
	// Again is the last later run of the same source that read the same content,
	// and so has the last word on its rows; "" when there is none.
	Again string
}

// journalFacts are what was read of the journal, and exceptions from elsewhere.
type journalFacts struct {
	known      bool
	imports    []Import
	totals     []record.Tally
	exceptions []place // in spool
	spool      *spool
}

// readJournal takes the journal's word down next to what the account said.
func (d *Dataset) readJournal(ctx context.Context) (err error) {
	j := d.options.Journal
	if j == nil {
		return nil
	}
	d.journal.known = true
	if d.journal.imports, err = j.Imports(ctx); err == nil {
		d.journal.totals, err = j.Totals(ctx)
	}
	if err != nil {
		return err
	}
	for e, err := range j.Exceptions(ctx) {
		if err == nil {
			err = d.AddException(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// AddException adds a line to the Exceptions sheet, after those of the journal.
func (d *Dataset) AddException(e Exception) (err error) {
	if d.journal.spool == nil {
		if d.journal.spool, err = newSpool(); err != nil {
			return err
		}
	}
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	at, err := d.journal.spool.putBytes(b)
	d.journal.exceptions = append(d.journal.exceptions, at)
	return err
}

// noted iterates over the exceptions from elsewhere.
func (d *Dataset) noted() iter.Seq2[Exception, error] {
	return func(yield func(Exception, error) bool) {
		if d.journal.spool == nil {
			return
		}
		if err := d.journal.spool.flush(); err != nil {
			yield(Exception{}, err)
			return
		}
		for _, at := range d.journal.exceptions {
			var e Exception
			b, err := d.journal.spool.getBytes(at)
			if err == nil {
				err = json.Unmarshal(b, &e)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// importFacts are the lines of the Control sheet about the runs.
func (d *Dataset) importFacts() (facts []Fact, err error) {
	if !d.journal.known {
		return []Fact{{"Imports", "No journal at hand", "what was planned, and what did not arrive, is not held against the account here"}}, nil
	}
	if len(d.journal.imports) == 0 {
		return []Fact{{"Imports", "None", "the journal has no run"}}, nil
	}
	for _, run := range d.journal.imports {
		when := run.Created.In(d.options.Period.Zone).Format("2006-01-02 15:04")
		facts = append(facts,
			Fact{"Imports", run.ID, fmt.Sprintf("%s, planned %s %s", run.State, when, d.options.Period.Zone)},
			Fact{"Imports", "   mapping", fmt.Sprintf("%s · sha256 %s", run.Mapping, run.MappingHash)})
		for _, f := range run.Files {
			of, err := run.fileFacts(f)
			if err != nil {
				return nil, err
			}
			facts = append(facts, of...)
		}
		facts = append(append(facts, run.rowFacts()...), tallyFacts(run.Calls)...)
	}
	return facts, nil
}

// tallyFacts say what became of a run's calls: a line for each call, currency
// and outcome.
func tallyFacts(calls []record.Tally) (facts []Fact) {
	type key struct {
		call     record.CallName
		currency record.Currency
		outcome  string
	}
	sums := map[key]*counted{}
	var order []key
	for _, t := range calls {
		k := key{t.Call, t.Currency, string(t.State)}
		if t.Disposition == record.Same {
			k.outcome = "already there"
		} else if t.State == "" || t.Disposition == record.Changed || t.Disposition == record.Duplicate || t.Disposition == record.Conflicting {
			k.outcome = string(t.Disposition)
		}
		if sums[k] == nil {
			sums[k] = &counted{}
			order = append(order, k)
		}
		sums[k].n += t.N
		sums[k].value += t.Value
	}
	for _, k := range order {
		value := fmt.Sprint(sums[k].n)
		if k.currency != "" {
			value += " · " + record.Amount{Currency: k.currency, Value: sums[k].value}.Money().String()
		}
		facts = append(facts, Fact{"Imports", "   " + string(k.call) + ", " + words(record.Status(k.outcome)), value})
	}
	return facts
}
