package expression

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/govalues/decimal"

	"github.com/payrec/payrec/record"
)

// maxPlaces is the most decimals one can round to: one digit must remain.
const maxPlaces = 18

// numberFunctions compute with numbers and money. What keeps its argument's
// kind keeps money's currency too.
func numberFunctions() map[string]function {
	return map[string]function{
		"abs": {usage: "abs(x)", doc: "x without its sign", least: 1, takes: []kinds{numeric},
			build: func(c *compiler, n *ast.CallNode, args []node) node {
				return c.apply1(n, args[0].kind, args[0], func(v Value) (Value, error) { return v.abs(), nil })
			}},
		"min": {usage: "min(a, b, …)", doc: "the least", least: 2, takes: []kinds{ordered}, many: true,
			build: func(c *compiler, n *ast.CallNode, args []node) node { return c.extreme(n, args, -1) }},
		"max": {usage: "max(a, b, …)", doc: "the greatest", least: 2, takes: []kinds{ordered}, many: true,
			build: func(c *compiler, n *ast.CallNode, args []node) node { return c.extreme(n, args, +1) }},
		"round": {usage: "round(x, places[, mode])", doc: "x with that many decimals; mode is half_up (the default), half_even, down or up",
			least: 2, takes: []kinds{numeric, only(Number), only(Text)}, build: buildRound},
		"div": {usage: "div(a, b, places[, mode])", doc: "a ÷ b, rounded as round does; money by money is a number",
			least: 3, takes: []kinds{numeric, numeric, only(Number), only(Text)}, build: buildDiv},
		"number": {usage: "number(s)", doc: "the number that a text is: -1234.50; nothing of \"\"", least: 1, takes: []kinds{only(Text)},
			build: func(c *compiler, n *ast.CallNode, args []node) node {
				return c.apply1(n, Number, args[0], func(v Value) (Value, error) {
					s := strings.TrimFunc(v.str, isBlankRune)
					if s == "" {
						return EmptyOf(Number), nil
					}
					d, err := parseDecimal(s)
					return NumberOf(d), err
				})
			}},
		"money": {usage: "money(x, currency)", doc: "a number in a currency", least: 2, takes: []kinds{only(Number), only(Text)}, build: buildMoney},
		"currency": {usage: "currency(x)", doc: "money's currency in capitals: USD", least: 1, takes: []kinds{only(Money)},
			build: func(c *compiler, n *ast.CallNode, args []node) node {
				return c.apply1(n, Text, args[0], func(v Value) (Value, error) { return TextOf(strings.ToUpper(v.str)), nil })
			}},
		"amount": {usage: "amount(x)", doc: "money as a plain number", least: 1, takes: []kinds{only(Money)},
			build: func(c *compiler, n *ast.CallNode, args []node) node {
				return c.apply1(n, Number, args[0], func(v Value) (Value, error) { return NumberOf(v.num()), nil })
			}},
	}
}

// extreme is min (sign -1) or max (+1) of two or more values.
func (c *compiler) extreme(n *ast.CallNode, args []node, sign int) node {
	if args = c.sameKind(n, args); args == nil {
		return bad(n)
	}
	x := args[0]
	for _, y := range args[1:] {
		x = c.apply2(n, x.kind, x, y, func(a, b Value) (Value, error) {
			d, err := compare(a, b)
			if d*sign < 0 {
				return b, err
			}
			return a, err
		})
		if x.kind == Unknown {
			return x
		}
	}
	return x
}

// rounding reads the arguments places and mode.
func (c *compiler) rounding(args []node) (places int, m mode, ok bool) {
	if places, ok = c.fixedInt(args[0], "the number of decimals", 0, maxPlaces); !ok {
		return 0, 0, false
	}
	if len(args) == 1 {
		return places, halfUp, true
	}
	name, ok := c.fixed(args[1], "the rounding mode")
	if !ok {
		return 0, 0, false
	}
	i := slices.Index(modeNames, name.str)
	if i < 0 {
		c.fail(args[1].src, fmt.Sprintf("there is no rounding mode %q", name.str), "write half_up, half_even, down or up")
		return 0, 0, false
	}
	return places, mode(i), true
}

func buildRound(c *compiler, n *ast.CallNode, args []node) node {
	places, m, ok := c.rounding(args[1:])
	if !ok {
		return bad(n)
	}
	return c.apply1(n, args[0].kind, args[0], func(v Value) (Value, error) {
		d, err := round(v.num(), places, m)
		return numericOf(v.kind(), d, v.str), err
	})
}

func buildDiv(c *compiler, n *ast.CallNode, args []node) node {
	a, b := args[0], args[1]
	if a.kind == Number && b.kind == Money {
		return c.fail(n.Arguments[1], "a number cannot be divided by money", "amount(x) is the plain number")
	}
	places, m, ok := c.rounding(args[2:])
	if !ok {
		return bad(n)
	}
	kind := a.kind
	if b.kind == Money {
		kind = Number
	}
	return c.apply2(n, kind, a, b, func(x, y Value) (Value, error) {
		d, err := ratio(x, y, places, m, n.Arguments[1])
		if kind == Money {
			return moneyOf(d, x.str), err
		}
		return NumberOf(d), err
	})
}

// ratio is a ÷ b; divisor names b in messages.
func ratio(a, b Value, places int, m mode, divisor ast.Node) (decimal.Decimal, error) {
	if b.num().IsZero() {
		return decimal.Decimal{}, fmt.Errorf("division by zero: %s is 0", divisor)
	}
	if a.kind() == Money && b.kind() == Money {
		if _, err := common(a, b); err != nil {
			return decimal.Decimal{}, err
		}
	}
	return div(a.num(), b.num(), places, m)
}

func buildMoney(c *compiler, n *ast.CallNode, args []node) node {
	if args[1].constant && c.guards == 0 {
		// The usual case: one currency, looked up once.
		code, ok := c.fixed(args[1], "the currency")
		if !ok {
			return bad(n)
		}
		currency, err := record.ParseCurrency(code.str)
		if err != nil {
			return c.fail(n.Arguments[1], err.Error(), "")
		}
		return c.apply1(n, Money, args[0], func(v Value) (Value, error) { return moneyOf(v.num(), string(currency)), nil })
	}
	return c.apply2(n, Money, args[0], args[1], func(v, code Value) (Value, error) {
		currency, err := record.ParseCurrency(code.str)
		return moneyOf(v.num(), string(currency)), err
	})
}
