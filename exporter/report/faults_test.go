package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/yamltree"
)

// TestFaults holds what lint says of each report of testdata/faults.
func TestFaults(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		problems, err := Lint(file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(problems.Error(), filepath.Dir(file)+string(filepath.Separator), "") + "\n"
		golden := strings.TrimSuffix(file, ".yaml") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
		if _, err := Load(file, Options{}); err == nil {
			t.Errorf("%s loads", file)
		}
	}
}

// TestShippedReports: each that comes with payrec has no faults, and says its
// own name; month-end is the workbook.
func TestShippedReports(t *testing.T) {
	for _, info := range Shipped() {
		problems, err := Lint(info.Name, Options{})
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %v", info.Name, err, problems)
		}
		if info.Title == "" {
			t.Errorf("%s has no title", info.Name)
		}
		src, _ := ShippedSource(info.Name)
		if root := yamltree.Parse(info.Name, src, &yamltree.Collector{}); root.Get("name").Text != info.Name {
			t.Errorf("%s calls itself %s", info.Name, root.Get("name").Text)
		}
	}
	r, err := Load("month-end", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range r.sheets {
		names = append(names, s.builtin)
	}
	if diff := cmp.Diff(exporter.Builtins, names); diff != "" {
		t.Errorf("month-end is not the workbook: %s", diff)
	}
}

// TestParams: what is required is asked for, by name.
func TestParams(t *testing.T) {
	src := []byte(`{payrec: report/v1, name: x, params: {account: {required: true, doc: where it goes, values: [a, b]}, z: d}, sheets: [{name: S, columns: [{title: A, value: '=params.account + params.z'}]}]}`)
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{}, `x:1:39: the param "account" is required: where it goes; give it with --param account=…`},
		{Options{Params: map[string]string{"account": "c"}}, `must be one of a, b, not "c"`},
		{Options{Params: map[string]string{"account": "a", "acount": "b"}}, `did you mean "account"?`},
		{Options{Params: map[string]string{"account": "a"}}, ""},
		{Options{Defaults: map[string]string{"account": "a", "of_a_mapping": "1"}}, ""},
	} {
		_, err := Parse("x", src, test.o)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%v: %v, want %q", test.o, err, test.want)
		}
	}
}

// TestHostileReports: none of these costs much, and each is refused with a
// place or a size.
func TestHostileReports(t *testing.T) {
	bomb := "payrec: report/v1\na: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		prev := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+prev+",", 9) + "]\n"
	}
	for name, src := range map[string]string{
		"aliases":     bomb,
		"itself":      "payrec: report/v1\nname: &a [*a]\n",
		"deep flow":   strings.Repeat("[", 5000),
		"deep blocks": strings.Repeat("- ", 5000),
		"deep maps":   strings.Repeat("{a: ", 5000),
		"indents": func() (s string) {
			for i := range 900 {
				s += strings.Repeat(" ", i) + "a:\n"
			}
			return s
		}(),
		"large":    strings.Repeat("# comment\n", 20_000),
		"no UTF-8": "payrec: report/v1\nname: \xff\n",
		"two":      "payrec: report/v1\n---\npayrec: report/v1\n",
		"nothing":  "",
		"a tag":    "payrec: !!binary report/v1\n",
		"many keys": "payrec: report/v1\nlet: {" + func() (s string) {
			for i := range 3000 {
				s += "a" + strings.Repeat("b", i%7) + string(rune('a'+i%26)) + ": 1, "
			}
			return s
		}() + "}\n",
		"expression": "payrec: report/v1\nname: x\nwhere: " + strings.Repeat("(", 3000) + "\nsheets: []\n",
	} {
		if _, err := Parse("x.yaml", []byte(src), Options{}); err == nil {
			t.Errorf("%s is taken", name)
		} else if len(err.Error()) > 100_000 {
			t.Errorf("%s: %d bytes of words", name, len(err.Error()))
		}
	}
	if _, err := Load("../report.go/../../etc/passwd", Options{}); err == nil {
		t.Error("a path that is no report loads")
	}
}

// FuzzReport: no source makes the parser or the builder panic, problems have
// places within the source, and what loads can be made into files.
func FuzzReport(f *testing.F) {
	for _, glob := range []string{"testdata/reports/*.yaml", "testdata/faults/*.yaml", "shipped/*.yaml"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	account := june()
	f.Fuzz(func(t *testing.T, src []byte) {
		r, problems := parse("x.yaml", src, Options{Period: inJune}, true)
		lines := bytes.Count(src, []byte("\n")) + bytes.Count(src, []byte("\r")) + 1
		for _, p := range problems {
			if p.Line < 0 || p.Line > lines+1 || p.Msg == "" || !utf8.ValidString(p.Msg) && utf8.Valid(src) {
				t.Errorf("%+v in %d lines", p, lines)
			}
		}
		if len(problems.Fatal()) > 0 || r == nil {
			return
		}
		d, err := exporter.Collect(t.Context(), account, exporter.Options{Period: r.Period()})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		b, err := r.Build(t.Context(), d)
		if err != nil {
			return // of its faults
		}
		defer b.Close()
		files, err := b.Files("x.csv", TextOptions{}) // a workbook takes too long to make thousands of
		if err != nil {
			return
		}
		for _, file := range files {
			var first, again bytes.Buffer
			if one, two := file.Write(&first), file.Write(&again); one == nil && two == nil && !bytes.Equal(first.Bytes(), again.Bytes()) {
				t.Errorf("%s differs when it is written again", file.Path)
			}
		}
	})
}
