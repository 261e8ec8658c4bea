package main

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestConfig: values are texts as they were written, whatever YAML makes of
// them, and paths start at the file.
func TestConfig(t *testing.T) {
	rate := 0.5
	dir := t.TempDir()
	for text, want := range map[string]*config{
		"":          {},
		"# later\n": {},
		"~\n":       {},
		"account:\njournal:\nrate:\nconcurrency:\nparams:\n": {},
		"account: 0123\nmapping: &m generic-csv\nzone: no\nparams: {terminal: 00451, since: 2026-03-01, of: *m, none: , yes: true}\nrate: 0.5\nconcurrency: '8'\n": {
			Account: "0123", Mapping: "generic-csv", Zone: "no", Rate: &rate, Concurrency: 8,
			Params: map[string]string{"terminal": "00451", "since": "2026-03-01", "of": "generic-csv", "none": "", "yes": "true"}},
		"out: '-'\njournal: books/j\napi_key_file: /etc/k\napi_base: http://localhost:1\n": {
			Out: "-", Journal: filepath.Join(dir, "books", "j"), APIKeyFile: "/etc/k", APIBase: "http://localhost:1"},
	} {
		got, err := parseConfig(filepath.Join(dir, configName), []byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(config{})); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

// TestConfigFaults: everything that is wrong is said at once, with its place.
func TestConfigFaults(t *testing.T) {
	for text, want := range map[string]string{
		"acount: shop\nrate: .nan\nconcurrency: many\nzone: [UTC]\nparams: {a: {b: c}}\naccount: a\naccount: b\n": `payrec.yaml:1:1: payrec.yaml has no key "acount"; did you mean "account"?
payrec.yaml:2:7: the rate must be a number that is not negative, not ".nan"; it is requests a second, such as 20 or 0.5
payrec.yaml:3:14: must be a number from 0 to 10000, not "many"
payrec.yaml:4:7: must be a plain value, not a list
payrec.yaml:5:13: must be a plain value, not a map
payrec.yaml:7:1: "account" stands twice in this map, first on line 6; keep one of them`,
		"rate: -1\nconcurrency: -1\nparams: a=b\n": `payrec.yaml:1:7: the rate must be a number that is not negative, not "-1"; it is requests a second, such as 20 or 0.5
payrec.yaml:2:14: must be a number from 0 to 10000, not "-1"
payrec.yaml:3:9: params must be a map, not a plain value`,
		"rate: Inf\n":               `payrec.yaml:1:7: the rate must be a number that is not negative, not "Inf"; it is requests a second, such as 20 or 0.5`,
		"- account\n":               `payrec.yaml:1:1: a configuration is a map of keys, not a list; write KEY: VALUE`,
		"account: a\n---\nout: b\n": `payrec.yaml: the file holds 2 documents; a configuration is one; remove the line "---" between them`,
		"account: sk_test_51H8xYzAbCdEfGhIjKlMnOpQrStUvWxYz\nrate: [": `payrec.yaml holds an API key, and whoever reads the folder reads it as well`,
		`rate: "sk\u005ftest_51H8xYzAbCdEfGhIjKlMnOpQrStUvWxYz"`:      `payrec.yaml:1:7: the rate must be a number that is not negative, not "sk_test_****"; it is requests a second, such as 20 or 0.5`,
	} {
		if _, err := parseConfig(configName, []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant\n%s", text, err, want)
		}
	}
}
