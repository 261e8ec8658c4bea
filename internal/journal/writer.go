package journal

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite" // the driver, and what it offers besides SQL
)

// maxGroup bounds how many jobs are committed together.
const maxGroup = 512

// A writer owns the one connection that writes. One goroutine runs the jobs in
// the order in which they were queued; those that wait when it comes round are
// committed together, so that many senders share one sync.
type writer struct {
	path string
	db   *sql.DB
	conn *sql.Conn // after start: owned by the loop
	sums *sums     // after start: owned by the loop; nil before it is known to hold
	jobs chan *job
	over chan struct{} // closed when the loop has ended

	mu     sync.RWMutex // held for reading while a job is queued
	closed bool

	failed    atomic.Pointer[WriteError] // the first failure; final
	jobsOn    *channel                   // from start on; owned by the loop
	open      func() (*channel, error)   // opens another in its place
	vfs       string
	renewing  bool           // owned by the loop: it is to be opened anew when nothing is being written
	retiring  sync.WaitGroup // connections that were replaced and are being closed
	inTx      bool           // owned by the loop
	walFrames uint32         // how long the WAL may grow
	tidied    uint32         // owned by the loop: how long the WAL was when it was moved, or readers kept it from being
	keeper    *channel       // owned by the loop: what keeps the WAL while it is moved; nil before the first time
	moving    chan moved     // owned by the loop: the result of moving the WAL beside it; nil when that does not go on
	sending   bool           // owned by the loop: the last job was part of sending; see cache
	flying    int            // owned by the loop: calls that are begun and not finished
	changes   atomic.Int64   // jobs that were not part of sending
	claims    []*claim       // owned by the loop: open ones; see claim.go
	answers   answers        // of calls that were begun under claims; see answers.go
	spent     []int64        // owned by the loop: bodies that nobody sends any more, to be dropped
	bound     []value        // owned by the loop: what the statement being run is given
}

// A job is something to write. run returns a [*TransitionError] or another
// [refusal] when it declines to write, before it has written anything; any other
// error is a failed write.
type job struct {
	run   func(w *writer) error // nil: only wait for what is queued before it
	part  bool                  // of sending: many come at once, and they know of the bodies that are spent and not dropped yet
	ahead bool                  // of its turn: it need not find the answers that came before it
	loose bool                  // need not be on disk when it is done: what comes next may be committed with it
	taken atomic.Bool           // by the loop, or given up by who queued it
	done  chan error            // buffered; nil when nobody waits
}

// A refusal is an error that leaves the journal as sound as it was.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// newWriter opens the connection. A journal has one at a time, under its lock.
// It moves the WAL into the database itself, so that what it moved can be noted
// before the WAL is written anew.
func newWriter(ctx context.Context, path string, o Options) (*writer, error) {
	db, err := sql.Open("sqlite", dsn(path, "rw", o.vfs, pragmas(o)...))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		db.Close()
		return nil, damaged(path, err)
	}
	return &writer{path: path, db: db, conn: conn, vfs: o.vfs, walFrames: cmp.Or(o.walFrames, walFrames)}, nil
}

// start lets the journal be written to.
func (w *writer) start(o Options) (err error) {
	w.jobs = make(chan *job, maxGroup)
	w.over = make(chan struct{})
	w.open = func() (*channel, error) { return openJobs(w.path, o) }
	if w.jobsOn, err = w.open(); err != nil {
		return err
	}
	go w.loop()
	return nil
}

