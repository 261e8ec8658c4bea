package exporter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

// A comparison is everything that is known of one payment.
type comparison struct {
	*Reconciler
	payments []Claim // report_payment; each id and amount once
	refunds  []Claim
	claimed  bool // any call at all
	named    bool // a row that makes no call is of this payment
	records  []found
	known    map[string]Known // by operation
	order    []string         // of known
	item     Item
	worst    map[ReconcileState]bool
}

// begin makes it that of another payment, in the same memory.
func (c *comparison) begin(key string) {
	clear(c.known)
	clear(c.worst)
	*c = comparison{
		Reconciler: c.Reconciler, payments: c.payments[:0], refunds: c.refunds[:0], records: c.records[:0], known: c.known, order: c.order[:0], worst: c.worst,
		item: Item{Payment: key, Records: c.item.Records[:0], Details: c.item.Details[:0]},
	}
}

// take takes a side, which is kept.
func (c *comparison) take(side string) error {
	u := unpacker{s: side}
	switch sideKind(u.byte()) {
	case knownSide:
		c.know(u.known(c.item.Payment))
	case foundSide:
		if f := u.found(c.item.Payment); !c.again.has(f.no) {
			c.records = append(c.records, f)
		}
	case claimSide:
		claim := u.claim(c.item.Payment)
		c.claimed = c.claimed || claim.Call != ""
		c.named = true
		c.claim(claim)
	default:
		u.fail()
	}
	return u.end()
}

func (c *comparison) know(k Known) {
	if c.known == nil {
		c.known = map[string]Known{}
	}
	if old, ok := c.known[k.Op]; !ok {
		c.order = append(c.order, k.Op)
	} else if k.State == "" { // a later run had nothing to send: what it was stands
		k = old
	}
	c.known[k.Op] = k
}

func (c *comparison) claim(claim Claim) {
	list := &c.payments
	switch claim.Call {
	case record.ReportPayment:
	case record.ReportRefund:
		list = &c.refunds
	default:
		return
	}
	same := func(x Claim) bool { return x.ID == claim.ID && x.Amount == claim.Amount }
	if !slices.ContainsFunc(*list, same) { // the same row in two files is one
		*list = append(*list, claim)
	}
}

// fault notes what is open.
func (c *comparison) fault(s ReconcileState, format string, args ...any) {
	if c.worst == nil {
		c.worst = map[ReconcileState]bool{}
	}
	c.worst[s] = true
	c.item.Details = append(c.item.Details, fmt.Sprintf(format, args...))
}

// judge makes the payment's item; it is false when that is none of the files'
// business.
func (c *comparison) judge() bool {
	slices.SortFunc(c.records, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), strings.Compare(a.ID, b.ID))
	})
	c.describe()
	switch {
	case !c.claimed && len(c.records) == 0:
		return false
	case !c.claimed && !c.strange():
		return false
	case len(c.records) == 0:
		c.missing()
	case c.claimed:
		c.comparePayment()
		c.compareRefunds()
	}
	if len(c.records) > 1 {
		c.fault(DuplicatePayment, "%d records are this payment: %s", len(c.records), strings.Join(c.item.Records, ", "))
	}
	c.item.State = Matched
	for _, s := range []ReconcileState{DuplicatePayment, MissingAtStripe, NotInFile, CurrencyMismatch, AmountMismatch, RefundMismatch} {
		if c.worst[s] {
			c.item.State = s
			break
		}
	}
	return true
}

