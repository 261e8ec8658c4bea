package exporter

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/record"
)

// draw sets every field below v to anything that may stand there.
func draw(t *rapid.T, v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		if rapid.Bool().Draw(t, "known") {
			*x = time.Unix(rapid.Int64Range(-1<<36, 1<<36).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()
		}
		return
	case *ReconcileState:
		*x = rapid.SampledFrom(ReconcileStates()).Draw(t, "state")
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.SampledFrom([]string{"", "key"}), rapid.String()).Draw(t, "text"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64Max(1<<62).Draw(t, "number"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "some") {
			v.Set(reflect.New(v.Type().Elem()))
			draw(t, v.Elem())
		}
	case reflect.Slice:
		for i := range rapid.IntRange(0, 3).Draw(t, "length") {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			draw(t, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				draw(t, f)
			}
		}
	default:
		t.Fatalf("a %s", v.Kind())
	}
}

func drawn[T any](t *rapid.T) (x T) {
	draw(t, reflect.ValueOf(&x).Elem())
	return x
}

// same says whether all of what was packed is read as it was, and no part of it
// passes for the whole.
func same[T any](t *rapid.T, want T, packed []byte, read func(s string) (T, error)) {
	t.Helper()
	got, err := read(string(packed))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(found{})); err != nil || diff != "" {
		t.Fatalf("%v (-want +got)\n%s", err, diff)
	}
	for i := range packed {
		if _, err := read(string(packed[:i])); err == nil {
			t.Fatalf("%d of %d bytes are read", i, len(packed))
		}
	}
}

// TestSidesKeepEverything: whatever a side or an item has is read back.
func TestSidesKeepEverything(t *testing.T) {
	const key = "key"
	rapid.Check(t, func(t *rapid.T) {
		claim, known, f, item := drawn[Claim](t), drawn[Known](t), drawn[found](t), drawn[Item](t)
		claim.Payment, known.Payment = key, key
		f.no = rapid.Uint64Max(1<<62).Draw(t, "no")
		var p packer
		p.again().claim(&claim)
		same(t, claim, p.b, sideOf(claimSide, (*unpacker).claim))
		p.again().known(&known)
		same(t, known, p.b, sideOf(knownSide, (*unpacker).known))
		p.again().found(&f, key)
		same(t, f, p.b, sideOf(foundSide, (*unpacker).found))
		p.again().item(&item)
		same(t, item, p.b, readItem)
	})
}

func sideOf[T any](kind sideKind, read func(*unpacker, string) T) func(string) (T, error) {
	return func(s string) (T, error) {
		u := unpacker{s: s}
		if sideKind(u.byte()) != kind {
			u.fail()
		}
		x := read(&u, "key")
		return x, u.end()
	}
}

// TestReconcileCountsEachRecordOnce: a record that comes again counts as what it
// was the last time, whatever payment or kind it was of before.
func TestReconcileCountsEachRecordOnce(t *testing.T) {
	by := func(who string) func(*record.PaymentRecord) {
		return func(r *record.PaymentRecord) { r.ReportedBy = who }
	}
	of := func(source string) func(*record.PaymentRecord) {
		return func(r *record.PaymentRecord) { r.Metadata[record.StampSource] = source }
	}
	result := reconcile(t, ReconcileOptions{Within: true}, 1, []Claim{paid("A", 500), paid("B", 500)}, nil,
		recorded("pr_1", "A", 500),                     // B's, after all
		with(recorded("pr_2", "C", 500), of("other")),  // ours, after all
		with(recorded("pr_3", "D", 500), by("stripe")), // and still
		recorded("pr_4", "E", 500),                     // another's, after all
		with(recorded("pr_5", "F", 500), unstamped),    // A's, after all
		with(recorded("pr_6", "", 500), unstamped),     // without stamp and reference
		recorded("pr_1", "B", 500), recorded("pr_2", "C", 500), with(recorded("pr_3", "D", 500), by("stripe")),
		with(recorded("pr_4", "E", 500), of("other")), with(recorded("pr_5", "A", 500), unstamped),
	)
	s := result.Summary
	if s.Records != 6 || s.OnStripe != 1 || s.OtherSources != 1 || s.Unidentified != 1 {
		t.Errorf("%+v", s)
	}
	var got []string
	for item, err := range result.Items() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(item.Payment, " ", item.State, " ", item.Records))
	}
	if diff := cmp.Diff([]string{"A matched [pr_5]", "B matched [pr_1]", "C not in file [pr_2]"}, got); diff != "" {
		t.Error(diff)
	}
}
