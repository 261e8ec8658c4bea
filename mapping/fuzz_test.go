package mapping

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/payrec/payrec/internal/table"
)

// No source makes Parse panic or take long, every problem has a message, and a
// mapping that loads can be tested and can read a file.
func FuzzParse(f *testing.F) {
	for _, p := range Presets() {
		src, _ := PresetSource(p.Name)
		f.Add(src)
	}
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	golden, err := filepath.Glob("testdata/golden/*/mapping.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, golden...) {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, s := range []string{"", "a: &a [*a]", "a: &a {b: *a}", "<<: *x", "<<: [1]", "- - - -", "? a\n: b", "? {a: b}\n: c", "!!binary x: y", "a: |\n  =x\n", "%YAML 1.2\n---\na: 1\n---\nb: 2\n",
		"payrec: mapping/v1\nextends: preset:generic-csv\ncolumns: {at: {from: [], format: []}}\n", "payrec: mapping/v1\nextends: preset:generic-csv\nrows: [{is: payment, match: {type: []}}]\n", plain("")} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if strings.Contains(string(src), "file") || strings.Contains(string(src), "extends") && !strings.Contains(string(src), "preset:") {
			return // must not touch the disk
		}
		m, problems := parse("fuzz.yaml", src, Options{}, false)
		for _, p := range problems {
			if p.Msg == "" || p.File == "" {
				t.Fatalf("%+v", p)
			}
		}
		if m == nil || len(problems.Fatal()) > 0 {
			return
		}
		m.Test()
		r, err := table.NewReader("fuzz.csv", strings.NewReader("date,amount,currency,reference\n2026-01-01,1,EUR,A\n"), table.Dialect{})
		if err != nil {
			t.Fatal(err)
		}
		s := m.NewSession()
		defer s.Close()
		for {
			row, err := r.Next()
			if err != nil {
				break
			}
			if _, err := s.Row(row); err != nil {
				return
			}
		}
		if _, err := s.Finish(); err != nil {
			t.Fatal(err)
		}
	})
}

// No cells make a preset panic, lose a row, or make a call that its own spec
// refuses.
func FuzzRows(f *testing.F) {
	f.Add("2026-03-01,10.50,EUR,A-1,payment,,0.30")
	f.Add("46082,(1.5),jpy,R-1,refund,A-1,\n2026-03-01,1,EUR,,x,,")
	f.Add("\ufeff2026-03-01\u00a0,−1,KWD,8.8E+15,,,\"\"")
	m, err := Load("generic-csv", Options{Params: map[string]string{"zone": "America/New_York"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r, err := table.NewReader("fuzz.csv", strings.NewReader("date,amount,currency,reference,type,payment_reference,fee\n"+body), m.Dialect())
		if err != nil {
			return
		}
		s := m.NewSession()
		defer s.Close()
		for {
			row, err := r.Next()
			if err != nil {
				return
			}
			res, err := s.Row(row)
			if err != nil {
				return // a second header, say
			}
			if row.Role == table.Body && res == nil {
				t.Fatalf("%s is lost", row.Pos)
			}
			if res == nil {
				continue
			}
			if (res.Disposition == Rejected) != (len(res.Problems) > 0) || (res.Disposition == Emitted) != (len(res.Events) > 0) {
				t.Fatalf("%+v", res)
			}
			for _, e := range res.Events {
				if e.ID == "" || e.Payment == "" || e.Amount.Value <= 0 {
					t.Fatalf("%+v", e)
				}
			}
		}
	})
}

// Aliases that multiply must not multiply the work.
func TestAliasBomb(t *testing.T) {
	src := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	names := []string{"a0"}
	for i := 1; i < 12; i++ {
		name := "a" + strings.Repeat("x", i)
		src += name + ": &" + name + " [" + strings.Repeat("*"+names[i-1]+", ", 9) + "*" + names[i-1] + "]\n"
		names = append(names, name)
	}
	done := make(chan error, 1)
	go func() {
		_, err := Parse("bomb.yaml", []byte(src), Options{})
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "values once its aliases are followed") {
			t.Errorf("got %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("still at it")
	}
}
