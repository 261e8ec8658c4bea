package sniff

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/payrec/payrec/internal/table"
)

// Write prints the finding for people: how the file is written, then a line per
// column. Everything that came from the file is made safe for a terminal.
func (f *Finding) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line := func(label, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", label, fmt.Sprintf(format, args...))
	}
	line("file", "%s", show(f.File))
	line("written as", "%s", f.form())
	switch {
	case f.Header.Line > 0:
		line("header", "line %d, %d columns (confidence %.2f)", f.Header.Line, len(f.Header.Names), f.Header.Confidence)
	default:
		line("header", "none")
	}
	rows := fmt.Sprintf("%d", f.Rows)
	if !f.Complete {
		rows = fmt.Sprintf("at least %d", f.Rows)
	}
	line("rows", "%s", rows)
	if f.Kinds != nil {
		line("kinds", "%s", f.kinds())
	}
	if len(f.Sheets) > 0 {
		line("sheets", "%s", show(strings.Join(f.Sheets, ", ")))
	}
	for i, note := range f.Notes {
		label := ""
		if i == 0 {
			label = "notes"
		}
		line(label, "%s", note)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return f.writeColumns(w)
}

// form is how the file is written, in a few words.
func (f *Finding) form() string {
	parts := []string{string(f.Format)}
	if f.Container != "" {
		parts = append(parts, "in "+f.Container)
	}
	if f.Format == table.CSV {
		parts = append(parts, f.Encoding, "delimiter "+named(f.Delimiter), "quote "+f.Quote)
		if f.LineEnd != "" {
			parts = append(parts, f.LineEnd)
		}
	}
	if f.Decimal != "" {
		parts = append(parts, "decimal "+f.Decimal)
	}
	return strings.Join(parts, ", ")
}

func named(delimiter string) string {
	switch delimiter {
	case "\t":
		return "tab"
	case ",":
		return "comma"
	case ";":
		return "semicolon"
	}
	return delimiter
}

func (f *Finding) kinds() string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(f.Kinds)) {
		parts = append(parts, fmt.Sprintf("%s %d", show(kind), f.Kinds[kind]))
	}
	return strings.Join(parts, ", ")
}

func (f *Finding) writeColumns(w io.Writer) error {
	if len(f.Columns) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "\n#\tcolumn\ttype\tfilled\tdistinct\tsamples\n")
	for _, c := range f.Columns {
		kind := c.Type
		if c.Format != "" {
			kind += " " + c.Format
		}
		distinct := fmt.Sprint(c.Distinct)
		if c.DistinctAtLeast {
			distinct += "+"
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%d\t%s\t%s\n", c.Index+1, show(c.Name), kind, c.Filled, distinct, strings.Join(c.Samples, " · "))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return f.writeWarnings(w)
}

func (f *Finding) writeWarnings(w io.Writer) error {
	first := true
	for _, c := range f.Columns {
		for _, warning := range c.Warnings {
			if first {
				if _, err := fmt.Fprintln(w); err != nil {
					return err
				}
				first = false
			}
			name := fmt.Sprintf("%q", show(c.Name))
			if c.Name == "" {
				name = fmt.Sprintf("%d", c.Index+1)
			}
			if _, err := fmt.Fprintf(w, "warning: column %s: %s\n", name, warning); err != nil {
				return err
			}
		}
	}
	return nil
}
