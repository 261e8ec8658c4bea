package exporter

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"
	"github.com/xuri/excelize/v2"

	"github.com/payrec/payrec/internal/extsort"
	"github.com/payrec/payrec/record"
)

var may5 = time.Date(2026, 5, 5, 12, 0, 0, 0, time.UTC)

func paid(key string, value int64) Claim {
	return Claim{Payment: key, Call: record.ReportPayment, ID: key, Op: "op-" + key, Reference: key, Amount: record.Amount{Currency: "eur", Value: value}, At: may5, File: "f.csv", Line: 2}
}

func refundOf(key, id string, value int64) Claim {
	return Claim{Payment: key, Call: record.ReportRefund, ID: id, Op: "op-" + id, Reference: id, Amount: record.Amount{Currency: "eur", Value: value}, At: may5, File: "f.csv", Line: 3}
}

// recorded is a record as an import would leave it, with refunds of the given
// ids and values.
func recorded(id, reference string, value int64, refunds ...any) *record.PaymentRecord {
	r := simple(id, may5.Unix(), record.StampSource, "test", record.StampGuaranteedAt, may5.Format(time.RFC3339))
	r.AmountRequested.Value, r.AmountGuaranteed.Value = value, value
	r.ProcessorDetails = record.ProcessorDetails{Type: "custom", Custom: &record.CustomProcessor{PaymentReference: &reference}}
	for i := 0; i+1 < len(refunds); i += 2 {
		s := record.RefundStamp{Op: "op-" + refunds[i].(string), Reference: refunds[i].(string), Value: int64(refunds[i+1].(int)), Currency: "eur", At: may5.Format(time.RFC3339)}
		k, v := s.Pair()
		r.Metadata[k] = v
		r.AmountRefunded.Value += s.Value
	}
	return r
}

func with(r *record.PaymentRecord, change func(*record.PaymentRecord)) *record.PaymentRecord {
	change(r)
	return r
}

func unstamped(r *record.PaymentRecord) { r.Metadata = nil }
func more(value int64) func(*record.PaymentRecord) {
	return func(r *record.PaymentRecord) { r.AmountRefunded.Value += value }
}

