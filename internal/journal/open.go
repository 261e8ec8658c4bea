package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite" // registers the "sqlite" driver
)

// Options are what a journal needs besides its file.
type Options struct {
	Clock   func() time.Time // time.Now when nil
	Command string           // told to whoever finds the journal in use
}

// A Journal is an open journal file. Its methods may be called from many
// goroutines.
type Journal struct {
	path  string
	id    Identity
	clock func() time.Time
	read  *sql.DB // connections that only read
	w     *writer // nil when open for reading only
	lock  *lock   // nil when open for reading only

	mu       sync.Mutex        // guards the fields below
	flights  map[string]flight // by operation: begun here and not finished
	planning bool              // a plan is being made
}

// Open opens the journal at path for writing and makes it when there is none.
// Calls that a dead process left in sending become unknown, and a run that it
// was planning is dropped.
//
// Errors are a [*LockedError] when another process writes it, an
// [*IdentityError] when it belongs to another account, and a [*FormatError]
// when the file is no journal, is damaged, or is of a newer format.
func Open(ctx context.Context, path string, id Identity, o Options) (*Journal, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	l, note, err := takeLock(path, o.Clock(), o.Command)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, id: id, clock: o.Clock, lock: l, flights: make(map[string]flight)}
	if err := j.open(ctx, note); err != nil {
		return nil, errors.Join(err, j.abandon())
	}
	return j, nil
}

// open does what Open does once the lock is held.
func (j *Journal) open(ctx context.Context, note lockNote) error {
	if err := j.createIfAbsent(ctx); err != nil {
		return err
	}
	clean, err := checkSeal(j.path, note.Closed)
	if err != nil {
		return err
	}
	if err := os.Chmod(j.path, 0o600); err != nil {
		return fmt.Errorf("journal %q: %w", j.path, err)
	}
	db, err := sql.Open("sqlite", dsn(j.path, "rw", "secure_delete(1)", "cache_size(-32768)", "journal_size_limit(67108864)"))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		db.Close()
		return damaged(j.path, err)
	}
	j.w = &writer{path: j.path, db: db, conn: conn}
	version, err := inspect(ctx, conn, j.path, !clean)
	if err != nil {
		return err
	}
	have, err := identity(ctx, conn)
	if err != nil {
		return damaged(j.path, err)
	}
	if have != j.id {
		return &IdentityError{j.path, have, j.id}
	}
	// From here on the file changes, and the seal does not hold any more.
	if err := j.lock.unseal(); err != nil {
		return &WriteError{j.path, err}
	}
	if err := migrate(ctx, conn, version); err != nil {
		return &WriteError{j.path, err}
	}
	if err := recoverWriting(ctx, conn); err != nil {
		return &WriteError{j.path, err}
	}
	if j.read, err = openReaders(j.path); err != nil {
		return err
	}
	j.w.start()
	return nil
}

