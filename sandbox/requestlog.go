package sandbox

import "sync"

// A RequestLog is one request that the sandbox answered, or broke off.
type RequestLog struct {
	Method    string
	Path      string
	Call      string // the operation, "" when the sandbox has none for the path
	Key       string // idempotency key
	RequestID string
	Status    int  // 0 when the connection was broken
	Replayed  bool // answered from under the key
	Fault     bool // a fault struck
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
