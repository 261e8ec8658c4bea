package sandbox

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stripe/stripe-mock/embedded"
)

// A schema is a node of the official OpenAPI description, as it was decoded.
type schema = map[string]any

// A described operation is what the official description says of one of ours.
type described struct {
	op         string
	verb, path string // path has {id} or {invoice}
	request    schema // the body, or the query made into one object
	ok         *jsonschema.Schema
}

// A description is the official OpenAPI description that stripe-mock carries.
type description struct {
	version    string
	operations []described
	failure    *jsonschema.Schema // of every answer that is no success
}

// official description: read once, because it is 8 MB of JSON.
var theDescription = sync.OnceValues(readDescription)

func describedAPI(t testing.TB) *description {
	t.Helper()
	d, err := theDescription()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// describedPaths are the twelve operations.
var describedPaths = []struct{ op, verb, path string }{
	{"report_payment", "post", "/v1/payment_records/report_payment"},
	{"report_payment_attempt", "post", "/v1/payment_records/{id}/report_payment_attempt"},
	{"report_payment_attempt_guaranteed", "post", "/v1/payment_records/{id}/report_payment_attempt_guaranteed"},
	{"report_payment_attempt_failed", "post", "/v1/payment_records/{id}/report_payment_attempt_failed"},
	{"report_payment_attempt_canceled", "post", "/v1/payment_records/{id}/report_payment_attempt_canceled"},
	{"report_payment_attempt_informational", "post", "/v1/payment_records/{id}/report_payment_attempt_informational"},
	{"report_refund", "post", "/v1/payment_records/{id}/report_refund"},
	{opRetrieveRecord, "get", "/v1/payment_records/{id}"},
	{opListRecords, "get", "/v1/payment_records"},
	{opRetrieveAttempt, "get", "/v1/payment_attempt_records/{id}"},
	{opListAttempts, "get", "/v1/payment_attempt_records"},
	{opAttach, "post", "/v1/invoices/{invoice}/attach_payment"},
}

func readDescription() (*description, error) {
	var doc schema
	if err := json.Unmarshal(embedded.OpenAPISpec, &doc); err != nil {
		return nil, err
	}
	d := &description{version: doc["info"].(schema)["version"].(string)}
	schemas := doc["components"].(schema)["schemas"].(schema)
	for _, s := range schemas {
		strict(s.(schema))
	}
	compiler := jsonschema.NewCompiler()
	answers := schema{}
	for _, at := range describedPaths {
		o := doc["paths"].(schema)[at.path].(schema)[at.verb].(schema)
		answer := o["responses"].(schema)["200"].(schema)["content"].(schema)["application/json"].(schema)["schema"].(schema)
		strict(answer)
		answers[at.op] = answer
		d.operations = append(d.operations, described{op: at.op, verb: at.verb, path: at.path, request: requestSchema(o, at.verb)})
	}
	if err := compiler.AddResource("mem:///spec", schema{"components": doc["components"], "$defs": answers}); err != nil {
		return nil, err
	}
	var err error
	for i := range d.operations {
		if d.operations[i].ok, err = compiler.Compile("mem:///spec#/$defs/" + d.operations[i].op); err != nil {
			return nil, err
		}
	}
	d.failure, err = compiler.Compile("mem:///spec#/components/schemas/error")
	return d, err
}

// requestSchema is one object of all parameters, wherever they are sent.
func requestSchema(o schema, verb string) schema {
	if verb == "post" {
		return o["requestBody"].(schema)["content"].(schema)["application/x-www-form-urlencoded"].(schema)["schema"].(schema)
	}
	properties, required := schema{}, []any{}
	for _, v := range o["parameters"].([]any) {
		p := v.(schema)
		if p["in"] != "query" {
			continue
		}
		properties[p["name"].(string)] = p["schema"]
		if p["required"] == true {
			required = append(required, p["name"])
		}
	}
	return schema{"type": "object", "properties": properties, "required": required}
}

// strict makes a schema of OpenAPI 3.0 one of JSON Schema: what may be null is
// said the other way round. Objects are closed, so that a field that the
// description does not know fails.
func strict(s schema) {
	for _, key := range []string{"items", "additionalProperties"} {
		if below, ok := s[key].(schema); ok {
			strict(below)
		}
	}
	for _, v := range list(s["anyOf"]) {
		strict(v.(schema))
	}
	if properties, ok := s["properties"].(schema); ok {
		for _, v := range properties {
			strict(v.(schema))
		}
		if _, said := s["additionalProperties"]; !said {
			s["additionalProperties"] = false
		}
	}
	if s["nullable"] == true {
		inner := maps.Clone(s)
		delete(inner, "nullable")
		clear(s)
		s["anyOf"] = []any{schema{"type": "null"}, inner}
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func TestDescription(t *testing.T) {
	d := describedAPI(t)
	if d.version != "2026-08-26.dahlia" || len(d.operations) != 12 {
		t.Errorf("version %s, %d operations", d.version, len(d.operations))
	}
	for _, o := range d.operations {
		if err := o.ok.Validate(schema{"object": "payment_record"}); err == nil {
			t.Errorf("%s: the description takes an object of almost nothing", o.op)
		}
	}
	if err := d.failure.Validate(schema{"error": schema{"type": "invalid_request_error", "foo": 1}}); err == nil {
		t.Error("the description takes an error with a field that it does not know")
	}
}

// Every parameter that the description names is one that the sandbox takes,
// and the other way round; so are types, enums and what is required at the top.
func TestSpecsAreTheDescriptions(t *testing.T) {
	specs := newSpecs()
	for _, o := range describedAPI(t).operations {
		spec := specs.spec(o.op, "2026-08-26.dahlia")
		var want, got []string
		walkSchema(o.request, "", func(path string, s schema, required bool) {
			if path != "expand" {
				want = append(want, path)
			}
		})
		for _, f := range spec.Fields {
			got = append(got, f.Path)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("%s: the description has %s; the sandbox %s", o.op, strings.Join(want, " "), strings.Join(got, " "))
		}
	}
}

// walkSchema visits every parameter below an object, parents first, in order.
func walkSchema(s schema, prefix string, visit func(path string, s schema, required bool)) {
	properties, _ := objectOf(s)["properties"].(schema)
	required := list(objectOf(s)["required"])
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		below := properties[name].(schema)
		visit(prefix+name, below, slices.Contains(required, any(name)))
		walkSchema(below, prefix+name+".", visit)
	}
}

// objectOf looks through the "object or empty string" of parameters that can
// be unset.
func objectOf(s schema) schema {
	for _, v := range list(s["anyOf"]) {
		if one := v.(schema); one["type"] == "object" {
			return one
		}
	}
	return s
}
