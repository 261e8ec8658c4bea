package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/cardnumber"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/internal/nameless"
	"github.com/payrec/payrec/internal/table"
)

// inputs are the files of a run. Standard input is kept in a temporary file,
// because a run reads its files more than once. Fingerprints are taken while
// others read the files already.
type inputs struct {
	files []importer.File
	spool []*keptFile

	infos   []journal.FileInfo // by file; see fingerprints
	hashing errgroup.Group
	closed  atomic.Bool // no more hashing
}

// fingerprints are the files' fingerprints, once all are taken.
func (in *inputs) fingerprints() ([]journal.FileInfo, error) {
	if err := in.hashing.Wait(); err != nil {
		return nil, &failure{exitUsage, err, "nothing was sent"}
	}
	return in.infos, nil
}

// fingerprint begins to take the next file's.
func (in *inputs) fingerprint(file io.ReadCloser, path, shown string) {
	in.infos = append(in.infos, journal.FileInfo{})
	info := &in.infos[len(in.infos)-1] // which stays there: there is room for all files
	in.hashing.Go(func() (err error) {
		defer file.Close()
		*info, err = fingerprint(whileOpen{file, &in.closed}, shown)
		info.Path = path
		return err
	})
}

// whileOpen is a reader that ends with the inputs that it is of.
type whileOpen struct {
	io.Reader
	closed *atomic.Bool
}

func (r whileOpen) Read(b []byte) (int, error) {
	if r.closed.Load() {
		return 0, os.ErrClosed
	}
	return r.Reader.Read(b)
}

// A keptFile is what could be read once only.
type keptFile struct{ *nameless.File }

// fromStart reads the file whole, whoever else reads it.
func (k *keptFile) fromStart() io.Reader { return io.NewSectionReader(k, 0, math.MaxInt64) }

func (a *app) openInputs(names []string, d table.Dialect) (in *inputs, err error) {
	in = &inputs{infos: make([]journal.FileInfo, 0, len(names))}
	defer func() {
		if err != nil {
			in.close()
		}
	}()
	shown, err := shownNames(names)
	if err != nil {
		return in, err
	}
	var missing []error
	for _, name := range shown {
		if cardnumber.Contains(name) { // it would be in the journal and in each call's metadata
			return in, usage("rename the file; nothing was sent", "the name of %s holds what looks like a card number", cardnumber.Mask(name))
		}
	}
	for i, name := range names {
		path, kept, err := in.place(a.stdin, name)
		if err != nil {
			missing = append(missing, err)
			continue
		}
		open := opener(path, shown[i], d)
		if kept != nil {
			in.fingerprint(io.NopCloser(kept.fromStart()), path, shown[i])
			open = func() (*table.Reader, error) { return table.NewReader(shown[i], kept.fromStart(), d) }
		} else {
			file, err := os.Open(path)
			if err != nil {
				missing = append(missing, err)
				continue
			}
			in.fingerprint(file, path, shown[i])
		}
		in.files = append(in.files, importer.File{Name: shown[i], Open: open})
	}
	if len(missing) > 0 {
		return in, &failure{exitUsage, errors.Join(missing...), "nothing was sent"}
	}
	return in, nil
}

// shownNames are the names by which people, messages and the journal know the
// files of a run: the last part of each path, or as many parts as tell it from
// the others. Two files under one name would be two rows under one place.
func shownNames(names []string) ([]string, error) {
	shown := make([]string, len(names))
	for parts := 1; ; parts++ {
		seen := map[string]bool{}
		unique := true
		for i, name := range names {
			shown[i] = lastParts(name, parts)
			unique = unique && !seen[shown[i]]
			seen[shown[i]] = true
		}
		if unique {
			return shown, nil
		}
		for i, name := range names {
			for _, other := range names[:i] {
				if filepath.Clean(other) == filepath.Clean(name) {
					return nil, usage("nothing was sent", "%s is named twice", name)
				}
			}
		}
		if parts > 100 {
			return nil, usage("give their whole paths", "the files' names cannot be told apart")
		}
	}
}

// lastParts is the end of a path: so many of its parts, with slashes between.
func lastParts(name string, parts int) string {
	if name == "-" {
		return "stdin"
	}
	all := strings.Split(filepath.ToSlash(filepath.Clean(name)), "/")
	return strings.Join(all[max(len(all)-parts, 0):], "/")
}

// place is where an input can be read as often as needed. What can be read once
// only, standard input or a pipe, is kept in a temporary file and has no path.
func (in *inputs) place(stdin io.Reader, name string) (path string, kept *keptFile, err error) {
	if name == "-" {
		kept, err = in.keep(stdin)
		return "", kept, err
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return "", nil, err
	case info.IsDir():
		return "", nil, fmt.Errorf("%s is a folder, not a file", name)
	case info.Mode().IsRegular():
		path, err = filepath.Abs(name)
		return path, nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	kept, err = in.keep(f)
	return "", kept, err
}

// opener opens a file under the name that people know it by.
func opener(path, shown string, d table.Dialect) func() (*table.Reader, error) {
	return func() (*table.Reader, error) {
		if filepath.Base(path) == shown {
			return table.Open(path, d)
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		return table.NewReader(shown, f, d)
	}
}

func (in *inputs) keep(r io.Reader) (*keptFile, error) {
	f, err := nameless.Create("payrec-stdin-*")
	if err != nil {
		return nil, err
	}
	kept := &keptFile{f}
	in.spool = append(in.spool, kept)
	if _, err := io.Copy(f, r); err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	return kept, nil
}

func (in *inputs) close() error {
	in.closed.Store(true)
	in.hashing.Wait() // what it found was asked for, or nobody wants it any more
	var errs []error
	for _, k := range in.spool {
		errs = append(errs, k.Close())
	}
	return errors.Join(errs...)
}

// describe is the file's fingerprint: it ties every figure to the very bytes
// that it was read from.
func describe(path, shown string) (journal.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return journal.FileInfo{}, err
	}
	defer f.Close()
	return fingerprint(f, shown)
}

func fingerprint(r io.Reader, shown string) (journal.FileInfo, error) {
	h := sha256.New()
	size, err := io.Copy(h, r)
	if err != nil {
		return journal.FileInfo{}, err
	}
	return journal.FileInfo{Name: shown, SHA256: hex.EncodeToString(h.Sum(nil)), Size: size}, nil
}
