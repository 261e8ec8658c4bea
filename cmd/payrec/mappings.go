package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	reports "github.com/payrec/payrec/exporter/report"
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
			return lintAll(cmd, refs, func(ref string) (mapping.Problems, error) {
				return mapping.Lint(ref, mapping.Options{Params: a.cfg.Params})
			})
		},
	}
}

// lintAll prints the faults of each file; the error says that there are some.
func lintAll(cmd *cobra.Command, refs []string, lint func(ref string) (mapping.Problems, error)) error {
	faulty := false
	for _, ref := range refs {
		problems, err := lint(ref)
		if err != nil {
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
}

// testFlags are the flags of `payrec test`.
type testFlags struct {
	golden string
	update bool
	params []string
}

func (a *app) testCommand() *cobra.Command {
	f := &testFlags{}
	cmd := &cobra.Command{
		Use:   "test MAPPING…",
		Short: "Test mappings: by the tests that stand in them, and by golden folders",
		Long: `Test runs each mapping's inline tests through the path that an import takes.

With --golden it also maps every file of a folder and compares what comes of it
with the plan beside the file: march.csv with march.csv.plan.jsonl. Plans are
JSON Lines, one line per row, then checks and sums, and are made to be read and
compared by people. --update writes those that are not there or differ; look at
them before you keep them. Folders and YAML files in the folder are passed over.

Exit statuses: 0 all passed · 1 some failed · 2 a mapping or the folder is wrong`,
		Example: `  payrec test mapping.yaml
  payrec test mapping.yaml --golden testdata
  payrec test mapping.yaml --golden testdata --update`,
		Args: arguments(1, -1, "a mapping"),
		RunE: func(cmd *cobra.Command, refs []string) error {
			switch {
			case f.update && f.golden == "":
				return usage("name the folder with --golden DIR", "--update writes the plans of a golden folder, and none is given")
			case f.golden != "" && len(refs) > 1:
				return usage("run the test once for each mapping", "a golden folder holds the plans of one mapping, not of %d", len(refs))
			}
			params, err := a.parseParams(f.params)
			if err != nil {
				return err
			}
			failed := 0
			for _, ref := range refs {
				n, err := testMapping(cmd, ref, mapping.Options{Params: params}, f)
				if err != nil {
					return err
				}
				failed += n
			}
			if failed > 0 {
				return &failure{exitFailed, fmt.Errorf("%s failed", count(int64(failed), "test")), ""}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&f.golden, "golden", "", "folder of files and the plans that they must give")
	cmd.Flags().BoolVar(&f.update, "update", false, "write the plans that are missing or differ")
	cmd.Flags().StringArrayVar(&f.params, "param", nil, "value of a mapping's param: name=value")
	return cmd
}

// testMapping runs all tests of one mapping and says how many failed.
func testMapping(cmd *cobra.Command, ref string, o mapping.Options, f *testFlags) (failed int, err error) {
	m, err := mapping.Load(ref, o)
	if err != nil {
		return 0, err
	}
	fail := func(name, difference string) {
		failed++
		cmd.Printf("FAILED  %s\n", clean(name))
		for line := range strings.Lines(difference) {
			cmd.Printf("        %s\n", clean(strings.TrimRight(line, "\n")))
		}
	}
	results := m.Test()
	for _, t := range results {
		if t.OK {
			cmd.Printf("ok      %s\n", clean(t.Name))
			continue
		}
		fail(fmt.Sprintf("%s (line %d)", t.Name, t.Line), strings.Join(t.Failures, "\n"))
	}
	if f.golden == "" {
		if len(results) == 0 {
			cmd.Printf("%s has no tests\n", clean(ref))
		}
		return failed, nil
	}
	files, err := m.TestGolden(f.golden, f.update)
	if err != nil {
		return failed, &failure{exitUsage, err, ""}
	}
	for _, g := range files {
		name := filepath.Join(f.golden, g.File)
		switch {
		case g.Written:
			cmd.Printf("written %s\n", clean(name+mapping.PlanEnding))
		case g.OK:
			cmd.Printf("ok      %s\n", clean(name))
		default:
			fail(name, g.Difference)
		}
	}
	return failed, nil
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema mapping|report",
		Short: "Print the JSON Schema of mappings or reports, for editors",
		Long: `Schema prints the JSON Schema (draft-07) of mappings, or of reports. Editors that
know YAML complete and check a file by it, when its first line is

  # yaml-language-server: $schema=mapping.schema.json

Exit statuses: 0 done · 2 there is no such schema`,
		Example:   "  payrec schema mapping > mapping.schema.json",
		ValidArgs: []string{"mapping", "report"},
		Args:      arguments(1, 1, "what to print the schema of: mapping or report"),
		RunE: func(cmd *cobra.Command, args []string) error {
			schemas := map[string]func() []byte{"mapping": mapping.Schema, "report": reports.Schema}
			schema, ok := schemas[args[0]]
			if !ok {
				return usage("there are two: mapping and report", "there is no schema of %q", args[0])
			}
			_, err := cmd.OutOrStdout().Write(schema())
			return err
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