func reconcile(t *testing.T, o ReconcileOptions, limit int, claims []Claim, known []Known, records ...*record.PaymentRecord) *Reconciliation {
	t.Helper()
	o.Source = "test"
	r, err := NewReconciler(o)
	if err != nil {
		t.Fatal(err)
	}
	r.main.Limit, r.byReference.Limit = limit, limit
	t.Cleanup(func() { r.Close() })
	for _, c := range claims {
		if err := r.Claim(c); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range known {
		if err := r.Know(k); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Read(t.Context(), &fake{records: records}, nil); err != nil {
		t.Fatal(err)
	}
	result, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { result.Close() })
	return result
}

func TestReconcile(t *testing.T) {
	claims := func(c ...Claim) []Claim { return c }
	in := func(c Claim, code record.Currency) Claim { c.Amount.Currency = code; return c }
	known := func(call record.CallName, op string, value int64, s record.State) Known {
		return Known{Payment: "A", Call: call, Op: op, Amount: record.Amount{Currency: "eur", Value: value}, State: s}
	}
	for _, tt := range []struct {
		name    string
		claims  []Claim
		known   []Known
		records []*record.PaymentRecord
		within  bool
		want    string // state: detail that must be there; "" for no line
	}{
		{"the same", claims(paid("A", 500)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500)}, true, "matched:"},
		{"the same record read twice", claims(paid("A", 500)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 400), recorded("pr_1", "A", 500)}, true, "matched:"},
		{"the same row in two files", claims(paid("A", 500), paid("A", 500)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500)}, true, "matched:"},
		{"missing", claims(paid("A", 500)), nil, nil, true, "missing at Stripe: the payment is not in the account"},
		{"missing, refused", claims(paid("A", 500)), []Known{{Payment: "A", Call: record.ReportPayment, Op: "op-A", State: record.Rejected, Note: "amount too small"}}, nil, true, "missing at Stripe: the journal says: rejected: amount too small"},
		{"only the journal has it", nil, []Known{known(record.ReportPayment, "op-A", 500, record.Confirmed)}, nil, true, ""},
		{"not in file", nil, nil, []*record.PaymentRecord{recorded("pr_1", "A", 500)}, true, ""}, // no file, no days
		{"not in file, on its days", claims(paid("B", 1)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500)}, true, "not in file: 5.00 EUR"},
		{"not in file, no period", claims(paid("B", 1)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500)}, false, ""},
		{"in the file, but rejected", claims(paid("B", 1), Claim{Payment: "A"}), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500)}, true, ""},
		{"of another source", claims(paid("B", 1)), nil, []*record.PaymentRecord{with(recorded("pr_1", "A", 500), func(r *record.PaymentRecord) { r.Metadata[record.StampSource] = "other" })}, true, ""},
		{"of no source", claims(paid("B", 1)), nil, []*record.PaymentRecord{with(recorded("pr_1", "A", 500), unstamped)}, true, ""},
		{"amount", claims(paid("A", 500)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 501)}, true, "amount mismatch: 5.00 EUR in the file, 5.01 EUR at Stripe"},
		{"two amounts in the files", claims(paid("A", 500), paid("A", 501)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500)}, true, "amount mismatch: the files contradict each other"},
		{"two payments of one key", claims(paid("A", 500), Claim{Payment: "A", Call: record.ReportPayment, ID: "A2", Amount: record.Amount{Currency: "eur", Value: 500}}), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500)}, true, "duplicate: the files report it twice"},
		{"currency", claims(in(paid("A", 500), "usd")), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500)}, true, "currency mismatch: 5.00 USD in the file, 5.00 EUR at Stripe"},
		{"duplicate", claims(paid("A", 500)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500), with(recorded("pr_2", "A", 500), unstamped)}, true, "duplicate: 2 records are this payment: pr_1, pr_2"},
		{"duplicate of another amount", claims(paid("A", 501)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500), recorded("pr_2", "A", 500)}, true, "duplicate: 5.01 EUR in the file"},
		{"another key, by its stamp", claims(Claim{Payment: "A", Call: record.ReportPayment, ID: "A", Reference: "ref", Amount: record.Amount{Currency: "eur", Value: 500}}), nil,
			[]*record.PaymentRecord{with(recorded("pr_1", "ref", 500), func(r *record.PaymentRecord) { r.Metadata[record.StampPayment] = "A" })}, true, "matched:"},
		{"another key, by its reference", claims(Claim{Payment: "A", Call: record.ReportPayment, ID: "A", Reference: "ref", Amount: record.Amount{Currency: "eur", Value: 500}}), nil,
			[]*record.PaymentRecord{with(recorded("pr_1", "ref", 500), unstamped)}, true, "matched:"},
		{"processed by Stripe", claims(paid("A", 500)), nil, []*record.PaymentRecord{with(recorded("pr_1", "A", 500), func(r *record.PaymentRecord) { r.ReportedBy = "stripe" })}, true, "missing at Stripe:"},

		{"refund", claims(paid("A", 500), refundOf("A", "R", 200)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500, "R", 200)}, true, "matched:"},
		{"refund alone", claims(refundOf("A", "R", 200)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500, "R", 200)}, true, "matched:"},
		{"refund of nothing", claims(refundOf("A", "R", 200)), nil, nil, true, "missing at Stripe: the payment of this refund is not in the account"},
		{"refund not there", claims(paid("A", 500), refundOf("A", "R", 200)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500)}, true, `refund mismatch: the refund "R" of 2.00 EUR is not at Stripe`},
		{"refund of another amount", claims(paid("A", 500), refundOf("A", "R", 200)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500, "R", 100)}, true, `refund mismatch: the refund "R" is 2.00 EUR in the file, 1.00 EUR at Stripe`},
		{"refund without its stamp", claims(paid("A", 500), refundOf("A", "R", 200)), nil, []*record.PaymentRecord{with(recorded("pr_1", "A", 500), more(200))}, true, "matched:"},
		{"refund of all", claims(paid("A", 500), Claim{Payment: "A", Call: record.ReportRefund, ID: "R"}), nil, []*record.PaymentRecord{with(recorded("pr_1", "A", 500), more(500))}, true, "matched:"},
		{"refund by hand", claims(paid("A", 500)), nil, []*record.PaymentRecord{with(recorded("pr_1", "A", 500), more(70))}, true, "refund mismatch: Stripe has refunded 0.70 EUR that neither"},
		{"refund that the journal knows", claims(paid("A", 500)), []Known{known(record.ReportRefund, "op-X", 70, record.Confirmed)}, []*record.PaymentRecord{with(recorded("pr_1", "A", 500), more(70))}, true, "matched:"},
		{"refund that the journal saw refused", claims(paid("A", 500)), []Known{known(record.ReportRefund, "op-X", 70, record.Rejected)}, []*record.PaymentRecord{with(recorded("pr_1", "A", 500), more(70))}, true, "refund mismatch:"},
		{"refund not in the files, on their days", claims(paid("A", 500)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500, "R", 100)}, true, `refund mismatch: the refund "R" of 1.00 EUR on 2026-05-05 is at Stripe, not in the files`},
		{"refund not in the files, no period", claims(paid("A", 500)), nil, []*record.PaymentRecord{recorded("pr_1", "A", 500, "R", 100)}, false, "matched:"},
		{"fewer refunded than stamped", claims(paid("A", 500), refundOf("A", "R", 200)), nil, []*record.PaymentRecord{with(recorded("pr_1", "A", 500, "R", 200), more(-200))}, true, "refund mismatch: the stamps of its refunds come to 2.00 EUR more"},
		{"two refunds, one missing, one by hand", claims(paid("A", 500), refundOf("A", "R", 200), refundOf("A", "S", 100)), nil, []*record.PaymentRecord{with(recorded("pr_1", "A", 500, "R", 200), more(50))}, true, `refund mismatch: the refund "S" of 1.00 EUR is not at Stripe`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, limit := range []int{1, extsort.DefaultLimit} {
				result := reconcile(t, ReconcileOptions{Within: tt.within}, limit, tt.claims, tt.known, tt.records...)
				got := ""
				for item, err := range result.Items() {
					if err != nil {
						t.Fatal(err)
					}
					if item.Payment == "A" {
						got = string(item.State) + ": " + strings.Join(item.Details, "; ")
					}
				}
				state, detail, _ := strings.Cut(tt.want, ": ")
				if !strings.HasPrefix(got, state) || !strings.Contains(got, detail) || got == "" != (tt.want == "") {
					t.Errorf("limit %d: %q, want %q", limit, got, tt.want)
				}
			}
		})
	}
}

