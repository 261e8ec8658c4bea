package mapping

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/internal/expression"
)

// Rows that say again what another row says.
//
// Where `latest` is, only the latest of the rows with one key counts: a refund
// that the report lists as pending, and again once it is completed. Where
// `input: duplicates` is ignore or error, so does only the first of the rows
// that are equal in every cell. Both know when all rows were read once, and
// both take rows away that values over several rows would have to leave out,
// which are computed in the same pass; so the two do not mix.

// latestKeys are those of `latest`.
var latestKeys = []string{"on", "by", "order"}

// latest compiles which of several rows counts.
func (c *compiler) latest(n *node, rowScope *expression.Scope) {
	if n == nil || !c.Keys(n, "latest", latestKeys...) {
		return
	}
	g := &gathering{what: "latest", on: c.classList(n.Get("on")), apart: true}
	if n.Get("by") == nil {
		c.At(n, "say by: =reference", "latest says not of which rows")
	}
	g.key = c.expression(rowScope, n.Get("by"), expression.Text, expression.Number)
	g.order = c.expression(rowScope, n.Get("order"), expression.Time, expression.Number, expression.Text)
	g.lets = []*payLet{{name: "the latest", index: -1, aggregate: c.compileAggregate(rowScope, n, "max("+placeName+")", expression.Text)}}
	c.m.latest = g
	c.gathering(g)
	c.alone(n, g, "latest")
}

// duplicates compiles what becomes of equal rows.
func (c *compiler) duplicates(n *node, rowScope *expression.Scope) {
	policy := c.Choice(n, "keep", "keep", "ignore", "error")
	if policy == "keep" {
		return
	}
	g := &gathering{what: "duplicates", whole: true, apart: true}
	g.lets = []*payLet{{name: "the first", index: -1, aggregate: c.compileAggregate(rowScope, n, "min("+ordinalName+")", expression.Text)}}
	c.m.duplicates, c.m.duplicatesFail = g, policy == "error"
	c.gathering(g)
	c.alone(n, g, "duplicates")
}

// alone refuses values over several rows that would count rows which g takes away.
func (c *compiler) alone(n *node, g *gathering, what string) {
	for _, other := range c.m.gatherings {
		if other == g || other.on != nil && g.on != nil && !overlap(other.on, g.on) {
			continue
		}
		c.At(n, "let the processor's own report leave them out, or import the latest state by itself", "%s cannot stand beside %s, which counts all rows", what, other.what)
		return
	}
}

func overlap(a, b []string) bool {
	for _, s := range a {
		if slices.Contains(b, s) {
			return true
		}
	}
	return false
}

// rowHash is what equal rows have in common.
func (v *values) rowHash() string {
	h := sha256.New()
	put := func(s string) {
		h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	put(v.row.Kind)
	for _, cell := range v.row.Cells {
		put(cell)
	}
	return string(h.Sum(nil)[:16])
}

// place is the row's rank among those of its key: by the order, then by where
// it stands.
func (s *Session) place(g *gathered) (expression.Value, *RowProblem) {
	order, problem := s.orderText(g.order, "latest: order")
	if problem != nil {
		return expression.Value{}, problem
	}
	return expression.TextOf(fmt.Sprintf("%s\x00%019d", order, s.ordinal)), nil
}

// repeated says whether the row is equal to an earlier one, and then what
// becomes of it.
func (s *Session) repeated() bool {
	if s.m.duplicates == nil {
		return false
	}
	g := s.gathered[s.m.duplicates.number]
	err := s.look(g)
	var first expression.Value
	if err == nil {
		first, err = g.lets[0].aggregate.Eval(g.found[0], expression.TextOf(""), nil)
	}
	own, _ := decimal.New(s.ordinal, 0)
	switch {
	case err != nil:
		s.reject(&RowProblem{Code: "shared_call", Msg: err.Error()})
	case first.Number().Cmp(own) == 0:
		return false
	case s.m.duplicatesFail:
		s.reject(&RowProblem{Code: "duplicate_row", Msg: "the row is equal to an earlier one in every cell",
			Hint: "if both are real, say input: duplicates: keep; else take one of them out"})
	default:
		s.result.Disposition, s.result.Reason = Ignored, "the row is equal to an earlier one in every cell"
	}
	return true
}

// outdated says whether a later row says the latest of what this row says, and
// then what becomes of it.
func (s *Session) outdated(r *rule) bool {
	if s.m.latest == nil {
		return false
	}
	g := s.gathered[s.m.latest.number]
	if !g.takes(r.class) {
		return false
	}
	s.result.Payment, _ = s.key()
	err := s.look(g)
	if errors.Is(err, errNoGroup) {
		return false
	}
	own, unplaced := s.place(g)
	var last expression.Value
	switch {
	case unplaced != nil:
		err = unplaced
	case err == nil:
		last, err = g.lets[0].aggregate.Eval(g.found[0], expression.TextOf(g.group), nil)
	}
	problem, itsOwn := err.(*RowProblem) // not one that is wrapped: that is another row's
	switch {
	case itsOwn:
		s.reject(problem)
	case err != nil:
		s.reject(&RowProblem{Code: "shared_call", Msg: fmt.Sprintf("nobody knows which row says the latest: %v", err)})
	case last.Text() == own.Text():
		return false
	default:
		s.result.Disposition, s.result.Reason = Ignored, "a later row says the latest of it"
	}
	return true
}
