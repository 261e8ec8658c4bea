package stripeapi

import (
	"slices"
	"sync"
	"time"
)

// A pool keeps connections that idle, the last used on top, for idleTimeout.
type pool struct {
	most int // connections kept

	mu      sync.Mutex
	idle    []*conn
	sweeper *time.Timer // nil when nothing idles
}

// get takes the connection that idled least, or nil. It may have been closed by
// the server meanwhile.
func (p *pool) get() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	x := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return x
}

// put gives a connection back; one too many is closed.
func (p *pool) put(x *conn) {
	if !p.push(x) {
		x.Close()
	}
}

func (p *pool) push(x *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) >= p.most {
		return false
	}
	x.since = time.Now()
	p.idle = append(p.idle, x)
	if p.sweeper == nil {
		p.sweeper = time.AfterFunc(idleTimeout, p.sweep)
	}
	return true
}

// sweep closes what has idled for idleTimeout.
func (p *pool) sweep() { p.close(time.Now().Add(-idleTimeout)) }

// close closes what has idled since t or before.
func (p *pool) close(t time.Time) {
	p.mu.Lock()
	old := 0
	for old < len(p.idle) && !p.idle[old].since.After(t) {
		old++
	}
	closing := slices.Clone(p.idle[:old])
	p.idle = slices.Delete(p.idle, 0, old)
	if p.sweeper != nil {
		p.sweeper.Stop()
		p.sweeper = nil
	}
	if len(p.idle) > 0 {
		p.sweeper = time.AfterFunc(idleTimeout-time.Since(p.idle[0].since), p.sweep)
	}
	p.mu.Unlock()
	for _, x := range closing {
		x.Close()
	}
}
