package stripeapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

func TestParseKey(t *testing.T) {
	for text, live := range map[string]bool{
		"sk_test_51Abc": false, " rk_test_a_b\n": false, "sk_live_x": true, "\ufeffrk_live_9": true, "\trk_live_9\r\n": true,
	} {
		text = strings.TrimPrefix(text, "\ufeff")
		if k, err := ParseKey(text); err != nil || k.Livemode() != live {
			t.Errorf("%q: %v, live %t", text, err, k.Livemode())
		}
	}
	for _, text := range []string{"", " ", "pk_test_Canary", "sk_org_live_Canary", "whsec_Canary", "Canary", "sk_test_", "sk_test_Can ary", "sk_test_Canary\x00",
		"sk_test_Canary\nsk_test_Canary", "SK_TEST_Canary", "sk_prod_Canary", "sk_test_Canäry", "sk_test_" + strings.Repeat("Canary", 100)} {
		_, err := ParseKey(text)
		if err == nil {
			t.Errorf("%q was taken", text)
		} else if strings.Contains(err.Error(), "Can") {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
}

func TestKeyNeverShows(t *testing.T) {
	k, err := ParseKey(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %T %p %t %c %U %e %-99v %.99v") {
		fmt.Fprintf(&b, verb+"\n", k)
		fmt.Fprintf(&b, verb+"\n", struct{ K Key }{k})
		fmt.Fprintf(&b, verb+"\n", &k)
		fmt.Fprintf(&b, verb+"\n", []any{k, map[string]Key{"a": k}})
	}
	c, err := New(Config{Key: k})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "%v %+v %#v %v\n", c, *c, c, *c)
	json.NewEncoder(&b).Encode(map[string]any{"k": k, "p": &k, "c": Config{Key: k}.Key})
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "k", k, "p", &k)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "k", k)
	fmt.Fprintln(&b, k, Config{Key: k}, k.scrub("key "+testSecret+" and rk_live_Canary."))
	for _, secret := range []string{"Canary", fmt.Sprintf("%x", "Canary"), fmt.Sprintf("%X", "Canary")} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("the key shows as %q in %s", secret, b.String())
		}
	}
	if k.String() != "sk_test_****" || (Key{}).String() != "(no key)" {
		t.Errorf("shown as %s and %s", k, Key{})
	}
}

func TestParseBase(t *testing.T) {
	for text, want := range map[string]string{
		"": "https://api.stripe.com", "https://api.stripe.com": "https://api.stripe.com", "https://api.stripe.com/": "https://api.stripe.com",
		"http://127.0.0.1": "http://127.0.0.1", "http://127.8.9.1:12111": "http://127.8.9.1:12111", "https://127.0.0.1:443/": "https://127.0.0.1:443",
		"http://[::1]:80": "http://[::1]:80", "HTTP://127.0.0.1": "http://127.0.0.1",
	} {
		if b, err := ParseBase(text); err != nil || b.String() != want || b.Loopback() != strings.Contains(want, "1") {
			t.Errorf("%q: %s, %v", text, b, err)
		}
	}
	for _, text := range []string{
		"https://attacker.example/?x=http://127.0.0.1", "http://127.0.0.1.attacker.example", "http://127.0.0.1@evil.example", "http://evil.example#127.0.0.1",
		"http://api.stripe.com", "https://api.stripe.com:443", "https://api.stripe.com.evil.example", "https://api.stripe.com./", "https://api.stripe.com/v1",
		"https://user@api.stripe.com", "https://api.stripe.com?", "https://api.stripe.com#", "https://api.stripe.com\\@evil.example", "api.stripe.com", "//127.0.0.1",
		"http://localhost:8080", "http://0.0.0.0", "http://[::]", "http://[::ffff:127.0.0.1]", "http://[::1%25lo]", "http://2130706433", "http://0x7f.1", "http://127.1",
		"http://10.0.0.1", "http://127.0.0.1:0", "http://127.0.0.1:99999", "http://127.0.0.1:", "ftp://127.0.0.1", "http:127.0.0.1", "http://127.0.0.1/v1", "http://", "\x00",
		"https://API.STRIPE.COM", "https://sk_test_Canary@127.0.0.1",
	} {
		b, err := ParseBase(text)
		if err == nil {
			t.Errorf("%q was taken as %s", text, b)
		} else if strings.Contains(err.Error(), "Canary") {
			t.Errorf("the error repeats a key: %v", err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	test, _ := ParseKey("sk_test_a")
	live, _ := ParseKey("rk_live_a")
	loop, _ := ParseBase("http://127.0.0.1:1")
	for name, c := range map[string]Config{
		"no key":                 {},
		"live key to loopback":   {Key: live, Base: loop},
		"short timeout":          {Key: test, Timeout: 79 * time.Second},
		"negative timeout":       {Key: test, Base: loop, Timeout: -1},
		"account that is no id":  {Key: test, Account: "acct_1\r\nX: y"},
		"account of other shape": {Key: test, Account: "cus_1"},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for name, c := range map[string]Config{"test": {Key: test}, "live": {Key: live}, "loopback": {Key: test, Base: loop, Timeout: time.Millisecond}} {
		if _, err := New(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseBase(f *testing.F) {
	for _, s := range []string{"", "https://api.stripe.com", "http://127.0.0.1:1", "http://[::1]", "http://127.0.0.1@evil.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ParseBase(s)
		if err != nil {
			return
		}
		again, err := ParseBase(b.String())
		if err != nil || again != b {
			t.Errorf("%q gave %s, which gives %s, %v", s, b, again, err)
		}
		if host := strings.TrimPrefix(strings.TrimPrefix(b.String(), "https://"), "http://"); host != officialHost && !strings.HasPrefix(host, "127.") && !strings.HasPrefix(host, "[") {
			t.Errorf("%q gave %s", s, b)
		}
	})
}
