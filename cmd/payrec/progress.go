package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A progress shows how far a command is: a bar on a terminal, a line now and
// then elsewhere, nothing when it is over before anybody would wonder.
type progress struct {
	app   *app
	what  string
	total int64 // 0 when it is not known
	bar   *progressbar.ProgressBar

	next atomic.Int64 // Unix nanoseconds: before, nothing is shown
	mu   sync.Mutex   // held while something is
}

// drawEvery is how often the bar is drawn at the most.
const drawEvery = 100 * time.Millisecond

// sayEvery is how often a line is printed where there is no terminal.
const sayEvery = 15 * time.Second

func (a *app) newProgress(what, unit string, total int64) *progress {
	p := &progress{app: a, what: what, total: total}
	p.next.Store(time.Now().Add(sayEvery).UnixNano())
	if isTerminal(a.stderr) {
		length := total
		if length == 0 {
			length = -1
		}
		p.bar = progressbar.NewOptions64(length,
			progressbar.OptionSetWriter(a.stderr),
			progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString(unit),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(30))
		p.next.Store(0)
	}
	return p
}

// set says that n are done. It may be called from many goroutines and for every
// row: nearly always it only looks at the clock.
func (p *progress) set(n int64) {
	now := time.Now()
	next := p.next.Load()
	every := drawEvery
	if p.bar == nil {
		every = sayEvery
	}
	if now.UnixNano() < next || !p.next.CompareAndSwap(next, now.Add(every).UnixNano()) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.Set64(n)
		return
	}
	of := ""
	if p.total > 0 {
		of = " of " + thousands(p.total)
	}
	fmt.Fprintf(p.app.stderr, "payrec: %s: %s%s\n", p.what, thousands(n), of)
}

// note prints a line beside the progress.
func (p *progress) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.Clear()
	}
	fmt.Fprintf(p.app.stderr, "payrec: %s\n", clean(fmt.Sprintf(format, args...)))
}

func (p *progress) done() {
	if p.bar != nil {
		p.bar.Finish()
	}
}
