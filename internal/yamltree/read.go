package yamltree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// ReadFile is the text of a file for [Parse]. noun is what kind of file it is.
// The error is [Problems].
func ReadFile(path, noun string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > MaxSource {
		return nil, Problems{{File: path, Msg: fmt.Sprintf("the %s has %d bytes; %d are allowed", noun, info.Size(), MaxSource)}}
	}
	var src []byte
	if err == nil {
		src, err = os.ReadFile(path)
	}
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) { // the problem names the file already
			err = pe.Err
		}
		return nil, Problems{{File: path, Msg: fmt.Sprintf("cannot read the %s: %v", noun, err)}}
	}
	return src, nil
}

// IsMap says whether the root of a file is a map, and complains when it is not:
// hint says how such a file begins. Of a file that could not be parsed (nil) all
// has been said.
func (c *Collector) IsMap(root *Node, hint string) bool {
	switch {
	case root == nil:
		return false
	case root.Kind == Map:
		return true
	case root.Line == 0:
		c.At(root, hint, "the %s is empty", c.Noun)
	default:
		c.At(root, hint, "a %s is a map of keys, not %s", c.Noun, root.Kind)
	}
	return false
}

// Keys complains about keys of a map that are not among known, and about n
// being no map at all.
func (c *Collector) Keys(n *Node, what string, known ...string) bool {
	if n == nil {
		return false
	}
	if n.Kind != Map {
		c.At(n, "known keys: "+strings.Join(known, ", "), "%s must be a map, not %s", what, n.Kind)
		return false
	}
	for _, e := range n.Entries {
		if slices.Contains(known, e.Key.Text) {
			continue
		}
		hint := DidYouMeanOr(e.Key.Text, known)
		if e.Value.Kind == Null && strings.ContainsAny(e.Key.Text, " ") {
			hint = "a comma ends a value inside {…}: put the whole text in quotes"
		}
		c.At(e.Key, hint, "%s has no key %q", what, e.Key.Text)
	}
	return true
}

// Text reads a plain value that is not empty.
func (c *Collector) Text(n *Node) (string, bool) {
	switch {
	case n == nil:
		return "", false
	case n.Kind != Scalar:
		c.At(n, "", "must be a plain value, not %s", n.Kind)
		return "", false
	}
	return n.Text, true
}

// Expression reads a value that begins with "=": what stands behind it, and its
// place.
func (c *Collector) Expression(n *Node) (src string, at *Node, ok bool) {
	switch {
	case n == nil:
		return "", nil, false
	case n.IsExpression():
		return n.Text[1:], n.Offset(1), true
	case n.Kind == Null:
		c.At(n, "", "must be an expression, which begins with =")
	case n.Kind == Scalar:
		c.At(n, "write ="+n.Text, "must be an expression, which begins with =, not the text %q", n.Text)
	default:
		c.At(n, "", "must be an expression, which begins with =, not %s", n.Kind)
	}
	return "", nil, false
}

// OptionalText is the text of a key, or "".
func (c *Collector) OptionalText(n *Node, key string) string {
	s, _ := c.Text(n.Get(key))
	return s
}

// Texts reads a plain value or a list of them. An empty list is none of them: it
// is said on purpose.
func (c *Collector) Texts(n *Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind == Null {
		c.At(n, "write a text or a list of them, or remove the key", "the key has no value")
		return nil
	}
	if n.Kind == Scalar {
		return []string{n.Text}
	}
	if n.Kind != List {
		c.At(n, "", "must be a plain value or a list, not %s", n.Kind)
		return nil
	}
	var out []string
	for _, item := range n.Items {
		switch {
		case item.Kind == Null:
			out = append(out, "")
		default:
			if s, ok := c.Text(item); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// Yes reads true or false.
func (c *Collector) Yes(n *Node) bool {
	s, ok := c.Text(n)
	if !ok {
		return false
	}
	switch s {
	case "true":
		return true
	case "false":
	default:
		c.At(n, "", "must be true or false, not %q", s)
	}
	return false
}

// Whole reads a number from least to most.
func (c *Collector) Whole(n *Node, least, most int) (int, bool) {
	s, ok := c.Text(n)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(s)
	if err != nil || i < least || i > most {
		c.At(n, "", "must be a number from %d to %d, not %q", least, most, s)
		return 0, false
	}
	return i, true
}

// Choice reads one of a few words; def when the key is not there.
func (c *Collector) Choice(n *Node, def string, words ...string) string {
	s, ok := c.Text(n)
	if !ok {
		return def
	}
	if !slices.Contains(words, s) {
		c.At(n, DidYouMean(s, words), "must be one of %s, not %q", strings.Join(words, ", "), s)
		return def
	}
	return s
}

// Each calls f for the items of a list.
func (c *Collector) Each(n *Node, what string, f func(item *Node)) {
	if n == nil {
		return
	}
	if n.Kind != List {
		c.At(n, "", "%s must be a list, not %s", what, n.Kind)
		return
	}
	for _, item := range n.Items {
		f(item)
	}
}

// Pairs calls f for the keys of a map.
func (c *Collector) Pairs(n *Node, what string, f func(key, value *Node)) {
	if n == nil {
		return
	}
	if n.Kind != Map {
		c.At(n, "", "%s must be a map, not %s", what, n.Kind)
		return
	}
	for _, e := range n.Entries {
		f(e.Key, e.Value)
	}
}
