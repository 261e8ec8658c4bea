package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/internal/extsort"
	"github.com/payrec/payrec/record"
)

// # Reconciliation
//
// A reconciliation holds three things against each other, payment by payment:
// what settlement files say (claims), what the account says (records) and what
// the journal says. They meet by the payment's key: a record's key is in its
// stamps, that of a record without stamps is its reference. Everything waits in
// sorted temporary files ([extsort]), so memory does not grow with the number
// of payments, but for a bit for each record and a number for each open payment.
//
// A record of another source (another processor's, by its stamp) and one that
// Stripe processed itself are none of the files' business.
//
// A refund is found by its own stamp. What a record has refunded beyond its
// stamps counts for the files' refunds that have none there, and for those of
// the journal; a remainder is a mismatch.
//
// A payout of a file stands beside what the file's other rows come to, and beside
// what the account says of it: the nets stamped on the file's payments, less its
// refunds and their fees. What the two differ by are rows that are no payments
// (fees, reserves, chargebacks) and payments that are not there.

// A ReconcileState is how a payment came out.
type ReconcileState string

// The states of a payment; all but Matched are open. A payment with several
// faults has the first that applies, and its details name all of them.
const (
	DuplicatePayment ReconcileState = "duplicate"         // several records, or several reports in the files, are one payment
	MissingAtStripe  ReconcileState = "missing at Stripe" // in the files, not in the account
	NotInFile        ReconcileState = "not in file"       // in the account and in the period, not in the files
	CurrencyMismatch ReconcileState = "currency mismatch"
	AmountMismatch   ReconcileState = "amount mismatch"
	RefundMismatch   ReconcileState = "refund mismatch"
	Matched          ReconcileState = "matched"
)

// ReconcileStates are all states, the open ones first.
func ReconcileStates() []ReconcileState {
	states := reconcileStates()
	return states[:]
}

func reconcileStates() [7]ReconcileState {
	return [...]ReconcileState{MissingAtStripe, NotInFile, AmountMismatch, CurrencyMismatch, RefundMismatch, DuplicatePayment, Matched}
}

func stateRank(s ReconcileState) int {
	states := reconcileStates()
	return slices.Index(states[:], s)
}

// A Claim is one call that a row of the files stands for. One without a call is
// a row that makes none, because it was rejected, held or attached: its payment
// is in the files, and there is nothing to compare.
type Claim struct {
	Payment   string          // the payment's key
	Call      record.CallName // report_payment, report_refund; others say only that the payment is there
	ID        string          // the call's natural id
	Op        string          // its operation id
	Reference string          // payment_reference or refund_reference
	Amount    record.Amount   // zero for a refund of all that is left
	At        time.Time       // paid or refunded; zero when the row does not say
	File      string
	Line      int
}

// A Known is one call as the journal has it; of several entries of one call
// the last counts.
type Known struct {
	Payment  string
	Call     record.CallName
	Op       string
	Amount   record.Amount
	State    record.State
	RecordID string
	Note     string // why it is not there
}

// ReconcileOptions say how a reconciliation is done.
type ReconcileOptions struct {
	Source string // the namespace of the mapping's payments; see [record.StampSource]
	// Period is where payments that are not in the files are looked for. Open
	// on both sides, they are not, unless Within is set.
	Period Period
	// Within makes the period the days, in the period's zone, from the first to
	// the last date in the files.
	Within bool
	// Tolerance is by how much an amount may be off, in major units of its
	// currency; what is off by no more is matched, with a detail that says so.
	// Zero tolerates nothing.
	Tolerance decimal.Decimal
	// Unstamped counts records without payrec's stamps as not in the files too:
	// say so when nothing else reports to the account.
	Unstamped bool
	Generator string // "payrec v1.2.3"
	Locale    Locale // of CSV
}

// A Reconciler collects all sides; see [Reconciler.Finish]. Close it when done.
type Reconciler struct {
	o           ReconcileOptions
	main        extsort.Sorter // by payment: sides
	byReference extsort.Sorter // records without stamps, and the files' payments of another key
	came        *arrivals      // records, by the kinds below
	again       numberSet      // of them, those that came again later; see Finish
	first, last time.Time
	payouts     payouts
	sum         ReconcileSummary
	side        packer // each in turn
}

