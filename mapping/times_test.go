package mapping

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTimePatterns(t *testing.T) {
	for _, tt := range []struct{ pattern, text, want string }{
		{"%Y-%m-%d %H:%M:%S", "2021-01-05 00:21:32", "2021-01-05T00:21:32Z"},
		{"%Y/%m/%d %H:%M:%S %z", "2026/01/06 00:00:30 -0800", "2026-01-06T00:00:30-08:00"},
		{"%Y-%m-%dT%H:%M:%S %z", "2015-10-01T11:10:34 -0700", "2015-10-01T11:10:34-07:00"},
		{"%Y-%m-%dT%H:%M:%S.%f%z", "2018-04-17T15:07:53.000-04:00", "2018-04-17T15:07:53-04:00"},
		{"%FT%T%z", "2026-06-17T08:14:22Z", "2026-06-17T08:14:22Z"},
		{"%d.%m.%Y", "8.4.2021", "2021-04-08T00:00:00Z"},
		{"%d/%m/%y", "01/04/20", "2020-04-01T00:00:00Z"},
		{"%d/%m/%y", "01/04/70", "1970-04-01T00:00:00Z"},
		{"%d-%b-%Y %I:%M:%S %p", "21-Aug-2006 03:26:23 PM", "2006-08-21T15:26:23Z"},
		{"%b %d, %Y %I:%M:%S %p", "Dec 1, 2017 12:31:07 AM", "2017-12-01T00:31:07Z"},
		{"%d %B %Y", "3 september 2024", "2024-09-03T00:00:00Z"},
		{"%Y年%m月%d日", "2020年05月07日", "2020-05-07T00:00:00Z"},
		{"%a %d %b %Y", "Tue 3 Feb 2026", "2026-02-03T00:00:00Z"},
		{"%Y%j", "2024366", "2024-12-31T00:00:00Z"},
		{"%Y-%m-%d %H:%M:%S.%f", "2026-01-01 00:00:00.5", "2026-01-01T00:00:00.5Z"},
		{"%Y-%m-%d", "2024-02-29", "2024-02-29T00:00:00Z"},
		{"100%% %Y-%m-%d", "100% 2024-02-29", "2024-02-29T00:00:00Z"},

		{"%Y-%m-%d", "2023-02-29", "!28 days"}, {"%Y-%m-%d", "2026-02-31", "!28 days"}, {"%Y-%m-%d", "2026-13-01", "!month 13"}, {"%Y-%m-%d", "26-01-01", "!4 digits"},
		{"%Y-%m-%d", "2026-01-01 10:00", "!left over"}, {"%Y-%m-%d", "2026-01-32", "!day 32"}, {"%Y-%m-%d", "2026/01/01", "!lacks"}, {"%Y-%m-%d", "", "!4 digits"},
		{"%Y-%m-%d", "2026-00-10", "!month 0"}, {"%Y-%m-%d %H:%M", "2026-01-01 24:00", "!hour 24"}, {"%Y-%m-%d %H:%M:%S", "2026-01-01 23:59:60", "!second 60"},
		{"%Y-%m-%d %I:%M %p", "2026-01-01 13:00 PM", "!hour 13"}, {"%Y-%m-%d%z", "2026-01-01CET", "!offset"}, {"%Y%j", "2023366", "!day 366"}, {"%d %b %Y", "3 Mai 2026", "!in English"},
		{"%Y-%m-%d %H", "2026-01-0110", "!left over|blank|day"},
	} {
		p, err := newTimePattern(tt.pattern)
		if err != nil {
			t.Errorf("%q: %v", tt.pattern, err)
			continue
		}
		w, err := p.parse(tt.text)
		if want, bad := strings.CutPrefix(tt.want, "!"); bad {
			ok := false
			for _, part := range strings.Split(want, "|") {
				ok = ok || err != nil && strings.Contains(err.Error(), part)
			}
			if !ok {
				t.Errorf("%q as %q: got %+v, %v, want an error with %q", tt.text, tt.pattern, w, err, want)
			}
			continue
		}
		at, err2 := w.in(time.UTC, dstError)
		if got := at.Format(time.RFC3339Nano); err != nil || err2 != nil || got != tt.want {
			t.Errorf("%q as %q: got %s, %v, %v, want %s", tt.text, tt.pattern, got, err, err2, tt.want)
		}
	}
	for _, bad := range []string{"%Y", "%m-%d", "%Y-%m-%d %q", "%Y-%m-%d %", "%Y-%m-%d %I", "%H:%M", "%Y-%m-%d %p"} {
		if _, err := newTimePattern(bad); err == nil {
			t.Errorf("the pattern %q was taken", bad)
		}
	}
}

