package record

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A FieldError is why one parameter of a call would be refused.
type FieldError struct {
	Path  string // dotted; "" when it is not about one field
	Value string // the offending text, "" when the field is missing
	Kind  ErrorKind
	Msg   string // what is wrong, without the path
}

// An ErrorKind groups field errors by their cause.
type ErrorKind uint8

// The causes of field errors.
const (
	Unknown ErrorKind = iota // the call takes no such field
	Missing                  // a required field is not there
	Invalid                  // the text is not what the field takes
	TooLong                  // more text or more pairs than the API takes
)

func (e *FieldError) Error() string {
	switch {
	case e.Path == "":
		return e.Msg
	case e.Value == "":
		return e.Path + ": " + e.Msg
	}
	return fmt.Sprintf("%s: %s: %q", e.Path, e.Msg, e.Value)
}

// Check holds the parameters against the spec and returns everything that is
// certainly wrong. What only the API can judge (least and greatest amounts,
// references, dates) is left to it.
func (s *Spec) Check(p Params) []*FieldError {
	var errs []*FieldError
	for _, param := range p {
		if e := s.checkParam(param); e != nil {
			errs = append(errs, e)
		}
	}
	for _, f := range s.Fields {
		if f.Required && !p.Has(f.Path) && hasParent(p, f.Path) {
			errs = append(errs, &FieldError{Path: f.Path, Kind: Missing, Msg: fmt.Sprintf("%s needs it", s.Call)})
		}
	}
	return append(errs, s.checkTogether(p)...)
}

func hasParent(p Params, path string) bool {
	i := strings.LastIndexByte(path, '.')
	return i < 0 || p.Has(path[:i])
}

// checkTogether holds the rules that bind several fields.
func (s *Spec) checkTogether(p Params) []*FieldError {
	var errs []*FieldError
	missing := func(path, msg string) { errs = append(errs, &FieldError{Path: path, Kind: Missing, Msg: msg}) }
	given, _ := p.Get("outcome")
	for _, outcome := range []string{"canceled", "failed", "guaranteed"} {
		at := outcome + "." + outcome + "_at"
		if _, ok := s.Field(at); !ok {
			continue // not an outcome of this call
		}
		switch has := p.Has(outcome); {
		case given == outcome && !has:
			missing(at, "needed because outcome is "+outcome)
		case has && given != outcome:
			missing("outcome", fmt.Sprintf("must be %q because %s is given", outcome, outcome))
		}
	}
	const method = "payment_method_details"
	if _, ok := s.Field(method); ok && p.Has(method) && !p.Has(method+".type") && !p.Has(method+".payment_method") {
		missing(method+".type", "either it or payment_method is needed")
	}
	errs = append(errs, s.checkUnset(p)...)
	errs = append(errs, s.checkSteps(p)...)
	pairs := 0
	for range p.Metadata {
		pairs++
	}
	if pairs > MaxMetadataPairs {
		errs = append(errs, &FieldError{Path: "metadata", Kind: TooLong, Msg: fmt.Sprintf("%d pairs; the API takes %d", pairs, MaxMetadataPairs)})
	}
	return errs
}

// checkUnset refuses to unset a whole and set parts of it at once.
func (s *Spec) checkUnset(p Params) []*FieldError {
	var errs []*FieldError
	for _, whole := range p {
		if f, ok := s.Field(whole.Path); !ok || !f.Unset || f.Path != whole.Path {
			continue
		}
		if i, _ := slices.BinarySearchFunc(p, whole.Path+".", byPath); i < len(p) && strings.HasPrefix(p[i].Path, whole.Path+".") {
			errs = append(errs, &FieldError{Path: whole.Path, Kind: Invalid, Msg: "is unset and set at once"})
		}
	}
	return errs
}

// checkSteps holds money against the currencies whose minor unit is finer than
// what the API takes of them.
func (s *Spec) checkSteps(p Params) []*FieldError {
	var errs []*FieldError
	for _, f := range s.Fields {
		if f.Type != TypeMoney {
			continue
		}
		text, _ := p.Get(f.Path + ".value")
		code, _ := p.Get(f.Path + ".currency")
		step := Currency(code).step()
		if v, err := strconv.ParseInt(text, 10, 64); err == nil && v%step != 0 {
			errs = append(errs, &FieldError{f.Path + ".value", cut(text), Invalid,
				fmt.Sprintf("must be a multiple of %d in %s", step, Currency(code).Upper())})
		}
	}
	return errs
}

