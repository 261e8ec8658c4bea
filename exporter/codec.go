package exporter

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/payrec/payrec/record"
)

// codecVersion is the first byte of what [encodeRecord] and [encodeAttempts]
// write. Both are kept from one export to the next (see [Store]): whoever changes
// the form, or the structs behind it, counts up, and what was kept is read anew.
const codecVersion = 1

// A packer writes values in a form of our own, because JSON takes ten times as
// long and an export goes over each record several times: integers as varints,
// texts with their length before them, pointers with a byte that says whether
// there is anything. Equal values have equal bytes: metadata goes by key.
type packer struct{ b []byte }

func (p *packer) int(n int64) { p.b = binary.AppendVarint(p.b, n) }

func (p *packer) text(s string) {
	p.b = binary.AppendUvarint(p.b, uint64(len(s)))
	p.b = append(p.b, s...)
}

func (p *packer) bool(is bool) bool {
	b := byte(0)
	if is {
		b = 1
	}
	p.b = append(p.b, b)
	return is
}

func (p *packer) maybe(s *string) {
	if p.bool(s != nil) {
		p.text(*s)
	}
}

func (p *packer) amounts(amounts ...record.Amount) {
	for _, a := range amounts {
		p.text(string(a.Currency))
		p.int(a.Value)
	}
}

func (p *packer) metadata(m map[string]string) {
	if !p.bool(m != nil) {
		return
	}
	p.int(int64(len(m)))
	var room [32]string // rarely are there more
	keys := room[:0]
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		p.text(key)
		p.text(m[key])
	}
}

func (p *packer) address(a record.Address) {
	for _, s := range []*string{a.City, a.Country, a.Line1, a.Line2, a.PostalCode, a.State} {
		p.maybe(s)
	}
}

func (p *packer) customer(c *record.CustomerDetails) {
	if p.bool(c != nil) {
		p.maybe(c.Customer)
		p.maybe(c.Email)
		p.maybe(c.Name)
		p.maybe(c.Phone)
	}
}

func (p *packer) shipping(s *record.ShippingDetails) {
	if p.bool(s != nil) {
		p.address(s.Address)
		p.maybe(s.Name)
		p.maybe(s.Phone)
	}
}

func (p *packer) method(m *record.MethodDetails) {
	if !p.bool(m != nil) {
		return
	}
	if b := m.BillingDetails; p.bool(b != nil) {
		p.address(b.Address)
		p.maybe(b.Email)
		p.maybe(b.Name)
		p.maybe(b.Phone)
	}
	p.maybe(m.PaymentMethod)
	p.text(m.Type)
	if p.bool(m.Custom != nil) {
		p.text(m.Custom.DisplayName)
		p.maybe(m.Custom.Type)
	}
	if p.bool(m.Card != nil) {
		p.text(string(m.Card))
	}
}

func (p *packer) processor(d record.ProcessorDetails) {
	p.text(d.Type)
	if p.bool(d.Custom != nil) {
		p.maybe(d.Custom.PaymentReference)
	}
}

// appendRecord appends a record to b.
func appendRecord(b []byte, r *record.PaymentRecord) []byte {
	p := packer{append(b, codecVersion)}
	p.text(r.ID)
	p.text(r.Object)
	p.amounts(r.Amount, r.AmountAuthorized, r.AmountCanceled, r.AmountFailed, r.AmountGuaranteed, r.AmountRefunded, r.AmountRequested)
	p.maybe(r.Application)
	p.int(r.Created)
	p.customer(r.CustomerDetails)
	p.maybe(r.CustomerPresence)
	p.maybe(r.Description)
	p.maybe(r.LatestPaymentAttemptRecord)
	p.bool(r.Livemode)
	p.metadata(r.Metadata)
	p.method(r.PaymentMethodDetails)
	p.processor(r.ProcessorDetails)
	p.text(r.ReportedBy)
	p.shipping(r.ShippingDetails)
	return p.b
}

