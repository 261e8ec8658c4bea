package importer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/record"
)

// A desk is a Docket of a few calls. It keeps what was settled.
type desk struct {
	mu      sync.Mutex // guards the fields below
	calls   []record.Doubt
	settled map[string][]record.Outcome
	fail    error // of the next Settle
}

func newDesk(calls ...record.Doubt) *desk {
	return &desk{calls: calls, settled: map[string][]record.Outcome{}}
}

func (d *desk) Doubts(context.Context, string) iter.Seq2[record.Doubt, error] {
	return func(yield func(record.Doubt, error) bool) {
		for i := 0; ; i++ {
			d.mu.Lock()
			if i >= len(d.calls) {
				d.mu.Unlock()
				return
			}
			c := d.calls[i]
			d.mu.Unlock()
			if (c.State == record.UnknownState || c.State == record.Reconciling) && !yield(c, nil) {
				return
			}
		}
	}
}

func (d *desk) Call(_ context.Context, id string) (record.Doubt, error) {
	for _, c := range d.calls {
		if c.ID == id {
			return c, nil
		}
	}
	return record.Doubt{}, errors.New("no such call")
}

func (d *desk) Settle(_ context.Context, id string, epoch int, o record.Outcome) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		return d.fail
	}
	d.settled[id] = append(d.settled[id], o)
	for i := range d.calls {
		if d.calls[i].ID == id {
			d.calls[i].State = o.State
		}
	}
	return nil
}

// last is what a call was settled as, "" if it was not.
func (d *desk) last(id string) record.Outcome {
	if list := d.settled[id]; len(list) > 0 {
		return list[len(list)-1]
	}
	return record.Outcome{}
}

// An account is a Reader of a few records.
type account struct {
	records []*record.PaymentRecord
	after   []int64 // what was asked for
	breaks  int     // the scan fails before this record, from 1
	single  int     // records read singly
	err     error   // of reading singly

	attached string // "in_… pr_…"
}

func (a *account) Attached(_ context.Context, invoice, id string) (bool, error) {
	a.single++
	return a.attached == invoice+" "+id, a.err
}

func (a *account) Records(_ context.Context, after, _ int64) iter.Seq2[*record.PaymentRecord, error] {
	a.after = append(a.after, after)
	return func(yield func(*record.PaymentRecord, error) bool) {
		for i, r := range a.records {
			if i+1 == a.breaks {
				yield(nil, errors.New("no answer"))
				return
			}
			if r.Created >= after && !yield(r, nil) {
				return
			}
		}
	}
}

