package journal

import (
	"io"
	"os"
)

// A disk takes the steps that the journal takes on files by itself, besides
// those that SQLite takes. The zero value takes them.
type disk struct {
	// fault is asked before every step and makes it fail, in tests. A write that
	// fails with [io.ErrShortWrite] has written the first half.
	fault func(step, path string) error

	unsynced bool // leave the syncs out
}

func (d disk) ask(step, path string) error {
	if d.fault == nil {
		return nil
	}
	return d.fault(step, path)
}

func (d disk) open(path string, flag int) (*os.File, error) {
	if err := d.ask("open", path); err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.OpenFile(path, flag, 0o600)
}

func (d disk) writeAt(f *os.File, b []byte, off int64) error {
	if err := d.ask("write", f.Name()); err != nil {
		if err == io.ErrShortWrite {
			f.WriteAt(b[:len(b)/2], off)
		}
		return &os.PathError{Op: "write", Path: f.Name(), Err: err}
	}
	_, err := f.WriteAt(b, off)
	return err
}

func (d disk) truncate(f *os.File, size int64) error {
	if err := d.ask("truncate", f.Name()); err != nil {
		return &os.PathError{Op: "truncate", Path: f.Name(), Err: err}
	}
	return f.Truncate(size)
}

func (d disk) sync(f *os.File) error {
	if err := d.ask("sync", f.Name()); err != nil {
		return &os.PathError{Op: "sync", Path: f.Name(), Err: err}
	}
	if d.unsynced {
		return nil
	}
	return f.Sync()
}

func (d disk) rename(from, to string) error {
	if err := d.ask("rename", to); err != nil {
		return &os.PathError{Op: "rename", Path: to, Err: err}
	}
	return os.Rename(from, to)
}

func (d disk) remove(path string) error {
	if err := d.ask("remove", path); err != nil {
		return &os.PathError{Op: "remove", Path: path, Err: err}
	}
	return os.Remove(path)
}

// syncDir makes what was made, renamed or removed in the folder durable.
func (d disk) syncDir(dir string) error {
	if err := d.ask("sync", dir); err != nil {
		return &os.PathError{Op: "sync", Path: dir, Err: err}
	}
	if d.unsynced {
		return nil
	}
	return syncDir(dir)
}
