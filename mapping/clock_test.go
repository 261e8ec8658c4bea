package mapping

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const clockMapping = `payrec: mapping/v1
name: clock
input: {timezone: {from: Zone, names: {CET: Europe/Berlin}}}
columns:
  ref:    {from: Ref, type: id}
  at:     {from: Day, type: datetime, format: '%d/%m/%Y', time: [Time, Hora]}
  amount: {from: Amount, type: money, in: EUR}
rows: [{is: payment}]
payment: {key: =ref}
emit:
  - {on: payment, call: report_payment, id: =ref, set: {amount_requested: =amount, paid_at: =at, reference: =ref, method: {name: Example}}}
`

// A time of day that has a cell of its own is read behind the day, in the
// row's zone: a day and a time are one clock, also when summer time begins.
func TestTimeOfDayInItsOwnCell(t *testing.T) {
	m := mustParse(t, clockMapping, Options{})
	for _, test := range []struct{ day, time, want string }{
		{"02/03/2026", "10:11:12", "1772442672"},
		{"02/03/2026", "9:05", "1772438700"},
		{"02/03/2026", "12:05 AM", "1772406300"},
		{"02/03/2026", "12:05:07 pm", "1772449507"},
		{"02/03/2026", "10:11:12.345", "1772442672"},
		{"29/03/2026", "03:30:00", "1774747800"}, // summer time began at two
		{"02/03/2026", "", "bad_time Time"},
		{"02/03/2026", "25:00:00", "bad_time Time"},
		{"02/03/2026", "10:11:12 PST", "bad_time Time"},
		{"30/02/2026", "10:11:12", "bad_time Day"},
		{"29/03/2026", "02:30:00", "bad_time Day"}, // a time that no clock shows
	} {
		got := importText(t, m, fmt.Sprintf("Ref,Day,Time,Zone,Amount\nA,%s,%s,CET,1\n", test.day, test.time))
		s := ""
		if len(got.events) == 1 {
			s, _ = got.events[0].Params.Get("initiated_at")
		} else if len(got.problems) == 1 {
			s = "bad_time Day"
			if !strings.Contains(got.problems[0], "bad_time") {
				s = got.problems[0]
			} else if strings.Contains(got.problems[0], "not a time of day") {
				s = "bad_time Time"
			}
		}
		if s != test.want {
			t.Errorf("%s %q is %s, want %s: %v", test.day, test.time, s, test.want, got.problems)
		}
	}
	if got := importText(t, m, "Ref,Day,Hora,Zone,Amount\nA,02/03/2026,10:11:12,CET,1\n"); len(got.events) != 1 {
		t.Errorf("the second header for the time is not taken: %v", got.problems)
	}
}

// Cells of a date that have a time as well would be overruled in silence.
func TestTwoTimesOfDay(t *testing.T) {
	m := mustParse(t, strings.Replace(clockMapping, "'%d/%m/%Y'", "[iso8601, excel]", 1), Options{})
	for day, want := range map[string]string{
		"2026-03-02":           "",
		"2026-03-02T00:00":     "",
		"46083":                "",
		"2026-03-02T10:11":     `has a time of day, and the mapping takes that from the column "Time"`,
		"2026-03-02T00:00:00Z": `has a time of day, and the mapping takes that from the column "Time"`,
		"46083.5":              `has a time of day, and the mapping takes that from the column "Time"`,
	} {
		got := importText(t, m, fmt.Sprintf("Ref,Day,Time,Zone,Amount\nA,%s,10:11:12,CET,1\n", day))
		if all := strings.Join(got.problems, "\n"); (all == "") != (want == "") || !strings.Contains(all, want) {
			t.Errorf("%s: got %q, want %q", day, all, want)
		}
	}
}

func TestTimeOfDayOfWorkbooks(t *testing.T) {
	for cell, want := range map[string]string{
		"0": "00:00:00", "0.5": "12:00:00", "0.424444444444444": "10:11:12", "0.999988425925926": "23:59:59",
		"0.999999": "", "1": "", "-0.5": "", "46083.5": "", "noon": "",
	} {
		w, err := excelClock(cell)
		got := fmt.Sprintf("%02d:%02d:%02d", w.hour, w.min, w.sec)
		if err != nil {
			got = ""
		}
		if got != want {
			t.Errorf("%s is %q (%v), want %q", cell, got, err, want)
		}
	}
}

// Every way to write a time of day is a pattern, and reads each time of day as
// itself or not at all.
func TestTimeOfDayPatterns(t *testing.T) {
	m := mustParse(t, clockMapping, Options{})
	at := m.columns[slices.IndexFunc(m.columns, func(c *column) bool { return c.clock != nil })]
	if len(at.clocks) != len(clockPatterns) {
		t.Fatalf("%d of %d patterns", len(at.clocks), len(clockPatterns))
	}
	for _, layout := range []string{"15:04:05", "15:04", "3:04:05 PM", "03:04 pm", "3:04PM", "15:04:05.000"} {
		for minute := range 24 * 60 {
			want := time.Date(2000, 1, 1, 0, minute, minute%60, 0, time.UTC)
			if !strings.Contains(layout, "05") {
				want = want.Truncate(time.Minute)
			}
			w, err := at.timeOfDay(want.Format(layout), false)
			if got := time.Date(2000, 1, 1, w.hour, w.min, w.sec, w.nano, time.UTC); err != nil || !got.Equal(want) {
				t.Fatalf("%s is read as %s: %v", want.Format(layout), got, err)
			}
		}
	}
}

// A column that may be missing may lack its time as well; what is sensitive is
// so in both cells.
func TestTimeOfDayFollowsItsColumn(t *testing.T) {
	src := strings.Replace(clockMapping, "time: [Time, Hora]", "time: [Time, Hora], optional: true, sensitive: true", 1)
	src = strings.Replace(src, "paid_at: =at", "paid_at: =day", 1)
	src = strings.Replace(src, "  amount:", "  day: {from: Paid, type: date, format: iso8601, timezone: UTC}\n  amount:", 1)
	m := mustParse(t, src, Options{})
	if got := importText(t, m, "Ref,Paid,Zone,Amount\nA,2026-03-02,CET,1\n"); len(got.events) != 1 {
		t.Error(got.problems)
	}
	if got := m.Sensitive(); !slices.Contains(got, "Time") || !slices.Contains(got, "Day") {
		t.Errorf("sensitive are %q", got)
	}
}
