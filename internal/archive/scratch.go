package archive

import (
	"context"
	"database/sql"
	"errors"
	"hash/crc32"
	"path/filepath"
	"sync"
)

// fast is for what may be lost: no sync, and nobody else has the file.
var fast = []string{"busy_timeout(0)", "locking_mode(EXCLUSIVE)", "journal_mode(WAL)", "synchronous(OFF)"}

// A scratch is a file that is of use while it lasts. Everything it does is under
// its lock. The first thing that goes wrong ends its use.
type scratch struct {
	path string
	mu   sync.Mutex // guards what follows
	db   *sql.DB    // nil once it is of no use
	tx   *sql.Tx    // of writes that wait to be committed; nil for none
	wait int        // how many
	err  error
}

// open opens the file. One that is no such file, belongs to another account or
// is damaged is made anew: nothing is lost but time.
func (s *scratch) open(ctx context.Context, f form, path string, owner Owner) {
	path, err := filepath.Abs(path)
	if err != nil {
		s.err = err
		return
	}
	s.path = path
	db, err := f.open(ctx, path, owner)
	var other *OwnerError
	if errors.Is(err, errForm) || errors.As(err, &other) {
		if err = remove(path); err == nil {
			db, err = f.open(ctx, path, owner)
		}
	}
	s.db, s.err = db, err
}

// use runs do unless the file is of no use; the lock is held.
func (s *scratch) use(do func(*sql.Tx) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return
	}
	if s.tx == nil {
		if s.tx, s.err = s.db.Begin(); s.err != nil {
			s.giveUp()
			return
		}
	}
	if s.err = do(s.tx); s.err != nil {
		s.giveUp()
	}
}

// commit keeps what waits; the lock is held.
func (s *scratch) commit() error {
	if s.tx == nil {
		return nil
	}
	tx := s.tx
	s.tx, s.wait = nil, 0
	return tx.Commit()
}

func (s *scratch) giveUp() {
	s.err = named(s.path, s.err)
	if s.tx != nil {
		s.tx.Rollback()
		s.tx = nil
	}
	s.db.Close()
	s.db = nil
}

// Err says why nothing is kept or known any more; nil when all is well.
func (s *scratch) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close keeps what waits.
func (s *scratch) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return nil
	}
	err := errors.Join(s.commit(), s.db.Close())
	s.db = nil
	return err
}

// checksum guards a value against a disk that forgets.
func checksum(parts ...[]byte) uint32 {
	sum := uint32(0)
	for _, p := range parts {
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), p)
	}
	return sum
}
