package expression

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// seeds are what the tests compile, and what parsers stumble over.
var seeds = []string{
	`cr - dr`, `gross - net * 2 + 0`, `type in ["Settled", "Fee"] and not (n == 1)`, `if ok { gross } else if n > 1 { net } else { 0 }`,
	`sum(net, side == "CR") == total("SF", "credits")`, `max(sum(n), count()) ?? 0`, `split(ref, "/")[-1] + part(ref, "-", 2)`, `round(div(gross, 3, 4), 2, "half_even")`,
	`regex(ref, "(?P<a>x)", "a") matches "^a"`, `date(at, zone) + format_time(at, "%Y", "UTC")`, `params.method ?? 'x'`, "`raw` + \"\\u{1F600}\"", `0 < n < 5 <= n`,
	`a ? b : c ? d : e`, `((((`, `))))`, `.5`, `5.`, `1..2`, `#`, `.x`, `{`, `[`, `"`, "\x00\xff", `// c`, `/* c`, `let x = 1; x`, `sum(x, {.a})`, `f(g(h(`, `-`, `not`, `x.y.z()`, `x?.y[1:2]`,
	`map(filter(rows, .net > 0), #.net) | sum()`, `$env`, `::upper("x")`, `b"x"`, `1e999999999`, `0x1p-2`, `"\400"`, `if`, `if a {`, `not not in`, `a not b`, `;`, `,`, strings.Repeat("(", 90) + "n" + strings.Repeat(")", 90),
}

// No source makes Compile or Eval panic; every error has its place in the
// source; what compiles gives values of its kind, the same each time.
func FuzzCompile(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	s := testScope()
	frame := testFrame(f, s)
	blank := s.NewFrame()
	f.Fuzz(func(t *testing.T, src string) {
		p, err := s.Compile(src)
		checkErrors(t, src, err)
		if err == nil {
			for _, fr := range []*Frame{frame, blank} {
				v, err := p.Eval(fr)
				w, again := p.Eval(fr)
				if err == nil && (v.Kind() != p.Kind() || again != nil || !v.Equal(w)) {
					t.Errorf("%q is %s, then %s, and was compiled as %s", src, show(v), show(w), p.Kind())
				}
			}
		}
		a, err := s.CompileAggregate(src, Text)
		checkErrors(t, src, err)
		if err != nil {
			return
		}
		st := a.NewState()
		if st.Add(frame) == nil {
			a.Explain(st)
			if data, err := st.MarshalBinary(); err != nil {
				t.Error(err)
			} else if _, err := a.UnmarshalState(data); err != nil {
				t.Errorf("%q: %v", src, err)
			}
		}
		if v, err := a.Eval(st, TextOf("k"), noTotals); err == nil && v.Kind() != a.Kind() {
			t.Errorf("%q is %s, but was compiled as %s", src, show(v), a.Kind())
		}
	})
}

func checkErrors(t *testing.T, src string, err error) {
	if err == nil {
		return
	}
	var all Errors
	if one := (*Error)(nil); !errors.As(err, &all) {
		if !errors.As(err, &one) {
			t.Fatalf("%q: %T is no *Error: %v", src, err, err)
		}
		all = Errors{one}
	}
	runes := []rune(src)
	last := 0
	for _, e := range all {
		if e.Offset < last || e.Offset > len(runes) || e.Line < 1 || e.Column < 1 || e.Msg == "" {
			t.Errorf("%q: error %+v", src, e)
		}
		last = e.Offset
		if want := 1 + strings.Count(string(runes[:e.Offset]), "\n"); e.Line != want {
			t.Errorf("%q: error %+v is in line %d", src, e, want)
		}
	}
}

// No bytes on disk make a state that panics.
func FuzzUnmarshalState(f *testing.F) {
	s := groupScope()
	a, err := s.CompileAggregate(`sum(net) == 0 && count() > 1 && first(at) < max(at, n > 5) && last(side) != "" && last(ok)`, Unknown)
	if err != nil {
		f.Fatal(err)
	}
	rows := slices.Clone(groupRows)
	rows[1] = slices.Clone(rows[1])
	rows[1][3] = testRow(f)[10]
	for i := range rows {
		data, err := run(f, s, a, rows[:i+1]).MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		st, err := a.UnmarshalState(data)
		if err != nil {
			return
		}
		a.Explain(st)
		a.Eval(st, Value{}, nil)
		st.Merge(st)
	})
}