// appendAttempts appends a record's attempts to b.
func appendAttempts(b []byte, attempts []*record.PaymentAttemptRecord) []byte {
	p := packer{append(b, codecVersion)}
	p.int(int64(len(attempts)))
	for _, a := range attempts {
		p.text(a.ID)
		p.text(a.Object)
		p.amounts(a.Amount, a.AmountAuthorized, a.AmountCanceled, a.AmountFailed, a.AmountGuaranteed, a.AmountRefunded, a.AmountRequested)
		p.maybe(a.Application)
		p.int(a.Created)
		p.customer(a.CustomerDetails)
		p.maybe(a.CustomerPresence)
		p.maybe(a.Description)
		p.bool(a.Livemode)
		p.metadata(a.Metadata)
		p.method(a.PaymentMethodDetails)
		p.maybe(a.PaymentRecord)
		p.processor(a.ProcessorDetails)
		p.text(a.ReportedBy)
		p.shipping(a.ShippingDetails)
	}
	return p.b
}

// errGarbled is what was kept in another form, or not by us.
var errGarbled = errors.New("what was kept cannot be read")

// parts are everything that a record or an attempt points at, in one piece of
// memory, which can be used again once nobody looks at it any more.
type parts struct {
	customer  record.CustomerDetails
	method    record.MethodDetails
	billing   record.BillingDetails
	custom    record.CustomMethod
	processor record.CustomProcessor
	shipping  record.ShippingDetails
	texts     [28]string // as many as there are pointers to one
	n         int        // of texts, in use
	pairs     map[string]string
	card      []byte
}

// again makes the parts those of another record.
func (p *parts) again() {
	clear(p.pairs)
	*p = parts{pairs: p.pairs, card: p.card}
}

// A decoded is a record and its parts.
type decoded struct {
	record.PaymentRecord
	parts
}

// An unpacker reads what a packer wrote. All texts are parts of one string. The
// first thing that is wrong sticks, and everything after it is zero.
type unpacker struct {
	s   string
	bad bool
	*parts
}

func (u *unpacker) fail() { u.bad, u.s = true, "" }

