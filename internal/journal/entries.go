package journal

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
)

// entryPage is how many entries are read at once: no read transaction lasts as
// long as its caller takes.
const entryPage = 1000

// superseded says that a later run planned the call anew with other content
// before this one's was ever sent.
const superseded = `(o.home <> i.home AND i.disposition = 'new' AND
	(SELECT content FROM entry WHERE no = o.home) <> (SELECT content FROM entry WHERE no = i.home))`

// Entries returns the run's planned calls in file order: those of the given
// dispositions, or all.
func (j *Journal) Entries(ctx context.Context, run string, dispositions ...Disposition) iter.Seq2[Entry, error] {
	where, args := oneOf([]string{entriesQuery}, nil, "i.disposition", dispositions)
	return j.each(ctx, run, entryReading{strings.Join(where, " AND "), args, (*pageEntry).take})
}

// Receipts returns, in file order, the calls that the run sent or looked up and
// that the account has: what a receipt says of each, which is its op but for
// Source, Content and Order, its State, Epoch, RecordID and RequestID. Come to its
// end it has read all calls of the run, and has set tallies, unless that is nil, to
// what [Journal.Tallies] says of them.
func (j *Journal) Receipts(ctx context.Context, run string, tallies *[]Tally) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		sums := newTallying()
		take := func(p *pageEntry, r *pageRow, page []Entry) ([]Entry, error) { return p.takeReceipt(r, sums, page) }
		for e, err := range j.each(ctx, run, entryReading{receiptsQuery, nil, take}) {
			if !yield(e, err) || err != nil {
				return
			}
		}
		if tallies != nil {
			*tallies = sums.list()
		}
	}
}

// An entryReading is how entries are read. The query's first two values are the
// numbers between which they are, args the others; its first column is the
// entry's number. take appends the entry of a row to its page, if it is wanted.
type entryReading struct {
	query string
	args  []any
	take  func(p *pageEntry, r *pageRow, page []Entry) ([]Entry, error)
}

const entriesQuery = `
	SELECT i.no, e.op_id, e.source, e.payment, e.natural, e.call, e.content, e.ord, e.currency, e.value, e.class, f.name, e.line,
		i.disposition, i.reason, ` + stateNow + `, ` + superseded + `, o.epoch, coalesce(o.record_id, nullif(o.target, '')), o.object_id, o.request_id, o.http_status, o.code, o.param, o.message,
		o.first_sent, o.last_sent, o.attempts, pf.name, p.line, p.content
	FROM item i JOIN entry e ON e.no = i.no JOIN file f ON f.no = e.file
		LEFT JOIN op o ON o.no = i.op
		LEFT JOIN entry p ON p.no = i.previous LEFT JOIN file pf ON pf.no = p.file
	WHERE i.no BETWEEN ? AND ?`

const receiptsQuery = "SELECT i.no, " + tallyColumns + `, e.op_id, e.payment, e.natural, f.name, e.line,
		o.epoch, coalesce(o.record_id, nullif(o.target, '')), o.request_id
	FROM item i JOIN entry e ON e.no = i.no JOIN file f ON f.no = e.file LEFT JOIN op o ON o.no = i.op
	WHERE i.no BETWEEN ? AND ?`

// A pageRead is a page of entries, or why it could not be read.
type pageRead struct {
	entries []Entry
	err     error
}

// each iterates over entries. While a page is handed out, the next one is read.
func (j *Journal) each(ctx context.Context, run string, how entryReading) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		r, err := j.settledRun(ctx, run)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		pages, over := make(chan pageRead), make(chan struct{})
		var reading sync.WaitGroup
		reading.Go(func() {
			defer close(pages)
			j.readAhead(ctx, r, how, pages, over)
		})
		defer reading.Wait()
		defer close(over)
		for page := range pages {
			for _, e := range page.entries {
				if !yield(e, nil) {
					return
				}
			}
			if page.err != nil {
				yield(Entry{}, page.err)
				return
			}
		}
	}
}