// What a record is to a reconciliation.
const (
	ofPayment uint8 = iota
	onStripe
	ofOtherSource
	unidentified
)

// NewReconciler begins a reconciliation.
func NewReconciler(o ReconcileOptions) (*Reconciler, error) {
	if err := o.Period.check(); err != nil {
		return nil, err
	}
	if o.Tolerance.IsNeg() {
		return nil, fmt.Errorf("a tolerance of %s: must not be negative", o.Tolerance)
	}
	if o.Period.By != ByPaid && o.Period.By != ByReported {
		return nil, fmt.Errorf("payments are held against files by paid or reported date, not by %s", o.Period.By)
	}
	return &Reconciler{o: o, main: extsort.Sorter{Limit: extsort.DefaultLimit}, byReference: extsort.Sorter{Limit: extsort.DefaultLimit / 4},
		came: newArrivals(), payouts: payouts{}}, nil
}

// Claim takes what a row of the files asks for.
func (r *Reconciler) Claim(c Claim) error {
	if c.Call != "" {
		r.sum.Claims++
	}
	if !c.At.IsZero() && (c.Call == record.ReportPayment || c.Call == record.ReportRefund) {
		if r.first.IsZero() || c.At.Before(r.first) {
			r.first = c.At
		}
		if c.At.After(r.last) {
			r.last = c.At
		}
	}
	if c.Call == record.ReportPayment && c.Reference != "" && c.Reference != c.Payment {
		r.side.again().alias(c.Payment)
		if err := r.byReference.Add(c.Reference, r.side.b); err != nil {
			return err
		}
	}
	r.side.again().claim(&c)
	return r.main.Add(c.Payment, r.side.b)
}

// Know takes a call that the journal has.
func (r *Reconciler) Know(k Known) error {
	r.sum.Journal++
	r.side.again().known(&k)
	return r.main.Add(k.Payment, r.side.b)
}

