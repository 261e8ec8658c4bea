package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/mapping"
)

// loadMapping loads the mapping that the flags or the configuration name. The
// name of a file is made absolute: a plan may be applied from another folder.
func (a *app) loadMapping(f *importFlags) (m *mapping.Mapping, ref string, params map[string]string, err error) {
	ref = first(f.mapping, a.getenv("PAYREC_MAPPING"), a.cfg.Mapping)
	if ref == "" {
		return nil, "", nil, usage("`payrec presets` lists those that come with payrec", "say which mapping: -m PRESET or -m FILE.yaml")
	}
	if params, err = a.parseParams(f.params); err != nil {
		return nil, "", nil, err
	}
	if m, err = mapping.Load(ref, mapping.Options{Params: params}); err != nil {
		return nil, "", nil, &failure{exitUsage, err, "nothing was sent"}
	}
	if _, err := os.Stat(ref); err == nil {
		if ref, err = filepath.Abs(ref); err != nil {
			return nil, "", nil, err
		}
	}
	return m, ref, params, nil
}

func (a *app) lintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lint MAPPING…",
		Short: "Check mappings: every fault at once, with its place",
		Long: `Lint reads mapping files or presets as an import would and prints every fault
with its line and column, and what to do about it.

Exit statuses: 0 no fault (warnings do not count) · 2 faults`,
		Example: `  payrec lint mapping.yaml
  payrec lint adyen-settlement-detail`,
		Args: arguments(1, -1, "a mapping"),
		RunE: func(cmd *cobra.Command, refs []string) error {
			faulty := false
			for _, ref := range refs {
				problems, err := mapping.Lint(ref, mapping.Options{Params: a.cfg.Params})
				if err != nil && !errors.As(err, new(mapping.Problems)) {
					return &failure{exitUsage, err, ""}
				}
				for _, p := range problems {
					faulty = faulty || !p.Warning
					cmd.Println(clean(p.String()))
				}
				if len(problems) == 0 {
					cmd.Printf("%s: no faults\n", clean(ref))
				}
			}
			if faulty {
				return &failure{status: exitUsage}
			}
			return nil
		},
	}
}

func (a *app) testCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test MAPPING…",
		Short: "Run the tests that stand in mappings",
		Long: `Test runs each mapping's inline tests through the path that an import takes.

Exit statuses: 0 all passed · 1 some failed · 2 a mapping is wrong`,
		Example: "  payrec test mapping.yaml",
		Args:    arguments(1, -1, "a mapping"),
		RunE: func(cmd *cobra.Command, refs []string) error {
			failed := 0
			for _, ref := range refs {
				m, err := mapping.Load(ref, mapping.Options{Params: a.cfg.Params})
				if err != nil {
					return err
				}
				results := m.Test()
				for _, t := range results {
					if t.OK {
						cmd.Printf("ok      %s\n", clean(t.Name))
						continue
					}
					failed++
					cmd.Printf("FAILED  %s (line %d)\n", clean(t.Name), t.Line)
					for _, difference := range t.Failures {
						cmd.Printf("        %s\n", clean(difference))
					}
				}
				if len(results) == 0 {
					cmd.Printf("%s has no tests\n", clean(ref))
				}
			}
			if failed > 0 {
				return &failure{exitFailed, fmt.Errorf("%s failed", count(int64(failed), "test")), ""}
			}
			return nil
		},
	}
}

func (a *app) presetsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "presets [NAME]",
		Short: "List the mappings that come with payrec, or print one",
		Long: `Presets are ordinary mapping files. Print one to start a mapping of your own, or
take it over with extends: preset:NAME and override single keys.

Exit statuses: 0 done · 2 no such preset`,
		Example: `  payrec presets
  payrec presets adyen-settlement-detail > adyen.yaml`,
		Args: arguments(0, 1, "the name of a preset"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				source, ok := mapping.PresetSource(args[0])
				if !ok {
					return usage("`payrec presets` lists them", "there is no preset %q", args[0])
				}
				cmd.Print(string(source))
				return nil
			}
			g := &grid{titles: []string{"preset", "for"}}
			for _, p := range mapping.Presets() {
				g.add(p.Name, p.Title)
			}
			return g.write(cmd.OutOrStdout(), "")
		},
	}
}
