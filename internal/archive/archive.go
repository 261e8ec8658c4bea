// Package archive remembers exports on disk: what was read for them, and what
// they held.
//
// Terms:
//
//   - [Exports] is the log of the exports of an account: each with its number,
//     its files and what it showed of each payment, so that a closed period
//     that is exported again is the same, or its differences are named. It is
//     evidence: it cannot be made again.
//   - A seal is what an export showed: the figures of its payments, and a digest
//     of all of them. Exports of the same data share one seal.
//   - [Attempts] is a cache of payment attempts, which cost one request a
//     payment. It can be deleted at any time: then they are read again.
//   - A [Reading] is what an export that was interrupted had read, so that the
//     next one goes on from there. It is gone when an export is done.
//   - The [Owner] is the account that a file belongs to. It is pinned when the
//     file is made: what is known of one account says nothing about another.
//
// Each is a SQLite file of its own, readable by its owner only, because their
// lives differ: the log stays for years, the cache until somebody deletes it,
// a reading for hours. What was read holds names and addresses of customers.
//
// The log is written in one transaction, synced to the disk, after the files
// of the export are in place. A crash in between leaves an export without a number;
// exporting again gives it one.
//
// The other two must never fail an export, so they do not return what goes
// wrong with them: they stop, as if there were nothing, and say why in Err. Their
// writes are not synced; each value has a checksum, and what does not fit it
// was never there. One process uses such a file at a time.
//
// The package knows no payments: what is kept are bytes, under keys, of whoever
// calls it. Only the figures of a seal have columns, so that a person with any
// SQLite can read them.
package archive

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

	"modernc.org/sqlite" // the driver registers itself
	lib "modernc.org/sqlite/lib"
)

// ErrInUse means that another process has the file.
var ErrInUse = errors.New("another payrec is using it")

// An Owner is the account that a file belongs to.
type Owner struct {
	Name string // what the account is called here
	// ID is the account's own id, or "" when the key may not know it. Once
	// known it is pinned; an unknown one contradicts none.
	ID string
}

// same says whether both can be one account.
func (o Owner) same(p Owner) bool {
	return o.Name == p.Name && (o.ID == "" || p.ID == "" || o.ID == p.ID)
}

func (o Owner) String() string {
	if o.ID == "" {
		return o.Name
	}
	return o.Name + " (" + o.ID + ")"
}

// An OwnerError means that a file belongs to another account.
type OwnerError struct {
	Path       string
	Have, Want Owner
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("%s belongs to the account %s, not to %s", e.Path, e.Have, e.Want)
}

// errForm is a file that is none of ours, or of another version.
var errForm = errors.New("it is not a file that this version of payrec can read")

// A form is a kind of file: its mark, its version and its tables.
type form struct {
	mark    int32 // SQLite's application_id
	version int   // SQLite's user_version
	schema  string
	pragmas []string
}

const metaTable = `CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;`

// open opens the file at path, or makes it, and pins its owner.
func (f form) open(ctx context.Context, path string, owner Owner) (*sql.DB, error) {
	// SQLite would make the file readable by others.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(path, f.pragmas))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	made := false
	if info.Size() == 0 {
		made, err = f.make(ctx, db, owner)
	}
	if err == nil && !made {
		err = f.check(ctx, db, path, owner)
	}
	if err != nil {
		return nil, errors.Join(named(path, err), db.Close())
	}
	return db, nil
}

// make writes the tables, unless another process has made them meanwhile.
func (f form) make(ctx context.Context, db *sql.DB, owner Owner) (made bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil || version != 0 {
		return false, err
	}
	for _, statement := range []string{
		fmt.Sprintf("PRAGMA application_id = %d", f.mark), fmt.Sprintf("PRAGMA user_version = %d", f.version), metaTable, f.schema,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return false, err
		}
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO meta VALUES ('account', ?), ('account_id', ?)", owner.Name, owner.ID); err != nil {
		return false, err
	}
	return true, tx.Commit()
}

// check holds the file against the form and the owner.
func (f form) check(ctx context.Context, db *sql.DB, path string, owner Owner) error {
	have, err := f.owner(ctx, db)
	if err != nil {
		return err
	}
	if !have.same(owner) {
		return &OwnerError{path, have, owner}
	}
	if have.ID == "" && owner.ID != "" {
		_, err = db.ExecContext(ctx, "UPDATE meta SET value = ? WHERE name = 'account_id'", owner.ID)
	}
	return err
}

// owner says whose file it is, if it is of this form.
func (f form) owner(ctx context.Context, db *sql.DB) (have Owner, err error) {
	var mark, version int64
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&mark); err != nil {
		return have, err
	}
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return have, err
	}
	if mark != int64(f.mark) || version != int64(f.version) {
		return have, errForm
	}
	for name, into := range map[string]*string{"account": &have.Name, "account_id": &have.ID} {
		if err := db.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = ?", name).Scan(into); err != nil {
			return have, err
		}
	}
	return have, nil
}

// named says which file an error is about, and what SQLite's mean.
func named(path string, err error) error {
	var owner *OwnerError
	if errors.As(err, &owner) {
		return err
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
			err = ErrInUse
		case lib.SQLITE_NOTADB, lib.SQLITE_CORRUPT:
			err = fmt.Errorf("%w: %w", errForm, err)
		}
	}
	return fmt.Errorf("%s: %w", path, err)
}

// dsn names the file for the driver; the pragmas hold for every connection.
func dsn(path string, pragmas []string) string {
	path = filepath.ToSlash(path)
	if runtime.GOOS == "windows" {
		path = "/" + path
	}
	text := (&url.URL{Scheme: "file", Path: path}).String() + "?mode=rw&_txlock=immediate"
	for _, p := range pragmas {
		text += "&_pragma=" + p
	}
	return text
}

// remove deletes a file with what SQLite puts beside it.
func remove(path string) error {
	var all error
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}