// describe fills in what the sides say, before they are compared.
func (c *comparison) describe() {
	for _, list := range [][]Claim{c.payments, c.refunds} {
		for _, claim := range list {
			if c.item.File == "" {
				c.item.File, c.item.Line, c.item.At = claim.File, claim.Line, claim.At
			}
		}
	}
	if len(c.payments) > 0 {
		c.item.FileAmount, c.item.Reference = &c.payments[0].Amount, c.payments[0].Reference
	}
	for _, f := range c.records {
		c.item.Records = append(c.item.Records, f.ID)
	}
	if len(c.records) > 0 {
		f := &c.records[0]
		c.item.StripeAmount, c.item.StripeRefunded = &f.Requested, f.Refunded
		c.item.Reference = cmp.Or(c.item.Reference, f.Reference)
		if c.item.At.IsZero() {
			c.item.At = f.At
		}
	}
	for _, x := range c.refunds {
		c.item.FileRefunded += c.worth(x).Value
	}
	for _, op := range c.order {
		if k := c.known[op]; k.Call == record.ReportPayment {
			c.item.Journal = string(k.State)
			if k.Note != "" {
				c.item.Journal = strings.TrimPrefix(c.item.Journal+": "+k.Note, ": ")
			}
		}
	}
}

// worth is a refund's amount; one without is all of the payment.
func (c *comparison) worth(x Claim) record.Amount {
	switch {
	case x.Amount.Currency != "":
		return x.Amount
	case c.item.FileAmount != nil:
		return *c.item.FileAmount
	case c.item.StripeAmount != nil:
		return *c.item.StripeAmount
	}
	return x.Amount
}

// strange says whether a payment that no row of the files speaks of should
// have been in them: it, or a refund of it, is of the period.
func (c *comparison) strange() bool {
	if !c.o.Period.bounded() || c.named {
		return false
	}
	f := &c.records[0]
	if !f.Stamped && !c.o.Unstamped {
		return false
	}
	if c.o.Period.contains(f.At) {
		c.fault(NotInFile, "%s of %s is not in the files", f.ID, amountText(f.Requested))
		return true
	}
	return c.unclaimedRefunds()
}

// unclaimedRefunds notes refunds of the period that the files do not have.
func (c *comparison) unclaimedRefunds() bool {
	any := false
	for _, stamp := range c.records[0].Refunds {
		at := refundTime(stamp)
		if at.IsZero() || !c.o.Period.bounded() || !c.o.Period.contains(at) || slices.ContainsFunc(c.refunds, func(x Claim) bool { return x.is(stamp) }) {
			continue
		}
		any = true
		c.fault(RefundMismatch, "the refund %q of %s on %s is at Stripe, not in the files", cmp.Or(stamp.Reference, stamp.Op),
			amountText(record.Amount{Currency: stamp.Currency, Value: stamp.Value}), at.In(c.o.Period.Zone).Format("2006-01-02"))
	}
	return any
}

func (x Claim) is(s record.RefundStamp) bool {
	return x.Op != "" && x.Op == s.Op || s.Reference != "" && (s.Reference == x.Reference || x.Reference == "" && s.Reference == x.ID)
}

// missing is a payment that the files have and the account has not.
func (c *comparison) missing() {
	what := "the payment"
	if len(c.payments) == 0 {
		what = "the payment of this refund"
	}
	why := ""
	if c.item.Journal != "" {
		why = "; the journal says: " + c.item.Journal
	}
	c.fault(MissingAtStripe, "%s is not in the account%s", what, why)
}

// comparePayment holds the amounts against each other.
func (c *comparison) comparePayment() {
	f := &c.records[0]
	for i, p := range c.payments {
		if i > 0 {
			if p.ID != c.payments[0].ID {
				c.fault(DuplicatePayment, "the files report it twice: as %q (%s:%d) and as %q (%s:%d)", c.payments[0].ID, c.payments[0].File, c.payments[0].Line, p.ID, p.File, p.Line)
				continue
			}
			c.fault(AmountMismatch, "the files contradict each other: %s (%s:%d) and %s (%s:%d)", amountText(c.payments[0].Amount), c.payments[0].File, c.payments[0].Line, amountText(p.Amount), p.File, p.Line)
			continue
		}
		switch {
		case p.Amount.Currency != f.Requested.Currency:
			c.fault(CurrencyMismatch, "%s in the file, %s at Stripe", amountText(p.Amount), amountText(f.Requested))
		case c.tolerates(p.Amount, f.Requested):
			c.sum.Tolerated++
			c.item.Details = append(c.item.Details, fmt.Sprintf("%s in the file, %s at Stripe: within the tolerance", amountText(p.Amount), amountText(f.Requested)))
		case p.Amount.Value != f.Requested.Value:
			c.fault(AmountMismatch, "%s in the file, %s at Stripe", amountText(p.Amount), amountText(f.Requested))
		}
	}
}

