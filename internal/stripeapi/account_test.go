package stripeapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestAccountID: only an account's own id is taken for one, asked for once, and
// only a key that is not taken at all is an error.
func TestAccountID(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		want   string
		fails  bool
	}{
		{200, `{"id": "acct_1Ab", "object": "account"}`, "acct_1Ab", false},
		{200, `{"id": "cus_1"}`, "", false},
		{200, `{"id": "acct_../x"}`, "", false},
		{200, `garbage`, "", false},
		{401, `{"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}`, "", true},
		{403, `{"error": {"type": "invalid_request_error", "message": "This restricted key may not"}}`, "", false},
		{500, `{"error": {"type": "api_error"}}`, "", false},
		{501, `{"error": {"type": "api_error", "message": "not modelled"}}`, "", false},
	} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			if r.URL.Path != "/v1/account" {
				t.Errorf("asked for %s", r.URL.Path)
			}
			w.WriteHeader(tt.status)
			fmt.Fprint(w, tt.body)
		}))
		id, err := testClient(t, server.URL).AccountID(t.Context())
		server.Close()
		if id != tt.want || (err != nil) != tt.fails || asked != 1 {
			t.Errorf("%d %s: %q, %v after %d requests; want %q", tt.status, tt.body, id, err, asked, tt.want)
		}
	}
}
