package exporter

import (
	"strings"
	"testing"
	"time"

	"github.com/payrec/payrec/record"
)

// july is closed before: two payments of June, one with a refund of June and
// one of July, and one payment of July.
func lockedSource() *fake {
	refund := func(r *record.PaymentRecord, op, at string, value int64) {
		key, text := record.RefundStamp{Op: op, Value: value, Currency: "eur", At: at, Reference: "ref-" + op}.Pair()
		r.Metadata[key] = text
		r.AmountRefunded.Value += value
	}
	a := simple("pr_a", 1, record.StampGuaranteedAt, "2026-06-30T21:59:59Z") // the last second in Berlin
	b := simple("pr_b", 1, record.StampGuaranteedAt, "2026-06-05T10:00:00Z")
	c := simple("pr_c", 1, record.StampGuaranteedAt, "2026-06-30T22:00:00Z") // the first of July
	refund(b, "op1", "2026-06-20T10:00:00Z", 100)
	refund(b, "op2", "2026-07-02T10:00:00Z", 200)
	return &fake{records: []*record.PaymentRecord{c, a, b}}
}

func TestLockedLinesAreExceptions(t *testing.T) {
	zone := berlin(t)
	july := time.Date(2026, 7, 1, 0, 0, 0, 0, zone)
	d := collectAll(t, lockedSource(), Options{Period: Period{Zone: zone}, Lock: Lock{Before: july}})
	if got := ids(t, d); got != "pr_c" || d.Len() != 1 || d.Summary().Locked != 2 || d.Summary().Payments != 1 {
		t.Errorf("%s, summary %+v", got, d.Summary())
	}
	var locked []string
	for l, err := range d.Locked() {
		if err != nil {
			t.Fatal(err)
		}
		locked = append(locked, l.Payment+" "+l.Reference+" "+amountText(l.Amount)+" "+l.At.Format(time.DateOnly))
	}
	want := "pr_b  10.00 EUR 2026-06-05\npr_b ref-op1 1.00 EUR 2026-06-20\npr_a  10.00 EUR 2026-06-30"
	if got := strings.Join(locked, "\n"); got != want {
		t.Errorf("locked:\n%s\nwant\n%s", got, want)
	}
	refunds := readCSV(t, d.WriteRefundsCSV)
	if len(refunds) != 1 || refunds[0]["refund_reference"] != "ref-op2" || d.Summary().Refunds != 1 {
		t.Errorf("refunds %v", refunds)
	}
	if p, err := d.Payment(0); err != nil || p.ID != "pr_c" {
		t.Errorf("the first payment is %v, %v", p, err)
	}
}

func TestLockedLinesArePosted(t *testing.T) {
	zone := berlin(t)
	july := time.Date(2026, 7, 1, 0, 0, 0, 0, zone)
	o := Options{Period: Period{Zone: zone}, Lock: Lock{Before: july, PostOn: july}}
	d := collectAll(t, lockedSource(), o)
	if got := ids(t, d); got != "pr_a pr_b pr_c" || d.Summary().Locked != 0 {
		t.Errorf("%s", got)
	}
	rows := readCSV(t, d.WriteCSV)
	for i, want := range []string{"2026-06-30 23:59:59", "2026-06-05 12:00:00", ""} {
		if r := rows[i]; r["paid_at (Europe/Berlin)"] != "2026-07-01 00:00:00" || r["original_paid_at (Europe/Berlin)"] != want {
			t.Errorf("%s is posted at %s, originally %s", r["id"], r["paid_at (Europe/Berlin)"], r["original_paid_at (Europe/Berlin)"])
		}
	}
	refunds := readCSV(t, d.WriteRefundsCSV)
	if len(refunds) != 2 || refunds[0]["original_refunded_at_utc"] != "2026-06-20 10:00:00" || refunds[0]["refunded_at_utc"] != "2026-06-30 22:00:00" || refunds[1]["original_refunded_at_utc"] != "" {
		t.Errorf("refunds %v", refunds)
	}
	for range d.Locked() {
		t.Error("what is posted is no exception")
	}
	if _, err := Collect(t.Context(), lockedSource(), Options{Lock: Lock{Before: july, PostOn: july.AddDate(0, 0, -1)}}); err == nil {
		t.Error("posted to a closed day")
	}
}
