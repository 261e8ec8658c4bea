package mapping

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	_ "time/tzdata" // zones must not depend on the machine

	"github.com/payrec/payrec/internal/expression"
)

// A timePattern is a strftime pattern, compiled. It is stricter than the usual
// parsers, which roll 31 February over into March and take "26" for %Y.
type timePattern struct {
	source string
	ops    []timeOp
	zoned  bool // the pattern itself says the offset
	width  int  // of a text whose every number has all its digits; 0: there is no such
}

type timeOp struct {
	verb    byte // 0: a literal
	literal string
}

// wall is a time as it is written: on whose clock is not part of it, unless
// zoned.
type wall struct {
	year, month, day, hour, min, sec, nano int
	offset                                 int // seconds east of UTC
	zoned                                  bool
	pm, hour12                             bool
}

// compounds are the verbs that stand for several.
var compounds = map[byte]string{'F': "%Y-%m-%d", 'T': "%H:%M:%S", 'R': "%H:%M", 'D': "%m/%d/%y"}

// newTimePattern compiles a pattern of %Y %y %m %d %e %b %B %a %A %H %I %p %M
// %S %f %z %j %F %T %R %D %% and literal text. A blank matches one or more
// blanks.
func newTimePattern(source string) (*timePattern, error) {
	p := &timePattern{source: source}
	seen := ""
	var walk func(s string) error
	walk = func(s string) error {
		for len(s) > 0 {
			i := strings.IndexByte(s, '%')
			if i < 0 {
				i = len(s)
			}
			if i > 0 {
				p.ops = append(p.ops, timeOp{literal: s[:i]})
				s = s[i:]
				continue
			}
			if len(s) < 2 {
				return errors.New(`ends in a lone "%"`)
			}
			verb := s[1]
			s = s[2:]
			if whole, ok := compounds[verb]; ok {
				if err := walk(whole); err != nil {
					return err
				}
				continue
			}
			switch {
			case verb == '%':
				p.ops = append(p.ops, timeOp{literal: "%"})
				continue
			case !strings.ContainsRune("YymdebBaAHIpMSfzj", rune(verb)):
				return fmt.Errorf(`has %%%c; known: %%Y %%y %%m %%d %%e %%b %%B %%a %%A %%H %%I %%p %%M %%S %%f %%z %%j %%F %%T %%R %%D`, verb)
			}
			seen += string(rune(verb))
			p.zoned = p.zoned || verb == 'z'
			p.ops = append(p.ops, timeOp{verb: verb})
		}
		return nil
	}
	if err := walk(source); err != nil {
		return nil, err
	}
	switch {
	case !strings.ContainsAny(seen, "Yy"):
		return nil, errors.New("has no year (%Y)")
	case !strings.Contains(seen, "j") && !(strings.ContainsAny(seen, "mbB") && strings.ContainsAny(seen, "de")):
		return nil, errors.New("has no month and day (%m, %d)")
	case strings.Contains(seen, "I") != strings.Contains(seen, "p"):
		return nil, errors.New("needs %I and %p together")
	}
	p.width = p.fixedWidth()
	return p, nil
}

// fixedWidth is how long a text is whose numbers have all their digits; 0 for a
// pattern of more than years, months, days, hours, minutes and seconds.
func (p *timePattern) fixedWidth() int {
	width := 0
	for _, op := range p.ops {
		switch {
		case op.verb == 0:
			width += len(op.literal)
		case op.verb == 'Y':
			width += 4
		case strings.IndexByte("mdeHMS", op.verb) >= 0:
			width += 2
		default:
			return 0
		}
	}
	return width
}

// fixed reads a text of the pattern's own width. It says nothing about a text
// that is not just so, or whose numbers are no date.
func (p *timePattern) fixed(s string) (w wall, ok bool) {
	if len(s) != p.width {
		return w, false
	}
	w.month, w.day = 1, 1
	for i := range p.ops {
		op := &p.ops[i]
		if op.verb == 0 {
			if s[:len(op.literal)] != op.literal {
				return w, false
			}
			s = s[len(op.literal):]
			continue
		}
		n, size := 0, 2
		if op.verb == 'Y' {
			size = 4
		}
		for j := range size {
			c := s[j] - '0'
			if c > 9 {
				return w, false
			}
			n = 10*n + int(c)
		}
		s = s[size:]
		switch op.verb {
		case 'Y':
			w.year = n
		case 'm':
			w.month = n
		case 'd', 'e':
			w.day = n
		case 'H':
			w.hour = n
		case 'M':
			w.min = n
		case 'S':
			w.sec = n
		}
	}
	ok = w.year >= 1 && w.month >= 1 && w.month <= 12 && w.day >= 1 && w.day <= 28+extraDays(w.year, w.month) && w.hour <= 23 && w.min <= 59 && w.sec <= 59
	return w, ok
}