// tolerates says whether two amounts that differ differ by no more than is
// tolerated.
func (c *comparison) tolerates(a, b record.Amount) bool {
	if c.o.Tolerance.IsZero() || a == b {
		return false
	}
	off, err := a.Money().Sub(b.Money())
	return err == nil && off.Amount.CmpAbs(c.o.Tolerance) <= 0
}

// compareRefunds finds each refund of the files, and explains what else the
// record has refunded.
func (c *comparison) compareRefunds() {
	f := &c.records[0]
	rest := f.Refunded // without what stamps explain
	for _, stamp := range f.Refunds {
		if stamp.Value == 0 { // of all that was left
			rest = 0
			break
		}
		rest -= stamp.Value
	}
	var unfound []Claim
	var sought int64
	seen := map[string]bool{}
	for _, x := range c.refunds {
		amount := c.worth(x)
		i := slices.IndexFunc(f.Refunds, x.is)
		switch {
		case seen[x.ID]:
			c.fault(RefundMismatch, "the files contradict each other about the refund %q: once it is %s (%s:%d)", x.ID, amountText(amount), x.File, x.Line)
		case i < 0:
			unfound = append(unfound, x)
			sought += amount.Value
		default:
			got := record.Amount{Currency: f.Refunds[i].Currency, Value: f.Refunds[i].Value}
			if got.Value != 0 && got != amount {
				c.fault(RefundMismatch, "the refund %q is %s in the file, %s at Stripe", x.ID, amountText(amount), amountText(got))
			}
		}
		seen[x.ID] = true
	}
	elsewhere := c.refundedElsewhere()
	if rest != sought && rest != sought+elsewhere {
		for _, x := range unfound {
			c.fault(RefundMismatch, "the refund %q of %s is not at Stripe", x.ID, amountText(c.worth(x)))
		}
		switch unknown := rest - elsewhere; {
		case rest < 0:
			c.fault(RefundMismatch, "the stamps of its refunds come to %s more than Stripe has refunded", amountText(record.Amount{Currency: f.Requested.Currency, Value: -rest}))
		case unknown > 0:
			c.fault(RefundMismatch, "Stripe has refunded %s that neither the files nor the journal know", amountText(record.Amount{Currency: f.Requested.Currency, Value: unknown}))
		}
	}
	c.unclaimedRefunds()
}

// refundedElsewhere is what the journal has refunded besides the files and
// without a stamp on the record.
func (c *comparison) refundedElsewhere() (sum int64) {
	f := &c.records[0]
	for _, op := range c.order {
		k := c.known[op]
		if k.Call != record.ReportRefund || !k.State.There() ||
			slices.ContainsFunc(c.refunds, func(x Claim) bool { return x.Op == op }) ||
			slices.ContainsFunc(f.Refunds, func(s record.RefundStamp) bool { return s.Op == op }) {
			continue
		}
		sum += k.Amount.Value
	}
	return sum
}

// refundTime is when a refund was made; zero when its stamp does not say.
func refundTime(s record.RefundStamp) time.Time {
	at, err := time.Parse(time.RFC3339, s.At)
	if err != nil {
		return time.Time{}
	}
	return at
}

func amountText(a record.Amount) string {
	if a.Currency == "" {
		return "no amount"
	}
	return a.Money().Text() + " " + a.Currency.Upper()
}
