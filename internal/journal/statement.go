package journal

import (
	"database/sql"
	"errors"
	"fmt"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/sqlite/lib" // SQLite itself

	"github.com/payrec/payrec/record"
)

// A channel is the connection that the writer's jobs go through. It calls SQLite
// without database/sql, whose conversions and allocations for each value cost
// more than what SQLite does with it. It is used by one goroutine at a time.
type channel struct {
	tls   *libc.TLS
	db    uintptr
	out   uintptr             // two words for what SQLite returns by address
	args  []value             // of the statement being run, where they came as any
	stmts map[string][]*cstmt // by script, in order
	room  arena               // what the statement being run is bound to
}

// A cstmt is a prepared statement.
type cstmt struct {
	p uintptr
}

// A sqliteError is a failure that SQLite reported.
type sqliteError struct {
	code int // extended
	text string
}

func (e *sqliteError) Error() string { return fmt.Sprintf("%s (%d)", e.text, e.code) }

// Code is SQLite's extended result code.
func (e *sqliteError) Code() int { return e.code }

// inC is where an address in C's memory points to.
func inC(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// An arena is memory of C's that is filled anew for each statement.
type arena struct {
	p         uintptr
	size, off int
}

// reserve makes room for n bytes in all; what was in it is lost.
func (a *arena) reserve(tls *libc.TLS, n int) error {
	a.off = 0
	if n <= a.size {
		return nil
	}
	libc.Xfree(tls, a.p)
	a.size = max(2*n, 4096)
	if a.p = libc.Xmalloc(tls, libc.Tsize_t(a.size)); a.p == 0 {
		a.size = 0
		return errors.New("out of memory")
	}
	return nil
}

// put copies data into the arena. There is room: see reserve.
func (a *arena) put(data string) uintptr {
	at := a.p + uintptr(a.off)
	copy(unsafe.Slice((*byte)(inC(at)), len(data)), data)
	a.off += len(data)
	return at
}

// openChannel opens the database at a URI.
func openChannel(uri, vfs string) (c *channel, err error) {
	c = &channel{tls: libc.NewTLS(), stmts: make(map[string][]*cstmt)}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if c.out = libc.Xcalloc(c.tls, 2, 8); c.out == 0 {
		return c, errors.New("out of memory")
	}
	name, err := libc.CString(uri)
	if err != nil {
		return c, err
	}
	defer libc.Xfree(c.tls, name)
	var system uintptr
	if vfs != "" {
		if system, err = libc.CString(vfs); err != nil {
			return c, err
		}
		defer libc.Xfree(c.tls, system)
	}
	// One goroutine at a time: SQLite need not lock what it is called with.
	const flags = sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_URI
	rc := sqlite3.Xsqlite3_open_v2(c.tls, name, c.out, flags, system)
	c.db = *(*uintptr)(inC(c.out))
	if rc != sqlite3.SQLITE_OK {
		return c, c.fail(rc)
	}
	sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	return c, nil
}

func (c *channel) fail(rc int32) error {
	e := &sqliteError{code: int(rc)}
	if c.db != 0 {
		e.text = libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
	}
	return e
}

func (c *channel) close() (err error) {
	for _, script := range c.stmts {
		for _, s := range script {
			sqlite3.Xsqlite3_finalize(c.tls, s.p)
		}
	}
	if c.db != 0 {
		if rc := sqlite3.Xsqlite3_close(c.tls, c.db); rc != sqlite3.SQLITE_OK {
			err = c.fail(rc)
		}
	}
	libc.Xfree(c.tls, c.out)
	libc.Xfree(c.tls, c.room.p)
	c.tls.Close()
	return err
}

// A value is what a statement is bound to: NULL, a number, text or bytes.
type value struct {
	kind valueKind
	n    int64
	s    string // text or bytes
}

type valueKind uint8

const (
	nothing valueKind = iota
	number
	text
	blob
)

func num(n int64) value      { return value{kind: number, n: n} }
func str(s string) value     { return value{kind: text, s: s} }
func bytesOf(b []byte) value { return value{kind: blob, s: unsafe.String(unsafe.SliceData(b), len(b))} }
func valueOf(a any) (value, error) {
	switch a := a.(type) {
	case nil:
		return value{}, nil
	case int64:
		return num(a), nil
	case int:
		return num(int64(a)), nil
	case bool:
		if a {
			return num(1), nil
		}
		return num(0), nil
	case string:
		return str(a), nil
	case []byte:
		return bytesOf(a), nil
	}
	return value{}, fmt.Errorf("a %T cannot be written", a)
}

// values turns values into what statements are bound to. They hold until the
// next call.
func (c *channel) values(args []any) ([]value, error) {
	c.args = c.args[:0]
	for _, a := range args {
		v, err := valueOf(a)
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, v)
	}
	return c.args, nil
}

// exec runs a statement, or a script of several that take the same values, each
// prepared once, and returns how many rows the last one changed.
func (c *channel) exec(script string, args ...any) (int64, error) {
	list, err := c.values(args)
	if err != nil {
		return 0, err
	}
	return c.execValues(script, list)
}

func (c *channel) execValues(script string, args []value) (int64, error) {
	if known, ok := c.stmts[script]; ok {
		for _, s := range known {
			if err := c.run(s, args); err != nil {
				return 0, err
			}
		}
	} else if err := c.first(script, args); err != nil {
		return 0, err
	}
	return sqlite3.Xsqlite3_changes64(c.tls, c.db), nil
}