// recoverWriting takes up what a dead process left behind.
func recoverWriting(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE;
		UPDATE op SET state = 'unknown', doubt = 1 WHERE state = 'sending';`+dropUnplanned+`COMMIT`)
	return err
}

// OpenReadOnly opens the journal at path for status and export, also beside a
// running writer. The methods that write return [ErrReadOnly].
func OpenReadOnly(ctx context.Context, path string) (*Journal, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := checkPresent(path); err != nil {
		return nil, err
	}
	db, err := openReaders(path)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, clock: time.Now, read: db}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(damaged(path, err), db.Close())
	}
	defer conn.Close()
	version, err := inspect(ctx, conn, path, false)
	if err == nil && version < format {
		err = &FormatError{Path: path, Reason: fmt.Sprintf("is of the older format %d; run an import with it once, which brings it up to date", version)}
	}
	if err == nil {
		if j.id, err = identity(ctx, conn); err != nil {
			err = damaged(path, err)
		}
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return j, nil
}

// Identity says whose journal it is.
func (j *Journal) Identity() Identity { return j.id }

// Close writes what is queued and closes the journal.
func (j *Journal) Close() error {
	if j.w == nil {
		return j.read.Close()
	}
	err := j.w.stop()
	if errors.Is(err, ErrClosed) {
		return err
	}
	j.read.Close()
	if err == nil {
		err = j.w.checkpoint()
	}
	err = errors.Join(err, j.w.close())
	if err == nil {
		err = j.seal()
	}
	return errors.Join(err, j.lock.release())
}

// seal notes in the lock file how the closed journal looks, unless a reader
// still keeps part of it in the WAL.
func (j *Journal) seal() error {
	if info, err := os.Stat(j.path + "-wal"); err == nil && info.Size() > 0 {
		return j.lock.write(lockNote{})
	}
	s, err := measure(j.path)
	if err != nil {
		return err
	}
	return j.lock.write(lockNote{Closed: s})
}

// abandon undoes a failed Open. The lock file keeps the seal, if it still
// holds.
func (j *Journal) abandon() error {
	if j.read != nil {
		j.read.Close()
	}
	var err error
	if j.w != nil {
		err = j.w.close()
	}
	return errors.Join(err, j.lock.release())
}

// createIfAbsent makes the journal under another name and renames it, so that
// a file at path is always a whole journal.
func (j *Journal) createIfAbsent(ctx context.Context) error {
	if err := checkPresent(j.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(j.path + "-wal"); err == nil {
		return &FormatError{Path: j.path, Reason: fmt.Sprintf("is gone, but its %q is still there; put the journal back, or remove that file too if you mean to start over", filepath.Base(j.path)+"-wal")}
	}
	made := j.path + ".new"
	if err := os.Remove(made); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(made, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("journal %q cannot be made: %w", j.path, err)
	}
	f.Close()
	if err := j.create(ctx, made); err != nil {
		return errors.Join(fmt.Errorf("journal %q cannot be made: %w", j.path, err), os.Remove(made))
	}
	// A seal of a journal that is no more says nothing about the new one.
	if err := j.lock.unseal(); err != nil {
		return err
	}
	if err := os.Rename(made, j.path); err != nil {
		return fmt.Errorf("journal %q cannot be made: %w", j.path, err)
	}
	return syncDir(filepath.Dir(j.path))
}

func (j *Journal) create(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(path, "rw"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	marks := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, format)
	if _, err := tx.ExecContext(ctx, schema+marks); err != nil {
		return err
	}
	const put = "INSERT INTO meta (name, value) VALUES ('account', ?), ('livemode', ?), ('endpoint', ?)"
	if _, err := tx.ExecContext(ctx, put, j.id.Account, fmt.Sprint(j.id.Livemode), j.id.Endpoint); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return db.Close()
}

// checkPresent refuses what SQLite would take for a new database.
func checkPresent(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &FormatError{path, "does not exist; an import makes it", err}
	case err != nil:
		return fmt.Errorf("journal %q: %w", path, err)
	case !info.Mode().IsRegular():
		return &FormatError{Path: path, Reason: "is not a file; name a file in that folder"}
	case info.Size() == 0:
		return &FormatError{Path: path, Reason: "is empty, which a journal never is; restore it, or remove it if you mean to start over"}
	}
	return nil
}

// checkSeal holds the file against the seal of its last close, if it has one.
func checkSeal(path string, want *seal) (clean bool, err error) {
	if want == nil {
		return false, nil
	}
	got, err := measure(path)
	if err != nil {
		return false, fmt.Errorf("journal %q: %w", path, err)
	}
	if *got != *want {
		return false, &FormatError{Path: path, Reason: fmt.Sprintf("is not as it was when it was last closed: damaged, or replaced by another copy; "+
			"restore it, or remove %q if you put this copy there and know that it is the latest", filepath.Base(path)+".lock")}
	}
	return true, nil
}

// inspect checks that the database is a journal of a format that we know, and
// on request that it holds together.
func inspect(ctx context.Context, conn *sql.Conn, path string, whole bool) (version int, err error) {
	var app, tables int
	row := conn.QueryRowContext(ctx, "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)")
	if err := row.Scan(&app, &version, &tables); err != nil {
		return 0, damaged(path, err)
	}
	switch {
	case app != applicationID:
		return 0, &FormatError{Path: path, Reason: "is a database of some other program; name another file"}
	case version > format:
		return 0, &FormatError{Path: path, Reason: fmt.Sprintf("is of format %d, and this payrec knows formats up to %d; use a newer payrec", version, format)}
	case version < 1 || tables == 0:
		return 0, &FormatError{Path: path, Reason: "is damaged: it has no format; restore it from a backup"}
	}
	if !whole {
		return version, nil
	}
	var result string
	if err := conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return 0, damaged(path, err)
	}
	if result != "ok" {
		return 0, damaged(path, errors.New(result))
	}
	return version, nil
}

func identity(ctx context.Context, conn *sql.Conn) (id Identity, err error) {
	rows, err := conn.QueryContext(ctx, "SELECT name, value FROM meta")
	if err != nil {
		return id, err
	}
	defer rows.Close()
	seen := 0
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return id, err
		}
		switch name {
		case "account":
			id.Account, seen = value, seen+1
		case "livemode":
			id.Livemode, seen = value == "true", seen+1
		case "endpoint":
			id.Endpoint, seen = value, seen+1
		}
	}
	if err := rows.Err(); err != nil {
		return id, err
	}
	if seen != 3 {
		return id, errors.New("its identity is missing")
	}
	return id, nil
}

// damaged words a failure to read the file.
func damaged(path string, err error) error {
	const notADatabase, corrupt = 26, 11 // SQLITE_NOTADB, SQLITE_CORRUPT
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return &FormatError{path, "is damaged; restore it from a backup", err}
	}
	switch e.Code() & 0xff {
	case notADatabase:
		return &FormatError{path, "is not a journal; name another file, or restore it if it was one", err}
	case corrupt, 1: // 1, SQLITE_ERROR: a table or column is missing
		return &FormatError{path, "is damaged; restore it from a backup", err}
	}
	return fmt.Errorf("journal %q cannot be opened: %w", path, err)
}

func openReaders(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, "ro", "query_only(1)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	return db, nil
}

// dsn names the file for the driver. The pragmas hold for every connection.
func dsn(path, mode string, pragmas ...string) string {
	path = filepath.ToSlash(path)
	if runtime.GOOS == "windows" {
		path = "/" + path
	}
	var b strings.Builder
	b.WriteString((&url.URL{Scheme: "file", Path: path}).String())
	b.WriteString("?mode=" + mode + "&_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)")
	for _, p := range pragmas {
		b.WriteString("&_pragma=" + p)
	}
	return b.String()
}
