package expression

import (
	"errors"
	"strings"
	"testing"
)

// Each cause has a message of its own, at the place of the cause, and where
// something can be done about it a hint.
func TestCompileErrors(t *testing.T) {
	tests := []struct {
		src    string
		column int
		msg    string
		hint   string
	}{
		// syntax
		{``, 1, "the expression is empty", ""},
		{`  `, 1, "the expression is empty", ""},
		{`gross -`, 8, "the expression ends too early", ""},
		{`gross net`, 7, `did not expect "net" here`, ""},
		{`(gross`, 7, "the expression ends too early", ""},
		{`gross)`, 6, `did not expect ")" here`, ""},
		{`"abc`, 5, "a text is not closed", `each " needs another`},
		{`n $ 1`, 3, "", ""},
		{`=gross`, 1, `"=" does not belong to the expression`, "leave it out here"},
		{`type = "x"`, 6, `"=" does not compare`, "write =="},
		{`n <> 1`, 3, `"<>" is not an operator`, "write !="},
		{`n & n`, 3, `"&" is not an operator`, "write && for and"},
		{`blank ?? type + "x"`, 15, `"??" beside another operator is ambiguous`, "put (a ?? b) in brackets"},
		{`1e3`, 1, `"1e3" is not a plain decimal such as -1234.50`, ""},
		{`n + 0x10`, 5, `"0x10" is not a plain decimal such as -1234.50`, ""},
		{`99999999999999999999`, 1, `"99999999999999999999" has more than 19 digits`, ""},
		{`n * 9999999999999999999`, 5, `9999999999999999999 is too large`, ""},
		{`0.12345678901234567890`, 1, `"0.12345678901234567890" has more than 19 digits`, ""},

		// expr's syntax that has no meaning here
		{`gross / 2`, 7, `"/" does not say how to round`, "write div(a, b, places)"},
		{`n % 2`, 3, `"%" is not an operator here`, ""},
		{`n ** 2`, 3, `"**" is not an operator here`, "write a * a"},
		{`n ^ 2`, 3, `"^" is not an operator here`, "write a * a"},
		{`type | upper()`, 6, `"|" is not an operator here`, "write || for or, and f(x) for x | f()"},
		{`n in 1..3`, 7, `".." is not an operator here`, "write x >= 1 && x <= 9"},
		{`params?.method`, 7, `"?." is not an operator here`, "write . alone"},
		{`let x = 1; x`, 1, `"let" is not part of an expression`, "put the value under let: in the mapping, with a name of its own"},
		{`blank ?: type`, 7, `"?:" is not an operator here`, "write a ?? b for b where a is empty"},
		{`b"abc"`, 1, `b"…" is not a text`, `write "…"`},
		{`nil`, 1, "nil is not a value here", "write empty(x), or x ?? other"},
		{`["a"]`, 1, "a list may only stand behind in", `write x in ["A", "B"]`},
		{`{"a": 1}`, 1, "{…} is not a value here", "write lookup(table, key) with a table of the mapping"},
		{`type[1:2]`, 1, "a part of a text cannot be taken with [:]", "write part, before, after or regex"},
		{`type[0]`, 1, "[…] takes a part of nothing but split(…)", "write part(s, sep, n)"},
		{`type.upper()`, 1, "values have no methods", "write f(x), not x.f()"},
		{`gross.currency`, 7, `gross has no parts, so no "currency"`, ""},

		// names
		{`gros - net`, 1, `unknown name "gros"`, `did you mean "gross"?`},
		{`net - gros_dr`, 7, `unknown name "gros_dr"`, `did you mean "gross_dr"?`},
		{`zzzzzzzz`, 1, `unknown name "zzzzzzzz"`, ""},
		{`method`, 1, `unknown name "method"`, ""},
		{`params`, 1, `"params" is a group of values`, "write params.name"},
		{`params.methd`, 1, "there is no params.methd", `did you mean "method"?`},
		{`parms.method`, 1, `unknown name "parms"`, `did you mean "params"?`},
		{`upper`, 1, `"upper" is a function`, "write upper(…)"},
		{`type()`, 1, "there is no function type", "kinds are known: the column's type says it"},
		{`gross(1)`, 1, `"gross" is a value, not a function`, "leave out the brackets behind it"},
		{`uper(type)`, 1, `unknown function "uper"`, `did you mean "upper"?`},
		{`now()`, 1, "there is no function now", "nothing reads the clock: take a time from the file"},
		{`1 + int(type)`, 5, "there is no function int", "write number(text)"},
		{`toPairs(type)`, 1, "there is no function toPairs", ""},
		{`filter(type, n)`, 1, "there is no function filter", "write the condition as the second argument: sum(x, where)"},
		{`sum(gross)`, 1, "sum(x[, where]) needs many rows, but here is one", "use it in checks, in payment.let or in a report's totals"},
		{`total("a", "b")`, 1, "total(kind, field) needs many rows, but here is one", "use it in checks, in payment.let or in a report's totals"},
		{`key`, 1, `unknown name "key"`, ""},

		// kinds
		{`type + n`, 6, `"+" does not go between text and number`, "text(x) makes text of anything"},
		{`gross + 1`, 7, `"+" does not go between money and number`, `money(x, "USD") gives a number a currency, amount(x) takes it away`},
		{`later - at`, 7, `"-" does not go between time and time`, "write days_between(a, b)"},
		{`gross * gross`, 7, `"*" does not go between money and money`, "amount(x) is the plain number"},
		{`type * 2`, 6, `"*" does not go between text and number`, "number(x) reads a number from text"},
		{`-type`, 1, `"-" takes a number or money, not text`, "number(x) reads a number from text"},
		{`gross == ""`, 7, `"==" does not go between money and text`, "write empty(x)"},
		{`type == n`, 6, `"==" does not go between text and number`, "text(x) makes text of anything"},
		{`ok < ok`, 4, `"<" does not go between yes/no and yes/no`, ""},
		{`ok && type`, 7, `"&&" takes yes/no, not text`, `compare it: x != ""`},
		{`gross or ok`, 1, `"or" takes yes/no, not money`, "compare it: x != 0"},
		{`not type == "x"`, 1, `"not" takes yes/no, not text`, "not binds tightest: write not (a == b)"},
		{`!n`, 1, `"!" takes yes/no, not number`, "compare it: x != 0"},
		{`n ? 1 : 2`, 1, "the condition is number, not yes/no", "compare it: x != 0"},
		{`ok ? gross : 1`, 14, "one branch is money, the other number", `money(x, "USD") gives a number a currency, amount(x) takes it away`},
		{`if ok { "a" } else { at }`, 22, "one branch is text, the other time", "text(x) makes text of anything"},
		{`nomoney ?? "x"`, 9, `"??" does not go between money and text`, "text(x) makes text of anything"},
		{`type in "Settled"`, 9, `a list must stand behind "in"`, `write x in ["A", "B"]; contains looks inside a text`},
		{`type in ["a", 1]`, 15, "the list holds number, but text is looked for", "text(x) makes text of anything"},
		{`n contains "1"`, 3, `"contains" does not go between number and text`, "text(x) makes text of anything"},

		// arguments
		{`upper()`, 1, "upper(s) lacks argument 1", ""},
		{`upper(type, "x")`, 13, "upper(s) takes no argument 2", ""},
		{`upper(n)`, 7, "argument 1 of upper(s) is number, but text is wanted", "text(x) makes text of anything"},
		{`round(gross, "2")`, 14, "argument 2 of round(x, places[, mode]) is text, but number is wanted", "number(x) reads a number from text"},
		{`round(n - 1, n)`, 14, "the number of decimals must be a constant, not computed from the row", ""},
		{`round(n, 2.5)`, 10, "the number of decimals must be a whole number from 0 to 18", ""},
		{`round(n, 99)`, 10, "the number of decimals must be a whole number from 0 to 18", ""},
		{`round(n, 2, "bankers")`, 13, `there is no rounding mode "bankers"`, "write half_up, half_even, down or up"},
		{`min(n)`, 1, "min(a, b, …) lacks argument 2", ""},
		{`max(n, gross)`, 5, "argument 1 is number beside money", `money(x, "USD") gives a number a currency, amount(x) takes it away`},
		{`coalesce(type, at)`, 16, "argument 2 is time beside text", "text(x) makes text of anything"},
		{`div(n, gross, 2)`, 8, "a number cannot be divided by money", "amount(x) is the plain number"},
		{`div(1, 0, 2)`, 1, "division by zero: 0 is 0", ""},
		{`number("12,50")`, 1, `"12,50" is not a plain decimal such as -1234.50`, ""},
		{`money(n, "US")`, 10, `"US" is not a currency code that the API takes (three letters, such as USD)`, ""},
		{`lookup("metods", type)`, 8, `there is no lookup table "metods"`, `did you mean "methods"?`},
		{`lookup(type, type)`, 8, "the table's name must be a constant, not computed from the row", ""},
		{`regex(ref, "(")`, 12, "the regular expression is wrong: missing closing ): `(`", ""},
		{`ref matches type`, 13, "a regular expression must be a constant", `write it out: "^INV-[0-9]+$"`},
		{`ref matches "(?=a)"`, 13, "the regular expression is wrong: invalid or unsupported Perl syntax: `(?=`", ""},
		{`regex(ref, "a", 1)`, 17, "the group must be a whole number from 0 to 0", ""},
		{`regex(ref, "(?P<a>b)", "c")`, 24, `the regular expression has no group "c"`, "name it: (?P<name>…)"},
		{`date(at, "Amsterdam")`, 10, `"Amsterdam" is not a time zone; write an IANA name such as Europe/Amsterdam`, ""},
		{`date(at, "Local")`, 10, `"Local" is not a time zone; write an IANA name such as Europe/Amsterdam`, ""},
		{`date(type, "UTC")`, 6, "argument 1 of date(t, zone) is text, but time is wanted", "give the column type: datetime or date"},
		{`part(ref, "/", 0)`, 16, "parts are counted from 1", ""},
		{`part(ref, "", 1)`, 11, "the separator is empty", ""},
		{`split(ref, "/")`, 1, "split(s, sep) is a list, and a list is no value", "write part(s, sep, n), or x in split(s, sep)"},
		{`pad(ref, 3, "ab")`, 13, `"ab" is not one character`, ""},
		{`pad(ref, 1000000000, "a")`, 10, "the width must be a whole number from 0 to 1000", ""},
	}
	s := testScope()
	for _, tt := range tests {
		_, err := s.Compile(tt.src)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: error is %v", tt.src, err)
			continue
		}
		if tt.msg == "" {
			tt.msg = e.Msg // expr's own words
		}
		if e.Msg != tt.msg || e.Hint != tt.hint || e.Column != tt.column {
			t.Errorf("%s: got %d %q hint %q,\n\twant %d %q hint %q", tt.src, e.Column, e.Msg, e.Hint, tt.column, tt.msg, tt.hint)
		}
		if e.Line != 1 || e.Offset != e.Column-1 {
			t.Errorf("%s: line %d, offset %d of column %d", tt.src, e.Line, e.Offset, e.Column)
		}
	}
}

