package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/cardnumber"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/mapping"
)

// The exit statuses, part of the interface: scripts branch on them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitPartial     = 3
	exitInput       = 4
	exitDoubt       = 5
	exitInterrupted = 130
)

// A failure is an error that knows its exit status and what to do next. With
// no error in it, the command has said all there is to say.
type failure struct {
	status int
	err    error
	hint   string
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit status %d", f.status)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// usage is the failure of a wrong command line.
func usage(hint, format string, args ...any) error {
	return &failure{exitUsage, fmt.Errorf(format, args...), hint}
}

// report prints what went wrong and returns the exit status. It is the only
// place that decides either.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	f := classify(err)
	if f.err != nil {
		said := make(map[string]bool) // one failed disk is met by everything that is still open
		for line := range strings.Lines(f.err.Error()) {
			if line = strings.TrimRight(line, "\n"); !said[line] {
				fmt.Fprintf(w, "payrec: %s\n", clean(cardnumber.Mask(line)))
			}
			said[line] = true
		}
	}
	if f.hint != "" {
		fmt.Fprintf(w, "payrec: hint: %s\n", clean(cardnumber.Mask(f.hint)))
	}
	return f.status
}

// classify gives an error the status and the next step that its kind has.
func classify(err error) *failure {
	var f *failure
	var problems mapping.Problems
	var locked *journal.LockedError
	var stopped *importer.StopError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &problems):
		return &failure{exitUsage, err, "nothing was sent; `payrec lint` checks a mapping without a file"}
	case errors.Is(err, importer.ErrInterrupted), errors.Is(err, context.Canceled):
		return &failure{exitInterrupted, errors.New("interrupted"), "run the same command again to go on; nothing is sent twice"}
	case errors.As(err, &locked):
		return &failure{exitFailed, err, ""}
	case errors.As(err, &stopped):
		return &failure{exitFailed, err, "what was sent is in the journal; when the cause is mended, the same command goes on"}
	}
	return &failure{exitFailed, err, ""}
}
