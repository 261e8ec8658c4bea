package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/yamltree"
)

// Options are what a mapping needs besides its file.
type Options struct {
	Params map[string]string // values of `params`, by name
	Dir    string            // where relative files are looked up; "" is the mapping's own folder
}

const presetPrefix = "preset:"

// Load reads and compiles a mapping. ref is the name of a preset
// ("adyen-settlement-detail", or with "preset:" in front) or the path of a
// file: anything with a slash, a backslash, or the ending .yaml or .yml. The
// error is [Problems] with everything that is wrong.
func Load(ref string, o Options) (*Mapping, error) {
	m, problems := load(ref, o, false)
	if fatal := problems.Fatal(); len(fatal) > 0 {
		return nil, fatal
	}
	return m, nil
}

// Lint is like [Load] without making use of the mapping: params that are
// required but not given are no problem, and warnings are returned too. The
// error is only for a mapping that cannot be read at all.
func Lint(ref string, o Options) (Problems, error) {
	if _, _, err := readSource(ref); err != nil {
		return nil, err
	}
	_, problems := load(ref, o, true)
	return problems, nil
}

// Parse compiles a mapping from memory. name stands for the file in messages.
func Parse(name string, src []byte, o Options) (*Mapping, error) {
	m, problems := parse(name, src, o, false)
	if fatal := problems.Fatal(); len(fatal) > 0 {
		return nil, fatal
	}
	return m, nil
}

func load(ref string, o Options, lint bool) (*Mapping, Problems) {
	name, src, err := readSource(ref)
	if err != nil {
		return nil, err.(Problems)
	}
	if o.Dir == "" && !strings.HasPrefix(name, presetPrefix) {
		o.Dir = filepath.Dir(ref)
	}
	return parse(name, src, o, lint)
}

func parse(name string, src []byte, o Options, lint bool) (*Mapping, Problems) {
	c := &compiler{Collector: newCollector(), options: o, lint: lint, file: name}
	root := c.tree(name, src, 0)
	if root == nil {
		return nil, c.Sorted()
	}
	m := c.mapping(root)
	return m, c.Sorted()
}

// tree is the map that a source holds, with those that it extends merged under
// it; nil when there is none, for the reasons in the collector.
func (c *compiler) tree(name string, src []byte, depth int) *node {
	root := yamltree.Parse(name, src, &c.Collector)
	if !c.IsMap(root, fmt.Sprintf("begin with %q", "payrec: "+version)) {
		return nil
	}
	return c.extend(root, depth)
}

// isPath says whether a reference to a mapping is a path, not a preset's name.
func isPath(ref string) bool {
	if strings.HasPrefix(ref, presetPrefix) {
		return false
	}
	ext := strings.ToLower(filepath.Ext(ref))
	return strings.ContainsAny(ref, `/\`) || ext == ".yaml" || ext == ".yml"
}

// readSource finds a mapping's text. The name is how messages call it.
func readSource(ref string) (name string, src []byte, err error) {
	if !isPath(ref) {
		preset := strings.TrimPrefix(ref, presetPrefix)
		src, ok := PresetSource(preset)
		if !ok {
			hint := presetHint(preset) + "; a file's name ends in .yaml"
			return "", nil, Problems{{File: ref, Msg: fmt.Sprintf("there is no preset %q", preset), Hint: hint}}
		}
		return presetPrefix + preset, src, nil
	}
	src, err = yamltree.ReadFile(ref, noun)
	return ref, src, err
}

// maxExtends is how many mappings may stand on top of one another.
const maxExtends = 8

// extend merges the mapping that root extends under it; nil when it cannot be
// had, because then every key would seem to be missing.
func (c *compiler) extend(root *node, depth int) *node {
	ext := root.Get("extends")
	if ext == nil {
		return root
	}
	ref, ok := c.Text(ext)
	if !ok {
		return root
	}
	if depth == maxExtends {
		c.At(ext, "", "more than %d mappings extend one another, or in a circle", maxExtends)
		return nil
	}
	if isPath(ref) {
		ref = c.beside(ext, ref)
	}
	name, src, err := readSource(ref)
	if err != nil {
		p := err.(Problems)[0]
		c.At(ext, p.Hint, "cannot extend %q: %s", ext.Text, p.Msg)
		return nil
	}
	base := c.tree(name, src, depth+1)
	if base == nil {
		return nil
	}
	merged := merge(base, root)
	if merged.Get("source") == nil {
		if n := base.Get("name"); n != nil {
			merged.Entries = append(merged.Entries, yamltree.Entry{Key: &node{File: n.File, Line: n.Line, Col: n.Col, Kind: yamltree.Scalar, Text: "source"}, Value: n})
		}
	}
	return merged
}

// beside resolves a path that stands at n: relative ones start at the folder
// of the mapping that they stand in.
func (c *compiler) beside(n *node, path string) string {
	dir := c.options.Dir
	if n.File != c.file {
		dir = filepath.Dir(n.File)
	}
	if filepath.IsAbs(path) || dir == "" {
		return path
	}
	return filepath.Join(dir, path)
}

// merge lays over onto base: maps key by key, everything else as a whole.
func merge(base, over *node) *node {
	if base.Kind != yamltree.Map || over.Kind != yamltree.Map {
		return over
	}
	out := *over
	out.Entries = nil
	for _, b := range base.Entries {
		if o := over.Get(b.Key.Text); o != nil {
			b.Value = merge(b.Value, o)
		}
		out.Entries = append(out.Entries, b)
	}
	for _, o := range over.Entries {
		if base.Get(o.Key.Text) == nil {
			out.Entries = append(out.Entries, o)
		}
	}
	return &out
}

// digest is the mapping's hash: the tree, the lookup tables that came from
// files, and the params, each text with its length in front.
func digest(root *node, tables map[string]map[string]string, params map[string]string) string {
	h := sha256.New()
	var put func(n *node, depth int)
	text := func(kind byte, s string) { fmt.Fprintf(h, "%c%d:%s", kind, len(s), s) }
	put = func(n *node, depth int) {
		switch n.Kind {
		case yamltree.Null:
			text('0', "")
		case yamltree.Scalar:
			text('s', n.Text)
		case yamltree.List:
			text('[', "")
			for _, item := range n.Items {
				put(item, depth+1)
			}
			text(']', "")
		case yamltree.Map:
			text('{', "")
			for _, e := range n.Entries {
				if depth == 0 && slices.Contains([]string{"title", "doc", "identify", "tests"}, e.Key.Text) {
					continue // they change nothing that is sent
				}
				text('k', e.Key.Text)
				put(e.Value, depth+1)
			}
			text('}', "")
		}
	}
	put(root, 0)
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		text('t', name)
		for _, key := range slices.Sorted(maps.Keys(tables[name])) {
			text('k', key)
			text('v', tables[name][key])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		text('p', name)
		text('v', params[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
