package importer

import (
	"context"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// Planning in parallel. One goroutine reads the files and cuts their rows into
// parcels, several map the rows and make their calls, and the planner's own
// takes the parcels in the order of the rows: what comes out is what one
// goroutine would bring about, errors included. As many parcels as are on their
// way at once are all that is in memory.

// A parcel is some rows of one file and the calls that they make.
type parcel struct {
	batch mapping.Batch
	calls []made // in the order of the rows
	end   error  // what the reading ended with behind the rows; nil: it goes on
	ready chan struct{}
}

// parcelRows is how many rows a parcel has at the most. Few enough that those
// of a small file are mapped side by side too, many enough that handing them
// over costs next to nothing.
const parcelRows = 128

// A made is one call as the book takes it.
type made struct {
	op     record.Op // for any book but a draft
	sketch sketch    // for a draft
	entry  []byte    // likewise
	err    error     // why the call cannot be made
}

// parallel plans all rows of the files.
func (p *planning) parallel(ctx context.Context, session *mapping.Session) error {
	ctx, cancel := context.WithCancelCause(ctx)
	group, ctx := errgroup.WithContext(ctx)
	workers := max(p.workers, 1)
	free := make(chan *parcel, 2*workers+2)
	for range cap(free) {
		free <- &parcel{ready: make(chan struct{}, 1)}
	}
	work := make(chan *parcel, cap(free))
	order := make(chan *parcel, cap(free))
	group.Go(func() error {
		defer close(order)
		defer close(work)
		c := &cutting{planning: p, cutter: session.NewCutter(), free: free, work: work, order: order}
		return c.files(ctx)
	})
	for range workers {
		mapper, maker := session.NewMapper(), newMaker(p.Planner)
		group.Go(func() error {
			for parcel := range work {
				mapper.Map(&parcel.batch)
				maker.parcel(parcel)
				parcel.ready <- struct{}{}
			}
			return nil
		})
	}
	err := p.inOrder(ctx, session, order, free)
	cancel(err) // if it failed, nobody needs the rest
	if other := group.Wait(); err == nil {
		err = other
	}
	return err
}

// inOrder takes the parcels as their rows stand in the files.
func (p *planning) inOrder(ctx context.Context, session *mapping.Session, order <-chan *parcel, free chan<- *parcel) error {
	for parcel := range order {
		<-parcel.ready
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := p.takeParcel(ctx, session, parcel); err != nil {
			return err
		}
		if p.Progress != nil {
			p.Progress(p.report.Rows.Total)
		}
		free <- parcel
	}
	return nil
}

func (p *planning) takeParcel(ctx context.Context, session *mapping.Session, parcel *parcel) error {
	calls := parcel.calls
	for i := range parcel.batch.Len() {
		row, result, err := session.Take(&parcel.batch, i)
		switch {
		case err != nil:
			return p.ended(err)
		case result == nil:
			p.report.Lines[row.Role.String()]++
			continue
		}
		n := len(result.Events)
		if err := p.enter(ctx, result, calls[:n]); err != nil {
			return err
		}
		calls = calls[n:]
	}
	if parcel.end != nil {
		return p.unreadable(parcel.end)
	}
	return nil
}

// A cutting is the reading side of a parallel plan.
type cutting struct {
	*planning
	cutter      *mapping.Cutter
	free        <-chan *parcel
	work, order chan<- *parcel
}

// files cuts all files. A file that cannot be read is told behind its rows, with
// an empty parcel if need be; the error is about an interrupt.
func (c *cutting) files(ctx context.Context) error {
	for _, file := range c.Files {
		more, err := c.file(ctx, file)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func (c *cutting) file(ctx context.Context, file File) (more bool, err error) {
	reader, err := file.Open()
	if err != nil {
		parcel, interrupted := c.next(ctx)
		if interrupted != nil {
			return false, interrupted
		}
		parcel.end = err
		c.send(parcel)
		return false, nil
	}
	defer reader.Close()
	c.cutter.Date1904(reader.Date1904())
	for {
		parcel, err := c.next(ctx)
		if err != nil {
			return false, err
		}
		for parcel.batch.Len() < c.Planner.parcel {
			row, err := reader.Next()
			if err != nil {
				if err != io.EOF {
					parcel.end = err
				}
				c.send(parcel)
				return err == io.EOF, nil
			}
			c.cutter.Add(&parcel.batch, row)
		}
		c.send(parcel)
	}
}

// next is an empty parcel.
func (c *cutting) next(ctx context.Context) (*parcel, error) {
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case parcel := <-c.free:
		parcel.end = nil
		c.cutter.Begin(&parcel.batch)
		return parcel, nil
	}
}

// send never waits: both channels have room for all parcels there are.
func (c *cutting) send(parcel *parcel) {
	c.work <- parcel
	c.order <- parcel
}

// A maker makes calls of events. It belongs to one goroutine.
type maker struct {
	scope, source string
	draft         *Draft // nil for another book
	contents      contents
	sourceFits    bool
	buf           []byte

	forms       *record.FormWriter
	texts       texts           // of operations
	bodies      blocks          // of operations
	beside      [3]record.Param // of the call in work: see read
	stamps      record.Params
	params      record.Params // with the stamps
	fee, net    moneyText
	seconds, at string // the last time
}

func newMaker(p *Planner) *maker {
	m := &maker{scope: p.Scope, source: p.Mapping.Source(), forms: record.NewFormWriter()}
	if m.draft, _ = p.Book.(*Draft); m.draft != nil {
		m.contents.hasher = m.draft.hasher
	}
	m.sourceFits = fits(m.source)
	return m
}

// parcel makes the calls of a mapped batch's rows.
func (m *maker) parcel(p *parcel) {
	n := 0
	for i := range p.batch.Len() {
		result, ok := p.batch.Result(i)
		if !ok {
			break
		}
		if result == nil {
			continue
		}
		for j := range result.Events {
			if n == len(p.calls) {
				p.calls = append(p.calls, made{})
			}
			m.make(&p.calls[n], &result.Events[j])
			n++
		}
	}
}

// make makes one call.
func (m *maker) make(c *made, e *mapping.Event) {
	if m.draft == nil {
		c.err = m.operation(&c.op, e)
		return
	}
	if c.err = nil; !m.stampsFit(e) {
		if c.err = m.operation(new(record.Op), e); c.err != nil {
			return
		}
	}
	m.buf = m.contents.append(m.buf[:0], e)
	c.sketch = sketch{
		shape: shape{m.source, e.Call, e.Class, e.Amount.Currency, e.Pos.File},
		what:  m.draft.hasher.identity(m.source, e.Call, e.ID),
		reads: m.draft.hasher.bytes(m.buf),
		value: e.Amount.Value,
	}
	if !e.Call.Creates() {
		c.sketch.payment = m.draft.hasher.payment(m.source, e.Payment)
	}
	c.entry = appendCall(c.entry[:0], e.Pos.Line, e.Amount.Value, e.ID, e.Payment, e.Order)
}
