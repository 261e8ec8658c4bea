package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// A check is a condition over groups of rows.
type check struct {
	node     *node
	name     string
	on       []string // classes; none: all
	per      *program // nil: the whole file
	that     *aggregate
	severity string
}

func (c *compiler) checks(n *node, rowScope *expression.Scope) {
	c.Each(n, "checks", func(item *node) {
		if !c.Keys(item, "a check", "name", "per", "on", "that", "otherwise") {
			return
		}
		ch := &check{node: item, name: c.OptionalText(item, "name")}
		if ch.name == "" {
			c.At(item, "say name: and what must hold, for people", "the check has no name")
		}
		ch.on = c.classList(item.Get("on"))
		kind := expression.Unknown
		if per := item.Get("per"); per != nil {
			if ch.per = c.expression(rowScope, per); ch.per != nil {
				kind = ch.per.Kind()
			}
		}
		if o := item.Get("otherwise"); o != nil && o.Text == "reject" {
			c.At(o, "say stop, or warn", "a check ends with the file, when its rows are planned already: it cannot reject them")
		} else {
			ch.severity = c.Choice(o, "stop", "stop", "warn")
		}
		that := item.Get("that")
		if that == nil {
			c.At(item, "say that: sum(net) == 0", "the check says not what must hold")
		} else if src, ok := c.conditionSource(that); ok {
			ch.that = c.compileAggregate(rowScope, that, src, kind, expression.Bool)
		}
		c.m.checks = append(c.m.checks, ch)
	})
}

// A checkRun is one check during an import.
type checkRun struct {
	*check
	groups     *groups
	rows       int // that it has seen
	parts      int // rows of rejects files, which it leaves out
	unreadable int
	examples   []string // of unreadable rows
}

func (r *checkRun) takes(class string) bool {
	return len(r.on) == 0 || slices.Contains(r.on, class)
}

// unread notes a row that the check needs and that cannot be read.
func (r *checkRun) unread(pos table.Pos, problem *RowProblem) {
	r.unreadable++
	if len(r.examples) < 3 {
		s := pos.String()
		if problem.Column != "" {
			s += fmt.Sprintf(" (column %q: %q)", problem.Column, problem.Value)
		}
		r.examples = append(r.examples, s+": "+problem.Msg)
	}
}

// A checkRow is what one row says to one check, for the check to hear in the
// order of the rows.
type checkRow struct {
	as      saidAs
	key     string // of the group
	problem *RowProblem
	sample  expression.Sample
}

// saidAs is what a row is to a check.
type saidAs uint8

const (
	notSaid       saidAs = iota // it is none of the check's
	saidOfPart                  // a row of a rejects file
	saidUnclassed               // it has no class, because of the problem
	saidUnread                  // the check needs what cannot be read
	saidSample
)

// say computes what a row says to the check. The values' rows may be looked at
// in any order.
func (c *check) say(v *values, x *checkRow) {
	x.as, x.key, x.problem = saidUnread, "", nil
	if c.per != nil {
		value, problem := v.eval(c.per, "the check's per")
		if problem != nil {
			x.problem = problem
			return
		}
		x.key = encodeKey(value)
	}
	if x.problem = v.needAll(c.that.refs); x.problem != nil {
		return
	}
	x.as = saidSample
	c.that.Sample(v.frame, &x.sample)
}

// hear takes a row into the check.
func (r *checkRun) hear(pos table.Pos, x *checkRow) error {
	switch x.as {
	case saidOfPart:
		r.parts++
	case saidUnclassed:
		r.unread(pos, x.problem)
	case saidUnread:
		r.rows++
		r.unread(pos, x.problem)
	case saidSample:
		r.rows++
		s, err := r.groups.of(x.key)
		if err != nil {
			return err
		}
		if err := s[0].Take(&x.sample); err != nil {
			r.unread(pos, &RowProblem{Msg: err.Error()})
		}
	}
	return nil
}

// mostFailures is how many failing groups of one check are listed.
const mostFailures = 100

// results judges the check after the last row.
func (r *checkRun) results(totals *totals) ([]CheckResult, error) {
	base := CheckResult{Name: r.name, Severity: r.severity, Line: r.node.Line}
	if r.parts > 0 && r.rows == 0 && r.unreadable == 0 {
		base.OK, base.Skipped = true, true
		base.Msg = fmt.Sprintf("does not apply: %s left over from files that were checked as a whole", plural(r.parts, "row"))
		return []CheckResult{base}, nil
	}
	if r.unreadable > 0 {
		base.Msg = fmt.Sprintf("cannot be judged, because %s could not be read: %s", plural(r.unreadable, "row"), strings.Join(r.examples, "; "))
		return []CheckResult{base}, nil
	}
	var out []CheckResult
	held, without, failed := 0, 0, 0
	if r.per == nil { // a file without rows is judged too
		if _, err := r.groups.of(""); err != nil {
			return nil, err
		}
	}
	err := r.groups.each(func(text string, s states, bad error) error {
		key, result := decodeKey(r.per, text), base
		result.Group = key.String()
		if bad == nil {
			var v expression.Value
			v, bad = r.that.Eval(s[0], key, totals.find)
			switch {
			case errors.Is(bad, expression.ErrNoTotal):
				without++
				return nil
			case bad == nil && v.Bool():
				held++
				return nil
			}
			result.Msg = r.that.Explain(s[0]) + totals.explain(r.that.source, key.String())
		}
		if bad != nil {
			result.Msg = fmt.Sprintf("cannot be judged: %v", bad)
		}
		if failed++; failed <= mostFailures {
			out = append(out, result)
		}
		return nil
	})
	if failed > mostFailures {
		base.Msg = fmt.Sprintf("%s more do not hold", plural(failed-mostFailures, "group"))
		out = append(out, base)
	}
	if failed == 0 {
		base.OK = true
		base.Msg = plural(held, "group")
		if without > 0 {
			base.Msg += fmt.Sprintf("; %s without such a total in the file, so nothing to hold against", plural(without, "group"))
		}
		out = append(out, base)
	}
	return out, err
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// encodeKey is a group's key as bytes; decodeKey its inverse.
func encodeKey(v expression.Value) string {
	if v.Kind() == expression.Money {
		m := v.Money()
		return m.Amount.String() + " " + string(m.Currency)
	}
	if v.Kind() == expression.Time && !v.IsEmpty() {
		return v.Instant().Format(timeLayout)
	}
	if v.Kind() == expression.Number && !v.IsEmpty() {
		return v.Number().Trim(0).String()
	}
	return v.String()
}

func decodeKey(per *program, text string) expression.Value {
	if per == nil {
		return expression.Value{}
	}
	switch kind := per.Kind(); kind {
	case expression.Number:
		if d, err := decimal.Parse(text); err == nil {
			return expression.NumberOf(d)
		}
		return expression.EmptyOf(kind)
	case expression.Money:
		amount, currency, _ := strings.Cut(text, " ")
		if d, err := decimal.Parse(amount); err == nil {
			return expression.MoneyOf(record.Money{Amount: d, Currency: record.Currency(currency)})
		}
		return expression.EmptyOf(kind)
	case expression.Time:
		if t, err := parseKeyTime(text); err == nil {
			return expression.TimeOf(t)
		}
		return expression.EmptyOf(kind)
	case expression.Bool:
		return expression.BoolOf(text == "true")
	}
	return expression.TextOf(text)
}
