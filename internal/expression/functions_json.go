package expression

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// jsonFunctions read what a cell holds as JSON.
func jsonFunctions() map[string]function {
	return map[string]function{
		"json": {usage: "json(s, path)", doc: "a value in JSON text, as text: json(meta, \"buyer.ids[0]\"); \"\" if it is not there", least: 2,
			takes: []kinds{only(Text), only(Text)}, build: buildJSON},
	}
}

// A jsonStep is one part of a path: a key of an object, or a place in an array.
type jsonStep struct {
	key string
	at  int // from 0; -1: a key
}

func buildJSON(c *compiler, n *ast.CallNode, args []node) node {
	path, ok := c.fixed(args[1], "the path")
	if !ok {
		return bad(n)
	}
	steps, err := jsonPath(path.str)
	if err != nil {
		return c.fail(n.Arguments[1], err.Error(), `write json(s, "a.b[0].c"), and ["a key"] for a key with a dot or blank in it`)
	}
	return c.apply1(n, Text, args[0], func(v Value) (Value, error) {
		if v.str == "" {
			return TextOf(""), nil
		}
		s, err := jsonValue(v.str, steps)
		if err != nil {
			return Value{}, fmt.Errorf("json(…, %q): %w", path.str, err)
		}
		return TextOf(s), checkLen(len(s))
	})
}

// jsonPath reads a.b[0]["c d"].
func jsonPath(path string) ([]jsonStep, error) {
	var steps []jsonStep
	for rest := path; rest != ""; {
		if rest[0] == '[' {
			inside, behind, ok := cutBracket(rest[1:])
			if !ok {
				return nil, fmt.Errorf("the path %q has a [ without its ]", path)
			}
			step := jsonStep{at: -1}
			if key, err := strconv.Unquote(inside); err == nil {
				step.key = key
			} else if i, err := strconv.Atoi(inside); err == nil && i >= 0 && i < 1_000_000 {
				step.at = i
			} else {
				return nil, fmt.Errorf("the path %q has %q in brackets, which is neither a number from 0 nor a key in quotes", path, inside)
			}
			steps, rest = append(steps, step), behind
			if rest != "" && rest[0] == '.' {
				if rest = rest[1:]; rest == "" {
					return nil, fmt.Errorf("the path %q ends with a dot", path)
				}
			}
			continue
		}
		key := rest
		if i := strings.IndexAny(rest, ".["); i >= 0 {
			key = rest[:i]
		}
		if key == "" {
			return nil, fmt.Errorf("the path %q has an empty key", path)
		}
		steps, rest = append(steps, jsonStep{key, -1}), rest[len(key):]
		if rest != "" && rest[0] == '.' {
			if rest = rest[1:]; rest == "" {
				return nil, fmt.Errorf("the path %q ends with a dot", path)
			}
		}
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("the path is empty")
	}
	return steps, nil
}

// cutBracket finds the ] that ends a bracket, which a quoted key may contain.
func cutBracket(s string) (inside, behind string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		q, err := strconv.QuotedPrefix(s)
		if err != nil || !strings.HasPrefix(s[len(q):], "]") {
			return "", "", false
		}
		return q, s[len(q)+1:], true
	}
	return strings.Cut(s, "]")
}

// jsonValue is the value at a path. Numbers keep their digits.
func jsonValue(text string, steps []jsonStep) (string, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("%q is not valid JSON", cutText(text))
	}
	if _, err := d.Token(); err != io.EOF {
		return "", fmt.Errorf("%q is JSON with something behind it", cutText(text))
	}
	for _, step := range steps {
		switch x := v.(type) {
		case map[string]any:
			v = x[step.key]
			if step.at >= 0 {
				v = nil
			}
		case []any:
			v = nil
			if step.at >= 0 && step.at < len(x) {
				v = x[step.at]
			}
		default:
			return "", nil
		}
	}
	switch x := v.(type) {
	case string:
		return x, nil
	case json.Number:
		return x.String(), nil
	case bool:
		return strconv.FormatBool(x), nil
	case map[string]any:
		return "", fmt.Errorf("is an object, not one value")
	case []any:
		return "", fmt.Errorf("is a list, not one value")
	}
	return "", nil
}

// cutText shortens a text for a message.
func cutText(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