func (a *account) Record(_ context.Context, id string) (*record.PaymentRecord, error) {
	a.single++
	if a.err != nil {
		return nil, a.err
	}
	for _, r := range a.records {
		if r.ID == id {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", id, ErrNoRecord)
}

var noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

func eur(value int64) record.Amount { return record.Amount{Currency: "eur", Value: value} }

// inDoubtSince makes a report_payment of 10.00 that was sent age ago.
func inDoubtSince(id string, age time.Duration) record.Doubt {
	sent := noon.Add(-age)
	return record.Doubt{
		Op: record.Op{ID: id, Call: record.ReportPayment, Content: "0123456789abcdef", Amount: eur(1000),
			Body: []byte("processor_details%5Bcustom%5D%5Bpayment_reference%5D=ref+" + id)},
		Outcome: record.Outcome{State: record.UnknownState}, FirstSent: sent, LastSent: sent, Since: sent,
	}
}

// recorded is the record that such a call makes.
func recorded(pr, id string, at time.Time) *record.PaymentRecord {
	ref, attempt := "ref "+id, "par_"+pr
	return &record.PaymentRecord{ID: pr, Created: at.Unix(), AmountRequested: eur(1000), LatestPaymentAttemptRecord: &attempt,
		Metadata:         map[string]string{record.StampOp: id, record.StampHash: "0123456789ab"},
		ProcessorDetails: record.ProcessorDetails{Custom: &record.CustomProcessor{PaymentReference: &ref}}}
}

func reconcile(t *testing.T, d *desk, a *account) Reconciled {
	t.Helper()
	r := &Reconciler{Run: "run", Docket: d, Reader: a, Clock: func() time.Time { return noon }}
	sum, err := r.Reconcile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// Each thing that the account can say of a payment in doubt.
func TestReconcilePayments(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name  string
		doubt record.Doubt
		state record.State // before
		found func() []*record.PaymentRecord
		want  record.State // "": not looked up
		why   string
	}{
		{"key still holds", inDoubtSince("a", 22*time.Hour), "", nil, "", ""},
		{"there", inDoubtSince("a", 30*time.Hour), "", func() []*record.PaymentRecord {
			return []*record.PaymentRecord{recorded("pr_1", "a", noon.Add(-30*time.Hour))}
		}, record.Adopted, ""},
		{"there, made late", inDoubtSince("a", 30*time.Hour), "", func() []*record.PaymentRecord {
			return []*record.PaymentRecord{recorded("pr_1", "a", noon.Add(-time.Minute))}
		}, record.Adopted, ""},
		{"a saved 500, young", inDoubtSince("a", time.Minute), record.Reconciling, func() []*record.PaymentRecord {
			return []*record.PaymentRecord{recorded("pr_1", "a", noon)}
		}, record.Adopted, ""},
		{"a saved 500, young and absent", inDoubtSince("a", time.Minute), record.Reconciling, nil, record.Reconciling, ""},
		{"absent, young", inDoubtSince("a", absentAfter-time.Second), "", nil, record.Reconciling, ""},
		{"absent", inDoubtSince("a", absentAfter), "", nil, record.Planned, ""},
		{"absent after days", inDoubtSince("a", 9*day), "", nil, record.Planned, ""},
		{"clock went back", inDoubtSince("a", -2*time.Hour), "", nil, record.Reconciling, ""},
		{"clock went back, there", inDoubtSince("a", -72*time.Hour), "", func() []*record.PaymentRecord {
			return []*record.PaymentRecord{recorded("pr_1", "a", noon.Add(-20*day))}
		}, record.Adopted, ""},
		{"twice", inDoubtSince("a", 2*day), "", func() []*record.PaymentRecord {
			return []*record.PaymentRecord{recorded("pr_1", "a", noon), recorded("pr_2", "a", noon)}
		}, record.ConflictState, "2 records carry its stamp: pr_1, pr_2"},
		{"another amount", inDoubtSince("a", 2*day), "", func() []*record.PaymentRecord {
			r := recorded("pr_1", "a", noon)
			r.AmountRequested = eur(999)
			return []*record.PaymentRecord{r}
		}, record.ConflictState, "999 eur instead of 1000 eur"},
		{"another reference", inDoubtSince("a", 2*day), "", func() []*record.PaymentRecord {
			r := recorded("pr_1", "b", noon)
			r.Metadata[record.StampOp] = "a"
			return []*record.PaymentRecord{r}
		}, record.ConflictState, `the reference "ref b" instead of "ref a"`},
		{"another content", inDoubtSince("a", 2*day), "", func() []*record.PaymentRecord {
			r := recorded("pr_1", "a", noon)
			r.Metadata[record.StampHash] = "ffffffffffff"
			return []*record.PaymentRecord{r}
		}, record.ConflictState, "other content"},
		{"no content stamp", inDoubtSince("a", 2*day), "", func() []*record.PaymentRecord {
			r := recorded("pr_1", "a", noon)
			delete(r.Metadata, record.StampHash)
			return []*record.PaymentRecord{r}
		}, record.Adopted, ""},
		{"the same reference without the stamp", inDoubtSince("a", 2*day), "", func() []*record.PaymentRecord {
			r := recorded("pr_1", "a", noon)
			r.Metadata = map[string]string{"payrec_op": "of another file"}
			return []*record.PaymentRecord{r}
		}, record.Planned, ""},
	} {
		if tt.state != "" {
			tt.doubt.State = tt.state
		}
		d, a := newDesk(tt.doubt), &account{}
		if tt.found != nil {
			a.records = tt.found()
		}
		reconcile(t, d, a)
		got := d.calls[0].State
		if want := tt.want; want == "" && len(a.after) > 0 || want != "" && got != want {
			t.Errorf("%s: %s after %d scans, want %q", tt.name, got, len(a.after), want)
		}
		if !strings.Contains(d.last("a").Message, tt.why) {
			t.Errorf("%s: %q, want %q", tt.name, d.last("a").Message, tt.why)
		}
		if got == record.Adopted && (d.last("a").RecordID != "pr_1" || d.last("a").ObjectID != "par_pr_1") {
			t.Errorf("%s: %+v", tt.name, d.last("a"))
		}
	}
}

// One scan serves all payments in doubt, from before the first of them; what it
// costs and when to ask again is said.
func TestReconcileScansOnce(t *testing.T) {
	var calls []record.Doubt
	a := &account{}
	for i := range 250 {
		id := fmt.Sprintf("op%03d", i)
		calls = append(calls, inDoubtSince(id, 40*time.Hour-time.Duration(i)*5*time.Minute))
		if i%2 == 0 {
			a.records = append(a.records, recorded("pr_"+id, id, noon.Add(-40*time.Hour)))
		}
	}
	sum := reconcile(t, newDesk(calls...), a)
	again := calls[203].LastSent.Add(absentAfter)
	want := Reconciled{Calls: 205, Adopted: 103, Absent: 95, Waiting: 7, Requests: 2, AskAgain: &again}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{noon.Add(-40*time.Hour - lookBack).Unix()}, a.after); diff != "" {
		t.Errorf("scans from (-want +got):\n%s", diff)
	}
}

// A scan that broke off proves nothing, not even what it found.
func TestBrokenScanSettlesNothing(t *testing.T) {
	d := newDesk(inDoubtSince("a", 48*time.Hour), inDoubtSince("b", 48*time.Hour))
	a := &account{records: []*record.PaymentRecord{recorded("pr_1", "a", noon), recorded("pr_2", "c", noon)}, breaks: 2}
	sum := reconcile(t, d, a)
	if sum.Adopted+sum.Absent+sum.Conflicts != 0 || !strings.Contains(sum.Unread, "no answer") {
		t.Errorf("%+v", sum)
	}
	for _, c := range d.calls {
		if c.State != record.Reconciling {
			t.Errorf("%s is %s", c.ID, c.State)
		}
	}
}

// A journal that cannot be written, and an interrupt, end it.
func TestReconcileStops(t *testing.T) {
	d := newDesk(inDoubtSince("a", 48*time.Hour))
	d.fail = errors.New("disk full")
	r := &Reconciler{Docket: d, Reader: &account{}, Clock: func() time.Time { return noon }}
	if _, err := r.Reconcile(t.Context()); !errors.Is(err, d.fail) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Docket = newDesk(inDoubtSince("a", 48*time.Hour))
	if _, err := r.Reconcile(ctx); !errors.Is(err, ErrInterrupted) {
		t.Errorf("error %v", err)
	}
}

// later makes a call on an existing payment that is in doubt.
func later(call record.CallName, change func(*record.Doubt)) record.Doubt {
	d := inDoubtSince("x", 48*time.Hour)
	d.Call, d.Target, d.Before = call, "pr_1", "par_pr_1"
	if change != nil {
		change(&d)
	}
	return d
}

func refundStamp(op string, value int64) func(*record.PaymentRecord) {
	return func(r *record.PaymentRecord) {
		k, v := record.RefundStamp{Op: op, Value: value, Currency: "eur"}.Pair()
		r.Metadata[k] = v
	}
}

// Each later call against what its record can say.
func TestCompare(t *testing.T) {
	const absent = record.Planned
	status := func(guaranteed, failed, canceled, refunded int64) func(*record.PaymentRecord) {
		return func(r *record.PaymentRecord) {
			r.AmountGuaranteed, r.AmountFailed, r.AmountCanceled, r.AmountRefunded = eur(guaranteed), eur(failed), eur(canceled), eur(refunded)
		}
	}
	own := func(r *record.PaymentRecord) {
		k, v := record.CallStamp{Op: "x", Call: record.ReportPaymentAttemptFailed}.Pair()
		r.Metadata[k] = v
	}
	moved := func(r *record.PaymentRecord) { next := "par_next"; r.LatestPaymentAttemptRecord = &next }
	others := func(d *record.Doubt) { d.Others = 1 }
	before := func(n int64) func(*record.Doubt) { return func(d *record.Doubt) { d.Refunded = n } }
	const (
		guaranteed = record.ReportPaymentAttemptGuaranteed
		failed     = record.ReportPaymentAttemptFailed
		canceled   = record.ReportPaymentAttemptCanceled
		attempt    = record.ReportPaymentAttempt
		info       = record.ReportPaymentAttemptInformational
		refund     = record.ReportRefund
	)
	type changes []func(*record.PaymentRecord)
	for _, tt := range []struct {
		name   string
		call   record.CallName
		doubt  func(*record.Doubt)
		record changes
		want   record.State
	}{
		{"guaranteed", guaranteed, nil, changes{status(1000, 0, 0, 0)}, record.Adopted},
		{"guaranteed, refunded since", guaranteed, nil, changes{status(1000, 0, 0, 1000)}, record.Adopted},
		{"guaranteed, the refund lowered it", guaranteed, nil, changes{status(600, 0, 0, 400)}, record.Adopted},
		{"not yet guaranteed", guaranteed, nil, nil, absent},
		{"guaranteed, but failed", guaranteed, nil, changes{status(0, 1000, 0, 0)}, record.ConflictState},
		{"failed", failed, nil, changes{status(0, 1000, 0, 0)}, record.Adopted},
		{"failed, but guaranteed", failed, nil, changes{status(1000, 0, 0, 0)}, record.ConflictState},
		{"failed twice", failed, others, changes{status(0, 1000, 0, 0)}, record.ConflictState},
		{"failed twice, stamped", failed, others, changes{status(0, 1000, 0, 0), own}, record.Adopted},
		{"failed, another attempt since", failed, nil, changes{status(0, 1000, 0, 0), moved}, record.ConflictState},
		{"failed, stamped, another attempt since", failed, nil, changes{own, moved}, record.Adopted},
		{"canceled", canceled, nil, changes{status(0, 0, 1000, 0)}, record.Adopted},
		{"not canceled", canceled, nil, nil, absent},
		{"a new attempt", attempt, nil, changes{moved}, record.Adopted},
		{"no new attempt", attempt, nil, nil, absent},
		{"attempt before unknown", attempt, func(d *record.Doubt) { d.Before = "" }, changes{moved}, record.ConflictState},
		{"attempt before unknown, stamped", attempt, func(d *record.Doubt) { d.Before = "" }, changes{own}, record.Adopted},
		{"informational", info, nil, nil, absent},
		{"informational, stamped", info, nil, changes{own}, record.Adopted},

		{"refund, stamped", refund, nil, changes{refundStamp("x", 1000)}, record.Adopted},
		{"refund, stamped with another amount", refund, nil, changes{refundStamp("x", 900)}, record.ConflictState},
		{"refund, stamped, among others in doubt", refund, others, changes{status(1000, 0, 0, 1000), refundStamp("x", 1000)}, record.Adopted},
		{"refund by amount", refund, nil, changes{status(1000, 0, 0, 1000)}, record.Adopted},
		{"refund by amount after another", refund, before(500), changes{status(2000, 0, 0, 1500)}, record.Adopted},
		{"no refund", refund, nil, nil, absent},
		{"no refund after another", refund, before(500), changes{status(2000, 0, 0, 500)}, absent},
		{"no refund, others in doubt", refund, others, nil, absent},
		{"refund by amount, others in doubt", refund, others, changes{status(2000, 0, 0, 1000)}, record.ConflictState},
		{"refund of another amount", refund, nil, changes{status(2000, 0, 0, 700)}, record.ConflictState},
		{"less refunded than reported", refund, before(500), changes{status(2000, 0, 0, 400)}, record.ConflictState},
		{"refunded by somebody else", refund, nil, changes{status(2000, 0, 0, 1000), refundStamp("y", 1000)}, record.ConflictState},
		{"the rest", refund, func(d *record.Doubt) { d.Amount = record.Amount{}; d.Refunded = 300 }, changes{status(1000, 0, 0, 1000)}, record.Adopted},
	} {
		r := recorded("pr_1", "parent", noon)
		for _, change := range tt.record {
			change(r)
		}
		d := newDesk(later(tt.call, tt.doubt))
		sum := reconcile(t, d, &account{records: []*record.PaymentRecord{r}})
		if got := d.calls[0].State; got != tt.want || sum.Requests != 1 || sum.Calls != 1 {
			t.Errorf("%s: %s (%s), want %s; %+v", tt.name, got, d.last("x").Message, tt.want, sum)
		}
	}
}

// Young later calls wait as well; a record that is gone is for a person; an
// account that does not answer leaves the doubt.
func TestReconcileLaterCalls(t *testing.T) {
	young := later(record.ReportRefund, func(d *record.Doubt) { d.FirstSent = noon.Add(-time.Hour); d.State = record.Reconciling })
	young.LastSent = young.FirstSent
	old := later(record.ReportRefund, nil)
	for _, tt := range []struct {
		name  string
		doubt record.Doubt
		a     *account
		want  record.State
	}{
		{"young", young, &account{records: []*record.PaymentRecord{recorded("pr_1", "p", noon)}}, record.Reconciling},
		{"gone", old, &account{}, record.ConflictState},
		{"no answer", old, &account{err: errors.New("no answer")}, record.Reconciling},
	} {
		d := newDesk(tt.doubt)
		sum := reconcile(t, d, tt.a)
		if d.calls[0].State != tt.want || (sum.Unread != "") != (tt.a.err != nil) {
			t.Errorf("%s: %s, %+v", tt.name, d.calls[0].State, sum)
		}
	}
}

// attach_payment in doubt is looked up at its invoice, by a run and for a person.
func TestAttachIsLookedUp(t *testing.T) {
	attach := later(record.AttachPayment, func(d *record.Doubt) { d.Body = []byte("invoice=in_1") })
	attach.Target = "pr_1"
	for _, tt := range []struct {
		name string
		a    *account
		want record.State
	}{
		{"there", &account{attached: "in_1 pr_1"}, record.Adopted},
		{"another payment there", &account{attached: "in_1 pr_2"}, record.Planned},
		{"no answer", &account{err: errors.New("no answer")}, record.Reconciling},
	} {
		d := newDesk(attach)
		sum := reconcile(t, d, tt.a)
		if d.calls[0].State != tt.want || sum.Requests != 1 || (sum.Unread != "") != (tt.a.err != nil) {
			t.Errorf("%s: %s, %+v", tt.name, d.calls[0].State, sum)
		}
		l, err := LookUp(t.Context(), tt.a, attach, noon)
		if (err != nil) != (tt.a.err != nil) || l.There != (tt.want == record.Adopted) || l.There && l.RecordID != "pr_1" {
			t.Errorf("%s: %+v, %v", tt.name, l, err)
		}
	}
	if got := Doubtful(attach, recorded("pr_2", "p", noon)); got == "" {
		t.Error("another record was taken for the one that it was sent for")
	}
}

// Whatever becomes of attach_payment, the payment's later steps go on. One that
// was never sent is looked up first where the journal knows the payment from the
// account only: a lost journal may have made it.
func TestAttachParksNothing(t *testing.T) {
	refused := Answer{Verdict: Refused, Outcome: record.Outcome{HTTPStatus: 400, Message: "already paid"}}
	done := Answer{Verdict: Done}
	const fromHere = "par_1"
	for _, tt := range []struct {
		name    string
		step    record.Step
		before  string // the attempt that the journal knows
		answers []Answer
		a       *account
		want    record.State
		sent    int
		refund  record.State
	}{
		{"attached", step("i", record.AttachPayment), fromHere, []Answer{done}, &account{}, record.Confirmed, 1, record.Confirmed},
		{"paid already", step("i", record.AttachPayment), fromHere, []Answer{refused}, &account{}, record.Rejected, 1, record.Confirmed},
		{"in doubt", step("i", record.AttachPayment), fromHere, []Answer{{Verdict: InDoubt, MayHaveRun: true}}, &account{}, record.UnknownState, tries, record.Confirmed},
		{"in doubt, then refused, and there", step("i", record.AttachPayment), fromHere, []Answer{{Verdict: InDoubt, MayHaveRun: true}, refused}, &account{attached: "in_1 pr_1"}, record.Adopted, 2, record.Confirmed},
		{"in doubt, then refused, and not there", step("i", record.AttachPayment), fromHere, []Answer{{Verdict: InDoubt, MayHaveRun: true}, refused}, &account{}, record.Rejected, 2, record.Confirmed},
		{"refused before", record.Step{Op: record.Op{ID: "i", Call: record.AttachPayment}, State: record.Rejected}, fromHere, nil, &account{}, record.Rejected, 0, record.Confirmed},
		{"payment adopted, attached", step("i", record.AttachPayment), "", nil, &account{attached: "in_1 pr_1"}, record.Adopted, 0, record.Confirmed},
		{"payment adopted, not attached", step("i", record.AttachPayment), "", []Answer{done}, &account{}, record.Confirmed, 1, record.Confirmed},
		{"payment adopted, nobody knows", step("i", record.AttachPayment), "", nil, &account{err: errors.New("no permission")}, record.ConflictState, 0, record.Confirmed},
		{"payment adopted, a person decided", record.Step{Op: record.Op{ID: "i", Call: record.AttachPayment}, State: record.Planned, Epoch: 1}, "", []Answer{done}, &account{err: errors.New("no permission")}, record.Confirmed, 1, record.Confirmed},
	} {
		l := lane(tt.step, step("r", record.ReportRefund))
		l.RecordID = "pr_1"
		l.Steps[0].Body = []byte("invoice=in_1")
		m := newMemory(t, l)
		s := &script{answers: map[string][]Answer{"i": tt.answers}}
		a := applier(m, s)
		d := later(record.AttachPayment, func(d *record.Doubt) { d.Body, d.Before = []byte("invoice=in_1"), tt.before })
		d.ID = "i"
		a.Docket, a.Reader = newDesk(d), tt.a
		if _, err := a.Apply(t.Context()); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if m.state["i"] != tt.want || m.state["r"] != tt.refund || len(s.sent) != tt.sent+1 {
			t.Errorf("%s: attach %s, refund %s, sent %q; want %s, %s", tt.name, m.state["i"], m.state["r"], s.sent, tt.want, tt.refund)
		}
	}
}

// A refusal of a transition that was in doubt is held against the record: the
// try before may have been the reason.
func TestRefusalInDoubtIsCompared(t *testing.T) {
	refused := Answer{Verdict: Refused, Outcome: record.Outcome{HTTPStatus: 400, Message: "already guaranteed"}}
	replayed := refused
	replayed.Replayed = true
	done := recorded("pr_1", "p", noon)
	done.AmountGuaranteed = eur(1000)
	failed := recorded("pr_1", "p", noon)
	failed.AmountFailed = eur(1000)
	for _, tt := range []struct {
		name    string
		answers []Answer
		a       *account
		want    record.State
		reads   int
	}{
		{"it had happened", []Answer{{Verdict: InDoubt, MayHaveRun: true}, refused}, &account{records: []*record.PaymentRecord{done}}, record.Adopted, 1},
		{"it had not", []Answer{{Verdict: InDoubt, MayHaveRun: true}, refused}, &account{records: []*record.PaymentRecord{recorded("pr_1", "p", noon)}}, record.Rejected, 1},
		{"something else had", []Answer{{Verdict: InDoubt, MayHaveRun: true}, refused}, &account{records: []*record.PaymentRecord{failed}}, record.ConflictState, 1},
		{"nobody knows", []Answer{{Verdict: InDoubt, MayHaveRun: true}, refused}, &account{err: errors.New("no answer")}, record.UnknownState, 1},
		{"never in doubt", []Answer{refused}, &account{records: []*record.PaymentRecord{done}}, record.Rejected, 0},
		{"the first answer again", []Answer{{Verdict: InDoubt, MayHaveRun: true}, replayed}, &account{records: []*record.PaymentRecord{done}}, record.Rejected, 0},
	} {
		g := step("g", record.ReportPaymentAttemptGuaranteed)
		l := lane(g, step("r", record.ReportRefund))
		l.RecordID = "pr_1"
		m := newMemory(t, l)
		a := applier(m, &script{answers: map[string][]Answer{"g": tt.answers}})
		d := later(g.Call, nil)
		d.ID = "g"
		a.Docket, a.Reader = newDesk(d), tt.a
		if _, err := a.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m.state["g"] != tt.want || tt.a.single != tt.reads {
			t.Errorf("%s: %s after %d reads, want %s", tt.name, m.state["g"], tt.a.single, tt.want)
		}
		if went := m.state["r"] == record.Confirmed; went != (tt.want == record.Adopted) {
			t.Errorf("%s: the next step is %s", tt.name, m.state["r"])
		}
	}
}
