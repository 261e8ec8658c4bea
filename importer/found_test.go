package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// A shelf is an Adopter in memory.
type shelf struct {
	orphans []string
	known   map[string]bool
	adopted []record.Found
}

func (s *shelf) Orphans(context.Context) ([]string, error) { return s.orphans, nil }

func (s *shelf) Adopt(_ context.Context, found []record.Found) (n int, err error) {
	for _, f := range found {
		if s.known[f.ID] {
			continue
		}
		if s.known == nil {
			s.known = map[string]bool{}
		}
		s.known[f.ID] = true
		s.adopted = append(s.adopted, f)
		n++
	}
	return n, nil
}

const scope = "default/test"

// reported is the record that events of one payment make, as an API makes it
// whose metadata lands on the record.
func reported(t *testing.T, pr string, events ...mapping.Event) (*record.PaymentRecord, []record.Op) {
	t.Helper()
	r := &record.PaymentRecord{ID: pr, Metadata: map[string]string{}}
	var ops []record.Op
	for _, e := range events {
		op, err := operation(scope, "shop", e)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
		for key, value := range plainStamped(op, e).Metadata {
			r.Metadata[key] = value
		}
		if e.Call.Creates() {
			ref, _ := e.Params.Get("processor_details.custom.payment_reference")
			r.ProcessorDetails.Custom = &record.CustomProcessor{PaymentReference: &ref}
			r.AmountRequested = e.Amount
		}
	}
	return r, ops
}

func event(call record.CallName, id, payment string, params ...string) mapping.Event {
	e := mapping.Event{Call: call, ID: id, Payment: payment, Amount: eur(1000)}
	e.Pos.File, e.Pos.Line = "march:2.csv", 7
	for i := 0; i < len(params); i += 2 {
		e.Params.Set(params[i], params[i+1])
	}
	return e
}

func payEvent(id, payment, reference string) mapping.Event {
	return event(record.ReportPayment, id, payment, "amount_requested.value", "1000", "amount_requested.currency", "eur", "initiated_at", "1772323200",
		"payment_method_details.type", "custom", "payment_method_details.custom.display_name", "x",
		"processor_details.type", "custom", "processor_details.custom.payment_reference", reference)
}

func refundEvent(id, payment string) mapping.Event {
	return event(record.ReportRefund, id, payment, "amount.value", "1000", "amount.currency", "eur", "outcome", "refunded", "refunded.refunded_at", "1772323200",
		"processor_details.type", "custom", "processor_details.custom.refund_reference", id)
}

// Whatever is reported can be read back from the stamps: identity, payment,
// content, amount and place, in every combination of keys and references.
func TestStampsTellWhatWasReported(t *testing.T) {
	for _, tt := range []struct{ id, payment, reference string }{
		{"P1", "P1", "P1"}, {"P1", "order 9", "order 9"}, {"P1", "P1", "other"}, {"a", "b", "c"}, {"ä=&\"", "日本", "x y"},
	} {
		r, ops := reported(t, "pr_1", payEvent(tt.id, tt.payment, tt.reference),
			event(record.ReportPaymentAttemptFailed, "f1", tt.payment, "failed_at", "1772323200"),
			event(record.ReportPaymentAttemptFailed, "f2", tt.payment, "failed_at", "1772323200"),
			refundEvent("R1", tt.payment), refundEvent("R2", tt.payment))
		s := stampsOf(scope, r)
		if s.foreign || s.damaged > 0 || len(s.calls) != len(ops) {
			t.Fatalf("%v: %+v", tt, s)
		}
		byID := func(a, b record.Op) int { return strings.Compare(a.ID, b.ID) }
		var got []record.Op
		for _, f := range s.calls {
			if f.RecordID != "pr_1" {
				t.Errorf("%+v", f)
			}
			got = append(got, f.Op)
		}
		for i := range ops {
			ops[i].Body, ops[i].Content = nil, record.ContentStamp(ops[i].Content)
			if c := ops[i].Call; !c.Creates() && c != record.ReportRefund {
				ops[i].Amount = record.Amount{}
			}
		}
		slices.SortFunc(got, byID)
		slices.SortFunc(ops, byID)
		if diff := cmp.Diff(ops, got); diff != "" {
			t.Errorf("%v (-reported +read back):\n%s", tt, diff)
		}
		if !stampsOf("another/test", r).foreign {
			t.Error("stamps of another scope pass for ours")
		}
	}
}

