package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/payrec/payrec/sandbox"
)

// served starts `payrec sandbox` on a free port as a process of its own, and
// returns its base once it is there.
func served(t *testing.T, args ...string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, append([]string{"sandbox", "--addr", "127.0.0.1:0"}, args...)...)
	c.Env = append(os.Environ(), beMain+"=1", sandboxToken+"=t0ken")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	_, base, found := strings.Cut(strings.TrimSpace(line), " at ")
	if err != nil || !found {
		t.Fatalf("%q, %v", line, err)
	}
	return base
}

func fetched(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer sk_test_1")
	r.Header.Set(sandbox.TokenHeader, "t0ken")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// The flags reach the sandbox: a fault strikes, a payment is loaded, limits
// hold, the token opens the control API, and a second start loads nothing twice.
func TestSandboxCommand(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	faults := file("faults.yaml", "- {call: retrieve_payment_record, status: 503, at: before}\n")
	seeds := file("seeds.jsonl", `{"payment_intent":"pi_1","amount":{"currency":"eur","value":700},"outcome":"guaranteed"}`+"\n")
	for range 2 {
		base := served(t, "--fault", faults, "--load", seeds, "--seed", "7", "--limits", "none", "--latency", "1ms", "--list-lag", "1h", "--state", filepath.Join(t.TempDir(), "state"))
		for _, want := range []int{503, 200} {
			if status, text := fetched(t, "GET", base+"/v1/payment_records/pi_1", ""); status != want {
				t.Errorf("got %d %s, want %d", status, text, want)
			}
		}
		if _, text := fetched(t, "GET", base+"/v1/payment_records", ""); !strings.Contains(text, `"data":[]`) {
			t.Errorf("listed in spite of the lag: %s", text)
		}
		if status, text := fetched(t, "GET", base+"/__payrec/totals", ""); status != 200 || !strings.Contains(text, `"records":1`) {
			t.Errorf("got %d %s", status, text)
		}
	}
	state := filepath.Join(dir, "state")
	for range 2 {
		func() {
			s, err := sandbox.New(sandbox.Options{State: state})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := (sandboxFlags{seeds: seeds}).fill(s); err != nil || s.Totals().Records != 1 {
				t.Errorf("%v, %+v", err, s.Totals())
			}
		}()
	}
}

// By default the limits are those of an account's sandbox.
func TestSandboxCommandLimits(t *testing.T) {
	base := served(t)
	limited := 0
	for range 200 {
		if status, _ := fetched(t, "GET", base+"/v1/payment_records/pr_none", ""); status == 429 {
			limited++
		}
	}
	if limited == 0 {
		t.Error("200 requests at once, and none was too many")
	}
}

func TestSandboxVerifyCommand(t *testing.T) {
	base := served(t, "--limits", "none")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, "sandbox", "verify", "--against", base)
	c.Env = append(os.Environ(), beMain+"=1", "STRIPE_API_KEY=sk_test_1")
	out, err := c.Output()
	var v sandbox.Verification
	if err != nil || json.Unmarshal(out, &v) != nil || len(v.Deviations) != 0 || v.Probes == 0 {
		t.Errorf("%v: %s", err, out)
	}
}
