package sandbox

import (
	"math/rand/v2"
	"sync/atomic"
)

// ids makes identifiers that depend on the seed and a number only, so that a
// run with a given seed can be compared with the one before.
type ids struct {
	seed     uint64
	requests atomic.Uint64
}

const idDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// make gives the id that belongs to a number: prefix and length letters or
// digits. The prefix takes part, so that pr_ and par_ of one number differ.
func (g *ids) make(prefix string, number uint64, length int) string {
	mix := number
	for i := 0; i < len(prefix); i++ {
		mix = mix*1099511628211 ^ uint64(prefix[i])
	}
	var pcg rand.PCG
	pcg.Seed(g.seed, mix)
	b := make([]byte, 0, 40)
	b = append(b, prefix...)
	for bits := uint64(0); length > 0; length-- {
		if bits < 62 {
			bits = pcg.Uint64()
		}
		b = append(b, idDigits[bits%62])
		bits /= 62
	}
	return string(b)
}

// request gives the next number of a request and its Request-Id.
func (g *ids) request() (number uint64, id string) {
	number = g.requests.Add(1)
	return number, g.make("req_", number, 14)
}
