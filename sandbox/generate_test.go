package sandbox

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// A generated request, with what the sandbox must make of it.
type generated struct {
	kind  string // what was done to a valid request; "valid" for nothing
	id    string // of the object in the path
	form  url.Values
	code  string // of the refusal
	param string // of the refusal, "" when it does not matter
	ok    bool   // the sandbox takes it
}

// A generator makes requests from the official description, not from the
// sandbox's own tables.
type generator struct {
	*rand.Rand
	t *testing.T
	s *Server
	n int // for what must be unique
}

// bracket writes a dotted path as a parameter's name.
func bracket(path string) string {
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		return path
	}
	return head + "[" + strings.ReplaceAll(rest, ".", "][") + "]"
}

// valid fills a form from the description: all that is required, some of the
// rest.
func (g *generator) valid(o described) generated {
	form := url.Values{}
	g.object(form, o.request, "")
	id := g.subject(o.op)
	g.sensible(o.op, form, id)
	return generated{kind: "valid", id: id, form: form, ok: true}
}

func (g *generator) object(form url.Values, s schema, prefix string) {
	s = objectOf(s)
	properties, _ := s["properties"].(schema)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if !slices.Contains(list(s["required"]), any(name)) && g.IntN(5) < 3 || name == "expand" {
			continue
		}
		g.value(form, properties[name].(schema), prefix+name)
	}
}

func (g *generator) value(form url.Values, s schema, path string) {
	name := bracket(path)
	switch {
	case path == "metadata":
		for range g.IntN(4) {
			form.Set("metadata["+g.text(1+g.IntN(20), "abc_-. é")+"]", g.text(g.IntN(60), letters))
		}
	case len(list(s["anyOf"])) > 0 && g.IntN(4) == 0:
		form.Set(name, "") // unset
	case objectOf(s)["type"] == "object":
		g.object(form, s, path+".")
	case s["enum"] != nil:
		values := list(s["enum"])
		form.Set(name, values[g.IntN(len(values))].(string))
	case s["format"] == "currency":
		form.Set(name, []string{"usd", "eur", "jpy", "gbp", "kwd", "isk"}[g.IntN(6)])
	case s["format"] == "unix-time":
		form.Set(name, fmt.Sprint(1+g.IntN(4_000_000_000)))
	case s["type"] == "integer" && path == "limit":
		form.Set(name, fmt.Sprint(1+g.IntN(100)))
	case s["type"] == "integer":
		form.Set(name, fmt.Sprint(100*(1+g.IntN(100_000))))
	case g.IntN(25) == 0 && !strings.HasSuffix(path, "email"):
		form.Set(name, strings.Repeat("é", 5000))
	default:
		form.Set(name, g.text(1+g.IntN(40), letters))
	}
}

const letters = "abcXYZ 0189&=[]%+;é漢<>\"'\\\n"

func (g *generator) text(n int, from string) string {
	all := []rune(from)
	b := make([]rune, n)
	for i := range b {
		b[i] = all[g.IntN(len(all))]
	}
	return string(b)
}

// subject is an object that the call can be made on.
func (g *generator) subject(op string) string {
	switch op {
	case opListRecords, opListAttempts, "report_payment":
		return ""
	case "report_payment_attempt":
		return inState(g.t, g.s, []string{"failed", "canceled"}[g.IntN(2)])
	case "report_refund":
		return inState(g.t, g.s, "guaranteed")
	case opRetrieveAttempt:
		return get(g.t, g.s, "/v1/payment_records/"+inState(g.t, g.s, states[g.IntN(4)])).str("latest_payment_attempt_record")
	case opAttach:
		g.n++
		return fmt.Sprint("in_", g.n)
	}
	return inState(g.t, g.s, "initiated")
}

