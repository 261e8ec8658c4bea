package mapping

import (
	"strconv"
	"strings"
)

// compiler compiles one mapping; its methods stand beside what they compile.
type compiler struct {
	collector
	options Options
	file    string // the mapping's name in messages
	lint    bool

	m      *Mapping
	byName map[string]*column // columns by name
	money  []moneyColumnIn    // whose currency is still to be found
	params map[string]string
	tables map[string]map[string]string
	names  names
	emits  int // how many there are so far
}

// keys complains about keys of a map that are not among known, and about n
// being no map at all.
func (c *compiler) keys(n *node, what string, known ...string) bool {
	if n == nil {
		return false
	}
	if n.kind != mappingNode {
		c.at(n, "known keys: "+strings.Join(known, ", "), "%s must be a map, not %s", what, n.kind)
		return false
	}
	for _, e := range n.entries {
		if contains(known, e.key.text) {
			continue
		}
		hint := didYouMeanOr(e.key.text, known)
		if e.value.kind == nullNode && strings.ContainsAny(e.key.text, " ") {
			hint = "a comma ends a value inside {…}: put the whole text in quotes"
		}
		c.at(e.key, hint, "%s has no key %q", what, e.key.text)
	}
	return true
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// text reads a plain value that is not empty.
func (c *compiler) text(n *node) (string, bool) {
	switch {
	case n == nil:
		return "", false
	case n.kind != scalarNode:
		c.at(n, "", "must be a plain value, not %s", n.kind)
		return "", false
	}
	return n.text, true
}

// optionalText is the text of a key, or "".
func (c *compiler) optionalText(n *node, key string) string {
	s, _ := c.text(n.get(key))
	return s
}

// texts reads a plain value or a list of them. An empty list is none of them: a
// mapping that extends another takes back with it what that one says.
func (c *compiler) texts(n *node) []string {
	if n == nil {
		return nil
	}
	if n.kind == nullNode {
		c.at(n, "write a text or a list of them, or remove the key", "the key has no value")
		return nil
	}
	if n.kind == scalarNode {
		return []string{n.text}
	}
	if n.kind != sequenceNode {
		c.at(n, "", "must be a plain value or a list, not %s", n.kind)
		return nil
	}
	var out []string
	for _, item := range n.items {
		switch {
		case item.kind == nullNode:
			out = append(out, "")
		default:
			if s, ok := c.text(item); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// someTexts reads texts of which there must be one.
func (c *compiler) someTexts(n *node) []string {
	list := c.texts(n)
	if n != nil && n.kind == sequenceNode && len(n.items) == 0 {
		c.at(n, "write a text or a list of them", "the list is empty")
	}
	return list
}

// notEmpty reads texts of which none may be empty, because one that is
// stands everywhere or nowhere.
func (c *compiler) notEmpty(n *node) []string {
	list := c.texts(n)
	for i, s := range list {
		if s != "" {
			continue
		}
		at := n
		if n.kind == sequenceNode && i < len(n.items) {
			at = n.items[i]
		}
		c.at(at, "write a text, or remove it", "the text is empty")
	}
	return list
}

func (c *compiler) yes(n *node) bool {
	s, ok := c.text(n)
	if !ok {
		return false
	}
	switch s {
	case "true":
		return true
	case "false":
	default:
		c.at(n, "", "must be true or false, not %q", s)
	}
	return false
}

// whole reads a number from least to most.
func (c *compiler) whole(n *node, least, most int) (int, bool) {
	s, ok := c.text(n)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(s)
	if err != nil || i < least || i > most {
		c.at(n, "", "must be a number from %d to %d, not %q", least, most, s)
		return 0, false
	}
	return i, true
}

// choice reads one of a few words; def when the key is not there.
func (c *compiler) choice(n *node, def string, words ...string) string {
	s, ok := c.text(n)
	if !ok {
		return def
	}
	if !contains(words, s) {
		c.at(n, didYouMean(s, words), "must be one of %s, not %q", strings.Join(words, ", "), s)
		return def
	}
	return s
}

// each calls f for the items of a list.
func (c *compiler) each(n *node, what string, f func(item *node)) {
	if n == nil {
		return
	}
	if n.kind != sequenceNode {
		c.at(n, "", "%s must be a list, not %s", what, n.kind)
		return
	}
	for _, item := range n.items {
		f(item)
	}
}

// pairs calls f for the keys of a map.
func (c *compiler) pairs(n *node, what string, f func(key, value *node)) {
	if n == nil {
		return
	}
	if n.kind != mappingNode {
		c.at(n, "", "%s must be a map, not %s", what, n.kind)
		return
	}
	for _, e := range n.entries {
		f(e.key, e.value)
	}
}
