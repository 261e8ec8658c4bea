package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/payrec/payrec/internal/stripeapi"
	"github.com/payrec/payrec/internal/yamltree"
)

// config is payrec.yaml: what an account's imports have in common. Flags win
// over the environment, the environment over this file.
type config struct {
	Account     string
	APIBase     string
	APIKeyFile  string
	Journal     string
	Out         string
	Mapping     string
	Rate        *float64
	Concurrency int
	Zone        string
	Params      map[string]string

	dir string // the folder of the file, "" if there is none
}

const configName = "payrec.yaml"

// findConfig reads payrec.yaml of the folder or of the nearest one above it
// that has one. Paths in it are relative to where it stands.
func findConfig(dir string) (*config, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for {
		path := filepath.Join(dir, configName)
		text, err := os.ReadFile(path)
		if err == nil {
			return parseConfig(path, text)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return &config{}, nil
		}
		dir = parent
	}
}

// configKeys are the keys of payrec.yaml, as README.md lists them.
var configKeys = []string{"account", "api_base", "api_key_file", "journal", "out", "mapping", "rate", "concurrency", "zone", "params"}

// maxConcurrency is more than any account's limits have a use for.
const maxConcurrency = 10_000

func parseConfig(path string, text []byte) (*config, error) {
	// First of all: no message about the file may hold a key that stands in it.
	if stripeapi.ScrubKeys(string(text)) != string(text) {
		return nil, &failure{exitUsage, fmt.Errorf("%s holds an API key, and whoever reads the folder reads it as well", path), "put it into STRIPE_API_KEY or a file of its own that api_key_file names, mode 0600; and roll the key"}
	}
	problems := &yamltree.Collector{Noun: "configuration"}
	c := readConfig(yamltree.Parse(path, text, problems), problems)
	if problems.Failed() {
		said := stripeapi.ScrubKeys(problems.Sorted().Error()) // of a key that was written with escapes
		return nil, &failure{exitUsage, errors.New(said), "README.md lists the keys of payrec.yaml and their types; an API key belongs into STRIPE_API_KEY or a file that api_key_file names"}
	}
	c.dir = filepath.Dir(path)
	for _, p := range []*string{&c.APIKeyFile, &c.Journal, &c.Out} {
		if *p != "" && *p != "-" && !filepath.IsAbs(*p) {
			*p = filepath.Join(c.dir, *p)
		}
	}
	return c, nil
}

// readConfig reads the keys of a file. One without a value says nothing, and so
// does a file of comments.
func readConfig(root *yamltree.Node, problems *yamltree.Collector) *config {
	c := &config{}
	if root == nil || root.Kind == yamltree.Null || !problems.IsMap(root, "write KEY: VALUE") {
		return c
	}
	problems.Keys(root, "payrec.yaml", configKeys...)
	said := func(key string) *yamltree.Node {
		if n := root.Get(key); n != nil && n.Kind != yamltree.Null {
			return n
		}
		return nil
	}
	for key, p := range map[string]*string{"account": &c.Account, "api_base": &c.APIBase, "api_key_file": &c.APIKeyFile, "journal": &c.Journal,
		"out": &c.Out, "mapping": &c.Mapping, "zone": &c.Zone} {
		*p, _ = problems.Text(said(key))
	}
	c.Concurrency, _ = problems.Whole(said("concurrency"), 0, maxConcurrency)
	if n := said("rate"); n != nil {
		c.Rate = readRate(n, problems)
	}
	problems.Pairs(said("params"), "params", func(key, value *yamltree.Node) {
		if c.Params == nil {
			c.Params = map[string]string{}
		}
		if value.Kind == yamltree.Null {
			c.Params[key.Text] = ""
			return
		}
		c.Params[key.Text], _ = problems.Text(value)
	})
	return c
}

func readRate(n *yamltree.Node, problems *yamltree.Collector) *float64 {
	s, ok := problems.Text(n)
	if !ok {
		return nil
	}
	rate, err := strconv.ParseFloat(s, 64)
	if err != nil || !(rate >= 0 && rate <= math.MaxFloat64) { // NaN is neither
		problems.At(n, "it is requests a second, such as 20 or 0.5", "the rate must be a number that is not negative, not %q", s)
		return nil
	}
	return &rate
}
