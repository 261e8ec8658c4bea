package exporter

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/payrec/payrec/record"
)

// mostDays is how many days the Summary sheet tells apart; a longer export is
// told by month, and one of more than ten years by year.
const mostDays = 62

// A day is what was paid on one day, or in one month, in each currency.
type day struct {
	at     time.Time // its first moment, as a date in UTC
	counts map[record.Currency]counted
}

type dayKey struct {
	day      int32 // since 1970-01-01, in the period's zone
	currency record.Currency
}

// addDay counts a payment on the day on which it was paid, with what it
// collected.
func (s *summing) addDay(p *payment) error {
	zone := s.period.Zone
	if zone == nil {
		zone = time.UTC
	}
	key := dayKey{dayOf(s.clock.wall(p.at, zone)), p.AmountRequested.Currency}
	c := s.days[key]
	if c == nil {
		c = &counted{}
		s.days[dayKey{key.day, kept(key.currency)}] = c
	}
	return c.add(p.ID, collected(p.Status(), p.AmountRequested))
}

// dayOf is the day of a wall clock's seconds, rounded down.
func dayOf(wall int64) int32 {
	day := wall / 86400
	if wall%86400 < 0 {
		day--
	}
	return int32(day)
}

// volume is the days from the first payment to the last, those without a
// payment too; months, where there are too many days.
func (s *summing) volume() []day {
	if len(s.days) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(s.days), func(a, b dayKey) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.currency, b.currency))
	})
	first, last := date(keys[0].day), date(keys[len(keys)-1].day)
	start, next := first, func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }
	switch years := last.Year() - first.Year(); {
	case years > 10:
		start, next = time.Date(first.Year(), 1, 1, 0, 0, 0, 0, time.UTC), func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }
	case years > 0 || last.YearDay()-first.YearDay() >= mostDays:
		start, next = time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC), func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }
	}
	var days []day
	for t := start; !t.After(last); t = next(t) {
		d := day{t, map[record.Currency]counted{}}
		end := next(t)
		for len(keys) > 0 && date(keys[0].day).Before(end) {
			c, x := d.counts[keys[0].currency], s.days[keys[0]]
			d.counts[keys[0].currency] = counted{c.n + x.n, c.value + x.value}
			keys = keys[1:]
		}
		days = append(days, d)
	}
	return days
}

func date(day int32) time.Time { return time.Unix(int64(day)*86400, 0).UTC() }
