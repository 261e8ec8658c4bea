package importer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/payrec/payrec/internal/extsort"
	"github.com/payrec/payrec/record"
)

// Sealing a draft. What the verdicts are, and in which order they are reached,
// is what the journal's Seal does when it knows of no earlier run; a test holds
// the two against each other.

// A verdict is what a call is that is not simply new: the call's number, which
// of the kinds below, and the number of what it refers to.
type verdict [3]uint64

const (
	isNew       = iota
	isDuplicate // refers to the first call with its identity
	isConflict  // likewise, maybe to itself
	isBlocked   // parked, because a row of its payment was rejected; refers to the block
	isBehind    // parked, because an earlier step of its payment is in conflict
	isHeld
	isHeadless // a duplicate, and the call it repeats is not new
)

// A judgement is all that is known of one call.
type judgement struct {
	at, ref  uint64
	kind     uint64
	headless bool
}

func (v judgement) disposition() record.Disposition {
	return [...]record.Disposition{isNew: record.New, isDuplicate: record.Duplicate, isConflict: record.Conflicting,
		isBlocked: record.Parked, isBehind: record.Parked, isHeld: record.Held}[v.kind]
}

// planned says whether an operation comes of the call, or of the one it repeats.
func (v judgement) planned() bool { return v.kind == isNew || v.kind == isDuplicate && !v.headless }

// Seal implements [Book].
func (d *Draft) Seal(ctx context.Context) ([]record.Tally, error) {
	if err := d.usable(); err != nil {
		return nil, err
	}
	err := d.identities(ctx)
	if err == nil && d.duplicates && d.halted.Len() > 0 {
		err = d.heads(ctx)
	}
	if err = errors.Join(err, d.ops.Close()); err != nil {
		return nil, d.failed(err)
	}
	d.sealed = true
	return d.tallies(ctx)
}

// identities judges the calls of one identity, then those of one payment. Who
// belongs to a payment that is to be looked at follows from the log alone where
// nothing repeats anything, as in most plans: it is found out at the same time.
func (d *Draft) identities(ctx context.Context) error {
	steps := &extsort.Tuples[laneStep]{Limit: d.limit}
	defer func() { steps.Close() }()
	var group errgroup.Group
	if d.children || d.blocks {
		group.Go(func() error {
			return d.log.read(looking(ctx, func(at int64, e *logEntry) (bool, error) {
				if !d.waits(e) {
					return true, nil
				}
				return true, steps.Add(d.stepOf(at, e, judgement{}))
			}))
		})
	}
	err := d.repeats(ctx)
	if other := group.Wait(); err == nil {
		err = other
	}
	if err != nil {
		return err
	}
	if d.conflicts || d.duplicates && steps.Len() > 0 {
		steps.Close()
		steps = &extsort.Tuples[laneStep]{Limit: d.limit}
		if err := d.walk(ctx, false, func(at int64, e *logEntry, v judgement) (bool, error) {
			if v.kind == isDuplicate || !d.conflicts && !d.waits(e) {
				return true, nil // nothing becomes of a duplicate, whatever its payment
			}
			return true, steps.Add(d.stepOf(at, e, v))
		}); err != nil {
			return err
		}
	}
	c, err := steps.Read()
	if err != nil {
		return err
	}
	l := draftLane{draft: d}
	return takeAll(ctx, c, &l)
}

// looking looks at the context now and then in a long walk.
func looking(ctx context.Context, f func(at int64, e *logEntry) (bool, error)) func(at int64, e *logEntry) (bool, error) {
	n := 0
	return func(at int64, e *logEntry) (bool, error) {
		if n++; n%checkEvery == 0 && ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		return f(at, e)
	}
}

// checkEvery is how many steps of a long walk go between two looks at the context.
const checkEvery = 1 << 16

// repeats finds the calls that share their identity with others.
func (d *Draft) repeats(ctx context.Context) error {
	c, err := d.ops.Read()
	if err != nil {
		return err
	}
	g := identical{draft: d}
	return takeAll(ctx, c, &g)
}

// takeAll gives a judge the tuples in their order, and lets it judge the last.
func takeAll[T extsort.Words](ctx context.Context, c *extsort.TupleCursor[T], judge interface {
	take(T) error
	judge() error
}) error {
	for n := 1; ; n++ {
		t, ok, err := c.Next()
		if err != nil {
			return err
		}
		if !ok {
			return judge.judge()
		}
		if n%checkEvery == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := judge.take(t); err != nil {
			return err
		}
	}
}

