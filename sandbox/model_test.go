package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

// modelPayment is what a simple model knows of a payment.
type modelPayment struct {
	id, state string
	attempts  int
	refunded  int64
}

// Any sequence of calls, with the sandbox closed and loaded again in between,
// agrees with the table of cells and with a model of a few lines.
func TestModel(t *testing.T) {
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		o := Options{State: filepath.Join(dir, fmt.Sprint("state", run)), Seed: 3}
		defer os.Remove(o.State)
		s := newSandbox(t, o)
		var payments []*modelPayment
		refunds := 0
		for step := range rapid.IntRange(1, 25).Draw(rt, "steps") {
			if rapid.IntRange(0, 9).Draw(rt, "reload") == 0 {
				before := dump(t, s)
				s.Close()
				if s = newSandbox(t, o); dump(t, s) != before {
					rt.Fatalf("loading changed\n%s\nto\n%s", before, dump(t, s))
				}
			}
			if len(payments) == 0 || rapid.IntRange(0, 3).Draw(rt, "new") == 0 {
				payments = append(payments, &modelPayment{inState(t, s, "initiated"), "initiated", 1, 0})
				continue
			}
			p := rapid.SampledFrom(payments).Draw(rt, "payment")
			refunds += modelStep(rt, t, s, p, step)
		}
		checkModel(rt, t, s, payments, refunds)
		s.Close()
	})
}

// modelStep makes one call on a payment, in the sandbox and in the model, and
// returns how many refunds it made.
func modelStep(rt *rapid.T, t *testing.T, s *Server, p *modelPayment, step int) int {
	cell := rapid.SampledFrom(cells[:]).Draw(rt, "call")
	form, value := cell.form, int64(0)
	if cell.call == "report_refund" {
		value = rapid.Int64Range(1, 700).Draw(rt, "refund")
		form = refundForm(fmt.Sprint("r", step), "amount[value]", fmt.Sprint(value), "amount[currency]", "usd")
	}
	want := 0
	for i, state := range states {
		if state == p.state {
			want = cell.status[i]
		}
	}
	if p.refunded+value > 1000 {
		want = 400
	}
	if r := post(t, s, "/v1/payment_records/"+p.id+"/"+cell.call, form); r.status != want {
		rt.Fatalf("%s when %s: got %d %s, want %d", cell.call, p.state, r.status, r.raw, want)
	}
	if want != 200 {
		return 0
	}
	if cell.call == "report_payment_attempt" {
		p.attempts++
	}
	switch cell.becomes {
	case "none":
		p.state = "initiated"
	case "guaranteed", "failed", "canceled":
		p.state = cell.becomes
	}
	p.refunded += value
	if value > 0 {
		return 1
	}
	return 0
}

func checkModel(rt *rapid.T, t *testing.T, s *Server, payments []*modelPayment, refunds int) {
	var want Sums
	attempts := 0
	for _, p := range payments {
		want.Count++
		want.Requested += 1000
		want.Refunded += p.refunded
		attempts += p.attempts
		switch p.state {
		case "guaranteed":
			want.Guaranteed += 1000
		case "failed":
			want.Failed += 1000
		case "canceled":
			want.Canceled += 1000
		}
		if got := len(idsOf(t, get(t, s, "/v1/payment_attempt_records?limit=100&payment_record="+p.id))); got != p.attempts {
			rt.Fatalf("%s: %d attempts, want %d", p.id, got, p.attempts)
		}
	}
	got := s.Totals()
	if got.RecordSums["usd"] != want || got.Attempts != attempts || got.Refunds != refunds {
		rt.Fatalf("got %+v, want %+v, %d attempts, %d refunds", got, want, attempts, refunds)
	}
}
