package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"
)

// readingForm keeps one row a page.
var readingForm = form{mark: 0x70725264, version: 1, pragmas: fast, schema: `
CREATE TABLE page (no INTEGER PRIMARY KEY, low INTEGER NOT NULL, high INTEGER NOT NULL, records BLOB NOT NULL, checksum INTEGER NOT NULL);`}

// A Reading keeps the pages that an export reads, until it is done.
type Reading struct {
	scratch
	key   string
	began time.Time
	ctx   context.Context // of opening: the file is made when the first page comes
	file  string
	owner Owner
	kept  bool // there is something from before
	zip   *zstd.Encoder
}

// OpenReading opens the reading at path. key says what is being read; what is
// there under another key, or began before the oldest moment, is forgotten. now
// is when a new reading begins. The file is made when there is something to
// keep. It does not fail: see [Reading.Err].
func OpenReading(ctx context.Context, path string, owner Owner, key string, oldest, now time.Time) *Reading {
	r := &Reading{key: key, began: now, ctx: ctx, file: path, owner: owner}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return r
	}
	r.open(ctx, readingForm, path, owner)
	var have string
	var began int64
	r.use(func(tx *sql.Tx) error {
		err := tx.QueryRow("SELECT value FROM meta WHERE name = 'key'").Scan(&have)
		if err == nil {
			err = tx.QueryRow("SELECT value FROM meta WHERE name = 'began'").Scan(&began)
		}
		if err == sql.ErrNoRows {
			return nil
		}
		return err
	})
	if r.err != nil {
		return r
	}
	if at := time.Unix(began, 0).UTC(); have == key && !at.Before(oldest) && !at.After(now) {
		r.began, r.kept = at, true
		return r
	}
	r.Close()
	r.err = remove(path)
	return r
}

// Began is when reading began, and kept whether that was in an earlier go.
func (r *Reading) Began() (at time.Time, kept bool) { return r.began, r.kept }

// begin makes the file.
func (r *Reading) begin() {
	if r.db != nil || r.err != nil {
		return
	}
	r.open(r.ctx, readingForm, r.file, r.owner)
	r.use(func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT OR REPLACE INTO meta VALUES ('key', ?), ('began', ?)", r.key, r.began.Unix())
		return err
	})
}

// Keep keeps a page. With it, and what was kept before, everything from low up to
// but without high is there.
func (r *Reading) Keep(low, high int64, records []byte) {
	r.begin()
	r.use(func(tx *sql.Tx) (err error) {
		if r.zip == nil {
			if r.zip, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1)); err != nil {
				return err
			}
		}
		packed := r.zip.EncodeAll(records, nil)
		if _, err := tx.Exec("INSERT INTO page (low, high, records, checksum) VALUES (?, ?, ?, ?)", low, high, packed, checksum(packed)); err != nil {
			return err
		}
		return r.commit()
	})
}

// A Page is one page of an earlier go.
type Page struct {
	Low, High int64
	Records   []byte // valid until the next
}

// Pages iterates over the pages of an earlier go, as they were kept. When one
// of them cannot be read, the rest is left out too, and the second value says
// so. Nothing may be kept meanwhile.
func (r *Reading) Pages() iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		if !r.kept {
			return
		}
		var unzip *zstd.Decoder
		r.use(func(tx *sql.Tx) error {
			var err error
			unzip, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
			return err
		})
		if unzip == nil {
			return
		}
		defer unzip.Close()
		var page Page
		for no := int64(0); ; {
			var packed []byte
			var sum uint32
			found := false
			r.use(func(tx *sql.Tx) error {
				err := tx.QueryRow("SELECT no, low, high, records, checksum FROM page WHERE no > ? ORDER BY no LIMIT 1", no).Scan(&no, &page.Low, &page.High, &packed, &sum)
				if found = err == nil; err == sql.ErrNoRows {
					return nil
				}
				return err
			})
			if !found {
				return
			}
			var err error
			if checksum(packed) != sum {
				err = fmt.Errorf("%s: a page of it is damaged", r.file)
			} else {
				page.Records, err = unzip.DecodeAll(packed, page.Records[:0])
			}
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// Done forgets the reading: what it was for is done.
func (r *Reading) Done() error {
	err := r.Close()
	if errors.Is(r.Err(), ErrInUse) {
		return err // another's
	}
	return errors.Join(err, remove(r.file))
}
