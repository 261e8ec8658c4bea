package exporter

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/record"
)

// fill sets every field below v to something of its own, so that a field that
// the codec forgets shows.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", *n))
	case reflect.Int64:
		v.SetInt(int64(*n)*1_000_003 - 20_000_000)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{fmt.Sprint("b", *n): "", fmt.Sprint("a", *n): "ä\x00"}))
	case reflect.Slice:
		v.SetBytes([]byte(fmt.Sprintf(`{"n":%d}`, *n)))
	default:
		panic(v.Kind())
	}
}

// TestCodecKeepsEverything: whatever a record or an attempt has comes back.
func TestCodecKeepsEverything(t *testing.T) {
	full, attempt, n := &record.PaymentRecord{}, &record.PaymentAttemptRecord{}, 0
	fill(reflect.ValueOf(full).Elem(), &n)
	fill(reflect.ValueOf(attempt).Elem(), &n)
	records := append(generate(300, 7).records, full, &record.PaymentRecord{}, &record.PaymentRecord{Metadata: map[string]string{}, CustomerDetails: &record.CustomerDetails{}})
	for _, r := range records {
		b := appendRecord(nil, r)
		got, err := decodeRecord(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Fatal(diff)
		}
		for i := range b { // no part of it passes for the whole
			if _, err := decodeRecord(b[:i]); err == nil {
				t.Fatalf("%d of %d bytes are read", i, len(b))
			}
		}
	}
	attempts := []*record.PaymentAttemptRecord{attempt, {}}
	got, err := decodeAttempts(appendAttempts(nil, attempts))
	if err != nil || !cmp.Equal(attempts, got) {
		t.Errorf("%v\n%s", err, cmp.Diff(attempts, got))
	}
	if none, err := decodeAttempts(appendAttempts(nil, nil)); err != nil || len(none) != 0 {
		t.Errorf("no attempts: %v, %v", none, err)
	}
	// What is kept from one export to the next must be told from another form.
	sum := sha256.Sum256(appendAttempts(appendRecord(nil, full), attempts))
	const version1 = "c6acc0cf84636b3b"
	if got := hex.EncodeToString(sum[:8]); codecVersion != 1 || got != version1 {
		t.Errorf("the form has changed (%s): count codecVersion up, and put the new sum here", got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, r := range generate(3, 8).records {
		f.Add(appendRecord(nil, r))
	}
	f.Add(appendAttempts(nil, []*record.PaymentAttemptRecord{{ID: "par_1"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeRecord(b); err == nil {
			if again, err := decodeRecord(appendRecord(nil, r)); err != nil || !cmp.Equal(r, again) {
				t.Errorf("%v\n%s", err, cmp.Diff(r, again))
			}
		}
		decodeAttempts(b) // only must not fall over
	})
}

func BenchmarkCodec(b *testing.B) {
	records := generate(500, 1).records
	var buf []byte
	b.Run("encode", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			buf = appendRecord(buf[:0], records[i%len(records)])
		}
	})
	encoded := make([][]byte, len(records))
	for i, r := range records {
		encoded[i] = appendRecord(nil, r)
	}
	b.Run("decode", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			decodeRecord(encoded[i%len(encoded)])
		}
	})
	b.Run("payment", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			newPayment(records[i%len(records)])
		}
	})
}
