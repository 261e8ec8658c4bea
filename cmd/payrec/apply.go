package main

import (
	"context"
	"fmt"
	"os"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/mapping"
)

// applyRun applies a plan that an earlier command wrote.
func (a *app) applyRun(ctx context.Context, f *importFlags, id string) (err error) {
	t, j, err := a.openJournal(ctx, f)
	if err != nil {
		return err
	}
	defer closing(&err, t.close)
	defer closing(&err, j.Close)
	run, err := j.Run(ctx, id)
	if err != nil {
		return &failure{exitUsage, err, "`payrec status` lists the runs"}
	}
	r := &importRun{app: a, flags: f, target: t, journal: j, ref: run.Mapping}
	r.result.chosen(r, run)
	if err := r.findSources(run); err != nil {
		fmt.Fprintf(a.stderr, "payrec: %s; refused calls will be listed without their rows\n", clean(err.Error()))
	}
	return r.apply(ctx, run.ID, nil)
}

// findSources finds the files of a plan again, so that what is refused can be
// written in their shape. A file that changed is not the file of the plan.
func (r *importRun) findSources(run journal.RunStatus) error {
	if len(run.Files) == 0 {
		return nil // a plan to undo another run
	}
	m, err := mapping.Load(run.Mapping, mapping.Options{Params: run.Params})
	if err != nil {
		return fmt.Errorf("the plan's mapping %s cannot be read", run.Mapping)
	}
	in := &inputs{}
	for _, info := range run.Files {
		now, err := describe(info.Path, info.Name)
		if os.IsNotExist(err) || info.Path == "" {
			return fmt.Errorf("%s is no longer where it was planned from", info.Name)
		}
		if err != nil {
			return err
		}
		if now.SHA256 != info.SHA256 {
			return fmt.Errorf("%s has changed since it was planned", info.Name)
		}
		in.infos = append(in.infos, info)
		in.files = append(in.files, importer.File{Name: info.Name, Open: opener(info.Path, info.Name, m.Dialect())})
	}
	r.mapping, r.inputs = m, in
	return nil
}
