package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

// Since names the export that a [Delta] is told from.
type Since struct {
	Number int64     `json:"export"`
	At     time.Time `json:"at"`
	Files  []string  `json:"files,omitempty"` // their names
}

// String is "export 3 of 2026-07-02".
func (s Since) String() string {
	return fmt.Sprintf("export %d of %s", s.Number, s.At.UTC().Format(time.DateOnly))
}

// A Delta is how a dataset differs from an earlier export of the same scope.
type Delta struct {
	Since   Since `json:"since"`
	Added   int   `json:"added"`   // payments that the earlier one did not have
	Gone    int   `json:"gone"`    // payments that only the earlier one had
	Changed int   `json:"changed"` // payments that are in both, with something different
	// Sums are what it makes of the totals, by currency; none where it does not.
	Sums []DeltaSum `json:"sums,omitempty"`

	zone   *time.Location
	locale Locale
	spool  *spool
	at     []place
	sums   map[record.Currency]*DeltaSum
}

// A DeltaSum is by how much the totals of a currency differ, in minor units.
type DeltaSum struct {
	Currency record.Currency `json:"currency"`
	Amount   int64           `json:"amount"`
	Refunded int64           `json:"refunded"`
}

// A Change is one payment of a delta.
type Change struct {
	Payment   string   `json:"payment"`
	Reference string   `json:"reference,omitempty"`
	Kind      string   `json:"change"` // added, gone or changed
	Was       Figures  `json:"-"`      // zero when added
	Is        Figures  `json:"-"`      // zero when gone
	What      []string `json:"what"`   // "refunded: 0.00 EUR → 4.00 EUR"
}

// The kinds of a [Change].
const (
	Added   = "added"
	Gone    = "gone"
	Changed = "changed"
)

// Empty says whether nothing differs.
func (d *Delta) Empty() bool { return d.Added+d.Gone+d.Changed == 0 }

// Close removes the temporary file.
func (d *Delta) Close() error { return d.spool.close() }

// Since compares the seal with an earlier export's figures, which come by id.
// The delta is to be closed. The dataset shows it in its workbook.
func (s *Seal) Since(since Since, earlier iter.Seq2[Figures, error]) (*Delta, error) {
	kept, err := newSpool()
	if err != nil {
		return nil, err
	}
	d := &Delta{Since: since, zone: s.d.options.Period.Zone, locale: s.d.options.Locale, spool: kept, sums: map[record.Currency]*DeltaSum{}}
	if err := errors.Join(d.compare(earlier, s.Figures()), kept.flush()); err != nil {
		return nil, errors.Join(err, kept.close())
	}
	for _, sum := range d.sums {
		if sum.Amount != 0 || sum.Refunded != 0 {
			d.Sums = append(d.Sums, *sum)
		}
	}
	slices.SortFunc(d.Sums, func(a, b DeltaSum) int { return strings.Compare(string(a.Currency), string(b.Currency)) })
	if !d.Empty() {
		s.d.delta = d
	}
	return d, nil
}

// Delta is how the dataset differs from an earlier export; nil when it was not
// compared or does not. See [Seal.Since].
func (d *Dataset) Delta() *Delta { return d.delta }

