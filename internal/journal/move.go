package journal

import (
	"cmp"
	"context"
)

// Moving the WAL into the database. The writer does it, and not SQLite by itself at
// commits, so that what was moved is noted, by its checksums, before the WAL begins
// anew and overwrites it.

// walFrames is how many frames the WAL gets before it is moved into the
// database: enough for pages that change again and again to be moved once.
const walFrames = 4096

// longestWAL is how many times as long the WAL may grow while it is moved beside
// the loop, and one part in shortShare of it is little enough for the loop to move it.
const (
	longestWAL = 8
	shortShare = 8
)

// A moved is what moving the WAL beside the loop came to.
type moved struct {
	sums map[uint32]pageSum // of pages in it
	err  error
}

// tidy moves a WAL that has grown long into the database, after a commit. Most of
// it is moved beside the loop, which goes on meanwhile; when little is left, the
// loop moves that itself, and the WAL begins anew. Readers may keep it from
// finishing; then it is tried again when the WAL has grown further.
func (w *writer) tidy() {
	frames := w.sums.note.Frames
	if frames < w.tidied { // it was begun anew
		w.tidied = 0
	}
	switch {
	case w.failed.Load() != nil: // and it may still be moved
	case w.moving == nil && len(w.sums.pages) > 0 && frames >= w.tidied+w.walFrames:
		w.move()
	case len(w.moving) > 0 || w.moving != nil && frames >= longestWAL*w.walFrames:
		w.endMove(<-w.moving)
	}
}

// move begins to move the WAL beside the loop. A reader keeps it from beginning anew
// before the checksums of what was moved are on disk: SQLite by itself would, at the
// next write, as soon as all of it is in the database.
func (w *writer) move() {
	if err := w.holdWAL(); err != nil {
		w.fail(err)
		return
	}
	w.moving, w.tidied = make(chan moved, 1), w.sums.note.Frames
	reckon := w.sums.reckoning()
	go func(done chan<- moved) {
		_, err := w.passive()
		m := moved{err: err}
		if err == nil {
			m.sums, m.err = reckon()
		}
		done <- m
	}(w.moving)
}

// holdWAL begins to read the WAL as it stands.
func (w *writer) holdWAL() (err error) {
	if w.keeper == nil {
		if w.keeper, err = openPages(w.path, w.vfs); err != nil {
			return err
		}
	}
	_, err = w.keeper.exec("BEGIN; SELECT 1 FROM meta LIMIT 1")
	return err
}

// endMove ends the moving of the WAL beside the loop, with what was written to it
// meanwhile.
func (w *writer) endMove(m moved) {
	before, frames := w.tidied, w.sums.note.Frames
	w.moving, w.tidied = nil, frames
	w.sums.take(m.sums)
	_, err := w.keeper.exec("COMMIT")
	switch err = cmp.Or(m.err, err); {
	case err != nil:
		w.fail(err)
	case w.failed.Load() != nil:
	case frames-before > w.walFrames/shortShare && frames < longestWAL*w.walFrames:
		w.move()
	default:
		if err := w.checkpoint(); err != nil {
			w.fail(err)
		}
	}
}

// checkpoint moves as much of the WAL into the database as readers allow, and takes
// note of it when that was all.
func (w *writer) checkpoint() error {
	if whole, err := w.passive(); err != nil || !whole {
		return err
	}
	return w.sums.moved()
}

// passive moves as much of the WAL into the database as readers allow, and says
// whether that was all.
func (w *writer) passive() (whole bool, err error) {
	var busy, frames, moved int
	if err := w.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &frames, &moved); err != nil {
		return false, err
	}
	return busy == 0 && frames > 0 && moved == frames, nil
}