// identical are the calls of one identity, in the order of the plan.
type identical struct {
	draft *Draft
	head  [5]uint64
	n     int
	apart bool     // they read differently
	ats   []uint64 // behind the head, as many as may be in memory
}

func (g *identical) take(t [5]uint64) error {
	if g.n > 0 && t[0] == g.head[0] && t[1] == g.head[1] {
		g.n++
		g.apart = g.apart || t[3] != g.head[3] || t[4] != g.head[4]
		if len(g.ats) < g.draft.together() {
			g.ats = append(g.ats, t[2])
		}
		return nil
	}
	if err := g.judge(); err != nil {
		return err
	}
	g.head, g.n, g.apart, g.ats = t, 1, false, g.ats[:0]
	return nil
}

// together is how many calls of one identity or payment are kept in memory.
func (d *Draft) together() int {
	if d.limit > 0 {
		return d.limit
	}
	return 1 << 20
}

// judge gives the calls their verdicts.
func (g *identical) judge() error {
	if g.n < 2 {
		return nil
	}
	d, kind := g.draft, uint64(isDuplicate)
	if g.apart {
		kind, d.conflicts = isConflict, true
		if err := d.repeated.Add(verdict{g.head[2], kind, g.head[2]}); err != nil {
			return err
		}
	} else {
		d.duplicates = true
	}
	for _, at := range g.ats {
		if err := d.repeated.Add(verdict{at, kind, g.head[2]}); err != nil {
			return err
		}
	}
	if len(g.ats) == g.n-1 {
		return nil
	}
	// A wrong mapping gave one identity to a large part of the file: the log
	// tells which calls they were.
	last := g.head[2]
	if len(g.ats) > 0 {
		last = g.ats[len(g.ats)-1]
	}
	return d.log.read(func(at int64, e *logEntry) (bool, error) {
		if e.kind != callEntry || uint64(at) <= last {
			return true, nil
		}
		s := &d.shapes.list[e.shape]
		if what := d.hasher.identity(s.source, s.call, string(e.natural)); what[0] != g.head[0] || what[1] != g.head[1] {
			return true, nil
		}
		return true, d.repeated.Add(verdict{uint64(at), kind, g.head[2]})
	})
}

// waits says whether somebody of an entry's payment may wait for another. A
// payment by itself has nothing to wait for.
func (d *Draft) waits(e *logEntry) bool {
	return d.concerned.has(d.hasher.mark(d.sourceOf(e), e.payment))
}

// A laneStep is a call, or a block, of a payment: the hash of the payment's
// key, the number, and what it is.
type laneStep [4]uint64

const (
	stepBlock    = 1 << iota // not a call, but a rejected row
	stepConflict             // in conflict; else new
	stepChild                // needs the payment's record
)

func (d *Draft) stepOf(at int64, e *logEntry, v judgement) laneStep {
	p := d.hasher.payment(d.sourceOf(e), string(e.payment))
	t := laneStep{p[0], p[1], uint64(at), 0}
	switch {
	case e.kind == blockEntry:
		t[3] = stepBlock
		return t
	case v.kind == isConflict:
		t[3] = stepConflict
	}
	if d.shapes.list[e.shape].rank > 0 {
		t[3] |= stepChild
	}
	return t
}

// sourceOf is whose payment an entry is about.
func (d *Draft) sourceOf(e *logEntry) string {
	if e.kind == blockEntry {
		return string(e.source)
	}
	return d.shapes.list[e.shape].source
}

// A draftLane is one payment's calls in the order of the plan.
type draftLane struct {
	draft *Draft
	n     int
	first laneStep
	steps [][2]uint64 // number and flags, as many as may be in memory

	block        uint64 // its number, if blocked
	blocked      bool
	conflict     bool
	roots, child bool // new ones
}

