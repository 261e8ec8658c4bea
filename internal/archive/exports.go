package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// exportsForm is the log. Figures hang on the first export of a seal; of a
// scope, the last two seals keep theirs: the one that is, and the one that its
// delta is told from.
var exportsForm = form{
	mark: 0x70724578, version: 1,
	pragmas: []string{"busy_timeout(10000)", "synchronous(FULL)", "foreign_keys(1)"},
	schema: `
CREATE TABLE export (
	no INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, scope TEXT NOT NULL, period TEXT NOT NULL, zone TEXT NOT NULL,
	report TEXT NOT NULL, options TEXT NOT NULL, program TEXT NOT NULL, payments INTEGER NOT NULL, digest BLOB NOT NULL,
	seal INTEGER NOT NULL, since INTEGER NOT NULL, added INTEGER NOT NULL, gone INTEGER NOT NULL, changed INTEGER NOT NULL);
CREATE INDEX export_scope ON export (scope, no);
CREATE TABLE file (export INTEGER NOT NULL REFERENCES export (no), name TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL);
CREATE INDEX file_export ON file (export);
CREATE TABLE payment (
	export INTEGER NOT NULL REFERENCES export (no), id TEXT NOT NULL, reference TEXT NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL,
	refunded INTEGER NOT NULL, settled_in TEXT NOT NULL, fee TEXT NOT NULL, net TEXT NOT NULL, status TEXT NOT NULL, paid_at INTEGER NOT NULL,
	digest BLOB NOT NULL, PRIMARY KEY (export, id)) WITHOUT ROWID;`,
}

// An Export is one line of the log.
type Export struct {
	No       int64 // given by [Exports.Add]
	At       time.Time
	Scope    string // what was asked for; exports of one scope are compared
	Period   string // the same for people
	Zone     string
	Report   string // "" for none
	Options  string
	Program  string
	Payments int
	Digest   []byte // of all figures
	// Seal is the export that holds its figures: itself, or an earlier one that
	// was the same; given by [Exports.Add].
	Seal  int64
	Since int64 // the last export of the scope that was different; 0 for none
	// How it differs from Since.
	Added, Gone, Changed int
	Files                []File
}

// A File is one that an export wrote.
type File struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256,omitempty"` // hexadecimal; "" for standard output
	Size   int64  `json:"size,omitempty"`   // bytes
}

// A Payment is what an export showed of a payment.
type Payment struct {
	ID, Reference    string
	Currency         string
	Amount, Refunded int64 // minor units
	SettledIn        string
	Fee, Net         string // decimals; "" when not stamped
	Status           string
	PaidAt           int64  // Unix seconds
	Digest           []byte // of everything that is known of it
}

// Exports is the log of an account's exports.
type Exports struct {
	db   *sql.DB
	path string
}

// OpenExports opens the log at path, and makes it when there is none. Errors
// are an [*OwnerError] when it belongs to another account, or [ErrInUse].
func OpenExports(ctx context.Context, path string, owner Owner) (*Exports, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db, err := exportsForm.open(ctx, path, owner)
	if err != nil {
		return nil, err
	}
	return &Exports{db, path}, nil
}

