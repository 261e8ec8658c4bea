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
	for _, p := range c.Params(root.Get("params"), paramKeys...) {
		o.Params = append(o.Params, Param{p.Name, p.Doc, p.Default, p.Values, p.Required})
	}
	return o, nil
}
