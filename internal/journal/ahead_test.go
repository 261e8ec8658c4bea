package journal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/payrec/payrec/record"
)

// dump is all that a journal holds of runs, as text.
func dump(t testing.TB, j *Journal) (list []string) {
	t.Helper()
	if err := j.settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		"SELECT 'item', no, lane, op, home, previous, disposition, reason FROM item ORDER BY no",
		"SELECT 'op', no, id, epoch, current, home, state, attempts FROM op ORDER BY no",
		"SELECT 'body', no, '', '', '', '', '', '' FROM body ORDER BY no",
		"SELECT 'entry', no, op_id, payment, content, line, '', '' FROM entry ORDER BY no",
		"SELECT 'run', no, id, state, first, last, '', '' FROM run ORDER BY no",
		"SELECT 'schema', name, sql, '', '', '', '', '' FROM sqlite_schema ORDER BY name",
	} {
		rows, err := j.read.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var v [8]any
			if err := rows.Scan(&v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]); err != nil {
				t.Fatal(err)
			}
			list = append(list, fmt.Sprint(v[:]...))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// draft draws the calls of a plan: mostly plain ones, some that come twice or
// read differently, and steps of payments before and behind them. With the end "/"
// the keys of payments are the natural ids of what reports them, else they are not.
func draft(random *rand.Rand, n, payments, odd int, end string) []Op {
	var ops []Op
	for i := range n {
		o := pay(fmt.Sprint(i%payments), "x")
		switch random.IntN(odd) {
		case 0:
			o = refund(fmt.Sprint(random.IntN(payments)), fmt.Sprint(random.IntN(3)), "x")
		case 1:
			o = pay(fmt.Sprint(random.IntN(payments)), "x")
		case 2:
			o = pay(fmt.Sprint(random.IntN(payments)), "y")
		case 3:
			o.Payment = fmt.Sprint(random.IntN(payments)) // of another
		}
		o.Payment += end
		o.Line = i + 2
		ops = append(ops, o)
	}
	return ops
}

