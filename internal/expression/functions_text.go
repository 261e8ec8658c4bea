package expression

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"github.com/payrec/payrec/internal/cardnumber"
)

// textFunctions compute with texts. None knows a locale: upper and lower are
// Unicode's, length counts characters (code points).
func textFunctions() map[string]function {
	text := only(Text)
	return map[string]function{
		"upper": oneText("upper(s)", "s in capitals", strings.ToUpper),
		"lower": oneText("lower(s)", "s in small letters", strings.ToLower),
		"trim":  oneText("trim(s)", "s without blanks of any sort around it", func(s string) string { return strings.TrimFunc(s, isBlankRune) }),
		"sha256": {usage: "sha256(s)", doc: "the SHA-256 of s in hexadecimal; \"\" of \"\"; an error of a card number", least: 1, takes: []kinds{text},
			build: func(c *compiler, n *ast.CallNode, args []node) node {
				return c.apply1(n, Text, args[0], func(v Value) (Value, error) { return sha256Of(v.str) })
			}},
		"length": {usage: "length(s)", doc: "how many characters s has", least: 1, takes: []kinds{text},
			build: func(c *compiler, n *ast.CallNode, args []node) node {
				return c.apply1(n, Number, args[0], func(v Value) (Value, error) { return count(int64(utf8.RuneCountInString(v.str))), nil })
			}},
		"before": twoTexts("before(s, x)", "what stands before the first x in s; \"\" if there is no x", func(s, x string) string {
			if before, _, ok := strings.Cut(s, x); ok {
				return before
			}
			return ""
		}),
		"after": twoTexts("after(s, x)", "what stands behind the first x in s; \"\" if there is no x", func(s, x string) string {
			_, after, _ := strings.Cut(s, x)
			return after
		}),
		"replace": {usage: "replace(s, old, new)", doc: "s with each old made new", least: 3, takes: []kinds{text, text, text},
			build: func(c *compiler, n *ast.CallNode, args []node) node { return c.apply3(n, Text, args, replace) }},
		"split": {usage: "split(s, sep)", doc: "the parts of s, for x in split(s, sep) and split(s, sep)[0]", least: 2, takes: []kinds{text, text},
			build: func(c *compiler, n *ast.CallNode, _ []node) node {
				return c.fail(n, "split(s, sep) is a list, and a list is no value", "write part(s, sep, n), or x in split(s, sep)")
			}},
		"part": {usage: "part(s, sep, n)", doc: "the nth part of s, from 1; from the end with -1; \"\" if there are fewer", least: 3,
			takes: []kinds{text, text, only(Number)}, build: buildPart},
		"regex": {usage: "regex(s, re[, group])", doc: "a group of the first match, by number or name; without it the first group, or all if there is none; \"\" if nothing matches",
			least: 2, takes: []kinds{text, text, text | only(Number)}, build: buildRegex},
		"pad": {usage: "pad(s, width, ch)", doc: "s filled up with ch at its front", least: 3, takes: []kinds{text, only(Number), text}, build: buildPad},
	}
}

// sha256Of refuses card numbers: there are so few of them that their hash,
// without a key, is the number itself to whoever tries them all (PCI DSS 3.5.1.1).
func sha256Of(s string) (Value, error) {
	if s == "" {
		return TextOf(""), nil // or everybody without an address would look like one person
	}
	if cardnumber.Contains(s) {
		return Value{}, errors.New("sha256 would give away a card number, or what looks like one: a hash of it can be undone")
	}
	sum := sha256.Sum256([]byte(s))
	return TextOf(hex.EncodeToString(sum[:])), nil
}

func oneText(usage, doc string, f func(string) string) function {
	return function{usage: usage, doc: doc, least: 1, takes: []kinds{only(Text)},
		build: func(c *compiler, n *ast.CallNode, args []node) node {
			return c.apply1(n, Text, args[0], func(v Value) (Value, error) {
				s := f(v.str)
				return TextOf(s), checkLen(len(s)) // a capital can be longer than its letter
			})
		}}
}

func twoTexts(usage, doc string, f func(a, b string) string) function {
	return function{usage: usage, doc: doc, least: 2, takes: []kinds{only(Text), only(Text)},
		build: func(c *compiler, n *ast.CallNode, args []node) node {
			return c.apply2(n, Text, args[0], args[1], func(a, b Value) (Value, error) { return TextOf(f(a.str, b.str)), nil })
		}}
}

