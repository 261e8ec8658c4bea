package importer

import (
	"context"
	"strings"
	"sync"
	"time"
)

// A gate bounds how many requests are under way at once. It starts wide open,
// narrows by a quarter when the API says that too many were, and opens by one
// for every five clean seconds.
type gate struct {
	clock func() time.Time

	mu      sync.Mutex // guards the fields below
	most    int
	limit   int
	busy    int
	changed time.Time     // when the limit last moved
	moved   chan struct{} // closed when somebody who waits may look again
}

func newGate(most int, clock func() time.Time) *gate {
	most = max(most, 1)
	return &gate{clock: clock, most: most, limit: most, changed: clock(), moved: make(chan struct{})}
}

// enter waits until another request may be under way.
func (g *gate) enter(ctx context.Context) error {
	for {
		g.mu.Lock()
		g.grow()
		if g.busy < g.limit {
			g.busy++
			g.mu.Unlock()
			return nil
		}
		moved := g.moved
		g.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy--
	close(g.moved)
	g.moved = make(chan struct{})
}

// grow is called with the lock held.
func (g *gate) grow() {
	if now := g.clock(); g.limit < g.most && now.Sub(g.changed) >= growEvery {
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
