package sandbox

import (
	"fmt"
	"html"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// browse asks for a page as a browser does, without any key.
func browse(t testing.TB, s *Server, path string, headers ...string) reply {
	t.Helper()
	return call(t, s, "GET", path, "", append([]string{"Authorization", ""}, headers...)...)
}

const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>` + "\u202eevil\u0007 javascript:alert(1)"

func TestPage(t *testing.T) {
	s := newSandbox(t, Options{Clock: newClock().Now})
	for _, l := range listings {
		if r := browse(t, s, l.path); r.status != 200 || !strings.Contains(r.raw, l.none) {
			t.Errorf("%s of an empty sandbox: got %d %s", l.path, r.status, r.raw)
		}
	}
	id := post(t, s, newPath, paymentForm("outcome", "guaranteed", "guaranteed[guaranteed_at]", "1", "customer_details[name]", "Jenny Rosen", "metadata[order]", "6735"), "Idempotency-Key", "key-1").str("id")
	post(t, s, newPath, paymentForm("outcome", "guaranteed", "guaranteed[guaranteed_at]", "1"), "Idempotency-Key", "key-1")
	post(t, s, "/v1/payment_records/"+id+"/report_refund", refundForm("rf-1", "amount[value]", "250", "amount[currency]", "usd"))
	failed := inState(t, s, "failed")
	seeded(t, s)
	for path, wants := range map[string][]string{
		"/":                   {id, failed, "Jenny Rosen", "10.00 USD", "2.50 USD", "partially refunded", "on Stripe", "2027-01-15 08:00:00", "1 to 3 of 3"},
		"/attempts":           {id, failed, "failed", "par_"},
		"/refunds":            {"rf-1", "2.50 USD", id, "1 to 1 of 1"},
		"/requests":           {"/v1/payment_records/report_payment", "key-1", "req_", "400"},
		"/keys":               {"key-1", "/v1/payment_records/report_payment"},
		"/records/" + id:      {"rf-1", "2.50 USD", "&#34;order&#34;: &#34;6735&#34;", "As the API answers it"},
		"/records/pi_1":       {"on Stripe"},
		"/?q=JENNY":           {id, "1 to 1 of 1"},
		"/?q=6735":            {id, "1 to 1 of 1"},
		"/?q=failed":          {failed, "1 to 1 of 1"},
		"/?q=nobody":          {"Nothing is found by that."},
		"/requests?q=400":     {"1 to 1 of 1"},
		"/?page=99&q=&x=y":    {"1 to 3 of 3"},
		"/?page=-1":           {"1 to 3 of 3"},
		"/style.css":          {"color-scheme"},
		"/refunds?q=" + "rf-": {"rf-1"},
	} {
		r := browse(t, s, path)
		for _, want := range wants {
			if r.status != 200 || !strings.Contains(r.raw, want) {
				t.Errorf("%s: %q is not in %d %s", path, want, r.status, r.raw)
			}
		}
		if strings.Contains(r.raw, "<script") || strings.Contains(r.header.Get("Content-Security-Policy"), "unsafe") || r.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: has a script, or may have", path)
		}
	}
	if r := browse(t, s, "/?q=6735"); strings.Contains(r.raw, failed) {
		t.Errorf("the search does not leave out %s", failed)
	}
	if r := browse(t, s, "/records/pr_none"); r.status != 404 {
		t.Errorf("got %d", r.status)
	}
	if n := len(s.Requests()); n != 5 {
		t.Errorf("looking counts as asking: %d requests", n)
	}
}

// Looking changes nothing, and another machine's name does not get a page.
func TestPageGate(t *testing.T) {
	s := newSandbox(t, Options{})
	for _, host := range []string{"example.com", "example.com:8420", "127.0.0.1.example.com", ""} {
		if r := browse(t, s, "/", "Host", host); r.status == 200 {
			t.Errorf("%q gets a page", host)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		if r := call(t, s, method, "/", ""); r.status != 405 {
			t.Errorf("%s: got %d", method, r.status)
		}
	}
	expect(t, browse(t, s, "/nothing"), 401, "")
	expect(t, browse(t, s, "/page/style.css"), 401, "")
}

// Text that others chose stays text, wherever it is shown, and what cannot be
// seen in it becomes visible.
func TestPageEscapes(t *testing.T) {
	s := newSandbox(t, Options{})
	id := post(t, s, newPath, paymentForm("description", hostile, "customer_details[name]", hostile, "metadata["+hostile[:20]+"]", hostile, "outcome", "guaranteed",
		"guaranteed[guaranteed_at]", "1", "processor_details[custom][payment_reference]", hostile), "Idempotency-Key", "k\"<b>").str("id")
	if id == "" {
		t.Fatal("nothing was made")
	}
	post(t, s, "/v1/payment_records/"+id+"/report_refund", refundForm(hostile))
	get(t, s, "/v1/payment_records/"+url.PathEscape(hostile))
	for _, path := range []string{"/", "/attempts", "/refunds", "/requests", "/keys", "/records/" + id, "/?q=" + url.QueryEscape(hostile), "/records/" + url.PathEscape(hostile)} {
		r := browse(t, s, path)
		for _, bad := range []string{"<script", "<img", "<b>", "\u202e", "\u0007", `href="javascript`} {
			// What was searched for stays as it was typed, inside of its field.
			body := strings.ReplaceAll(r.raw, `value="`+html.EscapeString(hostile)+`"`, "")
			if strings.Contains(body, bad) {
				t.Errorf("%s: %q got through", path, bad)
			}
		}
	}
	if r := browse(t, s, "/?q="+url.QueryEscape(hostile)); !strings.Contains(r.raw, id) {
		t.Error("the hostile text is not found by itself")
	}
}

