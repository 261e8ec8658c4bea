package expression_test

import (
	"slices"
	"testing"

	"github.com/payrec/payrec/internal/expression"
)

func TestMembers(t *testing.T) {
	src := `metadata["order no"] + metadata.shop + lower(metadata["order no"]) + other.x + split(metadata.a, ",")[0]`
	keys := expression.Members(src, "metadata")
	if want := []string{"order no", "shop", "a"}; !slices.Equal(keys, want) {
		t.Fatalf("%q, want %q", keys, want)
	}
	names := []expression.Name{{Name: "id", Kind: expression.Text}}
	for _, key := range keys {
		names = append(names, expression.Name{Name: expression.MemberName("metadata", key), Kind: expression.Text})
	}
	s := expression.NewScope(names, nil, nil)
	p, err := s.Compile(`metadata["order no"] + "/" + metadata.shop`)
	if err != nil {
		t.Fatal(err)
	}
	f := s.NewFrame()
	f.Set(1, expression.TextOf("7"))
	f.Set(2, expression.TextOf("Ulm"))
	if v, err := p.Eval(f); err != nil || v.Text() != "7/Ulm" || !slices.Equal(p.Refs(), []int{1, 2}) {
		t.Errorf("%v, %v, refs %v", v, err, p.Refs())
	}
	for _, src := range []string{`metadata["orderno"]`, `metadata[id]`, `metadata`, `other.x`} {
		if _, err := s.Compile(src); err == nil {
			t.Errorf("%s compiles", src)
		}
	}
	if _, err := s.CompileAggregate(`metadata.shop`, expression.Unknown); err == nil {
		t.Error("a row's value stands for many rows")
	}
	if got := expression.Members(`metadata["x`, "metadata"); got != nil {
		t.Errorf("%q of a broken source", got)
	}
}
