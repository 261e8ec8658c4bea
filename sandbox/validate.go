package sandbox

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/payrec/payrec/record"
)

// Versions from which the API does more. Source: docs.stripe.com/changelog.
const (
	sinceList     = "2026-07-29" // .dahlia: GET /v1/payment_records
	sinceCanceled = "2026-09-30" // .endive: outcome=canceled
)

// specs are the parameters that the operations take, made once per server.
type specs struct {
	calls    map[record.CallName]*record.Spec
	canceled map[record.CallName]*record.Spec // from sinceCanceled on
	reads    map[string]*record.Spec
}

func newSpecs() specs {
	s := specs{map[record.CallName]*record.Spec{}, map[record.CallName]*record.Spec{}, map[string]*record.Spec{}}
	for _, call := range record.Calls() {
		s.calls[call] = record.SpecOf(call)
		s.canceled[call] = withCanceled(record.SpecOf(call))
	}
	text := func(path string, required bool) record.Field {
		return record.Field{Path: path, Type: record.TypeText, Required: required, Max: 5000}
	}
	read := func(name string, fields ...record.Field) {
		s.reads[name] = &record.Spec{Call: record.CallName(name), Fields: fields}
	}
	read(opRetrieveRecord)
	read(opRetrieveAttempt)
	// Numbers are read by the operations themselves: unlike a call's, they may be 0.
	read(opListRecords, text("created_after", false), text("created_before", false),
		text("ending_before", false), text("limit", false), text("starting_after", false))
	read(opListAttempts, text("limit", false), text("payment_record", true), text("starting_after", false))
	read(opAttach, text("payment_intent", false), text("payment_record", false)) // one of them: see decideAttach
	read(opInvoicePayments, text("invoice", true), text("limit", false), record.Field{Path: "payment", Type: record.TypeObject, Required: true},
		text("payment.payment_record", true), record.Field{Path: "payment.type", Type: record.TypeEnum, Required: true, Enum: []string{"payment_record"}})
	return s
}

// withCanceled adds outcome=canceled to the calls that take an outcome of a payment.
func withCanceled(s *record.Spec) *record.Spec {
	i := slices.IndexFunc(s.Fields, func(f record.Field) bool { return f.Path == "outcome" })
	if i < 0 || s.Call == record.ReportRefund {
		return s
	}
	s.Fields[i].Enum = []string{"canceled", "failed", "guaranteed"}
	s.Fields = append(s.Fields, record.Field{Path: "canceled", Type: record.TypeObject},
		record.Field{Path: "canceled.canceled_at", Type: record.TypeTimestamp, Required: true})
	slices.SortFunc(s.Fields, func(a, b record.Field) int { return cmp.Compare(a.Path, b.Path) })
	return s
}

// spec finds what an operation takes at a version of the API.
func (s *specs) spec(op, version string) *record.Spec {
	if spec := s.reads[op]; spec != nil {
		return spec
	}
	if version >= sinceCanceled {
		return s.canceled[record.CallName(op)]
	}
	return s.calls[record.CallName(op)]
}

// validate judges a form before anything is executed: unknown names first,
// then what is missing, then what is wrong.
func validate(spec *record.Spec, f form) *apiError {
	if len(f.odd) > 0 {
		return unknown(slices.Clone(f.odd))
	}
	errs := spec.Check(f.params)
	if e := expandable(f.expand, string(spec.Call)); e != nil && len(errs) == 0 {
		return e
	}
	if len(errs) == 0 {
		return nil
	}
	var names []string
	for _, e := range errs {
		if e.Kind == record.Unknown {
			names = append(names, bracketed(e.Path))
		}
	}
	if len(names) > 0 {
		return unknown(names)
	}
	for _, e := range errs {
		if e.Kind == record.Missing && !insideText(f.params, e.Path) {
			return missing(e.Path)
		}
	}
	for _, e := range errs {
		if e.Kind != record.Missing {
			value, _ := f.params.Get(e.Path)
			return wrong(spec, e, value)
		}
	}
	return missing(errs[0].Path)
}

// insideText says whether a field is missing only because text was given for
// the object that it belongs in, which is then what is wrong.
func insideText(params record.Params, path string) bool {
	for i := strings.LastIndexByte(path, '.'); i >= 0; i = strings.LastIndexByte(path, '.') {
		path = path[:i]
		if _, text := params.Get(path); text {
			return true
		}
	}
	return false
}