func (s *Spec) checkParam(p Param) *FieldError {
	f, ok := s.Field(p.Path)
	if !ok {
		return &FieldError{p.Path, "", Unknown, fmt.Sprintf("%s takes no such field", s.Call)}
	}
	if kind, msg := f.check(p); msg != "" {
		return &FieldError{p.Path, cut(p.Value), kind, msg}
	}
	return nil
}

// check returns what is wrong with the text, or "".
func (f Field) check(p Param) (ErrorKind, string) {
	v := p.Value
	if !utf8.ValidString(v) || !utf8.ValidString(p.Path) {
		return Invalid, "not valid UTF-8"
	}
	if f.Type == TypeMetadata {
		return checkMetadata(p)
	}
	if v == "" && f.Unset {
		return 0, ""
	}
	switch f.Type {
	case TypeObject, TypeMoney:
		return Invalid, "an object; set the fields below it"
	case TypeInteger:
		if !positive(v, maxMinor) {
			return Invalid, "must be a positive integer of at most 12 digits, in minor units"
		}
	case TypeTimestamp:
		if !positive(v, maxUnix) {
			return Invalid, "must be a time in Unix seconds"
		}
	case TypeCurrency:
		if !Currency(v).Known() {
			return Invalid, "must be a currency that the API takes, in lower case"
		}
	case TypeEnum:
		for _, value := range f.Enum {
			if v == value {
				return 0, ""
			}
		}
		return Invalid, "must be " + strings.Join(f.Enum, " or ")
	case TypeText:
		if v == "" {
			return Invalid, "is empty"
		}
		if n := utf8.RuneCountInString(v); n > f.Max {
			return TooLong, fmt.Sprintf("%d characters; the API takes %d", n, f.Max)
		}
		if f.Prefix != "" && !isID(v, f.Prefix) {
			return Invalid, "must be an id of Stripe's that begins with " + f.Prefix
		}
	}
	return 0, ""
}

// Sure says at a glance that a text passes as the field's value. False says
// nothing: [Spec.Check] has the last word.
func (f *Field) Sure(value string) bool {
	switch f.Type {
	case TypeText:
		return value != "" && len(value) <= f.Max && f.Prefix == "" && utf8.ValidString(value)
	case TypeMetadata:
		return len(value) <= MaxMetadataValue && utf8.ValidString(value)
	case TypeEnum:
		return slices.Contains(f.Enum, value)
	}
	return false
}

// SureNumber is [Field.Sure] for the decimal digits of n.
func (f *Field) SureNumber(n int64) bool {
	switch f.Type {
	case TypeInteger, TypeMoney:
		return 0 < n && n <= maxMinor
	case TypeTimestamp:
		return 0 < n && n <= maxUnix
	}
	return false
}

// Bounds on numbers. maxUnix is the end of the year 9999: what lies beyond was
// meant as milliseconds.
const (
	maxMinor = 999_999_999_999
	maxUnix  = 253_402_300_799
)

// positive says whether s is a number from 1 to most as the API reads one:
// digits alone, because 7, +7 and 007 as bodies would be three different calls.
func positive(s string, most int64) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && n > 0 && n <= most && s[0] != '+' && s[0] != '0'
}

// isID says whether s can be an id: it may become part of a path.
func isID(s, prefix string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	return ok && rest != "" && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

func checkMetadata(p Param) (ErrorKind, string) {
	key, nested := strings.CutPrefix(p.Path, "metadata.")
	switch {
	case !nested && p.Value != "":
		return Invalid, `takes pairs, or "" to unset them all`
	case !nested:
		return 0, ""
	case key == "":
		return Invalid, "an empty metadata key"
	case strings.ContainsAny(key, "[]"):
		return Invalid, "a metadata key must not contain [ or ]"
	case utf8.RuneCountInString(key) > MaxMetadataKey:
		return TooLong, fmt.Sprintf("a metadata key of %d characters; the API takes %d", utf8.RuneCountInString(key), MaxMetadataKey)
	}
	if n := utf8.RuneCountInString(p.Value); n > MaxMetadataValue {
		return TooLong, fmt.Sprintf("%d characters; the API takes %d in a metadata value", n, MaxMetadataValue)
	}
	return 0, ""
}

// cut keeps messages short, whatever the input was.
func cut(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	end := most
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
