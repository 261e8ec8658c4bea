package stripeapi

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// officialHost is the one host that a live key is shown to.
const officialHost = "api.stripe.com"

// A Base is the address of the API. The zero value is https://api.stripe.com.
type Base struct{ loopback string } // scheme and host of a loopback address, or ""

// ParseBase reads an address: "" or https://api.stripe.com, or http or https
// with a loopback IP literal (127.0.0.0/8 or [::1]) and an optional port.
// Anything else is refused, names that resolve to loopback too: a name is
// whatever its resolver says.
func ParseBase(s string) (Base, error) {
	if s == "" {
		return Base{}, nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return Base{}, refuseBase(s, "is not a URL")
	}
	switch {
	case strings.ContainsAny(s, "@?#\\"), u.User != nil, u.Opaque != "", u.Path != "" && u.Path != "/":
		return Base{}, refuseBase(s, "must be scheme and host only, without user, path, query or fragment")
	case u.Scheme == "https" && u.Host == officialHost:
		return Base{}, nil
	case u.Scheme != "http" && u.Scheme != "https":
		return Base{}, refuseBase(s, "must start with https:// (or http:// for a loopback address)")
	case u.Hostname() == officialHost:
		return Base{}, refuseBase(s, "must be https and without a port")
	case strings.EqualFold(u.Hostname(), "localhost"):
		return Base{}, refuseBase(s, "must name its loopback address by number; write 127.0.0.1")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil || !ip.IsLoopback() || ip.Is4In6() || ip.Zone() != "" {
		return Base{}, refuseBase(s, "is neither "+officialHost+" nor a loopback address such as http://127.0.0.1:12111")
	}
	if p := u.Port(); p != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return Base{}, refuseBase(s, "has a port that is none")
		}
	}
	return Base{u.Scheme + "://" + u.Host}, nil
}

func refuseBase(s, why string) error {
	const most = 120
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Errorf("the API address %q %s", Key{}.scrub(s), why)
}

// Loopback says whether the address is on this machine.
func (b Base) Loopback() bool { return b.loopback != "" }

// String is the address without a trailing slash.
func (b Base) String() string {
	if b.Loopback() {
		return b.loopback
	}
	return "https://" + officialHost
}