// compare goes through both sides, which are in one order.
func (d *Delta) compare(earlier, now iter.Seq2[Figures, error]) error {
	nextWas, stopWas := iter.Pull2(earlier)
	defer stopWas()
	nextIs, stopIs := iter.Pull2(now)
	defer stopIs()
	was, errWas, hasWas := nextWas()
	is, errIs, hasIs := nextIs()
	for hasWas || hasIs {
		if err := errors.Join(errWas, errIs); err != nil {
			return err
		}
		order := strings.Compare(was.Payment, is.Payment)
		var err error
		switch {
		case !hasWas || hasIs && order > 0:
			err = d.note(Figures{}, is)
			is, errIs, hasIs = nextIs()
		case !hasIs || order < 0:
			err = d.note(was, Figures{})
			was, errWas, hasWas = nextWas()
		default:
			err = d.note(was, is)
			was, errWas, hasWas = nextWas()
			is, errIs, hasIs = nextIs()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// note keeps the change of one payment, if there is any.
func (d *Delta) note(was, is Figures) error {
	switch {
	case was.Payment == "":
		d.Added++
	case is.Payment == "":
		d.Gone++
	case len(differences(was, is, nil)) == 0:
		return nil
	default:
		d.Changed++
	}
	for _, side := range []struct {
		Figures
		sign int64
	}{{was, -1}, {is, 1}} {
		if side.Payment == "" {
			continue
		}
		sum := d.sums[side.Currency]
		if sum == nil {
			sum = &DeltaSum{Currency: side.Currency}
			d.sums[side.Currency] = sum
		}
		if err := addAll(side.Payment, into{&sum.Amount, side.sign * side.Amount}, into{&sum.Refunded, side.sign * side.Refunded}); err != nil {
			return err
		}
	}
	p := packer{}
	p.text(string(was.pack(nil)))
	p.text(string(is.pack(nil)))
	at, err := d.spool.putBytes(p.b)
	d.at = append(d.at, at)
	return err
}

// differences names what differs between two figures of one payment. Without a
// zone, moments are not written out.
func differences(was, is Figures, zone *time.Location) (list []string) {
	if was.Payment == "" || is.Payment == "" {
		return nil
	}
	text := func(value int64, c record.Currency) string {
		return amountText(record.Amount{Currency: c, Value: value})
	}
	moment := func(seconds int64) string {
		if zone == nil {
			return ""
		}
		return unix(seconds).In(zone).Format(momentLayout)
	}
	differ := func(name string, is bool, before, after string) {
		if is {
			list = append(list, fmt.Sprintf("%s: %s → %s", name, orNothing(before), orNothing(after)))
		}
	}
	differ("amount", was.Amount != is.Amount || was.Currency != is.Currency, text(was.Amount, was.Currency), text(is.Amount, is.Currency))
	differ("refunded", was.Refunded != is.Refunded, text(was.Refunded, was.Currency), text(is.Refunded, is.Currency))
	settled := was.SettledIn != is.SettledIn
	differ("fee", was.Fee != is.Fee || settled, was.fee(), is.fee())
	differ("net", was.Net != is.Net || settled, was.net(), is.net())
	differ("status", was.Status != is.Status, string(was.Status), string(is.Status))
	differ("paid at", was.PaidAt != is.PaidAt, moment(was.PaidAt), moment(is.PaidAt))
	differ("reference", was.Reference != is.Reference, was.Reference, is.Reference)
	comparable := len(was.Digest) > 0 && len(is.Digest) > 0 && was.Digest[0] == is.Digest[0]
	if len(list) == 0 && comparable && !bytes.Equal(was.Digest, is.Digest) {
		list = append(list, "something that is no figure: metadata, customer, description or method")
	}
	return list
}

func (f Figures) fee() string { return settledText(f.Fee, f.SettledIn) }
func (f Figures) net() string { return settledText(f.Net, f.SettledIn) }

func settledText(decimal string, c record.Currency) string {
	if decimal == "" {
		return ""
	}
	return decimal + " " + c.Upper()
}

func orNothing(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return s
}

// Changes iterates over the payments that differ, by id.
func (d *Delta) Changes() iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		for _, at := range d.at {
			c, err := d.change(at)
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

func (d *Delta) change(at place) (c Change, err error) {
	b, err := d.spool.getBytes(at)
	if err != nil {
		return c, err
	}
	u := unpacker{s: string(b)}
	was, is := u.text(), u.text()
	if c.Was, err = unpackFigures([]byte(was)); err != nil {
		return c, err
	}
	if c.Is, err = unpackFigures([]byte(is)); err != nil {
		return c, err
	}
	any := c.Is
	switch {
	case c.Was.Payment == "":
		c.Kind, c.What = Added, []string{amountText(record.Amount{Currency: any.Currency, Value: any.Amount}) + " " + string(any.Status)}
	case c.Is.Payment == "":
		any = c.Was
		c.Kind, c.What = Gone, []string{amountText(record.Amount{Currency: any.Currency, Value: any.Amount}) + " " + string(any.Status)}
	default:
		c.Kind, c.What = Changed, differences(c.Was, c.Is, d.zone)
	}
	c.Payment, c.Reference = any.Payment, any.Reference
	return c, nil
}

// WriteCSV writes one line per payment that differs, with its figures before
// and now, under a header.
func (d *Delta) WriteCSV(w io.Writer) error { return writeCSV(w, d.grid(), d.locale) }

// grid has one line per payment that differs.
func (d *Delta) grid() grid {
	g := grid{name: "Changes", n: len(d.at), columns: []column{
		{name: "change", title: "Change", width: 10},
		{name: "id", title: "Payment record", width: 32},
		{name: "payment_reference", title: "Payment reference", width: 26},
		{name: "what", title: "What", width: 60},
	}}
	for _, side := range [][2]string{{"before", "before"}, {"now", "now"}} {
		name, title := side[0], side[1]
		g.columns = append(g.columns,
			column{name: "currency_" + name, title: "Currency " + title, width: 10},
			column{name: "amount_" + name, title: "Amount " + title, width: 17},
			column{name: "refunded_" + name, title: "Refunded " + title, width: 17},
			column{name: "fee_" + name, title: "Fee " + title, width: 17},
			column{name: "net_" + name, title: "Net " + title, width: 17},
			column{name: "status_" + name, title: "Status " + title, width: 18},
			column{name: "paid_at_" + name + " (" + d.zone.String() + ")", title: "Paid at " + title + " (" + d.zone.String() + ")", zone: d.zone, width: 20})
	}
	g.rows = func(yield func([]cell, error) bool) {
		var row []cell
		for c, err := range d.Changes() {
			if err != nil {
				yield(nil, err)
				return
			}
			row = append(row[:0], textCell(c.Kind), textCell(c.Payment), textCell(c.Reference), textCell(strings.Join(c.What, "; ")))
			row = appendFigures(appendFigures(row, c.Was), c.Is)
			if !yield(row, nil) {
				return
			}
		}
	}
	return g
}

func appendFigures(row []cell, f Figures) []cell {
	if f.Payment == "" {
		return append(row, make([]cell, 7)...)
	}
	amount := func(v int64) cell { return amountCell(record.Amount{Currency: f.Currency, Value: v}) }
	return append(row, currencyCell(f.Currency), amount(f.Amount), amount(f.Refunded), textCell(f.fee()), textCell(f.net()),
		textCell(string(f.Status)), momentCell(unix(f.PaidAt)))
}
