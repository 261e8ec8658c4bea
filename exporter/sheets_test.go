package exporter

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/payrec/payrec/record"
)

// TestPartsAreTheWorkbook: the builtin sheets in their order are the month-end
// workbook.
func TestPartsAreTheWorkbook(t *testing.T) {
	d := collectAll(t, generate(50, 3), Options{Attempts: AllAttempts})
	var parts []Part
	for _, name := range Builtins {
		parts = append(parts, Part{Builtin: name})
	}
	var whole, made bytes.Buffer
	if err := d.WriteWorkbook(&whole); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteParts(&made, parts); err != nil {
		t.Fatal(err)
	}
	sheets := func(b []byte) map[string][][]string {
		f, err := excelize.OpenReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		all := map[string][][]string{}
		for _, name := range f.GetSheetList() {
			all[name] = rawRows(t, f, name)
		}
		return all
	}
	if diff := cmp.Diff(sheets(whole.Bytes()), sheets(made.Bytes())); diff != "" {
		t.Error(diff)
	}
}

// TestPeriodsByOtherDates: by settled and refunded, a payment whose date is not
// known is left out and named; one that was never paid is just not there.
func TestPeriodsByOtherDates(t *testing.T) {
	refund := func(r *record.PaymentRecord, op, at string, value int64) *record.PaymentRecord {
		key, stamp := record.RefundStamp{Op: op, Value: value, Currency: "eur", At: at, Reference: op}.Pair()
		r.Metadata[key] = stamp
		r.AmountRefunded.Value += value
		return r
	}
	june := "2026-06-10T00:00:00Z"
	failed := simple("failed", 1, record.StampGuaranteedAt, june)
	failed.AmountGuaranteed.Value, failed.AmountFailed.Value = 0, 1000
	silent := simple("silent", 1, record.StampGuaranteedAt, june)
	silent.AmountRefunded.Value = 10 // refunded by somebody else: no stamp
	src := &fake{records: []*record.PaymentRecord{
		simple("settled", 1, record.StampGuaranteedAt, "2026-01-10T00:00:00Z", "settled_at", "2026-06-30"),
		simple("later", 1, record.StampGuaranteedAt, june, "settled_at", "2026-07-01T00:00:00Z"),
		failed, silent,
		refund(simple("refunded", 1, record.StampGuaranteedAt, "2026-01-10T00:00:00Z"), "a", "2026-06-12T00:00:00Z", 5),
		refund(simple("undated", 1, record.StampGuaranteedAt, "2026-01-10T00:00:00Z"), "b", "", 5),
		refund(simple("both", 1, record.StampGuaranteedAt, "2026-06-10T00:00:00Z"), "c", "2026-07-12T00:00:00Z", 5),
	}}
	for _, test := range []struct {
		by             string
		want, unplaced []string
	}{
		{BySettled, []string{"settled"}, []string{"both", "refunded", "silent", "undated"}},
		{ByRefunded, []string{"refunded"}, []string{"silent", "undated"}},
		{ByMoved, []string{"both", "failed", "later", "refunded", "silent"}, []string{"undated"}},
	} {
		d := collectAll(t, src, Options{Period: Period{By: test.by, From: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)}})
		got := map[string]bool{}
		for p, err := range d.Payments() {
			if err != nil {
				t.Fatal(err)
			}
			got[p.ID] = true
		}
		want := map[string]bool{}
		for _, id := range test.want {
			want[id] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("by %s: %s", test.by, diff)
		}
		if diff := cmp.Diff(test.unplaced, d.Unplaced()); diff != "" {
			t.Errorf("by %s, unplaced: %s", test.by, diff)
		}
		if got := d.Summary().Unplaced; got != len(test.unplaced) {
			t.Errorf("by %s: %d unplaced in the summary", test.by, got)
		}
	}
}
