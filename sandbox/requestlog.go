package sandbox

import (
	"sync"
	"time"
)

// A RequestLog is one request that the sandbox answered, or broke off.
type RequestLog struct {
	At        time.Time `json:"at"` // by the sandbox's clock, when it was answered
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Call      string    `json:"call"` // the operation, "" when the sandbox has none for the path
	Key       string    `json:"key"`  // idempotency key
	RequestID string    `json:"request_id"`
	Status    int       `json:"status"`   // 0 when the connection was broken
	Replayed  bool      `json:"replayed"` // answered from under the key
	Fault     bool      `json:"fault"`    // a fault struck
}

// requestsKept is how many requests [Server.Requests] remembers.
const requestsKept = 10_000

// requestLog is a ring of the last requests.
type requestLog struct {
	mu   sync.Mutex // guards what follows
	ring []RequestLog
	next int
}

func (l *requestLog) add(r RequestLog) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ring) < requestsKept {
		l.ring = append(l.ring, r)
		return
	}
	l.ring[l.next] = r
	l.next = (l.next + 1) % requestsKept
}

// Requests are the last requests, the oldest first; at most ten thousand are kept.
func (s *Server) Requests() []RequestLog {
	l := &s.log
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(append([]RequestLog(nil), l.ring[l.next:]...), l.ring[:l.next]...)
}
