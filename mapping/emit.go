package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/yamltree"
	"github.com/payrec/payrec/record"
)

// An emit makes one call of a row.
type emit struct {
	node    *node
	call    record.CallName
	spec    *record.Spec
	per     *gathering // the rows that share one call; nil: each makes its own
	scope   *expression.Scope
	when    *program
	id      *program
	fee     *program
	net     *program
	targets []*target // ascending by path

	wildcard *wildcard // columns that become metadata; nil: none

	number    int  // among the mapping's emits
	ascending bool // the parameters come in canonical order, if each target gives its own
	amount    int  // the target with the call's amount; -1: the parameters tell
}

// A target is one field of a call, and what goes into it.
type target struct {
	path    string
	node    *node // of the value
	field   record.Field
	program *program // nil: literal
	literal string
	short   bool // comes from a short form, so that a written-out field wins

	currencyPath, valuePath string // of money
}

var emitKeys = []string{"on", "per", "let", "when", "call", "id", "needs", "fee", "net", "invoice", "set"}

func (c *compiler) emit(root *node, rowScope *expression.Scope) {
	n := root.Get("emit")
	if n == nil {
		c.At(root, "", `the key "emit" is missing: which calls are made?`)
		return
	}
	c.Each(n, "emit", func(item *node) {
		if !c.Keys(item, "an emit", emitKeys...) {
			return
		}
		e := &emit{node: item}
		classes := c.classList(item.Get("on"))
		if len(classes) == 0 {
			c.At(item, "say on: payment", "the emit says not for which class it is")
		}
		c.call(e, item)
		shown := len(c.names.list)
		c.per(e, item, classes, rowScope)
		e.scope = c.names.scope()
		e.when = c.condition(e.scope, item.Get("when"))
		c.perWhen(e)
		e.id = c.expression(e.scope, item.Get("id"), expression.Text, expression.Number)
		if item.Get("id") == nil {
			c.At(item, "say id: =reference, the natural identity of the call: the same id is the same event", "the emit has no id")
		}
		e.fee = c.expression(e.scope, item.Get("fee"), expression.Money)
		e.net = c.expression(e.scope, item.Get("net"), expression.Money)
		e.number = c.emits
		c.emits++
		if e.spec != nil {
			c.set(e, item)
			c.complete(e)
			e.prepare()
		}
		c.names.hide(shown)
		for _, class := range classes {
			c.m.emits[class] = append(c.m.emits[class], e)
		}
	})
}

func (c *compiler) call(e *emit, item *node) {
	var calls []string
	for _, name := range record.Writes() {
		calls = append(calls, string(name))
	}
	call := item.Get("call")
	if s, ok := c.Text(call); ok {
		e.call = record.CallName(s)
		if e.spec = record.SpecOf(e.call); e.spec == nil {
			c.At(call, yamltree.DidYouMeanOr(s, calls), "there is no call %q", s)
		}
	} else if call == nil {
		c.At(item, "known: "+strings.Join(calls, ", "), "the emit names no call")
	}
	if needs := item.Get("needs"); needs != nil {
		if s, ok := c.Text(needs); ok && s != string(record.ReportPayment) {
			c.At(needs, "", "needs can only be %s", record.ReportPayment)
		} else if e.call == record.ReportPayment {
			c.At(needs, "remove it", "%s makes the payment and cannot need it", record.ReportPayment)
		}
	}
}

// set compiles the fields, short forms first so that others win.
func (c *compiler) set(e *emit, item *node) {
	n := item.Get("set")
	if n != nil && n.Kind == yamltree.Map {
		for _, en := range n.Entries {
			c.shortForm(e, en.Key, en.Value)
		}
	}
	c.Pairs(n, "set", func(key, value *node) {
		if _, ok := e.spec.Field(key.Text); !ok && e.shortForms()[key.Text] != "" {
			return
		}
		c.field(e, key.Text, key, value)
	})
	if invoice := item.Get("invoice"); invoice != nil && e.call != record.AttachPayment {
		c.At(invoice, "remove it, or make an emit of its own that says call: attach_payment", "%s takes no invoice", e.call)
	} else if invoice != nil {
		c.field(e, "invoice", invoice, invoice)
	}
	slices.SortFunc(e.targets, func(a, b *target) int { return strings.Compare(a.path, b.path) })
}

