package importer

import (
	"fmt"
	"sort"

	"github.com/payrec/payrec/record"
)

// Rows is the account of a run's body rows. Other lines of a file (preamble,
// headers, footers, totals, blank lines) are counted in [Report.Lines].
type Rows struct {
	Total    int64 `json:"total"`
	Emitted  int64 `json:"emitted"`  // became calls
	Attached int64 `json:"attached"` // lent their values to a payment, or repeat an earlier row
	Ignored  int64 `json:"ignored"`  // left out for a reason that the mapping states
	Held     int64 `json:"held"`     // wait for a person, or for their payment's record
	Rejected int64 `json:"rejected"` // cannot be imported as they stand
}

// Balanced says whether every row ended in exactly one place.
func (r Rows) Balanced() bool {
	return r.Total == r.Emitted+r.Attached+r.Ignored+r.Held+r.Rejected
}

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

	sums map[record.Currency]*record.Money
	last *record.Money // of the sums: the one added to last
}

func (c *ClassCount) add(m *record.Money) error {
	c.Rows++
	if m == nil {
		return nil
	}
	if c.last == nil || c.last.Currency != m.Currency {
		if c.sums == nil {
			c.sums = map[record.Currency]*record.Money{}
		}
		if c.last = c.sums[m.Currency]; c.last == nil {
			c.last = &record.Money{Currency: m.Currency}
			c.sums[m.Currency] = c.last
		}
	}
	sum, err := c.last.Add(*m)
	if err != nil {
		return fmt.Errorf("the total of class %q: %w", c.Class, err)
	}
	*c.last = sum
	return nil
}

// settle writes the sums out as text.
func (c *ClassCount) settle() {
	for currency, sum := range c.sums {
		if sum.Amount.IsZero() && currency == "" {
			continue
		}
		if c.Totals == nil {
			c.Totals = map[string]string{}
		}
		c.Totals[string(currency)] = sum.Text()
	}
}

func sortedClasses(m map[classKey]*ClassCount) []*ClassCount {
	list := make([]*ClassCount, 0, len(m))
	for _, c := range m {
		c.settle()
		list = append(list, c)
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.Rows != b.Rows {
			return a.Rows > b.Rows
		}
		return a.Class+a.Disposition < b.Class+b.Disposition
	})
	return list
}
