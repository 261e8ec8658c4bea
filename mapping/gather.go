package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
)

// Values over several rows.
//
// All rows are read twice: [Session.Gather] adds each to its groups, then
// [Session.Row] asks for what came out. An emit that says `per` makes one call
// for a group of rows, with the first of them; the others are attached to it.
// When one row of such a group cannot be used, none can: a call over the rest
// would be a wrong amount, and so would be one over the rows of a rejects file.

// A gathering is a set of values over groups of rows.
type gathering struct {
	what   string   // for messages: payment.let, or an emit's place
	on     []string // classes; none: all
	key    *program // besides the payment's key; nil: the payment is the group
	apart  bool     // the key alone is the group, whatever the payment; a row without is in none
	whole  bool     // equal rows are the group
	order  *program // of latest
	lets   []*payLet
	lead   *aggregate // the first row's number; nil: nobody asks
	number int        // among the mapping's
}

// aggregates are what the states of a group belong to: the lets, the lead.
func (g *gathering) aggregates() []*aggregate {
	var list []*aggregate
	for _, l := range g.lets {
		list = append(list, l.aggregate)
	}
	if g.lead != nil {
		list = append(list, g.lead)
	}
	return list
}

// sums says whether values are computed over rows, so that a row must not be
// there twice.
func (m *Mapping) sums() bool {
	for _, g := range m.gatherings {
		if !g.apart {
			return true
		}
	}
	return false
}

// gatheredLets compiles values over rows.
func (c *compiler) gatheredLets(n *node, what string, rowScope *expression.Scope, key expression.Kind) []*payLet {
	var lets []*payLet
	c.Pairs(n, what, func(name, value *node) {
		a := c.aggregate(rowScope, value, key)
		kind := expression.Text
		if a != nil {
			kind = a.Kind()
		}
		lets = append(lets, &payLet{name.Text, c.names.add(&c.Collector, name, name.Text, kind), a})
	})
	return lets
}

// per compiles which rows share an emit's call, and the values over them.
func (c *compiler) per(e *emit, item *node, classes []string, rowScope *expression.Scope) {
	per, let := item.Get("per"), item.Get("let")
	if per == nil {
		if let != nil {
			c.At(let, "say per: payment, or per: =reference", "values over several rows need to know which rows")
		}
		return
	}
	g := &gathering{what: fmt.Sprintf("the emit on line %d", item.Line), on: classes}
	if per.IsExpression() {
		g.key = c.expression(rowScope, per)
	} else if s, ok := c.Text(per); !ok || s != "payment" {
		c.At(per, "say per: payment, or per: =reference", "per says which rows share one call, not %q", s)
	}
	g.lets = c.gatheredLets(let, "let", rowScope, expression.Text)
	g.lead = c.compileAggregate(rowScope, per, "min("+ordinalName+")", expression.Text)
	e.per = g
	c.gathering(g)
}

func (c *compiler) gathering(g *gathering) {
	g.number = len(c.m.gatherings)
	c.m.gatherings = append(c.m.gatherings, g)
}

// perWhen holds the condition of a shared call to what its rows share: else
// one row would say yes, and the next no.
func (c *compiler) perWhen(e *emit) {
	if e.per == nil || e.when == nil {
		return
	}
	for _, i := range e.when.refs {
		if i <= c.m.isIndex {
			c.At(e.when.node, "compute it over the rows first, under let: {x: =last(…)}", "the condition of a call that several rows share cannot look at one row's %q", c.names.list[i].Name)
			return
		}
	}
}

// gathered is a gathering during an import.
type gathered struct {
	*gathering
	groups   *groups
	spoiled  map[string]error // groups of which a row could not be read; "" is all
	failed   map[string]table.Pos
	prepared bool

	at    int64  // the row that found is of
	group string // that it is in
	found states
	err   error
}

