package sandbox

import (
	"fmt"
	"net/http"
)

// Error types of the API. Source: the api_errors schema of the OpenAPI description.
const (
	typeInvalid     = "invalid_request_error"
	typeIdempotency = "idempotency_error"
	typeAPI         = "api_error"
)

// ownPrefix opens every message that is the sandbox's own wording, so that
// nobody takes it for Stripe's.
const ownPrefix = "[payrec sandbox] "

// apiError is a refusal in the shape that the API gives it.
type apiError struct {
	status  int
	kind    string // "type" in the answer
	code    string // "" when the documentation names none
	message string
	param   string // bracket form
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.kind, e.message) }

// body is the answer: empty fields are left out, as the API does.
func (e *apiError) body() []byte {
	b := make([]byte, 0, 256)
	b = append(b, `{"error":{`...)
	if e.code != "" {
		b = append(b, `"code":`...)
		b = appendString(b, e.code)
		b = append(b, `,"doc_url":`...)
		b = appendString(b, "https://stripe.com/docs/error-codes/"+docName(e.code))
		b = append(b, ',')
	}
	b = append(b, `"message":`...)
	b = appendString(b, e.message)
	if e.param != "" {
		b = append(b, `,"param":`...)
		b = appendString(b, e.param)
	}
	b = append(b, `,"type":`...)
	b = appendString(b, e.kind)
	return append(b, "}}"...)
}

// docName is a code as its documentation page spells it.
func docName(code string) string {
	b := []byte(code)
	for i, c := range b {
		if c == '_' {
			b[i] = '-'
		}
	}
	return string(b)
}

// invalid is a 400 with a documented code ("" for none).
func invalid(code, param, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, typeInvalid, code, fmt.Sprintf(format, args...), param}
}

// refused is a 400 for which no code or wording is publicly known.
func refused(param, format string, args ...any) *apiError {
	return invalid("", param, ownPrefix+format, args...)
}

// noSuch is a missing object. It is 404 when the path names it, 400 when a
// parameter does.
func noSuch(status int, what, id, param string) *apiError {
	return &apiError{status, typeInvalid, "resource_missing", fmt.Sprintf("No such %s: '%s'", what, short(id)), param}
}

// short keeps messages short, whatever the input was.
func short(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
