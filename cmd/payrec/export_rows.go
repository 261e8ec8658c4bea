package main

import (
	"context"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/journal"
)

// fileOf names a file of a run, by the run's place among all.
type fileOf struct {
	run  int
	name string
}

// readAgain finds the files that a later run of the same source read again, to
// the byte, and by which run last: that one has the last word on their rows.
func readAgain(runs []journal.RunStatus) map[fileOf]string {
	type content struct{ source, sha256 string }
	last := map[content]string{}
	again := map[fileOf]string{}
	for n := len(runs) - 1; n >= 0; n-- {
		r := &runs[n]
		read := map[content]bool{}
		for _, f := range r.Files {
			c := content{r.Source, f.SHA256}
			if run := last[c]; run != "" {
				again[fileOf{n, f.Name}] = run
			}
			read[c] = r.Account != nil // else nothing is known of what it read
		}
		for c, ok := range read {
			if ok && last[c] == "" {
				last[c] = r.ID
			}
		}
	}
	return again
}

// openRows iterates over the rows that are held or rejected, became no call, and
// are open: no later run of the same source has read the same file again, the run's
// own rejects or held file, or, wherever it stood, the row; see [journal.Note].
func (h *knownImports) openRows(ctx context.Context, runs []journal.RunStatus) iter.Seq2[exporter.Exception, error] {
	return func(yield func(exporter.Exception, error) bool) {
		again, back := readAgain(runs), returns(runs)
		for n, run := range runs {
			if run.Account == nil || run.Account.Held+run.Account.Rejected == 0 {
				continue
			}
			rejects, held := broughtBack(runs, n, back)
			if rejects && held {
				continue
			}
			for note, err := range h.j.Notes(ctx, run.ID) {
				if err != nil {
					yield(exporter.Exception{}, err)
					return
				}
				if note.Over || note.Held && held || !note.Held && rejects || again[fileOf{n, note.File}] != "" {
					continue
				}
				if !yield(rowException(note, run.ID), nil) {
					return
				}
			}
		}
	}
}

// A returned is a run's rejects or held file that a later run read.
type returned struct {
	of, by int // runs, by their places among all
	held   bool
}

// returns are the rejects and held files that came back. They are known by their
// names, which begin with their run's.
func returns(runs []journal.RunStatus) (list []returned) {
	place := make(map[string]int, len(runs))
	for n := range runs {
		place[runs[n].ID] = n
		for _, f := range runs[n].Files {
			for kind, held := range map[string]bool{"-rejects": false, "-held": true} {
				id, _, ok := strings.Cut(path.Base(f.Name), kind)
				of, known := place[id]
				if ok && known && of < n && runs[of].Source == runs[n].Source && runs[n].Account != nil {
					list = append(list, returned{of, n, held})
				}
			}
		}
	}
	return list
}

// broughtBack says whether later runs read the files into which a run's rejected
// and held rows were written, or those of an earlier run that had read the same.
func broughtBack(runs []journal.RunStatus, n int, list []returned) (rejects, held bool) {
	for _, r := range list {
		if r.of <= n && n < r.by && alike(&runs[r.of], &runs[n]) {
			rejects, held = rejects || !r.held, held || r.held
		}
	}
	return rejects, held
}

// alike says whether two runs read the same, to the byte.
func alike(a, b *journal.RunStatus) bool {
	return a.Source == b.Source && slices.EqualFunc(a.Files, b.Files, func(x, y journal.FileInfo) bool { return x.SHA256 == y.SHA256 })
}

// rowException is a row that became no call.
func rowException(n journal.Note, run string) exporter.Exception {
	x := exporter.Exception{Kind: exporter.ExceptionRejected, Reason: n.Message, Reference: n.Payment, Run: run, File: n.File, Line: n.Line, Operation: n.OpID}
	if n.Held {
		x.Kind = exporter.ExceptionHeld
	}
	if n.Column != "" {
		x.Reason = fmt.Sprintf("column %q: %s", n.Column, x.Reason)
	}
	if n.Sheet != "" {
		x.Reason = fmt.Sprintf("sheet %q: %s", n.Sheet, x.Reason)
	}
	if n.Hint != "" {
		x.Reason += "; " + n.Hint
	}
	if amount, err := n.Total.Minor(); err == nil { // else it has none, or is finer than its currency
		x.Amount = amount
	}
	return x
}
