package journal

import (
	"cmp"
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

	// Unsynced leaves every sync out, for benchmarks that ask what syncing costs.
	// A journal written like this keeps none of the promises when power fails.
	Unsynced bool

	disk      disk
	vfs       string // SQLite's way to the files; "" for its own
	walFrames uint32 // how long the WAL may grow; 0 for walFrames
	batchRows int    // calls of a plan that are written together; 0 for batchRows
}

// A Journal is an open journal file. Its methods may be called from many
// goroutines.
type Journal struct {
	path  string
	id    Identity
	clock func() time.Time
	disk  disk
	read  *sql.DB // connections that only read
	pages pager   // and one for many rows
	w     *writer // nil when open for reading only
	lock  *lock   // nil when open for reading only

	batchRows int    // see Options
	shapes    shapes // of bodies

	prepared    sync.Map  // by query: *sql.Stmt of read
	flightRooms sync.Pool // of *flightRoom

	mu        sync.Mutex        // guards the fields below
	flights   map[string]flight // by operation: begun here and not finished
	expected  map[string]flight // by operation: in a lane that was handed out, and as it stood then
	claimable claimable         // of the expected
	planning  bool              // a plan is being made
	learnt    bool              // while opening: the account's id is to be pinned
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
	o.disk.unsynced = o.disk.unsynced || o.Unsynced // before the lock, which is written to
	l, note, err := takeLock(o.disk, path, o.Clock(), o.Command)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, id: id, clock: o.Clock, disk: o.disk, lock: l, flights: make(map[string]flight), pages: pager{vfs: o.vfs}, batchRows: cmp.Or(o.batchRows, batchRows)}
	if err := j.open(ctx, note, o); err != nil {
		j.named(&err)
		return nil, errors.Join(err, j.abandon())
	}
	return j, nil
}

// open does what Open does once the lock is held.
func (j *Journal) open(ctx context.Context, note lockNote, o Options) error {
	made, err := j.createIfAbsent(ctx, o.vfs)
	if err != nil {
		return err
	}
	if made {
		note.Closed = nil // the seal was of a journal that is no more
	}
	if err := os.Chmod(j.path, 0o600); err != nil {
		return fmt.Errorf("journal %q: %w", j.path, err)
	}
	before, err := j.examine(note.Closed)
	if err != nil {
		return err
	}
	if j.w, err = newWriter(ctx, j.path, o); err != nil {
		return err
	}
	if before.hadWAL { // one that SQLite makes goes when it is refused, and must not pass for it
		if err := j.w.keepWAL(1); err != nil {
			return err
		}
	}
	version, err := j.admit(ctx, before)
	if err != nil {
		return err
	}
	if !before.image.wal { // made by an older payrec that died at once
		if before, err = j.toWAL(ctx, o); err != nil {
			return err
		}
	}
	if j.read, err = openReaders(j.path, o.vfs); err != nil {
		return err
	}
	err = j.begin(ctx, before, version)
	if err == nil {
		err = j.w.start(o)
	}
	if err != nil {
		return &WriteError{j.path, err}
	}
	return nil
}

// admit checks that it is a journal that this program knows, and whose. It
// returns the version of its format.
func (j *Journal) admit(ctx context.Context, before finding) (version int, err error) {
	conn := j.w.conn
	if version, err = inspect(ctx, conn, j.path, !before.proven); err != nil {
		return 0, err
	}
	if err := checkWAL(ctx, conn, j.path, before.hadWAL); err != nil {
		return 0, err
	}
	have, err := identity(ctx, conn)
	if err != nil {
		return 0, damaged(j.path, err)
	}
	if !have.Same(j.id) {
		return 0, &IdentityError{j.path, have, j.id}
	}
	j.learnt = have.AccountID == "" && j.id.AccountID != ""
	if have.AccountID != "" {
		j.id.AccountID = have.AccountID
	}
	return version, nil
}

// toWAL turns a database that is written in place into one that is written by
// way of a WAL.
func (j *Journal) toWAL(ctx context.Context, o Options) (before finding, err error) {
	if _, err := j.w.conn.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return before, err
	}
	if err := j.w.close(); err != nil {
		return before, err
	}
	if before.image, err = measure(j.path); err != nil {
		return before, err
	}
	j.w, err = newWriter(ctx, j.path, o)
	return before, err
}

// begin takes up what a dead process left behind, and brings an older journal up
// to date. From here on the file changes, and its seal does not hold any more.
func (j *Journal) begin(ctx context.Context, before finding, version int) (err error) {
	if j.w.sums = before.sums; j.w.sums == nil {
		j.w.sums, err = makeSums(j.disk, j.path, before.image, before.scan)
	} else {
		err = j.w.sums.start(before.scan)
	}
	if err == nil {
		err = j.lock.unseal()
	}
	if err == nil {
		err = j.w.keepWAL(1)
	}
	if err == nil {
		// What is left of the WAL is moved first: a new filling has no remains of
		// interrupted writes behind it.
		err = j.w.checkpoint()
	}
	if err == nil {
		err = j.w.migrate(ctx, version)
	}
	if err == nil && j.learnt {
		if _, err = j.w.conn.ExecContext(ctx, "INSERT OR IGNORE INTO meta (name, value) VALUES ('account_id', ?)", j.id.AccountID); err == nil {
			err = j.w.sums.committed()
		}
	}
	if err == nil {
		err = j.w.recover(ctx, before.sums != nil || !before.proven)
	}
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
	_, err = os.Stat(path + "-wal") // before SQLite makes one
	hadWAL := err == nil
	if err := checkPromised(path); err != nil {
		return nil, err
	}
	db, err := openReaders(path, "")
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
		return errors.Join(j.pages.close(), j.read.Close())
	}
	defer j.named(&err)
	err = j.w.stop()
	if errors.Is(err, ErrClosed) {
		return err
	}
	j.pages.close()
	j.read.Close()
	whole := false
	if err == nil {
		whole, err = j.w.settle()
	}
	err = errors.Join(err, j.w.close())
	if err == nil && whole {
		err = j.seal()
	}
	return errors.Join(err, j.lock.release())
}

// seal notes in the lock file how the closed journal looks, as far as was written to
// it: if the file is otherwise, the next opening says so. A journal of which a
// reader still keeps a part in the WAL is not sealed.
func (j *Journal) seal() error {
	closed := sealOf(int(j.w.sums.note.PageSize), j.w.sums.of)
	if err := j.lock.write(lockNote{Closed: &closed}); err != nil {
		return err
	}
	return j.disk.remove(j.path + ".sums")
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

// query runs a query that is prepared once: the journal has few, and compiling
// some takes longer than running them.
func (j *Journal) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := j.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (j *Journal) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := j.prepared.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := j.read.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if other, ok := j.prepared.LoadOrStore(query, s); ok {
		s.Close() // somebody was faster
		return other.(*sql.Stmt), nil
	}
	return s, nil
}

func openReaders(path, vfs string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, "ro", vfs, "query_only(1)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	return db, nil
}

// dsn names the file for the driver. The pragmas hold for every connection.
func dsn(path, mode, vfs string, pragmas ...string) string {
	path = filepath.ToSlash(path)
	if runtime.GOOS == "windows" {
		path = "/" + path
	}
	var b strings.Builder
	b.WriteString((&url.URL{Scheme: "file", Path: path}).String())
	b.WriteString("?mode=" + mode + "&_pragma=busy_timeout(10000)")
	if vfs != "" {
		b.WriteString("&vfs=" + url.QueryEscape(vfs))
	}
	for _, p := range pragmas {
		b.WriteString("&_pragma=" + p)
	}
	return b.String()
}