func newGathered(g *gathering, limit int) *gathered {
	return &gathered{gathering: g, groups: newGroups(limit, g.aggregates()...), spoiled: map[string]error{}, failed: map[string]table.Pos{}}
}

func (g *gathered) takes(class string) bool { return len(g.on) == 0 || slices.Contains(g.on, class) }

// begin takes the next body row of a pass.
func (s *Session) begin(row *table.Row) {
	s.ordinal++
	s.values.ordinal = s.ordinal
	s.values.begin(row)
}

// Gather takes a row in the first pass, for values over several rows. What is
// wrong with a row shows in the second pass; the error is final.
func (s *Session) Gather(row *table.Row) error {
	s.gathering = true
	body, err := s.enter(row)
	if err != nil || !body {
		return err
	}
	if s.m.sums() {
		s.copies.add(row)
	}
	s.begin(row)
	if row.Err != nil {
		return nil // fatal in the second pass
	}
	if d := s.m.duplicates; d != nil {
		if err := s.gather(s.gathered[d.number], ""); err != nil {
			return err
		}
	}
	r, problem := s.classify()
	if r == nil || problem != nil {
		s.spoilShared(row.Pos)
		return nil
	}
	s.values.give(s.m.isIndex, expression.TextOf(r.class), nil)
	key, problem := s.key()
	if problem != nil && r.fate == Emitted {
		s.spoilShared(row.Pos)
	}
	for _, g := range s.gathered {
		switch {
		case g.whole, !g.takes(r.class), g.lead != nil && r.fate != Emitted:
			continue
		case !g.apart && (problem != nil || key == ""):
			continue
		}
		if err := s.gather(g, key); err != nil {
			return err
		}
	}
	return nil
}

// gather adds the row to its group.
func (s *Session) gather(g *gathered, payment string) error {
	v := s.values
	key, problem := s.groupKey(g, payment)
	if problem != nil {
		g.spoil("", fmt.Errorf("%s: %w", v.row.Pos, problem))
		return nil
	}
	if g.apart && key == "" {
		return nil
	}
	if g.order != nil || g.what == "latest" {
		value, problem := s.place(g)
		if problem != nil {
			g.spoil(key, fmt.Errorf("%s: %w", v.row.Pos, problem))
			return nil
		}
		v.give(placeIndex, value, nil)
	}
	st, err := g.groups.of(key)
	if err != nil {
		return err
	}
	for i, a := range g.aggregates() {
		if problem := v.needAll(a.refs); problem != nil {
			g.spoil(key, fmt.Errorf("%s: %w", v.row.Pos, problem))
		} else if err := st[i].Add(v.frame); err != nil {
			g.spoil(key, fmt.Errorf("%s: %w", v.row.Pos, err))
		}
	}
	return nil
}

// groupKey is the row's group: its payment, or a part of its payment's rows.
func (s *Session) groupKey(g *gathered, payment string) (string, *RowProblem) {
	if g.whole {
		return s.values.rowHash(), nil
	}
	if g.key == nil {
		return payment, nil
	}
	value, problem := s.values.eval(g.key, "the group of "+g.what)
	if problem != nil {
		return "", problem
	}
	if g.apart {
		return encodeKey(value), nil
	}
	return payment + "\x00" + encodeKey(value), nil
}

// spoilShared is for a row that may belong to any group: no call over several
// rows can be trusted then.
func (s *Session) spoilShared(pos table.Pos) {
	for _, g := range s.gathered {
		if g.lead != nil || g.what == "latest" {
			g.spoil("", fmt.Errorf("%s: the row cannot be read, so nobody knows to which payment it belongs", pos))
		}
	}
}

// mostSpoiled bounds the memory for groups that cannot be summed up.
const mostSpoiled = 10_000

func (g *gathered) spoil(key string, err error) {
	if len(g.spoiled) >= mostSpoiled {
		key, err = "", errors.New("too many rows cannot be read") // spoils all
	}
	if g.spoiled[key] == nil {
		g.spoiled[strings.Clone(key)] = err
	}
}

