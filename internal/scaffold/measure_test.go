package scaffold

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/sniff"
)

// A share counts columns, and those of them that were guessed right.
type share struct{ right, all int }

func (s *share) add(ok bool) {
	s.all++
	if ok {
		s.right++
	}
}

func (s share) percent() float64 { return 100 * float64(s.right) / float64(max(s.all, 1)) }

// An expected column says what a person would write: types and roles, the
// alternatives that are as good separated by |, * for any type.
type expected struct{ header, types, roles string }

// readExpected reads a table of testdata/roles. Its first line names the file,
// and says whether its column names were known when the aliases were written.
func readExpected(t *testing.T, path string) (file string, known bool, columns []expected) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(cells) != 3 {
			t.Fatalf("%s: %q has %d cells", path, line, len(cells))
		}
		if file == "" {
			file, known = filepath.Join("..", "..", filepath.FromSlash(cells[1])), cells[2] == "known"
			continue
		}
		columns = append(columns, expected{cells[0], cells[1], cells[2]})
	}
	return file, known, columns
}

// TestShareOfColumnsGuessedRight measures the guesses on formats that payrec
// has presets for, without looking at the presets. A column is right when its
// type and its role both are what a person would write; most columns have the
// role of none.
func TestShareOfColumnsGuessedRight(t *testing.T) {
	tables, err := filepath.Glob(filepath.Join("testdata", "roles", "*.tsv"))
	if err != nil || len(tables) < 6 {
		t.Fatalf("%d tables: %v", len(tables), err)
	}
	var total, types, roles share
	by := map[bool]*share{true: {}, false: {}}
	for _, path := range tables {
		file, known, want := readExpected(t, path)
		if _, err := os.Stat(file); err != nil {
			t.Logf("%s is not here: genuine files are not part of the repository", file)
			continue
		}
		f, err := sniff.File(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Propose(file, f)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Columns) > len(want) {
			t.Errorf("%s: %d columns, %d expected", file, len(p.Columns), len(want))
			continue
		}
		var one share
		for _, c := range p.Columns {
			i := slices.IndexFunc(want, func(e expected) bool { return e.header == c.Header })
			if i < 0 {
				t.Errorf("%s: column %q is not expected", path, c.Header)
				continue
			}
			role := string(c.Role)
			if role == "" {
				role = "-"
			}
			typeOK := want[i].types == "*" || slices.Contains(strings.Split(want[i].types, "|"), c.Type)
			roleOK := slices.Contains(strings.Split(want[i].roles, "|"), role)
			types.add(typeOK)
			if !strings.Contains(want[i].roles, "-") || role != "-" {
				roles.add(roleOK)
			}
			for _, s := range []*share{&one, &total, by[known]} {
				s.add(typeOK && roleOK)
			}
			if !typeOK || !roleOK {
				t.Logf("    %q is %s, %s; want %s, %s", c.Header, c.Type, role, want[i].types, want[i].roles)
			}
		}
		t.Logf("%-22s %3d of %3d columns right, %5.1f %%", strings.TrimSuffix(filepath.Base(path), ".tsv"), one.right, one.all, one.percent())
	}
	t.Logf("all: %d of %d columns right, %.1f %%; types alone %.1f %%; roles, where there is one, %.1f %%", total.right, total.all, total.percent(), types.percent(), roles.percent())
	t.Logf("names known when the aliases were written: %.1f %%; others: %.1f %%", by[true].percent(), by[false].percent())
	if total.percent() < 95 {
		t.Errorf("only %.1f %% of the columns are guessed right", total.percent())
	}
}
