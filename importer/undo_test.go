package importer

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/record"
)

// A sheet is a Book that keeps what was added.
type sheet struct{ ops []record.Op }

func (s *sheet) Run() string                                         { return "run_undo" }
func (s *sheet) Add(_ context.Context, op record.Op) error           { s.ops = append(s.ops, op); return nil }
func (s *sheet) Block(context.Context, string, string, string) error { return nil }
func (s *sheet) Seal(context.Context) ([]record.Tally, error)        { return nil, nil }
func (s *sheet) Discard(context.Context) error                       { return nil }
func (s *sheet) Entries(context.Context, ...record.Disposition) iter.Seq2[record.Entry, error] {
	return each[record.Entry]()
}

func done(id, pr string, call record.CallName, state record.State, d record.Disposition) record.Entry {
	return record.Entry{Op: record.Op{ID: id, Source: "shop", Payment: "pay " + pr, Call: call, File: "a.csv", Line: 3},
		Outcome: record.Outcome{State: state, RecordID: pr}, Disposition: d, FirstSent: noon.Add(-time.Hour)}
}

// Each payment of a run is taken back as far as it can be; what is not the
// run's own stays.
func TestUndo(t *testing.T) {
	at := func(pr string, guaranteed, failed, canceled, refunded int64) *record.PaymentRecord {
		r := recorded(pr, "", noon)
		r.AmountGuaranteed, r.AmountFailed, r.AmountCanceled, r.AmountRefunded = eur(guaranteed), eur(failed), eur(canceled), eur(refunded)
		return r
	}
	undone := at("pr_9", 1000, 0, 0, 1000)
	undone.Metadata[record.StampUndo] = "run_1"
	old := at("pr_old", 1000, 0, 0, 0)
	old.Created = noon.Add(-90 * time.Hour).Unix() // created long before the run says it was sent
	a := &account{records: []*record.PaymentRecord{
		at("pr_1", 0, 0, 0, 0), at("pr_2", 1000, 0, 0, 0), at("pr_3", 1000, 0, 0, 400), at("pr_4", 600, 0, 0, 400),
		at("pr_5", 0, 1000, 0, 0), at("pr_6", 0, 0, 1000, 0), at("pr_7", 1000, 0, 0, 1000), undone, old, at("pr_x", 1000, 0, 0, 0),
	}}
	const pay, new = record.ReportPayment, record.New
	entries := each(
		done("o1", "pr_1", pay, record.Confirmed, new), done("o2", "pr_2", pay, record.Adopted, record.Retry), done("o3", "pr_3", pay, record.Confirmed, new),
		done("r3", "pr_3", record.ReportRefund, record.Confirmed, new),
		done("o4", "pr_4", pay, record.Confirmed, new), done("o5", "pr_5", pay, record.Confirmed, new), done("o6", "pr_6", pay, record.Confirmed, new),
		done("o7", "pr_7", pay, record.Confirmed, new), done("o9", "pr_9", pay, record.Confirmed, new), done("oo", "pr_old", pay, record.Confirmed, new),
		done("rx", "pr_x", record.ReportRefund, record.Confirmed, new), // of a payment of another run
		done("s", "pr_x", pay, record.Confirmed, record.Same),
		done("u", "pr_u", pay, record.UnknownState, new), done("j", "", pay, record.Rejected, new), done("p", "", pay, record.Planned, new))
	book := &sheet{}
	u := &Undoer{Run: "run_1", Scope: scope, Entries: entries, Reader: a, Book: book, Clock: func() time.Time { return noon }}
	sum, err := u.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := Undone{Payments: 9, Cancel: 1, Refund: 4, Mark: 3, Already: 1, Left: 1, Open: 1, Requests: 2}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var got []string
	for _, op := range book.ops {
		got = append(got, op.Payment+" "+string(op.Call)+" "+op.Amount.Money().Text())
		if op.Call == record.ReportRefund && formField(op.Body, "processor_details[custom][refund_reference]") != "payrec-undo-"+op.Natural[len("undo/"):] {
			t.Errorf("%s", op.Body)
		}
		if formField(op.Body, "metadata[payrec_undo]") != "run_1" {
			t.Errorf("%s", op.Body)
		}
	}
	wantOps := []string{
		"pay pr_1 report_payment_attempt_canceled 0.00", "pay pr_2 report_refund 10.00", "pay pr_3 report_refund 6.00", "pay pr_4 report_refund 6.00",
		"pay pr_5 report_payment_attempt_informational 0.00", "pay pr_6 report_payment_attempt_informational 0.00", "pay pr_7 report_payment_attempt_informational 0.00",
		"pay pr_old report_refund 10.00",
	}
	if diff := cmp.Diff(wantOps, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// The same undo has the same operations: planned twice, it is done once.
	first := book.ops
	book.ops = nil
	if _, err := u.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, book.ops); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

// Half an account plans nothing.
func TestUndoNeedsTheWholeAccount(t *testing.T) {
	e := done("o1", "pr_1", record.ReportPayment, record.Confirmed, record.New)
	for _, a := range []*account{{records: []*record.PaymentRecord{recorded("pr_1", "", noon)}, breaks: 1}, {}, {err: errors.New("no answer")}} {
		book := &sheet{}
		u := &Undoer{Run: "run_1", Scope: scope, Entries: each(e), Reader: a, Book: book}
		if _, err := u.Plan(t.Context()); err == nil || len(book.ops) != 0 {
			t.Errorf("%v, %d calls", err, len(book.ops))
		}
	}
}
