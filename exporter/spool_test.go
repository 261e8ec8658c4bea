package exporter

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/payrec/payrec/internal/nameless"
	"github.com/payrec/payrec/record"
)

func TestSpoolKeepsEverything(t *testing.T) {
	s, err := newSpool()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	const writers, each = 8, 200
	places := make([][]place, writers)
	var g sync.WaitGroup
	for w := range writers {
		g.Go(func() {
			for i := range each {
				p, err := s.putBytes(fmt.Appendf(nil, "%d/%d ", w, i), bytes.Repeat([]byte("x"), i))
				if err != nil {
					t.Error(err)
				}
				places[w] = append(places[w], p)
			}
		})
	}
	g.Wait()
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	for w := range places {
		for i, p := range places[w] {
			got, err := s.getBytes(p)
			if want := fmt.Sprintf("%d/%d %s", w, i, strings.Repeat("x", i)); err != nil || string(got) != want {
				t.Fatalf("%q, want %q, %v", got, want, err)
			}
		}
	}
}

func TestSpoolIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes there")
	}
	s, err := newSpool()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if info, err := s.file.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// A disk that is full fails the export, now and ever after.
func TestSpoolCannotWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path) // for reading only
	if err != nil {
		t.Fatal(err)
	}
	s := &spool{file: &nameless.File{File: f}, w: bufio.NewWriterSize(f, 16)}
	defer s.close()
	for range 3 {
		if _, err := s.putBytes(make([]byte, 100)); err == nil || !strings.Contains(err.Error(), os.TempDir()) {
			t.Errorf("put: %v", err)
		}
		if err := s.flush(); err == nil {
			t.Error("flush heard nothing")
		}
	}
}

// What was read and cannot be read again is an error of every format, not a
// shorter file.
func TestSpoolIsLost(t *testing.T) {
	d, err := Collect(t.Context(), generate(30, 41), Options{Attempts: AllAttempts})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"csv": d.WriteCSV, "attempts": d.WriteAttemptsCSV, "refunds": d.WriteRefundsCSV, "jsonl": d.WriteJSONL, "xlsx": d.WriteWorkbook,
	} {
		if err := write(io.Discard); err == nil {
			t.Errorf("%s heard nothing", name)
		}
	}
}

func TestLayingOutRows(t *testing.T) {
	zone := berlin(t)
	r := simple("pr_1", 1_780_000_000, record.StampInitiatedAt, "2026-06-01T10:00:00Z", record.StampLine, "0012")
	r.LatestPaymentAttemptRecord = new("par_2")
	r.CustomerDetails = &record.CustomerDetails{Email: new("own@example.com")}
	r.PaymentMethodDetails = &record.MethodDetails{Type: "card", BillingDetails: &record.BillingDetails{Name: new("Bill"), Email: new("bill@example.com")}}
	r.Livemode = true
	attempt := func(id string, stamps map[string]string) *record.PaymentAttemptRecord {
		return &record.PaymentAttemptRecord{ID: id, Created: 1_780_000_000, AmountRequested: r.Amount, AmountFailed: r.Amount, Metadata: stamps, PaymentMethodDetails: r.PaymentMethodDetails}
	}
	first := attempt("par_1", map[string]string{record.StampInitiatedAt: "2026-05-31T23:30:00Z"})
	last := attempt("par_2", nil)
	src := &fake{records: []*record.PaymentRecord{r}, attempts: map[string][]*record.PaymentAttemptRecord{"pr_1": {last, first}}}

	row := readCSV(t, collectAll(t, src, Options{Period: Period{Zone: zone}}).WriteCSV)[0]
	for name, want := range map[string]string{
		"customer_name": "Bill", "customer_email": "own@example.com", "processor": "card", "livemode": "true", "source_line": "0012",
		"paid_at (Europe/Berlin)": "2026-06-01 12:00:00", "paid_at_utc": "2026-06-01 10:00:00", "paid_at_from": "initiated_at", "reported_at_utc": "2026-05-28 20:26:40",
		"latest_attempt": "par_2", "fee": "", "net": "", "fee_currency": "",
	} {
		if row[name] != want {
			t.Errorf("%s is %q, want %q", name, row[name], want)
		}
	}
	// An attempt bears its own dates; the only one shares its payment's.
	rows := readCSV(t, collectAll(t, src, Options{Attempts: AllAttempts, Period: Period{Zone: zone}}).WriteAttemptsCSV)
	if len(rows) != 2 || rows[0]["paid_at (Europe/Berlin)"] != "2026-06-01 01:30:00" || rows[1]["paid_at_from"] != "created" || rows[1]["attempt"] != "2" || rows[0]["method"] != "card" {
		t.Errorf("attempts %v", rows)
	}
	src.attempts["pr_1"] = []*record.PaymentAttemptRecord{last}
	rows = readCSV(t, collectAll(t, src, Options{Attempts: AllAttempts}).WriteAttemptsCSV)
	if len(rows) != 1 || rows[0]["paid_at_from"] != "initiated_at" || rows[0]["paid_at_utc"] != "2026-06-01 10:00:00" {
		t.Errorf("the only attempt %v", rows)
	}
}

func TestSummaryLines(t *testing.T) {
	src := &fake{}
	add := func(id string, change func(r *record.PaymentRecord)) {
		r := simple(id, 1)
		change(r)
		src.records = append(src.records, r)
	}
	zero := record.Amount{Currency: "eur"}
	add("pr_1", func(r *record.PaymentRecord) { r.AmountRefunded.Value = 1000 })
	add("pr_2", func(r *record.PaymentRecord) { r.AmountRefunded.Value, r.AmountGuaranteed = 1000, zero }) // if a refund lowers it
	add("pr_3", func(r *record.PaymentRecord) { r.AmountFailed, r.AmountGuaranteed = r.Amount, zero })
	add("pr_4", func(r *record.PaymentRecord) { r.ReportedBy = "stripe" })
	add("pr_5", func(r *record.PaymentRecord) {})
	add("pr_6", func(r *record.PaymentRecord) { r.AmountGuaranteed = zero })
	var got []string
	for _, l := range collectAll(t, src, Options{}).Summary().Lines {
		got = append(got, fmt.Sprintf("%s %s %d: %d %d %d %d", l.Processor, l.Status, l.Count, l.Requested, l.Collected, l.Refunded, l.Failed))
	}
	want := []string{
		"(not named) guaranteed 1: 1000 1000 0 0",
		"(not named) refunded 2: 2000 2000 2000 0",
		"(not named) initiated 1: 1000 0 0 0",
		"(not named) failed 1: 1000 0 0 1000",
		"Stripe guaranteed 1: 1000 1000 0 0",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
