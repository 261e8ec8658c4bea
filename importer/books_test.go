package importer

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/record"
)

func TestAccount(t *testing.T) {
	pay, refund := record.ReportPayment, record.ReportRefund
	tallies := []record.Tally{
		{Call: pay, Currency: "usd", Disposition: record.New, State: record.Confirmed, N: 5, Value: 500},
		{Call: pay, Currency: "usd", Disposition: record.Retry, State: record.Confirmed, N: 1, Value: 100},
		{Call: pay, Currency: "jpy", Disposition: record.New, State: record.Rejected, N: 2, Value: 20},
		{Call: pay, Currency: "usd", Disposition: record.New, State: record.Planned, N: 3, Value: 300},
		{Call: pay, Currency: "usd", Disposition: record.Retry, State: record.UnknownState, N: 1, Value: 7},
		{Call: pay, Currency: "usd", Disposition: record.New, State: record.ConflictState, N: 1, Value: 8},
		{Call: pay, Currency: "usd", Disposition: record.Same, State: record.Confirmed, N: 4, Value: 400},
		{Call: refund, Currency: "usd", Disposition: record.Changed, State: record.Confirmed, N: 1, Value: 9},
		{Call: refund, Currency: "usd", Disposition: record.Parked, N: 2, Value: 30},
		{Call: refund, Currency: "usd", Disposition: record.Held, N: 6, Value: 600},
		{Call: pay, Currency: "usd", Disposition: record.Duplicate, N: 7, Value: 700},
		{Call: record.ReportPaymentAttemptGuaranteed, Disposition: record.New, State: record.Confirmed, N: 1},
	}
	wantSums := Sums{pay: {"usd": 1315, "jpy": 20}, refund: {"usd": 30}} // not what was changed since it was reported
	for _, tt := range []struct {
		applied bool
		want    Calls
	}{
		{true, Calls{Planned: 21, Confirmed: 7, Already: 4, Rejected: 3, Parked: 5, InDoubt: 2, Changed: 1}},
		{false, Calls{Planned: 21, Pending: 5, Confirmed: 7, Already: 4, Rejected: 3, Parked: 2, Changed: 1}},
	} {
		calls, sums := Account(tallies, tt.applied)
		if diff := cmp.Diff(tt.want, calls); diff != "" {
			t.Errorf("applied %v: calls (-want +got):\n%s", tt.applied, diff)
		}
		if !calls.Balanced() {
			t.Errorf("applied %v: %+v does not balance", tt.applied, calls)
		}
		if diff := cmp.Diff(wantSums, sums); diff != "" {
			t.Errorf("applied %v: sums (-want +got):\n%s", tt.applied, diff)
		}
	}
}

// A call in a state that nobody thought of must show as an imbalance or as in
// doubt, never as done.
func TestAccountOfAnUnknownState(t *testing.T) {
	calls, _ := Account([]record.Tally{{Disposition: record.New, State: "martian", N: 1}}, true)
	if calls.InDoubt != 1 {
		t.Errorf("%+v, want it in doubt", calls)
	}
}

func TestRowsBalanced(t *testing.T) {
	if !(Rows{Total: 15, Emitted: 5, Attached: 4, Ignored: 3, Held: 2, Rejected: 1}).Balanced() {
		t.Error("balanced rows are said not to balance")
	}
	if (Rows{Total: 2, Emitted: 1}).Balanced() {
		t.Error("a lost row balances")
	}
}

func TestProblemsKeepWhatStopsTheRun(t *testing.T) {
	var p Problems
	for range 100 {
		p.add(Problem{Code: "bad_value"})
	}
	p.add(Problem{Code: "no_class", Fatal: true})
	if p.Total != 101 || p.Fatal != 1 || p.Counts["bad_value"] != 100 || len(p.First) != keptProblems {
		t.Errorf("total %d, fatal %d, counts %v, kept %d", p.Total, p.Fatal, p.Counts, len(p.First))
	}
	if last := p.First[len(p.First)-1]; !last.Fatal {
		t.Error("the problem that stops the run is not among those shown")
	}
}