func TestISO8601(t *testing.T) {
	for text, want := range map[string]string{
		"2026-02-18": "2026-02-18T00:00:00Z", "2026-02-18T16:10:51Z": "2026-02-18T16:10:51Z", "2026-02-18 16:10": "2026-02-18T16:10:00Z",
		"2026-02-18T16:10:51.123456+01:00": "2026-02-18T16:10:51.123456+01:00", "2015-10-01T11:10:34 -0700": "2015-10-01T11:10:34-07:00",
		"2026-02-18T": "", "2026-02": "", "2026-02-30": "", "2026-02-18X10:00": "", "2026-02-18T16:10:51 CET": "", "2026-02-18T16:10:51Zx": "", "20260218": "",
	} {
		w, err := iso8601(text)
		if want == "" {
			if err == nil {
				t.Errorf("%q was taken as %+v", text, w)
			}
			continue
		}
		at, _ := w.in(time.UTC, dstError)
		if got := at.Format(time.RFC3339Nano); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", text, got, err, want)
		}
	}
}

// A clock that shows a time twice, or never.
func TestSummerTime(t *testing.T) {
	for _, tt := range []struct {
		zone, clock string
		policy      dstPolicy
		want        string
	}{
		{"Europe/Berlin", "2026-10-25 02:30:00", dstError, "!twice"},
		{"Europe/Berlin", "2026-10-25 02:30:00", dstEarlier, "2026-10-25T00:30:00Z"},
		{"Europe/Berlin", "2026-10-25 02:30:00", dstLater, "2026-10-25T01:30:00Z"},
		{"Europe/Berlin", "2026-10-25 01:59:59", dstError, "2026-10-24T23:59:59Z"},
		{"Europe/Berlin", "2026-10-25 02:00:00", dstError, "!twice"},
		{"Europe/Berlin", "2026-10-25 03:00:00", dstError, "2026-10-25T02:00:00Z"},
		{"Europe/Berlin", "2026-03-29 02:30:00", dstError, "!no time"},
		{"Europe/Berlin", "2026-03-29 02:30:00", dstEarlier, "2026-03-29T00:30:00Z"},
		{"Europe/Berlin", "2026-03-29 02:30:00", dstLater, "2026-03-29T01:30:00Z"},
		{"Europe/Berlin", "2026-03-29 01:59:59", dstError, "2026-03-29T00:59:59Z"},
		{"Europe/Berlin", "2026-03-29 03:00:00", dstError, "2026-03-29T01:00:00Z"},
		{"America/Los_Angeles", "2026-11-01 01:30:00", dstError, "!twice"},
		{"America/Los_Angeles", "2026-11-01 01:30:00", dstEarlier, "2026-11-01T08:30:00Z"},
		{"America/Los_Angeles", "2026-03-08 02:00:00", dstError, "!no time"},
		{"Australia/Lord_Howe", "2026-04-05 01:45:00", dstError, "!twice"}, // half an hour only
		{"Australia/Lord_Howe", "2026-04-05 01:45:00", dstLater, "2026-04-04T15:15:00Z"},
		{"Asia/Tokyo", "2026-04-05 02:30:00", dstError, "2026-04-04T17:30:00Z"},
		{"Pacific/Apia", "2011-12-30 12:00:00", dstError, "!no time"}, // a whole day left out
	} {
		loc, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		w, err := iso8601(tt.clock)
		if err != nil {
			t.Fatal(err)
		}
		at, err := w.in(loc, tt.policy)
		if want, bad := strings.CutPrefix(tt.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: got %s, %v, want an error with %q", tt.zone, tt.clock, at, err, want)
			}
		} else if got := at.UTC().Format(time.RFC3339); err != nil || got != tt.want {
			t.Errorf("%s %s: got %s, %v, want %s", tt.zone, tt.clock, got, err, tt.want)
		}
	}
}

// Any instant's clock reads as that instant, or as ambiguous; with a policy it
// reads as the instant or its double.
func TestWallRoundTrip(t *testing.T) {
	zones := []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC", "Africa/Casablanca"}
	rapid.Check(t, func(t *rapid.T) {
		loc, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "unix"), 0).In(loc)
		w, err := iso8601(at.Format("2006-01-02T15:04:05"))
		if err != nil {
			t.Fatal(err)
		}
		early, err1 := w.in(loc, dstEarlier)
		late, err2 := w.in(loc, dstLater)
		if err1 != nil || err2 != nil || !early.Equal(at) && !late.Equal(at) {
			t.Fatalf("%s: got %s, %s, %v, %v", at, early, late, err1, err2)
		}
		if got, err := w.in(loc, dstError); err == nil && !got.Equal(at) || err != nil && early.Equal(late) {
			t.Fatalf("%s: got %s, %v", at, got, err)
		}
	})
}

func TestExcelTimes(t *testing.T) {
	if w, err := excelTime("44620", true); err != nil || w.year != 2026 || w.month != 3 || w.day != 1 {
		t.Errorf("1904: %+v, %v", w, err)
	}
	for text, want := range map[string]string{"42663.6241666667": "2016-10-20T14:58:48Z", "46082": "2026-03-01T00:00:00Z", "61": "1900-03-01T00:00:00Z",
		"46082.9999999": "2026-03-02T00:00:00Z", "60": "", "-1": "", "2026-03-01": "", "99999999": "", "": ""} {
		w, err := excelTime(text, false)
		if want == "" {
			if err == nil {
				t.Errorf("%q was taken as %+v", text, w)
			}
			continue
		}
		at, _ := w.in(time.UTC, dstError)
		if got := at.Format(time.RFC3339); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", text, got, err, want)
		}
	}
}