// TestReconcileKeepsAccount: states, sums and files of a reconciliation agree
// with each other, with what was planted, and with a second one that sorts on disk.
func TestReconcileKeepsAccount(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	var claims []Claim
	var records []*record.PaymentRecord
	want := map[ReconcileState]int{}
	for i := range 3000 {
		key := fmt.Sprintf("P%05d", i)
		state := ReconcileStates()[min(rng.IntN(40), 6)]
		want[state]++
		claim, rec := paid(key, int64(100+i)), recorded("pr_"+key, key, int64(100+i))
		switch state {
		case AmountMismatch:
			claim.Amount.Value++
		case CurrencyMismatch:
			claim.Amount.Currency = "usd"
		case RefundMismatch:
			claims = append(claims, refundOf(key, "R"+key, 50))
		case DuplicatePayment:
			records = append(records, recorded("pr_x"+key, key, int64(100+i)))
		}
		if state != NotInFile {
			claims = append(claims, claim)
		}
		if state != MissingAtStripe {
			records = append(records, rec)
		}
	}
	rng.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	var files [2]string
	for n, limit := range []int{extsort.DefaultLimit, 5000} {
		result := reconcile(t, ReconcileOptions{Within: true}, limit, claims, nil, records...)
		got := map[ReconcileState]int{}
		for _, l := range result.Summary.Lines {
			got[l.State] += l.Count
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("limit %d (-planted +found)\n%s", limit, d)
		}
		if result.Summary.Payments != 3000 || result.Summary.Open != 3000-want[Matched] {
			t.Errorf("%+v", result.Summary)
		}
		files[n] = checkReconcileFiles(t, result)
	}
	if files[0] != files[1] {
		t.Error("sorting on disk changes the file")
	}
}

