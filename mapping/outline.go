package mapping

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
	c := &compiler{lint: true}
	root := parseYAML(name, src, &c.collector)
	if root != nil && root.kind == mappingNode {
		root = c.extend(root, 0)
	}
	if root == nil || root.kind != mappingNode {
		return nil, c.sorted()
	}
	m := c.mapping(root)
	if fatal := c.sorted().Fatal(); len(fatal) > 0 {
		return nil, fatal
	}
	o := &Outline{Name: m.name, Title: m.Title(), Filename: m.identify.filenames, Columns: m.identify.columns}
	c.pairs(root.get("params"), "params", func(name, decl *node) {
		p := Param{Name: name.text}
		switch decl.kind {
		case scalarNode:
			p.Default = decl.text
		case mappingNode:
			p.Doc, p.Default, p.Values = c.optionalText(decl, "doc"), c.optionalText(decl, "default"), c.texts(decl.get("values"))
			r := decl.get("required")
			p.Required = r != nil && c.yes(r)
		}
		o.Params = append(o.Params, p)
	})
	return o, nil
}
