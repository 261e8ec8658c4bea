package sniff

import (
	"strconv"
	"strings"
	"time"

	"github.com/itchyny/timefmt-go"
)

// A dateFormat is one notation of dates, named as a mapping names it.
type dateFormat struct {
	name  string
	time  bool   // with the time of day
	shape string // what the text must look like: 9 a digit, a a letter, else itself; runs count once
	twin  string // the format that reads the same texts with day and month exchanged
}

// dateFormats are the notations seen in settlement files.
var dateFormats = []dateFormat{
	{"%Y-%m-%d %H:%M:%S", true, "9-9-9 9:9:9", ""},
	{"%Y-%m-%d %H:%M", true, "9-9-9 9:9", ""},
	{"%Y-%m-%d", false, "9-9-9", ""},
	{"%Y-%m-%d %H:%M:%S.%f", true, "9-9-9 9:9:9.9", ""},
	{"%Y-%m-%d %H:%M:%S %z", true, "9-9-9 9:9:9 ~9", ""},
	{"%Y-%m-%d %H:%M:%S UTC", true, "9-9-9 9:9:9 a", ""},
	{"%Y-%m-%dT%H:%M:%S %z", true, "9-9-9a9:9:9 ~9", ""},
	{"%Y-%m-%dT%H:%M:%S", true, "9-9-9a9:9:9", ""},
	{"%Y-%m-%dT%H:%M:%S.%f", true, "9-9-9a9:9:9.9", ""},
	{"%Y/%m/%d %H:%M:%S %z", true, "9/9/9 9:9:9 ~9", ""},
	{"%Y/%m/%d %H:%M:%S", true, "9/9/9 9:9:9", ""},
	{"%Y/%m/%d %H:%M", true, "9/9/9 9:9", ""},
	{"%Y/%m/%d", false, "9/9/9", ""},
	{"%Y年%m月%d日", false, "9年9月9日", ""},
	{"%d.%m.%Y %H:%M:%S", true, "9.9.9 9:9:9", ""},
	{"%d.%m.%Y %H:%M", true, "9.9.9 9:9", ""},
	{"%d.%m.%Y", false, "9.9.9", ""},
	{"%d/%m/%Y", false, "9/9/9", "%m/%d/%Y"},
	{"%m/%d/%Y", false, "9/9/9", "%d/%m/%Y"},
	{"%d/%m/%Y %H:%M:%S", true, "9/9/9 9:9:9", "%m/%d/%Y %H:%M:%S"},
	{"%m/%d/%Y %H:%M:%S", true, "9/9/9 9:9:9", "%d/%m/%Y %H:%M:%S"},
	{"%d/%m/%Y %H:%M", true, "9/9/9 9:9", "%m/%d/%Y %H:%M"},
	{"%m/%d/%Y %H:%M", true, "9/9/9 9:9", "%d/%m/%Y %H:%M"},
	{"%d-%m-%Y", false, "9-9-9", "%m-%d-%Y"},
	{"%m-%d-%Y", false, "9-9-9", "%d-%m-%Y"},
	{"%d-%m-%Y %H:%M:%S", true, "9-9-9 9:9:9", "%m-%d-%Y %H:%M:%S"},
	{"%m-%d-%Y %H:%M:%S", true, "9-9-9 9:9:9", "%d-%m-%Y %H:%M:%S"},
	{"%d/%m/%y", false, "9/9/9", "%m/%d/%y"},
	{"%m/%d/%y", false, "9/9/9", "%d/%m/%y"},
	{"%b %d, %Y", false, "a 9, 9", ""},
	{"%d %b %Y", false, "9 a 9", ""},
	{"%d-%b-%Y", false, "9-a-9", ""},
	{"%b %d, %Y %I:%M:%S %p", true, "a 9, 9 9:9:9 a", ""},
	{"%b %d, %Y %I:%M:%S %p %Z", true, "a 9, 9 9:9:9 a a", ""},
	{"%d %b %Y %H:%M:%S", true, "9 a 9 9:9:9", ""},
	{"%d-%b-%Y %I:%M:%S %p %Z", true, "9-a-9 9:9:9 a a", ""},
	{iso8601, true, "", ""},
}

