package expression

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"
)

// The bounds on a source. A mapping's longest expression so far has some
// 200 characters; these keep the parser's recursion and ours shallow.
const (
	maxSource  = 16_384 // runes
	maxTokens  = 4_000
	maxNesting = 100    // brackets inside brackets
	maxNodes   = 10_000 // compiled; a chain a < b < c compiles b twice
)

// refused are the tokens of expr's syntax that have no meaning here, and what
// to write instead. They are found before parsing, so that each is reported at
// its own place in words of this language.
var refused = map[string]struct{ msg, hint string }{
	"/":   {`"/" does not say how to round`, `write div(a, b, places)`},
	"%":   {`"%" is not an operator here`, ``},
	"**":  {`"**" is not an operator here`, `write a * a`},
	"^":   {`"^" is not an operator here`, `write a * a`},
	"|":   {`"|" is not an operator here`, `write || for or, and f(x) for x | f()`},
	"&":   {`"&" is not an operator`, `write && for and`},
	"..":  {`".." is not an operator here`, `write x >= 1 && x <= 9`},
	"?.":  {`"?." is not an operator here`, `write . alone`},
	"::":  {`"::" is not an operator here`, ``},
	"let": {`"let" is not part of an expression`, `put the value under let: in the mapping, with a name of its own`},
	";":   {`";" is not part of an expression`, `write one expression`},
	"#":   {`"#" is not part of an expression`, ``},
	"=":   {`"=" does not compare`, `write ==`},
}

// wording turns the parser's `unexpected token Bracket(")")` into a sentence.
func wording(msg string) string {
	msg, found := strings.CutPrefix(msg, "unexpected token ")
	if !found {
		return msg
	}
	if strings.HasPrefix(msg, "EOF") {
		return "the expression ends too early"
	}
	if open := strings.IndexByte(msg, '('); open >= 0 {
		msg = strings.TrimSuffix(msg[open+1:], ")")
	}
	return "did not expect " + msg + " here"
}

// begin reads the source and returns a compiler for its tree.
func (s *Scope) begin(src string) (*compiler, ast.Node, error) {
	c := &compiler{scope: s, src: []rune(src), refs: make(indexes), budget: maxNodes}
	if len(c.src) > maxSource {
		return nil, nil, newError(c.src, maxSource, fmt.Sprintf("the expression is longer than %d characters", maxSource), "split it over several let:")
	}
	if strings.TrimSpace(src) == "" {
		return nil, nil, newError(c.src, 0, "the expression is empty", "")
	}
	tokens, err := lex(c.src)
	if err != nil {
		return nil, nil, err
	}
	c.tokens = tokens
	if err := fence(c.src, tokens); err != nil {
		return nil, nil, err
	}
	tree, err := s.parse(c.src)
	if err != nil {
		return nil, nil, err
	}
	return c, tree, nil
}

// lex returns the source's tokens with their places.
func lex(src []rune) (tokens []lexer.Token, err error) {
	// expr's lexer and parser are not ours: whatever a hostile source
	// makes them do, it must not end the program.
	defer func() {
		if p := recover(); p != nil {
			tokens, err = nil, newError(src, 0, "the expression cannot be read", "")
		}
	}()
	l := lexer.New()
	l.Reset(file.NewSource(string(src)))
	for {
		t, err := l.Next()
		if err != nil {
			return nil, syntaxError(src, err)
		}
		if t.Is(lexer.EOF) {
			return tokens, nil
		}
		if tokens = append(tokens, t); len(tokens) > maxTokens {
			return nil, newError(src, t.From, fmt.Sprintf("the expression has more than %d parts", maxTokens), "split it over several let:")
		}
	}
}

// fence reports all that the syntax allows and the language does not.
func fence(src []rune, tokens []lexer.Token) error {
	var errs Errors
	depth := 0
	for i, t := range tokens {
		next := lexer.Token{}
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		switch {
		case t.Is(lexer.Bytes):
			errs = append(errs, newError(src, t.From, `b"…" is not a text`, `write "…"`))
		case t.Is(lexer.Number):
			// Checked here, because the parser reads what has no point as
			// an int64 and says so in Go's words, one token late.
			digits := strings.ReplaceAll(t.Value, "_", "")
			_, err := parseDecimal(digits)
			if _, tooLarge := strconv.ParseInt(digits, 10, 64); err == nil && digitsOnly(digits) && tooLarge != nil {
				err = fmt.Errorf("%s is too large", digits)
			}
			if err != nil {
				errs = append(errs, newError(src, t.From, err.Error(), ""))
			}
		case t.Is(lexer.Operator, "=") && i == 0:
			errs = append(errs, newError(src, t.From, `"=" does not belong to the expression`, `leave it out here`))
		case t.Is(lexer.Operator, "?") && next.Is(lexer.Operator, ":"):
			errs = append(errs, newError(src, t.From, `"?:" is not an operator here`, `write a ?? b for b where a is empty`))
		case t.Is(lexer.Operator, "<") && next.Is(lexer.Operator, ">") && next.From == t.To:
			errs = append(errs, newError(src, t.From, `"<>" is not an operator`, `write !=`))
		case t.Is(lexer.Operator):
			if r, ok := refused[t.Value]; ok {
				errs = append(errs, newError(src, t.From, r.msg, r.hint))
			}
		case t.Is(lexer.Bracket) && strings.Contains("([{", t.Value):
			if depth++; depth > maxNesting {
				return newError(src, t.From, fmt.Sprintf("brackets are nested more than %d deep", maxNesting), "split the expression over several let:")
			}
		case t.Is(lexer.Bracket):
			depth--
		}
	}
	return errs.result()
}

// parse has every function parsed as a plain call, expr's built-in ones too:
// what a name means is decided here.
func (s *Scope) parse(src []rune) (tree ast.Node, err error) {
	defer func() { // see lex
		if p := recover(); p != nil {
			tree, err = nil, newError(src, 0, "the expression cannot be read", "")
		}
	}()
	config := conf.CreateNew()
	config.MaxNodes = maxNodes
	for _, f := range builtin.Builtins {
		config.Functions[f.Name] = f
	}
	t, err := parser.ParseWithConfig(string(src), config)
	if err != nil {
		return nil, syntaxError(src, err)
	}
	return t.Node, nil
}

func syntaxError(src []rune, err error) error {
	var e *file.Error
	if !errors.As(err, &e) {
		return newError(src, 0, err.Error(), "")
	}
	switch {
	case strings.HasPrefix(e.Message, "unexpected token EOF"):
		return newError(src, len(src), wording(e.Message), "")
	case e.Message == "literal not terminated":
		return newError(src, e.From, "a text is not closed", `each " needs another`)
	case strings.Contains(e.Message, "cannot be mixed"):
		return newError(src, e.From, `"??" beside another operator is ambiguous`, `put (a ?? b) in brackets`)
	}
	return newError(src, e.From, wording(e.Message), "")
}

// CheckName says whether expressions can refer to a name: a letter or _ first,
// then letters, digits and _, and no word of the language.
func CheckName(name string) error {
	for i, r := range name {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return fmt.Errorf("%q is not a name: letters, digits and _ only, a letter first", name)
		}
	}
	switch name {
	case "":
		return errors.New("a name is empty")
	case "in", "or", "and", "not", "matches", "contains", "startsWith", "endsWith", "let", "if", "else", "true", "false", "nil":
		return fmt.Errorf("%q is a word of the expression language; choose another name", name)
	}
	return nil
}
