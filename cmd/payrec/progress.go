package main

import (
	"fmt"
	"sync"
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

	mu   sync.Mutex // guards said
	said time.Time
}

// sayEvery is how often a line is printed where there is no terminal.
const sayEvery = 15 * time.Second

func (a *app) newProgress(what, unit string, total int64) *progress {
	p := &progress{app: a, what: what, total: total, said: time.Now()}
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
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(30))
	}
	return p
}

// set says that n are done. It may be called from many goroutines.
func (p *progress) set(n int64) {
	if p.bar != nil {
		p.bar.Set64(n)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.said) >= sayEvery {
		p.said = now
		of := ""
		if p.total > 0 {
			of = " of " + thousands(p.total)
		}
		fmt.Fprintf(p.app.stderr, "payrec: %s: %s%s\n", p.what, thousands(n), of)
	}
}

func (p *progress) done() {
	if p.bar != nil {
		p.bar.Finish()
	}
}