// settable is what can stand under set: the call's fields and its short forms.
func (e *emit) settable() []string {
	var names []string
	for form, path := range e.shortForms() {
		if _, ok := e.spec.Field(path); ok {
			names = append(names, form)
		}
	}
	slices.Sort(names)
	for _, f := range e.spec.Fields {
		names = append(names, f.Path)
	}
	return names
}

// shortForms are the short forms, each with the field that a call must have
// for it.
func (e *emit) shortForms() map[string]string {
	reference := "processor_details.custom.payment_reference"
	if e.call == record.ReportRefund {
		reference = "processor_details.custom.refund_reference"
	}
	return map[string]string{"paid_at": "guaranteed.guaranteed_at", "refunded_at": "refunded.refunded_at",
		"reference": reference, "method": "payment_method_details.custom.type"}
}

// shortForm expands the forms that the package comment lists, on calls that
// have the fields.
func (c *compiler) shortForm(e *emit, key, value *node) {
	needed := e.shortForms()[key.Text]
	if _, ok := e.spec.Field(key.Text); ok || needed == "" {
		return
	}
	if _, ok := e.spec.Field(needed); !ok {
		c.At(key, yamltree.DidYouMean(key.Text, e.settable()), "%s takes no %q", e.call, key.Text)
		return
	}
	literal := func(s string) *node {
		return &node{File: key.File, Line: key.Line, Col: key.Col, Kind: yamltree.Scalar, Text: s}
	}
	put := func(path string, n *node) {
		field, _ := e.spec.Field(path)
		c.target(e, &target{path: path, node: n, field: field, short: true})
	}
	switch key.Text {
	case "paid_at":
		put("initiated_at", value)
		put("outcome", literal("guaranteed"))
		put("guaranteed.guaranteed_at", value)
	case "refunded_at":
		put("outcome", literal("refunded"))
		put("refunded.refunded_at", value)
	case "reference":
		put("processor_details.type", literal("custom"))
		put(needed, value)
	case "method":
		if !c.Keys(value, "method", "type", "name") {
			return
		}
		put("payment_method_details.type", literal("custom"))
		for short, path := range map[string]string{"type": "type", "name": "display_name"} {
			if v := value.Get(short); v != nil {
				put("payment_method_details.custom."+path, v)
			}
		}
	}
}

// field compiles what is written for one path, or for the paths below it.
func (c *compiler) field(e *emit, path string, key, value *node) {
	if path == "metadata.*" {
		c.wildcard(e, key, value)
		return
	}
	field, ok := e.spec.Field(path)
	if !ok {
		c.At(key, yamltree.DidYouMean(path, e.settable()), "%s takes no %q", e.call, path)
		return
	}
	if strings.HasPrefix(path, "metadata.payrec_") {
		c.At(key, "choose another key", "metadata keys that begin with payrec_ are payrec's own")
	}
	isMetadataKey := field.Type == record.TypeMetadata && path != field.Path
	if value.Kind == yamltree.Map && !isMetadataKey {
		switch field.Type {
		case record.TypeObject, record.TypeMoney, record.TypeMetadata:
			for _, en := range value.Entries {
				c.field(e, path+"."+en.Key.Text, en.Key, en.Value)
			}
			return
		}
	}
	if value.Kind == yamltree.Null && field.Unset {
		value.Kind = yamltree.Scalar
	}
	if value.Kind != yamltree.Scalar {
		if value.Kind == yamltree.Null {
			c.At(key, "remove it, or write a value", "%q has no value", path)
		} else {
			c.At(value, "", "%q takes one value, not %s", path, value.Kind)
		}
		return
	}
	isObject := field.Type == record.TypeObject || field.Type == record.TypeMetadata && !isMetadataKey
	if isObject && (value.Text != "" || !field.Unset) {
		c.At(value, "set what is below it: "+path+": {…}", "%q is an object, not one value", path)
		return
	}
	c.target(e, &target{path: path, node: value, field: field})
}

