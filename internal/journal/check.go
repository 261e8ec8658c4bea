package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

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

// A finding is what was found before SQLite has touched the file.
type finding struct {
	image  image
	scan   walScan
	hadWAL bool
	sums   *sums // left by a writer that died; nil when it left none
	proven bool  // it is bit for bit what was written
}

// examine holds the file against the seal of its last close, or, when it was not
// closed, against what its writer noted until it died.
func (j *Journal) examine(want *seal) (f finding, err error) {
	if f.image, err = measure(j.path); err != nil {
		return f, fmt.Errorf("journal %q: %w", j.path, err)
	}
	info, err := os.Stat(j.path + "-wal")
	f.hadWAL = err == nil
	if want != nil {
		if f.image.seal != *want || f.hadWAL && info.Size() > 0 {
			return f, &FormatError{Path: j.path, Reason: fmt.Sprintf("is not as it was when it was last closed: damaged, or replaced by another copy; "+
				"restore it, or remove %q if you put this copy there and know that it is the latest", filepath.Base(j.path)+".lock")}
		}
		f.proven = true
		return f, nil
	}
	if f.sums, err = readSums(j.path); err != nil {
		return f, err
	}
	if f.image.pageSize > 0 {
		if f.scan, err = scanWAL(j.path+"-wal", f.image.pageSize); err != nil {
			return f, fmt.Errorf("journal %q: %w", j.path, err)
		}
	}
	if f.sums == nil {
		if f.scan.damage != "" {
			return f, &FormatError{Path: j.path, Reason: fmt.Sprintf("was not closed, and %q is damaged: %s; restore both from a backup", filepath.Base(j.path)+"-wal", f.scan.damage)}
		}
		if whole := f.image.pages * int64(f.image.pageSize); len(f.scan.pages) == 0 && f.image.seal.Size < whole {
			return f, &FormatError{Path: j.path, Reason: fmt.Sprintf("has %d of %d bytes; restore it from a backup", f.image.seal.Size, whole)}
		}
		return f, nil
	}
	f.sums.disk = j.disk
	if err := f.sums.checkWAL(f.scan); err != nil {
		return f, err
	}
	if err := f.sums.checkPages(f.image, f.scan); err != nil {
		return f, err
	}
	f.proven = true
	return f, nil
}

// checkWAL refuses a journal whose writer was killed and whose WAL is not there:
// the last commits are in the WAL alone.
func checkWAL(ctx context.Context, conn *sql.Conn, path string, have bool) error {
	var needed bool
	if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'wal')").Scan(&needed); err != nil {
		return damaged(path, err)
	}
	if needed && !have {
		wal := filepath.Base(path) + "-wal"
		return &FormatError{Path: path, Reason: fmt.Sprintf("was not closed, and %q, which holds its last entries, is not beside it; put that file back, "+
			"or make an empty one of that name if you know that this copy is complete", wal)}
	}
	return nil
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
	if err := conn.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&result); err != nil {
		return 0, damaged(path, err)
	}
	if result != "ok" {
		return 0, damaged(path, errors.New(result))
	}
	return version, checkSchema(ctx, conn, path)
}

// checkSchema refuses tables that are not as they were made: integrity_check
// does not notice a flipped bit in the name of a column. SQLite keeps the statements
// as they were written; a migration that alters a table has to be known here.
func checkSchema(ctx context.Context, conn *sql.Conn, path string) error {
	rows, err := conn.QueryContext(ctx, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
	if err != nil {
		return damaged(path, err)
	}
	defer rows.Close()
	for rows.Next() {
		var statement string
		if err := rows.Scan(&statement); err != nil {
			return damaged(path, err)
		}
		if !strings.Contains(schema, statement) && !strings.Contains(opDoubt, statement) {
			return damaged(path, errors.New("its tables are not as they were made"))
		}
	}
	if err := rows.Err(); err != nil {
		return damaged(path, err)
	}
	return nil
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
		case "account_id":
			id.AccountID = value
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
	var e coded
	if !errors.As(err, &e) {
		return &FormatError{path, "is damaged; restore it from a backup", err}
	}
	switch e.Code() & 0xff {
	case notADatabase:
		return &FormatError{path, "is not a journal; name another file, or restore it if it was one", err}
	case corrupt, 1: // 1, SQLITE_ERROR: a table or column is missing
		return &FormatError{path, "is damaged; restore it from a backup", err}
	}
	return unreadable(path, err)
}
