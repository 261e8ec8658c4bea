package exporter

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/payrec/payrec/record"
)

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone data: ", err)
	}
	return zone
}

func ids(t *testing.T, d *Dataset) string {
	t.Helper()
	var all []string
	for p, err := range d.payments() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p.ID)
	}
	return strings.Join(all, " ")
}

// 29 March 2026 has 23 hours in Berlin, 25 October 25.
func TestPeriodIsHalfOpenInItsZone(t *testing.T) {
	zone := berlin(t)
	for _, tt := range []struct {
		day         time.Time
		first, last string // the day's first and last second, UTC
	}{
		{time.Date(2026, 3, 29, 0, 0, 0, 0, zone), "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z"},
		{time.Date(2026, 10, 25, 0, 0, 0, 0, zone), "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z"},
	} {
		first, _ := time.Parse(time.RFC3339, tt.first)
		last, _ := time.Parse(time.RFC3339, tt.last)
		src := &fake{records: []*record.PaymentRecord{
			simple("pr_before", 1, record.StampGuaranteedAt, first.Add(-time.Second).Format(time.RFC3339)),
			simple("pr_first", 1, record.StampGuaranteedAt, tt.first),
			simple("pr_last", 1, record.StampGuaranteedAt, tt.last),
			simple("pr_after", 1, record.StampGuaranteedAt, last.Add(time.Second).Format(time.RFC3339)),
		}}
		period := Period{From: tt.day, To: tt.day.AddDate(0, 0, 1), Zone: zone}
		d := collectAll(t, src, Options{Period: period})
		if got := ids(t, d); got != "pr_first pr_last" {
			t.Errorf("%s: got %s", tt.day, got)
		}
		if src.after != 0 || src.before != 0 {
			t.Errorf("by paid date, the source was asked for %d to %d", src.after, src.before)
		}
		// The same by the date of the report, which is what the source is asked for.
		src.records = []*record.PaymentRecord{simple("pr_before", first.Unix()-1), simple("pr_first", first.Unix()), simple("pr_last", last.Unix()), simple("pr_after", last.Unix()+1)}
		period.By = ByReported
		d = collectAll(t, src, Options{Period: period})
		if got := ids(t, d); got != "pr_first pr_last" {
			t.Errorf("%s by report: got %s", tt.day, got)
		}
		if src.after >= first.Unix() || src.before <= last.Unix()+1 {
			t.Errorf("the source was asked for %d to %d, too little if its bounds are exclusive", src.after, src.before)
		}
	}
}

// Twelve months hold every payment once, in any zone.
func TestMonthsAddUp(t *testing.T) {
	src := generate(300, 3)
	for _, r := range src.records {
		r.Created += int64(len(r.ID)) * 86400
	}
	for _, by := range []string{ByPaid, ByReported} {
		seen := map[string]int{}
		for month := time.Month(1); month <= 12; month++ {
			zone := berlin(t)
			d := collectAll(t, src, Options{Period: Period{From: time.Date(2026, month, 1, 0, 0, 0, 0, zone), To: time.Date(2026, month+1, 1, 0, 0, 0, 0, zone), Zone: zone, By: by}})
			for _, id := range strings.Fields(ids(t, d)) {
				seen[id]++
			}
		}
		for _, r := range src.records {
			if seen[r.ID] != 1 {
				t.Errorf("by %s: %s is in %d months", by, r.ID, seen[r.ID])
			}
		}
	}
}

