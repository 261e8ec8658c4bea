package record

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestAppendEscaped: forms are escaped as the standard library escapes them.
func TestAppendEscaped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		if got, want := string(appendEscaped(nil, s)), url.QueryEscape(s); got != want {
			t.Fatalf("%q is escaped as %s, want %s", s, got, want)
		}
	})
}

// TestOpIDIsForEver: journals and the account's records hold these ids, so they
// are made for ever as they were made first.
func TestOpIDIsForEver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := []string{"payrec/1", rapid.String().Draw(t, "scope"), rapid.String().Draw(t, "source"), rapid.String().Draw(t, "call"), rapid.String().Draw(t, "natural")}
		h := sha256.New()
		for _, part := range parts {
			fmt.Fprintf(h, "%d:%s", len(part), part)
		}
		want := strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)))[:26]
		if got := OpID(parts[1], parts[2], CallName(parts[3]), parts[4]); got != want {
			t.Fatalf("%q: %s, want %s", parts, got, want)
		}
	})
}

// Beside it, what a call says is hashed as it was hashed first.
func TestHashIsForEver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Params
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			p.Set(rapid.String().Draw(t, "path"), rapid.StringN(0, 200, -1).Draw(t, "value"))
		}
		h := sha256.New()
		for _, f := range p {
			fmt.Fprintf(h, "%d:%s%d:%s", len(f.Path), f.Path, len(f.Value), f.Value)
		}
		if got, want := p.Hash(), fmt.Sprintf("%x", h.Sum(nil)[:16]); got != want {
			t.Fatalf("%v: %s, want %s", p, got, want)
		}
	})
}

// TestFormWriter: what a writer remembers of the calls before changes nothing.
func TestFormWriter(t *testing.T) {
	w := NewFormWriter()
	rapid.Check(t, func(t *rapid.T) {
		for range rapid.IntRange(1, 4).Draw(t, "calls") {
			p, q := genParams().Draw(t, "p"), genParams().Draw(t, "q")
			if got, want := string(w.AppendForm([]byte("x"), p)), "x"+string(p.Form()); got != want {
				t.Fatalf("%v: %s, want %s", p, got, want)
			}
			both := append(slices.Clone(p), q...)
			if got, want := string(w.AppendHash([]byte("x"), p, nil, q)), "x"+both.Hash(); got != want {
				t.Fatalf("%v: %s, want %s", both, got, want)
			}
		}
	})
}

// TestFormWriterRemembers: the fields of a call do not take each other's place.
func TestFormWriterRemembers(t *testing.T) {
	for _, call := range Writes() {
		var p Params
		for _, f := range SpecOf(call).Fields {
			p.Set(f.Path, "1")
		}
		for _, stamp := range []string{StampOp, StampHash, StampSource, StampPayment, StampNatural, StampFile, StampLine, StampInitiatedAt,
			StampGuaranteedAt, StampFailedAt, StampCanceledAt, StampFee, StampNet, StampNetCurrency} {
			p.Set("metadata."+stamp, "1")
		}
		w, b := NewFormWriter(), make([]byte, 0, 1<<14)
		if n := testing.AllocsPerRun(10, func() { w.AppendForm(b, p) }); n > 0 {
			t.Errorf("%s: %v allocations for a form that was written before", call, n)
		}
	}
}
