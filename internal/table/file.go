package table

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// WriteFile makes the file at path of what write writes: all of it, or
// nothing. The data goes to a new file in the same folder, readable by its
// owner only; when it is whole and on disk it takes the name. Until then, and
// after any error, an earlier file at path stands as it was.
//
// Only a regular file is ever replaced: a symbolic link, folder or device at
// path is refused. Write is handed an unbuffered writer.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%q is no regular file (%s); name another output", path, what(info.Mode()))
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := filepath.Dir(path)
	// CreateTemp opens with O_EXCL and mode 0600, so that neither an existing
	// file nor a link put there beforehand is written through.
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return noPlace(path, dir, err)
	}
	finished := false
	defer func() { // also when write panics
		if !finished {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	// If we crash before the rename is on disk, path is the old file; the data
	// must be there before the name is, or a crash could leave an empty new one.
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	finished = true
	return syncDir(dir)
}

// noPlace says in terms of the output why no file can be made for it, instead
// of by the name that the file would have had until it was whole.
func noPlace(path, dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%q cannot be written: there is no folder %q; make it, or name another output (%w)", path, dir, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%q cannot be written: the folder %q takes no new files from you; name another output (%w)", path, dir, fs.ErrPermission)
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("%q cannot be written into the folder %q: %w", path, dir, err)
}

func what(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "a device or pipe"
}

// syncDir puts a rename on disk. Windows cannot and need not.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