// target compiles one value and adds it to the call.
func (c *compiler) target(e *emit, t *target) {
	for i, other := range e.targets {
		if other.path != t.path {
			continue
		}
		if other.short {
			e.targets = slices.Delete(e.targets, i, i+1)
			break
		}
		c.At(t.node, "keep one of them", "%q is set twice, first on line %d", t.path, other.node.Line)
		return
	}
	if t.node.Kind != yamltree.Scalar {
		c.At(t.node, "", "%q takes one value, not %s", t.path, t.node.Kind)
		return
	}
	e.targets = append(e.targets, t)
	if t.path != t.field.Path { // a pair of metadata
		c.literal(e, t, "x") // the key can be too long, whatever the value
	}
	if t.node.IsExpression() {
		if t.program = c.expression(e.scope, t.node, takes(t.field)...); t.program != nil {
			return
		}
		t.literal = "1" // broken: it is reported, and must not be missing as well
		return
	}
	t.literal = t.node.Text
	c.literal(e, t, t.literal)
}

// literal holds a value that is known now against the field.
func (c *compiler) literal(e *emit, t *target, value string) {
	for _, problem := range e.spec.Check(record.Params{{Path: t.path, Value: value}}) {
		if problem.Path != t.path || problem.Kind == record.Missing {
			continue
		}
		hint := yamltree.DidYouMean(value, t.field.Enum)
		if t.field.Type == record.TypeTimestamp || t.field.Type == record.TypeMoney || t.field.Type == record.TypeInteger {
			hint = "an expression begins with ="
		}
		c.At(t.node, hint, "%s %s: %q", t.path, problem.Msg, t.node.Text)
	}
}

// takes is the kinds of expression that a field can be filled from.
func takes(f record.Field) []expression.Kind {
	switch f.Type {
	case record.TypeMoney, record.TypeInteger:
		return []expression.Kind{expression.Money}
	case record.TypeTimestamp:
		return []expression.Kind{expression.Time}
	case record.TypeCurrency:
		return []expression.Kind{expression.Text, expression.Money}
	case record.TypeEnum:
		return []expression.Kind{expression.Text}
	}
	return nil
}

// complete holds the fields as a whole against the spec: which are missing.
func (c *compiler) complete(e *emit) {
	var p record.Params
	for _, t := range e.targets {
		value := "1"
		if t.program == nil {
			value = t.literal
		}
		if t.field.Type == record.TypeMoney {
			p.Set(t.path+".currency", "usd")
			p.Set(t.path+".value", "1")
			continue
		}
		p.Set(t.path, value)
	}
	dynamic := slices.ContainsFunc(e.targets, func(t *target) bool { return t.path == "outcome" && t.program != nil })
	for _, problem := range e.spec.Check(p) {
		if problem.Kind == record.TooLong && problem.Path == "metadata" {
			c.At(e.node, "", "%s", problem.Error())
		}
		if problem.Kind != record.Missing || dynamic && problem.Path != "" && !isRequired(e.spec, problem.Path) {
			continue
		}
		c.At(e.node, missingHint(problem), "%s needs %q", e.call, problem.Path)
	}
}

// prepare says what filling the call need not find out for every row.
func (e *emit) prepare() {
	e.ascending, e.amount = true, -1
	last, apart := "", false
	for i, t := range e.targets {
		first, end := t.path, t.path
		if t.program != nil && t.field.Type == record.TypeMoney {
			t.currencyPath, t.valuePath = t.path+".currency", t.path+".value"
			first, end = t.currencyPath, t.valuePath
			if t.path == "amount_requested" || t.path == "amount" {
				e.amount = i
			}
		}
		e.ascending = e.ascending && first > last
		last = end
		if t.field.Type == record.TypeInteger {
			apart = true
		}
	}
	if apart { // a value that stands by itself
		e.amount = -1
	}
}

func isRequired(spec *record.Spec, path string) bool {
	f, ok := spec.Field(path)
	return ok && f.Required
}

func missingHint(problem *record.FieldError) string {
	switch problem.Path {
	case "initiated_at":
		return "say paid_at: =at, or initiated_at: =at"
	case "processor_details":
		return "say reference: =id"
	case "payment_method_details":
		return "say method: {name: Adyen}"
	case "invoice":
		return "say invoice: =invoice, its id at Stripe (in_…)"
	case "outcome":
		return "say refunded_at: =at, or outcome: …"
	}
	if strings.HasPrefix(problem.Msg, "needed") || strings.HasPrefix(problem.Msg, "must") || strings.HasPrefix(problem.Msg, "either") {
		return problem.Msg
	}
	return fmt.Sprintf("set %s", problem.Path)
}