func TestPeriodText(t *testing.T) {
	zone := berlin(t)
	from, to := time.Date(2026, 6, 1, 0, 0, 0, 0, zone), time.Date(2026, 7, 1, 0, 0, 0, 0, zone)
	for _, tt := range []struct {
		p    Period
		want string
	}{
		{Period{}, "all payments, times in UTC"},
		{Period{From: from, To: to, Zone: zone}, "paid from 2026-06-01 00:00 to before 2026-07-01 00:00, Europe/Berlin"},
		{Period{From: from, By: ByReported}, "reported from 2026-05-31 22:00 on, UTC"},
		{Period{To: to, Zone: zone}, "paid before 2026-07-01 00:00, Europe/Berlin"},
	} {
		if got := tt.p.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	now := time.Now()
	for name, o := range map[string]Options{
		"attempts":   {Attempts: "some"},
		"period by":  {Period: Period{By: "posted"}},
		"local zone": {Period: Period{Zone: time.Local}},
		"backwards":  {Period: Period{From: now, To: now.Add(-1)}},
		"empty span": {Period: Period{From: now, To: now}},
	} {
		if _, err := Collect(t.Context(), &fake{}, o); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// A record that comes again was read later, and replaces the earlier reading.
func TestOverlapsMerge(t *testing.T) {
	june := Period{From: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)}
	in, out := "2026-06-10T00:00:00Z", "2026-07-10T00:00:00Z"
	refunded := simple("pr_1", 1, record.StampGuaranteedAt, in)
	refunded.AmountRefunded.Value = 400
	src := &fake{records: []*record.PaymentRecord{
		simple("pr_1", 1, record.StampGuaranteedAt, in), simple("pr_2", 1, record.StampInitiatedAt, in), simple("pr_3", 1, record.StampInitiatedAt, out),
		simple("pr_2", 1, record.StampInitiatedAt, in, record.StampGuaranteedAt, out), simple("pr_3", 1, record.StampGuaranteedAt, in), refunded, refunded,
	}}
	d := collectAll(t, src, Options{Period: june})
	if got := ids(t, d); got != "pr_1 pr_3" {
		t.Errorf("got %s", got)
	}
	s := d.Summary()
	if s.Read != 3 || s.Payments != 2 {
		t.Errorf("%d read, %d in the period", s.Read, s.Payments)
	}
	if f := d.read.of("eur"); f.count != 2 || f.requested != 2000 || f.refunded != 400 {
		t.Errorf("tally %+v", f)
	}
}

func TestOrderDoesNotDependOnTheSource(t *testing.T) {
	src := generate(200, 5)
	write := func() (string, string) {
		d := collectAll(t, src, Options{Attempts: AllAttempts})
		var csv, jsonl bytes.Buffer
		if err := errors.Join(d.WriteCSV(&csv), d.WriteAttemptsCSV(&csv), d.WriteRefundsCSV(&csv), d.WriteJSONL(&jsonl)); err != nil {
			t.Fatal(err)
		}
		return csv.String(), jsonl.String()
	}
	csv, jsonl := write()
	for range 3 {
		rand.Shuffle(len(src.records), func(i, j int) { src.records[i], src.records[j] = src.records[j], src.records[i] })
		for _, a := range src.attempts {
			slices.Reverse(a)
		}
		if c, j := write(); c != csv || j != jsonl {
			t.Fatal("other order, other bytes")
		}
	}
}

func TestAttempts(t *testing.T) {
	src := generate(100, 9)
	src.attempts["pr_000003"] = nil
	total := 0
	for _, a := range src.attempts {
		total += len(a)
	}
	for mode, want := range map[AttemptsMode]int{NoAttempts: 0, LatestAttempts: 99, AllAttempts: total} {
		last := 0
		d := collectAll(t, src, Options{Attempts: mode, Concurrency: 7, Progress: func(records, attempts int) {
			if records > 100 || attempts < last {
				t.Errorf("progress %d, %d after %d", records, attempts, last)
			}
			last = attempts // payments whose attempts were read
		}})
		n := 0
		for p, err := range d.payments() {
			if err != nil {
				t.Fatal(err)
			}
			n += len(p.attempts)
			for i, a := range p.attempts {
				if *a.PaymentRecord != p.ID || i > 0 && p.attempts[i-1].Created > a.Created {
					t.Errorf("%s: attempt %d is %s of %s", p.ID, i, a.ID, *a.PaymentRecord)
				}
				if mode == LatestAttempts && a.ID != *p.LatestPaymentAttemptRecord {
					t.Errorf("%s: %s is not its latest attempt", p.ID, a.ID)
				}
			}
		}
		if n != want || mode != NoAttempts && last != 100 || d.AttemptsLen() != want || d.Summary().Attempts != want || d.Len() != 100 {
			t.Errorf("%s: %d attempts, want %d; progress said %d", mode, n, want, last)
		}
	}
}

func TestFailuresAreErrors(t *testing.T) {
	broken := errors.New("connection lost")
	t.Setenv("TMPDIR", t.TempDir()) // where Unix puts temporary files: ours alone
	src := generate(20, 1)
	src.err, src.fail = broken, 10
	if _, err := Collect(t.Context(), src, Options{}); !errors.Is(err, broken) || !strings.Contains(err.Error(), "after 10 payment records") {
		t.Errorf("records: got %v", err)
	}
	src.failOn = "pr_000007"
	if _, err := Collect(t.Context(), src, Options{Attempts: AllAttempts}); !errors.Is(err, broken) || !strings.Contains(err.Error(), "pr_000007") {
		t.Errorf("attempts: got %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := Collect(ended, generate(20, 1), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	if _, err := Collect(t.Context(), &fake{records: []*record.PaymentRecord{{}}}, Options{}); err == nil {
		t.Error("a record without an id was taken")
	}
	huge := simple("pr_1", 1)
	huge.AmountRequested.Value = 1<<63 - 1
	other := simple("pr_2", 1)
	if _, err := Collect(t.Context(), &fake{records: []*record.PaymentRecord{huge, other}}, Options{}); !errors.Is(err, errTooLarge) {
		t.Errorf("overflow: got %v", err)
	}
	if n := spools(t); n > 0 {
		t.Errorf("%d temporary files are left", n)
	}
}

func spools(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Skip(err)
	}
	n := 0
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "payrec-export-") {
			n++
		}
	}
	return n
}

