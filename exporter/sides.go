package exporter

import (
	"time"

	"github.com/payrec/payrec/record"
)

// What a reconciliation keeps on disk until it ends: the sides of a payment by its
// key, and the items that come of them. They have the form of [packer]. Most
// natural ids and references are the payment's key: like keeps that in one byte.

// A sideKind says what a side is; it is its first byte.
type sideKind byte

const (
	claimSide sideKind = iota
	knownSide
	foundSide
	aliasSide // of byReference: the key of a payment that has the reference
)

// found is a record of the account, as far as it is compared.
type found struct {
	no        uint64 // in the order of arrival
	ID        string
	Reference string
	Requested record.Amount
	Refunded  int64 // in the same currency
	Created   int64
	At        time.Time
	Stamped   bool
	File      string          // that it was reported from
	Net       string          // as stamped, decimal in major units of In
	In        record.Currency // of Net
	Refunds   []record.RefundStamp
}

// again begins anew, in the same memory.
func (p *packer) again() *packer {
	p.b = p.b[:0]
	return p
}

func (p *packer) like(s, key string) {
	if s == key {
		p.b = append(p.b, 0)
		return
	}
	p.int(int64(len(s)) + 1)
	p.b = append(p.b, s...)
}

func (u *unpacker) like(key string) string {
	n := u.int()
	if n == 0 {
		return key
	}
	if n < 0 || n-1 > int64(len(u.s)) {
		u.fail()
		return ""
	}
	s := u.s[:n-1]
	u.s = u.s[n-1:]
	return s
}

// moment keeps a time in UTC.
func (p *packer) moment(t time.Time) {
	if p.bool(!t.IsZero()) {
		p.int(t.Unix())
		p.int(int64(t.Nanosecond()))
	}
}

func (u *unpacker) moment() time.Time {
	if !u.bool() {
		return time.Time{}
	}
	seconds := u.int()
	return time.Unix(seconds, u.int()).UTC()
}

func (u *unpacker) byte() byte {
	if u.s == "" {
		u.fail()
		return 0
	}
	b := u.s[0]
	u.s = u.s[1:]
	return b
}

func (u *unpacker) amount() (a record.Amount) {
	u.amounts(&a)
	return a
}

// claim keeps all but the claim's payment, which is its key.
func (p *packer) claim(c *Claim) {
	p.b = append(p.b, byte(claimSide))
	p.text(string(c.Call))
	p.like(c.ID, c.Payment)
	p.text(c.Op)
	p.like(c.Reference, c.Payment)
	p.amounts(c.Amount)
	p.moment(c.At)
	p.text(c.File)
	p.int(int64(c.Line))
}

func (u *unpacker) claim(key string) Claim {
	return Claim{Payment: key, Call: record.CallName(u.text()), ID: u.like(key), Op: u.text(), Reference: u.like(key),
		Amount: u.amount(), At: u.moment(), File: u.text(), Line: int(u.int())}
}

// known keeps all but the call's payment, which is its key.
func (p *packer) known(k *Known) {
	p.b = append(p.b, byte(knownSide))
	p.text(string(k.Call))
	p.text(k.Op)
	p.amounts(k.Amount)
	p.text(string(k.State))
	p.text(k.RecordID)
	p.text(k.Note)
}

func (u *unpacker) known(key string) Known {
	return Known{Payment: key, Call: record.CallName(u.text()), Op: u.text(), Amount: u.amount(), State: record.State(u.text()), RecordID: u.text(), Note: u.text()}
}

func (p *packer) found(f *found, key string) {
	p.b = append(p.b, byte(foundSide))
	p.int(int64(f.no))
	p.text(f.ID)
	p.like(f.Reference, key)
	p.amounts(f.Requested)
	p.int(f.Refunded)
	p.int(f.Created)
	p.moment(f.At)
	p.bool(f.Stamped)
	p.text(f.File)
	p.text(f.Net)
	p.text(string(f.In))
	p.int(int64(len(f.Refunds)))
	for i := range f.Refunds {
		x := &f.Refunds[i]
		p.text(x.Op)
		p.amounts(record.Amount{Currency: x.Currency, Value: x.Value})
		p.text(x.At)
		p.text(x.Reference)
		p.text(x.Fee)
		p.text(x.Content)
		p.text(x.Row)
	}
}

func (u *unpacker) found(key string) found {
	f := found{no: uint64(u.int()), ID: u.text(), Reference: u.like(key), Requested: u.amount(), Refunded: u.int(), Created: u.int(),
		At: u.moment(), Stamped: u.bool(), File: u.text(), Net: u.text(), In: record.Currency(u.text())}
	for range u.count() {
		x := record.RefundStamp{Op: u.text()}
		a := u.amount()
		x.Currency, x.Value = a.Currency, a.Value
		x.At, x.Reference, x.Fee, x.Content, x.Row = u.text(), u.text(), u.text(), u.text(), u.text()
		f.Refunds = append(f.Refunds, x)
	}
	return f
}

func (p *packer) alias(key string) {
	p.b = append(p.b, byte(aliasSide))
	p.text(key)
}

func (p *packer) texts(list []string) {
	p.int(int64(len(list)))
	for _, s := range list {
		p.text(s)
	}
}

func (u *unpacker) list() []string {
	n := u.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = u.text()
	}
	return list
}

func (p *packer) maybeAmount(a *record.Amount) {
	if p.bool(a != nil) {
		p.amounts(*a)
	}
}

func (u *unpacker) maybeAmount() *record.Amount {
	if !u.bool() {
		return nil
	}
	a := u.amount()
	return &a
}

// item keeps a state as its place in [ReconcileStates].
func (p *packer) item(i *Item) {
	p.text(i.Payment)
	p.like(i.Reference, i.Payment)
	p.b = append(p.b, byte(stateRank(i.State)))
	p.moment(i.At)
	p.maybeAmount(i.FileAmount)
	p.maybeAmount(i.StripeAmount)
	p.int(i.FileRefunded)
	p.int(i.StripeRefunded)
	p.texts(i.Records)
	p.text(i.File)
	p.int(int64(i.Line))
	p.text(i.Journal)
	p.texts(i.Details)
}

// readItem reads an item; its texts are parts of s.
func readItem(s string) (i Item, err error) {
	u := unpacker{s: s}
	i.Payment = u.text()
	i.Reference = u.like(i.Payment)
	state := int(u.byte())
	if states := reconcileStates(); state < len(states) {
		i.State = states[state]
	} else {
		u.fail()
	}
	i.At = u.moment()
	i.FileAmount, i.StripeAmount = u.maybeAmount(), u.maybeAmount()
	i.FileRefunded, i.StripeRefunded = u.int(), u.int()
	i.Records = u.list()
	i.File, i.Line, i.Journal = u.text(), int(u.int()), u.text()
	i.Details = u.list()
	return i, u.end()
}
