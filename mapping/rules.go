package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/yamltree"
)

// A rule puts the rows that match it into a class.
type rule struct {
	node    *node
	class   string
	matches []match
	when    *program
	what    string      // for messages: the rule for "payment"
	fate    Disposition // Emitted: none of the reasons is given
	reason  string
	isError bool
	broken  bool // a part of it could not be compiled
}

// A match is one column that must read as one of some texts.
type match struct {
	name   string
	column *column // or:
	let    *let
	globs  []glob
}

func (m *match) accepts(text string) bool {
	for _, g := range m.globs {
		if g.match(text) {
			return true
		}
	}
	return false
}

func (c *compiler) rules(root *node) {
	n := root.Get("rows")
	if n == nil || n.Kind == yamltree.Null {
		c.At(orNode(n, root), "say rows: [{is: payment}]", `the key "rows" is missing: which class is each row?`)
		return
	}
	scope := c.names.scope()
	c.Each(n, "rows", func(item *node) {
		if !c.Keys(item, "a rule", "is", "match", "when", "ignore", "hold", "attach", "error") {
			return
		}
		r := &rule{node: item}
		var ok bool
		if r.class, ok = c.Text(item.Get("is")); !ok {
			if item.Get("is") == nil {
				c.At(item, "say is: payment", "the rule names no class")
			}
			return
		}
		r.what = fmt.Sprintf("the rule for %q", r.class)
		c.Pairs(item.Get("match"), "match", func(name, values *node) { c.match(r, name, values) })
		r.when = c.condition(scope, item.Get("when"))
		r.broken = r.broken || item.Get("when") != nil && r.when == nil
		c.fate(r, item)
		c.unreachable(r)
		c.m.rules = append(c.m.rules, r)
	})
}

func (c *compiler) match(r *rule, name, values *node) {
	mt := match{name: name.Text, column: c.byName[name.Text]}
	for _, l := range c.m.lets {
		if l.name != name.Text {
			continue
		}
		mt.let = l
		if l.program != nil && l.program.Kind().String() != "text" {
			c.At(name, "use when: instead", "match compares text, but %q is %s", name.Text, l.program.Kind())
		}
	}
	if mt.column == nil && mt.let == nil {
		all := sortedKeys(c.byName)
		for _, l := range c.m.lets {
			all = append(all, l.name)
		}
		c.At(name, yamltree.DidYouMeanOr(name.Text, all), "no column is called %q", name.Text)
		r.broken = true
		return
	}
	mt.globs = c.globs(values)
	if len(mt.globs) == 0 {
		c.At(values, "", "match names no text for %q, so the rule can never match", name.Text)
	}
	if col := mt.column; col != nil && col.hasDefault && mt.accepts("") && !mt.accepts(col.standIn) {
		c.Warn(values, fmt.Sprintf("match %q, or remove the default", col.standIn), "the column %q is never empty: an empty cell reads as its default", name.Text)
	}
	r.matches = append(r.matches, mt)
}

// globs reads the texts of a match. No text is the empty one.
func (c *compiler) globs(values *node) []glob {
	if values.Kind == yamltree.Null {
		return []glob{newGlob("")}
	}
	var out []glob
	for _, v := range c.Texts(values) {
		out = append(out, newGlob(v))
	}
	return out
}

// fate reads which of the reasons a rule gives. Where a param decides, two
// rules do: one with when: params.x == "hold", and one without.
func (c *compiler) fate(r *rule, item *node) {
	given := 0
	for _, f := range []struct {
		key  string
		fate Disposition
	}{{"ignore", Ignored}, {"hold", Held}, {"attach", Attached}, {"error", Rejected}} {
		n := item.Get(f.key)
		if n == nil {
			continue
		}
		given++
		r.fate, r.isError = f.fate, f.key == "error"
		if r.reason, _ = c.Text(n); strings.TrimSpace(r.reason) == "" {
			c.At(n, "write "+f.key+": and why, for whoever reads the summary", "the rule gives no reason")
		}
	}
	if given > 1 {
		c.At(item, "keep one of them", "a rule can only one of ignore, hold, attach and error")
	}
}

// unreachable warns of a rule that an earlier one leaves nothing for.
func (c *compiler) unreachable(r *rule) {
	for _, earlier := range c.m.rules {
		if earlier.when == nil && !earlier.broken && !r.broken && earlier.covers(r) {
			c.Warn(r.node, "move it up, or remove it", "no row reaches this rule: the rule on line %d matches first", earlier.node.Line)
			return
		}
	}
}

// covers says whether every row that matches s would match r, conditions aside.
func (r *rule) covers(s *rule) bool {
	for _, m := range r.matches {
		covered := false
		for _, other := range s.matches {
			covered = covered || other.name == m.name && m.coversAll(other)
		}
		if !covered {
			return false
		}
	}
	return true
}

func (m *match) coversAll(o match) bool {
	for _, g := range o.globs {
		covered := false
		for _, mine := range m.globs {
			covered = covered || mine.covers(g)
		}
		if !covered {
			return false
		}
	}
	return true
}

// unusedClasses complains about classes that neither emit nor say why not.
func (c *compiler) unusedClasses() {
	for _, r := range c.m.rules {
		emits := len(c.m.emits[r.class]) > 0
		switch {
		case !emits && r.fate == Emitted:
			c.At(r.node, "add an emit with on: "+r.class+", or say ignore:, hold:, attach: or error: with the reason",
				"rows of class %q make no call, and the rule does not say why", r.class)
		case emits && r.fate != Emitted && !c.hasPlainRule(r.class):
			c.At(r.node, "remove the emit or the reason", "rows of class %q have an emit, but this rule keeps them from it", r.class)
		}
	}
}

// hasPlainRule says whether some rule lets the class emit.
func (c *compiler) hasPlainRule(class string) bool {
	for _, r := range c.m.rules {
		if r.class == class && r.fate == Emitted {
			return true
		}
	}
	return false
}

func (c *compiler) classNames() []string {
	var names []string
	for _, r := range c.m.rules {
		if !slices.Contains(names, r.class) {
			names = append(names, r.class)
		}
	}
	return names
}

// classList reads classes: one or a list. An empty one is no class, as tests
// may expect.
func (c *compiler) classList(n *node) []string {
	classes := c.Texts(n)
	for i, class := range classes {
		at := n
		if n.Kind == yamltree.List {
			at = n.Items[i]
		}
		if known := c.classNames(); class != "" && !slices.Contains(known, class) {
			c.At(at, yamltree.DidYouMeanOr(class, known), "no rule makes the class %q", class)
		}
	}
	return classes
}

// onlyHashed says whether every use of a name in an expression is as
// sha256(name).
func onlyHashed(p *program, name string) bool {
	word := regexp.QuoteMeta(name)
	rest := regexp.MustCompile(`\bsha256\(\s*`+word+`\s*\)`).ReplaceAllString(p.source, "")
	return rest != p.source && !regexp.MustCompile(`\b`+word+`\b`).MatchString(rest)
}