// extraDays is how many days a month has besides 28.
func extraDays(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 1
		}
		return 0
	case 4, 6, 9, 11:
		return 2
	}
	return 3
}

// parse reads a whole text; no part may be left over.
func (p *timePattern) parse(s string) (wall, error) {
	if w, ok := p.fixed(s); ok && p.width > 0 {
		return w, nil
	}
	return p.carefully(s)
}

// carefully reads any text of the pattern, and says what is wrong with what is
// none.
func (p *timePattern) carefully(s string) (wall, error) {
	w := wall{month: 1, day: 1}
	yday := 0
	for _, op := range p.ops {
		var err error
		if op.verb == 0 {
			s, err = skipLiteral(s, op.literal)
		} else {
			s, err = w.field(op.verb, s, &yday)
		}
		if err != nil {
			return w, err
		}
	}
	if trimBlanks(s) != "" {
		return w, fmt.Errorf("has %q left over", s)
	}
	if w.hour12 {
		w.hour %= 12
		if w.pm {
			w.hour += 12
		}
	}
	if yday > 0 {
		t := time.Date(w.year, 1, yday, 0, 0, 0, 0, time.UTC)
		if t.Year() != w.year {
			return w, fmt.Errorf("has day %d of the year %d", yday, w.year)
		}
		w.month, w.day = int(t.Month()), t.Day()
	}
	return w, w.check()
}

func (w *wall) check() error {
	if last := time.Date(w.year, time.Month(w.month)+1, 0, 0, 0, 0, 0, time.UTC).Day(); w.day > last {
		return fmt.Errorf("is not a date: month %d of %d has %d days", w.month, w.year, last)
	}
	return nil
}

func skipLiteral(s, literal string) (string, error) {
	for i := 0; i < len(literal); i++ {
		if literal[i] == ' ' {
			rest := strings.TrimLeft(s, " \t")
			if rest == s && s != "" {
				return s, fmt.Errorf("has %q where a blank is expected", s)
			}
			s = rest
			continue
		}
		if s == "" || s[0] != literal[i] {
			return s, fmt.Errorf("lacks %q", literal[i:])
		}
		s = s[1:]
	}
	return s, nil
}

var (
	monthNames = []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	dayNames   = []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
)

// field reads one verb's text off the front of s.
func (w *wall) field(verb byte, s string, yday *int) (rest string, err error) {
	switch verb {
	case 'Y':
		w.year, rest, err = digits(s, 4, 4, 1, 9999, "year")
	case 'y':
		w.year, rest, err = digits(s, 2, 2, 0, 99, "year")
		if w.year += 1900; w.year < 1969 { // as POSIX has it
			w.year += 100
		}
	case 'm':
		w.month, rest, err = digits(s, 1, 2, 1, 12, "month")
	case 'd', 'e':
		w.day, rest, err = digits(strings.TrimLeft(s, " "), 1, 2, 1, 31, "day")
	case 'j':
		*yday, rest, err = digits(s, 3, 3, 1, 366, "day of the year")
	case 'b', 'B':
		w.month, rest, err = named(s, monthNames, verb == 'b', "month")
		w.month++
	case 'a', 'A':
		_, rest, err = named(s, dayNames, verb == 'a', "weekday")
	case 'H':
		w.hour, rest, err = digits(s, 1, 2, 0, 23, "hour")
	case 'I':
		w.hour12 = true
		w.hour, rest, err = digits(s, 1, 2, 1, 12, "hour")
	case 'p':
		var half int
		half, rest, err = named(s, []string{"AM", "PM"}, false, "AM or PM")
		w.pm = half == 1
	case 'M':
		w.min, rest, err = digits(s, 2, 2, 0, 59, "minute")
	case 'S':
		w.sec, rest, err = digits(s, 2, 2, 0, 59, "second")
	case 'f':
		n := 0
		for n < len(s) && n < 9 && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		w.nano, rest, err = digits(s, 1, 9, 0, 999_999_999, "fraction of a second")
		for ; n < 9; n++ {
			w.nano *= 10
		}
	case 'z':
		w.zoned = true
		w.offset, rest, err = offset(s)
	}
	return rest, err
}

