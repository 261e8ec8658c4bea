package stripeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// A Key is a secret or restricted API key. However it is printed, logged or
// marshalled, only its kind shows: "sk_test_****".
type Key struct {
	// kind is the prefix that may be shown: "rk_live_".
	kind string
	// rest is behind a pointer because fmt does not ask a value for its
	// [fmt.Formatter] when it stands in an unexported field or is printed with
	// %p: it then prints the address.
	rest *string
}

// maxKey is more than any key known (107 characters in 2026).
const maxKey = 255

// ParseKey reads a key: sk_ or rk_, then test_ or live_, then letters, digits
// and underscores. White space around it is dropped, because keys come from
// files and pipes. Errors never repeat the text.
func ParseKey(s string) (Key, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return Key{}, errors.New("the API key is empty; give a secret key (sk_test_…) or a restricted key (rk_test_…)")
	case strings.HasPrefix(s, "pk_"):
		return Key{}, errors.New("this is a publishable key (pk_…), which cannot report payments; give a secret (sk_…) or restricted (rk_…) key")
	case strings.HasPrefix(s, "sk_org_"):
		return Key{}, errors.New("this is an organization key (sk_org_…); give a key of the account that the payments belong to")
	case strings.HasPrefix(s, "whsec_"):
		return Key{}, errors.New("this is a webhook signing secret (whsec_…); give a secret (sk_…) or restricted (rk_…) key")
	case len(s) > maxKey:
		return Key{}, fmt.Errorf("the API key is %d characters long; that is not a key", len(s))
	}
	for _, prefix := range []string{"sk_test_", "sk_live_", "rk_test_", "rk_live_"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			if !isWord(rest) {
				return Key{}, fmt.Errorf("after %s an API key has letters, digits and underscores only; this one has none or others", prefix)
			}
			return Key{prefix, &rest}, nil
		}
	}
	return Key{}, errors.New("this is no API key: a key starts with sk_test_, sk_live_, rk_test_ or rk_live_")
}

// isWord says whether s is letters, digits and underscores, at least one: the
// alphabet of keys and of the API's ids.
func isWord(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != ""
}

// Livemode says whether the key moves real records.
func (k Key) Livemode() bool { return strings.HasSuffix(k.kind, "live_") }

// secret is the whole key. It is for the Authorization header only.
func (k Key) secret() string { return k.kind + *k.rest }

// String shows the kind of the key and nothing else of it.
func (k Key) String() string {
	if k.rest == nil {
		return "(no key)"
	}
	return k.kind + "****"
}

// GoString is [Key.String]: %#v shows no more.
func (k Key) GoString() string { return k.String() }

// Format is [Key.String] for every verb, so that no %x or %d can spell the key out.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// MarshalJSON is [Key.String] as a JSON string.
func (k Key) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }

// MarshalText is [Key.String].
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// LogValue is [Key.String].
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// anyKey matches whatever looks like a secret key, ours or not.
var anyKey = regexp.MustCompile(`\b([sr]k_(?:live|test)_)[A-Za-z0-9_]+`)

// scrub removes keys from text that others wrote: a server's message, an
// operating system's error.
func (k Key) scrub(s string) string {
	if k.rest != nil {
		s = strings.ReplaceAll(s, k.secret(), k.String())
	}
	return ScrubKeys(s)
}

// ScrubKeys replaces whatever looks like a secret or restricted key, ours or
// not, by its kind: "sk_live_****". It is for text that is about to be shown.
func ScrubKeys(s string) string {
	if !strings.Contains(s, "k_live_") && !strings.Contains(s, "k_test_") {
		return s
	}
	return anyKey.ReplaceAllString(s, "$1****")
}
