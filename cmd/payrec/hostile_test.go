package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// The corpus of bad and odd inputs. Small files stand in testdata/hostile, the
// others are made by recipes; the verdict on each stands in verdicts.txt there:
// what is read, or the message with its place. -update rewrites the verdicts,
// which are then to be read line by line: a wrong or poor message is a defect.
//
// Whatever the input: no panic, nothing on the terminal but printable text, and
// no more memory than mostMemory (hostile_memory_test.go).
const hostileDir = "testdata/hostile"

// A hostile input is one file of the corpus.
type hostile struct {
	name string   // such as csv/plain.csv; the part before the slash says how it is used
	args []string // further arguments
	make func(path string) error
	// big inputs run in a process of their own, whose memory is looked at.
	big bool
}

// hostileArgs are what single files are read with.
var hostileArgs = map[string][]string{
	"csv/semicolon-decimal-comma.csv": {"--param", "delimiter=semicolon", "--param", "decimal=,"},
	"csv/tab.csv":                     {"--param", "delimiter=tab"},
	"csv/pipe.csv":                    {"--param", "delimiter=pipe"},
	"csv/sep-line.csv":                {"--param", "delimiter=semicolon"},
	"csv/thousands-misplaced.csv":     {"--param", "thousands=,"},
	"csv/slash-dates.csv":             {"--param", "date_format=%d/%m/%Y"},
	"csv/two-digit-year.csv":          {"--param", "date_format=%d/%m/%y"},
	"csv/time-in-the-gap.csv":         {"--param", "zone=Europe/Berlin"},
	"csv/windows-1252.csv":            {"--param", "encoding=windows-1252"},
	"csv/gb18030.csv":                 {"--param", "encoding=gb18030"},
	"csv/shift-jis.csv":               {"--param", "encoding=shift_jis"},
	"csv/ebcdic.csv":                  {"--param", "encoding=ibm037"},
	"csv/utf16le-no-bom.csv":          {"--param", "encoding=utf-16le"},
	"csv/utf16be-bom.csv":             {"--param", "encoding=utf-16be"},
	"csv/utf16-odd-length.csv":        {"--param", "encoding=utf-16le"},
	"csv/utf16-lone-surrogate.csv":    {"--param", "encoding=utf-16le"},
}

