package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Commands that the documentation tells people to type exist, flags and all.
func TestDocumentedCommands(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal("no documentation", err)
	}
	// In backticks, or on an indented line of its own.
	command := regexp.MustCompile("(?m)(?:`|^    )payrec ([a-z]+)([^`\n]*)")
	flag := regexp.MustCompile(`(?:^| )--?([a-z][a-z-]*)`)
	root := newRoot(env{getenv: func(string) string { return "" }})
	root.InitDefaultHelpCmd()
	seen := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range command.FindAllStringSubmatch(string(src), -1) {
			seen++
			c, _, err := root.Find([]string{m[1]})
			if err != nil || c == root {
				t.Errorf("%s: there is no command in %q", file, m[0])
				continue
			}
			for _, f := range flag.FindAllStringSubmatch(m[2], -1) {
				if !hasFlag(c, f[1]) {
					t.Errorf("%s: %q has no such flag --%s", file, strings.TrimSpace(m[0]), f[1])
				}
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d commands were found in the documentation", seen)
	}
}

func hasFlag(c *cobra.Command, name string) bool {
	if len(name) == 1 {
		return c.Flags().ShorthandLookup(name) != nil
	}
	return c.Flags().Lookup(name) != nil || c.InheritedFlags().Lookup(name) != nil
}
