package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const faultsYAML = `# the first call is lost after it was applied, every report of ref-7 is slow
- call: report_payment
  kind: reset
- reference: ref-7
  delay: 2s
  times: -1
  at: before
- path: /v1/payment_records/*/report_refund
  nth: 3
  times: 2
  status: 503
  header: {Stripe-Should-Retry: "true"}
  body: '{}'
  save: true
  chance: 0.25
`

const faultsJSON = `{"call":"report_payment","kind":"reset","at":"after"}
{"reference":"ref-7","delay":"2s","times":-1,"at":"before","kind":"delay"}

{"path":"/v1/payment_records/*/report_refund","nth":3,"times":2,"status":503,"header":{"stripe-should-retry":"true"},"body":"{}","save":true,"chance":0.25}
`

func TestParseFaults(t *testing.T) {
	want := []Fault{
		{Call: "report_payment", Kind: FaultReset},
		{Reference: "ref-7", Kind: FaultDelay, Delay: 2 * time.Second, Times: -1, At: FaultBefore},
		{Path: "/v1/payment_records/*/report_refund", Nth: 3, Times: 2, Status: 503, Header: http.Header{"Stripe-Should-Retry": {"true"}}, Body: "{}", Save: true, Chance: 0.25},
	}
	for _, script := range []string{faultsYAML, faultsJSON} {
		got, err := ParseFaults([]byte(script))
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%v\n%s", err, d)
		}
	}
	if got, err := ParseFaults(nil); err != nil || len(got) != 0 {
		t.Errorf("nothing: %v, %v", got, err)
	}
	for script, says := range map[string]string{
		"- call: refund":                           "twelve operations",
		"- {kind: explode}":                        "kind",
		"- {kind: reset, at: later}":               "point of time",
		"- {kind: delay}":                          "needs its delay",
		"- {delay: soon}":                          "duration",
		"- {delay: 11m}":                           "duration",
		"- {status: 99}":                           "status",
		"- {nth: -1}":                              "nth",
		"- {chance: 1.5}":                          "chance",
		"- {chance: .nan}":                         "chance",
		"- {path: '[', kind: reset}":               "pattern",
		"- {colour: red}":                          "colour",
		"call: report_payment":                     "faults",
		`{"call":"report_payment"}{"kind":"burn"}`: "fault 2",
		`{"colour":"red"}`:                         "colour",
		`{"call"`:                                  "fault 1",
	} {
		if _, err := ParseFaults([]byte(script)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", script, err, says)
		}
	}
}

// Chances are drawn from the seed: the same requests meet the same faults.
func TestChanceIsReproducible(t *testing.T) {
	run := func(seed uint64) (pattern string, struck int) {
		s := newSandbox(t, Options{Seed: seed})
		s.Inject(Fault{Call: "report_payment", Status: 503, At: FaultBefore, Times: -1, Chance: 0.3},
			Fault{Call: "report_payment", Status: 502, At: FaultBefore, Times: -1, Chance: 0.3})
		for range 400 {
			r := post(t, s, newPath, paymentForm())
			if r.status != 200 {
				struck++
			}
			pattern += fmt.Sprint(r.status % 10)
		}
		return pattern, struck
	}
	a, n := run(1)
	if b, _ := run(1); a != b {
		t.Errorf("one seed, two runs:\n%s\n%s", a, b)
	}
	if b, _ := run(2); a == b {
		t.Error("another seed, the same run")
	}
	if n < 150 || n > 260 { // 51 % of 400 are expected
		t.Errorf("struck %d times", n)
	}
	if !strings.Contains(a, "2") || !strings.Contains(a, "3") {
		t.Error("both faults should strike")
	}
}

func FuzzParseFaults(f *testing.F) {
	f.Add([]byte(faultsYAML))
	f.Add([]byte(faultsJSON))
	f.Add([]byte("- {kind: reset}\n- &a {kind: cut}\n- *a"))
	f.Fuzz(func(t *testing.T, script []byte) {
		faults, err := ParseFaults(script)
		if err != nil {
			return
		}
		for _, fault := range faults {
			if err := fault.check(); err != nil {
				t.Errorf("%+v was taken: %v", fault, err)
			}
		}
	})
}