// corpus is all of it, in the order of the names.
func corpus(t *testing.T) []hostile {
	t.Helper()
	list := slices.Concat(hostileWorkbooks(), hostileArchives(), hostileGiants())
	err := filepath.WalkDir(hostileDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Dir(path) == hostileDir {
			return err
		}
		name, err := filepath.Rel(hostileDir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		list = append(list, hostile{name: name, args: hostileArgs[name]})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, hostileJournals()...)
	slices.SortFunc(list, func(a, b hostile) int { return strings.Compare(a.name, b.name) })
	return list
}

// file is where the input stands, made if need be.
func (h hostile) file(t *testing.T) string {
	t.Helper()
	if h.make == nil {
		path, err := filepath.Abs(filepath.Join(hostileDir, filepath.FromSlash(h.name)))
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := filepath.Join(t.TempDir(), filepath.Base(h.name))
	if err := h.make(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// commands are the command lines that the input goes through.
func (h hostile) commands(path string) [][]string {
	kind, _, _ := strings.Cut(h.name, "/")
	const plain = hostileDir + "/csv/plain.csv"
	switch kind {
	case "csv", "giant":
		return [][]string{
			append([]string{"import", path, "-m", "generic-csv", "--dry-run", "--json"}, h.args...),
			{"inspect", path},
		}
	case "xlsx", "archive":
		mapping := "generic-csv"
		if kind == "xlsx" {
			mapping = "testdata/hostile/workbook.yaml"
		}
		return [][]string{
			append([]string{"import", path, "-m", mapping, "--dry-run", "--json"}, h.args...),
			{"inspect", path},
		}
	case "mapping":
		return [][]string{{"lint", path}, {"import", plain, "-m", path, "--dry-run", "--json"}}
	case "config":
		return [][]string{{"import", plain, "-m", "generic-csv", "--dry-run", "--json"}}
	case "journal":
		return [][]string{{"status", "--journal", path, "--sandbox=" + path + ".state"}}
	}
	panic("no kind of input " + kind)
}

// TestHostile runs the corpus and holds what comes of it against the verdicts.
func TestHostile(t *testing.T) {
	verdicts := map[string]string{}
	inputs := corpus(t)
	for _, h := range inputs {
		t.Run(h.name, func(t *testing.T) {
			if h.big && testing.Short() {
				t.Skip("makes a large file")
			}
			verdicts[h.name] = "" // as far as it comes
			verdicts[h.name] = h.verdict(t)
		})
	}
	if len(inputs) < 150 {
		t.Errorf("the corpus has %d inputs", len(inputs))
	}
	whole := len(verdicts) == len(inputs) // not -short, and not only some by -run
	golden := filepath.Join(hostileDir, "verdicts.txt")
	if *update && whole {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(verdicts)) {
			b.WriteString(name + "\n" + verdicts[name])
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := readVerdicts(t, golden)
	for name, got := range verdicts {
		if diff := cmp.Diff(want[name], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		delete(want, name)
	}
	if whole && len(want) > 0 {
		t.Errorf("verdicts without an input: %q", slices.Sorted(maps.Keys(want)))
	}
}

func readVerdicts(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	verdicts := map[string]string{}
	name := ""
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "\t") {
			name = strings.TrimSuffix(line, "\n")
			continue
		}
		verdicts[name] += line
	}
	return verdicts
}

// verdict runs the input's commands and writes down what came of each: the exit
// status, what was counted and what was said.
func (h hostile) verdict(t *testing.T) string {
	t.Helper()
	path := h.file(t)
	var b strings.Builder
	for _, args := range h.commands(path) {
		var o outcome
		if h.big {
			o = runMeasured(t, args)
		} else {
			o = runHere(t, h, path, args)
		}
		for _, text := range []string{o.stdout, o.stderr} {
			for _, r := range text {
				if r != '\n' && r != '\t' && !unicode.IsPrint(r) && r != '\u00a0' && r != '\u3000' || r >= '\u202a' && r <= '\u202e' {
					t.Errorf("%s: %q reaches the terminal in %.200q", args[0], r, text)
					break
				}
			}
		}
		fmt.Fprintf(&b, "\t%s: exit %d%s\n", args[0], o.status, o.counted(args[0]))
		for _, line := range o.problems() {
			fmt.Fprintf(&b, "\t\t%s\n", shortened(line))
		}
		said := knownFormat.ReplaceAllString(strings.ReplaceAll(o.stderr, filepath.Dir(path), "…"), "$1…")
		lines := strings.Split(strings.TrimRight(said, "\n"), "\n")
		for i, line := range lines {
			if i == 12 {
				fmt.Fprintf(&b, "\t\t… and %d lines more\n", len(lines)-i)
				break
			}
			if line != "" {
				fmt.Fprintf(&b, "\t\t%s\n", shortened(line))
			}
		}
	}
	return b.String()
}

// knownFormat is the journal's newest format in a message, which is no part of a verdict.
var knownFormat = regexp.MustCompile(`(this payrec knows formats up to )\d+`)

// shortened keeps a line of the verdicts readable.
func shortened(line string) string {
	if r := []rune(line); len(r) > 400 {
		return fmt.Sprintf("%s … (%d characters)", string(r[:400]), len(r))
	}
	return line
}

// An outcome is what a command came to.
type outcome struct {
	status         int
	stdout, stderr string
}

// runHere runs the program within the test.
func runHere(t *testing.T, h hostile, path string, args []string) outcome {
	t.Helper()
	if strings.HasPrefix(h.name, "config/") {
		dir := t.TempDir()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, configName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if args[1], err = filepath.Abs(args[1]); err != nil {
			t.Fatal(err)
		}
		t.Chdir(dir)
	}
	var stdout, stderr bytes.Buffer
	clock := func() time.Time { return time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC) }
	status := run(context.Background(), env{args, strings.NewReader(""), &stdout, &stderr, func(string) string { return "" }, clock})
	return outcome{status, stdout.String(), strings.ReplaceAll(stderr.String(), mustGetwd(t), "…")}
}

func mustGetwd(t *testing.T) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// problems are the first of an import, and the checks that failed, in the words of
// its JSON.
func (o outcome) problems() (lines []string) {
	var r result
	if json.Unmarshal([]byte(o.stdout), &r) != nil {
		return nil
	}
	for i, p := range r.Problems.First {
		if i == 8 {
			lines = append(lines, fmt.Sprintf("… of %d", r.Problems.Total))
			break
		}
		lines = append(lines, fmt.Sprintf("%s [%s]", clean(p.String()), p.Code))
		if p.Hint != "" {
			lines = append(lines, "\t"+clean(p.Hint))
		}
	}
	for _, c := range r.Checks {
		if !c.OK {
			lines = append(lines, clean(c.Severity+": "+c.Name+" "+c.Group+": "+c.Message))
		}
	}
	return lines
}

// counted is what the command's output counts.
func (o outcome) counted(command string) string {
	switch command {
	case "import":
		var r result
		if json.Unmarshal([]byte(o.stdout), &r) != nil || r.Rows == nil {
			return ""
		}
		if !r.Rows.Balanced() {
			return " OUT OF BALANCE"
		}
		if o.status == exitInput {
			return fmt.Sprintf(", %d rows read", r.Rows.Total)
		}
		s := fmt.Sprintf(", %d rows: %d emitted", r.Rows.Total, r.Rows.Emitted)
		for _, n := range []struct {
			n    int64
			what string
		}{{r.Rows.Attached, "attached"}, {r.Rows.Ignored, "ignored"}, {r.Rows.Held, "held"}, {r.Rows.Rejected, "rejected"}} {
			if n.n > 0 {
				s += fmt.Sprintf(", %d %s", n.n, n.what)
			}
		}
		for _, call := range slices.Sorted(maps.Keys(r.Sums)) {
			for _, currency := range slices.Sorted(maps.Keys(r.Sums[call])) {
				s += fmt.Sprintf("; %s %d %s", call, r.Sums[call][currency], currency)
			}
		}
		return s
	case "inspect":
		var found []string
		for line := range strings.Lines(o.stdout) {
			for _, title := range []string{"written as", "header", "rows", "notes"} {
				if text, ok := strings.CutPrefix(line, title+" "); ok {
					found = append(found, title+" "+strings.TrimSpace(text))
				}
			}
		}
		if len(found) > 0 {
			return ", " + shortened(strings.Join(found, "; "))
		}
	}
	return ""
}
