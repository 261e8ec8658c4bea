package record

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func params(pairs ...string) Params {
	var p Params
	for i := 0; i < len(pairs); i += 2 {
		p.Set(pairs[i], pairs[i+1])
	}
	return p
}

func TestPath(t *testing.T) {
	for _, tt := range []struct {
		call     CallName
		id, want string
	}{
		{ReportPayment, "", "/v1/payment_records/report_payment"},
		{ReportPayment, "pr_1", "/v1/payment_records/report_payment"},
		{ReportRefund, "pr_1", "/v1/payment_records/pr_1/report_refund"},
		{ReportPaymentAttemptGuaranteed, "pr_1", "/v1/payment_records/pr_1/report_payment_attempt_guaranteed"},
		{ReportRefund, "a/b?c#d", "/v1/payment_records/a%2Fb%3Fc%23d/report_refund"},
	} {
		if got := tt.call.Path(tt.id); got != tt.want {
			t.Errorf("%s %q: %s, want %s", tt.call, tt.id, got, tt.want)
		}
	}
	for _, call := range Calls() {
		if call.Creates() != (call == ReportPayment) {
			t.Errorf("%s.Creates() = %v", call, call.Creates())
		}
	}
}

func TestParams(t *testing.T) {
	p := params("outcome", "failed", "metadata.b", "2", "amount_requested.value", "1", "metadata.a.x", "1",
		"outcome", "guaranteed", "metadata", "", "amount_requested.currency", "usd")
	want := Params{{"amount_requested.currency", "usd"}, {"amount_requested.value", "1"}, {"metadata", ""},
		{"metadata.a.x", "1"}, {"metadata.b", "2"}, {"outcome", "guaranteed"}}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
	if v, ok := p.Get("outcome"); v != "guaranteed" || !ok {
		t.Errorf("outcome is %q, %v", v, ok)
	}
	if v, ok := p.Get("amount_requested"); v != "" || ok {
		t.Errorf("amount_requested is %q, %v", v, ok)
	}
	var pairs []string
	for k, v := range p.Metadata {
		pairs = append(pairs, k+"="+v)
	}
	if d := cmp.Diff([]string{"a.x=1", "b=2"}, pairs); d != "" {
		t.Error(d)
	}
	for k := range p.Metadata {
		if k != "a.x" {
			t.Errorf("iteration went on to %q", k)
		}
		break
	}
}

func TestHas(t *testing.T) {
	// Bytes below and above the dot sort around the children.
	p := params("a-b", "1", "a.b", "1", "ab", "1", "c", "1", "d.e.f", "1", "g!.h", "1", "guaranteed_at", "1")
	for path, want := range map[string]bool{
		"a": true, "a.b": true, "a-b": true, "ab": true, "c": true, "d": true, "d.e": true, "d.e.f": true, "g!": true,
		"b": false, "c.d": false, "d.e.f.g": false, "g": false, "d.f": false, "guaranteed": false, "": false, "a.": false,
	} {
		if got := p.Has(path); got != want {
			t.Errorf("Has(%q) = %v", path, got)
		}
	}
	if (Params)(nil).Has("a") {
		t.Error("nothing has something")
	}
}

func TestForm(t *testing.T) {
	for _, tt := range []struct {
		p    Params
		want string
	}{
		{nil, ""},
		{params("outcome", "failed"), "outcome=failed"},
		{params("b", "2", "a", "1"), "a=1&b=2"},
		{params("amount_requested.value", "1050", "amount_requested.currency", "usd"),
			"amount_requested[currency]=usd&amount_requested[value]=1050"},
		{params("payment_method_details.billing_details.address.line1", "Hauptstraße 1 & 2"),
			"payment_method_details[billing_details][address][line1]=Hauptstra%C3%9Fe+1+%26+2"},
		{params("metadata.order.no", "A+1"), "metadata[order.no]=A%2B1"},
		{params("metadata.a[b]", "1"), "metadata[a%5Bb%5D]=1"},
		{params("metadata", "", "description", ""), "description=&metadata="},
		{params("metadata.", "x"), "metadata[]=x"},
	} {
		if got := string(tt.p.Form()); got != tt.want {
			t.Errorf("%v\n got %s\nwant %s", tt.p, got, tt.want)
		}
	}
}

// genParams draws parameters whose paths and texts are as awkward as they get.
func genParams() *rapid.Generator[Params] {
	segment := rapid.OneOf(rapid.SampledFrom([]string{"metadata", "amount", "value", "a", "", "&", "=", "a=b", "a&b", "[", "]", "x][y", "%2E", "ключ"}), rapid.String())
	path := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(segment, 1, 4).Draw(t, "segments"), ".")
	})
	return rapid.Custom(func(t *rapid.T) Params {
		var p Params
		for range rapid.IntRange(0, 6).Draw(t, "n") {
			p.Set(path.Draw(t, "path"), rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "&", "a=b", "a&b=c", "+ %"})).Draw(t, "value"))
		}
		return p
	})
}

func TestSetKeepsOrderAndGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genParams().Draw(t, "p")
		for i, f := range p {
			if i > 0 && p[i-1].Path >= f.Path {
				t.Fatalf("%q stands before %q", p[i-1].Path, f.Path)
			}
			if v, ok := p.Get(f.Path); !ok || v != f.Value || !p.Has(f.Path) {
				t.Fatalf("%q is %q, %v; want %q", f.Path, v, ok, f.Value)
			}
			if i := strings.LastIndexByte(f.Path, '.'); i >= 0 && !p.Has(f.Path[:i]) {
				t.Fatalf("%q is there, its parent is not", f.Path)
			}
		}
	})
}

// TestAppendMerged: merging is setting the parameters of one list after the other's.
func TestAppendMerged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := genParams().Draw(t, "p"), genParams().Draw(t, "q")
		want := slices.Clone(p)
		for _, f := range q {
			want.Set(f.Path, f.Value)
		}
		if got := AppendMerged(Params{{"x", "y"}}, p, q)[1:]; !slices.Equal(got, want) {
			t.Fatalf("%v and %v: %v", p, q, got)
		}
	})
}

// TestFormIsWhatParsersRead: net/url reads every pair back, values untouched,
// and metadata keys whole, whatever they contain.
func TestFormIsWhatParsersRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genParams().Draw(t, "p")
		form := string(p.Form())
		if form == "" {
			return
		}
		parts := strings.Split(form, "&")
		if len(parts) != len(p) {
			t.Fatalf("%d parameters became %d pairs: %s", len(p), len(parts), form)
		}
		for i, part := range parts {
			name, value, _ := strings.Cut(part, "=")
			k, err1 := url.QueryUnescape(name)
			v, err2 := url.QueryUnescape(value)
			if err1 != nil || err2 != nil || v != p[i].Value {
				t.Fatalf("%s reads as %q = %q (%v, %v), want %v", part, k, v, err1, err2, p[i])
			}
			if key, ok := strings.CutPrefix(p[i].Path, "metadata."); ok && k != "metadata["+key+"]" {
				t.Fatalf("metadata key %q reads as %q", key, k)
			}
		}
		if _, err := url.ParseQuery(form); err != nil {
			t.Fatal(err)
		}
	})
}

// TestFormAndHashAreInjective: other parameters, other bytes, another hash.
// The journal tells an edited row by them.
func TestFormAndHashAreInjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genParams().Draw(t, "p")
		q := slices.Clone(p)
		if rapid.Bool().Draw(t, "near") && len(q) > 0 { // a neighbour of p, or any other
			i := rapid.IntRange(0, len(q)-1).Draw(t, "i")
			q.Set(q[i].Path, rapid.String().Draw(t, "other"))
		} else {
			q = genParams().Draw(t, "q")
		}
		equal := slices.Equal(p, q)
		if got := string(p.Form()) == string(q.Form()); got != equal {
			t.Fatalf("forms equal %v, parameters %v:\n%v %s\n%v %s", got, equal, p, p.Form(), q, q.Form())
		}
		if got := p.Hash() == q.Hash(); got != equal {
			t.Fatalf("hashes equal %v, parameters %v:\n%v\n%v", got, equal, p, q)
		}
	})
}

func TestHash(t *testing.T) {
	// Stored in journals: it must never change.
	p := params("amount_requested.currency", "usd", "amount_requested.value", "1050", "metadata.a.b", "é")
	if got, want := p.Hash(), "a91e3fbe54e185962ae2877260652232"; got != want {
		t.Errorf("hash is %s, want %s", got, want)
	}
	if got := (Params)(nil).Hash(); len(got) != 32 {
		t.Errorf("hash of nothing is %q", got)
	}
	ambiguous := []Params{params("ab", "c"), params("a", "bc"), params("a", "b", "c", ""), params("a", "", "b", "c"),
		params("a", "1:b"), params("a", "", "1:b", "")}
	seen := map[string]Params{}
	for _, p := range ambiguous {
		if other, ok := seen[p.Hash()]; ok {
			t.Errorf("%v and %v have one hash", p, other)
		}
		seen[p.Hash()] = p
	}
}

// TestSetOnACopy: a copy made by append is independent of its original.
func TestSetOnACopy(t *testing.T) {
	p := params("a", "1", "c", "3")
	q := append(make(Params, 0, len(p)+2), p...)
	q.Set("b", "2")
	q.Set("a", "9")
	if d := cmp.Diff(params("a", "1", "c", "3"), p); d != "" {
		t.Error(d)
	}
}