// readAhead reads pages until there are no more, one fails, or nobody wants any.
// A page is in the memory of the last but one: when that before is taken, whoever
// takes them is done with it.
func (j *Journal) readAhead(ctx context.Context, r RunStatus, how entryReading, pages chan<- pageRead, over <-chan struct{}) {
	var page, before pageRead
	for from := r.first; from <= r.last && page.err == nil; {
		page, before = before, page
		page.entries, from, page.err = j.entries(ctx, page.entries[:0], from, r.last, how)
		select {
		case pages <- page:
		case <-over:
			return
		}
	}
}

// entries reads one page, into the memory of an earlier one, and says where the
// next begins.
func (j *Journal) entries(ctx context.Context, room []Entry, from, last int64, how entryReading) (page []Entry, next int64, err error) {
	defer j.named(&err)
	page, next = room, last+1
	var e pageEntry
	// No LIMIT: when one is bound anew, SQLite prepares the statement again.
	err = j.page(ctx, how.query+" ORDER BY i.no", append([]any{from, last}, how.args...), func(r *pageRow) (more bool, err error) {
		no := r.int()
		if page, err = how.take(&e, r, page); len(page) == entryPage {
			next = no + 1
		}
		return len(page) < entryPage, err
	})
	if err != nil {
		return nil, 0, err
	}
	return page, next, nil
}

// oneOf adds a condition that column is one of values, if there are any.
func oneOf[T ~string](where []string, args []any, column string, values []T) ([]string, []any) {
	if len(values) == 0 {
		return where, args
	}
	for _, v := range values {
		args = append(args, string(v))
	}
	return append(where, column+" IN ("+strings.Join(slices.Repeat([]string{"?"}, len(values)), ",")+")"), args
}

// A pageEntry is the entry of the row before, whose texts are used again.
type pageEntry struct {
	e     Entry
	taken int64 // 1: by a later run
}

// take appends the entry of the row that r stands on.
func (p *pageEntry) take(r *pageRow, page []Entry) ([]Entry, error) {
	e := &p.e
	into(r, &e.ID)
	into(r, &e.Source)
	into(r, &e.Payment)
	into(r, &e.Natural)
	into(r, &e.Call)
	into(r, &e.Content)
	into(r, &e.Order)
	into(r, &e.Amount.Currency)
	e.Amount.Value = r.int()
	into(r, &e.Class)
	into(r, &e.File)
	e.Line = int(r.int())
	into(r, &e.Disposition)
	into(r, &e.Reason)
	into(r, &e.State)
	p.taken = r.int()
	e.Epoch = int(r.int())
	into(r, &e.RecordID)
	into(r, &e.ObjectID)
	into(r, &e.RequestID)
	e.HTTPStatus = int(r.int())
	into(r, &e.Code)
	into(r, &e.Param)
	into(r, &e.Message)
	e.FirstSent, e.LastSent, e.Attempts = r.time(), r.time(), int(r.int())
	into(r, &e.PreviousFile)
	e.PreviousLine = int(r.int())
	into(r, &e.PreviousContent)
	if p.taken == 0 {
		return append(page, *e), nil
	}
	return append(page, Entry{Op: e.Op, Disposition: e.Disposition, Outcome: Outcome{State: Planned}, Epoch: e.Epoch, Reason: "a later run planned it with other content",
		PreviousFile: e.PreviousFile, PreviousLine: e.PreviousLine, PreviousContent: e.PreviousContent}), nil
}

// takeReceipt counts the call of the row that r stands on, and appends what a receipt
// says of it, if it has one.
func (p *pageEntry) takeReceipt(r *pageRow, sums *tallying, page []Entry) ([]Entry, error) {
	t, err := sums.take(r)
	if err != nil || !t.State.There() || t.Disposition != New && t.Disposition != Retry {
		return page, err
	}
	e := &p.e
	e.Call, e.Class, e.State = t.Call, t.Class, t.State
	e.Amount.Currency, e.Amount.Value = t.Currency, t.Value
	into(r, &e.ID)
	into(r, &e.Payment)
	into(r, &e.Natural)
	into(r, &e.File)
	e.Line = int(r.int())
	e.Epoch = int(r.int())
	into(r, &e.RecordID)
	into(r, &e.RequestID)
	return append(page, *e), nil
}

