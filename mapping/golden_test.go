package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/table"
)

// abilities is how many things real files force a mapping to be able to say.
// Each has a folder under testdata/golden: an input or several, the mapping
// that reads them, and what comes of it. docs/cookbook.md has a recipe for each.
const abilities = 24

// goldenFolders are the folders by ability, from 1.
func goldenFolders(t *testing.T) map[int]string {
	t.Helper()
	folders := map[int]string{}
	dirs, err := filepath.Glob("testdata/golden/c[0-9][0-9]-*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(dir), "c%02d-", &n); err != nil || n < 1 || n > abilities || folders[n] != "" {
			t.Errorf("%s is no ability, or one that another folder shows", dir)
		}
		folders[n] = dir
	}
	return folders
}

// Every ability is shown, and does what its plan says. Review a plan's change
// as code.
func TestAbilities(t *testing.T) {
	folders := goldenFolders(t)
	for n := 1; n <= abilities; n++ {
		t.Run(fmt.Sprintf("c%02d", n), func(t *testing.T) {
			dir := folders[n]
			if dir == "" {
				t.Fatal("no folder under testdata/golden shows it")
			}
			m, err := Load(filepath.Join(dir, "mapping.yaml"), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if problems, err := Lint(filepath.Join(dir, "mapping.yaml"), Options{}); err != nil || len(problems) > 0 {
				t.Errorf("lint: %v %v", problems, err)
			}
			results, err := m.TestGolden(dir, *update)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				if !r.OK {
					t.Errorf("%s: %s; run go test ./mapping -run TestAbilities -update", r.File, r.Difference)
				}
			}
		})
	}
}

const goldenMapping = `
payrec: mapping/v1
name: t
input: {timezone: UTC}
columns: {ref: {from: Ref, type: id}, at: {from: At, type: date, format: '%Y-%m-%d'}, sum: {from: Sum, type: money, in: EUR}, type: Type}
rows: [{is: payment, match: {type: sale}}, {is: fee, match: {type: fee}, ignore: a fee}]
total: =sum
payment: {key: =ref, let: {rows_: =count()}}
emit:
  - {on: payment, call: report_payment, id: =ref, fee: =sum - sum, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: <T & Co>}, metadata: {of: =rows_}}}
checks: [{name: few, that: count() < 3, otherwise: warn}]
`

