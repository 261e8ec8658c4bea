package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/internal/table"
)

// inputs are the files of a run. Standard input is kept in a temporary file,
// because a run reads its files more than once.
type inputs struct {
	files []importer.File
	infos []journal.FileInfo
	spool []string // temporary files
}

func (a *app) openInputs(names []string, d table.Dialect) (in *inputs, err error) {
	in = &inputs{}
	defer func() {
		if err != nil {
			in.close()
		}
	}()
	var missing []error
	for _, name := range names {
		path, shown := name, filepath.Base(name)
		if name == "-" {
			if path, err = in.keep(a.stdin); err != nil {
				return in, err
			}
			shown = "stdin"
		}
		info, err := describe(path, shown)
		if err != nil {
			missing = append(missing, err)
			continue
		}
		if name != "-" {
			if info.Path, err = filepath.Abs(path); err != nil {
				return in, err
			}
		}
		in.infos = append(in.infos, info)
		in.files = append(in.files, importer.File{Name: shown, Open: opener(path, shown, d)})
	}
	if len(missing) > 0 {
		return in, &failure{exitUsage, errors.Join(missing...), "nothing was sent"}
	}
	return in, nil
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

func (in *inputs) keep(r io.Reader) (string, error) {
	f, err := os.CreateTemp("", "payrec-stdin-*")
	if err != nil {
		return "", err
	}
	in.spool = append(in.spool, f.Name())
	if _, err := io.Copy(f, r); err != nil {
		return "", errors.Join(fmt.Errorf("reading standard input: %w", err), f.Close())
	}
	return f.Name(), f.Close()
}

func (in *inputs) close() error {
	var errs []error
	for _, name := range in.spool {
		errs = append(errs, os.Remove(name))
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
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return journal.FileInfo{}, fmt.Errorf("%s is a folder, not a file", path)
	}
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return journal.FileInfo{}, err
	}
	return journal.FileInfo{Name: shown, SHA256: hex.EncodeToString(h.Sum(nil)), Size: size}, nil
}
