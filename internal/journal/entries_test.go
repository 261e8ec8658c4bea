package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSumsRefuseToOverflow: sums that do not fit are an error, not a wrong sum:
// of one plan before it is sealed, of the whole journal when they are asked for.
func TestSumsRefuseToOverflow(t *testing.T) {
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "more than can be counted") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, value := range []int64{math.MaxInt64, math.MinInt64} {
		j := newJournal(t)
		ops := payments(3)
		ops[0].Amount.Value, ops[1].Amount.Value, ops[2].Amount.Value = value, 0, value
		p, err := j.NewRun(t.Context(), RunInfo{ID: "both", Source: "shop"})
		for _, op := range ops {
			err = errors.Join(err, p.Add(t.Context(), op))
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Seal(t.Context())
		refused("one plan", err)
		if err := p.Discard(t.Context()); err != nil {
			t.Fatal(err)
		}
		plan(t, j, "one", ops[:2]...)
		plan(t, j, "other", ops[2])
		_, err = j.Totals(t.Context())
		refused("the journal", err)
	}
}

// receiptsOf are the receipts that a run's entries tell of.
func receiptsOf(t *testing.T, j *Journal, run string) (list []Entry) {
	for _, e := range entries(t, j, run) {
		if (e.Disposition == New || e.Disposition == Retry) && e.State.There() {
			o := e.Op
			o.Source, o.Content, o.Order = "", "", ""
			list = append(list, Entry{Op: o, Epoch: e.Epoch, Outcome: Outcome{State: e.State, RecordID: e.RecordID, RequestID: e.RequestID}})
		}
	}
	return list
}

// TestReceipts: they are what the entries say of the calls that a run brought about,
// in each of several runs of the same calls, and over several pages.
func TestReceipts(t *testing.T) {
	j, ctx := newJournal(t), context.Background()
	a, b, c, d, e, f := pay("A", "x"), pay("B", "x"), pay("C", "x"), pay("D", "x"), pay("E", "x"), refund("A", "r", "x")
	plan(t, j, "r1", a, b, c, d, e)
	drive(t, j, a, 0, Confirmed)
	drive(t, j, b, 0, Rejected)
	drive(t, j, d, 0, Unknown)
	if err := j.Settle(ctx, d.ID, 0, Outcome{State: Adopted, RecordID: "pr_D"}); err != nil {
		t.Fatal(err)
	}
	drive(t, j, e, 0, Unknown)
	plan(t, j, "r2", pay("A", "y"), b, pay("C", "y"), d, e, f) // changed, new, taken over from r1, same, retry, new
	drive(t, j, b, 1, Confirmed)
	drive(t, j, c, 0, Confirmed)
	drive(t, j, e, 0, Confirmed)
	drive(t, j, f, 0, Confirmed)
	many := payments(2*entryPage + 7)
	plan(t, j, "many", many...)
	err := j.w.do(ctx, func(w *writer) error {
		_, err := w.exec("UPDATE op SET state = 'confirmed', record_id = 'pr_' || no, request_id = 'req_' || no WHERE payment LIKE 'p%' AND no % 50 <> 0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for run, least := range map[string]int{"r1": 3, "r2": 4, "many": entryPage + 1} {
		want := receiptsOf(t, j, run)
		var got []Entry
		var tallies []Tally
		for r, err := range j.Receipts(ctx, run, &tallies) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) < least {
			t.Errorf("%s: %d receipts (-want +got)\n%s", run, len(got), diff)
		}
		counted, err := j.Tallies(ctx, run)
		if diff := cmp.Diff(counted, tallies); err != nil || diff != "" || len(counted) == 0 {
			t.Errorf("%s: what was counted on the way (-counted by itself +got), %v\n%s", run, err, diff)
		}
		for range j.Receipts(ctx, run, &tallies) {
			break
		}
		if !slices.Equal(tallies, counted) {
			t.Errorf("%s: a reading that stopped at its first call counted %v", run, tallies)
		}
	}
}

// TestEntriesEndEarly: whoever stops or is stopped in the middle of the pages leaves
// nothing behind that reads them.
func TestEntriesEndEarly(t *testing.T) {
	j := newJournal(t)
	plan(t, j, "r", payments(3*entryPage)...)
	for _, stop := range []int{1, entryPage, entryPage + 1, 2 * entryPage} {
		for _, all := range []func(context.Context) iter.Seq2[Entry, error]{
			func(ctx context.Context) iter.Seq2[Entry, error] { return j.Entries(ctx, "r") },
			func(ctx context.Context) iter.Seq2[Entry, error] { return j.Entries(ctx, "r", New, Held) },
		} {
			n := 0
			for _, err := range all(context.Background()) {
				if n++; err != nil || n == stop {
					break
				}
			}
			ctx, cancel := context.WithCancel(context.Background())
			m := 0
			var last error
			for _, err := range all(ctx) {
				if last = err; err == nil {
					m++
				}
				if m == stop {
					cancel()
				}
			}
			cancel()
			// The page that was read ahead when the context ended may still come.
			if n != stop || !errors.Is(last, context.Canceled) && m < 3*entryPage || m%entryPage != 0 {
				t.Errorf("stopped after %d, got %d; cancelled, got %d and %v", stop, n, m, last)
			}
		}
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	for _, err := range j.Entries(context.Background(), "r") {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("of a closed journal: %v", err)
		}
	}
	if len(j.pages.idle) != 0 {
		t.Error(fmt.Sprint(len(j.pages.idle), " connections stay open"))
	}
}
