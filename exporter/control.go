package exporter

import (
	"maps"
	"slices"

	"github.com/payrec/payrec/record"
)

// A tally is what the Control sheet holds against each other: taken once when
// records come from the source, and once more when their lines are written.
type tally map[record.Currency]*figures

// figures are of one currency; all but count in minor units.
type figures struct {
	count, requested, guaranteed, refunded, failed, canceled, refundLines int64
}

// add counts a payment in (sign 1) or out again (sign -1).
func (t tally) add(p *payment, sign int64) error {
	c := p.AmountRequested.Currency
	f := t[c]
	if f == nil {
		f = &figures{}
		t[kept(c)] = f
	}
	lines, err := p.refundLines()
	if err != nil {
		return err
	}
	in := p.valueIn
	return addAll(p.ID, into{&f.count, sign}, into{&f.requested, sign * in(p.AmountRequested)},
		into{&f.guaranteed, sign * in(p.AmountGuaranteed)}, into{&f.refunded, sign * in(p.AmountRefunded)},
		into{&f.failed, sign * in(p.AmountFailed)}, into{&f.canceled, sign * in(p.AmountCanceled)}, into{&f.refundLines, sign * lines})
}

// of is the figures of a currency, zeros for one that does not occur.
func (t tally) of(c record.Currency) figures {
	if f := t[c]; f != nil {
		return *f
	}
	return figures{}
}

// currencies are those of either tally, ascending.
func currencies(a, b tally) []record.Currency {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
