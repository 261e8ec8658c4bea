package yamltree

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Problem is one thing that is wrong with a file, and where.
type Problem struct {
	File         string // as it was given; "shipped:NAME" for an embedded one
	Line, Column int    // 1-based; 0 when it is about the file as a whole
	Msg          string // what is wrong
	Hint         string // what to do next; "" when Msg says it all
	Warning      bool   // the file can be used all the same
}

// String is "month.yaml:14:3: msg (hint)".
func (p *Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Msg)
	if p.Hint != "" {
		b.WriteString("; ")
		b.WriteString(p.Hint)
	}
	return b.String()
}

// Problems are all the problems of a file, ascending by place. As an error
// they are one line each.
type Problems []*Problem

// Error lists them, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Fatal are those that are no warnings.
func (ps Problems) Fatal() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p *Problem) bool { return p.Warning })
}

// mostProblems bounds what one file can have to say for itself.
const mostProblems = 200

// A Collector gathers the problems of one file while it is read.
type Collector struct {
	// Noun is what kind of file it is, for messages: mapping, report.
	Noun string
	// LongMap is what to do with a map of too many keys; it may be "".
	LongMap string

	list Problems
	seen map[Problem]bool

	lines map[string][]string // of the sources, by file
}

// Add takes a problem; one that is known already is not taken twice.
func (c *Collector) Add(p Problem) {
	if c.seen == nil {
		c.seen = map[Problem]bool{}
	}
	if c.seen[p] || len(c.list) >= mostProblems {
		return // one anchor used twice has its fault once
	}
	c.seen[p] = true
	c.list = append(c.list, &p)
}

// At is a problem at a node.
func (c *Collector) At(n *Node, hint, format string, args ...any) {
	c.Add(Problem{File: n.File, Line: n.Line, Column: n.Col, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// Within is a problem at the rune at offset within a scalar's text. Where a
// comment cuts the text short, that is the likely cause, and the hint.
func (c *Collector) Within(n *Node, offset int, hint, msg string) {
	if c.CutByComment(n) {
		hint = `in YAML " #" begins a comment: put the whole value in single quotes`
	}
	c.At(n.Offset(offset), hint, "%s", msg)
}

// Warn is a problem that stops nobody.
func (c *Collector) Warn(n *Node, hint, format string, args ...any) {
	c.Add(Problem{File: n.File, Line: n.Line, Column: n.Col, Msg: fmt.Sprintf(format, args...), Hint: hint, Warning: true})
}

// Failed says whether there is a problem that is no warning.
func (c *Collector) Failed() bool {
	return slices.ContainsFunc(c.list, func(p *Problem) bool { return !p.Warning })
}

// Sorted are the problems by place.
func (c *Collector) Sorted() Problems {
	slices.SortStableFunc(c.list, func(a, b *Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return c.list
}

// DidYouMean is `did you mean "x"?` for the nearest of names, or "".
func DidYouMean(name string, names []string) string {
	if best := nearest(name, names); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return ""
}

// DidYouMeanOr is DidYouMean, or the whole choice when nothing is near.
func DidYouMeanOr(name string, names []string) string {
	if hint := DidYouMean(name, names); hint != "" || len(names) == 0 {
		return hint
	}
	return "known: " + strings.Join(names, ", ")
}

func nearest(name string, names []string) string {
	best, bestDistance := "", max(2, utf8.RuneCountInString(name)/3)+1
	for _, candidate := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate), bestDistance); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance is the edit distance of a and b (a swap of neighbours counts one),
// or most when it is at least that.
func distance(a, b string, most int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) >= most || len(y)-len(x) >= most || len(x) > 100 || len(y) > 100 {
		return most
	}
	var before, row, next []int
	row = make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		next = make([]int, len(y)+1)
		next[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return min(row[len(y)], most)
}