// digits reads a number of least to most digits.
func digits(s string, least, most, from, to int, what string) (int, string, error) {
	n, value := 0, 0
	for n < len(s) && n < most && s[n] >= '0' && s[n] <= '9' {
		value = value*10 + int(s[n]-'0')
		n++
	}
	switch {
	case n < least && least == most:
		return 0, s, fmt.Errorf("lacks a %s of %d digits", what, least)
	case n < least:
		return 0, s, fmt.Errorf("lacks a %s", what)
	case value < from || value > to:
		return 0, s, fmt.Errorf("has the %s %d", what, value)
	}
	return value, s[n:], nil
}

// named reads a name in any letter case, or its first three letters.
func named(s string, names []string, short bool, what string) (int, string, error) {
	for i, name := range names {
		if short {
			name = name[:3]
		}
		if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
			return i, s[len(name):], nil
		}
	}
	return 0, s, fmt.Errorf("lacks a %s in English", what)
}

// offset reads Z, +HH, +HHMM or +HH:MM.
func offset(s string) (seconds int, rest string, err error) {
	if s != "" && (s[0] == 'Z' || s[0] == 'z') {
		return 0, s[1:], nil
	}
	if s == "" || s[0] != '+' && s[0] != '-' {
		return 0, s, errors.New("lacks an offset from UTC, such as +01:00")
	}
	hours, rest, err := digits(s[1:], 2, 2, 0, 18, "offset's hour")
	if err != nil {
		return 0, s, err
	}
	minutes := 0
	if after, colon := strings.CutPrefix(rest, ":"); colon || rest != "" && rest[0] >= '0' && rest[0] <= '9' {
		if minutes, rest, err = digits(after, 2, 2, 0, 59, "offset's minute"); err != nil {
			return 0, s, err
		}
	}
	seconds = (hours*60 + minutes) * 60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, rest, nil
}

// iso8601 reads 2026-02-18, 2026-02-18T16:10:51, with a blank for the T, with a
// fraction, with an offset.
func iso8601(s string) (wall, error) {
	w := wall{month: 1, day: 1}
	var unused int
	read := func(verb byte, before string) error {
		rest, ok := strings.CutPrefix(s, before)
		if !ok {
			return fmt.Errorf("lacks %q", before)
		}
		var err error
		s, err = w.field(verb, rest, &unused)
		return err
	}
	err := errors.Join(read('Y', ""))
	for _, step := range []struct {
		verb   byte
		before string
	}{{'m', "-"}, {'d', "-"}} {
		if err == nil {
			err = read(step.verb, step.before)
		}
	}
	if err != nil || s == "" {
		return w, errors.Join(err, w.check())
	}
	separator := s[:1]
	if !strings.Contains("Tt ", separator) {
		return w, fmt.Errorf("has %q left over", s)
	}
	if err = read('H', separator); err == nil {
		err = read('M', ":")
	}
	if err == nil && strings.HasPrefix(s, ":") {
		err = read('S', ":")
		if err == nil && strings.HasPrefix(s, ".") {
			err = read('f', ".")
		}
	}
	if err == nil && s != "" {
		s = strings.TrimLeft(s, " ")
		err = read('z', "")
	}
	if err == nil && s != "" {
		err = fmt.Errorf("has %q left over", s)
	}
	return w, errors.Join(err, w.check())
}

// A dstPolicy says what a local time means that a zone has twice or never.
type dstPolicy uint8

const (
	dstError dstPolicy = iota
	dstEarlier
	dstLater
)

