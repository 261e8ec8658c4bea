package archive

import (
	"context"
	"database/sql"
	"errors"
)

// attemptsForm keeps one row a record.
var attemptsForm = form{mark: 0x70724361, version: 1, pragmas: fast, schema: `
CREATE TABLE attempts (record TEXT PRIMARY KEY, evidence BLOB NOT NULL, attempts BLOB NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID;`}

// Attempts is a cache of payment attempts. Its methods may be called from many
// goroutines.
type Attempts struct{ scratch }

// attemptsTogether is how many are committed together: what a kill loses.
const attemptsTogether = 50

// OpenAttempts opens the cache at path, and makes it when there is none. It does
// not fail: see [Attempts.Err].
func OpenAttempts(ctx context.Context, path string, owner Owner) *Attempts {
	a := &Attempts{}
	a.open(ctx, attemptsForm, path, owner)
	return a
}

// Attempts gives what was kept for a record under the same evidence, or nil.
// The error is always nil.
func (a *Attempts) Attempts(recordID string, evidence []byte) (kept []byte, _ error) {
	a.use(func(tx *sql.Tx) error {
		var b []byte
		var sum uint32
		err := tx.QueryRow("SELECT attempts, checksum FROM attempts WHERE record = ? AND evidence = ?", recordID, evidence).Scan(&b, &sum)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil && sum == checksum([]byte(recordID), evidence, b) {
			kept = b
		}
		return err
	})
	return kept, nil
}

// KeepAttempts keeps attempts in place of what was kept for the record before.
// The error is always nil.
func (a *Attempts) KeepAttempts(recordID string, evidence, attempts []byte) error {
	a.use(func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", recordID, evidence, attempts, checksum([]byte(recordID), evidence, attempts))
		if err != nil {
			return err
		}
		if a.wait++; a.wait < attemptsTogether {
			return nil
		}
		return a.commit()
	})
	return nil
}
