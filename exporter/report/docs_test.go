package report

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	doc        = "../../docs/reports.md"
	namesBegin = "<!-- the names, made by: go test ./exporter/report -run TestDocs -update -->\n"
	namesEnd   = "<!-- the names end -->\n"
)

// TestDocs: the names in the documentation are those of the code, every key
// stands in it, and its reports have no faults.
func TestDocs(t *testing.T) {
	src, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(src, []byte(namesBegin))
	old, after, ended := bytes.Cut(rest, []byte(namesEnd))
	if !ok || !ended {
		t.Fatalf("%s has no place for the names: the lines\n%s%s", doc, namesBegin, namesEnd)
	}
	if want := namesDoc(); string(old) != want {
		if !*update {
			t.Errorf("the names in %s are not up to date; run go test ./exporter/report -run TestDocs -update", doc)
		} else if err := os.WriteFile(doc, bytes.Join([][]byte{before, []byte(namesBegin), []byte(want), []byte(namesEnd), after}, nil), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range slices.Concat(topKeys, sheetKeys, columnKeys, textKeys, eachWords, formatWords()) {
		if !regexp.MustCompile(`\b` + key + `\b`).Match(before) {
			t.Errorf("%s does not say what %q is", doc, key)
		}
	}
	for i, block := range regexp.MustCompile("(?s)```yaml\n(payrec: report/v1\n.*?)```").FindAllSubmatch(src, -1) {
		if _, problems := parse(fmt.Sprintf("block %d", i+1), block[1], Options{}, true); len(problems) > 0 {
			t.Errorf("%s: %v", doc, problems)
		}
	}
}

func namesDoc() string {
	var b strings.Builder
	table := func(title string, list []name) {
		fmt.Fprintf(&b, "\n%s\n\n| name | | |\n|---|---|---|\n", title)
		for _, n := range list {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", n.name, n.kind, n.doc)
		}
	}
	table("Of a payment; a refund, an attempt, a movement and a posting have those of their payment as well:", paymentNames())
	for _, each := range eachWords {
		if names := eachNames(each); names != nil && each != "posting" {
			title := "Of a " + each
			switch each {
			case "attempt":
				title = "Of an attempt"
			case "movement":
				title = "Of a movement or a posting"
			}
			table(title+" besides:", names)
		}
	}
	b.WriteString("\n")
	return b.String()
}
