package importer

import (
	"container/list"
	"context"
	"strings"
	"sync"
	"time"
)

// A gate bounds how many requests are under way at once. It starts wide open,
// narrows by a quarter when the API says that too many were, and opens by one
// for every five clean seconds. Who waits is let in in turn.
type gate struct {
	clock func() time.Time
	most  int

	mu      sync.Mutex // guards the fields below
	limit   int
	busy    int
	changed time.Time // when the limit last moved
	waiting list.List // of chan struct{}, closed to let one in
}

func newGate(most int, clock func() time.Time) *gate {
	most = max(most, 1)
	return &gate{clock: clock, most: most, limit: most, changed: clock()}
}

// enter waits until another request may be under way. After an interrupt nobody
// is let in, also where a place is free.
func (g *gate) enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	g.mu.Lock()
	g.grow()
	if g.busy < g.limit && g.waiting.Len() == 0 {
		g.busy++
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	place := g.waiting.PushBack(turn)
	g.admit() // it may just have grown
	g.mu.Unlock()
	select {
	case <-turn:
	case <-ctx.Done():
	}
	if ctx.Err() == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-turn: // let in at the same moment: the place is given back
		g.busy--
		g.admit()
	default:
		g.waiting.Remove(place)
	}
	return ctx.Err()
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy--
	g.grow()
	g.admit()
}

// admit lets in who waits. It is called with the lock held.
func (g *gate) admit() {
	for g.busy < g.limit && g.waiting.Len() > 0 {
		close(g.waiting.Remove(g.waiting.Front()).(chan struct{}))
		g.busy++
	}
}

// grow is called with the lock held.
func (g *gate) grow() {
	if g.limit >= g.most {
		return
	}
	if now := g.clock(); now.Sub(g.changed) >= growEvery {
		g.limit++
		g.changed = now
	}
}

// report narrows the gate when a limiter of concurrency turned a request away.
// Like the throttle, it hears one of a burst.
func (g *gate) report(a Answer) {
	if a.Verdict != Limited || !strings.Contains(a.Limit, "concurrency") {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	if g.limit < g.most && now.Sub(g.changed) < deafAfter {
		return
	}
	g.limit = max(min(g.limit*3/4, g.limit-1), 1)
	g.changed = now
}
