package exporter

import (
	"bytes"
	"io"
	"sync"
	"testing"

	"github.com/payrec/payrec/record"
)

// shelfCache is an AttemptCache in memory.
type shelfCache struct {
	mu   sync.Mutex // guards kept
	kept map[string][2]string
}

func (c *shelfCache) Attempts(id string, evidence []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.kept[id]; ok && k[0] == string(evidence) {
		return []byte(k[1]), nil
	}
	return nil, nil
}

func (c *shelfCache) KeepAttempts(id string, evidence, attempts []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[id] = [2]string{string(evidence), string(attempts)}
	return nil
}

func written(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestKeptAttemptsAreNotReadAgain: a second export reads the attempts of what is
// open or has changed, and its file is that of an export that knows nothing.
func TestKeptAttemptsAreNotReadAgain(t *testing.T) {
	src := generate(200, 12)
	cache := &shelfCache{kept: map[string][2]string{}}
	read := 0
	export := func(mode AttemptsMode, c AttemptCache) *Dataset {
		o := Options{Attempts: mode, BeforeAttempts: func(n int) error { read = n; return nil }}
		if c != nil {
			o.Cache = c
		}
		return collectAll(t, src, o)
	}
	export(AllAttempts, cache)
	open := 0
	for _, r := range src.records {
		if r.Status() == record.Initiated {
			open++
		}
	}
	if read != 200 || open == 0 || len(cache.kept) > 200-open || len(cache.kept) < 150 {
		t.Fatalf("%d read, %d open, %d kept", read, open, len(cache.kept))
	}
	left := 200 - len(cache.kept)
	for _, mode := range []AttemptsMode{LatestAttempts, AllAttempts} {
		again := export(mode, cache)
		if read != left || again.AttemptsKept() != 200-left {
			t.Errorf("%s: %d of %d were read again", mode, read, left)
		}
		if got, want := written(t, again.WriteAttemptsCSV), written(t, export(mode, nil).WriteAttemptsCSV); got != want {
			t.Errorf("%s: from the cache it is another file", mode)
		}
	}
	// A failed payment takes another attempt, a guaranteed one a refund, one is
	// described anew: each shows on its record.
	var changed *record.PaymentRecord
	for i, r := range src.records {
		if _, kept := cache.kept[r.ID]; !kept || i%3 > 0 {
			continue
		}
		last := *src.attempts[r.ID][0]
		switch r.Status() {
		case record.Failed:
			last.ID += "_next"
			src.attempts[r.ID] = append([]*record.PaymentAttemptRecord{&last}, src.attempts[r.ID]...)
			r.LatestPaymentAttemptRecord = &last.ID
		case record.Guaranteed:
			r.AmountRefunded.Value, last.AmountRefunded.Value = 1, 1
			src.attempts[r.ID] = append([]*record.PaymentAttemptRecord{&last}, src.attempts[r.ID][1:]...)
		default:
			r.Metadata["note"], last.Description = "new", new("new")
			src.attempts[r.ID] = append([]*record.PaymentAttemptRecord{&last}, src.attempts[r.ID][1:]...)
		}
		changed = r
	}
	d := export(AllAttempts, cache)
	if changed == nil || read <= left {
		t.Fatal("nothing changed")
	}
	if got, want := written(t, d.WriteAttemptsCSV), written(t, export(AllAttempts, nil).WriteAttemptsCSV); got != want {
		t.Error("a change is missing")
	}
	// What another version kept is read anew.
	for id, k := range cache.kept {
		cache.kept[id] = [2]string{k[0], "\x00" + k[1][1:]}
	}
	if export(AllAttempts, cache); read != 200 {
		t.Errorf("%d were read again after a change of the form", read)
	}
}

// TestAttemptsMustAgree: a list of attempts that has not caught up with its
// record is not kept.
func TestAttemptsMustAgree(t *testing.T) {
	r := simple("pr_1", 1)
	r.LatestPaymentAttemptRecord = new("par_2")
	attempt := func(id string, guaranteed, refunded int64) *record.PaymentAttemptRecord {
		return &record.PaymentAttemptRecord{ID: id, AmountRequested: r.AmountRequested, AmountGuaranteed: record.Amount{Currency: "eur", Value: guaranteed},
			AmountRefunded: record.Amount{Currency: "eur", Value: refunded}, AmountCanceled: r.AmountCanceled, AmountFailed: r.AmountFailed}
	}
	refunded := *r
	refunded.AmountRefunded.Value = 300
	open := *r
	open.AmountGuaranteed.Value = 0
	for i, tt := range []struct {
		r        *record.PaymentRecord
		attempts []*record.PaymentAttemptRecord
		want     bool
	}{
		{r, []*record.PaymentAttemptRecord{attempt("par_1", 0, 0), attempt("par_2", 1000, 0)}, true},
		{r, []*record.PaymentAttemptRecord{attempt("par_1", 0, 0)}, false},
		{r, []*record.PaymentAttemptRecord{attempt("par_2", 0, 0)}, false},
		{r, nil, false},
		{&refunded, []*record.PaymentAttemptRecord{attempt("par_2", 1000, 0)}, false},
		{&refunded, []*record.PaymentAttemptRecord{attempt("par_2", 1000, 300)}, true},
		{&open, []*record.PaymentAttemptRecord{attempt("par_2", 0, 0)}, false},
	} {
		if got := agrees(tt.r, tt.attempts); got != tt.want {
			t.Errorf("case %d: %t", i, got)
		}
	}
}