// Lengths between which a text can be a date.
const (
	shortestDate = 6  // 1/2/20
	longestDate  = 40 // with month, zone and fractions
)

// Formats that are no strftime patterns.
const (
	iso8601     = "iso8601"
	unixSeconds = "unix"
	unixMillis  = "unix_ms"
	excelSerial = "excel"
)

// matches says whether the text, whose outline is given, is a date in this
// notation, in the years that payments can be of.
func (d *dateFormat) matches(s, outline string) bool {
	if d.name == iso8601 {
		t, err := time.Parse(time.RFC3339Nano, s)
		return err == nil && plausible(t)
	}
	if outline != d.shape || strings.HasSuffix(d.name, "UTC") && !strings.HasSuffix(s, "UTC") {
		return false
	}
	if strings.HasSuffix(d.name, " %Z") { // the abbreviation is for a zone table to read
		cut := strings.LastIndexByte(s, ' ')
		format := strings.TrimSuffix(d.name, " %Z")
		t, err := timefmt.Parse(s[:cut], format)
		return err == nil && plausible(t) && t.Day() == dayIn(s, format)
	}
	if strings.HasPrefix(d.name, "%Y") != (len(s) > 4 && digits(s[:4])) {
		return false
	}
	t, err := timefmt.Parse(s, d.name)
	return err == nil && plausible(t) && t.Day() == dayIn(s, d.name)
}

// dayIn is the day of the month as the text writes it: parsing turns the 30th
// of February into a day of March.
func dayIn(s, format string) int {
	before, _, _ := strings.Cut(format, "%d")
	skip := strings.Count(before, "%Y") + strings.Count(before, "%y") + strings.Count(before, "%m")
	day, _ := strconv.Atoi(strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' })[skip])
	return day
}

func plausible(t time.Time) bool { return t.Year() >= 1970 && t.Year() < 2100 }

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// shape reduces a text to its outline: 2026-01-06 to 9-9-9. Signs become ~
// where an offset begins, behind a blank.
func shape(s string) string {
	var b [longestDate]byte
	out := b[:0]
	for i := 0; i < len(s) && len(out) < len(b); i++ {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c = '9'
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			c = 'a'
		case (c == '-' || c == '+') && i > 0 && s[i-1] == ' ':
			c = '~'
		}
		if n := len(out); n > 0 && (c == '9' || c == 'a') && out[n-1] == c {
			continue
		}
		out = append(out, c)
	}
	return string(out)
}

// dates counts how many values of a column each notation reads.
type dates struct {
	seen int
	hits [64]int
}

// isDate says whether a text is a date in any notation.
func isDate(s string) bool {
	if len(s) < shortestDate || len(s) > longestDate {
		return false
	}
	outline := shape(s)
	for i := range dateFormats {
		if dateFormats[i].matches(s, outline) {
			return true
		}
	}
	return false
}

// see tries the notations that have not failed too often to win.
func (d *dates) see(s string) {
	d.seen++
	if len(s) < shortestDate || len(s) > longestDate {
		return
	}
	outline := shape(s)
	for i := range dateFormats {
		if d.seen > 20 && d.hits[i] < d.seen*3/4 {
			continue
		}
		if dateFormats[i].matches(s, outline) {
			d.hits[i]++
		}
	}
}

// best is the notation that reads most values, and those that read as many.
func (d *dates) best() (f *dateFormat, hits int, others []string) {
	for i := range dateFormats {
		switch {
		case d.hits[i] > hits:
			f, hits, others = &dateFormats[i], d.hits[i], nil
		case hits > 0 && d.hits[i] == hits && dateFormats[i].name == f.twin:
			others = append(others, dateFormats[i].name)
		}
	}
	return f, hits, others
}