// What is not ours, is damaged, or is not a stamp at all.
func TestStampsThatAreNone(t *testing.T) {
	for _, metadata := range []map[string]string{nil, {}, {"payrec_source": "shop"}, {"order": "7", "payrec_refund_x": `{"op":"x"}`}} {
		if s := stampsOf(scope, &record.PaymentRecord{ID: "pr_1", Metadata: metadata}); len(s.calls) != 0 {
			t.Errorf("%v: %+v", metadata, s)
		}
	}
	r, _ := reported(t, "pr_1", payEvent("P1", "P1", "P1"))
	for key, value := range map[string]string{
		"payrec_refund_a": "{", "payrec_refund_b": "{}", "payrec_call_a": "[]", "payrec_call_b": `{"op":"x","call":"nonsense"}`, "payrec_call_c": `{"op":"x","call":"report_payment"}`,
		"payrec_line": "x", "other": "kept",
	} {
		r.Metadata[key] = value
	}
	if s := stampsOf(scope, r); s.damaged != 5 || len(s.calls) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestRebuild(t *testing.T) {
	a := &account{}
	for i := range 2500 {
		id := fmt.Sprintf("P%04d", i)
		r, _ := reported(t, "pr_"+id, payEvent(id, id, id), refundEvent("R"+id, id))
		a.records = append(a.records, r)
	}
	twice, _ := reported(t, "pr_twice", payEvent("P0001", "P0001", "P0001"))
	foreign, _ := reported(t, "pr_foreign", payEvent("F", "F", "F"))
	foreign.Metadata[record.StampOp] = record.OpID("another/test", "shop", record.ReportPayment, "F")
	a.records = append(a.records, twice, foreign, &record.PaymentRecord{ID: "pr_other"})
	book := &shelf{}
	sum, err := (&Rebuilder{Adopter: book, Reader: a, Scope: scope}).Rebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := Rebuilt{Records: 2503, Payments: 2500, Refunds: 2500, Adopted: 5000, Unstamped: 1, Foreign: 1, Twice: 1, Requests: 26, Examples: []string{"pr_twice = pr_P0001"}}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := (&Rebuilder{Adopter: book, Reader: a, Scope: scope}).Rebuild(t.Context())
	if err != nil || again.Adopted != 0 || again.Known != 5000 {
		t.Errorf("again: %+v, %v", again, err)
	}
	a.breaks = 2000
	if _, err := (&Rebuilder{Adopter: &shelf{}, Reader: a, Scope: scope}).Rebuild(t.Context()); err == nil {
		t.Error("half an account made a journal")
	}
}

// A payment is looked up by its stamped operation id only.
func TestSearch(t *testing.T) {
	mine, _ := reported(t, "pr_A", payEvent("A", "A", "A"), refundEvent("RA", "A"))
	named, _ := reported(t, "pr_B", payEvent("B1", "B", "something else"))
	stranger := &record.PaymentRecord{ID: "pr_C", ProcessorDetails: mine.ProcessorDetails, Metadata: map[string]string{record.StampSource: "shop"}}
	other, _ := reported(t, "pr_D", payEvent("D", "D", "D"))
	other.Metadata[record.StampSource] = "another source"
	twice1, _ := reported(t, "pr_E1", payEvent("E", "E", "E"))
	twice2, _ := reported(t, "pr_E2", payEvent("E", "E", "E"))
	unasked, _ := reported(t, "pr_F", payEvent("F", "F", "F"))
	a := &account{records: []*record.PaymentRecord{mine, named, stranger, other, twice1, twice2, unasked}}
	book := &shelf{orphans: []string{"A", "B", "C", "D", "E"}}
	s, err := search(t.Context(), book, a, scope, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Searched{Payments: 5, Found: 2, Ambiguous: 1, Records: 7, Requests: 1}, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var got []string
	for _, f := range book.adopted {
		got = append(got, f.RecordID+" "+string(f.Call))
	}
	if diff := cmp.Diff([]string{"pr_A report_payment", "pr_A report_refund", "pr_B report_payment"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// Nothing to look for asks nobody; an account that breaks off adopts nothing.
	a.after = nil
	if s, err := search(t.Context(), &shelf{}, a, scope, "shop"); s != nil || err != nil || len(a.after) != 0 {
		t.Errorf("%+v, %v, %d scans", s, err, len(a.after))
	}
	a.breaks, book = 4, &shelf{orphans: []string{"A"}}
	if s, err := search(t.Context(), book, a, scope, "shop"); err != nil || s.Unread == "" || len(book.adopted) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := search(ctx, book, &account{}, scope, "shop"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