// first prepares the statements of a script and runs each before the next is
// prepared, which may need it.
func (c *channel) first(script string, args []value) error {
	text, err := libc.CString(script)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, text)
	var list []*cstmt
	for at := text; ; {
		rc := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, at, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, c.out, c.out+8)
		if rc != sqlite3.SQLITE_OK {
			return fmt.Errorf("%w in %.60q", c.fail(rc), script)
		}
		p := *(*uintptr)(inC(c.out))
		if at = *(*uintptr)(inC(c.out + 8)); p == 0 {
			break // nothing but space was left
		}
		s := &cstmt{p: p}
		list = append(list, s)
		c.stmts[script] = list // so that closing finds it
		if err := c.run(s, args); err != nil {
			delete(c.stmts, script)
			for _, s := range list {
				sqlite3.Xsqlite3_finalize(c.tls, s.p)
			}
			return err
		}
	}
	return nil
}

// run runs a statement to its end.
func (c *channel) run(s *cstmt, args []value) error {
	if err := c.bind(s, args); err != nil {
		return err
	}
	rc := sqlite3.Xsqlite3_step(c.tls, s.p)
	for rc == sqlite3.SQLITE_ROW {
		rc = sqlite3.Xsqlite3_step(c.tls, s.p)
	}
	return c.reset(s, rc)
}

// reset ends a statement whose last step returned rc.
func (c *channel) reset(s *cstmt, rc int32) (err error) {
	if rc != sqlite3.SQLITE_DONE && rc != sqlite3.SQLITE_ROW {
		err = c.fail(rc)
	}
	sqlite3.Xsqlite3_reset(c.tls, s.p)
	return err
}

// row runs a query for at most one row.
func (c *channel) row(query string, args []any, dest ...any) error {
	s, err := c.ready(query, args)
	if err != nil {
		return err
	}
	rc := sqlite3.Xsqlite3_step(c.tls, s.p)
	if rc == sqlite3.SQLITE_DONE {
		return errors.Join(c.reset(s, rc), sql.ErrNoRows)
	}
	if rc == sqlite3.SQLITE_ROW {
		for i := 0; i < len(dest) && err == nil; i++ {
			err = c.column(s, int32(i), dest[i])
		}
	}
	return errors.Join(c.reset(s, rc), err)
}

// ready prepares a query, once, and binds its values.
func (c *channel) ready(query string, args []any) (*cstmt, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	bound, err := c.values(args)
	if err != nil {
		return nil, err
	}
	return s, c.bind(s, bound)
}

// bind binds a statement's values. They stay where they are until the next
// statement is bound.
func (c *channel) bind(s *cstmt, args []value) error {
	room := 1
	for i := range args {
		room += len(args[i].s)
	}
	if err := c.room.reserve(c.tls, room); err != nil {
		return err
	}
	for i := range args {
		if rc := c.bindOne(s.p, int32(i+1), &args[i]); rc != sqlite3.SQLITE_OK {
			return fmt.Errorf("%w: value %d", c.fail(rc), i+1)
		}
	}
	return nil
}

func (c *channel) bindOne(p uintptr, i int32, v *value) int32 {
	switch v.kind {
	case number:
		return sqlite3.Xsqlite3_bind_int64(c.tls, p, i, v.n)
	case text:
		return sqlite3.Xsqlite3_bind_text(c.tls, p, i, c.room.put(v.s), int32(len(v.s)), sqlite3.SQLITE_STATIC)
	case blob:
		return sqlite3.Xsqlite3_bind_blob(c.tls, p, i, c.room.put(v.s), int32(len(v.s)), sqlite3.SQLITE_STATIC)
	}
	return sqlite3.Xsqlite3_bind_null(c.tls, p, i)
}

// column reads a column of the row that a statement stands on.
func (c *channel) column(s *cstmt, i int32, dest any) error {
	isNull := sqlite3.Xsqlite3_column_type(c.tls, s.p, i) == sqlite3.SQLITE_NULL
	switch d := dest.(type) {
	case *int64:
		*d = sqlite3.Xsqlite3_column_int64(c.tls, s.p, i)
	case *int:
		*d = int(sqlite3.Xsqlite3_column_int64(c.tls, s.p, i))
	case *bool:
		*d = sqlite3.Xsqlite3_column_int64(c.tls, s.p, i) != 0
	case *string:
		*d = c.text(s, i)
	case *State:
		*d = State(c.text(s, i))
	case *record.CallName:
		*d = record.CallName(c.text(s, i))
	case *sql.NullString:
		*d = sql.NullString{String: c.text(s, i), Valid: !isNull}
		return nil
	case *sql.NullInt64:
		*d = sql.NullInt64{Int64: sqlite3.Xsqlite3_column_int64(c.tls, s.p, i), Valid: !isNull}
		return nil
	default:
		return fmt.Errorf("column %d cannot be read into a %T", i, dest)
	}
	if isNull {
		return fmt.Errorf("column %d is NULL", i)
	}
	return nil
}

func (c *channel) text(s *cstmt, i int32) string {
	p := sqlite3.Xsqlite3_column_text(c.tls, s.p, i)
	n := sqlite3.Xsqlite3_column_bytes(c.tls, s.p, i)
	if p == 0 || n == 0 {
		return ""
	}
	return string(unsafe.Slice((*byte)(inC(p)), n))
}