func checkReconcileFiles(t *testing.T, result *Reconciliation) string {
	t.Helper()
	var text, object, book bytes.Buffer
	for _, err := range []error{result.WriteCSV(&text), result.WriteJSON(&object), result.WriteWorkbook(&book)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(text.Bytes())).ReadAll()
	if err != nil || len(rows) != result.Summary.Payments+1 {
		t.Errorf("%d lines of CSV, %v", len(rows), err)
	}
	var parsed struct {
		Summary  ReconcileSummary
		Payments []Item
	}
	if err := json.Unmarshal(object.Bytes(), &parsed); err != nil || len(parsed.Payments) != result.Summary.Payments {
		t.Errorf("%d payments in JSON, %v", len(parsed.Payments), err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(book.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for sheet, n := range map[string]int{"Open": result.Summary.Open, "All payments": result.Summary.Payments} {
		sheetRows := rawRows(t, f, sheet)
		n := n + 1 // with its header
		if i := slices.IndexFunc(sheetRows, func(r []string) bool { return len(r) == 0 }); i != n {
			t.Errorf("sheet %s has %d lines, want %d", sheet, i, n)
		}
	}
	if got := cellAt(rawRows(t, f, "Summary")[1], 0); !strings.HasPrefix(got, fmt.Sprint(result.Summary.Open, " of 3000 payments are open")) {
		t.Errorf("the summary says %q", got)
	}
	return text.String()
}

func TestReconcilePayouts(t *testing.T) {
	r, err := NewReconciler(ReconcileOptions{Source: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, row := range []struct {
		file, class string
		value       int64
	}{{"a.csv", "payment", 1000}, {"a.csv", "fee", -30}, {"a.csv", "payout", -900}, {"b.csv", "payment", 5}} {
		m := record.Amount{Currency: "eur", Value: row.value}.Money()
		if err := r.Row(row.file, row.class, false, false, &m); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Row("a.csv", "", true, false, nil); err != nil {
		t.Fatal(err)
	}
	result, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	if len(result.Payouts) != 1 || result.Summary.Unread != 1 {
		t.Fatalf("%+v %+v", result.Payouts, result.Summary)
	}
	if p := result.Payouts[0]; p.Settled != 0 || p.MovementsText != "9.70" || p.PaidText != "-9.00" || p.LeftText != "0.70" {
		t.Errorf("%+v", p)
	}
}

// TestReconcilePayoutsAgainstStripe: what the file's rows come to stands beside the
// nets that the account knows of the same file.
func TestReconcilePayoutsAgainstStripe(t *testing.T) {
	r, err := NewReconciler(ReconcileOptions{Source: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, row := range []struct {
		class string
		value int64
	}{{"payment", 970}, {"payment", 485}, {"payment", 100}, {"refund", -310}, {"fee", -5}, {"payout", -1240}} {
		m := record.Amount{Currency: "eur", Value: row.value}.Money()
		if err := r.Row("a.csv", row.class, false, false, &m); err != nil {
			t.Fatal(err)
		}
	}
	net := func(rec *record.PaymentRecord, file, net string) *record.PaymentRecord {
		rec.Metadata[record.StampFile] = file
		if net != "" {
			rec.Metadata[record.StampNet], rec.Metadata[record.StampNetCurrency] = net, "eur"
		}
		return rec
	}
	refunded := net(recorded("pr_1", "A", 1000), "a.csv", "9.70")
	key, value := record.RefundStamp{Op: "op-R", Reference: "R", Value: 300, Currency: "eur", Fee: "0.10", Row: "a.csv:9", At: may5.Format(time.RFC3339)}.Pair()
	refunded.Metadata[key], refunded.AmountRefunded.Value = value, 300
	src := &fake{records: []*record.PaymentRecord{refunded, net(recorded("pr_2", "B", 500), "a.csv", "4.85"), net(recorded("pr_3", "C", 110), "a.csv", ""), net(recorded("pr_4", "D", 700), "b.csv", "6.90"), refunded}}
	for _, c := range []Claim{paid("A", 1000), paid("B", 500), paid("C", 110), refundOf("A", "R", 300)} {
		if err := r.Claim(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Read(t.Context(), src, nil); err != nil {
		t.Fatal(err)
	}
	result, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	if result.Summary.Records != 4 || result.Summary.Open != 0 || len(result.Payouts) != 1 {
		t.Fatalf("%+v %+v", result.Summary, result.Payouts)
	}
	// 9.70 + 4.85 - 3.00 - 0.10; nobody knows the net of C.
	if p := result.Payouts[0]; p.StripeText != "11.45" || p.Settled != 3 || p.Unsettled != 1 || p.MovementsText != "12.40" || p.LeftText != "0.00" {
		t.Errorf("%+v", p)
	}
}

func TestReconcileTolerates(t *testing.T) {
	for _, tt := range []struct {
		tolerance string
		off       int64
		want      ReconcileState
	}{{"0", 0, Matched}, {"0", 1, AmountMismatch}, {"0.01", 1, Matched}, {"0.01", -1, Matched}, {"0.01", 2, AmountMismatch}, {"0.015", 1, Matched}} {
		result := reconcile(t, ReconcileOptions{Tolerance: decimal.MustParse(tt.tolerance)}, extsort.DefaultLimit, []Claim{paid("A", 1000)}, nil, recorded("pr_1", "A", 1000+tt.off))
		for item, err := range result.Items() {
			if err != nil || item.State != tt.want || (tt.off != 0) != (len(item.Details) > 0) {
				t.Errorf("off by %d, tolerance %s: %+v, %v", tt.off, tt.tolerance, item, err)
			}
		}
		if n := result.Summary.Tolerated; (n == 1) != (tt.off != 0 && tt.want == Matched) {
			t.Errorf("off by %d, tolerance %s: %d tolerated", tt.off, tt.tolerance, n)
		}
	}
	if _, err := NewReconciler(ReconcileOptions{Tolerance: decimal.MustParse("-1")}); err == nil {
		t.Error("a negative tolerance")
	}
}