// Read takes all records of the account. One that comes again replaces what came
// before. progress may be nil; it counts what comes, twice or not.
func (r *Reconciler) Read(ctx context.Context, src Source, progress func(records int)) error {
	n := 0
	var p payment // each in turn: nothing of it stays
	for rec, err := range src.Records(ctx, 0, 0) {
		if err != nil {
			return fmt.Errorf("after %d payment records: %w", n, err)
		}
		if err := r.record(rec, &p); err != nil {
			return err
		}
		if n++; progress != nil {
			progress(n)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// record takes one record; p is room for what its stamps tell.
func (r *Reconciler) record(rec *record.PaymentRecord, p *payment) error {
	kind, key := r.meets(rec)
	no, err := r.came.add(rec.ID, kind)
	if err != nil || kind != ofPayment {
		return err
	}
	p.read(rec)
	f := found{no: no, ID: rec.ID, Reference: rec.ProcessorDetails.Reference(), Requested: rec.AmountRequested, Refunded: p.valueIn(rec.AmountRefunded),
		Created: rec.Created, At: p.at, Stamped: rec.Metadata[record.StampSource] != "", File: rec.Metadata[record.StampFile]}
	if r.o.Period.By == ByReported {
		f.At = unix(rec.Created)
	}
	if p.settled != nil && p.settled.has.net {
		f.Net, f.In = p.settled.net.Text(), p.settled.currency
	}
	for _, x := range p.refunds {
		f.Refunds = append(f.Refunds, x.RefundStamp)
	}
	if key != "" {
		return r.keep(&f, key)
	}
	r.side.again().found(&f, f.Reference)
	return r.byReference.Add(f.Reference, r.side.b)
}

// meets says what a record is here, and the key of its payment, if its stamps have
// one. That of others is found by their reference.
func (r *Reconciler) meets(rec *record.PaymentRecord) (kind uint8, key string) {
	source, reference := rec.Metadata[record.StampSource], rec.ProcessorDetails.Reference()
	switch {
	case rec.ReportedBy == "stripe":
		return onStripe, ""
	case source != "" && source != r.o.Source:
		return ofOtherSource, ""
	case source != "":
		key = cmp.Or(rec.Metadata[record.StampPayment], reference)
	}
	if key == "" && reference == "" {
		return unidentified, ""
	}
	return ofPayment, key
}

// keep keeps a record as a side of the payment with the key.
func (r *Reconciler) keep(f *found, key string) error {
	r.side.again().found(f, key)
	return r.main.Add(key, r.side.b)
}

// count counts the records, each id once.
func (r *Reconciler) count() error {
	again, ids, err := r.came.superseded()
	if err != nil {
		return err
	}
	r.again = again
	for _, n := range ids {
		r.sum.Records += n
	}
	r.sum.OnStripe, r.sum.OtherSources, r.sum.Unidentified = ids[onStripe], ids[ofOtherSource], ids[unidentified]
	return nil
}

// resolve gives records without stamps the keys of their payments.
func (r *Reconciler) resolve() error {
	for g, err := range r.byReference.Groups() {
		if err != nil {
			return err
		}
		var keys []string
		var records []found
		for _, value := range g.Values {
			u := unpacker{s: string(value)}
			switch sideKind(u.byte()) {
			case aliasSide:
				if key := u.text(); !slices.Contains(keys, key) {
					keys = append(keys, key)
				}
			case foundSide:
				if f := u.found(string(g.Key)); !r.again.has(f.no) {
					records = append(records, f)
				}
			}
			if err := u.end(); err != nil {
				return err
			}
		}
		if len(keys) == 0 {
			keys = []string{string(g.Key)}
		}
		for i := range records {
			for _, key := range keys {
				if err := r.keep(&records[i], key); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// within is the period that the files cover.
func (r *Reconciler) within() {
	if !r.o.Within || r.first.IsZero() {
		return
	}
	zone := r.o.Period.Zone
	day := func(t time.Time, more int) time.Time {
		y, m, d := t.In(zone).Date()
		return time.Date(y, m, d+more, 0, 0, 0, 0, zone)
	}
	r.o.Period.From, r.o.Period.To = day(r.first, 0), day(r.last, 1)
}

// bounded says whether payments that are not in the files are looked for.
func (p Period) bounded() bool { return !p.From.IsZero() || !p.To.IsZero() }

// Finish compares. The result must be closed; nothing may be added any more.
func (r *Reconciler) Finish() (*Reconciliation, error) {
	r.within()
	if err := r.count(); err != nil {
		return nil, err
	}
	if err := r.resolve(); err != nil {
		return nil, err
	}
	s, err := newShelf()
	if err != nil {
		return nil, err
	}
	result := &Reconciliation{options: r.o, shelf: s, Summary: r.sum}
	result.Summary.Period = ""
	if r.o.Period.bounded() {
		result.Summary.Period = r.o.Period.String()
	}
	if err := errors.Join(r.judgeAll(result), s.flush()); err != nil {
		return nil, errors.Join(err, s.close())
	}
	result.Summary.Tolerated = r.sum.Tolerated
	for _, p := range r.payouts {
		if p.Rows > 0 {
			result.Payouts = append(result.Payouts, *p)
		}
	}
	slices.SortFunc(result.Payouts, func(a, b Payout) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Currency, b.Currency))
	})
	return result, nil
}

func (r *Reconciler) judgeAll(into *Reconciliation) error {
	c := comparison{Reconciler: r}
	for g, err := range r.main.Groups() {
		if err != nil {
			return err
		}
		c.begin(string(g.Key))
		for _, value := range g.Values {
			if err := c.take(string(value)); err != nil {
				return err
			}
		}
		of := c.judge()
		if err := c.settle(); err != nil {
			return err
		}
		if !of {
			continue
		}
		if err := into.add(&c.item); err != nil {
			return err
		}
	}
	return nil
}

// Close removes the temporary files.
func (r *Reconciler) Close() error {
	return errors.Join(r.main.Close(), r.byReference.Close(), r.came.close())
}
