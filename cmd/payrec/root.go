package main

import (
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// app is what every command works with.
type app struct {
	env
	cfg *config
}

func newRoot(e env) *cobra.Command {
	a := &app{env: e, cfg: &config{}}
	root := &cobra.Command{
		Use:   "payrec",
		Short: "Bring payments of other processors into Stripe's Payment Records, and the history back out",
		Long: `payrec reads processors' settlement files, reports their payments and refunds
to Stripe's Payment Records API, and writes accountants' reports from there.
Every row is accounted for, nothing is reported twice, and every figure can be
traced to a line of a file.`,
		Example: `  payrec import settlement.csv -m adyen-settlement-detail --sandbox
  payrec export -o month-end.xlsx --sandbox`,
		Version:       version(),
		SilenceErrors: true, // report prints them
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, args []string) error {
			dir, err := os.Getwd()
			if err != nil {
				return err
			}
			a.cfg, err = findConfig(dir)
			return err
		},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := "`payrec --help` lists the commands"
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = "did you mean payrec " + strings.Join(near, " or payrec ") + "?"
			}
			return usage(hint, "there is no command %q", args[0])
		},
		RunE:              func(cmd *cobra.Command, args []string) error { return cmd.Help() },
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SuggestionsMinimumDistance = 2
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("`"+cmd.CommandPath()+" --help` lists the flags", "%w", err)
	})
	root.AddGroup(&cobra.Group{ID: "import", Title: "Import:"}, &cobra.Group{ID: "export", Title: "Export:"},
		&cobra.Group{ID: "mapping", Title: "Mappings:"}, &cobra.Group{ID: "other", Title: "Besides:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("import", a.importCommand(), a.planCommand(), a.applyCommand(), a.statusCommand(), a.resolveCommand(), a.rebuildCommand(), a.undoCommand())
	add("export", a.exportCommand(), a.reconcileCommand(), a.reportsCommand())
	add("mapping", a.inspectCommand(), a.initCommand(), a.lintCommand(), a.testCommand(), a.explainCommand(), a.presetsCommand(), a.schemaCommand())
	add("other", a.sandboxCommand(), a.versionCommand())
	root.SetHelpCommandGroupID("other")
	root.SetCompletionCommandGroupID("other")
	return root
}

// arguments checks the number of a command's arguments in words of our own.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage("`"+cmd.CommandPath()+" --help` shows an example", "%s needs %s", cmd.CommandPath(), what)
		case most >= 0 && len(args) > most:
			return usage("", "%s takes %s; %q is too much", cmd.CommandPath(), what, args[most])
		}
		return nil
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  payrec version",
		Args: arguments(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cmd.Println("payrec", version())
			return nil
		},
	}
}

// version is the module's version, or the commit of a build from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
