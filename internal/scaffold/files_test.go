package scaffold

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/sniff"
	"github.com/payrec/payrec/mapping"
)

// inputFiles are the files below a folder that processors could have written.
func inputFiles(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch strings.ToLower(filepath.Ext(path)) {
		case ".csv", ".txt", ".tsv", ".xlsx", ".xls", ".zip", ".gz":
			if filepath.Base(path) != "sources.tsv" { // says where the genuine files are from
				out = append(out, path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// propose writes the mapping of guesses for a file.
func propose(t testing.TB, path string) (*Proposal, string) {
	t.Helper()
	f, err := sniff.File(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Propose(path, f)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return p, b.String()
}

// lint checks a mapping as `payrec lint` does: params may be missing.
func lint(t testing.TB, source string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.yaml")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	problems, err := mapping.Lint(path, mapping.Options{})
	if err != nil || len(problems) > 0 {
		t.Errorf("does not lint: %v %v\n%s", problems, err, source)
	}
}

// uncommented is the mapping with the columns that nothing uses yet in force.
func uncommented(source string) string {
	var b strings.Builder
	rest := false
	for line := range strings.Lines(source) {
		switch {
		case strings.HasPrefix(line, "  # Not used so far"):
			rest = true
		case !strings.HasPrefix(line, "  # "):
			rest = false
		case rest:
			line = "  " + strings.TrimPrefix(line, "  # ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// checkFile holds what init promises for any file: the guesses load, with the
// unused columns and without, and building on a preset loads too.
func checkFile(t *testing.T, path string, presets []*mapping.Outline) []Match {
	t.Helper()
	_, source := propose(t, path)
	lint(t, source)
	if all := uncommented(source); all != source {
		lint(t, all)
	}
	readByGuesses(t, path, source)
	matches, err := identify(path, presets)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range matches {
		var b bytes.Buffer
		if err := m.Write(&b, path); err != nil {
			t.Fatal(err)
		}
		lint(t, b.String())
	}
	return matches
}

// readByGuesses imports a file with nothing but the guesses. Rows may be
// rejected, and most of an unknown format is held; but no file may be refused
// as a whole, and at least some of its rows must be understood.
func readByGuesses(t *testing.T, path, source string) {
	t.Helper()
	params := map[string]string{}
	if strings.Contains(source, "  currency: {doc") {
		params["currency"] = "EUR"
	}
	rows, rejected := 0, 0
	for name, n := range imported(t, path, source, params) {
		rows += n
		if strings.HasSuffix(name, " rejected") {
			rejected += n
		}
	}
	t.Logf("by guesses: %d of %d rows rejected", rejected, rows)
	spoiled := strings.Contains(path, "oca_adyen_test.xlsx") // its references have lost digits
	if 4*rejected > 3*rows && !spoiled {
		t.Errorf("%d of %d rows are rejected", rejected, rows)
	}
}

// TestSamples finds the preset of every sample by its columns or its name.
func TestSamples(t *testing.T) {
	presets, err := outlines()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join("..", "..", "samples")
	for _, path := range inputFiles(t, root) {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.ToSlash(rel), func(t *testing.T) {
			matches := checkFile(t, path, presets)
			name := filepath.Base(filepath.Dir(path))
			if !slices.ContainsFunc(presets, func(o *mapping.Outline) bool { return o.Name == name }) {
				t.Skipf("there is no preset %q", name)
			}
			if len(matches) == 0 {
				t.Fatalf("no preset knows it, want %s", name)
			}
			if matches[0].Preset != name {
				t.Errorf("preset %s (%s), want %s", matches[0].Preset, matches[0].Why(), name)
			}
		})
	}
}

// known are the presets that must know genuine files; of the others it is only
// held that init writes something that loads.
var known = map[string]string{
	"adyen/oca_settlement_detail_report_batch_380.csv":                   "adyen-settlement-detail",
	"adyen/smashpig_settlement_detail_report_refund.csv":                 "adyen-settlement-detail",
	"paypal/smashpig_stl.csv":                                            "paypal-settlement",
	"paypal/smashpig_stl_currency_convert.csv":                           "paypal-settlement",
	"braintree/oca_pull_report.csv":                                      "braintree",
	"gravy/smashpig_all_transactions_report.csv":                         "gr4vy",
	"stripe/smashpig_settlement_report.csv":                              "stripe-balance",
	"amazon_pay/smashpig_2015-10-06-REFUND_DATA_414749300022222.csv":     "amazon-pay-refunds",
	"dlocal/smashpig_Wikimedia_Settlement_Reports_20260110.csv":          "dlocal",
	"amazon_pay/smashpig_2015-10-01-SETTLEMENT_DATA_371273040777777.csv": "amazon-pay-settlement",
}

func TestGenuineFiles(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "real")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the genuine files are not here: they are not part of the repository")
	}
	presets, err := outlines()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	files := inputFiles(t, root)
	for _, path := range files {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		rel = filepath.ToSlash(rel)
		t.Run(rel, func(t *testing.T) {
			matches := checkFile(t, path, presets)
			if len(matches) > 0 {
				found++
				t.Logf("%s: %s", matches[0].Preset, matches[0].Why())
			}
			if want := known[rel]; want != "" && (len(matches) == 0 || matches[0].Preset != want) {
				t.Errorf("matches %+v, want %s", matches, want)
			}
		})
	}
	t.Logf("%d of %d genuine files are known by a preset", found, len(files))
}
