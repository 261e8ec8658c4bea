package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
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
		j.named(&err)
		return nil, errors.Join(err, j.abandon())
	}
	return j, nil
}

// open does what Open does once the lock is held.
func (j *Journal) open(ctx context.Context, note lockNote) error {
	made, err := j.createIfAbsent(ctx)
	if err != nil {
		return err
	}
	if made {
		note.Closed = nil // the seal was of a journal that is no more
	}
	clean, err := checkSeal(j.path, note.Closed)
	if err != nil {
		return err
	}
	if err := os.Chmod(j.path, 0o600); err != nil {
		return fmt.Errorf("journal %q: %w", j.path, err)
	}
	_, err = os.Stat(j.path + "-wal") // before SQLite makes one
	hadWAL := err == nil
	if j.w, err = newWriter(ctx, j.path); err != nil {
		return err
	}
	conn := j.w.conn
	version, err := inspect(ctx, conn, j.path, !clean)
	if err != nil {
		return err
	}
	if err := checkWAL(ctx, conn, j.path, hadWAL); err != nil {
		return err
	}
	have, err := identity(ctx, conn)
	if err != nil {
		return damaged(j.path, err)
	}
	if !have.Same(j.id) {
		return &IdentityError{j.path, have, j.id}
	}
	learnt := j.id.AccountID
	if have.AccountID != "" {
		j.id.AccountID, learnt = have.AccountID, ""
	}
	if j.read, err = openReaders(j.path); err != nil {
		return err
	}
	// From here on the file changes, and the seal does not hold any more.
	err = j.lock.unseal()
	if err == nil {
		err = migrate(ctx, conn, version)
	}
	if err == nil && learnt != "" {
		_, err = conn.ExecContext(ctx, "INSERT OR IGNORE INTO meta (name, value) VALUES ('account_id', ?)", learnt)
	}
	if err == nil {
		err = j.w.recover(ctx)
	}
	if err != nil {
		return &WriteError{j.path, err}
	}
	j.w.start()
	return nil
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
	_, err = os.Stat(path + "-wal") // before SQLite makes one
	hadWAL := err == nil
	db, err := openReaders(path)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, clock: time.Now, read: db}
	if err := j.look(ctx, hadWAL); err != nil {
		err = errors.Join(err, db.Close())
		if info, e := os.Stat(path + "-wal"); e == nil && info.Size() == 0 && !hadWAL {
			os.Remove(path + "-wal") // ours: it must not pass for the one that is missing
		}
		return nil, err
	}
	return j, nil
}

// look checks a journal that is only read.
func (j *Journal) look(ctx context.Context, hadWAL bool) error {
	conn, err := j.read.Conn(ctx)
	if err != nil {
		return damaged(j.path, err)
	}
	defer conn.Close()
	version, err := inspect(ctx, conn, j.path, false)
	if err != nil {
		return err
	}
	if version < format {
		return &FormatError{Path: j.path, Reason: fmt.Sprintf("is of the older format %d; run an import with it once, which brings it up to date", version)}
	}
	if err := checkWAL(ctx, conn, j.path, hadWAL); err != nil {
		return err
	}
	if j.id, err = identity(ctx, conn); err != nil {
		return damaged(j.path, err)
	}
	return nil
}

// Identity says whose journal it is.
func (j *Journal) Identity() Identity { return j.id }

// Close writes what is queued and closes the journal.
func (j *Journal) Close() (err error) {
	if j.w == nil {
		return j.read.Close()
	}
	defer j.named(&err)
	err = j.w.stop()
	if errors.Is(err, ErrClosed) {
		return err
	}
	j.read.Close()
	if err == nil {
		err = j.w.settle()
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
