package main

import (
	"fmt"
	"strings"
	"time"
)

// reading is the progress of an export: first of the records, of which nobody
// knows how many there are, then of the attempts of so many payments.
type reading struct {
	app      *app
	mode     string // of attempts
	from     *paging
	bar      *progress
	next     time.Time // before, no line is printed
	began    time.Time // of the phase
	first    int64     // requests made before it
	payments int       // whose attempts are read; 0 while it is the list
}

func (a *app) newReading(mode string, from *paging) *reading {
	now := time.Now()
	return &reading{app: a, mode: mode, from: from, bar: a.newProgress("reading", "records", 0), began: now, next: now.Add(sayEvery)}
}

// set is told how far it is, from one goroutine at a time.
func (r *reading) set(records, attempts int) {
	now := time.Now()
	every := sayEvery
	if r.bar.bar != nil {
		every = time.Second
	}
	done := records
	if r.payments > 0 {
		done = attempts
	}
	if r.bar.bar != nil {
		r.bar.set(int64(done))
	}
	if now.Before(r.next) && (r.bar.bar == nil || records > 1) {
		return
	}
	r.next = now.Add(every)
	said := r.text(done, now.Sub(r.began))
	if r.bar.bar != nil {
		r.bar.bar.Describe(said)
		return
	}
	fmt.Fprintln(r.app.stderr, "payrec:", said)
}

// believable is how many times what was read may yet be left for an estimate to
// be shown: at the beginning it is told from a second and goes for years.
const believable = 3

// text is the state of a reading in a line: what is done, of how many, how many
// requests that took, and how long it may take yet.
func (r *reading) text(done int, elapsed time.Duration) string {
	requests := r.from.requests.Load() - r.first
	var parts []string
	left, known := r.from.Left()
	known = known && left <= believable*done
	what, ahead := "record", float64(left)/pageSize
	switch {
	case r.payments > 0:
		left, known = r.payments-done, true
		what, ahead = "payment", float64(left)
		parts = append(parts, fmt.Sprintf("reading attempts: of %s payments of %s", thousands(int64(done)), thousands(int64(r.payments))))
	case known:
		parts = append(parts, fmt.Sprintf("reading: %s of about %s records", thousands(int64(done)), thousands(int64(roundly(done+left)))))
	default:
		parts = append(parts, fmt.Sprintf("reading: %s", count(int64(done), what)))
	}
	parts = append(parts, count(requests, "request"))
	if known && requests > 0 && elapsed > 0 {
		perSecond := float64(requests) / elapsed.Seconds()
		parts = append(parts, "about "+roughly(time.Duration(ahead/perSecond*float64(time.Second)))+" left")
	}
	return strings.Join(parts, " · ")
}

// roundly is a number that claims no more than two digits.
func roundly(n int) int {
	unit := 1
	for n/unit >= 100 {
		unit *= 10
	}
	return (n + unit/2) / unit * unit
}

// roughly is how long something takes, for people: seconds, minutes, or hours.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds())+1)
	case d < 100*time.Minute:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

// askAttempts is from how many payments on the cost is said.
const askAttempts = 1000

// beforeAttempts says what the attempts cost before the first is read.
func (r *reading) beforeAttempts(payments int) error {
	r.bar.done()
	r.payments = payments
	r.began, r.first, r.next = time.Now(), r.from.requests.Load(), time.Now().Add(sayEvery)
	r.bar = r.app.newProgress("reading attempts", "payments", int64(payments))
	if payments < askAttempts {
		return nil
	}
	said := fmt.Sprintf("payrec: --attempts %s costs one request per payment: %s", r.mode, count(int64(payments), "request"))
	if perSecond := r.from.perSecond; perSecond > 0 {
		took := time.Duration(float64(payments) / perSecond * float64(time.Second))
		said += fmt.Sprintf(", about %s at %g a second", took.Round(time.Second), perSecond)
	}
	fmt.Fprintln(r.app.stderr, said)
	return nil
}
