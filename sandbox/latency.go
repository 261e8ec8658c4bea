package sandbox

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// A Latency is how long requests take: the zero value takes none. It is drawn
// from the sandbox's seed and the number of the request, so that a run can be
// repeated.
type Latency struct {
	kind  latencyKind
	a, b  time.Duration // of a uniform latency the bounds, of a log-normal one p50 and p99
	limit time.Duration // none is longer
}

type latencyKind uint8

const (
	latencyNone latencyKind = iota
	latencyUniform
	latencyLogNormal
)

// maxLatency is the longest that a request is made to wait.
const maxLatency = 10 * time.Minute

// ParseLatency reads "0", "120ms" (always that), "50ms-400ms" (evenly between)
// or "p50=120ms,p99=900ms" (log-normal, as services mostly are).
func ParseLatency(text string) (Latency, error) {
	bad := func() (Latency, error) {
		return Latency{}, fmt.Errorf("%q is no latency; write 120ms, 50ms-400ms or p50=120ms,p99=900ms, at most 10m", short(text))
	}
	kind, first, second := latencyUniform, text, text
	if p50, p99, ok := strings.Cut(text, ","); ok {
		var a, b bool
		first, a = strings.CutPrefix(p50, "p50=")
		second, b = strings.CutPrefix(p99, "p99=")
		if kind = latencyLogNormal; !a || !b {
			return bad()
		}
	} else if from, to, ok := strings.Cut(text, "-"); ok {
		first, second = from, to
	}
	a, err1 := time.ParseDuration(first)
	b, err2 := time.ParseDuration(second)
	if err1 != nil || err2 != nil || a < 0 || b < a || b > maxLatency || kind == latencyLogNormal && a == 0 {
		return bad()
	}
	if b == 0 {
		kind = latencyNone
	}
	return Latency{kind, a, b, maxLatency}, nil
}

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

// draw is the latency of request number n of a sandbox with the given seed.
func (l Latency) draw(seed, n uint64) time.Duration {
	if l.kind == latencyNone {
		return 0
	}
	r := rand.New(rand.NewPCG(seed, n))
	if l.kind == latencyUniform {
		return l.a + time.Duration(r.Int64N(int64(l.b-l.a)+1))
	}
	sigma := math.Log(float64(l.b)/float64(l.a)) / z99
	return min(time.Duration(float64(l.a)*math.Exp(sigma*r.NormFloat64())), l.limit)
}