// isBlankRune takes in what files carry without showing it: the byte order
// mark and the zero-width space besides Unicode's white space.
func isBlankRune(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' }

func replace(s, old, with Value) (Value, error) {
	if old.str == "" {
		return Value{}, fmt.Errorf(`replace cannot look for ""`)
	}
	n := strings.Count(s.str, old.str)
	if err := checkLen(len(s.str) + n*(len(with.str)-len(old.str))); err != nil {
		return Value{}, err
	}
	return TextOf(strings.ReplaceAll(s.str, old.str, with.str)), nil
}

// nthPart is the part of s at n: 1 the first, -1 the last. It makes no list.
func nthPart(s, sep string, n int) string {
	if sep == "" || n == 0 {
		return ""
	}
	for ; n < -1; n++ {
		i := strings.LastIndex(s, sep)
		if i < 0 {
			return ""
		}
		s = s[:i]
	}
	if n == -1 {
		if i := strings.LastIndex(s, sep); i >= 0 {
			s = s[i+len(sep):]
		}
		return s
	}
	for ; n > 1; n-- {
		_, rest, ok := strings.Cut(s, sep)
		if !ok {
			return ""
		}
		s = rest
	}
	s, _, _ = strings.Cut(s, sep)
	return s
}

func buildPart(c *compiler, n *ast.CallNode, args []node) node {
	at, ok := c.fixedInt(args[2], "the part's number", -1000, 1000)
	if ok && at == 0 {
		c.fail(args[2].src, "parts are counted from 1", "")
		ok = false
	}
	if !ok || !c.separator(args[1]) {
		return bad(n)
	}
	return c.apply2(n, Text, args[0], args[1], func(s, sep Value) (Value, error) { return TextOf(nthPart(s.str, sep.str, at)), nil })
}

// separator reports a separator that is a constant "".
func (c *compiler) separator(sep node) bool {
	if sep.constant {
		if v, err := sep.eval(nil); err == nil && v.str == "" {
			c.fail(sep.src, "the separator is empty", "")
			return false
		}
	}
	return true
}

// splitCall recognises split(s, sep), which only stands behind in and before [n].
func splitCall(n ast.Node) (*ast.CallNode, bool) {
	call, ok := n.(*ast.CallNode)
	if !ok {
		return nil, false
	}
	id, ok := call.Callee.(*ast.IdentifierNode)
	return call, ok && id.Value == "split"
}

// splitArgs compiles the arguments of split.
func (c *compiler) splitArgs(call *ast.CallNode) (s, sep node, ok bool) {
	if len(call.Arguments) != 2 {
		c.fail(call, "split(s, sep) takes two arguments", "")
		return s, sep, false
	}
	args := [2]node{}
	ok = true
	for i, a := range call.Arguments {
		args[i] = c.compile(a)
		if k := args[i].kind; k != Text {
			if k != Unknown {
				c.fail(a, fmt.Sprintf("argument %d of split(s, sep) is %s, but text is wanted", i+1, k), conversion(k, only(Text)))
			}
			ok = false
		}
	}
	return args[0], args[1], ok && c.separator(args[1])
}

// splitPart is split(s, sep)[n], counted from 0 as expr does.
func (c *compiler) splitPart(n *ast.MemberNode, call *ast.CallNode) node {
	s, sep, ok := c.splitArgs(call)
	i := c.compile(n.Property)
	if !ok || i.kind == Unknown {
		return bad(n)
	}
	if i.kind != Number {
		return c.fail(n.Property, fmt.Sprintf("the place in […] is %s, not a number", i.kind), "")
	}
	at, ok := c.fixedInt(i, "the place in […]", -1000, 999)
	if !ok {
		return bad(n)
	}
	if at >= 0 {
		at++
	}
	return c.apply2(n, Text, s, sep, func(s, sep Value) (Value, error) { return TextOf(nthPart(s.str, sep.str, at)), nil })
}

// inSplit is x in split(s, sep).
func (c *compiler) inSplit(n *ast.BinaryNode, x node, call *ast.CallNode) node {
	s, sep, ok := c.splitArgs(call)
	if !ok || x.kind == Unknown {
		return bad(n)
	}
	if x.kind != Text {
		return c.fail(n.Left, fmt.Sprintf("split(…) holds text, but %s is looked for", x.kind), conversion(x.kind, only(Text)))
	}
	return c.apply3(n, Bool, []node{x, s, sep}, func(x, s, sep Value) (Value, error) {
		for rest, more := s.str, true; more && sep.str != ""; {
			var part string
			if part, rest, more = strings.Cut(rest, sep.str); part == x.str {
				return BoolOf(true), nil
			}
		}
		return BoolOf(sep.str == "" && s.str == x.str), nil
	})
}

func buildRegex(c *compiler, n *ast.CallNode, args []node) node {
	re, ok := c.regexp(args[1])
	if !ok {
		return bad(n)
	}
	group := min(1, re.NumSubexp())
	if len(args) == 3 {
		if group, ok = c.regexGroup(re, args[2]); !ok {
			return bad(n)
		}
	}
	return c.apply1(n, Text, args[0], func(v Value) (Value, error) {
		m := re.FindStringSubmatchIndex(v.str)
		if m == nil || m[2*group] < 0 {
			return TextOf(""), nil
		}
		return TextOf(v.str[m[2*group]:m[2*group+1]]), nil
	})
}

// regexGroup is the place of a group, given by number or by name.
func (c *compiler) regexGroup(re *regexp.Regexp, arg node) (int, bool) {
	v, ok := c.fixed(arg, "the group")
	switch {
	case !ok:
		return 0, false
	case v.kind() == Number:
		return c.fixedInt(arg, "the group", 0, int64(re.NumSubexp()))
	}
	i := re.SubexpIndex(v.str)
	if i < 0 {
		c.fail(arg.src, fmt.Sprintf("the regular expression has no group %q", v.str), "name it: (?P<name>…)")
	}
	return i, i >= 0
}

func buildPad(c *compiler, n *ast.CallNode, args []node) node {
	width, ok := c.fixedInt(args[1], "the width", 0, 1000)
	if !ok {
		return bad(n)
	}
	ch, ok := c.fixed(args[2], "the character to fill up with")
	if !ok {
		return bad(n)
	}
	if utf8.RuneCountInString(ch.str) != 1 {
		return c.fail(n.Arguments[2], fmt.Sprintf("%q is not one character", ch.str), "")
	}
	return c.apply1(n, Text, args[0], func(v Value) (Value, error) {
		s := strings.Repeat(ch.str, max(0, width-utf8.RuneCountInString(v.str))) + v.str
		return TextOf(s), checkLen(len(s))
	})
}