// in places a wall clock in a zone.
func (w wall) in(loc *time.Location, policy dstPolicy) (time.Time, error) {
	if w.zoned {
		t := time.Date(w.year, time.Month(w.month), w.day, w.hour, w.min, w.sec, w.nano, time.UTC)
		return t.Add(-time.Duration(w.offset) * time.Second).In(time.FixedZone("", w.offset)), nil
	}
	if loc == time.UTC {
		return time.Date(w.year, time.Month(w.month), w.day, w.hour, w.min, w.sec, w.nano, loc), nil
	}
	t := time.Date(w.year, time.Month(w.month), w.day, w.hour, w.min, w.sec, w.nano, loc)
	asUTC := time.Date(w.year, time.Month(w.month), w.day, w.hour, w.min, w.sec, w.nano, time.UTC)
	_, here := t.Zone()
	start, end := t.ZoneBounds()
	for _, edge := range []time.Time{start.Add(-time.Second), end} {
		if edge.IsZero() || edge.Year() < 1 {
			continue
		}
		_, there := edge.Zone()
		if there == here {
			continue
		}
		a := asUTC.Add(-time.Duration(here) * time.Second).In(loc)
		b := asUTC.Add(-time.Duration(there) * time.Second).In(loc)
		first, second := w.shows(a), w.shows(b)
		if first && !second { // the ordinary case: one instant shows this clock
			continue
		}
		if !first && second {
			return b, nil
		}
		if !first && !nearEdge(a, edge) {
			continue
		}
		if a.After(b) {
			a, b = b, a
		}
		switch policy {
		case dstEarlier:
			return a, nil
		case dstLater:
			return b, nil
		}
		if first {
			return t, fmt.Errorf("stands twice on the clocks of %s (summer time ends); say dst: earlier or dst: later", loc)
		}
		return t, fmt.Errorf("is no time on the clocks of %s (summer time begins); say dst: earlier or dst: later", loc)
	}
	return t, nil
}

// A zoneSpan is a time in which a zone keeps one offset, days away from where
// it changes: there every wall clock is one instant.
type zoneSpan struct {
	loc      *time.Location
	from, to int64 // Unix seconds
	offset   int64 // seconds east of UTC
}

// of places a wall clock by what is known of its zone, if that is enough.
func (z *zoneSpan) of(w *wall, loc *time.Location) (expression.Value, bool) {
	if z.loc != loc || w.zoned || loc == nil {
		return expression.Value{}, false
	}
	seconds := time.Date(w.year, time.Month(w.month), w.day, w.hour, w.min, w.sec, 0, time.UTC).Unix() - z.offset
	if seconds < z.from || seconds >= z.to {
		return expression.Value{}, false
	}
	return expression.TimeAt(seconds, w.nano, int(z.offset)), true
}

// A knownTime is a date column's day that was read last: many rows have one.
type knownTime struct {
	text              string
	numeric, date1904 bool
	value             expression.Value
}

// alone says whether a day follows from its column's own cell.
func (c *column) alone() bool {
	return c.kind == dateColumn && c.clock == nil && (c.zone == nil || c.zone.column == nil)
}

// spanAt is what a time says about the times around it.
func spanAt(t time.Time) zoneSpan {
	const apart = 3 * 24 * 60 * 60
	_, offset := t.Zone()
	span := zoneSpan{loc: t.Location(), from: math.MinInt64, to: math.MaxInt64, offset: int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		span.from = start.Unix() + apart
	}
	if !end.IsZero() {
		span.to = end.Unix() - apart
	}
	return span
}

// shows says whether the instant t shows this wall clock in its zone.
func (w wall) shows(t time.Time) bool {
	h, m, s := t.Clock()
	return t.Day() == w.day && h == w.hour && m == w.min && s == w.sec
}

func nearEdge(t, edge time.Time) bool {
	d := t.Sub(edge)
	return d > -48*time.Hour && d < 48*time.Hour
}

// excelTime reads a spreadsheet's serial day number: exact to the second, to
// which it is rounded, as fractions of a day are binary. Serials before March
// 1900 are refused: the usual system has a day too many there. The other one
// begins 1462 days later.
func excelTime(s string, date1904 bool) (wall, error) {
	d, err := plainNumbers.parse(s)
	if err != nil {
		return wall{}, fmt.Errorf("is not a spreadsheet's day number: %w", err)
	}
	whole, fraction, ok := d.Int64(9)
	if date1904 {
		whole += 1462
	}
	if !ok || whole < 61 || whole > 2_958_465 {
		return wall{}, errors.New("is not a spreadsheet's day number between 1900 and 9999")
	}
	seconds := (fraction*86_400 + 500_000_000) / 1_000_000_000
	t := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(whole)).Add(time.Duration(seconds) * time.Second)
	return wall{year: t.Year(), month: int(t.Month()), day: t.Day(), hour: t.Hour(), min: t.Minute(), sec: t.Second()}, nil
}
