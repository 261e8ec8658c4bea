package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/archive"
)

const (
	// goesOnWithin is how old an interrupted reading may be to go on with: a
	// record that changed meanwhile is as it was then.
	goesOnWithin = 24 * time.Hour
	// worthKeeping is from how many pages on a reading is kept, those before as
	// well: less is read again in a second or two.
	worthKeeping = 20
)

// A memory is what an export knows from earlier ones: attempts that need not be
// read again, and what an interrupted one had read.
type memory struct {
	app      *app
	reading  *archive.Reading  // nil for none
	attempts *archive.Attempts // nil for none
	fresh    bool
	waiting  []exporter.Page // until there are enough to be worth keeping
	worth    bool
}

// remember opens what stands beside the journal. fresh ignores what is there.
func (a *app) remember(ctx context.Context, t *target, f *exportFlags, period exporter.Period) *memory {
	m := &memory{app: a, fresh: f.fresh}
	now := a.clock().UTC()
	if f.concurrency > 1 {
		oldest := now.Add(-goesOnWithin)
		if f.fresh {
			oldest = now.Add(time.Second)
		}
		m.reading = archive.OpenReading(ctx, beside(t.journal, ".reading"), t.owner(), period.Listed(), oldest, now)
		if began, kept := m.reading.Began(); kept {
			fmt.Fprintf(a.stderr, "payrec: goes on with the reading of %s UTC that was interrupted; what it had read is as it was then, --fresh reads all of it anew\n", began.Format("2006-01-02 15:04"))
			m.worth = true
		}
	}
	if f.attempts != string(exporter.NoAttempts) {
		m.attempts = archive.OpenAttempts(ctx, beside(t.journal, ".cache"), t.owner())
	}
	return m
}

// store is the reading, for the exporter.
func (m *memory) store() exporter.PageStore {
	if m.reading == nil {
		return nil
	}
	return m
}

// Began implements [exporter.PageStore].
func (m *memory) Began() time.Time {
	at, _ := m.reading.Began()
	return at
}

// Pages implements [exporter.PageStore].
func (m *memory) Pages() iter.Seq2[exporter.Page, error] {
	return func(yield func(exporter.Page, error) bool) {
		for p, err := range m.reading.Pages() {
			if !yield(exporter.Page(p), err) {
				return
			}
		}
	}
}

// Keep implements [exporter.PageStore].
func (m *memory) Keep(p exporter.Page) {
	m.waiting = append(m.waiting, p)
	if m.worth = m.worth || len(m.waiting) == worthKeeping; !m.worth {
		return
	}
	for _, p := range m.waiting {
		m.reading.Keep(p.Low, p.High, p.Records)
	}
	m.waiting = nil
}

// cache is the attempts, for the exporter.
func (m *memory) cache() exporter.AttemptCache {
	switch {
	case m.attempts == nil:
		return nil
	case m.fresh:
		return keepOnly{m.attempts}
	}
	return m.attempts
}

// keepOnly knows nothing from before.
type keepOnly struct{ cache *archive.Attempts }

func (keepOnly) Attempts(string, []byte) ([]byte, error) { return nil, nil }

func (k keepOnly) KeepAttempts(recordID string, evidence, attempts []byte) error {
	return k.cache.KeepAttempts(recordID, evidence, attempts)
}

// done forgets the reading: the export is written.
func (m *memory) done() {
	if m.reading == nil {
		return
	}
	if err := m.reading.Done(); err != nil {
		m.note("what this export has read is not deleted", err)
	}
	m.reading = nil
}

// close says what could not be kept. It is never a reason to fail.
func (m *memory) close() error {
	if m.reading != nil {
		m.note("an interruption could not be gone on from", errors.Join(m.reading.Err(), m.reading.Close()))
	}
	if m.attempts != nil {
		m.note("attempts are not kept for the next export", errors.Join(m.attempts.Err(), m.attempts.Close()))
	}
	return nil
}

func (m *memory) note(what string, err error) {
	if err != nil {
		fmt.Fprintln(m.app.stderr, "payrec:", what+":", clean(err.Error()))
	}
}
