package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/payrec/payrec/internal/stripeapi"
)

// config is payrec.yaml: what an account's imports have in common. Flags win
// over the environment, the environment over this file.
type config struct {
	Account     string            `yaml:"account"`
	APIBase     string            `yaml:"api_base"`
	APIKeyFile  string            `yaml:"api_key_file"`
	Journal     string            `yaml:"journal"`
	Out         string            `yaml:"out"`
	Mapping     string            `yaml:"mapping"`
	Rate        *float64          `yaml:"rate"`
	Concurrency int               `yaml:"concurrency"`
	Zone        string            `yaml:"zone"`
	Params      map[string]string `yaml:"params"`

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

func parseConfig(path string, text []byte) (*config, error) {
	c := &config{}
	if err := yaml.UnmarshalWithOptions(text, c, yaml.Strict()); err != nil {
		// Without the source line: a key in it is not ours to print.
		return nil, &failure{exitUsage, fmt.Errorf("%s: %s", path, strings.TrimSpace(yaml.FormatError(err, false, false))), "README.md lists the keys of payrec.yaml and their types; an API key belongs into STRIPE_API_KEY or a file that api_key_file names"}
	}
	if stripeapi.ScrubKeys(string(text)) != string(text) {
		return nil, &failure{exitUsage, fmt.Errorf("%s holds an API key, and whoever reads the folder reads it as well", path), "put it into STRIPE_API_KEY or a file of its own that api_key_file names, mode 0600; and roll the key"}
	}
	if c.Rate != nil && *c.Rate < 0 || c.Concurrency < 0 {
		return nil, &failure{exitUsage, fmt.Errorf("%s: rate and concurrency cannot be negative", path), ""}
	}
	c.dir = filepath.Dir(path)
	for _, p := range []*string{&c.APIKeyFile, &c.Journal, &c.Out} {
		if *p != "" && *p != "-" && !filepath.IsAbs(*p) {
			*p = filepath.Join(c.dir, *p)
		}
	}
	return c, nil
}