func unknown(names []string) *apiError {
	for i := range names {
		names[i] = short(names[i])
	}
	if len(names) == 1 {
		return invalid("parameter_unknown", names[0], "Received unknown parameter: %s", names[0])
	}
	if len(names) > 10 {
		names = append(names[:10:10], "...")
	}
	return invalid("parameter_unknown", names[0], "Received unknown parameters: %s", strings.Join(names, ", "))
}

func missing(path string) *apiError {
	return invalid("parameter_missing", bracketed(path), "Missing required param: %s.", bracketed(path))
}

// wrong words a value that is there and cannot be taken.
func wrong(spec *record.Spec, e *record.FieldError, value string) *apiError {
	name := bracketed(e.Path)
	field, _ := spec.Field(e.Path)
	switch {
	case !utf8.ValidString(value) || !utf8.ValidString(e.Path):
		return refused("", "a parameter is not valid UTF-8")
	case field.Type == record.TypeMetadata && e.Kind == record.TooLong && e.Value == "" && e.Path == "metadata":
		return tooManyPairs()
	case field.Type == record.TypeMetadata:
		return invalid("", name, "Invalid metadata: %s", e.Msg)
	case value == "" && field.Unset:
		return invalid("", name, "Invalid %s: %s", name, e.Msg)
	case value == "":
		return invalid("parameter_invalid_empty", name, "You passed an empty string for '%s'. We assume empty values are an attempt to unset a parameter; however '%s' cannot be unset. You should remove '%s' from your request or supply a non-empty value.", name, name, name)
	case field.Type == record.TypeInteger, field.Type == record.TypeTimestamp:
		return wrongInteger(name, value, e.Msg)
	case field.Type == record.TypeEnum:
		return invalid("", name, "Invalid %s: must be one of %s", name, oneOf(field.Enum))
	case field.Type == record.TypeCurrency:
		return invalid("", name, "Invalid currency: %s. The sandbox takes the currencies that the API lists, in lower case.", short(value))
	case field.Type == record.TypeObject, field.Type == record.TypeMoney:
		return invalid("", name, "Invalid object")
	}
	return invalid("", name, "Invalid string: %s; must be at most %d characters", short(value), field.Max)
}

// oneOf lists values as the API's messages do: "a or b", "a, b, or c".
func oneOf(values []string) string {
	switch n := len(values); n {
	case 0:
		return ""
	case 1:
		return values[0]
	case 2:
		return values[0] + " or " + values[1]
	default:
		return strings.Join(values[:n-1], ", ") + ", or " + values[n-1]
	}
}

func wrongInteger(name, value, why string) *apiError {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return invalid("parameter_invalid_integer", name, "Invalid integer: %s", short(value))
	case n < 1:
		return invalid("parameter_invalid_integer", name, "This value must be greater than or equal to 1.")
	}
	return invalid("parameter_invalid_integer", name, "Invalid integer: %s; %s", short(value), why)
}

func tooManyPairs() *apiError {
	return refused("metadata", "metadata would hold more than %d keys; unset some of them", record.MaxMetadataPairs)
}

// expandable accepts the names of fields that the objects have. Everything is
// always included, so expanding changes nothing.
func expandable(names []string, op string) *apiError {
	for _, name := range names {
		top := name
		if op == opAttach {
			return refused("expand", "invoices are not modelled, so nothing in them can be expanded (%s)", short(name))
		}
		if strings.HasPrefix(op, "list_") {
			var ok bool
			if top, ok = strings.CutPrefix(name, "data."); !ok {
				return cannotExpand(name)
			}
		}
		top, _, _ = strings.Cut(top, ".")
		switch top {
		case "amount", "amount_authorized", "amount_canceled", "amount_failed", "amount_guaranteed", "amount_refunded",
			"amount_requested", "customer_details", "payment_method_details", "processor_details", "shipping_details":
		default:
			return cannotExpand(name)
		}
	}
	return nil
}

func cannotExpand(name string) *apiError {
	return invalid("", "expand", "This property cannot be expanded (%s).", short(name))
}
