package journal

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Claims. Where nothing but the disk slows a run down, the intents of many calls
// are written down at once: a claim is one row that says that the calls which make
// records among the numbers first..last, as far as they are planned and nothing of
// them was ever sent, may be on their way. Beginning such a call then changes
// nothing on disk, and its answer is the only thing that is ever written about it.
//
// A claim is made of lanes that were handed out and in the order in which they
// were, a part of them ahead of their turn. It ends when all its calls have their
// answers, or when anything but sending is written: then those that are on their
// way get the state "sending" of their own, in the same transaction. So whoever
// changes operations finds every state as it is, and nobody needs to know of
// claims who does not send. Who only reads beside a writer does; see stateNow.
//
// A claim that is found when a journal is opened is of a process that died: all it
// covers is in doubt, also what had not come to its turn, and is asked again under
// its own key with its own bytes, as it would have been a moment later.

// A claim is the intent to send some calls that lie side by side.
type claim struct {
	no          int64 // of its row; owned by the writer's loop
	first, last int64 // its operations
	at          int64 // when it was made, Unix milliseconds
	changes     int64 // as they were when its lanes were read; see writer
	left        int   // calls without an answer; owned by the writer's loop

	done chan struct{} // closed when it is on disk, or is not to be
	err  error         // why it is not; read after done

	mu    sync.Mutex // guards the fields below
	ended bool
	begun []begun
}

// begun says that a call of a claim may be on its way since then.
type begun struct{ no, at int64 }

// claimLife is how long a claim is used: what is known of a call in doubt includes
// when it was last sent, which is the claim's time and must not be long before.
const claimLife = time.Minute

// errOvertaken says that a claim's lanes may not stand as they were read.
var errOvertaken = errors.New("something else was written since")

// claimable are the steps of lanes that were handed out, as far as one claim may
// cover them. It is guarded by the journal's mutex.
type claimable struct {
	run     int64
	changes int64
	reached int64    // the last that was in the queue
	queue   []flight // not claimed yet, in order of their numbers; in room
	room    []flight
	unbegun int    // claimed, and not begun yet
	latest  *claim // nil before the first
	size    int    // calls of the latest
}

// offer takes the steps of another page of lanes. Those of a page that is handed
// out again may be on their way, or answered: they are begun by themselves.
func (q *claimable) offer(run, changes int64, list []flight) {
	if run != q.run || changes != q.changes {
		*q = claimable{run: run, changes: changes, room: q.room, unbegun: q.unbegun, latest: q.latest, size: q.size}
	}
	q.room = append(q.room[:0], q.queue...)
	for _, f := range list {
		if f.no > q.reached {
			q.room, q.reached = append(q.room, f), f.no
		}
	}
	q.queue = q.room
}

// A claim is as large as is begun in about claimSpan, or while the one before is
// written, where that takes longer: so the wire never waits for the disk, and
// little is in doubt after a crash where the API is slow.
const (
	claimSpan  = 10 // milliseconds
	leastClaim = 8
)

// resize says how large the next claim is to be.
func (q *claimable) resize(most int, now int64) {
	switch last := q.latest; {
	case last == nil:
		q.size = 2 * leastClaim
	case !last.written() || now-last.at < claimSpan:
		q.size *= 2
	case now-last.at > 4*claimSpan:
		q.size /= 2
	}
	q.size = min(max(q.size, leastClaim), most)
}

// claimed is the claim that a call is begun under, or nil when it is to be begun
// by itself, and a claim that is to be written now. Up to ahead calls are claimed
// that have not come to their turn. It is called with the mutex held.
func (j *Journal) claimed(f *flight, ahead int, now int64) (under, write *claim) {
	q := &j.claimable
	most := (ahead + 1) / 2
	if f.claim != nil {
		if q.unbegun--; q.unbegun >= q.size {
			return f.claim, nil
		}
	} else if i := slices.IndexFunc(q.queue[:min(most, len(q.queue))], func(next flight) bool { return next.id == f.id }); i < 0 {
		return nil, nil
	}
	if len(q.queue) > 0 && most > 0 {
		q.resize(most, now)
		write = j.newClaim(f, now)
	}
	return f.claim, write
}