func (u *unpacker) uint() (n uint64) {
	for shift := 0; shift < 64; shift += 7 {
		if len(u.s) == 0 {
			break
		}
		c := u.s[0]
		u.s = u.s[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
	u.fail()
	return 0
}

func (u *unpacker) int() int64 {
	n := u.uint()
	return int64(n>>1) ^ -int64(n&1)
}

func (u *unpacker) text() string {
	n := u.uint()
	if n > uint64(len(u.s)) {
		u.fail()
		return ""
	}
	s := u.s[:n]
	u.s = u.s[n:]
	return s
}

func (u *unpacker) bool() bool {
	if len(u.s) == 0 || u.s[0] > 1 {
		u.fail()
		return false
	}
	is := u.s[0] == 1
	u.s = u.s[1:]
	return is
}

func (u *unpacker) maybe() *string {
	if !u.bool() {
		return nil
	}
	s := &u.texts[u.n]
	u.n++
	*s = u.text()
	return s
}

func (u *unpacker) amounts(into ...*record.Amount) {
	for _, a := range into {
		a.Currency = record.Currency(u.text())
		a.Value = u.int()
	}
}

// count reads how many elements follow; each takes a byte at least.
func (u *unpacker) count() int {
	n := u.int()
	if n < 0 || n > int64(len(u.s)) {
		u.fail()
		return 0
	}
	return int(n)
}

func (u *unpacker) metadata() map[string]string {
	if !u.bool() {
		return nil
	}
	n := u.count()
	if u.pairs == nil {
		u.pairs = make(map[string]string, n)
	}
	for range n {
		key := u.text()
		u.pairs[key] = u.text()
	}
	return u.pairs
}

func (u *unpacker) address(a *record.Address) {
	a.City, a.Country, a.Line1, a.Line2, a.PostalCode, a.State = u.maybe(), u.maybe(), u.maybe(), u.maybe(), u.maybe(), u.maybe()
}

func (u *unpacker) customerDetails() *record.CustomerDetails {
	if !u.bool() {
		return nil
	}
	c := &u.customer
	c.Customer, c.Email, c.Name, c.Phone = u.maybe(), u.maybe(), u.maybe(), u.maybe()
	return c
}

func (u *unpacker) shippingDetails() *record.ShippingDetails {
	if !u.bool() {
		return nil
	}
	s := &u.shipping
	u.address(&s.Address)
	s.Name, s.Phone = u.maybe(), u.maybe()
	return s
}

func (u *unpacker) methodDetails() *record.MethodDetails {
	if !u.bool() {
		return nil
	}
	m := &u.method
	if u.bool() {
		b := &u.billing
		u.address(&b.Address)
		b.Email, b.Name, b.Phone = u.maybe(), u.maybe(), u.maybe()
		m.BillingDetails = b
	}
	m.PaymentMethod = u.maybe()
	m.Type = u.text()
	if u.bool() {
		u.custom.DisplayName, u.custom.Type = u.text(), u.maybe()
		m.Custom = &u.custom
	}
	if u.bool() {
		if u.card == nil {
			u.card = make([]byte, 0, 64)
		}
		u.card = append(u.card[:0], u.text()...)
		m.Card = u.card
	}
	return m
}

func (u *unpacker) processorDetails() record.ProcessorDetails {
	d := record.ProcessorDetails{Type: u.text()}
	if u.bool() {
		u.parts.processor.PaymentReference = u.maybe()
		d.Custom = &u.parts.processor
	}
	return d
}

// open takes the version.
func (u *unpacker) open() {
	if len(u.s) == 0 || u.s[0] != codecVersion {
		u.fail()
		return
	}
	u.s = u.s[1:]
}

// record reads what appendRecord wrote.
func (u *unpacker) record(d *decoded) {
	d.again()
	u.parts = &d.parts
	u.open()
	d.PaymentRecord = record.PaymentRecord{ID: u.text(), Object: u.text()}
	r := &d.PaymentRecord
	u.amounts(&r.Amount, &r.AmountAuthorized, &r.AmountCanceled, &r.AmountFailed, &r.AmountGuaranteed, &r.AmountRefunded, &r.AmountRequested)
	r.Application = u.maybe()
	r.Created = u.int()
	r.CustomerDetails = u.customerDetails()
	r.CustomerPresence = u.maybe()
	r.Description = u.maybe()
	r.LatestPaymentAttemptRecord = u.maybe()
	r.Livemode = u.bool()
	r.Metadata = u.metadata()
	r.PaymentMethodDetails = u.methodDetails()
	r.ProcessorDetails = u.processorDetails()
	r.ReportedBy = u.text()
	r.ShippingDetails = u.shippingDetails()
}

func (u *unpacker) attempts() []*record.PaymentAttemptRecord {
	u.open()
	list := make([]*record.PaymentAttemptRecord, u.count())
	for i := range list {
		if u.bad {
			break
		}
		u.parts = &parts{}
		a := &record.PaymentAttemptRecord{ID: u.text(), Object: u.text()}
		u.amounts(&a.Amount, &a.AmountAuthorized, &a.AmountCanceled, &a.AmountFailed, &a.AmountGuaranteed, &a.AmountRefunded, &a.AmountRequested)
		a.Application = u.maybe()
		a.Created = u.int()
		a.CustomerDetails = u.customerDetails()
		a.CustomerPresence = u.maybe()
		a.Description = u.maybe()
		a.Livemode = u.bool()
		a.Metadata = u.metadata()
		a.PaymentMethodDetails = u.methodDetails()
		a.PaymentRecord = u.maybe()
		a.ProcessorDetails = u.processorDetails()
		a.ReportedBy = u.text()
		a.ShippingDetails = u.shippingDetails()
		list[i] = a
	}
	return list
}

// end says whether all was read, and no more than there was.
func (u *unpacker) end() error {
	if u.bad || u.s != "" {
		return errGarbled
	}
	return nil
}

// read reads an encoded record; its texts are parts of s.
func (d *decoded) read(s string) error {
	u := unpacker{s: s}
	u.record(d)
	return u.end()
}

func decodeRecord(b []byte) (*record.PaymentRecord, error) {
	d := &decoded{}
	err := d.read(string(b))
	return &d.PaymentRecord, err
}

func decodeAttempts(b []byte) ([]*record.PaymentAttemptRecord, error) {
	u := unpacker{s: string(b)}
	list := u.attempts()
	return list, u.end()
}