// List gives the exports of the log at path, whoever's it is, the oldest first;
// none when there is no file.
func List(ctx context.Context, path string) ([]Export, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if !exists(path) {
		return nil, nil
	}
	db, err := sql.Open("sqlite", dsn(path, append([]string{"query_only(1)"}, exportsForm.pragmas...)))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := exportsForm.owner(ctx, db); err != nil {
		return nil, named(path, err)
	}
	return (&Exports{db, path}).All(ctx)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// Close closes the log.
func (x *Exports) Close() error { return x.db.Close() }

const exportColumns = "no, at, scope, period, zone, report, options, program, payments, digest, seal, since, added, gone, changed"

// find gives exports with their files, in the order of the query.
func (x *Exports) find(ctx context.Context, where string, args ...any) (list []Export, err error) {
	defer func() {
		if err != nil {
			err = named(x.path, err)
		}
	}()
	rows, err := x.db.QueryContext(ctx, "SELECT "+exportColumns+" FROM export "+where, args...) // #nosec G202 -- where is one of our own conditions; values are bound
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e Export
		var at int64
		if err := rows.Scan(&e.No, &at, &e.Scope, &e.Period, &e.Zone, &e.Report, &e.Options, &e.Program, &e.Payments, &e.Digest, &e.Seal, &e.Since, &e.Added, &e.Gone, &e.Changed); err != nil {
			return nil, err
		}
		e.At = time.Unix(at, 0).UTC()
		list = append(list, e)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close() // the one connection is needed again
	for i := range list {
		if list[i].Files, err = x.files(ctx, list[i].No); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (x *Exports) files(ctx context.Context, no int64) (list []File, err error) {
	rows, err := x.db.QueryContext(ctx, "SELECT name, sha256, size FROM file WHERE export = ? ORDER BY rowid", no)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var f File
		if err := rows.Scan(&f.Name, &f.SHA256, &f.Size); err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, rows.Err()
}

// All are all exports, the oldest first.
func (x *Exports) All(ctx context.Context) ([]Export, error) { return x.find(ctx, "ORDER BY no") }

// Latest is the last export of a scope whose digest is (same) or is not the
// given one; nil when there is none.
func (x *Exports) Latest(ctx context.Context, scope string, digest []byte, same bool) (*Export, error) {
	list, err := x.find(ctx, "WHERE scope = ? AND (digest = ?) = ? ORDER BY no DESC LIMIT 1", scope, digest, same)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// Payments iterates over the figures of a seal by id. Its last element may be
// an error. The log must not be used meanwhile.
func (x *Exports) Payments(ctx context.Context, seal int64) iter.Seq2[Payment, error] {
	return func(yield func(Payment, error) bool) {
		rows, err := x.db.QueryContext(ctx, "SELECT id, reference, currency, amount, refunded, settled_in, fee, net, status, paid_at, digest FROM payment WHERE export = ? ORDER BY id", seal)
		if err != nil {
			yield(Payment{}, named(x.path, err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var p Payment
			err := rows.Scan(&p.ID, &p.Reference, &p.Currency, &p.Amount, &p.Refunded, &p.SettledIn, &p.Fee, &p.Net, &p.Status, &p.PaidAt, &p.Digest)
			if !yield(p, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Payment{}, named(x.path, err))
		}
	}
}

// Add writes an export into the log and gives it its number. Its figures are
// taken from payments, unless the last export of the scope with the same digest
// has them still. Either all of it is on the disk, or nothing.
func (x *Exports) Add(ctx context.Context, e Export, payments iter.Seq2[Payment, error]) (no int64, err error) {
	defer func() {
		if err != nil {
			err = named(x.path, err)
		}
	}()
	tx, err := x.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	// Between reading Latest and here another process may have added one, but
	// what is the same stays the same.
	err = tx.QueryRowContext(ctx, `SELECT seal FROM export WHERE scope = ? AND digest = ?
		AND (payments = 0 OR EXISTS (SELECT 1 FROM payment WHERE export = seal)) ORDER BY no DESC LIMIT 1`, e.Scope, e.Digest).Scan(&e.Seal)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	result, err := tx.ExecContext(ctx, "INSERT INTO export (at, scope, period, zone, report, options, program, payments, digest, seal, since, added, gone, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		e.At.Unix(), e.Scope, e.Period, e.Zone, e.Report, e.Options, e.Program, e.Payments, e.Digest, e.Seal, e.Since, e.Added, e.Gone, e.Changed)
	if err != nil {
		return 0, err
	}
	if no, err = result.LastInsertId(); err != nil {
		return 0, err
	}
	for _, f := range e.Files {
		if _, err := tx.ExecContext(ctx, "INSERT INTO file VALUES (?, ?, ?, ?)", no, f.Name, f.SHA256, f.Size); err != nil {
			return 0, err
		}
	}
	if e.Seal == 0 {
		if err := addSeal(ctx, tx, no, e, payments); err != nil {
			return 0, err
		}
	}
	return no, tx.Commit()
}

const (
	paymentColumns   = 12
	paymentsTogether = 6 // rows in one statement; the driver seeks each value among all of them
)

// putPayments writes the figures under an export's number and says how many there
// were.
func putPayments(ctx context.Context, tx *sql.Tx, no int64, payments iter.Seq2[Payment, error]) (n int, err error) {
	row := "(?" + strings.Repeat(", ?", paymentColumns-1) + ")"
	insert := func(rows int) string { return "INSERT INTO payment VALUES " + row + strings.Repeat(", "+row, rows-1) }
	put, err := tx.PrepareContext(ctx, insert(paymentsTogether))
	if err != nil {
		return 0, err
	}
	defer put.Close()
	values := make([]any, 0, paymentsTogether*paymentColumns)
	for p, err := range payments {
		if err != nil {
			return 0, err
		}
		values = append(values, no, p.ID, p.Reference, p.Currency, p.Amount, p.Refunded, p.SettledIn, p.Fee, p.Net, p.Status, p.PaidAt, p.Digest)
		if n++; len(values) == cap(values) {
			if _, err := put.ExecContext(ctx, values...); err != nil {
				return 0, err
			}
			values = values[:0]
		}
	}
	if len(values) > 0 {
		_, err = tx.ExecContext(ctx, insert(len(values)/paymentColumns), values...)
	}
	return n, err
}

// addSeal writes the figures, and drops those of the scope that no delta will
// be told from any more.
func addSeal(ctx context.Context, tx *sql.Tx, no int64, e Export, payments iter.Seq2[Payment, error]) error {
	if _, err := tx.ExecContext(ctx, "UPDATE export SET seal = ? WHERE no = ?", no, no); err != nil {
		return err
	}
	n, err := putPayments(ctx, tx, no, payments)
	if err != nil {
		return err
	}
	if n != e.Payments {
		return fmt.Errorf("%d payments to be sealed, %d came", e.Payments, n)
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM payment WHERE export IN (
		SELECT DISTINCT seal FROM export WHERE scope = ?1 AND seal NOT IN (?2, (
			SELECT seal FROM export WHERE scope = ?1 AND digest <> ?3 ORDER BY no DESC LIMIT 1)))`, e.Scope, no, e.Digest)
	return err
}
