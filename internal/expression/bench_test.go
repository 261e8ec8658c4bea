package expression

import "testing"

func BenchmarkEval(b *testing.B) {
	s := testScope()
	f := testFrame(b, s)
	for _, bench := range []struct{ name, src string }{
		{"reference", `gross`},
		{"four-terms", `gross + net - gross_dr + gross`},
		{"choice", `type == "Settled" ? gross : -gross`},
		{"in", `is in ["payment", "refund", "chargeback"] && gross > 0`},
		{"text", `upper(before(ref, "/")) + ":" + type`},
		{"regex", `regex(ref, "-([0-9]+)/")`},
		{"date", `date(at, "Europe/Amsterdam")`},
		{"round", `round(gross * rate, 2)`},
	} {
		p, err := s.Compile(bench.src)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Eval(f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAggregateAdd(b *testing.B) {
	s := groupScope()
	a, err := s.CompileAggregate(`sum(net) == 0 && count(side == "CR") > 0`, Unknown)
	if err != nil {
		b.Fatal(err)
	}
	f := s.NewFrame()
	for i, v := range groupRows[1] {
		f.Set(i, v)
	}
	f.Set(0, usd("0.00"))
	st := a.NewState()
	b.ReportAllocs()
	for b.Loop() {
		if err := st.Add(f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	s := testScope()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Compile(`type in ["Settled", "SettledExternally"] ? gross - net : 0`); err != nil {
			b.Fatal(err)
		}
	}
}