// TestAhead: plans come to the same whether or not they are sealed ahead, in a
// new journal and in one that knows some of their calls.
func TestAhead(t *testing.T) {
	ctx := context.Background()
	play := func(batch, odd int, seed uint64) (dumps, sums []string) {
		j, err := Open(ctx, filepath.Join(t.TempDir(), "j"), me, Options{Clock: clock, Unsynced: true, batchRows: batch})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		random := rand.New(rand.NewPCG(seed, uint64(odd)))
		end := []string{"", "/"}[seed%2]
		for run := range 3 {
			p, err := j.NewRun(ctx, RunInfo{ID: fmt.Sprint("r", run), Source: "shop"})
			if err != nil {
				t.Fatal(err)
			}
			ops := draft(random, 300, 150+100*run, odd, end)
			if random.IntN(2) == 0 {
				if err := p.Block(ctx, "shop", "17"+end, "why"); err != nil {
					t.Fatal(err)
				}
			}
			for _, o := range ops {
				if err := p.Add(ctx, o); err != nil {
					t.Fatal(err)
				}
			}
			if odd == 60 && p.ahead != (batch < 300) {
				t.Errorf("batches of %d: sealed ahead: %t", batch, p.ahead)
			}
			got, err := p.Seal(ctx)
			if err != nil {
				t.Fatal(err)
			}
			sums = append(sums, fmt.Sprint(got))
			again, err := j.Tallies(ctx, fmt.Sprint("r", run))
			if err != nil || fmt.Sprint(again) != fmt.Sprint(got) {
				t.Errorf("sealed with %v, and then %v, %v", got, again, err)
			}
			dumps = append(dumps, dump(t, j)...)
			for _, l := range lanes(t, j, fmt.Sprint("r", run)) {
				for _, s := range l.Steps {
					if to := []State{Planned, Sending, Unknown, Rejected, Confirmed, Confirmed, Conflict}[random.IntN(7)]; to != Planned && s.State == Planned {
						recordID := ""
						if !s.Call.Creates() {
							recordID = "pr_1"
						}
						if err := j.Begin(ctx, s.ID, s.Epoch, recordID); err != nil {
							t.Fatal(err)
						}
						if to == Sending {
							to = Planned // not executed
						}
						if err := j.Finish(ctx, s.ID, s.Epoch, Outcome{State: to, RecordID: "pr_1"}); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
		return dumps, sums
	}
	for _, odd := range []int{4, 12, 60} {
		for seed := range uint64(4) {
			want, wantSums := play(1<<20, odd, seed)
			for _, batch := range []int{1, 7, 100} {
				got, gotSums := play(batch, odd, seed)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("one of %d is odd, batches of %d (-one +many):\n%.3000s", odd, batch, diff)
				}
				if !slices.Equal(wantSums, gotSums) {
					t.Fatalf("tallies %v instead of %v", gotSums, wantSums)
				}
			}
		}
	}
}

// TestAheadUnseen: nobody sees what was sealed ahead of a plan that is not
// sealed, and nothing can be sent of it. A process that dies over it leaves a
// journal as if the plan had never begun, and so does discarding it.
func TestAheadUnseen(t *testing.T) {
	ctx := context.Background()
	for _, known := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "j")
		j, err := Open(ctx, path, me, Options{Clock: clock, Unsynced: true, batchRows: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		if known {
			plan(t, j, "before", pay("K", "x"))
		}
		before, err := j.Totals(ctx)
		if err != nil {
			t.Fatal(err)
		}
		was := dump(t, j)
		p, err := j.NewRun(ctx, RunInfo{ID: "r", Source: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		o := pay("P0", "x")
		for i := range 6 {
			if err := p.Add(ctx, pay(fmt.Sprint("P", i), "x")); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.settled(ctx); err != nil {
			t.Fatal(err)
		}
		dead := []snapshot{takeSnapshot(t, path)} // some batches are not committed yet
		if n := count(t, j, "SELECT count(*) FROM op"); !p.ahead || n < 6 {
			t.Fatalf("%d operations; sealed ahead: %t", n, p.ahead)
		}
		if now, err := j.Totals(ctx); err != nil || !slices.Equal(now, before) {
			t.Errorf("totals %v, %v instead of %v", now, err, before)
		}
		if _, err := j.Call(ctx, o.ID); err == nil || !strings.Contains(err.Error(), "no call") {
			t.Errorf("Call: %v", err)
		}
		if err := j.Begin(ctx, o.ID, 0, ""); err == nil || !strings.Contains(err.Error(), "is not planned") {
			t.Errorf("Begin: %v", err)
		}
		if id, ok, err := j.RecordOf(ctx, "shop", "P0"); ok || err != nil {
			t.Errorf("RecordOf: %q, %v", id, err)
		}
		if _, err := j.Lanes(ctx, "r", 0, 10); err == nil || !strings.Contains(err.Error(), "no run") {
			t.Errorf("Lanes: %v", err)
		}
		for _, files := range append(dead, takeSnapshot(t, path)) {
			copied := filepath.Join(t.TempDir(), "k")
			files.put(t, copied)
			k, err := Open(ctx, copied, me, Options{Clock: clock, Unsynced: true})
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			if diff := cmp.Diff(was, dump(t, k)); diff != "" {
				t.Errorf("after the process died (-before +after):\n%s", diff)
			}
		}
		if err := p.Discard(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(was, dump(t, j)); diff != "" {
			t.Errorf("discarded (-before +after):\n%s", diff)
		}
	}
}

// TestAheadAdopts: what is found in the account comes before what was sealed
// ahead, as it does before what was not.
func TestAheadAdopts(t *testing.T) {
	ctx := context.Background()
	var want []string
	for _, batch := range []int{1 << 20, 1} {
		j, err := Open(ctx, filepath.Join(t.TempDir(), "j"), me, Options{Clock: clock, Unsynced: true, batchRows: batch})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		p, err := j.NewRun(ctx, RunInfo{ID: "r", Source: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []Op{pay("A", "x"), pay("B", "x"), refund("C", "1", "x"), pay("D", "x"), pay("D", "x")} {
			if err := p.Add(ctx, o); err != nil {
				t.Fatal(err)
			}
		}
		if list, err := p.Orphans(ctx); err != nil || !slices.Equal(list, []string{"C"}) {
			t.Errorf("orphans %q, %v", list, err)
		}
		n, err := p.Adopt(ctx, []record.Found{{Op: pay("B", "x"), RecordID: "pr_B"}, {Op: pay("C", "x"), RecordID: "pr_C"}})
		if err != nil || n != 2 {
			t.Fatal(n, err)
		}
		if _, err := p.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		got := dump(t, j)
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-one batch +many):\n%s", diff)
		}
	}
}