// Paging shows every row once, newest first, and keeps the search.
func TestPagePages(t *testing.T) {
	s := newSandbox(t, Options{})
	for i := range 120 {
		post(t, s, newPath, paymentForm("processor_details[custom][payment_reference]", fmt.Sprintf("ref-%03d", i), "description", []string{"even", "odd"}[i%2]))
	}
	next := regexp.MustCompile(`rel="next" href="([^"]*)"`)
	reference := regexp.MustCompile(`ref-\d{3}`)
	for start, want := range map[string]int{"/": 120, "/?q=odd": 60, "/attempts": 120} {
		var seen []string
		for path := start; path != ""; {
			r := browse(t, s, path)
			seen = append(seen, reference.FindAllString(r.raw, -1)...)
			m := next.FindStringSubmatch(r.raw)
			if path = ""; m != nil {
				path = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		if len(seen) != want {
			t.Fatalf("%s: %d rows, want %d", start, len(seen), want)
		}
		for i := 1; i < len(seen); i++ {
			if seen[i] >= seen[i-1] {
				t.Errorf("%s: %s stands before %s", start, seen[i-1], seen[i])
			}
		}
	}
}

// A browser makes of the page what we mean: text as text, and no script runs.
func TestPageInChromium(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	s := newSandbox(t, Options{})
	id := post(t, s, newPath, paymentForm("description", `<script>document.title="owned"</script><img src=x onerror="document.title='owned'">`)).str("id")
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/records/" + id} {
		out, err := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(),
			"--virtual-time-budget=2000", "--dump-dom", base+path).Output()
		if err != nil {
			t.Skipf("chromium does not run here: %v", err)
		}
		dom := string(out)
		if !strings.Contains(dom, id) || !strings.Contains(dom, "&lt;script&gt;") || strings.Contains(dom, "<script") || strings.Contains(dom, "<title>owned") || strings.Count(dom, "<img") != 0 {
			t.Errorf("%s: the browser has %s", path, dom)
		}
	}
}

func FuzzPage(f *testing.F) {
	f.Add(hostile, "x")
	f.Add("\xff\xfe", "%00")
	s := newSandbox(f, Options{})
	post(f, s, newPath, paymentForm("description", "d"))
	f.Fuzz(func(t *testing.T, q, id string) {
		for _, path := range []string{"/?q=" + url.QueryEscape(q) + "&page=" + url.QueryEscape(id), "/records/" + url.PathEscape(id)} {
			r := browse(t, s, path)
			if r.status != 200 && r.status != 404 || strings.Contains(r.raw, "<script") || !strings.HasSuffix(strings.TrimSpace(r.raw), "</html>") {
				t.Errorf("%s: got %d %s", path, r.status, r.raw)
			}
		}
	})
}