// gatheredValue is a value over several rows for the current row.
func (s *Session) gatheredValue(index int) (expression.Value, *RowProblem) {
	for _, g := range s.gathered {
		for i, l := range g.lets {
			if l.index != index {
				continue
			}
			if err := s.look(g); err != nil {
				return expression.Value{}, &RowProblem{Code: "expression", Msg: fmt.Sprintf("%s %q: %v", g.what, l.name, err)}
			}
			value, err := l.aggregate.Eval(g.found[i], expression.TextOf(g.groupText()), nil)
			if err != nil {
				return value, &RowProblem{Code: "expression", Msg: fmt.Sprintf("%s %q: %v", g.what, l.name, err)}
			}
			return value, nil
		}
	}
	return expression.Value{}, nil
}

// groupText is the group's key as expressions see it.
func (g *gathered) groupText() string {
	if _, own, ok := strings.Cut(g.group, "\x00"); ok {
		return own
	}
	return g.group
}

// errNoGroup is a row that a gathering has no business with.
var errNoGroup = errors.New("the row is in no group")

// look finds the states of the current row's group.
func (s *Session) look(g *gathered) error {
	if g.at == s.ordinal {
		return g.err
	}
	g.at, g.found, g.err = s.ordinal, nil, nil
	key, problem := s.groupKey(g, s.result.Payment)
	if problem != nil {
		g.err = problem
		return g.err
	}
	g.group = strings.Clone(key)
	if g.apart && key == "" {
		g.err = errNoGroup
		return g.err
	}
	g.found, g.err = g.find(key)
	return g.err
}

func (g *gathered) find(key string) (states, error) {
	if err := g.spoiled[key]; err != nil {
		return nil, err
	}
	if err := g.spoiled[""]; err != nil {
		return nil, err
	}
	if !g.prepared {
		if err := g.groups.prepare(); err != nil {
			return nil, err
		}
		g.prepared = true
	}
	st, err := g.groups.find(key)
	if err == nil && st == nil {
		err = errors.New("the row was not there when the file was read first; did the file change?")
	}
	return st, err
}

// leads says whether the current row makes the call of an emit that several
// rows share, or another row does.
func (s *Session) leads(e *emit, note func(*RowProblem)) (made, elsewhere bool) {
	g := s.gathered[e.per.number]
	if err := s.look(g); err != nil {
		note(&RowProblem{Code: "shared_call", Msg: fmt.Sprintf("the call that the rows share cannot be made: %v", err), Hint: "mend that row in the file and import the whole file again"})
		return false, false
	}
	if pos, ok := g.failed[g.group]; ok {
		note(&RowProblem{Code: "shared_call", Msg: fmt.Sprintf("the call that the rows share cannot be made: see %s", pos), Hint: "mend that row in the file and import the whole file again"})
		return false, false
	}
	if e.when != nil {
		value, problem := s.values.eval(e.when, "the emit's when")
		note(problem)
		if problem != nil || !value.Bool() {
			return false, false
		}
	}
	first, err := g.lead.Eval(g.found[len(g.lets)], expression.TextOf(g.groupText()), nil)
	if n, _, ok := first.Number().Int64(0); err == nil && ok && n == s.ordinal {
		return true, false
	}
	return false, true
}

// failLed notes that the row's shared calls could not be made, for the rows of
// their groups that come later.
func (s *Session) failLed(r *rule) {
	for _, e := range s.m.emits[r.class] {
		if e.per == nil {
			continue
		}
		g := s.gathered[e.per.number]
		if g.at != s.ordinal || g.err != nil {
			continue
		}
		if len(g.failed) >= mostSpoiled {
			g.spoil("", errors.New("too many calls over several rows cannot be made"))
		} else if _, ok := g.failed[g.group]; !ok {
			g.failed[g.group] = s.result.Pos
		}
	}
}
