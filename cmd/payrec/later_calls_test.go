package main

import (
	"testing"
	"time"

	"github.com/payrec/payrec/record"
	"github.com/payrec/payrec/sandbox"
)

// TestLaterCallsAreLookedUp: a refund whose key can only answer 500 is found at
// its payment's record, or sent anew a day later.
func TestLaterCallsAreLookedUp(t *testing.T) {
	for _, before := range []bool{false, true} {
		c := newCrash(t, 11)
		file := c.file("P", 1) // a payment and its refund
		fault := sandbox.Fault{Call: string(record.ReportRefund), Header: map[string][]string{"Stripe-Should-Retry": {"false"}}}
		if before {
			fault.At = sandbox.FaultBefore
		}
		c.server.Inject(fault)
		if r := c.result(c.imports(file)); r.Calls.Confirmed != 1 || r.Calls.InDoubt != 1 {
			t.Fatalf("%+v", r.Calls)
		}
		r := c.result(c.imports(file))
		s := r.Reconciled
		if s == nil || s.Calls != 1 || s.Requests != 1 || s.Adopted == 1 == before || s.Waiting == 1 != before || r.RequestsSent != 0 {
			t.Fatalf("before %t: %+v, %d requests", before, s, r.RequestsSent)
		}
		c.advance(25 * time.Hour)
		if r := c.result(c.imports(file)); r.Status != exitOK || (r.RequestsSent == 1) != before {
			t.Errorf("before %t: status %d, %d requests", before, r.Status, r.RequestsSent)
		}
		c.whole(1)
	}
}