func planOf(t *testing.T, m *Mapping, files ...PlanFile) string {
	t.Helper()
	var b bytes.Buffer
	if err := m.WritePlan(&b, files); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func textFile(name, text string) PlanFile {
	return PlanFile{name, func() (*table.Reader, error) { return table.NewReader(name, strings.NewReader(text), table.Dialect{}) }}
}

// The whole form of a plan, of two files as one import: each row, then checks,
// classes, sums and fates.
func TestWritePlan(t *testing.T) {
	got := planOf(t, mustParse(t, goldenMapping, Options{}),
		textFile("a.csv", "Ref,At,Sum,Type\nA-1,2026-03-01,1.50,sale\n\nF-1,2026-03-01,-0.25,fee\n"),
		textFile("b.csv", "Ref,At,Sum,Type\nA-1,2026-03-02,2.00,sale\nA-2,2026-03-32,1,sale\n"))
	want := `{"row":"a.csv:2","class":"payment","is":"emitted","payment":"A-1","total":"1.50 EUR","calls":[{"call":"report_payment","id":"A-1","params":{"amount_requested.currency":"eur","amount_requested.value":"150","guaranteed.guaranteed_at":"1772323200","initiated_at":"1772323200","metadata.of":"2","outcome":"guaranteed","payment_method_details.custom.display_name":"<T & Co>","payment_method_details.type":"custom","processor_details.custom.payment_reference":"A-1","processor_details.type":"custom"},"fee":"0.00 EUR"}]}
{"row":"a.csv:4","class":"fee","is":"ignored","reason":"a fee","payment":"F-1","total":"-0.25 EUR"}
{"row":"b.csv:2","class":"payment","is":"emitted","payment":"A-1","total":"2.00 EUR","calls":[{"call":"report_payment","id":"A-1","params":{"amount_requested.currency":"eur","amount_requested.value":"200","guaranteed.guaranteed_at":"1772409600","initiated_at":"1772409600","metadata.of":"2","outcome":"guaranteed","payment_method_details.custom.display_name":"<T & Co>","payment_method_details.type":"custom","processor_details.custom.payment_reference":"A-1","processor_details.type":"custom"},"fee":"0.00 EUR"}]}
{"row":"b.csv:3","class":"payment","is":"rejected","payment":"A-2","total":"1.00 EUR","problems":[{"code":"bad_time","column":"At","value":"2026-03-32","message":"`
	if !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	closing := `{"check":"few","ok":false,"otherwise":"warn","message":"count() = 4"}
{"class":"payment","is":"emitted","rows":2,"total":["3.50 EUR"]}
{"class":"fee","is":"ignored","reason":"a fee","rows":1,"total":["-0.25 EUR"]}
{"class":"payment","is":"rejected","rows":1,"total":["1.00 EUR"]}
{"sum":"report_payment","currency":"eur","calls":2,"value":350}
{"rows":4,"emitted":2,"attached":0,"ignored":1,"held":0,"rejected":1}
`
	if !strings.HasSuffix(got, closing) {
		t.Errorf("got\n%s\nwant at its end\n%s", got, closing)
	}
}

// A file that cannot be read to its end leaves a plan that says so, and no
// sums that somebody could take for the file's.
func TestWritePlanRefused(t *testing.T) {
	m := mustParse(t, goldenMapping, Options{})
	for text, want := range map[string]string{
		"Ref,At,Sum\nA-1,2026-03-01,1\n":                          `{"refused":"x.csv:1: the file has no column \"Type\"`,
		"Ref,At,Sum,Type\nA-1,2026-03-01,1,sale\n\"A-2,":          `{"refused":"x.csv:3: `,
		"\x1f\x8b\x08broken":                                      `{"refused":"x.csv: `,
		"Ref,At,Sum,Type\nA-1,2026-03-01,1,sale\nRef,At,Sum,Type": "",
	} {
		got := strings.TrimSuffix(planOf(t, m, textFile("x.csv", text)), "\n")
		last := got[strings.LastIndex(got, "\n")+1:]
		if want != "" && (!strings.HasPrefix(last, want) || strings.Contains(got, `"sum"`)) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	missing := m.PlanFile(filepath.Join(t.TempDir(), "none.csv"))
	if err := m.WritePlan(&bytes.Buffer{}, []PlanFile{missing}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestWritePlanCannotWrite(t *testing.T) {
	err := mustParse(t, goldenMapping, Options{}).WritePlan(fullDisk{}, []PlanFile{textFile("x.csv", "Ref,At,Sum,Type\nA-1,2026-03-01,1,sale\n")})
	if err == nil || err.Error() != "no space" {
		t.Errorf("got %v", err)
	}
}

// The life of a golden folder: no plan, written, held, changed, its input gone.
func TestGoldenFolder(t *testing.T) {
	m := mustParse(t, goldenMapping, Options{})
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	test := func(update bool, want string) {
		t.Helper()
		results, err := m.TestGolden(dir, update)
		got := fmt.Sprint(err)
		if err == nil {
			got = ""
			for _, r := range results {
				got += fmt.Sprintf("%s %v %v %s\n", r.File, r.OK, r.Written, r.Difference)
			}
		}
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	put("mapping.yaml", "not looked at")
	put(".hidden", "nor this")
	test(false, "holds no file to map")
	put("x.csv", "Ref,At,Sum,Type\nA-1,2026-03-01,1,sale\n")
	test(false, "x.csv false false it has no plan yet; look at what --update writes")
	test(true, "x.csv true true \n")
	test(false, "x.csv true false \n")
	put("x.csv", "Ref,At,Sum,Type\nA-1,2026-03-01,1,sale\nF,2026-03-01,1,fee\n")
	test(false, "x.csv false false line 2 is not the plan's")
	test(true, "x.csv true true \n")
	test(true, "x.csv true false \n")
	put("y.csv.plan.jsonl", "{}\n")
	test(false, "y.csv false false there is a plan of it, but the file itself is gone")
	if _, err := m.TestGolden(filepath.Join(dir, "none"), false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestDiffLines(t *testing.T) {
	for _, tt := range []struct{ got, want, diff string }{
		{"a\nb\n", "a\nc\n", "line 2 is not the plan's (1 line differ in all)\n  is    b\n  plan  c"},
		{"a\n", "a\nb\n", "line 2 is not the plan's (1 line differ in all)\n  is    (no line)\n  plan  b"},
		{"a\nb\nc\n", "x\nb\ny\n", "line 1 is not the plan's (2 lines differ in all)\n  is    a\n  plan  x"},
	} {
		if diff := diffLines(tt.got, tt.want); diff != tt.diff {
			t.Errorf("got %s, want %s", diff, tt.diff)
		}
	}
}
