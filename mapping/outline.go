package mapping

import (
	"github.com/payrec/payrec/internal/yamltree"
)

// An Outline is what a mapping says of itself: enough to choose it and to
// build on it, before anybody has given it params.
type Outline struct {
	Name     string
	Title    string
	Params   []Param
	Filename []string // globs of identify
	Columns  []string // headers of identify
}

// A Param is what differs per account.
type Param struct {
	Name     string
	Doc      string
	Default  string
	Values   []string // when only these are allowed
	Required bool
}

// OutlineOf reads a mapping's outline. ref is as for [Load]. The error is
// [Problems] when the mapping cannot be read or is wrong.
func OutlineOf(ref string) (*Outline, error) {
	name, src, err := readSource(ref)
	if err != nil {
		return nil, err
	}
	c := &compiler{Collector: newCollector(), lint: true}
	root := c.tree(name, src, 0)
	if root == nil {
		return nil, c.Sorted()
	}
	m := c.mapping(root)
	if fatal := c.Sorted().Fatal(); len(fatal) > 0 {
		return nil, fatal
	}
	o := &Outline{Name: m.name, Title: m.Title(), Filename: m.identify.filenames, Columns: m.identify.columns}
	c.Pairs(root.Get("params"), "params", func(name, decl *node) {
		p := Param{Name: name.Text}
		switch decl.Kind {
		case yamltree.Scalar:
			p.Default = decl.Text
		case yamltree.Map:
			p.Doc, p.Default, p.Values = c.OptionalText(decl, "doc"), c.OptionalText(decl, "default"), c.Texts(decl.Get("values"))
			r := decl.Get("required")
			p.Required = r != nil && c.Yes(r)
		}
		o.Params = append(o.Params, p)
	})
	return o, nil
}
