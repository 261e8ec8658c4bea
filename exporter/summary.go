package exporter

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

// A Summary is the payments of an export, summed. Nothing in it adds up
// amounts of two currencies.
type Summary struct {
	Payments int    `json:"payments"`
	Read     int    `json:"read"` // records read, in the period or not
	Attempts int    `json:"attempts"`
	Refunds  int    `json:"refunds"`            // refund lines
	Undated  int    `json:"undated"`            // payments without a stamped date, dated by their report
	Damaged  int    `json:"damaged"`            // payments with a stamp or amount that cannot be used
	Unplaced int    `json:"unplaced,omitempty"` // payments left out because they lack the date that the period goes by
	Locked   int    `json:"locked,omitempty"`   // payments left out because the books are closed; see [Lock]
	Lines    []Line `json:"lines"`              // ascending by currency, processor, status, settlement currency
}

// currencies are all that occur, ascending.
func (s *Summary) currencies() []record.Currency {
	var all []record.Currency
	for _, l := range s.Lines {
		all = append(all, l.Currency)
		if l.SettledIn != "" {
			all = append(all, l.SettledIn)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A Line is the sum of the payments that are alike in currency, processor,
// status and settlement currency. Amounts are in minor units of Currency; fee
// and net are exact decimals in major units of SettledIn, because processors
// charge fractions of a minor unit.
type Line struct {
	Currency   record.Currency `json:"currency"`
	Processor  string          `json:"processor"`
	Status     record.Status   `json:"status"`
	SettledIn  record.Currency `json:"settled_in,omitempty"` // "" when no fee or net was stamped
	Count      int64           `json:"count"`
	Requested  int64           `json:"requested"`
	Collected  int64           `json:"collected"` // requested by payments that came in; see the package comment
	Guaranteed int64           `json:"guaranteed"`
	Failed     int64           `json:"failed"`
	Canceled   int64           `json:"canceled"`
	Refunded   int64           `json:"refunded"`
	Fee        record.Money    `json:"-"`
	Net        record.Money    `json:"-"`
	FeeText    string          `json:"fee,omitempty"` // Fee and Net as plain decimals
	NetText    string          `json:"net,omitempty"`
}

type lineKey struct {
	currency  record.Currency
	processor string
	status    record.Status
	settledIn record.Currency
}

// summing collects the lines of a summary, and what else the workbook must know
// before its first line.
type summing struct {
	period     Period
	lines      map[lineKey]*Line
	days       map[dayKey]*counted
	clock      clock
	exceptions int // that the payments themselves tell of
	totals     Summary
}

var errTooLarge = errors.New("a sum is too large to be exact")

// add is a+b, or errTooLarge.
func add(a, b int64) (int64, error) {
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		return 0, errTooLarge
	}
	return a + b, nil
}

func (s *summing) add(p *payment) error {
	if s.lines == nil {
		s.lines, s.days = map[lineKey]*Line{}, map[dayKey]*counted{}
	}
	s.exceptions += len(exceptionsOf(p))
	if err := s.addDay(p); err != nil {
		return err
	}
	s.totals.Payments++
	s.totals.Refunds += p.refundCount()
	if len(p.damaged) > 0 {
		s.totals.Damaged++
	}
	if p.from == "created" {
		s.totals.Undated++
	}
	key := lineKey{p.AmountRequested.Currency, p.processor, p.Status(), ""}
	if p.settled != nil {
		key.settledIn = p.settled.currency
	}
	l := s.lines[key]
	if l == nil {
		key.currency, key.processor, key.settledIn = kept(key.currency), strings.Clone(key.processor), kept(key.settledIn)
		l = &Line{Currency: key.currency, Processor: key.processor, Status: key.status, SettledIn: key.settledIn}
		s.lines[key] = l
	}
	l.Count++
	err := addAll(p.ID,
		into{&l.Requested, p.AmountRequested.Value}, into{&l.Collected, collected(key.status, p.AmountRequested)},
		into{&l.Guaranteed, p.valueIn(p.AmountGuaranteed)}, into{&l.Failed, p.valueIn(p.AmountFailed)},
		into{&l.Canceled, p.valueIn(p.AmountCanceled)}, into{&l.Refunded, p.valueIn(p.AmountRefunded)})
	if err == nil && p.settled != nil {
		if l.Fee, err = l.Fee.Add(p.settled.fee); err == nil {
			l.Net, err = l.Net.Add(p.settled.net)
		}
	}
	return err
}

// kept is a currency that may stay when the payment that it is of does not.
func kept(c record.Currency) record.Currency { return record.Currency(strings.Clone(string(c))) }

// into is one addition: sum += value.
type into struct {
	sum   *int64
	value int64
}

func addAll(id string, sums ...into) error {
	for _, s := range sums {
		var err error
		if *s.sum, err = add(*s.sum, s.value); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return nil
}

func (s *summing) summary() Summary {
	sum := s.totals
	sum.Lines = []Line{}
	for _, l := range s.lines {
		if l.SettledIn != "" {
			// Of nothing but unstamped halves, zero has no currency yet.
			l.Fee.Currency, l.Net.Currency = l.SettledIn, l.SettledIn
			l.FeeText, l.NetText = l.Fee.Text(), l.Net.Text()
		}
		sum.Lines = append(sum.Lines, *l)
	}
	slices.SortFunc(sum.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Processor, b.Processor),
			cmp.Compare(rank(a.Status), rank(b.Status)), cmp.Compare(a.SettledIn, b.SettledIn))
	})
	return sum
}

// rank orders statuses as people tell them: money that came in first.
func rank(s record.Status) int {
	return slices.Index([]record.Status{record.Guaranteed, record.PartiallyRefunded, record.Refunded, record.Initiated, record.Failed, record.Canceled}, s)
}

func unix(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
