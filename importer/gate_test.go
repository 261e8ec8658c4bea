package importer

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Too many at once: the gate narrows by a quarter, once a burst, never shuts,
// and opens again.
func TestGate(t *testing.T) {
	c := newClock()
	g := newGate(16, c.Now)
	tooMany := Answer{Verdict: Limited, Limit: "endpoint-concurrency"}
	for _, a := range []Answer{{Verdict: Limited, Limit: "endpoint-rate"}, {Verdict: Locked, Limit: "endpoint-concurrency"}, {Verdict: Done}} {
		if g.report(a); g.limit != 16 {
			t.Errorf("%+v narrowed the gate to %d", a, g.limit)
		}
	}
	for i, want := range []int{12, 9, 6, 4, 3, 2, 1, 1} {
		g.report(tooMany)
		g.report(tooMany) // of the same burst
		if g.limit != want {
			t.Fatalf("after %d bursts: %d, want %d", i+1, g.limit, want)
		}
		c.advance(2 * time.Second)
	}
	for range 40 {
		c.advance(growEvery)
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.leave()
	}
	if g.limit != 16 {
		t.Errorf("after a long time it is open for %d", g.limit)
	}
}

// Who finds the gate full waits until somebody leaves, or is interrupted.
func TestGateIsFull(t *testing.T) {
	g := newGate(1, newClock().Now)
	if err := g.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	entered := make(chan error, 2)
	go func() { entered <- g.enter(ctx) }()
	cancel()
	if err := <-entered; err == nil {
		t.Error("a full gate let somebody in")
	}
	go func() { entered <- g.enter(t.Context()) }()
	g.leave()
	if err := <-entered; err != nil {
		t.Error(err)
	}
}

// Who waits is let in in turn; who is interrupted while being let in makes room
// for the next.
func TestGateInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, time.Now)
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		var entered []int
		canceled, cancel := context.WithCancel(t.Context())
		for i := range 6 {
			ctx := t.Context()
			if i == 2 {
				ctx = canceled
			}
			go func() {
				if g.enter(ctx) == nil {
					entered = append(entered, i)
					time.Sleep(time.Second)
					g.leave()
				}
			}()
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		g.leave()
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []int{0, 1, 3, 4, 5}; !slices.Equal(entered, want) {
			t.Errorf("entered in the order %v, want %v", entered, want)
		}
		if g.busy != 0 || g.waiting.Len() != 0 {
			t.Errorf("%d busy, %d waiting in the end", g.busy, g.waiting.Len())
		}
	})
}
