package main

import (
	"github.com/spf13/cobra"

	reports "github.com/payrec/payrec/exporter/report"
)

func (a *app) reportsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reports",
		Short: "List the reports that come with payrec, print or check one",
		Long: `Reports say what an export's files look like: payrec export --report NAME, or
--report FILE.yaml with one of your own. They are YAML files in the language of
mappings; docs/reports.md teaches it. Print one to start your own from.

Exit statuses: 0 done · 2 usage, no such report, or faults in it`,
		Example: `  payrec reports
  payrec reports show xero-bank > mine.yaml
  payrec reports lint mine.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("payrec reports show NAME prints one", "payrec reports takes list, show or lint, not %q", args[0])
			}
			return nil
		},
		RunE: listReports,
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the reports that come with payrec", Example: "  payrec reports list",
			Long: "List the reports that come with payrec.\n\nExit statuses: 0 done · 2 usage",
			Args: arguments(0, 0, "no argument"), RunE: listReports,
		},
		&cobra.Command{
			Use: "show NAME", Short: "Print a report that comes with payrec", Example: "  payrec reports show month-end",
			Long: "Print a report that comes with payrec, to read its rules or to start your own from.\n\nExit statuses: 0 done · 2 no such report",
			Args: arguments(1, 1, "the name of a report"), RunE: showReport,
		},
		&cobra.Command{
			Use: "lint REPORT…", Short: "Check reports: every fault at once, with its place", Example: "  payrec reports lint mine.yaml",
			Long: `Lint reads report files, or reports that come with payrec, as an export would and
prints every fault with its line and column, and what to do about it.

Exit statuses: 0 no fault (warnings do not count) · 2 faults`,
			Args: arguments(1, -1, "a report"), RunE: lintReports,
		})
	return cmd
}

func listReports(cmd *cobra.Command, _ []string) error {
	g := &grid{titles: []string{"report", "for"}}
	for _, r := range reports.Shipped() {
		g.add(r.Name, r.Title)
	}
	return g.write(cmd.OutOrStdout(), "")
}

func showReport(cmd *cobra.Command, args []string) error {
	source, ok := reports.ShippedSource(args[0])
	if !ok {
		if _, err := reports.Lint(args[0], reports.Options{}); err != nil { // which one was meant
			return &failure{exitUsage, err, ""}
		}
		return usage("", "%q is a file of your own; show prints those that come with payrec", args[0])
	}
	cmd.Print(string(source))
	return nil
}

func lintReports(cmd *cobra.Command, refs []string) error {
	return lintAll(cmd, refs, func(ref string) (reports.Problems, error) { return reports.Lint(ref, reports.Options{}) })
}
