package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/sqlite/lib"
)

// A pager keeps the connections by which pages of many rows are read: lanes to
// send, calls to count and entries to write down. Like the writer's they go
// without database/sql. Who reads a page has one alone meanwhile; it is opened
// when all others are in use.
type pager struct {
	vfs string

	mu     sync.Mutex // guards the fields below
	idle   []*channel
	closed bool

	inUse sync.WaitGroup // pages being read; none begins once closed
}

// page runs a query and hands its rows to row, until that says stop. Nothing of
// the row may be kept. The snapshot that is read ends with the page.
func (j *Journal) page(ctx context.Context, query string, args []any, row func(r *pageRow) (more bool, err error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := j.pages.take(j.path)
	if err != nil {
		return err
	}
	defer j.pages.giveBack(c)
	return c.each(query, args, row)
}

// take gives out a connection, which must be given back.
func (p *pager) take(path string) (c *channel, err error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.inUse.Add(1)
	if last := len(p.idle) - 1; last >= 0 {
		c, p.idle = p.idle[last], p.idle[:last]
	}
	p.mu.Unlock()
	if c == nil {
		if c, err = openPages(path, p.vfs); err != nil {
			p.inUse.Done()
		}
	}
	return c, err
}

func (p *pager) giveBack(c *channel) {
	p.mu.Lock()
	p.idle = append(p.idle, c)
	p.mu.Unlock()
	p.inUse.Done()
}

func openPages(path, vfs string) (*channel, error) {
	c, err := openChannel(dsn(path, "ro", ""), vfs)
	if err != nil {
		return nil, err
	}
	for _, pragma := range []string{"PRAGMA query_only(1)", "PRAGMA busy_timeout(10000)"} {
		if _, err := c.exec(pragma); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// close waits for the pages that are being read.
func (p *pager) close() (err error) {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.inUse.Wait()
	for _, c := range p.idle {
		err = errors.Join(err, c.close())
	}
	p.idle = nil
	return err
}

// each runs a query, prepared once, and hands its rows to row.
func (c *channel) each(query string, args []any, row func(r *pageRow) (more bool, err error)) error {
	s, err := c.ready(query, args)
	if err != nil {
		return err
	}
	r := pageRow{c: c, s: s}
	rc, more := sqlite3.Xsqlite3_step(c.tls, s.p), true
	for rc == sqlite3.SQLITE_ROW && more && err == nil {
		r.i = 0
		if more, err = row(&r); more && err == nil {
			rc = sqlite3.Xsqlite3_step(c.tls, s.p)
		}
	}
	return errors.Join(c.reset(s, rc), err)
}

// prepare prepares a single statement, once.
func (c *channel) prepare(query string) (*cstmt, error) {
	if list, ok := c.stmts[query]; ok {
		return list[0], nil
	}
	text, err := libc.CString(query)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, text)
	if rc := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, text, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, c.out, 0); rc != sqlite3.SQLITE_OK {
		return nil, fmt.Errorf("%w in %.60q", c.fail(rc), query)
	}
	s := &cstmt{p: *(*uintptr)(inC(c.out))}
	c.stmts[query] = []*cstmt{s}
	return s, nil
}

// A pageRow is the row that a query stands on. Its columns are taken from left to
// right.
type pageRow struct {
	c *channel
	s *cstmt
	i int32
}

func (r *pageRow) int() int64 {
	n := sqlite3.Xsqlite3_column_int64(r.c.tls, r.s.p, r.i)
	r.i++
	return n
}

// time is a column of Unix milliseconds; NULL is the zero time.
func (r *pageRow) time() time.Time {
	isNull := sqlite3.Xsqlite3_column_type(r.c.tls, r.s.p, r.i) == sqlite3.SQLITE_NULL
	return timeOf(sql.NullInt64{Int64: r.int(), Valid: !isNull})
}

// borrow is a column's bytes, which the next row takes away. NULL has none.
func (r *pageRow) borrow() []byte {
	p := sqlite3.Xsqlite3_column_blob(r.c.tls, r.s.p, r.i)
	n := sqlite3.Xsqlite3_column_bytes(r.c.tls, r.s.p, r.i)
	r.i++
	if p == 0 || n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(inC(p)), n)
}

// into takes a column of text, "" for NULL. What is in dest, of the row before,
// is kept where it is the same: many columns say the same in every row.
func into[T ~string](r *pageRow, dest *T) {
	if b := r.borrow(); string(*dest) != string(b) {
		*dest = T(b)
	}
}
