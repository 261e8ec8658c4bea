package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	mine   = Owner{Name: "shop/live", ID: "acct_1"}
	others = Owner{Name: "shop/live", ID: "acct_2"}
)

func TestAttemptsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	a := OpenAttempts(t.Context(), path, mine)
	for i := range 3 * attemptsTogether / 2 {
		a.KeepAttempts(fmt.Sprint("pr_", i), []byte{byte(i)}, []byte(fmt.Sprint("attempts of ", i)))
	}
	a.KeepAttempts("pr_7", []byte("new"), []byte("changed"))
	get := func(id, evidence string) string {
		b, _ := a.Attempts(id, []byte(evidence))
		return string(b)
	}
	check := func() {
		t.Helper()
		if got := get("pr_70", "\x46"); got != "attempts of 70" {
			t.Errorf("kept %q", got)
		}
		if got := get("pr_7", "\x07") + get("pr_8", "x") + get("pr_x", "\x08"); got != "" {
			t.Errorf("without evidence: %q", got)
		}
		if got := get("pr_7", "new"); got != "changed" {
			t.Errorf("after a change: %q", got)
		}
	}
	check()
	if err := errors.Join(a.Err(), a.Close()); err != nil {
		t.Fatal(err)
	}
	a = OpenAttempts(t.Context(), path, Owner{Name: mine.Name}) // the key may not know the account's id
	check()
	if info, err := os.Stat(path); runtime.GOOS != "windows" && (err != nil || info.Mode().Perm() != 0o600) {
		t.Errorf("%v %v", info.Mode(), err)
	}
	// One process at a time: the second does without.
	b := OpenAttempts(t.Context(), path, mine)
	if !errors.Is(b.Err(), ErrInUse) {
		t.Errorf("in use twice: %v", b.Err())
	}
	if got, err := b.Attempts("pr_7", []byte("new")); got != nil || err != nil || b.KeepAttempts("pr_7", nil, nil) != nil {
		t.Errorf("%q %v", got, err)
	}
	if err := errors.Join(b.Close(), a.Close()); err != nil {
		t.Fatal(err)
	}
	// Another account's is made anew.
	a = OpenAttempts(t.Context(), path, others)
	defer a.Close()
	if got := get("pr_7", "new"); got != "" || a.Err() != nil {
		t.Errorf("of another account: %q, %v", got, a.Err())
	}
}

// What is no cache, or none that can be read, is made anew; a value that the
// disk has changed was never there.
func TestAttemptsSurviveDamage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cache")
	if err := os.WriteFile(path, []byte("no database, but long enough to be taken for one by its length alone"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := OpenAttempts(t.Context(), path, mine)
	a.KeepAttempts("pr_1", []byte("e"), bytes.Repeat([]byte("attempts "), 50))
	if err := errors.Join(a.Err(), a.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("attempts attempts"))
	if at < 0 {
		t.Fatal("not there")
	}
	b[at+20] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	a = OpenAttempts(t.Context(), path, mine)
	defer a.Close()
	if got, _ := a.Attempts("pr_1", []byte("e")); got != nil || a.Err() != nil {
		t.Errorf("%q, %v", got, a.Err())
	}
	if a := OpenAttempts(t.Context(), filepath.Join(dir, "no", "folder"), mine); a.Err() == nil || a.Close() != nil {
		t.Error("there is no such folder")
	}
}

func pages(t *testing.T, r *Reading) (all []string) {
	t.Helper()
	for p, err := range r.Pages() {
		all = append(all, fmt.Sprintf("%d-%d %s %v", p.Low, p.High, p.Records, err))
	}
	return all
}

func TestReadingGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reading")
	began := time.Unix(1_800_000_000, 0).UTC()
	open := func(key string, at time.Time) *Reading {
		return OpenReading(t.Context(), path, mine, key, at.Add(-time.Hour), at)
	}
	r := open("all", began)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a reading without a page leaves a file")
	}
	r.Keep(100, 200, []byte("second"))
	r.Keep(50, 100, []byte("first"))
	if len(pages(t, r)) != 0 || r.Err() != nil {
		t.Errorf("its own pages come again: %v", r.Err())
	}
	r.Close()
	want := []string{"100-200 second <nil>", "50-100 first <nil>"}
	r = open("all", began.Add(time.Minute))
	if at, kept := r.Began(); !kept || !at.Equal(began) || !slices.Equal(pages(t, r), want) {
		t.Errorf("%v %v %v", at, kept, r.Err())
	}
	r.Keep(0, 50, []byte("third"))
	r.Close()
	if r = open("all", began.Add(time.Minute)); len(pages(t, r)) != 3 {
		t.Error("the third page is lost")
	}
	other := open("all", began)
	if !errors.Is(other.Err(), ErrInUse) || other.Done() != nil || !exists(path) {
		t.Errorf("another's reading was taken or removed: %v", other.Err())
	}
	if err := r.Done(); err != nil || exists(path) {
		t.Errorf("done: %v", err)
	}
	// Too old, of the future, or of something else: forgotten.
	for name, at := range map[string]time.Time{"all": began.Add(2 * time.Hour), "none": began, "future": began} {
		r := open("all", began)
		if name == "future" {
			r.Close()
			r = open("all", began.Add(time.Minute))
			name, at = "all", began.Add(-time.Minute)
		}
		r.Keep(1, 2, []byte("x"))
		r.Close()
		r = open(name, at)
		if _, kept := r.Began(); kept || len(pages(t, r)) != 0 || r.Err() != nil {
			t.Errorf("%s at %s goes on: %v", name, at, r.Err())
		}
		r.Done()
	}
}