// sensible puts in what no schema can say: ids of things that exist, amounts
// that fit, and the rules of the reference pages.
func (g *generator) sensible(op string, form url.Values, id string) {
	g.n++
	if form.Has("processor_details[custom][refund_reference]") || op == "report_refund" {
		form.Set("processor_details[custom][refund_reference]", fmt.Sprint("refund-", g.n)) // the page requires it, the schema does not
	}
	if form.Has("amount[value]") {
		form.Set("amount[currency]", "usd")
		form.Set("amount[value]", fmt.Sprint(1+g.IntN(1000)))
	}
	for _, outcome := range []string{"guaranteed", "failed"} {
		at := outcome + "[" + outcome + "_at]"
		if form.Del(at); form.Get("outcome") == outcome {
			form.Set(at, "1700000000")
		}
	}
	const method = "payment_method_details"
	if form.Has(method + "[payment_method]") {
		form.Set(method+"[payment_method]", fmt.Sprint("pm_", g.n))
	} else if op == "report_payment" || g.below(form, method) {
		form.Set(method+"[type]", "custom")
	}
	for _, pair := range [][2]string{{"starting_after", "ending_before"}, {"payment_record", "payment_intent"}} {
		if form.Has(pair[0]) {
			form.Del(pair[1])
		}
	}
	switch op {
	case opListRecords:
		for _, cursor := range []string{"starting_after", "ending_before"} {
			if form.Has(cursor) {
				form.Set(cursor, inState(g.t, g.s, "initiated"))
			}
		}
	case opListAttempts:
		record := inState(g.t, g.s, "initiated")
		form.Set("payment_record", record)
		if form.Has("starting_after") {
			form.Set("starting_after", get(g.t, g.s, "/v1/payment_records/"+record).str("latest_payment_attempt_record"))
		}
	case opAttach:
		form.Del("payment_intent")
		form.Set("payment_record", inState(g.t, g.s, "guaranteed"))
		if g.IntN(3) == 0 {
			pi := fmt.Sprint("pi_", g.n)
			if _, err := g.s.SeedStripe(StripePayment{PaymentIntent: pi, Amount: amount("usd", 5), Outcome: "guaranteed"}); err != nil {
				g.t.Fatal(err)
			}
			form.Del("payment_record")
			form.Set("payment_intent", pi)
		}
	}
	if op != opAttach && g.IntN(6) == 0 {
		prefix := ""
		if strings.HasPrefix(op, "list_") {
			prefix = "data."
		}
		form.Add("expand[]", prefix+[]string{"processor_details", "payment_method_details", "amount_refunded"}[g.IntN(3)])
	}
}

// below says whether anything of an object is set.
func (g *generator) below(form url.Values, object string) bool {
	for name := range form {
		if strings.HasPrefix(name, object+"[") {
			return true
		}
	}
	return false
}

// A parameter is one that a form can be spoilt by.
type parameter struct {
	path     string
	schema   schema
	required bool
}

func parametersOf(o described) (all []parameter) {
	walkSchema(o.request, "", func(path string, s schema, required bool) {
		if path != "expand" {
			all = append(all, parameter{path, s, required})
		}
	})
	return all
}

// spoil makes one thing wrong, or at least unusual, in a valid request.
func (g *generator) spoil(o described) generated {
	r := g.valid(o)
	parameters := parametersOf(o)
	switch {
	case g.IntN(12) == 0 && r.id != "" && o.op != opAttach:
		r.kind, r.id, r.ok, r.code = "no such object", []string{"pr_none", "par_none", "x", "pr_é%20"}[g.IntN(4)], false, "resource_missing"
		return r
	case g.IntN(12) == 0 && (o.op == "report_payment" || o.op == "report_refund"):
		r.kind, r.ok, r.code = "missing, says the page", false, "parameter_missing"
		for _, name := range []string{"processor_details[custom][refund_reference]", "payment_method_details[type]", "payment_method_details[payment_method]"} {
			r.form.Del(name)
		}
		if o.op == "report_payment" {
			r.form.Set("payment_method_details[billing_details][name]", "N")
		}
		return r
	case len(parameters) == 0 || g.IntN(5) == 0:
		return g.unknown(r, o)
	}
	p := parameters[g.IntN(len(parameters))]
	name := bracket(p.path)
	g.withParents(r.form, p, parameters, o)
	below := func() {
		for other := range r.form {
			if strings.HasPrefix(other, name+"[") {
				r.form.Del(other)
			}
		}
	}
	refuse := func(kind, value, code string) generated {
		below()
		r.form.Set(name, value)
		r.kind, r.ok, r.code, r.param = kind, false, code, name
		return r
	}
	object := objectOf(p.schema)["type"] == "object"
	switch {
	case p.required && g.IntN(2) == 0:
		below()
		r.form.Del(name)
		if i := strings.LastIndexByte(p.path, '.'); i > 0 && !g.below(r.form, bracket(p.path[:i])) {
			return g.valid(o) // the object went with its last field
		}
		r.kind, r.ok, r.code = "missing", false, "parameter_missing"
	case p.path == "metadata":
		return g.metadata(r)
	case object:
		return refuse("text for an object", "x", "")
	case g.IntN(6) == 0:
		r.form.Del(name)
		r.form.Set(name+"[x]", "1")
		r.kind, r.ok, r.code, r.param = "object for a scalar", false, "parameter_unknown", name+"[x]"
		if p.required {
			r.param = "" // what is there is unknown, what is needed is missing
		}
	case p.schema["enum"] != nil:
		return refuse("not of the enum", "zzz", "")
	case p.schema["format"] == "currency":
		return refuse("no currency", "zzz", "")
	case p.schema["type"] == "integer" && g.IntN(3) == 0 && !strings.HasPrefix(p.path, "created_"):
		return refuse("integer not positive", []string{"0", "-5"}[g.IntN(2)], "parameter_invalid_integer")
	case p.schema["type"] == "integer":
		return refuse("no integer", []string{"ten", "1.5", "1e3", "0x10", "99999999999999999999", "2026-01-01"}[g.IntN(6)], "parameter_invalid_integer")
	case g.IntN(3) > 0 && p.schema["maxLength"] != nil:
		return refuse("text too long", strings.Repeat("x", 5001), "")
	case len(list(p.schema["anyOf"])) > 0 && g.IntN(2) == 0:
		return refuse("text too long", strings.Repeat("x", 5001), "")
	case len(list(p.schema["anyOf"])) > 0:
		r.form.Set(name, "")
		r.kind = "unset"
	default:
		return refuse("empty text", "", "parameter_invalid_empty")
	}
	return r
}

