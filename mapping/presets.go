package mapping

import (
	"embed"
	"fmt"
	"strings"

	"github.com/payrec/payrec/internal/yamltree"
)

//go:embed presets/*.yaml
var presetFiles embed.FS

// A Preset is a mapping that is embedded in the program.
type Preset struct {
	Name  string
	Title string // one line
	Doc   string // what to know before using it
}

// Presets lists the embedded mappings by name.
func Presets() []Preset {
	var presets []Preset
	for _, name := range presetNames() {
		src, _ := PresetSource(name)
		p := Preset{Name: name}
		if root := yamltree.Parse(name, src, &yamltree.Collector{}); root != nil {
			p.Title, p.Doc = scalarText(root.Get("title")), scalarText(root.Get("doc"))
		}
		presets = append(presets, p)
	}
	return presets
}

func scalarText(n *node) string {
	if n == nil {
		return ""
	}
	return n.Text
}

// PresetSource is the YAML text of a preset.
func PresetSource(name string) ([]byte, bool) {
	if strings.ContainsAny(name, `/\.`) {
		return nil, false
	}
	src, err := presetFiles.ReadFile("presets/" + name + ".yaml")
	return src, err == nil
}

func presetNames() []string {
	entries, err := presetFiles.ReadDir("presets")
	if err != nil {
		return nil // the folder is embedded, so it is there
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".yaml"); ok {
			names = append(names, name)
		}
	}
	return names
}

// presetHint are the presets whose names go on where name ends, else the
// nearest, else all.
func presetHint(name string) string {
	var longer []string
	for _, p := range presetNames() {
		if name != "" && strings.HasPrefix(p, strings.ToLower(name)) {
			longer = append(longer, fmt.Sprintf("%q", p))
		}
	}
	if len(longer) > 0 {
		return "did you mean " + strings.Join(longer, " or ") + "?"
	}
	return yamltree.DidYouMeanOr(name, presetNames())
}