func sealOf(n int, status string) iter.Seq2[Payment, error] {
	return func(yield func(Payment, error) bool) {
		for i := range n {
			if !yield(Payment{ID: fmt.Sprintf("pr_%03d", i), Currency: "eur", Amount: 100, Fee: "0.10", SettledIn: "eur", Status: status, PaidAt: int64(i), Digest: []byte(status)}, nil) {
				return
			}
		}
	}
}

func TestExportsAreLogged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exports")
	x, err := OpenExports(t.Context(), path, mine)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	at := time.Unix(1_800_000_000, 0).UTC()
	add := func(state string, payments int) int64 {
		t.Helper()
		e := Export{At: at, Scope: "june", Period: "June", Payments: payments, Digest: []byte(state), Files: []File{{"june.csv", "abc", 7}}}
		if last, err := x.Latest(t.Context(), "june", e.Digest, false); err != nil {
			t.Fatal(err)
		} else if last != nil {
			e.Since = last.No
			n := 0
			for _, err := range x.Payments(t.Context(), last.Seal) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != last.Payments {
				t.Errorf("%s: %d figures of export %d are left", state, n, last.No)
			}
		}
		no, err := x.Add(t.Context(), e, sealOf(payments, state))
		if err != nil {
			t.Fatal(err)
		}
		return no
	}
	for i, state := range []string{"A", "A", "B", "A", "C", "C", "B", "C", "A"} {
		if no := add(state, 3); no != int64(i+1) {
			t.Errorf("export %d is number %d", i+1, no)
		}
	}
	all, err := x.All(t.Context())
	if err != nil || len(all) != 9 {
		t.Fatalf("%d exports, %v", len(all), err)
	}
	var seals, since []int64
	for _, e := range all {
		seals, since = append(seals, e.Seal), append(since, e.Since)
	}
	if !slices.Equal(seals, []int64{1, 1, 3, 1, 5, 5, 7, 5, 9}) || !slices.Equal(since, []int64{0, 0, 2, 3, 4, 4, 6, 7, 8}) {
		t.Errorf("seals %v since %v", seals, since)
	}
	want := Export{No: 9, At: at, Scope: "june", Period: "June", Payments: 3, Digest: []byte("A"), Seal: 9, Since: 8, Files: []File{{"june.csv", "abc", 7}}}
	if diff := cmp.Diff(want, all[8]); diff != "" {
		t.Error(diff)
	}
	if e, err := x.Latest(t.Context(), "july", nil, false); e != nil || err != nil {
		t.Errorf("july: %v, %v", e, err)
	}
	// What does not add up is not there at all.
	if _, err := x.Add(t.Context(), Export{Scope: "june", Payments: 4, Digest: []byte("D")}, sealOf(3, "D")); err == nil {
		t.Error("a seal of three payments was taken for four")
	}
	if all, err := x.All(t.Context()); err != nil || len(all) != 9 {
		t.Errorf("%d exports, %v", len(all), err)
	}
}

func TestExportsBelongToOneAccount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exports")
	for _, step := range []struct {
		owner Owner
		ok    bool
	}{{Owner{Name: "shop/live"}, true}, {mine, true}, {others, false}, {Owner{Name: "shop/test", ID: "acct_1"}, false}, {Owner{Name: "shop/live"}, true}} {
		x, err := OpenExports(t.Context(), path, step.owner)
		if err == nil {
			err = x.Close()
		}
		var other *OwnerError
		if step.ok && err != nil || !step.ok && !errors.As(err, &other) {
			t.Errorf("%v: %v", step.owner, err)
		}
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("evidence is not thrown away"), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenExports(t.Context(), path, mine); !errors.Is(err, errForm) {
		t.Errorf("no log: %v", err)
	}
}
