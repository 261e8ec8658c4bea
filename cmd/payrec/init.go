package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/internal/scaffold"
	"github.com/payrec/payrec/internal/sniff"
	"github.com/payrec/payrec/internal/table"
)

type initFlags struct {
	out    string
	force  bool
	preset string
}

func (a *app) initCommand() *cobra.Command {
	f := &initFlags{}
	cmd := &cobra.Command{
		Use:   "init FILE",
		Short: "Write a first mapping for a file: a preset that knows it, or guesses to correct",
		Long: `Init looks whether a preset knows the file, by its columns or its name, and
tries it over the first rows. If one does, the mapping that it writes builds on
it, and the preset can be used as it is. Otherwise it writes a mapping of
guesses: every column with a type, how sure the guess is and samples, rules for
the distinct values of a type column, and CHECK where only you know the answer.
What is not clear is held, not sent.

Exit statuses: 0 written · 1 the file cannot be read, or -o exists · 2 usage`,
		Example: `  payrec init settlement.csv
  payrec init march.csv -o march.yaml
  payrec lint march.yaml && payrec import march.csv -m march.yaml --dry-run`,
		Args: arguments(1, 1, "a file"),
		RunE: func(cmd *cobra.Command, files []string) error { return a.init(f, files[0]) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "write to `FILE` instead of standard output")
	flags.BoolVar(&f.force, "force", false, "replace the file of -o if it exists")
	flags.StringVar(&f.preset, "preset", "", "build on this preset's `NAME`; none: guess, whatever the presets know")
	return cmd
}

// init writes the mapping to standard output or a file, and what to know
// about it to standard error.
func (a *app) init(f *initFlags, path string) error {
	if f.out != "" && !f.force {
		if _, err := os.Lstat(f.out); err == nil {
			return &failure{exitFailed, fmt.Errorf("%s exists already", f.out), "choose another name, or replace it with --force"}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return &failure{exitFailed, fmt.Errorf("%s is a folder, not a file", path), ""}
	}
	match, err := a.choose(f, path)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if match != nil {
		err = match.Write(&b, path)
	} else {
		err = a.propose(&b, f, path)
	}
	if err != nil {
		return err
	}
	if f.out == "" {
		_, err = a.stdout.Write(b.Bytes())
		return err
	}
	if err := table.WriteFile(f.out, func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err }); err != nil {
		return err
	}
	a.say("written to %s; next: payrec lint %s", f.out, f.out)
	return nil
}

func (a *app) say(format string, args ...any) {
	fmt.Fprintln(a.stderr, "payrec:", clean(fmt.Sprintf(format, args...)))
}

// choose takes the best preset, or the one that the user named, and lists the
// others that know the file; nil: none.
func (a *app) choose(f *initFlags, path string) (*scaffold.Match, error) {
	if f.preset == "none" {
		return nil, nil
	}
	matches, err := scaffold.Identify(path)
	if err != nil {
		return nil, err
	}
	if f.preset != "" {
		for i := range matches {
			if matches[i].Preset == f.preset {
				return &matches[i], nil
			}
		}
		return nil, usage("`payrec presets` lists them; `payrec init FILE` without --preset shows those that know the file", "no preset %q knows this file", f.preset)
	}
	if len(matches) == 0 {
		return nil, nil
	}
	a.say("preset %s (%s): %s", matches[0].Preset, matches[0].Title, matches[0].Why())
	for _, m := range matches[1:] {
		a.say("or preset %s (%s): %s", m.Preset, m.Title, m.Why())
	}
	return &matches[0], nil
}

// propose writes a mapping of guesses and lists what is to be checked.
func (a *app) propose(w io.Writer, f *initFlags, path string) error {
	finding, err := sniff.File(path)
	if err != nil {
		return err
	}
	p, err := scaffold.Propose(path, finding)
	if err != nil {
		return err
	}
	if err := p.Write(w); err != nil {
		return err
	}
	if f.preset != "none" {
		a.say("no preset knows this file, so this mapping is guessed")
	}
	for _, check := range p.Checks {
		a.say("check %s", check)
	}
	return nil
}