func (l *draftLane) take(t laneStep) error {
	if l.n == 0 || t[0] != l.first[0] || t[1] != l.first[1] {
		if err := l.judge(); err != nil {
			return err
		}
		*l = draftLane{draft: l.draft, first: t, steps: l.steps[:0]}
	}
	l.n++
	if len(l.steps) < l.draft.together() {
		l.steps = append(l.steps, [2]uint64{t[2], t[3]})
	}
	switch {
	case t[3]&stepBlock != 0:
		if !l.blocked {
			l.blocked, l.block = true, t[2]
		}
	case t[3]&stepConflict != 0:
		l.conflict = true
	case t[3]&stepChild != 0:
		l.child = true
	default:
		l.roots = true
	}
	return nil
}

// judge gives the payment's new calls their verdicts.
func (l *draftLane) judge() error {
	switch {
	case l.blocked:
		return l.each(func(at, flags uint64) error {
			if flags&(stepBlock|stepConflict) != 0 {
				return nil
			}
			return l.draft.halted.Add(verdict{at, isBlocked, l.block})
		})
	case l.conflict && (l.roots || l.child):
		return l.judgeConflict()
	case l.child && !l.roots:
		return l.hold(nil)
	}
	return nil
}

// hold holds the new calls that need a record, but those behind a step.
func (l *draftLane) hold(step *position) error {
	return l.each(func(at, flags uint64) error {
		if flags != stepChild {
			return nil
		}
		if step != nil {
			p, err := l.draft.position(at)
			if err != nil || p.compare(step) > 0 {
				return err
			}
		}
		return l.draft.halted.Add(verdict{at, isHeld, 0})
	})
}

// judgeConflict parks what comes behind the first step in conflict, and holds
// the rest if no call that makes the record is left.
func (l *draftLane) judgeConflict() error {
	var first *position
	err := l.each(func(at, flags uint64) error {
		if flags&stepConflict == 0 {
			return nil
		}
		p, err := l.draft.position(at)
		if err == nil && (first == nil || p.compare(first) < 0) {
			first = p
		}
		return err
	})
	if err != nil {
		return err
	}
	root := false
	err = l.each(func(at, flags uint64) error {
		if flags&(stepBlock|stepConflict) != 0 {
			return nil
		}
		p, err := l.draft.position(at)
		if err != nil {
			return err
		}
		if p.compare(first) > 0 {
			return l.draft.halted.Add(verdict{at, isBehind, 0})
		}
		root = root || !p.child
		return nil
	})
	if err != nil || root {
		return err
	}
	return l.hold(first)
}

// each calls f with the payment's steps, in the order of the plan.
func (l *draftLane) each(f func(at, flags uint64) error) error {
	for _, s := range l.steps {
		if err := f(s[0], s[1]); err != nil {
			return err
		}
	}
	if len(l.steps) == l.n {
		return nil
	}
	// A wrong mapping gave a large part of the file to one payment: the log tells
	// which calls they were.
	last := l.steps[len(l.steps)-1][0]
	return l.draft.walk(context.Background(), false, func(at int64, e *logEntry, v judgement) (bool, error) {
		if uint64(at) <= last || v.kind == isDuplicate {
			return true, nil
		}
		s := l.draft.stepOf(at, e, v)
		if s[0] != l.first[0] || s[1] != l.first[1] {
			return true, nil
		}
		return true, f(s[2], s[3])
	})
}

// A position is where a call stands in its payment's life.
type position struct {
	child bool
	order string
	rank  int
	at    uint64
}

func (d *Draft) position(at uint64) (*position, error) {
	e, err := d.log.at(int64(at))
	if err != nil {
		return nil, err
	}
	rank := d.shapes.list[e.shape].rank
	return &position{rank > 0, string(e.order), rank, at}, nil
}

func (p *position) compare(o *position) int {
	if p.child != o.child {
		if o.child {
			return -1
		}
		return 1
	}
	return cmp.Or(strings.Compare(p.order, o.order), cmp.Compare(p.rank, o.rank), cmp.Compare(p.at, o.at))
}

