package exporter

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/record"
)

// An Item is one payment of a reconciliation.
type Item struct {
	Payment        string         `json:"payment"` // its key
	Reference      string         `json:"reference,omitempty"`
	State          ReconcileState `json:"state"`
	At             time.Time      `json:"at,omitzero"` // as the file says, else the account
	FileAmount     *record.Amount `json:"file_amount,omitempty"`
	StripeAmount   *record.Amount `json:"stripe_amount,omitempty"`
	FileRefunded   int64          `json:"file_refunded"`   // minor units
	StripeRefunded int64          `json:"stripe_refunded"` // minor units, whenever it was refunded
	Records        []string       `json:"records,omitempty"`
	File           string         `json:"file,omitempty"` // of the payment's row, else of its first refund
	Line           int            `json:"line,omitempty"`
	Journal        string         `json:"journal,omitempty"` // the state of its report, and why
	Details        []string       `json:"details,omitempty"`
}

// Open says whether somebody must look at it.
func (i Item) Open() bool { return i.State != Matched }

// currency is the file's, else the account's.
func (i Item) currency() record.Currency {
	for _, a := range []*record.Amount{i.FileAmount, i.StripeAmount} {
		if a != nil {
			return a.Currency
		}
	}
	return ""
}

// A ReconcileSummary counts what was held against each other.
type ReconcileSummary struct {
	Payments     int             `json:"payments"`
	Open         int             `json:"open"`
	Claims       int             `json:"claims"`        // calls that the files stand for
	Records      int             `json:"records"`       // read from the account
	OtherSources int             `json:"other_sources"` // of these, left out: another processor's
	OnStripe     int             `json:"on_stripe"`     // left out: processed by Stripe
	Unidentified int             `json:"unidentified"`  // left out: neither stamps nor reference
	Journal      int             `json:"journal"`       // calls that the journal has
	Unread       int             `json:"unread"`        // rows that were rejected: their payments were not compared
	Held         int             `json:"held"`          // rows that wait for a decision
	Tolerated    int             `json:"tolerated"`     // matched payments with an amount that is off by no more than the tolerance
	Period       string          `json:"period,omitempty"`
	Lines        []ReconcileLine `json:"lines"` // by state and currency
}

// A ReconcileLine sums the payments of one state and currency, the file's where
// there is one. Sums are in minor units and leave out what is in another currency.
type ReconcileLine struct {
	State    ReconcileState  `json:"state"`
	Currency record.Currency `json:"currency"`
	Count    int             `json:"count"`
	File     int64           `json:"file"`
	Stripe   int64           `json:"stripe"`
}

type payoutKey struct {
	file     string
	currency record.Currency
}

// A Payout is what a file's rows come to, and what of that was paid out. Rows of
// classes that are called payout, or begin so, are payouts.
type Payout struct {
	File          string          `json:"file"`
	Currency      record.Currency `json:"currency"`
	Rows          int             `json:"payouts"`     // payout rows
	Movements     record.Money    `json:"-"`           // all other rows
	Paid          record.Money    `json:"-"`           // payout rows, as they stand there
	Left          record.Money    `json:"-"`           // the sum of both: zero when the file pays out all it has
	Settled       int             `json:"settled"`     // payments and refunds of the file whose net the account knows
	Unsettled     int             `json:"not_settled"` // those whose net it does not
	Stripe        record.Money    `json:"-"`           // the sum of these nets
	StripeText    string          `json:"at_stripe"`
	MovementsText string          `json:"movements"`
	PaidText      string          `json:"paid"`
	LeftText      string          `json:"left"`
}

// Row takes what became of a body row and, where the mapping has a total, how
// much it moves.
func (r *Reconciler) Row(file, class string, rejected, held bool, total *record.Money) error {
	if rejected {
		r.sum.Unread++
	}
	if held {
		r.sum.Held++
	}
	if total == nil {
		return nil
	}
	key := payoutKey{file, total.Currency}
	p := r.payouts[key]
	if p == nil {
		zero := record.Amount{Currency: total.Currency}.Money()
		p = &Payout{File: strings.Clone(file), Currency: total.Currency, Movements: zero, Paid: zero, Left: zero, Stripe: zero, StripeText: zero.Text()}
		r.payouts[key] = p
	}
	into := &p.Movements
	if strings.HasPrefix(class, "payout") {
		into = &p.Paid
		p.Rows++
	}
	var err error
	if *into, err = into.Add(*total); err == nil {
		p.Left, err = p.Left.Add(*total)
	}
	p.MovementsText, p.PaidText, p.LeftText = p.Movements.Text(), p.Paid.Text(), p.Left.Text()
	return err
}

