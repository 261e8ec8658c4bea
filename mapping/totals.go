package mapping

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// totals are the figures that the files state about themselves. Several rows
// of one kind and key (the footers of several sections or files) add up.
type totals struct {
	m      *Mapping
	values map[totalKey]expression.Value
}

type totalKey struct{ kind, key, field string }

// mostTotals bounds what a hostile file can make us keep.
const mostTotals = 100_000

func newTotals(m *Mapping) *totals {
	return &totals{m, map[totalKey]expression.Value{}}
}

// add takes a total row.
func (t *totals) add(row *table.Row) error {
	layout := t.m.input.totals[row.Kind]
	if layout == nil {
		return nil
	}
	key := ""
	if layout.key.given() {
		if layout.key.of(row) < 0 {
			return t.noColumn(row, layout.key)
		}
		key = strings.Clone(t.cell(row, layout.key))
	}
	for _, f := range layout.fields {
		if err := t.addField(totalKey{row.Kind, strings.ToLower(key), f.name}, f, layout, row); err != nil {
			return err
		}
	}
	return nil
}

func (t *totals) addField(k totalKey, f *totalField, layout *totalLayout, row *table.Row) error {
	fail := func(msg string) error {
		value, _ := row.Cell(f.at.of(row))
		return &table.Error{Pos: row.Pos, Column: f.at.String(), Value: cutText(value, 80), Msg: fmt.Sprintf("the total %q %s", f.name, msg)}
	}
	if len(t.values) >= mostTotals {
		return fail("is one too many: files cannot state more than 100,000")
	}
	if f.at.of(row) < 0 {
		return t.noColumn(row, f.at)
	}
	text := t.cell(row, f.at)
	if text == "" || slices.Contains(t.m.input.empty, text) {
		return nil // as if it were not there
	}
	d, err := t.m.input.numbers.parse(text)
	if err != nil {
		return fail(err.Error())
	}
	old, had := t.values[k]
	if f.kind == expression.Number {
		if had {
			if d, err = d.Add(old.Number()); err != nil {
				return fail("adds up to more than can be computed with")
			}
		}
		t.values[k] = expression.NumberOf(d)
		return nil
	}
	code := f.currency
	if code == "" {
		s := t.cell(row, f.in)
		if code, err = record.ParseCurrency(s); err != nil {
			return fail(fmt.Sprintf("is in %q, which is not a currency that the API takes", trimBlanks(s)))
		}
	}
	if d, err = f.unit.major(d, code); err != nil {
		return fail(err.Error())
	}
	sum, err := record.Money{Amount: d, Currency: code}.Add(old.Money())
	if err != nil {
		return fail(err.Error())
	}
	t.values[k] = expression.MoneyOf(sum)
	return nil
}

// cell is a total row's text at a place.
func (t *totals) cell(row *table.Row, p place) string {
	s, _ := row.Cell(p.of(row))
	return t.m.input.stripped(trimBlanks(s))
}

func (t *totals) noColumn(row *table.Row, p place) error {
	return &table.Error{Pos: row.Pos, Msg: fmt.Sprintf("the totals of %q have no column %q", row.Kind, p), Hint: "the mapping takes a total from it"}
}

// find answers total(kind, field) for a group.
func (t *totals) find(kind, key, field string) (expression.Value, bool) {
	if v, ok := t.values[totalKey{kind, strings.ToLower(trimBlanks(key)), field}]; ok {
		return v, true
	}
	if layout := t.m.input.totals[kind]; layout != nil && !layout.key.given() {
		v, ok := t.values[totalKey{kind, "", field}]
		return v, ok
	}
	return expression.Value{}, false
}

// explain lists the totals that a failed condition asked for.
func (t *totals) explain(source, key string) string {
	var b strings.Builder
	for _, kind := range sortedKeys(t.m.input.totals) {
		for _, field := range sortedKeys(t.m.input.totals[kind].fields) {
			call := fmt.Sprintf("total(%q, %q)", kind, field)
			if v, ok := t.find(kind, key, field); ok && strings.Contains(source, call) {
				fmt.Fprintf(&b, ", %s = %s", call, v)
			}
		}
	}
	return b.String()
}

const timeLayout = "2006-01-02T15:04:05.000000000Z"

func parseKeyTime(s string) (time.Time, error) { return time.Parse(timeLayout, s) }
