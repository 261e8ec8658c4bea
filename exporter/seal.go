package exporter

import (
	"crypto/sha256"
	"iter"
	"strings"
	"time"

	"github.com/payrec/payrec/internal/extsort"
	"github.com/payrec/payrec/record"
)

// # Sealed periods
//
// What an export showed of each payment is its seal; whoever keeps seals can say
// of a later export of the same scope that it is the same, or how it differs
// ([Seal.Since]). The figures of a seal are those that people post; beside them,
// a digest of the whole record tells that something else of it has changed.
// Attempts are no part of a seal. A dataset that has been compared shows the
// difference in its workbook; compared with the last export that was
// different, so that exporting the same data again shows the same.

// Figures are what an export shows of one payment.
type Figures struct {
	Payment   string // the record's id
	Reference string
	Currency  record.Currency
	Amount    int64 // minor units
	Refunded  int64 // minor units
	SettledIn record.Currency
	Fee, Net  string // decimals in major units of SettledIn; "" when not stamped
	Status    record.Status
	PaidAt    int64 // Unix seconds
	// Digest is of the whole record. Its first byte is the version of the form
	// that it is a digest of; those of two versions say nothing about each other.
	Digest []byte
}

func figuresOf(p *payment, encoded []byte) Figures {
	f := Figures{Payment: p.ID, Reference: p.ProcessorDetails.Reference(), Currency: p.AmountRequested.Currency, Amount: p.AmountRequested.Value,
		Refunded: p.valueIn(p.AmountRefunded), Status: p.Status(), PaidAt: p.at.Unix()}
	if s := p.settled; s != nil {
		f.SettledIn = s.currency
		if s.has.fee {
			f.Fee = s.fee.Text()
		}
		if s.has.net {
			f.Net = s.net.Text()
		}
	}
	sum := sha256.Sum256(encoded)
	f.Digest = append([]byte{codecVersion}, sum[:15]...)
	return f
}

func (f Figures) pack(b []byte) []byte {
	p := packer{b}
	for _, s := range []string{f.Payment, f.Reference, string(f.Currency), string(f.SettledIn), f.Fee, f.Net, string(f.Status), string(f.Digest)} {
		p.text(s)
	}
	for _, n := range []int64{f.Amount, f.Refunded, f.PaidAt} {
		p.int(n)
	}
	return p.b
}

func unpackFigures(b []byte) (Figures, error) {
	u := unpacker{s: string(b)}
	f := Figures{Payment: u.text(), Reference: u.text(), Currency: record.Currency(u.text()), SettledIn: record.Currency(u.text()),
		Fee: u.text(), Net: u.text(), Status: record.Status(u.text()), Digest: []byte(u.text()),
		Amount: u.int(), Refunded: u.int(), PaidAt: u.int()}
	return f, u.end()
}

// A Seal is what a dataset shows, by id.
type Seal struct {
	Digest   []byte // of all figures, in order
	Payments int

	d      *Dataset
	sorted *extsort.Sorter
}

// Seal seals the dataset. It is to be closed.
func (d *Dataset) Seal() (*Seal, error) {
	s := &Seal{d: d, Payments: d.Len(), sorted: &extsort.Sorter{Limit: extsort.DefaultLimit}}
	var b []byte
	for p, err := range d.ahead(d.locked, d.shelf.n) {
		if err != nil {
			return nil, err
		}
		b = figuresOf(p, p.encoded).pack(b[:0])
		if err := s.sorted.Add(p.ID, b); err != nil {
			return nil, err
		}
	}
	sum := sha256.New()
	for e, err := range s.sorted.Entries() {
		if err != nil {
			return nil, err
		}
		sum.Write(e.Value)
	}
	s.Digest = sum.Sum(nil)
	return s, nil
}

// Figures iterates over the figures by id.
func (s *Seal) Figures() iter.Seq2[Figures, error] {
	return func(yield func(Figures, error) bool) {
		for e, err := range s.sorted.Entries() {
			var f Figures
			if err == nil {
				f, err = unpackFigures(e.Value)
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// Close removes the temporary file.
func (s *Seal) Close() error { return s.sorted.Close() }

// Scope is what the dataset was asked for, in one line: datasets of one scope
// can be compared. The zone is no part of it; a period of another zone has
// other bounds.
func (d *Dataset) Scope() string {
	p, l := d.options.Period, d.options.Lock
	moment := func(t time.Time) string {
		if t.IsZero() {
			return "*"
		}
		return t.UTC().Format(time.RFC3339)
	}
	scope := []string{p.By, moment(p.From), moment(p.To)}
	if p.By == BySettled {
		scope = append(scope, "settled="+p.SettledKey)
	}
	if !l.Before.IsZero() {
		scope = append(scope, "lock="+moment(l.Before), "post="+moment(l.PostOn))
	}
	return strings.Join(scope, " ")
}