// settle adds what the account says of a payment and its refunds to the payouts
// of the files that they are from.
func (c *comparison) settle() error {
	if len(c.records) == 0 || !c.claimed {
		return nil
	}
	f := &c.records[0]
	in := cmp.Or(f.In, f.Requested.Currency)
	if len(c.payments) > 0 {
		net, err := decimal.Parse(cmp.Or(f.Net, "0"))
		if err != nil { // unreachable: it was one when it was read
			return err
		}
		if err := c.payouts.add(f.File, in, record.Money{Amount: net, Currency: in}, f.Net != ""); err != nil {
			return err
		}
	}
	for _, stamp := range f.Refunds {
		file, _, _ := cutLast(stamp.Row, ":")
		fee, err := decimal.Parse(cmp.Or(stamp.Fee, "0"))
		known := err == nil && stamp.Value > 0 && stamp.Currency == in
		net := record.Money{Currency: in}
		if known {
			if net, err = (record.Money{Currency: in}).Sub(record.Amount{Currency: in, Value: stamp.Value}.Money()); err == nil {
				net, err = net.Sub(record.Money{Amount: fee, Currency: in})
			}
			if err != nil {
				return err
			}
		}
		if err := c.payouts.add(file, in, net, known); err != nil {
			return err
		}
	}
	return nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// payouts are what the files have, by file and currency.
type payouts map[payoutKey]*Payout

// add counts a net that the account knows (or does not) of a file's payment.
func (all payouts) add(file string, c record.Currency, net record.Money, known bool) (err error) {
	p := all[payoutKey{file, c}]
	switch {
	case p == nil:
		return nil
	case !known:
		p.Unsettled++
		return nil
	}
	p.Settled++
	p.Stripe, err = p.Stripe.Add(net)
	p.StripeText = p.Stripe.Text()
	return err
}

// A Reconciliation is the result: one item a payment, on disk.
type Reconciliation struct {
	Summary ReconcileSummary
	Payouts []Payout // by file and currency

	options ReconcileOptions
	shelf   *shelf // items
	open    []int  // numbers of the open ones: there should be few
	kept    packer // each in turn
}

func (r *Reconciliation) add(i *Item) (err error) {
	r.kept.again().item(i)
	if err := r.shelf.add(r.kept.b); err != nil {
		return err
	}
	s := &r.Summary
	if i.Open() {
		s.Open++
		r.open = append(r.open, s.Payments)
	}
	s.Payments++
	c := i.currency()
	n, found := slices.BinarySearchFunc(s.Lines, ReconcileLine{State: i.State, Currency: c}, func(a, b ReconcileLine) int {
		return cmp.Or(cmp.Compare(stateRank(a.State), stateRank(b.State)), cmp.Compare(a.Currency, b.Currency))
	})
	if !found {
		s.Lines = slices.Insert(s.Lines, n, ReconcileLine{State: i.State, Currency: c})
	}
	line := &s.Lines[n]
	line.Count++
	for _, x := range []struct {
		sum *int64
		a   *record.Amount
	}{{&line.File, i.FileAmount}, {&line.Stripe, i.StripeAmount}} {
		if x.a == nil || x.a.Currency != c {
			continue
		}
		if *x.sum, err = add(*x.sum, x.a.Value); err != nil {
			return err
		}
	}
	return nil
}

// Open iterates over the payments that are open, by key.
func (r *Reconciliation) Open() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for _, no := range r.open {
			b, err := r.shelf.at(no)
			if !r.yield(b, err, yield) {
				return
			}
		}
	}
}

// Items iterates over all payments, by key.
func (r *Reconciliation) Items() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for b, err := range r.shelf.encoded(0, r.shelf.n) {
			if !r.yield(b, err, yield) {
				return
			}
		}
	}
}

// yield hands out an item that was kept, and says whether to go on.
func (r *Reconciliation) yield(kept []byte, err error, to func(Item, error) bool) bool {
	var i Item
	if err == nil {
		i, err = readItem(string(kept))
	}
	return to(i, err) && err == nil
}

// Close removes the temporary file.
func (r *Reconciliation) Close() error { return r.shelf.close() }
