package sandbox

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The examples of the documentation are what the sandbox takes, and what it
// takes is documented.
func TestDocumentation(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "docs", "sandbox.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	block := func(language string) string {
		m := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no example in %s", language)
		}
		return m[1]
	}
	faults, err := ParseFaults([]byte(block("yaml")))
	if err != nil || len(faults) != 3 {
		t.Errorf("faults: %+v, %v", faults, err)
	}
	seeds, err := ParseSeeds(strings.NewReader(block("json")))
	if err != nil || len(seeds) != 1 {
		t.Fatalf("seeds: %+v, %v", seeds, err)
	}
	s := newSandbox(t, Options{})
	if _, err := s.SeedStripe(seeds[0]); err != nil {
		t.Error(err)
	}
	conforms(t, opRetrieveRecord, get(t, s, "/v1/payment_records/pi_1"))
	conforms(t, opRetrieveAttempt, get(t, s, "/v1/payment_attempt_records/ch_1"))
	for _, word := range []string{TokenHeader, FaultHeader, reasonGlobalRate, reasonGlobalConcurrency, reasonEndpointRate, reasonEndpointConcurrency, reasonResource, ownPrefix[:len(ownPrefix)-1]} {
		if !strings.Contains(text, word) {
			t.Errorf("%s is not documented", word)
		}
	}
	for _, header := range []string{"reset-after", "500-saved", "cut", "delay=250ms-during"} {
		if _, err := faultOf(header); err != nil || !strings.Contains(text, header) {
			t.Errorf("%s: %v", header, err)
		}
	}
	for _, key := range []string{"call", "path", "reference", "nth", "times", "chance", "kind", "at", "status", "header", "body", "save", "delay"} {
		if !strings.Contains(text, "`"+key+"`") {
			t.Errorf("the key %s of a fault is not documented", key)
		}
	}
}

// Start is there for tests, and gone after them.
func TestStart(t *testing.T) {
	var base string
	t.Run("inner", func(t *testing.T) {
		_, base = Start(t, Options{Seed: 1})
		res, err := http.Get(base + "/")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 200 {
			t.Errorf("got %s", res.Status)
		}
	})
	if res, err := http.Get(base + "/"); err == nil {
		res.Body.Close()
		t.Error("it is still there after its test")
	}
	if !slices.Contains(operations(), opAttach) || len(operations()) != 12 {
		t.Errorf("operations: %v", operations())
	}
}
