package expression

import (
	"fmt"
	"sync"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/itchyny/timefmt-go"
)

// timeFunctions compute with times. Zones are IANA names (Europe/Amsterdam).
func timeFunctions() map[string]function {
	return map[string]function{
		"date": {usage: "date(t, zone)", doc: "the day in a zone: 2026-02-18", least: 2, takes: []kinds{only(Time), only(Text)},
			build: func(c *compiler, n *ast.CallNode, args []node) node {
				return c.inZone(n, args[0], args[1], func(t time.Time) (Value, error) { return TextOf(t.Format("2006-01-02")), nil })
			}},
		"month": {usage: "month(t, zone)", doc: "the month in a zone: 2026-02", least: 2, takes: []kinds{only(Time), only(Text)},
			build: func(c *compiler, n *ast.CallNode, args []node) node {
				return c.inZone(n, args[0], args[1], func(t time.Time) (Value, error) { return TextOf(t.Format("2006-01")), nil })
			}},
		"format_time": {usage: "format_time(t, pattern, zone)", doc: "t by a strftime pattern in a zone", least: 3,
			takes: []kinds{only(Time), only(Text), only(Text)}, build: buildFormatTime},
		"days_between": {usage: "days_between(a, b[, zone])", doc: "calendar days from a to b, each in the zone it was read in or both in the zone given; negative if b is earlier",
			least: 2, takes: []kinds{only(Time), only(Time), only(Text)}, build: buildDaysBetween},
	}
}

// zones opens time zones by name. A name that is in the source is opened once,
// when it is compiled; one from a row is kept once it was found, and there are
// no more of those than the IANA database has.
type zones struct{ known sync.Map } // string → *time.Location

func (z *zones) open(name string) (*time.Location, error) {
	if loc, ok := z.known.Load(name); ok {
		return loc.(*time.Location), nil
	}
	// Go gives UTC for "" and the machine's own zone for "Local": both
	// would be a guess.
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is not a time zone; write an IANA name such as Europe/Amsterdam", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time zone; write an IANA name such as Europe/Amsterdam", name)
	}
	z.known.Store(name, loc)
	return loc, nil
}

// inZone computes with a time as the clocks of a zone show it.
func (c *compiler) inZone(n *ast.CallNode, t, zone node, f func(time.Time) (Value, error)) node {
	var z zones
	if zone.constant {
		name, err := zone.eval(nil)
		var loc *time.Location
		if err == nil {
			loc, err = z.open(name.str)
		}
		switch {
		case err == nil:
			return c.apply1(n, Text, t, func(v Value) (Value, error) { return f(v.Time().In(loc)) })
		case c.guards == 0:
			return c.fail(zone.src, err.Error(), "")
		}
	}
	return c.apply2(n, Text, t, zone, func(v, name Value) (Value, error) {
		loc, err := z.open(name.str)
		if err != nil {
			return Value{}, err
		}
		return f(v.Time().In(loc))
	})
}

func buildFormatTime(c *compiler, n *ast.CallNode, args []node) node {
	pattern, ok := c.fixed(args[1], "the pattern")
	if !ok {
		return bad(n)
	}
	// One directive can make up to 1024 characters.
	if len(pattern.str) > 200 {
		return c.fail(n.Arguments[1], "the pattern is longer than 200 bytes", "")
	}
	return c.inZone(n, args[0], args[2], func(t time.Time) (Value, error) {
		return TextOf(timefmt.Format(t, pattern.str)), nil
	})
}

func buildDaysBetween(c *compiler, n *ast.CallNode, args []node) node {
	if len(args) == 2 {
		return c.apply2(n, Number, args[0], args[1], func(a, b Value) (Value, error) {
			return count(dayNumber(b.Time()) - dayNumber(a.Time())), nil
		})
	}
	name, ok := c.fixed(args[2], "the zone")
	if !ok {
		return bad(n)
	}
	var z zones
	loc, err := z.open(name.str)
	if err != nil {
		return c.fail(n.Arguments[2], err.Error(), "")
	}
	return c.apply2(n, Number, args[0], args[1], func(a, b Value) (Value, error) {
		return count(dayNumber(b.Time().In(loc)) - dayNumber(a.Time().In(loc))), nil
	})
}

// timeText is text(t). Many rows have the same day, one after the other, so a
// frame remembers the last text.
func (c *compiler) timeText(n *ast.CallNode, t node) node {
	return node{kind: Text, src: n, slot: -1, eval: func(f *Frame) (Value, error) {
		v, err := t.eval(f)
		if err != nil {
			return Value{}, err
		}
		if last := &f.lastTime; last.time != v {
			last.time, last.text = v, v.plain()
		}
		return TextOf(f.lastTime.text), nil
	}}
}

// dayNumber counts days since 1970 by the calendar, not by hours: a day of 23
// or 25 hours is a day.
func dayNumber(t time.Time) int64 {
	y, m, d := t.Date()
	const day = 24 * 60 * 60
	s := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()
	return (s - (s%day+day)%day) / day
}