// Tallies counts the run's calls by call, class, currency, disposition and state.
func (j *Journal) Tallies(ctx context.Context, run string) ([]Tally, error) {
	r, err := j.settledRun(ctx, run)
	if err != nil {
		return nil, err
	}
	return j.outcome(ctx, r)
}

// tallyColumns are what is counted of an item, and by what.
const tallyColumns = "e.call, e.class, e.currency, i.disposition, CASE WHEN " + superseded + " THEN 'planned' ELSE " + stateNow + " END, e.value"

func (j *Journal) outcome(ctx context.Context, r RunStatus) ([]Tally, error) {
	return j.tallies(ctx, "SELECT "+tallyColumns+` FROM item i JOIN entry e ON e.no = i.no LEFT JOIN op o ON o.no = i.op
		WHERE i.no BETWEEN ? AND ?`, r.first, r.last)
}

// Totals counts the whole journal's operations by call, currency and state;
// their class and disposition are "".
func (j *Journal) Totals(ctx context.Context) ([]Tally, error) {
	if err := j.settle(ctx); err != nil {
		return nil, err
	}
	return j.tallies(ctx, "SELECT e.call, '', e.currency, '', "+stateNow+", e.value FROM op o JOIN entry e ON e.no = o.home WHERE o.current = 1 AND "+sealed)
}

// tallies counts and adds up calls, of which a query has one in each row.
func (j *Journal) tallies(ctx context.Context, query string, args ...any) (list []Tally, err error) {
	defer j.named(&err)
	sums := newTallying()
	err = j.page(ctx, query, args, func(r *pageRow) (bool, error) {
		if _, err := sums.take(r); err != nil {
			return false, err
		}
		return true, ctx.Err()
	})
	return sums.list(), err
}

// A tallying counts calls and adds them up, by what is counted together. In SQL they
// would be sorted, to make groups of them.
type tallying struct {
	sums map[Tally]*Tally // by what is counted together: N and Value are 0 there
	last Tally            // what the row before was, likewise; its texts are used again
	sum  *Tally           // where that was counted
}

func newTallying() *tallying { return &tallying{sums: make(map[Tally]*Tally)} }

// take counts the call of the row that r stands on, and says what it is, with its
// value.
func (c *tallying) take(r *pageRow) (Tally, error) {
	before := c.last
	into(r, &c.last.Call)
	into(r, &c.last.Class)
	into(r, &c.last.Currency)
	into(r, &c.last.Disposition)
	into(r, &c.last.State)
	if c.sum == nil || c.last != before {
		if c.sum = c.sums[c.last]; c.sum == nil {
			c.sum = new(c.last)
			c.sums[c.last] = c.sum
		}
	}
	t := c.last
	t.N, t.Value = 1, r.int()
	if c.sum.N++; !add(&c.sum.Value, t.Value) {
		return t, beyond(c.sum)
	}
	return t, nil
}

// list is what was counted, in order.
func (c *tallying) list() (list []Tally) {
	for _, sum := range c.sums {
		list = append(list, *sum)
	}
	slices.SortFunc(list, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(rankOf(a.Call), rankOf(b.Call)), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Currency, b.Currency),
			cmp.Compare(a.Disposition, b.Disposition), cmp.Compare(a.State, b.State))
	})
	return list
}

// add adds n to sum, if that can be counted.
func add(sum *int64, n int64) bool {
	total := *sum + n
	if (total < *sum) != (n < 0) {
		return false
	}
	*sum = total
	return true
}

func beyond(t *Tally) error {
	return fmt.Errorf("the %s of %s come to more than can be counted", t.Currency, t.Call)
}

// RecordOf is the payment's record, when one is known.
func (j *Journal) RecordOf(ctx context.Context, source, payment string) (id string, ok bool, err error) {
	if err := j.settle(ctx); err != nil {
		return "", false, err
	}
	err = j.read.QueryRowContext(ctx, `SELECT record_id FROM op WHERE source = ? AND payment = ? AND call = 'report_payment'
		AND state IN ('confirmed', 'adopted') ORDER BY no DESC LIMIT 1`, source, payment).Scan(&id)
	if err == sql.ErrNoRows {
		return "", false, nil
	}
	return id, err == nil, err
}
