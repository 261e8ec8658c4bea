package sandbox

import (
	"slices"
	"testing"
	"time"
)

func TestParseLatency(t *testing.T) {
	for text, want := range map[string]Latency{
		"0":                   {latencyNone, 0, 0, maxLatency},
		"120ms":               {latencyUniform, 120 * time.Millisecond, 120 * time.Millisecond, maxLatency},
		"50ms-1s":             {latencyUniform, 50 * time.Millisecond, time.Second, maxLatency},
		"p50=120ms,p99=900ms": {latencyLogNormal, 120 * time.Millisecond, 900 * time.Millisecond, maxLatency},
	} {
		if got, err := ParseLatency(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5", "-1s", "2s-1s", "11m", "p50=1s", "p50=1s,p99=1ms", "p99=1s,p50=1ms", "p50=0,p99=1s", "1s-", "a-b", "1s,2s"} {
		if _, err := ParseLatency(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// The draws follow the distribution that was asked for, and the seed alone.
func TestLatencyDraws(t *testing.T) {
	for text, bounds := range map[string][4]time.Duration{ // median from, to; 99th percentile from, to
		"0":                   {0, 0, 0, 0},
		"100ms":               {100e6, 100e6, 100e6, 100e6},
		"100ms-300ms":         {195e6, 205e6, 296e6, 300e6},
		"p50=100ms,p99=900ms": {95e6, 105e6, 800e6, 1000e6},
	} {
		l, err := ParseLatency(text)
		if err != nil {
			t.Fatal(err)
		}
		var all []time.Duration
		for n := range uint64(20_000) {
			d := l.draw(7, n)
			if d != l.draw(7, n) {
				t.Fatalf("%s: request %d draws differently the second time", text, n)
			}
			all = append(all, d)
		}
		slices.Sort(all)
		median, p99 := all[len(all)/2], all[len(all)*99/100]
		if median < bounds[0] || median > bounds[1] || p99 < bounds[2] || p99 > bounds[3] {
			t.Errorf("%s: median %v, p99 %v", text, median, p99)
		}
		if text == "100ms-300ms" && l.draw(7, 1) == l.draw(8, 1) {
			t.Errorf("%s: the seed does not matter", text)
		}
	}
}

// A lag hides new records from lists and cursors, not from retrieving.
func TestListLag(t *testing.T) {
	c := newClock()
	s := newSandbox(t, Options{Clock: c.Now, ListLag: 10 * time.Second})
	old := inState(t, s, "initiated")
	c.Move(9 * time.Second)
	expect(t, get(t, s, "/v1/payment_records"), 200, `"data":[]`)
	expect(t, get(t, s, "/v1/payment_records/"+old), 200, old)
	c.Move(time.Second)
	young := inState(t, s, "initiated")
	r := get(t, s, "/v1/payment_records")
	if data, _ := r.at("data").([]any); r.status != 200 || len(data) != 1 || data[0].(map[string]any)["id"] != old {
		t.Errorf("got %s", r.raw)
	}
	expect(t, get(t, s, "/v1/payment_records?starting_after="+young), 200, old)
	expect(t, get(t, s, "/v1/payment_records?ending_before="+old), 200, `"data":[]`)
}