// heads finds the duplicates of calls that turned out not to be new.
func (d *Draft) heads(ctx context.Context) error {
	byHead := &extsort.Tuples[verdict]{Limit: d.limit}
	defer byHead.Close()
	repeated, err := d.repeated.Read()
	if err != nil {
		return err
	}
	for {
		v, ok, err := repeated.Next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if v[1] == isDuplicate {
			if err := byHead.Add(verdict{v[2], v[0]}); err != nil {
				return err
			}
		}
	}
	duplicates, err := byHead.Read()
	if err != nil {
		return err
	}
	halted, err := newJudge(&d.halted)
	if err != nil {
		return err
	}
	for {
		v, ok, err := duplicates.Next()
		if err != nil || !ok {
			return errors.Join(err, context.Cause(ctx))
		}
		if _, is, err := halted.of(v[0]); err != nil {
			return err
		} else if is {
			if err := d.headless.Add(verdict{v[1], isHeadless}); err != nil {
				return err
			}
		}
	}
}

// A judge gives the verdicts of one kind for calls in ascending order.
type judge struct {
	c    *extsort.TupleCursor[verdict]
	next verdict
	ok   bool
}

func newJudge(from *extsort.Tuples[verdict]) (*judge, error) {
	c, err := from.Read()
	if err != nil {
		return nil, err
	}
	j := &judge{c: c}
	j.next, j.ok, err = c.Next()
	return j, err
}

func (j *judge) of(at uint64) (v verdict, ok bool, err error) {
	for j.ok && j.next[0] < at {
		if j.next, j.ok, err = j.c.Next(); err != nil {
			return v, false, err
		}
	}
	return j.next, j.ok && j.next[0] == at, nil
}

// judged calls f with every call and its verdict, until f says no.
func (d *Draft) judged(ctx context.Context, f func(at int64, e *logEntry, v judgement) (bool, error)) error {
	return d.walk(ctx, true, func(at int64, e *logEntry, v judgement) (bool, error) {
		if e.kind != callEntry {
			return true, nil
		}
		return f(at, e, v)
	})
}

// walk calls f with every entry of the log; whole says that all verdicts are
// known, not only which calls repeat others.
func (d *Draft) walk(ctx context.Context, whole bool, f func(at int64, e *logEntry, v judgement) (bool, error)) error {
	from := []*extsort.Tuples[verdict]{&d.repeated}
	if whole {
		from = append(from, &d.halted, &d.headless)
	}
	var judges []*judge
	for _, verdicts := range from {
		j, err := newJudge(verdicts)
		if err != nil {
			return err
		}
		judges = append(judges, j)
	}
	return d.log.read(looking(ctx, func(at int64, e *logEntry) (bool, error) {
		v := judgement{at: uint64(at)}
		for _, j := range judges {
			found, ok, err := j.of(v.at)
			switch {
			case err != nil:
				return false, err
			case !ok:
			case found[1] == isHeadless:
				v.headless = true
			default:
				v.kind, v.ref = found[1], found[2]
			}
		}
		return f(at, e, v)
	}))
}

// tallies counts the sealed plan's calls as the journal does, in its order.
func (d *Draft) tallies(ctx context.Context) ([]record.Tally, error) {
	counts := map[record.Tally]*tallied{}
	add := func(t record.Tally, n, value int64) error {
		c := counts[t]
		if c == nil {
			c = &tallied{}
			counts[t] = c
		}
		if c.add(n, value); c.over {
			return errSum
		}
		return nil
	}
	of := func(s *shapeInfo, v judgement) record.Tally {
		t := record.Tally{Call: s.call, Class: s.class, Currency: s.currency, Disposition: v.disposition()}
		if v.planned() {
			t.State = record.Planned
		}
		return t
	}
	var err error
	if d.repeated.Len()+d.halted.Len() == 0 {
		for i, c := range d.news {
			if c.over {
				return nil, errSum
			}
			if err == nil {
				err = add(of(&d.shapes.list[i], judgement{}), c.n, c.value)
			}
		}
	} else {
		err = d.judged(ctx, func(_ int64, e *logEntry, v judgement) (bool, error) {
			return true, add(of(&d.shapes.list[e.shape], v), 1, e.value)
		})
	}
	if err != nil {
		return nil, err
	}
	var list []record.Tally
	for t, c := range counts {
		t.N, t.Value = c.n, c.value
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b record.Tally) int {
		return cmp.Or(cmp.Compare(rankOf(a.Call), rankOf(b.Call)), strings.Compare(a.Class, b.Class),
			bytes.Compare([]byte(a.Currency), []byte(b.Currency)), strings.Compare(string(a.Disposition), string(b.Disposition)),
			strings.Compare(string(a.State), string(b.State)))
	})
	return list, nil
}
