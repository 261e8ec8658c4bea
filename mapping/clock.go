package mapping

import (
	"errors"
	"slices"
	"strings"
)

// A datetime whose day and time of day stand in cells of their own. The two are
// read as one clock before its zone is looked for: a day in one zone and an
// hour in another is how payments move to the day before.

// clockPatterns are how a time of day is written that has a cell of its own. A
// mapping need not say which, because no text fits two of them with two
// meanings.
var clockPatterns = [...]string{"%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M:%S %p", "%I:%M %p", "%I:%M:%S%p", "%I:%M%p"}

// aDay stands before a time of day while it is read.
const aDay = "2000-01-01 "

// clock reads the header of the cell with a datetime's time of day.
func (c *compiler) clock(col *column, decl *node) {
	n := decl.Get("time")
	if n == nil {
		return
	}
	if col.kind != datetimeColumn {
		c.At(n, "say type: datetime", "only a datetime column has a %q", "time")
		return
	}
	if slices.ContainsFunc(col.formats, timeFormat.hasClock) {
		c.At(n, "remove it, or the time of day from the format", "the format of %q says the time of day already", col.name)
	}
	col.clock = c.hiddenColumn(n)
	for _, source := range clockPatterns {
		if p, err := newTimePattern("%Y-%m-%d " + source); err == nil { // a test holds all of them to it
			col.clocks = append(col.clocks, p)
		}
	}
	col.clock.optional, col.clock.sensitive = col.optional, col.sensitive
}

// hasClock says whether every text of the format has a time of day. Those of
// iso8601 and excel may have one: cells tell.
func (f timeFormat) hasClock() bool {
	return f.named == "unix" || f.named == "unix_ms" ||
		f.pattern != nil && slices.ContainsFunc(f.pattern.ops, func(op timeOp) bool { return op.verb != 0 && strings.ContainsRune("HIpMSfz", rune(op.verb)) })
}

// clock takes the time of day from its own cell, when the column says so.
func (v *values) clock(c *column, w *wall) *RowProblem {
	if c.clock == nil {
		return nil
	}
	if w.zoned || w.hour != 0 || w.min != 0 || w.sec != 0 || w.nano != 0 {
		_, problem := v.bad(c, "bad_time", "has a time of day, and the mapping takes that from the column %q", v.header(c.clock))
		return problem
	}
	s, cell := v.raw(c.clock)
	t, err := c.timeOfDay(s, v.row.IsNumber(cell))
	if err != nil {
		_, problem := v.bad(c.clock, "bad_time", "%v; they look like 16:10:51 or 4:10 PM", err)
		return problem
	}
	w.hour, w.min, w.sec, w.nano = t.hour, t.min, t.sec, t.nano
	return nil
}

// showClock adds the time of day to what a problem shows of the day, because the
// problem is with the two together.
func (v *values) showClock(c *column, p *RowProblem) {
	if c.clock != nil && !c.sensitive {
		s, _ := v.raw(c.clock)
		p.Value = cutText(p.Value+" "+s, 80)
	}
}

var errNoClock = errors.New("is not a time of day")

// timeOfDay reads a time as text or, in a workbook, as a part of a day.
func (c *column) timeOfDay(s string, numeric bool) (wall, error) {
	if numeric {
		return excelClock(s)
	}
	for _, p := range c.clocks {
		if w, err := p.parse(aDay + s); err == nil {
			return w, nil
		}
	}
	return wall{}, errNoClock
}

// excelClock reads a part of a day, exact to the second, as fractions of a day
// are binary.
func excelClock(s string) (wall, error) {
	d, err := plainNumbers.parse(s)
	if err != nil {
		return wall{}, errNoClock
	}
	whole, fraction, ok := d.Int64(9)
	seconds := int((fraction*86_400 + 500_000_000) / 1_000_000_000)
	if !ok || whole != 0 || fraction < 0 || seconds >= 86_400 {
		return wall{}, errNoClock
	}
	return wall{hour: seconds / 3600, min: seconds / 60 % 60, sec: seconds % 60}, nil
}
