package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// createIfAbsent makes the journal under another name and renames it, so that
// a file at path is always a whole journal. It says whether it made one.
func (j *Journal) createIfAbsent(ctx context.Context, vfs string) (made bool, err error) {
	if err := checkPresent(j.path); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, j.createNew(ctx, vfs)
}

func (j *Journal) createNew(ctx context.Context, vfs string) error {
	if _, err := os.Stat(j.path + "-wal"); err == nil {
		return &FormatError{Path: j.path, Reason: fmt.Sprintf("is gone, but its %q is still there; put the journal back, or remove that file too if you mean to start over", filepath.Base(j.path)+"-wal")}
	}
	made := j.path + ".new"
	for _, left := range []string{made, made + "-wal", made + "-shm"} {
		if err := j.disk.remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := j.disk.open(made, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return fmt.Errorf("journal %q cannot be made: %w", j.path, err)
	}
	f.Close()
	if err := j.create(ctx, made, vfs); err != nil {
		return errors.Join(fmt.Errorf("journal %q cannot be made: %w", j.path, err), os.Remove(made))
	}
	// A seal of a journal that is no more says nothing about the new one.
	if err := j.lock.unseal(); err != nil {
		return err
	}
	if err := j.disk.rename(made, j.path); err != nil {
		return fmt.Errorf("journal %q cannot be made: %w", j.path, err)
	}
	return j.disk.syncDir(filepath.Dir(j.path))
}

// pageSize is that of new journals, in bytes. With pages of twice the usual size what
// is written beside each other takes half the calls to SQLite's pager and to the
// system, 5 % of an import's CPU time; where single calls are written down, twice the bytes.
const pageSize = "page_size(8192)"

func (j *Journal) create(ctx context.Context, path, vfs string) error {
	synchronous := "synchronous(FULL)"
	if j.disk.unsynced && vfs == "" { // a VFS of the tests is asked for its syncs, and leaves them out by itself
		synchronous = "synchronous(OFF)"
	}
	db, err := sql.Open("sqlite", dsn(path, "rw", vfs, pageSize, synchronous))
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
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil || mode != "wal" {
		return errors.Join(err, fmt.Errorf("its file system allows no WAL, only %q; keep it on a local disk", mode))
	}
	return db.Close()
}
