package sandbox

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/server"
)

// requestsPerOperation is how many requests the conformance run makes of each
// of the twelve operations, half of them valid.
const requestsPerOperation = 520

// A disagreement is a kind of request that the sandbox and stripe-mock judge
// differently, and why the sandbox does as it does.
type disagreement struct {
	kind    string
	sandbox bool // what the sandbox does: true is to take it
	why     string
}

// disagreements are all there are: the test fails on one that is not here, and
// on one that is here and did not happen.
var disagreements = []disagreement{
	{"no such object", false, "stripe-mock keeps no state, so every id exists there; the API answers 404 resource_missing"},
	{"unknown in an object", false, "the description closes only the outermost object; the API refuses unknown names at every depth with parameter_unknown"},
	{"no currency", false, "the description has a format (currency) and no list; stripe-mock does not check formats"},
	{"integer not positive", false, "the description has no minimum; the reference says that amounts are positive and limit is 1 to 100"},
	{"empty text", false, "the description takes every text; the API documents parameter_invalid_empty for a parameter that cannot be unset"},
	{"metadata beyond its limits", false, "the description does not carry the limits that docs.stripe.com/metadata sets"},
	{"missing, says the page", false, "report_refund's refund_reference and report_payment's type or payment_method are required by the reference page, not by the description"},
	{"text too long", false, "stripe-mock passes maxLength on in a type that its validator does not read, so it checks none; the description refuses it"},
}

// TestConformance makes requests from the official description, valid and
// invalid, and holds every answer against the schema that the description has
// for it, every refusal against the documented code and parameter, and whether
// it was refused against stripe-mock.
func TestConformance(t *testing.T) {
	d, mock := describedAPI(t), stripeMock(t)
	s := newSandbox(t, Options{})
	met := map[string]int{}
	total, agreed := 0, 0
	for _, o := range d.operations {
		h := fnv.New64a()
		h.Write([]byte(o.op))
		g := &generator{rand.New(rand.NewPCG(h.Sum64(), 1)), t, s, 0}
		for i := range requestsPerOperation {
			r := g.valid(o)
			if i%2 == 1 {
				r = g.spoil(o)
			}
			got := ask(t, s, o, r)
			what := fmt.Sprintf("%s, %s %s?%.400s", o.op, r.kind, r.id, r.form.Encode())
			conform(t, d, o, r, got, what)
			total++
			taken := mock(o, r)
			if taken == (got.status == 200) {
				agreed++
				continue
			}
			i := slices.IndexFunc(disagreements, func(d disagreement) bool { return d.kind == r.kind && d.sandbox != taken })
			if i < 0 {
				t.Fatalf("%s: got %d %s; stripe-mock takes it: %t", what, got.status, got.raw, taken)
			}
			met[r.kind]++
		}
	}
	for _, d := range disagreements {
		if met[d.kind] == 0 {
			t.Errorf("%q is listed as a disagreement and none was met", d.kind)
		}
	}
	t.Logf("%d requests, %d judged alike; listed disagreements: %v", total, agreed, met)
}

// ask makes the request of the sandbox.
func ask(t *testing.T, s *Server, o described, r generated) reply {
	t.Helper()
	path := pathTo(o, r)
	if o.verb == "get" {
		return get(t, s, path+"?"+r.form.Encode())
	}
	return post(t, s, path, r.form.Encode())
}

func pathTo(o described, r generated) string {
	return strings.NewReplacer("{id}", strings.ReplaceAll(r.id, "é", "%C3%A9"), "{invoice}", r.id).Replace(o.path)
}

// conform holds one answer against the description and against what was
// expected of it.
func conform(t *testing.T, d *description, o described, r generated, got reply, what string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(got.raw), &v); err != nil {
		t.Fatalf("%s: %v in %s", what, err, got.raw)
	}
	as := d.failure
	if got.status == 200 {
		as = o.ok
	}
	if err := as.Validate(v); err != nil {
		t.Fatalf("%s: %s does not conform: %v", what, got.raw, err)
	}
	want := 400
	switch {
	case r.ok:
		want = 200
	case r.kind == "no such object":
		want = 404
	}
	if got.status != want || !r.ok && r.code != "" && got.str("error", "code") != r.code {
		t.Fatalf("%s: got %d %s; want %d %s", what, got.status, got.raw, want, r.code)
	}
	if param := got.str("error", "param"); r.param != "" && param != r.param {
		t.Fatalf("%s: got %s; want the parameter %s", what, got.raw, r.param)
	}
}

// stripeMock runs stripe-mock and tells whether it takes a request.
func stripeMock(t *testing.T) func(o described, r generated) bool {
	t.Helper()
	spec, err := server.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		t.Fatal(err)
	}
	fixtures, err := server.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		t.Fatal(err)
	}
	// It prints every request on the standard output, and nothing turns that off.
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = null
	t.Cleanup(func() { os.Stdout = stdout; null.Close() })
	stub, err := server.NewStubServer(fixtures, spec, false, false)
	if err != nil {
		t.Fatal(err)
	}
	return func(o described, r generated) bool {
		var body io.Reader
		path := pathTo(o, r)
		if o.verb == "get" {
			path += "?" + r.form.Encode()
		} else {
			body = strings.NewReader(r.form.Encode())
		}
		hr := httptest.NewRequest(strings.ToUpper(o.verb), path, body)
		hr.Header.Set("Authorization", "Bearer sk_test_1")
		hr.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		stub.HandleRequest(w, hr)
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("stripe-mock failed on %s: %s", path, w.Body)
		}
		return w.Code == http.StatusOK
	}
}
