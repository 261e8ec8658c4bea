package sandbox

import (
	"net/http"
	"strings"
)

// authenticate takes any test key and no other. It never repeats what it was
// given: a live key that strays here must not end up in a log.
func (s *Server) authenticate(r *http.Request) *apiError {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		key, _, _ = r.BasicAuth() // the key is the user, with any password
	}
	unauthorized := func(code, message string) *apiError {
		return &apiError{http.StatusUnauthorized, typeInvalid, code, message, ""}
	}
	switch key = strings.TrimSpace(key); {
	case key == "":
		return unauthorized("", "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').")
	case strings.Contains(key, "_live_"):
		return unauthorized("", ownPrefix+"this is a live key; the sandbox takes test keys only (sk_test_… or rk_test_…). Nothing was done with it; make sure that it is not left in a script")
	case strings.HasPrefix(key, "pk_"):
		return unauthorized("secret_key_required", "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.")
	case !strings.HasPrefix(key, "sk_test_") && !strings.HasPrefix(key, "rk_test_"):
		return unauthorized("", ownPrefix+"the API key is not a test key; any sk_test_… or rk_test_… will do")
	}
	if a := r.Header.Get("Stripe-Account"); a != "" && a != s.account {
		return &apiError{http.StatusForbidden, typeInvalid, "account_invalid",
			"The provided key does not have access to account '" + short(a) + "' (or that account does not exist). Application access may have been revoked.", ""}
	}
	return nil
}
