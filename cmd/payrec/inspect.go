package main

import (
	"github.com/spf13/cobra"

	"github.com/payrec/payrec/internal/sniff"
)

func (a *app) inspectCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect FILE…",
		Short: "Say what a file looks like: dialect, header, columns, and what is suspicious",
		Long: `Inspect guesses; an import never does. What it finds is for writing a mapping:
delimiter, encoding and header, and for each column how full it is, samples, a
likely type, and warnings such as ambiguous dates or ids that a spreadsheet
has spoiled.

Exit statuses: 0 done · 1 a file cannot be read`,
		Example: "  payrec inspect settlement.csv",
		Args:    arguments(1, -1, "a file"),
		RunE: func(cmd *cobra.Command, files []string) error {
			for i, path := range files {
				finding, err := sniff.File(path)
				if err != nil {
					return err
				}
				if asJSON {
					if err := writeJSON(cmd.OutOrStdout(), finding); err != nil {
						return err
					}
					continue
				}
				if i > 0 {
					cmd.Println()
				}
				if err := finding.Write(cmd.OutOrStdout()); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per file")
	return cmd
}
