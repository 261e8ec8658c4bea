package importer

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/payrec/payrec/record"
)

// Rows is the account of a run's body rows. Other lines of a file (preamble,
// headers, footers, totals, blank lines) are counted in [Report.Lines].
type Rows = record.Rows

// Calls is the account of a run's calls. Rows that are held, repeat others or
// contradict each other plan none.
type Calls struct {
	Planned   int64 `json:"planned"`
	Pending   int64 `json:"pending"`   // to be sent when the plan is applied
	Confirmed int64 `json:"confirmed"` // by this run
	Already   int64 `json:"already"`   // by an earlier one
	Rejected  int64 `json:"rejected"`  // refused by the API, or changed since they were reported
	Parked    int64 `json:"parked"`    // not sent: an earlier step failed, or the run was stopped
	InDoubt   int64 `json:"in_doubt"`  // may have happened
	Changed   int64 `json:"changed"`   // of the rejected: reported before with other content
}

// Balanced says whether every planned call ended in exactly one place.
func (c Calls) Balanced() bool {
	return c.Planned == c.Pending+c.Confirmed+c.Already+c.Rejected+c.Parked+c.InDoubt
}

// Sums holds minor units by call and currency. Two currencies never add up.
type Sums map[record.CallName]map[record.Currency]int64

// Add adds what the tally's calls move.
func (s Sums) Add(t record.Tally) {
	if t.Currency == "" {
		return
	}
	if s[t.Call] == nil {
		s[t.Call] = map[record.Currency]int64{}
	}
	s[t.Call][t.Currency] += t.Value
}

// Account sorts a run's tallies into its calls and the sums of what was
// planned, but for the changed calls: the account has them with other values,
// and nothing is sent for them. applied says that the run is over: what is still planned then was
// left behind.
func Account(tallies []record.Tally, applied bool) (Calls, Sums) {
	var c Calls
	sums := Sums{}
	for _, t := range tallies {
		place := c.place(t, applied)
		if place == nil {
			continue
		}
		*place += t.N
		c.Planned += t.N
		if t.Disposition == record.Changed {
			c.Changed += t.N
			continue
		}
		sums.Add(t)
	}
	return c, sums
}

// place is the part of the account that a tally belongs to, nil for rows that
// plan no call.
func (c *Calls) place(t record.Tally, applied bool) *int64 {
	switch t.Disposition {
	case record.Held, record.Duplicate:
		return nil
	case record.Same:
		return &c.Already
	case record.Conflicting:
		if t.State == record.ConflictState {
			return &c.InDoubt // since an earlier run: a person decides
		}
		return nil // the rows were rejected
	case record.Changed:
		if applied && inDoubt(t.State) {
			return &c.InDoubt
		}
		return &c.Rejected
	case record.Parked:
		return &c.Parked
	}
	switch t.State {
	case record.Confirmed, record.Adopted:
		return &c.Confirmed
	case record.Rejected:
		return &c.Rejected
	case record.Planned:
		if applied {
			return &c.Parked
		}
		return &c.Pending
	}
	if !applied {
		return &c.Pending // in doubt since an earlier run, and to be asked again
	}
	return &c.InDoubt
}

func inDoubt(s record.State) bool {
	switch s {
	case record.Sending, record.UnknownState, record.Reconciling, record.ConflictState:
		return true
	}
	return false
}

// A ClassCount is how many rows a class took, with the sums of the money by
// which the mapping counts them.
type ClassCount struct {
	Class       string            `json:"class"`
	Disposition string            `json:"disposition"`
	Reason      string            `json:"reason,omitempty"`
	Rows        int64             `json:"rows"`
	Totals      map[string]string `json:"totals,omitempty"` // decimals by currency
}

// A rowCount counts rows of one file that are alike.
type rowCount struct {
	sums map[record.Currency]*rowSum
	bare int64   // rows without a total
	last *rowSum // of the sums: the one added to last
}

// A rowSum is what the rows of one currency come to.
type rowSum struct {
	n     int64
	total record.Money
}

// counted counts a row with its total.
func (c *rowCount) counted(key classKey, m *record.Money) error {
	if m == nil {
		c.bare++
		return nil
	}
	if c.last == nil || c.last.total.Currency != m.Currency {
		if c.sums == nil {
			c.sums = map[record.Currency]*rowSum{}
		}
		if c.last = c.sums[m.Currency]; c.last == nil {
			c.last = &rowSum{total: record.Money{Currency: m.Currency}}
			c.sums[m.Currency] = c.last
		}
	}
	if err := c.last.add(1, *m); err != nil {
		return fmt.Errorf("the total of class %q: %w", key.class, err)
	}
	return nil
}

func (s *rowSum) add(n int64, m record.Money) (err error) {
	s.n += n
	s.total, err = s.total.Add(m)
	return err
}

// classesOf are the classes of all files together, the most frequent first.
func classesOf(counts map[classKey]*rowCount) ([]*ClassCount, error) {
	all := map[classKey]*rowCount{}
	for key, c := range counts {
		key.file = ""
		sum := all[key]
		if sum == nil {
			sum = &rowCount{sums: map[record.Currency]*rowSum{}}
			all[key] = sum
		}
		sum.bare += c.bare
		for currency, s := range c.sums {
			if sum.sums[currency] == nil {
				sum.sums[currency] = &rowSum{total: record.Money{Currency: currency}}
			}
			if err := sum.sums[currency].add(s.n, s.total); err != nil {
				return nil, fmt.Errorf("the total of class %q: %w", key.class, err)
			}
		}
	}
	list := make([]*ClassCount, 0, len(all))
	for key, c := range all {
		list = append(list, c.class(key))
	}
	slices.SortFunc(list, func(a, b *ClassCount) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Disposition, b.Disposition), cmp.Compare(a.Reason, b.Reason))
	})
	return list, nil
}

// class writes the sums out as text.
func (c *rowCount) class(key classKey) *ClassCount {
	out := &ClassCount{Class: key.class, Disposition: key.disposition.String(), Reason: key.reason, Rows: c.bare}
	for currency, s := range c.sums {
		out.Rows += s.n
		if s.total.Amount.IsZero() && currency == "" {
			continue
		}
		if out.Totals == nil {
			out.Totals = map[string]string{}
		}
		out.Totals[string(currency)] = s.total.Text()
	}
	return out
}

// rowAccount is the account of the rows, by file.
func (p *planning) rowAccount() record.RowAccount {
	a := record.RowAccount{Rows: p.report.Rows, Lines: p.report.Lines}
	for key, c := range p.classes {
		class := record.RowClass{File: key.file, Class: key.class, Disposition: key.disposition.String(), Reason: key.reason}
		for _, s := range c.sums {
			class.N, class.Total, class.Summed = s.n, s.total, true
			a.Classes = append(a.Classes, class)
		}
		if c.bare > 0 {
			class.N, class.Total, class.Summed = c.bare, record.Money{}, false
			a.Classes = append(a.Classes, class)
		}
	}
	slices.SortFunc(a.Classes, func(x, y record.RowClass) int {
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Class, y.Class), cmp.Compare(x.Disposition, y.Disposition), cmp.Compare(x.Reason, y.Reason),
			cmp.Compare(x.Total.Currency, y.Total.Currency), -cmp.Compare(x.N, y.N))
	})
	return a
}