// Writers that fail anywhere must be heard.
func TestWritersFail(t *testing.T) {
	d := collectAll(t, generate(50, 2), Options{Attempts: AllAttempts})
	for name, write := range map[string]func(*limited) error{
		"csv":      func(w *limited) error { return d.WriteCSV(w) },
		"attempts": func(w *limited) error { return d.WriteAttemptsCSV(w) },
		"jsonl":    func(w *limited) error { return d.WriteJSONL(w) },
		"xlsx":     func(w *limited) error { return d.WriteWorkbook(w) },
	} {
		whole := &limited{left: 1 << 30}
		if err := write(whole); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, n := range []int{0, 1, (1<<30 - whole.left) / 2, 1<<30 - whole.left - 1} {
			if err := write(&limited{left: n}); !errors.Is(err, errFull) {
				t.Errorf("%s: full after %d bytes, got %v", name, n, err)
			}
		}
	}
}

var errFull = errors.New("disk full")

type limited struct{ left int }

func (w *limited) Write(p []byte) (int, error) {
	if len(p) > w.left {
		n := w.left
		w.left = 0
		return n, errFull
	}
	w.left -= len(p)
	return len(p), nil
}

// TestAttemptsAreAnnounced: what attempts cost is said before the first is
// read, and an export can be refused then.
func TestAttemptsAreAnnounced(t *testing.T) {
	src := generate(30, 5)
	src.failOn, src.err = src.records[0].ID, errors.New("must not be read")
	no := errors.New("too dear")
	_, err := Collect(t.Context(), src, Options{Attempts: AllAttempts, BeforeAttempts: func(n int) error {
		if n != 30 {
			t.Errorf("%d payments", n)
		}
		return no
	}})
	if !errors.Is(err, no) {
		t.Error(err)
	}
}