// newClaim makes a claim of the next calls, f among them when it has none. It is
// called with the mutex held.
func (j *Journal) newClaim(f *flight, now int64) *claim {
	q := &j.claimable
	c := &claim{at: now, changes: q.changes, done: make(chan struct{})}
	for len(q.queue) > 0 && (c.left < q.size || f.claim == nil) {
		next := q.queue[0]
		q.queue = q.queue[1:]
		if next.id == f.id {
			f.claim = c
		} else if e, ok := j.expected[next.id]; ok && e.no == next.no {
			e.claim = c
			j.expected[next.id] = e
			q.unbegun++
		} else {
			continue // begun by itself
		}
		if c.left == 0 {
			c.first = next.no
		}
		c.last = next.no
		c.left++
	}
	if c.left == 0 {
		return nil
	}
	c.begun = make([]begun, 0, c.left)
	q.latest = c
	return c
}

// written says whether the claim is on disk, or will not be.
func (c *claim) written() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// write has the claim written down, and returns without waiting for it.
func (c *claim) write(w *writer) {
	done := make(chan error, 1)
	if c.err = w.queue(&job{run: func(w *writer) error { return w.claim(c) }, part: true, ahead: true, done: done}); c.err != nil {
		close(c.done)
		return
	}
	go func() {
		c.err = <-done
		close(c.done)
	}()
}

// begin begins a call under the claim, once that is on disk. It says no where the
// claim has ended or was never made; then the call is to be begun by itself.
func (c *claim) begin(ctx context.Context, no int64, clock func() time.Time) (at int64, ok bool, err error) {
	select {
	case <-c.done:
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
	if c.err != nil && !isRefusal(c.err) {
		return 0, false, c.err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at = clock().UnixMilli()
	if c.err != nil || c.ended || at < c.at || at-c.at > claimLife.Milliseconds() {
		return 0, false, nil
	}
	c.begun = append(c.begun, begun{no, at})
	return at, true, nil
}

// claim writes the claim down, if all that it covers still stands as it was read.
func (w *writer) claim(c *claim) error {
	if c.changes != w.changes.Load() {
		return refusal{errOvertaken}
	}
	if err := w.row("SELECT coalesce(max(no), 0) + 1 FROM claim", nil, &c.no); err != nil {
		return err
	}
	if _, err := w.exec("INSERT INTO claim (no, first, last, at) VALUES (?, ?, ?, ?)", c.no, c.first, c.last, c.at); err != nil {
		return err
	}
	w.claims = append(w.claims, c)
	return nil
}

// without takes note that a call of the claim has its answer.
func (w *writer) without(c *claim) error {
	if c.left--; c.left > 0 || c.ended { // only this goroutine ends claims
		return nil
	}
	for i, open := range w.claims {
		if open == c {
			w.claims = append(w.claims[:i], w.claims[i+1:]...)
			break
		}
	}
	_, err := w.exec("DELETE FROM claim WHERE no = ?", c.no)
	return err
}

// endClaims gives the calls that are on their way under claims a state of their
// own. An answer that waits to be written finds either.
func (w *writer) endClaims() error {
	if len(w.claims) == 0 {
		return nil
	}
	for _, c := range w.claims {
		c.mu.Lock()
		c.ended = true
		list := c.begun
		c.mu.Unlock()
		for _, b := range list {
			if _, err := w.exec(`UPDATE op SET state = 'sending', attempts = 1, first_sent = ?2, last_sent = ?2 WHERE no = ?1 AND state = 'planned' AND attempts = 0`, b.no, b.at); err != nil {
				return err
			}
		}
	}
	w.claims = w.claims[:0]
	_, err := w.exec("DELETE FROM claim")
	return err
}

// unsent are operations o that nothing was ever sent of, unless under a claim.
const unsent = "o.state = 'planned' AND o.attempts = 0 AND o.call = 'report_payment' AND o.current = 1"

// claimedAt is when operation o may have been sent under a claim, and NULL when it
// was not.
const claimedAt = "CASE WHEN " + unsent + " THEN (SELECT min(c.at) FROM claim c WHERE o.no BETWEEN c.first AND c.last) END"

// stateNow is the state of operation o for those who read beside the writer.
const stateNow = "CASE WHEN " + unsent + " AND EXISTS (SELECT 1 FROM claim c WHERE o.no BETWEEN c.first AND c.last) THEN 'sending' ELSE o.state END"

// recoverClaims puts in doubt what a dead process may have sent under its claims.
const recoverClaims = `
	UPDATE op SET state = 'unknown', doubt = 1, attempts = 1,
		first_sent = (SELECT min(at) FROM claim WHERE op.no BETWEEN first AND last), last_sent = (SELECT max(at) FROM claim WHERE op.no BETWEEN first AND last)
	WHERE no IN (SELECT o.no FROM claim c CROSS JOIN op o WHERE o.no BETWEEN c.first AND c.last AND ` + unsent + `);
	DELETE FROM claim;
`
