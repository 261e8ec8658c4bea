package expression

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// An Error is one thing that is wrong with an expression's source.
type Error struct {
	Offset int    // in runes from the start of the source, 0-based
	Line   int    // in the source, 1-based
	Column int    // in runes, 1-based
	Msg    string // what is wrong
	Hint   string // what to do about it; may be ""
}

// Error is the place, what is wrong, and the hint: `1:8: unknown name "gros";
// did you mean "gross"?`.
func (e *Error) Error() string {
	if e.Hint == "" {
		return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Msg)
	}
	return fmt.Sprintf("%d:%d: %s; %s", e.Line, e.Column, e.Msg, e.Hint)
}

// Errors are several things wrong with one source, in order of place.
type Errors []*Error

// ErrorsOf are the faults of a source that does not compile; an error of another
// kind is one fault, at the beginning.
func ErrorsOf(err error) Errors {
	var list Errors
	if errors.As(err, &list) {
		return list
	}
	var one *Error
	if !errors.As(err, &one) {
		one = &Error{Line: 1, Column: 1, Msg: err.Error()}
	}
	return Errors{one}
}

// Error lists them, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.As find each *Error.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, err := range e {
		out[i] = err
	}
	return out
}

// An EmptyError is a figure, time or yes/no that was needed but is not there.
type EmptyError struct {
	What string // the name or the expression that is empty
}

func (e *EmptyError) Error() string {
	return fmt.Sprintf("%s is empty; write %s ?? … for what to take then", e.What, e.What)
}

// ErrNoTotal is returned by [Aggregate.Eval] when the files hold no total of
// the kind, key and field that total(…) asks for.
var ErrNoTotal = errors.New("there is no such total")

// empty is the error of an operand that is not there. Its words are made only
// when it happens.
func empty(n ast.Node) error {
	what := n.String()
	if r := []rune(what); len(r) > 60 {
		what = string(r[:59]) + "…"
	}
	return &EmptyError{What: what}
}

// newError places a message at a rune offset of the source.
func newError(src []rune, offset int, msg, hint string) *Error {
	offset = max(0, min(offset, len(src)))
	e := &Error{Offset: offset, Line: 1, Column: 1, Msg: msg, Hint: hint}
	for _, r := range src[:offset] {
		if r == '\n' {
			e.Line++
			e.Column = 1
		} else {
			e.Column++
		}
	}
	return e
}

// result is nil, the one *Error, or all of them by place.
func (e Errors) result() error {
	switch len(e) {
	case 0:
		return nil
	case 1:
		return e[0]
	}
	slices.SortStableFunc(e, func(a, b *Error) int { return a.Offset - b.Offset })
	return e
}
