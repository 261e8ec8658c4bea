package journal

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// formOf is a body as calls have them.
func formOf(i int) []byte {
	return fmt.Appendf(nil, "amount_requested[currency]=eur&amount_requested[value]=%d&customer_details[email]=p%d%%40example.com&initiated_at=%d&metadata[order]=ORD-%07d&"+
		"metadata[payrec_file]=settlement-2026-03.csv&metadata[payrec_initiated_at]=2026-03-%02dT10%%3A%02d%%3A00Z&metadata[payrec_line]=%d&metadata[payrec_net]=%d.%02d&"+
		"metadata[payrec_op]=%x&outcome=guaranteed&payment_method_details[custom][display_name]=Bench&payment_method_details[type]=custom&"+
		"processor_details[custom][payment_reference]=TX%012d&processor_details[type]=custom",
		i*37%10000, i, 1772319600+i, i, i%28+1, i%60, i+2, i%90, i%100, uint64(i+1)*0x9e3779b97f4a7c15, i)
}

// realistic gives calls bodies of ordinary size.
func realistic(ops []Op) []Op {
	for i := range ops {
		ops[i].Body = formOf(i)
	}
	return ops
}

// TestPack: a packed body unpacks to itself, whatever it is and whatever shape
// it was packed with.
func TestPack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		field := rapid.OneOf(
			rapid.StringMatching(`(a|b|ab|a\[b\]|c)=[0-9x%]{0,5}`),
			rapid.StringMatching(`[ab=\x00]{0,3}`),
			rapid.SampledFrom([]string{"", "=", strings.Repeat("long", 60) + "=" + strings.Repeat("v", 300)}))
		draw := func(name string) []byte {
			return []byte(strings.Join(rapid.SliceOfN(field, 0, 12).Draw(t, name), "&"))
		}
		s := newShape(rapid.Int64Range(1, 1<<40).Draw(t, "no"), draw("shape"))
		for range rapid.IntRange(0, 3).Draw(t, "narrowed") {
			s.narrow(draw("another"))
		}
		read := newShape(s.no, s.form())
		body := draw("body")
		packed := s.pack([]byte("before"), body)[len("before"):]
		no, rest, ok := cutUvarint(packed[1:])
		if packed[0] != packedMark || !ok || int64(no) != s.no {
			t.Fatalf("packed as %q", packed)
		}
		got, err := read.unpack(nil, rest)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%q with the shape %q came back as %q, %v", body, s.form(), got, err)
		}
	})
}

// FuzzUnpack: what is no packed body is refused or comes to something, and
// nothing else happens.
func FuzzUnpack(f *testing.F) {
	s := newShape(1, []byte("a=1&b[c]=22&d=&e"))
	for _, body := range []string{"", "a=1", "a=12&b[c]=2&e", "x=1&a=3&d=7&e"} {
		f.Add(s.pack(nil, []byte(body)))
	}
	f.Add([]byte{0, 1, 3, 7, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, stored []byte) {
		got, err := s.unpack(nil, stored)
		if err != nil && got != nil {
			t.Errorf("%q, %v", got, err)
		}
		if len(got) > 64*len(stored) {
			t.Errorf("%d bytes of %d", len(got), len(stored))
		}
	})
}

// TestPackedBodies: calls are sent, and looked up, with the bodies they were
// planned with; packed they take a third, and what stays of them when they are
// gone says nothing of a single one.
func TestPackedBodies(t *testing.T) {
	ctx := context.Background()
	j, err := Open(ctx, filepath.Join(t.TempDir(), "j"), me, Options{Clock: clock, Unsynced: true, batchRows: 32})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	ops := realistic(payments(200))
	ops[40].Body = []byte("\x00no form at all")
	ops[41].Body = nil
	for i := range ops[:100] { // too few of the first batch, and then many
		ops[i].Class = []string{"rare", "common"}[min(1, i%32)]
	}
	plan(t, j, "r", ops...)
	whole := 0
	for i, l := range lanes(t, j, "r") {
		if !bytes.Equal(l.Steps[0].Body, ops[i].Body) {
			t.Fatalf("body %d is %q", i, l.Steps[0].Body)
		}
		whole += len(ops[i].Body)
		if err := j.Begin(ctx, ops[i].ID, 0, ""); err != nil && len(ops[i].Body) > 0 {
			t.Fatal(err)
		}
		if err := j.Finish(ctx, ops[i].ID, 0, Outcome{State: Unknown}); err != nil {
			t.Fatal(err)
		}
	}
	i := 0
	for d, err := range j.Unsettled(ctx) {
		if err != nil || !bytes.Equal(d.Body, ops[i].Body) {
			t.Fatalf("body %d in doubt is %q, %v", i, d.Body, err)
		}
		i++
	}
	if n := count(t, j, "SELECT sum(length(form)) FROM body"); i != len(ops) || n*3 > whole {
		t.Errorf("%d bodies of %d bytes take %d", i, whole, n)
	}
	if n := count(t, j, "SELECT count(*) FROM shape"); n != 2 { // of the classes "common" and "payment"
		t.Errorf("%d shapes", n)
	}
	var form []byte
	if err := j.read.QueryRow("SELECT form FROM shape ORDER BY no LIMIT 1").Scan(&form); err != nil {
		t.Fatal(err)
	}
	fields := strings.Split(string(form), "&")
	for _, want := range []string{"customer_details[email]=p", "amount_requested[currency]=eur", "metadata[payrec_net]=", "initiated_at=17723196"} {
		if !slices.Contains(fields, want) {
			t.Errorf("%q is not in the shape %q", want, fields)
		}
	}
}