// openJobs opens the connection that jobs go through.
func openJobs(path string, o Options) (*channel, error) {
	c, err := openChannel(dsn(path, "rw", ""), o.vfs)
	if err != nil {
		return nil, err
	}
	for _, pragma := range append(pragmas(o), planCache, "busy_timeout(10000)") {
		if _, err := c.exec("PRAGMA " + pragma); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// renew opens that connection anew, behind a plan: whatever it keeps in memory then,
// SQLite never makes the table of its pages smaller, and looks through all of it at
// the commits of sending; see sendCache.
func (w *writer) renew() {
	w.renewing = false
	if w.failed.Load() != nil {
		return
	}
	c, err := w.open()
	if err != nil {
		w.fail(err)
		return
	}
	before := w.jobsOn
	w.jobsOn, w.sending = c, false
	w.retiring.Go(func() { // giving back what it kept takes a while
		if err := before.close(); err != nil {
			w.fail(err)
		}
	})
}

// How much of the database is kept in memory, in KiB. Planning goes back to pages
// of several indexes; sending goes through two tables side by side, and wants
// little: when a page had to be split, SQLite looks through all it keeps at the
// commit (for pages behind the end of the file, since it gives the new page the
// number of a page far behind for a moment). What one connection does not take of
// its share another may, so that all shares count.
const (
	planCache = "cache_size(-32768)"
	sendCache = "cache_size(-1024)"
)

// cache keeps as much in memory as the next job wants.
func (w *writer) cache(sending bool) error {
	if sending == w.sending {
		return nil
	}
	w.sending = sending
	size := planCache
	if sending {
		size = sendCache
	}
	_, err := w.exec("PRAGMA " + size)
	return err
}

// pragmas are what holds for the connections that write.
func pragmas(o Options) []string {
	list := []string{"secure_delete(1)", sendCache, "wal_autocheckpoint(0)", "synchronous(FULL)"}
	if o.Unsynced {
		list[3] = "synchronous(OFF)"
	}
	return list
}

// do queues run and waits until it is durable. When ctx ends before the loop
// has come to it, nothing is written; after that its result is waited for.
func (w *writer) do(ctx context.Context, run func(w *writer) error) error {
	return w.await(ctx, &job{run: run, done: make(chan error, 1)})
}

// doPart is do for a part of sending.
func (w *writer) doPart(ctx context.Context, run func(w *writer) error) error {
	return w.await(ctx, &job{run: run, part: true, done: make(chan error, 1)})
}

func (w *writer) await(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.queue(j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return <-j.done
	}
}

// queue hands a job to the loop. It waits while the queue is full, which is as
// long as the disk takes.
func (w *writer) queue(j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if err := w.refuses(); err != nil {
		return err
	}
	w.jobs <- j
	return nil
}

// refuses says why nothing can be written any more. It is called with the mutex
// held.
func (w *writer) refuses() error {
	if w.closed {
		return ErrClosed
	}
	if e := w.failed.Load(); e != nil {
		return e
	}
	return nil
}

// lull is how long jobs that nobody waits for may wait for one that somebody
// does: a sync is shared with the next call to begin, rather than spent on the
// answer to the last. In a crowd calls that are begun wait for each other as well.
const lull = 5 * time.Millisecond

// A crowd is so many calls, begun and not finished, that most of them wait for
// the wire: then it does not run dry while a group waits until it has a third of
// them.
const (
	crowd      = 64
	crowdShare = 3
)

// worthIt says whether a group that so many wait for is committed at once.
func (w *writer) worthIt(waiting int) bool {
	return waiting > 0 && (w.flying < crowd || crowdShare*waiting >= w.flying)
}

func (w *writer) loop() {
	defer close(w.over)
	var group []*job
	var errs []error
	for first := range w.firsts {
		group, errs = append(group[:0], first), append(errs[:0], w.run(first))
		waiting := first.waits()
		var patience <-chan time.Time
		for len(group) < maxGroup {
			j, ok := w.more(waiting, &patience)
			if !ok {
				break
			}
			group, errs = append(group, j), append(errs, w.run(j))
			waiting += j.waits()
		}
		if first.loose && len(group) == 1 && w.failed.Load() == nil {
			w.answer(group, errs)
			continue
		}
		w.commit()
		w.answer(group, errs)
		w.tidy()
		if w.renewing {
			w.renew()
		}
	}
	for w.moving != nil { // also after a failure: nobody may close what it uses
		w.endMove(<-w.moving)
	}
	w.retiring.Wait()
	w.run(&job{}) // which finds the answers written
	if len(w.spent)+len(w.claims) > 0 {
		w.run(&job{run: (*writer).dropBodies}) // and what a job that is no part of sending finds done
	}
	w.commit()
}

// firsts gives out the first job of each group, until the queue is closed. While
// there is none, a WAL that was moved has its end.
func (w *writer) firsts(yield func(*job) bool) {
	for {
		select {
		case j, ok := <-w.jobs:
			if !ok || !yield(j) {
				return
			}
		case m := <-w.moving:
			w.endMove(m)
		}
	}
}

// waits counts who waits for the job.
func (j *job) waits() int {
	if j.done == nil {
		return 0
	}
	return 1
}

// more returns the next job of a group, if there is one: at once when the group
// is worth its sync, and else within the lull.
func (w *writer) more(waiting int, patience *<-chan time.Time) (*job, bool) {
	select {
	case j, ok := <-w.jobs:
		return j, ok
	default:
	}
	if w.worthIt(waiting) {
		return nil, false
	}
	if *patience == nil {
		*patience = time.After(lull)
	}
	select {
	case j, ok := <-w.jobs:
		return j, ok
	case <-*patience:
		return nil, false
	}
}

// answer tells those who wait for the group what became of it.
func (w *writer) answer(group []*job, errs []error) {
	for i, j := range group {
		if j.done == nil {
			continue
		}
		// A job of a group that was not committed was not done.
		if e := w.failed.Load(); e != nil && !isRefusal(errs[i]) {
			j.done <- e
		} else {
			j.done <- errs[i]
		}
	}
}

// run does one job inside the group's transaction.
func (w *writer) run(j *job) error {
	if !j.taken.CompareAndSwap(false, true) {
		return nil // given up
	}
	if e := w.failed.Load(); e != nil {
		return e
	}
	least := 1
	if j.ahead {
		least = answersAtOnce
	}
	err := w.writeAnswers(least)
	if err == nil && j.run != nil {
		err = w.carryOut(j)
	}
	if err != nil && !isRefusal(err) {
		w.fail(err)
		if e := w.failed.Load(); e != nil {
			return e // it names the journal
		}
	}
	return err
}

// carryOut writes what the job is to write.
func (w *writer) carryOut(j *job) error {
	err := w.begin()
	if err == nil {
		err = w.cache(j.part)
	}
	if err == nil && !j.part {
		w.changes.Add(1)
		err = errors.Join(w.endClaims(), w.dropBodies())
	}
	if err == nil {
		err = j.run(w)
	}
	return err
}

func isRefusal(err error) bool {
	var t *TransitionError
	var r refusal
	return errors.As(err, &t) || errors.As(err, &r)
}

func (w *writer) begin() error {
	if w.inTx {
		return nil
	}
	_, err := w.exec("BEGIN IMMEDIATE")
	w.inTx = err == nil
	return err
}

// commit ends the group's transaction: all of it or, after a failure, nothing.
func (w *writer) commit() {
	if !w.inTx {
		return
	}
	w.inTx = false
	if w.failed.Load() == nil {
		var err error
		if len(w.spent) >= spentAtOnce {
			err = w.dropBodies()
		}
		if err == nil {
			_, err = w.exec("COMMIT")
		}
		if err == nil {
			err = w.sums.committed()
		}
		if err == nil {
			return
		}
		w.fail(err)
	}
	w.exec("ROLLBACK") // SQLite may have done so itself
}

// fail keeps the first failure.
func (w *writer) fail(err error) {
	w.failed.CompareAndSwap(nil, &WriteError{w.path, err})
}

// exec runs a statement, or a script, prepared once, and returns the rows it
// changed. It takes no context: a write is not interrupted half way.
func (w *writer) exec(query string, args ...any) (int64, error) { return w.jobsOn.exec(query, args...) }

// row runs a prepared query for at most one row; without one it returns
// [sql.ErrNoRows].
func (w *writer) row(query string, args []any, dest ...any) error {
	return w.jobsOn.row(query, args, dest...)
}

// stop ends the loop after everything that is queued.
func (w *writer) stop() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	w.closed = true
	close(w.jobs)
	w.mu.Unlock()
	<-w.over
	if e := w.failed.Load(); e != nil {
		return e
	}
	return nil
}

// recover takes up what a dead process left behind, and marks the file itself,
// below the WAL, as one that is not whole without its WAL. Only before start.
func (w *writer) recover(ctx context.Context, died bool) error {
	spent := ""
	if died {
		spent = dropSpent
	}
	_, err := w.conn.ExecContext(ctx, `BEGIN IMMEDIATE;
		UPDATE op SET state = 'unknown', doubt = 1 WHERE state = 'sending';`+recoverClaims+`
		INSERT OR IGNORE INTO meta (name, value) VALUES ('wal', 'needed');`+dropUnplanned+spent+`COMMIT`)
	if err == nil {
		err = w.sums.committed()
	}
	if err == nil {
		err = w.checkpoint()
	}
	return err
}

// settle takes the mark away and moves the WAL into the file; it says whether
// all of it was. Readers may keep it from finishing, which is no failure: then
// the WAL stays. Only after stop.
func (w *writer) settle() (whole bool, err error) {
	if _, err := w.conn.ExecContext(context.Background(), "DELETE FROM meta WHERE name = 'wal'"); err != nil {
		return false, err
	}
	if err := w.sums.committed(); err != nil {
		return false, err
	}
	if err := w.checkpoint(); err != nil || len(w.sums.pages) > 0 {
		return false, err
	}
	w.sums.closeWAL()
	var busy, frames, moved int
	if err := w.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved); err != nil || busy != 0 {
		return false, err
	}
	return true, w.keepWAL(0)
}

// keepWAL says whether closing the connection leaves the WAL's file where it
// is, as it must while the mark stands.
func (w *writer) keepWAL(mode int) error {
	return w.conn.Raw(func(conn any) error {
		_, err := conn.(sqlite.FileControl).FileControlPersistWAL("main", mode)
		return err
	})
}

// close closes the connection. Only after stop, or before start.
func (w *writer) close() (err error) {
	if w.jobsOn != nil {
		err = w.jobsOn.close()
	}
	if w.keeper != nil {
		err = errors.Join(err, w.keeper.close())
	}
	if w.sums != nil {
		w.sums.close()
	}
	return errors.Join(err, w.conn.Close(), w.db.Close())
}
