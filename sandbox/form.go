package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/payrec/payrec/record"
)

// A form is a parsed form-encoded body or query.
type form struct {
	params record.Params
	expand []string
	odd    []string // names that are no parameter of any call, as they were sent
}

// knownNames are the names of the calls' parameters as clients send them, with
// their paths: nearly all that ever comes, and found without taking it apart.
// Nothing writes to it.
var knownNames = func() map[string]string {
	names := map[string]string{}
	for _, call := range record.Calls() {
		for _, f := range record.SpecOf(call).Fields {
			name := bracketed(f.Path)
			names[name] = f.Path
			names[url.QueryEscape(name)] = f.Path
		}
	}
	return names
}()

// parseForm reads "a[b]=c&…" into dotted paths. A name given twice keeps its
// last value. The only error is a broken percent escape.
func parseForm(s string) (form, error) {
	var f form
	if s != "" {
		f.params = make(record.Params, 0, 1+strings.Count(s, "&"))
	}
	for s != "" {
		var pair string
		pair, s, _ = strings.Cut(s, "&")
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		if path, known := knownNames[rawName]; known {
			value, err := unescape(rawValue)
			if err != nil {
				return form{}, fmt.Errorf("the value of %q: %w", bracketed(path), err)
			}
			f.params = append(f.params, record.Param{Path: path, Value: value})
			continue
		}
		name, err := unescape(rawName)
		if err != nil {
			return form{}, fmt.Errorf("the name of a parameter: %w", err)
		}
		value, err := unescape(rawValue)
		if err != nil {
			return form{}, fmt.Errorf("the value of %q: %w", short(name), err)
		}
		if name == "expand" || strings.HasPrefix(name, "expand[") {
			f.expand = append(f.expand, value)
			continue
		}
		path, ok := pathOf(name)
		if !ok {
			f.odd = append(f.odd, name)
			continue
		}
		f.params = append(f.params, record.Param{Path: path, Value: value})
	}
	f.params = canonical(f.params)
	return f, nil
}

// canonical puts parameters in ascending order, the last of equal paths only.
func canonical(p record.Params) record.Params {
	sorted := true
	for i := 1; i < len(p); i++ {
		sorted = sorted && p[i-1].Path < p[i].Path
	}
	if sorted {
		return p
	}
	slices.SortStableFunc(p, func(a, b record.Param) int { return strings.Compare(a.Path, b.Path) })
	kept := p[:0]
	for i, f := range p {
		if i+1 == len(p) || p[i+1].Path != f.Path {
			kept = append(kept, f)
		}
	}
	return kept
}

func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, nil
	}
	return url.QueryUnescape(s)
}

// pathOf turns "a[b][c]" into "a.b.c". Below metadata the key is flat,
// whatever it contains. A name that has dots of its own, arrays or unpaired
// brackets is no parameter.
func pathOf(name string) (path string, ok bool) {
	open := strings.IndexByte(name, '[')
	if open < 0 {
		return name, name != "" && !strings.ContainsAny(name, ".]")
	}
	head := name[:open]
	if head == "" || strings.ContainsAny(head, ".]") || name[len(name)-1] != ']' {
		return "", false
	}
	inner := name[open+1 : len(name)-1]
	if head == "metadata" {
		return "metadata." + inner, true
	}
	segments := strings.Split(inner, "][")
	for _, segment := range segments {
		if segment == "" || strings.ContainsAny(segment, ".[]") {
			return "", false
		}
	}
	return head + "." + strings.Join(segments, "."), true
}

// bracketed is the inverse of pathOf: how the API names a parameter.
func bracketed(path string) string {
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		return path
	}
	if head != "metadata" {
		rest = strings.ReplaceAll(rest, ".", "][")
	}
	return head + "[" + rest + "]"
}

// appendForm writes parameters as [record.Params.Form] does, which a test
// holds, into a buffer that is there.
func appendForm(b []byte, params record.Params) []byte {
	for i, p := range params {
		if i > 0 {
			b = append(b, '&')
		}
		head, rest, nested := strings.Cut(p.Path, ".")
		b = append(b, url.QueryEscape(head)...)
		for nested {
			if head == "metadata" { // the key is flat
				head, rest, nested = rest, "", false
			} else {
				head, rest, nested = strings.Cut(rest, ".")
			}
			b = append(b, '[')
			b = append(b, url.QueryEscape(head)...)
			b = append(b, ']')
		}
		b = append(b, '=')
		b = append(b, url.QueryEscape(p.Value)...)
	}
	return b
}