func (g *generator) unknown(r generated, o described) generated {
	names := []string{"foo", "amount_total", "Metadata[a]", "foo[bar]", "outcomes"}
	r.kind, r.ok, r.code = "unknown", false, "parameter_unknown"
	r.param = names[g.IntN(len(names))]
	var objects []string
	for _, p := range parametersOf(o) {
		if objectOf(p.schema)["type"] == "object" && p.path != "metadata" && g.below(r.form, bracket(p.path)) {
			objects = append(objects, bracket(p.path))
		}
	}
	if len(objects) > 0 && g.IntN(2) == 0 {
		r.kind, r.param = "unknown in an object", objects[g.IntN(len(objects))]+"[foo]"
	}
	r.form.Set(r.param, "1")
	return r
}

func (g *generator) metadata(r generated) generated {
	for name := range r.form {
		if strings.HasPrefix(name, "metadata[") {
			r.form.Del(name)
		}
	}
	set := func(kind, name, value string, ok bool) {
		r.form.Set(name, value)
		r.kind, r.ok = kind, ok
	}
	switch g.IntN(5) {
	case 0:
		set("text for an object", "metadata", "x", false)
	case 1:
		set("unset", "metadata", "", true)
	case 2:
		set("metadata beyond its limits", "metadata[k]", strings.Repeat("v", 501), false)
	case 3:
		set("metadata beyond its limits", "metadata["+strings.Repeat("k", 41)+"]", "v", false)
	default:
		for i := range 51 {
			set("metadata beyond its limits", fmt.Sprintf("metadata[k%d]", i), "v", false)
		}
	}
	return r
}

// withParents completes the objects that a parameter stands in, so that
// nothing else is wrong than what the caller will make wrong.
func (g *generator) withParents(form url.Values, p parameter, all []parameter, o described) {
	for _, q := range all {
		i := strings.LastIndexByte(q.path, '.')
		if i < 0 || !strings.HasPrefix(p.path+".", q.path[:i+1]) {
			continue // not in an object that p stands in
		}
		form.Del(bracket(q.path[:i])) // it may have been unset
		if name := bracket(q.path); q.required && !form.Has(name) && !g.below(form, name) {
			g.value(form, q.schema, q.path)
		}
	}
	// The outcome that goes with its object, and a type of the method.
	if head, _, nested := strings.Cut(p.path, "."); head == "guaranteed" || head == "failed" {
		for _, outcome := range []string{"guaranteed", "failed"} {
			form.Del(outcome + "[" + outcome + "_at]")
		}
		form.Set("outcome", head)
		if nested {
			form.Set(bracket(p.path), "1700000000")
		}
	}
	if strings.HasPrefix(p.path, "payment_method_details.") {
		form.Set("payment_method_details[type]", "custom")
	}
	if p.path == "amount" || strings.HasPrefix(p.path, "amount.") {
		form.Set("amount[currency]", "usd")
		form.Set("amount[value]", "5")
	}
}