func TestCompileErrorsAllAtOnce(t *testing.T) {
	_, err := testScope().Compile("gros +\n  ämount * uper(type)\n  + round(n, 99)")
	var all Errors
	if !errors.As(err, &all) {
		t.Fatalf("error is %v", err)
	}
	want := "1:1: unknown name \"gros\"; did you mean \"gross\"?\n" +
		"2:3: unknown name \"ämount\"\n" +
		"2:12: unknown function \"uper\"; did you mean \"upper\"?\n" +
		"3:14: the number of decimals must be a whole number from 0 to 18"
	if got := all.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := testScope().Compile("n / 2 % 3"); len(err.(Errors)) != 2 {
		t.Errorf("refused operators: %v", err)
	}
}

func TestWantedKind(t *testing.T) {
	s := testScope()
	if _, err := s.Compile("gross", Number, Money); err != nil {
		t.Error(err)
	}
	_, err := s.Compile("net + gross", Text, Time)
	if want := "1:1: the expression is money, but text or time is wanted; text(x) makes text of anything"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What a condition guards may be wrong for a parameter that is not set.
func TestGuardedConstants(t *testing.T) {
	s := testScope()
	for _, src := range []string{`params.none == "" ? gross : money(n, params.none)`, `params.none != "" && date(at, params.none) == ""`, `(params.unset ?? (params.unset + 1)) > n`} {
		if _, err := s.Compile(src); err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
	if _, err := s.Compile(`params.unset + 1`); err == nil || !strings.Contains(err.Error(), "params.unset is empty") {
		t.Errorf("an unguarded empty parameter: %v", err)
	}
}

func TestHostileSources(t *testing.T) {
	s := testScope()
	chain := strings.Repeat("n < ", 500) + "n"
	for i := 0; i < 12; i++ { // each level compiles the one below twice
		chain = "n < (" + chain + " ? 1 : 2) < n"
	}
	for name, src := range map[string]string{
		"long":     strings.Repeat("a", maxSource+1),
		"brackets": strings.Repeat("(", 8000),
		"nested":   strings.Repeat("(", 500) + "n" + strings.Repeat(")", 500),
		"unary":    strings.Repeat("-", 16000) + "n",
		"nots":     strings.Repeat("!", 16000) + "ok",
		"tokens":   strings.Repeat("n+", 8000) + "n",
		"doubling": chain,
		"growing":  strings.Repeat(`replace(`, 60) + `"aaaa"` + strings.Repeat(`, "a", "aaaaaaaa")`, 60),
		"regexp":   `ref matches "((((a{1000}){1000}){1000}){1000})"`,
		"pattern":  `format_time(at, "` + strings.Repeat("%1024d", 100) + `", "UTC")`,
		"bytes":    "\xff\xfe\x00",
		"path":     `date(at, "../../etc/passwd")`,
	} {
		if _, err := s.Compile(src); err == nil {
			t.Errorf("%s: compiled", name)
		}
	}
	// Long, but well-meant.
	if _, err := s.Compile(strings.Repeat("n + ", 900) + "n"); err != nil {
		t.Error(err)
	}
}

func TestTextLimit(t *testing.T) {
	s := NewScope([]Name{{Name: "a", Kind: Text}}, nil, nil)
	f := s.NewFrame()
	f.Set(0, text(strings.Repeat("a", maxText)))
	for _, src := range []string{`a + "x"`, `replace(a, "a", "bb")`, `upper(replace(a, "a", "ŉ"))`} {
		p, err := s.Compile(src)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Eval(f); err == nil || !strings.Contains(err.Error(), "grows longer") {
			t.Errorf("%s: %v", src, err)
		}
	}
}

func TestSuggest(t *testing.T) {
	for _, tt := range []struct{ a, b string }{{"gros", "gross"}, {"net", "ten"}, {"größe", "groesse"}, {"", "abc"}, {"same", "same"}, {"ab", "ba"}} {
		if d, e := distance(tt.a, tt.b), distance(tt.b, tt.a); d != e {
			t.Errorf("distance(%q, %q) = %d, and the other way %d", tt.a, tt.b, d, e)
		}
	}
	if d := distance("ab", "ba"); d != 1 {
		t.Errorf("a swap counts %d", d)
	}
	if d := distance("kitten", "sitting"); d != 3 {
		t.Errorf("kitten, sitting: %d", d)
	}
}

func TestFunctionsAreDocumented(t *testing.T) {
	for _, f := range Functions() {
		if f.Doc == "" || !strings.HasPrefix(f.Usage, f.Name+"(") {
			t.Errorf("function %+v", f)
		}
	}
	for name := range instead {
		if _, ok := functionTable()[name]; ok {
			t.Errorf("%s is a function, but instead says it is not", name)
		}
	}
}
